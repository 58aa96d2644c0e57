"""The order of vertices within their ranks: few crossings, by sweeps of barycentres."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence

SWEEPS = 8
LARGE = 3000
"""Vertices from which fewer sweeps are made."""


def order_ranks(rank_of: Sequence[int], up: Sequence[Sequence[int]], down: Sequence[Sequence[int]]) -> list[list[int]]:
    """Give the vertices of each rank in the order with the fewest crossings that the sweeps found."""
    ranks: list[list[int]] = [[] for _ in range(max(rank_of, default=-1) + 1)]
    for vertex in _by_descent(rank_of, down):
        ranks[rank_of[vertex]].append(vertex)
    large = len(rank_of) > LARGE
    best, fewest = ranks, crossings(ranks, down) if not large else 0
    place = [0] * len(rank_of)
    for rank in ranks:
        _number(rank, place)
    for sweep in range(SWEEPS if not large else 2):
        if not large and not fewest:
            break
        downwards = sweep % 2 == 0
        near = up if downwards else down
        swept = [list(rank) for rank in ranks]
        for rank in swept if downwards else reversed(swept):
            keys = {v: sum(place[n] for n in near[v]) / len(near[v]) if near[v] else float(place[v]) for v in rank}
            rank.sort(key=keys.__getitem__)
            _number(rank, place)
        ranks = swept
        if large:
            best = ranks
        elif (count := crossings(ranks, down)) < fewest:
            best, fewest = ranks, count
    return best


def _number(rank: list[int], place: list[int]) -> None:
    for at, vertex in enumerate(rank):
        place[vertex] = at


def _by_descent(rank_of: Sequence[int], down: Sequence[Sequence[int]]) -> list[int]:
    """Give all vertices depth first from the roots, so that what hangs together begins together."""
    out: list[int] = []
    seen = [False] * len(rank_of)
    for root in sorted(range(len(rank_of)), key=lambda vertex: rank_of[vertex]):
        stack = [root]
        while stack:
            vertex = stack.pop()
            if seen[vertex]:
                continue
            seen[vertex] = True
            out.append(vertex)
            stack.extend(reversed(down[vertex]))
    return out


def crossings(ranks: Sequence[Sequence[int]], down: Sequence[Sequence[int]]) -> int:
    """Give how many pairs of edges cross between neighbouring ranks."""
    place = {vertex: at for rank in ranks for at, vertex in enumerate(rank)}
    total = 0
    for rank in ranks:
        ends: list[int] = []
        for vertex in rank:
            for target in sorted(place[each] for each in down[vertex]):
                total += len(ends) - bisect_right(ends, target)
            for each in down[vertex]:
                insort(ends, place[each])
    return total
