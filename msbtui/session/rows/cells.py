"""Text measured and cut in terminal cells, and rows of (text, role) parts."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from msbtui.text import printable

Part = tuple[str, str]
"""A text and its role; the roles are the keys of `msbtui.tui.widgets.row_list.ROLES`."""
Row = tuple[Part, ...]

ELLIPSIS = "…"
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def shown(text: str) -> str:
    """Give foreign text as it may reach a terminal: what is printable stays, so that nothing is escaped twice."""
    return text if text.isprintable() else printable(text)


@lru_cache(maxsize=4096)
def char_width(char: str) -> int:
    """Give the cells of one character: 2 for wide and full-width ones (Unicode Standard Annex 11), 0 for combining ones."""
    if char < "\u0300":
        return 1
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def width(text: str) -> int:
    """Give the terminal cells that `text` takes."""
    return len(text) if text.isascii() else sum(map(char_width, text))


def cut(text: str, cells: int) -> str:
    """Give `text` in at most `cells` cells; what is cut off shows as an ellipsis."""
    if width(text) <= cells:
        return text
    if cells <= 0:
        return ""
    return _prefix(text, cells - 1) + ELLIPSIS


def _prefix(text: str, cells: int) -> str:
    if text.isascii():
        return text[:cells]
    used = 0
    for at, char in enumerate(text):
        used += char_width(char)
        if used > cells:
            return text[:at]
    return text


def _suffix(text: str, cells: int) -> str:
    used = 0
    for at in range(len(text) - 1, -1, -1):
        used += char_width(text[at])
        if used > cells:
            return text[at + 1 :]
    return text


def cut_middle(text: str, cells: int) -> str:
    """Give `text` in at most `cells` cells with its end kept: of a path the last name says most."""
    if width(text) <= cells:
        return text
    if cells <= 1:
        return ELLIPSIS[:cells]
    head = (cells - 1) // 3
    return _prefix(text, head) + ELLIPSIS + _suffix(text, cells - 1 - head)


def left(text: str, cells: int) -> str:
    """Give `text` cut or padded on the right to exactly `cells` cells."""
    text = cut(text, cells)
    return text + " " * (cells - width(text))


def right(text: str, cells: int) -> str:
    """Give `text` cut or padded on the left to exactly `cells` cells."""
    text = cut(text, cells)
    return " " * (cells - width(text)) + text


def row_text(row: Iterable[Part]) -> str:
    """Give a row's text alone."""
    return "".join(text for text, _ in row)


def row_width(row: Iterable[Part]) -> int:
    """Give a row's terminal cells."""
    return sum(width(text) for text, _ in row)


def fit(row: Iterable[Part], cells: int, role: str = "text") -> Row:
    """Give `row` cut (with an ellipsis) or padded to exactly `cells` cells."""
    parts = list(row)
    total = row_width(parts)
    if total <= cells:
        return (*parts, (" " * (cells - total), role)) if total < cells else tuple(parts)
    out: list[Part] = []
    room = cells
    for text, kind in parts:
        used = width(text)
        if used >= room:
            # What follows is cut off too, so that even a part that just fits must end in an ellipsis.
            kept = _prefix(text, room - 1) if room > 0 else ""
            if room > 0:
                out.append((kept + ELLIPSIS + " " * (room - 1 - width(kept)), kind))
            break
        out.append((text, kind))
        room -= used
    return tuple(out)


def bar(part: int, whole: int, cells: int) -> str:
    """Give a bar of `part` of `whole` in eighths of a cell, in exactly `cells` cells; a part above 0 shows at least an eighth."""
    if whole <= 0 or part <= 0:
        return " " * cells
    eighths = max(1, min(cells * 8, round(part * cells * 8 / whole)))
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(cells)


def wrap(text: str, cells: int) -> list[str]:
    """Give `text` as lines of at most `cells` cells, broken at spaces where there are any.

    Its own line ends and the spaces that a line begins with are kept.
    """
    lines: list[str] = []
    cells = max(cells, 1)
    for paragraph in text.split("\n"):
        words = paragraph.lstrip(" ")
        line = " " * min(len(paragraph) - len(words), cells - 1)
        begun = False
        for word in words.split(" "):
            candidate = f"{line} {word}" if begun else line + word
            if width(candidate) <= cells:
                line, begun = candidate, True
                continue
            if begun or line.strip():
                lines.append(line)
                line = ""
            while width(line) + width(word) > cells:
                head = _prefix(word, cells - width(line)) or word[:1]
                lines.append(line + head)
                line, word = "", word[len(head) :]
            line, begun = line + word, True
        lines.append(line)
    return lines
