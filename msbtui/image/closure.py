"""Which libraries ELF files load when they start, by the search of their dynamic linker.

Sources: ld.so(8) and glibc `elf/dl-load.c` (`_dl_map_object`); musl `ldso/dynlink.c` (`load_library`, `fixup_rpath`). The
linker's cache is taken for what ldconfig(8) would make of ld.so.conf now. Directories for special processors
(`glibc-hwcaps`) hold other builds of what the plain directories have, and are not searched.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from msbtui.errors import TargetError
from msbtui.image.ldconf import TRIPLETS, configured_folders, default_folders, musl_folders, musl_loader
from msbtui.image.model import ElfFacts, Image, Kind
from msbtui.image.programs import Interpreter, find_program, interpreter_of
from msbtui.image.table import FileTable

__all__ = ["Closure", "Interpreter", "Library", "Missing", "find_program", "interpreter_of", "needed_libraries"]

_MUSL_OWN = frozenset({"c", "pthread", "rt", "m", "dl", "util", "xnet"})
"""`libNAME.` of these is musl's dynamic linker itself (`load_library`, `reserved`)."""
_MOST_LOADED = 2000
"""Libraries that one file may lead to; no real program comes near it."""
_MOST_PLACES = 500_000
"""Paths that are tried at most; a large real image asks for some thousands."""
_VARIABLE = re.compile(r"\$(?:\{(ORIGIN|LIB|PLATFORM)\}|(ORIGIN|LIB|PLATFORM)(?![A-Za-z0-9_]))")
_PLATFORMS = {"EM_X86_64": "x86_64", "EM_386": "i686", "EM_AARCH64": "aarch64", "EM_ARM": "v7l"}


class Library(msgspec.Struct, frozen=True):
    """One library (or program interpreter) that was found. Paths are as the table has them."""

    name: str
    """As it was asked for: `libz.so.1`, or the interpreter's path."""
    path: str
    """Where the search found it; often a symlink."""
    real: str
    """The file that `path` leads to."""
    how: str
    """`interpreter`; `path` (asked for by path); `rpath`, `LD_LIBRARY_PATH`, `runpath`, `ld.so.conf` or `default` (where the
    search found it); `loader` (the dynamic linker itself is what was asked for)."""
    needed_by: tuple[str, ...]
    """Files (real paths, sorted) that ask for it and get this one."""


class Missing(msgspec.Struct, frozen=True):
    """A library (or program interpreter) that was not found, and the files (real paths, sorted) that ask for it."""

    name: str
    needed_by: tuple[str, ...]


class Closure(msgspec.Struct, frozen=True):
    """All that some ELF files load when they start, transitively."""

    libraries: tuple[Library, ...]
    missing: tuple[Missing, ...]
    files: tuple[str, ...]
    """Real paths of all ELF files in it, those asked about included, sorted."""
    not_elf: tuple[str, ...]
    """Of the paths asked about: what leads to no file, or to one that is not known to be ELF."""

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing


class _Hit(NamedTuple):
    path: int
    real: int
    how: str


class _Object(NamedTuple):
    """An ELF file loaded into a process, under the path that the search found it at, by the object that asked first."""

    path: int
    real: int
    facts: ElfFacts
    loader: _Object | None


def needed_libraries(image: Image, table: FileTable, paths: Iterable[str]) -> Closure:
    """Give the libraries and interpreters that the ELF files `paths` need in the final file system of `image`.

    Each path is loaded as a process of its own would load it (a library as by a program without search paths of its own).
    `table` must hold the image's layers. Raises TargetError where hostile files ask for libraries in absurdly many places.
    """
    search = _Search(image, table)
    not_elf = tuple(path for path in paths if not search.load(path))
    name = table.paths
    libraries = [
        Library(
            name=asked, path=name[hit.path], real=name[hit.real], how=hit.how, needed_by=tuple(sorted(name[pid] for pid in by))
        )
        for (asked, hit), by in search.found.items()
    ]
    return Closure(
        libraries=tuple(sorted(libraries, key=lambda library: (library.name, library.path, library.how))),
        missing=tuple(Missing(asked, tuple(sorted(name[pid] for pid in by))) for asked, by in sorted(search.missing.items())),
        files=tuple(sorted(name[pid] for pid in search.files)),
        not_elf=not_elf,
    )


class _Search:
    def __init__(self, image: Image, table: FileTable) -> None:
        self._image = image
        self._table = table
        self._musl = musl_loader(table)
        self._configured = configured_folders(image, table)
        env = dict(entry.partition("=")[::2] for entry in image.config.env)
        library_path = env.get("LD_LIBRARY_PATH", "")
        self._library_path = re.split("[:;]", library_path) if library_path else []
        self._facts: dict[int, ElfFacts | None] = {}
        self._fitting: dict[tuple[str, str, int], tuple[int, int] | None] = {}
        self.found: dict[tuple[str, _Hit], set[int]] = {}
        self.missing: dict[str, set[int]] = {}
        self.files: set[int] = set()

    def load(self, path: str) -> bool:
        """Load a file as a process of its own would; False where it is no known ELF file."""
        real = self._table.resolve(path)
        facts = None if real is None else self._facts_of(real)
        if real is None or facts is None:
            return False
        # $ORIGIN of the program is where its file really is, of a library where it was found.
        root = _Object(real, real, facts, None)
        self.files.add(real)
        loaded: dict[str, _Hit] = {}
        musl = self._is_musl(facts)
        interpreter = self._interpreter(root, loaded, musl)
        queue = deque([root])
        while queue:
            by = queue.popleft()
            for name in by.facts.needed:
                hit = loaded.get(name)
                if hit is None:
                    hit = self._musl_itself(name, interpreter) if musl else None
                    hit = hit or self._find(name, by, root, musl)
                    if hit is None or len(loaded) > _MOST_LOADED:
                        self.missing.setdefault(name, set()).add(by.real)
                        continue
                    loaded[name] = hit
                    library = self._facts_of(hit.real)
                    if library is not None and hit.how != "loader":
                        if library.soname and not musl:
                            loaded.setdefault(library.soname, hit)
                        queue.append(_Object(hit.path, hit.real, library, by))
                self.files.add(hit.real)
                self.found.setdefault((name, hit), set()).add(by.real)
        return True

    def _facts_of(self, pid: int) -> ElfFacts | None:
        if pid not in self._facts:
            entry = self._table.live(pid)
            self._facts[pid] = None if entry is None else self._image.layers[entry[0]].contents.elf(entry[1])
        return self._facts[pid]

    def _interpreter(self, root: _Object, loaded: dict[str, _Hit], musl: bool) -> _Hit | None:
        name = root.facts.interpreter
        if not name:
            at = self._musl if musl else None
            real = None if at is None else self._table.resolve(self._table.paths[at])
            return None if at is None or real is None else _Hit(at, real, "loader")
        where = self._file(name)
        if where is None:
            self.missing.setdefault(name, set()).add(root.real)
            return None
        self.found.setdefault((name, _Hit(*where, "interpreter")), set()).add(root.real)
        self.files.add(where[1])
        facts = self._facts_of(where[1])
        # It is in memory already, and satisfies its own names: glibc's libc.so.6 asks for ld-linux-x86-64.so.2.
        for own in (name.rpartition("/")[2], facts.soname if facts else ""):
            loaded[own] = _Hit(*where, "loader")
        return _Hit(*where, "loader")

    def _is_musl(self, facts: ElfFacts) -> bool:
        if facts.interpreter:
            return "/ld-musl-" in facts.interpreter
        if self._musl is None or "libc.so.6" in facts.needed:
            return False
        if any(name.startswith("libc.musl-") for name in facts.needed):
            return True
        return not any(self._table.resolve(f"{folder}/libc.so.6") for folder in default_folders(facts))

    @staticmethod
    def _musl_itself(name: str, interpreter: _Hit | None) -> _Hit | None:
        stem, dot, _ = name.removeprefix("lib").partition(".")
        return interpreter if dot and name.startswith("lib") and stem in _MUSL_OWN else None

    def _find(self, name: str, by: _Object, root: _Object, musl: bool) -> _Hit | None:
        if "/" in name:
            where = self._fits(self._expand(name, by), root.facts)
            return _Hit(*where, "path") if where else None
        for how, folder in self._folders(by, root, musl):
            where = self._fits(f"{folder}/{name}", root.facts)
            if where:
                return _Hit(*where, how)
        return None

    def _folders(self, by: _Object, root: _Object, musl: bool) -> Iterator[tuple[str, str]]:
        """Give where the search looks, in order, as (how, absolute directory)."""
        asking: _Object | None = by
        if musl:
            yield from self._environment(root)
            while asking is not None:
                how = "runpath" if asking.facts.runpath else "rpath"
                yield from self._expanded(how, asking.facts.runpath or asking.facts.rpath, asking)
                asking = asking.loader
            loader = root.facts.interpreter or (self._table.paths[self._musl] if self._musl is not None else "")
            yield from (("default", folder) for folder in musl_folders(self._image, self._table, loader))
            return
        if not by.facts.runpath:
            while asking is not None:
                if not asking.facts.runpath:
                    yield from self._expanded("rpath", asking.facts.rpath, asking)
                asking = asking.loader
        yield from self._environment(root)
        yield from self._expanded("runpath", by.facts.runpath, by)
        yield from (("ld.so.conf", folder) for folder in self._configured)
        yield from (("default", folder) for folder in default_folders(root.facts))

    def _environment(self, root: _Object) -> Iterator[tuple[str, str]]:
        entry = self._table.live(root.real)
        if entry is not None and self._table.index(entry[0]).modes[entry[1]] & 0o6000:
            return  # secure execution: a setuid or setgid program does not listen to the environment
        yield from self._expanded("LD_LIBRARY_PATH", self._library_path, root)

    def _expanded(self, how: str, folders: Iterable[str], at: _Object) -> Iterator[tuple[str, str]]:
        for entry in folders:
            for folder in entry.split(":"):
                yield how, self._expand(folder, at)

    def _expand(self, text: str, at: _Object) -> str:
        """Give a path of the dynamic section as an absolute one; relative ones, the empty one too, start at the WORKDIR."""
        if "$" in text:
            values = {
                "ORIGIN": "/" + self._table.paths[at.path].rpartition("/")[0],
                "LIB": self._lib(at.facts),
                "PLATFORM": _PLATFORMS.get(at.facts.machine, ""),
            }
            text = _VARIABLE.sub(lambda match: values[match[1] or match[2]], text)
        return text if text.startswith("/") else f"{self._image.config.workdir or '/'}/{text}"

    def _lib(self, facts: ElfFacts) -> str:
        triplet = TRIPLETS.get((facts.machine, facts.bits))
        if triplet and self._table.resolve(f"usr/lib/{triplet}/libc.so.6") is not None:
            return f"lib/{triplet}"
        return "lib64" if facts.bits == 64 and self._table.resolve("usr/lib64/libc.so.6") is not None else "lib"

    def _fits(self, path: str, facts: ElfFacts) -> tuple[int, int] | None:
        """Give (path id, real path id) of the library at a path, where it is one for the same machine."""
        key = (path, facts.machine, facts.bits)
        if key not in self._fitting:
            if len(self._fitting) > _MOST_PLACES:
                raise TargetError("programs look for libraries in too many places to follow", where=self._image.name)
            where = self._file(path)
            self._fitting[key] = where if where and self._is_library(where[1], facts) else None
        return self._fitting[key]

    def _file(self, path: str) -> tuple[int, int] | None:
        at, real = self._table.resolve(path, follow=False), self._table.resolve(path)
        entry = None if real is None else self._table.live(real)
        if at is None or real is None or entry is None:
            return None
        return (at, real) if self._table.index(entry[0]).kinds[entry[1]] in (Kind.FILE, Kind.HARD_LINK) else None

    def _is_library(self, pid: int, wanted: ElfFacts) -> bool:
        facts = self._facts_of(pid)
        if facts is not None:
            return (facts.machine, facts.bits) == (wanted.machine, wanted.bits) and facts.kind == "ET_DYN"
        entry = self._table.live(pid)
        if entry is None:
            return False
        contents = self._image.layers[entry[0]].contents
        start = contents.text(entry[1], 4)
        if start is not None:
            return start == b"\x7fELF"
        # Read, and no facts: a linker script, say. Of what was never read, the name is believed.
        return contents.digest(entry[1]) is None
