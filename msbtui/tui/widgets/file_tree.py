"""Pane 4: the files of a layer, or of the file system up to it."""

from __future__ import annotations

from textual import events
from textual.message import Message

from msbtui.session.rows.cells import Row
from msbtui.session.rows.cells import width as cells_of
from msbtui.session.rows.costs import Costs
from msbtui.session.rows.files import FileRows, Sort, draw_file, file_header, head_at
from msbtui.tui.widgets.row_list import RowList


class FileTree(RowList):
    """A tree over the table of paths; opening a directory splices its rows in."""

    HEADER = 1

    class HeadClicked(Message):
        """A column head was clicked: its order is wanted."""

        def __init__(self, sort: Sort) -> None:
            super().__init__()
            self.sort = sort

    class WayClicked(Message):
        """The order or the filter that the lower border tells was clicked: the next one is wanted."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self) -> None:
        super().__init__("files")
        self.rows = FileRows()
        self.why_empty = ""
        self.filter_at = 0
        """Where the filter begins in what the lower border tells; 0 while it tells something else."""

    @property
    def count(self) -> int:
        """Give how many rows are visible."""
        return len(self.rows)

    def show(self, costs: Costs, layer: int, *, up_to: bool, waste_only: bool, sort: Sort) -> None:
        """Show a view; the cursor stays on its path where the view has it."""
        kept = self.rows.path(self.cursor)
        self.rows.show(costs, layer, up_to=up_to, waste_only=waste_only, sort=sort)
        self.rows_changed()
        found = self.rows.find(kept) if kept else None
        if found is not None:
            self.show_cursor(found)
        elif self.count:
            self.show_cursor(0)

    def select(self, path: str | None) -> None:
        """Open the directories above a path and put the cursor on it, or on the nearest one above it."""
        if path is None or self.rows.path(self.cursor) == path:
            return
        found = self.rows.reveal(path)
        self.rows_changed()
        if found is not None:
            self.show_cursor(found)

    def toggle(self, index: int, expand: bool | None = None) -> bool:
        """Open or close a directory."""
        if index >= self.count or not self.rows.toggle(index, expand):
            return False
        self.rows_changed()
        return True

    def parent_row(self, index: int) -> int | None:
        """Give the row of the directory above."""
        return self.rows.parent_row(index)

    @property
    def path(self) -> str | None:
        """Give the path under the cursor, or None."""
        return self.rows.path(self.cursor) or None

    @property
    def heads(self) -> int:
        """Give the rows of column heads: a tree of few rows needs them all for itself."""
        return self.HEADER if self.count and self.size.height >= 9 else 0

    def header(self, width: int) -> Row:
        """Give the column heads."""
        return file_header(width)

    def row(self, index: int, width: int) -> Row:
        """Give one row."""
        return draw_file(self.rows.row(index), width)

    def take_click(self, event: events.Click) -> None:
        """Move to the row, sort by the column, or change what the lower border tells."""
        offset = event.get_content_offset(self)
        if offset is not None and offset.y < self.heads:
            event.stop()
            self.post_message(self.HeadClicked(head_at(offset.x, self.row_width)))
            return
        super().take_click(event)
        told = cells_of(str(self.border_subtitle))
        at = event.x - (self.outer_size.width - 3 - told)
        if offset is None and self.filter_at and event.y == self.outer_size.height - 1 and 0 <= at < told:
            event.stop()
            self.post_message(self.WayClicked("sort" if at < self.filter_at else "waste"))

    def clicked(self, index: int, x: int, times: int) -> None:
        """Open or close by a click on the arrow, or by a double click."""
        row = self.rows.row(index)
        arrow = 2 * row.depth
        if row.directory and (times == 2 or arrow <= x <= arrow + 1):
            self.toggle(index)
        elif times == 2:
            self.post_message(self.Opened(self, index))

    def empty(self) -> str:
        """Say why there are no files."""
        return self.why_empty
