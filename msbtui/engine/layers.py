"""Layers read from blobs: hashed while they stream, or by their headers alone where the file is plain and on disk."""

from __future__ import annotations

import hashlib
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable

import msgspec

from msbtui.engine import waiting
from msbtui.engine.outer import Readable
from msbtui.engine.store import Store
from msbtui.image.cache import LayerCache
from msbtui.image.compress import compression, open_layer
from msbtui.image.facts import FactsCollector, MappedContents, StoredContents
from msbtui.image.model import Contents, Image, LayerIndex
from msbtui.image.parts import PartContents
from msbtui.image.tar import filling, index_stream

_ZEROS = bytes(512)
_MOST_ZEROS = 128
"""Blocks of zeros that writers of tar put behind its end at most: `tar -b 128`."""


class Reading(msgspec.Struct):
    """What one blob turned out to be."""

    entries: LayerIndex
    contents: Contents
    diff_id: str
    """What the uncompressed bytes hash to; empty where they were not hashed."""
    digest: str
    """What the bytes as stored hash to."""
    size: int
    """Bytes as stored."""


def algorithm(digest: str) -> str:
    """Give the algorithm of a digest; that which everybody uses, where there is none."""
    return "sha512" if digest.startswith("sha512:") else "sha256"


class _Filling(ABC):
    """A stream that reads another, and fills buffers where the other can."""

    _fill: Callable[[memoryview], int] | None

    @property
    def fill(self) -> Callable[[memoryview], int] | None:
        """What fills a buffer, where the source can; None where it cannot."""
        return None if self._fill is None else self._filled

    @abstractmethod
    def _filled(self, buffer: memoryview, /) -> int:
        """Fill a buffer; give how many bytes, 0 at the end only. Only called where the source can."""


class Hashing(_Filling):
    """A stream that is hashed and counted while it is read: by the algorithm of the digest `like` (sha256 without one)."""

    def __init__(
        self,
        source: Readable,
        cancel: threading.Event | None = None,
        on_bytes: Callable[[int], None] | None = None,
        *,
        like: str = "",
    ) -> None:
        self._source = source
        self._algorithm = algorithm(like)
        self._hash = hashlib.new(self._algorithm)
        self._cancel = cancel
        self._on_bytes = on_bytes
        self._fill = filling(source)
        self.count = 0

    def read(self, size: int = -1, /) -> bytes:
        """Give at most `size` bytes. Raises `Cancelled`."""
        waiting.check(self._cancel)
        data = self._source.read(size)
        self._note(data)
        return data

    def _filled(self, buffer: memoryview, /) -> int:
        assert self._fill is not None
        waiting.check(self._cancel)
        size = self._fill(buffer)
        self._note(buffer[:size])
        return size

    def _note(self, data: bytes | memoryview) -> None:
        self._hash.update(data)
        self.count += len(data)
        if self._on_bytes is not None:
            self._on_bytes(self.count)

    @property
    def digest(self) -> str:
        """Give the digest of what was read so far."""
        return f"{self._algorithm}:{self._hash.hexdigest()}"

    def lacks_zeros(self, expected: str) -> bool:
        """Tell whether what was read, and zeros behind it, has the digest `expected`.

        Some writers of zstd:chunked (that of skopeo 1.9) leave out the zeros behind a tar's end.
        """
        if not expected or self.digest == expected:
            return False
        longer, wanted = self._hash.copy(), expected.partition(":")[2]
        for _ in range(_MOST_ZEROS):
            longer.update(_ZEROS)
            if longer.hexdigest() == wanted:
                return True
        return False

    def drain(self) -> None:
        """Read to the end."""
        while self.read(1 << 20):
            pass


class Peeked(_Filling):
    """A stream whose first bytes were looked at."""

    def __init__(self, source: Readable, size: int) -> None:
        self._source = source
        head = b""
        while len(head) < size and (data := source.read(size - len(head))):
            head += data
        self.head = head
        self._rest = head
        self._fill = filling(source)

    def read(self, size: int = -1, /) -> bytes:
        """Give at most `size` bytes, those looked at first."""
        if self._rest:
            wanted = len(self._rest) if size < 0 else size
            data, self._rest = self._rest[:wanted], self._rest[wanted:]
            return data
        return self._source.read(size)

    def _filled(self, buffer: memoryview, /) -> int:
        assert self._fill is not None
        if not self._rest:
            return self._fill(buffer)
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def read_stream(
    source: Readable,
    *,
    where: str,
    digest: str = "",
    diff_id: str = "",
    stored_only: bool = False,
    cancel: threading.Event | None = None,
    on_bytes: Callable[[int], None] | None = None,
) -> Reading:
    """Read one stored layer to its end: entries, contents, and what its bytes hash to, stored and unpacked.

    `digest` and `diff_id` are what is expected of them; here they only choose the algorithms (sha256 without them).
    `stored_only`: of a compressed layer only the bytes as stored are hashed, which takes a third of the time: for who knows
    their digest. `on_bytes` hears the stored bytes read so far. Raises `TargetError` that names `where`, and `Cancelled`.
    """
    stored = Hashing(source, cancel, on_bytes, like=digest)
    peeked = Peeked(stored, 8)
    packed = compression(peeked.head) != "plain"
    twice = packed or algorithm(digest) != algorithm(diff_id)  # plain bytes whose two digests are of two algorithms
    collector = FactsCollector()
    if packed and stored_only:
        entries = index_stream(open_layer(peeked, where=where), collector, where=where)
        stored.drain()
        return Reading(entries, collector.contents(), "", stored.digest, stored.count)
    plain = Hashing(open_layer(peeked, where=where), like=diff_id) if twice else stored
    entries = index_stream(plain if twice else peeked, collector, where=where)
    plain.drain()
    stored.drain()
    unpacked = diff_id if twice and plain.lacks_zeros(diff_id) else plain.digest
    return Reading(entries, collector.contents(), unpacked, stored.digest, stored.count)


class Keeper:
    """What is kept between runs: layers by diff id or blob digest, indexes of plain files by place, documents by digest."""

    def __init__(self, cache: LayerCache | None) -> None:
        self._cache = cache
        self._store = Store(cache.root if cache is not None else None)

    def layer(self, diff_id: str) -> tuple[LayerIndex, Contents] | None:
        """Give a layer whose bytes were once hashed to `diff_id`."""
        return self._cache.get(diff_id) if self._cache is not None else None

    def keep_layer(self, reading: Reading) -> None:
        """Keep a layer under what its bytes hashed to: unpacked, or as stored where only those were hashed."""
        if self._cache is not None:
            self._cache.put(reading.diff_id or _blob_key(reading.digest), reading.entries, reading.contents)

    def has_blob(self, digest: str) -> bool:
        """Say whether there may be a layer whose bytes as stored were once hashed to `digest`."""
        return self._cache is not None and self._cache.has(_blob_key(digest))

    def blob(self, digest: str) -> tuple[LayerIndex, Contents] | None:
        """Give a layer whose bytes as stored were once hashed to `digest`, whatever any configuration says of its diff id."""
        return self._cache.get(_blob_key(digest)) if self._cache is not None else None

    def entries(self, key: str) -> tuple[LayerIndex, StoredContents] | None:
        """Give the index of a plain layer in a file, and what was once asked of its contents, by file and place."""
        return self._cache.get(key) if self._cache is not None and key else None

    def keep_learned(self, image: Image) -> None:
        """Keep what was learned of layers of `image` that were not read whole: their indexes, and what was asked of them.

        To be called when an image was looked at; a next look then reads nothing of its layers.
        """
        for layer in image.layers:
            contents = layer.contents
            if isinstance(contents, PartContents) and contents.has_learned:
                self.keep_parts(contents)
            if self._cache is not None and isinstance(contents, MappedContents) and contents.key and contents.has_learned:
                self._cache.put(contents.key, layer.entries, contents)

    def keep_parts(self, contents: PartContents) -> None:
        """Keep what is known of a layer that was read by its table of contents, under the blob and the table."""
        if self._cache is not None and contents.key:
            self._cache.put(contents.key, contents.index, contents)
            contents.has_learned = False

    def layer_of(self, key: str) -> str | None:
        """Give the diff id that the blob or file under `key` was hashed to."""
        return self._store.layer_of(key)

    def link(self, key: str, diff_id: str) -> None:
        """Note that the blob or file under `key` was hashed to `diff_id`."""
        if key:
            self._store.link(key, diff_id)

    def document(self, digest: str) -> bytes | None:
        """Give a manifest or configuration by its digest."""
        return self._store.document(digest)

    def keep_document(self, data: bytes) -> None:
        """Keep a manifest or configuration."""
        self._store.keep(data)


def _blob_key(digest: str) -> str:
    """Give what the cache calls a layer of which the bytes as stored were hashed; no diff id reads so."""
    return f"blob:{digest}"


def keep_learned(image: Image, cache: LayerCache | None = None) -> None:
    """Keep what was learned of the plain layers of `image` in files; `cache` defaults to the user's. See `Keeper`."""
    Keeper(cache if cache is not None else LayerCache()).keep_learned(image)
