"""The map in the app: keys, mouse, what is behind a part, and screens of every size."""

from __future__ import annotations

import pytest
from screen_text import region_text, screen_text, settled, wait_until
from shown_session import ShownSession

from msbtui.tui.app import MsbtuiApp
from msbtui.tui.screens.main import MainScreen
from msbtui.tui.screens.map import MapScreen


async def shown(pilot):
    await settled(pilot)
    await pilot.press("m")
    await wait_until(pilot, lambda: isinstance(pilot.app.screen, MapScreen) and pilot.app.screen.account is not None)
    return pilot.app.screen


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=str)
async def test_every_byte_stands_once_in_map_and_list(size):
    async with MsbtuiApp(ShownSession()).run_test(size=size, notifications=True) as pilot:
        screen = await shown(pilot)
        text = screen_text(pilot.app)
        assert "Every byte once: 429 MB" in text
        assert "compiler" in region_text(pilot.app, screen.map)
        assert "? unknown" in region_text(pilot.app, screen.parts)
        assert "▶" in region_text(pilot.app, screen.map)
        for word in ("waste", "hidden", "base", "unknown"):
            assert word in "".join(row.part.name for row in screen.parts.rows)
        assert "Enter its files" in text


async def test_arrows_move_and_the_list_follows():
    async with MsbtuiApp(ShownSession()).run_test(size=(120, 40), notifications=True) as pilot:
        screen = await shown(pilot)
        begun = screen.map.selected
        await pilot.press("right", "down", "l", "j")
        assert screen.map.selected != begun
        assert screen.parts.current.key == screen.map.selected
        await pilot.press("home")
        first = screen.map.selected
        await pilot.press("end")
        assert screen.map.selected != first
        await pilot.press("tab", "g")
        assert screen.focused is screen.parts
        assert screen.map.selected == screen.parts.rows[0].key
        await pilot.press("down", "down")
        assert screen.map.selected == screen.parts.rows[2].key
        await pilot.press("tab")
        assert screen.focused is screen.map


async def test_enter_goes_to_the_finding_behind_waste_and_to_the_file_behind_the_rest():
    async with MsbtuiApp(ShownSession()).run_test(size=(120, 40), notifications=True) as pilot:
        main = pilot.app.screen_stack[0]
        screen = await shown(pilot)
        screen._select(("waste", "compiler"))
        await pilot.press("enter")
        assert isinstance(pilot.app.screen, MainScreen)
        assert main.selection.finding == "A1"
        assert main.current == "files"
        await pilot.press("m")
        screen = pilot.app.screen
        screen._select(("hidden", "deleted-later"))
        await pilot.press("tab", "enter")
        assert (main.selection.finding, main.selection.layer) == ("A2", 2)
        await pilot.press("w", "m")
        screen = pilot.app.screen
        screen._select(("base",))
        await pilot.press("enter")
        assert (main.selection.layer, main.selection.path) == (0, "usr/lib/libc.so.6")
        assert "libc.so.6" in region_text(pilot.app, main.files)
        assert not main.waste_only


async def test_the_mouse_picks_and_opens():
    async with MsbtuiApp(ShownSession()).run_test(size=(120, 40), notifications=True) as pilot:
        main = pilot.app.screen_stack[0]
        screen = await shown(pilot)
        tile = next(each for each in screen.map._tiles if each.key == ("hidden", "deleted-later"))
        at = (tile.x + 2, tile.y + 2)
        await pilot.click(screen.map, offset=at)
        assert screen.map.selected == tile.key
        await pilot.click(screen.map, offset=at, times=2)
        await pilot.pause()
        assert isinstance(pilot.app.screen, MainScreen)
        assert main.selection.finding == "A2"


@pytest.mark.parametrize("key", ["escape", "q", "m"])
async def test_the_way_back(key):
    async with MsbtuiApp(ShownSession()).run_test(size=(80, 24), notifications=True) as pilot:
        await shown(pilot)
        await pilot.press(key)
        assert isinstance(pilot.app.screen, MainScreen)
        assert pilot.app.is_running


async def test_a_screen_that_is_too_small_says_so_and_has_the_list():
    async with MsbtuiApp(ShownSession()).run_test(size=(25, 8), notifications=True) as pilot:
        screen = await shown(pilot)
        assert "The map needs" in screen_text(pilot.app)
        await pilot.press("tab")
        await pilot.pause()
        assert "? unknown" in region_text(pilot.app, screen.parts)
        assert not screen.map.display
        await pilot.resize_terminal(120, 40)
        await pilot.pause()
        assert screen.map.display
        assert "compiler" in region_text(pilot.app, screen.map)


async def test_before_the_layers_are_read_it_says_so():
    async with MsbtuiApp(ShownSession(image=False)).run_test(size=(80, 24), notifications=True) as pilot:
        await settled(pilot)
        await pilot.press("m")
        assert isinstance(pilot.app.screen, MainScreen)
        assert "Map: the map is known" in screen_text(pilot.app)


async def test_an_account_that_fails_is_said_on_the_map():
    session = ShownSession()
    session.account = lambda: 1 // 0
    async with MsbtuiApp(session).run_test(size=(80, 24), notifications=True) as pilot:
        await settled(pilot)
        await pilot.press("m")
        await wait_until(pilot, lambda: "internal error: ZeroDivisionError" in screen_text(pilot.app))
        assert pilot.app.is_running


async def test_without_colours_the_groups_are_told_by_their_signs(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    async with MsbtuiApp(ShownSession(), plain=True).run_test(size=(120, 40), notifications=True) as pilot:
        screen = await shown(pilot)
        text = region_text(pilot.app, screen.map)
        assert text
        strips = pilot.app.screen._compositor.render_strips()
        assert strips
        assert "▲" in text or "^" in text
        assert "╱" in text or "/" in text
