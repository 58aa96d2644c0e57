"""How the app looks in every theme and in poor terminals, and that it is whole again after it was away."""

import pytest
from main_screen import main_of, opened
from rich.color import Color
from rich.style import Style
from screen_text import settled

from msbtui.tui.app import MsbtuiApp, theme_for
from msbtui.tui.widgets.roles import LEGIBLE, ROLES, VISIBLE, contrast, legible


def rgb(text: str) -> Color:
    return Color.parse(text)


def test_contrast_is_that_of_wcag():
    assert contrast(rgb("#000000"), rgb("#ffffff")) == pytest.approx(21)
    assert contrast(rgb("#777777"), rgb("#ffffff")) == pytest.approx(4.48, abs=0.01)
    assert contrast(rgb("#ff0000"), rgb("#ff0000")) == 1


def test_a_colour_that_can_be_read_stays_and_another_moves_as_far_as_needed():
    assert legible(rgb("#767676"), rgb("#ffffff"), 3) == rgb("#767676")
    for ground in ("#ffffff", "#000000", "#808080", "#ffd000"):
        moved = legible(rgb(ground), rgb(ground), 3)
        assert 3 <= contrast(moved, rgb(ground)) < 5.5
    assert legible(rgb("blue"), rgb("red"), 3) == rgb("blue")
    assert legible(rgb("red"), rgb("red"), 3) == Color.default()


async def test_every_role_can_be_read_in_every_theme_also_under_a_resting_cursor():
    async with opened() as pilot:
        await settled(pilot)
        for theme in pilot.app.available_themes:
            pilot.app.theme = theme
            await pilot.pause()
            for rows in (main_of(pilot).layers_table, main_of(pilot).top):
                ground = rows.background_colors[1].rich_color
                resting = Style(bgcolor=rows.role_style("cursor-blurred").bgcolor)
                looks = {role: rows.role_style(role) for role in (*ROLES, "cursor")}
                if resting.bgcolor.triplet is not None:
                    looks |= {f"{role} resting": rows._style_over(role, resting) for role in ROLES}
                for role, style in looks.items():
                    behind = style.bgcolor or ground
                    if style.color.triplet is None or behind.triplet is None:
                        assert style.color != behind or style.color.is_default, (theme, role)
                    else:
                        least = VISIBLE if role.split()[0].endswith(("-fill", "number", "off")) or "bar" in role else LEGIBLE
                        least = VISIBLE if "edge" in role else least
                        assert contrast(style.color, behind) >= least - 0.01, (theme, role)


async def test_a_resting_cursor_in_the_terminals_own_colours_is_told_by_its_line():
    async with opened() as pilot:
        await settled(pilot)
        pilot.app.theme = "ansi-dark"
        await pilot.press("2")
        await pilot.pause()
        table = main_of(pilot).layers_table
        segments = [each for each in table.render_line(table.cursor + 1) if each.text.strip()]
        assert all(each.style.underline and each.style.bgcolor in (None, Color.default()) for each in segments)


def test_sixteen_colours_are_the_terminals_own_unless_a_theme_is_asked_for():
    assert theme_for("standard", {}) == "ansi-dark"
    assert theme_for("standard", {"TEXTUAL_THEME": "nord"}) is None
    assert theme_for("256", {}) is None
    assert theme_for(None, {}) is None


async def test_brought_back_to_the_foreground_all_is_drawn_anew(monkeypatch):
    async with opened() as pilot:
        await settled(pilot)
        asked = []
        # Without a terminal Textual writes nothing, so that only what is asked for can be seen here.
        monkeypatch.setattr(MsbtuiApp, "refresh", lambda app, *, layout=False, **_: asked.append(layout))
        pilot.app.app_resume_signal.publish(pilot.app)
        await pilot.pause()
        assert True in asked


@pytest.mark.parametrize("size", [(20, 5), (40, 3), (120, 40)])
async def test_the_palette_takes_every_key_also_without_a_row_for_its_list(size):
    async with opened(size=size) as pilot:
        await settled(pilot)
        for key in ("ctrl+p", "pagedown", "pageup", "down", "up", "m", "a", "p", "pageup", "pagedown", "escape", "escape"):
            await pilot.press(key)
            await pilot.pause()
        assert isinstance(pilot.app, MsbtuiApp) and pilot.app.is_running
