"""What is in force where an instruction stands: working directory, user, shell, variables; through the stages below it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

import msgspec

from msbtui.dockerfile.expand import ExpandError, expand
from msbtui.dockerfile.model import Dockerfile, Instruction, Stage, StageGraph
from msbtui.dockerfile.shell import Command, commands


class Situation(msgspec.Struct, frozen=True):
    """What an instruction finds. What the external base image sets is not known here; `/` and no user are taken for it."""

    stage: int
    instruction: Instruction
    workdir: str = "/"
    user: str = ""
    env: dict[str, str] = {}
    """ENV only, expanded; what a container of the stage would have."""
    variables: dict[str, str] = {}
    """ENV and ARG values known."""
    shell: tuple[str, ...] = ()

    def path(self, word: str) -> str:
        """Give a destination or path of the instruction as an absolute one, `$NAME` put in where it is known."""
        return posixpath.normpath("/" + posixpath.join(self.workdir, self.expanded(word)).lstrip("/"))

    def expanded(self, word: str, escape: str = "\\") -> str:
        """Give a word with its variables put in; as it is where that fails."""
        try:
            return expand(word, self.variables, escape)
        except ExpandError:
            return word

    def commands(self, escape: str = "\\") -> list[Command]:
        """Give what a RUN does."""
        return commands(self.instruction, escape=escape, shell=self.shell, variables=self.variables)


def stage_below(graph: StageGraph, stage: Stage) -> Stage | None:
    """Give the stage that a stage is built FROM, or None where that is an image or scratch."""
    below = stage.base.stage
    return None if below is None or stage.named_context or not 0 <= below < stage.index else graph.stages[below]


def stages_down(graph: StageGraph, stage: Stage) -> list[Stage]:
    """Give a stage and those that it rests on, the lowest first."""
    found = [stage]
    while (below := stage_below(graph, found[0])) is not None:
        found.insert(0, below)
    return found


def situations(dockerfile: Dockerfile, graph: StageGraph, stage: Stage) -> Iterator[Situation]:
    """Give every instruction of a stage and of those that it rests on, in the order in which they run."""
    escape = dockerfile.escape
    workdir, user = "/", ""
    shell: tuple[str, ...] = ()
    env: dict[str, str] = {}
    for each in stages_down(graph, stage):
        variables = dict(env)  # ARGs end with their stage
        for instruction in each.instructions:
            now = Situation(each.index, instruction, workdir, user, dict(env), dict(variables), shell)
            yield now
            keyword = instruction.keyword
            if keyword == "WORKDIR" and instruction.value.strip():
                workdir = now.path(instruction.value.strip().strip("\"'"))
            elif keyword == "USER":
                user = now.expanded(instruction.value.strip(), escape)
            elif keyword == "SHELL" and instruction.json:
                shell = instruction.words
            elif keyword in ("ENV", "ARG"):
                for name, value in assigned(instruction):
                    if value is None:
                        value = graph.args.get(name)
                        if value is None:
                            continue
                    else:
                        value = now.expanded(value, escape)
                    if keyword == "ENV" or name not in env:  # an ENV wins over an ARG of its name
                        variables[name] = value
                    if keyword == "ENV":
                        env[name] = value


def assigned(instruction: Instruction) -> list[tuple[str, str | None]]:
    """Give the names and values (None for an ARG without one) of ENV, ARG or LABEL."""
    words = list(instruction.words)
    if instruction.keyword == "ENV" and words and "=" not in words[0]:
        return [(words[0], " ".join(words[1:]))]
    pairs: list[tuple[str, str | None]] = []
    for word in words:
        name, equals, value = word.partition("=")
        pairs.append((name, _bare(value) if equals else None))
    return pairs


def _bare(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value


def mentions(text: str, name: str) -> bool:
    """Say whether a text reads the variable `name` as `$name` or `${name...}`."""
    return re.search(rf"\$(?:{re.escape(name)}(?![A-Za-z0-9_])|\{{{re.escape(name)}[}}:#%/^,+?=-])", text) is not None
