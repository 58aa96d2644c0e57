"""`tests`: test suites of installed libraries."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msbtui.analysis.waste.kind import Draft, WasteKind
from msbtui.analysis.waste.scene import Scene

_PYTHON = re.compile(
    r"(.*/)?(?:(?:site|dist)-packages/(?:[^/]+/)+(?:tests?|testing_data)|lib/python3[^/]*/(?:test|idlelib/idle_test|[^/]+/tests?))"
)
_NODE = re.compile(r"(.*/)?node_modules/(?:.+/)?(?:__tests__|tests?)")


def find(scene: Scene) -> Iterator[Draft]:
    """Give one draft for each layer: Python's by path and content, Node's as a hint."""
    table = scene.table
    sure: dict[int, None] = {}
    groups: dict[str, list[str]] = {"B": [], "C": []}
    for pid, path in enumerate(table.paths):
        name = path.rpartition("/")[2]
        if name not in ("test", "tests", "idle_test", "__tests__") or not table.is_directory(pid):
            continue
        if _PYTHON.fullmatch(path) and any(entry.startswith("test_") or entry == "__init__.py" for entry in scene.names_in(path)):
            groups["B"].append(path)
        elif _NODE.fullmatch(path):
            groups["C"].append(path)
    for confidence, places in groups.items():
        files = [
            file for place in places for file in scene.below(place) if file.pid not in sure and file.path not in scene.needs.files
        ]
        unique = {file.pid: file for file in files}
        sure.update(dict.fromkeys(unique))
        for layer, group in scene.by_layer(unique.values()):
            yield Draft(
                layer,
                [file.key for file in group],
                "",
                confidence,
                subject="Test suites of libraries",
                noun="file",
            )


KIND = WasteKind(
    id="tests",
    title="Tests of libraries",
    explanation="Many libraries install their own test suites. A program that uses the library does not import them.",
    advice="Delete them in the RUN that installs the library, or install in a build stage and copy without them.",
    find=find,
)
