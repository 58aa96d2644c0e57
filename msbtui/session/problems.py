"""How a Dockerfile's problem is worded where its line is named beside it."""

from __future__ import annotations

from msbtui.dockerfile.model import Problem


def without_line(problem: Problem) -> str:
    """Give a problem's message without BuildKit's own words before it that only repeat the line which the problem names."""
    return problem.message.removeprefix(f"dockerfile parse error on line {problem.line}: ")
