"""The package database of apk as it stands after a layer.

Formats: `lib/apk/db/installed` or, where `/usr` is merged, `usr/lib/apk/db/installed` (one letter per line, apk-tools
`database.c`, `apk_db_fdb_read`); `etc/apk/world` (apk-world(5)).
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from msbtui.image.package import Key, Package, Reader
from msbtui.text import printable

INSTALLED = ("lib/apk/db/installed", "usr/lib/apk/db/installed")
WORLD = "etc/apk/world"
WATCHED = ("lib/apk/db", "usr/lib/apk/db", WORLD, "lib")
"""Paths at or below which a change can change what is installed; `lib` itself may become a link."""


class Apk:
    """Reads the database after any layer; what two layers share is parsed once."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._installed: dict[Key, list[Package]] = {}
        self._marked: dict[tuple[Key, Key | None], list[Package]] = {}

    def read(self, layer: int) -> list[Package] | None:
        """Give what is installed after `layer`; None where the database cannot be read."""
        reader = self._reader
        databases = dict.fromkeys(entry for path in INSTALLED if (entry := reader.find(path, layer)) is not None)
        world = reader.find(WORLD, layer)
        found: list[Package] = []
        for entry in databases:
            key = (reader.key(entry), None if world is None else reader.key(world))
            if key not in self._marked:
                packages = self._parsed(entry)
                if packages is None:
                    return None
                text = None if world is None else reader.text(world)
                if text is not None:
                    asked = {name_of(word) for word in printable(text.replace("\n", " ")).split()}
                    packages = [msgspec.structs.replace(package, manual=package.name in asked) for package in packages]
                self._marked[key] = packages
            found += self._marked[key]
        return found

    def _parsed(self, entry: tuple[int, int]) -> list[Package] | None:
        key = self._reader.key(entry)
        if key not in self._installed:
            text = self._reader.text(entry)
            if text is None:
                return None
            self._installed[key] = [self._package(record, entry[0]) for record in records(text)]
        return self._installed[key]

    def _package(self, record: list[tuple[str, str]], layer: int) -> Package:
        fields = dict(record)
        folder, paths = "", []
        for letter, value in record:
            if letter == "F":
                folder = value.strip("/")
                paths.append(folder)
            elif letter == "R" and value:
                paths.append(f"{folder}/{value}" if folder else value)
        files, directories = self._reader.split([path for path in paths if path], layer)
        return Package(
            manager="apk",
            name=fields["P"],
            version=fields.get("V", ""),
            architecture=fields.get("A", ""),
            source=fields.get("o", ""),
            depends=tuple(fields.get("D", "").split()),
            provides=tuple(fields.get("p", "").split()),
            files=files,
            directories=directories,
        )


def records(text: str) -> Iterator[list[tuple[str, str]]]:
    """Give the records of an installed database as (letter, value) in order; what names no package is passed over."""
    for block in text.split("\n\n"):
        record = [(line[0], printable(line[2:])) for line in block.split("\n") if line[1:2] == ":"]
        if any(letter == "P" and value for letter, value in record):
            yield record


def name_of(word: str) -> str:
    """Give the name in a dependency, provision or world entry: `foo>=1.2`, `so:libz.so.1=1.3`, `foo@edge` (apk-package(5))."""
    for end in "<>=~@":
        word = word.partition(end)[0]
    return word


def names_of(clause: str) -> list[str]:
    """Give the names that one clause of a relation accepts; none for a conflict (`!foo`)."""
    return [] if clause.startswith("!") or not name_of(clause) else [name_of(clause)]
