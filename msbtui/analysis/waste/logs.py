"""`log-temp`: logs, temporary files, and backups that package tools keep."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msbtui.analysis.waste.kind import Draft, WasteKind
from msbtui.analysis.waste.scene import Scene

_TEMPORARY = re.compile(r"(tmp|var/tmp)/.+")
_LEFT = re.compile(
    r"var/log/(.+\.(log|gz|old|\d+)|apt/.+|(btmp|wtmp|lastlog|faillog)|[^/]*\.log)"
    r"|var/cache/(debconf/.+-old|ldconfig/aux-cache|fontconfig/.+|man/.+)"
    r"|var/lib/(dpkg/[a-z]+-old|aptitude/pkgstates\.old|apt/periodic/.+)"
)
_CORE = re.compile(r"core(\.\d+)?")


def find(scene: Scene) -> Iterator[Draft]:
    """Give one draft for each layer."""
    found = []
    for file in scene.files:
        if file.path in scene.needs.files or _is_named(scene, file.path):
            continue
        elf = scene.elf(file.key) if _CORE.fullmatch(file.name) else None
        if _TEMPORARY.fullmatch(file.path) or _LEFT.fullmatch(file.path) or (elf is not None and elf.kind == "ET_CORE"):
            found.append(file)
    for layer, group in scene.by_layer(found):
        yield Draft(layer, [file.key for file in group], "", "A", subject="Logs and temporary files")


def _is_named(scene: Scene, path: str) -> bool:
    """A program below /tmp that starts there, with all that lies beside it, is no temporary file."""
    directory = path.rpartition("/")[0]
    starts = (start.rpartition("/")[0] for start in scene.needs.entrypoints)
    return any(
        start and (directory == start or directory.startswith(start + "/"))
        for start in starts
        if start.startswith(("tmp", "var/tmp"))
    )


KIND = WasteKind(
    id="log-temp",
    title="Logs and temporary files",
    explanation="What the build wrote to logs and temporary directories tells of the build; a container starts its own.",
    advice="Delete it in the same RUN, or mount /tmp while building: RUN --mount=type=tmpfs,target=/tmp.",
    find=find,
)
