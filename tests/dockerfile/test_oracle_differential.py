"""Made Dockerfiles, read here and by BuildKit. `python tests/oracle/compare.py` does many more, and makes them small."""

from __future__ import annotations

import contextlib
import time
from random import Random

import pytest
from buildkit_oracle import Oracle, Request
from dockerfile_gen import RECORDED, faulty, requests, value_requests
from hypothesis import HealthCheck, Phase, given, seed, settings
from oracle_compare import REPORT_ONLY, Difference, differences, shrink

pytestmark = pytest.mark.oracle

_COUNT = 300
_SECONDS = 40
"""No new Dockerfile is made after that, so that a slow machine tests fewer and does not fail."""


def _made() -> list[Request]:
    found: list[Request] = []
    end = time.monotonic() + _SECONDS

    @seed(20)
    @settings(max_examples=_COUNT, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(requests())
    def take(request: Request) -> None:
        found.append(request)
        if time.monotonic() > end:
            raise TimeoutError

    with contextlib.suppress(TimeoutError):
        take()
    return found


def test_made_dockerfiles_are_read_as_buildkit_reads_them(oracle: Oracle) -> None:
    made = _made()
    accepted = sum(answer["ok"] for answer in oracle.ask(made))
    assert len(made) // 4 < accepted < len(made) * 9 // 10, "the grammar makes sound files and faulty ones"
    assert _hard(oracle, made) == []


def test_faulty_dockerfiles_and_odd_values_are_read_as_buildkit_reads_them(oracle: Oracle) -> None:
    dice = Random(20)
    assert _hard(oracle, value_requests(1500, dice)) == []
    assert _hard(oracle, [Request(faulty(case["dockerfile"].encode(), dice)) for case in RECORDED for _ in range(4)]) == []


def _hard(oracle: Oracle, made: list[Request]) -> list[tuple[Request, Difference]]:
    return [
        (request, difference)
        for request, answer in zip(made, oracle.ask(made), strict=True)
        for difference in differences(request, answer)
        if difference.kind not in REPORT_ONLY
    ]


_PLAIN = b"FROM alpine AS a\nFROM scratch\nRUN --mount=from=img,target=/m x\nCOPY --from=a /x /y\nCOPY z /z\n"


@pytest.mark.parametrize(
    ("old", "new", "kinds"),
    [
        (b"COPY z", b"NOTHING z", {"accepts", "spans"}),
        (b"from=img", b"from=other", {"edges", "flags of RUN"}),
        (b"FROM alpine", b"FROM busybox", {"bases", "words of FROM"}),
        (b"AS a", b"AS b", {"stages", "edges", "reachability", "words of FROM"}),
        (b"--from=a", b"--from=c", {"edges", "reachability", "flags of COPY"}),
        (b"COPY z", b"COPY y", {"context paths", "words of COPY"}),
        (b"/m x", b"/m \\\n x", {"spans"}),
        (b"z /z", b'["z", "/z"]', {"json of COPY"}),
        (b"z /z", b"<<E /z\nE", {"spans", "context paths"}),
    ],
)
def test_comparison_sees_what_differs(oracle: Oracle, old: bytes, new: bytes, kinds: set[str]) -> None:
    """BuildKit's answer to another file must not pass for the answer to this one."""
    other = _PLAIN.replace(old, new)
    answers = oracle.ask([Request(_PLAIN), Request(other)])
    assert differences(Request(_PLAIN), answers[0]) == []
    assert {difference.kind for difference in differences(Request(_PLAIN), answers[1])} == kinds


def test_shrinking_keeps_the_cause() -> None:
    small = shrink(b"FROM a\nRUN x\nCOPY b c\nRUN y\n", lambda each: [b"OPY" in text for text in each])
    assert small == b"OPY"


def test_differences_have_a_cause_without_names() -> None:
    first, second = (Difference("message", f'no "{name}" on line 3', "") for name in ("a", "b"))
    assert first.cause == second.cause
