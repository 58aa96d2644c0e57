"""The layered layout: whatever the graph, nothing overlaps, and every edge goes from border to border around the boxes."""

from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msbtui.session.drawing.layout import DIRECTIONS, Link, Spacing, lay_out, ranks_of
from msbtui.session.drawing.order import crossings, order_ranks
from msbtui.session.drawing.tracks import Segment, assign_tracks

CELLS = Spacing(across=3, line=2, track=1, gap=1, arrow=1, whole=True)
PIXELS = Spacing(across=26, line=14, track=10, gap=14, arrow=8)


@st.composite
def graphs(draw):
    count = draw(st.integers(1, 12))
    sizes = draw(st.lists(st.tuples(st.integers(8, 40), st.integers(3, 9)), min_size=count, max_size=count))
    links = []
    for target in range(1, count):
        for source in draw(st.sets(st.integers(0, target - 1), max_size=3)):
            label = draw(st.tuples(st.integers(1, 20), st.integers(1, 3)))
            links.append(Link(source, target, draw(st.sampled_from("abc")), label))
    return sizes, links


def overlap(one, other):
    (x1, y1, w1, h1), (x2, y2, w2, h2) = one, other
    return x1 < x2 + w2 and x2 < x1 + w1 and y1 < y2 + h2 and y2 < y1 + h1


@settings(max_examples=150, deadline=None)
@given(graphs(), st.sampled_from(DIRECTIONS), st.sampled_from([CELLS, PIXELS]))
def test_nothing_overlaps_and_edges_go_around_boxes(graph, direction, spacing):
    sizes, links = graph
    layout = lay_out(sizes, links, spacing, direction)
    boxes = [(x, y, w, h) for (x, y), (w, h) in zip(layout.boxes, sizes, strict=True)]
    labels = [(x, y, *link.label) for (x, y), link in zip(layout.labels, links, strict=True)]
    for one, other in combinations(boxes + labels, 2):
        assert not overlap(one, other)
    for x, y, w, h in boxes + labels:
        assert x >= 0 and y >= 0 and x + w <= layout.width and y + h <= layout.height
    for link, route in zip(links, layout.routes, strict=True):
        for (x1, y1), (x2, y2) in pairwise(route):
            assert x1 == x2 or y1 == y2
            if spacing.whole:
                assert x1 == int(x1) and y1 == int(y1)
            line = (min(x1, x2), min(y1, y2), abs(x1 - x2), abs(y1 - y2))
            for number, (x, y, w, h) in enumerate(boxes):
                if number not in (link.source, link.target):
                    assert not overlap(line, (x, y, w, h))
        for box, (x, y) in ((boxes[link.source], route[0]), (boxes[link.target], route[-1])):
            left, top, wide, high = box
            slack = 1 if spacing.whole else 0.001
            assert left - slack <= x <= left + wide + slack and top - slack <= y <= top + high + slack


@pytest.mark.parametrize(("direction", "before"), [("TB", (0, -1)), ("BT", (0, 1)), ("LR", (-1, 0)), ("RL", (1, 0))])
def test_directions(direction, before):
    layout = lay_out([(10, 4), (10, 4)], [Link(0, 1)], CELLS, direction)
    (x1, y1), (x2, y2) = layout.boxes
    assert ((x1 > x2) - (x1 < x2), (y1 > y2) - (y1 < y2)) == before
    with pytest.raises(ValueError, match="no such direction"):
        lay_out([(1, 1)], [], CELLS, "up")


def test_ranks_are_the_longest_way_and_sources_stand_by_their_users():
    assert ranks_of(5, [Link(0, 1), Link(1, 3), Link(0, 3), Link(2, 3), Link(3, 4)]) == [0, 1, 1, 2, 3]


def test_an_edge_to_an_earlier_box_is_drawn_and_moves_nothing():
    layout = lay_out([(8, 3), (8, 3)], [Link(0, 1), Link(1, 0), Link(1, 1)], CELLS)
    assert layout.boxes[0][1] < layout.boxes[1][1]
    assert len(layout.routes) == 3


def test_crossings_are_counted_and_avoided():
    down = [[3], [2], [], []]
    assert crossings([[0, 1], [2, 3]], down) == 1
    ranks = order_ranks([0, 0, 1, 1], [[], [], [1], [0]], down)
    assert crossings(ranks, down) == 0


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 30), st.integers(0, 30)), max_size=15))
def test_segments_of_one_track_do_not_overlap(words):
    segments = [Segment(*word) for word in words]
    tracks = assign_tracks(segments)
    assert set(tracks) == {each for each in segments if each.begin != each.end}
    for one, other in combinations(tracks, 2):
        if one.owner != other.owner and tracks[one] == tracks[other]:
            low, high = sorted((one.begin, one.end)), sorted((other.begin, other.end))
            assert low[1] < high[0] or high[1] < low[0]


def test_an_edge_that_ends_where_another_begins_turns_below_it():
    upper, lower = Segment("a", 5, 9), Segment("b", 0, 5)
    tracks = assign_tracks([lower, upper])
    assert tracks[upper] < tracks[lower]


def test_a_thousand_stages_in_a_chain_with_one_shared_base_stay_bounded():
    sizes = [(10, 4)] * 1001
    links = [Link(0, at, "base") for at in range(1, 1001)] + [Link(at, at + 1, "copy") for at in range(1, 1000)]
    layout = lay_out(sizes, links, CELLS)
    assert sum(map(len, layout.routes)) < 30_000
    tops = [y for _, y in layout.boxes[1:]]
    assert tops == sorted(tops)
