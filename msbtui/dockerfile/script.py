"""The shell script that a RUN holds, with the way back from its bytes to the instruction's source."""

from __future__ import annotations

import bisect

import msgspec

from msbtui.dockerfile.expand import ExpandError
from msbtui.dockerfile.gotext import SPACE
from msbtui.dockerfile.heredoc import opening
from msbtui.dockerfile.lines import continues
from msbtui.dockerfile.model import Instruction

SHELLS = frozenset({"sh", "bash", "dash", "ash", "busybox", "ksh", "zsh"})


class Script(msgspec.Struct, frozen=True):
    """A script's bytes. `starts` and `places` are parallel: from script byte starts[i] on, the source goes on at places[i]."""

    text: bytes
    starts: tuple[int, ...] = (0,)
    places: tuple[int, ...] = (0,)

    def place(self, at: int) -> int:
        """Give the byte offset in the instruction's source of a script byte."""
        piece = bisect.bisect_right(self.starts, at) - 1
        return self.places[piece] + at - self.starts[piece]

    def end(self, at: int) -> int:
        """Give the byte offset in the source where a range ends that ends before script byte `at`."""
        return self.place(at - 1) + 1 if at > 0 else self.place(0)


def script_of(instruction: Instruction, escape: str = "\\") -> Script | None:
    """Give the script of an instruction in shell form, or None where no sh reads it (a here-document for another program).

    Continuation characters, comment lines and empty lines are gone, as for the shell that runs it.
    """
    source = instruction.source
    pieces, rest = _head(source, escape)
    logical = "".join(text for text, _ in pieces)
    start = len(logical.rstrip(SPACE)) - len(instruction.value)
    if instruction.heredocs and _alone(instruction.value):
        heredoc = instruction.heredocs[0]
        at = heredoc.span.start - instruction.span.start
        body = _bytes(source)[at : heredoc.span.end - instruction.span.start].replace(b"\r\n", b" \n")
        first = body.partition(b"\n")[0].strip()
        if first.startswith(b"#!") and not _runs_shell(first.decode("utf-8", "replace")):
            return None
        return Script(body, (0,), (at,))
    builder = _Builder(source)
    skipped = 0
    end = start + len(instruction.value)
    for text, place in pieces:
        low, high = max(start - skipped, 0), min(end - skipped, len(text))
        if low < high:
            builder.add(text[low:high], place + low)
        skipped += len(text)
    if instruction.heredocs:
        builder.add(source[rest:].replace("\r\n", " \n"), rest)
    return builder.script()


class _Builder:
    def __init__(self, source: str) -> None:
        self.source = source
        self.plain = source.isascii()
        self.text = bytearray()
        self.starts: list[int] = []
        self.places: list[int] = []

    def add(self, text: str, place: int) -> None:
        self.starts.append(len(self.text))
        self.places.append(place if self.plain else len(_bytes(self.source[:place])))
        self.text += _bytes(text)

    def script(self) -> Script:
        if not self.starts:
            return Script(b"")
        return Script(bytes(self.text), tuple(self.starts), tuple(self.places))


def _head(source: str, escape: str) -> tuple[list[tuple[str, int]], int]:
    """Give the pieces of the logical line with their places in characters, and the place where its last line ends."""
    pieces: list[tuple[str, int]] = []
    at = 0
    while True:
        end = source.find("\n", at)
        end = len(source) if end < 0 else end
        line = source[at:end].rstrip("\r")
        bare = line.lstrip(SPACE)
        inside = bool(pieces)
        if not inside or (bare and not bare.startswith("#")):
            text = continues(line, escape)
            pieces.append((line if text is None else text, at))
            if text is None:
                return pieces, end
        if end >= len(source):
            return pieces, end
        at = end + 1


def _alone(value: str) -> bool:
    try:
        return opening(value) is not None
    except ExpandError:
        return False


def _runs_shell(shebang: str) -> bool:
    words = shebang[2:].split()
    if words and words[0].rpartition("/")[2] == "env":
        words = [word for word in words[1:] if not word.startswith("-")]
    return bool(words) and words[0].rpartition("/")[2] in SHELLS


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
