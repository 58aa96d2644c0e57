"""Pane 3: the layers."""

from __future__ import annotations

from msbtui.session.rows.cells import Row
from msbtui.session.rows.layers import LayerRow, draw_layer, layer_header
from msbtui.tui.widgets.row_list import RowList


class LayersTable(RowList):
    """The layers of the image, one a row, from the base up."""

    HEADER = 1

    def __init__(self) -> None:
        super().__init__("layers")
        self.rows: list[LayerRow] = []
        self.why_empty = ""
        self._greatest = 0

    @property
    def count(self) -> int:
        """Give how many layers there are."""
        return len(self.rows)

    def show(self, rows: list[LayerRow]) -> None:
        """Show layers."""
        self.rows = rows
        self._greatest = max((row.bytes or 0 for row in rows), default=0)
        self.rows_changed()

    def select(self, layer: int | None) -> None:
        """Put the cursor on a layer."""
        if layer is not None and layer < len(self.rows):
            self.show_cursor(layer)

    def header(self, width: int) -> Row:
        """Give the column heads."""
        return layer_header(width)

    def row(self, index: int, width: int) -> Row:
        """Give one layer."""
        return draw_layer(self.rows[index], self._greatest, width)

    def empty(self) -> str:
        """Say why there are no layers."""
        return self.why_empty
