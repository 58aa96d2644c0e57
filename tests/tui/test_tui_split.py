"""The split's preview: shows, copies, writes only when asked, says how to undo."""

import pytest
from screen_text import region_text, screen_text, settled, wait_until
from shown_session import DOCKERFILE, MB, ShownSession

from msbtui.split.model import Plan
from msbtui.tui.app import MsbtuiApp
from msbtui.tui.screens.split import SplitScreen, plan_title
from msbtui.tui.writing import write_new


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

    monkeypatch.setattr("msbtui.tui.writing.tempfile.mkstemp", refuse)
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
    session.plan = Plan("refused", ("the entrypoint runs make",), "")
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


async def test_the_evidence_follows_the_cursor(session):
    async with MsbtuiApp(session).run_test(size=(120, 40), notifications=True) as pilot:
        await shown(pilot)
        screen = pilot.app.screen
        assert "The line stands no longer as it is" in region_text(pilot.app, screen.why)
        await pilot.press("G")
        text = region_text(pilot.app, screen.why)
        assert "the same base" in text
        assert "os-release: debian 12" in text
        assert "The compilers are used by the" in text
        await pilot.press("enter")
        assert screen.current == "why"


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (45, 12)])
async def test_every_pane_is_reached_by_its_number_and_by_tab(session, size):
    async with MsbtuiApp(session).run_test(size=size, notifications=True) as pilot:
        await shown(pilot)
        screen = pilot.app.screen
        for key, name in (("2", "why"), ("3", "ladder"), ("4", "left"), ("5", "checks"), ("1", "diff"), ("tab", "why")):
            await pilot.press(key)
            await pilot.pause()
            assert screen.focused is screen.panes[name]
            assert screen.panes[name].display
            assert screen.panes[name].region.height > 2
        await pilot.press("shift+tab", "z")
        await pilot.pause()
        assert [name for name, pane in screen.panes.items() if pane.display] == ["diff"]
        await pilot.press("escape")
        assert not screen.zoomed
        assert pilot.app.screen is screen


async def test_the_ladder_shows_sizes_and_risks_and_a_rung_shows_its_diff(session):
    async with MsbtuiApp(session).run_test(size=(120, 40), notifications=True) as pilot:
        await shown(pilot)
        screen = pilot.app.screen
        await wait_until(pilot, lambda: screen.ladder.rungs)
        text = region_text(pilot.app, screen.ladder)
        assert "▸   120 MB −71%  selective" in text
        assert "risk: a file may be missing" in text
        await pilot.press("3", "down")
        assert "Rung trees" in region_text(pilot.app, screen.why)
        await pilot.press("enter")
        await wait_until(pilot, lambda: screen.ladder.rungs and screen.ladder.rungs[1].chosen)
        assert session.plan.rung == "trees"
        assert "# trees" in screen_text(pilot.app)
        await pilot.press("W")
        assert "# trees" in session.dockerfile_path.with_name("Dockerfile.split").read_text()


async def test_what_stays_behind_stands_with_its_bytes(session):
    async with MsbtuiApp(session).run_test(size=(80, 24), notifications=True) as pilot:
        await shown(pilot)
        await pilot.press("4")
        text = region_text(pilot.app, pilot.app.screen.left)
        assert "Stays behind: 94 MB" in text
        assert "nothing that runs calls them" in text


async def test_verifying_asks_and_tells_stages_rounds_and_checks(session):
    async with MsbtuiApp(session).run_test(size=(120, 40), notifications=True) as pilot:
        await shown(pilot)
        screen = pilot.app.screen
        await pilot.press("V", "n")
        assert not screen.work.verifying
        await pilot.press("V", "y")
        await wait_until(pilot, lambda: "adding /usr/lib/libx.so" in screen_text(pilot.app))
        text = screen_text(pilot.app)
        assert "building the original" in text
        assert "build 1 (selective) failed" in text
        assert "Esc stops" in text
        await pilot.press("V")
        assert "it runs already" in screen_text(pilot.app)
        session.release.set()
        await wait_until(pilot, lambda: not screen.work.verifying and screen.plan.verified)
        text = screen_text(pilot.app)
        assert "✔ verified" in text
        assert "Verified: all 1 checks passed" in text
        assert "412 MB → 118 MB measured" in text


async def test_escape_stops_a_verification_and_then_goes_back(session):
    async with MsbtuiApp(session).run_test(size=(80, 24), notifications=True) as pilot:
        await shown(pilot)
        screen = pilot.app.screen
        await pilot.press("V", "y")
        await wait_until(pilot, lambda: screen.work.log.stages)
        await pilot.press("escape")
        await wait_until(pilot, lambda: not screen.work.verifying and screen.work.log.error)
        await wait_until(pilot, lambda: "everything that was made is" in screen_text(pilot.app))
        assert pilot.app.screen is screen
        await pilot.press("escape")
        assert not isinstance(pilot.app.screen, SplitScreen)


async def test_a_verification_goes_on_while_one_looks_elsewhere(session):
    async with MsbtuiApp(session).run_test(size=(120, 40), notifications=True) as pilot:
        await shown(pilot)
        await pilot.press("V", "y")
        await wait_until(pilot, lambda: pilot.app.screen.work.log.stages)
        await pilot.press("q")
        assert "adding /usr/lib/libx.so" in screen_text(pilot.app)
        await pilot.press("r")
        assert "a verification runs; Esc stops it" in screen_text(pilot.app)
        session.release.set()
        await wait_until(pilot, lambda: "all checks passed" in screen_text(pilot.app))
        await pilot.press("s")
        await pilot.pause()
        assert "✔ verified" in screen_text(pilot.app)
        assert session.plan.size_after.measured == 118 * MB


async def test_leaving_the_app_while_verifying_waits_for_the_engine_to_be_clean(session):
    async with MsbtuiApp(session).run_test(size=(80, 24), notifications=True) as pilot:
        await shown(pilot)
        work = pilot.app.screen.work
        await pilot.press("V", "y")
        await wait_until(pilot, lambda: work.log.stages)
        await pilot.press("q", "q")
    assert work.wait_for_verifier(5)
    assert session.cancelled.is_set()


async def test_without_a_folder_nothing_can_be_verified():
    async with MsbtuiApp(ShownSession()).run_test(size=(120, 40), notifications=True) as pilot:
        await shown(pilot)
        await pilot.press("V")
        assert "the Dockerfile is in no folder" in screen_text(pilot.app)


async def test_the_mouse_takes_a_rung_and_the_key_line_can_be_clicked(session):
    async with MsbtuiApp(session).run_test(size=(120, 40), notifications=True) as pilot:
        await shown(pilot)
        screen = pilot.app.screen
        await wait_until(pilot, lambda: screen.ladder.rungs)
        row = next(at for at, (_, rung) in enumerate(screen.ladder._rows) if rung == 1)
        await pilot.click(screen.ladder, offset=(8, row + 1), times=2)
        await wait_until(pilot, lambda: session.plan.rung == "trees")
        await pilot.click(screen.keys, offset=(screen_text(pilot.app).split("\n")[-1].index("Zoom"), 0))
        await pilot.pause()
        assert screen.zoomed


async def test_the_palette_has_the_actions_of_the_split(session):
    async with MsbtuiApp(session).run_test(size=(120, 40), notifications=True) as pilot:
        await shown(pilot)
        await pilot.press("ctrl+p", *"ladder")
        await wait_until(pilot, lambda: "Go to the rungs" in screen_text(pilot.app))
        await pilot.press("enter")
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, SplitScreen) and pilot.app.screen.current == "ladder")
        assert pilot.app.screen.ladder.has_focus


async def test_a_verification_is_stopped_from_the_main_screen_too(session):
    async with MsbtuiApp(session).run_test(size=(120, 40), notifications=True) as pilot:
        await shown(pilot)
        work = pilot.app.screen.work
        await pilot.press("V", "y")
        await wait_until(pilot, lambda: work.log.stages)
        await pilot.press("q", "escape")
        await wait_until(pilot, lambda: not work.verifying and work.log.error)
        assert pilot.app.is_running


async def test_a_dockerfile_that_changes_meanwhile_is_read_when_the_verification_has_ended(session):
    async with MsbtuiApp(session).run_test(size=(120, 40), notifications=True) as pilot:
        await shown(pilot)
        work = pilot.app.screen.work
        await pilot.press("V", "y")
        await wait_until(pilot, lambda: work.log.stages)
        session.dockerfile_path.write_text(DOCKERFILE + "EXPOSE 8080\n")
        await wait_until(pilot, lambda: work._reread_later)
        assert "EXPOSE" not in session.dockerfile.source
        session.release.set()
        await wait_until(pilot, lambda: "EXPOSE" in session.dockerfile.source)
