"""Layers of a registry that are read by their table of contents (eStargz, zstd:chunked), with range requests alone.

The manifest, whose digest is known, vouches for the table, and the table for the pieces of files. What nobody vouches for is
that the table says the same as the archive around it: such a layer is not `verified`.
"""

from __future__ import annotations

from collections.abc import Iterator

from msbtui.engine.disk import KnownLayer
from msbtui.engine.distribution import AbsentError, NoRangesError, Registry
from msbtui.engine.layers import Keeper
from msbtui.engine.manifest import Descriptor
from msbtui.engine.mirrored import Mirrored
from msbtui.errors import TargetError
from msbtui.image.facts import StoredContents
from msbtui.image.parts import PartContents
from msbtui.image.toc import FOOTER, Place, Toc, TocError, estargz_start, find_place, read_toc

_TAIL = 256 << 10
"""Bytes from the end of an eStargz layer that are fetched first: often the whole table."""
_WHOLE = "--verify-digests reads whole layers"
_NO_RANGES = "the registry gives whole layers only"


class _Parts:
    """A stored layer in a registry, of which parts are fetched (a `parts.Source`)."""

    def __init__(self, registry: Registry | Mirrored, digest: str, where: str) -> None:
        self.where = where
        self._registry = registry
        self._digest = digest

    def open(self, start: int, end: int) -> Flow:
        return Flow(self._chunks(start, end))

    def _chunks(self, start: int, end: int) -> Iterator[bytes]:
        try:
            yield from self._registry.part(self._digest, start, end)
        except NoRangesError:
            raise TargetError(_NO_RANGES, where=self.where, hint=_WHOLE) from None
        except AbsentError:
            raise TargetError(
                "the registry does not have it", where=self.where, hint="the image is damaged: push it again"
            ) from None

    def whole(self, start: int, end: int) -> bytes:
        """Give a part at once."""
        return b"".join(self._chunks(start, end))


class Flow:
    """Chunks as a file to read."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = memoryview(b"")

    def read(self, size: int, /) -> bytes:
        """Give at most `size` bytes."""
        if not self._rest:
            self._rest = memoryview(next(self._chunks, b""))
        data, self._rest = bytes(self._rest[:size]), self._rest[size:]
        return data


def read_by_table(
    registry: Registry | Mirrored, layer: Descriptor, diff_id: str, keeper: Keeper, where: str
) -> KnownLayer | None:
    """Give a layer by its table of contents, or None where its annotations name none.

    `registry` is kept for what is asked of the contents later. Raises `TocError` that says why the table cannot be used; the
    layer is then to be read whole.
    """
    if layer.size is None or not layer.annotations:
        return None
    place = find_place(layer.annotations, layer.size)
    if place is None:
        return None
    parts = _Parts(registry, layer.digest, f"{where}: {layer.digest}")
    size, key = layer.size, f"toc.2:{layer.digest}:{place.name}"

    def load() -> Toc:
        try:
            return _load(parts, place, size)
        except TocError as error:
            raise TargetError(f"its table of contents is of no use now: {error}", where=parts.where, hint=_WHOLE) from None

    known = keeper.entries(key)
    try:
        if known is not None:
            contents = PartContents(None, load, parts, known[1], key=key)
        else:
            toc = _load(parts, place, size)
            contents = PartContents(toc, load, parts, StoredContents(toc.entries, complete=False), key=key)
            contents.prefetch()
            keeper.keep_parts(contents)
    except TargetError as error:
        raise TocError(error.what) from None
    return KnownLayer(layer.digest, size, layer.digest, diff_id, contents.index, contents, verified=False)


def _load(parts: _Parts, place: Place, size: int) -> Toc:
    if place.form != "estargz":
        return read_toc(place, parts.whole(place.start, place.end), place.start, size, parts.whole)
    tail_at = max(size - _TAIL, 0)
    if size < FOOTER:
        raise TocError("the layer is smaller than a footer")
    tail = parts.whole(tail_at, size)
    start = estargz_start(tail, size)
    head = b"" if start >= tail_at else parts.whole(start, tail_at)
    return read_toc(place, head + tail[max(start - tail_at, 0) : -FOOTER], start, size, parts.whole)


__all__ = ["Flow", "TocError", "read_by_table"]
