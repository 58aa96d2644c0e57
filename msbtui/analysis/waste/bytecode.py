"""`bytecode`: Python's compiled files beside their sources."""

from __future__ import annotations

from collections.abc import Iterator

from msbtui.analysis.waste.kind import Draft, WasteKind
from msbtui.analysis.waste.scene import LiveFile, Scene


def find(scene: Scene) -> Iterator[Draft]:
    """Give one draft for each layer."""
    files = [
        file for file in scene.files if file.name.endswith(".pyc") and "__pycache__/" in file.path and _has_source(scene, file)
    ]
    for layer, group in scene.by_layer(files):
        yield Draft(layer, [file.key for file in group], "", "B", subject="Bytecode beside its sources", noun=".pyc file")


def _has_source(scene: Scene, file: LiveFile) -> bool:
    """Without its source a .pyc is the program itself (PEP 3147)."""
    directory = file.path.rpartition("/__pycache__/")[0]
    return bool(directory) and scene.file(f"{directory}/{file.name.partition('.')[0]}.py") is not None


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
