"""The map's rectangles and list: they fill the map, each byte once, and every one can be reached by arrows."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from msbtui.analysis.account import GROUPS, Account, Part
from msbtui.session.demo import demo_session
from msbtui.session.rows.cells import row_text, row_width
from msbtui.session.rows.plain import ascii_text
from msbtui.session.rows.treemap import SIGNS, described, draw_listed, draw_map, listed, step, tile_at, tiles

names = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), min_size=1, max_size=12)


def _sum(name, parts):
    return Part(
        name, sum(part.bytes for part in parts), tuple(sorted(parts, key=lambda part: -part.bytes)), (0, 1, 2, 5), ("a/b",)
    )


members = st.lists(st.builds(Part, names, st.integers(0, 10**9)), max_size=6, unique_by=lambda part: part.name)
purposes = st.builds(
    lambda name, parts, size: _sum(name, parts) if parts else Part(name, size), names, members, st.integers(0, 10**10)
)
groups = st.lists(
    st.builds(_sum, st.sampled_from(GROUPS), st.lists(purposes, min_size=1, max_size=6, unique_by=lambda part: part.name)),
    max_size=6,
    unique_by=lambda part: part.name,
)
accounts = groups.map(lambda parts: Account(sum(part.bytes for part in parts), tuple(parts)))


@given(accounts, st.integers(1, 200), st.integers(1, 60))
def test_the_rectangles_fill_the_map_and_none_lies_on_another(account, cells, rows):
    seen = {}
    for tile in tiles(account, cells, rows):
        assert tile.width > 0
        assert tile.height > 0
        for y in range(tile.y, tile.y + tile.height):
            for x in range(tile.x, tile.x + tile.width):
                assert (x, y) not in seen, (seen[x, y], tile)
                seen[x, y] = tile
    assert set(seen) == ({(x, y) for x in range(cells) for y in range(rows)} if account.size else set())


@given(accounts, st.integers(1, 90), st.integers(1, 30), st.data())
def test_each_row_has_its_cells(account, cells, rows, data):
    drawn = tiles(account, cells, rows)
    parts = listed(account)
    selected = data.draw(st.sampled_from(parts)).key if parts else ()
    for row in draw_map(drawn, cells, rows, selected, account.size):
        assert row_width(row) == cells
        assert row_text(row).isprintable()
        assert len(ascii_text(row_text(row))) == cells
    for each in parts:
        assert row_width(draw_listed(each, cells, account.size)) == cells
        assert described(each, account.size)[0][1] == "head"


# The middles of the other rectangles lie beside the row that names the waste: on the way from there nothing else is.
_BESIDE_A_NAME = Account(
    4449,
    (
        _sum("packages", [Part("0", 1699), Part("1", 456), Part("2", 14)]),
        _sum("unknown", [Part("0", 669), Part("1", 260), Part("2", 7), Part("3", 4)]),
        _sum("hidden", [Part("0", 451), Part("1", 422)]),
        _sum("application", [Part("0", 311), Part("1", 156)]),
    ),
)


@given(accounts, st.integers(30, 120), st.integers(6, 40))
@example(_BESIDE_A_NAME, 42, 10)
def test_arrows_reach_every_rectangle(account, cells, rows):
    drawn = tiles(account, cells, rows)
    leaves = {tile.key for tile in drawn if not tile.head}
    for start in sorted(leaves)[:3]:
        reached, waiting = {start}, [start]
        while waiting:
            now = waiting.pop()
            for direction in ("left", "right", "up", "down"):
                there = step(drawn, now, direction)
                if there is not None and there not in reached:
                    reached.add(there)
                    waiting.append(there)
        assert reached == leaves


def test_areas_are_bytes():
    account = Account(100, (_sum("base", [Part("a", 50)]), _sum("waste", [Part("x", 25), Part("y", 25)])))
    drawn = tiles(account, 80, 20)
    assert {tile.key: tile.width * tile.height for tile in drawn if not tile.head} == {
        ("base", "a"): 800,
        ("waste", "x"): 380,
        ("waste", "y"): 380,
    }
    assert [tile.label for tile in drawn] == ["base › a", "waste", "x", "y"]


@pytest.mark.parametrize("project", ["c", "python"])
def test_the_map_of_a_real_image_says_the_words_of_the_list(project):
    session = demo_session(project)
    session.run(lambda event: None)
    account = session.account()
    assert account.size == session.table.size
    rows = listed(account)
    assert sum(row.part.bytes for row in rows if len(row.key) == 1) == account.size
    drawn = tiles(account, 110, 40)
    text = "\n".join(row_text(row) for row in draw_map(drawn, 110, 40, ("waste", "compiler"), account.size))
    assert "▶compiler" in text
    assert text.count("▶") == 1
    assert "base › " in text
    for group in ("base", "waste", "packages"):
        assert SIGNS[group] in text
    known = {row.key for row in rows}
    assert {tile.key for tile in drawn} <= known
    compiler = next(row for row in rows if row.key == ("waste", "compiler"))
    assert "Compilers" in " ".join(text for text, _ in described(compiler, account.size))


def test_what_is_too_small_for_a_rectangle_lights_what_it_lies_in():
    account = Account(10**6, (_sum("packages", [Part("large", 10**6 - 2), Part("tiny", 2)]),))
    drawn = tiles(account, 40, 10)
    rows = draw_map(drawn, 40, 10, ("packages", "tiny"), account.size)
    assert row_text(rows[0]).startswith("▶ packages")
    assert tile_at(drawn, 3, 5).key == ("packages", "large")
    assert tile_at(drawn, 99, 5) is None
