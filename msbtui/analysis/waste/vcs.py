"""`vcs`: version control directories."""

from __future__ import annotations

from collections.abc import Iterator

from msbtui.analysis.waste.kind import Draft, WasteKind
from msbtui.analysis.waste.scene import Scene

_MARKS = {".git": ("HEAD", "objects"), ".hg": ("store", "requires"), ".svn": ("wc.db",), ".bzr": ("branch-format",)}
"""What makes a directory of this name a repository (gitrepository-layout(5) and the others' formats)."""


def find(scene: Scene) -> Iterator[Draft]:
    """Give one draft for each repository and layer."""
    for name, marks in _MARKS.items():
        for pid in scene.directories_named(name):
            path = scene.table.paths[pid]
            if all(part in scene.names_in(path) for part in marks):
                for layer, rows in scene.by_layer(scene.table.live_below(pid)):
                    yield Draft(layer, rows, "A", subject=f"/{path}", advice=_advice(scene, layer, name))


def _advice(scene: Scene, layer: int, name: str) -> str:
    if scene.instruction_text(layer).lstrip().upper().startswith("RUN"):
        return f"Delete {name} in the RUN that clones, or clone in a build stage (git clone --depth 1 makes it smaller)."
    return f"Name {name} in .dockerignore, so that COPY does not take it along."


KIND = WasteKind(
    id="vcs",
    title="Version control data",
    explanation="The repository holds every version of every file, and often names and mails of people. No program reads it.",
    advice="Name it in .dockerignore.",
    find=find,
)
