"""The tar header reader, against stdlib `tarfile` and against archives built by hand."""

from __future__ import annotations

import io
import mmap
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tar_maker import END, body, entries, header, pax, read, rows, sparse_header

from msbtui.image.heads import Heads
from msbtui.image.model import Kind
from msbtui.image.tar import index_layer
from msbtui.text import printable

pytestmark = pytest.mark.usefixtures("implementation")

KINDS = {
    tarfile.REGTYPE: Kind.FILE,
    tarfile.DIRTYPE: Kind.DIRECTORY,
    tarfile.SYMTYPE: Kind.SYMLINK,
    tarfile.LNKTYPE: Kind.HARD_LINK,
    tarfile.CHRTYPE: Kind.CHAR_DEVICE,
    tarfile.BLKTYPE: Kind.BLOCK_DEVICE,
    tarfile.FIFOTYPE: Kind.FIFO,
}
part = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=60).filter(
    lambda text: text not in (".", "..") and not text.startswith(".wh.")
)
path = st.lists(part, min_size=1, max_size=6).map("/".join)
member = st.fixed_dictionaries(
    {
        "name": path,
        "type": st.sampled_from(list(KINDS)),
        "size": st.sampled_from([0, 1, 511, 512, 513, 3000]),
        "mode": st.integers(0, 0o7777),
        "uid": st.integers(0, 3_000_000),
        "gid": st.integers(0, 3_000_000),
        "mtime": st.one_of(st.integers(0, 2**34), st.floats(0, 2**33)),
        "linkname": path,
    }
)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(member, max_size=12, unique_by=lambda m: m["name"]),
    st.sampled_from([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
)
def test_what_tarfile_writes_is_read_as_tarfile_reads_it(members: list[dict[str, object]], form: int) -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=form) as archive:
        for fields in members:
            info = tarfile.TarInfo()
            for key, value in fields.items():
                setattr(info, key, value)
            if info.type != tarfile.REGTYPE:
                info.size = 0
            if info.type not in (tarfile.SYMTYPE, tarfile.LNKTYPE):
                info.linkname = ""
            try:
                archive.addfile(info, io.BytesIO(b"\xff" * info.size))
            except (ValueError, UnicodeError):  # what the format cannot say
                continue
    data = file.getvalue()
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        wanted = archive.getmembers()
    index = read(data)
    assert len(index) == len(wanted)
    for n, info in enumerate(wanted):
        assert index.paths[n] == printable(info.name)
        assert index.kinds[n] == KINDS[info.type]
        assert (index.sizes[n], index.modes[n], index.uids[n], index.gids[n]) == (info.size, info.mode, info.uid, info.gid)
        assert index.mtimes[n] == info.mtime
        assert index.offsets[n] == info.offset_data
        assert index.links.get(n, "") == printable(info.linkname)


def test_a_memory_map_can_be_closed_afterwards(tmp_path: Path) -> None:
    (tmp_path / "layer").write_bytes(header(b"x", size=3) + body(b"abc") + END)
    with (tmp_path / "layer").open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert entries(index_layer(mapped)) == [("x", Kind.FILE, 3)]


def test_names_are_held_inside_the_root_and_tidied() -> None:
    names = [b"./", b"./etc/", b"/etc/passwd", b"../../x", b"a//b/./c", b"a/../../d", b"usr/lib/", b".hidden", b"dir/.hidden"]
    archive = b"".join(header(name, flag=b"5" if name.endswith(b"/") else b"0") for name in names) + END
    assert read(archive).paths == ["", "etc", "etc/passwd", "x", "a/b/c", "d", "usr/lib", ".hidden", "dir/.hidden"]


def test_names_become_printable_once() -> None:
    names = [b"\xff\xfe", b"red\x1b[31m", b"back\\slash", b"look\\x1blike", "zero\u200bwidth".encode(), "naïve".encode()]
    index = read(b"".join(header(name) for name in names) + END)
    assert index.paths == ["\\xff\\xfe", "red\\x1b[31m", "back\\slash", "look\\x5cx1blike", "zero\\u200bwidth", "naïve"]


def test_an_old_regular_entry_with_a_slash_is_a_directory_and_a_new_one_is_not() -> None:
    index = read(
        header(b"old/", flag=b"\0") + header(b"new/", flag=b"0") + header(b"seven", flag=b"7", size=1) + body(b"x") + END
    )
    assert entries(index) == [("old", Kind.DIRECTORY, 0), ("new", Kind.FILE, 0), ("seven", Kind.FILE, 1)]


def test_prefix_counts_in_ustar_headers_only() -> None:
    gnu = header(b"plain", prefix=b"12345670123", magic=b"ustar  \0")
    index = read(header(b"file", prefix=b"a/long/way") + gnu + header(b"v7", prefix=b"junk", magic=b"") + END)
    assert index.paths == ["a/long/way/file", "plain", "v7"]


def test_unknown_types_are_files_as_in_tarfile() -> None:
    archive = header(b"volume", flag=b"V", size=5) + body(b"12345") + header(b"next") + END
    with tarfile.open(fileobj=io.BytesIO(archive)) as oracle:
        assert [(m.name, m.size) for m in oracle] == [("volume", 5), ("next", 0)]
    assert entries(read(archive)) == [("volume", Kind.FILE, 5), ("next", Kind.FILE, 0)]


def test_sizes_of_links_and_directories_skip_nothing() -> None:
    archive = (
        header(b"d", flag=b"5", size=700)
        + header(b"l", flag=b"1", link=b"./f", size=700)
        + header(b"f", size=2)
        + body(b"ok")
        + END
    )
    index = read(archive)
    assert entries(index) == [("d", Kind.DIRECTORY, 0), ("l", Kind.HARD_LINK, 0), ("f", Kind.FILE, 2)]
    assert index.links == {1: "f"}


def test_base_256_numbers() -> None:
    big = b"\x80" + (5).to_bytes(11, "big")
    index = read(
        header(b"f", size=big, uid=b"\x80" + (1 << 30).to_bytes(7, "big"), mtime=b"\xff" * 11 + b"\xfe") + body(b"12345") + END
    )
    assert (index.sizes[0], index.uids[0], index.mtimes[0]) == (5, 1 << 30, -2.0)


def test_signed_checksums_of_old_tars() -> None:
    assert read(header(b"\xe4\xf6\xfc", signed=True) + END).paths == ["\\xe4\\xf6\\xfc"]


def test_headers_longer_than_what_is_read_at_once() -> None:
    comment = pax([(b"comment", b"x" * 700_000), (b"path", b"renamed")])
    index = read(header(b"a", size=3) + body(b"abc") + comment + header(b"b", size=600_000) + body(b"b" * 600_000) + END)
    assert index.paths == ["a", "renamed"]


def test_gnu_long_names_and_links() -> None:
    name, link = b"n/" * 80 + b"name", b"l" * 300
    archive = header(b"././@LongLink", flag=b"L", size=len(name) + 1) + body(name + b"\0")
    archive += header(b"././@LongLink", flag=b"K", size=len(link) + 1) + body(link + b"\0")
    index = read(archive + header(b"cut", flag=b"2", link=b"cut") + header(b"after") + END)
    assert index.paths == [name.decode(), "after"]
    assert index.links == {0: link.decode()}


def test_pax_records_override_and_globals_last() -> None:
    archive = pax([(b"mtime", b"7.5"), (b"comment", b"x"), (b"size", b"99")], b"g")
    archive += pax(
        [(b"path", b"p/\xff"), (b"size", b"4"), (b"uid", b"5000000"), (b"SCHILY.xattr.security.capability", b"\x01\n=\x00")]
    )
    archive += header(b"short", size=0) + body(b"data") + header(b"second", size=1) + body(b"x")
    index = read(archive + END)
    assert entries(index) == [("p/\\xff", Kind.FILE, 4), ("second", Kind.FILE, 1)]
    assert (index.uids[0], list(index.mtimes)) == (5000000, [7.5, 7.5])
    assert index.xattrs == {0: {"security.capability": b"\x01\n=\x00"}}


def test_an_empty_pax_value_leaves_the_header_and_the_first_of_two_headers_counts() -> None:
    archive = (
        pax([(b"path", b"")])
        + header(b"own")
        + pax([(b"path", b"first")])
        + pax([(b"path", b"second"), (b"uid", b"7")])
        + header()
    )
    with tarfile.open(fileobj=io.BytesIO(archive + END)) as oracle:
        assert [(member.name, member.uid) for member in oracle][1] == ("first", 7)
    index = read(archive + END)
    assert (index.paths, list(index.uids)) == (["own", "first"], [0, 7])


def test_sparse_files_count_what_is_stored() -> None:
    block = bytes(504) + b"\1" + bytes(7)
    old = sparse_header(3, 1 << 30, True) + block + bytes(512) + body(b"old")
    v00 = pax(
        [
            (b"GNU.sparse.size", b"9000"),
            (b"GNU.sparse.numblocks", b"1"),
            (b"GNU.sparse.offset", b"0"),
            (b"GNU.sparse.numbytes", b"3"),
        ]
    )
    v00 += header(b"v00", size=3) + body(b"v00")
    v01 = pax([(b"GNU.sparse.size", b"9001"), (b"GNU.sparse.name", b"v01"), (b"GNU.sparse.map", b"0,3")])
    v01 += header(b"GNUSparseFile.0/v01", size=3) + body(b"v01")
    names = [
        (b"GNU.sparse.major", b"1"),
        (b"GNU.sparse.minor", b"0"),
        (b"GNU.sparse.name", b"v10"),
        (b"GNU.sparse.realsize", b"9002"),
    ]
    many = b"".join(b"%d\n1\n" % n for n in range(200))
    v10 = pax(names) + header(b"GNUSparseFile.0/v10", size=1536 + 200) + body(b"200\n" + many) + body(b"x" * 200)
    index = read(old + v00 + v01 + v10 + header(b"after", size=1) + body(b"!") + END)
    assert len(b"200\n" + many) in range(1024, 1537)
    assert entries(index) == [
        ("s", Kind.FILE, 3), ("v00", Kind.FILE, 3), ("v01", Kind.FILE, 3), ("v10", Kind.FILE, 200), ("after", Kind.FILE, 1),
    ]  # fmt: skip
    assert index.logical == {0: 1 << 30, 1: 9000, 2: 9001, 3: 9002}


def test_marks() -> None:
    names = [
        b"etc/.wh.gone",
        b".wh.top",
        b"dir/.wh..wh..opq",
        b".wh..wh..opq",
        b".wh..wh.aufs",
        b".wh..wh.plnk/1.2",
        b"a/.wh.",
        b"a/.wh...",
    ]
    archive = b"".join(header(name, size=2) + body(b"xx") for name in names) + header(b"b/.wh.d", flag=b"5") + END
    index = read(archive)
    assert entries(index) == [
        ("etc/gone", Kind.WHITEOUT, 0), ("top", Kind.WHITEOUT, 0), ("dir", Kind.OPAQUE, 0), ("", Kind.OPAQUE, 0),
        ("b/d", Kind.WHITEOUT, 0),
    ]  # fmt: skip


def test_the_last_entry_for_a_path_counts() -> None:
    archive = header(b"a", size=3) + body(b"one") + header(b"b") + header(b"./a", size=5) + body(b"other") + END
    index = read(archive)
    assert entries(index) == [("b", Kind.FILE, 0), ("a", Kind.FILE, 5)]


def test_a_whiteout_says_nothing_of_its_own_layer() -> None:
    archive = (
        header(b"f", size=1)
        + body(b"x")
        + header(b".wh.f")
        + header(b".wh.d")
        + header(b"d", flag=b"5")
        + header(b"d/in", size=1)
        + body(b"y")
    )
    archive += header(b"d/.wh..wh..opq") + header(b".wh.only")
    index = read(archive + END)
    assert entries(index) == [
        ("f", Kind.FILE, 1), ("d", Kind.DIRECTORY, 0), ("d/in", Kind.FILE, 1), ("d", Kind.OPAQUE, 0), ("only", Kind.WHITEOUT, 0),
    ]  # fmt: skip
    index = read(header(b".wh.d") + header(b"d", flag=b"5") + END)
    assert entries(index) == [("d", Kind.OPAQUE, 0), ("d", Kind.DIRECTORY, 0)]


def test_hard_links_keep_the_file_that_stood_there_when_they_were_made() -> None:
    archive = (
        header(b"a", size=3, mode=b"0000600\0")
        + body(b"one")
        + header(b"b", flag=b"1", link=b"a")
        + header(b"c", flag=b"1", link=b"b")
    )
    archive += (
        header(b"a", size=5) + body(b"other") + header(b"d", flag=b"1", link=b"a") + header(b"e", flag=b"1", link=b"nowhere")
    )
    index = read(archive + END)
    assert entries(index) == [
        ("b", Kind.FILE, 3), ("c", Kind.HARD_LINK, 0), ("a", Kind.FILE, 5), ("d", Kind.HARD_LINK, 0), ("e", Kind.HARD_LINK, 0),
    ]  # fmt: skip
    assert index.links == {1: "b", 3: "a", 4: "nowhere"}
    assert index.modes[0] == 0o600
    assert index.offsets[0] == 512


def test_hard_links_to_aufs_storage_bear_its_bytes() -> None:
    archive = header(b".wh..wh.plnk/1.2", size=4) + body(b"data") + header(b"x", flag=b"1", link=b".wh..wh.plnk/1.2")
    assert entries(read(archive + header(b"y", flag=b"1", link=b"/.wh..wh.plnk/1.2") + END)) == [
        ("x", Kind.FILE, 4),
        ("y", Kind.HARD_LINK, 0),
    ]


@pytest.mark.parametrize(
    "archive", [b"", END, bytes(512), bytes(10240), header(b"a"), header(b"a", size=1) + b"x", header(b"a") + bytes(700)]
)
def test_ends_that_are_allowed(archive: bytes) -> None:
    assert len(read(archive)) == (1 if archive.strip(b"\0") else 0)


def test_what_follows_the_end_is_not_read() -> None:
    assert read(header(b"a") + END + b"anything" * 1000).paths == ["a"]


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_an_archive_is_read_alike_window_by_window(data: st.DataObject) -> None:
    parts = [
        header(b"d/", flag=b"5"),
        header(b"d/a", size=3) + body(b"abc"),
        pax([(b"path", b"d/" + b"n" * 700)]) + header(b"x", size=700) + body(b"y" * 700),
        header(b"d/l", flag=b"1", link=b"d/a"),
        header(b"d/s", flag=b"2", link=b"a"),
        header(b"d/.wh.gone", size=2) + body(b"xx"),
        header(b"d/big", size=5000) + body(b"z" * 5000),
        header(b"old/", flag=b"\0"),
        header(b"prog", size=80) + body(b"\x7fELF" + b"p" * 76),
        header(b"d/a", size=60) + body(b"-----BEGIN" + b"k" * 50),
        header(b"d/l2", flag=b"1", link=b"d/a"),
    ]
    chosen = data.draw(st.lists(st.sampled_from(parts), max_size=12))
    archive = b"".join(chosen) + data.draw(st.sampled_from([b"", bytes(512), END, bytes(4096)]))
    released: list[int] = []
    heads, late = Heads(), Heads()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("msbtui.image.tar._WINDOW", 2048)
        index = index_layer(archive, release=lambda: released.append(1), heads=heads)
    late.look(archive, index)
    assert (heads.elves, heads.pems) == (late.elves, late.pems)
    whole = index_layer(archive)
    assert rows(index) == rows(whole)
    assert index.tar_size == whole.tar_size == len(archive)
    assert rows(read(archive)) == rows(whole)
    assert len(released) >= len(archive) // 8192
