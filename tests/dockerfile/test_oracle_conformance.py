"""The oracle itself: it gives what was recorded of BuildKit, and its steps are those of the exported function."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from buildkit_oracle import Oracle, Request
from oracle_compare import read

pytestmark = pytest.mark.oracle

_CASES = json.loads((Path(__file__).parents[1] / "data" / "stage-graph.json").read_text("utf-8"))["cases"]
_OTHER_ERROR = {
    "empty": "the Dockerfile cannot be empty",
    "check-error": "lint violation found for rules: DuplicateStageName",
}
"""The recording gave the parser no file, and had no one to warn; this version of BuildKit says so in a build."""


def _request(case: dict[str, Any]) -> Request:
    return Request(
        case["dockerfile"].encode(),
        case.get("target") or "",
        case.get("build_args") or {},
        tuple(case.get("build_contexts") or ()),
        case.get("image_onbuild") or {},
        case.get("all_stages", False),
    )


@pytest.fixture(scope="module")
def answers(oracle: Oracle) -> dict[str, dict[str, Any]]:
    return {case["name"]: answer for case, answer in zip(_CASES, oracle.ask(list(map(_request, _CASES))), strict=True)}


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case["name"])
def test_oracle_gives_what_was_recorded(case: dict[str, Any], answers: dict[str, dict[str, Any]]) -> None:
    answer = answers[case["name"]]
    assert "panic" not in answer
    assert answer.get("error", "") == _OTHER_ERROR.get(case["name"], case.get("error", ""))
    if case["name"] not in _OTHER_ERROR:
        assert answer["ok"] == case["ok"]
        assert answer.get("failed_at") == case.get("failed_at")
    # The recording left out the one check that the parser makes.
    checks = [f"{each['rule']}: {each['message']}" for each in answer["warnings"] if each["rule"] != "NoEmptyContinuation"]
    assert checks == case.get("warnings", [])
    if "stages" in case:
        assert answer["stages"] == case["stages"]
        assert sorted(map(str, answer["edges"])) == sorted(map(str, case["edges"]))
        assert answer["target_index"] == case["target_index"]


def test_steps_are_those_of_the_exported_function(answers: dict[str, dict[str, Any]]) -> None:
    without_contexts = [case["name"] for case in _CASES if "build_contexts" not in case]
    assert len(without_contexts) > 150
    assert {name: answers[name]["exported"] for name in without_contexts} == {
        name: answers[name].get("error", "") for name in without_contexts
    }


def test_oracle_reads_lines_flags_and_heredocs(oracle: Oracle) -> None:
    (answer,) = oracle.ask([Request(b"FROM a\n\nCOPY --link <<-'E' \\\n  /d\n\tx\nE\n")])
    _, copy = answer["instructions"]
    assert (copy["start"], copy["end"], copy["json"]) == (3, 6, False)
    assert (len(copy["flags"]), len(copy["words"]), len(copy["heredocs"])) == (1, 2, 1)
    assert not copy["heredocs"][0]["expand"]
    assert copy["heredocs"][0]["chomp"]


def test_oracle_ends_where_buildkit_does_not(oracle: Oracle) -> None:
    """A trigger that copies from its own image: BuildKit adds a state of that image in every round; here the graph is finite."""
    request = Request(b"FROM self\n", image_onbuild={"self": ["COPY --from=self /a /b"]})
    (answer,) = oracle.ask([request])
    assert answer["endless"]
    graph = read(request).graph
    assert not graph.errors
    assert [(edge.to, edge.origin.image) for edge in graph.edges] == [(0, "self")]
