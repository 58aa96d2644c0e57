"""`debug-symbols`: what debuggers read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msbtui.analysis.waste.compilers import package_entries
from msbtui.analysis.waste.kind import Draft, WasteKind
from msbtui.analysis.waste.scene import Scene
from msbtui.image.model import Kind
from msbtui.text import size

_FILE = re.compile(r"usr/lib/debug/.+|.+\.debug|.+\.dSYM/.+|.+\.dwp")
_PACKAGE = re.compile(r".+-(dbg|dbgsym|debuginfo|debugsource)")
_LEAST = 256 << 10
"""Bytes of symbols in one program that are worth a word."""


def find(scene: Scene) -> Iterator[Draft]:
    """Give separate debug files (certain), and symbols inside programs that no package owns (a hint, with no whole entry)."""
    files = {file.key: file for file in scene.files if _FILE.fullmatch(file.path) and scene.elf(file.key) is not None}
    keys = {layer: [file.key for file in group] for layer, group in scene.by_layer(files.values())}
    for package in scene.packages.installed.values():
        if _PACKAGE.fullmatch(package.name):
            for entry in package_entries(scene, package):
                keys.setdefault(entry[0], []).append(entry)
    for layer, entries in sorted(keys.items()):
        yield Draft(layer, list(dict.fromkeys(entries)), "", "A", subject="Debug symbols")
    for file in scene.files:
        if file.layer < scene.base.layers or scene.kind(file.key) is not Kind.FILE or file.key in files:
            continue
        elf = scene.elf(file.key)
        if elf is not None and elf.debug_bytes >= _LEAST and elf.kind != "ET_REL" and scene.packages.owner(file.path) is None:
            title = f"/{file.path} holds {size(elf.debug_bytes)} of symbols and debug information"
            advice = "Strip it: `strip`, `go build -ldflags='-s -w'`, `strip = true` in Cargo.toml's release profile."
            yield Draft(
                file.layer, [], title, "C", paths=[file.path], advice=advice, size=min(elf.debug_bytes, scene.size(file.key))
            )


KIND = WasteKind(
    id="debug-symbols",
    title="Debug symbols",
    explanation="Symbols and debug information tell a debugger which line made which instruction. The program runs without them.",
    advice="Leave out debug packages, and keep separate debug files outside the image.",
    find=find,
)
