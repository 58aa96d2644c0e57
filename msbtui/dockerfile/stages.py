"""The stages of a Dockerfile while its graph is built, and where their commands take files from.

It follows BuildKit's frontend/dockerfile/dockerfile2llb: convert.go (dispatchState, toCommand) and convert_runmount.go
(detectRunMount).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from msbtui.dockerfile.checks import InstructionError, stage_name
from msbtui.dockerfile.expand import expand
from msbtui.dockerfile.gotext import lower
from msbtui.dockerfile.model import Flag, Instruction, Origin, Use
from msbtui.dockerfile.mounts import MountError, csv_fields, parse_mount
from msbtui.dockerfile.names import atoi

COPY_FROM = "COPY --from"
MOUNT_FROM = "RUN --mount=from"
SCRATCH = "scratch"
_NOTHING: Mapping[str, str] = {}


class Source(msgspec.Struct):
    """What one COPY --from or one mount takes from; `visible` is False for mounts that name nothing."""

    origin: Origin
    written: str
    use: Use
    visible: bool = True


class Command(msgspec.Struct):
    """One instruction of a stage, or one trigger that it runs; `line` is where a person finds it."""

    instruction: Instruction
    line: int
    sources: list[Source] = []
    """For RUN one for each mount."""
    trigger: bool = False


class State(msgspec.Struct, eq=False):
    """One stage while its graph is built."""

    index: int
    first: Instruction
    name: str | None
    written_base: str
    broken: bool = False
    """Its FROM is not sound: nothing more is said of it."""
    image: str = ""
    """What the base expands to."""
    base: State | None = None
    platform: str = ""
    named_context: bool = False
    commands: list[Command] = []
    instructions: list[Instruction] = []
    dependencies: dict[int, int] = {}
    """Index of a stage that a command needs -> the command's line."""
    triggers_done: bool = False
    dispatched: bool = False
    context_paths: set[str] = set()

    @property
    def label(self) -> str:
        """What BuildKit's messages call it."""
        return self.name or f"stage-{self.index}"

    @property
    def line(self) -> int:
        """Line of its FROM."""
        return self.first.span.first_line


class Stages:
    """All stages, by index and by name."""

    def __init__(self) -> None:
        self.states: list[State] = []
        self.by_name: dict[str, State] = {}

    def add(self, state: State) -> None:
        """Add a stage; it takes an earlier stage with the exact name of its base for its base (convert.go, addState)."""
        state.base = self.by_name.get(state.image)
        self.states.append(state)
        if state.name:
            self.by_name[state.name] = state

    def find(self, name: str) -> State | None:
        """Find a stage by name in any case."""
        return self.by_name.get(lower(name))

    def names(self) -> list[str]:
        """Give the names that a suggestion chooses from."""
        return [state.label for state in self.states]

    def command(self, instruction: Instruction, line: int, *, lenient: bool = False, trigger: bool = False) -> Command:
        """Give a command with its sources (toCommand); raises InstructionError and ExpandError with BuildKit's words.

        `lenient` is for an instruction with an error already: only sources that are stages for certain are kept.
        """
        command = Command(instruction, line, [], trigger)
        try:
            if instruction.keyword == "COPY":
                origin = instruction.flag("from")
                if origin:
                    command.sources.append(self._copy_source(instruction, origin, line))
            elif instruction.keyword == "RUN":
                command.sources += [self._mount_source(flag, line) for flag in instruction.flags if flag.name == "mount"]
        except (InstructionError, MountError, ValueError):
            if not lenient:
                raise
        if lenient:
            command.sources = [source for source in command.sources if source.origin.stage is not None]
        return command

    def _copy_source(self, instruction: Instruction, origin: str, line: int) -> Source:
        if expand(origin, _NOTHING, "\\") != origin:
            message = (
                "variable expansion is not supported for --from, "
                "define a new stage with FROM using ARG from global scope as a workaround"
            )
            raise InstructionError(message, at="--from", hint=f"FROM {origin} AS name, then --from=name")
        *sources, target = instruction.words or ("",)
        use = Use(line, " ".join(sources), target)
        number = atoi(origin)
        if number is None:
            return Source(self._origin(origin), origin, use)
        if not 0 <= number < len(self.states):
            hint = f"stages are numbered 0 to {len(self.states) - 1}"
            raise InstructionError(f"invalid stage index {number}", at="--from", hint=hint)
        return Source(Origin(stage=number), origin, use)

    def _mount_source(self, flag: Flag, line: int) -> Source:
        text = flag.value or ""
        mount = parse_mount(text)
        for field in csv_fields(text):
            key, equals, value = field.partition("=")
            key = lower(key)
            if equals and key in ("source", "src"):
                mount.source = value
            elif equals and key in ("target", "dst", "destination"):
                mount.target = value
            elif equals and key == "type":
                mount.kind = lower(value)
        origin = self._origin(mount.origin or SCRATCH)
        visible = bool(mount.origin) or (origin.stage is not None and mount.kind == "cache")
        return Source(origin, mount.origin, Use(line, mount.source or "/", mount.target), visible)

    def _origin(self, name: str) -> Origin:
        state = self.find(name)
        if state is not None:
            return Origin(stage=state.index)
        return Origin(scratch=True) if name == SCRATCH else Origin(image=name)


def new_state(index: int, first: Instruction) -> State:
    """Give a stage from its FROM, marked broken where that is not sound."""
    words: Sequence[str] = first.words
    try:
        name = stage_name(list(words))
        broken = False
    except InstructionError:
        name, broken = None, True
        if len(words) > 2:
            try:
                name = stage_name(list(words[:3]))
            except InstructionError:
                name = None
    return State(index, first, name, words[0] if words else "", broken)


def reachable_from(states: list[State], target: State) -> set[int]:
    """Give the indices of the stages that a build of `target` needs (convert.go, allReachableStages)."""
    seen: set[int] = set()
    waiting = [target.index]
    while waiting:
        index = waiting.pop()
        if index in seen:
            continue
        seen.add(index)
        state = states[index]
        waiting += state.dependencies
        if state.base is not None:
            waiting.append(state.base.index)
    return seen


def cycle_from(states: list[State]) -> tuple[State, list[int]] | None:
    """Give the first stage from which COPY and mounts lead into a cycle, with the lines of the way (validations.go).

    As in BuildKit the bases of stages are not followed.
    """
    visited: set[int] = set()
    for start in states:
        if start.index in visited:
            continue
        visited.add(start.index)
        path = {start.index}
        stack = [(start.index, iter(start.dependencies.items()))]
        lines: list[int] = []
        while stack:
            index, following = stack[-1]
            step = next(following, None)
            if step is None:
                stack.pop()
                path.discard(index)
                if lines:
                    lines.pop()
                continue
            dependency, line = step
            if dependency in path:
                return start, [*lines, line]
            if dependency in visited:
                continue
            visited.add(dependency)
            path.add(dependency)
            lines.append(line)
            stack.append((dependency, iter(states[dependency].dependencies.items())))
    return None
