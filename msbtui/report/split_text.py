"""`split` for reading: the decision, the reasons, the diff, and what checks found."""

from __future__ import annotations

import difflib
import textwrap

from msbtui.dockerfile.model import Dockerfile
from msbtui.split.model import Plan
from msbtui.text import size

WIDTH = 100


def split_text(plan: Plan, original: Dockerfile) -> str:
    """Give the plan as text: the decision with its reasons, each step with why, the diff, the checks."""
    lines = [_headline(plan), *_wrapped(plan.reasons)]
    if plan.steps:
        lines += ["", "The runtime stage:"]
        for step in plan.steps:
            lines.append(f"  {step.what}")
            lines += textwrap.wrap(step.why, WIDTH, initial_indent="      ", subsequent_indent="      ")
    if plan.left_out:
        lines += ["", "Stays behind in the build stage:"]
        for item in plan.left_out:
            lines += textwrap.wrap(f"{size(item.bytes):>9}  {item.what}", WIDTH, subsequent_indent=" " * 11)
            lines += textwrap.wrap(item.why, WIDTH, initial_indent=" " * 13, subsequent_indent=" " * 13)
    if len(plan.rungs) > 1:
        lines += ["", "The ladder, smallest first:"]
        for rung in plan.rungs:
            about = size(rung.estimated) if rung.estimated is not None else "?"
            lines.append(f"  {'▸' if rung.chosen else ' '} {about:>9}  {rung.name}: {rung.what}")
            lines += textwrap.wrap(f"risk: {rung.risk}", WIDTH, initial_indent=" " * 15, subsequent_indent=" " * 15)
    if plan.dockerfile:
        lines += ["", *_diff(plan, original)]
    if plan.checks:
        lines += ["", "Verified:" if plan.verified else "Not verified:"]
        for check in plan.checks:
            lines.append(f"  {'✔' if check.passed else '✘'} {check.name}" + (f": {check.detail}" if check.detail else ""))
    return "\n".join(lines)


def _headline(plan: Plan) -> str:
    if plan.decision in ("none", "refused"):
        return {"none": "Nothing worth splitting.", "refused": "A split would be wrong here."}[plan.decision]
    name = {"split": "Split into stages", "in-place": "Clean up in place"}[plan.decision]
    after = plan.size_after.measured if plan.size_after.measured is not None else plan.size_after.estimated
    if plan.size_before is None or after is None:
        return f"{name}: from the text alone, so the sizes are not known and nothing is proven."
    share = 1 - after / plan.size_before if plan.size_before else 0
    how = "measured" if plan.size_after.measured is not None else "estimated"
    return f"{name}: {size(plan.size_before)} → {size(after)}, {share:.0%} smaller ({how})"


def _wrapped(texts: tuple[str, ...]) -> list[str]:
    return [line for text in texts for line in textwrap.wrap(text, WIDTH, initial_indent="- ", subsequent_indent="  ")]


def _diff(plan: Plan, original: Dockerfile) -> list[str]:
    before, after = original.source.splitlines(), plan.dockerfile.removeprefix("\ufeff").splitlines()
    return list(difflib.unified_diff(before, after, original.path, "split", lineterm="", n=3))
