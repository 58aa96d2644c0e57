"""Pane 2: the Dockerfile with its bytes and marks in the gutter; read-only."""

from __future__ import annotations

from textual.highlight import HighlightTheme, highlight

from msbtui.session.rows.cells import Part, Row
from msbtui.session.rows.source import SourceRow, draw_source, number_cells
from msbtui.tui.widgets.row_list import RowList


class RoleTheme(HighlightTheme):
    """Gives each kind of token a role instead of a colour."""

    STYLES = {  # noqa: RUF012 (the base class declares it so)
        ("Comment",): "code-comment",
        ("Keyword",): "code-keyword",
        ("Literal", "String"): "code-string",
        ("Literal", "Number"): "code-number",
        ("Name", "Variable"): "code-name",
    }
    """By Pygments' token types, which are tuples of their names."""


def highlighted(lines: list[str]) -> list[list[Part]]:
    """Give each line in (text, role) parts, as Pygments' Docker lexer sees them."""
    content = highlight("\n".join(lines), language="docker", theme=RoleTheme, tab_size=4)
    out: list[list[Part]] = []
    for line in content.split("\n", allow_blank=True):
        roles = ["code"] * len(line.plain)
        for span in line.spans:
            if isinstance(span.style, str) and span.style.startswith("code"):
                roles[span.start : span.end] = [span.style] * (min(span.end, len(roles)) - span.start)
        parts: list[Part] = []
        for char, role in zip(line.plain, roles, strict=True):
            if parts and parts[-1][1] == role:
                parts[-1] = (parts[-1][0] + char, role)
            else:
                parts.append((char, role))
        out.append(parts)
    return out


class SourceView(RowList):
    """The Dockerfile's lines; the cursor's line is the selection's."""

    def __init__(self) -> None:
        super().__init__("source")
        self.rows: list[SourceRow] = []
        self.why_empty = ""
        self._code: list[list[Part]] = []
        self._lines: list[str] = []
        self._numbers = 2

    @property
    def count(self) -> int:
        """Give how many rows there are."""
        return len(self.rows)

    def show(self, rows: list[SourceRow]) -> None:
        """Show lines."""
        self.rows = rows
        lines = [row.text for row in rows if not row.message]
        if lines != self._lines:
            self._lines = lines
            self._code = highlighted(lines)
        self._numbers = number_cells(rows)
        self.rows_changed()

    def select(self, line: int | None) -> None:
        """Put the cursor on a line."""
        found = next((at for at, row in enumerate(self.rows) if row.number == line and not row.message), None)
        if found is not None:
            self.show_cursor(found)

    @property
    def line(self) -> int | None:
        """Give the line under the cursor, or None."""
        return self.rows[self.cursor].number if self.cursor < len(self.rows) else None

    @property
    def messages(self) -> list[SourceRow]:
        """Give what is said below the instruction under the cursor: errors and traps, which may be longer than a row."""
        line = self.line
        index = next((row.instruction for row in self.rows if row.number == line and not row.message), None)
        lines = {row.number for row in self.rows if index is not None and row.instruction == index}
        return [row for row in self.rows if row.message and (row.number == line or row.number in lines)]

    def row(self, index: int, width: int) -> Row:
        """Give one row."""
        row = self.rows[index]
        code = self._code[row.number - 1] if not row.message and row.number <= len(self._code) else None
        return draw_source(row, width, self._numbers, code)

    def empty(self) -> str:
        """Say why there is no text."""
        return self.why_empty
