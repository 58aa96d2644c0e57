"""Two texts side by side, or one under the other where the screen is narrow."""

from __future__ import annotations

from difflib import SequenceMatcher, unified_diff

import msgspec

from msbtui.session.rows.cells import Part, Row, fit, left, right, wrap
from msbtui.session.rows.source import source_lines


class DiffRow(msgspec.Struct, frozen=True):
    """One row: the left and the right line (number from 1 and text), either of which may be missing."""

    left_number: int | None
    left_text: str
    right_number: int | None
    right_text: str
    tag: str
    """`equal`, `replace`, `delete` or `insert`."""


def diff_rows(old: str, new: str) -> list[DiffRow]:
    """Give the rows that set two texts side by side."""
    before, after = source_lines(old), source_lines(new)
    rows: list[DiffRow] = []
    for tag, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        for offset in range(max(b - a, d - c)):
            i, j = a + offset, c + offset
            has_left, has_right = i < b, j < d
            kind = tag if has_left and has_right else "delete" if has_left else "insert"
            rows.append(
                DiffRow(
                    i + 1 if has_left else None,
                    before[i] if has_left else "",
                    j + 1 if has_right else None,
                    after[j] if has_right else "",
                    kind,
                )
            )
    return rows


def unified_rows(rows: list[DiffRow]) -> list[DiffRow]:
    """Give the same rows one under the other: of each changed run all old lines, then all new ones."""
    out: list[DiffRow] = []
    olds: list[DiffRow] = []
    news: list[DiffRow] = []
    for row in [*rows, None]:
        if row is None or row.tag == "equal":
            out += [*olds, *news]
            olds, news = [], []
            if row is not None:
                out.append(row)
            continue
        if row.left_number is not None:
            olds.append(DiffRow(row.left_number, row.left_text, None, "", "delete"))
        if row.right_number is not None:
            news.append(DiffRow(None, "", row.right_number, row.right_text, "insert"))
    return out


def draw_split(row: DiffRow, cells: int, numbers: int = 3) -> list[Row]:
    """Give a row as two columns, each line wrapped, in exactly `cells` cells."""
    half = (cells - 1) // 2
    first = _side(row.left_number, row.left_text, half, numbers, "-" if row.tag != "equal" else " ", "removed")
    second = _side(row.right_number, row.right_text, cells - half - 1, numbers, "+" if row.tag != "equal" else " ", "added")
    count = max(len(first), len(second))
    first += [((" " * half, "text"),)] * (count - len(first))
    second += [((" " * (cells - half - 1), "text"),)] * (count - len(second))
    return [(*a, ("│", "dim"), *b) for a, b in zip(first, second, strict=True)]


def draw_unified(row: DiffRow, cells: int, numbers: int = 3) -> list[Row]:
    """Give a row of `unified_rows`, wrapped, in exactly `cells` cells."""
    if row.tag == "insert":
        return _side(row.right_number, row.right_text, cells, numbers, "+", "added")
    return _side(row.left_number, row.left_text, cells, numbers, "-" if row.tag == "delete" else " ", "removed")


def _side(number: int | None, text: str, cells: int, numbers: int, sign: str, role: str) -> list[Row]:
    if number is None:
        return [((" " * cells, "text"),)]
    changed = sign != " "
    rows: list[Row] = []
    for at, line in enumerate(wrap(text, max(cells - numbers - 4, 8))):
        lead = f"{right(str(number) if at == 0 else '', numbers)} {sign if at == 0 else ' '} "
        parts: list[Part] = [(lead, role if changed else "number"), (left(line, cells - len(lead)), role if changed else "code")]
        rows.append(fit(parts, cells))
    return rows


def patch(old: str, new: str, old_name: str, new_name: str) -> str:
    """Give a unified diff that `patch` understands."""
    lines = unified_diff(old.splitlines(keepends=True), new.splitlines(keepends=True), old_name, new_name)
    return "".join(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in lines)
