"""Plain columns of text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence


def columns(rows: Iterable[Sequence[str]], *, right: Sequence[int] = ()) -> list[str]:
    """Give rows as lines with aligned columns; `right` names those that align at their right end; the last is never padded."""
    rows = [tuple(row) for row in rows]
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if at in right else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join([*cells[:-1], row[-1] if len(row) - 1 not in right else cells[-1]]).rstrip())
    return lines


def wrapped(text: str, width: int, first: str = "", rest: str = "") -> list[str]:
    """Give the text in lines, the first behind `first`, the others behind `rest`, of at most `width` characters.

    Options and paths, which people copy, are never cut, at hyphens or elsewhere: one that is longer makes a longer line.
    """
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )


def shortened(text: str, width: int) -> str:
    """Give the text in at most `width` characters, with an ellipsis where it is cut."""
    return text if len(text) <= width else text[: width - 1] + "…"
