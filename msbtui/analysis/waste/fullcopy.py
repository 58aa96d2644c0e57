"""`whole-filesystem-copy`: COPY --from=STAGE / /."""

from __future__ import annotations

from collections.abc import Iterator

from msbtui.analysis.waste.kind import Draft, WasteKind, count
from msbtui.analysis.waste.scene import Scene


def find(scene: Scene) -> Iterator[Draft]:
    """Give one draft for each such layer; its bytes are what the base below holds already, unchanged."""
    if scene.provenance is None or scene.dockerfile is None:
        return
    for match in scene.provenance.matches:
        if match.instruction is None or match.instruction >= len(scene.dockerfile.instructions):
            continue
        instruction = scene.dockerfile.instructions[match.instruction]
        is_whole = (
            instruction.keyword == "COPY" and instruction.flag("from") and tuple(instruction.words) in (("/", "/"), ("/.", "/"))
        )
        if not is_whole:
            continue
        source = instruction.flag("from")
        again = [
            (match.layer, entry) for entry in range(len(scene.table.index(match.layer))) if _is_again(scene, match.layer, entry)
        ]
        title = f"everything of {source} is copied; {count(len(again), 'file')} of it the base has already"
        yield Draft(match.layer, again, title, "A", paths=[""] if not again else None, size=None if again else 0)


def _is_again(scene: Scene, layer: int, entry: int) -> bool:
    table = scene.table
    if not table.cost(layer, entry) or table.hidden_by(layer, entry) is not None or layer == 0:
        return False
    below = table.live_at(table.path_of(layer, entry), layer - 1)
    if below is None or below[0] >= scene.base.layers or table.cost(*below) != table.cost(layer, entry):
        return False
    digest = scene.digest((layer, entry))
    return digest is not None and digest == scene.digest(below)


KIND = WasteKind(
    id="whole-filesystem-copy",
    title="A whole file system copied",
    explanation=(
        "Copying / of one stage to / of another takes everything along, compilers, caches and sources too, and stores the "
        "files of the base once more."
    ),
    advice="Copy the program and what it reads by name.",
    find=find,
    claims=False,
)
