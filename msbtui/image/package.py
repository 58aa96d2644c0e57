"""One installed package, and where a package database finds texts and files in the table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from msbtui.image.model import Image, Kind
from msbtui.image.table import FileTable

TEXT_LIMIT = 64 << 20
"""Bytes of one database file that are read at most."""
Key = str | tuple[int, int]


class Package(msgspec.Struct, frozen=True, omit_defaults=True):
    """A package as the database of its manager has it. Texts are printable, paths as the table has them."""

    manager: Literal["dpkg", "apk", "rpm"]
    name: str
    version: str = ""
    architecture: str = ""
    section: str = ""
    """dpkg: the archive section; rpm: the group."""
    priority: str = ""
    essential: bool = False
    source: str = ""
    """The source package that it was built from; empty where the database does not say."""
    depends: tuple[str, ...] = ()
    """Raw clauses: `libc6 (>= 2.34)`, `a | b`, `so:libz.so.1`; those of Pre-Depends first."""
    recommends: tuple[str, ...] = ()
    provides: tuple[str, ...] = ()
    """Raw clauses, as `depends`."""
    files: tuple[str, ...] = ()
    """What it owns except directories; also what no layer has (documentation that was left out, say)."""
    directories: tuple[str, ...] = ()
    """Directories that it lists; most are shared with other packages."""
    manual: bool | None = None
    """Asked for by name (False: came as a dependency); None where the manager's record of it is missing."""


class Reader:
    """Texts and file names of an image as they stand after a layer."""

    def __init__(self, image: Image, table: FileTable) -> None:
        self.table = table
        self._layers = image.layers
        self._folders: dict[tuple[str, int], str] = {}
        self._top_links: dict[int, list[tuple[str, str]]] = {}

    def find(self, path: str, layer: int) -> tuple[int, int] | None:
        """Give the entry that `path` leads to after `layer`, symlinks followed; None where it leads to no named entry."""
        pid = self.table.resolve(path, layer=layer)
        return None if pid is None else self.table.live_at(pid, layer)

    def key(self, entry: tuple[int, int]) -> Key:
        """Give what tells this entry's content from others: its digest, or where that is unknown the entry itself."""
        return self._layers[entry[0]].contents.digest(entry[1]) or entry

    def text(self, entry: tuple[int, int]) -> str | None:
        """Give an entry's content, bytes that are no UTF-8 as surrogates; None where it is not known whole."""
        content = self._layers[entry[0]].contents.text(entry[1], TEXT_LIMIT)
        return None if content is None else content.decode("utf-8", "surrogateescape")

    def data(self, entry: tuple[int, int], limit: int) -> bytes | None:
        """Give an entry's content; None where it is not known whole, or has more than `limit` bytes."""
        index, contents = self.table.index(entry[0]), self._layers[entry[0]].contents
        size = index.sizes[entry[1]]
        if size > limit or index.kinds[entry[1]] != Kind.FILE:
            return None
        content = contents.text(entry[1], limit)
        return content if content is not None and len(content) == size else None

    def names_in(self, folder: str, layer: int) -> list[str]:
        """Give the names that `folder` shows after `layer`, sorted."""
        pid = self.table.resolve(folder, layer=layer)
        if pid is None:
            return []
        children = [kid for kid in self.table.children(pid) if self.table.is_live_at(kid, layer)]
        return sorted(self.table.paths[kid].rpartition("/")[2] for kid in children)

    def located(self, path: str, layer: int) -> str:
        """Give the path that the table has for a database's `path`: `bin/x` is `usr/bin/x` where `bin` links to `usr/bin`."""
        pid = self.table.id_of(path)
        if pid is None:
            path = self._real(path, layer)
            pid = self.table.id_of(path)
        return path if pid is None else self.table.paths[pid]

    def aliases(self, path: str, layer: int) -> list[str]:
        """Give `path` and the other names that it has after `layer` through links among its folders, on merged `/usr` say."""
        real = self._real(path, layer)
        names = [path, real]
        for link, target in self._links(layer):
            if real.startswith(target + "/"):
                names.append(link + real[len(target) :])
        return list(dict.fromkeys(names))

    def _real(self, path: str, layer: int) -> str:
        folder, slash, name = path.rpartition("/")
        if not slash:
            return path
        real = self._folders.get((folder, layer))
        if real is None:
            found = self.table.resolve(folder, layer=layer)
            real = self._folders[folder, layer] = self.table.paths[found] if found is not None else folder
        return f"{real}/{name}" if real else name

    def _links(self, layer: int) -> list[tuple[str, str]]:
        """Give the links in the root and the paths that they lead to."""
        if layer not in self._top_links:
            found = []
            for pid in self.table.children(0):
                if self.table.link_target(pid, layer) is not None:
                    target = self.table.resolve(self.table.paths[pid], layer=layer)
                    if target:
                        found.append((self.table.paths[pid], self.table.paths[target]))
            self._top_links[layer] = found
        return self._top_links[layer]

    def split(self, paths: Sequence[str], layer: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Sort what a package lists into files and directories, both located in the table as `layer` left it."""
        above = {path.rpartition("/")[0] for path in paths}
        files, directories = dict[str, None](), dict[str, None]()
        for path in paths:
            where = self.located(path, layer)
            (directories if path in above or self._is_directory(where, layer) else files)[where] = None
        directories.pop("", None)
        files.pop("", None)
        return tuple(files), tuple(directories)

    def _is_directory(self, path: str, layer: int) -> bool:
        pid = self.table.id_of(path)
        if pid is None or not self.table.is_live_at(pid, layer):
            return False
        entry = self.table.live_at(pid, layer)
        return entry is None or self.table.index(entry[0]).kinds[entry[1]] == Kind.DIRECTORY


def clauses(texts: Iterable[str]) -> tuple[str, ...]:
    """Give stripped, non-empty clauses."""
    return tuple(stripped for text in texts if (stripped := text.strip()))
