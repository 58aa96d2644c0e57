"""What a drawn stage graph shows: boxes with their texts, and edges that say what they carry."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from msbtui.dockerfile.model import Instruction, Origin, Stage, StageGraph, Use
from msbtui.session.rows.cells import cut, cut_middle, shown
from msbtui.session.rows.outside import CONTEXT, outside_key, outside_sources
from msbtui.session.rows.stages import StageFacts, origin_key, origin_title, shipped_stages
from msbtui.text import size

LABEL = 34
"""Cells of a line on an edge."""
LINE = 60
"""Cells of an instruction in a box."""
USES = 3
"""What an edge names before it counts the rest."""


class Box(msgspec.Struct, frozen=True):
    """An external image, the build context, a URL, scratch, or a stage."""

    key: str
    kind: str
    """`image`, `scratch`, `context`, `remote` or `stage`."""
    title: str
    note: str = ""
    """What it is for the image: `SHIPPED`, `not shipped`, `not used`; of a stage with its bytes where they are known."""
    lines: tuple[str, ...] = ()
    """The instructions, where they are asked for."""
    dim: bool = False
    target: bool = False
    stage: int | None = None
    line: int | None = None


class Arrow(msgspec.Struct, frozen=True):
    """An edge between two boxes, by their numbers."""

    source: int
    target: int
    via: str
    """`FROM`, `COPY`, `mount`, `context` or `ADD`."""
    label: tuple[str, ...] = ()
    dim: bool = False
    line: int | None = None


class Diagram(msgspec.Struct, frozen=True):
    """Boxes, each after what it is made of, and the edges between them."""

    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


LEGEND = (
    ("FROM", "FROM: all layers of the one are in the other"),
    ("COPY", "COPY --from: only these files are taken"),
    ("mount", "RUN --mount=from: seen while the RUN runs, not kept"),
    ("context", "files of the build context, or a URL"),
)
"""What the styles of edges say."""
LEGEND_BOXES = (
    ("target", "the target: what is shipped"),
    ("stage", "a stage"),
    ("image", "an image, the build context or a URL from outside"),
    ("dim", "not used by the target: not even built"),
)


def make_diagram(graph: StageGraph, facts: StageFacts | None = None, *, layers: bool = False, inputs: bool = True) -> Diagram:
    """Give the diagram of a graph; `layers` puts the instructions into the boxes, `inputs` draws context and URLs too."""
    return _Maker(graph, facts or StageFacts(), layers, inputs).diagram()


class _Maker:
    def __init__(self, graph: StageGraph, facts: StageFacts, layers: bool, inputs: bool) -> None:
        self.graph, self.facts, self.layers, self.inputs = graph, facts, layers, inputs
        self.boxes: list[Box] = []
        self.arrows: list[Arrow] = []
        self.number: dict[str, int] = {}
        self.needed: set[str] = set()
        self.shipped = shipped_stages(graph)
        self.edges: dict[int, list[tuple[Origin, str, tuple[Use, ...]]]] = {stage.index: [] for stage in graph.stages}
        for edge in graph.edges:
            via = "COPY" if edge.via.startswith("COPY") else "mount"
            self.edges[edge.to].append((edge.origin, via, edge.uses))

    def diagram(self) -> Diagram:
        for stage in self.graph.stages:
            self._stage(stage)
        boxes = [
            msgspec.structs.replace(box, dim=box.key not in self.needed) if box.kind != "stage" else box for box in self.boxes
        ]
        return Diagram(tuple(boxes), tuple(self.arrows))

    def _outside(self, key: str, kind: str, title: str, stage: Stage, dim: bool) -> int:
        if not dim:
            self.needed.add(key)
        if key not in self.number:
            self.number[key] = len(self.boxes)
            self.boxes.append(Box(key, kind, shown(title), stage=stage.index, line=stage.line))
        return self.number[key]

    def _origin(self, origin: Origin, stage: Stage, dim: bool, *, base: bool = False) -> int | None:
        key = origin_key(origin, stage, base=base)
        if origin.stage is not None:
            return self.number.get(key)
        kind = "scratch" if origin.scratch else "image"
        return self._outside(key, kind, origin_title(origin, stage, base=base), stage, dim)

    def _stage(self, stage: Stage) -> None:
        target = stage.index == self.graph.target_index
        dim = not stage.reachable and not target
        sources: list[tuple[int, str, tuple[str, ...], int]] = []
        base = self._origin(stage.base, stage, dim, base=True)
        if base is not None:
            sources.append((base, "FROM", self._sized("FROM", stage.line), stage.line))
        for origin, via, uses in self.edges[stage.index]:
            source = self._origin(origin, stage, dim)
            if source is not None:
                sources.append((source, via, self._label(uses, via, stage), uses[0].line if uses else stage.line))
        if self.inputs:
            for name, taken in outside_sources(stage).items():
                kind, title = ("context", "build context") if name == CONTEXT else ("remote", name)
                source = self._outside(outside_key(name), kind, cut_middle(shown(title), LABEL), stage, dim)
                label = self._label(taken, "COPY", stage) if kind == "context" else self._sized("ADD", taken[0].line)
                sources.append((source, "context", label, taken[0].line))
        own = self.number[f"stage {stage.index}"] = len(self.boxes)
        self.boxes.append(self._box(stage, dim, target))
        for source, via, label, line in sources:
            self.arrows.append(Arrow(source, own, via, label, dim, line))

    def _box(self, stage: Stage, dim: bool, target: bool) -> Box:
        name = shown(stage.name) if stage.name else "(final)" if target else "(no name)"
        status = "SHIPPED" if target else "shipped" if stage.index in self.shipped else "not used" if dim else "not shipped"
        known = self.facts.stage_bytes.get(stage.index)
        note = f"{status}  {size(known)}" if known is not None else status
        lines = tuple(self._line(item) for item in stage.instructions if item.keyword != "FROM") if self.layers else ()
        title = cut(f"{stage.index} {name}", LINE)
        return Box(f"stage {stage.index}", "stage", title, note, lines, dim, target, stage.index, stage.line)

    def _line(self, item: Instruction) -> str:
        text = cut(shown(" ".join(item.source.split())), LINE)
        known = self.facts.line_bytes.get(item.span.first_line)
        return f"{text}  {size(known)}" if known is not None else text

    def _sized(self, text: str, line: int) -> tuple[str, ...]:
        known = self.facts.line_bytes.get(line)
        return (f"{text}  {size(known)}" if known is not None else text,)

    def _label(self, uses: Iterable[Use], via: str, stage: Stage) -> tuple[str, ...]:
        uses = list(uses)
        lines = [cut_middle(_source(use.source) or via, LABEL) for use in uses[:USES]]
        if len(uses) > USES:
            lines.append(f"… {len(uses) - USES} more")
        known = self.facts.carried(stage, (use.line for use in uses))
        if via == "mount":
            lines[0] = f"mount {lines[0]}" if lines else "mount"
        if known is not None:
            lines.append(size(known))
        return tuple(lines)


def _source(text: str) -> str:
    return f"{text} (all of it)" if text in (".", "./", "/") else shown(text)
