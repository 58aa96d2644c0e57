"""`build-objects`: what compilers and build systems leave on the way to the result."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msbtui.analysis.waste.buildtree import is_object
from msbtui.analysis.waste.kind import Draft, WasteKind
from msbtui.analysis.waste.scene import LiveFile, Scene

_RUST_PARTS = ("deps", "build", "incremental", ".fingerprint", "examples")
_START_OBJECTS = re.compile(r"(.*crt[1in]|crt.*|.*crt0|no_exec|.*start)\.o")
"""The C library's and compiler's own objects, which linking needs: they go with the compiler."""


def find(scene: Scene) -> Iterator[Draft]:
    """Give one draft for each layer."""
    certain: dict[int, LiveFile] = {}
    likely: dict[int, LiveFile] = {}
    for info in scene.by_name.get(".rustc_info.json", ()):
        target = info.path.rpartition("/")[0]
        for name in scene.names_in(target):
            for profile in (f"{target}/{name}", *(f"{target}/{name}/{sub}" for sub in scene.names_in(f"{target}/{name}"))):
                for part in _RUST_PARTS:
                    certain.update((file.pid, file) for file in scene.below(f"{profile}/{part}"))
        certain[info.pid] = info
    for cache in scene.by_name.get("CMakeCache.txt", ()):
        place = cache.path.rpartition("/")[0]
        certain[cache.pid] = cache
        certain.update((file.pid, file) for file in scene.below(f"{place}/CMakeFiles"))
    for setup in (*scene.by_name.get("setup.py", ()), *scene.by_name.get("pyproject.toml", ())):
        place = setup.path.rpartition("/")[0]
        for name in scene.names_in(f"{place}/build"):
            if name.startswith(("temp.", "bdist.")):
                certain.update((file.pid, file) for file in scene.below(f"{place}/build/{name}"))
    for file in scene.files:
        if is_object(scene, file) and not _START_OBJECTS.fullmatch(file.name) and scene.packages.owner(file.path) is None:
            elf = scene.elf(file.key)
            (certain if elf is not None and elf.kind == "ET_REL" else likely)[file.pid] = file
    # Objects inside an installed library directory (site-packages, node_modules) may be loaded by a linker at run time.
    keep = scene.needs.files
    for confidence, files in (("A", certain), ("B", {pid: file for pid, file in likely.items() if pid not in certain})):
        for layer, group in scene.by_layer(file for file in files.values() if file.path not in keep):
            yield Draft(layer, [file.key for file in group], "", confidence, noun="object or build file")


KIND = WasteKind(
    id="build-objects",
    title="Objects and build files",
    explanation="Object files and a build system's own files are steps on the way to the program, which does not read them.",
    advice="Build in a first stage and copy the result only; or delete them in the RUN that makes them.",
    find=find,
)
