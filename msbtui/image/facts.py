"""What is known of the contents of a layer's files: gathered while the layer streams by, or read at need from its archive."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from mmap import mmap
from typing import Final

from xxhash import xxh3_128, xxh3_128_digest

from msbtui.image.elf import MAGIC, STRINGS_LIMIT, elf_facts
from msbtui.image.hardlinks import HardLinks
from msbtui.image.heads import Heads
from msbtui.image.keep import LOOKED_AT, SCRIPT, TEXT_BUDGET, Rule, is_secret, rule_for
from msbtui.image.model import ElfFacts, Kind, LayerIndex
from msbtui.image.pages import release_pages
from msbtui.image.secret import PEM_HEAD, is_looked_at, looked_at, secret_in

DIGEST_SIZE: Final = 16
"""Bytes of a file's hash (xxh3, 128 bits)."""
_NO_DIGEST: Final = bytes(DIGEST_SIZE)
_EMPTY: Final = xxh3_128(b"").hexdigest()
_MOST_BUFFERED: Final = 160 << 20
"""Bytes up to which an ELF file in a stream is held whole; of a larger one the part that is searched."""
_EDGE: Final = 256
"""Bytes from the start and from the end of a file that `MappedContents.edge` looks at."""
_SHEBANG: Final = b"#!"


class StoredContents:
    """What was gathered of one layer's contents (`Contents`), to be kept and sent.

    Digests stand one after the other, 16 zeros where none is known. ELF facts and texts may come as functions, which are
    called when they are first needed. `complete` says that every file was looked at; `plain` names files that were found
    to be no ELF file where not every file was looked at. `searched` says of such a layer which files begin as ELF files do,
    once the first bytes of all were looked at; `secrets` is whole then. None: they were not.
    """

    def __init__(
        self,
        index: LayerIndex,
        digests: bytes | bytearray = b"",
        elves: Mapping[int, ElfFacts] | Callable[[], Mapping[int, ElfFacts]] = {},  # noqa: B006
        texts: Mapping[int, bytes] | Callable[[], Mapping[int, bytes]] = {},  # noqa: B006
        *,
        complete: bool = True,
        plain: frozenset[int] = frozenset(),
        secrets: Mapping[int, str] = {},
        searched: frozenset[int] | None = None,
        edges: Mapping[int, bytes] = {},
    ) -> None:
        self.index = index
        self.digests = digests
        self.complete = complete
        self.plain = plain
        self.searched = searched
        self.edges = edges
        """What `MappedContents.edge` said, by the number of the file's entry."""
        self.secrets = secrets
        """By the number of the file's entry what secret it holds (`msbtui.image.secret`); where not complete, some of them."""
        self._elves = elves
        self._texts = texts
        self._links = HardLinks(index)

    @property
    def secrets_are_known(self) -> bool:
        """Whether every file that may hold a secret by its name was looked at."""
        return self.complete

    @property
    def elves(self) -> Mapping[int, ElfFacts]:
        """ELF facts by the number of the file's entry."""
        if callable(self._elves):
            self._elves = self._elves()
        return self._elves

    @property
    def texts(self) -> Mapping[int, bytes]:
        """Kept texts by the number of the file's entry."""
        if callable(self._texts):
            self._texts = self._texts()
        return self._texts

    def digest(self, entry: int) -> str | None:
        """Give the hash of the file's content in hexadecimal, or None where it is not known or no file."""
        file = self._links.file(entry)
        if file is None or file in self.index.logical:
            return None
        return self.digest_of_file(file)

    def digest_of_file(self, file: int) -> str | None:
        """Give what `digest` gives, for who knows that it is a file and no sparse one."""
        if not self.index.sizes[file]:
            return _EMPTY
        known = self.digests[file * DIGEST_SIZE : (file + 1) * DIGEST_SIZE]
        return known.hex() if known and known != _NO_DIGEST else None

    def digests_of(self, entries: Iterable[int]) -> list[str | None]:
        """Give for each entry what `digest` gives."""
        return list(map(self.digest, entries))

    def elf(self, entry: int) -> ElfFacts | None:
        """Give the ELF facts, or None where it is no ELF file or not known."""
        file = self._links.file(entry)
        return None if file is None else self.elves.get(file)

    def text(self, entry: int, limit: int = 1 << 20) -> bytes | None:
        """Give at most `limit` bytes from the start of the file, or None where it was not kept.

        Of a large file less may have been kept than it holds (`msbtui.image.keep`).
        """
        file = self._links.file(entry)
        if file is None or file in self.index.logical or limit < 0:
            return None
        if not self.index.sizes[file]:
            return b""
        text = self.texts.get(file)
        return None if text is None else text[:limit]

    def programs(self) -> list[int]:
        """Give the files that are ELF files, as far as known, in order."""
        return sorted(self.elves)

    def known_elf(self, file: int) -> bool:
        """Tell whether it is settled what `elf` says of this file."""
        if self.complete or (self.searched is not None and file not in self.searched):
            return True
        return file in self.plain or file in self.elves


class MappedContents:
    """The contents of one layer (`Contents`), read at need from its uncompressed archive in memory or in a memory map.

    `known` is what was gathered before of the same archive; it is asked first. `key` is what the cache knows the archive by,
    `heads` what was seen of its files' first bytes when it was indexed.
    """

    def __init__(
        self,
        buffer: bytes | bytearray | memoryview | mmap,
        index: LayerIndex,
        known: StoredContents | None = None,
        *,
        key: str = "",
        heads: Heads | None = None,
    ) -> None:
        self.key = key
        self._buffer = buffer
        self._index = index
        self._known = known
        self._links = HardLinks(index)
        self._digests: dict[int, bytes] = {}
        self._elves: dict[int, ElfFacts | None] = {}
        self._edges: dict[int, bytes] = {}
        self._asked: set[int] = set()
        self._secrets: Mapping[int, str] | None = None
        self._heads = heads
        if known is not None and known.searched is not None:
            self._secrets, self._heads = known.secrets, Heads(sorted(known.searched))

    @property
    def has_learned(self) -> bool:
        """Whether there is something to keep that was not kept before."""
        known = self._known
        searched = self._heads is not None and self._secrets is not None and (known is None or known.searched is None)
        return known is None or searched or bool(self._digests or self._edges or self._elves or self._asked)

    def digest(self, entry: int) -> str | None:
        """Give the hash of the file's content in hexadecimal, or None where it is no file (or a sparse one)."""
        return self.digests_of((entry,))[0]

    def digests_of(self, entries: Iterable[int]) -> list[str | None]:
        """Give for each entry what `digest` gives; asked of ten thousands of files."""
        index, known, digests = self._index, self._known, self._digests
        kinds, logical, offsets, sizes = index.kinds, index.logical, index.offsets, index.sizes
        regular, found = int(Kind.FILE), list[str | None]()
        for entry in entries:
            file = entry if kinds[entry] == regular and entry not in logical else self._file(entry)
            if file is None:
                found.append(None)
            elif known is not None and (kept := known.digest_of_file(file)) is not None:
                found.append(kept)
            else:
                own = digests.get(file)
                if own is None:
                    start = offsets[file]
                    with memoryview(self._buffer) as view, view[start : start + sizes[file]] as piece:
                        own = digests[file] = xxh3_128_digest(piece)
                found.append(own.hex())
        return found

    def edge(self, entry: int) -> bytes | None:
        """Give a hash of the file's first and last bytes, or None where it is no file (or a sparse one).

        Two files of one size whose edges differ are different: what is large need not be read for that.
        """
        file = self._file(entry)
        if file is None:
            return None
        known = self._edges.get(file) or (self._known.edges.get(file) if self._known is not None else None)
        if known is None:
            start, end = self._index.offsets[file], self._index.offsets[file] + self._index.sizes[file]
            head, tail = self._buffer[start : min(start + _EDGE, end)], self._buffer[max(end - _EDGE, start) : end]
            known = self._edges[file] = xxh3_128_digest(bytes(head) + bytes(tail))
        return known

    def elf(self, entry: int) -> ElfFacts | None:
        """Give the ELF facts, or None where it is no ELF file."""
        file = self._file(entry)
        if file is None:
            return None
        if self._known is not None and self._known.known_elf(file):
            return self._known.elf(file)
        if file not in self._elves:
            start, size = self._index.offsets[file], self._index.sizes[file]
            if size < len(MAGIC) or self._buffer[start : start + len(MAGIC)] != MAGIC:
                self._elves[file] = None
            else:
                with memoryview(self._buffer) as view, self._piece(view, file, size) as data:
                    self._elves[file] = elf_facts(data)
        return self._elves[file]

    def programs(self) -> list[int]:
        """Give the files that begin as ELF files do, in order."""
        known = self._known
        return known.programs() if known is not None and known.complete else self._look().elves

    def _look(self) -> Heads:
        if self._heads is None:
            self._heads = Heads()
            self._heads.look(self._buffer, self._index)
            if isinstance(self._buffer, memoryview):
                release_pages(self._buffer)
        return self._heads

    def text(self, entry: int, limit: int = 1 << 20) -> bytes | None:
        """Give at most `limit` bytes from the start of the file, or None where it is no file (or a sparse one)."""
        file = self._file(entry)
        if file is None or limit < 0:
            return None
        size = min(limit, self._index.sizes[file])
        known = self._known.text(file, limit) if self._known is not None else None
        if known is not None and len(known) >= size:
            return known
        self._asked.add(file)
        with memoryview(self._buffer) as view:
            return bytes(self._piece(view, file, size))

    @property
    def secrets(self) -> Mapping[int, str]:
        """What secrets files hold, by the number of the file's entry; worked out when first asked for."""
        if self._known is not None and self._known.complete:
            return self._known.secrets
        if self._secrets is None:
            index, buffer, found = self._index, self._buffer, dict[int, str]()
            for entry in sorted({*self._look().pems, *looked_at(index.paths)}):
                start, length = index.offsets[entry], min(index.sizes[entry], LOOKED_AT.limit)
                if length and entry not in index.logical:
                    what = secret_in(index.paths[entry], bytes(buffer[start : start + length]))
                    if what:
                        found[entry] = what
            self._secrets = found
        return self._secrets

    def gathered(self) -> StoredContents:
        """Give what was asked so far and what was known before, to be kept for a next look; what looks secret is left out."""
        known = self._known or StoredContents(self._index, complete=False)
        digests = bytearray(known.digests)
        for file, digest in sorted(self._digests.items()):
            digests.extend(bytes(max(file * DIGEST_SIZE - len(digests), 0)))
            digests[file * DIGEST_SIZE : (file + 1) * DIGEST_SIZE] = digest
        elves = {**known.elves, **{file: facts for file, facts in self._elves.items() if facts is not None}}
        plain = known.plain | {file for file, facts in self._elves.items() if facts is None}
        taker = _Texts(dict(known.texts))
        with memoryview(self._buffer) as view:
            for file in sorted(self._asked):
                size = self._index.sizes[file]
                rule = taker.rule(self._index.paths[file], size, bytes(self._piece(view, file, min(size, 4))))
                if rule is not None:
                    taker.take(file, self._index.paths[file], bytes(self._piece(view, file, min(size, rule.limit))), rule)
        searched = known.searched
        secrets = self.secrets if known.complete else {**known.secrets, **taker.secrets}
        if searched is None and self._heads is not None and self._secrets is not None:
            searched, secrets = frozenset(self._heads.elves), dict(self._secrets)
        return StoredContents(
            self._index,
            bytes(digests),
            elves,
            taker.texts,
            complete=known.complete,
            plain=plain if searched is None else plain & searched,
            secrets=secrets,
            searched=searched,
            edges={**known.edges, **self._edges},
        )

    def gather(self) -> StoredContents:
        """Read every file, and give the same facts that a `FactsCollector` gathers from a stream."""
        collector = FactsCollector()
        with memoryview(self._buffer) as view:
            for entry, kind in enumerate(self._index.kinds):
                size = self._index.sizes[entry]
                if kind == Kind.FILE and size and entry not in self._index.logical:
                    with self._piece(view, entry, size) as data:
                        collector.file(entry, self._index.paths[entry], data)
        collector.finish(self._index, None)
        return collector.contents()

    def _file(self, entry: int) -> int | None:
        file = self._links.file(entry)
        return None if file is None or file in self._index.logical else file

    def _piece(self, view: memoryview, file: int, size: int) -> memoryview:
        start = self._index.offsets[file]
        return view[start : start + size]


class _Texts:
    """The kept texts of one layer, within their budgets."""

    def __init__(self, texts: dict[int, bytes]) -> None:
        self.texts = texts
        self.secrets: dict[int, str] = {}
        self._left = {False: TEXT_BUDGET, True: TEXT_BUDGET}

    def rule(self, path: str, size: int, head: bytes) -> Rule | None:
        """Give how much of a file of `size` bytes that begins with `head` is kept, or None."""
        rule = rule_for(path)
        if rule is None and head[:2] == _SHEBANG:
            rule = SCRIPT
        if rule is not None and ((size > rule.limit and not rule.head) or self._left[rule.database] < min(size, rule.limit)):
            rule = None
        if rule is None and (head[: len(PEM_HEAD)] == PEM_HEAD or is_looked_at(path)):
            rule = LOOKED_AT
        return rule

    def take(self, entry: int, path: str, body: bytes, rule: Rule) -> None:
        """Keep the text, unless it looks secret; of a secret keep what it is."""
        if rule.flagged or body.startswith(PEM_HEAD) or is_looked_at(path):
            what = secret_in(path, body)
            if what:
                self.secrets[entry] = what
        if not rule.flagged and not is_secret(path, body, rule):
            self.texts[entry] = body
            self._left[rule.database] -= len(body)


class FactsCollector:
    """Gathers the facts of one layer as its archive streams by (a `Sink` of `index_stream`); then `contents` gives them."""

    def __init__(self) -> None:
        self._digests = bytearray()
        self._elves: dict[int, ElfFacts] = {}
        self._texts = _Texts({})
        self._index: LayerIndex | None = None
        self._entry = 0
        self._path = ""
        self._size = 0
        self._hash = xxh3_128()
        self._buffer = bytearray()
        self._wanted = 0
        self._decided = False
        self._rule: Rule | None = None

    def file(self, entry: int, path: str, data: memoryview) -> None:
        """Take a file that is whole in memory."""
        self._keep_digest(entry, xxh3_128_digest(data))
        head = bytes(data[:4])
        if head == MAGIC:
            facts = elf_facts(data)
            if facts is not None:
                self._elves[entry] = facts
            return
        rule = self._texts.rule(path, len(data), head)
        if rule is not None:
            self._texts.take(entry, path, bytes(data[: rule.limit]), rule)

    def begin(self, entry: int, path: str, size: int) -> None:
        """Take note of a file that comes in pieces."""
        self._entry, self._path, self._size = entry, path, size
        self._hash.reset()
        self._buffer.clear()
        self._wanted, self._decided, self._rule = len(MAGIC), False, None

    def feed(self, data: memoryview) -> None:
        """Take a piece."""
        self._hash.update(data)
        taken = self._buffer_more(data)
        if not self._decided and len(self._buffer) >= min(len(MAGIC), self._size):
            self._decided = True
            if self._buffer == MAGIC:
                self._wanted = self._size if self._size <= _MOST_BUFFERED else STRINGS_LIMIT
            else:
                self._rule = self._texts.rule(self._path, self._size, bytes(self._buffer))
                self._wanted = self._rule.limit if self._rule is not None else 0
            self._buffer_more(data[taken:])

    def end(self) -> None:
        """The file is complete."""
        self._keep_digest(self._entry, self._hash.digest())
        if self._rule is not None:
            self._texts.take(self._entry, self._path, bytes(self._buffer), self._rule)
        elif self._buffer[: len(MAGIC)] == MAGIC:
            with memoryview(self._buffer) as view:
                facts = elf_facts(view)
            if facts is not None:
                self._elves[self._entry] = facts
        self._buffer = bytearray()

    def finish(self, index: LayerIndex, kept: Sequence[int] | None) -> None:
        """Take the index; rename the files as `kept` says."""
        self._index = index
        if kept is None:
            return
        old = bytes(self._digests)
        digests = (old[n * DIGEST_SIZE : (n + 1) * DIGEST_SIZE] or _NO_DIGEST for n in kept)
        self._digests = bytearray(b"".join(digests))
        self._elves = {new: self._elves[n] for new, n in enumerate(kept) if n in self._elves}
        self._texts.texts = {new: self._texts.texts[n] for new, n in enumerate(kept) if n in self._texts.texts}
        self._texts.secrets = {new: self._texts.secrets[n] for new, n in enumerate(kept) if n in self._texts.secrets}

    def contents(self) -> StoredContents:
        """Give the facts; only after the whole layer was read."""
        if self._index is None:
            raise ValueError("the layer is not read yet")
        return StoredContents(self._index, bytes(self._digests), self._elves, self._texts.texts, secrets=self._texts.secrets)

    def _keep_digest(self, entry: int, digest: bytes) -> None:
        missing = entry * DIGEST_SIZE - len(self._digests)
        if missing:
            self._digests.extend(bytes(missing))
        self._digests += digest

    def _buffer_more(self, data: memoryview) -> int:
        """Put as much of `data` into the buffer as is wanted; give how much that was."""
        taken = min(len(data), max(self._wanted - len(self._buffer), 0))
        if taken:
            self._buffer += data[:taken]
        return taken
