"""A layer's table of contents: what eStargz and zstd:chunked layers say of their files, so that no more than it must be read.

eStargz: containerd/stargz-snapshotter, docs/estargz.md and estargz/types.go (the footer is an empty gzip member whose extra
field says where the member with `stargz.index.json` begins). zstd:chunked: containers/storage, pkg/chunked/internal
(annotations say where, in a skippable frame, the table lies and what it hashes to). A table that does not agree with itself
raises `TocError`: the layer then has to be read whole.
"""

from __future__ import annotations

import binascii
import calendar
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import msgspec

from msbtui.errors import TargetError
from msbtui.image.compress import LARGEST_GROWTH, SMALL_ENOUGH, open_layer
from msbtui.image.model import Kind, LayerIndex
from msbtui.image.tar import index_layer
from msbtui.image.tarcolumns import settle
from msbtui.image.tarformat import BLOCK, in_range
from msbtui.image.tarnames import IGNORED, entry_path, marked
from msbtui.regex import regex
from msbtui.text import printable, printable_bytes

ESTARGZ: Final = "containerd.io/snapshot/stargz/toc.digest"
CHUNKED: Final = ("io.github.containers.zstd-chunked.", "io.containers.zstd-chunked.")
"""What begins the annotations of zstd:chunked: the name since 2021, and the one that tools of that time still write."""
FOOTER: Final = 51
"""Bytes of an eStargz footer."""
LARGEST: Final = 128 << 20
"""Bytes that a table may have; of a layer with a larger one the whole is read."""
_ALWAYS: Final = 16 << 20
"""Bytes that a table may have however small its layer is; beyond that twice the layer, of which each entry takes a part too."""
_OBJECTS: Final = 300_000
"""Entries that a table may have however small its layer is."""
_LEAST_STORED: Final = 64
"""Bytes of a layer that each further entry takes at least."""
_LONGEST_NAME: Final = 1 << 20
DEEPEST: Final = 16 << 20
"""Bytes of a stream with several pieces that are unpacked once for all of them; none may lie beyond."""
_LAST_PIECE: Final = 16 << 20
"""Bytes that are fetched and unpacked to see what follows the last file; pieces have 4 MiB where nobody chose another size."""
_TABLE_NAME: Final = "stargz.index.json"
_FOOTER: Final = regex(rb"\x1f\x8b\x08\x04.{6}\x1a\x00SG\x16\x00([0-9a-f]{16})STARGZ\x01\x00\x00\xff\xff.{8}", re.DOTALL)
_PLACE: Final = regex(r"(\d{1,18}):(\d{1,18}):(\d{1,18}):1")
_DIGEST: Final = regex(r"sha256:[0-9a-f]{64}")
_TIME: Final = regex(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d{1,12})?(?:Z|([+-])(\d\d):(\d\d))")
_KINDS: Final[dict[str, Kind]] = {
    "reg": Kind.FILE,
    "dir": Kind.DIRECTORY,
    "symlink": Kind.SYMLINK,
    "hardlink": Kind.HARD_LINK,
    "char": Kind.CHAR_DEVICE,
    "block": Kind.BLOCK_DEVICE,
    "fifo": Kind.FIFO,
}
_LOST: Final = "\ufffd"
"""What JSON writers put where a name has bytes that are no UTF-8: two such names may have become one."""


class TocError(Exception):
    """A table of contents that cannot be used; the message says why, in words for a person."""


class Place(NamedTuple):
    """Where a table lies in the stored layer, and what it must hash to."""

    form: str
    """`estargz` or `zstd:chunked`."""
    digest: str
    """`sha256:...` of the table: unpacked (eStargz) or as stored (zstd:chunked)."""
    start: int
    end: int
    """Of zstd:chunked; of eStargz the footer tells, and both are 0."""
    unpacked: int
    """Bytes of the table unpacked, as zstd:chunked says; else 0."""

    @property
    def name(self) -> str:
        """A name for exactly this table of a layer."""
        return f"{self.form}:{self.digest}:{self.start}:{self.end}"


class Chunk(NamedTuple):
    """A piece of a file's content as stored."""

    start: int
    end: int
    """Where in the stored layer it lies."""
    inner: int
    """Bytes before it in what is unpacked from `start`."""
    size: int
    """Bytes unpacked."""
    digest: str
    """`sha256:...` of these; empty for zeros, which are not stored."""


class Toc(msgspec.Struct):
    """What a table says: the layer's entries, and where the contents of its files lie.

    Offsets and `tar_size` of the entries are those of an archive without extended headers: the table does not say more.
    """

    entries: LayerIndex
    chunks: dict[int, tuple[Chunk, ...]]
    """By the entries' numbers, of files that are not empty; in the order of their content."""


class _Entry(msgspec.Struct, rename="camel"):
    name: str
    type: str
    size: int = 0
    modtime: str | None = None
    link_name: str = ""
    mode: int = 0
    uid: int = 0
    gid: int = 0
    offset: int = 0
    inner_offset: int = 0
    end_offset: int = 0
    xattrs: dict[str, str] | None = None
    digest: str = ""
    chunk_offset: int = 0
    chunk_size: int = 0
    chunk_digest: str = ""
    chunk_type: str = ""


class _Table(msgspec.Struct):
    entries: list[_Entry] | None
    """`null` of an empty layer, as Go writes an empty list."""
    version: int = 1


def find_place(annotations: Mapping[str, str], size: int) -> Place | None:
    """Give where the annotations of a layer of `size` stored bytes say that its table is; None where they name none.

    Raises `TocError` for annotations that cannot be true.
    """
    for prefix in CHUNKED:
        digest = annotations.get(f"{prefix}manifest-checksum")
        if not digest:
            continue
        said = _PLACE.fullmatch(annotations.get(f"{prefix}manifest-position", ""))
        if said is None or not _DIGEST.fullmatch(digest):
            raise TocError("the annotations that say where it lies cannot be understood")
        start, length, unpacked = map(int, said.groups())
        if start + length > size:
            raise TocError("it should lie outside the layer")
        if max(length, unpacked) > LARGEST:
            raise TocError(f"it is larger than {LARGEST >> 20} MiB")
        return Place("zstd:chunked", digest, start, start + length, unpacked)
    if digest := annotations.get(ESTARGZ):
        if not _DIGEST.fullmatch(digest):
            raise TocError("the annotation that says what it hashes to cannot be understood")
        return Place("estargz", digest, 0, 0, 0)
    return None


def estargz_start(tail: bytes, size: int) -> int:
    """Give where the table begins in an eStargz layer of `size` stored bytes that ends with `tail`. Raises `TocError`."""
    said = _FOOTER.fullmatch(tail[-FOOTER:])
    start = int(said[1], 16) if said is not None else size
    if start > size - FOOTER:
        raise TocError("the layer does not end with an eStargz footer")
    if size - FOOTER - start > LARGEST:
        raise TocError(f"it is larger than {LARGEST >> 20} MiB")
    return start


def read_toc(place: Place, stored: bytes, start: int, size: int, fetch: Callable[[int, int], bytes]) -> Toc:
    """Give what the table in `stored`, which lies at `start` of a layer of `size` stored bytes, says.

    `fetch` gives the stored bytes from one place to another. Raises `TocError` where the table does not hash to what `place`
    says or does not agree with itself.
    """
    try:
        if place.form == "estargz":
            return _estargz(place, stored, start, size, fetch)
        if _sha256(stored) != place.digest:
            raise TocError("it does not hash to what the manifest says")
        text = _unpacked(stored, min(place.unpacked, _most(size)))
        if len(text) != place.unpacked:
            raise TocError("it has another size than the manifest says")
        return _toc(_decode(text, size), place.start, size)
    except TargetError as error:
        raise TocError(error.what) from None


def _estargz(place: Place, stored: bytes, start: int, size: int, fetch: Callable[[int, int], bytes]) -> Toc:
    archive = _unpacked(stored, _most(size))
    own = index_layer(archive)
    if own.paths != [_TABLE_NAME] or own.kinds[0] != Kind.FILE:
        raise TocError(f"it is no {_TABLE_NAME}")
    text = archive[own.offsets[0] : own.offsets[0] + own.sizes[0]]
    if _sha256(text) != place.digest:
        raise TocError("it does not hash to what the manifest says")
    said = _decode(text, size)
    # The table is itself a file of the layer, which stands in the archive but not in the table...
    itself = Chunk(start, start + len(stored), own.offsets[0], len(text), place.digest)
    toc = _toc(said, start, size, (own, itself))
    # ...except where it stands behind the end of the archive, as BuildKit writes it: there it is a file for nobody.
    return _toc(said, start, size) if _has_ended(said, start, fetch) else toc


def _has_ended(said: Sequence[_Entry], start: int, fetch: Callable[[int, int], bytes]) -> bool:
    """Tell whether the archive before byte `start` has the zeros that end one (estargz/build.go, `AppendTarLossLess`).

    All that can follow the last piece of a file are headers, none of which is nothing but zeros.
    """
    begin, skip, whole = 0, 0, 0
    for one in said:
        whole = one.size if one.type == "reg" else whole
        if one.type in ("reg", "chunk") and whole and one.chunk_type != "zeros" and one.offset >= begin:
            length = one.inner_offset + (one.chunk_size or whole - one.chunk_offset)
            begin, skip = one.offset, max(length + -whole % BLOCK, skip if one.offset == begin else 0)
    if start - begin > _LAST_PIECE or skip > _LAST_PIECE:
        raise TocError("the last of its files is too large to see where the archive ends")
    stream, count, last = open_layer(fetch(begin, start)), 0, b""
    while data := stream.read(1 << 20):
        count += len(data)
        last = (last + data)[-BLOCK:]
        if count > 2 * _LAST_PIECE:
            raise TocError("more follows the last of its files than in any archive")
    return count - skip >= BLOCK and not any(last)


def _most(size: int) -> int:
    """Give how many bytes the table of a layer of `size` stored bytes may have: a few can unpack to very many."""
    return min(LARGEST, _ALWAYS + 2 * size)


def _unpacked(stored: bytes, limit: int) -> bytes:
    stream, parts, count = open_layer(stored), [], 0
    while data := stream.read(1 << 20):
        parts.append(data)
        count += len(data)
        if count > limit:
            raise TocError("it is larger than it says, or than any table of such a layer is")
    return b"".join(parts)


def _decode(text: bytes, size: int) -> list[_Entry]:
    if text.count(b"{") > _OBJECTS + size // _LEAST_STORED:
        raise TocError("it has more entries than such a layer can hold")
    try:
        return msgspec.json.decode(text, type=_Table).entries or []
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise TocError("it cannot be understood") from None


def _sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _toc(said: Sequence[_Entry], begin: int, size: int, own: tuple[LayerIndex, Chunk] | None = None) -> Toc:
    """Put the entries together. Files lie in the first `begin` bytes of the layer's `size`; `own` is the table as a file."""
    index = LayerIndex()
    pieces: dict[int, list[_Entry]] = {}
    ignored: set[int] = set()
    times: dict[str | None, float] = {None: 0.0, "": 0.0}
    for one in said:
        if one.type == "chunk":
            number = len(index.paths) - 1
            if number not in pieces or pieces[number][0].name != one.name:
                raise TocError(f"a piece of {printable(one.name)[:80]} has no file")
            pieces[number].append(one)
            continue
        kind = _KINDS.get(one.type)
        if kind is None:
            raise TocError(f"an entry is of a kind that is not known: {printable(one.type)[:40]}")
        if max(len(one.name), len(one.link_name)) > _LONGEST_NAME:
            raise TocError("a name in it is longer than any archive's")
        if _LOST in one.name or _LOST in one.link_name:
            raise TocError("it has lost bytes of names that are no UTF-8")
        _add(index, one, kind, ignored, times)
        if index.sizes[-1]:
            pieces[len(index.paths) - 1] = [one]
    if own is not None:
        for name in ("paths", "kinds", "sizes", "modes", "uids", "gids", "mtimes"):
            getattr(index, name).append(getattr(own[0], name)[0])
    if sum(index.sizes) > SMALL_ENOUGH + LARGEST_GROWTH * size:
        raise TocError(f"its files would be more than {LARGEST_GROWTH} times the layer: no image needs that")
    chunks = _chunks(pieces, begin)
    if own is not None and own[1].size:
        chunks[len(index.paths) - 1] = (own[1],)
    end = 0
    for length in index.sizes:
        index.offsets.append(in_range(end + BLOCK))
        end += BLOCK + (length + BLOCK - 1) // BLOCK * BLOCK
    index.tar_size = in_range(end + 2 * BLOCK)
    kept = settle(index, ignored)
    if kept is not None:
        chunks = {new: chunks[old] for new, old in enumerate(kept) if old in chunks}
    return Toc(index, chunks)


def _add(index: LayerIndex, one: _Entry, kind: int, ignored: set[int], times: dict[str | None, float]) -> None:
    number = len(index.paths)
    path = entry_path(_bytes(one.name))
    if ".wh." in path or not path:
        path, mark = marked(path, kind)
        if mark == IGNORED or (not path and mark not in (Kind.DIRECTORY, Kind.OPAQUE)):
            ignored.add(number)
        kind = kind if mark == IGNORED else mark
    if one.size < 0:
        raise TocError(f"{path[:80]} has a negative size")
    index.paths.append(path)
    index.kinds.append(kind)
    index.modes.append(one.mode & 0o7777)
    try:
        index.sizes.append(one.size if kind == Kind.FILE else 0)
        index.uids.append(one.uid)
        index.gids.append(one.gid)
    except OverflowError:
        raise TocError(f"{path[:80]} has a number that no file system can hold") from None
    if (time := times.get(one.modtime)) is None:
        time = times[one.modtime] = _seconds(one.modtime or "")
    index.mtimes.append(time)
    if kind == Kind.HARD_LINK:
        index.links[number] = entry_path(_bytes(one.link_name))
    elif kind == Kind.SYMLINK:
        index.links[number] = printable_bytes(_bytes(one.link_name))
    if one.xattrs:
        try:
            values = {printable(name): binascii.a2b_base64(value, strict_mode=True) for name, value in one.xattrs.items()}
        except (binascii.Error, ValueError):
            raise TocError(f"the attributes of {path[:80]} cannot be understood") from None
        index.xattrs[number] = {name: value for name, value in values.items() if value}


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _seconds(text: str) -> float:
    said = _TIME.fullmatch(text)
    if said is None:
        raise TocError("a time in it cannot be understood")
    year, month, day, hour, minute, second = map(int, said.groups()[:6])
    if not (1 <= month <= 12 and 1 <= day <= 31) or not year:
        raise TocError("a time in it cannot be understood")
    whole = calendar.timegm((year, month, day, hour, minute, second))
    if said[8]:
        whole -= (1 if said[8] == "+" else -1) * (int(said[9]) * 3600 + int(said[10]) * 60)
    if not said[7]:
        return float(whole)
    # The archive says the same number in decimal; of a time before 1970 the fraction counts upwards too.
    return float(f"{whole}{said[7]}") if whole >= 0 else whole + float(said[7])


def _chunks(pieces: Mapping[int, Sequence[_Entry]], begin: int) -> dict[int, tuple[Chunk, ...]]:
    """Give where the contents lie; they must cover each file exactly, and lie before byte `begin`."""
    starts = sorted({one.offset for group in pieces.values() for one in group} | {begin})
    after = dict(pairwise(starts))
    found: dict[int, tuple[Chunk, ...]] = {}
    unpacked, last, most = 0, -1, SMALL_ENOUGH + 8 * sum(group[0].size for group in pieces.values())
    for number, group in pieces.items():
        first, at = group[0], 0
        ordered = sorted(group, key=lambda one: one.chunk_offset)
        file = []
        for place, one in enumerate(ordered):
            size = one.chunk_size or first.size - one.chunk_offset
            digest = one.chunk_digest or (one.digest if len(group) == 1 else "")
            is_zeros = one.chunk_type == "zeros"
            end = after.get(one.offset, 0) if place + 1 < len(ordered) or not first.end_offset else first.end_offset
            if one.chunk_offset != at or size <= 0:
                raise TocError(f"the pieces of {printable(first.name)[:80]} do not make the file")
            if not is_zeros and (not 0 <= one.offset < end <= begin or one.inner_offset < 0 or not _DIGEST.fullmatch(digest)):
                raise TocError(f"a piece of {printable(first.name)[:80]} lies where none can be")
            if not is_zeros:
                if one.inner_offset and one.inner_offset + size > DEEPEST:
                    raise TocError(f"a piece of {printable(first.name)[:80]} lies deep in what must be unpacked for it")
                unpacked += size if one.offset == last else one.inner_offset + size
                last = one.offset
            file.append(Chunk(one.offset, end, one.inner_offset, size, "" if is_zeros else digest))
            at += size
        if at != first.size:
            raise TocError(f"the pieces of {printable(first.name)[:80]} do not make the file")
        found[number] = tuple(file)
    if unpacked > most:
        raise TocError("to read its files, much would have to be unpacked again and again")
    return found
