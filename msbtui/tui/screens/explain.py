"""The teaching text for what is selected."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from msbtui.session.rows.cells import Row, fit, wrap
from msbtui.session.rows.explain import Paragraph
from msbtui.tui.widgets.text_view import TextView


def paragraph_rows(paragraphs: list[Paragraph], cells: int) -> list[Row]:
    """Give paragraphs as rows, an empty one between each two."""
    rows: list[Row] = []
    for text, role in paragraphs:
        if not text:
            continue
        if rows:
            rows.append(fit([], cells))
        drawn = "strong" if role == "head" else role
        rows += [fit([(f" {line}", drawn)], cells) for line in wrap(text, max(cells - 2, 10))]
    return rows


class ExplainScreen(ModalScreen[None]):
    """Why the selection costs what it costs."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,x,enter", "dismiss(None)", "Back", id="explain.back", priority=True)
    ]

    def __init__(self, paragraphs: list[Paragraph]) -> None:
        super().__init__()
        self._paragraphs = paragraphs

    def compose(self) -> ComposeResult:
        """Make the text."""
        with Vertical(classes="modal", id="explain-box"):
            view = TextView("explain", lambda cells: paragraph_rows(self._paragraphs, cells))
            view.border_title = "Why"
            view.border_subtitle = "Esc back"
            yield view
