"""Cures as edits: each finding that can be cured in place gets a patch that keeps every untouched byte."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from msbtui.analysis.cure.append import append_removal
from msbtui.analysis.cure.cleanup import clean_ups
from msbtui.analysis.cure.ignorefile import ignore_lines, ignored_text
from msbtui.analysis.cure.merge import merged_runs
from msbtui.analysis.cure.model import KINDS, Cure, Lines, Removal, World
from msbtui.analysis.cure.mounts import cache_mounts
from msbtui.analysis.cure.ownership import copy_flags
from msbtui.analysis.cure.recommends import without_recommends
from msbtui.analysis.cure.textual import text_cures
from msbtui.dockerfile.edit import Edit, apply
from msbtui.dockerfile.graph import build_graph
from msbtui.dockerfile.parser import parse
from msbtui.errors import UsageError

__all__ = ["KINDS", "Cure", "Lines", "Removal", "World", "cured", "find_cures", "find_text_cures", "ignored_text"]

_KINDS = (clean_ups, copy_flags, merged_runs, ignore_lines, cache_mounts, without_recommends)


class Cured(msgspec.Struct, frozen=True):
    """A Dockerfile with cures made."""

    data: bytes
    """The file as it is to be, every byte outside the edits as it was."""
    made: tuple[Cure, ...]
    left: tuple[tuple[Cure, str], ...] = ()
    """Cures that did not go together with those made, and why."""

    @property
    def ignore_lines(self) -> tuple[str, ...]:
        """Lines for the `.dockerignore`."""
        return tuple(dict.fromkeys(line for cure in self.made for line in cure.ignore_lines))


def find_cures(world: World) -> tuple[Cure, ...]:
    """Give the cures that stand on evidence, what saves most first, each with an id; never raises for any Dockerfile.

    A finding's cure bears its id; where it has several, the optional ones bear a letter more: `A2`, `A2m` (mount).
    """
    return _named([cure for kind in _KINDS for cure in kind(world)])


def find_text_cures(lines: Lines) -> tuple[Cure, ...]:
    """Give the cures whose evidence is the Dockerfile's text alone, in order of lines, each with an id; none has a known size."""
    return _named(sorted(text_cures(lines), key=lambda cure: cure.line))


def _named(found: Sequence[Cure]) -> tuple[Cure, ...]:
    """Give the cures with their ids, those first that are made without being named, then by what they save."""
    usual = {name: cure.saves for cure in found if not cure.optional for name in cure.findings}
    named: list[Cure] = []
    taken: set[str] = set()
    for cure in found:
        first = cure.findings[0] if cure.findings else f"L{cure.line}"
        letter = {"cache-mount": "m", "no-recommends": "r", "copy-not-add": "c"}.get(cure.kind, "")
        # A cache that no RUN may empty, or hardly any, has the mount for its cure: made without being named.
        if cure.kind == "cache-mount" and cure.sized and sum(usual.get(name, 0) for name in cure.findings) * 2 < cure.saves:
            cure, letter = msgspec.structs.replace(cure, optional=False), ""
        name = f"{first}{letter}"
        first, number = name, 1
        while name in taken:
            number += 1
            name = f"{first}.{number}" if not cure.findings else f"{name}x"
        taken.add(name)
        named.append(msgspec.structs.replace(cure, id=name))
    return tuple(sorted(named, key=lambda cure: (cure.optional, -cure.saves, cure.line, cure.id)))


def cured(world: Lines, cures: Sequence[Cure]) -> Cured:
    """Make cures, the first ones first; one that does not go together with those before is left out, with the reason.

    The result is parsed again: an edit after which BuildKit would find an error that it did not find before is left out too.
    """
    dockerfile = world.dockerfile
    before = len(build_graph(dockerfile).errors)
    made: list[Cure] = []
    left: list[tuple[Cure, str]] = []
    data = apply(dockerfile, [])
    saved: set[str] = set()
    for cure in cures:
        if saved.intersection(cure.findings):
            left.append((cure, "another cure of the same is made"))
            continue
        try:
            new = apply(dockerfile, _edits(world, [*made, cure]))
        except UsageError:
            left.append((cure, "it edits the same place as another cure"))
            continue
        if len(build_graph(parse(new, dockerfile.path)).errors) > before:
            left.append((cure, "its edit would not be sound here"))
            continue
        made.append(cure)
        saved.update(cure.findings)
        data = new
    return Cured(data, tuple(made), tuple(left))


def _edits(world: Lines, cures: Sequence[Cure]) -> list[Edit]:
    """Give all edits, with the deletions of one RUN as one command."""
    edits = [edit for cure in cures for edit in cure.edits]
    removals: dict[int, dict[str, None]] = {}
    prefixes: dict[int, str] = {}
    for cure in cures:
        for removal in cure.removals:
            removals.setdefault(removal.instruction, {}).update(dict.fromkeys(removal.targets))
            prefixes[removal.instruction] = removal.prefix
    for index, targets in removals.items():
        instruction = world.dockerfile.instructions[index]
        now = world.situation(instruction)
        shell = now.shell if now is not None else ()
        edit = append_removal(world.dockerfile, instruction, list(targets), shell, prefixes[index])
        if edit is None:
            raise UsageError("nothing can be added to this RUN", where=world.dockerfile.path)
        # Before what replaces the line end, where RUNs are merged.
        edits.insert(0, edit)
    return edits
