"""Words of a Dockerfile as BuildKit's shell lexer reads them: quotes, escapes, variables and their modifiers.

The source of every rule and message is frontend/dockerfile/shell/lex.go of moby/buildkit (processStopOn, processDollar).
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from msbtui.dockerfile.gotext import SPACE, clean, quote, valid
from msbtui.dockerfile.patterns import PatternError, replace, trim_prefix, trim_suffix
from msbtui.errors import MsbtuiError

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@=,+%~*?[]{}()&;|!#^> ")
LONGEST = 128 << 10
"""Characters that variables may bring into one word: execve(2) takes no longer one (MAX_ARG_STRLEN), and thirty lines of
`ENV A=$A$A` would fill any memory."""
_LARGEST_REPLACEMENT = 1 << 24
_SPECIAL_PARAMETERS = frozenset("@*#?-$!0")


class ExpandError(MsbtuiError, ValueError):
    """A word that BuildKit cannot process; the text is BuildKit's."""


class Expansion(msgspec.Struct, frozen=True):
    """An expanded word, with the names of the variables that were set and of those that were not."""

    text: str
    matched: frozenset[str] = frozenset()
    unmatched: frozenset[str] = frozenset()


def expand(word: str, variables: Mapping[str, str], escape: str = "\\") -> str:
    """Give `word` with quotes removed and variables put in; raises ExpandError with BuildKit's words."""
    return expand_names(word, variables, escape).text


def expand_names(word: str, variables: Mapping[str, str], escape: str = "\\", *, keep_quotes: bool = False) -> Expansion:
    """As `expand`, and say which variables were found; `keep_quotes` is for here-document contents, where quotes mean nothing."""
    if _PLAIN.issuperset(word):
        return Expansion(word)
    lexer = Lexer(word, variables, escape, skip_quotes=keep_quotes)
    text = lexer.run()[0]
    return Expansion(text, frozenset(lexer.matched), frozenset(lexer.unmatched))


def split_words(
    text: str, variables: Mapping[str, str], escape: str = "\\", *, raw: bool = False, keep_unset: bool = False
) -> list[str]:
    """Split `text` at spaces outside quotes after putting variables in (lex.go, ProcessWords); raises ExpandError.

    `raw` keeps quotes and escapes in the words, `keep_unset` keeps `$name` of variables that are not set.
    """
    return Lexer(text, variables, escape, raw_quotes=raw, raw_escapes=raw, keep_unset=keep_unset).run()[1]


class _LexError(Exception):
    """An error inside a word, before it is wrapped with the word."""


class _Words:
    """Collects words. BuildKit shares one buffer between nested runs, and so loses what stood before `${v:-w}`: kept so."""

    def __init__(self, buffer: list[str]) -> None:
        self.buffer = buffer
        self.words: list[str] = []
        self.inside = False

    def character(self, character: str) -> None:
        if character not in SPACE:
            self.raw(character)
        elif self.inside and any(self.buffer):
            self.words.append("".join(self.buffer))
            self.buffer.clear()
            self.inside = False

    def characters(self, text: str) -> None:
        if text and not any(space in text for space in SPACE):
            self.raw(text)
            return
        for each in text:
            self.character(each)

    def raw(self, text: str) -> None:
        self.buffer.append(text)
        self.inside = True

    def finish(self) -> list[str]:
        if any(self.buffer):
            self.words.append("".join(self.buffer))
            self.buffer.clear()
            self.inside = False
        return self.words


class Lexer:
    """One run over one word or line."""

    def __init__(
        self,
        source: str,
        variables: Mapping[str, str],
        escape: str = "\\",
        *,
        raw_quotes: bool = False,
        raw_escapes: bool = False,
        skip_quotes: bool = False,
        keep_unset: bool = False,
    ) -> None:
        self.source = source
        self.text = valid(source).removeprefix("\ufeff")
        self.at = 0
        self.variables = variables
        self.escape = escape
        self.raw_quotes = raw_quotes
        self.raw_escapes = raw_escapes
        self.skip_quotes = skip_quotes
        self.keep_unset = keep_unset
        self.matched: set[str] = set()
        self.unmatched: set[str] = set()
        self._buffer: list[str] = []
        self._depth = 0
        self._brought = 0

    def run(self) -> tuple[str, list[str]]:
        """Give the whole text, and its words; raises ExpandError."""
        try:
            return self._until("", self.raw_escapes, False)
        except (_LexError, PatternError) as error:
            raise ExpandError(clean(f"failed to process {quote(self.source)}: {error}")) from None

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def _next(self) -> str:
        character = self.text[self.at : self.at + 1]
        self.at += len(character)
        return character

    def _until(self, stop: str, raw_escapes: bool, pattern: bool) -> tuple[str, list[str]]:
        """Process up to `stop` ("" is the end). `pattern` doubles escapes inside quotes, for they are read once more."""
        if self._depth > 100:
            raise _LexError("syntax error: bad substitution")
        self._depth += 1
        out: list[str] = []
        self._buffer.clear()
        words = _Words(self._buffer)
        before, self.raw_escapes = self.raw_escapes, raw_escapes
        try:
            while character := self._peek():
                if character == stop:
                    self.at += 1
                    return "".join(out), words.finish()
                if character == "$":
                    piece = self._dollar()
                    words.characters(piece)
                elif character == "<":
                    piece = self._angle()
                    words.raw(piece)
                elif character == "'" and not self.skip_quotes:
                    piece = self._single(pattern)
                    words.raw(piece)
                elif character == '"' and not self.skip_quotes:
                    piece = self._double(pattern)
                    words.raw(piece)
                else:
                    self.at += 1
                    piece = character
                    if character == self.escape:
                        if self.raw_escapes:
                            words.raw(character)
                            out.append(character)
                        piece = self._next()
                        if not piece:
                            break
                        words.raw(piece)
                    else:
                        words.character(piece)
                out.append(piece)
            if stop:
                raise _LexError(f"unexpected end of statement while looking for matching {stop}")
            return "".join(out), words.finish()
        finally:
            self.raw_escapes = before
            self._depth -= 1

    def _single(self, pattern: bool) -> str:
        self.at += 1
        end = self.text.find("'", self.at)
        if end < 0:
            self.at = len(self.text)
            raise _LexError("unexpected end of statement while looking for matching single-quote")
        inside = self.text[self.at : end]
        self.at = end + 1
        if pattern:
            inside = inside.replace(self.escape, self.escape * 2)
        return f"'{inside}'" if self.raw_quotes else inside

    def _double(self, pattern: bool) -> str:
        self.at += 1
        mark = '"' if self.raw_quotes else ""
        out = [mark]
        while character := self._peek():
            if character == '"':
                self.at += 1
                return "".join(out) + mark
            if character == "$":
                out.append(self._dollar())
                continue
            self.at += 1
            if character == self.escape:
                following = self._peek()
                if not following:
                    continue
                if following in ('"', "$", self.escape):
                    if self.raw_escapes:
                        out.append(character)
                    character = self._next()
                elif self.raw_escapes and (not self.raw_quotes or pattern):
                    out.append(character)
            out.append(character)
        raise _LexError("unexpected end of statement while looking for matching double-quote")

    def _angle(self) -> str:
        start = self.at
        self.at += 1
        if self._peek() == "<":
            self.at += 1
            while (space := self._peek()) and space in "\t\r ":
                self.at += 1
        return self.text[start : self.at]

    def _name(self) -> str:
        start = self.at
        first = self._peek()
        if first.isdecimal():
            while self._peek().isdecimal():
                self.at += 1
        elif first and first in _SPECIAL_PARAMETERS:
            self.at += 1
        else:
            while (character := self._peek()) and (character.isalpha() or character.isdecimal() or character == "_"):
                self.at += 1
        return self.text[start : self.at]

    def _value(self, name: str) -> str | None:
        value = self.variables.get(name)
        (self.unmatched if value is None else self.matched).add(name)
        self._bring(len(value or ""))
        return value

    def _bring(self, count: int) -> None:
        self._brought += count
        if self._brought > LONGEST:
            raise _LexError(f"it expands to more than {LONGEST} characters")

    def _dollar(self) -> str:
        self.at += 1
        if self._peek() != "{":
            name = self._name()
            if not name:
                return "$"
            value = self._value(name)
            return value if value is not None else f"${name}" if self.keep_unset else ""
        self.at += 1
        first = self._peek()
        if not first:
            raise _LexError("syntax error: missing '}'")
        if first in "{}:":
            raise _LexError("syntax error: bad substitution")
        name = self._name()
        modifier = self._next()
        if modifier == "}":
            value = self._value(name)
            return value if value is not None else f"${{{name}}}" if self.keep_unset else ""
        if modifier == "/":
            return self._replace(name)
        written = modifier
        if modifier == ":":
            modifier = self._next()
            written += modifier or "\ufffd"
        elif not modifier or modifier not in "+-?#%":
            raise _LexError(f"unsupported modifier ({modifier or chr(0xFFFD)}) in substitution")
        return self._modified(name, modifier, written)

    def _word(self, stop: str, missing: str, raw_escapes: bool, pattern: bool) -> str:
        try:
            return self._until(stop, raw_escapes, pattern)[0]
        except (_LexError, PatternError):
            if not self._peek():
                raise _LexError(missing) from None
            raise

    def _modified(self, name: str, modifier: str, written: str) -> str:
        cuts = modifier in ("#", "%")
        null_is_unset = written[0] == ":"
        if null_is_unset and cuts:
            raise _LexError(f"unsupported modifier ({written}) in substitution")
        word = self._word("}", "syntax error: missing '}'", cuts, cuts)
        value = self._value(name)
        if value is None and self.keep_unset:
            return f"${{{name}{written}{word}}}"
        missing = value is None or (null_is_unset and value == "")
        if modifier == "-":
            return word if missing else value or ""
        if modifier == "+":
            return "" if missing else word
        if modifier == "?":
            if missing:
                raise _LexError(f"{name}: {word or 'is not allowed to be ' + ('unset' if value is None else 'empty')}")
            return value or ""
        if not cuts:
            raise _LexError(f"unsupported modifier ({written}) in substitution")
        greedy = word.startswith(modifier)
        cut = trim_suffix if modifier == "%" else trim_prefix
        return cut(word[greedy:], value or "", greedy)

    def _replace(self, name: str) -> str:
        everywhere = self._peek() == "/"
        self.at += everywhere
        pattern = self._word("/", "syntax error: missing '/' in ${}", True, True)
        replacement = self._word("}", "syntax error: missing '}'", True, False)
        value = self._value(name)
        if value is None and self.keep_unset:
            return f"${{{name}/{pattern}/{replacement}}}"
        if everywhere and (len(value or "") + 1) * len(replacement) > _LARGEST_REPLACEMENT:
            self._bring(LONGEST + 1)
        replaced = replace(pattern, value or "", replacement, everywhere)
        self._bring(len(replaced))
        return replaced
