"""The map: every byte of the image once, as rectangles beside the list of the same parts."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import Screen

from msbtui.analysis.account import Account
from msbtui.session.rows.cells import Row
from msbtui.session.rows.treemap import Key, Listed, described
from msbtui.text import size
from msbtui.tui.screens.explain import paragraph_rows
from msbtui.tui.screens.help import HelpScreen
from msbtui.tui.widgets.row_list import RowList
from msbtui.tui.widgets.text_view import TextView
from msbtui.tui.widgets.treemap_view import PartsList, TreemapView

WIDE = 100
"""Columns from which the list stands beside the map."""
TALL = 20
"""Rows from which map and list are both shown where the list stands below, and what is selected is explained."""


class MapScreen(Screen[Listed | None]):
    """Where every byte is; Enter gives the part whose files are wanted."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,m", "dismiss(None)", "Back", id="map.back"),
        Binding("question_mark", "help", "Keys", show=False, id="map.help"),
        Binding("tab,shift+tab", "other", "List or map", show=False, priority=True, id="map.other"),
    ]
    AUTO_FOCUS = ""

    def __init__(self, account: Account | None = None) -> None:
        super().__init__()
        self.account = account
        self.map, self.parts, self.text = TreemapView(), PartsList(), TextView("map-text")
        self.text.can_focus = False
        self.map.why_empty = self.parts.why_empty = "Adding up every byte…"

    def compose(self) -> ComposeResult:
        """Make map, list and text."""
        with Container(id="map-body"):
            yield self.map
            yield self.parts
        yield self.text

    def on_mount(self) -> None:
        """Draw what is known."""
        self.map.focus()
        if self.account is not None:
            self.show(self.account)

    def on_resize(self) -> None:
        """Arrange for another size."""
        self._place()

    def on_descendant_focus(self) -> None:
        """Where there is room for one, the one with the keys is shown."""
        self._place()

    def _place(self) -> None:
        width, height = self.app.size
        stacked, both = width < WIDE, width >= WIDE or height >= TALL
        self.set_class(stacked, "-stacked")
        self.map.display = both or self.focused is not self.parts
        self.parts.display = both or self.focused is self.parts
        if stacked:
            self.parts.styles.height = max(min(8, height // 3), 4) if both else "1fr"
        else:
            self.parts.styles.height = "100%"
        self.text.display = height >= TALL
        self.text.styles.height = 7 if height >= 30 else 5
        narrow = width < 66
        self.text.border_subtitle = (
            "Enter files  Tab list  Esc back" if narrow else "arrows move   Enter its files   Tab map or list   Esc back"
        )

    def show(self, account: Account) -> None:
        """Show an account; what is selected stays."""
        self.account = account
        self.map.why_empty = "" if account.size else "The image has no bytes."
        self.parts.why_empty = "The image has no bytes."
        self.map.border_title = f"Every byte once: {size(account.size)}"
        self.parts.border_title = "By what it is for"
        self.map.show(account)
        self.parts.show(account)
        first = next((row.key for row in self.parts.rows if not row.part.parts), ())
        self._select(self.map.selected or first)

    def fail(self, why: str) -> None:
        """Say why there is no account."""
        self.map.why_empty = self.parts.why_empty = why
        self.map.refresh()

    def _select(self, key: Key) -> None:
        self.map.select(key)
        self.parts.select(key)
        self._explain()

    def _explain(self) -> None:
        row = self.parts.current
        if row is None or self.account is None:
            return
        whole = self.account.size
        paragraphs = described(row, whole)

        def rows(cells: int) -> list[Row]:
            return [each for each in paragraph_rows(paragraphs, cells) if any(text.strip() for text, _ in each)]

        self.text.show(rows)

    @on(TreemapView.Picked)
    def _picked(self, event: TreemapView.Picked) -> None:
        self._select(event.key)

    @on(RowList.Picked)
    def _listed(self, event: RowList.Picked) -> None:
        if event.rows is self.parts and self.parts.current is not None:
            self.map.select(self.parts.current.key)
            self._explain()

    @on(TreemapView.Opened)
    @on(RowList.Opened)
    def _opened(self) -> None:
        row = self.parts.current
        if row is not None:
            self.dismiss(row)

    def action_help(self) -> None:
        """Show all keys."""
        self.app.push_screen(HelpScreen())

    def action_other(self) -> None:
        """Go to the list, or to the map."""
        (self.map if self.focused is self.parts else self.parts).display = True
        (self.map if self.focused is self.parts else self.parts).focus()
