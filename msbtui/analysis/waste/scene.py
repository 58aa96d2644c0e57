"""What every rule looks at: the image's table with the questions that rules ask, answered once."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import TypeVar, cast

from msbtui.analysis.lines import stage_chain
from msbtui.analysis.model import Base, Provenance
from msbtui.analysis.owners import live_owners
from msbtui.analysis.waste.kind import Entry
from msbtui.analysis.waste.needs import Needs, find_needs
from msbtui.dockerfile.model import Dockerfile, Instruction, StageGraph
from msbtui.image.facts import MappedContents, StoredContents
from msbtui.image.lastparts import LastParts, last_parts, longest
from msbtui.image.model import ElfFacts, Image, Kind
from msbtui.image.packages import Packages
from msbtui.image.table import FileTable

T = TypeVar("T")
PATH_LIMIT = 4096
"""Characters (Linux, PATH_MAX): what no process can name is no rule's business."""


class Names:
    """The last parts of paths, by path id; each is made when it is asked for."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = paths

    def __getitem__(self, pid: int) -> str:
        path = self._paths[pid]
        return path[path.rfind("/") + 1 :]


class LiveFile:
    """A path that the final file system shows and that is no directory."""

    __slots__ = ("key", "name", "path", "pid", "row")

    def __init__(self, pid: int, path: str, row: int, key: Entry) -> None:
        self.pid = pid
        self.path = path
        self.name = path.rpartition("/")[2]
        self.row = row
        self.key = key
        """(layer, entry)."""

    @property
    def layer(self) -> int:
        """The layer that added it."""
        return self.key[0]


class Scene:
    """An image, its table and packages, and what is known of its base and Dockerfile."""

    def __init__(
        self,
        image: Image,
        table: FileTable,
        packages: Packages,
        base: Base,
        provenance: Provenance | None = None,
        dockerfile: Dockerfile | None = None,
        graph: StageGraph | None = None,
        ignored: Callable[[str], bool] | None = None,
    ) -> None:
        self.image = image
        self.table = table
        self.packages = packages
        self.base = base
        self.provenance = provenance
        self.dockerfile = dockerfile
        self.graph = graph
        self.ignored = ignored
        """Says of a path of the build context whether its .dockerignore names it; None where that is not known."""
        self._results: dict[str, object] = {}

    def once(self, name: str, work: Callable[[], T]) -> T:
        """Give the result of `work`, done when first asked for under this name."""
        if name not in self._results:
            self._results[name] = work()
        return cast(T, self._results[name])

    # -- files --------------------------------------------------------------------------------------------------------

    @cached_property
    def pids(self) -> Sequence[int]:
        """Path ids of all live entries that are no directories: files, links, devices."""
        pids, paths = self.table.live_files(), self.table.paths
        if longest(paths) > PATH_LIMIT:
            return [pid for pid in pids if len(paths[pid]) <= PATH_LIMIT]
        return pids

    @cached_property
    def names(self) -> Names:
        """By path id the last part of the path, of hidden ones too."""
        return Names(self.table.paths)

    @cached_property
    def _last_parts(self) -> LastParts:
        return last_parts(self.table.paths, self.pids)

    @cached_property
    def _directories(self) -> LastParts:
        return last_parts(self.table.paths, self.table.live_directories())

    def has_name(self, name: str) -> bool:
        """Say whether the last part of a live file's path is this."""
        return bool(self._last_parts.named(name))

    def named(self, *names: str) -> list[int]:
        """Give the path ids of live files whose paths end with one of these names."""
        return [pid for name in names for pid in self._last_parts.named(name)]

    def named_files(self, *names: str) -> list[LiveFile]:
        """Give the live files whose paths end with one of these names."""
        return [self.live(pid) for pid in self.named(*names)]

    def with_suffix(self, *suffixes: str) -> list[int]:
        """Give the path ids of live files whose names end with a dot and one of these (given in lower case)."""
        return [pid for suffix in suffixes for pid in self._last_parts.ending(suffix)]

    def directories_named(self, name: str) -> Sequence[int]:
        """Give the path ids of live directories of this name, parents first."""
        return self._directories.named(name)

    def directories_with_suffix(self, suffix: str) -> Sequence[int]:
        """Give the path ids of live directories whose names end with a dot and this (given in lower case)."""
        return self._directories.ending(suffix)

    def below(self, path: str) -> list[int]:
        """Give the path ids of live files at and below a path as stored (no symlink is followed)."""
        pid = self.table.id_of(path)
        return [] if pid is None else self.table.live_below(pid)

    def where(self, pids: Iterable[int], test: Callable[[str], object]) -> list[int]:
        """Give those whose directory's path passes a test, which is asked once for each directory."""
        paths, given = self.table.paths, list(pids)
        parents = list(map(self.table.parents.__getitem__, given))
        directories = set(parents)
        good = {parent for parent in directories if test(paths[parent])}
        if len(good) == len(directories):
            return given
        return [pid for pid, parent in zip(given, parents, strict=True) if parent in good] if good else []

    def live(self, pid: int) -> LiveFile:
        """Give the live file of a path id."""
        entry = self.table.live(pid)
        assert entry is not None
        return LiveFile(pid, self.table.paths[pid], self.table.live_rows[pid], entry)

    def file(self, path: str) -> LiveFile | None:
        """Give the live file at a path as stored, or None."""
        pid = self.table.id_of(path)
        if pid is None or self.table.live_rows[pid] < 0 or self.table.is_directory(pid):
            return None
        return self.live(pid)

    def names_in(self, path: str) -> dict[str, int]:
        """Give what a live directory holds: name -> path id."""
        pid = self.table.id_of(path)
        if pid is None or not self.table.is_directory(pid):
            return {}
        paths, start = self.table.paths, len(path) + 1 if path else 0
        return {paths[child][start:]: child for child in self.table.live_children(pid)}

    def is_directory(self, path: str) -> bool:
        """Say whether a live directory is there."""
        pid = self.table.id_of(path)
        return pid is not None and self.table.is_directory(pid)

    @cached_property
    def homes(self) -> list[str]:
        """Home directories: `root`, those below `home`, and what HOME and the working directory say."""
        homes = ["root", *(f"home/{name}" for name in self.names_in("home"))]
        if set_home := self.env.get("HOME", "").strip("/"):
            homes.append(set_home)
        return [home for home in dict.fromkeys(homes) if self.is_directory(home)]

    @cached_property
    def env(self) -> dict[str, str]:
        """The configuration's environment."""
        return dict(item.partition("=")[::2] for item in self.image.config.env)

    # -- contents -----------------------------------------------------------------------------------------------------

    def size(self, entry: Entry) -> int:
        """Bytes of an entry."""
        return self.table.cost(*entry)

    def kind(self, entry: Entry) -> Kind:
        """What an entry is."""
        return Kind(self.table.index(entry[0]).kinds[entry[1]])

    def digest(self, entry: Entry) -> str | None:
        """Hash of an entry's content, None where unknown."""
        return self.image.layers[entry[0]].contents.digest(entry[1])

    def digests_of(self, layer: int, entries: Iterable[int]) -> list[str | None]:
        """Give for entries of a layer what `digest` gives."""
        contents = self.image.layers[layer].contents
        if isinstance(contents, MappedContents | StoredContents):
            return contents.digests_of(entries)
        return list(map(contents.digest, entries))

    def edge(self, entry: Entry) -> bytes | None:
        """What `MappedContents.edge` gives; None too where contents are not in a file on disk."""
        contents = self.image.layers[entry[0]].contents
        return contents.edge(entry[1]) if isinstance(contents, MappedContents) else None

    @cached_property
    def programs(self) -> list[LiveFile]:
        """Live regular files above the base that are ELF files."""
        found, table = [], self.table
        for layer in range(self.base.layers, table.layers):
            contents, index, first = self.image.layers[layer].contents, table.index(layer), table.first_row(layer)
            known = contents.programs() if isinstance(contents, StoredContents | MappedContents) else range(len(index))
            for entry in known:
                pid = table.row_paths[first + entry]
                if (
                    table.live_rows[pid] == first + entry
                    and index.kinds[entry] == Kind.FILE
                    and len(table.paths[pid]) <= PATH_LIMIT
                    and contents.elf(entry) is not None
                ):
                    found.append(LiveFile(pid, table.paths[pid], first + entry, (layer, entry)))
        return found

    def elf(self, entry: Entry) -> ElfFacts | None:
        """ELF facts, None where it is none or unknown."""
        return self.image.layers[entry[0]].contents.elf(entry[1])

    def text(self, entry: Entry, limit: int = 1 << 20) -> str | None:
        """The beginning of an entry's content as text, None where unknown."""
        data = self.image.layers[entry[0]].contents.text(entry[1], limit)
        return None if data is None else data.decode("utf-8", "replace")

    # -- lines --------------------------------------------------------------------------------------------------------

    @cached_property
    def from_line(self) -> int | None:
        """The line of the FROM that names the base image."""
        if self.graph is None or self.provenance is None:
            return None
        chain = stage_chain(self.graph)
        return chain[0].line if chain else None

    def line(self, layer: int) -> int | None:
        """The line that made a layer; for a base's layer the FROM; for a layer without a line the one before it."""
        provenance = self.provenance
        if provenance is None or all(match.line is None for match in provenance.matches):
            return None
        if layer < self.base.layers:
            return self.from_line
        for match in reversed(provenance.matches[: layer + 1]):
            if match.line is not None:
                return match.line
        return self.from_line

    def instruction(self, layer: int) -> Instruction | None:
        """The instruction that made a layer, where a line is known for it."""
        if self.provenance is None or self.dockerfile is None or layer >= len(self.provenance.matches):
            return None
        number = self.provenance.matches[layer].instruction
        return self.dockerfile.instructions[number] if number is not None and number < len(self.dockerfile.instructions) else None

    def instruction_text(self, layer: int) -> str:
        """What made a layer, in the words of its line or of its history item."""
        instruction = self.instruction(layer)
        if instruction is not None:
            return instruction.source
        history = self.image.layers[layer].history
        return history.created_by if history else ""

    # -- what must stay -----------------------------------------------------------------------------------------------

    @cached_property
    def needs(self) -> Needs:
        """What the entrypoint, command and health check need, as far as files tell."""
        return find_needs(self)

    @cached_property
    def needed(self) -> set[int]:
        """Path ids of the files that the container's start needs."""
        return {pid for path in self.needs.files if (pid := self.table.id_of(path)) is not None}

    @cached_property
    def needed_rows(self) -> set[int]:
        """Rows of the files that the container's start needs."""
        return {row for pid in self.needed if (row := self.table.live_rows[pid]) >= 0}

    @cached_property
    def named_rows(self) -> set[int]:
        """Rows of all files below directories that the start command names."""
        rows = self.table.live_rows
        return {rows[pid] for place in self.needs.directories for pid in self.below(place)}

    @cached_property
    def owned(self) -> set[int]:
        """Path ids of live files that an installed package owns."""
        return set(live_owners(self.table, self.packages))

    # -- helpers of rules ---------------------------------------------------------------------------------------------

    def by_layer(self, pids: Iterable[int]) -> Iterator[tuple[int, list[int]]]:
        """Give the rows of live files, by the layer that added them, lowest first."""
        rows = sorted(set(map(self.table.live_rows.__getitem__, pids)))
        at = bisect_left(rows, 0)
        for layer in range(self.table.layers):
            end = bisect_left(rows, self.table.first_row(layer + 1), at)
            if end > at:
                yield layer, rows[at:end]
            at = end

    def layer_of(self, row: int) -> int:
        """Give the layer of a row."""
        return bisect_right(self._firsts, row) - 1

    @cached_property
    def _firsts(self) -> list[int]:
        return [self.table.first_row(layer) for layer in range(self.table.layers)]

    def row(self, entry: Entry) -> int:
        """Give an entry as a row of the table."""
        return self.table.first_row(entry[0]) + entry[1]

    def top_paths(self, rows: Sequence[int]) -> list[str]:
        """Give the top-most paths that the live entries fill wholly: a directory stands for all that it shows.

        A directory that was there before them stays, so that its files are named and not it.
        """
        table = self.table
        paths, lowest = table.paths, min(rows, default=0)
        first = next((row for layer in range(table.layers, -1, -1) if (row := table.first_row(layer)) <= lowest), 0)
        return sorted([paths[pid] for pid in table.topmost(rows, first)])
