"""Which of the parallel tracks between two ranks an edge turns on, so that no two edges lie on one another."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

MANY = 300
"""Segments between two ranks from which only overlaps are looked at."""


class Segment(msgspec.Struct, frozen=True):
    """A piece of an edge between two ranks, from one place across to another. Those of one owner may share a track."""

    owner: str
    begin: float
    end: float


def assign_tracks(segments: Iterable[Segment]) -> dict[Segment, int]:
    """Give the track of each segment that turns, counted from the upper rank.

    Segments on one track do not overlap, unless they leave one owner. Where one begins at the place at which another ends,
    the first turns above the other, so that no edge seems to run into the wrong one; a ring of such wishes breaks somewhere.
    """
    turning = sorted({each for each in segments if each.begin != each.end}, key=lambda each: (each.owner, each.begin, each.end))
    groups: dict[str, list[Segment]] = {}
    for each in turning:
        groups.setdefault(each.owner, []).append(each)
    spans = {
        owner: (
            min(min(each.begin, each.end) for each in group),
            max(max(each.begin, each.end) for each in group),
            {each.begin for each in group},
            {each.end for each in group},
        )
        for owner, group in groups.items()
    }
    above: dict[str, set[str]] = {owner: set() for owner in groups}
    if len(turning) <= MANY:
        for owner, (_, _, begins, _) in spans.items():
            for other, (_, _, _, ends) in spans.items():
                if owner != other and begins & ends:
                    above[other].add(owner)
    tracks: dict[str, int] = {}
    used: list[list[tuple[float, float]]] = []
    waiting = sorted(groups, key=lambda owner: (spans[owner][0], spans[owner][1]))
    while waiting:
        owner = next((each for each in waiting if all(other in tracks for other in above[each])), waiting[0])
        waiting.remove(owner)
        low, high = spans[owner][:2]
        track = max((tracks[other] + 1 for other in above[owner] if other in tracks), default=0)
        while track < len(used) and any(low <= end and begin <= high for begin, end in used[track]):
            track += 1
        while track >= len(used):
            used.append([])
        used[track].append((low, high))
        tracks[owner] = track
    return {each: tracks[each.owner] for each in turning}
