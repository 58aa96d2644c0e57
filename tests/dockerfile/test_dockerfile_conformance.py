"""Every case that BuildKit itself was run on: stages, bases, edges, reachability, context paths, errors, warnings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from msbtui.dockerfile.graph import build_graph
from msbtui.dockerfile.model import StageGraph
from msbtui.dockerfile.parser import parse

_CASES = json.loads((Path(__file__).parents[1] / "data" / "stage-graph.json").read_text("utf-8"))["cases"]
_QUIRK = "copyfrom-index-hits-unregistered"
"""BuildKit takes an index past the last stage for an image that another COPY names; here it is no such stage."""


def _graph(case: dict[str, Any]) -> StageGraph:
    return build_graph(
        parse(case["dockerfile"]),
        target=case.get("target"),
        build_args=case.get("build_args"),
        build_contexts=case.get("build_contexts"),
        image_onbuild=case.get("image_onbuild"),
        all_stages=case.get("all_stages", False),
        platform="linux/amd64",
    )


def _stages(graph: StageGraph) -> list[dict[str, Any]]:
    return [
        {
            "index": stage.index,
            "name": stage.name,
            "base": stage.base.as_json(),
            "reachable": stage.reachable,
            "named_context": stage.named_context,
            "context_paths": list(stage.context_paths),
        }
        for stage in graph.stages
    ]


def _edges(graph: StageGraph) -> list[dict[str, Any]]:
    return [{"to": edge.to, "via": edge.via, "from": edge.origin.as_json()} for edge in graph.edges]


def test_all_cases_are_here() -> None:
    assert len(_CASES) == 176
    assert sum(case["ok"] for case in _CASES) == 120


@pytest.mark.parametrize("case", [case for case in _CASES if case["name"] != _QUIRK], ids=lambda case: case["name"])
def test_graph_is_the_one_of_buildkit(case: dict[str, Any]) -> None:
    graph = _graph(case)
    if case["ok"]:
        assert not graph.errors
    else:
        assert graph.errors, "BuildKit rejects this file"
        assert case["error"] in graph.errors[0].message
    assert [f"{problem.rule}: {problem.message}" for problem in graph.warnings] == case.get("warnings", [])
    if "stages" in case:
        assert _stages(graph) == case["stages"]
        assert sorted(map(str, _edges(graph))) == sorted(map(str, case["edges"]))
        assert (graph.target_index if graph.target_index is not None else -1) == case["target_index"]


def test_index_past_the_last_stage_is_an_error() -> None:
    case = next(case for case in _CASES if case["name"] == _QUIRK)
    graph = _graph(case)
    assert [error.message for error in graph.errors] == ["invalid stage index 2"]
    assert graph.errors[0].line == 4
    assert [stage.base.as_json() for stage in graph.stages] == [stage["base"] for stage in case["stages"]]


@pytest.mark.parametrize("case", [case for case in _CASES if not case["ok"]], ids=lambda case: case["name"])
def test_every_error_has_a_place(case: dict[str, Any]) -> None:
    lines = case["dockerfile"].count("\n") + 1
    for error in _graph(case).errors:
        whole_file = "target stage" in error.message
        assert whole_file or 1 <= error.line <= lines
        assert whole_file or error.column >= 1


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case["name"])
def test_crlf_and_bom_change_nothing_but_offsets(case: dict[str, Any]) -> None:
    text = case["dockerfile"]
    if "\r" in text or text.startswith("\ufeff") or not text:
        pytest.skip("has them already")
    plain, other = _graph(case), _graph({**case, "dockerfile": "\ufeff" + text.replace("\n", "\r\n")})
    assert _stages(plain) == _stages(other)
    assert plain.edges == other.edges
    assert [error.message for error in plain.errors] == [error.message for error in other.errors]
