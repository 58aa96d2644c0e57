"""The fields of a tar header and of its extensions, read strictly: what POSIX, GNU tar and libarchive write.

Sources: POSIX.1-2017 pax, "ustar Interchange Format" and "pax Extended Header"; the GNU tar manual, "Basic Tar Format",
"GNU Extensions to the Archive Format" and "Storing Sparse Files". Where they leave a choice, CPython's `tarfile` decides.
Every function here raises ValueError with a few words on malformed input; the caller adds the place.
"""

from __future__ import annotations

import math
from typing import Final

BLOCK: Final = 512
LONGEST_EXTENSION: Final = 1 << 20
"""Bytes that one extended header or sparse map may have (Go's archive/tar, `maxSpecialFileSize`, has the same bound)."""
_MEMO_LIMIT: Final = 1 << 16
_ADLER_BASE: Final = 65521
_INT64: Final = 1 << 63


def number(field: bytes) -> int:
    """Give the value of a numeric header field: octal digits, or GNU base-256 (two's complement after the marker bit)."""
    if field[0] & 0x80:
        value = int.from_bytes(field, "big") & ~(1 << (8 * len(field) - 1))
        return value - (1 << (8 * len(field) - 1)) if field[0] & 0x40 else value
    digits = field.partition(b"\0")[0].strip()
    if not digits:
        return 0
    plain = digits.removeprefix(b"-")
    if not plain.isdigit() or b"8" in plain or b"9" in plain:
        raise ValueError("a number that is not octal")
    return int(digits, 8)


def in_range(value: int) -> int:
    """Give `value` if 64 bits hold it."""
    if not -_INT64 <= value < _INT64:
        raise ValueError("a number that no file system can hold")
    return value


def decimal(value: bytes) -> int:
    """Give a non-negative number of a pax record."""
    if not value.isdigit() or len(value) > 20:
        raise ValueError("a pax number that is not decimal")
    return in_range(int(value))


def seconds(value: bytes) -> float:
    """Give a pax time in seconds; 0 where it is no finite number (as `tarfile` has it)."""
    try:
        time = float(value)
    except ValueError:
        return 0.0
    return time if math.isfinite(time) else 0.0


def cut(field: bytes) -> bytes:
    """Give a header's text up to its first NUL."""
    return field.partition(b"\0")[0]


class Numbers(dict[bytes, int]):
    """Field bytes to value, remembered: the same sizes and times come again and again."""

    def __missing__(self, field: bytes) -> int:
        if len(self) >= _MEMO_LIMIT:
            self.clear()
        value = self[field] = in_range(number(field))
        return value


class Owners(dict[bytes, tuple[int, int, int]]):
    """The 24 bytes of mode, uid and gid to their values, remembered."""

    def __missing__(self, field: bytes) -> tuple[int, int, int]:
        if len(self) >= _MEMO_LIMIT:
            self.clear()
        mode, uid, gid = number(field[:8]) & 0o7777, in_range(number(field[8:16])), in_range(number(field[16:]))
        value = self[field] = (mode, uid, gid)
        return value


class Sums(dict[bytes, int]):
    """The checksum field to the low half of the header's adler32 that it stands for (-1: no number).

    That half is 1 plus the sum of the bytes, modulo 65521. The C routine is fifteen times faster than `sum`, and a
    header that is off by exactly 65521 is no accident that storage or a network makes.
    """

    def __missing__(self, field: bytes) -> int:
        if len(self) >= _MEMO_LIMIT:
            self.clear()
        try:
            value = (1 + number(field) - 8 * 0x20 + sum(field)) % _ADLER_BASE
        except ValueError:
            value = -1
        self[field] = value
        return value


def checksum_fits(header: bytes) -> bool:
    """Tell whether the checksum field is the sum of the header's bytes, taken unsigned or (as old tars did) signed."""
    try:
        said = number(header[148:156])
    except ValueError:
        return False
    rest = header[:148] + b" " * 8 + header[156:]
    unsigned = sum(rest)
    return said in (unsigned, unsigned - 256 * sum(byte >= 0x80 for byte in rest))


def pax_records(data: bytes) -> dict[str, bytes]:
    """Give the records of a pax extended header; of one keyword twice the last counts, an empty value is left out."""
    records: dict[str, bytes] = {}
    at, end = 0, len(data)
    while at < end and data[at]:
        space = data.find(b" ", at, at + 20)
        digits = data[at:space] if space >= 0 else b""
        if not digits.isdigit():
            raise ValueError("a malformed pax record")
        stop = at + int(digits)
        if stop > end or stop <= space + 2 or data[stop - 1] != 0x0A:
            raise ValueError("a pax record with a wrong length")
        keyword, equals, value = data[space + 1 : stop - 1].partition(b"=")
        if not equals or not keyword:
            raise ValueError("a pax record without a keyword")
        if value:
            records[keyword.decode("utf-8", "surrogateescape")] = value
        at = stop
    return records


def old_sparse_blocks(view: memoryview, header: int, end: int) -> int | None:
    """Give how many extension blocks follow an old GNU sparse header ("S"), or None if they go on past `end`."""
    if not view[header + 482]:
        return 0
    count = 1
    while True:
        block = header + count * BLOCK
        if count * BLOCK > LONGEST_EXTENSION:
            raise ValueError("a sparse map without end")
        if block + BLOCK > end:
            return None
        if not view[block + 504]:
            return count
        count += 1


def sparse_map_bytes(view: memoryview, content: int, size: int, end: int) -> int | None:
    """Give the bytes of the map that a GNU sparse 1.0 file begins with (whole blocks), or None if it goes on past `end`.

    The map is decimal numbers, each with a newline: how many pairs, then an offset and a length for each.
    """
    head_size = min(24, size)
    if content + head_size > end:
        return None
    head = bytes(view[content : content + head_size])
    first = head.find(b"\n")
    if first < 0:
        raise ValueError("a malformed sparse map")
    lines = 1 + 2 * decimal(head[:first])
    limit = min(size, LONGEST_EXTENSION)
    if 2 * lines > limit:
        raise ValueError("a sparse map larger than its file")
    seen = at = 0
    while seen < lines:
        if at >= limit:
            raise ValueError("a sparse map without end")
        stop = content + at + BLOCK
        if stop > end:
            return None
        seen += bytes(view[stop - BLOCK : stop]).count(b"\n")
        at += BLOCK
    return at
