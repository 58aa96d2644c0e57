"""The package database of dpkg and apt as it stands after a layer.

Formats: deb-control(5) stanzas in `var/lib/dpkg/status` (Debian, Ubuntu) or one per file in `var/lib/dpkg/status.d`
(distroless, without a Status field); `info/NAME[:ARCH].list` (dpkg-query(1)); `diversions` (dpkg-divert(1)); apt's
`extended_states` (apt-mark(8)).
"""

from __future__ import annotations

from collections.abc import Iterator

from msbtui.image.package import Key, Package, Reader, clauses
from msbtui.text import printable

ROOT = "var/lib/dpkg"
EXTENDED_STATES = "var/lib/apt/extended_states"
WATCHED = (ROOT, EXTENDED_STATES)
"""Paths at or below which a change can change what is installed."""
_INSTALLED = frozenset({"installed", "triggers-awaited", "triggers-pending"})
"""States in which a package's files are all there and set up (dpkg(1), "Package states")."""
Fields = dict[str, str]
_ALIKE = frozenset(("status", "architecture", "section", "priority", "essential"))
"""Fields of which few values are in use."""
_USED = frozenset(
    (
        "package",
        "status",
        "architecture",
        "version",
        "section",
        "priority",
        "essential",
        "source",
        "pre-depends",
        "depends",
        "recommends",
        "provides",
        "installed-size",
        "auto-installed",
    )
)


class Dpkg:
    """Reads the database after any layer; what two layers share is parsed once."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._status: dict[Key, list[Fields]] = {}
        self._files: dict[tuple[Key, tuple[str, Key] | None], tuple[tuple[str, ...], tuple[str, ...]]] = {}
        self._packages: dict[tuple[int, Key | None, Key | None, bool | None], tuple[Fields, Package]] = {}
        self._auto: dict[Key, frozenset[tuple[str, str]]] = {}
        self._diverted: dict[Key, dict[str, tuple[str, str]]] = {}

    def read(self, layer: int) -> list[Package] | None:
        """Give what is installed after `layer`, the native architecture first; None where the database cannot be read."""
        stanzas = self._stanzas(layer)
        if stanzas is None:
            return None
        auto = self._auto_installed(layer)
        diversions = self._reader.find(f"{ROOT}/diversions", layer)
        native = self._native(layer, stanzas)
        packages = [self._package(fields, layer, auto, diversions) for fields in stanzas]
        return sorted(packages, key=lambda package: package.architecture not in (native, "all"))

    def _stanzas(self, layer: int) -> list[Fields] | None:
        reader = self._reader
        found: list[Fields] = []
        status = reader.find(f"{ROOT}/status", layer)
        if status is not None:
            stanzas = self._parsed(status)
            if stanzas is None:
                return None
            found += [fields for fields in stanzas if fields.get("status", "").rpartition(" ")[2] in _INSTALLED]
        for name in reader.names_in(f"{ROOT}/status.d", layer):
            entry = reader.find(f"{ROOT}/status.d/{name}", layer)
            if entry is None or name.endswith((".md5sums", ".list")):
                continue
            stanzas = self._parsed(entry)
            if stanzas is None:
                return None
            found += stanzas
        return found

    def _parsed(self, entry: tuple[int, int]) -> list[Fields] | None:
        key = self._reader.key(entry)
        if key not in self._status:
            text = self._reader.text(entry)
            if text is None:
                return None
            self._status[key] = [fields for fields in stanzas(text) if fields.get("package")]
        return self._status[key]

    def _auto_installed(self, layer: int) -> frozenset[tuple[str, str]] | None:
        entry = self._reader.find(EXTENDED_STATES, layer)
        if entry is None:
            return None
        key = self._reader.key(entry)
        if key not in self._auto:
            text = self._reader.text(entry)
            if text is None:
                return None
            self._auto[key] = frozenset(
                (fields.get("package", ""), fields.get("architecture", ""))
                for fields in stanzas(text)
                if fields.get("auto-installed") == "1"
            )
        return self._auto[key]

    def _native(self, layer: int, stanzas: list[Fields]) -> str:
        """Give the architecture of the dpkg package itself: dpkg manages for the one that it was built for."""
        entry = self._reader.find(f"{ROOT}/arch", layer)
        text = self._reader.text(entry) if entry is not None else None
        if text and text.strip():
            return text.split()[0]
        return next((fields.get("architecture", "") for fields in stanzas if fields["package"] == "dpkg"), "")

    def _package(
        self, fields: Fields, layer: int, auto: frozenset[tuple[str, str]] | None, diversions: tuple[int, int] | None
    ) -> Package:
        name, architecture = fields["package"], fields.get("architecture", "")
        manual = None if auto is None else not self._is_auto(name, architecture, auto)
        listed = self._list_of(name, architecture, layer)
        list_key = None if listed is None else self._reader.key(listed)
        diverted_key = None if diversions is None else self._reader.key(diversions)
        cached = self._packages.get((id(fields), list_key, diverted_key, manual))
        if cached is not None:
            return cached[1]
        files, directories = ((), ()) if listed is None else self._files_of(listed, name, diversions)
        package = Package(
            manager="dpkg",
            name=name,
            version=fields.get("version", ""),
            architecture=architecture,
            section=fields.get("section", ""),
            priority=fields.get("priority", ""),
            essential=fields.get("essential", "") == "yes",
            source=fields.get("source", "").partition(" ")[0],
            depends=clauses(f"{fields.get('pre-depends', '')},{fields.get('depends', '')}".split(",")),
            recommends=clauses(fields.get("recommends", "").split(",")),
            provides=clauses(fields.get("provides", "").split(",")),
            files=files,
            directories=directories,
            manual=manual,
        )
        # The fields are kept so that their id stays theirs.
        self._packages[id(fields), list_key, diverted_key, manual] = fields, package
        return package

    @staticmethod
    def _is_auto(name: str, architecture: str, auto: frozenset[tuple[str, str]]) -> bool:
        # apt writes the native architecture for packages of architecture "all".
        if architecture in ("all", ""):
            return any(other == name for other, _ in auto)
        return (name, architecture) in auto

    def _list_of(self, name: str, architecture: str, layer: int) -> tuple[int, int] | None:
        for path in (
            f"{ROOT}/info/{name}:{architecture}.list",
            f"{ROOT}/info/{name}.list",
            f"{ROOT}/info/{name}:{architecture}.md5sums",
            f"{ROOT}/info/{name}.md5sums",
            f"{ROOT}/status.d/{name}.md5sums",
        ):
            entry = self._reader.find(path, layer)
            if entry is not None:
                return entry
        return None

    def _files_of(
        self, listed: tuple[int, int], name: str, diversions: tuple[int, int] | None
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        reader = self._reader
        diverted = self._diversions(diversions)
        # With diversions the same list means other files for another package.
        key = (reader.key(listed), (name, reader.key(diversions)) if diversions is not None and diverted else None)
        if key not in self._files:
            text = reader.text(listed) or ""
            sums = self._name(listed).endswith(".md5sums")
            paths = []
            for line in text.split("\n"):
                path = printable((line[32:].lstrip(" ") if sums else line).strip("/"))
                if path and path != ".":
                    other, by = diverted.get(path, (path, name))
                    paths.append(path if by == name else other)
            self._files[key] = reader.split(paths, listed[0])
        return self._files[key]

    def _name(self, entry: tuple[int, int]) -> str:
        return self._reader.table.index(entry[0]).paths[entry[1]]

    def _diversions(self, entry: tuple[int, int] | None) -> dict[str, tuple[str, str]]:
        """Give, by path that a package ships, where it really is, and whose package is let to the path itself."""
        if entry is None:
            return {}
        key = self._reader.key(entry)
        if key not in self._diverted:
            lines = [printable(line.strip("/")) for line in (self._reader.text(entry) or "").split("\n")]
            triples = zip(lines[0::3], lines[1::3], lines[2::3], strict=False)
            self._diverted[key] = {shipped: (real, by) for shipped, real, by in triples if shipped and real}
        return self._diverted[key]


def stanzas(text: str) -> Iterator[Fields]:
    """Give the stanzas of deb822 text: the fields that are used here, by lower-case name, continued lines joined.

    What is no field is passed over (deb822(5)).
    """
    found: dict[str, list[str]] = {}
    last: list[str] | None = None
    same = {name: name for name in _USED}  # a name or value that many packages have is kept once
    for line in [*text.split("\n"), ""]:
        if not line or line.isspace():
            if found:
                fields = {same[name]: printable(" ".join(parts)) for name, parts in found.items()}
                yield {name: same.setdefault(value, value) if name in _ALIKE else value for name, value in fields.items()}
            found, last = {}, None
        elif line[0] in " \t":
            if last is not None:
                last.append(line.strip())
        elif line[0] != "#":
            name, colon, value = line.partition(":")
            last = None
            if colon and name.lower() in _USED:
                last = found[name.lower()] = [value.strip()]


def names_of(clause: str) -> list[str]:
    """Give the names that one clause of a relation field accepts, in order: `a (>= 1) | b:any` gives a, b (deb-control(5))."""
    names = []
    for alternative in clause.split("|"):
        name = alternative.strip()
        for end in " (<[\t":
            name = name.partition(end)[0]
        name = name.partition(":")[0]
        if name:
            names.append(name)
    return names
