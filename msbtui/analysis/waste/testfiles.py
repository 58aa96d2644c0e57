"""`tests`: test suites of installed libraries."""

from __future__ import annotations

from collections.abc import Iterator

from msbtui.analysis.waste.kind import Draft, WasteKind
from msbtui.analysis.waste.scene import Scene
from msbtui.regex import regex

_PYTHON = regex(
    r"(.*/)?(?:(?:site|dist)-packages/(?:[^/]+/)+(?:tests?|testing_data)|lib/python3[^/]*/(?:test|idlelib/idle_test|[^/]+/tests?))"
)
_NODE = regex(r"(.*/)?node_modules/(?:.+/)?(?:__tests__|tests?)")
_RUBY = regex(r"(.*/)?gems/[^/]+/(?:spec|tests?)")


def find(scene: Scene) -> Iterator[Draft]:
    """Give one draft for each layer: Python's by path and content, Node's and Ruby's as a hint."""
    table = scene.table
    seen: set[int] = set()
    groups: dict[str, list[int]] = {"B": [], "C": []}
    for name in ("test", "tests", "idle_test", "testing_data", "__tests__", "spec"):
        for pid in scene.directories_named(name):
            path = table.paths[pid]
            if _PYTHON.fullmatch(path) and _holds_tests(scene, pid):
                groups["B"].append(pid)
            elif (_NODE if name != "spec" else _RUBY).fullmatch(path) or _RUBY.fullmatch(path):
                groups["C"].append(pid)
    for confidence, places in groups.items():
        pids = {pid for place in places for pid in table.live_below(place)} - seen
        seen |= pids
        for layer, rows in scene.by_layer(pids):
            yield Draft(layer, rows, confidence, subject="Test suites of libraries", noun="file")


def _holds_tests(scene: Scene, pid: int) -> bool:
    paths = scene.table.paths
    init, start = scene.table.id_of(f"{paths[pid]}/__init__.py"), len(paths[pid]) + 1
    if init is not None and scene.table.is_live(init):
        return True
    return any(paths[child].startswith("test_", start) for child in scene.table.live_in(pid))


KIND = WasteKind(
    id="tests",
    title="Tests of libraries",
    explanation="Many libraries install their own test suites. A program that uses the library does not import them.",
    advice="Delete them in the RUN that installs the library, or install in a build stage and copy without them.",
    find=find,
    spares_below=True,
)
