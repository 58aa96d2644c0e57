"""A recording on disk: the columns of its layers made small, its few contents, and back.

The file is a magic line, and zstd (RFC 8878) over MessagePack of `Document`. Paths are sorted as the archive has them and
written as the bytes that they share with the one before plus the rest; modes, owners and times as numbers into tables;
contents are kept once for all layers. Hashes of contents are not kept: only which files are equal, as group numbers, since
nothing else is asked of them.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

import msgspec
import zstandard

from msbtui.engine.target import RECORDING_MAGIC
from msbtui.errors import TargetError
from msbtui.image.facts import DIGEST_SIZE, StoredContents
from msbtui.image.model import ElfFacts, HistoryItem, ImageConfig, Kind, LayerIndex
from msbtui.image.secret import KINDS

MAGIC = RECORDING_MAGIC
VERSION = 1
T = TypeVar("T")
UNPACKED_LIMIT = 256 << 20
"""Bytes: a recording that unpacks to more is refused."""
_WINDOW = 27


class Columns(msgspec.Struct, array_like=True):
    """The entries of one layer."""

    shared: bytes
    """Per path, how many characters it shares with the one before (at most 255)."""
    rests: str
    """The other characters of each path, one line each."""
    kinds: bytes
    sizes: list[int]
    owners: list[tuple[int, int, int]]
    """Table of modes, users and groups."""
    owner_of: bytes
    """Per entry a number into `owners`, 4 bytes each, all low bytes first; or nothing where there is one."""
    times: list[float]
    """Table of times in seconds."""
    time_of: bytes
    """Per entry a number into `times`, 4 bytes each, all low bytes first; or nothing where there is one."""
    links: dict[int, str]
    xattrs: dict[int, dict[str, bytes]]
    logical: dict[int, int]
    tar_size: int


class LayerRecord(msgspec.Struct, array_like=True):
    """One layer."""

    diff_id: str
    digest: str | None
    stored_size: int | None
    history_index: int | None
    verified: bool
    columns: Columns
    same: dict[int, int]
    """Files that are equal to another of the image, by the number of their group; all others are equal to none."""
    unknown: list[int]
    """Files of which nobody knows the content."""
    elves: dict[int, ElfFacts]
    texts: dict[int, int]
    """Kept texts, by their number in `Document.texts`."""
    secrets: dict[int, str] = {}
    """What secrets files hold, by kind (`msbtui.image.secret.KINDS`)."""


class BaseRecord(msgspec.Struct):
    """An image that a recorded one is built on."""

    diff_ids: list[str]
    config: ImageConfig | None = None
    """Its own configuration, where the engine knew it."""


class Document(msgspec.Struct):
    """All of a recording."""

    version: int
    name: str
    image_id: str
    platform: str
    created: str
    source: str
    notes: list[str]
    config: ImageConfig
    history: list[HistoryItem]
    layers: list[LayerRecord]
    texts: list[bytes]
    dockerfile: str | None = None
    dockerfile_path: str = "Dockerfile"
    context: list[str] = []
    """Names in the build context, where they were recorded."""
    left_out: list[str] = []
    """In words: what was left out or masked."""
    bases: dict[str, BaseRecord] = {}
    """Images that this one is built on, by name."""


def pack(document: Document) -> bytes:
    """Give the file of a recording."""
    raw = msgspec.msgpack.encode(document)
    parameters = zstandard.ZstdCompressionParameters.from_level(19, window_log=_WINDOW, enable_ldm=True, source_size=len(raw))
    return MAGIC + zstandard.ZstdCompressor(compression_params=parameters).compress(raw)


def unpack(data: bytes, where: str) -> Document:
    """Give what a recording holds. Raises `TargetError` for what is none, is damaged, or is of another version."""
    again = "make it again with msbtui record"
    if not data.startswith(MAGIC):
        raise TargetError("is no recording", where=where, hint=again)
    packed = data[len(MAGIC) :]
    try:
        if zstandard.frame_content_size(packed) not in range(UNPACKED_LIMIT):
            raise TargetError("is a recording larger than any that was made", where=where, hint=again)
        raw = zstandard.ZstdDecompressor(max_window_size=1 << _WINDOW).decompress(packed, max_output_size=UNPACKED_LIMIT)
        version = msgspec.msgpack.decode(raw, type=_Version).version
        if version != VERSION:
            raise TargetError(f"is a recording of version {version}, this program reads {VERSION}", where=where, hint=again)
        return msgspec.msgpack.decode(raw, type=Document)
    except (zstandard.ZstdError, msgspec.DecodeError, RecursionError, MemoryError, UnicodeDecodeError) as error:
        raise TargetError("is a damaged or truncated recording", where=where, hint=again) from error


class _Version(msgspec.Struct):
    version: int


def columns_of(index: LayerIndex, keep: Sequence[int]) -> Columns:
    """Give the entries in `keep`, in that order, as columns."""
    shared, rests, before = bytearray(), [], ""
    for entry in keep:
        path = index.paths[entry]
        common = _common(before, path)
        shared.append(common)
        rests.append(path[common:])
        before = path
    owners, owner_of = _table((index.modes[n], index.uids[n], index.gids[n]) for n in keep)
    times, time_of = _table(index.mtimes[n] for n in keep)
    place = {entry: number for number, entry in enumerate(keep)}
    return Columns(
        shared=bytes(shared), rests="\n".join(rests),
        kinds=bytes(index.kinds[n] for n in keep), sizes=[index.sizes[n] for n in keep],
        owners=owners, owner_of=_split(owner_of, 4) if len(owners) > 1 else b"",
        times=times, time_of=_split(time_of, 4) if len(times) > 1 else b"",
        links={place[n]: link for n, link in index.links.items() if n in place},
        xattrs={place[n]: values for n, values in index.xattrs.items() if n in place},
        logical={place[n]: size for n, size in index.logical.items() if n in place}, tar_size=index.tar_size,
    )  # fmt: skip


def _common(one: str, other: str) -> int:
    """Give how many characters two paths share, at most 255."""
    most = min(len(one), len(other), 255)
    if one[:most] == other[:most]:
        return most
    low = 0
    while low < most:  # the longest equal beginning, halving
        middle = (low + most + 1) // 2
        low, most = (middle, most) if one[:middle] == other[:middle] else (low, middle - 1)
    return low


def _table(values: Iterable[T]) -> tuple[list[T], list[int]]:
    """Give the distinct values in order of appearance, and per value its number among them."""
    numbers: dict[T, int] = {}
    places = [numbers.setdefault(value, len(numbers)) for value in values]
    return list(numbers), places


def index_of(columns: Columns) -> LayerIndex:
    """Give the entries of a layer, without where their contents lay. Raises `ValueError` for what does not fit together."""
    index = LayerIndex()
    rests = columns.rests.split("\n") if columns.shared else []
    count = len(rests)
    if not len(columns.shared) == len(columns.kinds) == len(columns.sizes) == count or any(size < 0 for size in columns.sizes):
        raise ValueError("columns differ in length")
    before = ""
    for common, rest in zip(columns.shared, rests, strict=True):
        before = before[:common] + rest
        index.paths.append(before)
    if any(kind not in _KINDS for kind in columns.kinds):
        raise ValueError("an entry of no known kind")
    index.kinds = bytearray(columns.kinds)
    index.sizes = array("q", columns.sizes)
    owner_of = _joined(columns.owner_of, 4, count, len(columns.owners))
    index.modes = array("I", [columns.owners[n][0] for n in owner_of])
    index.uids = array("q", [columns.owners[n][1] for n in owner_of])
    index.gids = array("q", [columns.owners[n][2] for n in owner_of])
    index.mtimes = array("d", [columns.times[n] for n in _joined(columns.time_of, 4, count, len(columns.times))])
    index.offsets = array("q", bytes(8 * count))
    for numbered in (columns.links, columns.xattrs, columns.logical):
        if any(not 0 <= number < count for number in numbered):
            raise ValueError("a column names an entry that is not there")
    index.links, index.xattrs, index.logical, index.tar_size = columns.links, columns.xattrs, columns.logical, columns.tar_size
    return index


_KINDS = frozenset(map(int, Kind))


def _split(numbers: Sequence[int], width: int) -> bytes:
    """Give numbers as bytes, all first (low) bytes, then all second ones: like stands beside like."""
    return b"".join(bytes(number >> (8 * place) & 0xFF for number in numbers) for place in range(width))


def _joined(data: bytes, width: int, count: int, table: int) -> list[int]:
    if not data and count and table == 1:
        return [0] * count
    if len(data) != width * count:
        raise ValueError("columns differ in length")
    numbers = [sum(data[place * count + n] << (8 * place) for place in range(width)) for n in range(count)]
    if any(number >= table for number in numbers):
        raise ValueError("a number outside its table")
    return numbers


def contents_of(record: LayerRecord, index: LayerIndex, texts: Sequence[bytes], image_id: str, number: int) -> StoredContents:
    """Give what is known of a layer's contents. Files that are equal get the same hash, all others one of their own.

    The hashes are made up from the image's id, so that they never equal those of another image. Raises `ValueError`.
    """
    count = len(index)
    if any(not 0 <= n < count for n in (*record.same, *record.unknown, *record.elves, *record.texts, *record.secrets)):
        raise ValueError("a fact names an entry that is not there")
    if any(not 0 <= n < len(texts) for n in record.texts.values()):
        raise ValueError("a fact names a text that is not there")
    digests = bytearray(DIGEST_SIZE * count)
    unknown = set(record.unknown)
    for entry in range(count):
        if index.kinds[entry] == Kind.FILE and entry not in unknown:
            group = record.same.get(entry)
            said = f"{image_id} group {group}" if group is not None else f"{image_id} layer {number} entry {entry}"
            digests[entry * DIGEST_SIZE : (entry + 1) * DIGEST_SIZE] = hashlib.blake2b(
                said.encode(), digest_size=DIGEST_SIZE
            ).digest()
    known: Mapping[int, bytes] = {entry: texts[text] for entry, text in record.texts.items()}
    if any(what not in KINDS for what in record.secrets.values()):
        raise ValueError("a secret of no known kind")
    return StoredContents(index, bytes(digests), record.elves, known, secrets=record.secrets)
