"""The rules of `check`, what they name, and the files that they are read from."""

from __future__ import annotations

import json
from importlib.resources import files

import jsonschema
import pytest
from check_world import made_session
from waste_scenes import F

from msbtui.errors import TargetError, UsageError
from msbtui.learn import PROJECTS
from msbtui.session.check import CheckConfig, Ignored, find_config, read_baseline, run_check
from msbtui.session.check.baseline import baseline_size as read_size
from msbtui.session.check.config import KINDS, RULES, parse_growth, parse_share, parse_size, read_config, read_dive
from msbtui.session.check.dive import dive_numbers
from msbtui.session.demo import demo_session, recording
from msbtui.text import size as bytes_text

DOCKERFILE = "FROM debian:bookworm-slim\nRUN one \\\n  && two\nRUN rm -rf /d\nCOPY a /a\n"
HISTORY = ("RUN /bin/sh -c one   && two # buildkit", "RUN /bin/sh -c rm -rf /d # buildkit", "COPY a /a # buildkit")


@pytest.fixture
def session():
    """1000 bytes of base; 500 added and deleted, 200 rewritten, 300 live."""
    return made_session(
        {"base": 1000},
        {"d/": None, "d/gone": 500, "a": 200, "var/lib/apt/lists/x_Packages": 100},
        {".wh.d": 0},
        {"a": 300},
        dockerfile=DOCKERFILE,
        history=HISTORY,
    )


def verdict(session, **rules):
    (result,) = run_check(session, CheckConfig(**rules)).results
    return result


@pytest.mark.parametrize(
    ("rule", "holds", "breaks"),
    [
        ("max_size", 2100, 2099),
        ("max_waste", 800, 799),
        ("max_waste_share", 800 / 2100, 0.38),
        ("min_efficiency", 1400 / 2100, 0.67),
        ("max_layer_size", 800, 799),
        ("max_above_base", 1100, 1099),
    ],
)
def test_limits_hold_to_the_byte(session, rule, holds, breaks):
    assert verdict(session, **{rule: holds}).passed
    broken = verdict(session, **{rule: breaks})
    assert not broken.passed
    assert broken.violations


def test_a_broken_layer_names_its_instruction(session):
    (violation,) = verdict(session, max_layer_size=400).violations
    assert (violation.layer, violation.line, violation.last_line, violation.bytes) == (1, 2, 3, 800)


def test_kinds(session):
    assert verdict(session, forbid_kinds=("docs",)).passed
    broken = verdict(session, forbid_kinds=("deleted-later", "package-cache"))
    assert [(each.bytes, each.line) for each in broken.violations] == [(500, 2), (100, 2)]
    assert broken.found == "2 findings, 600 B"


def test_findings_can_be_ignored(session):
    def left(*ignore):
        return [
            each.paths for each in verdict(session, forbid_kinds=("deleted-later", "package-cache"), ignore=ignore).violations
        ]

    assert left(Ignored("package-cache")) == [("d",)]
    assert left(Ignored(path="/d*")) == [("var",)] == left(Ignored("deleted-later", "d"))
    assert left(Ignored(path="/var/lib/apt/*")) == [("d",)]
    assert len(left(Ignored("docs"), Ignored("deleted-later", "e*"))) == 2
    assert not Ignored(path="a*").holds("docs", ()), "a finding without paths matches no pattern"


def test_confidence():
    session = made_session({"base": 10}, {"var/lib/apt/lists/x_Packages": 100, "usr/share/doc/x/manual": 1000})
    assert len(verdict(session, forbid_kinds=KINDS).violations) == 2
    assert len(verdict(session, forbid_kinds=KINDS, forbid_confidence="A").violations) == 1


def test_secrets_and_compilers():
    key = b"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj\n-----END PRIVATE KEY-----\n"
    session = made_session({"base": 10}, {"root/.ssh/id_rsa": F(key), "usr/lib/gcc/x86_64-linux-gnu/12/cc1": 4000})
    assert [each.paths for each in verdict(session, forbid_secrets=True).violations] == [("root/.ssh/id_rsa",)]
    assert verdict(session, forbid_compilers=True).violations[0].bytes == 4000
    assert "MIIE" not in str(run_check(session, CheckConfig(forbid_secrets=True)))


def test_compilers_of_the_base_count():
    session = demo_session("go")
    session.run(lambda _: None)
    assert any(each.layer == 3 for each in verdict(session, forbid_compilers=True).violations)


def test_traps():
    text = "FROM debian AS b\nRUN make\nFROM debian\nCOPY --from=b /src/* /dst/\n"
    session = made_session({"a": 1}, dockerfile=text)
    (violation,) = verdict(session, forbid_traps=True).violations
    assert violation.line == 4 and violation.message.startswith("CopyWildcardFlattens: ")


def test_growth(session, tmp_path):
    baseline = tmp_path / "b.json"
    baseline.write_text(json.dumps({"image": {"size": 2000}}))
    assert verdict(session, baseline=str(baseline), max_growth=100).passed
    broken = verdict(session, baseline=str(baseline), max_growth=99)
    assert not broken.passed and broken.found == "2.1 kB (+100 B)"
    assert verdict(session, baseline=str(baseline), max_growth_share=0.05).passed
    assert not verdict(session, baseline=str(baseline), max_growth_share=0.04).passed


def test_growth_since_another_image(session):
    archive = f"recorded:{recording('c')}"
    size = read_size(archive)
    assert verdict(session, baseline=archive, max_growth=0).found == f"2.1 kB (−{bytes_text(size - 2100)})"
    whole = demo_session("c")
    whole.run(lambda _: None)
    assert verdict(whole, baseline=archive, max_growth=0).passed
    assert not verdict(whole, baseline=archive, max_growth=-1).passed
    with pytest.raises(TargetError):
        verdict(session, baseline="docker-archive:nothing.tar", max_growth=0)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"image": {"size": -1}}', '{"image": {"size": "1"}}', "[" * 100000])
def test_no_baseline(tmp_path, text):
    (tmp_path / "b").write_text(text)
    with pytest.raises(UsageError, match="is no baseline"):
        read_baseline(tmp_path / "b")


def test_a_clean_image_passes_everything():
    session = made_session({"base": 10}, {"app": 10})
    config = CheckConfig(max_size=20, max_waste=0, min_efficiency=1.0, forbid_kinds=KINDS, forbid_secrets=True, forbid_traps=True)
    assert run_check(session, config).passed


# -- dive ---------------------------------------------------------------------------------------------------------------


def test_dive_agrees_where_it_is_right():
    """A deleted file: dive's sum is the file's size, and so is ours."""
    numbers = dive_numbers(made_session({"base": 1000}, {"a": 500}, {".wh.a": 0}).table)
    assert (numbers.wasted, numbers.exact_wasted, numbers.counted_twice, numbers.missed) == (500, 500, 0, 0)
    assert numbers.user_share == numbers.exact_user_share == 1.0


def test_dive_counts_both_copies_and_misses_deleted_directories(session):
    numbers = dive_numbers(session.table)
    assert (numbers.wasted, numbers.exact_wasted) == (500, 700), "200 + 300 of /a; the 500 below /d are not seen"
    assert (numbers.counted_twice, numbers.missed) == (300, 500)
    # dive's own formula: smallest sizes of each path over all sizes, the marker of /d booked with what was below it.
    assert numbers.efficiency == pytest.approx((1000 + 500 + 500 + 200 + 100) / (1000 + 500 + 500 + 200 + 300 + 100))


def test_dive_rules_judge_by_exact_numbers_and_say_so(session):
    config = CheckConfig(dive=(("highestWastedBytes", 600.0), ("lowestEfficiency", 0.6), ("highestUserWastedPercent", 0.7)))
    wasted, efficiency, share = run_check(session, config).results
    assert not wasted.passed and wasted.found == "700 B"
    assert wasted.note == (
        "dive says 500 B and passes: it counts 300 B of rewritten files that are still in use and it misses 500 B below deleted "
        "directories"
    )
    assert efficiency.passed and efficiency.note.startswith("dive says 88.5%: ")
    assert share.passed and share.found == "63.6%"


@pytest.mark.parametrize("project", PROJECTS)
def test_dive_numbers_of_real_images_are_bounded(project):
    session = demo_session(project)
    session.run(lambda _: None)
    numbers = dive_numbers(session.table)
    assert numbers.exact_wasted == session.table.hidden_bytes
    assert 0 < numbers.efficiency <= 1
    assert numbers.wasted >= numbers.counted_twice


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("", {"lowestEfficiency": 0.9, "highestUserWastedPercent": 0.1}),
        (
            "# c\nrules:\n  # x\n  lowestEfficiency: 0.95 # why\n  highestWastedBytes: '20MB'\n"
            "  highestUserWastedPercent: disabled\n",
            {"lowestEfficiency": 0.95, "highestWastedBytes": 20e6},
        ),
        (
            '---\nrules:\r\n    "highest-wasted-bytes": 1 GiB\r\n    lowest-efficiency: off\nother: 3\n',
            {"highestWastedBytes": float(1 << 30), "highestUserWastedPercent": 0.1},
        ),
    ],
)
def test_dive_files(tmp_path, text, rules):
    (tmp_path / ".dive-ci").write_bytes(text.encode())
    assert dict(read_dive(tmp_path / ".dive-ci")) == rules


@pytest.mark.parametrize(
    "text", ["rules:\n  lowestEficiency: 1\n", "rules:\n  lowestEfficiency: 2\n", "rules:\n  highestWastedBytes: x\n", "rules\n"]
)
def test_dive_files_that_are_none(tmp_path, text):
    (tmp_path / ".dive-ci").write_text(text)
    with pytest.raises(UsageError):
        read_dive(tmp_path / ".dive-ci")


# -- .msbtui.toml --------------------------------------------------------------------------------------------------------

FULL = """\
[check]
max-size = "300MB"
max-waste = 1000
max-waste-share = "10%"
min-efficiency = 0.95
max-layer-size = "1.5 GiB"
max-above-base = "5k"
baseline = "base.json"
max-growth = "5%"
forbid-kinds = ["package-cache", "vcs"]
forbid-confidence = "A"
forbid-secrets = true
forbid-compilers = false
forbid-traps = true

[[check.ignore]]
kind = "package-cache"
path = "/root/*"
reason = "a mirror lives there"
"""


def schema():
    return json.loads((files("msbtui") / "report" / "schemas" / "config.json").read_text())


def test_every_rule_is_read(tmp_path):
    path = tmp_path / ".msbtui.toml"
    path.write_text(FULL)
    assert read_config(path) == CheckConfig(
        max_size=300_000_000,
        max_waste=1000,
        max_waste_share=0.1,
        min_efficiency=0.95,
        max_layer_size=3 << 29,
        max_above_base=5000,
        baseline=str(tmp_path / "base.json"),
        max_growth_share=0.05,
        forbid_kinds=("package-cache", "vcs"),
        forbid_confidence="A",
        forbid_secrets=True,
        forbid_traps=True,
        ignore=(Ignored("package-cache", "/root/*"),),
        sources=(str(path),),
    )


def test_a_baseline_that_is_an_image(tmp_path):
    path = tmp_path / ".msbtui.toml"
    for word, meant in (
        ("docker:debian:bookworm-slim", "docker:debian:bookworm-slim"),
        ("docker-archive:old.tar", f"docker-archive:{tmp_path}/old.tar"),
        ("old.json", f"{tmp_path}/old.json"),
    ):
        path.write_text(f"[check]\nbaseline = '{word}'\nmax-growth = 0\n")
        assert read_config(path).baseline == meant


def test_the_schema_knows_every_rule_and_kind():
    import tomllib

    jsonschema.validate(tomllib.loads(FULL), schema())
    table = schema()["properties"]["check"]["properties"]
    assert set(table) == set(RULES)
    assert table["forbid-kinds"]["items"]["enum"] == list(KINDS)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[check\n", "is no TOML"),
        ("a = " + "[" * 100_000, "nested too deep"),
        ("a = " + "1" * 10_000, "is no TOML"),
        ("[chek]\n", "unknown table 'chek'"),
        ("check = 3\n", "must be a table"),
        ("[check]\nmax-wate = 3\n", "did you mean 'max-waste'"),
        ("[check]\nmax-size = -3\n", "must be a text"),
        ("[check]\nmax-size = '3 parsecs'\n", "no size"),
        ("[check]\nmax-waste-share = 1.5\n", "no share"),
        ("[check]\nmin-efficiency = true\n", "must be a text"),
        ("[check]\nforbid-kinds = 'docs'\n", "must be a list"),
        ("[check]\nforbid-kinds = ['doc']\n", "did you mean 'docs'"),
        ("[check]\nforbid-confidence = 'D'\n", "must be A, B or C"),
        ("[check]\nforbid-secrets = 1\n", "true or false"),
        ("[check]\nmax-growth = '5%'\n", "belong together"),
        ("[check]\nbaseline = 'x'\n", "belong together"),
        ("[[check.ignore]]\nreason = 'x'\n", "which `kind` or `path`"),
        ("[[check.ignore]]\nkind = 'x'\n", "no kind of waste"),
        ("[check]\nignore = [3]\n", "must be tables"),
    ],
)
def test_what_is_no_configuration(tmp_path, text, says):
    path = tmp_path / ".msbtui.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=says):
        read_config(path)


def test_where_rules_are_looked_for(tmp_path):
    near, far = tmp_path / "near", tmp_path / "far"
    near.mkdir()
    far.mkdir()
    assert find_config([near, far]).is_empty
    (far / ".msbtui.toml").write_text("[check]\nmax-size = 1\n")
    assert find_config([near, far]).max_size == 1
    (near / ".dive-ci").write_text("rules:\n  lowestEfficiency: 0.5\n")
    found = find_config([near, far])
    assert found.max_size is None and dict(found.dive)["lowestEfficiency"] == 0.5
    (near / ".msbtui.toml").write_text("[check]\nmax-size = 2\n")
    found = find_config([near, far])
    assert found.max_size == 2 and found.dive and len(found.sources) == 2
    assert find_config([near], config=str(far / ".msbtui.toml")).max_size == 1
    with pytest.raises(UsageError, match="no such file"):
        find_config([near], config=str(far / "other.toml"))


def test_bytes_that_are_no_text(tmp_path):
    (tmp_path / ".msbtui.toml").write_bytes(b"\xff\xfe[")
    with pytest.raises(UsageError, match=r"is no UTF-8 text"):
        find_config([tmp_path])


def test_sizes_and_shares():
    assert [parse_size(word) for word in ("0", "20MB", "1.5kib", "3 GB", "7b")] == [0, 20_000_000, 1536, 3_000_000_000, 7]
    assert [parse_share(word) for word in ("0", "1", "10%", " 0.25 ")] == [0, 1, 0.1, 0.25]
    assert parse_growth("250%") == (None, 2.5) and parse_growth("1k") == (1000, None)
    for word in ("", "-1", "MB", "1 2", "1e3", "nan"):
        with pytest.raises(UsageError):
            parse_size(word)
    for word in ("", "-0.1", "1.1", "101%", "nan", "inf"):
        with pytest.raises(UsageError):
            parse_share(word)
