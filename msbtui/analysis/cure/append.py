"""One more command at the end of a RUN, in the style in which the RUN is written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msbtui.dockerfile.edit import Edit, insert, line_end
from msbtui.dockerfile.model import Dockerfile, Instruction
from msbtui.dockerfile.script import SHELLS, Script, script_of
from msbtui.dockerfile.shell import Command, commands, shell_tree

if TYPE_CHECKING:
    from tree_sitter import Node

_WIDTH = 100
"""Characters that a single line may have with the command added."""


def append_command(dockerfile: Dockerfile, instruction: Instruction, command: str, shell: tuple[str, ...] = ()) -> Edit | None:
    """Give the edit that makes a RUN end with `command`, which must fail only where the RUN may fail.

    None where that is not sound: no shell reads the RUN, it ends in the background, by `exec`, `exit` or with a here-document, or
    its text is not understood. The RUN fails where it failed before: the command runs only after the last one succeeded.
    """
    place = _end(dockerfile, instruction, shell)
    if place is None:
        return None
    at, script, last = place
    source = instruction.source.encode("utf-8", "surrogateescape")
    found = [one for one in commands(instruction, escape=dockerfile.escape, shell=shell) if not one.nested]
    strict = _stops_at_errors(found, shell)
    semicolon = last == ";"
    if last in ("list", "negated_command"):
        strict = False  # `set -e` does not stop at what fails inside `a && b` or after `!`
    elif semicolon and not strict:
        return None  # what is added would hide that the last command failed
    if _is_body(instruction, script):
        return _in_body(dockerfile, instruction, source, at, command, strict)
    end = line_end(dockerfile)
    text = source.decode("utf-8", "surrogateescape")
    uses_semicolons = strict and not any(one.operator == "&&" for one in found) and any(one.operator == ";" for one in found)
    joint = "" if semicolon else ";" if uses_semicolons else " &&"
    if "\n" not in text:
        if len(text) + len(joint) + 1 + len(command) <= _WIDTH:
            return insert(instruction.span.start + at, f"{joint} {command}")
        if semicolon or uses_semicolons:
            return insert(instruction.span.start + at, f"{joint} {dockerfile.escape}{end}    {command}")
        return insert(instruction.span.start + at, f" {dockerfile.escape}{end}    && {command}")
    indent, leading = _style(text, found, source, dockerfile.escape)
    if semicolon or uses_semicolons or not leading:
        return insert(instruction.span.start + at, f"{joint} {dockerfile.escape}{end}{indent}{command}")
    return insert(instruction.span.start + at, f" {dockerfile.escape}{end}{indent}&& {command}")


def append_removal(
    dockerfile: Dockerfile, instruction: Instruction, targets: list[str], shell: tuple[str, ...] = (), prefix: str = ""
) -> Edit | None:
    """Give the edit that makes a RUN end by deleting `targets` (words of the shell): in its last `rm -rf` where it ends with one.

    None where nothing can be added soundly, as `append_command` says.
    """
    place = _end(dockerfile, instruction, shell)
    found = commands(instruction, escape=dockerfile.escape, shell=shell)
    start = (*prefix.split(), "rm", "-rf")
    last = found[-1] if found else None
    if place is not None and last is not None and last.end == place[0] and last.words[: len(start)] == start:
        plain = not (last.nested or last.conditional or last.redirects) and last.operator in ("", "&&", ";")
        source = instruction.source.encode("utf-8", "surrogateescape")[last.start : last.end]
        if plain and b"\n" not in source and len(source) + len(" ".join(targets)) < _WIDTH:
            return insert(instruction.span.start + place[0], f" {' '.join(targets)}")
    return append_command(dockerfile, instruction, f"{prefix}rm -rf {' '.join(targets)}", shell)


def _end(dockerfile: Dockerfile, instruction: Instruction, shell: tuple[str, ...]) -> tuple[int, Script, str] | None:
    """Give where a RUN's last command ends (byte in its source), its script, and what it ends with: `;` or a node type."""
    first = next(iter(shell), "sh").rpartition("/")[2]
    if instruction.keyword != "RUN" or instruction.json or first not in SHELLS:
        return None
    script = script_of(instruction, dockerfile.escape)
    if script is None or not script.text.strip() or (instruction.heredocs and not _is_body(instruction, script)):
        return None
    root = shell_tree(script.text)
    if root.has_error or _has(root, "heredoc_redirect"):
        return None
    found = [one for one in commands(instruction, escape=dockerfile.escape, shell=shell) if not one.nested]
    if any(one.name == "exec" for one in found) or (found and found[-1].name in ("exit", "return") and not found[-1].conditional):
        return None
    children = [child for child in root.children if child.type != "comment" and child.type != "\n"]
    if not children or children[-1].type in ("&", "|", "&&", "||"):
        return None
    return script.end(children[-1].end_byte), script, children[-1].type


def ends_plainly(dockerfile: Dockerfile, instruction: Instruction, shell: tuple[str, ...]) -> int | None:
    """Give the byte in a RUN's source where ` && more` can stand; None where nothing can be added there."""
    place = _end(dockerfile, instruction, shell)
    if place is None or place[2] == ";" or _is_body(instruction, place[1]):
        return None
    return place[0]


def _has(node: Node, kind: str) -> bool:
    stack = [node]
    while stack:
        one = stack.pop()
        if one.type == kind:
            return True
        stack += one.children
    return False


def _is_body(instruction: Instruction, script: Script) -> bool:
    """Say whether the script is a here-document's text: `RUN <<EOF`."""
    return bool(instruction.heredocs) and script.places[0] == instruction.heredocs[0].span.start - instruction.span.start


def _stops_at_errors(found: list[Command], shell: tuple[str, ...]) -> bool:
    """Say whether `set -e` is in force from the first command on, so that `;` stops at a failure."""
    if any(re.fullmatch(r"-[a-z]*e[a-z]*", word) for word in shell[1:]):
        return True
    words = found[0].words if found else ()
    return words[:1] == ("set",) and any(re.fullmatch(r"-[a-z]*e[a-z]*", word) or word == "errexit" for word in words[1:])


def _in_body(dockerfile: Dockerfile, instruction: Instruction, source: bytes, at: int, command: str, strict: bool) -> Edit:
    if not strict:
        # The last command's failure is the RUN's: the added one must not hide it.
        return insert(instruction.span.start + at, f" && {command}")
    begin = source.rfind(b"\n", 0, at) + 1
    line = source[begin:at].decode("utf-8", "surrogateescape")
    indent = line[: len(line) - len(line.lstrip(" \t"))]
    stop = source.find(b"\n", at)
    stop = len(source) if stop < 0 else stop
    if source[stop - 1 : stop] == b"\r":
        stop -= 1
    return insert(instruction.span.start + stop, f"{line_end(dockerfile)}{indent}{command}")


def _style(text: str, found: list[Command], source: bytes, escape: str) -> tuple[str, bool]:
    """Give the indentation of a new line, and whether `&&` stands at the beginning of lines."""
    lines = [line for line in text.split("\n")[1:] if line.strip() and not line.lstrip().startswith("#")]
    leading = [line for line in lines if line.lstrip().startswith("&&")]
    trailing = any(re.search(rf"(&&|;)\s*{re.escape(escape)}\s*$", line) for line in text.split("\n"))
    if leading:
        return _indent(leading[-1]), True
    begin = source.rfind(b"\n", 0, found[-1].start) + 1 if found else 0
    if trailing and begin:
        return _indent(source[begin:].decode("utf-8", "surrogateescape")), False
    tabs = bool(lines) and lines[0].startswith("\t")
    return "\t" if tabs else "    ", not trailing


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]
