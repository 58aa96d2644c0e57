"""Trees in which something was compiled: where they are, and what shows that they are not needed any more."""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import lru_cache

import msgspec

from msbtui.analysis.waste.scene import Scene


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


MARKERS = _words(
    "go.mod Cargo.toml CMakeLists.txt Makefile makefile GNUmakefile configure configure.ac meson.build build.ninja "
    "pom.xml build.gradle build.gradle.kts WORKSPACE MODULE.bazel setup.py pyproject.toml build.zig stack.yaml "
    "dub.json SConstruct Package.swift binding.gyp"
)
SOURCE = re.compile(
    r".*\.(c|h|cc|cpp|cxx|c\+\+|hh|hpp|hxx|inl|ipp|tcc|m|mm|s|asm|go|rs|zig|d|f|f90|f95|for|ada|adb|ads|hs|lhs|ml|mli|nim|pyx|pxd|pxi"
    r"|java|kt|kts|scala|swift|cs|fs|vb|proto|y|l|yy|ll|in|ac|am|m4)",
    re.IGNORECASE,
)
BUILD_FILES = MARKERS | _words(
    "go.sum go.work go.work.sum Cargo.lock rust-toolchain rust-toolchain.toml build.rs config.h config.log "
    "config.status aclocal.m4 libtool ltmain.sh install-sh depcomp missing compile config.guess config.sub "
    "CMakeCache.txt cmake_install.cmake CMakePresets.json compile_commands.json meson_options.txt mvnw gradlew "
    "settings.gradle settings.gradle.kts gradle.properties vendor/modules.txt"
)
OBJECTS = ("o", "lo", "obj", "gcno", "gcda", "gch", "pch", "rmeta", "hi")
_SYSTEM = re.compile(r"(usr|etc|var|bin|sbin|lib|lib32|lib64|boot|dev|proc|sys|run)(/.*)?")
_USER_PARTS = re.compile(r"usr/(src|local/src)(/.*)?|var/(lib/jenkins|www|task|app)(/.*)?")


class Tree(msgspec.Struct):
    """A directory in which something was built."""

    path: str
    pids: list[int]
    """Path ids of its live files."""
    built: bool
    """Whether its objects lie there, or a binary that stays holds its paths."""


def build_trees(scene: Scene) -> list[Tree]:
    """Give the top-most directories with a build file; worked out once for a scene."""
    return scene.once("trees", lambda: _find(scene))


def _find(scene: Scene) -> list[Tree]:
    holders: dict[str, set[str]] = {}
    for marker in MARKERS:
        for pid in scene.named(marker):
            directory = scene.table.paths[scene.table.parents[pid]]
            if directory and not _is_system(directory) and pid not in scene.owned:
                holders.setdefault(directory, set()).add(marker)
    tops: list[str] = []
    for directory in sorted(holders, key=lambda path: path.split("/")):
        if not tops or not directory.startswith(tops[-1] + "/"):
            tops.append(directory)
    trees = []
    mentions = _mentioned_paths(scene)
    go = _starts_go(scene)
    for top in tops:
        if _in_dependency_cache(top):
            continue
        pids = scene.below(top)
        if not any(SOURCE.fullmatch(scene.names[pid]) for pid in pids):
            continue
        prefix = f"/{top}/"
        at = bisect_left(mentions, prefix)
        mentioned = at < len(mentions) and mentions[at].startswith(prefix)
        # Go's strings have no ends, and -trimpath leaves the paths out.
        built = mentioned or (go and "go.mod" in holders[top]) or any(is_object(scene, pid) for pid in pids)
        trees.append(Tree(top, pids, built))
    return trees


def _starts_go(scene: Scene) -> bool:
    """Say whether the container starts a Go program that no package owns."""
    started = (scene.file(path) for path in scene.needs.entrypoints)
    return any(
        (elf := scene.elf(file.key)) is not None and elf.language == "go"
        for file in started
        if file and file.pid not in scene.owned
    )


def is_source(name: str) -> bool:
    """Say whether a file of this name is read by compilers or build systems."""
    return SOURCE.fullmatch(name) is not None or name in BUILD_FILES


@lru_cache(maxsize=4096)
def _is_system(directory: str) -> bool:
    if _USER_PARTS.fullmatch(directory):
        return False
    return _SYSTEM.fullmatch(directory) is not None


def _in_dependency_cache(path: str) -> bool:
    """Modules that a package manager keeps are its cache, or installed: other kinds tell of them."""
    return bool(
        re.search(
            r"(^|/)(site-packages|dist-packages|node_modules|pkg/mod|registry|\.cargo|\.rustup|toolchains|\.m2|\.gradle)(/|$)",
            path,
        )
    )


def _mentioned_paths(scene: Scene) -> list[str]:
    """Absolute paths, sorted, in the strings of programs that no package owns: compilers write source paths there."""
    paths: set[str] = set()
    for file in scene.programs:
        elf = scene.elf(file.key)
        if elf is not None and elf.paths and elf.kind != "ET_REL" and file.pid not in scene.owned:
            paths.update(elf.paths)
    return sorted(paths)


def is_object(scene: Scene, pid: int) -> bool:
    """Say whether a file is what a compiler makes on the way: an object, a dependency list, coverage notes."""
    stem, dot, suffix = scene.names[pid].rpartition(".")
    if not dot or not stem or suffix not in OBJECTS:
        return False
    if suffix in ("o", "obj"):
        elf = scene.elf(scene.live(pid).key)
        return elf is None or elf.kind == "ET_REL"
    return True


def starts_inside(scene: Scene, tree: Tree) -> bool:
    """Say whether what the container starts lies in the tree."""
    prefix = f"{tree.path}/"
    return any(path.startswith(prefix) for path in scene.needs.entrypoints)
