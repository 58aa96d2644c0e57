"""`duplicate-content`: the same content at several live paths, each stored for itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from msbtui.analysis.waste.kind import Draft, WasteKind, count
from msbtui.analysis.waste.scene import LiveFile, Scene

LEAST_FILE = 32 << 10
LEAST_FINDING = 256 << 10
"""Bytes below which a second copy is not worth a word."""


def find(scene: Scene) -> Iterator[Draft]:
    """Give one draft for each layer that holds second copies of what is there already; files of packages are left out."""
    by_size: dict[int, list[int]] = {}
    rows, costs = scene.table.live_rows, scene.table.row_costs
    for pid in scene.table.at_least(scene.pids, LEAST_FILE):
        by_size.setdefault(costs[rows[pid]], []).append(pid)
    copies: dict[int, list[tuple[LiveFile, LiveFile]]] = {}
    for pids in by_size.values():
        if len(pids) < 2 or scene.owned.issuperset(pids):
            continue
        first: dict[str, LiveFile] = {}
        for file in _alike(scene, sorted(map(scene.live, pids), key=lambda file: file.row)):
            digest = scene.digest(file.key)
            if digest is None:
                continue
            original = first.setdefault(digest, file)
            if original is not file and file.pid not in scene.owned and file.pid not in scene.needed:
                copies.setdefault(file.layer, []).append((original, file))
    for layer, pairs in sorted(copies.items()):
        names = [name for _, copy in pairs for name in scene.table.inode_rows(copy.row)]
        if scene.table.bytes_of_rows(set(names)) < LEAST_FINDING:
            continue
        original, copy = max(pairs, key=lambda pair: scene.size(pair[1].key))
        more = f" and {count(len(pairs) - 1, 'more file')}" if len(pairs) > 1 else ""
        yield Draft(
            layer,
            names,
            "C",
            f"/{copy.path} has the content of /{original.path}{more}",
            paths=sorted(copy.path for _, copy in pairs),
        )


def _alike(scene: Scene, files: list[LiveFile]) -> list[LiveFile]:
    """Leave out of files of one size those whose first or last bytes no other has."""
    edges = [scene.edge(file.key) for file in files]
    if None in edges:
        return files
    times = Counter(edges)
    return [file for file, edge in zip(files, edges, strict=True) if times[edge] > 1]


KIND = WasteKind(
    id="duplicate-content",
    title="Same content twice",
    explanation=(
        "Two files with the same content are stored twice, unless they are hard links made in one layer. Whether one of them "
        "can go is for you to say: both can be seen."
    ),
    advice="Keep one, and make the other a symbolic link, or a hard link in the same RUN.",
    find=find,
)
