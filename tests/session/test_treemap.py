"""Squarified treemaps: areas in the ratio of sizes, nothing overlaps, nothing is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msbtui.session.treemap import Rectangle, squarify

PLACE = Rectangle(10, 20, 300, 200)
SIZES = st.lists(st.integers(0, 1 << 40), max_size=40).map(lambda sizes: sorted(sizes, reverse=True))


@given(SIZES)
def test_areas_are_in_the_ratio_of_sizes(sizes):
    found = squarify(sizes, PLACE)
    assert len(found) == len(sizes)
    total = sum(sizes)
    for size, each in zip(sizes, found, strict=True):
        expected = size / total * PLACE.width * PLACE.height if total else 0
        assert each.width * each.height == pytest.approx(expected, rel=1e-6, abs=1e-6)
        assert each.x >= PLACE.x - 1e-6 and each.x + each.width <= PLACE.x + PLACE.width + 1e-6
        assert each.y >= PLACE.y - 1e-6 and each.y + each.height <= PLACE.y + PLACE.height + 1e-6


@given(SIZES)
def test_nothing_overlaps(sizes):
    found = squarify(sizes, PLACE)
    for number, one in enumerate(found):
        for other in found[number + 1 :]:
            wide = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
            high = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
            assert wide <= 1e-6 or high <= 1e-6


def test_the_papers_example():
    """Bruls, Huizing, van Wijk, figure 3: 6 6 4 3 2 2 1 in 6 x 4."""
    found = squarify([6, 6, 4, 3, 2, 2, 1], Rectangle(0, 0, 6, 4))
    assert [tuple(round(value, 2) for value in each) for each in found[:4]] == [
        (0, 0, 3, 2),
        (0, 2, 3, 2),
        (3, 0, 1.71, 2.33),
        (4.71, 0, 1.29, 2.33),
    ]


def test_no_room_and_no_sizes():
    assert squarify([], PLACE) == []
    assert squarify([1, 2], Rectangle(0, 0, 0, 5)) == [Rectangle(0, 0, 0, 0)] * 2
    assert squarify([0, 0], PLACE)[0].width == 0
    assert Rectangle(0, 0, 3, 3).inside(2) == Rectangle(2, 2, 0, 0)
