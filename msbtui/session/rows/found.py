"""Paths found by a part of their name, over all layers, and their rows."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from itertools import accumulate

from msbtui.image.model import Kind
from msbtui.image.table import FileTable
from msbtui.session.rows.cells import Row, cut_middle, fit, right, width
from msbtui.text import size


class Finder:
    """Finds paths of all layers by a part of their name; what it needs is made once per table state."""

    def __init__(self, table: FileTable) -> None:
        self.table = table
        self.layers = table.layers
        self._joined = "\n".join(table.paths).lower()
        # Lower case may be longer, so that the lengths are those of the joined text's lines.
        self._starts = array("Q", accumulate(map((1).__add__, map(len, self._joined.split("\n"))), initial=0))
        self._starts.pop()

    COUNTED = 100_000
    """Matches after which counting ends: whoever sees so many types on."""

    def find(self, words: str, most: int = 1000) -> tuple[list[int], int]:
        """Give at most `most` path ids whose path has `words` in it (case aside), and how many there are, up to `COUNTED`.

        Names that begin with the words come first, then names that have them, then paths.
        """
        needle = words.strip().lower().lstrip("/")
        if not needle or "\n" in needle:
            return [], 0
        found: list[int] = []
        at = self._joined.find(needle)
        while at >= 0 and len(found) < self.COUNTED:
            path = bisect_right(self._starts, at) - 1
            if path > 0:
                found.append(path)
            if path + 1 >= len(self._starts):
                break
            at = self._joined.find(needle, self._starts[path + 1])
        names = self.table.paths

        def rank(path: int) -> tuple[int, int, str]:
            name = names[path].rpartition("/")[2].lower()
            kind = 0 if name.startswith(needle) else 1 if needle in name else 2
            return (kind, len(names[path]), names[path])

        best = sorted(found, key=rank)[:most] if len(found) <= 20_000 else found[:most]
        return best, len(found)

    def where(self, path: int) -> list[int]:
        """Give the layers that have a path, lowest first, deletions aside."""
        table = self.table
        return sorted({layer for layer, entry in table.entries(path) if table.index(layer).kinds[entry] < Kind.WHITEOUT})

    def is_live(self, path: int) -> bool:
        """Say whether the final file system shows a path."""
        return self.table.is_live(path)

    def bytes(self, path: int) -> int:
        """Give the bytes of all entries of a path, over all layers."""
        return sum(self.table.cost(*found) for found in self.table.entries(path))

    def is_directory(self, path: int) -> bool:
        """Say whether a path is a directory wherever it is, also one that only what lies in it tells of."""
        table = self.table
        kinds = {table.index(layer).kinds[entry] for layer, entry in table.entries(path)} - {Kind.WHITEOUT, Kind.OPAQUE}
        return kinds == {Kind.DIRECTORY} or (not kinds and bool(table.children(path)))


def draw_found(finder: Finder, path: int, cells: int) -> Row:
    """Give one find result in exactly `cells` cells: the path, its bytes over all layers, where it is.

    A directory has no bytes of its own: it ends in a slash, as in the files' pane, and nothing stands in the column of bytes.
    """
    layers = finder.where(path)
    live = finder.is_live(path)
    where = f"layer {', '.join(map(str, layers[:4]))}{'…' if len(layers) > 4 else ''}" if layers else "deleted"
    directory = finder.is_directory(path)
    tail = right("" if directory else size(finder.bytes(path)), 9) + "  " + (where + ("" if live else ", hidden")).ljust(18)
    room = max(cells - width(tail), 8)
    drawn = cut_middle(f"/{finder.table.paths[path]}{'/' if directory else ''}", room)
    return fit([(drawn + " " * (room - width(drawn)), "text" if live else "dim"), (tail, "size")], cells)
