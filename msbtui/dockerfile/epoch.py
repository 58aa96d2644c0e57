"""`SOURCE_DATE_EPOCH` as a global ARG: a number, or the name of what holds the time (dockerfile2llb/epoch.go)."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from msbtui.dockerfile.expand import ExpandError, expand
from msbtui.dockerfile.gitsource import GitQueryError, git_source
from msbtui.dockerfile.names import atoi
from msbtui.dockerfile.stages import State
from msbtui.dockerfile.validate import arg_pairs
from msbtui.dockerfile.values import is_url

_NAME = "SOURCE_DATE_EPOCH"


def resolve_epoch(
    states: list[State], args: dict[str, str], build_args: Mapping[str, str], contexts: Collection[str], escape: str
) -> tuple[str, int] | None:
    """Take a SOURCE_DATE_EPOCH that names a source out of `args`; give BuildKit's error and its line, or None."""
    value = build_args.get(_NAME) or args.get(_NAME, "")
    if not value or atoi(value) is not None:
        return None
    args.pop(_NAME, None)
    if value == "context" or value in contexts:
        return None
    stage = next((state for state in states if state.name == value.lower()), None)
    if stage is None:
        return f"invalid {_NAME}: {value}", 0
    problem = _source_only(stage, args, build_args, escape)
    return (problem, stage.line) if problem else None


def _source_only(stage: State, args: Mapping[str, str], build_args: Mapping[str, str], escape: str) -> str:
    """Give what keeps a stage from being nothing but one download ("" if nothing does)."""
    values = dict(args)
    sources = 0
    try:
        if expand(stage.written_base, values, escape) != "scratch":
            return f"{_NAME} stage must use FROM scratch"
        for instruction in stage.instructions[1:]:
            if instruction.keyword == "ARG":
                for name, default in arg_pairs(instruction):
                    if name in build_args:
                        values[name] = build_args[name]
                    elif default is not None:
                        values[name] = expand(default, values, escape)
                continue
            if instruction.keyword != "ADD":
                return f"{_NAME} stage does not meet source-only requirements: unsupported {instruction.written} instruction"
            if sources:
                return f"{_NAME} stage must contain exactly one remote ADD"
            if len(instruction.words) != 2 or instruction.heredocs:
                return f"{_NAME} stage must contain exactly one remote ADD source"
            source = expand(instruction.words[0], values, escape)
            git = git_source(source)
            if not is_url(source) and (git is None or git.local):
                return f"{_NAME} stage source must be a single HTTP(S) or Git ADD"
            sources += 1
    except (ExpandError, GitQueryError) as error:
        return error.what if isinstance(error, ExpandError) else str(error)
    return "" if sources else f"{_NAME} stage must contain exactly one remote ADD"
