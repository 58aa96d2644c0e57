"""The stage graph of a Dockerfile, as BuildKit builds it from the same text and inputs.

The order of the phases is that of frontend/dockerfile/dockerfile2llb/convert.go, toDispatchState; unlike BuildKit a phase
that finds an error goes on, so that the graph holds all that is sound and every error stands at its line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from msbtui.dockerfile.checks import InstructionError
from msbtui.dockerfile.description import description
from msbtui.dockerfile.directives import check_of
from msbtui.dockerfile.dispatch import Inputs, StageRun, Surroundings, first_surroundings, handed_on
from msbtui.dockerfile.epoch import resolve_epoch
from msbtui.dockerfile.expand import ExpandError, Expansion, expand_names
from msbtui.dockerfile.gotext import clean, nearest, quote, suggestion
from msbtui.dockerfile.model import Dockerfile, Edge, Instruction, Origin, Problem, Span, Stage, StageGraph, Use
from msbtui.dockerfile.mounts import MountError
from msbtui.dockerfile.names import Platform, ReferenceFormatError, familiar, host_platform, parse_platform, parse_reference
from msbtui.dockerfile.parser import parse_trigger
from msbtui.dockerfile.rules import Checker, CheckOptions, parse_options
from msbtui.dockerfile.stages import (
    COPY_FROM,
    MOUNT_FROM,
    SCRATCH,
    Command,
    Stages,
    State,
    cycle_from,
    new_state,
    reachable_from,
)
from msbtui.dockerfile.validate import (
    MetaArgError,
    check_casing,
    check_default_bases,
    check_from_args,
    check_platform,
    check_stage_names,
    default_args,
    meta_args,
)

_LINE_RULE = "NoEmptyContinuation"


def build_graph(
    dockerfile: Dockerfile,
    *,
    target: str | None = None,
    build_args: Mapping[str, str] | None = None,
    build_contexts: Iterable[str] | None = None,
    image_onbuild: Mapping[str, Sequence[str]] | None = None,
    all_stages: bool = False,
    platform: str | None = None,
) -> StageGraph:
    """Give the stages, their bases and edges, what a build of `target` (default: the last stage) reaches, and what is wrong.

    `build_contexts` holds the names of named contexts (a mapping's keys do), `image_onbuild` the ONBUILD triggers of
    external images by reference, `platform` the target platform (default: Linux on this machine's architecture).
    `all_stages` goes through unreachable stages too, as `docker build --check` does. Never raises: the graph holds what is
    sound, `errors` begins with BuildKit's own error, `warnings` holds those of instructions and stages in BuildKit's order
    (`build_checks` gives those of the line pass too).
    Where BuildKit cannot resolve the stages (a wrong reference, a cycle, no such target) no stage is reachable.
    """
    builder = _Builder(dockerfile, dict(build_args or {}), frozenset(build_contexts or ()), platform)
    builder.onbuild = {familiar(name): list(triggers) for name, triggers in (image_onbuild or {}).items()}
    return builder.run(target or "", all_stages)


def build_checks(dockerfile: Dockerfile, graph: StageGraph) -> tuple[Problem, ...]:
    """Give all warnings by line, those that only the text's lines decide (NoEmptyContinuation) included."""
    lines = [problem for problem in dockerfile.warnings if problem.rule == _LINE_RULE]
    return tuple(sorted([*lines, *graph.warnings], key=lambda problem: (problem.line, problem.rule, problem.message)))


class _Builder:
    def __init__(
        self, dockerfile: Dockerfile, build_args: dict[str, str], contexts: frozenset[str], platform: str | None
    ) -> None:
        self.dockerfile = dockerfile
        self.escape = dockerfile.escape
        self.build_args = build_args
        self.contexts = contexts
        self.errors: list[Problem] = []
        self.stages = Stages()
        self.states = self.stages.states
        self.onbuild: dict[str, list[str]] = {}
        self.args: dict[str, str] = {}
        self.declared: list[str] = []
        self.checker = Checker(_options(dockerfile))
        self.broken_lines = {problem.line for problem in dockerfile.errors}
        self.build_platform = host_platform()
        self.target_platform = self._target_platform(platform)

    def _target_platform(self, text: str | None) -> Platform:
        if text:
            try:
                return parse_platform(text)
            except ReferenceFormatError as error:
                self._error(f"failed to parse platform {text}: {error}", 0)
        return self.build_platform

    def _error(self, message: str, line: int, hint: str = "", column: int = 1) -> None:
        if not hint and message.endswith("?)"):
            hint = message[message.rfind("(") + 1 : -1]
        self.errors.append(Problem(clean(message), line, column if line else 0, clean(hint)))

    def run(self, target_name: str, all_stages: bool) -> StageGraph:
        drafts, heads = self._drafts()
        target = None
        reachable: set[int] = set()
        if drafts:
            self._global_args(drafts, heads, target_name)
            self._add_states(drafts)
            target = self._target(target_name)
            self._dependencies()
            if target is not None:
                reachable = self._resolve(target)
            if self.errors:
                reachable = set()
            else:
                self._dispatch(reachable, all_stages)
        return StageGraph(
            target_index=target.index if target is not None else None,
            stages=tuple(self._stage(state, state.index in reachable) for state in self.states),
            edges=self._edges(),
            warnings=(*_instruction_warnings(self.dockerfile), *self._syntax_warning(), *self.checker.problems),
            errors=(*self.dockerfile.errors, *self.errors),
            args={name: self.args[name] for name in dict.fromkeys(self.declared) if name in self.args},
        )

    def _drafts(self) -> tuple[list[State], list[Instruction]]:
        """Give one state for each FROM, and the instructions before the first."""
        drafts: list[State] = []
        heads: list[Instruction] = []
        for instruction in self.dockerfile.instructions:
            if instruction.keyword == "FROM":
                drafts.append(new_state(len(drafts), instruction))
            if drafts:
                drafts[-1].instructions.append(instruction)
            else:
                heads.append(instruction)
        return drafts, heads

    def _global_args(self, drafts: list[State], heads: list[Instruction], target_name: str) -> None:
        """Expand the ARGs before the first FROM, and make the checks that need them without build arguments."""
        check_stage_names(drafts, self.checker)
        check_casing(drafts, self.checker)
        stage = target_name or drafts[-1].name or ""
        builtin = default_args(self.target_platform, self.build_platform, stage, self.build_args)
        heads = [each for each in heads if each.keyword == "ARG" and each.span.first_line not in self.broken_lines]
        self.args = builtin
        try:
            plain, _ = meta_args(builtin, heads, {}, self.escape)
            check_default_bases(drafts, plain, self.escape, self.checker)
        except MetaArgError:
            pass
        try:
            self.args, self.declared = meta_args(builtin, heads, self.build_args, self.escape)
        except MetaArgError as error:
            self._error(str(error), error.instruction.span.first_line)
        problem = resolve_epoch(drafts, self.args, self.build_args, self.contexts, self.escape)
        if problem:
            self._error(problem[0], problem[1])

    def _add_states(self, drafts: list[State]) -> None:
        known = [*self.args, *self.declared]
        for state in drafts:
            found = self._base_name(state, known)
            written = state.first.flag("platform")
            if written and not state.broken:
                self._platform(state, written, known)
            state.image = found
            self.stages.add(state)
            if state.name:
                self._check_name(state.name, state.line)
            if state.name and self._is_context(state.name, state.platform):
                state.named_context = True
                state.base = None

    def _base_name(self, state: State, known: Sequence[str]) -> str:
        try:
            found = expand_names(state.written_base, self.args, self.escape)
        except ExpandError as error:
            if not state.broken:
                self._error(error.what, state.line)
            state.broken = True
            return state.written_base
        if state.broken:
            return found.text
        checker = Checker(self.checker.options)
        check_from_args(found, known, state, checker)
        self.checker.problems += checker.problems
        if not found.text:
            hint = checker.problems[0].hint if checker.problems else ""
            self._error(f"base name ({state.written_base}) should not be blank", state.line, hint or _blank_hint(found))
            state.broken = True
        return found.text

    def _platform(self, state: State, written: str, known: Sequence[str]) -> None:
        try:
            found = expand_names(written, self.args, self.escape)
        except ExpandError as error:
            self._error(f"failed to process arguments for platform : {error.what}", state.line)
            return
        check_from_args(found, known, state, self.checker)
        check_platform(written, found, self.args, state, self.checker)
        hints = [text for name in sorted(found.unmatched) if (text := suggestion(name, self.args))]
        if not found.text:
            self._error(f"empty platform value from expression {written}" + "".join(hints[:1]), state.line)
            return
        try:
            state.platform = str(parse_platform(found.text))
        except ReferenceFormatError as error:
            self._error(f"failed to parse platform {written}: {error}" + "".join(hints[:1]), state.line)

    def _check_name(self, name: str, line: int) -> None:
        """Note a stage name that is no image name: BuildKit looks for a named context of that name (dockerui, NamedContext)."""
        try:
            if name not in (SCRATCH, "context"):
                parse_reference(name)
        except ReferenceFormatError as error:
            self._error(f"invalid context name {name}: {error}", line, "a name must not end in, or repeat, '-', '_' or '.'")

    def _is_context(self, name: str, platform: str = "") -> bool:
        """Say whether a named context stands for a name (dockerui, NamedContext: with the platform first, then without)."""
        if not self.contexts or name.lower() in (SCRATCH, "context"):
            return False
        name = familiar(name)
        return f"{name}::{platform or self.target_platform}" in self.contexts or name in self.contexts

    def _target(self, name: str) -> State | None:
        if not name:
            return self.states[-1]
        found = self.stages.find(name)
        if found is None:
            names = self.stages.names()
            hint = "" if nearest(name, names) else "stages: " + ", ".join(names[:10])
            self._error(f"target stage {quote(name)} could not be found" + suggestion(name, names), 0, hint)
        return found

    def _dependencies(self) -> None:
        for state in self.states:
            for instruction in state.instructions[1:]:
                line = instruction.span.first_line
                lenient = line in self.broken_lines
                command = self._command(instruction, line, lenient=lenient)
                if command is not None:
                    state.commands.append(command)
                    _depend(state, command)
        found = cycle_from(self.states)
        if found is not None:
            self._error(f"circular dependency detected on stage: {found[0].label}", min(found[1]))

    def _command(self, instruction: Instruction, line: int, *, lenient: bool = False, trigger: bool = False) -> Command | None:
        try:
            return self.stages.command(instruction, line, lenient=lenient, trigger=trigger)
        except InstructionError as error:
            at = instruction.source.partition("\n")[0].find(error.at) if error.at and not trigger else 0
            self._error(str(error), line, error.hint, max(at, 0) + 1)
        except (ExpandError, MountError) as error:
            self._error(error.what if isinstance(error, ExpandError) else str(error), line)
        return None

    def _resolve(self, target: State) -> set[int]:
        """Check every external reference, and put the ONBUILD triggers of bases in (convert.go, resolveStages)."""
        for state in self.states:
            if state.base is None and not state.broken and (state.image != SCRATCH or state.named_context):
                self._reference(state.image, state.line)
            for command in state.commands:
                self._check_sources(command)
        while True:
            reachable = reachable_from(self.states, target)
            added = [self._add_triggers(self.states[index]) for index in sorted(reachable)]
            if not any(added):
                return reachable

    def _check_sources(self, command: Command) -> None:
        for source in command.sources:
            if source.origin.image is not None:
                self._reference(source.origin.image, command.line)

    def _reference(self, name: str, line: int) -> None:
        try:
            parse_reference(name)
        except ReferenceFormatError as error:
            match = nearest(name, self.stages.by_name, case_sensitive=False) or (name.lower() if self.stages.find(name) else "")
            self._error(f"failed to parse stage name {quote(name)}: {error}", line, f"did you mean {match}?" if match else "")

    def _add_triggers(self, state: State) -> bool:
        """Put the triggers of a stage's base before its own commands; say whether they bring new dependencies."""
        if state.triggers_done:
            return False
        state.triggers_done = True
        texts: list[str] = []
        if state.base is not None:
            commands = (command.instruction for command in state.base.commands)
            texts = [_expression(each) for each in commands if each.keyword == "ONBUILD" and each.trigger is not None]
        elif not state.named_context and state.image != SCRATCH:
            texts = self.onbuild.get(familiar(state.image), [])
        added: list[Command] = []
        for text in texts:
            try:
                instruction = parse_trigger(text)
            except InstructionError as error:
                self._error(str(error), state.line)
                continue
            command = self._command(instruction, state.line, trigger=True)
            if command is not None:
                added.append(command)
                _depend(state, command)
                self._check_sources(command)
        state.commands[:0] = added
        return any(command.sources for command in added)

    def _dispatch(self, reachable: set[int], all_stages: bool) -> None:
        inputs = Inputs(self.states, self.checker, self.escape, self.args, self.build_args)
        around: dict[int, Surroundings] = {}
        for state in self.states:
            state.dispatched = state.named_context and state.index in reachable
        for state in self.states:
            if not all_stages and (state.index not in reachable or state.dispatched):
                around[state.index] = first_surroundings(state)
                continue
            state.dispatched = True
            base = state.base
            around[state.index] = handed_on(around[base.index]) if base is not None else first_surroundings(state)
            run = StageRun(state, around[state.index], inputs)
            self.errors += run.run(lambda command: not command.trigger and command.line in self.broken_lines)

    def _syntax_warning(self) -> Iterable[Problem]:
        """Warn where the file names a frontend that is not Docker's: its rules may differ (builder/build.go)."""
        syntax = self.dockerfile.syntax
        own = ("docker/dockerfile:", "docker/dockerfile@", "docker/dockerfile-upstream:")
        if syntax and not f"{familiar(syntax)}:".startswith(own):
            yield Problem(clean(f"the file is built by {syntax}, which may read it in another way than shown here"), 1, 1)

    def _stage(self, state: State, reachable: bool) -> Stage:
        first, last = state.first.span, state.instructions[-1].span
        return Stage(
            index=state.index,
            name=state.name,
            base=self._base(state),
            line=state.line,
            span=Span(first.first_line, last.last_line, first.start, last.end),
            instructions=tuple(state.instructions),
            reachable=reachable,
            named_context=state.named_context,
            context_paths=tuple(sorted(clean(path) for path in state.context_paths)),
            platform=self._inherited_platform(state),
            comment=description(self.dockerfile, state.first, state.name),
        )

    def _inherited_platform(self, state: State) -> str:
        while state.base is not None:
            state = state.base
        return state.platform

    def _base(self, state: State) -> Origin:
        if state.base is not None:
            return Origin(stage=state.base.index)
        if state.image == SCRATCH and not state.named_context:
            return Origin(scratch=True)
        return Origin(image=clean(familiar(state.image)))

    def _edges(self) -> tuple[Edge, ...]:
        found: dict[tuple[int, str, int, str], tuple[Origin, list[Use]]] = {}
        for state in self.states:
            for command in state.commands:
                via = COPY_FROM if command.instruction.keyword == "COPY" else MOUNT_FROM
                for source in command.sources:
                    if not source.visible:
                        continue
                    origin = source.origin
                    if origin.image is not None:
                        origin = Origin(image=clean(familiar(origin.image)))
                    stage = origin.stage if origin.stage is not None else len(self.states)
                    key = (state.index, via, stage, origin.image or "")
                    use = msgspec.structs.replace(source.use, source=clean(source.use.source), target=clean(source.use.target))
                    found.setdefault(key, (origin, []))[1].append(use)
        return tuple(Edge(origin, key[0], key[1], tuple(uses)) for key, (origin, uses) in sorted(found.items(), key=_first))


def _first(item: tuple[tuple[int, str, int, str], object]) -> tuple[int, str, int, str]:
    return item[0]


def _instruction_warnings(dockerfile: Dockerfile) -> Iterable[Problem]:
    """Give the parser's warnings without the one of its line pass, which BuildKit reports apart from the graph's."""
    return (problem for problem in dockerfile.warnings if problem.rule != _LINE_RULE)


def _options(dockerfile: Dockerfile) -> CheckOptions:
    try:
        return parse_options(check_of(dockerfile.source))
    except ValueError:
        return CheckOptions()


def _blank_hint(found: Expansion) -> str:
    names = sorted(found.unmatched)
    return f"declare ARG {names[0]}=... before the first FROM" if names else "give the ARG a default value"


def _depend(state: State, command: Command) -> None:
    for source in command.sources:
        if source.origin.stage is not None:
            state.dependencies[source.origin.stage] = command.line


def _expression(instruction: Instruction) -> str:
    """Give the text of an ONBUILD's trigger with its here-documents (instructions/parse.go, parseOnBuild)."""
    bodies = "".join(f"\n{heredoc.content}{heredoc.name}" for heredoc in instruction.heredocs)
    return instruction.value + bodies
