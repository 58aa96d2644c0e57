"""How an error reads: one line, one pair of brackets."""

from __future__ import annotations

import pytest

from msbtui.errors import TargetError


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("is empty", "here: is empty (try again)"),
        ("does not answer (tried 5 times)", "here: does not answer (tried 5 times; try again)"),
        ("layer 0 (sha256:ab) is encrypted", "here: layer 0 (sha256:ab) is encrypted (try again)"),
        ("holds no image f()", "here: holds no image f() (try again)"),
        ("said (a (b))", "here: said (a (b)) (try again)"),
        ("said ()", "here: said () (try again)"),
        ("said (a) b)", "here: said (a) b) (try again)"),
    ],
)
def test_a_hint_joins_the_brackets_that_are_there(what, line):
    assert str(TargetError(what, where="here", hint="try again")) == line
    assert str(TargetError(what, where="here")) == f"here: {what}"
