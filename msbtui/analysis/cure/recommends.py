"""`apt-get install --no-install-recommends`: without what packages only recommend (apt.conf(5), APT::Install-Recommends)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msbtui.analysis.cure.model import Cure, World
from msbtui.analysis.situation import Situation
from msbtui.dockerfile.edit import Edit, insert
from msbtui.dockerfile.recognise import PackageCommand, package_command
from msbtui.dockerfile.shell import Command
from msbtui.image.model import Kind
from msbtui.image.packages import Package

KEPT = ("ca-certificates", "netbase", "tzdata")
"""Recommended packages that a program misses only when it runs: named in the line, they stay."""
_OPTION = "--no-install-recommends"
_LEAST = 100_000
"""Bytes below which the change is not worth its risk."""


def without_recommends(world: World) -> Iterator[Cure]:
    """Give, for each RUN that installs with apt, the option with what it would leave out; only made when asked for."""
    for now in world.chain:
        layer = world.layer_of.get(now.instruction.index)
        if layer is None or now.instruction.keyword != "RUN":
            continue
        found = [one for one in now.commands(world.dockerfile.escape) if not one.nested]
        installs = [
            (one, read)
            for one in found
            if (read := package_command(one)) is not None and read.manager == "apt" and read.action == "install"
        ]
        if not installs or any(_OPTION in read.flags or not read.complete for _, read in installs):
            continue
        if any(re.search("install-recommends", word, re.IGNORECASE) for one in found for word in one.words):
            continue
        cure = _cure(world, layer, now, installs)
        if cure is not None:
            yield cure


def _cure(world: World, layer: int, now: Situation, installs: Sequence[tuple[Command, PackageCommand]]) -> Cure | None:
    added = {package.name: package for package in world.packages.added(layer)}
    wanted = {each.name.partition(":")[0].partition("/")[0] for _, read in installs for each in read.packages}
    here = world.packages.at(layer)
    keep = [name for name in KEPT if name in added]
    needed = _closure(wanted | set(keep), here)
    spare = {name for name in added if name not in needed}
    # Other lines may ask for one of them by name, and find it here already.
    for other in world.later(now.instruction):
        words = set(re.findall(r"[a-z0-9][a-z0-9.+-]+", other.instruction.source))
        spare -= _closure(words & spare, here) if words & spare else set()
    kept = [name for name in keep if name not in _closure(wanted, here)]
    saves = _bytes(world, layer, spare)
    if saves < _LEAST:
        return None
    source = now.instruction.source.encode("utf-8", "surrogateescape")
    edits: list[Edit] = []
    for number, (one, _) in enumerate(installs):
        match = re.search(rb"(?<=[ \t])install(?=[ \t\\])", source[one.start : one.end])
        if match is None:
            return None
        more = "".join(f" {name}" for name in kept) if number == 0 else ""
        edits.append(insert(now.instruction.span.start + one.start + match.end(), f" {_OPTION}{more}"))
    names = sorted(spare)
    note = f"leaves out {', '.join(names[:6])}" + (f" and {len(names) - 6} more" if len(names) > 6 else "")
    line = now.instruction.span.first_line
    title = f"line {line}: apt-get install {_OPTION}" + (f" {' '.join(kept)}" if kept else "")
    return Cure("no-recommends", title, line, saves, (), tuple(edits), optional=True, note=f"{note}; try what the image runs")


def _closure(names: set[str], here: dict[str, Package]) -> set[str]:
    """Give the packages that these depend on, themselves included; of alternatives the first that is there."""
    provided: dict[str, list[str]] = {}
    for package in here.values():
        for each in package.provides:
            provided.setdefault(_name(each), []).append(package.name)
    found: set[str] = set()
    todo = list(names)
    while todo:
        name = todo.pop()
        candidates = [name] if name in here else provided.get(name, [])
        for candidate in candidates:
            if candidate in found:
                continue
            found.add(candidate)
            for clause in here[candidate].depends:
                words = [_name(word) for word in clause.split("|")]
                todo += next(([word] for word in words if word in here or word in provided), [])
    return found


def _name(clause: str) -> str:
    return re.split(r"[\s(:\[]", clause.strip(), maxsplit=1)[0]


def _bytes(world: World, layer: int, names: set[str]) -> int:
    table, entries = world.table, []
    index = table.index(layer)
    for entry, kind in enumerate(index.kinds):
        if kind not in (Kind.FILE, Kind.HARD_LINK):
            continue
        path = index.paths[entry]
        if path.startswith("var/lib/dpkg/info/"):
            owner = path.rpartition("/")[2].rpartition(".")[0].partition(":")[0]
        else:
            package = world.packages.owner(path)
            owner = package.name if package is not None else ""
        if owner in names:
            entries.append((layer, entry))
    return table.bytes_of(entries, whole_inodes=True)
