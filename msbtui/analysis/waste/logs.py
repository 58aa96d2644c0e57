"""`log-temp`: logs, temporary files, and backups that package tools keep."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msbtui.analysis.waste.kind import Draft, WasteKind
from msbtui.analysis.waste.scene import Scene
from msbtui.regex import regex

_TEMPORARY = ("tmp", "var/tmp")
_LEFT = {
    "var/log": regex(r"var/log/(.+\.(log|gz|old|\d+)|apt/.+|dnf.*|yum.*|installer/.+)"),
    "var/cache": regex(r"var/cache/(debconf/.+-old|ldconfig/aux-cache|fontconfig/.+|man/.+)"),
    "var/lib/dpkg": regex(r"var/lib/dpkg/[a-z]+-old"),
    "var/lib/aptitude": regex(r"var/lib/aptitude/pkgstates\.old"),
    "var/lib/apt/periodic": regex(r".+"),
}
_RECORDS = regex(r"var/log/(btmp|wtmp|lastlog|faillog)")
"""Records of log-ins, as long as the greatest user number times a record: sparse, if the archive says so (lastlog(8))."""
_WORTH = 1_000_000
"""Bytes from which logs and temporary files are told of as certain waste."""
_CORE = regex(r"core(\.\d+)?")


def find(scene: Scene) -> Iterator[Draft]:
    """Give one draft for each layer."""
    paths = scene.table.paths
    found = [pid for place in _TEMPORARY for pid in scene.below(place)]
    if found:
        found = scene.where(found, _unused(scene))
    for place, pattern in _LEFT.items():
        found += [pid for pid in scene.below(place) if pattern.fullmatch(paths[pid])]
    found += [pid for pid in scene.named("btmp", "wtmp", "lastlog", "faillog") if _RECORDS.fullmatch(paths[pid])]
    for file in scene.programs:
        if file.name.startswith("core") and _CORE.fullmatch(file.name):
            elf = scene.elf(file.key)
            if elf is not None and elf.kind == "ET_CORE":
                found.append(file.pid)
    for layer, rows in scene.by_layer(found):
        # Below that size nobody who built with care would clean up: strong enough to count, but nothing to insist on.
        confidence = "A" if scene.table.bytes_of_rows(rows) >= _WORTH else "B"
        yield Draft(layer, rows, confidence, subject="Logs and temporary files")


def _unused(scene: Scene) -> Callable[[str], bool]:
    """Say of a directory that no program below /tmp starts in it or above it: what lies beside such a one is not temporary."""
    starts = {start.rpartition("/")[0] for start in scene.needs.entrypoints if start.startswith(_TEMPORARY)}

    def unused(directory: str) -> bool:
        return not any(directory == start or directory.startswith(start + "/") for start in starts)

    return unused


KIND = WasteKind(
    id="log-temp",
    title="Logs and temporary files",
    explanation="What the build wrote to logs and temporary directories tells of the build; a container starts its own.",
    advice="Delete it in the same RUN, or mount /tmp while building: RUN --mount=type=tmpfs,target=/tmp.",
    find=find,
    spares_below=True,
)
