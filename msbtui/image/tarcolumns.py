"""From the entries of a layer archive in order to its index: of several entries for one path only the last stays."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import compress

from msbtui.image.lastparts import distinct
from msbtui.image.model import Kind, LayerIndex


def settle(index: LayerIndex, ignored: set[int]) -> Sequence[int] | None:
    """Take out of `index` what does not count; give, per entry that stays, the old number of its content; None: all stay.

    - Of several entries for one path the last counts; an opaque marker and its directory are two things and both stay.
    - A whiteout speaks of earlier layers only (OCI image-spec, layer.md: "MUST only apply to resources in lower/parent
      layers"): beside an entry for the same path it falls away, and a directory there becomes opaque.
    - A hard link keeps the file that stood under its target when the link was made, as in a file system: where that file
      does not count itself, the first link to it becomes the file and the others link to that.
    """
    paths, kinds = index.paths, index.kinds
    if not ignored and distinct(paths):
        return None
    last: dict[str, int] = {}
    opaque: dict[str, int] = {}
    whiteout: dict[str, int] = {}
    inode: dict[int, int] = {}
    for entry, (path, kind) in enumerate(zip(paths, kinds, strict=True)):
        if kind == Kind.OPAQUE:
            opaque[path] = entry
        elif kind == Kind.WHITEOUT:
            whiteout[path] = entry
        else:
            if kind == Kind.HARD_LINK:
                target = last.get(index.links[entry])
                if target is not None:
                    inode[entry] = inode.get(target, target)
            if path or entry not in ignored:
                last[path] = entry
    for path, entry in whiteout.items():
        stands = last.get(path)
        if stands is None:
            continue
        if kinds[stands] == Kind.DIRECTORY:
            kinds[entry] = Kind.OPAQUE
            opaque.setdefault(path, entry)
        whiteout[path] = -1
    stay = sorted({*last.values(), *opaque.values(), *whiteout.values()} - ignored - {-1})
    moved = _move_content(index, set(stay), inode)
    _keep_only(index, stay)
    return [moved.get(entry, entry) for entry in stay]


def _move_content(index: LayerIndex, stay: set[int], inode: dict[int, int]) -> dict[int, int]:
    """Give the content of files that go to the first hard link that stays; tell which link has which file's content."""
    bearer: dict[int, int] = {}
    for link, origin in inode.items():
        if link not in stay:
            continue
        if origin in stay or index.kinds[origin] != Kind.FILE:
            if origin in stay:
                index.links[link] = index.paths[origin]
            continue
        first = bearer.setdefault(origin, link)
        if first != link:
            index.links[link] = index.paths[first]
            continue
        del index.links[link]
        index.kinds[link] = Kind.FILE
        for column in (index.sizes, index.modes, index.uids, index.gids, index.offsets):
            column[link] = column[origin]
        index.mtimes[link] = index.mtimes[origin]
        if origin in index.logical:
            index.logical[link] = index.logical[origin]
        if origin in index.xattrs:
            index.xattrs[link] = index.xattrs[origin]
    return {link: origin for origin, link in bearer.items()}


def _keep_only(index: LayerIndex, stay: Sequence[int]) -> None:
    mask = bytearray(len(index.paths))
    for entry in stay:
        mask[entry] = 1
    index.paths = list(compress(index.paths, mask))
    index.kinds = bytearray(compress(index.kinds, mask))
    for name in ("sizes", "modes", "uids", "gids", "mtimes", "offsets"):
        column = getattr(index, name)
        setattr(index, name, array(column.typecode, compress(column, mask)))
    new = {entry: number for number, entry in enumerate(stay)}
    index.links = {new[entry]: link for entry, link in index.links.items() if entry in new}
    index.xattrs = {new[entry]: attributes for entry, attributes in index.xattrs.items() if entry in new}
    index.logical = {new[entry]: size for entry, size in index.logical.items() if entry in new}
