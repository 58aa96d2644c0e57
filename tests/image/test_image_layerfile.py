"""Stored layers: what goes in comes out, small; and nothing that is damaged or hostile gets in."""

from __future__ import annotations

import struct
from array import array

import msgspec
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from xxhash import xxh3_64_intdigest

from msbtui.errors import TargetError
from msbtui.image.facts import MappedContents, StoredContents
from msbtui.image.layerfile import decode_layer, encode_layer
from msbtui.image.model import ElfFacts, Kind, LayerIndex

pytestmark = pytest.mark.usefixtures("implementation")

ELF = ElfFacts("EM_X86_64", 64, "ET_DYN", needed=("libc.so.6",), paths=("/etc/x",))
ROW = tuple[str, Kind, int, int, int, int, float, int]


def make(rows: list[ROW]) -> LayerIndex:
    index = LayerIndex()
    for path, kind, size, mode, uid, gid, mtime, offset in rows:
        index.paths.append(path)
        index.kinds.append(kind)
        index.sizes.append(size)
        index.modes.append(mode)
        index.uids.append(uid)
        index.gids.append(gid)
        index.mtimes.append(mtime)
        index.offsets.append(offset)
    return index


def sample() -> tuple[LayerIndex, StoredContents]:
    index = make(
        [
            ("", Kind.DIRECTORY, 0, 0o755, 0, 0, 1.0, 1536),
            ("bin", Kind.DIRECTORY, 0, 0o755, 0, 0, 1.0, 2048),
            ("bin/a", Kind.FILE, 3_000_000_000, 0o4755, 1000, 1 << 40, 1.5e9, 2560),
            ("bin/b", Kind.HARD_LINK, 0, 0o644, 0, 0, -5.0, 3_000_002_560),
            ("naïve\\x1b", Kind.SYMLINK, 0, 0o777, 0, 0, 2.0, 3_000_010_000),
            ("s", Kind.FILE, 10, 0o644, 0, 0, 2.0, 3_000_020_000),
            ("gone", Kind.WHITEOUT, 0, 0o644, 0, 0, 2.0, 3_000_030_000),
            ("bin", Kind.OPAQUE, 0, 0o644, 0, 0, 2.0, 3_000_030_512),
            ("sparse", Kind.FILE, 10, 0o644, 0, 0, 2.0, 3_000_032_000),
        ]
    )
    index.links = {3: "bin/a", 4: "../bin/a"}
    index.xattrs = {2: {"security.capability": b"\x01\x00"}}
    index.logical = {8: 1 << 50}
    index.tar_size = 3_000_040_000
    digests = bytes(32) + b"0123456789abcdef"
    return index, StoredContents(index, digests, {2: ELF}, {5: b"text"}, complete=False, plain=frozenset({5}))


def columns(index: LayerIndex) -> list[object]:
    return [getattr(index, name) for name in LayerIndex.__slots__]


def test_what_goes_in_comes_out() -> None:
    index, contents = sample()
    again, known = decode_layer(encode_layer(index, contents))
    assert columns(again) == columns(index)
    assert [column.typecode for column in columns(again) if isinstance(column, array)] == [
        column.typecode for column in columns(index) if isinstance(column, array)
    ]
    assert (known.digests, known.elves, known.texts) == (contents.digests, contents.elves, contents.texts)
    assert (known.complete, known.plain) == (False, frozenset({5}))
    assert known.digest(3) == b"0123456789abcdef".hex()
    assert known.elf(3) == ELF


def test_an_empty_layer_and_fractions_of_seconds() -> None:
    empty, _ = decode_layer(encode_layer(LayerIndex(), StoredContents(LayerIndex())))
    assert len(empty) == 0
    index = make([("a", Kind.FILE, 0, 0, 0, 0, 1.25, 512), ("b", Kind.FILE, 0, 0, 0, 0, 1e300, 1024)])
    again, _ = decode_layer(encode_layer(index, StoredContents(index)))
    assert list(again.mtimes) == [1.25, 1e300]


name = st.text("ab.é", min_size=1, max_size=3).filter(lambda part: part not in (".", ".."))
row = st.tuples(
    st.lists(name, min_size=1, max_size=3).map("/".join),
    st.sampled_from([Kind.FILE, Kind.DIRECTORY, Kind.FIFO, Kind.WHITEOUT]),
    st.integers(0, 2**62),
    st.integers(0, 0o7777),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(0, 2**33),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(512, 2**62),
)


@settings(deadline=None, max_examples=150)
@given(st.lists(row, max_size=8, unique_by=lambda row: row[0]))
def test_any_index_survives(rows: list[ROW]) -> None:
    index = make([(path, kind, size if kind == Kind.FILE else 0, *rest) for path, kind, size, *rest in rows])  # type: ignore[misc]
    again, _ = decode_layer(encode_layer(index, StoredContents(index)))
    assert columns(again) == columns(index)


def test_it_is_small() -> None:
    rows = [
        (f"usr/lib/python3/dist-packages/package{n // 50}/module_{n}.py", Kind.FILE, n % 997, 0o644, 0, 0, 1.7e9, 0)
        for n in range(20_000)
    ]
    at = 512
    for n, fields in enumerate(rows):
        rows[n] = (*fields[:7], at)
        at += 512 + (fields[2] + 511 & -512)
    index = make(rows)  # type: ignore[arg-type]
    assert len(encode_layer(index, StoredContents(index))) < 6 * len(index)


def test_paths_can_be_left_out_with_all_that_is_known_of_them() -> None:
    index, contents = sample()
    smaller, known = decode_layer(encode_layer(index, contents, leave_out=["bin/a", "nowhere"]))
    assert smaller.paths == ["", "bin", "bin/b", "naïve\\x1b", "s", "gone", "bin", "sparse"]
    assert (smaller.kinds[2], smaller.sizes[2]) == (Kind.FILE, 3_000_000_000)
    assert (known.elves, known.digest(2), known.text(2)) == ({}, None, None)
    assert known.texts == {4: b"text"}
    assert known.plain == {4}
    without, _ = decode_layer(encode_layer(index, contents, leave_out=["bin"]))
    assert without.paths == ["", "naïve\\x1b", "s", "gone", "sparse"]
    assert without.logical == {4: 1 << 50}
    assert len(index.paths) == 9


def test_contents_from_memory_are_stored_as_far_as_they_were_asked_for() -> None:
    index = make([("a.sh", Kind.FILE, 9, 0, 0, 0, 1.0, 0), ("b.sh", Kind.FILE, 9, 0, 0, 0, 1.0, 0)])
    mapped = MappedContents(b"#!/bin/sh", index)
    assert mapped.text(1) == b"#!/bin/sh"
    _, known = decode_layer(encode_layer(index, mapped))
    assert known.texts == {1: b"#!/bin/sh"}
    assert not known.complete


def frame(sections: list[bytes]) -> bytes:
    packed = [zstandard.ZstdCompressor().compress(section) for section in sections]
    return frame_raw(packed)


def frame_raw(packed: list[bytes]) -> bytes:
    rest = struct.pack("<5Q", *map(len, packed)) + b"".join(packed)
    return b"msbtuiL\x07" + struct.pack("<Q", xxh3_64_intdigest(rest)) + rest


def pack(**changes: object) -> bytes:
    """A stored layer of one file whose checksum is right, and whose parts are as the caller wants them."""
    fields: dict[str, object] = {
        "paths": "a", "kinds": b"\0", "sizes": ("B", b"\1"), "modes": ("B", b"\1"), "uids": ("B", b"\0"), "gids": ("B", b"\0"),
        "mtimes": ("B", b"\0"), "gaps": ("B", b"\0"), "links": {}, "xattrs": {}, "logical": {}, "tar_size": 1,
    }  # fmt: skip
    sections: dict[str, object] = {"digests": b"", "elves": {}, "texts": {}, "completeness": [True, []]}
    for key, value in changes.items():
        (fields if key in fields else sections)[key] = value
    encode = msgspec.msgpack.encode
    digests = sections.pop("digests")
    assert isinstance(digests, bytes)
    return frame([encode(list(fields.values())), digests, *map(encode, sections.values())])


def test_the_frame_of_the_hostile_cases_is_sound() -> None:
    index, contents = decode_layer(pack(texts={0: b"x"}))
    assert (index.paths, contents.text(0)) == (["a"], b"x")


UNCLEAN = ("/a", "a/", "..", ".", "../a", "a/..", "a/../b", "a//b", "./a", "a\x1b[0m", "a\u202eb")
HOSTILE: dict[str, dict[str, object]] = {
    "no digests of a file": {"digests": b"x"},
    "too many digests": {"digests": bytes(32)},
    "unknown kind": {"kinds": b"\x09"},
    "columns too long": {"sizes": ("B", b"\1\1")},
    "half a number": {"sizes": ("H", b"\1")},
    "unknown type": {"sizes": ("u", b"\1\0\0\0")},
    "float where none may be": {"sizes": ("d", bytes(8))},
    "negative size": {"sizes": ("q", b"\xff" * 8)},
    "huge mode": {"modes": ("H", b"\xff\xff")},
    "mode out of range": {"modes": ("q", b"\xff" * 8)},
    "no time": {"mtimes": ("d", struct.pack("<d", float("nan")))},
    "negative offset": {"gaps": ("q", b"\xff" * 7 + b"\x80")},
    "offset out of range": {"gaps": ("q", b"\xff" * 7 + b"\x7f"), "sizes": ("q", b"\xff" * 7 + b"\x7f")},
    "directory with a size": {"kinds": b"\1"},
    "symlink without target": {"kinds": b"\2", "sizes": ("B", b"\0")},
    "link of no entry": {"links": {1: "x"}},
    "xattr of no entry": {"xattrs": {-1: {}}},
    "negative logical size": {"logical": {0: -1}},
    "negative archive": {"tar_size": -1},
    "wrong form": {"links": {"a": "b"}},
    **{f"path {path!r}": {"paths": path} for path in UNCLEAN},
    "unprintable link": {"links": {0: "a\x1b"}},
    "unprintable xattr": {"xattrs": {0: {"\x1b": b""}}},
    "completeness": {"completeness": [1, 2]},
    "a program that is no file": {"completeness": [False, [], {}, [1]]},
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_parts_are_refused(case: str) -> None:
    with pytest.raises(TargetError, match=r"recording: damaged: .*"):
        decode_layer(pack(**HOSTILE[case]), where="recording")


def test_one_path_twice_is_refused() -> None:
    two: dict[str, object] = dict.fromkeys(("sizes", "modes", "uids", "gids", "mtimes", "gaps"), ("B", b"\0\0"))
    with pytest.raises(TargetError, match="two entries"):
        decode_layer(pack(paths="a\na", kinds=b"\0\0", **two))
    index, _ = decode_layer(pack(paths="a\na", kinds=b"\1\x08", **two))
    assert index.paths == ["a", "a"]


@pytest.mark.parametrize("late", [{"texts": {7: b""}}, {"texts": [1]}, {"elves": {9: {}}}, {"elves": {0: {"machine": 5}}}])
def test_hostile_facts_are_refused_when_they_are_asked_for(late: dict[str, object]) -> None:
    _, contents = decode_layer(pack(**late))
    with pytest.raises(TargetError, match="damaged"):
        contents.elf(0) if "elves" in late else contents.text(0)


def test_a_section_that_grows_beyond_measure_is_refused() -> None:
    bomb = zstandard.ZstdCompressor(level=19).compress(bytes(200 << 20))
    with pytest.raises(TargetError, match="size that no layer has"):
        decode_layer(frame_raw([bomb] * 5))
    with pytest.raises(TargetError, match="damaged"):
        decode_layer(frame_raw([b"", b"", b"", b"", b""]))


def test_every_cut_and_every_damaged_byte_is_found() -> None:
    index, contents = sample()
    data = encode_layer(index, contents)
    for end in range(len(data)):
        with pytest.raises(TargetError):
            decode_layer(data[:end])
    for at in range(len(data)):
        with pytest.raises(TargetError):
            decode_layer(data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :])
    with pytest.raises(TargetError, match="another version"):
        decode_layer(b"msbtuiL\x7f" + data[8:])
