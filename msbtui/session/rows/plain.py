"""Drawing without Unicode: every sign of ours has an ASCII one of the same width."""

from __future__ import annotations

from msbtui.session.rows.cells import width

_SIGNS = {
    "│┃║┆▕": "|",
    "─━═┄–—": "-",
    "▁": "_",
    "╱": "/",
    "╰╯╭╮┌┐└┘┏┓┗┛╔╗╚╝┴┬├┤┼┻┳┣┫╋": "+",
    "▶▸›→": ">",
    "◀←": "<",
    "▼▾": "v",
    "▲↑": "^",
    "●•": "*",
    "○": "o",
    "◉": "@",
    "◌·": ".",
    "…": "~",
    "█▉▊▋▌": "#",
    "▍▎▏": ":",
    "✔✓": "+",
    "✗✘×": "x",
    "“”": '"',
    "‘’": "'",
    "\xa0": " ",
}
_TABLE = {ord(char): sign for chars, sign in _SIGNS.items() for char in chars}


def ascii_text(text: str) -> str:
    """Give `text` in ASCII, in as many cells; a character that is not ours becomes one or two question marks."""
    if text.isascii():
        return text
    text = text.translate(_TABLE)
    return text if text.isascii() else "".join(char if char.isascii() else "?" * width(char) for char in text)


def wants_ascii(encoding: str | None) -> bool:
    """Say whether a terminal's or a pipe's encoding cannot carry the drawing: whatever is not UTF."""
    return not (encoding or "").lower().replace("-", "").replace("_", "").startswith("utf")
