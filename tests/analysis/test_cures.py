"""Cures: what each kind edits, what it promises, where it keeps its hands off, and that every other byte stays."""

from __future__ import annotations

from difflib import SequenceMatcher

import pytest
from check_world import made_session
from waste_scenes import F

from msbtui.analysis.cure import cured, find_cures, ignored_text
from msbtui.dockerfile.parser import parse
from msbtui.errors import UsageError
from msbtui.learn import PROJECTS
from msbtui.session.cures import chosen, cures_of, world_of
from msbtui.session.demo import demo_session

LISTS = "var/lib/apt/lists/x_Packages"
FROM = "FROM debian:bookworm-slim\n"
BASE = {"var/lib/apt/lists/partial": None, "etc/x": 100, "root/.bashrc": 5, "usr/bin/x": 5, "tmp": None, "var/log/x/": None}


def buildkit(text):
    """Give BuildKit's history of a small Dockerfile's layers."""
    items = []
    for one in parse(text).instructions:
        if one.keyword == "RUN":
            items.append(f"RUN /bin/sh -c {one.value} # buildkit")
        elif one.keyword == "COPY":
            items.append(f"COPY {' '.join(one.words)} # buildkit")
        elif one.keyword == "WORKDIR":
            items.append(f"WORKDIR {one.value}")
    return tuple(items)


def session_of(lines, *layers, comment="buildkit.dockerfile.v0", base=BASE):
    text = FROM + lines
    session = made_session(base, *layers, dockerfile=text, history=buildkit(text))
    for layer in session.image.layers[1:]:
        import msgspec

        layer.history = msgspec.structs.replace(layer.history, comment=comment)
    return session


def cures(session, optional=None):
    return [cure for cure in find_cures(world_of(session)) if optional is None or cure.optional == optional]


def made(session, kind=None):
    """Give the Dockerfile below FROM with the usual cures, or those of one kind, made."""
    world = world_of(session)
    found = [one for one in find_cures(world) if (one.kind == kind if kind else not one.optional)]
    result = cured(world, found)
    return result.data.decode().removeprefix(FROM), [(one.kind, one.saves) for one in result.made]


def test_a_clean_up_and_its_promise():
    text, done = made(session_of("RUN x\n", {LISTS: 700}))
    assert text == "RUN x && rm -rf /var/lib/apt/lists/*\n"
    assert done == [("clean-up", 700)]


def test_two_findings_of_one_run_become_one_command():
    text, done = made(session_of("RUN x\n", {LISTS: 700, "var/log/own.log": 90, "root/.npm/_cacache/y": 50}))
    assert text == "RUN x && rm -rf /var/lib/apt/lists/* /var/log/*.log /root/.npm\n"
    assert sorted(bytes_ for _, bytes_ in done) == [50, 90, 700]


def test_managers_own_options():
    text, _ = made(session_of("RUN a && pip install \\\n    x && pip3 install y\n", {"root/.cache/pip/z": 9000}))
    assert text == "RUN a && pip install --no-cache-dir \\\n    x && pip3 install --no-cache-dir y\n"
    text, _ = made(session_of("RUN apk add x\n", {"var/cache/apk/APKINDEX.1.tar.gz": 900}))
    assert text == "RUN apk add --no-cache x\n"
    text, _ = made(session_of("RUN apk update && apk add x\n", {"var/cache/apk/APKINDEX.1.tar.gz": 900}))
    assert text == "RUN apk update && apk add x && rm -rf /var/cache/apk/*\n"


def test_lists_that_a_later_line_reads_stay():
    one = {LISTS: 700}
    assert made(session_of("RUN apt-get update\nRUN apt-get install -y x\n", one, {"usr/bin/y": 10}))[1] == []
    later = session_of("RUN apt-get update\nRUN apt-get update && apt-get install -y x\n", one, {"usr/bin/y": 10})
    assert made(later)[1] == [("clean-up", 700)]


def test_what_a_later_line_names_stays():
    layer = {"tmp/tool.sh": 400}
    assert made(session_of("RUN x\nRUN sh /tmp/tool.sh\n", layer, {"b": 1}))[1] == []
    assert made(session_of("RUN x\nRUN sh /tmp/other.sh\n", layer, {"b": 1}))[1] == [("clean-up", 400)]


def test_tmp_is_only_emptied_where_nothing_else_is_in_it():
    base = {**BASE, "tmp/of-base": 10}
    text, done = made(session_of("RUN x\n", {"tmp/a": 400}, base=base))
    assert done == [("clean-up", 400)]
    assert text == "RUN x && rm -rf /tmp/a\n"


def test_no_directory_of_the_system_is_deleted_whole():
    """In an image of nothing else, a cache fills /root and /var: still neither goes."""
    text, _ = made(session_of("RUN x\n", {LISTS: 700, "root/.npm/_cacache/y": 50, "opt/z": 1}, base={"etc/x": 100}))
    words = text.partition("rm -rf ")[2].split()
    assert not {"/root", "/var", "/var/lib", "/", "/*"} & set(words)


def test_hostile_names_are_quoted_or_left():
    text, _ = made(session_of("RUN npm x\n", {"root/.npm/_cacache/y": 50, "root/.npm/own": 1, "root/.npm/_logs/b; rm $HOME": 60}))
    assert text == "RUN npm x && rm -rf /root/.npm/_cacache /root/.npm/_logs\n"
    text, _ = made(session_of("RUN x\n", {"var/log/a b;$HOME": 60}))
    assert text in ("RUN x\n", "RUN x && rm -rf '/var/log/a b;$HOME'\n")
    session = session_of("RUN x\n", {"var/log/a\x1b[31m\n;reboot": 60})
    for cure in cures(session):
        assert "\x1b" not in cure.title and "\n" not in cure.title
    assert "reboot" not in made(session)[0]


def test_the_runs_user_must_be_allowed_to():
    assert made(session_of("USER app\nRUN x\n", {LISTS: 700}))[1] == []
    assert made(session_of("USER app\nRUN sudo x\n", {LISTS: 700}))[0].endswith("&& sudo rm -rf /var/lib/apt/lists/*\n")
    own = session_of("USER app\nRUN x\n", {"home/app/.cache/pip/y": F(b"z" * 900, uid=7)})
    assert made(own)[1] == [("clean-up", 900)]


def test_a_line_that_changed_since_the_build_is_left():
    text = FROM + "RUN x --new\n"
    session = made_session(BASE, {LISTS: 700}, dockerfile=text, history=("RUN /bin/sh -c x --old # buildkit",))
    assert cures_of(session) == ()


def test_cache_mounts_are_an_alternative():
    session = session_of("RUN npm ci\n", {"root/.npm/_cacache/y": 50})
    assert [(cure.kind, cure.id, cure.optional) for cure in cures(session)] == [
        ("clean-up", "A1", False),
        ("cache-mount", "A1m", True),
    ]
    assert made(session, "cache-mount")[0] == "RUN --mount=type=cache,target=/root/.npm npm ci\n"


def test_a_cache_that_later_lines_read_has_the_mount_on_all_of_them():
    lines = "RUN go mod download\nRUN go build -o /app\nRUN ls\n"
    session = session_of(lines, {"go/pkg/mod/x": 800}, {"app": 10}, {"b": 1})
    assert made(session)[0] == (
        "RUN --mount=type=cache,target=/go/pkg go mod download\nRUN --mount=type=cache,target=/go/pkg go build -o /app\nRUN ls\n"
    )


def test_no_mount_where_it_would_hide_or_take_away_something():
    layer = {"root/.npm/_cacache/y": 50}
    assert made(session_of("RUN npm ci\n", layer, base={**BASE, "root/.npm/own": 9}), "cache-mount")[1] == []
    assert made(session_of("RUN npm ci\nRUN cp -r /root/.npm /x\n", layer, {"x": 1}), "cache-mount")[1] == []
    assert made(session_of("RUN npm ci\n", layer, comment=""), "cache-mount")[1] == [], "the classic builder has no mounts"


COPIED = ({"app": F(b"a" * 5000), "b": F(b"b" * 300)}, {"app": F(b"a" * 5000, uid=7), "b": F(b"b" * 300, uid=7)})


def copies(lines, *layers):
    return made(session_of(lines, *layers))


def test_chown_becomes_a_flag_and_the_run_goes():
    first = {"srv/app": F(b"a" * 5000)}
    second = {"srv/app": F(b"a" * 5000, uid=7)}
    text, done = copies("COPY app /srv/app\n\nRUN chown 7 /srv/app\nCMD x\n", first, second)
    assert text == "COPY --chown=7:0 app /srv/app\n\nCMD x\n"
    assert done == [("copy-flags", 5000)]


def test_chown_of_a_directory_that_was_there_stays_for_it_alone():
    first = {"srv/app/a": F(b"a" * 5000)}
    second = {"srv/app": F(b"", uid=7) and None, "srv/app/a": F(b"a" * 5000, uid=7)}
    base = {**BASE, "srv/app": None}
    session = session_of("COPY app/ /srv/app/\nRUN chown -R 7 /srv/app\n", first, second, base=base)
    assert made(session)[0] == "COPY --chown=7:0 app/ /srv/app/\n\n".removesuffix("\n")


def test_chmod_of_one_file():
    text, _ = copies(
        "COPY t /usr/bin/t\nRUN chmod 0755 /usr/bin/t\n",
        {"usr/bin/t": F(b"a" * 5000)},
        {"usr/bin/t": F(b"a" * 5000, mode=0o755)},
    )
    assert text == "COPY --chmod=0755 t /usr/bin/t\n"


@pytest.mark.parametrize(
    ("lines", "first", "second"),
    [
        # Only one of two files that the COPY brought was changed.
        ("COPY x /x/\nRUN chown 7 /x/a\n", {"x/a": F(b"a" * 500), "x/b": F(b"b" * 50)}, {"x/a": F(b"a" * 500, uid=7)}),
        # The RUN changes something of the base too.
        (
            "COPY x /x\nRUN chown 7 /x /etc/x\n",
            {"x": F(b"a" * 500)},
            {"x": F(b"a" * 500, uid=7), "etc/x": F((b"etc/x" * 21)[:100], uid=7)},
        ),
        # The RUN does something else.
        ("COPY x /x\nRUN chown 7 /x && make\n", {"x": F(b"a" * 500)}, {"x": F(b"a" * 500, uid=7)}),
        # The COPY has an owner already.
        ("COPY --chown=5 x /x\nRUN chown 7 /x\n", {"x": F(b"a" * 500, uid=5)}, {"x": F(b"a" * 500, uid=7)}),
        # Two owners.
        (
            "COPY x /x/\nRUN chown 7 /x/a && chown 8 /x/b\n",
            {"x/a": F(b"a" * 500), "x/b": F(b"b" * 50)},
            {"x/a": F(b"a" * 500, uid=7), "x/b": F(b"b" * 50, uid=8)},
        ),
        # Directories would get a file's mode.
        (
            "COPY x /x/\nRUN chmod 0755 /x/d/a\n",
            {"x": None, "x/d": None, "x/d/a": F(b"a" * 500)},
            {"x/d/a": F(b"a" * 500, mode=0o755)},
        ),
    ],
)
def test_flags_only_where_they_do_the_same(lines, first, second):
    assert [done for done in copies(lines, first, second)[1] if done[0] == "copy-flags"] == []


def test_a_merge_keeps_comments_and_style():
    lines = "RUN a \\\n  && b\n\n# why\nRUN c\nRUN rm /big\nCMD x\n"
    text, done = made(session_of(lines, {"big": 5000}, {"c": 1}, {".wh.big": 0}))
    assert text == "RUN a \\\n  && b \\\n# why\n  && c \\\n    && rm /big\nCMD x\n"
    assert done == [("merged-run", 5000)]


@pytest.mark.parametrize(
    "lines",
    [
        "RUN cd /x && a\nRUN rm /big\n",
        "RUN export A=1; a\nRUN rm /big\n",
        "RUN A=1; a\nRUN rm /big\n",
        "RUN a\nENV B=1\nRUN rm /big\n",
        "RUN a\nUSER x\nRUN rm /big\n",
        "RUN a\nRUN rm /big || true\n",
        "RUN a\nRUN rm /big; b\n",
        "RUN a &\nRUN rm /big\n",
        'RUN a\nRUN ["rm", "/big"]\n',
        "RUN --network=none a\nRUN rm /big\n",
        "RUN a # why\nRUN rm /big\n",
        "RUN set -e; a\nRUN rm /big\n",
        'RUN ["a"]\nRUN rm /big\n',
        "RUN <<E\na\nE\nRUN rm /big\n",
        "RUN a\nRUN <<E\nrm /big\nE\n",
        "RUN a\nRUN cat <<E >/x && rm /big\nE\n",
        "RUN a\nRUN --network=none rm /big\n",
        "RUN a\nRUN if b; then rm /big; fi\n",
        "RUN a\nRUN rm /big &\n",
        "RUN a &&\nRUN rm /big\n",
        "RUN a\nRUN rm /big; \n",
        "RUN a\nRUN rm /big && exec b\n",
        "RUN a\nRUN \\\n  rm /big\n",
        "RUN . ./env\nRUN rm /big\n",
        'SHELL ["powershell"]\nRUN a\nRUN rm /big\n',
        'RUN a\nSHELL ["/bin/bash", "-c"]\nRUN rm /big\n',
    ],
)
def test_no_merge_that_would_do_something_else(lines):
    session = session_of(lines, {"big": 5000}, {".wh.big": 0})
    assert session.waste.findings
    assert [cure for cure in cures(session) if cure.kind == "merged-run"] == []


@pytest.mark.parametrize(
    ("lines", "merged"),
    [
        ("RUN a\nRUN rm /big && b\n", "RUN a \\\n    && rm /big && b\n"),
        ("RUN a\nRUN rm /big | b\n", "RUN a \\\n    && rm /big | b\n"),
        ("RUN a || b\nRUN rm /big\n", "RUN a || b \\\n    && rm /big\n"),
        ("RUN A=1 a\nRUN rm /big $(b; c)\n", "RUN A=1 a \\\n    && rm /big $(b; c)\n"),
        ("RUN a\nrun   rm /big\n", "RUN a \\\n    && rm /big\n"),
        ("RUN a\nRUN RUN && rm /big\n", "RUN a \\\n    && RUN && rm /big\n"),
        ("RUN --network=none a\nRUN --network=none rm /big\n", "RUN --network=none a \\\n    && rm /big\n"),
        # the command's name stands in the flag, too
        (
            "RUN --mount=type=cache,target=/c/pip a\nRUN --mount=type=cache,target=/c/pip pip install x && rm /big\n",
            "RUN --mount=type=cache,target=/c/pip a \\\n    && pip install x && rm /big\n",
        ),
    ],
)
def test_a_merge_takes_the_whole_command_and_nothing_before_it(lines, merged):
    text, done = made(session_of(lines, {"big": 5000}, {".wh.big": 0}), "merged-run")
    assert text == merged
    assert done == [("merged-run", 5000)]


def test_a_merge_takes_the_runs_between_and_leaves_the_others():
    lines = "RUN a\nRUN b\nRUN c\nRUN d\nRUN e\n"
    big = {"one": 5000}
    text, done = made(session_of(lines, {"a": 1}, big, {"c": 1}, {".wh.one": 0}, {"e": 1}), "merged-run")
    assert text == "RUN a\nRUN b \\\n    && c \\\n    && d\nRUN e\n"
    assert done == [("merged-run", 5000)]
    text, done = made(session_of(lines, big, {".wh.one": 0}, {"two": 300}, {".wh.two": 0}, {"e": 1}), "merged-run")
    assert text == "RUN a \\\n    && b\nRUN c \\\n    && d\nRUN e\n"
    assert done == [("merged-run", 5000), ("merged-run", 300)]
    for second in ({".wh.one": 0, "two": 300}, {"two": 300}):
        third = {"c": 1} if ".wh.one" in second else {".wh.one": 0}
        text, done = made(session_of(lines, big, second, third, {".wh.two": 0}, {"e": 1}), "merged-run")
        assert text == "RUN a \\\n    && b \\\n    && c \\\n    && d\nRUN e\n"
        assert done == [("merged-run", 5300)]


@pytest.mark.parametrize("lines", ["COPY big /\nRUN a\nRUN rm /big\n", "RUN a\nRUN b\nCOPY big /\n"])
def test_no_merge_where_one_side_is_no_run(lines):
    layers = ({"big": 5000}, {"a": 1}, {".wh.big": 0} if lines.startswith("COPY") else {"big": 10})
    session = session_of(lines, *layers)
    assert session.waste.findings
    assert made(session, "merged-run") == (lines, [])


def test_dockerignore():
    layer = {"app": None, "app/main": 5, "app/.git/HEAD": F(b"ref: x\n"), "app/.git/objects/aa/b": 900, "app/.git/refs/x": 2}
    session = session_of("WORKDIR /app\nCOPY . .\n", {"app": None}, layer)
    (cure,) = cures(session)
    assert cure.kind == "dockerignore" and cure.ignore_lines == ("**/.git",)
    named = session_of("WORKDIR /app\nCOPY . .\nRUN cp .git/HEAD /x\n", {"app": None}, layer, {"x": 1})
    assert cures(named) == []


def test_dockerignore_text():
    assert ignored_text("", ("a",)) == "a\n.dockerignore\n"
    assert ignored_text("x", ("a", "x")) == "x\na\n"
    assert ignored_text("x\r\n", ("a",)) == "x\r\na\r\n"
    assert ignored_text("/a\n", ("a",)) == "/a\n"


def test_what_is_chosen():
    session = session_of("RUN npm ci\n", {"root/.npm/_cacache/y": 50, "usr/share/doc/z": 9})
    found = cures(session)
    findings = [finding.id for finding in session.waste.findings]

    def ids(*only):
        return [cure.id for cure in chosen(found, only, findings)]

    assert ids() == ["A1"]
    assert ids("A1m") == ["A1m"]
    assert ids("A1", "A1") == ["A1"]
    with pytest.raises(UsageError, match="A2 has no cure in place"):
        ids("A2")
    with pytest.raises(UsageError, match="no finding and no cure 'B9'"):
        ids("B9")


def test_one_cure_of_a_finding():
    world = world_of(session_of("RUN npm ci\n", {"root/.npm/_cacache/y": 50}))
    result = cured(world, find_cures(world))
    assert [cure.id for cure in result.made] == ["A1"]
    assert result.left[0][1] == "another cure of the same is made"


@pytest.mark.parametrize("project", PROJECTS)
def test_every_untouched_byte_stays(project):
    session = demo_session(project)
    session.run(lambda _: None)
    world = world_of(session)
    for cure in find_cures(world):
        result = cured(world, [cure])
        assert result.made == (cure,)
        old, new = world.dockerfile.source, result.data.decode()
        assert not parse(new).errors
        if cure.kind in ("clean-up", "cache-mount", "no-recommends"):
            codes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
            assert {code[0] for code in codes} <= {"equal", "insert"}, "only added to"
        if cure.kind == "dockerignore":
            assert old == new


def test_an_author_s_oddities_stay():
    text = "\ufeffFROM debian:bookworm-slim\r\n\r\n#  odd \t\r\nrun   x  \\\r\n\t--flag   \r\n\r\n\r\nCMD  y\t\r\n"
    history = ("RUN /bin/sh -c x  \t--flag # buildkit",)
    session = made_session(BASE, {LISTS: 700}, dockerfile=text, history=history)
    session.dockerfile = parse(text.encode())
    world = world_of(session)
    result = cured(world, find_cures(world))
    expected = text.replace("--flag   \r\n", "--flag \\\r\n\t&& rm -rf /var/lib/apt/lists/*   \r\n")
    assert result.data.decode() == expected
