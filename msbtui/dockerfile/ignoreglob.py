"""One pattern of an ignore file as a function of a path (patternmatcher.go, Pattern.compile and Pattern.match).

The Go code turns a pattern into a regular expression, letter by letter; what that expression means is read here and run as
a set of states in the bits of one integer, so that no pattern, however hostile, takes more than its length times the path's.
"""

from __future__ import annotations

import re
from collections.abc import Callable

BAD = "syntax error in pattern"
"""Go's `filepath.ErrBadPattern`."""


class GlobError(ValueError):
    """A pattern that Go's `filepath.Match` or `regexp` refuses."""


_ESCAPED = frozenset(".+()|{}$")

_Step = tuple[str, Callable[[str], bool] | None]
"""`=` one character that the function takes; `*` any number of such; `/` the optional `(.*/)?`."""


def go_match(pattern: str, name: str) -> bool:
    """Give Go's `filepath.Match`, as COPY matches one name of a path; raises GlobError for a bad pattern that it comes across."""
    while pattern:
        star = pattern.startswith("*")
        pattern = pattern.lstrip("*")
        end = _chunk_end(pattern)
        chunk, pattern = pattern[:end], pattern[end:]
        if star and not chunk:
            return "/" not in name
        rest = _match_chunk(chunk, name)
        if rest is not None and (not rest or pattern):
            name = rest
            continue
        if not star:
            return False
        for at, letter in enumerate(name):
            if letter == "/":
                return False
            rest = _match_chunk(chunk, name[at + 1 :])
            if rest is not None and (pattern or not rest):
                name = rest
                break
        else:
            return False
    return not name


def _chunk_end(pattern: str) -> int:
    """Give where the text before the next `*` that is not in brackets ends."""
    at, inside = 0, False
    while at < len(pattern):
        char = pattern[at]
        if char == "\\":
            at += 1
        elif char in "[]":
            inside = char == "["
        elif char == "*" and not inside:
            return at
        at += 1
    return len(pattern)


def _match_chunk(chunk: str, text: str) -> str | None:
    """Give what is left of `text` after the chunk, or None; the whole chunk is checked also where it does not match."""
    failed, at, used = False, 0, 0
    while at < len(chunk):
        char = chunk[at]
        failed = failed or used == len(text)
        letter = "" if failed else text[used]
        at += 1
        if char == "[":
            match, at = _match_class(chunk, at, letter)
        elif char == "?":
            match = letter != "/"
        else:
            if char == "\\":
                if at == len(chunk):
                    raise GlobError(BAD)
                char = chunk[at]
                at += 1
            match = char == letter
        failed = failed or not match
        used += 1
    return None if failed else text[used:]


def _match_class(chunk: str, at: int, letter: str) -> tuple[bool, int]:
    negated = chunk[at : at + 1] == "^"
    at += negated
    match, ranges = False, 0
    while not (chunk[at : at + 1] == "]" and ranges):
        low, at = _class_letter(chunk, at)
        high = low
        if chunk[at] == "-":
            high, at = _class_letter(chunk, at + 1)
        match = match or (bool(letter) and low <= letter <= high)
        ranges += 1
    return match != negated, at + 1


def _class_letter(chunk: str, at: int) -> tuple[str, int]:
    if chunk[at : at + 1] in ("", "-", "]"):
        raise GlobError(BAD)
    at += chunk[at] == "\\"
    # A class that is not closed ends the pattern: there is no letter after the last one.
    if at + 1 >= len(chunk):
        raise GlobError(BAD)
    return chunk[at], at + 1


def glob_matcher(pattern: str) -> Callable[[str], bool]:
    """Give the function that says whether a path matches. Raises GlobError where Go's `regexp` refuses what it becomes."""
    kind, expression = _translate(pattern)
    if kind == "exact":
        return lambda path: path == pattern
    if kind == "prefix":
        head = pattern[:-2]
        return lambda path: path.startswith(head)
    if kind == "suffix":
        tail = pattern[2:]
        return lambda path: path.endswith(tail) or (tail.startswith("/") and path == tail[1:])
    steps = _steps(expression)
    return lambda path: _run(steps, path)


def _translate(pattern: str) -> tuple[str, str]:
    """Give the kind of match and the regular expression, as `compile` makes them."""
    out: list[str] = []
    kind = "exact"
    at, number = 0, 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*" and pattern[at : at + 1] == "*":
            at += 1
            if pattern[at : at + 1] == "/":
                at += 1
            if at == len(pattern):
                if kind == "exact":
                    kind = "prefix"
                else:
                    out.append(".*")
                    kind = "regexp"
            else:
                out.append("(.*/)?")
                kind = "regexp"
            if number == 0:
                kind = "suffix"
        elif char == "*":
            out.append("[^/]*")
            kind = "regexp"
        elif char == "?":
            out.append("[^/]")
            kind = "regexp"
        elif char in _ESCAPED:
            out.append("\\" + char)
        elif char == "\\":
            if at < len(pattern):
                out.append("\\" + pattern[at])
                at += 1
                kind = "regexp"
            else:
                out.append("\\")
        else:
            out.append(char)
            if char in "[]":
                kind = "regexp"
        number += 1
    return kind, "".join(out)


def _steps(expression: str) -> list[_Step]:
    """Read the small language of expressions that `_translate` writes."""
    steps: list[_Step] = []
    at = 0
    while at < len(expression):
        if expression.startswith("(.*/)?", at):
            steps.append(("/", None))
            at += 6
            continue
        if expression[at] == "^":
            # An anchor: what stands before it has to be empty, or nothing matches.
            steps = [] if all(kind in "*/" for kind, _ in steps) else [("=", lambda _: False)]
            at += 1
            continue
        if expression[at:] == "\\":
            # The end's own `$` is escaped by it: a dollar sign, and then anything.
            steps += [("=", lambda letter: letter == "$"), ("*", lambda _: True)]
            break
        take, at = _letter(expression, at)
        if expression[at : at + 1] == "*":
            steps.append(("*", take))
            at += 1
        else:
            steps.append(("=", take))
    return steps


def _letter(expression: str, at: int) -> tuple[Callable[[str], bool], int]:
    char = expression[at]
    if char == "[":
        return _class(expression, at)
    if char == ".":
        return (lambda letter: letter != "\n"), at + 1
    if char == "\\":
        char = expression[at + 1 : at + 2]
        at += 1
        if char.isalnum() or not char.isascii():
            # To Go's regexp `\d` is a class, `\b` a boundary and `\q` an error, though the pattern meant the letter.
            named = _NAMED.get(char)
            if named is None:
                raise GlobError(BAD)
            return named, at + 1
    return (lambda letter: letter == char), at + 1


_NAMED: dict[str, Callable[[str], bool]] = {
    "d": lambda letter: letter in "0123456789",
    "D": lambda letter: letter not in "0123456789",
    "s": lambda letter: letter in "\t\n\f\r ",
    "S": lambda letter: letter not in "\t\n\f\r ",
    "w": lambda letter: letter.isascii() and (letter.isalnum() or letter == "_"),
    "W": lambda letter: not (letter.isascii() and (letter.isalnum() or letter == "_")),
    "a": lambda letter: letter == "\a",
    "f": lambda letter: letter == "\f",
    "t": lambda letter: letter == "\t",
    "n": lambda letter: letter == "\n",
    "r": lambda letter: letter == "\r",
    "v": lambda letter: letter == "\v",
}
"""Escapes with a letter, of Go's regexp/syntax, that stand for one character; the rarer ones are refused."""


def _class(expression: str, at: int) -> tuple[Callable[[str], bool], int]:
    """Read `[...]` as Go's regexp does: a bracket that comes first, or after `^`, is a letter."""
    start = at
    at += 2 if expression[at + 1 : at + 2] == "^" else 1
    first = True
    while at < len(expression) and (first or expression[at] != "]"):
        if expression.startswith("[:", at):
            raise GlobError(BAD)
        at += 2 if expression[at] == "\\" else 1
        first = False
    if at >= len(expression):
        raise GlobError(BAD)
    text = expression[start : at + 1]
    # Python reads set operations and nested brackets that Go takes for letters.
    inner = re.sub(r"(?<!\\)\[", r"\\[", text[1:])
    inner = re.sub(r"([-&~|])(?=\1)", r"\\\1", inner)
    try:
        compiled = re.compile("[" + inner)
    except re.error:
        raise GlobError(BAD) from None
    return (lambda letter: compiled.fullmatch(letter) is not None), at + 1


def _run(steps: list[_Step], path: str) -> bool:
    """Say whether the steps take the whole path; the states are the bits of an integer, bit i = before step i."""
    # A step `/` has a second state, "inside (.*/)": kept in another integer.
    states, inside = _skip(1, steps), 0
    goal = 1 << len(steps)
    for letter in path:
        after = 0
        inside_after = 0
        number, rest = 0, states | inside
        while rest:
            if rest & 1:
                kind, take = steps[number] if number < len(steps) else ("", None)
                if kind == "/":
                    inside_after |= 1 << number
                    if letter == "/":
                        after |= 1 << (number + 1)
                elif take is not None and states >> number & 1 and take(letter):
                    after |= 1 << (number if kind == "*" else number + 1)
            rest >>= 1
            number += 1
        states, inside = _skip(after, steps), inside_after if letter != "\n" else 0
        if not states and not inside:
            return False
    return bool(states & goal)


def _skip(states: int, steps: list[_Step]) -> int:
    """Add the states that are reached without a letter."""
    for number, (kind, _) in enumerate(steps):
        if states >> number & 1 and kind in "*/":
            states |= 1 << (number + 1)
    return states
