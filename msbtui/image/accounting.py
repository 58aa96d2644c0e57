"""The bytes of a merged file system: every byte of every layer stands once, in the entry that bears it (DESIGN.md section 3)."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import Enum
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from msbtui.image import fast
from msbtui.image.model import Kind
from msbtui.image.stack import NOT_HIDDEN, LayerStack


class State(Enum):
    """Which entries of its layers a view takes."""

    STORED = "stored"
    """All of them."""
    LIVE = "live"
    """Those that the file system after layer `View.after` shows."""
    HIDDEN = "hidden"
    """Those that it no longer shows."""
    HIDDEN_BY = "hidden by"
    """Those that layer `View.after` itself hid."""


class View(NamedTuple):
    """A choice of entries: those of layers `first` to `last` (included) in state `state` after layer `after`."""

    first: int
    last: int
    state: State
    after: int

    def bounds(self) -> tuple[int, int]:
        """Give the lowest and highest hiding layer (`NOT_HIDDEN` for none) of what this view takes."""
        if self.state is State.STORED:
            return 0, NOT_HIDDEN
        if self.state is State.LIVE:
            return self.after + 1, NOT_HIDDEN
        return (0, self.after) if self.state is State.HIDDEN else (self.after, self.after)

    @staticmethod
    def layer(layer: int) -> View:
        """Give all that `layer` holds."""
        return View(layer, layer, State.STORED, layer)

    @staticmethod
    def up_to(layer: int) -> View:
        """Give the file system as it stands after `layer`."""
        return View(0, layer, State.LIVE, layer)

    @staticmethod
    def hidden_by(layer: int) -> View:
        """Give what `layer` hid, its own entries included."""
        return View(0, layer, State.HIDDEN_BY, layer)


class Accounting(LayerStack):
    """What layers, entries and views of them cost, in bytes; an inode's bytes stand once, whatever names it has."""

    @property
    def inodes(self) -> Mapping[int, Sequence[int]]:
        """The inodes of several names: by the row that bears the bytes all rows, itself first."""
        return self._names

    def inode_rows(self, row: int) -> Sequence[int]:
        """Give the rows of all names of a row's inode, the one that bears its bytes first."""
        return self._inode(row)

    def inode(self, layer: int, entry: int) -> Sequence[tuple[int, int]]:
        """Give all names of this entry's inode, the one that bears its bytes first; alone where it has no hard links."""
        return [self._unrow(row) for row in self._inode(self._offsets[layer] + entry)]

    def _inode(self, row: int) -> list[int]:
        leader = self._leader.get(row)
        return [row] if leader is None else self._names[leader]

    def linked(self, rows: Collection[int]) -> bool:
        """Say whether any of these rows has another name."""
        return bool(self._leader) and not self._leader.keys().isdisjoint(rows)

    def bytes_hidden_by(self, layer: int, entry: int) -> int | None:
        """Give the layer that hid the last name of this entry's inode, or None while any name lives."""
        row = self._offsets[layer] + entry
        leader = self._leader.get(row)
        if leader is not None:
            return self._gone.get(leader)
        by = self._hidden[row]
        return None if by == NOT_HIDDEN else by

    @property
    def row_costs(self) -> Sequence[int]:
        """By row the bytes (see `cost`)."""
        return self._costs

    @property
    def row_hidden(self) -> Sequence[int]:
        """By row the layer that hid the name, `NOT_HIDDEN` where it lives."""
        return self._hidden

    def cost(self, layer: int, entry: int) -> int:
        """Give the bytes of an entry as stored; of an inode's names the regular file bears them, hard links cost 0."""
        return self._costs[self._offsets[layer] + entry]

    def bytes_of(self, entries: Iterable[tuple[int, int]], whole_inodes: bool = False) -> int:
        """Give the bytes of `entries`, each byte once, however often an entry or its other names are given.

        With `whole_inodes` an inode counts only if removing the entries would free it: if all its live names are given, or,
        where none lives, all its names.
        """
        return self._bytes_of({self._offsets[layer] + entry for layer, entry in entries}, whole_inodes)

    def bytes_of_rows(self, rows: Collection[int], whole_inodes: bool = False) -> int:
        """Give the bytes of distinct rows, each byte once (see `bytes_of`)."""
        if not self.linked(rows):
            costs = self._costs
            quick: int | None = None if fast.compiled is None else fast.compiled.total(rows, costs)
            return sum([costs[row] for row in rows]) if quick is None else quick
        return self._bytes_of(set(rows), whole_inodes)

    def _bytes_of(self, rows: set[int], whole_inodes: bool) -> int:
        total = 0
        seen = set()
        for row in rows:
            leader = self._leader.get(row)
            if leader is None:
                total += self._costs[row]
            elif leader not in seen:
                seen.add(leader)
                names = self._names[leader]
                if whole_inodes:
                    names = [name for name in names if self._hidden[name] == NOT_HIDDEN] or names
                    if not rows.issuperset(names):
                        continue
                total += self._costs[leader]
        return total

    def layer_size(self, layer: int) -> int:
        """Give the bytes of the layer's entries."""
        return self._sizes[layer]

    def layer_hidden(self, layer: int) -> int:
        """Give the bytes that this layer added and that the final file system no longer shows."""
        return self._layer_hidden[layer]

    def hid(self, layer: int) -> int:
        """Give the bytes, whichever layer added them, that this layer hid."""
        return self._hid_bytes[layer]

    def contribution(self, layer: int) -> int:
        """Give by how many bytes this layer made the visible file system larger; negative where it hid more than it added."""
        return self._sizes[layer] - self._hid_bytes[layer]

    def running_total(self, layer: int) -> int:
        """Give the bytes that the file system after this layer shows."""
        return sum(self._sizes[: layer + 1]) - sum(self._hid_bytes[: layer + 1])

    @property
    def size(self) -> int:
        """Bytes of all layers: `live_bytes` + `hidden_bytes`."""
        return sum(self._sizes)

    @property
    def hidden_bytes(self) -> int:
        """Bytes that the final file system no longer shows."""
        return sum(self._layer_hidden)

    @property
    def live_bytes(self) -> int:
        """Bytes that the final file system shows."""
        return self.size - self.hidden_bytes

    def sums(self, view: View) -> array[int]:
        """Give by path id the bytes of what a view takes at and below that path; the root's is the view's total.

        Each byte stands at one path: an inode's at its regular file's name or, where the view has not that name, at the
        first of its others. An inode is live while a name is, and hidden by the layer that hid its last name.
        """
        low, high = view.bounds()
        start, end = self._offsets[view.first], self._end(view.last)
        grouped, row_path = self._names, self._row_path
        own: dict[int, int] = {}
        row = start - 1
        for cost, by in zip(self._costs[start:end], self._hidden[start:end], strict=True):
            row += 1
            if cost and low <= by <= high and row not in grouped:
                pid = row_path[row]
                own[pid] = own.get(pid, 0) + cost
        for leader, names in grouped.items():
            if start <= leader < end and low <= max(self._hidden[name] for name in names) <= high:
                bearer = next(name for name in names if low <= self._hidden[name] <= high)
                own[row_path[bearer]] = own.get(row_path[bearer], 0) + self._costs[leader]
        return self.add_up(own)

    def counts(self, view: View) -> array[int]:
        """Give by path id how many entries (names, not inodes; no markers) a view takes at and below that path."""
        low, high = view.bounds()
        own: dict[int, int] = {}
        for layer in range(view.first, view.last + 1):
            for row, kind in enumerate(self._indexes[layer].kinds, self._offsets[layer]):
                if kind < Kind.WHITEOUT and low <= self._hidden[row] <= high:
                    pid = self._row_path[row]
                    own[pid] = own.get(pid, 0) + 1
        return self.add_up(own)

    def add_up(self, own: Mapping[int, int], totals: array[int] | None = None) -> array[int]:
        """Give by path id the sums of `own` (path id -> a number) at and below that path; into `totals` where that is given.

        Costs what `own` holds and the directories above it, so that one layer of a large image is soon added up.
        """
        if totals is None:
            totals = array("q", bytes(8 * len(self.paths)))
        parents = self.parents
        carried: dict[int, int] = {}
        for pid, number in own.items():
            totals[pid] += number
            if pid:
                parent = parents[pid]
                carried[parent] = carried.get(parent, 0) + number
        # A directory's number is below those of all that lies in it: from the greatest down, each is whole when it is taken.
        waiting = [-pid for pid in carried]
        heapify(waiting)
        while waiting:
            pid = -heappop(waiting)
            number = carried[pid]
            totals[pid] += number
            if pid:
                parent = parents[pid]
                if parent not in carried:
                    heappush(waiting, -parent)
                carried[parent] = carried.get(parent, 0) + number
        return totals

    def _unrow(self, row: int) -> tuple[int, int]:
        layer = bisect_right(self._offsets, row) - 1
        return layer, row - self._offsets[layer]

    def _end(self, layer: int) -> int:
        return self._offsets[layer + 1] if layer + 1 < len(self._offsets) else len(self._row_path)
