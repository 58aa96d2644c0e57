"""`bytecode`: Python's compiled files beside their sources."""

from __future__ import annotations

from collections.abc import Iterator

from msbtui.analysis.waste.kind import Draft, WasteKind
from msbtui.analysis.waste.scene import Scene


def find(scene: Scene) -> Iterator[Draft]:
    """Give one draft for each layer."""
    beside: dict[str, set[str]] = {}
    names, parents, paths = scene.names, scene.table.parents, scene.table.paths
    found = []
    for pid in scene.where(scene.with_suffix("pyc"), lambda directory: directory.endswith("/__pycache__")):
        directory = paths[parents[parents[pid]]]
        if directory not in beside:
            beside[directory] = {name for name in scene.names_in(directory) if name.endswith(".py")}
        # Without its source a .pyc is the program itself (PEP 3147).
        if f"{names[pid].partition('.')[0]}.py" in beside[directory]:
            found.append(pid)
    for layer, rows in scene.by_layer(found):
        yield Draft(layer, rows, "B", subject="Bytecode beside its sources", noun=".pyc file")


KIND = WasteKind(
    id="bytecode",
    title="Python bytecode",
    explanation=(
        "Python keeps what it compiled beside the source, in order to start faster the next time. It makes these files again "
        "where they are missing; without them the first start is a little slower."
    ),
    advice="Set PYTHONDONTWRITEBYTECODE=1 while building, and use `pip install --no-compile`, where size counts more.",
    find=find,
)
