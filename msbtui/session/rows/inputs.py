"""What a build context gives to a Dockerfile, in words: for `graph --context` and for the explanation of a COPY."""

from __future__ import annotations

from collections.abc import Sequence

from msbtui.dockerfile.model import Dockerfile
from msbtui.session.context import Context, Taken, taken_by
from msbtui.session.rows.cells import shown
from msbtui.text import size


def context_lines(context: Context, dockerfile: Dockerfile) -> list[str]:
    """Give the whole account: what is sent, what is left out, what each COPY and ADD takes, which patterns are idle."""
    more = "" if context.complete else " or more: the folder is larger than what was looked at"
    lines = [
        f"Build context {shown(context.folder)}: {size(context.bytes)} in {_files(len(context.files))}{more}",
        f"left out: {size(context.ignored_bytes)} in {_files(context.ignored_files)} by {shown(context.ignore_path)}"
        if context.ignore_path
        else "no .dockerignore: everything in the folder can be sent",
    ]
    if context.shadowed:
        lines.append(f"{shown(context.shadowed)} does not count: {shown(context.ignore_path)} wins over it")
    lines += [taken_line(each) for each in taken_by(context, dockerfile)]
    lines += [f"line {each.line} of the ignore file matches nothing: {shown(each.written)}" for each in context.unmatched]
    return lines


def _files(count: int) -> str:
    return f"{count:,} file{'' if count == 1 else 's'}"


def taken_line(each: Taken) -> str:
    """Give one line for what a source takes."""
    if each.files is None:
        return f"line {each.line}: {shown(each.source)}: {each.why}"
    account = f"{size(each.bytes)} in {_files(each.files)}" if each.files else each.why
    return f"line {each.line}: {shown(each.source)}: {account}"


def taken_paragraphs(taken: Sequence[Taken]) -> list[tuple[str, str]]:
    """Give the same for one instruction, as paragraphs of an explanation."""
    return [(f"From the build context, {taken_line(each).partition(': ')[2]}.", "text") for each in taken]
