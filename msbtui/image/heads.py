"""The first bytes of a layer's files, looked at while they are at hand: which begin as ELF or as PEM files do."""

from __future__ import annotations

from collections.abc import Sequence
from mmap import mmap
from typing import Final

from msbtui.image.elf import MAGIC
from msbtui.image.model import LayerIndex
from msbtui.image.secret import PEM_HEAD

_LEAST: Final = 52
"""Bytes of an ELF header at least (System V gABI, `Elf32_Ehdr`); no PEM file is shorter either."""
_HEADS: Final = (MAGIC, PEM_HEAD)
_FIRST: Final = frozenset(head[0] for head in _HEADS)


class Heads:
    """What the first bytes of a layer's files say; entries in ascending order."""

    def __init__(self, elves: Sequence[int] = ()) -> None:
        self.elves = list(elves)
        self.pems: list[int] = []

    def look(self, buffer: bytes | bytearray | memoryview | mmap, index: LayerIndex, first: int = 0, base: int = 0) -> None:
        """Look at the files from entry `first` on in the archive that `buffer` holds from byte `base` on."""
        size = len(MAGIC)
        for entry, (start, length) in enumerate(zip(index.offsets[first:], index.sizes[first:], strict=True), first):
            start -= base
            # One byte first: a number is had sooner than a slice.
            if length >= _LEAST and buffer[start] in _FIRST and entry not in index.logical:
                head = buffer[start : start + size]
                if head in _HEADS:
                    (self.elves if head == MAGIC else self.pems).append(entry)

    def sort(self) -> None:
        """Put the numbers in order, after they came in several ways."""
        self.elves.sort()
        self.pems.sort()

    def renumber(self, kept: Sequence[int]) -> None:
        """Take note that the content of entry n is now what was that of entry `kept[n]`."""
        elves, pems = set(self.elves), set(self.pems)
        self.elves = [new for new, old in enumerate(kept) if old in elves]
        self.pems = [new for new, old in enumerate(kept) if old in pems]
