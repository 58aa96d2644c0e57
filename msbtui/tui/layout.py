"""Which panes stand where: one pure function of the screen's size, the current pane, and the zoom."""

from __future__ import annotations

from dataclasses import dataclass

PANES = ("stages", "source", "layers", "files", "advice")
LEFT = ("stages", "source")
RIGHT = ("layers", "files", "advice")

WIDE = 100
"""Columns from which there are two columns of panes."""
TALL = 30
"""Rows from which nothing has to give way."""
BORDERS = 2
"""Cells of a pane's width and rows of its height that its borders take."""
SMALL = (60, 15)
"""Below this, only the current pane is shown."""


@dataclass(frozen=True)
class Layout:
    """What is visible, and the heights in rows, borders included; 0 takes what is left."""

    visible: frozenset[str]
    left_width: int
    """Columns of the left column; 0 where there is only one column."""
    heights: dict[str, int]
    bare: bool = False
    """Whether there is no room for borders."""


def arrange(width: int, height: int, current: str, *, zoom: bool, rows: dict[str, int]) -> Layout:
    """Give the layout for a screen of `width` by `height` cells, of which the top line and the key line take two rows.

    `rows` has how many rows each pane would like to show, its column heads included.
    """
    if zoom or width < SMALL[0] or height < SMALL[1]:
        return Layout(frozenset({current}), 0, {current: 0}, height < 8)
    body = height - 2
    left_width, _ = columns(width)
    short = height < TALL
    heights: dict[str, int] = {}
    wide = width >= WIDE
    if wide or current in RIGHT:
        advice = _between(3, rows["advice"] + 2, 5 if short else max(7, body // 4))
        if body < 16:
            advice = 3
        # Files get the larger half of what is left: a tree needs more rows than a list of layers.
        left_over = body - advice
        layers = _between(4, rows["layers"] + 2, max(left_over * 9 // 20, 5) if not short else max((left_over + 1) // 2, 4))
        heights.update(layers=layers, files=0, advice=advice)
    if wide or current in LEFT:
        stages = _between(3, rows["stages"] + 2, max(body * 2 // 5, 6))
        heights.update(stages=stages, source=0)
    if wide:
        return Layout(frozenset(PANES), left_width, heights)
    if current in RIGHT:
        return Layout(frozenset(RIGHT), 0, heights)
    if short:
        return Layout(frozenset({current}), 0, {current: 0})
    return Layout(frozenset(LEFT), 0, heights)


def columns(width: int) -> tuple[int, int]:
    """Give the cells of the left and the right column; where there is only one it is the right one, and the left has none."""
    left = width * 3 // 7 if width >= WIDE else 0
    return left, width - left


def _between(least: int, wanted: int, most: int) -> int:
    return max(least, min(wanted, most))
