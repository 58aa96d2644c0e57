"""Every disagreement with BuildKit that was found, with BuildKit's recorded answer: no Go needed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from buildkit_oracle import Oracle
from oracle_cases import CASES, pinned_version, request_of
from oracle_compare import differences, warning_differences

from msbtui.dockerfile.parser import parse

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


def test_byte_order_mark_counts_for_the_limit_of_the_first_line() -> None:
    """Too long for the file of cases: BuildKit reads lines of at most 65535 bytes, the mark's three among them."""
    for letters, sound in ((65535 - 3, True), (65536 - 3, False)):
        errors = parse(b"\xef\xbb\xbf" + b"#" * letters + b"\nFROM alpine\n").errors
        assert ["greater than max allowed size" in error.message for error in errors[:1]] == ([] if sound else [True])


@pytest.mark.oracle
def test_buildkit_still_answers_so(oracle: Oracle) -> None:
    answers = oracle.ask([request_of(case) for case in _CASES])
    for case, answer in zip(_CASES, answers, strict=True):
        assert {**answer, **case["answer"]} == answer, case["name"]
