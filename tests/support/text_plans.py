"""Plans from the text alone, whose Dockerfiles must be sound."""

from __future__ import annotations

from msbtui.dockerfile.graph import build_graph
from msbtui.dockerfile.parser import parse
from msbtui.split.model import Plan
from msbtui.split.planner import make_plan


def plan(text: str) -> Plan:
    """Give the plan for a sound Dockerfile without an image."""
    dockerfile = parse(text)
    assert not dockerfile.errors
    found = make_plan(dockerfile, build_graph(dockerfile))
    assert not found.proven
    if found.dockerfile:
        again = parse(found.dockerfile)
        assert not again.errors, again.errors
        assert not build_graph(again).errors
    return found
