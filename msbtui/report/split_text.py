"""`split` for reading: the decision, the reasons, the diff, and what checks found."""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Iterator, Sequence

from msbtui.dockerfile.model import Dockerfile
from msbtui.report.table import wrapped
from msbtui.split.model import Caution, LeftOut, Plan, Step
from msbtui.text import size

WIDTH = 100
_LONGEST = 300
_WORTH = 1_000_000
"""Bytes from which on an amount is a line of its own where nobody asked for all."""
_AMOUNT = re.compile(r" \((?:\d[^()]* in [^()]+)\)\Z")


def split_text(plan: Plan, original: Dockerfile, *, explain: bool = False) -> str:
    """Give the plan as text: the decision with its reasons, the steps, what stays behind, the ladder, the diff, the checks.

    With `explain` also the evidence of each step, why what stays behind is not needed, what is kept only from caution, and
    what each rung of the ladder risks.
    """
    lines = [_headline(plan), *_wrapped(plan.reasons)]
    if not plan.dockerfile:
        lines += [line for step in plan.steps for evidence in step.evidence for line in _block(f"· {evidence}", 2, 4)]
    elif plan.steps:
        lines += ["", "The runtime stage:" if plan.decision == "split" else "The changes:"]
        lines += _steps(plan.steps, explain)
    lines += _amounts("Stays behind in the build stage:", plan.left_out, explain)
    lines += _amounts("Kept only from caution:", plan.caution, explain)
    if len(plan.rungs) > 1:
        lines += ["", "The ladder, smallest first:"]
        for rung in plan.rungs:
            about = size(rung.estimated) if rung.estimated is not None else "?"
            lines += _block(f"{'▸' if rung.chosen else ' '} {about:>9}  {rung.name}: {rung.what}", 2, 15)
            lines += _block(f"risk: {rung.risk}", 15) if explain else []
    if plan.dockerfile:
        lines += ["", *_diff(plan, original)]
    if plan.checks:
        lines += ["", "Verified:" if plan.verified else "Not verified:"]
        for check in plan.checks:
            lines.append(f"  {'✔' if check.passed else '✘'} {check.name}" + (f": {check.detail}" if check.detail else ""))
    return "\n".join(lines)


def _block(text: str, indent: int, further: int | None = None) -> list[str]:
    """Give a text as indented lines."""
    return wrapped(text, WIDTH, " " * indent, " " * (indent if further is None else further))


def _steps(steps: Sequence[Step], explain: bool) -> Iterator[str]:
    """Give what is done and why; steps in a row that have one reason have it said once, below them."""
    for why, group in itertools.groupby(steps, key=lambda step: _reason(step)[0]):
        found = list(group)
        for step in found:
            what = step.what.replace(" \\ ", " ")  # of an instruction in several lines
            yield from _block(f"{what if len(what) <= _LONGEST else f'{what[:_LONGEST]}…'}{_reason(step)[1]}", 2, 6)
        yield from _block(why, 6)
        for evidence in dict.fromkeys(line for step in found for line in step.evidence) if explain else ():
            if evidence != why and not evidence.endswith(f": {why}"):
                yield from _block(f"· {evidence}", 6, 8)


def _reason(step: Step) -> tuple[str, str]:
    """Give why, and apart the amount that some reasons end with."""
    amount = _AMOUNT.search(step.why)
    return (step.why[: amount.start()], amount[0]) if amount else (step.why, "")


def _amounts(title: str, items: Sequence[LeftOut] | Sequence[Caution], explain: bool) -> list[str]:
    """Give what has bytes, greatest first; without `explain` only what is worth a line."""
    lines: list[str] = []
    shown = [item for item in items if explain or item.bytes >= _WORTH] or list(items[:1])
    for item in shown:
        lines += _block(f"{size(item.bytes):>9}  {item.what}", 0, 11)
        lines += _block(item.why, 13) if explain else []
    if rest := sum(item.bytes for item in items) - sum(item.bytes for item in shown):
        lines.append(f"{size(rest):>9}  {len(items) - len(shown)} more")
    return ["", title, *lines] if lines else []


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
    return [line for text in texts for line in _block(f"- {text}", 0, 2)]


def _diff(plan: Plan, original: Dockerfile) -> list[str]:
    before, after = original.source.splitlines(), plan.dockerfile.removeprefix("\ufeff").splitlines()
    return list(difflib.unified_diff(before, after, original.path, "split", lineterm="", n=3))
