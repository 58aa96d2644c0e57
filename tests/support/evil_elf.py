"""ELF files that a linker would never write: each says the same many times over, so that a reader may look at it squared."""

from __future__ import annotations

import struct

MANY = 65_000


def _header(segments: int, at: int = 0, sections: int = 0) -> bytes:
    """The file header of a 64-bit program; its program headers come behind it, its section headers at `at`."""
    fields = struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, at, 0, 64, 56, segments, 64, sections, 1 if sections else 0)
    return b"\x7fELF\2\1\1" + bytes(9) + fields


def _segment(kind: int, at: int, size: int) -> bytes:
    return struct.pack("<IIQQQQQQ", kind, 5, at, at, at, size, size, 1)


def _section(name: int, kind: int, at: int, size: int) -> bytes:
    return struct.pack("<IIQQQQIIQQ", name, kind, 2, 0, at, size, 0, 0, 1, 0)


def many_dynamic_segments() -> bytes:
    """All program headers name one dynamic section, which says nothing."""
    entries = struct.pack("<QQ", 21, 0) * MANY
    return _header(MANY) + _segment(2, 64 + 56 * MANY, len(entries)) * MANY + entries


def many_string_tables() -> bytes:
    """A dynamic section that names its strings again and again, at an address that no segment has."""
    entries = struct.pack("<QQ", 5, 1 << 60) * MANY
    return _header(MANY) + _segment(1, 0, 10) * (MANY - 1) + _segment(2, 64 + 56 * MANY, len(entries)) + entries


def many_sections(name: bytes, size: int = 100_000) -> bytes:
    """All section headers name the same bytes."""
    data, names = b"/a/b/c/d " * (size // 9), b"\0" + name + b"\0"
    end = 64 + len(data)
    headers = _section(0, 1, 64, len(data)) + _section(0, 3, end, len(names)) + _section(1, 1, 64, len(data)) * (MANY - 2)
    return _header(0, end + len(names), MANY) + data + names + headers


def names_in_names(tag: int, count: int = 4096) -> bytes:
    """A dynamic section whose entries of kind `tag` are all parts of one long name."""
    name = b":\xff" * 4000
    entries = struct.pack("<QQQQ", 5, 0, 10, 1 << 30) + b"".join(struct.pack("<QQ", tag, 176 + n % 2000) for n in range(count))
    return _header(2) + _segment(1, 0, 1 << 40) + _segment(2, 176 + len(name), len(entries)) + name + entries


EVIL = {
    "usr/bin/dynamic": many_dynamic_segments,
    "usr/bin/tables": many_string_tables,
    "usr/bin/go": lambda: many_sections(b".gopclntab"),
    "usr/bin/data": lambda: many_sections(b".rodata"),
    "usr/bin/needed": lambda: names_in_names(1),
    "usr/bin/runpath": lambda: names_in_names(29),
}
