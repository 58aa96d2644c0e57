"""When a split is wrong, and why: said instead of a plan that would break."""

from __future__ import annotations

from msbtui.split.reach import Reach
from msbtui.split.starts import only_a_prompt
from msbtui.split.view import View

LEAST_SHARE = 0.05
LEAST_BYTES = 5_000_000
"""A gain under either is nothing worth a second stage."""


def objection(view: View, reach: Reach, programs: list[str]) -> str:
    """Give why the image cannot be split, or an empty text. `programs`: executables of its own, where nothing is started."""
    if reach.build_tools:
        command, where = next(iter(reach.build_tools.items()))
        return f"{where} runs `{command}`: what starts in the container builds or compiles, so the toolchain must stay"
    if only_a_prompt(view.config):
        if not programs:
            return (
                "the image starts no program of its own, only a shell or a prompt: what a person will need in it cannot be known"
            )
        return ""
    if reach.missing:
        return f"`{reach.missing[0]}` is what the container starts, and the image does not have it: nothing shows what it needs"
    return ""


def too_little(before: int, after: int) -> bool:
    """Tell whether a gain is nothing worth splitting; sizes in bytes."""
    return before - after < LEAST_BYTES or (before - after) < LEAST_SHARE * before
