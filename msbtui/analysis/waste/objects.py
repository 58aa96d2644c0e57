"""`build-objects`: what compilers and build systems leave on the way to the result."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msbtui.analysis.waste.buildtree import OBJECTS, is_object
from msbtui.analysis.waste.kind import Draft, WasteKind
from msbtui.analysis.waste.scene import Scene

_RUST_PARTS = ("deps", "build", "incremental", ".fingerprint", "examples")
_RUST_ENDS = (".d", ".rlib", ".rmeta")
"""Lists of sources, and libraries that only rustc reads (Cargo, "Build cache")."""
_START_OBJECTS = re.compile(r"(.*crt[1in]|crt.*|.*crt0|no_exec|.*start)\.o")
"""The C library's and compiler's own objects, which linking needs: they go with the compiler."""


def find(scene: Scene) -> Iterator[Draft]:
    """Give one draft for each layer."""
    table = scene.table
    certain: set[int] = set()
    likely: set[int] = set()
    for info in scene.named_files(".rustc_info.json"):
        target = info.path.rpartition("/")[0]
        for name in scene.names_in(target):
            for profile in (f"{target}/{name}", *(f"{target}/{name}/{sub}" for sub in scene.names_in(f"{target}/{name}"))):
                for part in _RUST_PARTS:
                    certain.update(scene.below(f"{profile}/{part}"))
                if scene.is_directory(f"{profile}/.fingerprint"):
                    beside = scene.names_in(profile)
                    certain.update(pid for name, pid in beside.items() if name.endswith(_RUST_ENDS) or name == ".cargo-lock")
        certain.add(info.pid)
        certain.update(pid for name, pid in scene.names_in(target).items() if name == "CACHEDIR.TAG")
    for cache in scene.named_files("CMakeCache.txt"):
        certain.add(cache.pid)
        certain.update(scene.below(f"{cache.path.rpartition('/')[0]}/CMakeFiles"))
    for status in scene.named_files("config.status"):
        log = scene.file(f"{status.path.removesuffix('.status')}.log")
        if log is not None and status.pid not in scene.owned:
            certain.update((status.pid, log.pid))
    certain.update(pid for pid in scene.named(".ninja_deps", ".ninja_log") if pid not in scene.owned)
    for pid in scene.named("setup.py", "pyproject.toml"):
        place = table.paths[table.parents[pid]]
        for name in scene.names_in(f"{place}/build"):
            if name.startswith(("temp.", "bdist.")):
                certain.update(scene.below(f"{place}/build/{name}"))
    for pid in scene.with_suffix(*OBJECTS):
        if pid not in scene.owned and not _START_OBJECTS.fullmatch(scene.names[pid]) and is_object(scene, pid):
            elf = scene.elf(scene.live(pid).key)
            (certain if elf is not None and elf.kind == "ET_REL" else likely).add(pid)
    # A dependency list is one only beside what the same compiler call made.
    for pid in scene.with_suffix("d"):
        stem = table.paths[pid][:-2]
        if any((other := table.id_of(stem + end)) is not None and other in certain | likely for end in (".o", ".lo", ".obj")):
            certain.add(pid)
    for confidence, pids in (("A", certain), ("B", likely - certain)):
        for layer, rows in scene.by_layer(pids):
            yield Draft(layer, rows, confidence, noun="object or build file")


KIND = WasteKind(
    id="build-objects",
    title="Objects and build files",
    explanation="Object files and a build system's own files are steps on the way to the program, which does not read them.",
    advice="Build in a first stage and copy the result only; or delete them in the RUN that makes them.",
    find=find,
)
