"""`whole-filesystem-copy`: COPY --from=STAGE / /."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msbtui.analysis.waste.kind import Draft, WasteKind, count
from msbtui.analysis.waste.scene import Scene


def find(scene: Scene) -> Iterator[Draft]:
    """Give one draft for each such layer; its bytes are what the base below holds already, unchanged."""
    for layer in range(scene.base.layers, scene.table.layers):
        source = _source(scene, layer)
        if source is None:
            continue
        count_of = len(scene.table.index(layer))
        again = [scene.row((layer, entry)) for entry in range(count_of) if _is_again(scene, layer, entry)]
        # All names of a file, or none of it would be free.
        again = [name for row in again for name in scene.table.inode_rows(row)]
        if not again and scene.instruction(layer) is None:
            continue  # `COPY / /` of the build context reads alike in the history
        title = f"everything of {source} is copied; {count(len(again), 'file')} of it the base has already"
        yield Draft(layer, again, "A", title, paths=[""] if not again else None, size=None if again else 0)


def _source(scene: Scene, layer: int) -> str | None:
    """Give the stage or image whose root a layer copies onto the root, or None."""
    instruction = scene.instruction(layer)
    if instruction is not None:
        whole = instruction.keyword == "COPY" and tuple(instruction.words) in (("/", "/"), ("/.", "/"))
        return instruction.flag("from") if whole else None
    return "a stage" if re.fullmatch(r"COPY /\.? / # buildkit", scene.instruction_text(layer).strip()) else None


def _is_again(scene: Scene, layer: int, entry: int) -> bool:
    table = scene.table
    if not table.cost(layer, entry) or table.hidden_by(layer, entry) is not None or layer == 0:
        return False
    below = table.live_at(table.path_of(layer, entry), layer - 1)
    if below is None or below[0] >= scene.base.layers:
        return False
    # Of the names of one file another may bear the bytes below.
    bearer = table.inode_rows(scene.row(below))[0]
    if table.row_costs[bearer] != table.cost(layer, entry):
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
    spares=False,
)
