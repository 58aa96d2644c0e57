"""`dev-files`: headers, static libraries and link helpers that only compiling reads."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msbtui.analysis.waste.kind import Draft, WasteKind
from msbtui.analysis.waste.scene import Scene

_INCLUDE = re.compile(r"(usr|usr/local|opt/[^/]+|usr/local/[^/]+)/include/.+")
_HELPER = re.compile(r"(?:.*/)?(?:pkgconfig/[^/]+\.pc|cmake/(?:.*/)?[^/]+\.cmake|[^/]+\.la|aclocal/[^/]+\.m4)")
_ELSEWHERE = re.compile(r"(^|/)(site-packages|dist-packages|node_modules|pkg/mod|go/pkg|toolchains|vendor)(/|$)")
_PYTHON_BUILD = re.compile(r"(?:.*/)?include/python\d[^/]*/pyconfig\.h")


def find(scene: Scene) -> Iterator[Draft]:
    """Give one draft for each layer; what packages own for building is told of as `compiler`."""
    found = []
    for file in scene.files:
        path = file.path
        if _ELSEWHERE.search(path) or path in scene.needs.files:
            continue
        if not (_INCLUDE.fullmatch(path) or _HELPER.fullmatch(path) or _is_static(file.name)):
            continue
        # Python's sysconfig reads pyconfig.h when a program asks it (CPython, Lib/sysconfig.py).
        if _PYTHON_BUILD.fullmatch(path) or scene.packages.owner(path) is not None:
            continue
        found.append(file)
    for layer, group in scene.by_layer(found):
        yield Draft(
            layer,
            [file.key for file in group],
            "",
            "B",
            subject="Headers, static libraries and link helpers",
            noun="file",
        )


def _is_static(name: str) -> bool:
    return name.startswith("lib") and name.endswith(".a") and not name.endswith(".dll.a")


KIND = WasteKind(
    id="dev-files",
    title="Headers and static libraries",
    explanation="Headers, static libraries and link helpers are read by compilers and linkers, not by programs.",
    advice="Copy only the shared libraries and programs into the final stage.",
    find=find,
)
