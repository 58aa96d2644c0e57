"""The help: every key, made from the registry."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from msbtui.session.rows.cells import Row, fit, left, wrap
from msbtui.tui.actions import grouped
from msbtui.tui.widgets.text_view import TextView

_LEGEND = (
    ("▲", "waste: bytes that a later layer hides, or that nothing needs at run time. What only COPY --from takes along is none."),
    ("~", "the line changed since the image was built: its bytes are those of the older text"),
    ("≈", "the layer fits this line by shape and order, not letter for letter"),
    ("!", "a trap: what multi-stage builds do otherwise than one expects, told below its line"),
    ("✗", "an error in the Dockerfile; in the files, a name that the layer deletes"),
    ("◉ ● ◌ ○", "the target stage; a stage that it needs; a stage that nothing needs; an image from elsewhere"),
    ("?", "after a finding: a hint that is not counted in the waste"),
    ("· o + ▲ ╱ ?", "in the map: base, packages, application, waste, hidden, unknown; an area is a share of the bytes"),
    ("K", "among the findings: no waste, since what the container starts needs it"),
)

_NOTES = (
    "The mouse: a click selects, two open; in Files the column heads sort, and the lower border sorts and filters.",
    "Shift+drag selects text where the terminal takes the mouse; ^p opens the command palette and the themes.",
)


def help_rows(cells: int) -> list[Row]:
    """Give the help's rows in `cells` cells."""
    keys = 13
    rows: list[Row] = []
    for group, actions in grouped():
        rows.append(fit([(f" {group}", "strong")], cells))
        for each in actions:
            for at, line in enumerate(wrap(each.help, max(cells - keys - 4, 20))):
                rows.append(fit([("   " + left(each.label if at == 0 else "", keys), "key"), (line, "text")], cells))
        rows.append(fit([], cells))
    rows.append(fit([(" Marks", "strong")], cells))
    for mark, meaning in _LEGEND:
        for at, line in enumerate(wrap(meaning, max(cells - keys - 4, 20))):
            rows.append(fit([("   " + left(mark if at == 0 else "", keys), "mark"), (line, "text")], cells))
    rows.append(fit([], cells))
    for line in (line for note in _NOTES for line in wrap(note, cells - 2)):
        rows.append(fit([(f" {line}", "dim")], cells))
    return rows


class HelpScreen(ModalScreen[None]):
    """All keys and marks."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark", "dismiss(None)", "Back", id="help.back")]

    def compose(self) -> ComposeResult:
        """Make the list."""
        with Vertical(classes="modal"):
            view = TextView("help", help_rows)
            view.border_title = "Keys"
            view.border_subtitle = "Esc back"
            yield view
