"""Which here-documents a logical line opens (frontend/dockerfile/parser/parser.go, heredocsFromLine and heredocFromMatch)."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from msbtui.dockerfile.expand import ExpandError, Lexer, split_words

_HEREDOC = re.compile(r"(\d*)<<(-?)\s*([^<]*)", re.ASCII)
_LEADING_TABS = re.compile(r"^\t+", re.MULTILINE)
_NOTHING: Mapping[str, str] = {}


class Opening(msgspec.Struct, frozen=True):
    """`3<<-NAME` as it stands in a line."""

    name: str
    expand: bool
    strip_tabs: bool
    descriptor: int = 0


def opening(word: str) -> Opening | None:
    """Give the here-document that one word opens, or None; raises ExpandError where the name cannot be processed."""
    match = _HEREDOC.fullmatch(word)
    if not match or not match[3]:
        return None
    # Read once with and once without quotes: where the count differs the name is quoted, and its text does not expand.
    words = split_words(match[3], _NOTHING, keep_unset=True)
    if len(words) != 1:
        return None
    raw = Lexer(match[3], _NOTHING, raw_quotes=True, keep_unset=True).run()[1]
    if len(raw) != 1:
        raise ExpandError(f"internal lexing of heredoc produced inconsistent results: {match[3]}")
    expands = _quotes(words[0]) == _quotes(raw[0])
    return Opening(words[0], expands, match[2] == "-", int(match[1][:9] or 0))


def openings(line: str) -> list[Opening]:
    """Give the here-documents that a logical line opens, in order; raises ExpandError."""
    try:
        words = split_words(line, _NOTHING, raw=True, keep_unset=True)
    except ExpandError:
        return []
    return [found for word in words if (found := opening(word))]


def without_tabs(text: str) -> str:
    """Give a body of `<<-` as the shell gets it: without the tabs in front of each line."""
    return _LEADING_TABS.sub("", text)


def _quotes(text: str) -> int:
    return text.count("'") + text.count('"')
