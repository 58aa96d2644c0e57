import pytest
from hypothesis import given
from hypothesis import strategies as st
from shown_session import DOCKERFILE, MB

from msbtui.dockerfile.graph import build_graph
from msbtui.dockerfile.parser import parse
from msbtui.session.drawing.diagram import make_diagram
from msbtui.session.rows.boxes import box_rows, draw_layout, path_to_target
from msbtui.session.rows.cells import row_text, row_width, width
from msbtui.session.rows.explain import explain_stage
from msbtui.session.rows.outside import is_remote, outside_sources
from msbtui.session.rows.plain import ascii_text, wants_ascii
from msbtui.session.rows.stages import StageFacts, draw_stage, lane_cells, path_keys, stage_rows

TRUNK = "FROM a AS x\nFROM x AS y\nCOPY --from=x /p /p\nFROM x AS z\nFROM y\n"


GOLDEN = """\
╭─────────────╮   ╭───────────────╮
│ golang:1.22 │   │ build context │
╰─────────────╯   ╰───────────────╯
       │                  │
       ╰───╮          ╭───╯
         FROM   . (all of it)
           │          │
           ╰─╮    ╭───╯
             ▼    ▼
        ┌─────────────┐   ╭────────────────╮
        │ 0 build     │   │ debian:12-slim │
        │ not shipped │   ╰────────────────╯
        └─────────────┘            │
               │                   │
               ╰──────╮        ╭───╯
                  /out/app   FROM
                  38 MB        │
                      │        │
                      ╰╮      ╭╯
                       ▼      ▼
                 ╔═════════════════╗
                 ║ 1 (final)       ║
                 ║ SHIPPED  412 MB ║
                 ╚═════════════════╝
"""


def graph_of(text, **options):
    return build_graph(parse(text), **options)


def drawn(text, facts=None, selected=None, **options):
    drawing = draw_layout(make_diagram(graph_of(text), facts, **options))
    return "\n".join(row_text(row).rstrip() for row in box_rows(drawing, selected)) + "\n"


def test_boxes_of_two_stages():
    assert drawn(DOCKERFILE, StageFacts({1: 412 * MB}, {11: 38 * MB})) == GOLDEN


def test_the_path_to_the_target_has_heavy_lines_and_the_selected_box_a_heavy_border():
    diagram = make_diagram(graph_of(TRUNK))
    keys = [box.key for box in diagram.boxes]
    boxes, arrows = path_to_target(diagram, keys.index("stage 0"))
    assert {keys[at] for at in boxes} == {"stage 0", "stage 1", "stage 3"}
    assert len(arrows) == 3
    text = drawn(TRUNK, selected=keys.index("stage 0"))
    assert "┏━━━━" in text and "┃" in text and "┄" in text
    assert "━" not in drawn(TRUNK)


def test_a_box_that_the_target_does_not_need_lights_itself_only():
    diagram = make_diagram(graph_of(TRUNK))
    at = [box.key for box in diagram.boxes].index("stage 2")
    assert path_to_target(diagram, at) == ({at}, set())


def test_rows_on_the_path_have_a_sign():
    graph = graph_of(TRUNK)
    lit = path_keys(graph, "stage 1")
    assert lit == {"stage 1", "stage 3"}
    assert path_keys(graph, "stage 2") == {"stage 2"}
    assert path_keys(graph, "image a") == {"image a", "stage 0", "stage 1", "stage 3"}
    rows = stage_rows(graph)
    lane = lane_cells(rows, 60)
    marked = [row.label for row in rows if "›" in row_text(draw_stage(row, lane, 60, lit=row.key in lit))]
    assert marked == ["1 y", "← COPY --from=x /p", "3 (final)"]


def test_the_context_is_on_the_path_of_who_copies_it():
    graph = graph_of("FROM a AS x\nCOPY . .\nFROM b\nCOPY --from=x /f /f\n")
    assert path_keys(graph, "context") == {"context", "stage 0", "stage 1"}


def test_what_comes_from_outside():
    text = (
        'FROM a\nCOPY --chown=1 a b /d/\nCOPY <<EOF <<"X" c /d/\nhi\nEOF\nyo\nX\n'
        "ADD https://e.org/x.tgz github.com/a/b.git git@h:a/b.git local /d/\nCOPY --from=b /x /y\n"
    )
    found = outside_sources(graph_of(text).stages[0])
    assert {key: [use.source for use in uses] for key, uses in found.items()} == {
        "context": ["a", "b", "c", "github.com/a/b.git", "local"],
        "https://e.org/x.tgz": ["https://e.org/x.tgz"],
        "git@h:a/b.git": ["git@h:a/b.git"],
    }
    assert not is_remote("./github.com/x.git") and not is_remote("x.tgz")


def test_a_box_is_found_under_the_mouse():
    drawing = draw_layout(make_diagram(graph_of(DOCKERFILE)))
    for at in range(len(drawing.diagram.boxes)):
        left, top, wide, high = drawing.area(at)
        assert drawing.box_at(left, top) == drawing.box_at(left + wide - 1, top + high - 1) == at
    assert drawing.box_at(10_000, 0) is None


def test_rows_of_a_drawing_all_have_its_width():
    text = "FROM a AS x\nRUN 日本語\nFROM b\nCOPY --from=x /日本語/é\u0301 /b\n"
    drawing = draw_layout(make_diagram(graph_of(text), layers=True))
    assert {row_width(row) for row in box_rows(drawing, 1)} == {drawing.width}


@pytest.mark.parametrize("direction", ["TB", "LR"])
def test_a_drawing_in_ascii_has_the_same_shape(direction):
    drawing = draw_layout(make_diagram(graph_of(TRUNK)), direction)
    for row in box_rows(drawing, 0):
        assert "?" not in ascii_text(row_text(row))


@given(st.text())
def test_ascii_keeps_the_cells(text):
    assert ascii_text(text).isascii()
    assert width(ascii_text(text)) == width(text)


def test_which_encodings_cannot_carry_the_drawing():
    assert wants_ascii("ISO-8859-1") and wants_ascii("ascii") and wants_ascii(None)
    assert not wants_ascii("UTF-8") and not wants_ascii("utf_8") and not wants_ascii("utf-8-sig")


def test_sixty_stages_keep_names_and_marks_at_50_columns():
    text = "FROM base AS s0\n" + "".join(
        f"FROM s{max(n - 7, 0)} AS s{n}\nCOPY --from=s{n // 2} /f /f\nCOPY --from=s{n * 2 // 3} /g /g\n" for n in range(1, 60)
    )
    rows = stage_rows(graph_of(text))
    lane = lane_cells(rows, 50)
    for row in rows:
        line = row_text(draw_stage(row, lane, 50))
        assert width(line) == 50
        if row.kind == "stage":
            assert f" {row.label} " in line
            assert any(mark in line for mark in "●◌◉")


def test_the_comment_above_a_stage_is_its_explanation():
    graph = graph_of("# builds the\n# front end\nFROM a AS web\nFROM b\n")
    assert ("builds the front end", "text") in explain_stage(graph, 0)
