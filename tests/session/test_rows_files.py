"""The file tree as golden text, over a real table."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shown_session import LAYERS, MB, index_of, ready_session

from msbtui.analysis.model import Finding, WasteReport
from msbtui.image.model import Kind
from msbtui.image.table import FileTable
from msbtui.session.rows.cells import row_text, row_width
from msbtui.session.rows.costs import Costs
from msbtui.session.rows.files import FileRows, Sort, draw_file
from msbtui.session.rows.found import Finder, draw_found


@pytest.fixture
def costs():
    session = ready_session()
    return Costs(session.table, session.waste, session.base, session.provenance)


def rows_of(costs, layer, *, up_to=False, waste_only=False, sort=Sort.WASTE):
    rows = FileRows()
    rows.show(costs, layer, up_to=up_to, waste_only=waste_only, sort=sort)
    return rows


def text(rows, cells=62):
    return [row_text(draw_file(rows.row(at), cells)).rstrip() for at in range(len(rows))]


def test_what_one_layer_holds_opened_where_the_waste_is(costs):
    assert text(rows_of(costs, 1)) == [
        "▾ usr/                                      173 MB    94 MB ▲",
        "  ▾ lib/                                    147 MB    94 MB ▲",
        "    ▾ gcc/x86_64-linux-gnu/12/               94 MB    94 MB ▲",
        "        cc1plus                              33 MB    33 MB ▲",
        "        cc1                                  31 MB    31 MB ▲",
        "        lto1                                 30 MB    30 MB ▲",
        "    ▸ x86_64-linux-gnu/                      53 MB        ·",
        "  ▸ include/curl/                            17 MB        ·",
        "  ▸ share/doc/curl/                         9.0 MB        ·",
        "▸ var/cache/apt/                             37 MB        ·",
        "▸ etc/                                       950 B        ·",
    ]


def test_what_the_file_system_shows_after_a_layer(costs):
    rows = rows_of(costs, 5, up_to=True)
    assert rows.total == costs.table.running_total(5)
    assert [rows.row(at).path for at in range(len(rows)) if "opt" in rows.row(at).path] == []
    rows.reveal("etc/passwd")
    assert "passwd  layer 1" in "\n".join(text(rows))


def test_a_deleted_name_says_that_nothing_is_freed(costs):
    assert text(rows_of(costs, 3), 66) == [
        "▸ usr/local/lib/                                5.2 MB        ·",
        "✗ opt/tool  deleted here: 64 MB hidden, not …      0 B        ·",
    ]


def test_a_hidden_file_names_the_layer_that_hid_it(costs):
    rows = rows_of(costs, 2)
    rows.toggle(0, True)
    assert text(rows, 66)[1] == "    data.bin  hidden by 3                        64 MB    64 MB ▲"


def test_only_waste(costs):
    rows = rows_of(costs, 1, waste_only=True)
    assert [rows.row(at).label for at in range(len(rows))] == ["usr/lib/gcc/x86_64-linux-gnu/12/", "cc1plus", "cc1", "lto1"]
    assert rows.hidden_rows() > 0


def test_every_order(costs):
    def first(sort):
        rows = FileRows()
        rows.expanded.add(0)
        rows.show(costs, 1, up_to=False, waste_only=False, sort=sort)
        return [rows.row(at).label for at in range(len(rows))]

    assert first(Sort.WASTE) == ["usr/", "var/cache/apt/", "etc/"]
    assert first(Sort.SIZE) == ["usr/", "var/cache/apt/", "etc/"]
    assert first(Sort.NAME) == ["etc/", "usr/", "var/cache/apt/"]


def test_opening_and_closing_leaves_the_rows_as_they_were(costs):
    rows = rows_of(costs, 1)
    before = text(rows)
    for at in range(len(rows)):
        if rows.toggle(at):
            assert text(rows) != before
            assert rows.toggle(at)
            assert text(rows) == before


def test_going_back_to_a_view_shows_the_same_again(costs):
    rows = FileRows()
    seen = {}
    for layer in [*range(6), *range(6), 0, 5]:
        for up_to in (False, True):
            rows.show(costs, layer, up_to=up_to, waste_only=False, sort=Sort.WASTE)
            drawn = (rows.total, {rows.row(at).path: (rows.row(at).bytes, rows.row(at).waste) for at in range(len(rows))})
            total, paths = seen.setdefault((layer, up_to), drawn)
            assert total == drawn[0]
            assert all(drawn[1][path] == known for path, known in paths.items() if path in drawn[1])


def test_a_path_is_revealed_and_found_again(costs):
    rows = rows_of(costs, 1)
    at = rows.reveal("usr/lib/x86_64-linux-gnu/libcurl.so")
    assert rows.path(at) == "usr/lib/x86_64-linux-gnu/libcurl.so"
    assert text(rows)[at].strip().startswith("libcurl.so  → libcurl.so.4")
    assert rows.find("usr/lib/x86_64-linux-gnu/libcurl.so") == at
    assert rows.path(rows.parent_row(at)) == "usr/lib/x86_64-linux-gnu"
    assert rows.reveal("no/such") is None
    # Of a row that shows several directories in one, the inner ones are that row.
    assert rows.path(rows.reveal("var/cache")) == "var/cache/apt"
    # What this layer does not have is shown at the nearest directory above it.
    assert rows.path(rows.reveal("usr/lib/libc.so.6")) == "usr/lib"


def test_what_is_open_stays_open_in_another_layer(costs):
    rows = rows_of(costs, 1)
    rows.show(costs, 0, up_to=False, waste_only=False, sort=Sort.WASTE)
    assert [rows.row(at).label for at in range(len(rows))] == ["usr/lib/", "libc.so.6", "bin/", "etc/"]


def test_a_layer_that_is_not_there_has_no_rows(costs):
    assert len(rows_of(costs, 99)) == 0
    assert len(rows_of(Costs(), 0)) == 0


def test_an_opaque_directory_says_what_it_empties():
    below = index_of([("a/x", Kind.FILE, 7 * MB)])
    above = index_of([("a", Kind.DIRECTORY, 0), ("a", Kind.OPAQUE, 0), ("a/y", Kind.FILE, 5)])
    rows = rows_of(Costs(FileTable([below, above])), 1)
    assert text(rows, 70) == ["▸ a/  emptied here: 7.0 MB hidden, not freed           5 B        ·"]


def test_hard_links_cost_once_and_are_waste_only_together():
    index = index_of([("a", Kind.FILE, 100), ("b", Kind.HARD_LINK, 0), ("c", Kind.FILE, 10)])
    index.links[1] = "a"
    table = FileTable([index])

    def waste(*entries):
        finding = Finding("A1", "docs", "", 0, "A", 0, None, (), "", entries=entries)
        rows = rows_of(Costs(table, WasteReport((finding,), 0, 0, 0)), 0)
        return {rows.row(at).path: rows.row(at).waste for at in range(len(rows))}

    assert waste((0, 0)) == {"a": 0, "b": 0, "c": 0}
    assert waste((0, 0), (0, 1)) == {"a": 100, "b": 0, "c": 0}


def test_every_row_has_exactly_its_cells(costs):
    rows = rows_of(costs, 1)
    for cells in range(8, 90):
        assert {row_width(draw_file(rows.row(at), cells)) for at in range(len(rows))} == {cells}


def test_finding_paths(costs):
    finder = Finder(costs.table)
    found, total = finder.find("CC1")
    assert [costs.table.paths[path] for path in found] == [
        "usr/lib/gcc/x86_64-linux-gnu/12/cc1",
        "usr/lib/gcc/x86_64-linux-gnu/12/cc1plus",
    ]
    assert total == 2
    assert finder.find("") == ([], 0)
    assert finder.find("gcc/x86", most=2)[1] == 5
    assert len(finder.find("gcc/x86", most=2)[0]) == 2
    assert finder.where(finder.find("bin/app")[0][0]) == [4, 5]
    assert (
        row_text(draw_found(finder, finder.find("data.bin")[0][0], 60)).rstrip()
        == "/opt/tool/data.bin                 64 MB  layer 2, hidden"
    )


def test_a_directory_found_is_marked_as_one_and_claims_no_bytes(costs):
    finder = Finder(costs.table)
    drawn = {
        row_text(draw_found(finder, path, 60)).split("  ")[0]: row_text(draw_found(finder, path, 60))
        for path in finder.find("opt")[0]
    }
    assert "B" not in drawn["/opt/tool/"].removeprefix("/opt/tool/")
    assert "64 MB" in drawn["/opt/tool/data.bin"]


kinds = st.sampled_from([Kind.FILE, Kind.DIRECTORY, Kind.WHITEOUT])
names = st.sampled_from(["a", "b", "c/d", "c/e", "c/d/f", "g/h/i", "日本", "A b"])
images = st.lists(st.lists(st.tuples(names, kinds, st.integers(0, 9)), max_size=6), min_size=1, max_size=4)


@settings(max_examples=60, deadline=None)
@given(images)
def test_the_rows_of_any_image_add_up(layers):
    indexes = []
    for layer in layers:
        unique = {path: (path, kind, size if kind == Kind.FILE else 0) for path, kind, size in layer}
        indexes.append(index_of(list(unique.values())))
    table = FileTable(indexes)
    costs = Costs(table)
    for layer in range(len(layers)):
        rows = rows_of(costs, layer, up_to=False)
        assert rows.total == table.layer_size(layer)
        after = rows_of(costs, layer, up_to=True)
        assert after.total == table.running_total(layer)
        for shown in (rows, after):
            at = 0
            while at < len(shown):
                shown.toggle(at, True)
                row = shown.row(at)
                assert row.depth < 4
                at += 1
            files = sum(shown.row(at).bytes for at in range(len(shown)) if not shown.row(at).directory)
            assert files == shown.total


def test_the_layers_of_the_sample_are_what_the_tests_think(costs):
    assert costs.table.layers == len(LAYERS)
