"""The fast way through a tar archive: runs of headers that say all there is to say, taken in by columns.

What this leaves out (extended headers, long names, sparse files, old flags, damage) stops a run, and `msbtui.image.tarscan`
reads it entry by entry; both give the same index.
"""

from __future__ import annotations

from itertools import repeat
from operator import itemgetter
from struct import Struct
from typing import TYPE_CHECKING, Final

try:
    from isal.isal_zlib import adler32
except ImportError:  # a platform without a wheel
    from zlib import adler32

from msbtui.image.model import Kind
from msbtui.image.tarformat import BLOCK, cut
from msbtui.image.tarnames import entry_path
from msbtui.text import printable_bytes

if TYPE_CHECKING:
    from msbtui.image.tarscan import Scanner

HEADER: Final = Struct("100s24s12s12s8sc100s88xc")
"""Name, owner (mode, uid, gid), size, time, checksum, type, link, first byte of the prefix."""
_Raw = tuple[bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes]
KINDS: Final[dict[bytes, int]] = {
    b"0": Kind.FILE,
    b"1": Kind.HARD_LINK,
    b"2": Kind.SYMLINK,
    b"3": Kind.CHAR_DEVICE,
    b"4": Kind.BLOCK_DEVICE,
    b"5": Kind.DIRECTORY,
    b"6": Kind.FIFO,
}
"""What the type flags of a run stand for."""
PLAIN: Final = frozenset(map(ord, KINDS))
"""The type flags that a run can hold."""
_FLUSH: Final = 1 << 10
"""Headers that are held at once: as many as stay in the processor's cache."""
_FIRST: Final = itemgetter(0)
_ODD: Final = ("\\", "/.", "//", "\n/", "\n.", "\n\n")
"""What only names hold that must be cleaned one by one; every name stands between two line ends."""


def take_run(scanner: Scanner, view: memoryview, pos: int, base: int) -> int:
    """Take in the plain headers from `pos` on; give the position of the first that is none, or whose content is not all here."""
    index = scanner.index
    size, last = len(view), len(view) - BLOCK
    numbers, sums, unpack, kind_of = scanner.numbers, scanner.sums, HEADER.unpack_from, KINDS.get
    add_kind, add_size, add_offset = index.kinds.append, index.sizes.append, index.offsets.append
    file = int(Kind.FILE)
    while True:
        raws: list[_Raw] = []
        add = raws.append
        room = _FLUSH
        while pos <= last and room:
            raw = unpack(view, pos)
            if adler32(view[pos : pos + BLOCK]) & 0xFFFF != sums[raw[4]] or raw[7] != b"\0":
                break
            kind = kind_of(raw[5])
            if kind is None:
                break
            content = pos + BLOCK
            if kind == file:
                try:
                    body = numbers[raw[2]]
                except ValueError:
                    break
                if body < 0 or content + body > size:
                    break
                add_size(body)
                pos = content + (body + 511 & -512)
            else:
                add_size(0)
                pos = content
            add_kind(kind)
            add_offset(base + content)
            add(raw)
            room -= 1
        if raws:
            _take_columns(scanner, raws, view, base)
        if room:
            return pos


def _take_columns(scanner: Scanner, raws: list[_Raw], view: memoryview, base: int) -> None:
    """Add what the headers of a run say of names, owners, times and links."""
    index = scanner.index
    first = len(index.paths)
    names, owners, _, times, _, flags, links, _ = zip(*raws, strict=True)
    index.paths += _paths(scanner, names, first)
    try:
        index.mtimes.extend(map(scanner.numbers.__getitem__, times))
        modes, uids, gids = zip(*map(scanner.owners.__getitem__, owners), strict=True)
    except ValueError:
        # Once more, to tell at which byte.
        for number, (owner, time) in enumerate(zip(owners, times, strict=True), first):
            scanner.at = index.offsets[number] - BLOCK - base
            scanner.numbers[time], scanner.owners[owner]
        raise
    if scanner.heads is not None:
        scanner.heads.look(view, index, first, base)
    index.modes.extend(modes)
    index.uids.extend(uids)
    index.gids.extend(gids)
    if b"1" in flags or b"2" in flags:
        for number, link in enumerate(links, first):
            if index.kinds[number] == Kind.SYMLINK:
                index.links[number] = printable_bytes(cut(link))
            elif index.kinds[number] == Kind.HARD_LINK:
                index.links[number] = entry_path(cut(link))


def _paths(scanner: Scanner, names: tuple[bytes, ...], first: int) -> list[str]:
    """Give the paths that names stand for; marks and what means nothing are noted as `Scanner.marked` does it."""
    # `partition` finds the NUL by memchr; `rstrip` would go back over the padding byte by byte.
    text = b"\n".join(map(_FIRST, map(bytes.partition, names, repeat(b"\0")))).decode("utf-8", "surrogateescape")
    paths = text.split("\n")
    if len(paths) != len(names):  # a name holds the sign that divides them
        paths = [cut(name).decode("utf-8", "surrogateescape") for name in names]
        text = ""
    framed = f"\n{text}\n"
    odd = any(sign in framed for sign in _ODD) or not "".join(paths).isprintable()
    if text and not odd:
        return paths if "/\n" not in framed else framed.replace("/\n", "\n").split("\n")[1:-1]
    for at in range(len(paths)):
        path = paths[at]
        if not path.isprintable() or "\\" in path or "/." in path or "//" in path or path[:1] in "/.":
            path = entry_path(cut(names[at]))
            if ".wh." in path or not path:
                number = first + at
                path, kind = scanner.marked(path, scanner.index.kinds[number], number)
                scanner.index.kinds[number] = kind
                if kind != Kind.FILE:
                    scanner.index.sizes[number] = 0
            paths[at] = path
        elif path[-1] == "/":
            paths[at] = path[:-1]
    return paths
