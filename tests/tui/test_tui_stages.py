"""The stages' pane: the lit path, the boxes of the zoom, and ASCII."""

from screen_text import region_text, screen_text, settled
from shown_session import ShownSession
from textual.color import Color

from msbtui.tui.app import MsbtuiApp

CHAIN = "FROM a AS s0\n" + "".join(f"FROM s{n - 1} AS s{n}\nCOPY --from=s0 /f /f\n" for n in range(1, 1000))


def opened(session=None, size=(120, 40), plain=False):
    return MsbtuiApp(session or ShownSession(), plain=plain).run_test(size=size, notifications=True)


def stages_of(pilot):
    return pilot.app.screen_stack[0].stages


async def test_the_path_from_the_cursor_to_the_target_is_lit_and_follows_it():
    session = ShownSession("FROM a AS x\nRUN x\nFROM b AS unused\nRUN y\nFROM c\nCOPY --from=x /f /f\n", layers=[])
    async with opened(session) as pilot:
        await settled(pilot)
        await pilot.press("1", "g")
        stages = stages_of(pilot)
        signs = [line.strip("│ ")[:20] for line in region_text(pilot.app, stages).splitlines() if "›" in line]
        assert [line.split("›")[1].split()[0] for line in signs] == ["a", "0", "2", "←"]
        await pilot.press("j", "j", "j")
        await pilot.pause()
        assert stages.rows[stages.cursor].label == "1 unused"
        assert "›" not in region_text(pilot.app, stages)


async def test_zoom_draws_boxes_and_the_cursor_goes_from_box_to_box():
    async with opened() as pilot:
        await settled(pilot)
        await pilot.press("1", "z", "g")
        await pilot.pause()
        text = screen_text(pilot.app)
        assert "╔═══════════════════╗" in text or "┏━━━━━" in text
        assert "┃ golang:1.22 ┃" in text
        stages = stages_of(pilot)
        seen = []
        for _ in range(6):
            seen.append(stages.drawing.diagram.boxes[stages.box].key)
            await pilot.press("j")
        assert seen[:5] == ["image golang:1.22", "stage 0", "context", "image debian:12-slim", "stage 1"]
        await pilot.press("escape")
        await pilot.pause()
        assert "╔" not in screen_text(pilot.app)
        assert stages.drawing is None


async def test_a_click_on_a_box_selects_it():
    async with opened() as pilot:
        await settled(pilot)
        await pilot.press("1", "z")
        await pilot.pause()
        stages = stages_of(pilot)
        at = next(at for at, box in enumerate(stages.drawing.diagram.boxes) if box.target)
        left, top, *_ = stages.drawing.area(at)
        await pilot.click(stages, offset=(left + 3 - stages.scroll_offset.x, top + 2 - stages.scroll_offset.y))
        await pilot.pause()
        assert stages.rows[stages.cursor].target


async def test_boxes_scroll_to_the_one_that_is_selected():
    text = "FROM a AS s0\n" + "".join(f"FROM s{n - 1} AS s{n}\nRUN x\n" for n in range(1, 20))
    async with opened(ShownSession(text, layers=[]), size=(60, 20)) as pilot:
        await settled(pilot)
        await pilot.press("1", "z", "G")
        await pilot.pause()
        assert "19 s19" in screen_text(pilot.app)
        await pilot.press("g")
        await pilot.pause()
        assert "19 s19" not in screen_text(pilot.app) and "┃ a ┃" in screen_text(pilot.app)


async def test_a_thousand_stages_draw_only_what_is_seen_and_stay_lanes_when_zoomed():
    async with opened(ShownSession(CHAIN, layers=[])) as pilot:
        await settled(pilot)
        await pilot.press("1", "z", "G")
        await pilot.pause()
        stages = stages_of(pilot)
        assert stages.drawing is None
        assert stages.rows[stages.cursor].line == 1999
        drawn = []
        original = stages.row
        stages.row = lambda index, width: (drawn.append(index), original(index, width))[1]
        await pilot.press("pageup", "pageup")
        await pilot.pause()
        assert 0 < len(drawn) < 400


async def test_ascii_leaves_nothing_else_on_the_screen():
    async with opened(plain=True) as pilot:
        await settled(pilot)
        for keys in (("1",), ("z",), ("z", "4"), ("question_mark",)):
            await pilot.press(*keys)
            await pilot.pause()
            filters = pilot.app.get_line_filters()
            lines = [
                "".join(segment.text for each in [strip] for segment in each.apply_filter(filters[-1], Color(0, 0, 0)))
                for strip in pilot.app.screen._compositor.render_strips()
            ]
            assert all(line.isascii() for line in lines)
            assert "@" in "".join(lines) or keys != ("1",)
