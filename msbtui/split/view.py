"""An image asked by path: what the planner needs of the table, the layers' contents and the package database, in one place."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from functools import cached_property

from msbtui.image.model import ElfFacts, Image, ImageConfig, Kind
from msbtui.image.packages import Package, Packages
from msbtui.image.table import FileTable

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""What a container gets where the configuration has no PATH (moby, oci/caps and system.DefaultPathEnvUnix)."""


def relative(path: str, workdir: str = "/") -> str:
    """Give `path` as the table has it: absolute in the image, normalised, without the leading slash."""
    return posixpath.normpath(posixpath.join("/", workdir, path)).lstrip("/")


def inside(path: str, folder: str) -> bool:
    """Tell whether `path` is `folder` or lies below it (both as the table has them; the root holds everything)."""
    return not folder or path == folder or path.startswith(folder + "/")


class View:
    """The final file system of an image, asked by path (paths as the table has them: no leading slash)."""

    def __init__(self, image: Image, table: FileTable, packages: Packages, base_layers: int = 0) -> None:
        self.image = image
        self.table = table
        self.packages = packages
        self.base_layers = base_layers
        self.from_files: frozenset[str] = frozenset()
        """Packages that came as files of their own: what they own is treated like any other file. Set first."""
        # what is asked for thousands of paths again and again; an image never changes
        self._entries: dict[str, tuple[int, int] | None] = {}
        self._kinds: dict[str, Kind | None] = {}
        self._children: dict[str, list[str]] = {}
        self._owners: dict[str, Package | None] = {}

    @property
    def config(self) -> ImageConfig:
        """Give the image's configuration."""
        return self.image.config

    @cached_property
    def env(self) -> dict[str, str]:
        """Give the environment of the configuration."""
        return env_of(self.config)

    @cached_property
    def workdir(self) -> str:
        """Give the directory that a container starts in, absolute."""
        return "/" + relative(self.config.workdir or "/")

    @cached_property
    def release(self) -> dict[str, str]:
        """Give the fields of os-release(5); empty where the image has none."""
        for path in ("etc/os-release", "usr/lib/os-release"):
            real = self.real(path)
            text = self.text(real) if real else None
            if text:
                pairs = (line.partition("=") for line in text.decode("utf-8", "replace").splitlines() if "=" in line)
                return {name.strip(): value.strip().strip("\"'") for name, _, value in pairs}
        return {}

    def entry(self, path: str) -> tuple[int, int] | None:
        """Give (layer, entry) of what the final file system shows at `path`; None also for a directory that is only implied."""
        if path in self._entries:
            return self._entries[path]
        found = self.table.id_of(path)
        at = self._entries[path] = None if found is None else self.table.live(found)
        return at

    def exists(self, path: str) -> bool:
        """Tell whether the final file system has `path` (its last part not followed)."""
        found = self.table.id_of(path)
        return found is not None and self.table.is_live(found)

    def kind(self, path: str) -> Kind | None:
        """Give what stands at `path`; an implied directory is a directory; None where nothing stands."""
        if path in self._kinds:
            return self._kinds[path]
        at = self.entry(path)
        if at is not None:
            self._kinds[path] = Kind(self.table.index(at[0]).kinds[at[1]])
        else:
            self._kinds[path] = Kind.DIRECTORY if self.exists(path) else None
        return self._kinds[path]

    def is_file(self, path: str) -> bool:
        """Tell whether a regular file stands at `path` (a hard link is one)."""
        return self.kind(path) in (Kind.FILE, Kind.HARD_LINK)

    def is_dir(self, path: str) -> bool:
        """Tell whether a directory stands at `path`, not a symlink to one."""
        return self.kind(path) is Kind.DIRECTORY

    def is_new(self, path: str) -> bool:
        """Tell whether what stands at `path` came with a layer above the base."""
        at = self.entry(path)
        return at is not None and at[0] >= self.base_layers

    def in_base(self, path: str) -> bool:
        """Tell whether the base image by itself has `path`."""
        found = self.table.id_of(path)
        if found is None or self.base_layers == 0:
            return False
        return self.table.is_live_at(found, self.base_layers - 1)

    def size(self, path: str) -> int:
        """Give the bytes of the file at `path`; 0 for everything else."""
        at = self.entry(path)
        return 0 if at is None else self.table.cost(*at)

    def bytes_of(self, paths: Iterable[str]) -> int:
        """Give the bytes of the files at `paths` together, those of an inode once, whichever of its names is among them."""
        return self.table.bytes_of([at for path in paths if (at := self.entry(path)) is not None])

    def stat(self, path: str) -> tuple[int, int, int]:
        """Give (mode, uid, gid) of what stands at `path`; an implied directory is (0755, 0, 0)."""
        at = self.entry(path)
        if at is None:
            return (0o755, 0, 0)
        index = self.table.index(at[0])
        return (index.modes[at[1]], index.uids[at[1]], index.gids[at[1]])

    def executable(self, path: str) -> bool:
        """Tell whether a file that anyone may execute stands at `path`."""
        return self.is_file(path) and bool(self.stat(path)[0] & 0o111)

    def link(self, path: str) -> str:
        """Give a symlink's target as written."""
        at = self.entry(path)
        return "" if at is None else self.table.index(at[0]).links.get(at[1], "")

    def xattrs(self, path: str) -> dict[str, bytes]:
        """Give the extended attributes of what stands at `path`."""
        at = self.entry(path)
        return {} if at is None else self.table.index(at[0]).xattrs.get(at[1], {})

    def text(self, path: str, limit: int = 1 << 20) -> bytes | None:
        """Give at most `limit` bytes from the start of a file; None where not known."""
        at = self.entry(path)
        return None if at is None or not self.is_file(path) else self.image.layers[at[0]].contents.text(at[1], limit)

    def elf(self, path: str) -> ElfFacts | None:
        """Give the ELF facts of a file; None where it is none."""
        at = self.entry(path)
        return None if at is None or not self.is_file(path) else self.image.layers[at[0]].contents.elf(at[1])

    def digest(self, path: str) -> str | None:
        """Give a hash of a file's content; None where not known."""
        at = self.entry(path)
        return None if at is None or not self.is_file(path) else self.image.layers[at[0]].contents.digest(at[1])

    def owner(self, path: str) -> Package | None:
        """Give the installed package that owns `path` and that can be installed again."""
        if path not in self._owners:
            package = self.packages.owner(path)
            self._owners[path] = None if package is None or package.name in self.from_files else package
        return self._owners[path]

    def maker(self, path: str) -> Package | None:
        """Give the package that owns `path` or whose installation makes it, and that can be installed again."""
        package = self.packages.owner(path, inferred=True)
        return None if package is None or package.name in self.from_files else package

    def owner_from_file(self, path: str) -> Package | None:
        """Give the package that owns `path` or whose installation makes it, where it came as a file of its own."""
        package = self.packages.owner(path, inferred=True) if self.from_files else None
        return package if package is not None and package.name in self.from_files else None

    def real(self, path: str) -> str | None:
        """Give where `path` leads through all symlinks; None where it dangles or loops."""
        found = self.table.resolve(path, True)
        return None if found is None else self.table.paths[found]

    def canonical(self, path: str) -> str | None:
        """Give `path` with its parents resolved and its last part as it stands; None where a parent is missing."""
        found = self.table.resolve(path, False)
        return None if found is None else self.table.paths[found]

    def owned(self, path: str) -> bool:
        """Tell whether a package owns `path`, or its scripts made it of what the package owns."""
        return self.packages.owner(path, inferred=True) is not None

    def children(self, path: str) -> list[str]:
        """Give the paths right below a directory that the final file system shows, sorted."""
        if path not in self._children:
            found = self.table.id_of(path)
            live = () if found is None else (child for child in self.table.children(found) if self.table.is_live(child))
            self._children[path] = sorted(self.table.paths[child] for child in live)
        return self._children[path]

    def below(self, path: str) -> Iterator[str]:
        """Give `path` and everything below it that the final file system shows; parents first."""
        stack = [path]
        while stack:
            at = stack.pop()
            kind = self.kind(at)
            if at and kind is None:
                continue
            yield at
            if not at or kind is Kind.DIRECTORY:
                stack.extend(reversed(self.children(at)))

    def glob(self, pattern: str) -> list[str]:
        """Give the paths that match a shell's pattern (as the table has it, without leading slash), sorted."""
        found = [""]
        for part in pattern.split("/"):
            known: list[str] = []
            for folder in found:
                real = self.real(folder)
                if real is None:
                    continue
                if not any(char in part for char in "*?["):
                    known += [path] if self.exists(path := f"{real}/{part}".lstrip("/")) else []
                else:
                    names = ((path, path.rpartition("/")[2]) for path in self.children(real))
                    known += [
                        path for path, name in names if fnmatchcase(name, part) and name.startswith(".") <= part.startswith(".")
                    ]
            found = known
        return found

    def find_command(self, word: str, path: str | None = None) -> str | None:
        """Give the canonical path of the executable that `word` runs, as execvp(3) finds it; None where there is none."""
        if "/" in word:
            found = self.canonical(relative(word, self.workdir))
            real = None if found is None else self.real(found)
            return found if real is not None and self.executable(real) else None
        for folder in (path or self.env.get("PATH") or DEFAULT_PATH).split(":"):
            found = self.canonical(relative(f"{folder or '.'}/{word}", self.workdir))
            real = None if found is None else self.real(found)
            if real is not None and self.executable(real):
                return found
        return None


def env_of(config: ImageConfig) -> dict[str, str]:
    """Give the configuration's environment as a mapping; of two entries for one name the last counts."""
    return {name: value for name, _, value in (item.partition("=") for item in config.env)}
