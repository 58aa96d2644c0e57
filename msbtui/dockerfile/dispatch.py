"""What BuildKit finds while it goes through a stage's commands: context paths, errors and build checks.

It follows frontend/dockerfile/dockerfile2llb/convert.go (dispatchStages, dispatch and the dispatch functions),
convert_copy.go, convert_runmount.go and convert_expose.go.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping

import msgspec

from msbtui.dockerfile.expand import ExpandError, expand_names, split_words
from msbtui.dockerfile.gotext import clean, nearest, quote, trim
from msbtui.dockerfile.heredoc import opening
from msbtui.dockerfile.model import Instruction, Problem
from msbtui.dockerfile.mounts import MountError, parse_mount
from msbtui.dockerfile.names import atoi
from msbtui.dockerfile.rules import Checker
from msbtui.dockerfile.stages import SCRATCH, Command, Source, State
from msbtui.dockerfile.validate import arg_pairs
from msbtui.dockerfile.values import (
    InstructionValueError,
    check_mode,
    check_port,
    check_remote,
    check_signal,
    context_path,
)
from msbtui.dockerfile.words import LineSyntaxError, pairs
from msbtui.regex import regex

_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_NO_ENVIRONMENT = frozenset({"BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"})
_SECRET = regex(r"(?:_|^)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)", re.IGNORECASE)
_NO_SECRET = regex(r"(?:_|^)(?:public|file|version)(?:_|$)", re.IGNORECASE)


_MOST = 32 << 20
"""Characters that words with variables may have together: each may be kept, and a few lines make a long one."""


class Inputs(msgspec.Struct, frozen=True):
    """What all stages share."""

    states: list[State]
    checker: Checker
    escape: str
    global_args: Mapping[str, str]
    build_args: Mapping[str, str]
    expanded: list[int] = msgspec.field(default_factory=lambda: [0])
    """How many characters words had that variables were put into, so far and in all stages; one item."""


class Surroundings(msgspec.Struct):
    """What a stage hands on to the stages that build on it."""

    environment: dict[str, str]
    known: bool
    """Whether the whole environment is known: it does not come from an external image."""
    arguments: set[str]
    workdir: str | None = None
    """None where the external image decides."""
    workdir_set: bool = False
    shell: bool = False


class DispatchError(ValueError):
    """What BuildKit says of a command that it cannot run."""


def first_surroundings(state: State) -> Surroundings:
    """Give what a stage without a base stage begins with."""
    scratch = state.image == SCRATCH and not state.named_context
    return Surroundings({"PATH": _DEFAULT_PATH}, scratch, set(), "/" if scratch else None)


def handed_on(base: Surroundings) -> Surroundings:
    """Give what a stage begins with whose base is a stage."""
    return Surroundings(dict(base.environment), base.known, set(base.arguments), base.workdir, base.workdir_set, base.shell)


class StageRun:
    """Goes through one stage's commands."""

    def __init__(self, state: State, surroundings: Surroundings, inputs: Inputs) -> None:
        self.state = state
        self.around = surroundings
        self.inputs = inputs
        self.once: dict[str, int] = {}
        self.problems: list[Problem] = []

    def run(self, skip: Callable[[Command], bool]) -> list[Problem]:
        """Go through all commands but those to skip; give the errors."""
        for command in self.state.commands:
            if skip(command):
                continue
            try:
                self._dispatch(command)
            except (DispatchError, ExpandError, MountError, InstructionValueError) as error:
                text = error.what if isinstance(error, ExpandError) else str(error)
                self.problems.append(Problem(clean(text), command.line, 1))
        return self.problems

    def _dispatch(self, command: Command) -> None:
        handler = _HANDLERS.get(command.instruction.keyword)
        if handler is not None:
            handler(self, command)

    def _warn(self, command: Command, rule: str, *values: str, hint: str = "") -> None:
        self.inputs.checker.warn(rule, command.line, *values, comments=command.instruction.comments, hint=hint)

    def _expand(self, command: Command, word: str, *, heredoc: bool = False) -> str:
        found = expand_names(word, self.around.environment, "\\" if heredoc else self.inputs.escape, keep_quotes=heredoc)
        if found.unmatched:
            self._unmatched(command, found.unmatched)
        if found.matched:
            self.inputs.expanded[0] += len(found.text)
            if self.inputs.expanded[0] > _MOST:
                raise DispatchError(f"variables expand to more than {_MOST >> 20} million characters in all")
        return found.text

    def _unmatched(self, command: Command, names: frozenset[str]) -> None:
        """Warn of undefined variables (reportUnmatchedVariables), where no external image can define them."""
        if not self.around.known:
            return
        for name in sorted(names - self.around.arguments - _NO_ENVIRONMENT):
            match = nearest(name, sorted(self.around.environment))
            hint = f" (did you mean ${match}?)" if match else ""
            self._warn(command, "UndefinedVar", name, hint, hint=hint[2:-1])

    def _pairs(self, command: Command) -> list[tuple[str, str, str]]:
        instruction = command.instruction
        try:
            found = pairs(instruction.value, instruction.keyword, self.inputs.escape)
        except LineSyntaxError:
            return []
        return [(self._expand(command, name), self._expand(command, value), sign) for name, value, sign in found]

    def _env(self, command: Command) -> None:
        for name, value, sign in self._pairs(command):
            if not sign:
                self._warn(command, "LegacyKeyValueFormat", command.instruction.written)
            self._secret(command, "ENV", name)
            self.around.environment[name] = value

    def _label(self, command: Command) -> None:
        for _, _, sign in self._pairs(command):
            if not sign:
                self._warn(command, "LegacyKeyValueFormat", command.instruction.written)

    def _secret(self, command: Command, keyword: str, name: str) -> None:
        if _SECRET.search(name) and not _NO_SECRET.search(name):
            self._warn(command, "SecretsUsedInArgOrEnv", keyword, name)

    def _arg(self, command: Command) -> None:
        for name, default in arg_pairs(command.instruction):
            self._secret(command, "ARG", name)
            value = self.inputs.build_args.get(name)
            if value is None:
                value = self._expand(command, default) if default is not None else self.inputs.global_args.get(name)
            if value is not None and name not in _NO_ENVIRONMENT:
                self.around.environment[name] = value
            self.around.arguments.add(name)

    def _workdir(self, command: Command) -> None:
        path = self._expand(command, command.instruction.value)
        if not self.around.workdir_set and not path.startswith("/"):
            self._warn(command, "WorkdirRelativePath", path)
        self.around.workdir_set = True
        if path.startswith("/"):
            self.around.workdir = context_path(path)
        else:
            self.around.workdir = context_path(posixpath.join(self.around.workdir or "/", path))

    def _copy(self, command: Command) -> None:
        instruction = command.instruction
        adds = instruction.keyword == "ADD"
        flags = {name: self._expand(command, instruction.flag(name) or "") for name in ("chown", "chmod", "checksum")}
        sources = [self._expand(command, word) for word in instruction.words[:-1] if not _is_heredoc(word)]
        target = self._expand(command, instruction.words[-1])
        for heredoc in instruction.heredocs:
            if heredoc.expand:
                self._expand(command, heredoc.content, heredoc=True)
        taken = command.sources[0] if command.sources else None
        if taken is not None and not self._ready(taken):
            message = f"cannot copy from stage {quote(taken.written)}, it needs to be defined before current stage"
            raise DispatchError(f"{message} {quote(self.state.label)}")
        if _switch(instruction, "link"):
            _refuse_names(flags["chown"])
        check_mode(flags["chmod"])
        check_remote(sources, adds, flags["checksum"] if adds else "", _switch(instruction, "keep-git-dir"))
        if taken is not None:
            taken.use = msgspec.structs.replace(taken.use, source=clean(" ".join(sources)), target=clean(target))
        else:
            local = [source for source in sources if not (adds and source.startswith(("http://", "https://")))]
            self.state.context_paths.update(map(context_path, local))

    def _ready(self, source: Source) -> bool:
        stage = source.origin.stage
        return stage is None or self.inputs.states[stage].dispatched

    def _run(self, command: Command) -> None:
        texts = [flag.value or "" for flag in command.instruction.flags if flag.name == "mount"]
        mounts = [parse_mount(text, lambda word: self._expand(command, word)) for text in texts]
        for mount, source in zip(mounts, command.sources, strict=False):
            source.use = msgspec.structs.replace(source.use, source=clean(mount.source or "/"), target=clean(mount.target))
            if (mount.origin or mount.kind == "cache") and not self._ready(source):
                message = f"cannot mount from stage {quote(mount.origin or SCRATCH)} to {quote(mount.target)}"
                raise DispatchError(f"{message}, stage needs to be defined before current command")
            if mount.kind in ("secret", "ssh"):
                continue
            if self._mounts_root(mount.target):
                raise DispatchError('invalid mount target "/"')
            if not mount.origin and mount.kind != "cache":
                self.state.context_paths.add(context_path(mount.source))

    def _mounts_root(self, target: str) -> bool:
        """Say whether a mount would hide the whole file system; a working directory that only an image knows counts as /."""
        if target.startswith("/"):
            # BuildKit compares an absolute target as written: `//` passes.
            return target == "/"
        if self.around.workdir is None:
            return not target
        return context_path(posixpath.join(self.around.workdir, target)) == "/"

    def _command(self, command: Command) -> None:
        self._used_once(command)
        instruction = command.instruction
        if not instruction.json and not self.around.shell:
            self._warn(command, "JSONArgsRecommended", instruction.written)

    def _used_once(self, command: Command) -> None:
        """Warn of the earlier one of two instructions of which only the last counts (validateUsedOnce)."""
        keyword = command.instruction.keyword
        if keyword in self.once:
            rule = "MultipleInstructionsDisallowed"
            comments = command.instruction.comments
            self.inputs.checker.warn(rule, self.once[keyword], command.instruction.written, comments=comments)
        self.once[keyword] = command.line

    def _shell(self, command: Command) -> None:
        self.around.shell = bool(command.instruction.words)

    def _user(self, command: Command) -> None:
        self._expand(command, command.instruction.value)

    def _volume(self, command: Command) -> None:
        volumes = [self._expand(command, trim(word)) for word in command.instruction.words]
        if "" in volumes:
            raise DispatchError("VOLUME specified can not be an empty string")

    def _stop_signal(self, command: Command) -> None:
        check_signal(self._expand(command, command.instruction.value))

    def _expose(self, command: Command) -> None:
        words = sorted(command.instruction.words)
        expanded = [split_words(word, self.around.environment, self.inputs.escape) for word in words]
        for port in (port for ports in expanded for port in ports):
            cased, mapped = check_port(port)
            if cased:
                self._warn(command, "ExposeProtoCasing", port)
            if mapped:
                self._warn(command, "ExposeInvalidFormat", port)


def _is_heredoc(word: str) -> bool:
    if "<<" not in word:
        return False
    try:
        return opening(word) is not None
    except ExpandError:
        return False


def _refuse_names(owner: str) -> None:
    for part in owner.split(":", 1):
        number = atoi(part)
        if part not in ("", "root") and (number is None or not -(2**31) <= number < 2**31):
            message = f"--chown={owner}: user and group names can't be resolved when used with --link"
            raise DispatchError(f"{message}, use numeric uid[:gid] instead")


def _switch(instruction: Instruction, name: str) -> bool | None:
    """Give what a flag of yes or no says, None where it is not there."""
    found = next((flag for flag in instruction.flags if flag.name == name), None)
    return None if found is None else (found.value or "true").lower() == "true"


_HANDLERS: dict[str, Callable[[StageRun, Command], None]] = {
    "ADD": StageRun._copy,
    "ARG": StageRun._arg,
    "CMD": StageRun._command,
    "COPY": StageRun._copy,
    "ENTRYPOINT": StageRun._command,
    "ENV": StageRun._env,
    "EXPOSE": StageRun._expose,
    "HEALTHCHECK": StageRun._used_once,
    "LABEL": StageRun._label,
    "RUN": StageRun._run,
    "SHELL": StageRun._shell,
    "STOPSIGNAL": StageRun._stop_signal,
    "USER": StageRun._user,
    "VOLUME": StageRun._volume,
    "WORKDIR": StageRun._workdir,
}
