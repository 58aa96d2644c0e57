"""What is installed after each layer, which layer brought it, and which file belongs to which package."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import cached_property

from msbtui.image import apk, dpkg, rpm
from msbtui.image.model import Image
from msbtui.image.package import Package, Reader
from msbtui.image.table import FileTable

__all__ = ["Package", "Packages", "names_of", "read_packages"]

MANAGERS = ("dpkg", "apk", "rpm")
_BYTECODE = "/__pycache__/"
_RECORDS = f"{dpkg.ROOT}/info/"
_ALTERNATIVES = "etc/alternatives/"


class _State:
    """What one database state says; indexes are made when first asked for."""

    def __init__(self, installed: dict[str, Package], known: bool) -> None:
        self.installed = installed
        self.known = known

    @cached_property
    def owners(self) -> dict[str, list[str]]:
        """By file the packages that own it."""
        return self._by_path(lambda package: package.files)

    @cached_property
    def listers(self) -> dict[str, list[str]]:
        """By directory the packages that list it."""
        return self._by_path(lambda package: package.directories)

    def _by_path(self, paths_of: Callable[[Package], tuple[str, ...]]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for key, package in self.installed.items():
            for path in paths_of(package):
                found.setdefault(path, []).append(key)
        return found

    @cached_property
    def providers(self) -> dict[str, list[str]]:
        """By name, real or virtual, the packages that satisfy it, the one that bears the name first."""
        found: dict[str, list[str]] = {}
        for key, package in self.installed.items():
            found.setdefault(package.name, []).append(key)
        for key, package in sorted(self.installed.items()):
            for clause in package.provides:
                for name in names_of(package, clause):
                    found.setdefault(name, []).append(key)
        return found


class Packages:
    """The packages of an image, layer by layer; read when first asked for, and once per distinct database content.

    Keys are package names. Where one name is installed for several architectures, the native one bears it and the others
    are `name:arch`. Read anew after adding layers to the table.
    """

    def __init__(self, image: Image, table: FileTable, managers: Collection[str] = MANAGERS) -> None:
        self._table = table
        self._managers = managers
        self._layers = table.layers
        self._reader = Reader(image, table)
        self._dpkg = dpkg.Dpkg(self._reader)
        self._apk = apk.Apk(self._reader)
        self._rpm = rpm.Rpm(self._reader)
        self._touched = _touched(table)
        self._states: list[_State] = []

    @property
    def installed(self) -> dict[str, Package]:
        """What the final file system has installed."""
        return self.at(self._layers - 1)

    @property
    def managers(self) -> tuple[str, ...]:
        """The managers of what is installed in the end: `dpkg`, `apk`, `rpm`, several or none."""
        return tuple(sorted({package.manager for package in self.installed.values()}))

    @property
    def note(self) -> str:
        """What a person should know of what was not read; mostly nothing."""
        form = self._rpm.unread(self._layers - 1) if self._layers and "rpm" in self._managers else ""
        return f"the rpm database has its older form ({form}), which is not read: packages are not known" if form else ""

    def at(self, layer: int) -> dict[str, Package]:
        """Give what is installed after `layer`; where the database cannot be read, what was before (see `known`)."""
        return self._state(layer).installed

    def known(self, layer: int) -> bool:
        """Say whether the database after `layer`, if there is one, could be read."""
        return self._state(layer).known

    def added(self, layer: int) -> list[Package]:
        """Give what `layer` installed anew (not upgrades), by name."""
        before, after = self.at(layer - 1), self.at(layer)
        return [after[key] for key in sorted(after.keys() - before.keys())]

    def removed(self, layer: int) -> list[Package]:
        """Give what `layer` uninstalled, as it was before, by name; to delete a whole database uninstalls nothing."""
        before, after = self.at(layer - 1), self.at(layer)
        managers = {package.manager for package in after.values()}
        return [before[key] for key in sorted(before.keys() - after.keys()) if before[key].manager in managers]

    def upgraded(self, layer: int) -> list[tuple[Package, Package]]:
        """Give what `layer` changed to another version, as (before, after), by name."""
        before, after = self.at(layer - 1), self.at(layer)
        both = sorted(before.keys() & after.keys())
        return [(before[key], after[key]) for key in both if before[key].version != after[key].version]

    def layer_of(self, name: str) -> int | None:
        """Give the layer that installed (not: upgraded) what the final state has under `name`; None where it has not."""
        if name not in self.installed:
            return None
        layer = self._layers - 1
        while layer and name in self.at(layer - 1):
            layer -= 1
        return layer

    def owner(self, path: str, layer: int | None = None, inferred: bool = False) -> Package | None:
        """Give the package that a file belonged to after `layer` (the final state where not given).

        Both names of a file on merged `/usr` are understood. A directory has an owner only where a single package lists it.
        With `inferred`, also what installing a package makes: links through `/etc/alternatives` to its files, bytecode in
        `__pycache__` of its modules, and its own records in `var/lib/dpkg/info`.
        """
        at = self._layers - 1 if layer is None else layer
        state = self._state(at)
        for name in self._reader.aliases(path.strip("/"), at):
            if name in state.owners:
                return state.installed[state.owners[name][0]]
            if len(state.listers.get(name, ())) == 1:
                return state.installed[state.listers[name][0]]
        return self._maker(path.strip("/"), at) if inferred else None

    def owners(self, path: str, layer: int | None = None) -> list[Package]:
        """Give all packages that list a path after `layer`; many for shared directories."""
        at = self._layers - 1 if layer is None else layer
        state = self._state(at)
        keys = dict[str, None]()
        for name in self._reader.aliases(path.strip("/"), at):
            keys.update(dict.fromkeys((*state.owners.get(name, ()), *state.listers.get(name, ()))))
        return [state.installed[key] for key in keys]

    def _maker(self, path: str, layer: int) -> Package | None:
        folder, cached, name = path.rpartition(_BYTECODE)
        if cached:
            return self.owner(f"{folder}/{name.partition('.')[0]}.py", layer)
        if path.startswith(_RECORDS):
            record = path[len(_RECORDS) :].rpartition(".")[0]
            installed = self._state(layer).installed
            return installed.get(record) or installed.get(record.partition(":")[0])
        pid = self._table.resolve(path, follow=False, layer=layer)
        target = None if pid is None else self._table.link_target(pid, layer)
        if pid is None or target is None:
            return None
        if target.strip("/").startswith(_ALTERNATIVES) or self._table.paths[pid].startswith(_ALTERNATIVES):
            real = self._table.resolve(path, layer=layer)
            return None if real is None else self.owner(self._table.paths[real], layer)
        return None

    def dependencies(self, names: str | Iterable[str], layer: int | None = None) -> dict[str, Package]:
        """Give all that the packages `names` need (Pre-Depends, Depends; apk: D), transitively, without themselves.

        Of alternatives the first that is installed counts, itself or by what provides it. What is not installed is left out.
        """
        state = self._state(self._layers - 1 if layer is None else layer)
        start = [names] if isinstance(names, str) else list(names)
        found = {key for name in start if (key := self._key(state, name))}
        stack = sorted(found)
        needed: set[str] = set()
        while stack:
            package = state.installed[stack.pop()]
            for clause in package.depends:
                names = names_of(package, clause)
                key = next((key for name in names if (key := self._key(state, name, package.architecture))), "")
                if key and key not in needed:
                    needed.add(key)
                    stack.append(key)
        return {key: state.installed[key] for key in sorted(needed - found)}

    def roots(self, names: Iterable[str], layer: int | None = None) -> list[str]:
        """Give the fewest of `names` whose installation brings the rest as dependencies, sorted."""
        kept = sorted(set(names))
        needs = {name: self.dependencies(name, layer).keys() for name in kept}
        for name in list(kept):
            if any(name in needs[other] for other in kept if other != name):
                kept.remove(name)
        return kept

    @staticmethod
    def _key(state: _State, name: str, architecture: str = "") -> str:
        """Give the installed package that satisfies a name, of the same foreign architecture where there is one."""
        if f"{name}:{architecture}" in state.installed:
            return f"{name}:{architecture}"
        if name in state.installed:
            return name
        providers = state.providers.get(name)
        return providers[0] if providers else ""

    def _state(self, layer: int) -> _State:
        if layer < 0:
            return _State({}, True)
        while len(self._states) <= layer:
            at = len(self._states)
            if at and at not in self._touched:
                self._states.append(self._states[-1])
            else:
                self._states.append(self._read(at))
        return self._states[layer]

    def _read(self, layer: int) -> _State:
        before = self._states[-1].installed if self._states else {}
        installed: dict[str, Package] = {}
        known = True
        for manager, reader in (("dpkg", self._dpkg), ("apk", self._apk), ("rpm", self._rpm)):
            packages = reader.read(layer) if manager in self._managers else []
            if packages is None:
                known = False
                packages = [package for package in before.values() if package.manager == manager]
            for package in packages:
                key = package.name
                if key in installed:
                    key = f"{package.name}:{package.architecture}"
                installed[key] = package
        return _State(installed, known)


def read_packages(image: Image, table: FileTable, managers: Collection[str] = MANAGERS) -> Packages:
    """Give the packages that the databases of dpkg, apk and rpm in `image` name; a broken database is an empty or unknown one.

    `table` must hold the layers of `image`; `managers` leaves out others' databases. Nothing is read yet. Where rpm's database
    has a form that is not read, the image's notes say so from now on.
    """
    packages = Packages(image, table, managers)
    note = packages.note
    if note and note not in image.notes:
        image.notes.append(note)
    return packages


def names_of(package: Package, clause: str) -> list[str]:
    """Give the names that one clause of a package's relations accepts."""
    readers = {"dpkg": dpkg.names_of, "apk": apk.names_of, "rpm": rpm.names_of}
    return readers[package.manager](clause)


def _touched(table: FileTable) -> set[int]:
    """Give the layers that may have changed a database: with an entry there, or that hid one."""
    layers: set[int] = set()
    for watched in (*dpkg.WATCHED, *apk.WATCHED, *rpm.WATCHED):
        top = table.id_of(watched)
        if top is None:
            continue
        below = () if watched == "lib" else table.subtree(top)
        for pid in (top, *below):
            for layer, entry in table.entries(pid):
                layers.add(layer)
                by = table.hidden_by(layer, entry)
                if by is not None:
                    layers.add(by)
    return layers
