"""Layer blobs as plain streams: gzip, zstd, xz and bzip2 unpacked while they are read, in bounded memory."""

from __future__ import annotations

import re
import zlib
from abc import ABC, abstractmethod
from mmap import mmap
from typing import Any, Final, cast

import zstandard

from msbtui.errors import TargetError
from msbtui.image.tar import Buffer, Stream, filling

try:
    from isal import isal_zlib as deflate
except ImportError:  # a platform without a wheel
    import zlib as deflate  # type: ignore[no-redef]

CHUNK: Final = 1 << 16
"""Compressed bytes read at once: what they unpack to stays in a core's cache."""
_STORED: Final = 1 << 18
"""The same of gzip where a piece unpacks into memory that is used again."""
_LARGEST_WINDOW: Final = 1 << 27
"""Bytes of history that a zstd frame may ask for (the `--ultra` and `--long` maximum that zstd itself accepts unasked)."""
LARGEST_GROWTH: Final = 1100
"""How many times its stored size a layer may have: more than deflate can do (1032, zlib's technical notes)."""
SMALL_ENOUGH: Final = 512 << 20
"""Bytes that a layer may have however small it is stored."""
# the stubs of isal call it an instance; zlib's own where its reader is not to be had
_DEFLATE_ERRORS: Final = (cast("type[Exception]", deflate.error), zlib.error)
_GZIP_READER: Final = getattr(deflate, "_GzipReader", None)
"""What `isal.igzip` reads files with: it unpacks into a given buffer, where `decompressobj` makes each piece anew."""
_GZIP_MAGIC: Final = b"\x1f\x8b"
_ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
_XZ_MAGIC: Final = b"\xfd7zXZ\0"
_BZIP2_HEAD: Final = re.compile(rb"BZh[1-9](?:1AY&|\x17rE8)")
_XZ_MEMORY: Final = 160 << 20
"""Bytes that unpacking xz may take: `xz -9` asks for 65 MiB."""


def compression(head: bytes) -> str:
    """Give `gzip`, `zstd`, `xz`, `bzip2` or `plain`, from the first eight bytes of a blob.

    RFC 1952, 2.3.1; RFC 8878, 3.1.1 and 3.1.2; the .xz file format 1.2.0, 2.1.1.1; bzip2's stream and block magic.
    """
    if head.startswith(_GZIP_MAGIC):
        return "gzip"
    if head.startswith(_ZSTD_MAGIC) or _is_skippable(head):
        return "zstd"
    if head.startswith(_XZ_MAGIC):
        return "xz"
    return "bzip2" if _BZIP2_HEAD.match(head) else "plain"


class BufferReader:
    """A buffer in memory, or a part of it, read as a stream."""

    def __init__(self, buffer: Buffer, start: int = 0, end: int | None = None) -> None:
        self._buffer = buffer
        self._at = start
        self._end = len(buffer) if end is None else min(end, len(buffer))

    def read(self, size: int = -1, /) -> bytes:
        """Give up to `size` bytes (-1: all that are left)."""
        end = min(self._at + size, self._end) if size >= 0 else self._end
        data = bytes(self._buffer[self._at : end])
        self._at += len(data)
        return data


def open_layer(source: Stream | Buffer, *, where: str = "") -> Stream:
    """Give the blob `source` (a stream or a buffer) as a stream of its plain bytes: gzip, zstd, xz, bzip2, or as it is.

    The form is told by its first bytes, not by a media type, which may lie. gzip may have several members and zeros behind
    them, zstd several and skippable frames (eStargz and zstd:chunked are such). The stream raises TargetError, naming
    `where`, on damage, on an end in mid-stream, on a zstd window over 128 MiB and on bombs.
    """
    stream: Stream = BufferReader(source) if isinstance(source, bytes | bytearray | memoryview | mmap) else source
    head = b""
    while len(head) < 8 and (more := stream.read(CHUNK)):
        head += more
    kind = compression(head)
    if kind == "plain":
        return _Plain(stream, head)
    if kind in ("xz", "bzip2"):
        return _Streams(stream, head, where, kind)
    return _Gzip(stream, head, where) if kind == "gzip" else _Zstd(stream, head, where)


def _is_skippable(head: bytes) -> bool:
    """Tell whether a zstd skippable frame begins here (RFC 8878, 3.1.2)."""
    return head[1:4] == b"\x2a\x4d\x18" and 0x50 <= head[0] <= 0x5F


def check_growth(given: int, taken: int, where: str) -> None:
    """Raise TargetError where `taken` stored bytes unpacked to `given`, more than any layer does."""
    if given > SMALL_ENOUGH + LARGEST_GROWTH * taken:
        what = f"unpacks to more than {LARGEST_GROWTH} times its size"
        raise TargetError(what, where=where, hint="no image needs that: see where it comes from")


class _Plain:
    """A stream whose first bytes were read already."""

    def __init__(self, stream: Stream, head: bytes) -> None:
        self._stream = stream
        self._head = head

    def read(self, size: int = -1, /) -> bytes:
        size = size if size >= 0 else CHUNK
        if self._head:
            data, self._head = self._head[:size], self._head[size:]
            return data
        return self._stream.read(size)


class _Unpacked(ABC):
    """A compressed stream, unpacked piece by piece."""

    def __init__(self, stream: Stream, head: bytes, where: str) -> None:
        self._stream = stream
        self._where = where
        self._input = head
        """Compressed bytes in hand."""
        self._output = memoryview(b"")
        """Plain bytes in hand."""
        self._taken = len(head)
        """Compressed bytes so far."""
        self._given = 0
        """Plain bytes so far."""

    def read(self, size: int = -1, /) -> bytes:
        size = size if size >= 0 else CHUNK
        if not self._output:
            piece = self._piece(size)
            self._given += len(piece)
            check_growth(self._given, self._taken, self._where)
            if len(piece) <= size:
                return piece
            self._output = memoryview(piece)
        data, self._output = bytes(self._output[:size]), self._output[size:]
        return data

    @abstractmethod
    def _piece(self, size: int) -> bytes:
        """Give the next plain bytes, about `size` of them; none at the end only."""

    def _more(self) -> bool:
        """Read on; tell whether there was anything."""
        data = self._stream.read(CHUNK)
        self._taken += len(data)
        self._input = self._input + data if self._input else data
        return bool(data)

    def _error(self, what: str) -> TargetError:
        return TargetError(what, where=self._where, hint="save or pull the image again")


class _Gzip:
    """gzip (RFC 1952): one member after the other; their checksums are checked.

    `fill` unpacks into memory that the caller uses again and again: nothing is made anew, copied or joined.
    """

    def __init__(self, stream: Stream, head: bytes, where: str) -> None:
        self._stored = _Stored(stream, head)
        self._where = where
        self._given = 0
        """Plain bytes so far."""
        self._space = memoryview(b"")
        if _GZIP_READER is not None:
            self._reader: Any = _GZIP_READER(self._stored, _STORED)
        else:
            import gzip

            self._reader = gzip.GzipFile(fileobj=cast(Any, self._stored), mode="rb")

    def fill(self, buffer: memoryview, /) -> int:
        """Unpack into `buffer`; give how many bytes, 0 at the end only."""
        try:
            size: int = self._reader.readinto(buffer)
        except EOFError:
            raise self._error("its gzip data are cut off") from None
        except OverflowError:  # isal's words for a file name or comment that does not end
            raise self._error("damaged gzip data (a header that is too long)") from None
        except _DEFLATE_ERRORS as error:
            raise self._error(f"damaged gzip data ({error})") from None
        except OSError as error:
            if type(error).__name__ != "BadGzipFile":
                raise
            if str(error).startswith("Not a gzipped file"):
                raise self._error("there is something else behind its gzip data") from None
            raise self._error(f"damaged gzip data ({error})") from None
        self._given += size
        check_growth(self._given, self._stored.count, self._where)
        return size

    def read(self, size: int = -1, /) -> bytes:
        """Give up to `size` bytes."""
        size = size if 0 <= size <= CHUNK else CHUNK
        if len(self._space) < size:
            self._space = memoryview(bytearray(size))
        return bytes(self._space[: self.fill(self._space[:size])])

    def _error(self, what: str) -> TargetError:
        return TargetError(what, where=self._where, hint="save or pull the image again")


class _Stored:
    """Stored bytes for an unpacker, counted; the first were looked at before."""

    def __init__(self, stream: Stream, head: bytes) -> None:
        self.count = 0
        self._stream = stream
        self._head = head
        self._fill = filling(stream)

    def readinto(self, buffer: memoryview, /) -> int:
        if not self._head and self._fill is not None:
            size = self._fill(buffer)
        else:
            data = self._taken(len(buffer))
            size = len(data)
            buffer[:size] = data
        self.count += size
        return size

    def read(self, size: int, /) -> bytes:
        data = self._taken(size)
        self.count += len(data)
        return data

    def _taken(self, size: int) -> bytes:
        if not self._head:
            return self._stream.read(size)
        data, self._head = self._head[:size], self._head[size:]
        return data


class _Streams(_Unpacked):
    """xz or bzip2: one stream after the other, zeros between them; their checksums are checked."""

    def __init__(self, stream: Stream, head: bytes, where: str, kind: str) -> None:
        super().__init__(stream, head, where)
        import lzma  # imported here, as bz2 below: few layers need them

        self._kind = kind
        self._unpacker: Any = None
        self._errors = (lzma.LZMAError, OSError, ValueError)

    def _piece(self, size: int) -> bytes:
        while True:
            if self._unpacker is None:
                self._input = self._input.lstrip(b"\0")
                if len(self._input) < 8 and self._more():
                    continue
                if not self._input:
                    return b""
                self._unpacker = self._begin()
            elif self._unpacker.needs_input and not self._input and not self._more():
                raise self._error(f"its {self._kind} data are cut off")
            try:
                data = self._unpacker.decompress(self._input, max(size, 1))
            except self._errors as error:
                raise self._error(f"damaged {self._kind} data ({error})") from None
            self._input = b""
            if self._unpacker.eof:
                self._input, self._unpacker = self._unpacker.unused_data, None
            if data:
                return bytes(data)

    def _begin(self) -> Any:
        if compression(self._input) != self._kind:
            raise self._error(f"there is something else behind its {self._kind} data")
        if self._kind == "xz":
            import lzma

            return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
        import bz2

        return bz2.BZ2Decompressor()


class _Zstd(_Unpacked):
    """zstd (RFC 8878): frame by frame, block by block, so that no piece is larger than a block's 128 KiB."""

    def __init__(self, stream: Stream, head: bytes, where: str) -> None:
        super().__init__(stream, head, where)
        self._unpacker = zstandard.ZstdDecompressor(max_window_size=_LARGEST_WINDOW)
        self._frame: Any = None
        self._at = 0
        """Where in `_input` the bytes in hand begin."""
        self._checksum = 0
        """Bytes of checksum at the end of the frame."""

    def _piece(self, size: int) -> bytes:  # noqa: ARG002
        while True:
            if self._frame is None:
                if self._at == len(self._input) and not self._more():
                    return b""
                part = self._frame_header()
                if not part:
                    continue
            else:
                part = self._block()
            try:
                data = self._frame.decompress(part)
            except zstandard.ZstdError as error:
                raise self._error(f"damaged zstd data ({error})") from None
            if self._frame.eof:
                self._frame = None
            if data:
                return bytes(data)

    def _more(self) -> bool:
        self._input, self._at = self._input[self._at :], 0
        return super()._more()

    def _need(self, size: int) -> None:
        while len(self._input) - self._at < size:
            if not self._more():
                raise self._error("its zstd data are cut off")

    def _take(self, size: int) -> bytes:
        self._need(size)
        self._at += size
        return self._input[self._at - size : self._at]

    def _frame_header(self) -> bytes:
        """Take the header of the next frame (RFC 8878, 3.1.1.1), or pass over a skippable frame and give nothing."""
        self._need(8)
        head = self._input[self._at : self._at + 8]
        if _is_skippable(head):
            left = int.from_bytes(self._take(8)[4:], "little")
            while left:
                self._need(1)
                piece = min(left, len(self._input) - self._at)
                self._at += piece
                left -= piece
            return b""
        if not head.startswith(_ZSTD_MAGIC):
            raise self._error("there is something else behind its zstd data")
        descriptor = head[4]
        single = descriptor >> 5 & 1
        content_size = (single, 2, 4, 8)[descriptor >> 6]
        self._checksum = 4 if descriptor & 4 else 0
        self._frame = self._unpacker.decompressobj()
        return self._take(5 + (1 - single) + (0, 1, 2, 4)[descriptor & 3] + content_size)

    def _block(self) -> bytes:
        """Take the next block (RFC 8878, 3.1.1.2), of the last one with the frame's checksum."""
        self._need(3)
        header = int.from_bytes(self._input[self._at : self._at + 3], "little")
        size = 1 if header >> 1 & 3 == 1 else header >> 3
        return self._take(3 + size + (self._checksum if header & 1 else 0))
