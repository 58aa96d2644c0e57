"""An instruction's logical line cut into keyword, flags and words (parser: split_command.go, line_parsers.go)."""

from __future__ import annotations

import math
import re

from msbtui.dockerfile.gotext import SPACE, quote, trim, valid

_SPACES = re.compile(r"[\t\v\f\r ]+")
_BYTE_SPACES = "\t\n\v\f\r \x85\xa0"


class LineSyntaxError(ValueError):
    """What BuildKit says of a line that it cannot parse."""


def split_command(line: str, escape: str) -> tuple[str, list[str], str]:
    """Give keyword, flags with their quotes removed, and the rest (split_command.go, splitCommand)."""
    parts = _SPACES.split(trim(line), 1)
    if len(parts) == 1:
        return parts[0], [], ""
    rest = parts[1]
    if rest.isascii() and not rest.lstrip(SPACE).startswith("--"):
        return parts[0], [], trim(rest)
    rest, flags = _flags(rest, escape)
    return parts[0], flags, trim(rest)


def _flags(line: str, escape: str) -> tuple[str, list[str]]:
    """Take the `--` words from the front of a line (split_command.go, extractBuilderFlags).

    BuildKit walks the line byte by byte and takes each byte for a character, which garbles other than ASCII: so done here.
    """
    if line.isascii():
        return _take_flags(line, escape)
    rest, flags = _take_flags(_latin(line), escape)
    return _unlatin(rest), flags


def _latin(text: str) -> str:
    """Give a text with one character for each of its bytes."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("latin-1")


def _unlatin(text: str) -> str:
    """Take `_latin` back."""
    return text if text.isascii() else text.encode("latin-1").decode("utf-8", "surrogateescape")


def _take_flags(line: str, escape: str) -> tuple[str, list[str]]:
    flags: list[str] = []
    at, length = 0, len(line)
    while True:
        while at < length and line[at] in _BYTE_SPACES:
            at += 1
        if not line.startswith("--", at):
            return line[at:], flags
        word: list[str] = []
        quoted = ""
        blank_ok = False
        while at < length:
            character = line[at]
            if not quoted and character in _BYTE_SPACES:
                break
            at += 1
            if character == quoted:
                quoted = ""
            elif not quoted and character in "'\"":
                quoted = character
                blank_ok = True
            elif character == escape:
                word.append(line[at : at + 1])
                at += 1
            else:
                word.append(character)
        text = "".join(word)
        if text == "--":
            return line[at:], flags
        if text or blank_ok:
            flags.append(text)


def spaced(rest: str) -> list[str]:
    """Split at spaces, quotes meaning nothing (line_parsers.go, parseStringsWhitespaceDelimited)."""
    return _SPACES.split(rest) if rest else []


def quoted_words(rest: str, escape: str) -> list[str]:
    """Split at spaces outside quotes; quotes and escapes stay in the words (line_parsers.go, parseWords)."""
    if rest.isascii() and "'" not in rest and '"' not in rest and escape not in rest:
        return [word for word in re.split(r"[\t\n\v\f\r ]+", rest) if word]
    rest = valid(rest)
    words: list[str] = []
    word: list[str] = []
    quoted = ""
    blank_ok = False
    at, length = 0, len(rest)
    while at < length:
        character = rest[at]
        at += 1
        if not quoted and character in SPACE:
            if blank_ok or word:
                words.append("".join(word))
            word = []
            blank_ok = False
            continue
        if quoted:
            if character == quoted:
                quoted = ""
                word.append(character)
                continue
            escapes = character == escape and quoted != "'"
        else:
            if character in "'\"":
                quoted = character
                blank_ok = True
            escapes = character == escape
        if escapes:
            if at == length:
                break
            word.append(character)
            character = rest[at]
            at += 1
        word.append(character)
    if blank_ok or word:
        words.append("".join(word))
    return words


def pairs(rest: str, keyword: str, escape: str) -> list[tuple[str, str, str]]:
    """Give (name, value, `=` or "") of ENV and LABEL (line_parsers.go, parseNameVal); raises LineSyntaxError."""
    words = quoted_words(rest, escape)
    if not words:
        return []
    if "=" not in words[0]:
        parts = _SPACES.split(rest, 1)
        if len(parts) < 2:
            raise LineSyntaxError(f"{keyword} must have two arguments")
        return [(parts[0], parts[1], "")]
    out = []
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise LineSyntaxError(f"Syntax error - can't find = in {quote(word)}. Must be of the form: name=value")
        out.append((name, value, "="))
    return out


def json_words(rest: str) -> list[str] | None:
    """Give the strings of a JSON (exec) form, or None where it is no JSON list; raises LineSyntaxError for other items."""
    rest = rest.lstrip(SPACE)
    if not rest.startswith("["):
        return None
    import json

    def refuse(constant: str) -> object:
        raise ValueError(constant)

    def number(text: str) -> float:
        if math.isinf(value := float(text)):
            raise ValueError(text)
        return value

    try:
        items = json.loads(rest, parse_constant=refuse, parse_int=number, parse_float=number)
    except (ValueError, RecursionError):
        return None
    if not all(isinstance(item, str) for item in items):
        raise LineSyntaxError("when using JSON array syntax, arrays must be comprised of strings only")
    # Go's decoder puts U+FFFD for what is no valid character.
    return [valid(item) for item in items]


def health_words(rest: str) -> tuple[list[str], bool]:
    """Give type and command of HEALTHCHECK, and whether the command is JSON (line_parsers.go, parseHealthConfig)."""
    # Byte by byte, as the flags are read.
    data = _latin(rest)
    end = next((at for at, character in enumerate(data) if character in _BYTE_SPACES), len(data))
    if not end:
        return [], False
    kind, command = _unlatin(data[:end]), _unlatin(data[end:].lstrip(_BYTE_SPACES))
    items = json_words(command) if command else None
    if items is not None:
        return [kind, *items], True
    return ([kind, command] if command else [kind]), False
