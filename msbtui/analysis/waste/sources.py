"""`sources`: sources of what was compiled, where what starts is the compiled program elsewhere.

Only files that a compiler reads are named: data that lies beside them may be read at run time.
"""

from __future__ import annotations

from collections.abc import Iterator

from msbtui.analysis.waste.buildtree import Tree, build_trees, is_source, starts_inside
from msbtui.analysis.waste.kind import Draft, WasteKind
from msbtui.analysis.waste.scene import Scene


def find(scene: Scene) -> Iterator[Draft]:
    """Give one draft for each tree and layer."""
    if not scene.needs.entrypoints:
        return
    compiled = any(
        (file := scene.file(path)) is not None and scene.elf(file.key) is not None for path in scene.needs.entrypoints[:1]
    )
    for tree in build_trees(scene):
        pids = [pid for pid in tree.pids if is_source(scene.names[pid])]
        if not pids or _is_run_from_source(scene):
            continue
        # An interpreter that starts in the tree may read anything in it, though hardly C.
        confidence = "B" if compiled and tree.built and not starts_inside(scene, tree) and not _names(scene, tree) else "C"
        for layer, rows in scene.by_layer(pids):
            yield Draft(layer, rows, confidence, subject=f"/{tree.path}", noun="source file")


def _is_run_from_source(scene: Scene) -> bool:
    """`go run`, `cargo run`, `make` and the like compile when the container starts."""
    names = {path.rpartition("/")[2] for path in scene.needs.files} | {word.rpartition("/")[2] for word in scene.needs.words}
    return not names.isdisjoint(
        ("go", "cargo", "make", "cmake", "ninja", "gcc", "g++", "cc", "clang", "mvn", "mvnw", "gradle", "gradlew", "sbt")
    )


def _names(scene: Scene, tree: Tree) -> bool:
    prefix = f"/{tree.path}"
    return any(word == prefix or word.startswith(prefix + "/") for word in scene.needs.words)


KIND = WasteKind(
    id="sources",
    title="Sources of compiled code",
    explanation="A compiled program does not read its sources. They are in the image because it was built there.",
    advice="Build in a first stage and copy the program only.",
    find=find,
)
