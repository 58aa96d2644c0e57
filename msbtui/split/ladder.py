"""The ladder from the smallest sound split to a clean-up in place, and what each rung risks (splitting.md 3.2, point 10)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from msbtui.image.model import Kind
from msbtui.split.installs import Dependencies, is_build_package, wanted_by_name
from msbtui.split.judge import LIBRARY_TREE, Judge
from msbtui.split.keep import Kept
from msbtui.split.model import Plan, Rung
from msbtui.split.view import View, inside

SELECTIVE, TREES, EVERYTHING, IN_PLACE = "selective", "trees", "everything", "in-place"
RUNGS = (SELECTIVE, TREES, EVERYTHING, IN_PLACE)
"""Smallest first."""
WHAT = {
    SELECTIVE: "only what starts, what that reaches, and what nothing speaks against",
    TREES: "the application's directories and the language's library directories whole, sources included",
    EVERYTHING: "the original's base, and everything new but build packages, caches and build trees",
    IN_PLACE: "no second stage: the same lines, cleaning up after themselves",
}
RISKS = {
    SELECTIVE: "a file that is read under a name put together at run time may be missing",
    TREES: "a file outside of these directories, or of a package that nothing names, may be missing",
    EVERYTHING: "what was thought to serve building only may be called after all",
    IN_PLACE: "none for what runs: only package lists and caches go",
}
_HISTORY = re.compile(r"(.*/)?(\.git|\.hg|\.svn)(/.*|\Z)")
OUTSIDE = re.compile(
    r"(proc|sys|dev|run|tmp|var/tmp|var/run|var/log|var/cache|var/lib/(dpkg|apt))(/.*|\Z)"
    r"|etc/(passwd|group|shadow|gshadow|subuid|subgid)-?|etc/ld\.so\.cache|\.dockerenv"
)
"""What the container runtime, the accounts and the package manager make anew."""
_OF_BUILDING = ("caches", "cache of", "compiler", "objects of", "debug symbols", "state of", "devices", "made by the packages")
"""Beginnings of reasons for leaving something behind that hold on every rung."""


def order(prefer: str) -> tuple[str, ...]:
    """Give the rungs in the order to try them: `small` starts with the smallest, `safe` with whole directories."""
    return RUNGS if prefer == "small" else RUNGS[1:]


class Wider(msgspec.Struct, frozen=True):
    """What is kept beside what evidence found needed: by the rung, and by the names that checks of a built image gave."""

    rung: str = SELECTIVE
    paths: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    opened: Mapping[str, str] = {}
    """Paths that the original was seen to open, and when."""


def widen(kept: Kept, view: View, judge: Judge, wider: Wider) -> None:
    """Keep more than `gather` found needed: what the rung keeps whole, and the paths and packages that are given by name.

    A path is added with all that lies below it, whatever speaks against it; a package by one of its files.
    """
    before = set(kept.paths), set(kept.owned), set(kept.of_base)
    if wider.rung in (TREES, EVERYTHING):
        trees = sorted({*judge.app_trees, *(place for place in judge.places if not judge._of_system(place))})
        for path in view.below(""):
            tree = _tree(trees, path)
            if tree and _content(view, path) and not _HISTORY.fullmatch(path) and not OUTSIDE.fullmatch(path):
                verdict = judge.verdict(path)
                if verdict is None or not verdict.why.startswith(_OF_BUILDING):
                    _add(kept, view, path, f"/{tree} is kept whole")
    if wider.rung == EVERYTHING:
        for reason, left in list(kept.left.items()):
            if not reason.startswith(_OF_BUILDING):
                for path in left:
                    if not judge.in_build_tree(path) and not _HISTORY.fullmatch(path):
                        _add(kept, view, path, "everything new is kept")
        base = view.packages.at(view.base_layers - 1) if view.base_layers else {}
        for name, package in view.packages.installed.items():
            if name not in base and not is_build_package(package):
                _package(kept, view, name, "every package that is not for building only is kept")
    if wider.rung in (TREES, EVERYTHING):
        for name, by in _of_development(view):
            _package(kept, view, name, f"the library of {by}, which a program may open by name")
    for name in wider.packages:
        _package(kept, view, name, "a check of the built image found that it is needed")
    for path in filter(None, wider.paths):
        _add(kept, view, path, "a check of the built image found that it is needed")
        if view.is_dir(path):
            for inner in view.below(path):
                if _content(view, inner):
                    _add(kept, view, inner, f"a check of the built image found that /{path} is needed")
    for path, why in wider.opened.items():
        if kept.cautious.pop(path, None) is not None:
            kept.paths[path] = why
        _add(kept, view, path, why)
    if (set(kept.paths), set(kept.owned), set(kept.of_base)) != before:
        kept._close()
        for reason, left in list(kept.left.items()):
            kept.left[reason] = [path for path in left if path not in kept.paths]


def _of_development(view: View) -> Iterator[tuple[str, str]]:
    """Give the libraries that development packages which the author named brought along: (library, development package)."""
    before = view.packages.at(view.base_layers - 1) if view.base_layers else {}
    dependencies = Dependencies(view.packages.installed)
    for package in wanted_by_name(view, before):
        if package.name.endswith(("-dev", "-devel")):
            for name in dependencies.direct(package.name):
                if name not in before and not is_build_package(view.packages.installed[name]):
                    yield name, package.name


def _content(view: View, path: str) -> bool:
    return bool(path) and view.is_new(path) and not (view.is_dir(path) and view.children(path))


def _add(kept: Kept, view: View, path: str, why: str) -> None:
    if view.is_dir(path):
        if view.is_new(path) and not view.children(path):
            kept.paths.setdefault(path, why)
        return
    if view.kind(path) in (Kind.FILE, Kind.HARD_LINK, Kind.SYMLINK):
        kept.need(path, why, direct=True)


def _package(kept: Kept, view: View, name: str, why: str) -> None:
    package = view.packages.installed.get(name)
    for path in package.files if package else ():
        found = view.canonical(path)
        if found is not None and not view.is_dir(found) and view.exists(found):
            kept.need(found, why, direct=True)
            return


def _tree(trees: Sequence[str], path: str) -> str:
    """Give the whole-kept directory that a path lies in, or an empty text."""
    if found := LIBRARY_TREE.fullmatch(path):
        return f"{found[1] or ''}{found[2]}"
    return next((tree for tree in trees if inside(path, tree)), "")


def rungs(plan: Plan, others: Callable[[str], Plan]) -> tuple[Rung, ...]:
    """Give every rung with its estimated size; `others` makes a rung's plan. A rung without a plan of its own is left out."""
    found: list[Rung] = []
    for name in RUNGS if plan.decision in ("split", "in-place") else ():
        made = plan if name == plan.rung else others(name)
        if made.dockerfile and made.rung == name:
            found.append(Rung(name, WHAT[name], RISKS[name], made.size_after.estimated, name == plan.rung))
    return tuple(found)
