"""The package database of rpm as it stands after a layer: the sqlite form, which Fedora 33, RHEL 9 and openSUSE have.

Sources: rpm's `lib/backend/sqlite.c` (table Packages, one header blob for each package), docs/manual/format_header.md (the
header: counts, index entries of 16 bytes, data store; in the database without the 8 bytes of magic) and
include/rpm/rpmtag.h (tags). The older forms (Berkeley DB and ndb) are named where they are found, and not read.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from msbtui.image.package import Key, Package, Reader
from msbtui.text import printable_bytes

if TYPE_CHECKING:
    import sqlite3

ROOTS = ("var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm")
"""rpm's `_dbpath`: its own default, SUSE's and Fedora's, rpm-ostree's."""
WATCHED = ROOTS
SQLITE = "rpmdb.sqlite"
UNREAD = {"Packages.db": "ndb", "Packages": "Berkeley DB"}
"""Files of the forms that are not read, and how these are called."""
LIMIT = 256 << 20
"""Bytes of a database that are read at most."""
_MOST_PACKAGES = 50_000
_MOST_STEPS = 2_000
"""Callbacks of 10,000 steps each after which a query is given up: a real database needs a handful."""
_MOST_ENTRIES = 1 << 16
_MOST_STORE = 256 << 20
"""Limits of a header (rpm's `lib/header.c`, hdrblobVerify: 0xffff entries, 256 MiB)."""
_MOST_BLOB = 64 << 20
_SQLITE_HEAD = b"SQLite format 3\0"

NAME, VERSION, RELEASE, EPOCH, GROUP, ARCH = 1000, 1001, 1002, 1003, 1016, 1022
OLD_NAMES, MODES, SOURCE, PROVIDES, REQUIRES = 1027, 1030, 1044, 1047, 1049
DIR_INDEXES, BASE_NAMES, DIR_NAMES, RECOMMENDS = 1116, 1117, 1118, 5046
_TEXTS = (NAME, VERSION, RELEASE, GROUP, ARCH, SOURCE, OLD_NAMES, PROVIDES, REQUIRES, RECOMMENDS, BASE_NAMES, DIR_NAMES)
_WANTED = frozenset((*_TEXTS, EPOCH, MODES, DIR_INDEXES))
_RICH = frozenset(("or", "and", "if", "with", "without", "unless", "else"))
"""Operators of rich dependencies (rpm's docs/manual/boolean_dependencies.md)."""
_WIDTHS = {2: "B", 3: "H", 4: "I", 5: "Q"}
_STRING, _STRINGS, _I18N = 6, 8, 9
Header = Mapping[int, Any]


class Rpm:
    """Reads the database after any layer; what two layers share is parsed once."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._headers: dict[Key, list[Header] | None] = {}
        self._packages: dict[Key, list[Package]] = {}

    def read(self, layer: int) -> list[Package] | None:
        """Give what is installed after `layer`; None where there is a database that cannot be read."""
        for root in ROOTS:
            entry = self._reader.find(f"{root}/{SQLITE}", layer)
            if entry is not None:
                return self._read(entry, layer)
        return None if self.unread(layer) else []

    def unread(self, layer: int) -> str:
        """Give the form of a database that is there after `layer` and that is not read (`ndb`, `Berkeley DB`), or nothing."""
        for root in ROOTS:
            if self._reader.find(f"{root}/{SQLITE}", layer) is not None:
                return ""
        for root in ROOTS:
            for name, form in UNREAD.items():
                if self._reader.find(f"{root}/{name}", layer) is not None:
                    return form
        return ""

    def _read(self, entry: tuple[int, int], layer: int) -> list[Package] | None:
        key = self._reader.key(entry)
        if key in self._packages:
            return self._packages[key]
        if key not in self._headers:
            data = self._reader.data(entry, LIMIT)
            self._headers[key] = None if data is None else read_headers(data)
        headers = self._headers[key]
        if headers is None:
            return None
        found = [self._package(header, layer) for header in headers if isinstance(header.get(NAME), str)]
        # The signing keys are no packages.
        packages = [package for package in found if package.name != "gpg-pubkey"]
        self._packages[key] = _with_file_provides(packages)
        return self._packages[key]

    def _package(self, header: Header, layer: int) -> Package:
        paths = list(_paths(header))
        files, directories = self._reader.split([path for path, _ in paths if path], layer)
        marked = {path for path, mode in paths if mode & 0o170000 == 0o040000}
        directory = {path for path in files if path in marked}
        epoch, version, release = _numbers(header, EPOCH), _text(header, VERSION), _text(header, RELEASE)
        return Package(
            manager="rpm",
            name=_text(header, NAME),
            version=(f"{epoch[0]}:" if epoch else "") + f"{version}-{release}",
            architecture=_text(header, ARCH),
            section=_text(header, GROUP),
            source=_text(header, SOURCE).rsplit("-", 2)[0],
            depends=tuple(dict.fromkeys(name for name in _texts(header, REQUIRES) if not name.startswith("rpmlib("))),
            recommends=tuple(dict.fromkeys(_texts(header, RECOMMENDS))),
            provides=tuple(dict.fromkeys(_texts(header, PROVIDES))),
            files=tuple(path for path in files if path not in directory),
            directories=(*directories, *sorted(directory)),
        )


def read_headers(data: bytes) -> list[Header] | None:
    """Give the headers in a sqlite database of rpm; None where it is none, or is damaged. A single bad header is left out."""
    if not data.startswith(_SQLITE_HEAD) or len(data) < 512:
        return None
    import sqlite3  # here, since few images have such a database

    # A database with a write-ahead log cannot be opened from memory; closed, it stands whole in its own file.
    data = data[:18] + b"\1\1" + data[20:]
    headers: list[Header] = []
    try:
        with _opened(data) as connection:
            steps = iter(range(_MOST_STEPS))
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MOST_BLOB)
            connection.set_progress_handler(lambda: 0 if next(steps, None) is not None else 1, 10_000)
            table = connection.execute("SELECT type FROM sqlite_master WHERE name = 'Packages'").fetchone()
            if table is None or table[0] != "table":
                return None
            for number, (blob,) in enumerate(connection.execute("SELECT blob FROM Packages")):
                if number >= _MOST_PACKAGES:
                    return None
                header = parse_header(blob) if isinstance(blob, bytes) else None
                if header is not None:
                    headers.append(header)
    except (sqlite3.Error, OverflowError, MemoryError, UnicodeDecodeError):  # the last: a damaged name in an error of sqlite
        return None
    return headers


class _opened:  # noqa: N801
    """A database in memory, closed at the end."""

    def __init__(self, data: bytes) -> None:
        import sqlite3

        self._connection = sqlite3.connect(":memory:")
        # A damaged name is no reason to stop.
        self._connection.text_factory = lambda text: text.decode("utf-8", "replace")
        self._data = data

    def __enter__(self) -> sqlite3.Connection:
        try:
            self._connection.deserialize(self._data)
            self._connection.execute("PRAGMA trusted_schema = OFF")
        except BaseException:
            self._connection.close()
            raise
        return self._connection

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def parse_header(blob: bytes) -> Header | None:
    """Give the tags of a header blob that are used here: texts, lists of texts or lists of numbers; None for what is none."""
    if len(blob) < 8:
        return None
    count, store_size = struct.unpack_from(">II", blob)
    start = 8 + 16 * count
    if count > _MOST_ENTRIES or store_size > _MOST_STORE or start + store_size > len(blob):
        return None
    found: dict[int, Any] = {}
    for number in range(count):
        tag, kind, offset, items = struct.unpack_from(">IIiI", blob, 8 + 16 * number)
        if tag not in _WANTED or tag in found or not 0 <= offset < store_size:
            continue
        at, end = start + offset, start + store_size
        if kind in _WIDTHS:
            width = struct.calcsize(f">{_WIDTHS[kind]}")
            if items <= (end - at) // width:
                found[tag] = list(struct.unpack_from(f">{items}{_WIDTHS[kind]}", blob, at))
        elif kind in (_STRING, _STRINGS, _I18N):
            texts = list(_strings(blob, at, end, 1 if kind != _STRINGS else items))
            if kind != _STRINGS:
                found[tag] = texts[0] if texts else ""
            elif len(texts) == items:
                found[tag] = texts
    return found


def _strings(blob: bytes, at: int, end: int, items: int) -> Iterator[str]:
    for _ in range(items):
        stop = blob.find(b"\0", at, end)
        if stop < 0:
            return
        yield printable_bytes(blob[at:stop])
        at = stop + 1


def _text(header: Header, tag: int) -> str:
    found = header.get(tag)
    return found if isinstance(found, str) else ""


def _texts(header: Header, tag: int) -> list[str]:
    found = header.get(tag)
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def _numbers(header: Header, tag: int) -> list[int]:
    """Give a list of numbers; a damaged header may have texts there."""
    found = header.get(tag)
    return [one for one in found if isinstance(one, int)] if isinstance(found, list) else []


def _paths(header: Header) -> Iterator[tuple[str, int]]:
    """Give the paths of a package (without leading slash) and their modes."""
    folders, names, places = _texts(header, DIR_NAMES), _texts(header, BASE_NAMES), _numbers(header, DIR_INDEXES)
    modes = _numbers(header, MODES)
    paths = _texts(header, OLD_NAMES)
    if names and len(places) == len(names):
        paths = [folders[place] + name if place < len(folders) else "" for place, name in zip(places, names, strict=True)]
    for number, path in enumerate(paths):
        mode = modes[number] if number < len(modes) else 0
        yield sys.intern(path.strip("/")), mode


def _with_file_provides(packages: list[Package]) -> list[Package]:
    """Say of each package which of its files others require by path (`/bin/sh`)."""
    wanted = {name for package in packages for name in package.depends if name.startswith("/")}
    if not wanted:
        return packages
    given = []
    for package in packages:
        # On merged /usr a file is required by either name.
        own = {f"/{path}" for path in package.files} | {f"/{path[4:]}" for path in package.files if path.startswith("usr/")}
        more = tuple(sorted(wanted & own))
        given.append(_replaced(package, more) if more else package)
    return given


def _replaced(package: Package, more: tuple[str, ...]) -> Package:
    return msgspec.structs.replace(package, provides=(*package.provides, *more))


def names_of(clause: str) -> list[str]:
    """Give the names that a requirement accepts: itself; of a rich one, `(a or b)`, each name in it."""
    if not (clause.startswith("(") and clause.endswith(")") and " " in clause):
        return [clause]
    # Of `(a if b)` and `(a or b)` either may be what is there; versions and operators name no package.
    words = clause.replace("(", " ").replace(")", " ").split()
    return [word for word in words if word[0].isalpha() and word not in _RICH]
