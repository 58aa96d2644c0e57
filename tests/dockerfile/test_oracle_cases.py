"""Every disagreement with BuildKit that was found, with BuildKit's recorded answer: no Go needed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from buildkit_oracle import Oracle
from oracle_cases import CASES, pinned_version, request_of
from oracle_compare import differences, warning_differences

_FILE = json.loads(CASES.read_text("utf-8"))
_CASES = _FILE["cases"]
_PARTIAL = frozenset({"partial"})
"""BuildKit stops at the first error; here the graph of the rest is made too."""


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case["name"])
def test_case_is_read_as_buildkit_read_it(case: dict[str, Any]) -> None:
    request = request_of(case)
    assert [each for each in differences(request, case["answer"]) if each.kind not in _PARTIAL] == []
    assert warning_differences(request, case["answer"]) == []


def test_recording_is_of_the_pinned_version() -> None:
    assert pinned_version() in _FILE["source"]


@pytest.mark.oracle
def test_buildkit_still_answers_so(oracle: Oracle) -> None:
    answers = oracle.ask([request_of(case) for case in _CASES])
    for case, answer in zip(_CASES, answers, strict=True):
        assert {**answer, **case["answer"]} == answer, case["name"]
