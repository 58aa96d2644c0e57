"""The stage graph as boxes drawn in characters: for wide screens, for teaching, and as text."""

from __future__ import annotations

from itertools import pairwise

import msgspec

from msbtui.session.drawing.diagram import Box, Diagram
from msbtui.session.drawing.layout import Layout, Link, Point, Spacing, lay_out
from msbtui.session.rows.cells import Part, Row, char_width, width

_UP, _DOWN, _LEFT, _RIGHT = 1, 2, 4, 8
_SHAPES = {
    _UP: "│┃",
    _DOWN: "│┃",
    _LEFT: "─━",
    _RIGHT: "─━",
    _UP | _DOWN: "│┃",
    _LEFT | _RIGHT: "─━",
    _UP | _RIGHT: "╰┗",
    _UP | _LEFT: "╯┛",
    _DOWN | _RIGHT: "╭┏",
    _DOWN | _LEFT: "╮┓",
    _UP | _LEFT | _RIGHT: "┴┻",
    _DOWN | _LEFT | _RIGHT: "┬┳",
    _UP | _DOWN | _RIGHT: "├┣",
    _UP | _DOWN | _LEFT: "┤┫",
    _UP | _DOWN | _LEFT | _RIGHT: "┼╋",
}
_BORDERS = {"target": "╔═╗║╚╝", "outside": "╭─╮│╰╯", "dim": "┌┄┐┆└┘", "stage": "┌─┐│└┘"}
_ROLES = {"target": "strong", "outside": "text", "dim": "dim", "stage": "text"}

SPACING = Spacing(across=3, line=2, track=1, gap=1, arrow=1, whole=True)


class Drawing(msgspec.Struct, frozen=True):
    """A diagram laid out in cells; drawn anew for each selection, laid out once."""

    diagram: Diagram
    layout: Layout

    @property
    def width(self) -> int:
        """Give the cells that it takes across."""
        return max(int(self.layout.width), 1)

    @property
    def height(self) -> int:
        """Give the rows that it takes."""
        return max(int(self.layout.height), 1) if self.diagram.boxes else 0

    def area(self, box: int) -> tuple[int, int, int, int]:
        """Give a box's left column, top row, width and height."""
        x, y = self.layout.boxes[box]
        wide, high = _box_size(self.diagram.boxes[box])
        return int(x), int(y), wide, high

    def box_at(self, x: int, y: int) -> int | None:
        """Give the box at a cell, or None."""
        for at in range(len(self.diagram.boxes)):
            left, top, wide, high = self.area(at)
            if left <= x < left + wide and top <= y < top + high:
                return at
        return None


def draw_layout(diagram: Diagram, direction: str = "TB") -> Drawing:
    """Lay a diagram out in cells."""
    links = [
        Link(arrow.source, arrow.target, arrow.via, (max(map(width, arrow.label), default=0), len(arrow.label)))
        for arrow in diagram.arrows
    ]
    return Drawing(diagram, lay_out([_box_size(box) for box in diagram.boxes], links, SPACING, direction))


def _box_text(box: Box) -> tuple[str, ...]:
    return (box.title, *((box.note,) if box.note else ()), *box.lines)


def _box_size(box: Box) -> tuple[int, int]:
    text = _box_text(box)
    return max(width(line) for line in text) + 4, len(text) + 2


def _kind(box: Box) -> str:
    return "dim" if box.dim else "target" if box.target else "stage" if box.kind == "stage" else "outside"


def path_to_target(diagram: Diagram, start: int) -> tuple[set[int], set[int]]:
    """Give the boxes and arrows on the ways from a box to the target; of a box that the target does not need, only itself."""
    out: dict[int, list[int]] = {}
    for number, arrow in enumerate(diagram.arrows):
        out.setdefault(arrow.source, []).append(number)
    seen, waiting = {start}, [start]
    while waiting:
        for number in out.get(waiting.pop(), []):
            target = diagram.arrows[number].target
            if target not in seen:
                seen.add(target)
                waiting.append(target)
    goal = next((at for at, box in enumerate(diagram.boxes) if box.target), None)
    if goal not in seen:
        return {start}, set()
    back: dict[int, list[int]] = {}
    for number, arrow in enumerate(diagram.arrows):
        if arrow.source in seen:
            back.setdefault(arrow.target, []).append(number)
    boxes: set[int] = {goal}
    arrows: set[int] = set()
    waiting = [goal]
    while waiting:
        for number in back.get(waiting.pop(), []):
            arrows.add(number)
            source = diagram.arrows[number].source
            if source not in boxes:
                boxes.add(source)
                waiting.append(source)
    return boxes, arrows


class _Canvas:
    """Cells with a character and a role each; lines are kept as directions until all are drawn."""

    def __init__(self, wide: int, high: int) -> None:
        self.cells = [[" "] * wide for _ in range(high)]
        self.roles = [["text"] * wide for _ in range(high)]
        self.lines: dict[tuple[int, int], int] = {}
        self.heavy: set[tuple[int, int]] = set()
        self.bright: set[tuple[int, int]] = set()

    def put(self, x: int, y: int, text: str, role: str) -> None:
        if not 0 <= y < len(self.cells):
            return
        row = self.cells[y]
        for char in text:
            cells = char_width(char)
            if cells == 0 and 0 < x <= len(row):
                row[x - 1] += char
                continue
            if x < 0 or x + cells > len(row):
                return
            row[x], self.roles[y][x] = char, role
            if cells == 2:
                row[x + 1], self.roles[y][x + 1] = "", role
            x += cells

    def line(self, points: list[Point], lit: bool, dim: bool) -> None:
        for (x1, y1), (x2, y2) in pairwise(points):
            first, last = (int(x1), int(y1)), (int(x2), int(y2))
            step = ((last[0] > first[0]) - (last[0] < first[0]), (last[1] > first[1]) - (last[1] < first[1]))
            if step[0] and step[1]:
                # An edge that goes straight over many ranks: in cells it turns once.
                corner = (float(first[0]), float(last[1]))
                self.line([(x1, y1), corner, (x2, y2)], lit, dim)
                continue
            ahead = {(0, 1): _DOWN, (0, -1): _UP, (1, 0): _RIGHT, (-1, 0): _LEFT}.get(step, 0)
            behind = {_DOWN: _UP, _UP: _DOWN, _RIGHT: _LEFT, _LEFT: _RIGHT}.get(ahead, 0)
            at = first
            while at != last:
                after = (at[0] + step[0], at[1] + step[1])
                self._mark(at, ahead, lit, dim)
                self._mark(after, behind, lit, dim)
                at = after

    def _mark(self, at: tuple[int, int], bit: int, lit: bool, dim: bool) -> None:
        self.lines[at] = self.lines.get(at, 0) | bit
        if lit:
            self.heavy.add(at)
        if not dim:
            self.bright.add(at)

    def flush_lines(self) -> None:
        for (x, y), bits in self.lines.items():
            lit = (x, y) in self.heavy
            role = "good" if lit else "lane" if (x, y) in self.bright else "dim"
            self.put(x, y, _SHAPES[bits][lit], role)

    def rows(self) -> list[Row]:
        return [_runs(cells, roles) for cells, roles in zip(self.cells, self.roles, strict=True)]


def _runs(cells: list[str], roles: list[str]) -> Row:
    parts: list[Part] = []
    text, role = "", ""
    for cell, kind in zip(cells, roles, strict=True):
        if kind != role and text:
            parts.append((text, role))
            text = ""
        role = kind
        text += cell
    return (*parts, (text, role)) if text else tuple(parts)


def box_rows(drawing: Drawing, selected: int | None = None) -> list[Row]:
    """Give the rows of a drawing; the path from the `selected` box to the target is lit, with heavy lines as its second sign."""
    diagram, layout = drawing.diagram, drawing.layout
    canvas = _Canvas(drawing.width, drawing.height)
    boxes, arrows = path_to_target(diagram, selected) if selected is not None else (set[int](), set[int]())
    for number, (arrow, route) in enumerate(zip(diagram.arrows, layout.routes, strict=True)):
        canvas.line(_ended(route), number in arrows, arrow.dim)
    canvas.flush_lines()
    for number, (arrow, route, place) in enumerate(zip(diagram.arrows, layout.routes, layout.labels, strict=True)):
        role = "good" if number in arrows else "dim"
        for row, text in enumerate(arrow.label):
            canvas.put(int(place[0]), int(place[1]) + row, text, role)
        tip = _ended(route)[-1]
        canvas.put(int(tip[0]), int(tip[1]), _head(route), role if number in arrows else "dim" if arrow.dim else "lane")
    for number, box in enumerate(diagram.boxes):
        _draw_box(canvas, drawing, number, box, number in boxes, number == selected)
    return canvas.rows()


def _ended(route: list[Point]) -> list[Point]:
    """Give a route that ends in the cell before the target's border."""
    (x1, y1), (x2, y2) = route[-2] if len(route) > 1 else route[-1], route[-1]
    step = ((x2 > x1) - (x2 < x1), (y2 > y1) - (y2 < y1))
    end = (x2 - max(step[0], 0), y2 - max(step[1], 0))
    return [*route[:-1], end]


def _head(route: list[Point]) -> str:
    (x1, y1), (x2, y2) = route[-2] if len(route) > 1 else route[-1], route[-1]
    if x1 != x2:
        return "▶" if x2 > x1 else "◀"
    return "▼" if y2 >= y1 else "▲"


def _draw_box(canvas: _Canvas, drawing: Drawing, number: int, box: Box, lit: bool, selected: bool) -> None:
    kind = _kind(box)
    left, top, wide, high = drawing.area(number)
    corner1, flat, corner2, side, corner3, corner4 = tuple("┏━┓┃┗┛" if selected else _BORDERS[kind])
    role = "good" if lit else _ROLES[kind]
    canvas.put(left, top, corner1 + flat * (wide - 2) + corner2, role)
    canvas.put(left, top + high - 1, corner3 + flat * (wide - 2) + corner4, role)
    for row, text in enumerate(_box_text(box), 1):
        inner = role if row == 1 else "dim" if kind == "dim" or row > 2 else "size"
        canvas.put(left, top + row, side, role)
        canvas.put(left + 1, top + row, " " * (wide - 2), role)
        canvas.put(left + 2, top + row, text, inner)
        canvas.put(left + wide - 1, top + row, side, role)
