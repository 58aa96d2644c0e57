"""Pane 1: the stage graph, as lanes, or zoomed as boxes."""

from __future__ import annotations

from textual import events
from textual.geometry import Size
from textual.strip import Strip

from msbtui.dockerfile.model import StageGraph as Graph
from msbtui.session.drawing.diagram import make_diagram
from msbtui.session.rows.boxes import Drawing, box_rows, draw_layout
from msbtui.session.rows.cells import Row
from msbtui.session.rows.stages import (
    StageFacts,
    StageRow,
    draw_stage,
    find_stage,
    graph_users,
    lane_cells,
    path_keys,
    stage_rows,
)
from msbtui.tui.widgets.row_list import RowList

MOST_BOXES = 250
"""Boxes from which the lanes stay, also zoomed: nobody finds a way through more."""


class StageGraph(RowList):
    """The lane graph of stages: each row can be selected, and the path from it to the target is lit."""

    def __init__(self) -> None:
        super().__init__("stages")
        self.rows: list[StageRow] = []
        self.why_empty = ""
        self.drawing: Drawing | None = None
        """The boxes, while they are what is shown."""
        self.way = ""
        """What is said of other panes, while the graph is that of the text on disk."""
        self._old = False
        self._graph: Graph | None = None
        self._facts = StageFacts()
        self._users: dict[str, list[str]] = {}
        self._lit: set[str] = set()
        self._lit_for: tuple[int, str] | None = None
        self._lanes: dict[int, int] = {}
        self._canvas: list[Row] | None = None

    @property
    def count(self) -> int:
        """Give how many rows there are."""
        return len(self.rows)

    def show(self, graph: Graph | None, facts: StageFacts, *, old: bool) -> None:
        """Show a graph; `old` where the text on disk has an error since."""
        self._old = old
        self.show_subtitle()
        if graph is self._graph and facts == self._facts:
            return
        kept = self.rows[self.cursor] if self.cursor < len(self.rows) else None
        self._graph, self._facts = graph, facts
        self._users = graph_users(graph) if graph is not None else {}
        self.rows = stage_rows(graph, facts) if graph is not None else []
        self._lanes.clear()
        if self.drawing is not None:
            self.drawing = self._lay_out()
        self.rows_changed()
        if kept is not None:
            same = next((at for at, row in enumerate(self.rows) if (row.kind, row.label) == (kept.kind, kept.label)), None)
            if same is not None:
                self.show_cursor(same)
        self._light()

    @property
    def row_under_cursor(self) -> StageRow | None:
        """Give the row that is selected, or None where there is none."""
        return self.rows[self.cursor] if self.cursor < len(self.rows) else None

    def show_subtitle(self) -> None:
        """Say that the graph is an older one, or else which keys lead to other panes."""
        self.border_subtitle = "last good graph" if self._old else self.way

    def draw_boxes(self, on: bool) -> None:
        """Draw boxes, or lanes again."""
        if on == (self.drawing is not None):
            return
        self.drawing = self._lay_out() if on else None
        self.styles.overflow_x = "auto" if self.drawing is not None else "hidden"
        self.scroll_to(0, 0, animate=False, force=True)
        self.rows_changed()
        self.show_cursor(self.cursor)

    def _lay_out(self) -> Drawing | None:
        if self._graph is None or not self._graph.stages:
            return None
        diagram = make_diagram(self._graph, self._facts)
        return draw_layout(diagram) if len(diagram.boxes) <= MOST_BOXES else None

    def rows_changed(self) -> None:
        """Take up other rows, or a drawing."""
        self._canvas = None
        super().rows_changed()
        if self.drawing is not None:
            self.virtual_size = Size(self.drawing.width, self.drawing.height)

    def select(self, stage: int | None, line: int | None) -> None:
        """Put the cursor where a stage or the edge at a line is."""
        current = self.rows[self.cursor] if self.cursor < len(self.rows) else None
        if current is not None and current.kind == "image" and current.line == line:
            return
        found = find_stage(self.rows, stage, line)
        if found is not None:
            self.show_cursor(found)

    def row(self, index: int, width: int) -> Row:
        """Give one row."""
        if width not in self._lanes:
            self._lanes[width] = lane_cells(self.rows, width)
        row = self.rows[index]
        lit = row.key in self._lit and (not row.origin or row.origin in self._lit) and len(self._lit) > 1
        return draw_stage(row, self._lanes[width], width, lit=lit)

    def empty(self) -> str:
        """Say why there is no graph."""
        return self.why_empty

    # What is lit

    def watch_cursor(self, old: int, new: int) -> None:
        """Light the path from the row that is selected now."""
        super().watch_cursor(old, new)
        self._light()

    def _light(self) -> None:
        row = self.rows[self.cursor] if self.cursor < len(self.rows) else None
        start = (row.origin or row.key) if row is not None else ""
        wanted = (id(self._graph), start)
        if self._graph is None or wanted == self._lit_for:
            return
        self._lit_for = wanted
        lit = path_keys(self._graph, start, self._users)
        if lit != self._lit or self.drawing is not None:
            self._lit, self._canvas = lit, None
            self.refresh()

    # Boxes

    @property
    def box(self) -> int | None:
        """Give the box that the cursor's row stands for, or None."""
        if self.drawing is None or self.cursor >= len(self.rows):
            return None
        row = self.rows[self.cursor]
        key = row.origin if row.kind == "input" else row.key
        return next((at for at, box in enumerate(self.drawing.diagram.boxes) if box.key == key), None)

    def render_line(self, y: int) -> Strip:
        """Draw one visible line."""
        if self.drawing is None:
            return super().render_line(y)
        if self._canvas is None:
            self._canvas = box_rows(self.drawing, self.box)
        width, line = self.row_width, y + self.scroll_offset.y
        if line >= len(self._canvas):
            return self.strip((), width)
        whole = self.strip(self._canvas[line], max(self.drawing.width, width))
        return whole.crop(self.scroll_offset.x, self.scroll_offset.x + width)

    def action_do(self, name: str) -> None:
        """Do what a key asks for; among boxes, a step goes to the next box."""
        step = {"up": -1, "down": 1}.get(name, 0)
        if self.drawing is None or not step:
            super().action_do(name)
            return
        at = self.cursor + step
        while 0 <= at < self.count and self.rows[at].kind not in ("image", "stage", "input"):
            at += step
        if 0 <= at < self.count:
            self._move(at)

    def show_cursor(self, index: int) -> None:
        """Put the cursor on a row and bring it, or its box, into view; tells nobody."""
        if self.drawing is None:
            super().show_cursor(index)
        elif self.count:
            self.cursor = max(0, min(index, self.count - 1))
            self._scroll_to_cursor()

    def _scroll_to_cursor(self) -> None:
        box = self.box
        if self.drawing is None or box is None:
            super()._scroll_to_cursor()
            return
        left, top, wide, high = self.drawing.area(box)
        view, offset = self.scrollable_content_region.size, self.scroll_offset
        x = min(max(offset.x, left + wide - view.width), left)
        y = min(max(offset.y, top + high - view.height), top)
        if (x, y) != (offset.x, offset.y):
            self.scroll_to(x, y, animate=False, force=True)

    def take_size(self) -> None:
        """Keep the cursor in view."""
        if self.drawing is None:
            super().take_size()
        else:
            self._scroll_to_cursor()

    def take_click(self, event: events.Click) -> None:
        """Move to the row or the box under the mouse; a double click opens it."""
        if self.drawing is None:
            super().take_click(event)
            return
        offset = event.get_content_offset(self)
        event.stop()
        if offset is None:
            return
        found = self.drawing.box_at(offset.x + self.scroll_offset.x, offset.y + self.scroll_offset.y)
        key = self.drawing.diagram.boxes[found].key if found is not None else None
        at = next((at for at, row in enumerate(self.rows) if key in (row.key, row.origin) and row.kind != "use"), None)
        if key is not None and at is not None:
            self._move(at)
            self.clicked(at, offset.x, event.chain)
