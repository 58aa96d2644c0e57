"""How layers stack into one table of paths: the columns behind `msbtui.image.table.FileTable`.

The rules (OCI image-spec, layer.md, "Applying Changesets" and "Whiteouts"; where it is silent, what an overlay mount
of separately unpacked layers shows, as Docker's overlay2 driver does it):

- A later entry of the same path hides the earlier one. What is no directory also hides all below an earlier directory; a
  directory over a directory hides only the earlier directory's own entry and keeps what lies in it.
- A whiteout hides its path and all below it, an opaque marker all below its directory; both from *earlier* layers only,
  wherever in the layer they stand. A whiteout of nothing hides nothing. Markers imply no directories.
- A directory that no entry names, but that an entry lies in, is implied, and acts like a directory entry.
- Paths are taken literally: `bin/x` of a later layer over a symlink `bin` of an earlier one makes a directory `bin` that
  hides the symlink. (Engines that unpack into the merged tree follow the link instead; no writer of layers makes this.)
- An entry below a non-directory of its own layer, or a non-directory over its own layer's earlier children: the one that
  comes last in the archive wins, the other is hidden by its own layer. (containerd's `archive.applyNaive` removes the
  children in the second case and fails in the first.)
- Hard links join the inode of the path that they name in the *same* layer. A link to a path that only an earlier layer has
  costs 0 and shares no fate with that file: the archive holds no bytes for it. So does a link to nothing.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from itertools import compress, repeat
from operator import itemgetter
from sys import getsizeof
from threading import Lock

from msbtui.errors import TargetError
from msbtui.image import fast
from msbtui.image.hardlinks import targets
from msbtui.image.model import Kind, LayerIndex
from msbtui.text import printable

NOT_HIDDEN = 0x7FFFFFFF
"""In the column of hiding layers: none. Greater than any layer, so that `hidden > layer` reads "still there after layer"."""
NONE, DIRECTORY, OTHER = 0, 1, 2
"""What the file system shows at a path: nothing, a directory (named or implied), anything else."""

_SHOWN = bytes(DIRECTORY if kind == Kind.DIRECTORY else OTHER for kind in range(256))
"""By kind of an entry what it shows."""
_FIRST = itemgetter(0)

MOST_IMPLIED = 1 << 27
"""Bytes that directories which no entry names may take in memory; a few hostile names could ask for terabytes."""
_ROOM = 512
"""Bytes that such a directory takes besides its path; each entry, a header of as many bytes, may bring one more along."""


class LayerStack:
    """Paths, rows, the live tree, and sums by layer, kept up to date by `add`.

    A row is an entry: the offset of its layer plus its number there. Adding a layer costs time linear in its entries plus
    what it newly hides: an entry is hidden once, and the live tree, which alone is walked, holds no dead paths.
    """

    def __init__(self) -> None:
        self.paths: list[str] = [""]
        """By path id, as LayerIndex has them; the root is `""`."""
        self.parents = array("i", [-1])
        """By path id the id of the directory that it lies in; -1 for the root."""
        self._ids: dict[str, int] = {"": 0}
        self._first_child = array("i", [-1])
        self._next_sibling = array("i", [-1])
        # The live tree, as linked lists of children: what is dead is never walked again.
        self._state = bytearray([DIRECTORY])
        self._live_row = array("i", [-1])
        self._first_live = array("i", [-1])
        self._next_live = array("i", [-1])
        self._prev_live = array("i", [-1])
        self._first_row = array("i", [-1])
        self._more_rows: dict[int, list[int]] = {}
        self._implied_bytes = 0
        self._implied: dict[int, list[tuple[int, int]]] = {0: [(0, NOT_HIDDEN)]}
        self._linked = 1
        """Paths from this one on are not in the lists of children yet."""
        self._linking = Lock()
        # A row is an entry: the offset of its layer plus its number there.
        self._offsets: list[int] = []
        self._row_path = array("i")
        self._hidden = array("i")
        self._costs = array("q")
        self._leader: dict[int, int] = {}
        self._names: dict[int, list[int]] = {}
        self._alive: dict[int, int] = {}
        self._gone: dict[int, int] = {}
        """The inodes of several names of which none is left, and the layer that hid the last."""
        self._indexes: list[LayerIndex] = []
        self._sizes: list[int] = []
        self._layer_hidden: list[int] = []
        self._hid_bytes: list[int] = []
        self._hid_rows: list[array[int]] = []

    def add(self, index: LayerIndex) -> None:
        """Put the next layer on top; TargetError where its paths imply absurdly many directories (the table is void then)."""
        layer, base, count = len(self._indexes), len(self._row_path), len(index)
        self._indexes.append(index)
        self._offsets.append(base)
        self._row_path.extend(array("i", bytes(4 * count)))
        self._hidden.extend(array("i", [NOT_HIDDEN]) * count)
        self._costs.extend(index.sizes)
        self._sizes.append(sum(index.sizes))
        self._layer_hidden.append(0)
        self._hid_bytes.append(0)
        self._hid_rows.append(array("i"))
        self._join_hard_links(index, base)
        self._apply_markers(index, layer)
        rest = self._add_new(index, layer)
        if rest:
            self._add_one_by_one(index, rest, layer)

    def _add_new(self, index: LayerIndex, layer: int) -> Sequence[int]:
        """Add at once the entries whose paths no layer had, where their order cannot matter; give the entries that are left.

        It cannot where all that they lie in stays a directory: one that is there and that nothing in this layer replaces, one
        of the new entries that comes before them, or one to be implied. Otherwise all entries are left.
        """
        ids, state, paths, kinds = self._ids, self._state, index.paths, index.kinds
        if fast.compiled is not None:
            simple: Sequence[int] | None = fast.compiled.add_new(
                self, ids, self.paths, self.parents, paths, kinds, layer, self._offsets[layer], self._row_path
            )
            if simple is not None:
                return simple
        every = range(len(paths))
        known = list(map(ids.get, paths))
        rest = [entry for entry, pid in enumerate(known) if pid is not None] if known.count(None) < len(known) else []
        if kinds.find(Kind.WHITEOUT) >= 0 or kinds.find(Kind.OPAQUE) >= 0:
            rest = sorted({*rest, *(entry for entry, kind in enumerate(kinds) if kind >= Kind.WHITEOUT)})
        if len(rest) == len(paths):
            return every
        new: Sequence[int] = every
        new_paths, new_kinds = paths, bytes(kinds)
        if rest:
            mask = bytearray(b"\1") * len(paths)
            for entry in rest:
                mask[entry] = 0
            new, new_paths, new_kinds = list(compress(every, mask)), list(compress(paths, mask)), bytes(compress(kinds, mask))
        for entry in rest:
            pid, kind = known[entry], kinds[entry]
            if kind < Kind.WHITEOUT and kind != Kind.DIRECTORY and pid is not None and state[pid] == DIRECTORY:
                return every
        lies_in = list(map(_FIRST, map(str.rpartition, new_paths, repeat("/"))))
        # By directory the first of the new entries in it.
        first_in = dict(zip(reversed(lies_in), reversed(range(len(lies_in))), strict=True))
        missing = [folder for folder in first_in if folder not in ids]
        implied: list[str] = []
        if missing or any(kinds[entry] >= Kind.WHITEOUT and known[entry] is None for entry in rest):
            own = dict(zip(new_paths, range(len(new_paths)), strict=True))
            if any(paths[entry] in own for entry in rest):
                return every
            for folder in missing:
                at = own.get(folder)
                if at is None:
                    implied.append(folder)
                elif new_kinds[at] != Kind.DIRECTORY or at > first_in[folder]:
                    return every
            if implied:
                implied = self._with_parents(implied)
                if not implied or any(folder in own for folder in implied):
                    return every
        if any(state[ids[folder]] != DIRECTORY for folder in first_in if folder in ids):
            return every

        self._imply_all(implied, layer)
        base, first, count = self._offsets[layer], len(self.paths), len(new_paths)
        pids = range(first, first + count)
        ids.update(zip(new_paths, pids, strict=True))
        if len(ids) < first + count:  # two entries for one path
            for path in new_paths:
                ids.pop(path, None)
            return every
        rows = array("i", range(base, base + count) if new is every else map(base.__add__, new))
        self._reserve(first + count)
        self.paths += new_paths
        self.parents.extend(map(ids.__getitem__, lies_in))
        state[first : first + count] = new_kinds.translate(_SHOWN)
        self._live_row[first : first + count] = rows
        self._first_row[first : first + count] = rows
        if new is every:
            self._row_path[base : base + count] = array("i", pids)
        else:
            row_path = self._row_path
            for row, pid in zip(rows, pids, strict=True):
                row_path[row] = pid
        return rest

    def _imply_all(self, folders: Sequence[str], layer: int) -> None:
        """Make directories of `folders`, parents first."""
        if folders:
            self._link()
        for folder in folders:
            if folder not in self._ids:
                self._imply(self._new_path(folder), layer)

    def _with_parents(self, folders: list[str]) -> list[str]:
        """Give `folders` and what they lie in, parents first, as far as it is unknown; nothing where it cannot be."""
        found = set[str]()
        for folder in folders:
            while folder not in found:
                pid = self._ids.get(folder)
                if pid is not None:
                    if self._state[pid] != DIRECTORY:
                        return []
                    break
                found.add(folder)
                self._count_implied(folder)
                folder = folder.rpartition("/")[0]
        return sorted(found, key=len)

    def _count_implied(self, folder: str) -> None:
        """Take note that `folder` is about to be implied; TargetError where that is too much."""
        self._implied_bytes += _ROOM + getsizeof(folder)
        if self._implied_bytes > MOST_IMPLIED + _ROOM * len(self._row_path):
            what = "directories are nested too deep to be listed"
            raise TargetError(what, where=printable(folder[:80]), hint="this is no image that a builder wrote")

    def _add_one_by_one(self, index: LayerIndex, entries: Sequence[int], layer: int) -> None:
        self._link()
        base, paths, kinds = self._offsets[layer], index.paths, index.kinds
        ids, state, live_row, parents = self._ids, self._state, self._live_row, self.parents
        first_row, row_path, more = self._first_row, self._row_path, self._more_rows
        first_live, next_live, prev_live = self._first_live, self._next_live, self._prev_live
        self._reserve(len(self.paths) + sum(paths[entry] not in ids for entry in entries))
        for entry in entries:
            path, kind, row = paths[entry], kinds[entry], base + entry
            known = ids.get(path)
            pid = self._new_path(path) if known is None else known
            row_path[row] = pid
            if first_row[pid] < 0:
                first_row[pid] = row
            else:
                rows = more.setdefault(pid, [])
                if kind < Kind.WHITEOUT and (rows[-1] if rows else first_row[pid]) >= base:
                    self._drop_duplicates([first_row[pid], *rows], layer)
                rows.append(row)
            if kind >= Kind.WHITEOUT:
                continue
            if state[pid]:
                if not self._replace(pid, row, kind == Kind.DIRECTORY, layer):
                    continue
            else:
                parent = parents[pid]
                if state[parent] != DIRECTORY:
                    self._imply(parent, layer)
                head = first_live[parent]
                next_live[pid] = head
                prev_live[pid] = -1
                if head >= 0:
                    prev_live[head] = pid
                first_live[parent] = pid
            state[pid] = DIRECTORY if kind == Kind.DIRECTORY else OTHER
            live_row[pid] = row

    def _new_path(self, path: str) -> int:
        parent_path = path.rpartition("/")[0]
        known = self._ids.get(parent_path)
        # Parents first, from the nearest that is known, without recursion: a hostile path may have thousands of parts.
        missing = []
        while known is None:
            missing.append(parent_path)
            self._count_implied(parent_path)
            parent_path = parent_path.rpartition("/")[0]
            known = self._ids.get(parent_path)
        for part in reversed(missing):
            known = self._append_path(part, known)
        return self._append_path(path, known)

    def _append_path(self, path: str, parent: int) -> int:
        pid = len(self.paths)
        if pid >= len(self._state):
            self._reserve(pid + 1 + pid // 8)
        self.paths.append(path)
        self._ids[path] = pid
        self.parents.append(parent)
        self._next_sibling[pid] = self._first_child[parent]
        self._first_child[parent] = pid
        self._linked = pid + 1
        return pid

    def _link(self) -> None:
        """Make the lists of children whole: paths that came at once are put in when the lists are first needed."""
        if self._linked == len(self.paths):
            return
        with self._linking:
            state, parents, first_child, next_sibling = self._state, self.parents, self._first_child, self._next_sibling
            first_live, next_live, prev_live = self._first_live, self._next_live, self._prev_live
            if fast.compiled is not None:
                fast.compiled.link(self, self.parents, self._linked, len(self.paths))
                self._linked = len(self.paths)
                return
            for pid in range(self._linked, len(self.paths)):
                parent = parents[pid]
                next_sibling[pid] = first_child[parent]
                first_child[parent] = pid
                if state[pid]:
                    head = first_live[parent]
                    next_live[pid] = head
                    if head >= 0:
                        prev_live[head] = pid
                    first_live[parent] = pid
            self._linked = len(self.paths)

    def _reserve(self, count: int) -> None:
        """Make the columns of paths long enough for `count` paths at least; they may be longer than `paths` is."""
        more = count - len(self._state)
        if more > 0:
            self._state.extend(bytes(more))
            nothing = array("i", [-1]) * more
            for column in (self._first_child, self._next_sibling, self._live_row, self._first_row):
                column.extend(nothing)
            for column in (self._first_live, self._next_live, self._prev_live):
                column.extend(nothing)

    def _join_hard_links(self, index: LayerIndex, base: int) -> None:
        """Group the names of each regular file's inode."""
        for entry, end in sorted(targets(index).items()):
            if end >= 0 and index.kinds[end] == Kind.FILE:
                names = self._names.setdefault(base + end, [base + end])
                names.append(base + entry)
                self._leader[base + entry] = self._leader[base + end] = base + end
                self._alive[base + end] = len(names)

    def _apply_markers(self, index: LayerIndex, layer: int) -> None:
        for marker in (Kind.WHITEOUT, Kind.OPAQUE):
            entry = index.kinds.find(marker)
            while entry >= 0:
                pid = self._ids.get(index.paths[entry])
                if pid is not None and self._state[pid]:
                    self._link()
                    if marker == Kind.WHITEOUT and pid:
                        self._unlink(pid)
                        self._bury([pid], layer)
                    else:
                        self._bury_children(pid, layer)
                entry = index.kinds.find(marker, entry + 1)

    def _replace(self, pid: int, row: int, directory: bool, layer: int) -> bool:
        """Hide what `row` of path `pid` takes the place of; False where it cannot stand there."""
        if not pid and not directory:
            self._hide(row, layer)
            return False
        old = self._live_row[pid]
        if not directory and self._state[pid] == DIRECTORY:
            self._bury_children(pid, layer)
            self._close_implied(pid, layer)
        if old >= 0:
            self._hide(old, layer)
        return True

    def _drop_duplicates(self, rows: list[int], layer: int) -> None:
        """Take the bytes of `rows` in this layer away: a later entry of the same layer has their path, and the last counts."""
        base = self._offsets[layer]
        for row in rows:
            if row >= base and self._costs[row]:
                self._sizes[layer] -= self._costs[row]
                if self._hidden[row] != NOT_HIDDEN:
                    self._layer_hidden[layer] -= self._costs[row]
                    self._hid_bytes[layer] -= self._costs[row]
                self._costs[row] = 0

    def _imply(self, pid: int, layer: int) -> None:
        """Make `pid` and what it lies in directories that no entry names."""
        chain = []
        while self._state[pid] != DIRECTORY:
            chain.append(pid)
            pid = self.parents[pid]
        for pid in reversed(chain):
            if self._state[pid] == OTHER:
                self._hide(self._live_row[pid], layer)
            else:
                parent = self.parents[pid]
                head = self._first_live[parent]
                self._next_live[pid], self._prev_live[pid] = head, -1
                if head >= 0:
                    self._prev_live[head] = pid
                self._first_live[parent] = pid
            self._state[pid] = DIRECTORY
            self._live_row[pid] = -1
            self._implied.setdefault(pid, []).append((layer, NOT_HIDDEN))

    def _close_implied(self, pid: int, layer: int) -> None:
        spans = self._implied.get(pid)
        if spans and spans[-1][1] == NOT_HIDDEN:
            spans[-1] = (spans[-1][0], layer)

    def _unlink(self, pid: int) -> None:
        after, before = self._next_live[pid], self._prev_live[pid]
        if before >= 0:
            self._next_live[before] = after
        else:
            self._first_live[self.parents[pid]] = after
        if after >= 0:
            self._prev_live[after] = before

    def _live_list(self, pid: int) -> list[int]:
        self._link()
        return chain(self._first_live[pid], self._next_live)

    def _bury_children(self, pid: int, layer: int) -> None:
        children = self._live_list(pid)
        self._first_live[pid] = -1
        self._bury(children, layer)

    def _bury(self, stack: list[int], layer: int) -> None:
        """Hide the paths of `stack` and all that lives below them; they must be out of their parents' lists."""
        while stack:
            pid = stack.pop()
            self._state[pid] = NONE
            row = self._live_row[pid]
            if row >= 0:
                self._live_row[pid] = -1
                self._hide(row, layer)
            if pid in self._implied:
                self._close_implied(pid, layer)
            child = self._first_live[pid]
            if child >= 0:
                self._first_live[pid] = -1
                while child >= 0:
                    stack.append(child)
                    child = self._next_live[child]

    def _hide(self, row: int, layer: int) -> None:
        self._hidden[row] = layer
        self._hid_rows[layer].append(row)
        leader = self._leader.get(row)
        if leader is not None:
            self._alive[leader] -= 1
            if self._alive[leader]:
                return
            self._gone[leader] = layer
            row = leader
        cost = self._costs[row]
        if cost:
            self._layer_hidden[bisect_right(self._offsets, row) - 1] += cost
            self._hid_bytes[layer] += cost


def chain(first: int, following: array[int]) -> list[int]:
    """Give a linked list's ids from its first on."""
    if fast.compiled is not None:
        quick: list[int] = fast.compiled.chain(first, following)
        return quick
    found = []
    while first >= 0:
        found.append(first)
        first = following[first]
    return found
