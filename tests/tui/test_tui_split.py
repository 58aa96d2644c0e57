"""The split's preview: shows, copies, writes only when asked, says how to undo."""

import pytest
from screen_text import screen_text, settled, wait_until
from shown_session import DOCKERFILE, ShownSession

from msbtui.split.model import Plan
from msbtui.tui.app import MsbtuiApp
from msbtui.tui.screens.split import SplitScreen, plan_title, write_new


async def shown(pilot):
    await settled(pilot)
    await pilot.press("s")
    await wait_until(pilot, lambda: isinstance(pilot.app.screen, SplitScreen))


@pytest.fixture
def session(tmp_path):
    path = tmp_path / "Dockerfile"
    path.write_text(DOCKERFILE)
    return ShownSession(path=path)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_the_preview_shows_both_texts_and_writes_nothing(session, size):
    async with MsbtuiApp(session).run_test(size=size, notifications=True) as pilot:
        await shown(pilot)
        text = screen_text(pilot.app)
        assert "412 MB → 120 MB estimated" in text
        assert "- FROM debian:12-slim" in text
        assert "+ FROM debian:12-slim AS tools" in text
        await pilot.press("escape")
        assert [each.name for each in session.dockerfile_path.parent.iterdir()] == ["Dockerfile"]


async def test_writing_says_how_to_undo(session):
    async with MsbtuiApp(session).run_test(size=(120, 40), notifications=True) as pilot:
        await shown(pilot)
        await pilot.press("W")
        await pilot.pause()
        target = session.dockerfile_path.with_name("Dockerfile.split")
        assert target.read_text() == session.plan.dockerfile
        assert session.dockerfile_path.read_text() == DOCKERFILE
        assert "rm Dockerfile.split" in screen_text(pilot.app)


async def test_what_stands_there_is_asked_about_and_kept(session):
    target = session.dockerfile_path.with_name("Dockerfile.split")
    target.write_text("mine\n")
    async with MsbtuiApp(session).run_test(size=(120, 40), notifications=True) as pilot:
        await shown(pilot)
        await pilot.press("W", "n")
        assert target.read_text() == "mine\n"
        await pilot.press("W", "y")
        await pilot.pause()
        assert target.read_text() == session.plan.dockerfile
        assert target.with_name("Dockerfile.split.orig").read_text() == "mine\n"
        await wait_until(pilot, lambda: "To undo: mv" in screen_text(pilot.app))


async def test_a_folder_that_cannot_be_written_is_said(session, monkeypatch):
    def refuse(*args, **rest):
        raise OSError(13, "Permission denied")

    monkeypatch.setattr("msbtui.tui.screens.split.tempfile.mkstemp", refuse)
    async with MsbtuiApp(session).run_test(size=(120, 40), notifications=True) as pilot:
        await shown(pilot)
        await pilot.press("W")
        await pilot.pause()
        assert "Permission denied" in screen_text(pilot.app)


def test_a_symlink_is_replaced_and_never_followed(tmp_path):
    outside = tmp_path / "outside"
    outside.write_text("theirs")
    link = tmp_path / "Dockerfile.split"
    link.symlink_to(outside)
    assert write_new(link, "new\n") == tmp_path / "Dockerfile.split.orig"
    assert outside.read_text() == "theirs"
    assert link.read_text() == "new\n"
    assert not link.is_symlink()


async def test_the_patch_is_copied(session):
    async with MsbtuiApp(session).run_test(size=(120, 40), notifications=True) as pilot:
        await shown(pilot)
        await pilot.press("y")
        assert pilot.app.clipboard.startswith("--- Dockerfile\n+++ Dockerfile\n")
        assert "+FROM debian:12-slim AS tools" in pilot.app.clipboard


async def test_a_refusal_gives_its_reasons_and_nothing_to_write(session):
    session.plan = None
    session.make_plan = lambda: Plan("refused", ("the entrypoint runs make",), "")
    async with MsbtuiApp(session).run_test(size=(80, 24), notifications=True) as pilot:
        await shown(pilot)
        text = screen_text(pilot.app)
        assert "it would break the image" in text
        assert "the entrypoint runs make" in text
        await pilot.press("W")
        assert "There is no new Dockerfile to write." in screen_text(pilot.app)


async def test_a_plan_that_fails_is_a_message(session):
    def fail():
        raise ValueError("what")

    session.make_plan = fail
    async with MsbtuiApp(session).run_test(size=(80, 24), notifications=True) as pilot:
        await settled(pilot)
        await pilot.press("s")
        await wait_until(pilot, lambda: "internal error: ValueError" in screen_text(pilot.app))
        assert pilot.app.is_running


async def test_an_image_without_a_dockerfile_says_what_is_missing():
    async with MsbtuiApp(ShownSession("")).run_test(size=(120, 40), notifications=True) as pilot:
        await settled(pilot)
        await pilot.press("s")
        assert "a split needs the Dockerfile" in screen_text(pilot.app)


def test_titles():
    assert plan_title(Plan("none", (), "")) == "No split: there is nothing to gain"
