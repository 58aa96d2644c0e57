"""An image whose blobs lie in files on disk: from its configuration and blobs to layers, one after the other."""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO, Protocol

import msgspec

from msbtui.engine import waiting
from msbtui.engine.ahead import Ahead, Packed
from msbtui.engine.events import LayerRead, Opened, Progress
from msbtui.engine.history import layer_history
from msbtui.engine.layers import Hashing, Reading, algorithm
from msbtui.engine.manifest import Configuration, wrong_digest
from msbtui.engine.request import Request
from msbtui.errors import TargetError
from msbtui.image import fast
from msbtui.image.cache import file_stamp
from msbtui.image.compress import compression
from msbtui.image.facts import MappedContents
from msbtui.image.heads import Heads
from msbtui.image.model import Attestation, Contents, Image, Layer, LayerIndex
from msbtui.image.pages import release_pages
from msbtui.image.tar import index_layer
from msbtui.text import printable


class Blob(msgspec.Struct, frozen=True):
    """The bytes of one stored layer, mapped from a file."""

    name: str
    """What errors call it, printable."""
    data: memoryview
    key: str
    """Names these bytes for the cache: file, inode, size, time and place; empty where they cannot be named."""
    digest: str = ""
    """What the manifest says the stored bytes hash to; empty where it does not say."""
    place: tuple[str, int] | None = None
    """The file that holds these bytes, and where in it they begin."""

    @property
    def size(self) -> int:
        """Give the bytes as stored."""
        return len(self.data)


class KnownLayer(msgspec.Struct, frozen=True):
    """A stored layer that was read: it streamed by and was hashed, the cache has it, or its table of contents tells."""

    name: str
    """What errors call it, printable."""
    size: int
    """Bytes as stored."""
    digest: str
    """What the stored bytes hash to; empty where only the uncompressed ones were hashed."""
    diff_id: str
    """What the uncompressed bytes hash to."""
    entries: LayerIndex
    contents: Contents
    verified: bool = True
    """Whether its bytes were hashed to the diff id; not so of one that was read by its table of contents."""


class Pending(Protocol):
    """A stored layer that is still on its way."""

    @property
    def name(self) -> str:
        """Give what errors call it, printable."""
        ...

    @property
    def size(self) -> int:
        """Give the bytes as stored."""
        ...

    def start(self, diff_id: str) -> None:
        """Begin to read it; never waits."""
        ...

    def take(self, on_bytes: Callable[[int], None]) -> KnownLayer:
        """Wait for it. `on_bytes` hears, in this thread, the bytes so far of this and later ones. Raises `TargetError`."""
        ...


def map_file(file: BinaryIO) -> memoryview:
    """Give the file's bytes without reading them; the map lives as long as something of it is used."""
    size = os.fstat(file.fileno()).st_size
    return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)) if size else memoryview(b"")


def open_on_disk(
    name: str,
    image_id: str,
    config: Configuration,
    blobs: Sequence[Blob | KnownLayer | Pending],
    request: Request,
    *,
    source: str,
    where: str,
    attestation: Attestation | None = None,
) -> Image:
    """Give the image of `config` whose layers are `blobs`, the base first.

    Raises `TargetError` that names a blob that is damaged, and `Cancelled`.
    """
    if len(blobs) != len(config.diff_ids):
        raise TargetError(
            f"its manifest lists {len(blobs)} layers, its configuration {len(config.diff_ids)}",
            where=where,
            hint="the image is damaged; save or pull it again",
        )
    history = config.history
    on_event = request.on_event
    places, note = layer_history(history, len(blobs))
    image = Image(
        name=name, id=image_id, platform=config.platform, config=config.clean(), history=history, layers=[], source=source,
        created=printable(config.created or ""), notes=[note] if note else [],
        attestation=attestation,
    )  # fmt: skip
    on_event(Opened(image))
    total = sum(blob.size for blob in blobs)
    done = 0
    packed = _packed(blobs, config.diff_ids, request, where)
    for blob, diff_id in zip(blobs, config.diff_ids, strict=True):
        if not isinstance(blob, Blob | KnownLayer):
            blob.start(diff_id)
    with Ahead(list(packed.values()), request.cancel) as ahead:
        for number, (blob, diff_id, place) in enumerate(zip(blobs, config.diff_ids, places, strict=True)):
            waiting.check(request.cancel)
            before = done

            def tell(count: int, before: int = before) -> None:
                on_event(Progress(f"reading {printable(name)}", before + count, total))

            if not isinstance(blob, Blob):
                layer_read = blob if isinstance(blob, KnownLayer) else blob.take(tell)
                # Of what streams by it is known too late that its diff id is of an algorithm of its own.
                comparable = algorithm(layer_read.diff_id) == algorithm(diff_id)
                if comparable and layer_read.diff_id != diff_id:
                    raise wrong_diff_id(diff_id, blob.name, where)
                entries, contents, verified = layer_read.entries, layer_read.contents, layer_read.verified and comparable
                digest = layer_read.digest or None
            else:
                entries, contents, verified = read_blob(
                    blob, diff_id, request, ahead, packed.get(number), where=where, on_bytes=tell
                )
                digest = blob.digest or (None if _is_packed(blob) else diff_id)
            done += blob.size
            layer = Layer(
                index=number, diff_id=diff_id, entries=entries, contents=contents, digest=digest, stored_size=blob.size,
                history=None if place is None else history[place], history_index=place, verified=verified,
            )  # fmt: skip
            image.layers.append(layer)
            on_event(LayerRead(layer))
            on_event(Progress(f"reading {printable(name)}", done, total))
    return image


def _is_packed(blob: Blob) -> bool:
    return compression(bytes(blob.data[:8])) != "plain"


def _is_known(blob: Blob, diff_id: str, request: Request) -> bool:
    """Say whether a compressed blob was hashed to its diff id before, so that the cache may have it."""
    known_as = request.keeper.layer_of(blob.key) or (request.keeper.layer_of(blob.digest) if blob.digest else None)
    return known_as == diff_id and not request.verify


def _known_by_digest(blob: Blob, diff_id: str, request: Request) -> bool:
    """Say the same of a blob by the digest that its manifest gives, which tells without a byte of it being read."""
    # A plain blob's digest is its diff id; its contents are asked of the file, which knows more than the cache.
    compressed = bool(blob.digest) and blob.digest != diff_id
    return compressed and not request.verify and request.keeper.layer_of(blob.digest) == diff_id


def _is_cached(blob: Blob, request: Request) -> bool:
    """Say whether a blob's bytes as stored were once hashed to the digest that its manifest gives, and may be in the cache."""
    return bool(blob.digest) and not request.verify and request.keeper.has_blob(blob.digest)


def _wanted(blob: Blob, diff_id: str, request: Request, where: str) -> Packed:
    """Give a compressed blob that is to be read.

    Where the manifest gives its digest, that covers every byte, and is all that is checked unless the request says `verify`.
    """
    stored_only = bool(blob.digest) and not request.verify
    return Packed(blob.data, f"{where}: {blob.name}", blob.digest, diff_id, stored_only=stored_only)


def _packed(
    blobs: Sequence[Blob | KnownLayer | Pending], diff_ids: Sequence[str], request: Request, where: str
) -> dict[int, Packed]:
    """Give, by number, the compressed blobs that are to be read: of one that is there several times the first."""
    found: dict[int, Packed] = {}
    seen = set[tuple[str, str]]()
    for number, (blob, diff_id) in enumerate(zip(blobs, diff_ids, strict=True)):
        if not isinstance(blob, Blob) or (blob.digest, diff_id) in seen or _known_by_digest(blob, diff_id, request):
            continue
        if _is_cached(blob, request):
            pass
        elif _is_packed(blob) and not _is_known(blob, diff_id, request):
            found[number] = _wanted(blob, diff_id, request, where)
        seen.add((blob.digest, diff_id))
    return found


def read_blob(
    blob: Blob,
    diff_id: str,
    request: Request,
    ahead: Ahead,
    packed: Packed | None = None,
    *,
    where: str,
    on_bytes: Callable[[int], None],
) -> tuple[LayerIndex, Contents, bool]:
    """Give a layer's entries and contents, and whether its bytes were hashed to what the image names them by.

    A plain blob is read by its headers alone (unless the request says `verify`) and answers for contents from the file; a
    compressed one is hashed on the way: as stored, and unpacked where no manifest gives the digest of what is stored (a
    legacy archive) or the request says `verify`. One whose digest is known was hashed before, and no byte of it is read.
    Raises `TargetError` that names the blob where a hash is not what was promised.
    """
    label, keeper = f"{where}: {blob.name}", request.keeper
    if _known_by_digest(blob, diff_id, request) and (known := keeper.layer(diff_id)) is not None:
        return known[0], known[1], True
    if _is_cached(blob, request) and (known := keeper.blob(blob.digest)) is not None:
        return known[0], known[1], True
    if not _is_packed(blob):
        if request.verify:
            _hash(blob, diff_id, request, where, on_bytes)
        verified = keeper.layer_of(blob.key) == diff_id
        found = keeper.entries(blob.key)
        if found is not None and found[0].tar_size == len(blob.data):
            return found[0], MappedContents(blob.data, found[0], found[1], key=blob.key), verified
        heads = Heads()
        with _opened(blob) as file:
            entries = index_layer(blob.data, where=label, release=lambda: release_pages(blob.data), heads=heads, file=file)
        return entries, MappedContents(blob.data, entries, key=blob.key, heads=heads), verified
    if _is_known(blob, diff_id, request) and (known := keeper.layer(diff_id)) is not None:
        return known[0], known[1], True
    reading = ahead.take(packed or _wanted(blob, diff_id, request, where), on_bytes)
    check_reading(reading, blob.digest, diff_id, blob.name, where)
    keeper.keep_layer(reading)
    if reading.diff_id:
        keeper.link(blob.key, diff_id)
        keeper.link(reading.digest, diff_id)
    return reading.entries, reading.contents, True


@contextmanager
def _opened(blob: Blob) -> Iterator[tuple[int, int] | None]:
    """Give the file of a blob, open, and where in it the blob begins; None where it is not the one any more that was mapped."""
    if fast.compiled is None or blob.place is None or not blob.key:
        yield None
        return
    path, start = blob.place
    try:
        number = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        yield None
        return
    try:
        status = os.fstat(number)
        yield (number, start) if blob.key.startswith(file_stamp(status)) else None
    finally:
        os.close(number)


def _hash(blob: Blob, diff_id: str, request: Request, where: str, on_bytes: Callable[[int], None]) -> None:
    """Hash a plain blob, and note that it is what it should be. Raises `TargetError` that names it where it is not."""
    hashing = Hashing(Packed(blob.data, where), request.cancel, on_bytes, like=diff_id)
    stored = hashing if algorithm(blob.digest or diff_id) == algorithm(diff_id) else Hashing(hashing, like=blob.digest)
    stored.drain()
    if blob.digest and stored.digest != blob.digest:
        raise wrong_digest(blob.digest, where)
    if hashing.digest != diff_id:
        raise wrong_diff_id(diff_id, blob.name, where)
    request.keeper.link(blob.key, diff_id)


def check_reading(reading: Reading, digest: str, diff_id: str, name: str, where: str) -> None:
    """Raise `TargetError` that names the blob where its bytes are not what the manifest and the configuration say."""
    if digest and reading.digest != digest:
        raise wrong_digest(digest, where)
    if reading.diff_id and reading.diff_id != diff_id:
        raise wrong_diff_id(diff_id, name, where)


def wrong_diff_id(diff_id: str, name: str, where: str) -> TargetError:
    """Give the error for a layer whose uncompressed bytes are not what the configuration says."""
    return TargetError(
        f"layer {name} does not hold what its diff id {diff_id[:19]} says",
        where=where,
        hint="the image is damaged; save or pull it again",
    )


__all__ = ["Blob", "KnownLayer", "Pending", "check_reading", "map_file", "open_on_disk", "read_blob", "wrong_diff_id"]
