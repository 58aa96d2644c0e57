"""A few pictures of the app over given results; `pytest --snapshot-update` draws them anew."""

import pytest
from screen_text import wait_until
from shown_session import ready_session

from msbtui.tui.app import MsbtuiApp
from msbtui.tui.screens.map import MapScreen
from msbtui.tui.screens.split import SplitScreen


async def drawn(pilot):
    from screen_text import settled

    await settled(pilot)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["120x40", "80x24"])
def test_main(snap_compare, size):
    assert snap_compare(MsbtuiApp(ready_session()), terminal_size=size, run_before=drawn)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["120x40", "80x24"])
def test_split(snap_compare, size):
    async def split(pilot):
        await drawn(pilot)
        pilot.app.session.make_plan()
        await pilot.press("s")
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, SplitScreen) and pilot.app.screen.ladder.rungs)

    assert snap_compare(MsbtuiApp(ready_session()), terminal_size=size, run_before=split)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["120x40", "80x24"])
def test_map(snap_compare, size):
    async def mapped(pilot):
        await drawn(pilot)
        await pilot.press("m")
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, MapScreen) and pilot.app.screen.account is not None)

    assert snap_compare(MsbtuiApp(ready_session()), terminal_size=size, run_before=mapped)


def test_help(snap_compare):
    async def helped(pilot):
        await drawn(pilot)
        await pilot.press("question_mark")

    assert snap_compare(MsbtuiApp(ready_session()), terminal_size=(80, 24), run_before=helped)
