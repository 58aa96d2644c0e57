"""What a cure is, and what every kind of cure looks at."""

from __future__ import annotations

from functools import cached_property
from typing import Final

import msgspec

from msbtui.analysis.model import Finding, Provenance, WasteReport
from msbtui.analysis.situation import Situation, situations
from msbtui.dockerfile.edit import Edit
from msbtui.dockerfile.model import Dockerfile, Instruction, StageGraph
from msbtui.image.model import Image
from msbtui.image.packages import Packages
from msbtui.image.table import FileTable

KINDS: Final = ("clean-up", "cache-mount", "copy-flags", "no-recommends", "dockerignore", "merged-run", "copy-not-add")
"""All kinds of cures."""


class Removal(msgspec.Struct, frozen=True):
    """What the end of a RUN is to delete; those of several cures become one command."""

    instruction: int
    """Index in `Dockerfile.instructions`."""
    targets: tuple[str, ...]
    """Words of the shell: absolute paths and patterns, quoted where they need it."""
    prefix: str = ""
    """`sudo ` where the RUN's user needs it."""


class Cure(msgspec.Struct, frozen=True):
    """One edit of the Dockerfile or of its `.dockerignore`, what it cures, and what it saves."""

    kind: str
    """One of `KINDS`."""
    title: str
    """What is done, in a line: `rm -rf /var/lib/apt/lists/* at the end`."""
    line: int
    saves: int
    """Bytes by which the image becomes smaller; 0 where that is not known."""
    findings: tuple[str, ...] = ()
    """Ids of the findings that it cures."""
    edits: tuple[Edit, ...] = ()
    removals: tuple[Removal, ...] = ()
    ignore_lines: tuple[str, ...] = ()
    """Lines for the `.dockerignore`."""
    optional: bool = False
    """Whether it is made only when it is asked for: another cure of the same, or one that changes what the image has."""
    note: str = ""
    """What a person should know before making it."""
    sized: bool = True
    """Whether `saves` is known: not where only the text of the Dockerfile is."""
    id: str = ""
    """What `--only` takes: the first finding's id, with a letter where several cures cure it."""


class Lines:
    """A Dockerfile as its target runs it."""

    def __init__(self, dockerfile: Dockerfile, graph: StageGraph) -> None:
        self.dockerfile = dockerfile
        self.graph = graph

    @cached_property
    def chain(self) -> list[Situation]:
        """The instructions that the image has run, in order, each with what is in force there."""
        if self.graph.target_index is None or not 0 <= self.graph.target_index < len(self.graph.stages):
            return []
        return list(situations(self.dockerfile, self.graph, self.graph.stages[self.graph.target_index]))

    @cached_property
    def _by_index(self) -> dict[int, Situation]:
        return {now.instruction.index: now for now in self.chain}

    def situation(self, instruction: Instruction) -> Situation | None:
        """Give what is in force at an instruction of the image's own chain of stages."""
        return self._by_index.get(instruction.index)

    def later(self, instruction: Instruction) -> list[Situation]:
        """Give the instructions that run after this one in the image."""
        return [now for now in self.chain if now.instruction.index > instruction.index]

    def mentioned_later(self, instruction: Instruction, words: tuple[str, ...]) -> bool:
        """Say whether any later line of the file, of whatever stage, names one of these texts."""
        return any(
            word in other.source
            for other in self.dockerfile.instructions
            if other.index > instruction.index
            for word in words
            if word
        )


class World(Lines):
    """A Dockerfile and the image that it built, with what the kinds of cures ask."""

    def __init__(
        self,
        dockerfile: Dockerfile,
        graph: StageGraph,
        image: Image,
        table: FileTable,
        packages: Packages,
        provenance: Provenance,
        waste: WasteReport,
        base_layers: int,
    ) -> None:
        super().__init__(dockerfile, graph)
        self.image = image
        self.table = table
        self.packages = packages
        self.waste = waste
        self.base_layers = base_layers
        self.instruction_of: dict[int, Instruction] = {}
        self.layer_of: dict[int, int] = {}
        for match in provenance.matches:
            # A line that was changed since is not the one that made the bytes; one that ONBUILD ran stands elsewhere.
            if match.instruction is None or not match.exact or match.note or match.layer < base_layers:
                continue
            instruction = dockerfile.instructions[match.instruction]
            self.instruction_of[match.layer] = instruction
            self.layer_of[instruction.index] = match.layer

    def run_of(self, finding: Finding) -> Situation | None:
        """Give the RUN that added a finding's bytes, or None where no RUN of the file did for certain."""
        instruction = self.instruction_of.get(finding.layer)
        if instruction is None or instruction.keyword != "RUN" or finding.in_base:
            return None
        return self.situation(instruction)

    def files(self, finding: Finding) -> list[str]:
        """Give the paths of a finding's entries."""
        table = self.table
        return [table.paths[table.path_of(*entry)] for entry in finding.entries]

    @cached_property
    def buildkit(self) -> bool:
        """Whether BuildKit built the image, so that its syntax can be used; the classic builder leaves no such comment."""
        comments = [layer.history.comment for layer in self.image.layers[self.base_layers :] if layer.history is not None]
        return not comments or any(comment.startswith("buildkit") for comment in comments)
