"""Pane 1: the stage graph."""

from __future__ import annotations

from msbtui.dockerfile.model import StageGraph as Graph
from msbtui.session.rows.cells import Row
from msbtui.session.rows.stages import StageFacts, StageRow, draw_stage, find_stage, lane_cells, stage_rows
from msbtui.tui.widgets.row_list import RowList


class StageGraph(RowList):
    """The lane graph of stages: each row can be selected."""

    def __init__(self) -> None:
        super().__init__("stages")
        self.rows: list[StageRow] = []
        self.why_empty = ""

    @property
    def count(self) -> int:
        """Give how many rows there are."""
        return len(self.rows)

    def show(self, graph: Graph | None, facts: StageFacts, *, old: bool) -> None:
        """Show a graph; `old` where the text on disk has an error since."""
        kept = self.rows[self.cursor] if self.cursor < len(self.rows) else None
        self.rows = stage_rows(graph, facts) if graph is not None else []
        self.border_subtitle = "last good graph" if old else ""
        self.rows_changed()
        if kept is not None:
            same = next((at for at, row in enumerate(self.rows) if (row.kind, row.label) == (kept.kind, kept.label)), None)
            if same is not None:
                self.show_cursor(same)

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
        return draw_stage(self.rows[index], lane_cells(self.rows, width), width)

    def empty(self) -> str:
        """Say why there is no graph."""
        return self.why_empty
