"""Layer blobs as plain streams: every form, any pace, damage, bombs and digests."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import random
import tracemalloc
import zlib

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from msbtui.errors import TargetError
from msbtui.image.compress import LARGEST_GROWTH, SMALL_ENOUGH, BufferReader, check_growth, compression, open_layer
from msbtui.image.tar import Stream

TEXT = b"".join(b"line %d of a layer\n" % n for n in range(60_000))
NOISE = random.Random(1).randbytes(300_000)


class Trickle:
    def __init__(self, data: bytes, step: int) -> None:
        self.data, self.step, self.at = data, step, 0

    def read(self, size: int, /) -> bytes:
        piece = self.data[self.at : self.at + min(self.step, size)]
        self.at += len(piece)
        return piece


def drain(stream: Stream, size: int = 1 << 20) -> bytes:
    out = bytearray()
    while data := stream.read(size):
        assert len(data) <= size
        out += data
    assert stream.read(size) == b""
    return bytes(out)


def zstd(data: bytes, **options: object) -> bytes:
    return zstandard.ZstdCompressor(**options).compress(data)  # type: ignore[arg-type]


PACKS = (gzip.compress, zstandard.compress, lzma.compress, bz2.compress)
SKIPPABLE = b"\x5a\x2a\x4d\x18" + (7).to_bytes(4, "little") + b"skipped"
FORMS = {
    "plain": (TEXT, TEXT),
    "empty": (b"", b""),
    "three bytes": (b"\x1f\x8c\x28", b"\x1f\x8c\x28"),
    "gzip": (gzip.compress(TEXT), TEXT),
    "gzip of nothing": (gzip.compress(b""), b""),
    "gzip of noise": (gzip.compress(NOISE), NOISE),
    "gzip in members": (gzip.compress(TEXT[:9]) + gzip.compress(b"") + gzip.compress(TEXT[9:]), TEXT),
    "gzip padded with zeros": (gzip.compress(TEXT) + bytes(1000), TEXT),
    "xz": (lzma.compress(TEXT), TEXT),
    "xz of nothing": (lzma.compress(b""), b""),
    "xz of noise": (lzma.compress(NOISE), NOISE),
    "xz in streams, with zeros between": (lzma.compress(TEXT[:9]) + bytes(8) + lzma.compress(TEXT[9:]) + bytes(4), TEXT),
    "xz -9": (lzma.compress(TEXT, preset=9), TEXT),
    "bzip2": (bz2.compress(TEXT), TEXT),
    "bzip2 of nothing": (bz2.compress(b""), b""),
    "bzip2 of noise": (bz2.compress(NOISE), NOISE),
    "bzip2 in streams": (bz2.compress(TEXT[:9]) + bz2.compress(b"") + bz2.compress(TEXT[9:]), TEXT),
    "text that begins as bzip2 does": (b"BZh9 is a name", b"BZh9 is a name"),
    "zstd": (zstd(TEXT), TEXT),
    "zstd of nothing": (zstd(b""), b""),
    "zstd of noise": (zstd(NOISE), NOISE),
    "zstd with checksum": (zstd(TEXT, write_checksum=True), TEXT),
    "zstd without size": (zstd(TEXT, write_content_size=False), TEXT),
    "zstd in frames": (zstd(TEXT[:9]) + SKIPPABLE + zstd(TEXT[9:]) + SKIPPABLE, TEXT),
    "zstd after a skippable frame": (SKIPPABLE + zstd(TEXT), TEXT),
    "zstd of one byte again and again": (zstd(bytes(3_000_000)), bytes(3_000_000)),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_unpacked_at_any_pace(form: str) -> None:
    blob, plain = FORMS[form]
    assert drain(open_layer(blob)) == plain
    assert drain(open_layer(memoryview(blob)), 1000) == plain
    assert drain(open_layer(io.BytesIO(blob))) == plain
    if len(blob) < 10_000:
        assert drain(open_layer(Trickle(blob, 1))) == plain
    assert drain(open_layer(Trickle(blob, 777)), 333) == plain


@pytest.mark.parametrize(
    "blob",
    [gzip.compress(TEXT), zstd(TEXT), zstd(TEXT[:9]) + zstd(TEXT, write_checksum=True), lzma.compress(TEXT), bz2.compress(TEXT)],
    ids=["gzip", "zstd", "frames", "xz", "bzip2"],
)
def test_a_blob_that_is_cut_off_is_an_error_that_names_it(blob: bytes) -> None:
    for end in [*range(4 if blob[0] in b"\x1f\x28" else 8, 60), len(blob) // 2, *range(len(blob) - 12, len(blob))]:
        if end == len(zstd(TEXT[:9])) and blob.startswith(zstd(TEXT[:9])):
            continue  # two frames cut between them are one frame
        with pytest.raises(TargetError, match=r"blob 7: its .* data are cut off"):
            drain(open_layer(Trickle(blob[:end], 1000), where="blob 7"))


@pytest.mark.parametrize("form", ["gzip", "zstd with checksum", "xz", "bzip2"])
def test_a_flipped_bit_is_found(form: str) -> None:
    blob = bytearray(FORMS[form][0])
    blob[len(blob) // 2] ^= 4
    with pytest.raises(TargetError, match="blob 7: "):
        drain(open_layer(bytes(blob), where="blob 7"))


@pytest.mark.parametrize("form", ["gzip", "zstd", "xz", "bzip2"])
def test_what_follows_the_data_is_an_error(form: str) -> None:
    with pytest.raises(TargetError, match="something else behind"):
        drain(open_layer(FORMS[form][0] + b"something else"))


def test_a_gzip_header_without_end_is_damage() -> None:
    for flags in (0x08, 0x10):  # RFC 1952, 2.3.1: a file name, a comment
        endless = b"\x1f\x8b\x08" + bytes([flags]) + bytes(4) + b"\0\xff" + b"n" * 1_000_000
        with pytest.raises(TargetError, match="gzip data"):
            drain(open_layer(endless))


def test_gzip_without_isals_reader_is_read_and_refused_in_the_same_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("msbtui.image.compress._GZIP_READER", None)
    for form in (name for name in FORMS if name.startswith("gzip")):
        blob, plain = FORMS[form]
        assert drain(open_layer(Trickle(blob, 777)), 333) == plain
    blob = FORMS["gzip"][0]
    flipped = bytearray(blob)
    flipped[len(blob) // 2] ^= 4
    no_block = bytearray(blob)
    no_block[10] = 7  # RFC 1951, 3.2.3: no block has the type 3
    for damaged, words in (
        (blob[:-9], "cut off"),
        (blob + b"something else", "something else behind"),
        (flipped, "damaged gzip"),
        (no_block, "damaged gzip"),
    ):
        with pytest.raises(TargetError, match=f"blob 7: .*{words}"):
            drain(open_layer(bytes(damaged), where="blob 7"))


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_damage_gives_bytes_or_an_error(data: st.DataObject) -> None:
    blob = bytearray(
        data.draw(
            st.sampled_from(
                [
                    gzip.compress(TEXT[:3000]),
                    zstd(TEXT[:3000]),
                    lzma.compress(TEXT[:3000]),
                    bz2.compress(TEXT[:3000]),
                    zstd(NOISE[:500], write_checksum=True),
                ]
            )
        )
    )
    for _ in range(data.draw(st.integers(1, 5))):
        blob[data.draw(st.integers(0, len(blob) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(TargetError):
        assert isinstance(drain(open_layer(bytes(blob))), bytes)


@pytest.mark.parametrize(
    "pack", [lambda data: gzip.compress(data, 9), lambda data: zstd(data, level=19), lzma.compress, bz2.compress], ids=str
)
def test_a_bomb_is_unpacked_in_bounded_memory(pack: object) -> None:
    bomb = pack(bytes(100 << 20))  # type: ignore[operator]
    assert len(bomb) < 200_000
    tracemalloc.start()
    stream = open_layer(bomb)
    total = 0
    while data := stream.read(1 << 20):
        total += len(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == 100 << 20
    assert peak < (16 if pack is lzma.compress else 8) << 20


def test_a_window_beyond_measure_is_refused() -> None:
    frame = b"\x28\xb5\x2f\xfd" + bytes([0, 0xFF]) + (1 | 5 << 3).to_bytes(3, "little") + b"hello"
    with pytest.raises(TargetError, match="zstd"):
        drain(open_layer(frame))


def test_a_part_of_a_buffer_is_a_stream() -> None:
    reader = BufferReader(memoryview(b"0123456789"), 2, 6)
    assert (reader.read(3), reader.read(), reader.read(5)) == (b"234", b"5", b"")
    assert BufferReader(b"0123", 2, 99).read() == b"23"

    reader = BufferReader(b"0123")
    assert (reader.read(0), reader.read(1), reader.read(0), reader.read()) == (b"", b"0", b"", b"123")


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\x1f\x8b", "gzip"),
        (b"\x1f\x8c", "plain"),
        (b"\x1f", "plain"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (b"\x28\xb5\x2f\xfc", "plain"),
        (b"\x50\x2a\x4d\x18", "zstd"),
        (b"\x5f\x2a\x4d\x18", "zstd"),
        (b"\x4f\x2a\x4d\x18", "plain"),
        (b"\x60\x2a\x4d\x18", "plain"),
        (b"\x50\x2a\x4d\x19", "plain"),
        (b"\xfd7zXZ\0", "xz"),
        (b"\xfd7zXZ", "plain"),
        (b"BZh11AY&", "bzip2"),
        (b"BZh9\x17rE8", "bzip2"),
        (b"BZh01AY&", "plain"),
        (b"BZh91AY", "plain"),
        (b"", "plain"),
    ],
)
def test_a_form_is_told_by_its_first_bytes(head: bytes, kind: str) -> None:
    assert compression(head) == kind


@pytest.mark.parametrize(
    "form", ["gzip", "zstd after a skippable frame", "xz", "bzip2", "three bytes", "text that begins as bzip2 does"]
)
def test_a_form_is_told_however_little_comes_at_once(form: str) -> None:
    packed, text = FORMS[form]
    assert drain(open_layer(Trickle(packed, 1))) == text


def test_a_layer_may_grow_so_much_and_no_more() -> None:
    for taken in (0, 1, 1 << 30):
        most = SMALL_ENOUGH + LARGEST_GROWTH * taken
        check_growth(most, taken, "x")
        with pytest.raises(TargetError, match="more than 1100 times"):
            check_growth(most + 1, taken, "x")


@pytest.mark.parametrize("packed", [pack(bytes(3 << 20)) for pack in PACKS])
def test_bombs_are_refused_while_they_unpack(packed: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = open_layer(packed)
    assert sum(len(data) for data in iter(lambda: stream.read(1 << 16), b"")) == 3 << 20
    monkeypatch.setattr("msbtui.image.compress.SMALL_ENOUGH", 1 << 20)
    monkeypatch.setattr("msbtui.image.compress.LARGEST_GROWTH", 10)
    bomb = open_layer(packed, where="blob x")
    taken: list[int] = []
    with pytest.raises(TargetError, match="blob x: unpacks to more than 10 times its size"):
        taken.extend(len(data) for data in iter(lambda: bomb.read(1 << 16), b""))
    assert sum(taken) < 2 << 20


def test_xz_that_wants_too_much_memory_is_refused() -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 30, "mode": lzma.MODE_FAST, "mf": lzma.MF_HC3, "depth": 1}]
    header = lzma.compress(b"", format=lzma.FORMAT_XZ)[:12]
    small = lzma.LZMACompressor(lzma.FORMAT_XZ, filters=[{**filters[0], "dict_size": 1 << 20}])
    blob = bytearray(small.compress(TEXT) + small.flush())
    assert bytes(blob[:12]) == header
    at = blob.index(b"\x21\x01", 12) + 2  # the filter's identifier, the size of its properties, the size of the dictionary
    blob[at] = 36  # 1 GiB
    end = 12 + 4 * (blob[12] + 1)
    blob[end - 4 : end] = zlib.crc32(blob[12 : end - 4]).to_bytes(4, "little")
    with pytest.raises(TargetError, match=r"xz data \(Memory usage limit exceeded; .*\)\Z"):
        drain(open_layer(bytes(blob)))
