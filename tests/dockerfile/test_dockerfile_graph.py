"""The graph beyond the conformance cases: uses, places, partial graphs, checks, descriptions, size."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msbtui.dockerfile.graph import build_checks, build_graph
from msbtui.dockerfile.model import StageGraph, Use
from msbtui.dockerfile.parser import parse


def _graph(text: str, **inputs: object) -> StageGraph:
    return build_graph(parse(text), platform="linux/amd64", **inputs)  # type: ignore[arg-type]


def _checks(text: str) -> list[tuple[int, str]]:
    dockerfile = parse(text)
    return [(each.line, each.rule) for each in build_checks(dockerfile, build_graph(dockerfile, platform="linux/amd64"))]


def test_uses_are_expanded_and_grouped() -> None:
    graph = _graph(
        "FROM a AS b\nFROM scratch\nENV D=/opt\nCOPY --from=b /x /y $D/\nCOPY --from=b /z /z\n"
        "RUN --mount=from=b,source=/s,target=/t ls\n"
    )
    copied, mounted = graph.edges
    assert copied.uses == (Use(4, "/x /y", "/opt/"), Use(5, "/z", "/z"))
    assert mounted.uses == (Use(6, "/s", "/t"),)


def test_stage_spans_instructions_and_platform() -> None:
    text = "ARG X=1\nFROM --platform=$BUILDPLATFORM a AS b\nRUN x \\\n  y\n# end\nFROM b\nUSER u\n"
    graph = _graph(text)
    first, second = graph.stages
    assert text[first.span.start : first.span.end].endswith("x \\\n  y")
    assert (first.span.first_line, first.span.last_line) == (2, 4)
    assert [each.keyword for each in second.instructions] == ["FROM", "USER"]
    assert second.platform == first.platform != ""
    assert graph.args == {"X": "1"}


def test_a_half_typed_file_keeps_its_graph() -> None:
    graph = _graph("FROM a AS build\nRUN mak\nFROM alpine AS\nCOPY --from=build /x\nFOO\n")
    assert [stage.base.as_json() for stage in graph.stages] == [{"image": "a"}, {"image": "alpine"}]
    assert [(edge.origin.stage, edge.to) for edge in graph.edges] == [(0, 1)]
    assert [stage.reachable for stage in graph.stages] == [True, True]
    assert [error.line for error in graph.errors] == [3, 4, 5]


def test_all_errors_are_found_buildkits_first() -> None:
    graph = _graph("FROM A\nCOPY --from=9 / /\nFROM b AS c\nCOPY --from=c / /\n")
    messages = [error.message for error in graph.errors]
    assert messages[0] == "invalid stage index 9"
    assert any("circular dependency detected on stage: c" in each for each in messages)
    assert any("must be lowercase" in each for each in messages)


def test_hints_name_what_was_meant() -> None:
    assert _graph("FROM a AS builder\nFROM b\n", target="biulder").errors[0].hint == "did you mean builder?"
    assert _graph("FROM a AS Builder\nFROM Builder\n").errors[0].hint == "did you mean builder?"
    assert "stages are numbered 0 to 0" in _graph("FROM a\nCOPY --from=3 a b\n").errors[0].hint


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM scratch\nRUN a \\\n\n b\n", [(4, "NoEmptyContinuation")]),
        ("from scratch\nRUN a\nRUN b\n", [(1, "ConsistentInstructionCasing")]),
        ("FROM a as b\n", [(1, "FromAsCasing")]),
        (
            "FROM scratch\nCMD a\nCMD b\n",
            [(2, "JSONArgsRecommended"), (2, "MultipleInstructionsDisallowed"), (3, "JSONArgsRecommended")],
        ),
        ('FROM scratch\nSHELL ["sh"]\nCMD a\n', []),
        ("FROM scratch\nMAINTAINER x\n", [(2, "MaintainerDeprecated")]),
        ("FROM scratch\nWORKDIR a\nWORKDIR b\n", [(2, "WorkdirRelativePath")]),
        ("FROM scratch\nENV A b\n", [(2, "LegacyKeyValueFormat")]),
        ("FROM scratch\nARG DB_PASSWORD\nENV PASSWORD_FILE=x\n", [(2, "SecretsUsedInArgOrEnv")]),
        ("FROM scratch\nENV A=$NOPE\n", [(2, "UndefinedVar")]),
        ("FROM alpine\nENV A=$NOPE\n", []),
        ("FROM --platform=$TARGETPLATFORM a\n", [(1, "RedundantTargetPlatform")]),
        ("FROM scratch\nEXPOSE 80/TCP 1:2\n", [(2, "ExposeInvalidFormat"), (2, "ExposeProtoCasing")]),
        ("# check=skip=JSONArgsRecommended\nFROM scratch\nCMD a\n", []),
        ("FROM scratch\n# check=skip=JSONArgsRecommended\nCMD a\n", []),
        ("# check=experimental=all\n# other\nFROM scratch AS x\n", [(3, "InvalidDefinitionDescription")]),
    ],
)
def test_build_checks(text: str, expected: list[tuple[int, str]]) -> None:
    assert _checks(text) == expected


def test_suggestion_for_a_variable() -> None:
    graph = _graph("FROM scratch\nENV VERSION=1\nENV A=$VERSOIN\n")
    assert graph.warnings[0].message == "Usage of undefined variable '$VERSOIN' (did you mean $VERSION?)"


@pytest.mark.parametrize(
    ("text", "comment"),
    [
        ("# builds the front end\nFROM a AS web\n", "builds the front end"),
        ("# web serves it\n# and more\nFROM a AS web\n", "serves it"),
        ("# two\n# lines\nFROM a\n", "two lines"),
        ("# apart\n\nFROM a\n", ""),
        ("# syntax=docker/dockerfile:1\nFROM a\n", ""),
        ("FROM z\nRUN x\n# é here\n# check=skip=all\nFROM a AS b\n", "é here"),
    ],
)
def test_descriptions(text: str, comment: str) -> None:
    assert _graph(text).stages[-1].comment == comment


def test_foreign_frontend_is_warned_of() -> None:
    assert "foo/bar:1" in _graph("# syntax=foo/bar:1\nFROM a\n").warnings[0].message
    assert not _graph("# syntax=docker.io/docker/dockerfile:1.7-labs\nFROM a\n").warnings


def test_platforms() -> None:
    text = "FROM base-${TARGETARCH} AS x\n"
    assert build_graph(parse(text), platform="linux/arm64").stages[0].base.image == "base-arm64"
    assert build_graph(parse(text), platform="no such thing").errors[0].line == 0


def test_platform_of_a_named_context_is_looked_up_first() -> None:
    graph = build_graph(parse("FROM a AS b\n"), build_contexts={"b::linux/arm64": "x"}, platform="linux/arm64")
    assert graph.stages[0].named_context


@pytest.mark.parametrize(
    ("text", "contexts", "platform", "replaced"),
    [
        ("FROM a AS b\n", {"b": "x"}, "linux/amd64", True),
        ("FROM a AS b\n", {"b::linux/amd64": "x"}, "linux/arm64", False),
        ("FROM --platform=linux/arm64 a AS b\n", {"b::linux/arm64": "x"}, "linux/amd64", True),
        ("FROM --platform=linux/arm64 a AS b\n", {"b::linux/amd64": "x"}, "linux/amd64", False),
        ("FROM a AS b\n", {"c": "x"}, "linux/amd64", False),
        ("FROM a AS b\n", {}, "linux/amd64", False),
        ("FROM a AS scratch\n", {"scratch": "x"}, "linux/amd64", False),
        ("FROM a AS context\n", {"context": "x"}, "linux/amd64", False),
        ("FROM a\n", {"stage-0": "x"}, "linux/amd64", False),
    ],
)
def test_which_stages_a_named_context_stands_for(text: str, contexts: dict[str, str], platform: str, replaced: bool) -> None:
    graph = build_graph(parse(text), build_contexts=contexts, platform=platform)
    assert not graph.errors
    assert graph.stages[0].named_context is replaced


@pytest.mark.parametrize(
    ("text", "target", "bases"),
    [
        ("FROM x AS one\nFROM a:$TARGETSTAGE AS two\n", None, ["x", "a:two"]),
        ("FROM a:$TARGETSTAGE AS one\nFROM b:$TARGETSTAGE AS two\n", "one", ["a:one", "b:one"]),
        ("FROM a:$TARGETSTAGE AS one\nFROM b:$TARGETSTAGE\n", None, ["a:default", "b:default"]),
    ],
)
def test_the_target_has_a_name_in_bases(text: str, target: str | None, bases: list[str]) -> None:
    assert [stage.base.image for stage in _graph(text, target=target).stages] == bases


def test_what_is_wrong_before_the_first_from_leaves_the_rest() -> None:
    graph = _graph("ARG\nARG V=1\nFROM a:$V\n")
    assert [error.message for error in graph.errors] == ["dockerfile parse error on line 1: ARG requires at least one argument"]
    assert (graph.stages[0].base.image, graph.target_index) == ("a:1", 0)
    failed = _graph("ARG A=${B?unset}\nFROM x\n")
    assert [(error.message, error.line) for error in failed.errors] == [('failed to process "${B?unset}": B: unset', 1)]
    assert [stage.reachable for stage in failed.stages] == [False]


def test_a_target_that_is_not_there_is_hinted_at_or_stages_are_listed() -> None:
    meant = _graph("FROM a AS build\nFROM b\n", target="bild").errors[0]
    assert (meant.message, meant.hint) == ('target stage "bild" could not be found (did you mean build?)', "did you mean build?")
    many = _graph("FROM a\n" * 12, target="zzz").errors[0]
    assert many.hint == "stages: " + ", ".join(f"stage-{number}" for number in range(10))
    assert (many.line, many.column) == (0, 0)


def test_names_that_no_context_can_have_are_no_stage_names() -> None:
    for name in ("x-", "a--.b"):
        error = _graph(f"FROM a AS {name}\n").errors[0]
        assert error.message.startswith(f"invalid context name {name}: ") and error.hint, name
    for name in ("scratch", "context", "x-y"):
        assert _graph(f"FROM a AS {name}\n").errors == ()


def test_an_empty_platform_names_its_expression() -> None:
    graph = _graph("FROM --platform=$X a\n")
    assert [(error.message, error.line) for error in graph.errors] == [("empty platform value from expression $X", 1)]


def test_image_references_are_familiar() -> None:
    graph = _graph("FROM docker.io/library/alpine:latest\nCOPY --from=ghcr.io/a/b:latest / /\n")
    assert graph.stages[0].base.image == "alpine"
    assert graph.edges[0].origin.image == "ghcr.io/a/b"


def test_names_are_printable() -> None:
    graph = _graph("FROM a\x1b[31m\nCOPY x\x07 /\nCOPY --from=e\x1b / /\n")
    for problem in graph.errors:
        assert problem.message.isprintable()
    assert graph.stages[0].base.image is not None
    assert graph.stages[0].base.image.isprintable()


def test_long_chains_need_no_stack() -> None:
    lines = ["FROM a AS s0"]
    for number in range(1, 3000):
        lines += [f"FROM x AS s{number}", f"COPY --from=s{number - 1} / /"]
    graph = _graph("\n".join(lines))
    assert all(stage.reachable for stage in graph.stages)
    assert len(graph.edges) == 2999


_PIECES = st.sampled_from(
    [
        "FROM a AS b",
        "FROM b",
        "FROM $X AS c",
        "ARG X=b",
        "COPY --from=c /x /y",
        "COPY --from=1 . .",
        "RUN --mount=from=b,target=/ x",
        "ONBUILD COPY --from=b / /",
        "ONBUILD FOO",
        "ENV A=${B",
        "EXPOSE x",
        "VOLUME $Y",
        "HEALTHCHECK",
        "STOPSIGNAL 0",
        "WORKDIR",
        "FROM",
        "COPY",
        "RUN <<E",
        "E",
        "LABEL a",
        "FROM --platform=x/y/z/w q",
        "SHELL x",
        "ADD git@a:b /",
        "# check=skip=all",
    ]
)


@given(st.lists(_PIECES, max_size=10), st.sampled_from([None, "b", "c", "0"]), st.booleans())
def test_any_mix_gives_a_sound_graph(pieces: list[str], target: str | None, all_stages: bool) -> None:
    graph = _graph("\n".join(pieces), target=target, all_stages=all_stages)
    count = len(graph.stages)
    assert [stage.index for stage in graph.stages] == list(range(count))
    for edge in graph.edges:
        assert 0 <= edge.to < count
        assert edge.origin.stage is None or 0 <= edge.origin.stage < count
        assert edge.uses
    for stage in graph.stages:
        assert stage.base.stage is None or stage.base.stage < stage.index
    if not graph.errors:
        assert graph.target_index is not None
        assert graph.stages[graph.target_index].reachable
