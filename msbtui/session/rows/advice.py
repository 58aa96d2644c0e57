"""Findings as rows of advice: bytes, id, what it is, what to do."""

from __future__ import annotations

from msbtui.analysis.model import Finding, WasteReport
from msbtui.session.rows.cells import Part, Row, cut, fit, right, shown, width
from msbtui.text import size

KEPT = "K"
"""Stands where a finding has its confidence, for what is none: the container's start needs it."""


def advice_of(waste: WasteReport | None) -> tuple[Finding, ...]:
    """Give the findings, and after them, in the same shape, what is not called waste since the container's start needs it."""
    if waste is None:
        return ()
    kept = (
        Finding(
            f"{KEPT}{number}",
            one.kind,
            one.title,
            one.bytes,
            KEPT,
            one.layer,
            one.line,
            one.paths,
            "",
            explanation="By its kind it would be waste. What the container starts reaches it: it is not called removable.",
        )
        for number, one in enumerate(waste.kept, 1)
    )
    return (*waste.findings, *kept)


def draw_advice(finding: Finding, cells: int, ids: int = 3) -> Row:
    """Give one finding in exactly `cells` cells; the advice stands where there is room after the title.

    A hint (confidence C) carries a `?`; what lies in the base image is named so, and so is what is needed and stays.
    """
    lead = right(size(finding.bytes), 8) + "  "
    label = finding.id.ljust(ids) + " "
    title = " ".join(shown(finding.title).split())
    if finding.confidence == "C":
        title += " ?"
    if finding.in_base:
        title = f"base: {title}"
    advice = " ".join(shown(finding.advice).split())
    room = cells - len(lead) - len(label)
    if finding.confidence == KEPT:
        title = f"stays: {title}"
    dim = finding.in_base or finding.confidence in ("C", KEPT)
    parts: list[Part] = [(lead, "dim" if dim else "size"), (label, "mark" if finding.confidence == "A" and not dim else "dim")]
    drawn = cut(title, room)
    parts.append((drawn, "dim" if dim else "text"))
    left_over = room - width(drawn)
    # What is wrong is worth more than what to do, which `x` tells in full; a few letters of it would say nothing.
    if advice and (left_over >= 20 or left_over >= width(advice) + 4):
        parts.append((cut("  → " + advice, left_over), "advice"))
    return fit(parts, cells)
