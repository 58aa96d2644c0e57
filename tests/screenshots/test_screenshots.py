"""Says when the screenshots are stale: compares their text with the running app's, and needs no picture tools."""

from __future__ import annotations

import asyncio
import importlib.util
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "screenshots"
SPEC = importlib.util.spec_from_file_location("make_screenshots", FOLDER / "make.py")
make = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(make)


@pytest.mark.parametrize("size", make.SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", make.KEYS)
def test_a_screenshot_shows_the_app_as_it_is(name, size):
    path = FOLDER / f"{name}-{size[0]}x{size[1]}.svg"
    assert make.words(path.read_text()) == make.words(asyncio.run(make.picture(name, size))), (
        "stale: run python screenshots/make.py, and look at what it made"
    )
    assert path.with_suffix(".png").exists()
