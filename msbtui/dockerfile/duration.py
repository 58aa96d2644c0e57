"""Durations as Go's `time.ParseDuration` reads them, for HEALTHCHECK."""

from __future__ import annotations

import re

_UNITS = {
    b"ns": 1,
    b"us": 1_000,
    "µs".encode(): 1_000,
    "μs".encode(): 1_000,
    b"ms": 1_000_000,
    b"s": 1_000_000_000,
    b"m": 60_000_000_000,
    b"h": 3_600_000_000_000,
}
_LIMIT = 1 << 63
_PART = re.compile(rb"([0-9]*)(?:\.([0-9]*))?")
_UNIT = re.compile(rb"[^.0-9]+")


class DurationError(ValueError):
    """What Go says of a duration that it cannot read."""


def parse_duration(text: str) -> int:
    """Give a duration in nanoseconds (time/format.go, ParseDuration); raises DurationError with Go's words."""
    data = text.encode("utf-8", "surrogateescape")
    sign = -1 if data[:1] == b"-" else 1
    rest = data[1:] if data[:1] in (b"-", b"+") else data
    if rest == b"0":
        return 0
    invalid = DurationError(f"time: invalid duration {_quote(data)}")
    if not rest:
        raise invalid
    total = at = 0
    while at < len(rest):
        number = _PART.match(rest, at)
        if not number or not (number[1] or number[2]) or _too_big(number[1]):
            raise invalid
        at = number.end()
        unit = _UNIT.match(rest, at)
        if not unit:
            raise DurationError(f"time: missing unit in duration {_quote(data)}")
        at = unit.end()
        if unit[0] not in _UNITS:
            raise DurationError(f"time: unknown unit {_quote(unit[0])} in duration {_quote(data)}")
        factor = _UNITS[unit[0]]
        value = int(number[1] or b"0")
        if value > _LIMIT // factor:
            raise invalid
        # Go keeps as many digits of a fraction as fit into 63 bits.
        digits = (number[2] or b"")[:18]
        total += value * factor + (int(int(digits) * (factor / 10 ** len(digits))) if digits else 0)
        if total > _LIMIT:
            raise invalid
    if total == _LIMIT and sign > 0:
        raise invalid
    return sign * total


def _too_big(digits: bytes) -> bool:
    digits = digits.lstrip(b"0")
    return len(digits) > 19 or int(digits or b"0") > _LIMIT


def _quote(data: bytes) -> str:
    """Quote as package time does: bytes that are no printable ASCII in hexadecimal."""
    out = ['"']
    for byte in data:
        character = chr(byte)
        if byte < 0x20 or byte >= 0x80:
            out.append(f"\\x{byte:02x}")
        else:
            out.append(f"\\{character}" if character in '"\\' else character)
    return "".join(out) + '"'
