"""The contents of a layer that was read by its table of contents: its files' pieces are fetched when they are asked for.

Every piece is hashed to what the table says of it. Pieces that lie near each other are fetched together.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, Protocol

from xxhash import xxh3_128

from msbtui.errors import TargetError
from msbtui.image.compress import CHUNK, BufferReader, open_layer
from msbtui.image.facts import DIGEST_SIZE, FactsCollector, StoredContents
from msbtui.image.keep import CONFIG, SCRIPT, is_secret, rule_for
from msbtui.image.model import ElfFacts, Kind
from msbtui.image.secret import is_looked_at, looked_at
from msbtui.image.tar import Stream
from msbtui.image.toc import DEEPEST, Chunk, Toc
from msbtui.regex import regex

_TOGETHER: Final = 8 << 20
"""Bytes that are fetched at once at most, where one piece is not longer."""
_GAP: Final = 32 << 10
"""Bytes between two pieces that cost less than a request of their own."""
_LEAST_ELF: Final = 52
_REMEMBERED: Final = 4 << 20
_OFTEN: Final = 8
"""Programs of a layer that are asked for one by one before the others are fetched with the next."""
_MANY: Final = 16
"""Digests of a layer's files that are asked for one by one before all small files are fetched with the next."""
_PROGRAM_NAME: Final = regex(r".*\.(?:so|o|a|ko|node|debug|dwp|dll|pyd|elf|bin|out)(?:\.[\w.]*)?", re.DOTALL)
_WHOLE: Final = "--verify-digests reads whole layers"


class Source(Protocol):
    """Where the stored layer lies."""

    where: str
    """Names it in errors."""

    def open(self, start: int, end: int) -> Stream:
        """Give the stored bytes from `start` up to `end`; fewer are an error of its own."""
        ...


class _Window:
    """Pieces of the stored layer, those of a plan fetched some at a time."""

    def __init__(self, source: Source, wanted: Iterable[Chunk]) -> None:
        self._source = source
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start, end in sorted({(one.start, one.end) for one in wanted if one.digest}):
            if self._ends and start - self._ends[-1] <= _GAP and end - self._starts[-1] <= _TOGETHER:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._starts.append(start)
                self._ends.append(end)
        self._at = self._end = 0
        self._data = b""
        self._plain_at = -1
        self._plain = b""

    def pieces(self, chunk: Chunk) -> Iterator[bytes]:
        """Give the content of a chunk, unpacked and checked. Raises `TargetError` for another than the table says."""
        if not chunk.digest:
            left = chunk.size
            while left:
                yield bytes(min(left, CHUNK))
                left -= min(left, CHUNK)
            return
        hashing, left, skip = hashlib.sha256(), chunk.size, chunk.inner
        stream = self._stream(chunk)
        while left and (data := stream.read(CHUNK)):
            if skip:
                data, skip = data[skip:], max(skip - len(data), 0)
            data = data[:left]
            left -= len(data)
            hashing.update(data)
            if data:
                yield data
        if left or f"sha256:{hashing.hexdigest()}" != chunk.digest:
            raise TargetError(
                f"the bytes {chunk.start} to {chunk.end} of {self._source.where} do not hold what its table of contents says",
                hint="the layer is damaged or lies: --verify-digests reads the whole of it",
            )

    def _stream(self, chunk: Chunk) -> Stream:
        if self._plain_at == chunk.start and chunk.inner + chunk.size <= len(self._plain):
            return BufferReader(self._plain)
        if chunk.end - chunk.start > _TOGETHER:
            return open_layer(self._source.open(chunk.start, chunk.end), where=self._source.where)
        if not self._at <= chunk.start <= chunk.end <= self._end:
            place = bisect_right(self._starts, chunk.start) - 1
            planned = place >= 0 and chunk.end <= self._ends[place]
            self._at, self._end = (self._starts[place], self._ends[place]) if planned else (chunk.start, chunk.end)
            self._data = _all(self._source.open(self._at, self._end), self._end - self._at)
        stored = memoryview(self._data)[chunk.start - self._at : chunk.end - self._at]
        stream = open_layer(stored, where=self._source.where)
        if chunk.inner and chunk.inner + chunk.size <= DEEPEST:
            self._plain_at, self._plain = chunk.start, _all(stream, DEEPEST)
            return BufferReader(self._plain)
        return stream


def _all(stream: Stream, limit: int) -> bytes:
    parts = []
    while limit and (data := stream.read(min(limit, CHUNK))):
        parts.append(data)
        limit -= len(data)
    return b"".join(parts)


class PartContents(StoredContents):
    """What is known of a layer's contents (`Contents`), and what its table of contents lets us fetch.

    `load` gives the table, which is at hand or fetched again; `known` is what was gathered before. Where a program is, is told
    by its mode and name: the first bytes of every other file would be the whole layer. Fetching raises `TargetError`,
    `Cancelled`.
    """

    def __init__(self, toc: Toc | None, load: Callable[[], Toc], source: Source, known: StoredContents, *, key: str = "") -> None:
        index = known.index
        super().__init__(
            index,
            bytearray(known.digests).ljust(DIGEST_SIZE * len(index), b"\0"),
            dict(known.elves),
            dict(known.texts),
            complete=False,
            plain=known.plain,
            secrets=dict(known.secrets),
        )
        self.key = key
        self.has_learned = False
        """Whether there is something to keep that was not kept before."""
        self._toc = toc
        self._load = load
        self._source = source
        self._asked_one_by_one = 0
        self._digests_asked = 0
        self._remembered: dict[int, bytes] = {}

    @property
    def secrets_are_known(self) -> bool:
        """Whether every file that may hold a secret by its name was looked at: `prefetch` did."""
        return True

    def prefetch(self) -> None:
        """Fetch the small files that analysis always asks for: package databases, manifests, what may be a secret."""
        index = self.index
        wanted = set(looked_at(index.paths))
        for entry, path in enumerate(index.paths):
            rule = rule_for(path) if index.kinds[entry] == Kind.FILE else None
            if rule is not None and (index.sizes[entry] <= rule.limit or rule.head):
                wanted.add(entry)
        self._fetch(entry for entry in wanted if index.kinds[entry] == Kind.FILE and index.sizes[entry])
        self.has_learned = True

    def fetch_all(self) -> None:
        """Fetch every file, so that nothing is left to be asked for."""
        self._fetch(entry for entry, kind in enumerate(self.index.kinds) if kind == Kind.FILE)

    def digest(self, entry: int) -> str | None:
        """Give the hash of the file's content in hexadecimal, or None where it is no file."""
        known = super().digest(entry)
        file = self._links.file(entry)
        if known is not None or file is None:
            return known
        self._digests_asked += 1
        if self._digests_asked == _MANY:
            # Whole copies are compared file by file: the small ones come together then.
            sizes, kinds = self.index.sizes, self.index.kinds
            self._fetch(n for n, kind in enumerate(kinds) if kind == Kind.FILE and sizes[n] <= SCRIPT.limit)
            if (known := super().digest(entry)) is not None:
                return known
        hashing = xxh3_128()
        for data in self._content(file):
            hashing.update(data)
        self._keep(file, hashing.digest())
        return hashing.hexdigest()

    def elf(self, entry: int) -> ElfFacts | None:
        """Give the ELF facts, or None where it is no ELF file or does not look like one from outside."""
        file = self._links.file(entry)
        if file is None:
            return None
        if not self.known_elf(file) and self._may_be_program(file):
            self._asked_one_by_one += 1
            self._fetch(self._unknown() if self._asked_one_by_one > _OFTEN else (file,))
        return self.elves.get(file)

    def text(self, entry: int, limit: int = 1 << 20) -> bytes | None:
        """Give at most `limit` bytes from the start of the file, or None where it is no file."""
        file = self._links.file(entry)
        if file is None or limit < 0:
            return None
        wanted = min(limit, self.index.sizes[file])
        for known in (super().text(file, limit), self._remembered.get(file)):
            if known is not None and len(known) >= wanted:
                return known[:limit]
        if wanted <= SCRIPT.limit and self.index.sizes[file] <= SCRIPT.limit:
            self._fetch((file,))
            if (kept := super().text(file, limit)) is not None:
                return kept
        parts, left = [], wanted
        chunks = self._table().chunks[file] if wanted else ()
        window = _Window(self._source, chunks)
        for chunk in chunks:
            if not left:
                break
            for data in window.pieces(chunk):  # to its end, where it is checked
                parts.append(data[:left])
                left -= len(parts[-1])
        text = b"".join(parts)
        path = self.index.paths[file]
        if len(text) == self.index.sizes[file] <= CONFIG.limit and not is_looked_at(path) and not is_secret(path, text, CONFIG):
            # Who asked once asks again, and then the table would have to be fetched for it.
            self._texts, self.has_learned = {**self.texts, file: text}, True
        elif sum(map(len, self._remembered.values())) + len(text) <= _REMEMBERED:
            self._remembered[file] = text
        return text

    def programs(self) -> list[int]:
        """Give the files that are ELF files, as far as their mode or name lets them be programs; in order."""
        self._fetch(self._unknown())
        return sorted(self.elves)

    def known_elf(self, file: int) -> bool:
        """Tell whether it is settled what `elf` says of this file."""
        return file in self.elves or file in self.plain

    def _unknown(self) -> list[int]:
        kinds = self.index.kinds
        files = [entry for entry, kind in enumerate(kinds) if kind == Kind.FILE and not self.known_elf(entry)]
        return [entry for entry in files if self._may_be_program(entry)]

    def _may_be_program(self, file: int) -> bool:
        index = self.index
        if index.sizes[file] < _LEAST_ELF:
            return False
        return bool(index.modes[file] & 0o111) or _PROGRAM_NAME.fullmatch(index.paths[file]) is not None

    def _table(self) -> Toc:
        if self._toc is None:
            toc = self._load()
            if toc.entries.paths != self.index.paths or toc.entries.sizes != self.index.sizes:
                raise TargetError("its table of contents is another than before", where=self._source.where, hint=_WHOLE)
            self._toc = toc
        return self._toc

    def _content(self, file: int) -> Iterator[bytes]:
        chunks = self._table().chunks[file] if self.index.sizes[file] else ()
        window = _Window(self._source, chunks)
        for chunk in chunks:
            yield from window.pieces(chunk)

    def _fetch(self, entries: Iterable[int]) -> None:
        """Fetch files and gather their facts, as a `FactsCollector` does where a layer streams by."""
        wanted = sorted(entry for entry in entries if not self._is_gathered(entry))
        if not wanted:
            return
        chunks = self._table().chunks
        window = _Window(self._source, (chunk for entry in wanted for chunk in chunks[entry]))
        collector = FactsCollector()
        for entry in wanted:
            collector.begin(entry, self.index.paths[entry], self.index.sizes[entry])
            for chunk in chunks[entry]:
                for data in window.pieces(chunk):
                    collector.feed(memoryview(data))
            collector.end()
        collector.finish(self.index, None)
        self._take(collector.contents(), wanted)

    def _is_gathered(self, entry: int) -> bool:
        return (entry in self.elves or entry in self.plain) or not self.index.sizes[entry]

    def _take(self, found: StoredContents, entries: Sequence[int]) -> None:
        self._elves = {**self.elves, **found.elves}
        self._texts = {**self.texts, **found.texts}
        self.secrets = {**self.secrets, **found.secrets}
        self.plain = self.plain | {entry for entry in entries if entry not in found.elves}
        for entry in entries:
            self._keep(entry, bytes(found.digests[entry * DIGEST_SIZE : (entry + 1) * DIGEST_SIZE]))

    def _keep(self, file: int, digest: bytes) -> None:
        assert isinstance(self.digests, bytearray)
        self.digests[file * DIGEST_SIZE : (file + 1) * DIGEST_SIZE] = digest
        self.has_learned = True
