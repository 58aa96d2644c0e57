"""Which line made which layer: against histories that real builders wrote (tests/data/history)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msbtui.analysis.lines import match_lines, numbered_layers
from msbtui.analysis.model import Provenance
from msbtui.dockerfile.graph import build_graph
from msbtui.dockerfile.parser import parse
from msbtui.image.model import HistoryItem
from msbtui.text import printable

DATA = Path(__file__).parent.parent / "data"


def history(name: str) -> list[HistoryItem]:
    items = json.loads((DATA / "history" / f"{name}.json").read_text())["history"]
    return [
        HistoryItem(
            created_by=printable(item.get("created_by", "")),
            comment=item.get("comment", ""),
            empty_layer=item.get("empty_layer", False),
        )
        for item in items
    ]


def items(*created_by: str) -> list[HistoryItem]:
    comment = "buildkit.dockerfile.v0"
    empty = ("CMD", "ENV", "ARG", "LABEL", "USER", "EXPOSE", "ENTRYPOINT", "VOLUME", "SHELL", "STOPSIGNAL")
    base = HistoryItem(created_by="/bin/sh -c #(nop) ADD file:00 in / ", comment="")
    return [
        base,
        *(HistoryItem(printable_text(text), printable(text), comment, "", text.startswith(empty)) for text in created_by),
    ]


def printable_text(_: str) -> str:
    return "2024-01-01T00:00:00Z"


def match(text: str, items: list[HistoryItem], **more: object) -> Provenance:
    dockerfile = parse(text)
    graph = build_graph(dockerfile, target=more.pop("target", None))  # type: ignore[arg-type]
    assert not graph.errors
    return match_lines(dockerfile, graph, items, numbered_layers(items), **more)  # type: ignore[arg-type]


def lines(provenance: Provenance) -> list[int | None]:
    return [match.line for match in provenance.matches]


@pytest.mark.parametrize(
    ("dockerfile", "name", "wanted"),
    [
        ("Dockerfile.every", "every-buildkit-20.10", [None, 8, 9, 10, 11, 12, 13, 14, 18, 20, 22, 28, 32, 33]),
        ("Dockerfile.every", "every-classic-builder", [None, 8, 9, 10, 11, 12, 13, 14, 18, 20, 22, 28, 32, 33]),
        (
            "Dockerfile.heredocs",
            "heredocs-buildkit-26.1",
            [None, 8, 9, 10, 11, 12, 13, 14, 18, 20, 22, 28, 32, 33, 37, 41, 44, 47, 50, 51, 54, 55],
        ),
    ],
)
def test_every_instruction_of_three_builders_is_in_sync(dockerfile: str, name: str, wanted: list[int | None]) -> None:
    found = match((DATA / "history" / dockerfile).read_text(), history(name))
    assert lines(found) == wanted
    assert (found.fit, found.verdict, found.in_sync, found.stale_instructions) == (1.0, "in sync", True, ())
    assert all(match.exact for match in found.matches if match.line is not None)
    assert found.matches[0].note == "from the base image"
    assert [match.note for match in found.matches if match.line == 28] == ["run by ONBUILD"]


@pytest.mark.parametrize("builder", ["buildkit", "classic-builder"])
@pytest.mark.parametrize("project", ["c", "go", "python"])
def test_the_projects_are_in_sync_with_their_own_dockerfile_only(project: str, builder: str) -> None:
    fits = {}
    for other in ("c", "go", "python"):
        text = (DATA / "projects" / other / "Dockerfile").read_text()
        fits[other] = match(text, history(f"{project}-{builder}"))
    own = fits.pop(project)
    assert own.verdict == "in sync"
    assert own.fit == 1.0
    assert all(other.verdict == "other Dockerfile" and other.fit < 0.5 for other in fits.values())
    source = (DATA / "projects" / project / "Dockerfile").read_text().splitlines()
    made = [source[line - 1] for line in lines(own) if line is not None]
    assert len(made) == len(set(made))
    assert made[-1].startswith("RUN rm -rf")


BASE = "FROM debian\n"
FILE = BASE + "ENV A=1 B=two\nRUN apt-get update && apt-get install -y gcc\nCOPY . /src\nRUN make -C /src\nRUN rm -rf /src\n"
HISTORY = (
    "ENV A=1 B=two",
    "RUN /bin/sh -c apt-get update && apt-get install -y gcc # buildkit",
    "COPY . /src # buildkit",
    "RUN /bin/sh -c make -C /src # buildkit",
    "RUN /bin/sh -c rm -rf /src # buildkit",
)


def test_a_changed_line_keeps_its_layer_and_is_stale() -> None:
    found = match(FILE.replace("install -y gcc", "install -y gcc g++ make"), items(*HISTORY))
    assert lines(found) == [None, 3, 4, 5, 6]
    assert found.verdict == "1 instruction newer than the image"
    assert found.stale_instructions == (2,)
    assert [match.exact for match in found.matches] == [False, False, True, True, True]
    assert found.fit < 1.0


def test_a_rewritten_line_between_two_others_keeps_its_layer() -> None:
    found = match(FILE.replace("RUN make -C /src", "RUN cd /src && ./configure --prefix=/opt && ninja install"), items(*HISTORY))
    assert lines(found) == [None, 3, 4, 5, 6]
    assert found.stale_instructions == (4,)


def test_added_lines_take_no_layer() -> None:
    found = match(FILE.replace("COPY", "RUN useradd app\nCOPY") + "CMD app\n", items(*HISTORY))
    assert lines(found) == [None, 3, 5, 6, 7]
    assert found.verdict == "2 instructions newer than the image"
    assert found.stale_instructions == (3, 7)


def test_a_removed_line_leaves_a_layer_without_line() -> None:
    found = match(FILE.replace("RUN make -C /src\n", ""), items(*HISTORY))
    assert lines(found) == [None, 3, 4, None, 5]
    assert found.matches[3].note == "a line that is not in the Dockerfile any more"
    assert not found.in_sync
    assert found.verdict == "1 instruction gone since the image"


def test_a_moved_line_is_one_newer_instruction() -> None:
    moved = BASE + "ENV A=1 B=two\nCOPY . /src\nRUN apt-get update && apt-get install -y gcc\nRUN make -C /src\nRUN rm -rf /src\n"
    found = match(moved, items(*HISTORY))
    assert found.verdict == "1 instruction newer than the image"
    assert [line for line in lines(found) if line is not None] == [4, 5, 6]


def test_layers_below_the_first_line_are_the_bases_even_when_alike() -> None:
    base = ("RUN /bin/sh -c apt-get update && apt-get install -y curl # buildkit", 'CMD ["bash"]')
    found = match(FILE, items(*base, *HISTORY))
    assert lines(found) == [None, None, 3, 4, 5, 6]
    assert found.in_sync


def test_another_dockerfile_fits_no_line() -> None:
    found = match("FROM node\nWORKDIR /app\nCOPY package.json .\nRUN npm ci\nCMD npm start\n", items(*HISTORY))
    assert found.verdict == "other Dockerfile"
    assert found.fit < 0.25
    assert lines(found) == [None] * 5


def test_squashed_images_say_so() -> None:
    squashed = [HistoryItem(item.created, item.created_by, item.comment, "", True) for item in items(*HISTORY)]
    squashed.append(HistoryItem(comment="merge sha256:aa to sha256:bb"))
    found = match(FILE, squashed)
    assert found.fit == 1.0
    assert [(match.line, match.note) for match in found.matches] == [(None, "squashed")]


def test_history_that_does_not_match_the_layers_gives_no_line() -> None:
    dockerfile = parse(FILE)
    found = match_lines(dockerfile, build_graph(dockerfile), items(*HISTORY), [None, None, 99, -1])
    assert [match.line for match in found.matches] == [None] * 4
    assert found.in_sync
    assert numbered_layers(items(*HISTORY), 3) == [None] * 3


def test_an_imported_image_fits_nothing() -> None:
    found = match(FILE, [HistoryItem(comment="Imported from -")])
    assert found.fit == 0.0
    assert found.verdict == "other Dockerfile"
    assert match(FILE, []).matches == ()


def test_a_stage_on_a_stage_has_both_stages_lines() -> None:
    text = "FROM debian AS base\nRUN one\nFROM base AS other\nRUN other\nFROM base\nRUN two\n"
    found = match(text, items("RUN /bin/sh -c one # buildkit", "RUN /bin/sh -c two # buildkit"))
    assert lines(found) == [None, 2, 6]
    assert [match.stage for match in found.matches] == [None, 0, 2]
    other = match(text, items("RUN /bin/sh -c one # buildkit", "RUN /bin/sh -c other # buildkit"), target="other")
    assert lines(other) == [None, 2, 4]
    assert other.in_sync


@pytest.mark.parametrize(
    ("line", "item", "same"),
    [
        ("ENV PATH=/opt/bin:$PATH", "ENV PATH=/opt/bin:/usr/bin:/bin", True),
        ("ENV PATH=/opt/bin:$PATH", "ENV PATH=/usr/bin:/bin", False),
        ("ENV OLD some words", "ENV OLD=some words", True),
        ('ENV A="b c"', "ENV A=b c", True),
        ("ENV A=1", "ENV A=2", False),
        ("WORKDIR sub", "WORKDIR /srv/sub", True),
        ("WORKDIR sub", "WORKDIR /srv/other", False),
        ("WORKDIR /srv/app/", "WORKDIR /srv/app/", True),
        ("WORKDIR /", "WORKDIR /", True),
        ("COPY --chown=1:2 a b /d/", "COPY --chown=1:2 a b /d/ # buildkit", True),
        ("COPY --chown=1:2 a b /d/", "COPY --chown=3:2 a b /d/ # buildkit", False),
        ("COPY --from=busybox /a /b", "COPY /a /b # buildkit", True),
        ("COPY a b /d/", "COPY a c /d/ # buildkit", False),
        ('CMD ["a", "b c"]', 'CMD ["a" "b c"]', True),
        ("CMD a b", 'CMD ["/bin/sh" "-c" "a b"]', True),
        ("CMD a b", 'CMD ["a" "b"]', False),
        ("EXPOSE 80 443/udp", "EXPOSE map[443/udp:{} 80/tcp:{}]", True),
        ("EXPOSE 80", "EXPOSE [80/tcp]", True),
        ("EXPOSE 81", "EXPOSE [80/tcp]", False),
        ("HEALTHCHECK --interval=1m CMD x y", 'HEALTHCHECK &{["CMD-SHELL" "x y"] "1m0s" "0s" "0s" "0s" \'\\x00\'}', True),
        ("HEALTHCHECK --interval=2m CMD x y", 'HEALTHCHECK &{["CMD-SHELL" "x y"] "1m0s" "0s" "0s" "0s" \'\\x00\'}', False),
        (
            "HEALTHCHECK CMD a 'b,c' || exit 1",
            'HEALTHCHECK &{["CMD-SHELL" "a \'b,c\' || exit 1"] "0s" "0s" "0s" \'\\x00\'}',
            True,
        ),
        ("ARG V", "ARG V=given", True),
        ("ARG V=1", "ARG V=2", False),
        ('RUN ["a", "b"]', "RUN a b # buildkit", True),
        ("RUN a \\\n  # why\n  b", "RUN |1 V=x y /bin/sh -c a   b # buildkit", True),
        ("RUN a b", "RUN /bin/sh -c xa b # buildkit", False),
        ("RUN b", "RUN /bin/sh -c a b # buildkit", False),
        ("RUN b", "RUN |1 A=x -c /bin/bash -o pipefail -c b # buildkit", True),
        ("RUN printf '\\x41'", "RUN /bin/sh -c printf '\\x41' # buildkit", True),
        ("RUN <<E\na\nb\nE", "RUN /bin/sh -c a\nb\n # buildkit", True),
        ("VOLUME /a /b", "VOLUME [/a /b]", True),
        ("LABEL a=b c='d e'", "LABEL a=b c=d e", True),
    ],
)
def test_texts_of_history(line: str, item: str, same: bool) -> None:
    found = match(
        f"FROM debian\nRUN first\n{line}\nRUN last\n",
        items("RUN /bin/sh -c first # buildkit", item, "RUN /bin/sh -c last # buildkit"),
    )
    assert found.in_sync is same, found
    assert found.stale_instructions == (() if same else (2,))


def test_build_arguments_explain_another_arg_value() -> None:
    found = match("FROM debian\nARG V=1\nRUN x\n", items("ARG V=2", "RUN |1 V=2 /bin/sh -c x # buildkit"), build_args={"V": "2"})
    assert found.in_sync


def test_known_base_layers_are_never_a_lines() -> None:
    twice = items("RUN /bin/sh -c x # buildkit", "RUN /bin/sh -c onbuild # buildkit", "RUN /bin/sh -c y # buildkit")
    found = match("FROM debian\nRUN x\nRUN y\n", twice, base_layers=2)
    assert lines(found) == [None, None, None, 3]
    assert found.matches[2].note == "ONBUILD of the base, or a line that is gone"


def test_triggers_of_the_base_image_belong_to_from() -> None:
    made = items("RUN /bin/sh -c base # buildkit", "COPY . /app # buildkit", "RUN /bin/sh -c own # buildkit")
    found = match("ARG X\nFROM base:onbuild\nRUN own\n", made, base_onbuild=["COPY . /app", "NONSENSE x"])
    assert [(match.line, match.note) for match in found.matches] == [
        (None, "from the base image"),
        (None, "from the base image"),
        (2, "run by ONBUILD"),
        (3, ""),
    ]
    assert found.in_sync


def test_triggers_belong_to_the_from_of_their_own_stage() -> None:
    made = items("COPY . /app # buildkit", "RUN /bin/sh -c own # buildkit")
    found = match("FROM golang AS first\nRUN x\nFROM base:onbuild AS own\nRUN own\nFROM other AS last\n", made, target="own",
                  base_onbuild=["COPY . /app"])  # fmt: skip
    assert lines(found) == [None, 3, 4]


def test_an_image_from_scratch_has_lines_from_its_first_layer_on() -> None:
    history = items("COPY a /a # buildkit", "COPY b /b # buildkit")[1:]
    assert lines(match("FROM scratch\nCOPY a /a\nCOPY b /b\n", history)) == [2, 3]
    assert lines(match("FROM base\nCOPY b /b\n", history, base_layers=1)) == [None, 2]
    assert numbered_layers(history, 2) == [0, 1]


@pytest.mark.parametrize("layers", [[None, 99, -1, 4], [99, 99, 99, 4], [None, None, None, 4]])
def test_base_layers_of_which_history_does_not_tell_forbid_nothing(layers: list[int | None]) -> None:
    dockerfile = parse(FILE)
    found = match_lines(dockerfile, build_graph(dockerfile), items(*HISTORY), layers, base_layers=3)
    assert found.in_sync
    assert found.matches[3].line == 5


def test_how_well_a_changed_line_fits_shows_in_the_fit() -> None:
    # words in both, twice, over the words of each; RUN weighs 4, COPY 2, ENV 1
    text = FILE.replace("RUN make -C /src", "RUN make -C /src a b c").replace("-y gcc", "-y g++")
    alike = 4 * 0.85 * (2 * 6 / 14) + 4 * 0.85 * (2 * 3 / 9)
    assert match(text, items(*HISTORY)).fit == pytest.approx(2 * (1 + 2 + 4 + alike) / 30, abs=1e-4)
    other = match(FILE.replace("make -C /src", "ninja install now"), items(*HISTORY))
    assert other.fit == pytest.approx(2 * (1 + 4 + 2 + 0.2 * 4 + 4) / 30, abs=1e-4)


def test_rewritten_lines_pair_with_items_of_their_kind_in_order() -> None:
    made = ("a", "ENV X=1", "old one", "old two", "z")
    history = items(*(text if text.startswith("ENV") else f"RUN /bin/sh -c {text} # buildkit" for text in made))
    found = match("FROM debian\nRUN a\nRUN first new\nRUN second newer\nRUN z\n", history)
    assert lines(found) == [None, 2, 3, 4, 5]
    assert found.stale_instructions == (2, 3)
    fewer = match("FROM debian\nRUN a\nRUN first new\nRUN z\n", history)
    assert lines(fewer) == [None, 2, 3, None, 4]


def test_what_follows_counts_more_than_a_line_of_the_same_words_far_below() -> None:
    base = ("make all of it",)
    made = ("one", "two", "three", "four", "five", "make all of them")
    found = match("FROM debian\nRUN make all of it\n", items(*(f"RUN /bin/sh -c {text} # buildkit" for text in base + made)))
    assert lines(found) == [None] * 7 + [2]
    assert found.stale_instructions == (1,)


def test_notes_say_what_is_gone_and_what_leaves_no_trace() -> None:
    gone = match(FILE.replace("RUN make -C /src\n", ""), items(*HISTORY))
    assert gone.notes == ("1 item of the image's history, no line of the Dockerfile: RUN make -C /src",)
    five = items(*HISTORY[:2], *(f"RUN /bin/sh -c {word} # buildkit" for word in ("p", "q", "r", "s")), *HISTORY[2:])
    assert match(FILE, five).notes == ("4 items of the image's history, no line of the Dockerfile: RUN p, RUN q, RUN r",)
    assert match(FILE, items(*HISTORY)).notes == ()
    nothing = match("FROM debian\n", items(*HISTORY))
    assert nothing.notes == ("no instruction of the target stage leaves a trace in an image",)
    assert match("FROM node\nRUN npm ci\n", items("COPY x /x")).notes == ()


def test_layers_of_another_dockerfile_stand_apart_from_the_base() -> None:
    other = "FROM node\nWORKDIR /app\nCOPY package.json .\nRUN npm ci\nCMD npm start\n"
    notes = [found.note for found in match(other, items(*HISTORY), base_layers=2).matches]
    assert notes == ["from the base image"] * 2 + ["another Dockerfile"] * 3
    assert {found.note for found in match(other, items(*HISTORY)).matches} == {"another Dockerfile"}


@pytest.mark.parametrize(
    ("comment", "squashed"),
    [("merge sha256:aa to sha256:bb", True), ("create new from sha256:aa", True), ("merged by hand", False)],
)
def test_the_items_that_a_squash_adds(comment: str, squashed: bool) -> None:
    history = [HistoryItem(item.created, item.created_by, item.comment, "", True) for item in items(*HISTORY)]
    found = match(FILE, [*history, HistoryItem(comment=comment)])
    assert (found.matches[0].note == "squashed") is squashed


WORDS = st.lists(
    st.sampled_from(["RUN a", "RUN b c", "RUN b d", "COPY . /x", "ENV A=1", "WORKDIR /w", "CMD x", "USER u"]), max_size=8
)


@given(WORDS, WORDS)
@settings(max_examples=150, deadline=None)
def test_alignment_keeps_order_and_is_exact_on_itself(made: list[str], base: list[str]) -> None:
    shown = [f"RUN /bin/sh -c {line[4:]} # buildkit" if line.startswith("RUN") else line for line in (*base, *made)]
    shown = ['CMD ["/bin/sh" "-c" "x"]' if line == "CMD x" else line for line in shown]
    found = match("\n".join(["FROM debian", *made, ""]), items(*shown))
    taken = [match.instruction for match in found.matches if match.instruction is not None]
    assert taken == sorted(set(taken))
    if made:
        assert found.in_sync
        assert found.fit == 1.0
        layers = sum(not line.startswith(("ENV", "CMD", "USER")) for line in made)
        assert len(taken) == layers
        assert not layers or all(line is not None for line in lines(found)[-layers:])


@given(st.lists(st.text(max_size=40), max_size=12), st.lists(st.booleans(), min_size=12, max_size=12))
@settings(max_examples=150, deadline=None)
def test_hostile_history_never_raises(texts: list[str], empty: list[bool]) -> None:
    hostile = [HistoryItem("", printable(text), "", "", flag) for text, flag in zip(texts, empty, strict=False)]
    found = match(FILE, hostile)
    assert 0.0 <= found.fit <= 1.0
    assert len(found.matches) == sum(not item.empty_layer for item in hostile)


def test_a_base_of_the_classic_builder_says_nothing_of_the_flags_that_buildkit_keeps() -> None:
    base = [HistoryItem(created_by="/bin/sh -c #(nop) COPY dir:00 in /usr/local/ ", comment="")]
    found = match("FROM x\nCOPY --chown=1:2 a /d/\n", base + items("COPY a /d/ # buildkit")[1:])
    assert found.in_sync, found.verdict
