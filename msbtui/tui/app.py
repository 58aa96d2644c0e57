"""The app: its theme, its way out, and the main screen on a session."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import ClassVar

from rich.segment import Segment
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.color import Color
from textual.command import CommandList, CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.filter import LineFilter
from textual.markup import escape
from textual.screen import Screen

from msbtui.session import Session
from msbtui.session.rows.plain import ascii_text
from msbtui.tui.actions import ACTIONS, Action
from msbtui.tui.screens.main import MainScreen
from msbtui.tui.screens.split import SplitScreen


def palette_help(each: Action) -> str:
    """Give an action's help and keys; the palette reads markup, and `[/` is a key."""
    return escape(f"{each.help}  {each.label}")


class ActionProvider(Provider):
    """The command palette's entries: the registry's actions of the screen below it."""

    @property
    def _actions(self) -> list[Action]:
        scope = "main" if isinstance(self.screen, MainScreen) else "split" if isinstance(self.screen, SplitScreen) else ""
        return [each for each in ACTIONS if each.scope == scope]

    async def discover(self) -> Hits:
        """Give all of them."""
        for each in self._actions:
            yield DiscoveryHit(each.title, partial(self._do, each.id), help=palette_help(each))

    async def search(self, query: str) -> Hits:
        """Give those that match."""
        matcher = self.matcher(query)
        for each in self._actions:
            score = matcher.match(f"{each.title} {each.help}")
            if score > 0:
                yield Hit(score, matcher.highlight(each.title), partial(self._do, each.id), help=palette_help(each))

    def _do(self, name: str) -> None:
        if isinstance(self.screen, MainScreen | SplitScreen):
            self.screen.action_do(name)


def theme_for(color_system: str | None, environ: Mapping[str, str]) -> str | None:
    """Give the theme to begin with where the terminal or the person asks for another than Textual's, or None.

    Sixteen colours are the terminal's own: the many shades of a theme fall together there, waste with plain text.
    """
    return "ansi-dark" if color_system == "standard" and "TEXTUAL_THEME" not in environ else None


class Palette(CommandPalette):
    """The command palette, also where the screen has no row for its list."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave out moving in a list that has no cell: Textual looks its rows up by lines that it never laid out."""
        if action == "command_list" and not self.query_one(CommandList).scrollable_content_region:
            return False
        return super().check_action(action, parameters)


class PlainFilter(LineFilter):
    """Draws borders, lanes, bars and marks in ASCII; a foreign character that ASCII lacks becomes a question mark."""

    def apply(self, segments: list[Segment], _background: Color) -> list[Segment]:
        """Give the segments in ASCII, in as many cells."""
        return [Segment(ascii_text(text), style, control) for text, style, control in segments]


class MsbtuiApp(App[None]):
    """The app on one session."""

    TITLE = "msbtui"
    CSS_PATH = "app.tcss"
    COMMANDS: ClassVar[set[type[Provider]]] = {ActionProvider}  # type: ignore[assignment]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "interrupt", "Stop, or leave", show=False, priority=True, id="app.interrupt"),
        Binding("ctrl+z", "suspend_process", "Suspend", show=False, id="app.suspend"),
    ]

    def __init__(self, session: Session, *, plain: bool = False) -> None:
        super().__init__()
        self.session = session
        self._plain = [PlainFilter()] if plain else []
        self._main: MainScreen | None = None
        # Animation is what hurts over ssh: a page of scrolling costs ten times the bytes.
        self.animation_level = "none"

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Give what goes over all that is drawn: at the end, signs in ASCII where they are asked for."""
        return [*super().get_line_filters(), *self._plain]

    def on_mount(self) -> None:
        """Leave in order when the terminal closes or the process is told to end, so that the screen is given back."""
        if not self.is_headless and not self.no_color:
            self.theme = theme_for(self.console.color_system, os.environ) or self.theme
        for name in (signal.SIGTERM, signal.SIGHUP) if hasattr(signal, "SIGHUP") else (signal.SIGTERM,):
            # Not every platform and thread can take signals; there the default stays.
            with suppress(NotImplementedError, RuntimeError, ValueError):
                asyncio.get_running_loop().add_signal_handler(name, self.exit, None, 128 + name)
        # Brought back to the foreground, the terminal is empty, and Textual would draw only what changed since.
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))

    def work_ended(self, seconds: float) -> bool:
        """Wait for a verification that was told to end; give whether none is left."""
        return self._main is None or self._main.work.wait_for_verifier(seconds)

    def get_default_screen(self) -> Screen[None]:
        """Begin with the main screen."""
        self._main = MainScreen(self.session)
        return self._main

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Offer the themes; the rest is the registry's."""
        for command in super().get_system_commands(screen):
            if command.title == "Theme":
                yield command

    def action_command_palette(self) -> None:
        """Show the command palette."""
        if not isinstance(self.screen, CommandPalette):
            self.push_screen(Palette(id="--command-palette"))

    def copy_selected(self) -> bool:
        """Copy the text that the mouse selected, and take the selection away; give whether there was any."""
        text = self.screen.get_selected_text()
        if not text:
            return False
        self.copy_to_clipboard(text)
        self.screen.clear_selection()
        self.notify("The selected text is copied.", timeout=3, markup=False)
        return True

    def action_interrupt(self) -> None:
        """Copy what the mouse selected, as other programs do; else stop the work that runs; else leave."""
        if self.copy_selected():
            return
        if self._main is not None and (self._main.work.stop_verifying() or self._main.stop_work()):
            return
        self.exit()

    async def action_quit(self) -> None:
        """Leave at once: what still runs is told to end, and nobody waits for it."""
        self.session.cancel()
        self.exit()
