"""Shell patterns in `${v#p}`, `${v%p}` and `${v/p/r}`: `*`, `?` and literal characters.

BuildKit turns such a pattern into a regular expression (frontend/dockerfile/shell/lex.go, convertShellPatternToRegex) that
Go matches in linear time. Python's `re` would backtrack for ever on a hostile pattern, so the pattern is run here as a
set of positions held in the bits of one integer.
"""

from __future__ import annotations


class PatternError(ValueError):
    """A pattern that BuildKit does not accept."""


_STAR = "*"
_ANY = "?"


def _tokens(pattern: str) -> list[tuple[str, str]]:
    """Split a pattern into ("*", ""), ("?", "") and ("=", character)."""
    tokens = []
    at = 0
    while at < len(pattern):
        character = pattern[at]
        at += 1
        if character == "*":
            tokens.append((_STAR, ""))
        elif character == "?":
            tokens.append((_ANY, ""))
        elif character == "\\":
            following = pattern[at : at + 1]
            if following and following in "}/":
                continue
            if not following or following not in "*?\\":
                raise PatternError(f"invalid escape '\\{following or chr(0xFFFD)}'")
            at += 1
            tokens.append(("=", following))
        else:
            tokens.append(("=", character))
    return tokens


class _Value:
    """A value prepared for matching: bit i of a mask says something of character i."""

    def __init__(self, value: str) -> None:
        self.length = len(value)
        self.where: dict[str, int] = {}
        for at, character in enumerate(value):
            self.where[character] = self.where.get(character, 0) | (1 << at)
        self.inside = ((1 << self.length) - 1) & ~self.where.get("\n", 0)

    def ends(self, tokens: list[tuple[str, str]], starts: int) -> int:
        """Give the positions where a match may end that begins at one of `starts`."""
        positions = starts
        for kind, character in tokens:
            if kind == _STAR:
                positions |= ((positions & self.inside) + self.inside) ^ self.inside
            elif kind == _ANY:
                positions = (positions & self.inside) << 1
            else:
                positions = (positions & self.where.get(character, 0)) << 1
            if not positions:
                break
        return positions


def trim_prefix(pattern: str, value: str, greedy: bool) -> str:
    """Give `value` without the shortest (`greedy`: longest) prefix that matches; raises PatternError."""
    ends = _Value(value).ends(_parsed(pattern), 1)
    if not ends:
        return value
    return value[ends.bit_length() - 1 if greedy else (ends & -ends).bit_length() - 1 :]


def trim_suffix(pattern: str, value: str, greedy: bool) -> str:
    """Give `value` without the shortest (`greedy`: longest) suffix that matches; raises PatternError."""
    return trim_prefix(_reversed(pattern), value[::-1], greedy)[::-1]


def replace(pattern: str, value: str, replacement: str, everywhere: bool) -> str:
    """Give `value` with its first match (`everywhere`: all matches) replaced; raises PatternError.

    With `everywhere` Go expands `$name` in the replacement as a group of the expression (there is none but 0).
    """
    tokens = _parsed(pattern)
    forward, backward = _Value(value), _Value(value[::-1])
    length = len(value)
    # Every position at which some match starts: the pattern run from the end of the value, from all positions at once.
    starts = backward.ends(tokens[::-1], (1 << (length + 1)) - 1)
    out: list[str] = []
    at = done = 0
    while at <= length:
        left = starts & ((1 << (length - at + 1)) - 1)
        if not left:
            break
        start = length - (left.bit_length() - 1)
        end = forward.ends(tokens, 1 << start).bit_length() - 1
        if not everywhere:
            return value[:start] + replacement + value[end:]
        if end == start and start == done and start > 0 and out:
            # Go takes no empty match right after another match.
            at = start + 1
            continue
        out += (value[done:start], _template(replacement, value[start:end]))
        done = end
        at = end + 1 if end == start else end
    return "".join(out) + value[done:]


def _template(text: str, match: str) -> str:
    """Expand `$0`, `${0}` and `$$` as Go's Regexp.Expand does; other names are empty, a lone `$` stays."""
    if "$" not in text:
        return text
    out = []
    at = 0
    while (dollar := text.find("$", at)) >= 0:
        out.append(text[at:dollar])
        at = dollar + 1
        if text[at : at + 1] == "$":
            out.append("$")
            at += 1
            continue
        brace = text[at : at + 1] == "{"
        start = end = at + brace
        while end < len(text) and (text[end].isalnum() or text[end] == "_"):
            end += 1
        if end == start or (brace and text[end : end + 1] != "}"):
            out.append("$")
            continue
        name = text[start:end]
        if name.isdecimal() and int(name) == 0:
            out.append(match)
        at = end + brace
    return "".join(out) + text[at:]


def _parsed(pattern: str) -> list[tuple[str, str]]:
    try:
        return _tokens(pattern)
    except PatternError as error:
        raise PatternError(f"invalid pattern ({pattern}) in substitution: {error}") from None


def _reversed(pattern: str) -> str:
    """Turn a pattern round, an escape staying before what it escapes."""
    pieces = []
    at = 0
    while at < len(pattern):
        width = 2 if pattern[at] == "\\" and at + 1 < len(pattern) else 1
        pieces.append(pattern[at : at + width])
        at += width
    return "".join(reversed(pieces))
