from shown_session import DOCKERFILE, MB

from msbtui.dockerfile.graph import build_graph
from msbtui.dockerfile.parser import parse
from msbtui.session.rows.cells import row_width
from msbtui.session.rows.lanes import MOST_LANES, Node, draw_lanes
from msbtui.session.rows.stages import StageFacts, draw_stage, find_stage, graph_text, lane_cells, stage_facts, stage_rows


def graph_of(text, **options):
    return build_graph(parse(text), **options)


def lanes_of(*nodes):
    return [lane.node for lane in draw_lanes([Node(*node) for node in nodes])]


def test_the_lanes_of_a_diamond():
    assert lanes_of(
        ("golang", "○"),
        ("deps", "●", ("golang",)),
        ("app", "●", ("deps",)),
        ("docs", "●", ("deps",)),
        ("debian", "○"),
        ("final", "◉", ("debian", "app", "docs")),
    ) == ["○", "●", "├▶●", "● │", "│ │ ○", "╰─┴▶◉"]


def test_a_lane_that_passes_is_crossed_and_not_joined():
    assert lanes_of(
        ("a", "○"),
        ("b", "○"),
        ("c", "●", ("a",)),
        ("d", "●", ("a",)),
        ("e", "◉", ("b", "c", "d")),
    ) == ["○", "│ ○", "├─┼▶●", "● │ │", "╰▶◉◀╯"]


def test_what_comes_later_or_is_unknown_draws_no_lane():
    assert lanes_of(("a", "●", ("later", "nowhere")), ("later", "●", ("later",))) == ["●", "●"]


def test_rows_below_a_node_carry_the_lanes_on():
    drawn = draw_lanes([Node("a", "○"), Node("b", "●", ("a",)), Node("c", "●", ("a",)), Node("d", "●", ("a", "b", "c"))])
    assert [lane.below for lane in drawn] == ["│", "│ │", "│ │ │", ""]


def test_more_lanes_than_fit_end_in_an_ellipsis():
    nodes = [Node(f"n{i}", "○") for i in range(30)] + [Node("end", "◉", tuple(f"n{i}" for i in range(30)))]
    drawn = draw_lanes(nodes)
    assert max(len(lane.node) for lane in drawn) == 2 * MOST_LANES < 60
    assert max(len(lane.below) for lane in drawn) == 2 * MOST_LANES
    assert drawn[-1].node.endswith("…")


def test_two_stages_and_what_is_copied_between_them():
    facts = StageFacts({1: 412 * MB}, {11: 38 * MB})
    assert graph_text(graph_of(DOCKERFILE), facts, 60) == (
        "○   golang:1.22                                 base\n"
        "●   0 build                    3 instr          not shipped\n"
        "│     ← build context: .\n"
        "│ ○ debian:12-slim                              base\n"
        "╰▶◉ 1 (final)                  6 instr  412 MB  SHIPPED\n"
        "      ← COPY --from=build /out/app               38 MB\n"
    )


def test_a_narrow_graph_keeps_names_and_what_is_shipped():
    facts = StageFacts({1: 412 * MB}, {11: 38 * MB})
    assert graph_text(graph_of(DOCKERFILE), facts, 32) == (
        "○   golang:1.22         base\n"
        "●   0 build             –\n"
        "│     ← build context: .\n"
        "│ ○ debian:12-slim      base\n"
        "╰▶◉ 1 (final)           SHIPPED\n"
        "      ← COPY --from=bu…  38 MB\n"
    )


def test_unused_stages_are_dim_and_say_so():
    graph = graph_of("FROM a AS x\nRUN x\nFROM b AS y\nRUN y\nFROM c\nCOPY --from=x /f /f\n")
    rows = {row.label: row for row in stage_rows(graph)}
    assert rows["1 y"].status == "not used"
    assert rows["1 y"].lanes.endswith("◌")
    assert rows["1 y"].dim
    assert rows["b"].dim
    assert rows["0 x"].status == "not shipped"
    assert not rows["0 x"].dim


def test_a_stage_that_the_target_is_built_from_is_shipped():
    graph = graph_of("FROM a AS x\nRUN x\nFROM x AS y\nRUN y\n")
    found = [(row.label, row.status) for row in stage_rows(graph) if row.kind == "stage"]
    assert found == [
        ("0 x", "shipped"),
        ("1 y", "SHIPPED"),
    ]


def test_every_row_has_exactly_its_cells_at_every_width():
    graph = graph_of("FROM busybox AS x\nRUN x\nFROM scratch\nCOPY --from=0 /日本語 /b\nRUN --mount=from=alpine,target=/m y\n")
    rows = stage_rows(graph, StageFacts({1: 10}, {4: 10**13}))
    for cells in range(12, 90):
        assert {row_width(draw_stage(row, lane_cells(rows, cells), cells)) for row in rows} == {cells}


def test_hostile_names_are_printable_and_stay_themselves():
    text = graph_text(graph_of("FROM a AS x\nFROM b\nCOPY --from=x /[/red]\x1b]52;c;aGk=\x07 /b\n"), cells=100)
    assert "\x1b" not in text
    assert r"/[/red]\x1b]52;c;aGk=\x07" in text


def test_a_stage_is_found_by_its_edge_first():
    rows = stage_rows(graph_of(DOCKERFILE))
    assert rows[find_stage(rows, 1, 11)].kind == "use"
    assert rows[find_stage(rows, 1, 7)].label == "1 (final)"
    assert find_stage(rows, 9, None) is None


def test_bytes_by_stage_are_what_stands_at_its_end():
    graph = graph_of("FROM a AS x\nRUN x\nFROM x AS y\nRUN y\n")
    facts = stage_facts(graph, {0: (1, 0), 1: (2, 0), 2: (4, 1)}, {0: 100, 1: 20, 2: 3})
    assert facts.stage_bytes == {0: 120, 1: 123}
    assert facts.line_bytes == {1: 100, 2: 20, 4: 3}


def test_only_copies_carry_the_bytes_of_their_line():
    text = "FROM base\nRUN --mount=from=tools,target=/t make\nCOPY --from=tools /a /b\nCOPY c /c\n"
    graph = build_graph(parse(text))
    facts = StageFacts(line_bytes={1: 75, 2: 10, 3: 20, 4: 30})
    stage = graph.stages[0]
    assert facts.carried(stage, (1,)) is None
    assert facts.carried(stage, (2,)) is None
    assert facts.carried(stage, (3, 3, 4, 9)) == 50


def test_a_stage_that_the_target_is_built_from_is_drawn_as_used_also_beside_an_error():
    rows = stage_rows(build_graph(parse("FROM NO_SUCH AS build\nFROM a AS run\nCOPY --from=build /x /x\nFROM run\n")))
    run = next(row for row in rows if row.label == "1 run")
    assert (run.status, run.dim) == ("shipped", False)
    assert "●" in run.lanes
