"""The one selection that all panes share, and what moving in one pane means for the others."""

from __future__ import annotations

import msgspec

from msbtui.analysis.model import Finding, WasteReport
from msbtui.dockerfile.model import Dockerfile, StageGraph
from msbtui.session.rows.advice import advice_of
from msbtui.session.rows.costs import Costs, findings_at, root_stage


class Selection(msgspec.Struct, frozen=True):
    """What is selected: by identity, never by a row's number."""

    stage: int | None = None
    line: int | None = None
    layer: int | None = None
    path: str | None = None
    finding: str | None = None


class Links:
    """How stages, lines, layers, paths and findings of one session belong together. Made anew when a result changes."""

    def __init__(
        self,
        costs: Costs,
        dockerfile: Dockerfile | None = None,
        graph: StageGraph | None = None,
        waste: WasteReport | None = None,
    ) -> None:
        self.costs = costs
        self.graph = graph
        self.findings = advice_of(waste)
        self._layers_at: dict[int, list[int]] = {}
        self._first_line: dict[int, int] = {}
        self._stage_at: dict[int, int | None] = {}
        by_instruction = costs.by_instruction(dockerfile, graph)
        for item in dockerfile.instructions if dockerfile else ():
            for line in range(item.span.first_line, item.span.last_line + 1):
                self._layers_at[line] = by_instruction.get(item.index, [])
                self._stage_at[line] = item.stage
                self._first_line[line] = item.span.first_line
        self._line_of = {
            layer: item.span.first_line
            for item in (dockerfile.instructions if dockerfile else ())
            for layer in by_instruction.get(item.index, ())
        }
        self._finding_of: dict[tuple[int, int], str] | None = None

    def from_stage(self, now: Selection, stage: int | None, line: int | None) -> Selection:
        """Give the selection after a move in the stages: to a stage, an image, or an edge, which stand at `line`."""
        layer = self._largest(self._layers_at.get(line, [])) if line is not None else None
        return self._with_finding(now, stage, line, layer if layer is not None else now.layer)

    def from_line(self, now: Selection, line: int) -> Selection:
        """Give the selection after a move in the Dockerfile."""
        layers = self._layers_at.get(line, [])
        layer = now.layer if now.layer in layers else self._largest(layers)
        return self._with_finding(now, self._stage_at.get(line, now.stage), line, layer if layer is not None else now.layer)

    def from_layer(self, now: Selection, layer: int) -> Selection:
        """Give the selection after a move in the layers."""
        line = self.line_of(layer)
        if line is not None and now.line is not None and self._first_line.get(now.line) == line:
            line = now.line
        match = self.costs.matches.get(layer)
        stage = match.stage if match is not None and match.stage is not None else None
        if stage is None and self.costs.from_base(layer):
            stage = root_stage(self.graph)
        return self._with_finding(now, now.stage if stage is None else stage, now.line if line is None else line, layer)

    def from_path(self, now: Selection, path: str, entry: tuple[int, int] | None) -> Selection:
        """Give the selection after a move in the files, to `path` as (layer, entry) has it."""
        found = self._named(entry) if entry is not None else None
        if found is None:
            found = next((each.id for each in self.findings if each.layer == now.layer and path in each.paths), None)
        return msgspec.structs.replace(now, path=path, finding=found if found is not None else now.finding)

    def from_finding(self, now: Selection, finding: Finding) -> Selection:
        """Give the selection that shows a finding's evidence: its line, its layer, its heaviest path."""
        line = finding.line if finding.line is not None else self.line_of(finding.layer)
        stage = self._stage_at.get(line, now.stage) if line is not None else now.stage
        path = self._heaviest(finding)
        return Selection(stage, line if line is not None else now.line, finding.layer, path or now.path, finding.id)

    def _heaviest(self, finding: Finding) -> str | None:
        """Give the path of a finding that says most: the one that it names, or of several the one with the most bytes."""
        table = self.costs.table
        here = [each for each in finding.entries if each[0] == finding.layer < self.costs.layers]
        if len(finding.paths) == 1 or table is None or not here:
            return finding.paths[0].strip("/") if finding.paths else None
        return table.paths[table.path_of(*max(here, key=lambda each: table.cost(*each)))]

    def line_of(self, layer: int) -> int | None:
        """Give the first line of what made a layer, or None."""
        line = self._line_of.get(layer)
        return line if line is not None else self.costs.line(layer)

    def finding(self, found: str | None) -> Finding | None:
        """Give a finding by its id, or None."""
        return next((each for each in self.findings if each.id == found), None)

    def _largest(self, layers: list[int]) -> int | None:
        return max(layers, key=lambda layer: self.costs.size(layer) or 0, default=None)

    def _with_finding(self, now: Selection, stage: int | None, line: int | None, layer: int | None) -> Selection:
        current = self.finding(now.finding)
        finding: str | None = None
        if current is not None and current.layer == layer:
            finding = current.id
        elif layer is not None and (here := findings_at(self.findings, layer=layer)):
            finding = here[0].id
        return Selection(stage, line, layer, now.path, finding)

    def _named(self, entry: tuple[int, int]) -> str | None:
        if self._finding_of is None:
            self._finding_of = {}
            for finding in self.findings:
                for each in finding.entries:
                    self._finding_of.setdefault(each, finding.id)
        return self._finding_of.get(entry)
