"""The parts of Go's text handling that BuildKit's behaviour and messages rest on: spaces, case, quoting, suggestions."""

from __future__ import annotations

from collections.abc import Iterable

from msbtui.regex import regex
from msbtui.text import printable

SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
"""What Go's `unicode.IsSpace` calls a space (Python's `str.isspace` also has the separators 0x1c to 0x1f)."""

_NO_CHARACTER = regex("[\ud800-\udfff]")
_SIMPLE_ESCAPES = {
    "\a": r"\a",
    "\b": r"\b",
    "\f": r"\f",
    "\n": r"\n",
    "\r": r"\r",
    "\t": r"\t",
    "\v": r"\v",
    "\\": r"\\",
    '"': r"\"",
}


def trim(text: str) -> str:
    """Give `text` without the spaces at both ends, as Go's `strings.TrimSpace`."""
    return text.strip(SPACE)


def valid(text: str) -> str:
    """Give `text` with U+FFFD for each byte that is no UTF-8, as Go reads characters."""
    return text if text.isascii() else _NO_CHARACTER.sub("\ufffd", text)


def lower(text: str) -> str:
    """Give `text` in lower case letter by letter, as Go's `strings.ToLower` (no final sigma, `İ` becomes `i`)."""
    if text.isascii():
        return text.lower()
    return "".join(character.lower()[0] for character in text)


def upper(text: str) -> str:
    """Give `text` in upper case letter by letter, as Go's `strings.ToUpper` (`ß` stays)."""
    if text.isascii():
        return text.upper()
    return "".join(big if len(big := character.upper()) == 1 else character for character in text)


def keyword(written: str) -> str:
    """Give an instruction's name in upper case; where letters only look alike (`EXPOſE`) it is no name: as written."""
    name = upper(lower(written))
    return name if lower(name) == lower(written) else written


def quote(text: str) -> str:
    """Give `text` as Go's `%q` prints it."""
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return '"' + "".join(_quoted(character) for character in text) + '"'


def _quoted(character: str) -> str:
    if character in _SIMPLE_ESCAPES:
        return _SIMPLE_ESCAPES[character]
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if character.isprintable():
        return character
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def clean(message: str) -> str:
    """Give a message with foreign text in it as one printable line."""
    return message if message.isprintable() else printable(message)


def nearest(value: str, options: Iterable[str], *, case_sensitive: bool = True) -> str:
    """Give the option that `value` most likely meant, or "" (BuildKit, util/suggest: less than 3 edits; an exact match: none).

    Where BuildKit's choice depends on the order of a Go map, the first of the nearest in the order of `options` is taken.
    """
    original = value
    if not case_sensitive:
        value = lower(value)
    best, match = 3, ""
    for option in options:
        candidate = option if case_sensitive else lower(option)
        if candidate == value:
            return ""
        distance = _edits(value, candidate, best)
        if distance < best:
            best, match = distance, candidate
    if not match or case_sensitive:
        return match
    if original == lower(original):
        return match
    return upper(match) if original == upper(original) else match


def suggestion(value: str, options: Iterable[str], *, case_sensitive: bool = True) -> str:
    """Give ` (did you mean X?)` as BuildKit appends it to an error, or ""."""
    match = nearest(value, options, case_sensitive=case_sensitive)
    return f" (did you mean {match}?)" if match else ""


def _edits(a: str, b: str, limit: int) -> int:
    """Give the Levenshtein distance, or `limit` where it is at least that."""
    if abs(len(a) - len(b)) >= limit:
        return limit
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        above, row[0] = row[0], i
        for j, right in enumerate(b, 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (left != right))
        if min(row) >= limit:
            return limit
    return min(row[-1], limit)
