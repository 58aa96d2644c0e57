"""Pane 5: the findings."""

from __future__ import annotations

from collections.abc import Sequence

from msbtui.analysis.model import Finding
from msbtui.session.rows.advice import draw_advice
from msbtui.session.rows.cells import Row
from msbtui.tui.widgets.row_list import RowList


class AdviceList(RowList):
    """Findings, greatest first."""

    def __init__(self) -> None:
        super().__init__("advice")
        self.findings: Sequence[Finding] = ()
        self.why_empty = ""

    @property
    def count(self) -> int:
        """Give how many findings there are."""
        return len(self.findings)

    def show(self, findings: Sequence[Finding]) -> None:
        """Show findings; the cursor stays on the one it was on."""
        kept = self.findings[self.cursor].id if self.cursor < len(self.findings) else None
        self.findings = findings
        self.rows_changed()
        self.select(kept)

    def select(self, finding: str | None) -> None:
        """Put the cursor on a finding."""
        found = next((at for at, each in enumerate(self.findings) if each.id == finding), None)
        if found is not None:
            self.show_cursor(found)

    def row(self, index: int, width: int) -> Row:
        """Give one finding."""
        return draw_advice(self.findings[index], width, max(len(each.id) for each in self.findings[:200]))

    def empty(self) -> str:
        """Say why there is no advice."""
        return self.why_empty
