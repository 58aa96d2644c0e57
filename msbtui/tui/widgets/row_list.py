"""The one list that all panes are: rows are drawn only while they are seen, so that a million cost what a hundred do."""

from __future__ import annotations

from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from msbtui.session.rows.cells import Row, cut, fit, row_text, shown, wrap
from msbtui.tui.actions import bindings
from msbtui.tui.widgets.roles import Rows


class RowList(Rows, ScrollView, can_focus=True):
    """A list of rows with a cursor. Subclasses say how many rows there are and how one looks.

    `Picked` and `Opened` tell what the *person* did; `show_cursor` moves without a word, so that panes can follow one another.
    """

    BINDINGS = bindings("list")
    HEADER = 0
    """Rows at the top that do not scroll."""

    cursor: reactive[int] = reactive(0, repaint=False)
    """The row that is selected."""

    class Told(Message):
        """Something that the person did in a list."""

        def __init__(self, rows: RowList, index: int) -> None:
            super().__init__()
            self.rows = rows
            self.index = index

        @property
        def control(self) -> RowList:
            """Give the list."""
            return self.rows

    class Picked(Told):
        """The cursor moved; a later move takes the place of one that was not handled yet."""

        def can_replace(self, message: Message) -> bool:
            """Say that only the newest of one list counts."""
            return isinstance(message, RowList.Picked) and message.rows is self.rows

    class Opened(Told):
        """A row was opened: Enter, or a double click."""

    # What subclasses say

    @property
    def count(self) -> int:
        """Give how many rows there are."""
        return 0

    def row(self, index: int, width: int) -> Row:  # noqa: ARG002
        """Give one row in exactly `width` cells. Raises IndexError where there is no such row; here there is none."""
        raise IndexError(index)

    def header(self, _width: int) -> Row:
        """Give the row that stays at the top, where `HEADER` is 1."""
        return ()

    def empty(self) -> str:
        """Give what is said where there are no rows."""
        return ""

    def toggle(self, _index: int, _expand: bool | None = None) -> bool:
        """Open or close a row in place; give whether anything changed."""
        return False

    def parent_row(self, _index: int) -> int | None:
        """Give the row that a row lies in, or None."""
        return None

    @property
    def heads(self) -> int:
        """Give the rows at the top that do not scroll: none where there is no row, or hardly one to see."""
        return self.HEADER if self.count and self.size.height > 2 else 0

    # Drawing

    def rows_changed(self) -> None:
        """Take up other rows: keeps the cursor in range and draws anew."""
        self.virtual_size = Size(0, self.count + self.heads)
        if self.cursor >= self.count:
            self.set_reactive(RowList.cursor, max(self.count - 1, 0))
        self.refresh()

    @property
    def row_width(self) -> int:
        """Give the cells of a row."""
        return max(self.scrollable_content_region.width, 1)

    def render_line(self, y: int) -> Strip:
        """Draw one visible line."""
        width = self.row_width
        if y < self.heads:
            return self.strip(self.header(width), width)
        index = y - self.heads + self.scroll_offset.y
        if index >= self.count:
            notes = self.notes(width) if not self.count else []
            return self.strip(fit([(f" {notes[index]}", "dim")] if index < len(notes) else [], width), width)
        strip = self.strip(self.row(index, width), width, self._cursor_style(index))
        selection = self.text_selection
        if selection is not None and (span := selection.get_span(index)) is not None:
            strip = self._selected(strip, span, width)
        return strip.apply_offsets(0, index)

    def notes(self, width: int) -> list[str]:
        """Give the lines of what is said where there are no rows; the last one that is seen tells that more was cut off."""
        notes = wrap(shown(self.empty()), max(width - 2, 1))
        seen = max(self.size.height - self.heads, 1)
        if len(notes) > seen:
            notes[seen - 1 :] = [cut(" ".join(notes[seen - 1 :]), max(width - 2, 1))]
        return notes

    def rows_wanted(self, width: int) -> int:
        """Give how many rows all that is to be shown takes in `width` cells, column heads included."""
        return self.count + self.HEADER if self.count else len(wrap(shown(self.empty()), max(width - 2, 1)))

    def _cursor_style(self, index: int) -> Style | None:
        if index != self.cursor:
            return None
        style = self.role_style("cursor" if self.has_focus else "cursor-blurred")
        if self.has_focus:
            return style
        if style.bgcolor is None or style.bgcolor.triplet is None:
            # Of the terminal's own colours nobody knows which can be read on which.
            return Style(underline=True, bold=True)
        return Style(bgcolor=style.bgcolor, bold=style.bold)

    def _selected(self, strip: Strip, span: tuple[int, int], width: int) -> Strip:
        start, end = span
        end = width if end == -1 else min(end, width)
        if start >= end:
            return strip
        before, inside, after = strip.crop(0, start), strip.crop(start, end), strip.crop(end, width)
        return Strip.join([before, inside.apply_style(self.screen.get_component_rich_style("screen--selection")), after])

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Give the text that the mouse selected, as it is drawn."""
        width = self.row_width
        start, end = selection.start, selection.end
        first = start.y if start else 0
        last = min(end.y if end else self.count - 1, self.count - 1)
        lines = [row_text(self.row(index, width)).rstrip() for index in range(first, last + 1)]
        inside = Selection(
            type(start)(start.x, 0) if start else None,
            type(end)(end.x, end.y - first) if end else None,
        )
        return inside.extract("\n".join(lines)), "\n"

    def selection_updated(self, _selection: Selection | None) -> None:
        """Draw the selection."""
        self.refresh()

    # Moving

    def show_cursor(self, index: int) -> None:
        """Put the cursor on a row and bring it into view, with rows around it; tells nobody."""
        if not self.count:
            return
        self.cursor = max(0, min(index, self.count - 1))
        page, top = self._page, self.scroll_offset.y
        if not top <= self.cursor < top + page:
            self.scroll_to(y=max(self.cursor - page // 3, 0), animate=False, force=True)

    def _move(self, index: int) -> None:
        if not self.count:
            return
        index = max(0, min(index, self.count - 1))
        if index != self.cursor:
            self.cursor = index
            self.post_message(self.Picked(self, index))
        self._scroll_to_cursor()

    def watch_cursor(self, old: int, new: int) -> None:
        """Draw the two rows that look different now, and nothing else."""
        for index in (old, new):
            self._refresh_row(index)

    def _refresh_row(self, index: int) -> None:
        y = index + self.heads - self.scroll_offset.y
        if y >= self.heads:
            self.refresh(Region(0, y, self.size.width, 1))

    @property
    def _page(self) -> int:
        return max(self.scrollable_content_region.height - self.heads, 1)

    def _scroll_to_cursor(self) -> None:
        page, top = self._page, self.scroll_offset.y
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False, force=True)
        elif self.cursor >= top + page:
            self.scroll_to(y=self.cursor - page + 1, animate=False, force=True)

    def on_resize(self) -> None:
        """Take up another size. Textual calls the handler of every class, not of the last one alone: what differs is below."""
        self.take_size()

    def take_size(self) -> None:
        """Keep the cursor in view, with rows above it where there is room for them now."""
        self.virtual_size = Size(0, self.count + self.heads)
        page, top = self._page, self.scroll_offset.y
        top = min(top, max(self.cursor - page // 3, 0))
        self.scroll_to(y=max(top, self.cursor - page + 1), animate=False, force=True)

    def on_focus(self) -> None:
        """Draw the cursor as the active one."""
        self._refresh_row(self.cursor)

    def on_blur(self) -> None:
        """Draw the cursor as a resting one."""
        self._refresh_row(self.cursor)

    def action_do(self, name: str) -> None:
        """Do what a key of the list's scope asks for."""
        page = max(self._page - 1, 1)
        steps = {"up": -1, "down": 1, "page_up": -page, "page_down": page, "first": -self.count, "last": self.count}
        if name in steps:
            self._move(self.cursor + steps[name])
        elif name == "open":
            self.open_row()
        elif name == "close":
            self.close_row()
        elif name == "toggle" and self.count:
            self.toggle(self.cursor)

    def open_row(self) -> None:
        """Open the row under the cursor: in place where it can, else tell it."""
        if self.count and not self.toggle(self.cursor, True):
            self.post_message(self.Opened(self, self.cursor))

    def close_row(self) -> None:
        """Close the row under the cursor, or go to the one that it lies in."""
        if self.count and not self.toggle(self.cursor, False):
            parent = self.parent_row(self.cursor)
            if parent is not None:
                self._move(parent)

    def row_at(self, y: int) -> int | None:
        """Give the row at a line of the content region, or None."""
        index = y - self.heads + self.scroll_offset.y
        return index if y >= self.heads and 0 <= index < self.count else None

    def on_click(self, event: events.Click) -> None:
        """Take a click; as with sizes, what differs is a method that subclasses replace."""
        self.take_click(event)

    def take_click(self, event: events.Click) -> None:
        """Move to the row; a double click opens it."""
        offset = event.get_content_offset(self)
        index = self.row_at(offset.y) if offset is not None else None
        if index is None or offset is None:
            return
        event.stop()
        self._move(index)
        self.clicked(index, offset.x, event.chain)

    def clicked(self, index: int, _x: int, times: int) -> None:
        """Do what a click on a row does beyond moving there."""
        if times == 2 and not self.toggle(index):
            self.post_message(self.Opened(self, index))
