"""Owner and mode where a file arrives: `COPY --chown --chmod` in the place of a later `RUN chown`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msbtui.analysis.cure.model import Cure, World
from msbtui.analysis.model import Finding
from msbtui.analysis.situation import Situation
from msbtui.dockerfile.edit import Edit, insert
from msbtui.dockerfile.model import Instruction
from msbtui.dockerfile.recognise import absolute, program
from msbtui.dockerfile.shell import Command
from msbtui.image.model import Kind


def copy_flags(world: World) -> Iterator[Cure]:
    """Give, for each RUN that only changes owners or modes of what COPYs brought, the flags on those COPYs instead."""
    by_run: dict[int, list[Finding]] = {}
    for finding in world.waste.findings:
        if finding.kind == "metadata-only-copy" and finding.hidden_by is not None and not finding.in_base and finding.bytes:
            by_run.setdefault(finding.hidden_by.layer, []).append(finding)
    for layer, findings in sorted(by_run.items()):
        cure = _cure(world, layer, findings)
        if cure is not None:
            yield cure


def _cure(world: World, layer: int, findings: list[Finding]) -> Cure | None:
    run = world.instruction_of.get(layer)
    now = world.situation(run) if run is not None else None
    if run is None or now is None or run.keyword != "RUN" or run.json or run.heredocs:
        return None
    found = now.commands(world.dockerfile.escape)
    # The whole RUN must be such commands: what else it does may need the owner that it sets.
    if not found or any(one.nested or one.conditional or one.operator not in ("", "&&", ";") for one in found):
        return None
    names = {(program(one)[:1] or ("",))[0] for one in found}
    if not names <= {"chown", "chmod", "chgrp"}:
        return None
    copies = {finding.layer: world.instruction_of.get(finding.layer) for finding in findings}
    if any(copy is None or copy.keyword != "COPY" for copy in copies.values()):
        return None
    flags: dict[int, str] = {}
    for held, copy in copies.items():
        assert copy is not None
        made = _flags(world, held, layer, copy, names)
        if made is None:
            return None
        flags[held] = made
    roots = _roots_left(world, layer, set(copies), found, now)
    if roots is None:
        return None
    edits = [
        insert(copy.span.start + len(copy.written.encode("utf-8", "surrogateescape")), f" {flags[held]}")
        for held, copy in copies.items()
        if copy is not None
    ]
    edits += _shorter(run, found) if roots else _without(world, run)
    lines = ", ".join(str(copy.span.first_line) for copy in copies.values() if copy is not None)
    done = f"line {run.span.first_line}: {'the directories only' if roots else 'no longer needed'}"
    return Cure(
        "copy-flags",
        f"line{'s' * (len(copies) > 1)} {lines}: COPY {' '.join(dict.fromkeys(flags.values()))}; {done}",
        min(copy.span.first_line for copy in copies.values() if copy is not None),
        sum(finding.bytes for finding in findings),
        tuple(finding.id for finding in findings),
        tuple(edits),
    )


def _flags(world: World, held: int, layer: int, copy: Instruction, names: set[str]) -> str | None:
    """Give the flags for one COPY: all that it brought must have got one owner, and with chmod one mode, from the RUN."""
    table = world.table
    source, target = table.index(held), table.index(layer)
    owners: set[tuple[int, int]] = set()
    modes: set[int] = set()
    for entry, kind in enumerate(source.kinds):
        if kind not in (Kind.FILE, Kind.HARD_LINK, Kind.SYMLINK):
            continue
        pid = table.path_of(held, entry)
        after = table.live_at(pid, layer)
        if after is None or after[0] not in (held, layer):
            return None
        if after[0] == held and kind == Kind.FILE and source.sizes[entry]:
            return None  # a file that the RUN did not touch would get the flags too
        if after[0] == layer:
            owners.add((target.uids[after[1]], target.gids[after[1]]))
            if kind == Kind.FILE:
                modes.add(target.modes[after[1]])
        else:
            owners.add((source.uids[entry], source.gids[entry]))
    given = []
    if names & {"chown", "chgrp"}:
        if len(owners) != 1 or copy.flag("chown") is not None:
            return None
        uid, gid = next(iter(owners))
        given.append(f"--chown={uid}:{gid}")
    if "chmod" in names:
        directories = any(
            kind == Kind.DIRECTORY and source.paths[e] for e, kind in enumerate(source.kinds) if _new(world, held, e)
        )
        if len(modes) != 1 or directories or copy.flag("chmod") is not None or not world.buildkit:
            return None  # --chmod gives files and directories the same mode
        given.append(f"--chmod={next(iter(modes)):04o}")
    return " ".join(given)


def _new(world: World, layer: int, entry: int) -> bool:
    """Say whether a directory came with this layer."""
    return layer == 0 or not world.table.is_live_at(world.table.path_of(layer, entry), layer - 1)


def _roots_left(world: World, layer: int, copies: set[int], found: list[Command], now: Situation) -> bool | None:
    """Say whether the RUN also changes directories that no COPY made; None where it changes anything else."""
    table = world.table
    index = table.index(layer)
    roots = {
        path.strip("/")
        for one in found
        for word in [word for word in program(one)[1:] if not word.startswith("-")][1:]
        if (path := absolute(word, one, now.workdir)) is not None
    }
    left = False
    for entry, kind in enumerate(index.kinds):
        path = index.paths[entry]
        if kind in (Kind.WHITEOUT, Kind.OPAQUE):
            return None
        before = table.live_at(table.path_of(layer, entry), layer - 1)
        if kind == Kind.DIRECTORY and before is not None and _look(world, before) == _look(world, (layer, entry)):
            continue  # it stands there because it leads to what was changed
        if before is not None and before[0] in copies:
            if kind == Kind.DIRECTORY and not _new(world, before[0], before[1]):
                left = True
                if path not in roots:
                    return None
            continue
        if kind != Kind.DIRECTORY or path not in roots:
            return None
        left = True
    return left


def _look(world: World, entry: tuple[int, int]) -> tuple[int, int, int]:
    index, number = world.table.index(entry[0]), entry[1]
    return index.uids[number], index.gids[number], index.modes[number]


def _shorter(run: Instruction, found: list[Command]) -> list[Edit]:
    """Take `-R` away: the directories themselves still get their owner, at no cost."""
    source = run.source.encode("utf-8", "surrogateescape")
    edits = []
    for one in found:
        for match in re.finditer(rb"(?<=[ \t])(-[a-zA-Z]*R[a-zA-Z]*|--recursive)[ \t]+", source[one.start : one.end]):
            word = match[1].decode()
            rest = "" if word in ("-R", "--recursive") else word.replace("R", "") + " "
            begin = run.span.start + one.start + match.start()
            edits.append(Edit(begin, begin + len(match[0]), rest))
    return edits


def _without(world: World, run: Instruction) -> list[Edit]:
    """Take the whole instruction away, with its line end."""
    source = world.dockerfile.source.encode("utf-8", "surrogateescape")
    end = run.span.end
    if source[end : end + 2] == b"\r\n":
        end += 2
    elif source[end : end + 1] == b"\n":
        end += 1
    return [Edit(run.span.start, end, "")]
