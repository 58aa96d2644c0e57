"""The stage graph as rows: external images, stages, and what each edge carries."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from msbtui.dockerfile.model import Origin, Stage, StageGraph
from msbtui.session.rows.cells import Part, Row, fit, left, right, row_text, shown, width
from msbtui.session.rows.lanes import Node, draw_lanes
from msbtui.text import size


class StageRow(msgspec.Struct, frozen=True):
    """One row: an external image, a stage, or one use (COPY --from, RUN --mount=from) below its stage."""

    kind: str
    """`image`, `stage` or `use`."""
    lanes: str
    label: str
    line: int | None
    """The line in the Dockerfile that it stands for."""
    stage: int | None = None
    """Index of the stage; of an image, the first stage that uses it."""
    instructions: int = 0
    bytes: int | None = None
    status: str = ""
    dim: bool = False
    target: bool = False


class StageFacts(msgspec.Struct, frozen=True):
    """What an image adds to a graph: bytes by stage (at its end) and by line (of the layer that the line made)."""

    stage_bytes: Mapping[int, int] = {}
    line_bytes: Mapping[int, int] = {}


def _key(origin: Origin) -> str:
    if origin.stage is not None:
        return f"stage {origin.stage}"
    return f"image {origin.image}"


def shipped_stages(graph: StageGraph) -> set[int]:
    """Give the target and the stages that it is built FROM: all their layers are in the image."""
    found: set[int] = set()
    at = graph.target_index
    while at is not None and at not in found and 0 <= at < len(graph.stages):
        found.add(at)
        at = graph.stages[at].base.stage
    return found


def stage_rows(graph: StageGraph, facts: StageFacts | None = None, lane_limit: int = 8) -> list[StageRow]:
    """Give the rows of the whole graph, top to bottom, in the order of the Dockerfile."""
    facts = facts or StageFacts()
    edges = {stage.index: [edge for edge in graph.edges if edge.to == stage.index] for stage in graph.stages}
    nodes: list[Node] = []
    makers: list[tuple[str, Stage, str]] = []
    seen: set[str] = set()
    for stage in graph.stages:
        origins = [(stage.base, "base"), *((edge.origin, "copied from") for edge in edges[stage.index])]
        for origin, role in origins:
            if origin.stage is not None:
                continue
            # Each FROM scratch stands for itself: nothing is shared between two of them.
            key = f"scratch {stage.index}" if origin.scratch else _key(origin)
            if key not in seen:
                seen.add(key)
                nodes.append(Node(key, "○"))
                makers.append(("scratch" if origin.scratch else shown(origin.image or ""), stage, role))
        parents = [f"scratch {stage.index}" if origin.scratch else _key(origin) for origin, _ in origins]
        target = stage.index == graph.target_index
        mark = "◉" if target else "●" if stage.reachable else "◌"
        nodes.append(Node(f"stage {stage.index}", mark, tuple(parents)))
        makers.append(("", stage, ""))
    shipped = shipped_stages(graph)
    used = {
        _key(origin)
        for stage in graph.stages
        if stage.reachable or stage.index == graph.target_index
        for origin in (stage.base, *(edge.origin for edge in edges[stage.index]))
        if origin.image is not None
    }
    rows: list[StageRow] = []
    for node, lanes, (image, stage, role) in zip(nodes, draw_lanes(nodes, lane_limit), makers, strict=True):
        if image:
            dim = node.key not in used and not stage.reachable
            rows.append(StageRow("image", lanes.node, image, stage.line, stage.index, status=role, dim=dim))
            continue
        target = stage.index == graph.target_index
        reachable = stage.reachable or target
        status = "SHIPPED" if target else "shipped" if stage.index in shipped else "not shipped" if reachable else "not used"
        count = sum(1 for item in stage.instructions if item.keyword != "FROM")
        name = f"{stage.index} {shown(stage.name) if stage.name else '(final)' if target else '(no name)'}"
        rows.append(
            StageRow(
                "stage",
                lanes.node,
                name,
                stage.line,
                stage.index,
                count,
                facts.stage_bytes.get(stage.index),
                status,
                not reachable,
                target,
            )
        )
        for edge in edges[stage.index]:
            origin = edge.origin
            source = (
                graph.stages[origin.stage].name or str(origin.stage) if origin.stage is not None else origin.image or "scratch"
            )
            for use in edge.uses:
                text = f"← {edge.via}={shown(source)} {shown(use.source)}"
                rows.append(
                    StageRow(
                        "use", lanes.below, text, use.line, stage.index, bytes=facts.line_bytes.get(use.line), dim=not reachable
                    )
                )
    return rows


def stage_facts(
    graph: StageGraph, layer_lines: Mapping[int, tuple[int | None, int | None]], layer_bytes: Mapping[int, int]
) -> StageFacts:
    """Give the bytes by stage and by line, from `layer -> (line, stage)` and the bytes of each layer.

    Only stages that the target is built FROM have layers in the image; a stage's bytes are all layers up to its end.
    """
    lines: dict[int, int] = {}
    ends: dict[int, int] = {}
    shipped = shipped_stages(graph)
    total = 0
    for layer in sorted(layer_bytes):
        total += layer_bytes[layer]
        line, stage = layer_lines.get(layer, (None, None))
        if line is not None:
            lines[line] = lines.get(line, 0) + layer_bytes[layer]
        if stage in shipped and stage is not None:
            ends[stage] = total
    if graph.target_index is not None and layer_bytes:
        ends[graph.target_index] = total
    return StageFacts(ends, lines)


def lane_cells(rows: list[StageRow], cells: int) -> int:
    """Give the cells that the lanes take, so that labels stand in one column."""
    return min(max((width(row.lanes) for row in rows if row.kind != "use"), default=1), max(cells // 3, 1))


def draw_stage(row: StageRow, lane: int, cells: int) -> Row:
    """Give one row in exactly `cells` cells; `lane` is what `lane_cells` gave for all rows."""
    role = "dim" if row.dim else "text"
    lanes: list[Part] = [(left(row.lanes, lane + 1), "dim" if row.dim else "lane")]
    status_cells = 11 if cells >= 44 else 7 if cells >= 26 else 0
    size_cells = 8 if cells >= 34 else 0
    count_cells = 10 if cells >= 44 else 0
    tail = status_cells + size_cells + count_cells + (2 if status_cells else 0)
    label_cells = max(cells - lane - 2 - tail, 4)
    if row.kind == "use":
        sized = size(row.bytes) if row.bytes is not None else ""
        column = (status_cells + 2 if status_cells else width(sized) + 2) if sized else 1
        parts: list[Part] = [*lanes, ("  " + left(row.label, cells - lane - 3 - column), "dim")]
        if sized:
            parts.append(("  " + left(sized, column - 2), "dim" if row.dim else "size"))
        return fit(parts, cells)
    if row.kind == "image":
        room = label_cells + size_cells + count_cells
        parts = [*lanes, (left(row.label, room), role), ("  " + left(row.status, status_cells) if status_cells else "", "dim")]
        return fit(parts, cells)
    strong = "strong" if row.target else role
    parts = [*lanes, (left(row.label, label_cells), strong)]
    if count_cells:
        parts.append((right(f"{row.instructions} instr", count_cells), "dim"))
    if size_cells:
        parts.append((right(size(row.bytes) if row.bytes is not None else "", size_cells), "dim" if row.dim else "size"))
    if status_cells:
        short = row.status if status_cells >= 11 else {"not shipped": "–", "not used": "unused"}.get(row.status, row.status)
        parts.append(("  " + left(short, status_cells), "good" if row.status == "SHIPPED" else "dim"))
    return fit(parts, cells)


def graph_text(graph: StageGraph, facts: StageFacts | None = None, cells: int = 80) -> str:
    """Give the graph as plain text, for the terminal and for pipes."""
    rows = stage_rows(graph, facts)
    lane = lane_cells(rows, cells)
    return "\n".join(row_text(draw_stage(row, lane, cells)).rstrip() for row in rows) + ("\n" if rows else "")


def find_stage(rows: list[StageRow], stage: int | None, line: int | None) -> int | None:
    """Give the row that stands for a line (an edge) or else for a stage, or None."""
    for index, row in enumerate(rows):
        if row.kind == "use" and line is not None and row.line == line:
            return index
    return next(
        (index for index, row in enumerate(rows) if row.kind == "stage" and row.stage == stage and stage is not None), None
    )
