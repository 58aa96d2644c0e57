"""The tar header reader on archives that are damaged or mean harm."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tar_maker import END, Collect, Filling, Trickle, body, header, pax, rows, sparse_header

from msbtui.errors import TargetError
from msbtui.image.tar import index_layer, index_stream

pytestmark = pytest.mark.usefixtures("implementation")

HOSTILE = {
    "garbage": (b"\x7fELF" + b"x" * 2000, "byte 0"),
    "short garbage": (b"hello", "byte 5"),
    "damaged header": (header(b"a") + header(b"b").replace(b"0000644", b"0000645") + END, "byte 512"),
    "cut in a header": (header(b"a") + header(b"b")[:300], "byte 812"),
    "cut in a content": (header(b"a", size=5000) + b"x" * 1000, "byte 1512"),
    "8 EiB": (header(b"a", size=b"\x80" + bytes(3) + b"\x7f" + b"\xff" * 7) + END, "ends at byte 1536"),
    "more than 64 bits": (header(b"a", size=b"\x80" + b"\xff" * 11) + END, "byte 0"),
    "negative size": (header(b"a", size=b"\xff" * 12) + END, "negative"),
    "negative octal": (header(b"a", size=b"-0000000001\0") + END, "negative"),
    "no number": (header(b"a", mode=b"12x4567\0") + END, "octal"),
    "lone zero block": (header(b"a") + bytes(512) + header(b"b") + END, "byte 512"),
    "pax without entry": (pax([(b"path", b"x")]) + END, "extended header"),
    "pax without entry at the very end": (pax([(b"path", b"x")]), "extended header"),
    "pax length too long": (header(b"p", flag=b"x", size=20) + body(b"99 path=abc\n") + header() + END, "pax record"),
    "pax length zero": (header(b"p", flag=b"x", size=20) + body(b"0 path=abc\n") + header() + END, "pax record"),
    "pax no keyword": (header(b"p", flag=b"x", size=8) + body(b"8 =abcd\n") + header() + END, "keyword"),
    "pax size": (pax([(b"size", b"-1")]) + header() + END, "decimal"),
    "pax size huge": (pax([(b"size", b"9" * 5000)]) + header() + END, "decimal"),
    "huge extension": (header(b"p", flag=b"x", size=1 << 30) + END, "extended header of 1073741824 bytes"),
    "extension cut off": (header(b"p", flag=b"L", size=5000) + b"x" * 600, "byte 1112"),
    "sparse chain cut off": (sparse_header(0, 5, True) + (bytes(504) + b"\1" + bytes(7)) * 3, "middle"),
    "sparse chain endless": (sparse_header(0, 5, True) + (bytes(504) + b"\1" + bytes(7)) * 2100, "without end"),
    "sparse map no number": (
        pax([(b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0")]) + header(size=512) + body(b"x" * 512) + END,
        "sparse map",
    ),
    "sparse map too long": (
        pax([(b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0")]) + header(size=512) + body(b"4000\n" + b"1\n" * 100) + END,
        "sparse map",
    ),
    "whiteout body cut off": (header(b".wh.x", size=5000) + b"x" * 512, "ends at byte 1024"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_archives_are_refused_with_the_place(name: str) -> None:
    archive, words = HOSTILE[name]
    with pytest.raises(TargetError) as from_memory:
        index_layer(archive, where="layer 3")
    assert words in str(from_memory.value)
    assert str(from_memory.value).startswith("layer 3: not a sound tar archive: ")
    for stream in (Trickle(archive, 1 << 20), Trickle(archive, 100), Filling(archive, 1 << 20), Filling(archive, 100)):
        with pytest.raises(TargetError) as from_stream:
            index_stream(stream, Collect(), where="layer 3")
        assert str(from_stream.value) == str(from_memory.value)


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_mutations_give_an_index_or_an_error(data: st.DataObject) -> None:
    base = header(b"d/", flag=b"5") + pax([(b"path", b"d/x"), (b"GNU.sparse.major", b"1")]) + header(b"x", size=3) + body(b"abc")
    base += (
        header(b"l", flag=b"1", link=b"d/x")
        + header(b"././@LongLink", flag=b"L", size=4)
        + body(b"long")
        + header(b"z")
        + sparse_header(0, 9, False)
        + END
    )
    damaged = bytearray(base)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(base) // 512 - 1)) * 512
        inside = data.draw(st.integers(0, 511))
        damaged[at + inside] = data.draw(st.integers(0, 255))
        if data.draw(st.booleans()):
            block = damaged[at : at + 148] + b" " * 8 + damaged[at + 156 : at + 512]
            damaged[at + 148 : at + 156] = b"%06o\0 " % sum(block)
    archive = bytes(damaged[: data.draw(st.integers(0, len(base)))])
    try:
        index = index_layer(archive)
    except TargetError as error:
        for stream in (Trickle(archive, 700), Filling(archive, 700)):
            with pytest.raises(TargetError, match=re.escape(str(error))):
                index_stream(stream)
    else:
        assert sum(index.sizes) <= len(archive)
        assert rows(index_stream(Trickle(archive, 700))) == rows(index)
        assert rows(index_stream(Filling(archive, 700))) == rows(index)


@pytest.mark.parametrize("of", [b"path", b"linkpath", b"SCHILY.xattr.x"])
def test_names_that_grow_beyond_their_archive_are_refused(of: bytes) -> None:
    long = b"\xff" * 900_000
    records = [(of + long, b"1")] if of.startswith(b"S") else [(of, long)]
    one = pax(records) + header(b"x", flag=b"2")
    assert len(index_layer(one * 9 + END)) <= 9
    with pytest.raises(TargetError, match="names that are longer than all else"):
        index_layer(one * 14 + END)


def test_long_names_as_people_have_them_are_no_matter() -> None:
    names = [pax([(b"path", ("d\u00e9j\u00e0/" * 40 + f"{n}").encode())]) + header(b"x") for n in range(20_000)]
    assert len(index_layer(b"".join(names) + END)) == 20_000


def test_what_is_no_archive_says_what_to_try():
    with pytest.raises(TargetError, match=r"layer 3: not a sound tar archive: .*, at byte 0 of the archive \(save or pull"):
        index_layer(b"hello world, no tar at all" * 40, where="layer 3")
