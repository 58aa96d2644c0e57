"""Rows of text that scroll: help, explanations, the split."""

from __future__ import annotations

from collections.abc import Callable

from rich.style import Style
from textual import events

from msbtui.session.rows.cells import Row
from msbtui.tui.widgets.row_list import RowList

Build = Callable[[int], list[Row]]
"""Gives the rows for a width in cells."""


class TextView(RowList):
    """Text without a cursor: the keys scroll it."""

    def __init__(self, name: str, build: Build | None = None) -> None:
        super().__init__(name)
        self._build = build
        self._rows: list[Row] = []
        self._built_for = -1

    @property
    def count(self) -> int:
        """Give how many rows there are."""
        return len(self._rows)

    def show(self, build: Build) -> None:
        """Show another text."""
        self._build = build
        self._built_for = -1
        self._rebuild()

    def on_mount(self) -> None:
        """Draw what was given at the start."""
        self._rebuild()

    def take_size(self) -> None:
        """Break the lines anew."""
        self._rebuild()

    def _rebuild(self) -> None:
        width = self.row_width
        if self._build is None or width == self._built_for or width < 4:
            return
        self._built_for = width
        self._rows = self._build(width)
        self.rows_changed()

    def row(self, index: int, _width: int) -> Row:
        """Give one row."""
        return self._rows[index]

    def _cursor_style(self, _index: int) -> Style | None:
        return None

    def action_do(self, name: str) -> None:
        """Scroll."""
        page = max(self.scrollable_content_region.height - 1, 1)
        steps = {
            "up": -1,
            "down": 1,
            "page_up": -page,
            "page_down": page,
            "first": -self.count,
            "last": self.count,
            "toggle": page,
        }
        if name in steps:
            self.scroll_to(y=self.scroll_offset.y + steps[name], animate=False)

    def take_click(self, event: events.Click) -> None:
        """Do nothing: text is there to be read and selected."""
