"""Build checks over all stages (frontend/dockerfile/dockerfile2llb/validations.go), and global ARGs (convert.go, platform.go)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msbtui.dockerfile.expand import ExpandError, Expansion, expand
from msbtui.dockerfile.gotext import lower, nearest, upper
from msbtui.dockerfile.model import Instruction
from msbtui.dockerfile.names import Platform, ReferenceFormatError, parse_platform, parse_reference
from msbtui.dockerfile.rules import Checker
from msbtui.dockerfile.stages import State


def check_stage_names(states: Sequence[State], checker: Checker) -> None:
    """Warn of reserved and repeated stage names (validateStageNames)."""
    seen: set[str] = set()
    for state in states:
        if not state.name:
            continue
        if state.name in ("context", "scratch"):
            checker.warn("ReservedStageName", state.line, state.name)
        if state.name in seen:
            checker.warn("DuplicateStageName", state.line, state.name)
        seen.add(state.name)


def check_casing(states: Sequence[State], checker: Checker) -> None:
    """Warn of keywords in another case than most (validateCommandCasing)."""
    instructions = [each for state in states for each in state.instructions]
    low = sum(each.written == lower(each.written) for each in instructions)
    high = sum(each.written == upper(each.written) != lower(each.written) for each in instructions)
    casing, change = ("lowercase", lower) if low > high else ("uppercase", upper)
    for each in instructions:
        if each.written != change(each.written):
            checker.warn("ConsistentInstructionCasing", each.span.first_line, each.written, casing)


def default_args(target: Platform, build: Platform, target_stage: str, build_args: Mapping[str, str]) -> dict[str, str]:
    """Give the built-in global ARGs (platform.go, defaultArgs)."""
    values = {
        "BUILDPLATFORM": build.plain,
        "BUILDOS": build.os,
        "BUILDOSVERSION": build.os_version,
        "BUILDARCH": build.architecture,
        "BUILDVARIANT": build.variant,
        "TARGETPLATFORM": str(target),
        "TARGETOS": target.os,
        "TARGETOSVERSION": target.os_version,
        "TARGETARCH": target.architecture,
        "TARGETVARIANT": target.variant,
        "TARGETSTAGE": target_stage or "default",
    }
    return {name: build_args.get(name, value) for name, value in values.items()}


def arg_pairs(instruction: Instruction) -> list[tuple[str, str | None]]:
    """Give the names of an ARG with their default values, None where there is none."""
    out: list[tuple[str, str | None]] = []
    for word in instruction.words:
        name, equals, value = word.partition("=")
        out.append((name, value if equals else None))
    return out


def meta_args(
    args: Mapping[str, str], instructions: Sequence[Instruction], build_args: Mapping[str, str], escape: str
) -> tuple[dict[str, str], list[str]]:
    """Give all global ARGs with their values, and the declared names (convert.go, buildMetaArgs); raises MetaArgError."""
    values = dict(args)
    declared: list[str] = []
    for instruction in instructions:
        for name, value in arg_pairs(instruction):
            if name in build_args:
                value = build_args[name]
            elif value is not None:
                try:
                    value = expand(value, values, escape)
                except ExpandError as error:
                    raise MetaArgError(instruction, error.what) from None
            if value is not None:
                values[name] = value
            declared.append(name)
    return values, declared


class MetaArgError(ValueError):
    """A global ARG whose value cannot be expanded."""

    def __init__(self, instruction: Instruction, message: str) -> None:
        super().__init__(message)
        self.instruction = instruction


def check_default_bases(states: Sequence[State], args: Mapping[str, str], escape: str, checker: Checker) -> None:
    """Warn of bases that are no image name when no build argument is given (validateBaseImagesWithDefaultArgs)."""
    for state in states:
        if state.broken:
            continue
        try:
            parse_reference(expand(state.written_base, args, escape))
        except ExpandError:
            return
        except ReferenceFormatError:
            checker.warn("InvalidDefaultArgInFrom", state.line, state.written_base)


def check_from_args(found: Expansion, known: Sequence[str], state: State, checker: Checker) -> None:
    """Warn of variables in FROM that no ARG declares (reportUnusedFromArgs)."""
    for name in sorted(found.unmatched - set(known)):
        match = nearest(name, sorted(known))
        hint = f" (did you mean {match}?)" if match else ""
        checker.warn("UndefinedArgInFrom", state.line, name, hint, comments=state.first.comments, hint=hint[2:-1])


def check_platform(written: str, found: Expansion, args: Mapping[str, str], state: State, checker: Checker) -> None:
    """Warn of a platform that is redundant or constant (reportRedundantTargetPlatform, reportConstPlatformDisallowed)."""
    comments = state.first.comments
    if found.matched == {"TARGETPLATFORM"} and not found.unmatched and found.text == args.get("TARGETPLATFORM", ""):
        checker.warn("RedundantTargetPlatform", state.line, written, comments=comments)
    if found.matched or found.unmatched:
        return
    try:
        platform = parse_platform(found.text)
    except ReferenceFormatError:
        return
    name = state.name or ""
    if platform.os not in name and platform.architecture not in name:
        checker.warn("FromPlatformFlagConstDisallowed", state.line, found.text, comments=comments)
