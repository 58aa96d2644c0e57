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

from msbtui.errors import TargetError
from msbtui.image.model import Kind, LayerIndex
from msbtui.text import printable

NOT_HIDDEN = 0x7FFFFFFF
"""In the column of hiding layers: none. Greater than any layer, so that `hidden > layer` reads "still there after layer"."""
NONE, DIRECTORY, OTHER = 0, 1, 2
"""What the file system shows at a path: nothing, a directory (named or implied), anything else."""

MOST_IMPLIED_TEXT = 1 << 28
"""Characters of the paths of directories that no entry names; a few hostile names could ask for terabytes."""


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
        self._implied_text = 0
        self._implied: dict[int, list[tuple[int, int]]] = {0: [(0, NOT_HIDDEN)]}
        # A row is an entry: the offset of its layer plus its number there.
        self._offsets: list[int] = []
        self._row_path = array("i")
        self._hidden = array("i")
        self._costs = array("q")
        self._leader: dict[int, int] = {}
        self._names: dict[int, list[int]] = {}
        self._alive: dict[int, int] = {}
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
        self._reserve(len(self.paths) + sum(path not in self._ids for path in index.paths))
        self._join_hard_links(index, base)
        self._apply_markers(index, layer)

        ids, state, live_row, parents = self._ids, self._state, self._live_row, self.parents
        first_row, row_path, more = self._first_row, self._row_path, self._more_rows
        first_live, next_live, prev_live = self._first_live, self._next_live, self._prev_live
        row = base - 1
        for path, kind in zip(index.paths, index.kinds, strict=True):
            row += 1
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
            self._implied_text += len(parent_path)
            if self._implied_text > MOST_IMPLIED_TEXT:
                raise TargetError("directories are nested too deep to be listed", where=printable(path[:80]))
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
        return pid

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
        """Group the names of each regular file's inode; links of links lead to the file, loops to nothing."""
        kinds, links, target_of = index.kinds, index.links, dict[int, int]()
        if kinds.find(Kind.HARD_LINK) < 0:
            return
        linked = [entry for entry, target in links.items() if kinds[entry] == Kind.HARD_LINK]
        wanted = {links[entry] for entry in linked}
        at = {path: entry for entry, path in enumerate(index.paths) if path in wanted and kinds[entry] < Kind.WHITEOUT}
        for start in sorted(linked):
            trail, entry = [], start
            while kinds[entry] == Kind.HARD_LINK and entry not in target_of:
                target_of[entry] = -1
                trail.append(entry)
                entry = at.get(links.get(entry, ""), -1)
                if entry < 0:
                    break
            end = entry if entry < 0 or kinds[entry] != Kind.HARD_LINK else target_of[entry]
            for entry in trail:
                target_of[entry] = end
        for entry in sorted(target_of):
            end = target_of[entry]
            if end >= 0 and kinds[end] == Kind.FILE:
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
            row = leader
        cost = self._costs[row]
        if cost:
            self._layer_hidden[bisect_right(self._offsets, row) - 1] += cost
            self._hid_bytes[layer] += cost


def chain(first: int, following: array[int]) -> list[int]:
    """Give a linked list's ids from its first on."""
    found = []
    while first >= 0:
        found.append(first)
        first = following[first]
    return found
