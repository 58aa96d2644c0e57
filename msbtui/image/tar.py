"""The index of a layer's tar archive: from memory by its headers alone, or from a stream as it flows by."""

from __future__ import annotations

from collections.abc import Callable
from mmap import mmap
from typing import TYPE_CHECKING, Final, Protocol

from msbtui.image.model import LayerIndex
from msbtui.image.tarscan import BLOCK, Scanner, Sink

if TYPE_CHECKING:
    from msbtui.image.heads import Heads

Buffer = bytes | bytearray | memoryview | mmap
CHUNK: Final = 1 << 17
"""Bytes asked of a stream at once: as many as stay in a core's cache while they are unpacked, hashed and looked at."""
_SPACE: Final = 1 << 19
"""Bytes that a stream fills at once where it fills memory that is used again: threads seldom wait for each other then."""
_NOTHING: Final = memoryview(b"")
_WINDOW: Final = 64 << 20
"""Bytes of a mapped archive that are gone through before its memory is given back."""


class Stream(Protocol):
    """What can be read from front to back: `read(n)` gives at most n bytes, and none only at the end."""

    def read(self, size: int, /) -> bytes:
        """Give up to `size` bytes."""
        ...


def filling(stream: object) -> Callable[[memoryview], int] | None:
    """Give the method of a stream that fills a buffer and gives how many bytes, 0 at the end only; None where it has none."""
    return getattr(stream, "fill", None)


def index_layer(
    buffer: Buffer,
    *,
    where: str = "",
    release: Callable[[], None] | None = None,
    heads: Heads | None = None,
    file: tuple[int, int] | None = None,
) -> LayerIndex:
    """Give the index of the uncompressed layer archive that `buffer` holds whole; only headers are looked at.

    What a header claims is checked against the buffer's size. `where` names the archive in errors. `release` is called now
    and then, and at the end, to give back the memory of what was looked at (see `msbtui.image.pages`); `heads` is told of the
    first bytes of files before. `file` is an open file's descriptor and where in it the buffer's bytes begin, for who has
    that: headers are then read instead of mapped, which takes less than half the time. Raises TargetError on what is no sound
    tar archive, with the byte at which it goes wrong.
    """
    with memoryview(buffer) as whole, whole.cast("B") as view:
        scanner = Scanner(where, None, heads=heads, file=file)
        pos, size = 0, len(view)
        end = size if release is None else min(_WINDOW, size)
        while not scanner.ended:
            with view[:end] as window:
                pos = scanner.scan(window, pos, 0)
            if scanner.partial is not None:
                length, content, _ = scanner.partial
                if content + length > size:
                    raise scanner.cut_off(content + length, size)
                if heads is not None:
                    heads.look(view, scanner.index, len(scanner.index) - 1)
            elif end == size and not scanner.ended:
                break
            if release is not None:
                release()
            end = min(max(pos, end) + _WINDOW, size)
        if not scanner.ended:
            scanner.close(bytes(view[pos:]), min(pos, size))
        index = scanner.result(size)
        if heads is not None:
            heads.sort()
            if scanner.kept is not None:
                heads.renumber(scanner.kept)
        return index


def index_stream(stream: Stream, sink: Sink | None = None, *, where: str = "") -> LayerIndex:
    """Give the index of the uncompressed layer archive that `stream` brings, and read the stream to its end.

    The contents of regular files go to `sink` as they come (see `Sink`), in memory of a few MiB whatever their size; the
    caller hashes and counts by handing in a reader that does. `where` names the archive in errors. Raises TargetError on
    what is no sound tar archive, with the byte at which it goes wrong; what `stream` and `sink` raise goes through.
    """
    source = _Source(stream)
    scanner = Scanner(where, sink)
    while True:
        pos = scanner.scan(source.window, 0, source.base)
        if scanner.ended:
            break
        if scanner.partial is not None:
            size, content, wanted = scanner.partial
            source.drop(content)
            end = source.base + size
            if wanted and sink is not None:
                number = len(scanner.index.paths) - 1
                sink.begin(number, scanner.index.paths[number], size)
                whole = source.carry(size, sink.feed)
                if whole:
                    sink.end()
            else:
                whole = source.carry(size, None)
            if not whole:
                raise scanner.cut_off(end, source.base)
            source.drop(-size % BLOCK)
            continue
        source.drop(pos)
        if not pos and not source.grow():
            scanner.close(bytes(source.window), source.base)
            break
    source.window = _NOTHING
    while source.grow():
        source.window = _NOTHING
    return scanner.result(source.count)


class _Source:
    """A piece of a stream in hand: `window`, which begins at byte `base` of the stream."""

    def __init__(self, stream: Stream) -> None:
        self.window = _NOTHING
        """A view, since the rest of a piece is taken again and again; good until the next `grow`."""
        self.base = 0
        self.count = 0
        self._stream = stream
        self._fill = filling(stream)
        self._chunk = CHUNK if self._fill is None else _SPACE
        self._space = memoryview(bytearray(self._chunk if self._fill is not None else 0))

    def grow(self) -> bool:
        """Read on; tell whether there was anything."""
        rest = len(self.window)
        wanted = self._chunk - rest % BLOCK
        if self._fill is None:
            data = self._stream.read(wanted)
            size = len(data)
            self.window = memoryview(bytes(self.window) + data if self.window else data)
        else:
            space = self._space if rest + wanted <= len(self._space) else memoryview(bytearray(2 * (rest + wanted)))
            space[:rest] = self.window
            size = self._fill(space[rest : rest + wanted])
            self._space, self.window = space, space[: rest + size]
        self.count += size
        return size > 0

    def drop(self, count: int) -> None:
        """Forget the next `count` bytes, as far as the stream has them."""
        while count > len(self.window):
            count -= len(self.window)
            self.base += len(self.window)
            self.window = _NOTHING
            if not self.grow():
                return
        self.base += count
        self.window = self.window[count:]

    def carry(self, size: int, take: Callable[[memoryview], None] | None) -> bool:
        """Hand the next `size` bytes to `take` piece by piece; tell whether the stream had them all."""
        while size:
            if not self.window and not self.grow():
                return False
            piece = min(size, len(self.window))
            if take is not None:
                take(self.window[:piece])
            size -= piece
            self.base += piece
            self.window = self.window[piece:]
        return True
