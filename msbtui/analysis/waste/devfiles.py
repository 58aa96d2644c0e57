"""`dev-files`: headers, static libraries and link helpers that only compiling reads."""

from __future__ import annotations

from collections.abc import Iterator

from msbtui.analysis.waste.kind import Draft, WasteKind
from msbtui.analysis.waste.scene import Scene
from msbtui.regex import regex

_INCLUDE = regex(r"(usr|usr/local|opt/[^/]+|usr/local/[^/]+)/include")
_ELSEWHERE = regex(r"(^|/)(site-packages|dist-packages|node_modules|pkg/mod|go/pkg|toolchains|vendor)(/|$)")
_PYTHON_BUILD = regex(r"(?:.*/)?include/python\d[^/]*/pyconfig\.h")


def find(scene: Scene) -> Iterator[Draft]:
    """Give one draft for each layer; what packages own for building is told of as `compiler`."""
    table, names = scene.table, scene.names
    found: list[int] = []
    for pid in scene.directories_named("include"):
        if _INCLUDE.fullmatch(table.paths[pid]):
            found += table.live_below(pid)
    found += [pid for pid in scene.with_suffix("a") if _is_static(names[pid])]
    found += scene.with_suffix("la")
    found += scene.where(scene.with_suffix("pc"), lambda directory: directory.endswith("pkgconfig"))
    found += scene.where(scene.with_suffix("cmake"), lambda directory: "cmake" in directory.split("/"))
    found += scene.where(scene.with_suffix("m4"), lambda directory: directory.endswith("aclocal"))
    # Python's sysconfig reads pyconfig.h when a program asks it (CPython, Lib/sysconfig.py).
    others = scene.owned.union(pid for pid in scene.named("pyconfig.h") if _is_pythons(table.paths[pid]))
    if not others.isdisjoint(found):
        found = [pid for pid in found if pid not in others]
    for layer, rows in scene.by_layer(scene.where(found, lambda directory: not _ELSEWHERE.search(directory))):
        yield Draft(layer, rows, "B", subject="Headers, static libraries and link helpers", noun="file")


def _is_pythons(path: str) -> bool:
    return _PYTHON_BUILD.fullmatch(path) is not None


def _is_static(name: str) -> bool:
    return name.startswith("lib") and name.endswith(".a") and not name.endswith(".dll.a")


KIND = WasteKind(
    id="dev-files",
    title="Headers and static libraries",
    explanation="Headers, static libraries and link helpers are read by compilers and linkers, not by programs.",
    advice="Copy only the shared libraries and programs into the final stage.",
    find=find,
)
