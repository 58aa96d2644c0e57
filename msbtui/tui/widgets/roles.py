"""How the roles of rows look: one component class a role, so that the stylesheet and the theme decide."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

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


class Rows(Widget):
    """A widget that draws rows of (text, role) as strips. Foreign text never meets markup here."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {*(f"row--{role}" for role in ROLES), "row--cursor", "row--cursor-blurred"}

    def __init__(self, name: str | None = None) -> None:
        super().__init__(id=name)
        self._role_styles: dict[str, Style] = {}

    def notify_style_update(self) -> None:
        """Forget styles that another theme has changed."""
        self._role_styles.clear()
        super().notify_style_update()

    def role_style(self, role: str) -> Style:
        """Give how a role looks under the current theme."""
        style = self._role_styles.get(role)
        if style is None:
            style = self._role_styles[role] = self.get_component_rich_style(f"row--{role}")
        return style

    def strip(self, row: Iterable[Part], width: int, over: Style | None = None) -> Strip:
        """Give a row as a strip of exactly `width` cells; `over` is a style for the whole row (the cursor's)."""
        segments = []
        for text, role in row:
            style = self.role_style(role)
            segments.append(Segment(text, style + over if over is not None else style))
        blank = self.role_style("text")
        return Strip(segments).adjust_cell_length(width, blank + over if over is not None else blank)
