"""Foreign text made printable once, where it enters, and sizes as people read them."""

from __future__ import annotations

import re
from typing import Final

_REMEMBERED: Final = 1 << 12
"""Characters whose written form is remembered."""
_LOOKS_LIKE_ESCAPE = re.compile(r"\\(?=x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})")
_ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))")


def printable(name: str) -> str:
    r"""Give `name` with every unprintable character as `\xNN`, `\uNNNN` or `\UNNNNNNNN`.

    Bytes that are no UTF-8 must come in as `surrogateescape` code points; they become `\xNN` of the byte. The mapping is
    one to one (a backslash that only looks like such an escape becomes `\x5c`), so that two names never fall together and
    `raw` can give the bytes back.
    """
    if name.isprintable() and "\\" not in name:
        return name
    name = _LOOKS_LIKE_ESCAPE.sub(lambda _: "\\x5c", name)
    if name.isprintable():
        return name
    return name.translate(_written)


def _escaped(code: int) -> str:
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


class _Written(dict[int, str]):
    """By character how it is written, remembered: a hostile name may have a million that cannot be printed."""

    def __missing__(self, code: int) -> str:
        written = chr(code) if chr(code).isprintable() else _escaped(code)
        if len(self) < _REMEMBERED:
            self[code] = written
        return written


_written: Final = _Written()


def printable_bytes(name: bytes) -> str:
    """Give the printable form of a name as an archive or database holds it."""
    return printable(name.decode("utf-8", "surrogateescape"))


def raw(name: str) -> bytes:
    """Give the bytes that `printable_bytes` made `name` from."""
    out = bytearray()
    at = 0
    for match in _ESCAPE.finditer(name):
        out += name[at : match.start()].encode("utf-8", "surrogateescape")
        byte, short, long = match.groups()
        out += bytes([int(byte, 16)]) if byte else chr(int(short or long, 16)).encode("utf-8", "surrogatepass")
        at = match.end()
    return bytes(out + name[at:].encode("utf-8", "surrogateescape"))


def size(count: int | None) -> str:
    """Give bytes as `231 MB` or `5.2 MB` (decimal units, two significant digits below 10); `–` for None."""
    if count is None:
        return "–"
    if abs(count) < 1000:
        return f"{count} B"
    import humanize  # only where a size is shown: most of what loads this module shows none

    number, unit = humanize.naturalsize(count, format="%.1f").split(" ")
    return f"{float(number):.0f} {unit}" if abs(float(number)) >= 10 else f"{number} {unit}"


def short_size(count: int | None) -> str:
    """Give bytes for a gutter: `231M`, `5.2M`, `12K`, `7B`; empty for None."""
    if count is None:
        return ""
    number, unit = size(count).split(" ")
    return number + ("B" if unit == "B" else unit[0].upper())
