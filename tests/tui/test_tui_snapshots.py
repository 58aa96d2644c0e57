"""A few pictures of the app over given results; `pytest --snapshot-update` draws them anew."""

import pytest
from shown_session import ready_session

from msbtui.tui.app import MsbtuiApp


async def drawn(pilot):
    from screen_text import settled

    await settled(pilot)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["120x40", "80x24"])
def test_main(snap_compare, size):
    assert snap_compare(MsbtuiApp(ready_session()), terminal_size=size, run_before=drawn)


def test_split(snap_compare):
    async def split(pilot):
        await drawn(pilot)
        pilot.app.session.make_plan()
        await pilot.press("s")

    assert snap_compare(MsbtuiApp(ready_session()), terminal_size=(120, 40), run_before=split)


def test_help(snap_compare):
    async def helped(pilot):
        await drawn(pilot)
        await pilot.press("question_mark")

    assert snap_compare(MsbtuiApp(ready_session()), terminal_size=(80, 24), run_before=helped)
