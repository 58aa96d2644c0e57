"""The merged file system: one table of paths with, per path, its entries by layer (the rules: `msbtui.image.stack`)."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import compress

from msbtui.image import fast
from msbtui.image.accounting import Accounting
from msbtui.image.model import Kind, LayerIndex
from msbtui.image.stack import DIRECTORY, NONE, NOT_HIDDEN, OTHER, chain

_LINKS = (Kind.SYMLINK, Kind.HARD_LINK)
_MARK = int(Kind.WHITEOUT)
_IS_OTHER = bytes(state == OTHER for state in range(256))
_IS_DIRECTORY = bytes(state == DIRECTORY for state in range(256))
_MAX_LINKS = 40
"""Symlinks that one path may lead through (Linux, path_resolution(7), MAXSYMLINKS)."""


class FileTable(Accounting):
    """One table of paths, their entries by layer, and what hid each of them.

    An entry is named by its layer and its number in that layer's index. Path ids are dense, 0 is the root, and a parent's
    id is smaller than its children's. Queries between two calls of `add` are answered for the layers so far; `add` must not
    run while another thread reads.
    """

    def __init__(self, indexes: Iterable[LayerIndex] = ()) -> None:
        """Make the table of `indexes`, lowest layer first."""
        super().__init__()
        for index in indexes:
            self.add(index)

    # Paths

    @property
    def layers(self) -> int:
        """How many layers were added."""
        return len(self._indexes)

    def __len__(self) -> int:
        """How many paths there are, the root, implied directories and hidden ones included."""
        return len(self.paths)

    def index(self, layer: int) -> LayerIndex:
        """Give the entries of `layer`."""
        return self._indexes[layer]

    def id_of(self, path: str) -> int | None:
        """Give the id of a path exactly as stored (no leading slash, no symlink followed), or None where no layer has it."""
        return self._ids.get(path)

    def path_of(self, layer: int, entry: int) -> int:
        """Give the path id of an entry."""
        return self._row_path[self._offsets[layer] + entry]

    def entries(self, path_id: int) -> Sequence[tuple[int, int]]:
        """Give all entries of a path as (layer, entry), lowest layer first; whiteouts and opaque markers included."""
        return [self._unrow(row) for row in self._rows(path_id)]

    def children(self, path_id: int) -> Sequence[int]:
        """Give what lies directly in a path in any layer, hidden or not, in order of first appearance."""
        self._link()
        return chain(self._first_child[path_id], self._next_sibling)[::-1]

    def live_children(self, path_id: int) -> Sequence[int]:
        """Give what the final file system shows directly in a path, in order of first appearance."""
        return sorted(self._live_list(path_id))

    def live_in(self, path_id: int) -> Sequence[int]:
        """Give the same in any order, sooner."""
        return self._live_list(path_id)

    def directories_among(self, path_ids: Iterable[int]) -> set[int]:
        """Give those of some paths at which the final file system shows a directory (symlinks are none)."""
        state = self._state
        return {path_id for path_id in path_ids if state[path_id] == DIRECTORY}

    def subtree(self, path_id: int) -> Iterator[int]:
        """Give all paths below a path in any layer, parents before children, siblings in order of first appearance."""
        self._link()
        stack = chain(self._first_child[path_id], self._next_sibling)
        while stack:
            pid = stack.pop()
            yield pid
            stack += chain(self._first_child[pid], self._next_sibling)

    def _rows(self, pid: int) -> list[int]:
        first = self._first_row[pid]
        return [] if first < 0 else [first, *self._more_rows.get(pid, ())]

    # What lives, what is hidden

    def is_live(self, path_id: int) -> bool:
        """Say whether the final file system shows a path, implied directories included."""
        return self._state[path_id] != NONE

    def is_directory(self, path_id: int) -> bool:
        """Say whether the final file system shows a directory there, implied ones included (symlinks are none)."""
        return self._state[path_id] == DIRECTORY

    def live(self, path_id: int) -> tuple[int, int] | None:
        """Give the entry that the final file system shows at a path; None where there is none, or an implied directory."""
        row = self._live_row[path_id]
        return None if row < 0 else self._unrow(row)

    def live_at(self, path_id: int, layer: int) -> tuple[int, int] | None:
        """Give the entry that the file system after `layer` shows at a path; None as `live` says."""
        row = self.live_row_at(path_id, layer)
        return None if row < 0 else self._unrow(row)

    def live_row_at(self, path_id: int, layer: int) -> int:
        """Give the row of the entry that `live_at` gives, -1 for none."""
        offsets = self._offsets
        if layer >= len(offsets) - 1:
            return self._live_row[path_id]
        end, hidden = offsets[layer + 1], self._hidden
        # Asked of ten thousands of paths: most have one row, and what has bytes is no marker.
        for row in (*reversed(self._more_rows.get(path_id, ())), self._first_row[path_id]):
            if 0 <= row < end and hidden[row] > layer:
                if self._costs[row]:
                    return row
                of = bisect_right(offsets, row) - 1
                if self._indexes[of].kinds[row - offsets[of]] < _MARK:
                    return row
        return -1

    def is_live_at(self, path_id: int, layer: int) -> bool:
        """Say whether the file system after `layer` shows a path, implied directories included."""
        if layer == len(self._offsets) - 1:
            return self._state[path_id] != NONE
        return self.is_implied_at(path_id, layer) or self.live_row_at(path_id, layer) >= 0

    def is_implied_at(self, path_id: int, layer: int) -> bool:
        """Say of a path without an entry after `layer` whether it is a directory all the same: others below it imply it."""
        implied = self._implied.get(path_id)
        return implied is not None and any(start <= layer < end for start, end in implied)

    def hidden_by(self, layer: int, entry: int) -> int | None:
        """Give the layer that hid this name, or None where it lives; markers are never hidden."""
        by = self._hidden[self._offsets[layer] + entry]
        return None if by == NOT_HIDDEN else by

    def hidden_rows(self, by: int) -> list[int]:
        """Give the entries that layer `by` hid, as rows, sorted."""
        return sorted(self._hid_rows[by])

    def rows_after(self, by: int) -> list[int]:
        """Give for each of `hidden_rows(by)` the row of layer `by` that stands at its path afterwards, -1 for none."""
        rows, kinds, first, row_path = self.hidden_rows(by), self._indexes[by].kinds, self._offsets[by], self._row_path
        if fast.compiled is not None:
            quick: list[int] = fast.compiled.rows_after(rows, row_path, self._hidden, kinds, first, by, len(self.paths))
            return quick
        columns = zip(range(first, first + len(kinds)), kinds, self._hidden[first : first + len(kinds)], strict=True)
        standing = {row_path[row]: row for row, kind, hidden in columns if kind < _MARK and hidden > by}
        return [standing.get(row_path[row], -1) for row in rows]

    # Rows: an entry as one number, its layer's first row plus its number there. For who looks at every path.

    def first_row(self, layer: int) -> int:
        """Give the row of a layer's first entry; that of `layers` is the number of all rows."""
        return self._end(layer - 1) if layer else 0

    @property
    def live_rows(self) -> Sequence[int]:
        """By path id the row that the final file system shows there, -1 for none; may be longer than `paths`."""
        return self._live_row

    @property
    def first_rows(self) -> Sequence[int]:
        """By path id the first row of any layer there, -1 for none; may be longer than `paths`."""
        return self._first_row

    @property
    def row_paths(self) -> Sequence[int]:
        """By row the path id."""
        return self._row_path

    def live_files(self) -> array[int]:
        """Give the path ids of all that the final file system shows and that is no directory."""
        if fast.compiled is not None:
            files: array[int] = fast.compiled.live_files(self._state, len(self.paths))
            return files
        return array("i", compress(range(len(self.paths)), self._state.translate(_IS_OTHER)))

    def at_least(self, pids: Sequence[int], least: int) -> list[int]:
        """Give, of path ids that the final file system shows, those whose entries cost `least` bytes or more."""
        if fast.compiled is not None:
            large: list[int] = fast.compiled.at_least(pids, self._live_row, self._costs, least)
            return large
        rows, costs = self._live_row, self._costs
        return [pid for pid in pids if costs[rows[pid]] >= least]

    def live_directories(self) -> array[int]:
        """Give the path ids of all directories that the final file system shows, parents first, the root included."""
        if fast.compiled is not None:
            directories: array[int] = fast.compiled.live_files(self._state, len(self.paths), DIRECTORY)
            return directories
        return array("i", compress(range(len(self.paths)), self._state.translate(_IS_DIRECTORY)))

    def live_below(self, path_id: int) -> list[int]:
        """Give what the final file system shows at or below a path and that is no directory."""
        self._link()
        state, first, following = self._state, self._first_live, self._next_live
        if fast.compiled is not None:
            below: list[int] = fast.compiled.live_below(path_id, len(self.paths), state, first, following)
            return below
        found, stack = [], [path_id] if state[path_id] else []
        while stack:
            pid = stack.pop()
            if state[pid] != DIRECTORY:
                found.append(pid)
                continue
            child = first[pid]
            while child >= 0:
                stack.append(child)
                child = following[child]
        return found

    def topmost(self, rows: Iterable[int], first: int) -> list[int]:
        """Give the top-most path ids that live entries fill wholly, in any order: a directory stands for all that it shows.

        A directory that a row before `first` has is filled only where it is one of `rows` itself.
        """
        self._link()
        if fast.compiled is not None:
            columns = (self._row_path, self.parents, self._state, self._first_row, self._first_live, self._next_live)
            quick: list[int] = fast.compiled.topmost(rows, *columns, first)
            return quick
        parents, first_rows = self.parents, self._first_row
        filled = set(map(self._row_path.__getitem__, rows))
        directories = self.directories_among(filled)
        todo = set(map(parents.__getitem__, filled))
        while todo:
            following = set()
            for pid in todo:
                if pid <= 0 or pid in directories or 0 <= first_rows[pid] < first:
                    continue
                if filled.issuperset(self._live_list(pid)):
                    directories.add(pid)
                    filled.add(pid)
                    following.add(parents[pid])
            todo = following
        return [pid for pid in filled if parents[pid] not in directories]

    # Paths as a container sees them

    def resolve(self, path: str, follow: bool = True, layer: int | None = None) -> int | None:
        """Give the path that `path` leads to in the final file system (or after `layer`), as a process in it sees it.

        Absolute links start at the image's root, and `..` does not leave it; a relative `path` starts at the root too. With
        `follow` false a symlink at the very end is given itself. None where it leads to nothing, through what is no
        directory, or through more than 40 links (path_resolution(7)).
        """
        straight = self._ids.get(path.strip("/"))
        stands = None if straight is None else self.live(straight) if layer is None else self.live_at(straight, layer)
        # What stands at the very path lies in directories all the way down, so that nothing on the way is to be followed.
        if stands is not None and (not follow or self._indexes[stands[0]].kinds[stands[1]] not in _LINKS):
            return straight
        parts = path.split("/")[::-1]
        at, links = 0, 0
        while parts:
            part = parts.pop()
            if part in ("", "."):
                continue
            if part == "..":
                at = max(self.parents[at], 0)
                continue
            found = self._ids.get(f"{self.paths[at]}/{part}" if at else part)
            if found is None or not self._shown(found, layer):
                return None
            more = any(rest not in ("", ".") for rest in parts)
            target = self.link_target(found, layer) if follow or more else None
            if target is not None:
                links += 1
                if links > _MAX_LINKS or not target:
                    return None
                if target.startswith("/"):
                    at = 0
                parts += target.split("/")[::-1]
            elif more and not self._is_directory(found, layer):
                return None
            else:
                at = found
        return at

    def link_target(self, path_id: int, layer: int | None = None) -> str | None:
        """Give a symlink's target as written, in the final file system or after `layer`; None where there is no symlink."""
        found = self.live(path_id) if layer is None else self.live_at(path_id, layer)
        if found is None:
            return None
        index, entry = self._indexes[found[0]], found[1]
        for _ in range(_MAX_LINKS):
            if index.kinds[entry] == Kind.SYMLINK:
                return index.links.get(entry, "")
            if index.kinds[entry] != Kind.HARD_LINK:
                return None
            # A hard link to a symlink is that symlink.
            other = self._ids.get(index.links.get(entry, ""))
            names = [] if other is None else [at for at in self.entries(other) if at[0] == found[0]]
            if not names:
                return None
            entry = names[-1][1]
        return None

    def _shown(self, path_id: int, layer: int | None) -> bool:
        return self._state[path_id] != NONE if layer is None else self.is_live_at(path_id, layer)

    def _is_directory(self, path_id: int, layer: int | None) -> bool:
        if layer is None:
            return self._state[path_id] == DIRECTORY
        found = self.live_at(path_id, layer)
        return found is None or self._indexes[found[0]].kinds[found[1]] == Kind.DIRECTORY
