"""The file tree as rows: only what is visible is kept, as arrays of path ids, so that a million files cost nothing to open."""

from __future__ import annotations

from array import array
from enum import Enum

import msgspec

from msbtui.image.accounting import View
from msbtui.image.model import Kind
from msbtui.image.table import FileTable
from msbtui.session.rows.cells import Part, Row, cut, fit, left, right, width
from msbtui.session.rows.costs import Costs
from msbtui.text import size

_KEPT = 6
"""Views whose sums are kept, so that going back and forth between layers adds nothing up again."""


class Sort(Enum):
    """What comes first in a directory."""

    WASTE = "waste"
    SIZE = "size"
    NAME = "name"


class FileRow(msgspec.Struct, frozen=True):
    """One visible row."""

    path: str
    """The whole path, without leading slash."""
    label: str
    """What is shown of it: its name, or several where each directory holds only the next one."""
    depth: int
    directory: bool
    expanded: bool
    bytes: int
    waste: int
    note: str = ""
    gone: bool = False
    """A whiteout: the layer deletes this name."""


class FileRows:
    """The rows of one view of a table: one layer, or the file system up to a layer; sorted, and filtered to waste on demand."""

    def __init__(self) -> None:
        self.costs = Costs()
        self.layer = 0
        self.up_to = False
        """Which of the two questions: what this layer holds, or what the file system shows after it."""
        self.waste_only = False
        self.sort = Sort.WASTE
        self.expanded: set[int] = set()
        self.ids = array("I")
        """Path ids of the visible rows."""
        self._depths = array("H")
        self._above = array("I")
        self._sizes = array("q")
        self._waste = array("q")
        self._present = array("q")
        self._hid = array("q")
        self._gone: set[int] = set()
        """Paths that this layer deletes and does not write anew."""
        self._opaque: set[int] = set()
        """Directories that this layer empties of what lay in them before."""
        self._kept: dict[View, tuple[array[int], array[int], array[int], array[int], set[int], set[int]]] = {}

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def table(self) -> FileTable | None:
        """Give the table that the rows are of."""
        return self.costs.table

    @property
    def view(self) -> View:
        """Give the view that the rows are of."""
        return View.up_to(self.layer) if self.up_to else View.layer(self.layer)

    def show(self, costs: Costs, layer: int, *, up_to: bool, waste_only: bool, sort: Sort) -> None:
        """Set what is shown; what is expanded stays expanded. Costs time linear in the view's entries."""
        same_view = (costs is self.costs, layer, up_to) == (True, self.layer, self.up_to) and len(self._sizes) > 0
        if costs is not self.costs:
            self._kept.clear()
        self.costs, self.layer, self.up_to, self.waste_only, self.sort = costs, layer, up_to, waste_only, sort
        table = costs.table
        if table is None or layer >= table.layers:
            self.ids, self._depths, self._above = array("I"), array("H"), array("I")
            self._sizes = array("q")
            return
        if not same_view:
            if self.view not in self._kept:
                self._sum(table)
                if len(self._kept) >= _KEPT:
                    del self._kept[next(iter(self._kept))]
                self._kept[self.view] = (self._sizes, self._present, self._waste, self._hid, self._gone, self._opaque)
            self._sizes, self._present, self._waste, self._hid, self._gone, self._opaque = self._kept[self.view]
        self._rebuild()
        if not self.expanded and self.ids:
            self._open_worst()

    def _sum(self, table: FileTable) -> None:
        view = self.view
        self._sizes = table.sums(view)
        self._present = table.counts(view)
        self._waste = self.costs.path_waste(view)
        self._gone, self._opaque = set(), set()
        self._hid = array("q")
        if self.up_to:
            return
        index = table.index(self.layer)
        for kind, found in ((Kind.WHITEOUT, self._gone), (Kind.OPAQUE, self._opaque)):
            entry = index.kinds.find(kind)
            while entry >= 0:
                path = table.path_of(self.layer, entry)
                if kind == Kind.OPAQUE or not self._present[path]:
                    found.add(path)
                entry = index.kinds.find(kind, entry + 1)
        for path in self._gone | self._opaque:
            while path >= 0:
                self._present[path] += 1
                path = table.parents[path]
        if self._gone or self._opaque:
            self._hid = table.sums(View.hidden_by(self.layer))

    def _rebuild(self) -> None:
        self.ids, self._depths, self._above = self._block(0, 0)

    def _children(self, path: int) -> list[int]:
        table = self.table
        assert table is not None
        present = self._waste if self.waste_only else self._present
        found = [child for child in table.children(path) if present[child] > 0]
        names = table.paths
        if self.sort is Sort.NAME:
            found.sort(key=lambda child: (not self._is_directory(child), names[child]))
        elif self.sort is Sort.SIZE:
            found.sort(key=lambda child: (-self._sizes[child], names[child]))
        else:
            found.sort(key=lambda child: (-self._waste[child], -self._sizes[child], names[child]))
        return found

    def _entry(self, path: int) -> tuple[int, int] | None:
        table = self.table
        assert table is not None
        if self.up_to:
            return table.live_at(path, self.layer)
        kinds = table.index(self.layer).kinds
        return next(
            (each for each in reversed(table.entries(path)) if each[0] == self.layer and kinds[each[1]] < Kind.WHITEOUT), None
        )

    def _is_directory(self, path: int) -> bool:
        found = self._entry(path)
        table = self.table
        assert table is not None
        return found is None or table.index(found[0]).kinds[found[1]] == Kind.DIRECTORY

    def _chain(self, path: int) -> int:
        """Give the last of the directories that hold nothing but the next one (or the one name that is deleted)."""
        table = self.table
        assert table is not None
        present = self._waste if self.waste_only else self._present
        while path not in self._gone and not (path in self._opaque and self._hid[path]):
            children = [child for child in table.children(path) if present[child] > 0]
            if len(children) != 1 or not self._is_directory(path):
                break
            if children[0] not in self._gone and not self._is_directory(children[0]):
                break
            path = children[0]
        return path

    def _block(self, path: int, depth: int) -> tuple[array[int], array[int], array[int]]:
        """Give the rows below a directory, with what is expanded there."""
        ids, depths, above = array("I"), array("H"), array("I")
        stack = [(child, depth, path) for child in reversed(self._children(path))]
        while stack:
            child, level, parent = stack.pop()
            last = self._chain(child)
            ids.append(last)
            depths.append(min(level, 0xFFFF))
            above.append(parent)
            if last in self.expanded and last not in self._gone and self._is_directory(last):
                stack += [(below, level + 1, last) for below in reversed(self._children(last))]
        return ids, depths, above

    def _open_worst(self, most: int = 3, rows: int = 14) -> None:
        """Expand the directories that hold the most waste, so that the first look says something."""
        for _ in range(most):
            closed = [
                at for at, path in enumerate(self.ids) if self._waste[path] and path not in self.expanded and self.expandable(at)
            ]
            if not closed or len(self.ids) > rows:
                return
            self.toggle(max(closed, key=lambda at: self._waste[self.ids[at]]))

    def expandable(self, at: int) -> bool:
        """Say whether a row can be opened."""
        path = self.ids[at]
        return path not in self._gone and self._is_directory(path) and bool(self._children(path))

    def toggle(self, at: int, expand: bool | None = None) -> bool:
        """Open or close a row; give whether anything changed. Costs time linear in what appears or goes."""
        path = self.ids[at]
        open_now = path in self.expanded
        wanted = not open_now if expand is None else expand
        if wanted == open_now or not self.expandable(at):
            return False
        if wanted:
            self.expanded.add(path)
            ids, depths, above = self._block(path, self._depths[at] + 1)
            self.ids[at + 1 : at + 1] = ids
            self._depths[at + 1 : at + 1] = depths
            self._above[at + 1 : at + 1] = above
        else:
            self.expanded.discard(path)
            end = at + 1
            while end < len(self.ids) and self._depths[end] > self._depths[at]:
                end += 1
            del self.ids[at + 1 : end], self._depths[at + 1 : end], self._above[at + 1 : end]
        return True

    def parent_row(self, at: int) -> int | None:
        """Give the row of the directory that a row lies in, or None at the top."""
        depth = self._depths[at]
        while at > 0 and depth:
            at -= 1
            if self._depths[at] < depth:
                return at
        return None

    def path(self, at: int) -> str:
        """Give the whole path of a row, without leading slash."""
        table = self.table
        return table.paths[self.ids[at]] if table and at < len(self.ids) else ""

    def entry(self, at: int) -> tuple[int, int] | None:
        """Give what a row stands for as (layer, entry); None for directories that no entry names."""
        return self._entry(self.ids[at]) if at < len(self.ids) else None

    def find(self, path: str) -> int | None:
        """Give the row of a path that is visible now, or None."""
        table = self.table
        known = table.id_of(path) if table else None
        try:
            return None if known is None else self.ids.index(known)
        except ValueError:
            return None

    def reveal(self, path: str) -> int | None:
        """Open the directories above a path and give its row, or the nearest one above it that this view has, or None."""
        table = self.table
        known = table.id_of(path) if table else None
        if table is None or known is None:
            return None
        chain = set()
        at_id = known
        while at_id > 0:
            chain.add(at_id)
            at_id = table.parents[at_id]
        best: int | None = None
        at = 0
        while at < len(self.ids):
            row_id = self.ids[at]
            if row_id == known or self._passes(row_id, self._above[at], known):
                return at
            if row_id in chain:
                best = at
                self.toggle(at, expand=True)
            at += 1
        return best

    def _passes(self, path: int, above: int, wanted: int) -> bool:
        """Say whether a row that shows several directories in one shows `wanted` among them."""
        table = self.table
        assert table is not None
        while path > 0 and path != above:
            if path == wanted:
                return True
            path = table.parents[path]
        return False

    def row(self, at: int) -> FileRow:
        """Give one visible row."""
        table = self.table
        assert table is not None
        path, above = self.ids[at], self._above[at]
        whole = table.paths[path]
        directory = path not in self._gone and self._is_directory(path)
        label = whole[len(table.paths[above]) + 1 if above else 0 :]
        gone = path in self._gone
        return FileRow(
            whole,
            label + ("/" if directory else ""),
            self._depths[at],
            directory,
            path in self.expanded and directory,
            self._sizes[path],
            self._waste[path],
            self._note(path, gone),
            gone,
        )

    def _note(self, path: int, gone: bool) -> str:
        table = self.table
        assert table is not None
        if gone:
            return f"deleted here: {size(self._hid[path])} hidden, not freed" if self._hid[path] else "deleted here"
        if path in self._opaque and self._hid[path]:
            # Builders mark every new directory opaque; that is worth a word only where something lay there.
            return f"emptied here: {size(self._hid[path])} hidden, not freed"
        found = self._entry(path)
        if found is None:
            return ""
        index, kind = table.index(found[0]), table.index(found[0]).kinds[found[1]]
        notes = []
        if kind == Kind.SYMLINK:
            notes.append(f"→ {index.links.get(found[1], '')}")
        elif kind == Kind.HARD_LINK:
            notes.append(f"= {index.links.get(found[1], '')}")
        hidden = table.hidden_by(*found)
        if hidden is not None and kind != Kind.DIRECTORY:
            notes.append(f"hidden by {hidden}")
        elif self.up_to and found[0] != self.layer and kind != Kind.DIRECTORY:
            notes.append(f"layer {found[0]}")
        elif not self.up_to and self.layer and kind == Kind.FILE and table.live_at(path, self.layer - 1) is not None:
            notes.append("replaces an earlier one")
        return "  ".join(notes)

    def hidden_rows(self) -> int:
        """Give how many names of this view the waste filter leaves out."""
        if not self.waste_only or not self._present:
            return 0
        return sum(1 for present, waste in zip(self._present, self._waste, strict=True) if present and not waste)

    @property
    def total(self) -> int:
        """Give the bytes of the whole view."""
        return self._sizes[0] if self._sizes else 0


def file_columns(cells: int) -> tuple[int, int]:
    """Give the cells of the size and of the waste column."""
    return (9 if cells >= 24 else 0, 9 if cells >= 40 else 0)


def file_header(cells: int) -> Row:
    """Give the column heads in exactly `cells` cells."""
    sized, wasted = file_columns(cells)
    room = max(cells - sized - wasted - 3, 1)
    parts: list[Part] = [(left("  path", room), "head")]
    parts += [(right(text, cells_of), "head") for text, cells_of in (("size", sized), ("waste", wasted)) if cells_of]
    return fit([*parts, ("   ", "head")], cells, "head")


def head_at(x: int, cells: int) -> Sort:
    """Give the order that the column head at a cell stands for."""
    sized, wasted = file_columns(cells)
    room = max(cells - sized - wasted - 3, 1)
    return Sort.NAME if x < room else Sort.SIZE if x < room + sized else Sort.WASTE


def draw_file(row: FileRow, cells: int) -> Row:
    """Give one row in exactly `cells` cells: tree and name, bytes, wasted bytes, mark."""
    sized, wasted = file_columns(cells)
    arrow = ("▾ " if row.expanded else "▸ ") if row.directory else "✗ " if row.gone else "  "
    room = max(cells - sized - wasted - 3, 1)
    lead = "  " * min(row.depth, max((room - 8) // 2, 0)) + arrow
    name = cut(row.label, max(room - width(lead), 1))
    parts: list[Part] = [(lead, "lane"), (name, "gone" if row.gone else "directory" if row.directory else "text")]
    left_over = room - width(lead) - width(name)
    note = cut(f"  {row.note}", left_over) if row.note and left_over > 4 else ""
    parts.append((note + " " * (left_over - width(note)), "dim"))
    if sized:
        parts.append((right(size(row.bytes), sized), "size"))
    if wasted:
        parts.append((right(size(row.waste) if row.waste else "·", wasted), "waste" if row.waste else "dim"))
    parts.append((" ▲ " if row.waste else "   ", "mark"))
    return fit(parts, cells)
