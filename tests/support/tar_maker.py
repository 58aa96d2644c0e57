"""Tar archives built block by block, and ways to read them."""

from __future__ import annotations

import io
import struct

from msbtui.image.model import Kind, LayerIndex
from msbtui.image.tar import index_layer, index_stream

END = bytes(1024)


def header(
    name: bytes = b"a",
    *,
    size: int | bytes = 0,
    flag: bytes = b"0",
    link: bytes = b"",
    prefix: bytes = b"",
    magic: bytes = b"ustar\x0000",
    mode: bytes = b"0000644\0",
    uid: bytes = b"0000000\0",
    mtime: bytes = b"00000000001\0",
    rest: bytes | None = None,
    signed: bool = False,
) -> bytes:
    """One header block, its checksum right."""
    size_field = size if isinstance(size, bytes) else b"%011o\0" % size
    block = struct.pack(
        "100s8s8s8s12s12s8sc100s8s32s32s8s8s",
        name,
        mode,
        uid,
        b"0000000\0",
        size_field,
        mtime,
        b" " * 8,
        flag,
        link,
        magic,
        b"",
        b"",
        b"",
        b"",
    )
    block += rest if rest is not None else struct.pack("155s12s", prefix, b"")
    assert len(block) == 512
    total = sum(block) - (256 * sum(byte > 127 for byte in block) if signed else 0)
    return block[:148] + b"%06o\0 " % total + block[156:]


def body(data: bytes) -> bytes:
    return data + bytes(-len(data) % 512)


def pax(records: list[tuple[bytes, bytes]], flag: bytes = b"x") -> bytes:
    data = b""
    for key, value in records:
        rest = len(key) + len(value) + 3
        length = rest + len(str(rest))
        length = rest + len(str(length))
        data += b"%d %s=%s\n" % (length, key, value)
    return header(b"pax", size=len(data), flag=flag) + body(data)


class Trickle(io.RawIOBase):
    """A stream that gives a few bytes at a time."""

    def __init__(self, data: bytes, step: int) -> None:
        self.data, self.step, self.at = data, step, 0

    def read(self, size: int = -1, /) -> bytes:
        piece = self.data[self.at : self.at + min(self.step, size)]
        self.at += len(piece)
        return piece


class Filling(Trickle):
    """The same in memory that is used again; what is not filled is overwritten, since nobody may look there."""

    def fill(self, buffer: memoryview, /) -> int:
        piece = self.read(len(buffer))
        buffer[:] = piece + b"\xa5" * (len(buffer) - len(piece))
        return len(piece)


class Collect:
    """A sink that keeps every content."""

    def __init__(self) -> None:
        self.got: dict[int, bytes] = {}
        self.kept: list[int] | None = None
        self.now = (0, 0)

    def file(self, entry: int, path: str, data: memoryview) -> None:
        assert data
        self.got[entry] = bytes(data)

    def begin(self, entry: int, path: str, size: int) -> None:
        self.now = (entry, size)
        self.got[entry] = b""

    def feed(self, data: memoryview) -> None:
        self.got[self.now[0]] += bytes(data)

    def end(self) -> None:
        assert len(self.got[self.now[0]]) == self.now[1]

    def finish(self, index: LayerIndex, kept: object) -> None:
        numbers = range(len(index)) if kept is None else kept
        self.got = {new: self.got[old] for new, old in enumerate(numbers) if old in self.got}  # type: ignore[arg-type]


def rows(index: LayerIndex) -> list[tuple[object, ...]]:
    columns = (index.paths, index.kinds, index.sizes, index.modes, index.uids, index.gids, index.mtimes, index.offsets)
    assert len({len(column) for column in columns}) == 1
    return [
        (*row, index.links.get(n), index.xattrs.get(n), index.logical.get(n)) for n, row in enumerate(zip(*columns, strict=True))
    ]


def read(archive: bytes) -> LayerIndex:
    """Index from memory and from streams of several paces; all must agree, contents included."""
    index = index_layer(archive)
    for stream, step in [(Trickle, 1 << 20), (Trickle, 700), (Filling, 1 << 20), (Filling, 700), (Filling, 512), (Trickle, 100)]:
        sink = Collect()
        other = index_stream(stream(archive, step), sink)
        assert rows(other) == rows(index)
        assert other.tar_size == index.tar_size == len(archive)
        for entry, kind in enumerate(index.kinds):
            if kind == Kind.FILE and index.sizes[entry] and entry not in index.logical:
                start = index.offsets[entry]
                assert sink.got.pop(entry) == archive[start : start + index.sizes[entry]]
        assert not sink.got
    return index


def entries(index: LayerIndex) -> list[tuple[str, Kind, int]]:
    return [(path, Kind(kind), size) for path, kind, size in zip(index.paths, index.kinds, index.sizes, strict=True)]


def sparse_header(stored: int, real: int, more: bool) -> bytes:
    rest = struct.pack("41s", b"") + struct.pack("96s", b"0" * 12 * 8) + bytes([more]) + b"%011o\0" % real
    return header(b"s", size=stored, flag=b"S", magic=b"ustar  \0", rest=rest.ljust(167, b"\0"))
