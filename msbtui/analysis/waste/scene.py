"""What every rule looks at: the image's table with the questions that rules ask, answered once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import TypeVar, cast

from msbtui.analysis.lines import stage_chain
from msbtui.analysis.model import Base, Provenance
from msbtui.analysis.waste.kind import Entry
from msbtui.analysis.waste.needs import Needs, find_needs
from msbtui.dockerfile.model import Dockerfile, StageGraph
from msbtui.image.model import ElfFacts, Image, Kind
from msbtui.image.packages import Packages
from msbtui.image.table import FileTable

T = TypeVar("T")
PATH_LIMIT = 4096
"""Characters (Linux, PATH_MAX): what no process can name is no rule's business."""


class LiveFile:
    """A path that the final file system shows and that is no directory."""

    __slots__ = ("entry", "layer", "name", "path", "pid")

    def __init__(self, pid: int, path: str, layer: int, entry: int) -> None:
        self.pid = pid
        self.path = path
        self.name = path.rpartition("/")[2]
        self.layer = layer
        self.entry = entry

    @property
    def key(self) -> Entry:
        """(layer, entry)."""
        return (self.layer, self.entry)


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
    ) -> None:
        self.image = image
        self.table = table
        self.packages = packages
        self.base = base
        self.provenance = provenance
        self.dockerfile = dockerfile
        self.graph = graph
        self._results: dict[str, object] = {}

    def once(self, name: str, work: Callable[[], T]) -> T:
        """Give the result of `work`, done when first asked for under this name."""
        if name not in self._results:
            self._results[name] = work()
        return cast(T, self._results[name])

    # -- files --------------------------------------------------------------------------------------------------------

    @cached_property
    def files(self) -> list[LiveFile]:
        """All live entries that are no directories: files, links, devices."""
        table, found = self.table, []
        for pid, path in enumerate(table.paths):
            if table.is_directory(pid) or len(path) > PATH_LIMIT:
                continue
            entry = table.live(pid)
            if entry is not None:
                found.append(LiveFile(pid, path, *entry))
        return found

    @cached_property
    def by_name(self) -> dict[str, list[LiveFile]]:
        """Live files by the last part of their paths."""
        names: dict[str, list[LiveFile]] = {}
        for file in self.files:
            names.setdefault(file.name, []).append(file)
        return names

    @cached_property
    def _by_pid(self) -> dict[int, LiveFile]:
        return {file.pid: file for file in self.files}

    def file(self, path: str) -> LiveFile | None:
        """Give the live file at a path as stored, or None."""
        pid = self.table.id_of(path)
        return None if pid is None else self._by_pid.get(pid)

    def below(self, path: str) -> list[LiveFile]:
        """Give the live files at and below a path as stored (no symlink is followed)."""
        pid = self.table.id_of(path)
        if pid is None:
            return []
        found, stack = [], [pid]
        while stack:
            pid = stack.pop()
            if self.table.is_directory(pid):
                stack.extend(self.table.live_children(pid))
            elif pid in self._by_pid:
                found.append(self._by_pid[pid])
        return found

    def names_in(self, path: str) -> dict[str, int]:
        """Give what a live directory holds: name -> path id."""
        pid = self.table.id_of(path)
        if pid is None or not self.table.is_directory(pid):
            return {}
        return {self.table.paths[child].rpartition("/")[2]: child for child in self.table.live_children(pid)}

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

    def instruction_text(self, layer: int) -> str:
        """What made a layer, in the words of its line or of its history item."""
        if self.provenance is not None and self.dockerfile is not None and layer < len(self.provenance.matches):
            number = self.provenance.matches[layer].instruction
            if number is not None and number < len(self.dockerfile.instructions):
                return self.dockerfile.instructions[number].source
        history = self.image.layers[layer].history
        return history.created_by if history else ""

    # -- what must stay -----------------------------------------------------------------------------------------------

    @cached_property
    def needs(self) -> Needs:
        """What the entrypoint, command and health check need, as far as files tell."""
        return find_needs(self)

    # -- helpers of rules ---------------------------------------------------------------------------------------------

    def by_layer(self, files: Iterable[LiveFile]) -> Iterator[tuple[int, list[LiveFile]]]:
        """Group files by the layer that added them, lowest first."""
        groups: dict[int, list[LiveFile]] = {}
        for file in files:
            groups.setdefault(file.layer, []).append(file)
        yield from sorted(groups.items())

    def top_paths(self, entries: Sequence[Entry]) -> list[str]:
        """Give the top-most paths that the live entries fill wholly: a directory stands for all that it shows.

        A directory that was there before them stays, so that its files are named and not it.
        """
        table = self.table
        first = min((layer for layer, _ in entries), default=0)
        filled = {table.path_of(*entry) for entry in entries}
        directories = {pid for pid in filled if table.is_directory(pid)}
        todo = {table.parents[pid] for pid in filled}
        while todo:
            following = set()
            for pid in todo:
                if pid <= 0 or pid in directories or next(iter(table.entries(pid)), (first, 0))[0] < first:
                    continue
                if all(child in filled for child in table.live_children(pid)):
                    directories.add(pid)
                    filled.add(pid)
                    following.add(table.parents[pid])
            todo = following
        return sorted(table.paths[pid] for pid in filled if table.parents[pid] not in directories)
