"""Which packages in a `node_modules` only developing needs, by the manifests of what is installed.

npm writes down which ones these are; yarn and pnpm do not. As these two do when they prune, the packages are followed from the
program's manifest through the manifests of those that it finds: what only `devDependencies` lead to is for developing.
Node.js, "Loading from node_modules folders": a name is looked for in the `node_modules` of each directory above, links followed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set

import msgspec

from msbtui.analysis.waste.scene import LiveFile, Scene

_WANTED = ("dependencies", "optionalDependencies", "peerDependencies")
_MOST = 50_000
"""Packages that are followed; a tree of more is no tree that people install."""
Read = Callable[[Scene, LiveFile], dict[str, object]]


class Tree(msgspec.Struct, frozen=True):
    """What a manifest's `devDependencies` lead to, and nothing else."""

    places: tuple[str, ...]
    """Directories of packages, as the table has them, links followed."""
    kept: tuple[str, ...]
    """Directories of packages that the program needs; some may lie below one of `places`."""
    complete: bool
    """Whether the manifest of each package that the program needs could be read."""


def development_tree(scene: Scene, manifest: LiveFile, started: Set[str], read: Read) -> Tree:
    """Give what only developing needs below a manifest's directory. `started` are names that the start command runs."""
    root = manifest.path.removesuffix("package.json").rstrip("/")
    facts = [read(scene, manifest)]
    homes = [root]
    for other in scene.named_files("package.json"):
        home = other.path.removesuffix("package.json").rstrip("/")
        # Packages of a workspace share the directory above them.
        if home != root and home.startswith(f"{root}/" if root else "") and "node_modules/" not in f"{home}/":
            facts.append(read(scene, other))
            homes.append(home)
    wanted = [(home, name) for home, one in zip(homes, facts, strict=True) for name in _names(one, _WANTED)]
    wanted += [(root, name) for name in started]
    development = [(home, name) for home, one in zip(homes, facts, strict=True) for name in _names(one, ("devDependencies",))]
    needed, complete = _closure(scene, root, wanted, read)
    found, _ = _closure(scene, root, development, read)
    return Tree(tuple(sorted(found - needed)), tuple(sorted(needed)), complete)


def _closure(scene: Scene, root: str, wanted: Iterable[tuple[str, str]], read: Read) -> tuple[set[str], bool]:
    found: set[str] = set()
    complete = True
    todo = list(wanted)
    while todo and len(found) < _MOST:
        home, name = todo.pop()
        place = _resolve(scene, root, home, name)
        if place is None or place in found:
            continue
        found.add(place)
        manifest = scene.file(f"{place}/package.json")
        facts = read(scene, manifest) if manifest is not None else {}
        beside = _beside(scene, place) if not facts else None
        complete = complete and (bool(facts) or beside is not None)
        todo += [(place, other) for other in beside or _names(facts, _WANTED)]
    return found, complete and not todo


def _beside(scene: Scene, place: str) -> list[str] | None:
    """Give what pnpm laid beside a package, which is what that needs; None in any other tree (pnpm, "Symlinked structure")."""
    store, found, _ = place.rpartition("/node_modules/")
    if not found or "/node_modules/.pnpm/" not in f"/{store}":
        return None
    names: list[str] = []
    for name in scene.names_in(f"{store}/node_modules"):
        scoped = scene.names_in(f"{store}/node_modules/{name}") if name.startswith("@") else ()
        names += [f"{name}/{one}" for one in scoped] if name.startswith("@") else [name]
    return names


def _resolve(scene: Scene, root: str, home: str, name: str) -> str | None:
    """Give the directory of the package that `name` means in `home`, or None; never one above `root`."""
    if not name or name.startswith((".", "/")) or ".." in name.split("/"):
        return None
    while True:
        if home.rpartition("/")[2] != "node_modules":
            pid = scene.table.resolve(f"{home}/node_modules/{name}".lstrip("/"))
            if pid is not None and scene.table.is_directory(pid):
                return scene.table.paths[pid]
        if not home or home == root:
            return None
        home = home.rpartition("/")[0]


def _names(facts: dict[str, object], keys: Iterable[str]) -> list[str]:
    return [name for key in keys if isinstance(held := facts.get(key), dict) for name in held]
