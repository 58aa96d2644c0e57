"""`unpacked-archive`: archives that stay after they were unpacked."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msbtui.analysis.waste.kind import Draft, WasteKind
from msbtui.analysis.waste.scene import Scene
from msbtui.regex import regex

_ARCHIVE = regex(r".+\.(tar|tar\.(gz|xz|bz2|zst|lz)|tgz|txz|tbz2?|zip|deb|rpm|whl|7z)", re.IGNORECASE)
_UNPACK = regex(
    r"\btar\s+(?:-?[a-zA-Z]{0,8}x[a-zA-Z]{0,8}(?![\w.-])|--extract|--get|[^;&|]{1,200}?\s(?:-[a-zA-Z]{0,8}x[a-zA-Z]{0,8}(?![\w.-])|--extract\b))"
    r"|\b(?:unzip|gdebi|7z\s+x|bsdtar)\b|\bdpkg\s[^;&|]{0,200}?(?:-i|--install)\b|\bapt(?:-get)?\s[^;&|]{0,400}?\./"
    r"|\brpm\s+-[a-zA-Z]{0,8}[iU]|\bpip3?\s+install\b"
)
_KEPT = regex(r"(^|/)(ensurepip/_bundled|var/cache/apt|var/lib/dpkg|node_modules|share|testdata|tests?)(/|$)")
_SUFFIXES = ("tar", "gz", "xz", "bz2", "zst", "lz", "tgz", "txz", "tbz", "tbz2", "zip", "deb", "rpm", "whl", "7z")
_LEAST = 4096
_TEXT_LIMIT = 64 << 10


def find(scene: Scene) -> Iterator[Draft]:
    """Give one draft for each archive: B where an instruction unpacks it by name, C where one unpacks something there."""
    table, words = scene.table, dict[int, set[str]]()
    pids = scene.where(scene.with_suffix(*_SUFFIXES), lambda directory: not _KEPT.search(directory))
    for pid in pids:
        if table.row_costs[table.live_rows[pid]] < _LEAST or pid in scene.owned:
            continue
        file = scene.live(pid)
        if not _ARCHIVE.fullmatch(file.name) or f"/{file.path}" in scene.needs.words:
            continue
        if not words:
            words = {layer: _unpacked_words(scene.instruction_text(layer)) for layer in range(table.layers)}
        named = {file.name, f"*.{file.name.rpartition('.')[2]}"}
        if any(not named.isdisjoint(words[layer]) for layer in range(file.layer, table.layers)):
            yield Draft(file.layer, [file.row], "B", subject=f"/{file.path}", paths=[file.path])
        elif words[file.layer]:
            yield Draft(file.layer, [file.row], "C", subject=f"/{file.path}", paths=[file.path])


def _unpacked_words(text: str) -> set[str]:
    """Give the last path parts of the words of an instruction that unpacks something; empty where it does not."""
    text = text[:_TEXT_LIMIT]
    if not _UNPACK.search(text):
        return set()
    return {word.rpartition("/")[2] for word in re.split(r"[\s;|&<>()'\"=]+", text)} | {""}


KIND = WasteKind(
    id="unpacked-archive",
    title="Archive after unpacking",
    explanation="What was in the archive is in the image twice: packed and unpacked.",
    advice="Fetch, unpack and delete in one RUN (or pipe the download into tar), or ADD a local tar, which unpacks it.",
    find=find,
)
