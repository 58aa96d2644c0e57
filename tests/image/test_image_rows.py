"""What findings ask of many rows and names at once: the compiled loops and the pure ones against plain definitions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msbtui.image import fast
from msbtui.image.lastparts import may_hold
from msbtui.image.model import Kind, LayerIndex
from msbtui.image.rows import row_set
from msbtui.image.stack import NOT_HIDDEN
from msbtui.image.table import FileTable

PARTS = ("a", "b", "c", "Copyright", "ſ")
WAYS = (fast.compiled, None) if fast.compiled is not None else (None,)


def layer(paths: dict[str, int]) -> LayerIndex:
    index = LayerIndex()
    for number, (path, size) in enumerate(paths.items()):
        index.paths.append(path)
        index.kinds.append(Kind.DIRECTORY if size < 0 else Kind.FILE)
        index.sizes.append(max(size, 0))
        for column in (index.modes, index.uids, index.gids):
            column.append(0)
        index.mtimes.append(0.0)
        index.offsets.append(512 * number)
    return index


trees = st.lists(
    st.dictionaries(st.lists(st.sampled_from(PARTS), min_size=1, max_size=4).map("/".join), st.integers(-1, 9), max_size=12),
    min_size=1,
    max_size=3,
)


def filled_by_definition(table: FileTable, rows: list[int], first: int) -> list[int]:
    filled = {table.row_paths[row] for row in rows}
    whole = {pid for pid in filled if table.is_directory(pid)}
    while True:
        more = {
            pid
            for pid in {table.parents[one] for one in filled} - whole
            if pid > 0 and not 0 <= table.first_rows[pid] < first and filled.issuperset(table.live_children(pid))
        }
        if not more:
            return sorted(pid for pid in filled if table.parents[pid] not in whole)
        whole |= more
        filled |= more


@given(trees, st.data())
def test_topmost_paths_and_sums_are_what_they_are_said_to_be(layers: list[dict[str, int]], data: st.DataObject) -> None:
    for way in WAYS:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(fast, "compiled", way)
            table = FileTable(map(layer, layers))
            live = sorted(row for row in table.live_rows[: len(table)] if row >= 0)
            if not live:
                return
            rows = data.draw(st.lists(st.sampled_from(live), unique=True))
            first = data.draw(st.sampled_from([table.first_row(number) for number in range(table.layers)]))
            assert sorted(table.topmost(rows, first)) == filled_by_definition(table, rows, first)
            assert table.bytes_of_rows(rows) == sum(table.row_costs[row] for row in rows)
            every = list(range(table.first_row(table.layers)))
            found = row_set(len(every))
            found.update_live(every, first, table.row_hidden, NOT_HIDDEN)
            assert found.rows() == [row for row in every if row >= first and table.row_hidden[row] == NOT_HIDDEN]
            found.update(rows)
            assert found.issuperset(rows)
            assert found.isdisjoint(rows) == (not rows)
            assert all((row in found) == (row in found.rows()) for row in every)
            assert found.issuperset(every) == (found.rows() == every)


def test_sums_that_fit_no_machine_word_are_right() -> None:
    most = (1 << 60) - 1
    for way in WAYS:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(fast, "compiled", way)
            table = FileTable([layer({str(number): most for number in range(20)})])
            assert table.bytes_of_rows(list(range(20))) == 20 * most


@given(st.lists(st.text(alphabet="lLiIcCeEnNſK./é", max_size=12), max_size=8))
def test_names_that_hold_a_word_are_found_whatever_their_case(paths: list[str]) -> None:
    wanted = [pid for pid, path in enumerate(paths) if not path.isascii() or "licen" in path.rpartition("/")[2].lower()]
    for way in WAYS:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(fast, "compiled", way)
            assert may_hold(paths, range(len(paths)), ("licen", "e/")) == wanted


@pytest.mark.skipif(fast.compiled is None, reason="the compiled module was not built (no C compiler)")
def test_rows_and_paths_that_are_none_are_refused() -> None:
    found = row_set(3)
    for rows in ([3], [-1]):
        with pytest.raises(IndexError):
            found.update(rows)
        with pytest.raises(IndexError):
            found.issuperset(rows)
    with pytest.raises(IndexError):
        may_hold(["a"], [1], ("a",))
