"""The main screen, driven by keys and mouse over a session whose results are given."""

import pytest
from main_screen import NARROW, WIDE, main_of, opened
from screen_text import region_text, screen_text, settled, wait_until
from shown_session import DOCKERFILE, LAYERS, MB, ShownSession, index_of, ready_session

from msbtui.image.model import Kind, Signature
from msbtui.session.model import BetterImage
from msbtui.tui.screens.main import MainScreen


async def test_it_begins_at_the_greatest_finding():
    async with opened() as pilot:
        await settled(pilot)
        now = main_of(pilot).selection
        assert (now.finding, now.layer, now.line, now.stage) == ("A1", 1, 7, 1)
        assert main_of(pilot).current == "layers"


async def test_moving_in_one_pane_moves_the_rest():
    async with opened() as pilot:
        await settled(pilot)
        main = main_of(pilot)
        await pilot.press("3", "down")
        assert (main.selection.layer, main.selection.line, main.selection.finding) == (2, 9, "A2")
        assert (main.source.line, main.layers_table.cursor, main.advice.cursor) == (9, 2, 1)
        assert "4 Files in layer 2" in screen_text(pilot.app)
        await pilot.press("2", "down", "down")
        assert (main.selection.line, main.selection.layer, main.selection.finding) == (11, 4, "A3")
        assert main.layers_table.cursor == 4
        await pilot.press("1", "g")
        assert main.stages.cursor == 0
        assert main.source.line == 1
        await pilot.press("5", "g", "down")
        assert (main.selection.finding, main.selection.layer, main.source.line) == ("A2", 2, 9)
        assert main.files.path == "opt/tool"
        await pilot.press("4", "enter")
        await pilot.press("down")
        assert main.selection.path == "opt/tool/data.bin"
        assert main.selection.layer == 2


async def test_a_move_is_told_once_and_comes_back_to_nobody():
    async with opened() as pilot:
        await settled(pilot)
        main = main_of(pilot)
        seen = []
        original = main.select
        main.select = lambda now: (seen.append(now), original(now))
        await pilot.press("3", "down", "down")
        await pilot.pause()
        assert len(seen) == 2


async def test_findings_are_walked_with_brackets():
    async with opened() as pilot:
        await settled(pilot)
        main = main_of(pilot)
        seen = []
        for _ in range(4):
            await pilot.press("right_square_bracket")
            seen.append(main.selection.finding)
        assert seen == ["A2", "A3", "C4", "A1"]
        await pilot.press("left_square_bracket")
        assert main.selection.finding == "C4"
        assert main.selection.path == "usr/share/doc"


async def test_waste_only_and_back():
    async with opened() as pilot:
        await settled(pilot)
        main = main_of(pilot)
        before = region_text(pilot.app, main.files)
        await pilot.press("w")
        text = region_text(pilot.app, main.files)
        assert "var/cache/apt" not in text
        assert "cc1plus" in text
        assert "filter: waste only" in text
        await pilot.press("w")
        assert region_text(pilot.app, main.files) == before


async def test_this_layer_or_up_to_here():
    async with opened() as pilot:
        await settled(pilot)
        main = main_of(pilot)
        await pilot.press("t")
        text = region_text(pilot.app, main.files)
        assert "4 Files up to layer 1" in text
        assert "libc.so.6" in text
        await pilot.press("t")
        assert "libc.so.6" not in region_text(pilot.app, main.files)


async def test_sorting_goes_round():
    async with opened() as pilot:
        await settled(pilot)
        main = main_of(pilot)
        seen = []
        for _ in range(3):
            await pilot.press("o")
            seen.append(region_text(pilot.app, main.files).split("sort: ")[1].split(" ")[0])
        assert seen == ["size", "name", "waste"]


async def test_a_file_is_found_in_another_layer():
    async with opened() as pilot:
        await settled(pilot)
        main = main_of(pilot)
        await pilot.press("slash", *"data.bin")
        assert "1 found" in screen_text(pilot.app)
        await pilot.press("enter")
        await pilot.pause()
        assert main.selection.layer == 2
        assert main.files.path == "opt/tool/data.bin"
        assert main.current == "files"
        await pilot.press("slash", "ctrl+u", *"cc1", "enter")
        assert main.files.path == "usr/lib/gcc/x86_64-linux-gnu/12/cc1"
        await pilot.press("n")
        assert main.files.path == "usr/lib/gcc/x86_64-linux-gnu/12/cc1plus"
        await pilot.press("n")
        assert main.files.path == "usr/lib/gcc/x86_64-linux-gnu/12/cc1"


async def test_the_find_line_can_be_left():
    async with opened() as pilot:
        await settled(pilot)
        await pilot.press("slash", *"zzz")
        assert "no path of any layer has this in it" in screen_text(pilot.app)
        await pilot.press("enter", "escape")
        assert pilot.app.screen is main_of(pilot)


async def test_zoom_and_back():
    async with opened() as pilot:
        await settled(pilot)
        main = main_of(pilot)
        await pilot.press("4", "z")
        assert main.files.region.size == (120, 38)
        await pilot.press("escape")
        assert main.layers_table.display


async def test_the_help_lists_every_action():
    from msbtui.tui.actions import ACTIONS

    async with opened(size=(120, 70)) as pilot:
        await settled(pilot)
        await pilot.press("question_mark")
        text = screen_text(pilot.app)
        view = pilot.app.screen.query_one("#help")
        shown = "\n".join("".join(part for part, _ in row) for row in view._rows)
        for each in ACTIONS:
            assert each.label in shown
            assert each.help.split(":")[0][:40] in shown
        assert "Keys" in text
        await pilot.press("q")
        assert pilot.app.screen is main_of(pilot)


async def test_the_palette_offers_every_action():
    async with opened() as pilot:
        await settled(pilot)
        await pilot.press("ctrl+p")
        await wait_until(pilot, lambda: "Waste only" in screen_text(pilot.app))
        await pilot.press(*"bracket")
        await pilot.press("escape", "escape", "ctrl+p", *"waste only")
        await wait_until(pilot, lambda: "Show only files that are waste" in screen_text(pilot.app))
        await pilot.press("enter", "enter")
        await wait_until(pilot, lambda: main_of(pilot).waste_only)
        assert pilot.app.screen is main_of(pilot)


async def test_an_editor_that_is_not_there_is_said(tmp_path, monkeypatch):
    path = tmp_path / "Dockerfile"
    path.write_text(DOCKERFILE)
    monkeypatch.delenv("VISUAL", raising=False)
    async with opened(ShownSession(path=path)) as pilot:
        await settled(pilot)
        monkeypatch.setenv("EDITOR", "no-such-editor")
        await pilot.press("e")
        assert "no-such-editor: no such command" in screen_text(pilot.app)
        monkeypatch.delenv("EDITOR")
        await pilot.press("e")
        assert "Set $EDITOR" in screen_text(pilot.app)


async def test_every_action_has_a_deed():
    from msbtui.tui.actions import ACTIONS, FOOTER, action

    for each in ACTIONS:
        if each.scope == "main" and not each.id.startswith("pane_"):
            assert callable(getattr(MainScreen, f"do_{each.id}"))
    entries = [f"{action(name).label.split(' ')[0]} {action(name).title}" for name in FOOTER]
    assert sum(len(each) + 2 for each in entries) <= 80


async def test_explaining_a_finding_and_a_layer():
    async with opened() as pilot:
        await settled(pilot)
        await pilot.press("5", "x")
        text = screen_text(pilot.app)
        assert "Nothing that runs calls them." in text
        assert "Certain: it follows from the bytes" in text
        await pilot.press("escape", "right_square_bracket", "3", "x")
        text = screen_text(pilot.app)
        assert "hidden by later layers" in text
        await pilot.press("x", "1", "k", "k", "k", "x")
        assert "A build stage" in screen_text(pilot.app)


async def test_copying_says_what_was_copied():
    async with opened() as pilot:
        await settled(pilot)
        await pilot.press("5", "enter", "y")
        assert pilot.app.clipboard == "/usr/lib/gcc/x86_64-linux-gnu/12/cc1plus"
        await pilot.press("2", "y")
        assert pilot.app.clipboard == "RUN apt-get update && apt-get install -y \\\n      build-essential curl ca-certificates"


async def test_the_narrow_screen_shows_one_group_at_a_time():
    async with opened(size=NARROW) as pilot:
        await settled(pilot)
        main = main_of(pilot)
        assert [name for name, pane in main.panes.items() if pane.display] == ["layers", "files", "advice"]
        await pilot.press("2")
        assert [name for name, pane in main.panes.items() if pane.display] == ["source"]
        await pilot.press("1")
        assert [name for name, pane in main.panes.items() if pane.display] == ["stages"]
        await pilot.press("shift+tab")
        assert main.current == "advice"


async def test_the_key_line_keeps_the_way_out_at_every_width():
    async with opened() as pilot:
        await settled(pilot)
        for width in (120, 80, 60, 40, 20, 12):
            await pilot.resize_terminal(width, 24)
            await pilot.pause()
            assert "q Quit" in screen_text(pilot.app).split("\n")[-1] or width < 16


async def test_no_size_stops_it_and_the_place_is_kept():
    async with opened() as pilot:
        await settled(pilot)
        main = main_of(pilot)
        await pilot.press("4", "down")
        place = main.files.path
        for size in ((60, 15), (59, 14), (20, 5), (5, 3), (1, 1), (300, 100)):
            await pilot.resize_terminal(*size)
            await pilot.press("1", "2", "3", "5", "4")
            assert main.files.display
        await pilot.resize_terminal(20, 5)
        await pilot.press("question_mark", "escape", "s")
        await wait_until(pilot, lambda: type(pilot.app.screen).__name__ == "SplitScreen")
        await pilot.press("escape")
        await pilot.resize_terminal(*WIDE)
        await pilot.pause()
        assert main.files.path == place
        assert place.rpartition("/")[2] in region_text(pilot.app, main.files)


async def test_the_mouse_moves_opens_and_scrolls():
    async with opened() as pilot:
        await settled(pilot)
        main = main_of(pilot)
        await pilot.click(main.layers_table, offset=(10, 4))
        assert main.layers_table.cursor == 2
        assert main.current == "layers"
        await pilot.click(main.files, offset=(1, 2))
        assert main.files.count > 1
        await pilot.click(main.layers_table, offset=(10, 3))
        assert main.selection.layer == 1
        await pilot.click(main.layers_table, offset=(10, 3), times=2)
        assert main.current == "files"


async def test_the_key_line_can_be_clicked():
    async with opened() as pilot:
        await settled(pilot)
        main = main_of(pilot)
        column = screen_text(pilot.app).split("\n")[-1].index("Waste only")
        await pilot.click(main.keys, offset=(column, 0))
        assert main.waste_only


async def test_names_of_an_image_are_text_and_nothing_else():
    hostile = [
        ("[/]", Kind.FILE, 5),
        ("[red]x", Kind.FILE, 4),
        ("日本語/かな", Kind.FILE, 3),
        (r"\x1b]52;c;aGk=\x07", Kind.FILE, 2),
    ]
    session = ShownSession('FROM scratch\nCOPY [ "[/]", "/" ]\n', layers=[hostile])
    async with opened(session) as pilot:
        await settled(pilot)
        await pilot.press("4")
        text = screen_text(pilot.app)
        for name in ("[/]", "[red]x", "日本語/", r"\x1b]52;c;aGk=\x07"):
            assert name in text
        await pilot.press("slash", "left_square_bracket", "enter", "x", "escape", "y", "s")
        await wait_until(pilot, lambda: type(pilot.app.screen).__name__ == "SplitScreen")


async def test_a_raw_escape_in_a_dockerfile_never_reaches_the_terminal(tmp_path):
    path = tmp_path / "Dockerfile"
    path.write_text("FROM a\nRUN echo \x1b]0;title\x07 [/red]\nLABEL x=\x9b31m\n")
    async with opened(ShownSession(path.read_text(), path, image=False)) as pilot:
        await settled(pilot)
        assert r"echo \x1b]0;title\x07 [/red]" in screen_text(pilot.app)
        await pilot.press("2", "down", "x")
        assert "\x1b" not in screen_text(pilot.app)


async def test_a_change_on_disk_is_followed_and_the_place_kept(tmp_path):
    import os

    path = tmp_path / "Dockerfile"
    path.write_text(DOCKERFILE)
    async with opened(ShownSession(path=path)) as pilot:
        await settled(pilot)
        main = main_of(pilot)
        await pilot.press("2", "down", "down")
        assert main.source.line == 9
        fresh = tmp_path / "new"
        fresh.write_text("# one more line\n" + DOCKERFILE.replace("AS build", "AS maker").replace("--from=build", "--from=maker"))
        os.replace(fresh, path)
        await wait_until(pilot, lambda: "0 maker" in screen_text(pilot.app))
        assert main.source.line == 10
        path.write_text(path.read_text().replace("COPY . .", "COPY . . # x\nRUNN x"))
        await wait_until(pilot, lambda: "unknown instruction: RUNN" in screen_text(pilot.app))
        text = screen_text(pilot.app)
        assert "last good graph" in text
        assert "0 maker" in text
        assert "210M" in text
        path.write_text(DOCKERFILE)
        await wait_until(pilot, lambda: "last good graph" not in screen_text(pilot.app))
        assert main.source.line == 9


async def test_a_file_that_is_gone_for_a_moment_changes_nothing(tmp_path):
    path = tmp_path / "Dockerfile"
    path.write_text(DOCKERFILE)
    async with opened(ShownSession(path=path)) as pilot:
        await settled(pilot)
        path.unlink()
        await pilot.pause(0.15)
        assert "0 build" in screen_text(pilot.app)
        path.write_text(DOCKERFILE.replace("AS build", "AS again").replace("--from=build", "--from=again"))
        await wait_until(pilot, lambda: "0 again" in screen_text(pilot.app))


async def test_a_rebuilt_image_is_offered_once_and_taken_on_a_key(monkeypatch):
    monkeypatch.setattr("msbtui.tui.work.LOOK_EVERY", 0.01)
    session = ShownSession()
    async with opened(session) as pilot:
        await settled(pilot)
        runs = session.runs
        session.better = BetterImage("app:new", "sha256:1")
        await wait_until(pilot, lambda: "app:new fits this Dockerfile better" in screen_text(pilot.app))
        assert session.switched == []
        await pilot.press("r")
        await settled(pilot)
        assert session.switched == ["app:new"]
        assert session.runs == runs + 1
        await pilot.press("r")
        await settled(pilot)
        assert session.switched == ["app:new"]


async def test_many_rows_are_scrolled_by_what_is_seen():
    many = [(f"d/{number:07}", Kind.FILE, 1) for number in range(50_000)]
    session = ShownSession("FROM scratch\nCOPY d /d\n", layers=[many])
    async with opened(session) as pilot:
        await wait_until(pilot, lambda: not main_of(pilot).work.running, seconds=60)
        main = main_of(pilot)
        drawn = []
        await pilot.press("4", "enter", "G")
        assert main.files.count == 50_001
        assert main.files.path == "d/0049999"
        original = main.files.row
        main.files.row = lambda index, width: (drawn.append(index), original(index, width))[1]
        await pilot.press("up")
        await pilot.pause()
        assert 0 < len(drawn) <= 4
        assert set(drawn) <= {49_998, 49_999, 50_000}


async def test_selected_text_is_what_is_drawn():
    from textual.geometry import Offset
    from textual.selection import Selection

    async with opened() as pilot:
        await settled(pilot)
        main = main_of(pilot)
        text, _ = main.source.get_selection(Selection(Offset(4, 0), Offset(20, 1)))
        assert text == "FROM golang:1.22 AS build\n  2 WORKDIR /src"


def test_the_sample_is_an_image_of_many_layers():
    assert len(LAYERS) == 6
    assert sum(size for layer in LAYERS for _, _, size in layer) == 429_203_850
    assert len(index_of(LAYERS[0])) == 4
    assert MB == 10**6


async def test_a_dockerfile_that_nobody_gave_says_where_it_is_from_and_notes_on_the_image_are_counted():
    session = ready_session()
    session.dockerfile_origin = "from provenance (mode=max)"
    session.image.signatures = (Signature("cosign", "tag", "sha256:1"),)
    session.image.notes.append("the history does not match [/]")
    session.run = lambda notify: None
    async with opened(session) as pilot:
        await settled(pilot)
        main = main_of(pilot)
        assert "2 Dockerfile from provenance (mode=max)" in screen_text(pilot.app)
        assert "! 2 notes on the image: x" in region_text(pilot.app, main.layers_table)
        await pilot.press("3", "down", "x", "G")
        text = screen_text(pilot.app)
        assert "! the history does not match [/]" in text
        assert "! signed (cosign), not verified" in text


@pytest.mark.parametrize("size", [(80, 24), (60, 15)])
async def test_panes_out_of_sight_are_named_with_their_keys(size):
    async with opened(size=size) as pilot:
        await settled(pilot)
        main = main_of(pilot)
        for name in ("layers", "source", "stages"):
            main.go_to(name)
            await pilot.pause()
            hidden = [pane for other, pane in main.panes.items() if not pane.display]
            assert hidden
            for pane in hidden:
                assert str(pane.border_title).split(" in ")[0] in region_text(pilot.app, main.panes[name]), name
