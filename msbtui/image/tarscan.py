"""The loop over the headers of a tar archive, over a window that may be the whole archive or a piece of a stream."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from sys import getsizeof
from typing import TYPE_CHECKING, Final, Protocol

try:
    from isal.isal_zlib import adler32
except ImportError:  # a platform without a wheel
    from zlib import adler32

from msbtui.errors import TargetError
from msbtui.image import fast
from msbtui.image import tarformat as fmt
from msbtui.image.model import Kind, LayerIndex
from msbtui.image.tarcolumns import settle
from msbtui.image.tarnames import IGNORED, entry_path, marked
from msbtui.image.tarplain import HEADER, KINDS, PLAIN, take_run
from msbtui.text import printable, printable_bytes

if TYPE_CHECKING:
    from msbtui.image.heads import Heads

BLOCK: Final = fmt.BLOCK
_ZEROS: Final = bytes(BLOCK)
_KINDS: Final[dict[bytes, int]] = {**KINDS, b"\0": Kind.FILE, b"7": Kind.FILE}
_EXTENSIONS: Final = frozenset((b"x", b"g", b"X", b"L", b"K"))
_PLAIN_NAME: Final = 100
"""Bytes of a name that a header has room for."""
_MOST_NAMES: Final = 32 << 20
"""Bytes of memory that longer names may take beyond as many as their archive has: escaped ones take up to 16 times their own."""
_XATTR: Final = "SCHILY.xattr."
_USED: Final = frozenset(("path", "linkpath", "size", "mtime", "uid", "gid"))
_USED_GROUPS: Final = (_XATTR, "GNU.sparse.")
_Entry = tuple[str, int, int, int, tuple[int, int, int], float, bytes, bool]
"""Path, kind, bytes of content, where that begins, (mode, uid, gid), time, link, whether it is sparse."""


class Sink(Protocol):
    """Takes the contents of regular files that are not empty and not sparse, in archive order, while the archive flows by."""

    def file(self, entry: int, path: str, data: memoryview) -> None:
        """Take a whole file. `data` is good during this call only."""
        ...

    def begin(self, entry: int, path: str, size: int) -> None:
        """Take note that `size` bytes of a file come in pieces, by `feed`, and then `end`."""
        ...

    def feed(self, data: memoryview) -> None:
        """Take the next piece. `data` is good during this call only."""
        ...

    def end(self) -> None:
        """The file that `begin` named is complete."""
        ...

    def finish(self, index: LayerIndex, kept: Sequence[int] | None) -> None:
        """The archive is read. The content of entry n of `index` came under `kept[n]`; None: under n."""
        ...


TakeRun = Callable[["Scanner", memoryview, int, int], int]
"""Takes in plain headers of the view from a position on, at a byte of the archive; gives the position of what is none."""


class Scanner:
    """The state of one archive's reading: its columns so far, and what extended headers said of the entry to come."""

    def __init__(self, where: str, sink: Sink | None, *, heads: Heads | None = None, file: tuple[int, int] | None = None) -> None:
        """`heads` is told of the first bytes of files that lie in the window whole; `file` is as `index_layer` has it."""
        self.where = where
        self.sink = sink
        self.heads = heads
        self._take_run: TakeRun = take_run
        if fast.compiled is not None and sink is None:
            lists = None if heads is None else (heads.elves, heads.pems)
            self._take_run = fast.compiled.Run(entry_path, printable_bytes, lists, *(file or ())).take
        self.index = LayerIndex()
        self.ended = False
        """Whether the two zero blocks were read."""
        self.partial: tuple[int, int, bool] | None = None
        """Content that goes on past the window: its bytes, where in the window it begins, and whether the sink wants it."""
        self.kept: Sequence[int] | None = None
        """Once the archive is read: which entries' content is that of the index's entries; None: all, in their order."""
        self.at = 0
        """Where in the window the header begins that is being read."""
        self._base = 0
        self._names = 0
        """Bytes that long names take in memory."""
        self._ignored: set[int] = set()
        self._pending: dict[str, bytes] = {}
        self._globals: dict[str, bytes] = {}
        # Values of fields, remembered for the whole archive.
        self.numbers = fmt.Numbers()
        self.owners = fmt.Owners()
        self.sums = fmt.Sums()

    def scan(self, view: memoryview, pos: int, base: int) -> int:
        """Read entries from `view[pos:]`, which stands at byte `base` of the archive at its begin; give where it stopped.

        It stops at the end marker (`ended`), at a file whose content is not all in the window (`partial`; the position is
        then past that content and its padding), or where a header is not all in the window. A position past the end of
        the window means so many bytes to skip.
        """
        self.partial = None
        self._base = base
        try:
            return self._scan(view, pos, base)
        except ValueError as error:
            raise self.error(f"{error}, at byte {base + self.at} of the archive") from None

    def error(self, what: str) -> TargetError:
        """Give the error that says `what` is wrong with this archive."""
        return TargetError(f"not a sound tar archive: {what}", where=self.where, hint="save or pull the image again")

    def _scan(self, view: memoryview, pos: int, base: int) -> int:
        end = len(view)
        index, sink = self.index, self.sink
        paths, links = index.paths, index.links
        add_path, add_kind, add_size, add_offset = paths.append, index.kinds.append, index.sizes.append, index.offsets.append
        add_mode, add_uid, add_gid, add_time = index.modes.append, index.uids.append, index.gids.append, index.mtimes.append
        owners, numbers, sums, unpack, kind_of = self.owners, self.numbers, self.sums, HEADER.unpack_from, _KINDS.get
        file, hard_link, symlink = int(Kind.FILE), int(Kind.HARD_LINK), int(Kind.SYMLINK)
        while pos + BLOCK <= end:
            if sink is None and view[pos + 156] in PLAIN and not self._pending and not self._globals:
                pos = self._take_run(self, view, pos, base)
                if pos + BLOCK > end:
                    break
            self.at = pos
            name, owner, size_field, time_field, sum_field, flag, link, prefix = unpack(view, pos)
            if adler32(view[pos : pos + BLOCK]) & 0xFFFF != sums[sum_field]:
                header = bytes(view[pos : pos + BLOCK])
                if header == _ZEROS:
                    return self._end(view, pos)
                if not fmt.checksum_fits(header):
                    raise ValueError("a wrong checksum")
            kind = kind_of(flag)
            sparse = False
            number = len(paths)
            if kind is None or prefix != b"\0" or self._pending or self._globals:
                if flag in _EXTENSIONS:
                    after = self._extension(view, pos, flag)
                    if after is None:
                        return pos
                    pos = after
                    continue
                entry = self._special(view, pos)
                if entry is None:
                    return pos
                path, kind, body, content, (mode, uid, gid), time, link, sparse = entry
            else:
                content = pos + BLOCK
                time = numbers[time_field]
                mode, uid, gid = owners[owner]
                path = name.rstrip(b"\0").decode("utf-8", "surrogateescape")
                if flag == b"\0" and fmt.cut(name).endswith(b"/"):
                    kind = int(Kind.DIRECTORY)
                body = numbers[size_field] if kind == file else 0
                if body < 0:
                    raise ValueError("a negative size")
                if not path.isprintable() or "\\" in path or "/." in path or "//" in path or path[:1] in "/.":
                    path = entry_path(fmt.cut(name))
                    if ".wh." in path or not path:
                        path, kind = self.marked(path, kind, number)
                elif path[-1] == "/":
                    path = path[:-1]
            add_path(path)
            add_kind(kind)
            add_mode(mode)
            add_uid(uid)
            add_gid(gid)
            add_time(time)
            add_offset(base + content)
            pos = content
            if body:
                pos += body + 511 & -512
                whole = content + body <= end
                if not whole:
                    self.partial = (body, content, kind == file and not sparse)
                if kind == file:
                    add_size(body)
                    if not whole:
                        return pos
                    if sink is not None and not sparse:
                        sink.file(number, path, view[content : content + body])
                    elif self.heads is not None:
                        self.heads.look(view, index, number, base)
                    continue
            add_size(0)
            if kind == hard_link:
                links[number] = entry_path(fmt.cut(link))
            elif kind == symlink:
                links[number] = printable_bytes(fmt.cut(link))
        return pos

    def marked(self, path: str, kind: int, number: int) -> tuple[str, int]:
        """Give path and kind of a name of entry `number` that is a mark, or the root; note what is no part of the layer."""
        path, marked_kind = marked(path, kind)
        if marked_kind == IGNORED:
            marked_kind = kind
            self._ignored.add(number)
        elif not path and marked_kind not in (Kind.DIRECTORY, Kind.OPAQUE):
            self._ignored.add(number)
        return path, marked_kind

    def _end(self, view: memoryview, pos: int) -> int:
        """Give the position after the two zero blocks, or `pos` where the second is not in the window."""
        if pos + 2 * BLOCK > len(view):
            return pos
        if bytes(view[pos + BLOCK : pos + 2 * BLOCK]) != _ZEROS:
            raise ValueError("zeros where a name should be")
        if self._pending:
            raise ValueError("an extended header without its entry")
        self.ended = True
        return pos + 2 * BLOCK

    def close(self, rest: bytes, at: int) -> None:
        """Check that the archive may end with `rest` unread at byte `at`: nothing, or zeros, as Go's archive/tar allows."""
        if self._pending:
            raise self.error(f"it ends after an extended header, at byte {at}")
        if rest.strip(b"\0"):
            raise self.error(f"it ends in the middle of a header, at byte {at + len(rest)}")

    def cut_off(self, wanted: int, end: int) -> TargetError:
        """Give the error for content that should go on to byte `wanted` in an archive that ends at byte `end`."""
        return self.error(f"{self.index.paths[-1]} should go on to byte {wanted}, and the archive ends at byte {end}")

    def _extension(self, view: memoryview, pos: int, flag: bytes) -> int | None:
        """Take in an extended header; give the position after it, or None where it is not all in the window."""
        size = self.numbers[bytes(view[pos + 124 : pos + 136])]
        if not 0 <= size <= fmt.LONGEST_EXTENSION:
            raise ValueError(f"an extended header of {size} bytes")
        content = pos + BLOCK
        if content + size > len(view):
            return None
        data = bytes(view[content : content + size])
        if flag == b"L":
            self._pending.setdefault("path", fmt.cut(data))
        elif flag == b"K":
            self._pending.setdefault("linkpath", fmt.cut(data))
        else:
            records = {key: value for key, value in fmt.pax_records(data).items() if key in _USED or key.startswith(_USED_GROUPS)}
            if flag == b"g":
                self._globals.update((key, value) for key, value in records.items() if key in _USED and key != "size")
            else:
                self._pending = {**records, **self._pending}
        return content + (size + 511 & -512)

    def _special(self, view: memoryview, pos: int) -> _Entry | None:
        """Read an entry that has more than its plain header; None where that is not all in the window."""
        end = len(view)
        header = bytes(view[pos : pos + BLOCK])
        own, records = self._pending, {**self._globals, **self._pending}
        flag = header[156:157]
        kind = _KINDS.get(flag, int(Kind.FILE))
        name = fmt.cut(header[:100])
        if flag == b"\0" and name.endswith(b"/"):
            kind = int(Kind.DIRECTORY)
        if header[257:263] == b"ustar\0" and (prefix := fmt.cut(header[345 : 476 if header[508:] == b"tar\0" else 500])):
            name = prefix + b"/" + name
        content, body, logical = pos + BLOCK, 0, None
        if kind == Kind.FILE:
            body = fmt.decimal(own["size"]) if "size" in own else self.numbers[header[124:136]]
            if body < 0:
                raise ValueError("a negative size")
            if flag == b"S":
                blocks = fmt.old_sparse_blocks(view, pos, end)
                if blocks is None:
                    return None
                content += blocks * BLOCK
                logical = self.numbers[header[483:495]]
            elif "GNU.sparse.map" in own or "GNU.sparse.size" in own:
                logical = fmt.decimal(own.get("GNU.sparse.size", own.get("GNU.sparse.realsize", b"0")))
            elif own.get("GNU.sparse.major") == b"1" and own.get("GNU.sparse.minor") == b"0":
                taken = fmt.sparse_map_bytes(view, content, body, end)
                if taken is None:
                    return None
                content, body = content + taken, max(body - taken, 0)
                logical = fmt.decimal(own.get("GNU.sparse.realsize", b"0"))
        name = own.get("GNU.sparse.name") or records.get("path", name)
        mode, uid, gid = self.owners[header[100:124]]
        uid = fmt.decimal(records["uid"]) if "uid" in records else uid
        gid = fmt.decimal(records["gid"]) if "gid" in records else gid
        time = fmt.seconds(records["mtime"]) if "mtime" in records else self.numbers[header[136:148]]
        number = len(self.index.paths)
        if logical is not None:
            if logical < 0:
                raise ValueError("a negative size")
            self.index.logical[number] = logical
        attributes = {printable(key[len(_XATTR) :]): value for key, value in own.items() if key.startswith(_XATTR)}
        if attributes:
            self.index.xattrs[number] = attributes
        self._pending = {}
        path = entry_path(name)
        if ".wh." in path or not path:
            path, kind = self.marked(path, kind, number)
        link = records.get("linkpath", fmt.cut(header[157:257]))
        self._count_names(content, path, printable_bytes(link) if len(link) > _PLAIN_NAME else "", *attributes)
        return path, kind, body, content, (mode, uid, gid), time, link, logical is not None

    def _count_names(self, end: int, *names: str) -> None:
        """Take note of names; ValueError where all take more than an archive wants that has come to byte `end` of the window."""
        self._names += sum(getsizeof(name) for name in names if len(name) > _PLAIN_NAME)
        if self._names > _MOST_NAMES + self._base + end:
            raise ValueError("names that are longer than all else in it")

    def result(self, tar_size: int) -> LayerIndex:
        """Give the index of the archive of `tar_size` bytes, and tell the sink that it is read."""
        self.index.tar_size = tar_size
        self.kept = settle(self.index, self._ignored)
        if self.sink is not None:
            self.sink.finish(self.index, self.kept)
        return self.index
