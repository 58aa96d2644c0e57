"""The mouse on what is no row: column heads and the lower border of the files; and what a key takes away."""

import pytest
from main_screen import main_of, opened
from screen_text import screen_text, settled, wait_until
from shown_session import ShownSession

from msbtui.image.model import Kind
from msbtui.session.rows.files import Sort
from msbtui.tui.widgets.row_list import RowList


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (200, 60)])
async def test_a_column_head_sorts_and_the_border_goes_on(size):
    async with opened(size=size) as pilot:
        await settled(pilot)
        main = main_of(pilot)
        await pilot.press("4", "z")
        await pilot.pause()
        lines = screen_text(pilot.app).split("\n")
        head = next(line for line in lines if " path " in line and " size " in line)
        row = lines.index(head)
        for word, sort in (("path", Sort.NAME), ("size", Sort.SIZE), ("waste", Sort.WASTE)):
            await pilot.click(offset=(head.index(word) + 1, row))
            assert main.sort is sort
        lines = screen_text(pilot.app).split("\n")
        border = next(line for line in lines if "sort: waste" in line)
        await pilot.click(offset=(border.index("sort:"), lines.index(border)))
        assert main.sort is Sort.SIZE
        lines = screen_text(pilot.app).split("\n")
        border = next(line for line in lines if "sort: size" in line)
        await pilot.click(offset=(border.index("filter:"), lines.index(border)))
        assert main.waste_only
        lines = screen_text(pilot.app).split("\n")
        border = next(line for line in lines if "filter: waste only" in line)
        await pilot.click(offset=(border.index("sort:") - 2, lines.index(border)))
        assert (main.sort, main.waste_only) == (Sort.SIZE, True)


async def test_an_empty_layer_is_said_to_be_empty_and_not_to_be_no_image():
    async with opened(ShownSession("FROM scratch\n", layers=[[("a", Kind.FILE, 5)], [], []])) as pilot:
        await settled(pilot)
        await pilot.press("3", "down", "down")
        await pilot.pause()
        assert "an empty layer" in screen_text(pilot.app) and "no image" not in screen_text(pilot.app)


async def test_escape_takes_messages_away():
    async with opened() as pilot:
        await settled(pilot)
        await pilot.press("n")
        await wait_until(pilot, lambda: "nothing was searched for yet" in screen_text(pilot.app))
        await pilot.press("escape")
        await wait_until(pilot, lambda: "nothing was searched for yet" not in screen_text(pilot.app))
        assert not main_of(pilot).zoomed and pilot.app.screen is main_of(pilot)


async def test_each_box_is_selected_by_a_click_and_opened_once_by_two():
    text = "FROM a AS s0\n" + "".join(f"FROM s0 AS s{n}\nRUN x\n" for n in range(1, 5)) + "FROM s1\nCOPY --from=s2 /x /x\n"
    async with opened(ShownSession(text, layers=[]), size=(200, 60)) as pilot:
        await settled(pilot)
        await pilot.press("1", "z")
        await pilot.pause()
        stages = main_of(pilot).stages
        for at, box in enumerate(stages.drawing.diagram.boxes):
            left, top, *_ = stages.drawing.area(at)
            await pilot.click(stages, offset=(left + 3 - stages.scroll_offset.x, top + 2 - stages.scroll_offset.y))
            assert stages.box == at and box.key == stages.row_under_cursor.key


@pytest.mark.parametrize("zoom", [False, True])
async def test_a_double_click_is_told_once(zoom, monkeypatch):
    async with opened() as pilot:
        await settled(pilot)
        await pilot.press("1", *(["z"] if zoom else []))
        await pilot.pause()
        stages, told = main_of(pilot).stages, []
        post = stages.post_message
        monkeypatch.setattr(stages, "post_message", lambda message: told.append(message) or post(message))
        await pilot.click(stages, offset=(6, 3), times=2)
        assert sum(isinstance(each, RowList.Opened) for each in told) == 1


async def test_boxes_can_be_scrolled_after_another_size():
    text = "FROM a AS s0\n" + "".join(f"FROM s{n - 1} AS s{n}\nRUN x\n" for n in range(1, 20))
    async with opened(ShownSession(text, layers=[]), size=(60, 20)) as pilot:
        await settled(pilot)
        await pilot.press("1", "z")
        await pilot.pause()
        stages = main_of(pilot).stages
        for size in ((70, 24), (50, 18)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert stages.virtual_size == (stages.drawing.width, stages.drawing.height)


async def test_a_double_click_on_text_does_nothing_and_another_size_leaves_the_place():
    async with opened() as pilot:
        await settled(pilot)
        await pilot.press("m")
        await wait_until(pilot, lambda: pilot.app.screen.account is not None)
        await pilot.click("#map-text", offset=(5, 2), times=2)
        assert len(pilot.app.screen_stack) == 2
        await pilot.press("escape", "question_mark", "pagedown")
        await pilot.pause()
        view = pilot.app.screen.query_one("#help")
        assert view.scroll_offset.y > 0
        await pilot.resize_terminal(120, 39)
        await pilot.pause()
        assert view.scroll_offset.y > 0


async def test_what_the_mouse_selected_is_copied_by_the_key_that_would_else_leave():
    async with opened() as pilot:
        await settled(pilot)
        layers = main_of(pilot).layers_table
        await pilot.mouse_down(layers, offset=(38, 3))
        await pilot.hover(layers, offset=(60, 4))
        await pilot.mouse_up(layers, offset=(60, 4))
        await pilot.pause()
        selected = pilot.app.screen.get_selected_text()
        assert selected and "RUN" in selected
        await pilot.press("ctrl+c")
        await pilot.pause()
        assert pilot.app.is_running and pilot.app.clipboard == selected
        assert not pilot.app.screen.get_selected_text()
        await pilot.press("ctrl+c")
        await pilot.pause()
        assert pilot.app.return_code == 0 and not pilot.app.is_running
