"""What each layer, line and entry costs and wastes: the sums that several panes show, each byte counted once."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from operator import sub

from msbtui.analysis.model import Base, Finding, Provenance, WasteReport
from msbtui.dockerfile.model import Dockerfile, StageGraph
from msbtui.image.accounting import State, View
from msbtui.image.table import FileTable


class Costs:
    """The sums of one image under one analysis. Made anew when either changes; reads the table only when asked."""

    def __init__(
        self,
        table: FileTable | None = None,
        waste: WasteReport | None = None,
        base: Base | None = None,
        provenance: Provenance | None = None,
    ) -> None:
        self.table = table
        self.waste = waste
        self.base_layers = base.layers if base else 0
        self.layers = table.layers if table else 0
        """How many layers are read."""
        matches = provenance.matches if provenance else ()
        self.matches = {match.layer: match for match in matches}
        self._named: dict[int, set[int]] = {}
        for finding in waste.findings if waste else ():
            if finding.confidence in "AB":
                for layer, entry in finding.entries:
                    if layer >= self.base_layers and layer < self.layers:
                        self._named.setdefault(layer, set()).add(entry)
        self.layer_waste = [self._layer_waste(layer) for layer in range(self.layers)]
        """Bytes by layer: hidden ones and live ones that findings of A or B name; None for the base, and while unknown."""

    def _layer_waste(self, layer: int) -> int | None:
        if self.table is None or self.waste is None or self.from_base(layer):
            return None
        return self.table.layer_hidden(layer) + self.table.bytes_of(self._named_live(layer), whole_inodes=True)

    def _named_live(self, layer: int) -> list[tuple[int, int]]:
        """Give the entries that findings of A or B name and whose bytes the image still shows."""
        assert self.table is not None
        named = self._named.get(layer, set())
        return [(layer, entry) for entry in named if self.table.bytes_hidden_by(layer, entry) is None]

    def from_base(self, layer: int) -> bool:
        """Say whether the layer is the base image's: its cure is another base, so that its waste is not counted here."""
        return layer < self.base_layers

    def size(self, layer: int) -> int | None:
        """Give the layer's bytes, or None while it is not read."""
        return self.table.layer_size(layer) if self.table and layer < self.layers else None

    def wasted(self, layer: int) -> int:
        """Give the layer's wasted bytes, 0 where unknown."""
        return (self.layer_waste[layer] if layer < self.layers else None) or 0

    def line(self, layer: int) -> int | None:
        """Give the line that made a layer, or None."""
        match = self.matches.get(layer)
        return match.line if match else None

    def path_waste(self, view: View) -> array[int]:
        """Give by path id the wasted bytes at and below that path, of what a view takes: one layer, or all up to one."""
        table = self.table
        assert table is not None
        if self.waste is None or view.last < self.base_layers:
            return table.add_up({})
        first, last = max(view.first, self.base_layers), table.layers - 1
        if any(table.layer_hidden(layer) for layer in range(first, view.last + 1)):
            hidden = self._hidden_since(view, first, last)
        else:
            hidden = table.add_up({})
        own: dict[int, int] = {}
        for layer in range(first, view.last + 1):
            named = set(self._named_live(layer))
            linked: set[int] = set()
            for found in named:
                bearer = table.inode_rows(table.first_row(layer) + found[1])[0]
                if bearer in linked:
                    continue
                inode = table.inode(*found)
                if len(inode) > 1:  # taken whole at the first of its names that comes: it may have thousands
                    linked.add(bearer)
                    found = next(name for name in inode if name in named)
                path = table.path_of(*found)
                if len(inode) == 1:
                    own[path] = own.get(path, 0) + table.cost(*found)
                elif all(name in named or table.hidden_by(*name) is not None for name in inode):
                    own[path] = own.get(path, 0) + table.cost(*inode[0])
        return table.add_up(own, hidden)

    def _hidden_since(self, view: View, first: int, last: int) -> array[int]:
        """Give by path id what the final file system hides of a view, without what was hidden already where the view stands."""
        table = self.table
        assert table is not None
        hidden = table.sums(View(first, view.last, State.HIDDEN, last))
        if view.state is State.LIVE:
            before = table.sums(View(first, view.last, State.HIDDEN, view.after))
            hidden = array("q", map(sub, hidden, before))
            if min(hidden, default=0) < 0:
                hidden = array("q", (max(each, 0) for each in hidden))
        return hidden

    def by_instruction(self, dockerfile: Dockerfile | None, graph: StageGraph | None) -> dict[int, list[int]]:
        """Give the layers of each instruction by its index; the FROM that the target rests on stands for the base's layers."""
        found: dict[int, list[int]] = {}
        root = root_from(dockerfile, graph)
        for layer in range(max(self.layers, len(self.matches))):
            match = self.matches.get(layer)
            if match is not None and match.instruction is not None:
                found.setdefault(match.instruction, []).append(layer)
            elif root is not None and self.from_base(layer):
                found.setdefault(root, []).append(layer)
        return found


def root_from(dockerfile: Dockerfile | None, graph: StageGraph | None) -> int | None:
    """Give the index of the FROM instruction whose image the target stage rests on, or None."""
    stage = root_stage(graph)
    if dockerfile is None or graph is None or stage is None:
        return None
    line = graph.stages[stage].line
    return next((item.index for item in dockerfile.instructions if item.span.first_line <= line <= item.span.last_line), None)


def root_stage(graph: StageGraph | None) -> int | None:
    """Give the index of the stage at the end of the target's FROMs, or None."""
    at = graph.target_index if graph else None
    seen: set[int] = set()
    while graph is not None and at is not None and at not in seen and 0 <= at < len(graph.stages):
        seen.add(at)
        if graph.stages[at].base.stage is None:
            return at
        at = graph.stages[at].base.stage
    return None


def findings_at(findings: Iterable[Finding], *, line: int | None = None, layer: int | None = None) -> list[Finding]:
    """Give the findings whose bytes were added by a line, or by a layer, greatest first."""
    return [
        finding
        for finding in findings
        if (line is not None and finding.line == line) or (layer is not None and finding.layer == layer)
    ]
