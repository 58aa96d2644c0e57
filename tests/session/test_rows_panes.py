"""Rows of source, layers, advice, diff and the top line as golden text."""

import msgspec
import pytest
from shown_session import DOCKERFILE, LAYERS, MB, ShownSession, findings, ready_session

from msbtui.analysis.model import Base, Finding
from msbtui.dockerfile.model import Problem
from msbtui.session.model import Progress
from msbtui.session.rows.advice import draw_advice
from msbtui.session.rows.cells import row_text, row_width
from msbtui.session.rows.costs import Costs
from msbtui.session.rows.diff import diff_rows, draw_split, draw_unified, patch, unified_rows
from msbtui.session.rows.header import Heading, heading_row
from msbtui.session.rows.layers import draw_layer, layer_header, layer_rows
from msbtui.session.rows.source import draw_source, follow_line, source_rows


@pytest.fixture
def session():
    return ready_session()


def costs_of(session):
    return Costs(session.table, session.waste, session.base, session.provenance)


def drawn(rows, draw, *rest):
    return [row_text(draw(row, *rest)).rstrip() for row in rows]


def test_layer_waste_adds_up_to_the_total_of_the_report(session):
    costs = costs_of(session)
    assert costs.layer_waste == [None, 94 * MB, 64 * MB + 2000, 0, 38 * MB, 0]
    assert sum(costs.wasted(layer) for layer in range(6)) == session.waste.total


def test_the_dockerfile_with_its_bytes(session):
    assert drawn(source_rows(session.dockerfile, session.graph, costs_of(session)), draw_source, 60) == [
        "  1 FROM golang:1.22 AS build",
        "  2 WORKDIR /src",
        "  3 COPY . .",
        "  4 RUN go build -o /out/app ./cmd/app",
        "  5",
        "  6 FROM debian:12-slim                               74M",
        "  7 RUN apt-get update && apt-get install -y \\       210M ▲",
        "  8       build-essential curl ca-certificates            ▲",
        "  9 RUN curl -sSL https://example.org/tool.tgz | …    64M ▲",
        " 10 RUN /opt/tool/install.sh && rm -rf /opt/tool     5.2M",
        " 11 COPY --from=build /out/app /usr/local/bin/app     38M ▲",
        " 12 RUN chmod 0755 /usr/local/bin/app                 38M",
        ' 13 ENTRYPOINT ["app"]',
    ]


def test_bytes_of_a_changed_line_are_marked_as_old(session):
    rows = source_rows(session.dockerfile, session.graph, costs_of(session), changed={8})
    assert drawn(rows, draw_source, 40)[6:9] == [
        "  7 RUN apt-get update && apt…  ~210M ~",
        "  8       build-essential cur…        ~",
        "  9 RUN curl -sSL https://exa…    64M ▲",
    ]


def test_an_error_stands_below_its_line_and_the_bytes_of_the_good_lines_stay(session):
    broken = DOCKERFILE.replace("RUN chmod", "RUNN chmod").replace("WORKDIR /src\n", "")
    problems = (Problem("unknown instruction: RUNN", 11, hint="did you mean RUN?"),)
    rows = source_rows(session.dockerfile, session.graph, costs_of(session), source=broken, problems=problems)
    assert drawn(rows, draw_source, 60)[9:] == [
        " 10 COPY --from=build /out/app /usr/local/bin/app     38M ▲",
        " 11 RUNN chmod 0755 /usr/local/bin/app                    ✗",
        "    ✗ unknown instruction: RUNN (did you mean RUN?)",
        ' 12 ENTRYPOINT ["app"]',
    ]


def test_an_error_beyond_the_text_stands_at_its_end():
    session = ShownSession("FROM a\n", image=False)
    rows = source_rows(session.dockerfile, session.graph, Costs(), source="", problems=[Problem("file with no instructions")])
    assert drawn(rows, draw_source, 40) == ["    ✗ file with no instructions"]


@pytest.mark.parametrize(
    ("new", "line", "wanted"),
    [
        ("# a\n# b\n" + DOCKERFILE, 7, 9),
        (DOCKERFILE.replace("WORKDIR /src\n", ""), 7, 6),
        (DOCKERFILE.replace("RUN chmod 0755", "RUN chmod 0700"), 12, 12),
        ("", 7, 1),
        ("FROM x\n", 13, 1),
    ],
)
def test_a_line_is_followed_into_another_text(new, line, wanted):
    assert follow_line(DOCKERFILE, new, line) == wanted


def test_the_layers(session):
    rows = layer_rows(session.image, costs_of(session), session.dockerfile, "debian:12-slim")
    assert row_text(layer_header(66)).rstrip() == "  #     size    waste            instruction"
    assert drawn(rows, draw_layer, 210 * MB, 66) == [
        "  0    74 MB     base  ██▉       FROM debian:12-slim",
        "  1   210 MB    94 MB  ████████  RUN apt-get update && apt-get in…",
        "  2    64 MB    64 MB  ██▌       RUN curl -sSL https://example.or…",
        "  3   5.2 MB      0 B  ▎         RUN /opt/tool/install.sh && rm -…",
        "  4    38 MB    38 MB  █▌        COPY --from=build /out/app /usr/…",
        "  5    38 MB      0 B  █▌        RUN chmod 0755 /usr/local/bin/app",
    ]


def test_layers_that_are_not_read_yet_are_announced():
    session = ready_session(layers=LAYERS[:2])
    rows = layer_rows(session.image, costs_of(session))
    assert drawn(rows, draw_layer, 210 * MB, 50)[1:4] == [
        "  1   210 MB           ████████  RUN apt-get upda…",
        "  2        …        …            RUN curl -sSL ht…",
        "  3        …        …            RUN /opt/tool/in…",
    ]


def test_the_wasted_part_of_a_bar_has_its_own_role(session):
    row = draw_layer(layer_rows(session.image, costs_of(session))[1], 210 * MB, 66)
    assert [part for part in row if part[1].startswith("bar")] == [("████", "bar-waste"), ("████", "bar")]


def test_a_layer_that_only_fits_by_shape_says_so(session):
    match = msgspec.structs.replace(session.provenance.matches[2], exact=False, note="fits by order")
    session.provenance = msgspec.structs.replace(session.provenance, matches=(*session.provenance.matches[:2], match))
    rows = layer_rows(session.image, costs_of(session), session.dockerfile)
    assert "≈ RUN curl" in row_text(draw_layer(rows[2], MB, 66))


def test_the_advice():
    assert drawn(findings(), draw_advice, 66) == [
        "   94 MB  A1  compilers stay in the final image  → build stage",
        "   64 MB  A2  /opt/tool: added in 2, deleted in 3",
        "   38 MB  A3  chmod rewrites app  → COPY --chmod=0755",
        "  9.0 MB  C4  documentation ?  → leave it out",
    ]


def test_advice_keeps_exactly_its_cells_and_shows_no_escape():
    finding = Finding("A1", "x", "名前 \x1b]0;t\x07 [/]", 10**15, "A", 0, None, (), "do\nit", in_base=True)
    for cells in range(14, 80):
        row = draw_advice(finding, cells)
        assert row_width(row) == cells
        assert "\x1b" not in row_text(row)


def test_two_texts_side_by_side_and_one_under_the_other():
    rows = diff_rows("FROM a\nRUN x\nCMD y\n", "FROM a AS build\nRUN x\nFROM b\nCMD y\n")
    assert [row_text(row) for each in rows for row in draw_split(each, 41)] == [
        "  1 - FROM a        │  1 + FROM a AS     ",
        "                    │      build         ",
        "  2   RUN x         │  2   RUN x         ",
        "                    │  3 + FROM b        ",
        "  3   CMD y         │  4   CMD y         ",
    ]
    assert [row_text(row).rstrip() for each in unified_rows(rows) for row in draw_unified(each, 30)] == [
        "  1 - FROM a",
        "  1 + FROM a AS build",
        "  2   RUN x",
        "  3 + FROM b",
        "  3   CMD y",
    ]


def test_the_indent_of_a_line_survives_wrapping():
    rows = diff_rows("", "    make install && rm -rf build\n")
    assert [row_text(row).rstrip() for each in rows for row in draw_unified(each, 27)] == [
        "  1 +     make install &&",
        "      rm -rf build",
    ]


def test_the_patch_applies(tmp_path):
    import shutil
    import subprocess

    old, new = "FROM a\nRUN x\n", "FROM a AS b\nRUN x\nFROM c"
    (tmp_path / "Dockerfile").write_text(old)
    if shutil.which("patch") is None:
        assert patch(old, new, "Dockerfile", "Dockerfile").startswith("--- Dockerfile\n+++ Dockerfile\n")
        return
    subprocess.run(["patch", "-p0"], input=patch(old, new, "Dockerfile", "Dockerfile"), text=True, cwd=tmp_path, check=True)
    assert (tmp_path / "Dockerfile").read_text() == new


HEADING = Heading("Dockerfile", "app:latest", "linux/amd64", 412 * MB, 244 * MB, 6, 2, "in sync", True)


@pytest.mark.parametrize(
    ("cells", "wanted"),
    [
        (
            120,
            " msbtui   Dockerfile → app:latest   linux/amd64   412 MB   waste 244 MB (59%)   6 layers · 2 stages   ✔ in sync",
        ),
        (80, " Dockerfile → app:latest   412 MB   waste 244 MB (59%)   ✔ in sync"),
        (60, " Dockerfile → app:latest   waste 244 MB (59%)   ✔ in sync"),
        (20, " Dockerfile → app:l…"),
    ],
)
def test_the_top_line_gives_up_what_matters_least(cells, wanted):
    row = heading_row(HEADING, cells)
    assert row_width(row) == cells
    assert row_text(row).rstrip() == wanted


def test_progress_takes_the_place_of_the_verdict():
    heading = msgspec.structs.replace(HEADING, progress=Progress("Reading app:latest", 112 * MB, 412 * MB))
    assert row_text(heading_row(heading, 120)).rstrip().endswith("Reading ██▊        27%  112 MB of 412 MB  Esc stops")
    assert row_text(heading_row(heading, 80)).rstrip().endswith("Esc stops")
    assert "27%" in row_text(heading_row(heading, 60))


def test_trouble_is_said_instead_of_the_verdict():
    heading = msgspec.structs.replace(HEADING, trouble="line 3: unknown instruction: RUNN")
    assert row_text(heading_row(heading, 120)).rstrip().endswith("✗ line 3: unknown instruction: RUNN")


def test_layers_of_the_base_are_no_waste_of_ours(session):
    session.base = Base(2, "", "A", "x")
    costs = costs_of(session)
    assert costs.layer_waste[:3] == [None, None, 64 * MB + 2000]
