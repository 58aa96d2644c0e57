"""The stage graph as rows: external images, stages, and what each edge carries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from msbtui.dockerfile.model import Edge, Origin, Stage, StageGraph
from msbtui.session.rows.cells import Part, Row, fit, left, right, row_text, shown, width
from msbtui.session.rows.lanes import Node, draw_lanes
from msbtui.session.rows.outside import CONTEXT, outside_key, outside_sources
from msbtui.text import size

NO_IMAGE = "(no image)"
"""Of a FROM that names nothing once its variables are expanded."""


class StageRow(msgspec.Struct, frozen=True):
    """One row: an external image, a stage, or one use (COPY --from, RUN --mount=from) below its stage."""

    kind: str
    """`image`, `stage`, `use`, `input` (the build context or a URL) or `instruction`."""
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
    key: str = ""
    """What it stands for among all nodes: `stage 2`, `image debian:12`; of a use, the stage that uses."""
    origin: str = ""
    """Of a use, the key of what it takes from."""


class StageFacts(msgspec.Struct, frozen=True):
    """What an image adds to a graph: bytes by stage (at its end) and by line (of the layer that the line made)."""

    stage_bytes: Mapping[int, int] = {}
    line_bytes: Mapping[int, int] = {}

    def carried(self, stage: Stage, lines: Iterable[int]) -> int | None:
        """Give the bytes that came into `stage` by its COPY and ADD at `lines`, each line once; None where that is not known.

        What a RUN wrote did not come over its mounts, and a trigger of the base stands at the FROM, whose bytes are the base's.
        """
        copies = {item.span.first_line for item in stage.instructions if item.keyword in ("COPY", "ADD")}
        known = [self.line_bytes[line] for line in dict.fromkeys(lines) if line in copies and line in self.line_bytes]
        return sum(known) if known else None


def origin_key(origin: Origin, stage: Stage, *, base: bool = False) -> str:
    """Give the key of what `stage` uses. Each scratch stands for itself, and an image at two platforms is two."""
    if origin.stage is not None:
        return f"stage {origin.stage}"
    return f"scratch {stage.index}" if origin.scratch else f"image {origin_title(origin, stage, base=base)}"


def origin_title(origin: Origin, stage: Stage, *, base: bool = False) -> str:
    """Give an external image's name, with its platform where FROM names one."""
    if origin.scratch:
        return "scratch"
    name = shown(origin.image or NO_IMAGE)
    return f"{name}  {shown(stage.platform)}" if base and stage.platform else name


def shipped_stages(graph: StageGraph) -> set[int]:
    """Give the target and the stages that it is built FROM: all their layers are in the image."""
    found: set[int] = set()
    at = graph.target_index
    while at is not None and at not in found and 0 <= at < len(graph.stages):
        found.add(at)
        at = graph.stages[at].base.stage
    return found


def stage_rows(graph: StageGraph, facts: StageFacts | None = None, *, layers: bool = False) -> list[StageRow]:
    """Give the rows of the whole graph, top to bottom, in the order of the Dockerfile; `layers` adds the instructions."""
    facts = facts or StageFacts()
    edges: dict[int, list[Edge]] = {stage.index: [] for stage in graph.stages}
    for edge in graph.edges:
        edges[edge.to].append(edge)
    nodes: list[Node] = []
    makers: list[tuple[str, Stage, str]] = []
    seen: set[str] = set()
    shipped = shipped_stages(graph)
    for stage in graph.stages:
        origins = [(stage.base, "base"), *((edge.origin, "copied from") for edge in edges[stage.index])]
        parents = [origin_key(origin, stage, base=role == "base") for origin, role in origins]
        for key, (origin, role) in zip(parents, origins, strict=True):
            if origin.stage is None and key not in seen:
                seen.add(key)
                nodes.append(Node(key, "○"))
                makers.append((origin_title(origin, stage, base=role == "base"), stage, role))
        target = stage.index == graph.target_index
        mark = "◉" if target else "●" if stage.reachable or stage.index in shipped else "◌"
        nodes.append(Node(f"stage {stage.index}", mark, tuple(parents)))
        makers.append(("", stage, ""))
    used = {
        key
        for node, (image, stage, _) in zip(nodes, makers, strict=True)
        if not image and (stage.reachable or stage.index in shipped)
        for key in node.parents
    }
    rows: list[StageRow] = []
    for node, lanes, (image, stage, role) in zip(nodes, draw_lanes(nodes), makers, strict=True):
        if image:
            dim = node.key not in used and not stage.reachable
            rows.append(StageRow("image", lanes.node, image, stage.line, stage.index, status=role, dim=dim, key=node.key))
            continue
        target = stage.index == graph.target_index
        reachable = stage.reachable or stage.index in shipped
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
                node.key,
            )
        )
        rows += _below(graph, stage, edges[stage.index], facts, lanes.below, layers, dim=not reachable)
    return rows


def _below(
    graph: StageGraph, stage: Stage, edges: list[Edge], facts: StageFacts, lanes: str, layers: bool, *, dim: bool
) -> list[StageRow]:
    """Give the rows that belong to a stage: what comes from outside, what it takes from others, its instructions."""
    key = f"stage {stage.index}"
    rows: list[StageRow] = []

    def add(kind: str, text: str, line: int, bytes_: int | None, origin: str = "") -> None:
        rows.append(StageRow(kind, lanes, text, line, stage.index, bytes=bytes_, dim=dim, key=key, origin=origin))

    for source, uses in outside_sources(stage).items():
        words = ", ".join(shown(use.source) for use in uses)
        text = f"← build context: {words}" if source == CONTEXT else f"← ADD {words}"
        add("input", text, uses[0].line, facts.carried(stage, (use.line for use in uses)), outside_key(source))
    for edge in edges:
        origin = edge.origin
        name = graph.stages[origin.stage].name or str(origin.stage) if origin.stage is not None else origin.image or "scratch"
        for use in edge.uses:
            text = f"← {edge.via}={shown(name)} {shown(use.source)}"
            add("use", text, use.line, facts.carried(stage, (use.line,)), origin_key(origin, stage))
    for item in stage.instructions if layers else ():
        if item.keyword != "FROM":
            line = item.span.first_line
            add("instruction", shown(" ".join(item.source.split())), line, facts.line_bytes.get(line))
    return rows


def graph_users(graph: StageGraph) -> dict[str, list[str]]:
    """Give who uses each node, by keys: what `path_keys` goes along."""
    users: dict[str, list[str]] = {}
    for stage in graph.stages:
        users.setdefault(origin_key(stage.base, stage, base=True), []).append(f"stage {stage.index}")
        for source in outside_sources(stage):
            users.setdefault(outside_key(source), []).append(f"stage {stage.index}")
    for edge in graph.edges:
        users.setdefault(origin_key(edge.origin, graph.stages[edge.to]), []).append(f"stage {edge.to}")
    return users


def path_keys(graph: StageGraph, start: str, users: Mapping[str, list[str]] | None = None) -> set[str]:
    """Give the keys on the ways from a node to the target, both included; of one that the target does not need, itself.

    `users` is what `graph_users` gave, where it is asked for again and again.
    """
    users = graph_users(graph) if users is None else users
    forward = _closure(start, users)
    goal = f"stage {graph.target_index}"
    if goal not in forward:
        return {start}
    sources: dict[str, list[str]] = {}
    for source, found in users.items():
        for user in found:
            if source in forward:
                sources.setdefault(user, []).append(source)
    return _closure(goal, sources)


def _closure(start: str, steps: Mapping[str, list[str]]) -> set[str]:
    found, waiting = {start}, [start]
    while waiting:
        for key in steps.get(waiting.pop(), ()):
            if key not in found:
                found.add(key)
                waiting.append(key)
    return found


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
    return min(max((width(row.lanes) for row in rows if row.kind in ("image", "stage")), default=1), max(cells // 3, 1))


def draw_stage(row: StageRow, lane: int, cells: int, *, lit: bool = False) -> Row:
    """Give one row in exactly `cells` cells; `lane` is what `lane_cells` gave for all rows.

    A `lit` row lies on the path from what is selected to the target: it has a sign beside its colour.
    """
    role = "good" if lit else "dim" if row.dim else "text"
    gap = PATH_SIGN if lit else " "
    lanes: list[Part] = [(left(row.lanes, lane), "good" if lit else "dim" if row.dim else "lane"), (gap, role)]
    status_cells, size_cells, count_cells = _columns(cells, cells - lane - 1 - LABEL)
    tail = status_cells + size_cells + count_cells + (2 if status_cells else 0)
    label_cells = max(cells - lane - 2 - tail, 4)
    if row.kind in ("use", "input", "instruction"):
        sized = size(row.bytes) if row.bytes is not None else ""
        column = (status_cells + 2 if status_cells else width(sized) + 2) if sized else 1
        quiet = "good" if lit else "text" if row.kind == "instruction" and not row.dim else "dim"
        parts: list[Part] = [*lanes, ("  " + left(row.label, cells - lane - 3 - column), quiet)]
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


def _columns(cells: int, room: int) -> tuple[int, int, int]:
    """Give the cells of status, size and count: what says least goes first where lanes and names need the room."""
    status = 7 if cells >= 26 and room >= 9 else 0
    room -= status + 2
    bytes_ = 8 if cells >= 34 and room >= 8 else 0
    room -= bytes_
    if status and cells >= 44 and room >= 4:
        status, room = 11, room - 4
    return status, bytes_, 10 if cells >= 44 and room >= 10 else 0


LABEL = 14
"""Cells that a name gets before any column beside it."""

PATH_SIGN = "›"
"""Stands before what lies on the path from the selection to the target."""

TEXT_LEGEND = (
    "◉ the target   ● a stage   ◌ not used, not built   ○ an image from outside",
    "lines: FROM, COPY --from and RUN --mount=from; ← what is taken, and from where",
)


def graph_text(
    graph: StageGraph, facts: StageFacts | None = None, cells: int = 80, *, layers: bool = False, legend: bool = False
) -> str:
    """Give the graph as plain text, for the terminal and for pipes."""
    rows = stage_rows(graph, facts, layers=layers)
    lane = lane_cells(rows, cells)
    lines = [row_text(draw_stage(row, lane, cells)).rstrip() for row in rows]
    if legend:
        lines += ["", *TEXT_LEGEND]
    return "\n".join(lines) + ("\n" if lines else "")


def find_stage(rows: list[StageRow], stage: int | None, line: int | None) -> int | None:
    """Give the row that stands for a line (an edge) or else for a stage, or None."""
    for index, row in enumerate(rows):
        if row.kind in ("use", "input") and line is not None and row.line == line:
            return index
    return next(
        (index for index, row in enumerate(rows) if row.kind == "stage" and row.stage == stage and stage is not None), None
    )
