"""What later layers hid: `deleted-later`, `overwritten-later`, `metadata-only-copy`, `moved`.

A layer is an archive that nothing changes any more: a deletion is a marker in a later one, a change of owner or mode is a
whole new copy there (OCI image-spec, layer.md; overlayfs copies a file up when its metadata change). Every hidden byte is in
exactly one of these findings, in the layer that added it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby

import msgspec

from msbtui.analysis.model import HiddenBy
from msbtui.analysis.waste.kind import Draft, Entry, WasteKind, count
from msbtui.analysis.waste.scene import Scene
from msbtui.image.lastparts import sized
from msbtui.image.model import Kind
from msbtui.image.table import FileTable

_ALIKE_NAME_FROM = 4096
"""Bytes: a smaller file is only called moved where its name stayed the same; equal small files are often chance."""
_SMALL = 64 << 10
_SMALL_SHARE = 0.02


class Hidden(msgspec.Struct):
    """One hidden entry that bears bytes, and how it was hidden."""

    entry: Entry
    row: int
    pid: int
    by: int
    size: int
    deleted: bool
    after: int = -1
    """The row that stands at its path after layer `by`, -1 for none."""
    kind: str = ""
    successor: Entry | None = None
    """The entry that holds the same content after the layer that hid this one."""


def hidden_bytes(scene: Scene) -> list[Hidden]:
    """Give every hidden entry that bears bytes, with the kind that explains it best; worked out once for a scene."""
    return scene.once("hidden", lambda: list(_classify(scene)))


def _classify(scene: Scene) -> Iterator[Hidden]:
    table = scene.table
    by_layer: dict[int, list[Hidden]] = {}
    costs, row_paths, inodes = table.row_costs, table.row_paths, table.inodes
    for layer in range(table.layers):
        at, first, end = -1, 0, 0
        for row, after in zip(table.hidden_rows(layer), table.rows_after(layer), strict=True):
            size = costs[row]
            if not size:
                continue
            while row >= end:
                at, first, end = at + 1, end, table.first_row(at + 2)
            by = table.bytes_hidden_by(at, row - first) if row in inodes else layer
            if by is None:
                continue  # another name of the same inode lives
            pid = row_paths[row]
            deleted = after < 0 and not table.is_implied_at(pid, layer)
            if by != layer:
                after = -1 if deleted else table.live_row_at(pid, by)
            by_layer.setdefault(by, []).append(Hidden((at, row - first), row, pid, by, size, deleted, after))
    for layer, hidden in sorted(by_layer.items()):
        _compare(scene, layer, hidden)
        _find_moves(scene, layer, hidden)
        for one in hidden:
            one.kind = one.kind or ("deleted-later" if one.deleted else "overwritten-later")
            yield one


def _compare(scene: Scene, layer: int, hidden: list[Hidden]) -> None:
    """Tell which of what a layer wrote anew has the content that was there."""
    table = scene.table
    first, costs, kinds = table.first_row(layer), table.row_costs, table.index(layer).kinds
    alike = [
        one for one in hidden if one.after >= first and costs[one.after] == one.size and kinds[one.after - first] == Kind.FILE
    ]
    now = scene.digests_of(layer, (one.after - first for one in alike))
    for one, digest, other in zip(alike, _digests(scene, alike), now, strict=True):
        if digest is None or digest != other:
            continue
        one.successor = (layer, one.after - first)
        if _metadata(scene, one.entry) != _metadata(scene, one.successor):
            one.kind = "metadata-only-copy"


def _digests(scene: Scene, several: list[Hidden]) -> Iterator[str | None]:
    """Give the hashes of hidden contents, asked of a layer together."""
    for layer, those in groupby(several, lambda one: one.entry[0]):
        yield from scene.digests_of(layer, (one.entry[1] for one in those))


def _metadata(scene: Scene, entry: Entry) -> tuple[object, ...]:
    index, number = scene.table.index(entry[0]), entry[1]
    return (index.uids[number], index.gids[number], index.modes[number], int(index.mtimes[number]), index.xattrs.get(number))


def _find_moves(scene: Scene, layer: int, hidden: list[Hidden]) -> None:
    wanted = [one for one in hidden if one.deleted and one.entry[0] < layer]
    sizes = {one.size for one in wanted}
    if not sizes:
        return
    index, table = scene.table.index(layer), scene.table
    # Contents are read only where a size, and of small files the name too, leaves it open whether one was moved.
    names = scene.names
    small = {names[one.pid] for one in wanted if one.size < _ALIKE_NAME_FROM}
    arrived: dict[tuple[int, str], list[int]] = {}
    found = set[int]()
    # A new path only: a file that was there before did not come from this one.
    first, row_paths = table.first_row(layer), table.row_paths
    replaced = set(map(row_paths.__getitem__, table.hidden_rows(layer)))
    arrivals = [
        number
        for number in sized(index.paths, index.sizes, sizes, small, _ALIKE_NAME_FROM)
        if index.kinds[number] == Kind.FILE and row_paths[first + number] not in replaced
    ]
    for number, digest in zip(arrivals, scene.digests_of(layer, arrivals), strict=True):
        if digest is not None:
            size = index.sizes[number]
            arrived.setdefault((size, digest), []).append(number)
            found.add(size)
    wanted = [one for one in wanted if one.size in found]
    for one, digest in zip(wanted, _digests(scene, wanted), strict=True):
        candidates = arrived.get((one.size, digest), ()) if digest is not None else ()
        name = names[one.pid] if candidates else ""
        for number in candidates:
            target = row_paths[first + number]
            same_name = index.paths[number].rpartition("/")[2] == name
            if target != one.pid and (same_name or one.size >= _ALIKE_NAME_FROM) and table.live_at(target, layer - 1) is None:
                one.kind, one.successor = "moved", (layer, number)
                break


def _drafts(scene: Scene, kind: str) -> Iterator[Draft]:
    groups: dict[tuple[int, int], list[Hidden]] = {}
    for one in hidden_bytes(scene):
        if one.kind == kind:
            groups.setdefault((one.entry[0], one.by), []).append(one)
    for (layer, by), members in sorted(groups.items()):
        # One chown or mv is one finding; what was deleted or overwritten is told by directory.
        whole = kind in ("metadata-only-copy", "moved")
        for subject, cluster in [(_common(scene, members), members)] if whole else _clusters(scene, by, members):
            # All names of an inode: its bytes are hidden only with the last.
            inodes = scene.table.inodes
            rows = [name for one in cluster for name in inodes.get(one.row, (one.row,))]
            yield Draft(
                layer=layer,
                rows=rows,
                title=_title(kind, subject, layer, by, cluster),
                confidence="A",
                paths=_paths(scene, by, cluster),
                hidden_by=HiddenBy(by, scene.line(by)),
            )


def _title(kind: str, subject: str, layer: int, by: int, cluster: list[Hidden]) -> str:
    if kind == "deleted-later":
        return f"{subject}: added in layer {layer}, deleted in layer {by}"
    if kind == "metadata-only-copy":
        return f"{subject}: added in layer {layer}, copied whole by layer {by} to change owner, mode or time"
    if kind == "moved":
        return f"{subject}: added in layer {layer}, moved by layer {by}, which holds a second copy"
    same = all(one.successor is not None for one in cluster)
    return f"{subject}: added in layer {layer}, {'written again unchanged' if same else 'overwritten'} in layer {by}"


def _clusters(scene: Scene, by: int, members: list[Hidden]) -> Iterator[tuple[str, list[Hidden]]]:
    """Divide what one layer added and one layer hid: removed packages, then directories, then the small rest together."""
    groups: dict[int, list[Hidden]] = {}
    packages: dict[str, None] = {}
    of_packages: list[Hidden] = []
    removed = (
        {path: package.name for package in scene.packages.removed(by) for path in package.files}
        if by and any(one.deleted for one in members)
        else {}
    )
    top, paths, parents = _tops(scene, by), scene.table.paths, scene.table.parents
    for one in members:
        pid = one.pid
        if not one.deleted:
            groups.setdefault(parents[pid], []).append(one)
        elif removed and paths[pid] in removed:
            packages[removed[paths[pid]]] = None
            of_packages.append(one)
        else:
            highest = top(pid)
            groups.setdefault(highest if highest != pid else parents[pid], []).append(one)
    if of_packages:
        names = sorted(packages)
        more = f" and {count(len(names) - 3, 'more package')}" if len(names) > 3 else ""
        yield "packages " + ", ".join(names[:3]) + more, of_packages
    least = max(_SMALL, int(_SMALL_SHARE * sum(one.size for one in members)))
    small: list[Hidden] = []
    big = []
    for key, cluster in sorted((paths[pid], cluster) for pid, cluster in groups.items()):
        if len(groups) > 1 and sum(one.size for one in cluster) < least:
            small += cluster
        else:
            big.append((key, cluster))
    for key, cluster in big:
        if len(cluster) == 1:
            key = scene.table.paths[top(cluster[0].pid)] if cluster[0].deleted else scene.table.paths[cluster[0].pid]
        yield f"/{key}", cluster
    if small:
        yield _common(scene, small), small


def _common(scene: Scene, cluster: list[Hidden]) -> str:
    paths = [scene.table.paths[one.pid] for one in cluster]
    if len(paths) == 1:
        return f"/{paths[0]}"
    parts = [path.split("/")[:-1] for path in (min(paths), max(paths))]
    shared: list[str] = []
    for one, other in zip(*parts, strict=False):
        if one != other:
            break
        shared.append(one)
    return f"{count(len(paths), 'file')} in /{'/'.join(shared)}"


def _tops(scene: Scene, by: int) -> Callable[[int], int]:
    """Give the function that finds the top-most path that was gone with a path after layer `by`."""
    return scene.once(f"tops {by}", lambda: _tops_of(scene.table, by))


def _tops_of(table: FileTable, by: int) -> Callable[[int], int]:
    parents = table.parents
    above: dict[int, int] = {}

    def top(pid: int) -> int:
        parent = parents[pid]
        found = above.get(parent)
        if found is None:
            found, directory = -1, parent
            while directory > 0 and not table.is_live_at(directory, by):
                found, directory = directory, parents[directory]
            above[parent] = found
        return pid if found < 0 else found

    return top


def _paths(scene: Scene, by: int, cluster: list[Hidden]) -> list[str]:
    top, paths = _tops(scene, by), scene.table.paths
    return sorted({paths[top(one.pid) if one.deleted else one.pid] for one in cluster})


def _rule(kind: str) -> Callable[[Scene], Iterator[Draft]]:
    def find(scene: Scene) -> Iterator[Draft]:
        return _drafts(scene, kind)

    return find


DELETED = WasteKind(
    id="deleted-later",
    title="Deleted by a later layer",
    explanation=(
        "Each instruction that changes files makes a layer, and a layer never changes afterwards. Deleting a file in a later "
        "layer only adds a marker that hides it: its bytes are stored, pushed and pulled as before."
    ),
    advice="Delete it in the same RUN that made it, or make it in a build stage and copy only what is needed from there.",
    find=_rule("deleted-later"),
    claims=False,
    spares=False,
)
OVERWRITTEN = WasteKind(
    id="overwritten-later",
    title="Overwritten by a later layer",
    explanation="A later layer holds a new version of this file. Both versions are stored; only the last one can be seen.",
    advice="Write the file once: join the instructions that write it, or copy the final version only.",
    find=_rule("overwritten-later"),
    claims=False,
    spares=False,
)
METADATA = WasteKind(
    id="metadata-only-copy",
    title="Same content, other owner, mode or time",
    explanation=(
        "Changing only the owner or the mode of a file makes a later layer store the whole file once more. The content of both "
        "copies is the same, byte for byte."
    ),
    advice="Set them where the file arrives: COPY --chown=USER:GROUP --chmod=MODE, or chown in the RUN that makes the file.",
    find=_rule("metadata-only-copy"),
    claims=False,
    spares=False,
)
MOVED = WasteKind(
    id="moved",
    title="Moved by a later layer",
    explanation="Moving a file stores it a second time at its new place; the layer with the old place keeps the first copy.",
    advice="Put the file where it belongs at once: COPY it there, or move it in the RUN that makes it.",
    find=_rule("moved"),
    claims=False,
    spares=False,
)
