"""The Dockerfile's lines with their cost in the gutter: number, text, bytes, and a mark."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from difflib import SequenceMatcher

import msgspec

from msbtui.dockerfile.model import Dockerfile, Problem, StageGraph
from msbtui.session.problems import without_line
from msbtui.session.rows.cells import Part, Row, cut, fit, right, shown
from msbtui.session.rows.costs import Costs
from msbtui.text import short_size

MARK_WASTE = "▲"
MARK_OLD = "~"
MARK_ERROR = "✗"
MARK_TRAP = "!"


class SourceRow(msgspec.Struct, frozen=True):
    """One line of the Dockerfile, or one message below a line."""

    number: int
    """From 1; of a message, the line that it belongs to."""
    text: str
    """Printable, tabs as spaces."""
    instruction: int | None = None
    layers: tuple[int, ...] = ()
    bytes: int | None = None
    waste: int = 0
    old: bool = False
    """The line changed since the shown image was built: its bytes are those of the older text."""
    error: bool = False
    message: bool = False
    trap: bool = False
    """A trap stands there: the line builds, and leaves something else in the image than it seems to."""


def _clean(line: str) -> str:
    return shown(line.rstrip("\r\n").expandtabs(4))


def source_lines(source: str) -> list[str]:
    """Give a Dockerfile's lines as the panes show them; only line feeds end lines, as for BuildKit."""
    lines = source.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    return [_clean(line) for line in lines]


def source_rows(
    dockerfile: Dockerfile,
    graph: StageGraph | None,
    costs: Costs,
    *,
    source: str | None = None,
    changed: Collection[int] = (),
    problems: Sequence[Problem] = (),
    traps: Sequence[Problem] = (),
) -> list[SourceRow]:
    """Give the rows of the text; `source` is the text on disk where it is newer than the last one that parsed.

    An instruction's bytes stand at its first line, its marks at each. Problems and traps stand as rows below their
    lines; traps only of the text that parsed.
    """
    lines = source_lines(dockerfile.source if source is None else source)
    by_instruction = costs.by_instruction(dockerfile, graph)
    stale_text = source is not None and source != dockerfile.source
    at_line: dict[int, int] = {}
    if not stale_text:
        for item in dockerfile.instructions:
            for line in range(item.span.first_line, item.span.last_line + 1):
                at_line[line] = item.index
    else:
        at_line = _carried(dockerfile, lines)
    old_instructions = {at_line[line] for line in changed if line in at_line}
    messages: dict[int, list[tuple[str, bool]]] = {}
    for problem, is_trap in [*((one, False) for one in problems), *((one, True) for one in traps if not stale_text)]:
        messages.setdefault(min(max(problem.line, 1), max(len(lines), 1)), []).append(
            (without_line(problem) + (f" ({problem.hint})" if problem.hint else ""), is_trap)
        )
    rows: list[SourceRow] = []
    begun: set[int] = set()
    for number, text in enumerate(lines, 1):
        index = at_line.get(number)
        layers = tuple(by_instruction.get(index, ())) if index is not None else ()
        sizes = [size for layer in layers if (size := costs.size(layer)) is not None]
        first = index is not None and index not in begun
        if index is not None:
            begun.add(index)
        rows.append(
            SourceRow(
                number,
                text,
                index,
                layers,
                sum(sizes) if first and sizes else None,
                sum(costs.wasted(layer) for layer in layers),
                index in old_instructions or number in changed,
                any(not is_trap for _, is_trap in messages.get(number, ())),
                trap=any(is_trap for _, is_trap in messages.get(number, ())),
            )
        )
        rows += [_message(number, *each) for each in messages.get(number, ())]
    if not lines:
        rows += [_message(1, *each) for found in messages.values() for each in found]
    return rows


def _message(number: int, text: str, is_trap: bool) -> SourceRow:
    return SourceRow(number, shown(" ".join(text.split())), error=not is_trap, message=True, trap=is_trap)


def _carried(dockerfile: Dockerfile, lines: list[str]) -> dict[int, int]:
    """Give the instruction at each line of a newer text that does not parse: by the lines that did not change."""
    old = source_lines(dockerfile.source)
    owner = {
        line: item.index for item in dockerfile.instructions for line in range(item.span.first_line, item.span.last_line + 1)
    }
    found: dict[int, int] = {}
    for match in SequenceMatcher(None, old, lines, autojunk=False).get_matching_blocks():
        for offset in range(match.size):
            index = owner.get(match.a + offset + 1)
            if index is not None:
                found[match.b + offset + 1] = index
    return found


def follow_line(old: str, new: str, line: int) -> int:
    """Give the line of `new` that stands where `line` of `old` did: the same line where it lives on, else the nearest one."""
    before, after = source_lines(old), source_lines(new)
    best = 1
    for match in SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks():
        if match.size and match.a < line:
            best = match.b + min(line - 1 - match.a, match.size - 1) + 1
            if line <= match.a + match.size:
                return best
            best += line - match.a - match.size
    return min(max(best, 1), max(len(after), 1))


def number_cells(rows: Sequence[SourceRow]) -> int:
    """Give the cells of the line-number column."""
    return max(2, len(str(rows[-1].number))) if rows else 2


def draw_source(row: SourceRow, cells: int, numbers: int = 2, code: Sequence[Part] | None = None) -> Row:
    """Give one row in exactly `cells` cells; `code` is the text in highlighted parts, where the face has them.

    The right columns hold the bytes (`~` before bytes of an older text) and the mark: an error, waste, or changed.
    """
    if row.message:
        mark, role = (MARK_TRAP, "mark") if row.trap else (MARK_ERROR, "error")
        return fit([(" " * (numbers + 2) + mark + " ", role), (row.text, role)], cells, role)
    gutter = right(str(row.number), numbers + 1) + " "
    show_bytes = cells >= 24
    tail = 10 if show_bytes else 3
    room = max(cells - len(gutter) - tail, 1)
    role = "error" if row.error else "code"
    drawn = fit(code if code is not None and not row.error else [(cut(row.text, room), role)], room)
    size = short_size(row.bytes)
    if row.old and size:
        size = MARK_OLD + size
    mark, mark_role = " ", "text"
    if row.error:
        mark, mark_role = MARK_ERROR, "error"
    elif row.old:
        mark, mark_role = MARK_OLD, "stale"
    elif row.waste:
        mark, mark_role = MARK_WASTE, "mark"
    elif row.trap:
        mark, mark_role = MARK_TRAP, "mark"
    parts: list[Part] = [(gutter, "error" if row.error else "number"), *drawn]
    if show_bytes:
        parts.append((right(size, 7), "stale" if row.old else "size"))
    parts.append((f" {mark} ", mark_role))
    return fit(parts, cells)
