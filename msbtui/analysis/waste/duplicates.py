"""`duplicate-content`: the same content at several live paths, each stored for itself."""

from __future__ import annotations

from collections.abc import Iterator

from msbtui.analysis.waste.kind import Draft, Entry, WasteKind, count
from msbtui.analysis.waste.scene import LiveFile, Scene
from msbtui.image.model import Kind

LEAST_FILE = 32 << 10
LEAST_FINDING = 256 << 10
"""Bytes below which a second copy is not worth a word."""


def find(scene: Scene) -> Iterator[Draft]:
    """Give one draft for each layer that holds second copies of what is there already; files of packages are left out."""
    by_size: dict[int, list[LiveFile]] = {}
    for file in scene.files:
        size = scene.size(file.key)
        if size >= LEAST_FILE and scene.kind(file.key) is Kind.FILE:
            by_size.setdefault(size, []).append(file)
    copies: dict[int, list[tuple[LiveFile, LiveFile]]] = {}
    for files in by_size.values():
        if len(files) < 2:
            continue
        first: dict[str, LiveFile] = {}
        for file in sorted(files, key=lambda file: file.key):
            digest = scene.digest(file.key)
            if digest is None:
                continue
            original = first.setdefault(digest, file)
            if original is not file and file.path not in scene.needs.files and scene.packages.owner(file.path) is None:
                copies.setdefault(file.layer, []).append((original, file))
    for layer, pairs in sorted(copies.items()):
        entries: list[Entry] = [name for _, copy in pairs for name in scene.table.inode(*copy.key)]
        if scene.table.bytes_of(entries) < LEAST_FINDING:
            continue
        original, copy = max(pairs, key=lambda pair: scene.size(pair[1].key))
        more = f" and {count(len(pairs) - 1, 'more file')}" if len(pairs) > 1 else ""
        yield Draft(
            layer,
            entries,
            f"/{copy.path} has the content of /{original.path}{more}",
            "C",
            paths=sorted(copy.path for _, copy in pairs),
        )


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
