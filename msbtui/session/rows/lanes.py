"""The lane graph of stages, as `git log --graph` draws commits: top to bottom, one lane a line of descent."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from msbtui.session.rows.cells import ELLIPSIS

MOST_LANES = 8
_UP, _DOWN, _LEFT, _RIGHT = 1, 2, 4, 8
_LINES = {
    0: " ",
    _UP | _DOWN: "│",
    _LEFT | _RIGHT: "─",
    _UP | _RIGHT: "╰",
    _UP | _LEFT: "╯",
    _UP | _LEFT | _RIGHT: "┴",
    _UP | _DOWN | _RIGHT: "├",
    _UP | _DOWN | _LEFT: "┤",
    _UP | _DOWN | _LEFT | _RIGHT: "┼",
}


class Node(msgspec.Struct, frozen=True):
    """One row of the graph: its key, its mark, and the keys of what it comes from (the first one continues its lane)."""

    key: str
    mark: str
    parents: tuple[str, ...] = ()


class Lanes(msgspec.Struct, frozen=True):
    """What stands before a node's text, and before the further rows that belong to it."""

    node: str
    below: str


def draw_lanes(nodes: Sequence[Node]) -> list[Lanes]:
    """Give the lanes of each node, in order; parents that come later or are unknown are left out.

    Lanes beyond `MOST_LANES` are not drawn; an ellipsis says so.
    """
    place = {node.key: index for index, node in enumerate(nodes)}
    parents = [
        tuple(dict.fromkeys(key for key in node.parents if place.get(key, len(nodes)) < index))
        for index, node in enumerate(nodes)
    ]
    last_use = {key: index for index, keys in enumerate(parents) for key in keys}
    lanes: list[str | None] = []
    out: list[Lanes] = []
    for index, node in enumerate(nodes):
        ends = {lane for lane, key in enumerate(lanes) if key is not None and last_use[key] == index}
        sources = [lanes.index(key) for key in parents[index]]
        # A node continues the lane of its first parent where that lane ends here; else it opens the first free one.
        own = sources[0] if sources and sources[0] in ends else _free(lanes)
        node_row = _row(lanes, sources, ends, own, node.mark)
        lanes = [None if lane in ends else key for lane, key in enumerate(lanes)]
        if node.key in last_use:
            lanes += [None] * (own + 1 - len(lanes))
            lanes[own] = node.key
        below = "".join("  " if key is None else "│ " for key in lanes)
        node_cut = _cut(node_row)
        if 2 * own >= len(node_cut) - 1 and len(node_cut) < len(node_row.rstrip()):
            # The node itself is always seen, also where its lane is not.
            node_cut = node_cut[:-2] + ELLIPSIS + node.mark
        out.append(Lanes(node_cut, _cut(below)))
    return out


def _free(lanes: list[str | None]) -> int:
    return next((lane for lane, key in enumerate(lanes) if key is None), len(lanes))


def _row(lanes: list[str | None], sources: list[int], ends: set[int], own: int, mark: str) -> str:
    """Give the row of a node at lane `own`, into which the lanes `sources` run; two cells a lane."""
    cells = [0] * (2 * max(len(lanes), own + 1))
    for lane, key in enumerate(lanes):
        if key is not None:
            cells[2 * lane] = _UP | (0 if lane in ends else _DOWN)
    for lane in sources:
        start, stop = sorted((2 * lane, 2 * own))
        for cell in range(start, stop):
            cells[cell] |= _RIGHT
            cells[cell + 1] |= _LEFT
    text = [_LINES[bits] for bits in cells[: 2 * own]] + [mark] + [_LINES[bits] for bits in cells[2 * own + 1 :]]
    if any(lane < own for lane in sources):
        text[2 * own - 1] = "▶"
    if any(lane > own for lane in sources):
        text[2 * own + 1] = "◀"
    return "".join(text)


def _cut(lanes: str) -> str:
    text = lanes.rstrip()
    return text[: 2 * MOST_LANES - 1] + ELLIPSIS if len(text) > 2 * MOST_LANES else text
