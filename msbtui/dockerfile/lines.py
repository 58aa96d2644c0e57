"""The line pass: physical lines to logical ones, with their places (frontend/dockerfile/parser/parser.go, Parse)."""

from __future__ import annotations

import bisect
from collections.abc import Callable

import msgspec

from msbtui.dockerfile.directives import DirectiveError, DirectiveReader
from msbtui.dockerfile.gotext import SPACE, clean, trim
from msbtui.dockerfile.heredoc import Opening
from msbtui.dockerfile.model import Problem, Span

MAX_LINE = 65536
"""Bytes that a line must be shorter than, without its line end (bufio.MaxScanTokenSize)."""


class Body(msgspec.Struct, frozen=True):
    """A here-document's opening with its text as it stands in the file."""

    opening: Opening
    text: str
    span: Span


class LogicalLine(msgspec.Struct):
    """One instruction's lines. `text` is the logical line, `source` what stands in the file from its first word on."""

    text: str
    span: Span
    source: str
    column: int
    comments: tuple[str, ...] = ()
    bodies: tuple[Body, ...] = ()
    empty_continuation: int = 0
    """Last line of an instruction with empty lines inside, else 0."""
    problem: str = ""


class Lines(msgspec.Struct):
    """What the line pass found."""

    lines: list[LogicalLine]
    problems: list[Problem]
    escape: str = "\\"
    directives: dict[str, str] = {}


def continues(line: str, escape: str) -> str | None:
    """Give a line without its continuation character, or None where it does not continue.

    The rule is BuildKit's expression (setEscapeToken): the last character but spaces and tabs, not itself escaped.
    """
    bare = line.rstrip(" \t")
    if not bare.endswith(escape) or bare[-2:-1] == escape:
        return None
    return bare[:-1]


def read_lines(source: str, heredocs: Callable[[str, str], list[Opening]], *, mark: int = 0) -> Lines:
    """Cut a Dockerfile's text into logical lines. Never raises; what BuildKit refuses stands in `problems`.

    `mark` is the size in bytes of the byte order mark that stood before the text: the first line's limit counts it.
    `heredocs(line, escape)` says which here-documents a logical line opens; its ValueError becomes the line's problem.
    """
    return _LinePass(source, heredocs, mark).run()


class _LinePass:
    def __init__(self, source: str, heredocs: Callable[[str, str], list[Opening]], mark: int) -> None:
        self.raw = source.split("\n")
        if self.raw[-1] == "":
            self.raw.pop()
        self.heredocs = heredocs
        self.offsets = self._offsets(source, mark)
        self.reader = DirectiveReader()
        self.out = Lines([], [], directives={})
        self.comments: list[str] = []
        self.ends: dict[bool, dict[str, list[int]]] = {}
        self.at = 0

    def _offsets(self, source: str, mark: int) -> list[int]:
        """Give the byte offset of each line's start; a line over the limit ends the file, as it does for BuildKit."""
        offsets = [0]
        ascii_only = source.isascii()
        for number, line in enumerate(self.raw):
            size = len(line) if ascii_only else len(line.encode("utf-8", "surrogateescape"))
            if size + (0 if number else mark) >= MAX_LINE:
                self.too_long = number
                break
            offsets.append(offsets[-1] + size + 1)
        else:
            self.too_long = -1
        return offsets

    def run(self) -> Lines:
        if self.too_long >= 0:
            del self.raw[self.too_long :]
            message = f"dockerfile line greater than max allowed size of {MAX_LINE - 1}"
            self.out.problems.append(Problem(message, self.too_long + 1, 1))
        while self.at < len(self.raw):
            self._logical()
        return self.out

    def _directive(self, line: str) -> bool:
        try:
            found = self.reader.read(line)
        except DirectiveError as error:
            self.out.problems.append(Problem(str(error), self.at + 1, 1))
            return False
        if found is None:
            return False
        name, value = found
        if name == "escape" and value not in ("`", "\\"):
            message = clean(f"invalid escape token '{value}' does not match ` or \\")
            self.out.problems.append(Problem(message, self.at + 1, 1, hint="use ` or \\"))
            return True
        if name == "escape":
            self.out.escape = value
        self.out.directives[name] = value
        return True

    def _logical(self) -> None:
        first = self.at
        whole = self.raw[first].rstrip("\r")
        line = whole.lstrip(SPACE)
        directive = not self.reader.done and self._directive(line)
        self.at += 1
        if line.startswith("#"):
            comment = trim(whole[1:])
            if not comment:
                self.comments.clear()
            elif not directive:
                self.comments.append(comment)
            return
        head = continues(line, self.out.escape)
        if head is None and not line:
            return
        pieces = [line if head is None else head]
        empty = False
        while head is not None and self.at < len(self.raw):
            following = self.raw[self.at].rstrip("\r")
            if not self.reader.done:
                self._directive(following)
            self.at += 1
            bare = following.lstrip(SPACE)
            if not bare:
                empty = True
                continue
            if bare.startswith("#"):
                continue
            head = continues(following, self.out.escape)
            pieces.append(following if head is None else head)
        self._finish(first, len(whole) - len(line), "".join(pieces), empty)

    def _finish(self, first: int, indent: int, text: str, empty: bool) -> None:
        if not text.isascii():
            # A continuation may have cut a character in two.
            text = text.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
        bodies: list[Body] = []
        problem = ""
        line_end = self.at
        try:
            for opening in self.heredocs(text, self.out.escape) if "<<" in text else ():
                body = self._body(opening)
                if body is None:
                    # BuildKit reads on to the end of the file; what follows is more useful to a person who is typing.
                    problem, self.at, bodies = "unterminated heredoc", line_end, []
                    break
                bodies.append(body)
        except ValueError as error:
            problem = str(error)
        last = self.at - 1
        start = self.offsets[first] + len(self.raw[first][:indent].encode())
        source = "\n".join(self.raw[first : last + 1])[indent:].rstrip("\r")
        size = len(source) if source.isascii() else len(source.encode("utf-8", "surrogateescape"))
        self.out.lines.append(
            LogicalLine(
                text,
                Span(first + 1, last + 1, start, start + size),
                source,
                indent + 1,
                tuple(self.comments),
                tuple(bodies),
                line_end if empty else 0,
                problem,
            )
        )
        self.comments.clear()

    def _body(self, opening: Opening) -> Body | None:
        first = self.at
        ends = self._ends(opening.strip_tabs).get(opening.name, [])
        found = bisect.bisect_left(ends, first)
        if found == len(ends):
            return None
        number = ends[found]
        self.at = number + 1
        text = "".join(f"{line}\n" for line in self.raw[first:number])
        return Body(opening, text, Span(first + 1, max(number, first + 1), self.offsets[first], self.offsets[number]))

    def _ends(self, strip_tabs: bool) -> dict[str, list[int]]:
        """Give the numbers of the lines by their text, so that many here-documents do not search the file again and again."""
        if strip_tabs not in self.ends:
            index: dict[str, list[int]] = {}
            for number, line in enumerate(self.raw):
                line = line.rstrip("\r")
                index.setdefault(line.lstrip("\t") if strip_tabs else line, []).append(number)
            self.ends[strip_tabs] = index
        return self.ends[strip_tabs]
