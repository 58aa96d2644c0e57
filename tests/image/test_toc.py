"""Tables of contents of eStargz and zstd:chunked layers that their own tools wrote (see data/toc), against the whole layer."""

from __future__ import annotations

import copy
import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from msbtui.errors import TargetError
from msbtui.image.cache import LayerCache
from msbtui.image.compress import BufferReader, open_layer
from msbtui.image.facts import FactsCollector, StoredContents
from msbtui.image.model import Kind, LayerIndex
from msbtui.image.parts import PartContents
from msbtui.image.tar import index_stream
from msbtui.image.toc import CHUNKED, ESTARGZ, FOOTER, TocError, estargz_start, find_place, read_toc

DATA = Path(__file__).parent.parent / "data/toc"
FORMS = ("estargz", "estargz-small", "zstd", "skopeo")
NOT_SAID = ("offsets", "tar_size")
"""Columns that no table of contents tells."""


def stored(form):
    return (DATA / f"{form}.blob").read_bytes(), json.loads((DATA / f"{form}.json").read_text())


def table(blob, annotations):
    place = find_place(annotations, len(blob))
    if place.form == "estargz":
        start = estargz_start(blob[-FOOTER:], len(blob))
        return read_toc(place, blob[start:-FOOTER], start, len(blob), lambda begin, end: blob[begin:end])
    return read_toc(place, blob[place.start : place.end], place.start, len(blob), lambda begin, end: blob[begin:end])


def whole(blob):
    collector = FactsCollector()
    index = index_stream(open_layer(blob), collector)
    return index, collector.contents()


class Blob:
    """A stored layer in memory that notes what is asked of it."""

    where = "blob"

    def __init__(self, data):
        self.data = data
        self.asked = []

    def open(self, start, end):
        self.asked.append((start, end))
        return BufferReader(self.data, start, end)


def parts(form, known=None):
    blob, annotations = stored(form)
    source = Blob(blob)
    toc = table(blob, annotations)
    return PartContents(toc, lambda: toc, source, known or StoredContents(toc.entries, complete=False), key="k"), source


@pytest.mark.parametrize("form", FORMS)
def test_a_table_gives_the_index_of_the_whole_layer(form):
    blob, annotations = stored(form)
    found, (expected, _) = table(blob, annotations).entries, whole(blob)
    for column in LayerIndex.__slots__:
        if column not in NOT_SAID:
            assert getattr(found, column) == getattr(expected, column), column
    assert found.kinds.count(Kind.WHITEOUT) == found.kinds.count(Kind.OPAQUE) == 1
    assert found.xattrs and found.links
    assert found.paths[found.sizes.index(max(found.sizes))] == "usr/share/numbers"


@pytest.mark.parametrize("form", ["buildkit-file", "buildkit-folder", "buildkit-empty"])
def test_a_table_behind_the_end_of_the_archive_is_no_file_of_the_layer(form):
    """BuildKit keeps the zeros that end the archive, and appends the table: who unpacks the layer never sees it."""
    blob, annotations = stored(form)
    found, (expected, _) = table(blob, annotations), whole(blob)
    for column in LayerIndex.__slots__:
        if column not in NOT_SAID:
            assert getattr(found.entries, column) == getattr(expected, column), column
    assert "stargz.index.json" not in found.entries.paths
    assert sorted(found.chunks) == [number for number, size in enumerate(expected.sizes) if size]


def test_a_last_piece_that_is_too_large_to_look_behind():
    with pytest.raises(TocError, match="too large to see where the archive ends"):
        table(*estargz([file(size=17 << 20, offset=5)]))
    blob, annotations = estargz([file()])
    bomb = gzip.compress(bytes(40 << 20), 1)
    start = estargz_start(blob[-FOOTER:], len(blob))
    with pytest.raises(TocError, match="more follows the last of its files"):
        read_toc(find_place(annotations, len(blob)), blob[start:-FOOTER], start, len(blob), lambda begin, end: bomb)


@pytest.mark.parametrize("form", FORMS)
def test_the_pieces_of_files_are_their_contents(form):
    contents, source = parts(form)
    contents.prefetch()
    index, expected = whole(source.data)
    for entry in range(len(index)):
        assert contents.digest(entry) == expected.digest(entry), index.paths[entry]
        assert contents.elf(entry) == expected.elf(entry), index.paths[entry]
        if (text := expected.text(entry)) is not None:
            assert contents.text(entry) == text
            assert contents.text(entry, 3) == text[:3]
    assert contents.programs() == sorted(expected.elves)
    assert contents.text(index.paths.index("usr/share/numbers"), 5) == b"0 137"
    assert contents.secrets == expected.secrets
    assert set(contents.secrets.values()) == {"a private key"}
    assert not any(text.startswith(b"-----BEGIN") for text in contents.texts.values())


@pytest.mark.parametrize("form", ["estargz", "zstd", "skopeo"])
def test_only_what_is_asked_for_is_fetched(form):
    contents, source = parts(form)
    contents.prefetch()
    fetched = sum(end - start for start, end in source.asked)
    assert 0 < fetched < len(source.data) / 2
    numbers = contents.index.paths.index("usr/share/numbers")
    database = contents.index.paths.index("var/lib/dpkg/status")
    source.asked.clear()
    assert contents.text(database).startswith(b"Package: tool\n")
    assert not source.asked
    contents.digest(numbers)
    assert sum(end - start for start, end in source.asked) > 10_000
    source.asked.clear()
    contents.digest(numbers)
    assert not source.asked


@pytest.mark.parametrize("form", FORMS)
def test_what_was_learned_is_kept(form, tmp_path):
    contents, _ = parts(form)
    contents.prefetch()
    numbers = contents.index.paths.index("usr/share/numbers")
    tool = contents.index.paths.index("usr/bin/tool")
    digest, elf = contents.digest(numbers), contents.elf(tool)
    assert elf is not None
    other, key = (contents.index.paths.index(name) for name in ("lib/f3", "root/.ssh/id_rsa"))
    assert contents.text(other).startswith(b"3") and contents.text(key).startswith(b"-----BEGIN")
    cache = LayerCache(tmp_path)
    cache.put("k", contents.index, contents)
    index, known = cache.get("k")
    again, source = parts(form, known)
    assert index.paths == contents.index.paths
    assert (again.digest(numbers), again.elf(tool), again.programs()) == (digest, elf, contents.programs())
    assert again.secrets == contents.secrets
    assert again.text(index.paths.index("var/lib/dpkg/status")) == contents.text(index.paths.index("var/lib/dpkg/status"))
    assert again.text(other) == contents.text(other)
    assert key not in known.texts
    assert not source.asked


@pytest.mark.parametrize("form", FORMS)
def test_a_piece_that_holds_something_else_is_named(form):
    contents, source = parts(form)
    numbers = contents.index.paths.index("usr/share/numbers")
    chunk = contents._toc.chunks[numbers][-1]
    middle = (chunk.start + chunk.end) // 2
    source.data = source.data[:middle] + bytes([source.data[middle] ^ 1]) + source.data[middle + 1 :]
    with pytest.raises(TargetError, match=r"blob"):
        contents.digest(numbers)
    with pytest.raises(TargetError, match=r"blob"):
        contents.text(numbers)


# tables that lie

FIELDS = ("name", "type", "size", "offset", "modtime", "chunkOffset", "chunkSize", "linkName", "mode", "uid", "xattrs", "digest",
          "chunkDigest", "innerOffset", "endOffset")  # fmt: skip


def estargz(entries, *, name="stargz.index.json", change=lambda text: text):
    """Give a layer of nothing but a table, and its annotations."""
    text = change(json.dumps({"version": 1, "entries": entries}).encode())
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        info = tarfile.TarInfo(name)
        info.size = len(text)
        tar.addfile(info, io.BytesIO(text))
    head = b"x" * 100
    footer = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x1a\0SG\x16\0" + b"%016xSTARGZ" % len(head) + b"\1\0\0\xff\xff" + bytes(8)
    return head + gzip.compress(out.getvalue()) + footer, {ESTARGZ: f"sha256:{hashlib.sha256(text).hexdigest()}"}


def file(**more):
    zeros = f"sha256:{'0' * 64}"
    return {"name": "f", "type": "reg", "size": 10, "offset": 5, "digest": zeros, "chunkDigest": zeros, **more}


def chunk(**more):
    return {"name": "f", "type": "chunk", "offset": 9, "chunkDigest": f"sha256:{'0' * 64}", **more}


LIES = {
    "negative size": ([file(size=-1)], "negative size"),
    "a size beyond all": ([file(size=1 << 62)], "no image needs that"),
    "a size beyond 64 bits": ([file(size=1 << 70)], "no file system can hold"),
    "sizes whose sum is beyond": ([file(size=1 << 38), file(name="g", size=1 << 38)], "no image needs that"),
    "a piece before its file": ([chunk()], "has no file"),
    "a piece of another file": ([file(chunkSize=4), chunk(name="g", chunkOffset=4)], "has no file"),
    "pieces that do not meet": ([file(chunkSize=4), chunk(chunkOffset=5)], "do not make the file"),
    "pieces that are too much": ([file(chunkSize=4), chunk(chunkOffset=4, chunkSize=60)], "do not make the file"),
    "pieces that are too little": ([file(chunkSize=4)], "do not make the file"),
    "a piece of nothing": ([file(chunkSize=-1)], "do not make the file"),
    "a place outside": ([file(offset=1 << 40)], "lies where none can be"),
    "a place in the table": ([file(offset=100)], "lies where none can be"),
    "a negative place": ([file(offset=-5)], "lies where none can be"),
    "a place before itself": ([file(innerOffset=-1)], "lies where none can be"),
    "no digest": ([file(digest="", chunkDigest="")], "lies where none can be"),
    "a digest that is none": ([file(chunkDigest="sha256:00")], "lies where none can be"),
    "a kind that is none": ([file(type="door")], "not known: door"),
    "a time that is none": ([file(modtime="yesterday")], "time"),
    "a month that is none": ([file(modtime="2020-13-01T00:00:00Z")], "time"),
    "attributes that are none": ([file(xattrs={"user.a": "="})], "attributes"),
    "names that were no UTF-8": ([file(name="\ufffd")], "lost bytes"),
    "an owner beyond 64 bits": ([file(uid=1 << 80)], "no file system can hold"),
    "no entries": ("no", "cannot be understood"),
    "a name of megabytes": ([{"name": "d/" * 600_000, "type": "dir"}], "longer than any archive's"),
    "far more entries than the layer has room for": ([{"name": "", "type": "dir"}] * 310_000, "more entries"),
    "a table far larger than its layer": ([{"name": "d", "type": "dir", "xattrs": {"x": "A" * (17 << 20)}}], "larger than"),
    "a piece deep in a stream": ([file(innerOffset=1 << 30)], "lies deep"),
    "two streams, unpacked in turn": (
        [file(name=f"f{n}", offset=5 + n % 2, innerOffset=(15 << 20) + n) for n in range(200)], "again and again",
    ),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_a_table_that_lies_is_not_used(lie):
    entries, says = LIES[lie]
    with pytest.raises(TocError, match=says):
        table(*estargz(entries))


def test_what_is_wrong_around_a_table():
    blob, annotations = estargz([file()])
    assert table(blob, annotations).entries.paths == ["f", "stargz.index.json"]
    with pytest.raises(TocError, match="does not hash"):
        table(blob, {ESTARGZ: f"sha256:{'0' * 64}"})
    with pytest.raises(TocError, match="cannot be understood"):
        table(blob, {ESTARGZ: "md5:0"})
    with pytest.raises(TocError, match="eStargz footer"):
        table(blob[:-1], annotations)
    with pytest.raises(TocError, match="eStargz footer"):
        estargz_start(blob[-FOOTER:].replace(b"%016x" % 100, b"f" * 16), len(blob))
    with pytest.raises(TocError, match=r"no stargz\.index\.json"):
        table(*estargz([], name="other"))
    with pytest.raises(TocError, match="cannot be understood"):
        table(*estargz([], change=lambda text: b"[" * 100_000))
    assert find_place({}, 100) is None
    for prefix in CHUNKED:
        digest = {f"{prefix}manifest-checksum": f"sha256:{'0' * 64}"}
        for at, says in ((None, "cannot be understood"), ("1:2:3:9", "cannot be understood"), ("90:20:3:1", "outside"),
                         (f"1:2:{1 << 40}:1", "larger than 128 MiB")):  # fmt: skip
            more = {} if at is None else {f"{prefix}manifest-position": at}
            with pytest.raises(TocError, match=says):
                find_place({**digest, **more}, 100)


def test_a_zstd_table_of_another_size_than_said():
    blob, annotations = stored("zstd")
    at = annotations[f"{CHUNKED[0]}manifest-position"].split(":")
    for size, says in (("100", "larger than it says"), (str(int(at[2]) + 1), "another size")):
        with pytest.raises(TocError, match=says):
            table(blob, {**annotations, f"{CHUNKED[0]}manifest-position": ":".join((*at[:2], size, "1"))})


def test_zeros_are_not_stored():
    data = b"abc" * 100
    frame = zstandard.compress(data)
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    entries = [
        file(size=1300, offset=0, endOffset=len(frame), chunkSize=300, chunkDigest=digest),
        {"name": "f", "type": "chunk", "chunkType": "zeros", "chunkOffset": 300, "chunkSize": 1000, "offset": len(frame)},
    ]
    text = json.dumps({"version": 1, "entries": entries}).encode()
    packed = zstandard.compress(text)
    blob = frame + packed
    annotations = {
        f"{CHUNKED[0]}manifest-checksum": f"sha256:{hashlib.sha256(packed).hexdigest()}",
        f"{CHUNKED[0]}manifest-position": f"{len(frame)}:{len(packed)}:{len(text)}:1",
    }
    toc = table(blob, annotations)
    contents = PartContents(toc, lambda: toc, Blob(blob), StoredContents(toc.entries, complete=False))
    assert contents.text(0) == data + bytes(1000)


def test_a_piece_that_unpacks_well_but_to_something_else():
    frame = zstandard.compress(b"abc" * 100)
    entries = [
        file(
            size=300, mode=0o755, offset=0, endOffset=len(frame), chunkDigest=f"sha256:{hashlib.sha256(b'abd' * 100).hexdigest()}"
        )
    ]
    text = json.dumps({"version": 1, "entries": entries}).encode()
    packed = zstandard.compress(text)
    annotations = {
        f"{CHUNKED[0]}manifest-checksum": f"sha256:{hashlib.sha256(packed).hexdigest()}",
        f"{CHUNKED[0]}manifest-position": f"{len(frame)}:{len(packed)}:{len(text)}:1",
    }
    toc = table(frame + packed, annotations)
    contents = PartContents(toc, lambda: toc, Blob(frame + packed), StoredContents(toc.entries, complete=False))
    for ask in (contents.text, contents.digest, contents.elf):
        with pytest.raises(TargetError, match="of blob do not hold what its table of contents says"):
            ask(0)


def test_of_entries_for_one_path_the_last_counts_and_links_keep_their_file():
    entries = [
        file(), {"name": "l", "type": "hardlink", "linkName": "f"}, file(name="./f", size=7, offset=20),
        {"name": "d/", "type": "dir", "modtime": "1969-12-31T23:59:58.5Z"},
        {"name": "../d/s", "type": "symlink", "linkName": "../f"},
        {"name": "d/.wh..wh.plnk", "type": "dir"}, {"name": "d/t", "type": "fifo", "modtime": "2020-01-01T05:45:00.25+05:45"},
    ]  # fmt: skip
    toc = table(*estargz(entries))
    index = toc.entries
    assert index.paths == ["l", "f", "d", "d/s", "d/t", "stargz.index.json"]
    assert list(index.sizes[:2]) == [10, 7]
    assert [toc.chunks[n][0].start for n in (0, 1)] == [5, 20]
    assert index.mtimes[2] == -1.5
    assert index.mtimes[4] == 1577836800.25
    assert index.links == {3: "../f"}


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_table_is_understood_or_refused(data):
    blob, _ = stored("estargz")
    start = estargz_start(blob[-FOOTER:], len(blob))
    text = json.loads(open_layer(blob[start:]).read(1 << 20)[512:].rstrip(b"\0"))
    entries = copy.deepcopy(text["entries"])
    values = st.one_of(st.integers(-(1 << 65), 1 << 65), st.text(max_size=9), st.none(), st.sampled_from(["reg", "chunk", "dir"]))
    for _ in range(data.draw(st.integers(1, 4))):
        one = data.draw(st.sampled_from(entries))
        one[data.draw(st.sampled_from(FIELDS))] = data.draw(values)
    try:
        toc = table(*estargz(entries))
    except TocError:
        return
    index = toc.entries
    assert all(len(getattr(index, column)) == len(index) for column in ("kinds", "sizes", "modes", "mtimes", "offsets"))
    assert all(sum(one.size for one in chunks) == index.sizes[entry] for entry, chunks in toc.chunks.items())
    assert set(toc.chunks) == {entry for entry, size in enumerate(index.sizes) if size}
