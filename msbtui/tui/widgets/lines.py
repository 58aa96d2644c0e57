"""The one-row widgets at the top and at the bottom."""

from __future__ import annotations

from textual import events
from textual.message import Message
from textual.strip import Strip

from msbtui.session.rows.cells import Part, cut, fit, width
from msbtui.session.rows.header import Heading, heading_row
from msbtui.tui.actions import FOOTER, FOOTER_GIVES_WAY, Action, action
from msbtui.tui.widgets.roles import Rows


class TopLine(Rows):
    """What is open, and how far the work is."""

    def __init__(self) -> None:
        super().__init__("top")
        self.heading = Heading()

    def show(self, heading: Heading) -> None:
        """Show a heading."""
        if heading != self.heading:
            self.heading = heading
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw the line."""
        cells = self.size.width
        return self.strip(heading_row(self.heading, cells) if y == 0 else (), cells)


class KeyLine(Rows):
    """The keys that are wanted most. What cannot be done now is greyed, and says why when it is asked for."""

    class Pressed(Message):
        """An entry was clicked."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self, names: tuple[str, ...] = FOOTER) -> None:
        super().__init__("keys")
        self._actions = [action(name) for name in names]
        self._off: frozenset[str] = frozenset()
        self._on: frozenset[str] = frozenset()

    def show(self, off: frozenset[str], on: frozenset[str]) -> None:
        """Grey what cannot be done, and light what is switched on."""
        if (off, on) != (self._off, self._on):
            self._off, self._on = off, on
            self.refresh()

    def _entries(self, cells: int) -> list[tuple[Action, str, int]]:
        """Give the entries that fit, with their text and column; what is least wanted goes first, never the way out."""
        chosen = list(self._actions)
        while True:
            at, out = 1, []
            for each in chosen:
                text = f"{each.label.split(' ')[0]} {each.title}"
                out.append((each, text, at))
                at += width(text) + 2
            leaving = next((each for name in FOOTER_GIVES_WAY for each in chosen if each.id == name), None)
            if at - 2 <= cells or leaving is None:
                return out
            chosen.remove(leaving)

    def render_line(self, y: int) -> Strip:
        """Draw the line."""
        cells = self.size.width
        parts: list[Part] = [(" ", "text")]
        for each, text, _ in self._entries(cells) if y == 0 else []:
            key, _, title = text.partition(" ")
            role = "key-off" if each.id in self._off else "key-on" if each.id in self._on else "text"
            parts += [(key, "key-off" if each.id in self._off else "key"), (" " + title, role), ("  ", "text")]
        if parts and len(parts) > 1:
            parts.pop()
        return self.strip([(cut(text, cells), role) for text, role in parts], cells)

    def on_click(self, event: events.Click) -> None:
        """Do what the entry under the mouse says."""
        for each, text, at in self._entries(self.size.width):
            if at <= event.x < at + width(text):
                self.post_message(self.Pressed(each.id))


class TitleLine(Rows):
    """One row of given text."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._parts: list[Part] = []

    def show(self, parts: list[Part]) -> None:
        """Show another text."""
        if parts != self._parts:
            self._parts = parts
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw the line."""
        cells = self.size.width
        return self.strip(fit(self._parts, cells) if y == 0 else (), cells)
