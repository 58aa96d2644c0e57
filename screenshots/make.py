"""Makes the screenshots from the running app on the demo: `python screenshots/make.py`.

Writes an SVG for each, and beside it a PNG where `rsvg-convert` is installed (with a monospaced font such as Fira Code).
"""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from msbtui.session.demo import demo_session
from msbtui.tui.app import MsbtuiApp
from msbtui.tui.screens.map import MapScreen
from msbtui.tui.screens.split import SplitScreen

FOLDER = Path(__file__).parent
SIZES = ((120, 40), (80, 24))
KEYS = {"main": "", "map": "m", "split": "s", "help": "question_mark"}
"""Screenshot -> the key that leads to it from the main screen."""
PATIENCE = 60
"""Seconds; the demo's analysis and plan take a fraction of that."""


async def picture(name: str, size: tuple[int, int]) -> str:
    """Give one screenshot of the C demo as SVG."""
    session = demo_session("c")
    session.open()
    app = MsbtuiApp(session)
    async with app.run_test(size=size) as pilot:
        main = app.screen_stack[0]
        await pilot.pause()
        await _until(pilot, lambda: main.work.begun and not main.work.running)
        if KEYS[name]:
            await pilot.press(KEYS[name])
            await _until(pilot, lambda: _is_drawn(app, name))
        await pilot.pause()
        return app.export_screenshot(title="msbtui")


def _is_drawn(app: MsbtuiApp, name: str) -> bool:
    screen = app.screen
    if name == "split":
        return isinstance(screen, SplitScreen) and bool(screen.ladder.rungs)
    return name != "map" or (isinstance(screen, MapScreen) and screen.account is not None)


async def _until(pilot, condition) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("the app did not come to rest")
        await pilot.pause(0.01)


def words(svg: str) -> list[str]:
    """Give the text of a screenshot, without what is drawn: what a stale one is told by."""
    return [found.replace("&#160;", " ") for found in re.findall(r"<text[^>]*>([^<]*)</text>", svg)]


def make(folder: Path = FOLDER) -> None:
    """Write all screenshots into a folder."""
    for name in KEYS:
        for size in SIZES:
            svg = asyncio.run(picture(name, size))
            path = folder / f"{name}-{size[0]}x{size[1]}.svg"
            path.write_text(svg)
            _png(svg, path.with_suffix(".png"))


def _png(svg: str, path: Path) -> None:
    if shutil.which("rsvg-convert") is None:
        print(f"{path.name} is left out: rsvg-convert is not installed", file=sys.stderr)
        return
    # librsvg drops leading spaces unless told otherwise, and shifts words at non-breaking ones.
    plain = svg.replace("&#160;", " ").replace("<svg ", '<svg xml:space="preserve" ', 1)
    subprocess.run(["rsvg-convert", "--output", str(path)], input=plain.encode(), check=True)


if __name__ == "__main__":
    make()
