"""How the roles of rows look: one component class a role, so that the stylesheet and the theme decide."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from msbtui.analysis.account import GROUPS
from msbtui.session.rows.cells import Part

ROLES = (
    "text",
    "dim",
    "strong",
    "number",
    "size",
    "waste",
    "mark",
    "stale",
    "error",
    "good",
    "advice",
    "head",
    "lane",
    "directory",
    "gone",
    "bar",
    "bar-waste",
    "bar-base",
    "progress",
    "code",
    "code-keyword",
    "code-string",
    "code-comment",
    "code-name",
    "code-number",
    "added",
    "removed",
    "key",
    "key-off",
    "key-on",
    *(f"map-{group}{part}" for group in GROUPS for part in ("", "-fill")),
    "map-cursor",
    "map-edge",
)
"""Every role that a row's part may have."""


LEGIBLE = 3.0
"""Contrast that text has against its ground in every theme: WCAG 2.2, 1.4.3 asks it of large text."""
VISIBLE = 2.0
"""The same of what a number or a word beside it says too: bars, line numbers, fillings, keys that do nothing now."""
_VISIBLE = ("number", "bar", "bar-base", "bar-waste", "key-off", "map-edge")


def contrast(one: Color, other: Color) -> float:
    """Give the contrast of two colours from 1 to 21, as WCAG 2.2 has it (relative luminance)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: Color) -> float:
    parts = [each / 255 for each in color.get_truecolor()]
    red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def legible(color: Color, ground: Color, least: float) -> Color:
    """Give a colour moved so far to black or to white that it has a contrast against `ground`.

    The terminal's own colours stay, since nobody knows how they look, but not on themselves.
    """
    if color.triplet is None or ground.triplet is None:
        return Color.default() if color == ground else color
    if contrast(color, ground) >= least:
        return color
    end = max((Color.from_rgb(0, 0, 0), Color.from_rgb(255, 255, 255)), key=lambda each: contrast(each, ground))
    for tenth in range(1, 10):
        mixed = (a + (b - a) * tenth / 10 for a, b in zip(color.get_truecolor(), end.get_truecolor(), strict=True))
        moved = Color.from_rgb(*mixed)
        if contrast(moved, ground) >= least:
            return moved
    return end


class Rows(Widget):
    """A widget that draws rows of (text, role) as strips. Foreign text never meets markup here."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {*(f"row--{role}" for role in ROLES), "row--cursor", "row--cursor-blurred"}

    def __init__(self, name: str | None = None) -> None:
        super().__init__(id=name)
        self._role_styles: dict[str, Style] = {}
        self._over_styles: dict[tuple[str, Style], Style] = {}

    def notify_style_update(self) -> None:
        """Forget styles that another theme has changed."""
        self._role_styles.clear()
        self._over_styles.clear()
        super().notify_style_update()

    def role_style(self, role: str) -> Style:
        """Give how a role looks under the current theme."""
        style = self._role_styles.get(role)
        if style is None:
            style = self._role_styles[role] = _readable(role, self.get_component_rich_style(f"row--{role}"), self._ground)
        return style

    @property
    def _ground(self) -> Color | None:
        """Give the colour behind the rows, or None where it is the terminal's."""
        behind = self.background_colors[1].rich_color
        return behind if behind.triplet is not None else None

    def _style_over(self, role: str, over: Style) -> Style:
        """Give how a role looks in a row that a style lies over; what that leaves of the role's colour stays legible."""
        style = self._over_styles.get((role, over))
        if style is None:
            style = self._over_styles[role, over] = _readable(role, self.role_style(role) + over, None)
        return style

    def strip(self, row: Iterable[Part], width: int, over: Style | None = None) -> Strip:
        """Give a row as a strip of exactly `width` cells; `over` is a style for the whole row (the cursor's)."""
        look = self.role_style if over is None else partial(self._style_over, over=over)
        segments = [Segment(text, look(role)) for text, role in row]
        return Strip(segments).adjust_cell_length(width, look("text"))


def _readable(role: str, style: Style, ground: Color | None) -> Style:
    """Give a style whose colour can be told from its own background, or from `ground` where it has none."""
    ground = style.bgcolor or ground
    if style.color is None or ground is None:
        return style
    least = VISIBLE if role in _VISIBLE or role.endswith("-fill") else LEGIBLE
    color = legible(style.color, ground, least)
    return style if color == style.color else style + Style(color=color)
