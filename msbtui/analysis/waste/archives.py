"""`unpacked-archive`: archives that stay after they were unpacked."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msbtui.analysis.waste.kind import Draft, WasteKind
from msbtui.analysis.waste.scene import LiveFile, Scene

_ARCHIVE = re.compile(r".+\.(tar|tar\.(gz|xz|bz2|zst|lz)|tgz|txz|tbz2?|zip|deb|rpm|whl|7z)", re.IGNORECASE)
_UNPACK = re.compile(
    r"\b(tar\s|unzip\b|dpkg\s+(-\S+\s+)*(-i|--install)|apt(-get)?\s.*\./|rpm\s+-[a-zA-Z]*[iU]|bsdtar\b|7z\s+x|pip3?\s+install\b|gdebi\b)"
)
_KEPT = re.compile(r"(^|/)(ensurepip/_bundled|var/cache/apt|var/lib/dpkg|node_modules|share|testdata|tests?)(/|$)")
_LEAST = 4096


def find(scene: Scene) -> Iterator[Draft]:
    """Give one draft for each archive: B where an instruction unpacks it by name, C where one unpacks something there."""
    texts = [text if _UNPACK.search(text) else "" for text in map(scene.instruction_text, range(scene.table.layers))]
    for file in scene.files:
        if scene.size(file.key) < _LEAST or not _ARCHIVE.fullmatch(file.name) or _KEPT.search(file.path):
            continue
        if file.path in scene.needs.files or scene.packages.owner(file.path) is not None or f"/{file.path}" in scene.needs.words:
            continue
        confidence = _confidence(file, texts)
        if confidence:
            yield Draft(file.layer, [file.key], "", confidence, subject=f"/{file.path}")


def _confidence(file: LiveFile, texts: list[str]) -> str:
    later = texts[file.layer :]
    name, suffix = re.escape(file.name), re.escape(file.name.rpartition(".")[2])
    pattern = rf"(?<![\w.-])(?:\S*/)?(?:{name}|\*\.{suffix})(?![\w-])"
    if any(text and _UNPACK.search(text) and re.search(pattern, text) for text in later):
        return "B"
    return "C" if texts[file.layer] else ""


KIND = WasteKind(
    id="unpacked-archive",
    title="Archive after unpacking",
    explanation="What was in the archive is in the image twice: packed and unpacked.",
    advice="Fetch, unpack and delete in one RUN (or pipe the download into tar), or ADD a local tar, which unpacks it.",
    find=find,
)
