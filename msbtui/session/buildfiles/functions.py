"""Values of HCL 2, and the functions and operators on them (hclsyntax/spec.md; buildx, docs/bake-stdlib.md).

What buildx would print otherwise than Python does, or not at all, is `Unresolved`: never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Context, Decimal, DecimalException, DivisionByZero, Inexact, InvalidOperation, Overflow
from typing import Any

Value = Any
"""str, int, Decimal, bool, None, a list or a dict."""
_EXACT = Context(prec=60, Emax=200, Emin=-200, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])
"""HCL counts with 512 bits and prints every digit; what does not end within 60 digits is not known here."""
_TITLE = re.compile(r"(?:^|(?<=[\x00-/:-@\[-^`{-\x7f])|(?<=\s))\w")
"""The first letter of what Go's strings.Title takes for a word."""
_LAST_LETTER = "\u017f"
"""Up to it every character is one letter on the screen, as HCL counts them."""


class Unresolved(ValueError):  # noqa: N818
    """An expression whose value is not known here; the text says what of it."""


def as_text(value: Value) -> str:
    """Give a value as a builder takes it for a string. Raises Unresolved for null, lists and maps."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, list | dict):
        raise Unresolved("no text")
    if isinstance(value, Decimal):
        return f"{value:f}".rstrip("0")  # a whole one is an int
    return str(value)


def as_number(text: str) -> Value:
    """Give a number as HCL has it. Raises Unresolved for what is none."""
    try:
        return _whole(_EXACT.create_decimal(text))
    except DecimalException:
        raise Unresolved("a number that is not understood") from None


def _whole(value: Decimal) -> Value:
    if not value.is_finite():
        raise Unresolved("no number")
    return int(value) if value == value.to_integral_value() else value


def is_number(value: Value) -> bool:
    """Tell whether a value is a number: a truth value is none."""
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def equal(a: Value, b: Value) -> bool:
    """Tell whether two values are the same: of one type, and in it of one value."""
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(equal, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
    return (type(a) is type(b) or (is_number(a) and is_number(b))) and bool(a == b)


def operate(sign: str, a: Value, b: Value) -> Value:
    """Give what a binary operator gives. Raises Unresolved for values that it does not take."""
    if sign in ("==", "!="):
        return equal(a, b) == (sign == "==")
    if sign in ("&&", "||"):
        if not isinstance(a, bool) or not isinstance(b, bool):
            raise Unresolved(f"`{sign}` of other values")
        return (a and b) if sign == "&&" else (a or b)
    if not is_number(a) or not is_number(b):
        raise Unresolved(f"`{sign}` of other values")
    if sign in _COMPARED:
        return _COMPARED[sign](a, b)
    try:
        return _whole(_COUNTED[sign](Decimal(a), Decimal(b)))
    except DecimalException:
        raise Unresolved("a division by zero" if sign in "/%" and not b else "a number without end") from None


def denied(value: Value) -> bool:
    """Give the opposite of a truth value. Raises Unresolved for what is none."""
    if not isinstance(value, bool):
        raise Unresolved("`!` of no truth value")
    return not value


_COMPARED: dict[str, Callable[[Value, Value], bool]] = {
    "<": lambda a, b: bool(a < b),
    ">": lambda a, b: bool(a > b),
    "<=": lambda a, b: bool(a <= b),
    ">=": lambda a, b: bool(a >= b),
}
_COUNTED: dict[str, Callable[[Decimal, Decimal], Decimal]] = {
    "+": _EXACT.add,
    "-": _EXACT.subtract,
    "*": _EXACT.multiply,
    "/": _EXACT.divide,
    "%": _EXACT.remainder,  # with the sign of the dividend, as in Go
}


def _cased(text: Value, change: Callable[[str], str]) -> str:
    letters = [change(letter) for letter in as_text(text)]
    if any(len(letter) != 1 for letter in letters):
        raise Unresolved("letters of which one becomes two")
    return "".join(letters)


def _letters(text: Value) -> str:
    plain = as_text(text)
    if any(letter > _LAST_LETTER for letter in plain):
        raise Unresolved("a length of letters that are not Latin")
    return plain


def _part(text: Value, start: int, count: int) -> str:
    plain = _letters(text)
    begin = start if start >= 0 else len(plain) + start
    if begin < 0:
        raise Unresolved("a part that begins before its text")
    return plain[begin : begin + count] if count >= 0 else plain[begin:]


def _listed(value: Value) -> list[Value]:
    if not isinstance(value, list):
        raise Unresolved("no list")
    return value


def _numbers(values: tuple[Value, ...]) -> tuple[Value, ...]:
    if not all(map(is_number, values)):
        raise Unresolved("no number")
    return values


FUNCTIONS: dict[str, Callable[..., Value]] = {
    "upper": lambda text: _cased(text, str.upper),
    "lower": lambda text: _cased(text, str.lower),
    "title": lambda text: _TITLE.sub(lambda found: _cased(found[0], str.title), as_text(text)),
    "trimspace": lambda text: as_text(text).strip(),
    "trimprefix": lambda text, part: as_text(text).removeprefix(as_text(part)),
    "trimsuffix": lambda text, part: as_text(text).removesuffix(as_text(part)),
    "replace": lambda text, old, new: as_text(text).replace(as_text(old), as_text(new)),
    "join": lambda by, *lists: as_text(by).join(as_text(each) for items in lists for each in _listed(items)),
    "split": lambda by, text: as_text(text).split(as_text(by)) if by != "" else list(as_text(text)),
    "concat": lambda *lists: [each for items in lists for each in _listed(items)],
    "length": lambda items: len(_listed(items)),
    "contains": lambda items, item: any(equal(each, item) for each in _listed(items)),
    "coalesce": lambda *items: next(item for item in items if item is not None),
    "equal": equal,
    "notequal": lambda a, b: not equal(a, b),
    "and": lambda a, b: operate("&&", a, b),
    "or": lambda a, b: operate("||", a, b),
    "not": denied,
    "merge": lambda *maps: {key: value for each in maps for key, value in each.items()},
    "keys": sorted,
    "values": lambda items: [items[key] for key in sorted(items)],
    "strlen": lambda text: len(_letters(text)),
    "substr": _part,
    "min": lambda *values: min(_numbers(values)),
    "max": lambda *values: max(_numbers(values)),
    "add": lambda a, b: operate("+", a, b),
    "subtract": lambda a, b: operate("-", a, b),
    "multiply": lambda a, b: operate("*", a, b),
}
"""Functions that depend on nothing but their arguments."""
