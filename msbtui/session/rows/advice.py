"""Findings as rows of advice: bytes, id, what it is, what to do."""

from __future__ import annotations

from msbtui.analysis.model import Finding
from msbtui.session.rows.cells import Part, Row, cut, fit, right, shown, width
from msbtui.text import size


def draw_advice(finding: Finding, cells: int, ids: int = 3) -> Row:
    """Give one finding in exactly `cells` cells; the advice stands where there is room after the title.

    A hint (confidence C) carries a `?`; what lies in the base image is named so.
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
    dim = finding.in_base or finding.confidence == "C"
    parts: list[Part] = [(lead, "dim" if dim else "size"), (label, "mark" if finding.confidence == "A" and not dim else "dim")]
    drawn = cut(title, room)
    parts.append((drawn, "dim" if dim else "text"))
    left_over = room - width(drawn)
    # What is wrong is worth more than what to do, which `x` tells in full; a few letters of it would say nothing.
    if advice and (left_over >= 20 or left_over >= width(advice) + 4):
        parts.append((cut("  → " + advice, left_over), "advice"))
    return fit(parts, cells)
