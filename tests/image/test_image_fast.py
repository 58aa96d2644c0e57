"""The compiled loops against the pure ones: the same answer to every archive, sound or not."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tar_maker import END, body, header, pax, rows

from msbtui.errors import TargetError
from msbtui.image import fast
from msbtui.image.heads import Heads
from msbtui.image.tar import index_layer

needs_compiled = pytest.mark.skipif(fast.compiled is None, reason="the compiled module was not built (no C compiler)")

names = st.sampled_from(
    [
        b"a", b"a/", b"./a", b"./", b".", b"/", b"", b"/abs", b"a//b", b"a/./b", b"a/../b", b"..", b"../a", b"a/..", b"a/...",
        b"...", b".wh.a", b"a/.wh.b", b"a/.wh..wh..opq", b".wh..wh.x", b"./.wh.c", b"a.wh.b", b".whx", b"a/.w", b"a/.git/x",
        b".hidden",
        b"./.hidden/b", b"././a", b".//a", b"a\\b", b"\\x41", b"tab\tname", b"\xc3\xa4/b", b"\xff", b"n" * 100, b"d/" * 50,
        b"./" * 50,
    ]
)  # fmt: skip
fields = st.sampled_from(
    [
        b"0000644\0",
        b"   644 \0",
        b"\0" * 8,
        b"0000644 ",
        b"644\0garb",
        b"8888888\0",
        b"-000001\0",
        b"12 34\0\0\0",
        b"\x80" + b"\0" * 6 + b"\5",
    ]
)
times = st.sampled_from(
    [b"00000000001\0", b"  7654321 \0 ", b"77777777777\0", b"777777777777", b"\xff" * 12, b"\0" * 12, b"1\0" + b"x" * 10]
)
contents = st.sampled_from(
    [b"", b"x", b"\x7fELF" + b"e" * 60, b"----" + b"-" * 60, b"\x7fELF", b"z" * 511, b"y" * 512, b"w" * 9000]
)


@st.composite
def members(draw: st.DrawFn) -> bytes:
    data = draw(contents)
    flag = draw(st.sampled_from([b"0", b"0", b"0", b"1", b"2", b"3", b"5", b"6", b"\0", b"7", b"S"]))
    size: int | bytes = len(data) if flag in (b"0", b"\0", b"7") else 0
    if draw(st.integers(0, 9)) == 0:
        size = draw(
            st.sampled_from([b"%011o\0" % (1 << 32), b"777777777777", b"\x80" + b"\0" * 10 + b"\1", b"-1" + b"\0" * 10, 3])
        )
    block = header(
        draw(names),
        size=size,
        flag=flag,
        link=draw(names),
        prefix=draw(st.sampled_from([b"", b"", b"", b"p", b"p/q", b"./p", b".wh.p", b"P" * 155, b"\xff"])),
        magic=draw(st.sampled_from([b"ustar\x0000", b"ustar  \0", b"\0" * 8])),
        mode=draw(fields),
        uid=draw(fields),
        mtime=draw(times),
    )
    if draw(st.integers(0, 19)) == 0:
        at = draw(st.integers(0, 511))
        block = block[:at] + bytes([block[at] ^ 1]) + block[at + 1 :]
    before = draw(st.sampled_from([b"", b"", b"", pax([(b"path", b"long/" * 30 + b"x")]), pax([(b"uid", b"7")], b"g")]))
    return before + block + (body(data) if flag in (b"0", b"\0", b"7") else b"")


archives = st.tuples(st.lists(members(), max_size=8).map(b"".join), st.sampled_from([END, b"", bytes(512), b"\1" * 100])).map(
    b"".join
)


@contextmanager
def pure() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fast, "compiled", None)
        yield


def answer(read: Callable[[Heads], object]) -> object:
    heads = Heads()
    try:
        return rows(read(heads)), heads.elves, heads.pems  # type: ignore[arg-type]
    except TargetError as error:
        return str(error)


@needs_compiled
@settings(max_examples=400, deadline=None)
@given(archives, st.integers(0, 700))
def test_an_archive_has_one_index(archive: bytes, before: int) -> None:
    """In memory, from a file, and by the pure module; also where the archive stands somewhere in the file."""
    compiled = answer(lambda heads: index_layer(archive, heads=heads))
    with tempfile.TemporaryFile() as file:
        file.write(bytes(before) + archive + b"behind")
        file.flush()
        from_file = answer(lambda heads: index_layer(archive, heads=heads, file=(file.fileno(), before)))
    with pure():
        assert answer(lambda heads: index_layer(archive, heads=heads)) == compiled == from_file


@needs_compiled
def test_a_file_that_shrank_is_read_no_further_than_it_goes() -> None:
    archive = b"".join(header(b"f%d" % n, size=3000) + body(b"x" * 3000) for n in range(50)) + END
    with tempfile.TemporaryFile() as file:
        file.write(archive[:20_000])
        file.flush()
        with pure():
            whole = index_layer(archive)
        assert rows(index_layer(archive, file=(file.fileno(), 0))) == rows(whole)  # the map has the rest


def test_the_environment_asks_for_the_pure_modules() -> None:
    says = "import msbtui.image.fast as fast; print(fast.compiled)"
    done = subprocess.run([sys.executable, "-c", says], env={"MSBTUI_PURE": "1"}, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "None"
