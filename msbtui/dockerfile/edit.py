"""Edits of a Dockerfile's text that keep every untouched byte."""

from __future__ import annotations

import msgspec

from msbtui.dockerfile.checks import InstructionError, stage_name
from msbtui.dockerfile.gotext import SPACE
from msbtui.dockerfile.model import Dockerfile, Instruction, Span
from msbtui.dockerfile.parser import parse
from msbtui.errors import UsageError

_BOM = b"\xef\xbb\xbf"


class Edit(msgspec.Struct, frozen=True):
    """Put `text` in the place of the bytes from `start` to `end` (exclusive) of `Dockerfile.source` in UTF-8."""

    start: int
    end: int
    text: str


def insert(at: int, text: str) -> Edit:
    """Give the edit that puts `text` at a byte offset."""
    return Edit(at, at, text)


def replace(span: Span, text: str) -> Edit:
    """Give the edit that puts `text` in the place of a span."""
    return Edit(span.start, span.end, text)


def before(instruction: Instruction, text: str) -> Edit:
    """Give the edit that puts `text` right before an instruction's first word."""
    return Edit(instruction.span.start, instruction.span.start, text)


def after(dockerfile: Dockerfile, instruction: Instruction, text: str) -> Edit:
    """Give the edit that puts whole lines after an instruction; `text` gets the file's line ends and none at its end."""
    end = line_end(dockerfile)
    return Edit(instruction.span.end, instruction.span.end, end + text.replace("\r\n", "\n").replace("\n", end))


def line_end(dockerfile: Dockerfile) -> str:
    """Give the line end that the file uses, by its first line."""
    return "\r\n" if dockerfile.source.partition("\n")[0].endswith("\r") else "\n"


def apply(dockerfile: Dockerfile, edits: list[Edit]) -> bytes:
    """Give the file's bytes with the edits made: every byte outside them as it was, a byte order mark included.

    Edits at one place are made in the order given. Raises UsageError where two overlap or one lies outside the text.
    """
    source = dockerfile.source.encode("utf-8", "surrogateescape")
    out = bytearray(_BOM if dockerfile.bom else b"")
    at = 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        if not at <= edit.start <= edit.end <= len(source):
            raise UsageError(f"edit at byte {edit.start} overlaps another one or lies outside the text", where=dockerfile.path)
        out += source[at : edit.start]
        out += edit.text.encode("utf-8", "surrogateescape")
        at = edit.end
    return bytes(out + source[at:])


def name_stage(dockerfile: Dockerfile, first: Instruction, name: str) -> Edit:
    """Give the edit that adds ` AS name` to a FROM without a name, in the case of its keyword.

    Raises UsageError for a FROM that has a name already or is not sound, and for a name that BuildKit would refuse.
    """
    if first.keyword != "FROM" or len(first.words) != 1:
        raise UsageError("only a FROM without a name can get one", where=f"{dockerfile.path}:{first.span.first_line}")
    try:
        stage_name([first.words[0], "AS", name])
    except InstructionError as error:
        raise UsageError(str(error), where=f"{dockerfile.path}:{first.span.first_line}") from None
    keyword = "as" if first.written.islower() else "AS"
    # Right after the base, not at the span's end, where a comment or an escape character may stand. A comment line inside
    # may hold the base's text too: what is read back decides.
    text, base = first.source, first.words[0]
    at = text.find(base, len(first.written))
    while at >= 0:
        at += len(base)
        changed = _words(f"{text[:at]} {keyword} {name}{text[at:]}", dockerfile.escape)
        if changed == (base, keyword, name):
            return insert(first.span.start + len(text[:at].encode("utf-8", "surrogateescape")), f" {keyword} {name}")
        at = text.find(base, at)
    raise UsageError("the base cannot be found in the text", where=f"{dockerfile.path}:{first.span.first_line}")


def _words(text: str, escape: str) -> tuple[str, ...]:
    """Give the words of the first instruction in a text."""
    head = "" if escape == "\\" else f"# escape={escape}\n"
    instructions = parse(head + text).instructions
    return instructions[0].words if instructions else ()


def free_name(dockerfile: Dockerfile, wanted: str) -> str:
    """Give `wanted`, or `wanted-2`, `wanted-3` ... : the first that no stage of the file has."""
    taken = {
        instruction.words[2].strip(SPACE).lower()
        for instruction in dockerfile.instructions
        if instruction.keyword == "FROM" and len(instruction.words) == 3
    }
    number, name = 1, wanted
    while name in taken:
        number += 1
        name = f"{wanted}-{number}"
    return name
