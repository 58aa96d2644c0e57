"""A layer's index and facts as bytes, for the cache and for recordings: small, quick to read back, never trusted.

Layout (all numbers little-endian): 8 bytes of magic with the version; xxh3 (64 bits) of all that follows; five section
lengths (unsigned 64 bits); the sections. Each section is one zstd frame: the index and its columns, the digests, the ELF
facts, the texts, and what is said of their completeness. Texts and ELF facts are unpacked when first asked for.
"""

from __future__ import annotations

import math
import struct
import sys
from array import array
from collections.abc import Callable, Collection
from itertools import accumulate, chain, compress, pairwise, repeat
from operator import add, and_, sub
from typing import Any, Final

import msgspec
import zstandard
from xxhash import xxh3_64_intdigest

from msbtui.errors import TargetError
from msbtui.image import fast
from msbtui.image.facts import DIGEST_SIZE, MappedContents, StoredContents
from msbtui.image.model import Contents, ElfFacts, Kind, LayerIndex
from msbtui.image.secret import KINDS
from msbtui.image.tarcolumns import settle

MAGIC: Final = b"msbtuiL\x07"
_HEAD: Final = struct.Struct("<8sQ5Q")
_LARGEST_GROWTH: Final = 200
"""How many times its stored size a section may have (and `_ALWAYS` bytes more); honest ones stay far below."""
_ALWAYS: Final = 64 << 20
_LARGEST_SECTION: Final = 1 << 30


class _Index(msgspec.Struct, array_like=True):
    paths: str
    kinds: bytes
    sizes: tuple[str, bytes]
    modes: tuple[str, bytes]
    uids: tuple[str, bytes]
    gids: tuple[str, bytes]
    mtimes: tuple[str, bytes]
    gaps: tuple[str, bytes]
    links: dict[int, str]
    xattrs: dict[int, dict[str, bytes]]
    logical: dict[int, int]
    tar_size: int


class _Completeness(msgspec.Struct, array_like=True):
    complete: bool
    plain: list[int]
    secrets: dict[int, str] = {}
    searched: list[int] | None = None
    edges: dict[int, bytes] = {}


def encode_layer(index: LayerIndex, contents: Contents, *, leave_out: Collection[str] = (), level: int = 3) -> bytes:
    """Give index and facts as bytes that `decode_layer` reads.

    Contents read from an archive are stored as far as they were asked for; anything but StoredContents and MappedContents
    is stored without contents. `leave_out` names paths that are left out with all below them and with all that is known of
    their contents; a hard link that stays keeps the bytes. `level` is zstd's.
    """
    if isinstance(contents, MappedContents):
        contents = contents.gathered()
    stored = contents if isinstance(contents, StoredContents) else StoredContents(index, complete=False)
    if leave_out:
        index, stored = _without(index, stored, leave_out)
    columns = _Index(
        "\n".join(index.paths),
        bytes(index.kinds),
        _narrow(index.sizes),
        _narrow(index.modes),
        _narrow(index.uids),
        _narrow(index.gids),
        _narrow_times(index.mtimes),
        _narrow(_gaps(index)),
        index.links,
        index.xattrs,
        index.logical,
        index.tar_size,
    )
    encode = msgspec.msgpack.encode
    plain = (
        encode(columns),
        stored.digests,
        encode(dict(stored.elves)),
        encode(dict(stored.texts)),
        encode(
            _Completeness(
                stored.complete,
                sorted(stored.plain),
                dict(stored.secrets),
                None if stored.searched is None else sorted(stored.searched),
                dict(stored.edges),
            )
        ),
    )
    packer = zstandard.ZstdCompressor(level=level, write_content_size=True)
    sections = [packer.compress(section) for section in plain]
    lengths = struct.pack("<5Q", *map(len, sections))
    rest = lengths + b"".join(sections)
    return MAGIC + struct.pack("<Q", xxh3_64_intdigest(rest)) + rest


def decode_layer(data: bytes | memoryview, *, where: str = "stored layer") -> tuple[LayerIndex, StoredContents]:
    """Give what `encode_layer` stored.

    Raises TargetError, naming `where`, on anything else; the parts that are unpacked late (ELF facts, texts) raise it then.
    """
    if len(data) < _HEAD.size or bytes(data[:7]) != MAGIC[:7]:
        raise TargetError("not a stored layer", where=where)
    magic, checksum, *lengths = _HEAD.unpack_from(data)
    if magic != MAGIC:
        raise TargetError("stored by another version of msbtui", where=where)
    rest = memoryview(data)[16:]
    if sum(lengths) != len(data) - _HEAD.size or xxh3_64_intdigest(rest) != checksum:
        raise TargetError("damaged: its checksum does not fit", where=where)
    ends = list(accumulate(lengths, initial=_HEAD.size))
    sections = [bytes(data[start:end]) for start, end in pairwise(ends)]
    try:
        index = _index(msgspec.msgpack.decode(_unpacked(sections[0]), type=_Index))
        digests = _unpacked(sections[1])
        completeness = msgspec.msgpack.decode(_unpacked(sections[4]), type=_Completeness)
    except (ValueError, zstandard.ZstdError, OverflowError) as error:
        raise TargetError(f"damaged: {error}", where=where) from None
    if len(digests) % DIGEST_SIZE or len(digests) > DIGEST_SIZE * len(index):
        raise TargetError("damaged: digests of no file", where=where)
    elves = _late(sections[2], dict[int, ElfFacts], index, where)
    texts = _late(sections[3], dict[int, bytes], index, where)
    plain, secrets = frozenset(completeness.plain), completeness.secrets
    if any(not 0 <= entry < len(index) or what not in KINDS for entry, what in secrets.items()):
        raise TargetError("damaged: a secret of no file", where=where)
    searched = None if completeness.searched is None else frozenset(completeness.searched)
    if searched and not 0 <= min(searched) <= max(searched) < len(index):
        raise TargetError("damaged: a program that is no file", where=where)
    edges = completeness.edges
    if any(not 0 <= entry < len(index) or len(edge) != DIGEST_SIZE for entry, edge in edges.items()):
        raise TargetError("damaged: edges of no file", where=where)
    contents = StoredContents(
        index, digests, elves, texts, complete=completeness.complete, plain=plain, secrets=secrets, searched=searched, edges=edges
    )
    return index, contents


def _late(section: bytes, form: Any, index: LayerIndex, where: str) -> Callable[[], Any]:
    """Give a function that unpacks a section of facts by file."""

    def unpack() -> Any:
        try:
            facts = msgspec.msgpack.decode(_unpacked(section), type=form)
        except (ValueError, zstandard.ZstdError) as error:
            raise TargetError(f"damaged: {error}", where=where) from None
        if any(not 0 <= entry < len(index) or index.kinds[entry] != Kind.FILE for entry in facts):
            raise TargetError("damaged: facts of no file", where=where)
        return facts

    return unpack


def _unpacked(section: bytes) -> bytes:
    """Unpack a section, if it does not say that it grows beyond all measure."""
    size = zstandard.frame_content_size(section)
    if not 0 <= size <= min(_ALWAYS + _LARGEST_GROWTH * len(section), _LARGEST_SECTION):
        raise ValueError("a section of a size that no layer has")
    return zstandard.ZstdDecompressor().decompress(section)


def _index(columns: _Index) -> LayerIndex:
    """Give the index that the columns hold, after a look at whether they can be one."""
    index = LayerIndex()
    count = len(columns.kinds)
    index.paths = columns.paths.split("\n") if count else []
    index.kinds = bytearray(columns.kinds)
    index.sizes = _wide(columns.sizes, "q")
    index.modes = _wide(columns.modes, "I")
    index.uids, index.gids = _wide(columns.uids, "q"), _wide(columns.gids, "q")
    index.mtimes = _wide(columns.mtimes, "d")
    gaps = _wide(columns.gaps, "q")
    index.links, index.xattrs, index.logical, index.tar_size = columns.links, columns.xattrs, columns.logical, columns.tar_size
    lengths = {len(c) for c in (index.paths, index.sizes, index.modes, index.uids, index.gids, index.mtimes, gaps)}
    if lengths != {count}:
        raise ValueError("columns of different lengths")
    offsets = None
    if fast.compiled is not None:
        offsets = fast.compiled.sound_columns(index.kinds, index.sizes, index.modes, index.mtimes, gaps)
    index.offsets = _offsets(index, gaps) if offsets is None else offsets
    numbered = (index.links, index.xattrs, index.logical)
    if any(column and not 0 <= min(column) <= max(column) < count for column in numbered) or index.tar_size < 0:
        raise ValueError("facts of no entry")
    linked = sum(index.kinds[entry] in (Kind.SYMLINK, Kind.HARD_LINK) for entry in index.links)
    if linked != index.kinds.count(Kind.SYMLINK) + index.kinds.count(Kind.HARD_LINK):
        raise ValueError("a link without a target")
    if any(size < 0 for size in index.logical.values()):
        raise ValueError("a negative size")
    others = "".join(index.links.values()) + "".join(name for names in index.xattrs.values() for name in names)
    if not others.isprintable():
        raise ValueError("a name that no entry has")
    if fast.compiled is None or not fast.compiled.sound_paths(columns.paths if count else "", index.paths):
        _check_paths(columns.paths, index)
    return index


def _offsets(index: LayerIndex, gaps: array[int]) -> array[int]:
    """Give where contents begin, after a look at whether the numbers can be those of entries."""
    padded = map(and_, map(add, chain((0,), index.sizes), repeat(511)), repeat(-512))
    offsets = array("q", accumulate(map(add, map(add, padded, gaps), repeat(512))))
    if offsets and (min(offsets) < 0 or not all(map(math.isfinite, index.mtimes))):
        raise ValueError("numbers that no entry has")
    if offsets and (max(index.kinds) > max(Kind) or min(index.sizes) < 0 or max(index.modes) > 0o7777):
        raise ValueError("values that no entry has")
    if any(compress(index.sizes, index.kinds)):  # Kind.FILE is 0
        raise ValueError("a size of what is no file")
    return offsets


def _check_paths(text: str, index: LayerIndex) -> None:
    """Refuse paths that `index_layer` would not have given: hostile ones must not come in by this door."""
    framed = f"/{text.replace(chr(10), '/') if '' not in index.paths else '/'.join(filter(None, index.paths))}/"
    bad = len(framed) > 2 and ("//" in framed or "/./" in framed or "/../" in framed)
    if bad or not framed.isprintable():
        raise ValueError("a name that no entry has")
    if len(set(index.paths)) != len(index.paths):
        names = [path + "\n" * (kind == Kind.OPAQUE) for path, kind in zip(index.paths, index.kinds, strict=True)]
        if len(set(names)) != len(names):
            raise ValueError("two entries for one path")


def _gaps(index: LayerIndex) -> array[int]:
    """Give how far each content begins from where the entry before would have it: almost always 0."""
    if fast.compiled is not None:
        gaps: array[int] = fast.compiled.gaps_between(index.sizes, index.offsets)
        return gaps
    ends = map(add, index.offsets, map(and_, map(add, index.sizes, repeat(511)), repeat(-512)))
    return array("q", map(sub, index.offsets, chain((512,), map(add, ends, repeat(512)))))


def _without(index: LayerIndex, stored: StoredContents, leave_out: Collection[str]) -> tuple[LayerIndex, StoredContents]:
    """Give index and facts without the paths of `leave_out` and all below them."""
    names, folders = set(leave_out), tuple(path + "/" for path in leave_out)
    gone = {entry for entry, path in enumerate(index.paths) if path in names or path.startswith(folders)}
    smaller = LayerIndex()
    for column in LayerIndex.__slots__:
        value = getattr(index, column)
        setattr(smaller, column, value if isinstance(value, int) else value[:] if not isinstance(value, dict) else dict(value))
    kept = settle(smaller, gone)
    if kept is None:
        return index, stored
    digests, elves, texts, plain, secrets = bytearray(DIGEST_SIZE * len(kept)), {}, {}, set(), {}
    for new, old in enumerate(kept):
        if old in gone:
            continue
        digest = stored.digests[old * DIGEST_SIZE : (old + 1) * DIGEST_SIZE]
        digests[new * DIGEST_SIZE : new * DIGEST_SIZE + len(digest)] = digest
        if old in stored.elves:
            elves[new] = stored.elves[old]
        if old in stored.texts:
            texts[new] = stored.texts[old]
        if old in stored.plain:
            plain.add(new)
        if old in stored.secrets:
            secrets[new] = stored.secrets[old]
    searched = None
    if stored.searched is not None:
        searched = frozenset(new for new, old in enumerate(kept) if old in stored.searched and old not in gone)
    facts = StoredContents(
        smaller,
        bytes(digests),
        elves,
        texts,
        complete=stored.complete,
        plain=frozenset(plain),
        secrets=secrets,
        searched=searched,
    )
    return smaller, facts


def _narrow(column: array[int]) -> tuple[str, bytes]:
    """Give a column in the narrowest type that holds it, with the name of the type."""
    same = _is_constant(column.tobytes(), column.itemsize)
    low, high = (min(column), max(column)) if column and not same else (column[0], column[0]) if column else (0, 0)
    for code, bits in (("B", 8), ("H", 16), ("I", 32)):
        if low >= 0 and high < 1 << bits:
            return code, _little(array(code, (low,)) * len(column) if same else array(code, column))
    return "q", _little(array("q", column))


def _is_constant(data: bytes, width: int) -> bool:
    """Say whether a column of numbers of `width` bytes repeats one: owners, modes and times often do."""
    return data == data[:width] * (len(data) // width)


def _narrow_times(column: array[float]) -> tuple[str, bytes]:
    """Give times as whole seconds where all are."""
    if column and _is_constant(column.tobytes(), column.itemsize) and column[0].is_integer() and abs(column[0]) < 1 << 53:
        return _narrow(array("q", (int(column[0]),)) * len(column))
    if all(map(float.is_integer, column)) and all(abs(time) < 1 << 53 for time in column):
        return _narrow(array("q", map(int, column)))
    return "d", _little(column)


def _little(column: array[Any]) -> bytes:
    if sys.byteorder == "big":
        column = array(column.typecode, column)
        column.byteswap()
    return column.tobytes()


def _wide(stored: tuple[str, bytes], code: str) -> array[Any]:
    """Give a stored column as an array of type `code`."""
    kind, data = stored
    if kind not in ("B", "H", "I", "q", "d") or (kind == "d") > (code == "d"):
        raise ValueError("a column of an unknown type")
    column = array(kind)
    column.frombytes(data)
    if sys.byteorder == "big":
        column.byteswap()
    if kind == code:
        return column
    if column and _is_constant(data, column.itemsize):
        return array(code, (column[0],)) * len(column)
    return array(code, column)
