"""An image whose blobs lie in files on disk: from its configuration and blobs to layers, one after the other."""

from __future__ import annotations

import mmap
import os
import threading
from collections.abc import Sequence
from typing import BinaryIO

import msgspec

from msbtui.engine import waiting
from msbtui.engine.events import LayerRead, OnEvent, Opened, Progress
from msbtui.engine.history import layer_history
from msbtui.engine.layers import Keeper, Reading, read_stream
from msbtui.engine.manifest import Configuration, wrong_digest
from msbtui.engine.outer import compression
from msbtui.errors import TargetError
from msbtui.image.facts import MappedContents
from msbtui.image.model import Contents, Image, Layer, LayerIndex
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

    @property
    def size(self) -> int:
        """Give the bytes as stored."""
        return len(self.data)


class KnownLayer(msgspec.Struct, frozen=True):
    """A stored layer whose bytes were read and hashed: it streamed by, or the cache has it."""

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


def map_file(file: BinaryIO) -> memoryview:
    """Give the file's bytes without reading them; the map lives as long as something of it is used."""
    size = os.fstat(file.fileno()).st_size
    return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)) if size else memoryview(b"")


class _FromMemory:
    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._at = 0

    def read(self, size: int, /) -> bytes:
        piece = bytes(self._data[self._at : self._at + size])
        self._at += len(piece)
        return piece


def open_on_disk(
    name: str,
    image_id: str,
    config: Configuration,
    blobs: Sequence[Blob | KnownLayer],
    *,
    source: str,
    where: str,
    on_event: OnEvent,
    cancel: threading.Event | None,
    keeper: Keeper,
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
    places, note = layer_history(history, len(blobs))
    image = Image(
        name=name, id=image_id, platform=config.platform, config=config.clean(), history=history, layers=[], source=source,
        created=printable(config.created or ""), notes=[note] if note else [],
    )  # fmt: skip
    on_event(Opened(image))
    total = sum(blob.size for blob in blobs)
    done = 0
    for number, (blob, diff_id, place) in enumerate(zip(blobs, config.diff_ids, places, strict=True)):
        waiting.check(cancel)
        before = done

        def tell(count: int, before: int = before) -> None:
            on_event(Progress(f"reading {printable(name)}", before + count, total))

        if isinstance(blob, KnownLayer):
            if blob.diff_id != diff_id:
                raise wrong_diff_id(diff_id, blob.name, where)
            entries, contents, verified, digest = blob.entries, blob.contents, True, blob.digest or None
        else:
            entries, contents, verified = read_blob(blob, diff_id, where=where, keeper=keeper, cancel=cancel, on_bytes=tell)
            packed = compression(bytes(blob.data[:8])) != "plain"
            digest = blob.digest or (diff_id if not packed else None)
        done += blob.size
        layer = Layer(
            index=number, diff_id=diff_id, entries=entries, contents=contents, digest=digest, stored_size=blob.size,
            history=None if place is None else history[place], history_index=place, verified=verified,
        )  # fmt: skip
        image.layers.append(layer)
        on_event(LayerRead(layer))
        on_event(Progress(f"reading {printable(name)}", done, total))
    return image


def read_blob(
    blob: Blob, diff_id: str, *, where: str, keeper: Keeper, cancel: threading.Event | None, on_bytes: object
) -> tuple[LayerIndex, Contents, bool]:
    """Give a layer's entries and contents, and whether its bytes were hashed to `diff_id`.

    A plain blob is read by its headers alone and answers for contents from the file; a compressed one is hashed on the way,
    both as stored and unpacked. Raises `TargetError` that names the blob where a hash is not what was promised.
    """
    label = f"{where}: {blob.name}"
    if compression(bytes(blob.data[:8])) == "plain":
        found = keeper.entries(blob.key)
        if found is not None and found[0].tar_size == len(blob.data):
            return found[0], MappedContents(blob.data, found[0], found[1]), False
        entries = index_layer(blob.data, where=label)
        keeper.keep_entries(blob.key, entries)
        return entries, MappedContents(blob.data, entries), False
    if keeper.layer_of(blob.key) == diff_id and (known := keeper.layer(diff_id)) is not None:
        return known[0], known[1], True
    reading = read_stream(_FromMemory(blob.data), where=label, cancel=cancel, on_bytes=on_bytes if callable(on_bytes) else None)
    check_reading(reading, blob.digest, diff_id, blob.name, where)
    keeper.keep_layer(reading)
    keeper.link(blob.key, diff_id)
    return reading.entries, reading.contents, True


def check_reading(reading: Reading, digest: str, diff_id: str, name: str, where: str) -> None:
    """Raise `TargetError` that names the blob where its bytes are not what the manifest and the configuration say."""
    if digest.startswith("sha256:") and reading.digest != digest:
        raise wrong_digest(digest, where)
    if reading.diff_id != diff_id:
        raise wrong_diff_id(diff_id, name, where)


def wrong_diff_id(diff_id: str, name: str, where: str) -> TargetError:
    """Give the error for a layer whose uncompressed bytes are not what the configuration says."""
    return TargetError(
        f"layer {name} does not hold what its diff id {diff_id[:19]} says",
        where=where,
        hint="the image is damaged; save or pull it again",
    )


__all__ = ["Blob", "KnownLayer", "check_reading", "map_file", "open_on_disk", "read_blob", "wrong_diff_id"]
