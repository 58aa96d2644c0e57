"""What dive would say of an image, from its source, and where its numbers go wrong.

dive (wagoodman/dive, dive/filetree/efficiency.go, Efficiency; dive/image/analysis.go, Analyze) walks the leaves of each layer's
tree and sums sizes by path. A path seen twice is wasted with the sum of *all* its copies, the one that is still in use
included; a deleted directory is one leaf (its marker) seen once, so that all below it counts as not wasted.
"""

from __future__ import annotations

import math

import msgspec

from msbtui.image.model import Kind
from msbtui.image.table import FileTable


class DiveNumbers(msgspec.Struct, frozen=True):
    """dive's figures and ours. Bytes, shares from 0 to 1 (of user bytes more, where dive counts twice)."""

    efficiency: float
    wasted: int
    user_share: float
    exact_efficiency: float
    exact_wasted: int
    exact_user_share: float
    counted_twice: int
    """Bytes that dive calls wasted though they are live: the last copies of rewritten files."""
    missed: int
    """Hidden bytes that dive does not see: what lies below deleted directories, mostly."""


def dive_numbers(table: FileTable) -> DiveNumbers:
    """Give dive's figures for an image and the exact ones, for whose wasted bytes every hidden byte counts, and only those."""
    inner = _inner(table)
    least_sum = seen_sum = wasted = twice = hidden_seen = 0
    for pid in range(len(table)):
        sizes: list[int] = []
        live = 0
        hidden = 0
        for layer, entry in table.entries(pid):
            index = table.index(layer)
            kind = Kind(index.kinds[entry])
            # dive never adds opaque markers to its trees (file_tree.go, AddPath).
            if kind is Kind.OPAQUE or (layer, pid) in inner:
                continue
            size = _deleted(table, pid, layer) if kind is Kind.WHITEOUT else index.sizes[entry]
            sizes.append(size)
            if kind is not Kind.WHITEOUT:
                if table.bytes_hidden_by(layer, entry) is None:
                    live += size
                else:
                    hidden += size
        if sizes:
            least_sum += min(sizes)
            seen_sum += sum(sizes)
            if len(sizes) > 1:
                wasted += sum(sizes)
                twice += live
                hidden_seen += hidden
    user = sum(table.layer_size(layer) for layer in range(1, table.layers))
    exact = table.hidden_bytes
    return DiveNumbers(
        efficiency=least_sum / seen_sum if seen_sum else 1.0,
        wasted=wasted,
        user_share=_share(wasted, user),
        exact_efficiency=table.live_bytes / table.size if table.size else 1.0,
        exact_wasted=exact,
        exact_user_share=_share(exact, user),
        counted_twice=twice,
        missed=max(exact - hidden_seen, 0),
    )


def _share(wasted: int, user: int) -> float:
    """Give the share as dive has it: of an image without bytes above its first layer, infinite where any are wasted."""
    return wasted / user if user else math.inf if wasted else 0.0


def _inner(table: FileTable) -> set[tuple[int, int]]:
    """Give (layer, path id) of what is no leaf in its layer's tree: something of that layer lies below it."""
    inner: set[tuple[int, int]] = set()
    for layer in range(table.layers):
        for entry, kind in enumerate(table.index(layer).kinds):
            if kind == Kind.OPAQUE:
                continue
            above = table.parents[table.path_of(layer, entry)]
            while above >= 0 and (layer, above) not in inner:
                inner.add((layer, above))
                above = table.parents[above]
    return inner


def _deleted(table: FileTable, pid: int, layer: int) -> int:
    """Give what dive books for a deletion: for a directory all that stood below it, for a file nothing."""
    if layer == 0:
        return 0
    total = 0
    for below in table.subtree(pid):
        found = table.live_at(below, layer - 1)
        if found is not None:
            total += table.index(found[0]).sizes[found[1]]
    return total
