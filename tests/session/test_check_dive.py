"""dive's own numbers and verdicts, as a real dive gave them, against those that `check` says dive has.

`tests/data/dive/verdicts.json` was written by `python tests/support/dive_cases.py DIVE FILE` with dive 0.13.1 (built from its
sources). Where DIVE names the program, it is asked again.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from check_world import made_session
from dive_cases import CASES, LIMITS, ask_dive

from msbtui.session.check import CheckConfig, run_check
from msbtui.session.check.dive import dive_numbers

VERDICTS = json.loads((Path(__file__).parent.parent / "data" / "dive" / "verdicts.json").read_text())
SAME = {
    "nothing is wasted",
    "one layer",
    "a file is deleted",
    "a hard link",
    "a symbolic link is rewritten",
}
"""Where dive's verdicts are right, all three."""


def printed(share: float) -> str:
    """Give a share as dive prints it."""
    return "+Inf" if share == float("inf") else f"{share * 100:.2f}" if share else "0"


def test_every_case_is_recorded():
    assert set(VERDICTS) == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_dives_numbers_are_dives(name):
    said, numbers = VERDICTS[name], dive_numbers(made_session(*CASES[name]).table)
    ours = {
        "efficiency": f"{numbers.efficiency * 100:.2f}",
        "wastedBytes": numbers.wasted,
        "userWastedPercent": printed(numbers.user_share),
    }
    assert ours == {key: said[key] for key in ours}


@pytest.mark.parametrize("name", CASES)
def test_verdicts_are_dives_or_say_why_not(name):
    session = made_session(*CASES[name])
    numbers = dive_numbers(session.table)
    results = run_check(session, CheckConfig(dive=LIMITS)).results
    differs = set()
    for result in results:
        theirs = VERDICTS[name]["passes"][result.rule]
        if result.passed != theirs:
            differs.add(result.rule)
            assert f" and {'passes' if theirs else 'fails'}: " in result.note
            assert numbers.counted_twice or numbers.missed
    if name in SAME:
        assert not differs


@pytest.mark.parametrize("name", CASES)
def test_dive_itself_says_so(name):
    program = os.environ.get("DIVE")
    if not program:
        pytest.skip("DIVE names no dive")
    assert ask_dive(program, CASES[name]) == VERDICTS[name]
