"""Find files in all layers."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from msbtui.session.rows.cells import Row
from msbtui.session.rows.found import Finder, draw_found
from msbtui.tui.widgets.row_list import RowList

Result = tuple[list[int], int, str]
"""Path ids, the chosen one's place among them, and the words."""


class FoundList(RowList):
    """What was found."""

    def __init__(self, finder: Finder) -> None:
        super().__init__("found")
        self.finder = finder
        self.found: list[int] = []
        self.words = ""

    @property
    def count(self) -> int:
        """Give how many rows there are."""
        return len(self.found)

    def row(self, index: int, width: int) -> Row:
        """Give one path."""
        return draw_found(self.finder, self.found[index], width)

    def empty(self) -> str:
        """Say why there is nothing."""
        return "no path of any layer has this in it" if self.words.strip() else "type a part of a path"


class FindScreen(ModalScreen[Result | None]):
    """Type a part of a path; Enter goes there."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Back", id="find.back"),
        Binding("down", "step(1)", show=False, priority=True, id="find.down"),
        Binding("up", "step(-1)", show=False, priority=True, id="find.up"),
        Binding("pagedown", "step(10)", show=False, priority=True, id="find.page_down"),
        Binding("pageup", "step(-10)", show=False, priority=True, id="find.page_up"),
    ]
    MOST = 1000
    """Rows that are shown; beyond, more letters are the way."""

    def __init__(self, finder: Finder, words: str = "") -> None:
        super().__init__()
        self._list = FoundList(finder)
        self._words = words

    def compose(self) -> ComposeResult:
        """Make the line to type in and the list."""
        with Vertical(classes="modal"):
            line = Input(self._words, placeholder="part of a path", id="find-input", select_on_focus=True)
            line.border_title = "Find in all layers"
            yield line
            yield self._list

    def on_mount(self) -> None:
        """Begin to type at once."""
        self.query_one(Input).focus()
        self._search(self._words)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._search(event.value)

    def _search(self, words: str) -> None:
        found, total = self._list.finder.find(words, self.MOST)
        self._list.found, self._list.words = found, words
        counted = f"{total:,} found" if total < Finder.COUNTED else f"more than {total:,} found"
        more = f", the first {len(found):,} shown: type on" if total > len(found) else ""
        self._list.border_title = f"{counted}{more}" if words.strip() else ""
        self._list.border_subtitle = "Enter goes there   Esc back"
        self._list.rows_changed()
        self._list.show_cursor(0)

    def action_step(self, rows: int) -> None:
        """Move in the list while the line keeps the keys."""
        self._list.show_cursor(self._list.cursor + rows)

    @on(Input.Submitted)
    def _chosen(self) -> None:
        if self._list.found:
            self.dismiss((self._list.found, self._list.cursor, self._list.words))

    @on(RowList.Opened)
    def _opened(self) -> None:
        self._chosen()
