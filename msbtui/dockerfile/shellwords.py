"""Words of a shell command out of tree-sitter's nodes: quotes off, known variables in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from msbtui.dockerfile.expand import ExpandError, expand

if TYPE_CHECKING:
    from tree_sitter import Node

_ANSI = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "e": "\x1b", "\\": "\\", "'": "'", '"': '"'}
_DYNAMIC = frozenset({"command_substitution", "process_substitution", "arithmetic_expansion"})


class Word(msgspec.Struct, frozen=True):
    """One word; `known` is False where it holds something that only the build knows, and then as written."""

    text: str
    known: bool


class WordReader:
    """Reads words out of one script."""

    def __init__(self, text: bytes, variables: Mapping[str, str]) -> None:
        self.text = text
        self.variables = variables

    def raw(self, node: Node) -> str:
        """Give a node's text as written."""
        return self._slice(node.start_byte, node.end_byte)

    def _slice(self, start: int, end: int) -> str:
        return self.text[start:end].decode("utf-8", "surrogateescape")

    def fields(self, node: Node) -> list[Word]:
        """Give the words that one argument becomes: a bare variable is split at spaces, as the shell does."""
        word = self.word(node)
        if node.type in ("simple_expansion", "expansion") and word.known:
            return [Word(part, True) for part in word.text.split()]
        if not word.text and node.start_byte == node.end_byte:
            return []
        return [word]

    def word(self, node: Node) -> Word:
        """Give one word."""
        kind = node.type
        if kind == "raw_string":
            return Word(self.raw(node)[1:-1], True)
        if kind == "string":
            return self._parts(node, node.start_byte + 1, max(node.end_byte - 1, node.start_byte + 1), _unescape_double)
        if kind == "ansi_c_string":
            return Word(_unescape_ansi(self.raw(node)[2:-1]), True)
        if kind in ("simple_expansion", "expansion"):
            return self._variable(self.raw(node))
        if kind in _DYNAMIC:
            return Word(self.raw(node), False)
        if kind in ("concatenation", "variable_assignment", "array", "command_name"):
            return self._parts(node, node.start_byte, node.end_byte, _unescape_bare)
        return Word(_unescape_bare(self.raw(node)), True)

    def _parts(self, node: Node, start: int, end: int, unescape: _Unescape) -> Word:
        """Join a node's parts, with the text between them that has no node of its own."""
        out: list[str] = []
        known = True
        at = start
        for child in node.children:
            if not child.is_named or child.start_byte < at:
                continue
            if child.type in ("string_content", "word", "number", "variable_name"):
                continue
            part = self.word(child)
            out.append(unescape(self._slice(at, child.start_byte)))
            out.append(part.text)
            known = known and part.known
            at = child.end_byte
        out.append(unescape(self._slice(at, end)) if at < end else "")
        return Word("".join(out), known)

    def _variable(self, written: str) -> Word:
        name = re.match(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)", written)
        if not name:
            return Word(written, False)
        has_default = re.fullmatch(r"\$\{\w+:?-.*\}", written, re.DOTALL) is not None
        if name[1] not in self.variables or (has_default and "$(" in written):
            return Word(written, False)
        try:
            return Word(expand(written, self.variables), True)
        except ExpandError:
            return Word(written, False)


class _Unescape:
    """Removes backslashes: all of them (bare words), or those before what double quotes let them escape."""

    def __init__(self, pattern: str) -> None:
        self.pattern = re.compile(pattern, re.DOTALL)

    def __call__(self, text: str) -> str:
        return self.pattern.sub(lambda match: "" if match[1] == "\n" else match[1], text) if "\\" in text else text


_unescape_bare = _Unescape(r"\\(.)")
_unescape_double = _Unescape(r'\\(["\\$`\n])')


def _unescape_ansi(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        code = match[1]
        if code[0] in "xuU":
            number = int(code[1:], 16)
            return chr(number) if number < 0x110000 else match[0]
        return chr(int(code, 8) & 0xFF) if code[0].isdigit() else _ANSI.get(code, match[0])

    return re.sub(r"\\(x[0-9a-fA-F]{1,2}|u[0-9a-fA-F]{1,4}|U[0-9a-fA-F]{1,8}|[0-7]{1,3}|.)", one, text, flags=re.DOTALL)
