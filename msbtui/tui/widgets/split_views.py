"""The split's lists: the diff with its cursor, and the ladder."""

from __future__ import annotations

from collections.abc import Sequence

from msbtui.session.rows.cells import Row, fit
from msbtui.session.rows.diff import DiffRow, diff_rows, draw_split, draw_unified, unified_rows
from msbtui.session.rows.evidence import rung_rows
from msbtui.split.model import Rung
from msbtui.tui.widgets.row_list import RowList

SIDE_BY_SIDE = 100
"""Cells from which the two texts stand side by side."""


class DiffList(RowList):
    """The Dockerfile that stands and the proposed one; side by side where there is room."""

    def __init__(self) -> None:
        super().__init__("diff")
        self.why_empty = ""
        self._diff: list[DiffRow] = []
        self._rows: list[tuple[Row, DiffRow]] = []
        self._built_for = -1

    @property
    def heads(self) -> int:
        """Give the column heads' rows: one where the texts stand side by side."""
        return 1 if self._is_wide and self._rows and self.size.height > 2 else 0

    @property
    def _is_wide(self) -> bool:
        return self.row_width >= SIDE_BY_SIDE

    def show(self, old: str, new: str) -> None:
        """Show two texts; the cursor goes to the first line that differs."""
        self._diff = diff_rows(old, new) if new else []
        self._built_for = -1
        self._rebuild()
        first = next((at for at, (_, row) in enumerate(self._rows) if row.tag != "equal"), 0)
        self.cursor = 0
        self.show_cursor(first)

    @property
    def count(self) -> int:
        """Give how many rows there are."""
        return len(self._rows)

    @property
    def current(self) -> DiffRow | None:
        """Give the line under the cursor."""
        return self._rows[self.cursor][1] if self.cursor < len(self._rows) else None

    def take_size(self) -> None:
        """Break the lines anew; the cursor stays on its line."""
        self._rebuild()
        super().take_size()

    def _rebuild(self) -> None:
        cells = self.row_width
        if cells == self._built_for:
            return
        kept = self.current
        self._built_for = cells
        rows = self._diff if self._is_wide else unified_rows(self._diff)
        draw = draw_split if self._is_wide else draw_unified
        self._rows = [(drawn, row) for row in rows for drawn in draw(row, cells)]
        # The head stands still, so that it is part of what scrolls past.
        self.HEADER = 1 if self._is_wide else 0
        self.rows_changed()
        if kept is not None:
            numbers = (kept.left_number, kept.right_number)
            same = next((at for at, (_, row) in enumerate(self._rows) if _shares(row, numbers)), None)
            if same is not None:
                self.show_cursor(same)

    def header(self, width: int) -> Row:
        """Give the column heads."""
        half = (width - 1) // 2
        first = fit([("  the Dockerfile that stands", "head")], half, "head")
        return (*first, ("│", "dim"), *fit([("  the new one", "head")], width - half - 1, "head"))

    def row(self, index: int, _width: int) -> Row:
        """Give one row."""
        return self._rows[index][0]

    def empty(self) -> str:
        """Say why there is no diff."""
        return self.why_empty


def _shares(row: DiffRow, numbers: tuple[int | None, int | None]) -> bool:
    left, right = numbers
    return (right is not None and row.right_number == right) or (right is None and left is not None and row.left_number == left)


class LadderList(RowList):
    """The rungs, smallest first; a rung takes several rows."""

    def __init__(self) -> None:
        super().__init__("ladder")
        self.rungs: Sequence[Rung] = ()
        self.why_empty = ""
        self._before: int | None = None
        self._rows: list[tuple[Row, int]] = []
        self._built_for = -1

    @property
    def count(self) -> int:
        """Give how many rows there are."""
        return len(self._rows)

    def show(self, rungs: Sequence[Rung], before: int | None) -> None:
        """Show rungs; `before` is the image's size in bytes."""
        kept = self.current
        self.rungs, self._before, self._built_for = rungs, before, -1
        self._rebuild()
        if kept is None:
            chosen = next((at for at, rung in enumerate(rungs) if rung.chosen), 0)
            self.show_cursor(next((at for at, (_, rung) in enumerate(self._rows) if rung == chosen), 0))

    @property
    def current(self) -> Rung | None:
        """Give the rung under the cursor."""
        return self.rungs[self._rows[self.cursor][1]] if self.cursor < len(self._rows) else None

    def take_size(self) -> None:
        """Break the lines anew."""
        self._rebuild()
        super().take_size()

    def _rebuild(self) -> None:
        cells = self.row_width
        if cells != self._built_for:
            self._built_for = cells
            self._rows = [(row, at) for at, rung in enumerate(self.rungs) for row in rung_rows(rung, self._before, cells)]
            self.rows_changed()

    def action_do(self, name: str) -> None:
        """Do what a key asks for; a step goes to the next rung."""
        step = {"up": -1, "down": 1}.get(name)
        if step is None or not self._rows:
            super().action_do(name)
            return
        wanted = self._rows[self.cursor][1] + step
        at = next((at for at, (_, rung) in enumerate(self._rows) if rung == wanted), None)
        if at is not None:
            self._move(at)

    def row(self, index: int, _width: int) -> Row:
        """Give one row."""
        return self._rows[index][0]

    def empty(self) -> str:
        """Say why there is no ladder."""
        return self.why_empty
