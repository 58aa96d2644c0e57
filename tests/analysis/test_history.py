"""What an instruction leaves in history: variables, ports, folders, flags, arguments, health checks, and what is not known."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msbtui.analysis.history import Reader, is_exact, read_history, run_command, similarity
from msbtui.analysis.lines import match_lines, numbered_layers
from msbtui.dockerfile.graph import build_graph
from msbtui.dockerfile.parser import parse
from msbtui.image.model import HistoryItem

BUILDKIT, CLASSIC = "buildkit.dockerfile.v0", "/bin/sh -c #(nop) "


def item(said: str, comment: str = BUILDKIT) -> HistoryItem:
    return HistoryItem("", said, "" if said.startswith(CLASSIC) else comment)


def in_sync(text: str, *created_by: str, comment: str = BUILDKIT, target: str | None = None) -> bool:
    """Say whether the Dockerfile's text and the history, above a base, are one another's."""
    dockerfile = parse(text)
    graph = build_graph(dockerfile, target=target)
    assert not graph.errors
    history = [
        HistoryItem(created_by="/bin/sh -c #(nop) ADD file:00 in / "),
        *(item(said, comment) for said in created_by),
    ]
    return match_lines(dockerfile, graph, history, numbered_layers(history)).in_sync


def expected_of(line: str):
    found = Reader({}, {}).read(parse(f"FROM debian\n{line}\n").instructions[1])
    assert found is not None
    return found


def trace_of(said: str):
    return read_history(item(said))


def alike(line: str, said: str) -> float:
    return similarity(expected_of(line), trace_of(said))


RUN, RAN = "RUN first\n", "RUN /bin/sh -c first # buildkit"


@pytest.mark.parametrize(
    ("lines", "said", "same"),
    [
        # ENV and ARG are put in where they stand
        ("ENV D=/srv\nWORKDIR $D/app", ("ENV D=/srv", "WORKDIR /srv/app"), True),
        ("ENV D=/srv\nWORKDIR $D/app", ("ENV D=/srv", "WORKDIR /opt/app"), False),
        ("ENV D /srv\nWORKDIR ${D}/app", ("ENV D=/srv", "WORKDIR /opt/app"), False),
        ("ENV D /srv\nWORKDIR ${D}/app", ("ENV D=/srv", "WORKDIR /srv/app"), True),
        ("ENV A='1 2' D=\"/srv\" E=/opt\nWORKDIR $E", ("ENV A=1 2 D=/srv E=/opt", "WORKDIR /opt"), True),
        ("ENV A='1 2' D=\"/srv\" E=/opt\nWORKDIR $E", ("ENV A=1 2 D=/srv E=/opt", "WORKDIR /srv"), False),
        ("ARG D=/srv\nUSER $D", ("ARG D=/srv", "USER /opt"), False),
        ("ARG D=/srv\nENV D=/opt\nWORKDIR $D", ("ARG D=/srv", "ENV D=/opt", "WORKDIR /opt"), True),
        ("ARG D=/srv\nENV D=/opt\nWORKDIR $D", ("ARG D=/srv", "ENV D=/opt", "WORKDIR /srv"), False),
        ("LABEL D=/srv\nWORKDIR /a$D", ("LABEL D=/srv", "WORKDIR /a/opt"), True),
        ("ENV A=\\$HOME", ("ENV A=$HOME",), True),
        ("ENV A=\\$HOME", ("ENV A=/root",), False),
        ("ENV A=$HOME", ("ENV A=/root",), True),
        ("ENV D=/srv\nWORKDIR ${D:+/other}", ("ENV D=/srv", "WORKDIR /other"), True),
        # ARG: a value given to what has no default, one or several
        ("ARG V", ("ARG V",), True),
        ("ARG V", ("ARG V=1",), True),
        ("ARG V", ("ARG W=1",), False),
        ("ARG V", ("ARG VW=1",), False),
        ("ARG V W", ("ARG V=1 W=2",), True),
        ("ARG V W", ("ARG V W=2",), True),
        ("ARG V W=2", ("ARG V=1 W=2",), True),
        ("ARG V W=2", ("ARG V=1 W=3",), False),
        ("ARG V W", ("ARG V=1 X=2",), False),
        # ports
        ("EXPOSE 443/udp", ("EXPOSE [443/tcp]",), False),
        ("EXPOSE 53/UDP 53", ("EXPOSE map[53/tcp:{} 53/udp:{}]",), True),
        ("EXPOSE 80-82", ("EXPOSE [80/tcp 81/tcp 82/tcp]",), True),
        ("EXPOSE 80-82", ("EXPOSE [80/tcp 82/tcp]",), False),
        ("EXPOSE 80-82", ("EXPOSE [80/tcp 81/tcp 82/tcp 83/tcp]",), False),
        ("EXPOSE 80 $PORT", ("EXPOSE [443/tcp 80/tcp]",), True),
        # folders
        ("WORKDIR /a/../b/./c//", ("WORKDIR /b/c",), True),
        ("WORKDIR /a/../b/./c//", ("WORKDIR /a/../b/./c//",), True),
        ("WORKDIR /../x", ("WORKDIR /x",), True),
        ("WORKDIR /srv\nWORKDIR ../opt", ("WORKDIR /srv", "WORKDIR /opt"), True),
        ("WORKDIR /srv\nWORKDIR ../opt", ("WORKDIR /srv", "WORKDIR /srv/opt"), False),
        ("WORKDIR ../opt", ("WORKDIR /srv/opt",), True),
        ("WORKDIR ../opt", ("WORKDIR /srv/bin",), False),
        ("WORKDIR $D/app", ("WORKDIR /srv/app",), True),
        ("WORKDIR /$D/app", ("WORKDIR /srv/app",), True),
        ("WORKDIR /$D/app", ("WORKDIR /srv/bin",), False),
        ("VOLUME [\"/a\", \"/b\"]", ("VOLUME [/a /b]",), True),
        ("VOLUME [\"/a\", \"/b\"]", ("VOLUME [/a /c]",), False),
        ("LABEL a some words", ("LABEL a=some words",), True),
        # another instruction with the same words
        ("ENV a=b", ("LABEL a=b",), False),
        ("ADD a /b", ("COPY a /b # buildkit",), False),
        # flags
        ("COPY --chown=1 a /d/", ("COPY --chmod=1 a /d/ # buildkit",), False),
        ("COPY --chown=$U a /d/", ("COPY --chown=7 a /d/ # buildkit",), True),
        ("COPY --parents a /d/", ("COPY --parents a /d/ # buildkit",), True),
        ("COPY --parents=true a /d/", ("COPY --parents a /d/ # buildkit",), True),
        ("COPY --parents=false --chown=1 a /d/", ("COPY --chown=1 a /d/ # buildkit",), True),
        ("COPY --parents --chown=1 a /d/", ("COPY --parents --chown=1 a /d/ # buildkit",), True),
        ("COPY --chown=1 a /a\nCOPY --chown=1 b /b", ("COPY --chown=1 a /a # buildkit", "COPY b /b # buildkit"), False),
        ("COPY --chown=1 a /a\nCOPY --chown=1 b /b", ("COPY a /a # buildkit", "COPY b /b # buildkit"), True),
        ("COPY --chown=1 a /a", ("/bin/sh -c #(nop) COPY --chown=2 file:0f in /a ",), False),
        ("COPY --chown=1 a /a", ("/bin/sh -c #(nop) COPY --chown=1 file:0f in /a ",), True),
        ("COPY --chown=1 a /a", ("/bin/sh -c #(nop) COPY file:0f in /a ",), False),
        ("COPY --from=busybox --chown=1 /a /b", ("COPY --from=busybox --chown=1 /a /b",), True),
        # health checks
        ("HEALTHCHECK NONE", ('HEALTHCHECK &{["NONE"] "0s" "0s" "0s" "0s" \'\\x00\'}',), True),
        ("HEALTHCHECK CMD x", ('HEALTHCHECK &{["CMD-SHELL" "y"] "0s" "0s" "0s" "0s" \'\\x00\'}',), False),
        ('HEALTHCHECK CMD ["x", "y"]', ('HEALTHCHECK &{["CMD" "x" "y"] "0s" "0s" "0s" "0s" \'\\x00\'}',), True),
        ('HEALTHCHECK CMD ["x", "y"]', ('HEALTHCHECK &{["CMD-SHELL" "x y"] "0s" "0s" "0s" "0s" \'\\x00\'}',), False),
        ("HEALTHCHECK --timeout=90s CMD x", ('HEALTHCHECK &{["CMD-SHELL" "x"] "0s" "1m30s" "0s" "0s" \'\\x00\'}',), True),
        ("HEALTHCHECK --timeout=1500ms CMD x", ('HEALTHCHECK &{["CMD-SHELL" "x"] "0s" "1.5s" "0s" "0s" \'\\x00\'}',), True),
        ("HEALTHCHECK --timeout=1500ms CMD x", ('HEALTHCHECK &{["CMD-SHELL" "x"] "0s" "1.501s" "0s" "0s" \'\\x00\'}',), False),
        ("HEALTHCHECK --timeout=1h CMD x", ('HEALTHCHECK &{["CMD-SHELL" "x"] "0s" "1.0.0h" "0s" "0s" \'\\x00\'}',), False),
        # commands
        ('RUN ["env", "A=1"]', ("env A=1",), True),
        ("RUN echo '#(nop) ENV A=1'", ("RUN /bin/sh -c echo '#(nop) ENV A=1' # buildkit",), True),
        ("RUN dir", ("RUN cmd /S /C dir # buildkit",), True),
        ("RUN dir", ("RUN powershell -Command dir # buildkit",), True),
        ("RUN b", ("RUN /bin/sh -c abc b # buildkit",), False),
        ("RUN b", ("RUN /bin/sh -c a -e b # buildkit",), False),
        ('RUN ["b"]', ("RUN |1 A=1 b # buildkit",), True),
        ('RUN ["b"]', ("RUN a b # buildkit",), False),
    ],
)  # fmt: skip
def test_lines_and_the_history_that_they_leave(lines: str, said: tuple[str, ...], same: bool) -> None:
    assert in_sync(f"FROM debian\n{RUN}{lines}\n", RAN, *said) is same


@pytest.mark.parametrize("comment", [BUILDKIT, ""])
def test_buildkit_is_known_by_either_of_its_marks(comment: str) -> None:
    mark = "" if comment else " # buildkit"
    assert in_sync("FROM debian\nRUN echo '#(nop) X'\n", f"RUN /bin/sh -c echo '#(nop) X'{mark}", comment=comment)


def test_an_arg_ends_with_its_stage_and_env_goes_on_into_the_next() -> None:
    text = "FROM debian AS a\nARG V=/v\nENV E=/e\nFROM a\nWORKDIR /srv$V\nUSER u$E\n"
    assert in_sync(text, "ARG V=/v", "ENV E=/e", "WORKDIR /srv", "USER u/e")
    assert not in_sync(text, "ARG V=/v", "ENV E=/e", "WORKDIR /srv", "USER u/f")


def test_a_large_range_of_ports_is_what_history_lists_one_by_one() -> None:
    listed = " ".join(sorted(f"{port}/udp" for port in range(10000, 20001)))
    assert in_sync("FROM debian\nRUN first\nEXPOSE 10000-20000/udp\n", RAN, f"EXPOSE [{listed}]")
    assert not in_sync("FROM debian\nRUN first\nEXPOSE 10000-20001/udp\n", RAN, f"EXPOSE [{listed}]")


PORTS = st.lists(
    st.tuples(st.integers(1, 30), st.integers(0, 4), st.sampled_from(["", "/tcp", "/udp", "/TCP"])), min_size=1, max_size=6
)


@given(PORTS, PORTS)
@settings(max_examples=150, deadline=None)
def test_ports_are_the_same_exactly_where_the_sets_are(
    one: list[tuple[int, int, str]], other: list[tuple[int, int, str]]
) -> None:
    def of(spans: list[tuple[int, int, str]]) -> set[str]:
        return {f"{low + more}{(kind or '/tcp').lower()}" for low, most, kind in spans for more in range(most + 1)}

    line = "EXPOSE " + " ".join(f"{low}-{low + more}{kind}" if more else f"{low}{kind}" for low, more, kind in one)
    for spans in (one, other):
        said = f"EXPOSE map[{' '.join(f'{port}:{{}}' for port in sorted(of(spans)))}]"
        assert is_exact(expected_of(line), trace_of(said), flags_kept=True) is (of(one) == of(spans))


@given(st.lists(st.text("ab", max_size=3), min_size=2, max_size=4), st.text("ab", max_size=8))
@settings(max_examples=300, deadline=None)
def test_what_is_not_known_may_be_anything(parts: list[str], text: str) -> None:
    line = "USER " + "${unknown}".join(parts)
    fits = re.fullmatch(".*".join(parts), text) is not None
    assert is_exact(expected_of(line), trace_of(f"USER {text}"), flags_kept=True) is fits


@pytest.mark.parametrize(
    ("said", "command"),
    [
        ("/bin/sh -c make x", "make x"),
        ("/bin/bash -e -o pipefail -c make x", "make x"),
        ("/bin/bash -o pipefail -c git -c a=b x", "git -c a=b x"),
        ("git clone --depth 1 x -c a=b", "git clone --depth 1 x -c a=b"),
        ("make x", "make x"),
        ("|2 A=1 B=2 /bin/sh -c make x", "make x"),
        ("|2 A=1 B=2 make x", "make x"),
    ],
)
def test_the_command_of_a_run(said: str, command: str) -> None:
    assert run_command(said) == command


def test_settings_of_the_same_names_are_alike_and_others_are_not() -> None:
    for keyword in ("ENV", "LABEL", "ARG"):
        assert alike(f"{keyword} A=1", f"{keyword} A=2") == pytest.approx(0.8)
        assert alike(f"{keyword} A='x y z'", f"{keyword} A=p q") == pytest.approx(0.8)
        assert alike(f"{keyword} A=1 B=2", f"{keyword} A=1") == pytest.approx(0.8 * 2 / 3)
        assert alike(f"{keyword} A=1", f"{keyword} B=1") == 0
    assert alike("ENV A=1", "LABEL A=1") == 0
    assert alike("ARG A B", "ARG A B C") == pytest.approx(0.8 * 4 / 5)


def test_copies_are_alike_by_their_words_or_where_those_are_hidden_by_their_destination() -> None:
    assert alike("COPY a b /d", "COPY a c /d # buildkit") == pytest.approx(2 / 3)
    assert alike("ADD a b /d", "COPY a c /d # buildkit") == pytest.approx(0.7 * 2 / 3)
    for keyword in ("COPY", "ADD"):
        assert alike(f"{keyword} a /d", "/bin/sh -c #(nop) COPY file:0f in /d ") == pytest.approx(0.6)
    assert alike("COPY a /d", "/bin/sh -c #(nop) COPY file:0f in /e ") == pytest.approx(0.2)
    assert alike("ADD a /d", "/bin/sh -c #(nop) COPY file:0f in /e ") == 0
    assert alike("RUN a b", "RUN /bin/sh -c b c d # buildkit") == pytest.approx(2 / 5)
    assert alike("RUN a a a", "RUN /bin/sh -c a # buildkit") == pytest.approx(2 / 4)
    assert alike("USER a", "USER b") == pytest.approx(0.4)
    assert alike("STOPSIGNAL a", "USER a") == 0


KEYWORDS = ("RUN", "COPY", "ENV", "ARG", "LABEL", "WORKDIR", "EXPOSE", "HEALTHCHECK", "VOLUME", "X")
LINES = st.lists(st.tuples(st.sampled_from(KEYWORDS), st.text("a=$ {}[]\"'-:/.19<", max_size=12)), max_size=6)


@given(LINES, LINES)
@settings(max_examples=150, deadline=None)
def test_no_dockerfile_and_no_history_raises(lines: list[tuple[str, str]], said: list[tuple[str, str]]) -> None:
    dockerfile = parse("FROM debian\n" + "".join(f"{keyword} {text}\n" for keyword, text in lines))
    history = [HistoryItem("", f"{keyword} {text}", BUILDKIT) for keyword, text in said]
    found = match_lines(dockerfile, build_graph(dockerfile), history, numbered_layers(history))
    assert 0.0 <= found.fit <= 1.0
    assert len(found.matches) == len(said)
