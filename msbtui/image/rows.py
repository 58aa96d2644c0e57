"""Sets and sums of many rows of the table (`FileTable.first_row`): asked by findings, which may be of every row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msbtui.image import fast


class RowSet(Protocol):
    """A set of rows."""

    def __contains__(self, row: int) -> bool:
        """Say whether a row is in it."""
        ...

    def rows(self) -> list[int]:
        """Give the rows, lowest first."""
        ...

    def update(self, rows: list[int], /) -> None:
        """Take in rows."""
        ...

    def isdisjoint(self, rows: list[int], /) -> bool:
        """Say whether none of these is in it."""
        ...

    def issuperset(self, rows: list[int], /) -> bool:
        """Say whether all of these are in it."""
        ...

    def update_live(self, rows: list[int], above: int, hidden: Sequence[int], not_hidden: int) -> None:
        """Take in those rows from `above` on that nothing hides, as the column `hidden` says by `not_hidden`."""
        ...


def row_set(count: int) -> RowSet:
    """Give an empty set of rows below `count`."""
    made: RowSet = _RowSet() if fast.compiled is None else fast.compiled.RowSet(count)
    return made


class _RowSet(set[int]):
    """The same as a set."""

    def rows(self) -> list[int]:
        return sorted(self)

    def update_live(self, rows: list[int], above: int, hidden: Sequence[int], not_hidden: int) -> None:
        self.update([row for row in rows if row >= above and hidden[row] == not_hidden])
