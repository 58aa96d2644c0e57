"""One RUN of several: what one makes and the next deletes or rewrites is then in no layer at all."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from msbtui.analysis.cure.append import ends_plainly
from msbtui.analysis.cure.model import Cure, World
from msbtui.analysis.model import Finding
from msbtui.analysis.situation import Situation
from msbtui.dockerfile.edit import Edit, line_end
from msbtui.dockerfile.script import script_of
from msbtui.dockerfile.shell import Command

_LEAKS = frozenset(
    {"cd", "pushd", "popd", "export", "set", "umask", "trap", "source", ".", "exec", "exit", "return", "alias", "ulimit"}
)
"""Commands whose effect the next RUN would not have seen."""


def merged_runs(world: World) -> Iterator[Cure]:
    """Give a merge for each row of neighbouring RUNs of which a later one hides what an earlier one added."""
    rows: list[list[Situation]] = []
    for now in world.chain:
        last = rows[-1][-1] if rows else None
        if last is not None and _follows(world, last, now):
            rows[-1].append(now)
        else:
            rows.append([now])
    for row in rows:
        layers = {world.layer_of[now.instruction.index]: now for now in row if now.instruction.index in world.layer_of}
        pairs = [
            finding
            for finding in world.waste.findings
            if finding.hidden_by is not None and finding.layer in layers and finding.hidden_by.layer in layers and finding.bytes
        ]
        pairs = [finding for finding in pairs if finding.hidden_by is not None and finding.hidden_by.layer > finding.layer]
        for low, high, findings in _spans(pairs):
            members = [now for layer, now in sorted(layers.items()) if low <= layer <= high]
            cure = _cure(world, members, findings)
            if cure is not None:
                yield cure


def _spans(findings: list[Finding]) -> Iterator[tuple[int, int, list[Finding]]]:
    """Give the ranges of layers that belong together, with the findings in each."""
    spans: list[tuple[int, int, list[Finding]]] = []
    for finding in sorted(findings, key=lambda one: (one.layer, one.id)):
        assert finding.hidden_by is not None
        low, high = finding.layer, finding.hidden_by.layer
        if spans and low <= spans[-1][1]:
            first, last, held = spans[-1]
            spans[-1] = (first, max(last, high), [*held, finding])
        else:
            spans.append((low, high, [finding]))
    yield from spans


def _follows(world: World, first: Situation, second: Situation) -> bool:
    """Say whether two instructions are RUNs in a row that one shell can run one after the other with the same effect."""
    one, other = first.instruction, second.instruction
    if one.keyword != "RUN" or other.keyword != "RUN" or other.index != one.index + 1:
        return False
    if one.flags != other.flags or one.json or other.json or one.heredocs or other.heredocs:
        return False
    escape = world.dockerfile.escape
    if ends_plainly(world.dockerfile, one, first.shell) is None or ends_plainly(world.dockerfile, other, second.shell) is None:
        return False
    before, after = first.commands(escape), second.commands(escape)
    if not before or not after or any(_leaks(command) for command in before):
        return False
    # `a && b || c` is not `a && (b || c)`; after `;` or `&` a failure of the first would be forgotten.
    return all(not command.conditional and (command.nested or command.operator in ("", "&&", "|")) for command in after)


def _leaks(command: Command) -> bool:
    return command.name in _LEAKS or not command.words or command.operator == "&"


def _cure(world: World, members: list[Situation], findings: list[Finding]) -> Cure | None:
    if len(members) < 2:
        return None
    edits = []
    for first, second in pairwise(members):
        edit = _joint(world, first, second)
        if edit is None:
            return None
        edits.append(edit)
    lines = [now.instruction.span.first_line for now in members]
    return Cure(
        "merged-run",
        f"lines {', '.join(map(str, lines))}: one RUN",
        lines[0],
        sum(finding.bytes for finding in findings),
        tuple(finding.id for finding in findings),
        tuple(edits),
    )


def _joint(world: World, first: Situation, second: Situation) -> Edit | None:
    """Give the edit that puts `&&` in the place of the line end, the next RUN's keyword and its flags; comments stay."""
    one, other = first.instruction, second.instruction
    at = ends_plainly(world.dockerfile, one, first.shell)
    if at is None:
        return None
    source = world.dockerfile.source.encode("utf-8", "surrogateescape")
    if source[one.span.start + at : one.span.end].strip():
        return None  # a comment stands there
    body = other.source.encode("utf-8", "surrogateescape")
    script = script_of(other, world.dockerfile.escape)
    begin = script.place(len(script.text) - len(script.text.lstrip())) if script is not None else -1
    if begin < 0 or b"\n" in body[:begin]:
        return None
    between = source[one.span.end : other.span.start].decode("utf-8", "surrogateescape")
    comments = [line.rstrip("\r") for line in between.split("\n") if line.strip().startswith("#")]
    if any(line.strip() and not line.strip().startswith("#") for line in between.replace("\r", "").split("\n")):
        return None
    end, escape = line_end(world.dockerfile), world.dockerfile.escape
    indent = _indent(one.source)
    text = f" {escape}{end}" + "".join(f"{line}{end}" for line in comments) + f"{indent}&& "
    return Edit(one.span.start + at, other.span.start + begin, text)


def _indent(source: str) -> str:
    lines = [line for line in source.split("\n")[1:] if line.lstrip().startswith("&&")]
    return lines[-1][: len(lines[-1]) - len(lines[-1].lstrip(" \t"))] if lines else "    "
