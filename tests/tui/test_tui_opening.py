"""The main screen while it is opened: what comes when, what fails, and the ways out."""

import pytest
from main_screen import main_of, opened
from screen_text import region_text, screen_text, settled, wait_until
from shown_session import DOCKERFILE, LAYERS, ShownSession

from msbtui.tui.app import MsbtuiApp


async def test_the_dockerfile_is_drawn_before_the_image_is_asked_for():
    session = ShownSession()
    session.hold_before_layer = 0
    async with opened(session) as pilot:
        await wait_until(pilot, lambda: main_of(pilot).session.image is not None)
        await pilot.pause()
        text = screen_text(pilot.app)
        assert "FROM golang:1.22 AS build" in text
        assert "╰▶◉›1 (final)" in text
        assert "waste" in text
        session.release.set()
        await settled(pilot)
        assert "waste 196 MB (46%)" in screen_text(pilot.app)


async def test_layers_come_one_by_one_and_can_be_used_meanwhile():
    session = ShownSession()
    session.hold_before_layer = 3
    async with opened(session) as pilot:
        main = main_of(pilot)
        await wait_until(pilot, lambda: main.links.costs.layers == 3)
        table = region_text(pilot.app, main.layers_table)
        assert "2    64 MB" in table
        assert "3        …" in table
        await pilot.press("3", "down", "enter")
        assert main.selection.layer == 1
        assert "gcc/x86_64-linux-gnu/12/" in region_text(pilot.app, main.files) or "usr/" in region_text(pilot.app, main.files)
        await pilot.press("w")
        assert not main.waste_only
        assert "waste is known when all layers are read" in screen_text(pilot.app)
        session.release.set()
        await settled(pilot)


async def test_layers_and_files_stand_at_one_layer_while_layers_come():
    session = ShownSession()
    session.hold_before_layer = 3
    async with opened(session) as pilot:
        main = main_of(pilot)
        await wait_until(pilot, lambda: main.links.costs.layers == 3)
        await pilot.pause()
        assert f"4 Files in layer {main.layers_table.cursor}" in screen_text(pilot.app)
        session.release.set()
        await settled(pilot)


async def test_an_image_without_findings_begins_at_one_layer_in_all_panes(monkeypatch):
    monkeypatch.setattr("shown_session.findings", tuple)
    async with opened() as pilot:
        await settled(pilot)
        main = main_of(pilot)
        assert main.selection.layer == main.layers_table.cursor == len(LAYERS) - 1
        assert f"4 Files in layer {len(LAYERS) - 1}" in screen_text(pilot.app)
        assert main.source.line == main.selection.line


@pytest.mark.parametrize("key", ["escape", "ctrl+c"])
async def test_stopping_keeps_what_is_there_and_the_app_stays_usable(key):
    session = ShownSession()
    session.hold_before_layer = 2
    async with opened(session) as pilot:
        main = main_of(pilot)
        await wait_until(pilot, lambda: main.links.costs.layers == 2)
        await pilot.press(key)
        await settled(pilot)
        assert session.cancelled.is_set()
        assert pilot.app.is_running
        assert main.links.costs.layers == 2
        assert "cancelled; what was read so far stays" in screen_text(pilot.app)
        await pilot.press("4", "down")
        session.hold_before_layer = None
        await pilot.press("r")
        await wait_until(pilot, lambda: main.links.costs.layers == 6)


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
async def test_the_way_out(key):
    async with opened() as pilot:
        await settled(pilot)
        await pilot.press(key)
        await pilot.pause()
        assert pilot.app._exit


async def test_leaving_while_work_runs_tells_it_to_end():
    session = ShownSession()
    session.hold_before_layer = 1
    async with opened(session) as pilot:
        await wait_until(pilot, lambda: session.table is not None)
        await pilot.press("q")
    assert session.cancelled.is_set()


async def test_a_failure_is_a_message_and_the_app_stays():
    session = ShownSession()
    session.fail_with = "app:latest: no such image [/bold] (did you mean app:1?)"
    async with opened(session) as pilot:
        await settled(pilot)
        text = screen_text(pilot.app)
        assert "no such image [/bold]" in text
        assert "FROM golang:1.22 AS build" in text
        session.fail_with = ""
        await pilot.press("r")
        await settled(pilot)
        assert "waste 196 MB" in screen_text(pilot.app)


async def test_a_bug_in_the_work_does_not_take_the_screen_away():
    session = ShownSession()
    session.given_layers = None
    async with opened(session) as pilot:
        await settled(pilot)
        assert "internal error: TypeError" in screen_text(pilot.app)
        assert pilot.app.is_running


async def test_a_dockerfile_that_is_deleted_is_told_of_until_it_is_back(tmp_path):
    path = tmp_path / "Dockerfile"
    path.write_text(DOCKERFILE)
    async with opened(ShownSession(path=path)) as pilot:
        await settled(pilot)
        path.unlink()
        await wait_until(pilot, lambda: "no longer on disk" in screen_text(pilot.app))
        assert "FROM golang:1.22 AS build" in screen_text(pilot.app)
        path.write_text(DOCKERFILE)
        await wait_until(pilot, lambda: "no longer on disk" not in screen_text(pilot.app))


async def test_without_an_image_it_says_so():
    async with opened(ShownSession(image=False)) as pilot:
        await settled(pilot)
        text = screen_text(pilot.app)
        assert "no image of the engine fits this Dockerfile" in text
        await pilot.press("w")
        assert "no layer is read yet" in screen_text(pilot.app)


WHY = "unix:///var/run/nothing.sock: no engine there (tried DOCKER_HOST; start Docker, set DOCKER_HOST, or go on without)"


def inside(pilot, pane) -> str:
    """Give what is drawn between a pane's borders."""
    return "\n".join(line[1:-1] for line in region_text(pilot.app, pane).split("\n")[1:-1])


@pytest.mark.parametrize("size", [(100, 30), (120, 40), (200, 60)])
async def test_why_there_is_no_image_stands_in_the_layers_pane_to_its_end(size):
    session = ShownSession()
    session.fail_with = WHY
    async with MsbtuiApp(session).run_test(size=size) as pilot:
        await settled(pilot)
        assert " ".join(inside(pilot, main_of(pilot).layers_table).split()) == WHY


async def test_what_is_said_without_room_for_it_ends_in_an_ellipsis():
    session = ShownSession()
    session.fail_with = " ".join(["why"] * 900)
    async with MsbtuiApp(session).run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        assert inside(pilot, main_of(pilot).layers_table).rstrip().endswith("…")
