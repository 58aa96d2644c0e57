"""Edits of a Dockerfile's text that keep every untouched byte."""

from __future__ import annotations

import re

import msgspec

from msbtui.dockerfile.checks import InstructionError, stage_name
from msbtui.dockerfile.gotext import SPACE
from msbtui.dockerfile.lines import continues
from msbtui.dockerfile.model import Dockerfile, Instruction
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
    # may hold the base's text too, and the base may go on in the next line: what is read back decides.
    text, base = first.source, first.words[0]
    whole = len(text.rstrip(f"{SPACE}{dockerfile.escape}"))
    for at in (*(found.end() for found in re.finditer(re.escape(base), text)), whole):
        if _words(f"{text[:at]} {keyword} {name}{text[at:]}", dockerfile.escape) == (base, keyword, name):
            return insert(first.span.start + len(text[:at].encode("utf-8", "surrogateescape")), f" {keyword} {name}")
    raise UsageError("the base cannot be found in the text", where=f"{dockerfile.path}:{first.span.first_line}")


def _words(text: str, escape: str) -> tuple[str, ...]:
    """Give the words of the first instruction in a text."""
    head = "" if escape == "\\" else f"# escape={escape}\n"
    instructions = parse(head + text).instructions
    return instructions[0].words if instructions else ()


def without_loose_end(dockerfile: Dockerfile) -> Dockerfile:
    """Give a file whose last instruction ends in an escape character without that one: a space is in its place.

    BuildKit lets the end of the file end the instruction; instructions that are put behind it would be read as a part of it.
    """
    last = dockerfile.instructions[-1] if dockerfile.instructions else None
    if last is None or last.heredocs:
        return dockerfile
    lines = last.source.split("\n")
    number = len(lines) - 1
    while number and (not (bare := lines[number].strip(SPACE)) or bare.startswith("#")):
        number -= 1  # BuildKit passes over empty lines and comments inside an instruction
    head = continues(lines[number].rstrip("\r"), dockerfile.escape)
    if head is None:
        return dockerfile
    lines[number] = f"{head} {lines[number][len(head) + 1 :]}"
    source = apply(dockerfile, [Edit(last.span.start, last.span.end, "\n".join(lines))])
    return parse(source, dockerfile.path)
