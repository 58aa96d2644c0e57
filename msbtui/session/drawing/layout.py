"""A layered layout: boxes in ranks, edges that turn at right angles, labels that never lie on one another.

The steps are those of Sugiyama, Tagawa and Toda (1981): ranks by longest path, dummy vertices for edges over several ranks,
order by barycentres, then coordinates. Labels are vertices of their own, between the ranks, so that no two of them overlap.
Coordinates of a rank are a least-squares fit under the order (isotonic regression by pooling adjacent violators).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import msgspec

from msbtui.session.drawing.order import order_ranks
from msbtui.session.drawing.tracks import Segment, assign_tracks

DIRECTIONS = ("TB", "BT", "LR", "RL")
"""Top to bottom and so on, as graphviz's `rankdir` and Mermaid name them."""

DUMMIES = 10_000
"""Vertices for long edges that a layout may hold; beyond them, the longest edges go straight."""


class Spacing(msgspec.Struct, frozen=True):
    """Distances in the caller's unit (pixels, cells). `across` lies in a rank, `along` goes from rank to rank."""

    across: float
    """Between two boxes of a rank."""
    line: float
    """Between two edges of a rank."""
    track: float
    """Between two edges that turn between the same ranks."""
    gap: float
    """Between a box or a label and the first turn, or the next rank."""
    arrow: float
    """Room for an arrow's head above a box."""
    whole: bool = False
    """Whether all coordinates are whole numbers (cells of a terminal)."""


class Link(msgspec.Struct, frozen=True):
    """An edge between two boxes. Edges of one `style` from one box share a trunk."""

    source: int
    target: int
    style: str = ""
    label: tuple[float, float] = (0, 0)
    """Width and height of its label; 0 where it has none."""


Point = tuple[float, float]


class Layout(msgspec.Struct, frozen=True):
    """Where everything lies: x to the right, y down, from 0."""

    width: float
    height: float
    boxes: list[Point]
    """The upper left corner of each box."""
    routes: list[list[Point]]
    """The corners of each edge, from the source's border to the target's."""
    labels: list[Point]
    """The upper left corner of each label; of an edge without one, the middle of where it would be."""


class _Vertices:
    """Boxes, labels and dummies with their sizes, and how they hang together."""

    def __init__(self) -> None:
        self.across: list[float] = []
        self.along: list[float] = []
        self.rank: list[int] = []
        self.up: list[list[int]] = []
        self.down: list[list[int]] = []

    def add(self, across: float, along: float, rank: int) -> int:
        self.across.append(across)
        self.along.append(along)
        self.rank.append(rank)
        self.up.append([])
        self.down.append([])
        return len(self.rank) - 1

    def join(self, upper: int, lower: int) -> None:
        if lower not in self.down[upper]:
            self.down[upper].append(lower)
            self.up[lower].append(upper)


def ranks_of(count: int, links: Sequence[Link]) -> list[int]:
    """Give each box's rank: one below its lowest source; a box without sources as near to its users as it can be.

    Edges that point to an earlier box (a broken Dockerfile's) do not count.
    """
    forward = [(link.source, link.target) for link in links if link.source < link.target]
    targets: list[list[int]] = [[] for _ in range(count)]
    has_source = [False] * count
    for source, target in forward:
        targets[source].append(target)
        has_source[target] = True
    ranks = [0] * count
    for at in range(count):
        for target in targets[at]:
            ranks[target] = max(ranks[target], ranks[at] + 1)
    for at in range(count):
        if not has_source[at] and targets[at]:
            ranks[at] = min(ranks[target] for target in targets[at]) - 1
    return ranks


def lay_out(sizes: Sequence[tuple[float, float]], links: Sequence[Link], spacing: Spacing, direction: str = "TB") -> Layout:
    """Lay out boxes of the given (width, height), numbered so that sources come before what is made of them.

    Raises ValueError for an unknown direction.
    """
    if direction not in DIRECTIONS:
        raise ValueError(f"no such direction: {direction}")
    sideways = direction in ("LR", "RL")
    vertices = _Vertices()
    box_ranks = ranks_of(len(sizes), links)
    for (width, height), rank in zip(sizes, box_ranks, strict=True):
        vertices.add(height if sideways else width, width if sideways else height, 2 * rank)
    chains = _chains(vertices, links, box_ranks, sideways)
    ranks = order_ranks(vertices.rank, vertices.up, vertices.down)
    centres = _across(vertices, ranks, len(sizes), spacing)
    return _Drawer(vertices, ranks, centres, chains, len(sizes), links, spacing, direction).layout()


def _chains(vertices: _Vertices, links: Sequence[Link], ranks: list[int], sideways: bool) -> list[list[int]]:
    """Give the vertices of each edge, its ends included; adds labels and dummies."""
    room = DUMMIES
    longest = 0
    for span in sorted(abs(ranks[link.target] - ranks[link.source]) for link in links):
        room -= 2 * span
        if room < 0:
            break
        longest = span
    shared: dict[tuple[int, str, int], int] = {}
    chains: list[list[int]] = []
    for link in links:
        upper, lower = link.source, link.target
        backwards = ranks[upper] >= ranks[lower]
        if backwards or ranks[lower] - ranks[upper] > longest:
            chains.append([upper, lower])
            continue
        chain = [upper]
        for rank in range(2 * ranks[upper] + 1, 2 * ranks[lower] - 1):
            key = (upper, link.style, rank)
            if key not in shared:
                shared[key] = vertices.add(0, 0, rank)
            chain.append(shared[key])
        width, height = link.label
        chain.append(vertices.add(height if sideways else width, width if sideways else height, 2 * ranks[lower] - 1))
        chain.append(lower)
        for above, below in pairwise(chain):
            vertices.join(above, below)
        chains.append(chain)
    return chains


def _across(vertices: _Vertices, ranks: list[list[int]], boxes: int, spacing: Spacing) -> list[float]:
    """Give the centre of each vertex within its rank, near to what it hangs together with."""
    centres = [0.0] * len(vertices.rank)
    weights = [1.0 if at < boxes else 4.0 if not vertices.across[at] else 2.0 for at in range(len(centres))]

    def place(rank: list[int], wanted: list[float]) -> None:
        offsets, at = [], 0.0
        for index, vertex in enumerate(rank):
            if index:
                before = rank[index - 1]
                lines = not vertices.across[vertex] and not vertices.across[before]
                at += (vertices.across[before] + vertices.across[vertex]) / 2 + (spacing.line if lines else spacing.across)
            offsets.append(at)
        moved = [want - offset for want, offset in zip(wanted, offsets, strict=True)]
        for vertex, offset, value in zip(rank, offsets, _isotonic(moved, [weights[vertex] for vertex in rank]), strict=True):
            centres[vertex] = offset + value

    for rank in ranks:
        place(rank, [0.0] * len(rank))
    sweeps: list[tuple[list[list[int]], bool, bool]] = [
        (ranks, True, False),
        (ranks[::-1], False, True),
        (ranks, True, False),
        (ranks[::-1], True, True),
        (ranks, True, True),
    ]
    for order, above, below in sweeps if len(centres) < 4000 else sweeps[:3]:
        for rank in order:
            wanted = []
            for vertex in rank:
                near = (vertices.up[vertex] if above else []) + (vertices.down[vertex] if below else [])
                wanted.append(sum(centres[each] for each in near) / len(near) if near else centres[vertex])
            place(rank, wanted)
    return centres


def _isotonic(values: list[float], weights: list[float]) -> list[float]:
    """Give the non-decreasing values that are nearest to `values` in the weighted least squares."""
    pools: list[tuple[float, float, int]] = []
    for value, weight in zip(values, weights, strict=True):
        mean, heavy, count = value, weight, 1
        while pools and pools[-1][0] > mean:
            other, more, many = pools.pop()
            mean = (mean * heavy + other * more) / (heavy + more)
            heavy, count = heavy + more, count + many
        pools.append((mean, heavy, count))
    return [mean for mean, _, count in pools for _ in range(count)]


class _Drawer:
    """Turns ranks and centres into boxes, routes and labels."""

    def __init__(
        self,
        vertices: _Vertices,
        ranks: list[list[int]],
        centres: list[float],
        chains: list[list[int]],
        boxes: int,
        links: Sequence[Link],
        spacing: Spacing,
        direction: str,
    ) -> None:
        self.vertices, self.ranks, self.chains, self.boxes = vertices, ranks, chains, boxes
        self.links, self.spacing, self.direction = links, spacing, direction
        starts = [centre - size / 2 for centre, size in zip(centres, vertices.across, strict=True)]
        least = min(starts, default=0.0)
        self.starts = [self._whole(start - least) for start in starts]
        self.width = max((start + size for start, size in zip(self.starts, vertices.across, strict=True)), default=0.0)
        if spacing.whole:
            self.width += 1
        middles = [start + size / 2 for start, size in zip(self.starts, vertices.across, strict=True)]
        self.middles = [float(int(middle)) for middle in middles] if spacing.whole else middles
        self.ports = self._ports()

    def _whole(self, value: float) -> float:
        return float(round(value)) if self.spacing.whole else value

    def _ports(self) -> dict[tuple[int, int, bool], float]:
        """Give where each edge leaves or enters each vertex of its chain; edges of a box spread over its side."""
        leaving: dict[int, dict[str, list[tuple[int, float]]]] = {}
        entering: dict[int, list[tuple[float, int]]] = {}
        ports: dict[tuple[int, int, bool], float] = {}
        for at, (chain, link) in enumerate(zip(self.chains, self.links, strict=True)):
            leaving.setdefault(chain[0], {}).setdefault(link.style, []).append((at, self.middles[chain[1]]))
            entering.setdefault(chain[-1], []).append((self.middles[chain[-2]], at))
        for vertex, styles in leaving.items():
            ordered = sorted(styles.values(), key=lambda edges: sum(x for _, x in edges) / len(edges))
            for place, edges in zip(self._spread(vertex, len(ordered)), ordered, strict=True):
                for at, _ in edges:
                    ports[vertex, at, False] = place
        for vertex, incoming in entering.items():
            incoming.sort()
            for place, (_, at) in zip(self._spread(vertex, len(incoming)), incoming, strict=True):
                ports[vertex, at, True] = place
        return ports

    def _spread(self, vertex: int, count: int) -> list[float]:
        if count == 1:
            return [self.middles[vertex]]
        size, start = self.vertices.across[vertex], self.starts[vertex]
        return [self._whole(start + size * (index + 1) / (count + 1)) for index in range(count)]

    def _places(self, at: int) -> list[tuple[int, int, float, float]]:
        """Give each piece of an edge's chain: its two vertices, and where it leaves the one and enters the other."""
        chain, ports, middles = self.chains[at], self.ports, self.middles
        last = len(chain) - 2
        return [
            (
                upper,
                lower,
                ports[upper, at, False] if number == 0 else middles[upper],
                ports[lower, at, True] if number == last else middles[lower],
            )
            for number, (upper, lower) in enumerate(pairwise(chain))
        ]

    def layout(self) -> Layout:
        """Give the layout in the direction that was asked for."""
        vertices, spacing = self.vertices, self.spacing
        segments: list[list[Segment]] = [[] for _ in self.ranks]
        places = [self._places(at) for at in range(len(self.chains))]
        for link, pieces in zip(self.links, places, strict=True):
            for upper, lower, begin, end in pieces:
                if begin != end and vertices.rank[lower] == vertices.rank[upper] + 1:
                    segments[vertices.rank[upper]].append(Segment(f"{upper} {link.style}", begin, end))
        tracks = [assign_tracks(each) for each in segments]
        tops, sizes, y = [], [], 0.0
        for number, rank in enumerate(self.ranks):
            size = max((vertices.along[vertex] for vertex in rank), default=0.0)
            tops.append(y)
            sizes.append(size)
            turns = max(tracks[number].values(), default=-1) + 1
            arrow = spacing.arrow if number % 2 else 0.0
            y += size
            if number + 1 < len(self.ranks):
                y += spacing.gap + max(turns - 1, 0) * spacing.track + (spacing.gap if turns else 0.0) + arrow
        height = y

        def edge_of(vertex: int) -> tuple[float, float]:
            rank = vertices.rank[vertex]
            if vertex >= self.boxes:
                return tops[rank], tops[rank] + sizes[rank]
            start = tops[rank] + self._whole((sizes[rank] - vertices.along[vertex]) / 2)
            return start, start + vertices.along[vertex]

        routes: list[list[Point]] = []
        for link, pieces in zip(self.links, places, strict=True):
            points: list[Point] = []
            for upper, lower, begin, end in pieces:
                level = vertices.rank[upper]
                points.append((begin, edge_of(upper)[1]))
                if begin != end and vertices.rank[lower] == level + 1:
                    track = tracks[level][Segment(f"{upper} {link.style}", begin, end)]
                    turn = tops[level] + sizes[level] + spacing.gap + track * spacing.track
                    points += [(begin, turn), (end, turn)]
                points.append((end, edge_of(lower)[0]))
            routes.append([self._turned(point, height) for point in _straight(points)])
        boxes = [self._corner(self.starts[at], edge_of(at)[0], vertices.along[at], height) for at in range(self.boxes)]
        labels = []
        for chain in self.chains:
            label = chain[-2] if len(chain) > 2 else chain[-1]
            level = vertices.rank[label]
            top = tops[level] + self._whole((sizes[level] - vertices.along[label]) / 2)
            labels.append(self._corner(self.starts[label], top, vertices.along[label], height))
        if self.direction in ("LR", "RL"):
            return Layout(height, self.width, boxes, routes, labels)
        return Layout(self.width, height, boxes, routes, labels)

    def _turned(self, point: Point, height: float) -> Point:
        across, along = point
        if self.direction in ("BT", "RL"):
            along = height - along - (1 if self.spacing.whole else 0)
        return (along, across) if self.direction in ("LR", "RL") else (across, along)

    def _corner(self, across: float, along: float, deep: float, height: float) -> Point:
        if self.direction in ("BT", "RL"):
            along = height - along - deep
        return (along, across) if self.direction in ("LR", "RL") else (across, along)


def _straight(points: list[Point]) -> list[Point]:
    """Give the points without those that lie on a straight line between their neighbours."""
    out: list[Point] = []
    for point in points:
        if out and point == out[-1]:
            continue
        if len(out) > 1 and (out[-2][0] == out[-1][0] == point[0] or out[-2][1] == out[-1][1] == point[1]):
            out[-1] = point
        else:
            out.append(point)
    return out
