"""`unreferenced-stage`: stages that the target does not need; they cost no bytes in the image."""

from __future__ import annotations

from collections.abc import Iterator

from msbtui.analysis.waste.kind import Draft, WasteKind
from msbtui.analysis.waste.scene import Scene


def find(scene: Scene) -> Iterator[Draft]:
    """Give one draft for each stage that nothing of the target reaches."""
    graph = scene.graph
    if graph is None or graph.target_index is None or graph.errors or not scene.table.layers:
        return
    # A later stage than the target is another target, chosen with --target.
    for stage in graph.stages[: graph.target_index]:
        if not stage.reachable:
            name = f"stage {stage.name}" if stage.name else f"stage {stage.index}"
            title = f"{name} (line {stage.line}) is not used by the target"
            yield Draft(scene.table.layers - 1, [], "A", title, paths=[], size=0, line=stage.line)


KIND = WasteKind(
    id="unreferenced-stage",
    title="Stage that nothing uses",
    explanation="BuildKit does not build this stage, the classic builder builds it for nothing. The image holds none of it.",
    advice="Remove the stage, or build it with --target where it is meant for that.",
    find=find,
    claims=False,
)
