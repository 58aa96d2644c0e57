"""The app over a session whose results are given, and its main screen."""

from __future__ import annotations

from typing import Any

from shown_session import ShownSession

from msbtui.tui.app import MsbtuiApp
from msbtui.tui.screens.main import MainScreen

WIDE, NARROW = (120, 40), (80, 24)


def main_of(pilot: Any) -> MainScreen:
    """Give the main screen, whatever is shown over it."""
    screen: MainScreen = pilot.app.screen_stack[0]
    return screen


def opened(session: ShownSession | None = None, size: tuple[int, int] = WIDE) -> Any:
    """Open the app, to be driven in a context."""
    return MsbtuiApp(session or ShownSession()).run_test(size=size, notifications=True)
