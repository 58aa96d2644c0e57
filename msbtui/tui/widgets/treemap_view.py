"""The account as rectangles, and the list of its parts: two views of one selection."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from msbtui.analysis.account import Account
from msbtui.session.rows.cells import Row, fit, wrap
from msbtui.session.rows.treemap import LEAST, Key, Listed, Tile, draw_listed, draw_map, listed, shows, step, tile_at, tiles
from msbtui.tui.widgets.roles import Rows
from msbtui.tui.widgets.row_list import RowList


class TreemapView(Rows, can_focus=True):
    """Rectangles whose areas are bytes; arrows go to what lies beside."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "go('up')", "Up", show=False, id="map.up"),
        Binding("down,j", "go('down')", "Down", show=False, id="map.down"),
        Binding("left,h", "go('left')", "Left", show=False, id="map.left"),
        Binding("right,l", "go('right')", "Right", show=False, id="map.right"),
        Binding("home,g", "end(0)", "First", show=False, id="map.first"),
        Binding("end,G", "end(-1)", "Last", show=False, id="map.last"),
        Binding("enter,space", "open", "Open", show=False, id="map.open"),
    ]

    class Picked(Message):
        """The person went to a part."""

        def __init__(self, key: Key) -> None:
            super().__init__()
            self.key = key

    class Opened(Message):
        """The person wants to see what is behind the part."""

    def __init__(self) -> None:
        super().__init__("map")
        self.account: Account | None = None
        self.selected: Key = ()
        self.why_empty = ""
        self._tiles: list[Tile] = []
        self._drawn: list[Row] | None = None

    def show(self, account: Account) -> None:
        """Show an account."""
        self.account = account
        self._arrange()

    def select(self, key: Key) -> None:
        """Show a part as selected; tells nobody."""
        self.selected, self._drawn = key, None
        self.refresh()

    @property
    def is_too_small(self) -> bool:
        """Whether there is no room for rectangles that say anything."""
        return self.content_size.width < LEAST[0] or self.content_size.height < LEAST[1]

    def on_resize(self) -> None:
        """Lay the rectangles out anew."""
        self._arrange()

    def _arrange(self) -> None:
        cells, rows = self.content_size
        self._tiles = tiles(self.account, cells, rows) if self.account is not None and not self.is_too_small else []
        self._drawn = None
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        cells, rows = self.content_size
        if self._drawn is None and self.account is not None and self._tiles:
            self._drawn = draw_map(self._tiles, cells, rows, self.selected, self.account.size)
        if self._drawn is None:
            why = self.why_empty or f"The map needs {LEAST[0]} by {LEAST[1]} cells; Tab shows the list."
            notes = wrap(why, max(cells - 2, 1))
            return self.strip(fit([(f" {notes[y]}", "dim")] if y < len(notes) else [], cells), cells)
        return self.strip(self._drawn[y] if y < len(self._drawn) else (), cells)

    def action_go(self, direction: str) -> None:
        """Go to what lies in a direction."""
        key = step(self._tiles, self.selected, direction)
        if key is not None:
            self._pick(key)

    def action_end(self, at: int) -> None:
        """Go to the first rectangle, which is of the greatest group, or to the last."""
        leaves = [each for each in self._tiles if not each.head]
        if leaves:
            self._pick(leaves[at].key)

    def action_open(self) -> None:
        """Ask for what is behind."""
        self.post_message(self.Opened())

    def _pick(self, key: Key) -> None:
        self.select(key)
        self.post_message(self.Picked(key))

    def on_click(self, event: events.Click) -> None:
        """Go to the part under the mouse; a double click opens it."""
        offset = event.get_content_offset(self)
        found = tile_at(self._tiles, offset.x, offset.y) if offset is not None else None
        if found is None:
            return
        event.stop()
        self._pick(found.key)
        if event.chain == 2:
            self.post_message(self.Opened())


class PartsList(RowList):
    """All parts of an account, with bytes and shares."""

    def __init__(self) -> None:
        super().__init__("parts")
        self.rows: list[Listed] = []
        self.why_empty = ""
        self._whole = 0

    @property
    def count(self) -> int:
        """Give how many parts there are."""
        return len(self.rows)

    def show(self, account: Account) -> None:
        """Show an account."""
        self.rows, self._whole = listed(account), account.size
        self.rows_changed()

    def select(self, key: Key) -> None:
        """Put the cursor on a part."""
        found = next((at for at, row in enumerate(self.rows) if row.key == key), None)
        if found is None:
            found = next((at for at, row in enumerate(self.rows) if shows(row.key, key)), None)
        if found is not None:
            self.show_cursor(found)

    @property
    def current(self) -> Listed | None:
        """Give the part under the cursor."""
        return self.rows[self.cursor] if self.cursor < len(self.rows) else None

    def row(self, index: int, width: int) -> Row:
        """Give one part."""
        return draw_listed(self.rows[index], width, self._whole)

    def empty(self) -> str:
        """Say why there is nothing."""
        return self.why_empty
