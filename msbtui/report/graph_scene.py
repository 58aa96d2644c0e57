"""A stage graph as plain shapes in pixels, which SVG and PNG both draw."""

from __future__ import annotations

import msgspec

from msbtui.session.drawing.diagram import LEGEND, LEGEND_BOXES, Box, Diagram
from msbtui.session.drawing.layout import Layout, Link, Point, Spacing, lay_out
from msbtui.session.rows.cells import width

CELL, ROW = 7.8, 18.0
"""Pixels of one monospace cell and of one row of text at 13 pixels."""
MARGIN = 20.0
PAD = 12.0
"""Pixels between a box's border and its text."""
SPACING = Spacing(across=26, line=14, track=10, gap=14, arrow=8)


class Rect(msgspec.Struct, frozen=True):
    """A box: `style` is `stage`, `target`, `outside` or `dim`."""

    x: float
    y: float
    width: float
    height: float
    style: str


class Path(msgspec.Struct, frozen=True):
    """An edge through its corners, with an arrow's head at its end: `style` as in `Arrow.via`, `dim` where not built."""

    points: tuple[Point, ...]
    style: str
    dim: bool


class Text(msgspec.Struct, frozen=True):
    """A line of text; `y` is its baseline. `halo` is for text over an edge."""

    x: float
    y: float
    text: str
    style: str
    halo: bool = False


class Scene(msgspec.Struct, frozen=True):
    """All shapes, in the order in which they are drawn."""

    width: float
    height: float
    shapes: tuple[Rect | Path | Text, ...]


def make_scene(diagram: Diagram, *, direction: str = "TB", legend: bool = False) -> Scene:
    """Lay a diagram out and give its shapes."""
    sizes = [_box_size(box) for box in diagram.boxes]
    links = [
        Link(
            arrow.source,
            arrow.target,
            arrow.via,
            (max(map(width, arrow.label), default=0) * CELL + 8, len(arrow.label) * ROW) if arrow.label else (0, 0),
        )
        for arrow in diagram.arrows
    ]
    layout = lay_out(sizes, links, SPACING, direction)
    shapes = _shapes(diagram, layout, sizes)
    wide, high = layout.width + 2 * MARGIN, layout.height + 2 * MARGIN
    if legend:
        more = _legend(high)
        shapes += more
        wide = max(wide, MARGIN * 2 + 60 + CELL * max(width(text) for _, text in (*LEGEND, *LEGEND_BOXES)))
        high += ROW * 1.5 * (len(LEGEND) + len(LEGEND_BOXES)) + MARGIN
    return Scene(wide, high, tuple(shapes))


def _box_size(box: Box) -> tuple[float, float]:
    text = [box.title, box.note, *box.lines]
    rows = 1 + bool(box.note) + len(box.lines)
    return max(map(width, text)) * CELL + 2 * PAD, rows * ROW + 1.4 * PAD


def _style(box: Box) -> str:
    return "dim" if box.dim else "target" if box.target else "stage" if box.kind == "stage" else "outside"


def _shapes(diagram: Diagram, layout: Layout, sizes: list[tuple[float, float]]) -> list[Rect | Path | Text]:
    shapes: list[Rect | Path | Text] = []
    # What is not built lies below what is, where both leave a box on one trunk.
    for arrow, route in sorted(zip(diagram.arrows, layout.routes, strict=True), key=lambda pair: not pair[0].dim):
        shapes.append(Path(tuple((x + MARGIN, y + MARGIN) for x, y in route), arrow.via, arrow.dim))
    for arrow, (x, y) in zip(diagram.arrows, layout.labels, strict=True):
        for row, text in enumerate(arrow.label):
            style = "dim" if arrow.dim else "label"
            shapes.append(Text(x + MARGIN + 4, y + MARGIN + ROW * row + 13.5, text, style, halo=True))
    for box, (x, y), (wide, high) in zip(diagram.boxes, layout.boxes, sizes, strict=True):
        style = _style(box)
        x, y = x + MARGIN, y + MARGIN
        shapes.append(Rect(x, y, wide, high, style))
        rows = [(box.title, "title"), *(((box.note, "note"),) if box.note else ()), *((line, "code") for line in box.lines)]
        for row, (text, kind) in enumerate(rows):
            shapes.append(Text(x + PAD, y + 0.7 * PAD + ROW * row + 13.5, text, "dim" if box.dim else kind))
    return shapes


def _legend(top: float) -> list[Rect | Path | Text]:
    shapes: list[Rect | Path | Text] = []
    y = top
    for style, text in LEGEND:
        shapes.append(Path(((MARGIN, y + ROW / 2), (MARGIN + 40, y + ROW / 2)), style, False))
        shapes.append(Text(MARGIN + 52, y + 13.5, text, "label"))
        y += ROW * 1.5
    for style, text in LEGEND_BOXES:
        shapes.append(Rect(MARGIN, y, 40, ROW, "outside" if style == "image" else style))
        shapes.append(Text(MARGIN + 52, y + 13.5, text, "label"))
        y += ROW * 1.5
    return shapes
