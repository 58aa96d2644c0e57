"""`debug-symbols`: what debuggers read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msbtui.analysis.waste.compilers import package_pids
from msbtui.analysis.waste.kind import Draft, WasteKind, count
from msbtui.analysis.waste.scene import Scene
from msbtui.text import size

_PACKAGE = re.compile(r".+-(dbg|dbgsym|debuginfo|debugsource)")
_LEAST = 256 << 10
"""Bytes of symbols in one program that are worth a word."""


def find(scene: Scene) -> Iterator[Draft]:
    """Give separate debug files (certain), and symbols inside programs that no package owns (a hint, with no whole entry)."""
    certain = {pid for pid in _separate(scene) if scene.elf(scene.live(pid).key) is not None}
    entries: dict[int, list[int]] = {}
    for layer, rows in scene.by_layer(certain):
        entries.setdefault(layer, []).extend(rows)
    for package in scene.packages.installed.values():
        if _PACKAGE.fullmatch(package.name):
            for layer, rows in scene.by_layer(package_pids(scene, package)):
                entries.setdefault(layer, []).extend(rows)
    for layer, rows in sorted(entries.items()):
        yield Draft(layer, rows, "A", subject="Debug symbols")
    windows = scene.with_suffix("pdb", "dwp")
    for layer, rows in scene.by_layer(pid for pid in windows if pid not in certain and pid not in scene.owned):
        yield Draft(layer, rows, "B", subject="Debug symbols", noun="file")
    yield from _inside_programs(scene, certain)


def _inside_programs(scene: Scene, separate: set[int]) -> Iterator[Draft]:
    """Give one draft for each layer, of the programs and libraries that hold enough for a word."""
    by_layer: dict[int, list[tuple[int, str]]] = {}
    for file in scene.programs:
        elf = scene.elf(file.key) if file.pid not in separate else None
        if elf is not None and elf.debug_bytes >= _LEAST and elf.kind != "ET_REL" and file.pid not in scene.owned:
            by_layer.setdefault(file.layer, []).append((min(elf.debug_bytes, scene.size(file.key)), file.path))
    for layer, held in sorted(by_layer.items()):
        held.sort(key=lambda one: (-one[0], one[1]))
        total = sum(part for part, _ in held)
        title = f"/{held[0][1]} holds {size(held[0][0])} of symbols and debug information"
        if len(held) > 1:
            title += f", and {count(len(held) - 1, 'more file')} {size(total - held[0][0])}"
        advice = "Strip it: `strip`, `go build -ldflags='-s -w'`, `strip = true` in Cargo.toml's release profile."
        yield Draft(layer, [], "C", title, paths=[path for _, path in held], advice=advice, size=total)


def _separate(scene: Scene) -> Iterator[int]:
    yield from scene.with_suffix("debug", "dwp")
    yield from scene.below("usr/lib/debug")
    for pid in (*scene.directories_with_suffix("dsym"), *scene.directories_named(".dSYM")):
        if scene.names[pid].endswith(".dSYM"):
            yield from scene.table.live_below(pid)


KIND = WasteKind(
    id="debug-symbols",
    title="Debug symbols",
    explanation="Symbols and debug information tell a debugger which line made which instruction. The program runs without them.",
    advice="Leave out debug packages, and keep separate debug files outside the image.",
    find=find,
)
