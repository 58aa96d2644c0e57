"""The app's screen as text, and waiting for its threads."""

from __future__ import annotations

import asyncio
import time


def screen_text(app) -> str:
    """Give what the terminal shows, line by line, without spaces at line ends."""
    # Textual has no public way to do this; the private one is used here and nowhere else.
    return "\n".join(strip.text.rstrip() for strip in app.screen._compositor.render_strips())


def region_text(app, widget) -> str:
    """Give what the terminal shows of one widget."""
    region = widget.region
    lines = [strip.text for strip in app.screen._compositor.render_strips()]
    return "\n".join(line[region.x : region.right].rstrip() for line in lines[region.y : region.bottom])


async def wait_until(pilot, condition, seconds: float = 10.0) -> None:
    """Wait until a condition holds; fail where it never does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain; the screen shows\n" + screen_text(pilot.app)
        await asyncio.sleep(0.005)
        await pilot.pause()
    await pilot.pause()


async def settled(pilot) -> None:
    """Wait until the session's work has ended and is drawn."""
    main = pilot.app.screen_stack[0]
    await pilot.pause()
    await wait_until(pilot, lambda: main.work.begun and not main.work.running)
