import io
import json
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from msbtui.dockerfile.graph import build_graph
from msbtui.dockerfile.parser import parse
from msbtui.errors import TargetError
from msbtui.report.graph_dot import dot_text
from msbtui.report.graph_exports import FORMATS, export_graph
from msbtui.report.graph_mermaid import mermaid_text
from msbtui.report.graph_png import png_bytes
from msbtui.report.graph_scene import CELL, Rect, Text, make_scene
from msbtui.report.graph_scene import Path as Drawn
from msbtui.report.graph_svg import svg_text
from msbtui.session.drawing.diagram import make_diagram
from msbtui.session.rows.cells import width
from msbtui.session.rows.stages import StageFacts

CASES = json.loads((Path(__file__).parents[1] / "data/stage-graph.json").read_text())["cases"]
TEXT = r"""FROM node:20 AS web
COPY web .
RUN echo "a\b" '<b>' & `x` #1; [|] *_~ \l \N
FROM golang:1 AS build
ADD https://example.com/x.tgz /x
RUN --mount=from=web,source=/w/dist,target=/d go build
FROM web AS unused
FROM debian:12
COPY --from=build /out/app /app
COPY --from=web /w /srv
"""
HOSTILE = (
    'FROM a AS x\nRUN </text><script>alert(1)</script> ]]> \x1b[31m \x00 \u202e & "q"\nFROM b\nCOPY --from=x /"\\<i>{}|;\x07 /b\n'
)


def diagram_of(text, **options):
    return make_diagram(build_graph(parse(text)), **options)


def texts():
    return [TEXT, HOSTILE, *(case["dockerfile"] for case in CASES)]


def svg_of(text, **options):
    return svg_text(make_scene(diagram_of(text, layers=True), **options))


def test_the_diagram_says_what_edges_carry_and_how_many_bytes():
    graph = build_graph(parse(TEXT))
    diagram = make_diagram(graph, StageFacts({3: 9_000_000}, {9: 5_000_000, 10: 1_500}))
    key = [box.key for box in diagram.boxes]
    arrows = {(key[arrow.source], key[arrow.target], arrow.via): arrow.label for arrow in diagram.arrows}
    assert arrows == {
        ("image node:20", "stage 0", "FROM"): ("FROM",),
        ("context", "stage 0", "context"): ("web",),
        ("image golang:1", "stage 1", "FROM"): ("FROM",),
        ("stage 0", "stage 1", "mount"): ("mount /w/dist",),
        ("url https://example.com/x.tgz", "stage 1", "context"): ("ADD",),
        ("stage 0", "stage 2", "FROM"): ("FROM",),
        ("image debian:12", "stage 3", "FROM"): ("FROM",),
        ("stage 1", "stage 3", "COPY"): ("/out/app", "5.0 MB"),
        ("stage 0", "stage 3", "COPY"): ("/w", "1.5 kB"),
    }
    boxes = {box.key: box for box in diagram.boxes}
    assert boxes["stage 3"].target and boxes["stage 3"].note == "SHIPPED  9.0 MB"
    assert boxes["stage 2"].dim and not boxes["stage 1"].dim


def test_an_input_that_only_an_unused_stage_has_is_dim():
    boxes = {box.key: box.dim for box in diagram_of("FROM a AS x\nCOPY . .\nFROM b\nRUN y\n").boxes}
    assert boxes == {"image a": True, "context": True, "stage 0": True, "image b": False, "stage 1": False}


def test_two_platforms_of_one_image_are_two_boxes():
    boxes = diagram_of("FROM --platform=linux/arm64 a AS x\nFROM a\nCOPY --from=x /f /f\n").boxes
    assert [box.title for box in boxes if box.kind == "image"] == ["a  linux/arm64", "a"]


@pytest.mark.parametrize("direction", ["TB", "BT", "LR", "RL"])
def test_svg_draws_every_box_and_edge_within_the_page(direction):
    diagram = diagram_of(TEXT, layers=True)
    root = ET.fromstring(svg_text(make_scene(diagram, direction=direction)))
    space = "{http://www.w3.org/2000/svg}"
    kinds = [each.get("class") for each in root.iter(f"{space}rect")]
    assert kinds.count("target") == 1 and kinds.count("dim") == 1
    assert len([kind for kind in kinds if kind in ("stage", "target", "outside", "dim")]) == len(diagram.boxes)
    assert len(list(root.iter(f"{space}polygon"))) == len(diagram.arrows)
    wide, high = float(root.get("width")), float(root.get("height"))
    for rect in root.iter(f"{space}rect"):
        assert float(rect.get("x", 0)) >= 0 and float(rect.get("x", 0)) + float(rect.get("width")) <= wide
        assert float(rect.get("y", 0)) >= 0 and float(rect.get("y", 0)) + float(rect.get("height")) <= high
    written = {text.text for text in root.iter(f"{space}text")}
    assert {"/out/app", "/w", "mount /w/dist", "3 (final)", "SHIPPED", "node:20"} <= written


def test_svg_of_hostile_words_is_well_formed_and_runs_nothing():
    svg = svg_of(HOSTILE)
    root = ET.fromstring(svg)
    assert not [each for each in root.iter() if each.tag.endswith("script")]
    assert "\x1b" not in svg and "\x00" not in svg and "\u202e" not in svg
    assert r"RUN </text><script>alert(1)</script> ]]> \x1b[31m \x00 \u2" in "".join(root.itertext())


def test_every_text_has_room_in_its_box():
    for text in texts():
        scene = make_scene(diagram_of(text, layers=True))
        boxes = [shape for shape in scene.shapes if isinstance(shape, Rect)]
        for shape in scene.shapes:
            if isinstance(shape, Text) and not shape.halo:
                end = shape.x + width(shape.text) * CELL
                assert any(
                    box.x <= shape.x and end <= box.x + box.width and box.y <= shape.y <= box.y + box.height for box in boxes
                )


def test_edges_meet_the_borders_of_their_boxes():
    for text in texts():
        scene = make_scene(diagram_of(text))
        boxes = [shape for shape in scene.shapes if isinstance(shape, Rect)]
        for path in (shape for shape in scene.shapes if isinstance(shape, Drawn)):
            for (x, y), side in ((path.points[0], 1), (path.points[-1], 0)):
                edges = [box.y + side * box.height for box in boxes if box.x <= x <= box.x + box.width]
                assert any(abs(edge - y) < 0.01 for edge in edges)


def test_png_is_a_picture_in_the_colours_of_the_legend():
    data = export_graph("png", parse(TEXT), build_graph(parse(TEXT)), legend=True)
    image = Image.open(io.BytesIO(data))
    image.load()
    assert image.format == "PNG" and image.width > 400 and image.height > 400
    colours = {colour for _, colour in image.getcolors(1 << 20)}
    assert {(0x04, 0x78, 0x57), (0x1D, 0x4E, 0xD8), (0x7C, 0x3A, 0xED), (255, 255, 255)} <= colours


def test_png_draws_what_its_own_font_lacks_and_refuses_what_nobody_could_read():
    png_bytes(make_scene(diagram_of("FROM a AS x\nFROM b\nCOPY --from=x /日本語 /b\n")))
    many = "".join(f"FROM image{n} AS s{n}\n" for n in range(3000)) + "FROM b\n"
    with pytest.raises(TargetError, match="too large"):
        png_bytes(make_scene(diagram_of(many)))


class _Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.words = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)


def test_html_is_one_page_that_fetches_and_runs_nothing():
    for text in (TEXT, HOSTILE):
        page = _Page()
        page.feed(export_graph("html", parse(text), build_graph(parse(text)), layers=True, legend=True))
        tags = {tag for tag, _ in page.tags}
        assert not tags & {"script", "link", "img", "iframe", "object", "i", "b"}
        assert not [attrs for _, attrs in page.tags if {"src", "href", "onclick", "onload"} & set(attrs)]
        assert "svg" in tags
        policy = next(attrs["content"] for tag, attrs in page.tags if tag == "meta" and "http-equiv" in attrs)
        assert policy.startswith("default-src 'none'")
        assert "COPY --from=" in "".join(page.words)


def test_html_tells_errors_and_comments():
    source = "# builds <it>\nFROM a AS x\nFROM b\nCOPY --from=7 /f /f\n"
    page = export_graph("html", parse(source), build_graph(parse(source)))
    assert "line 4: " in page and "invalid stage index 7" in unescape(page)
    assert "builds &lt;it&gt;" in page


def test_every_format_takes_every_case():
    for case in CASES:
        dockerfile = parse(case["dockerfile"])
        graph = build_graph(dockerfile)
        for form in FORMATS:
            if form != "png":
                assert export_graph(form, dockerfile, graph, layers=True, legend=True)


def test_dot_is_taken_by_graphviz_and_means_the_same():
    if shutil.which("dot") is None:
        pytest.skip("graphviz is not installed: no `dot`")
    diagrams = [diagram_of(text, layers=layers) for text in texts() for layers in (False, True)]
    source = "".join(dot_text(each, legend=number == 0, direction="LR") for number, each in enumerate(diagrams))
    out = subprocess.run(["dot", "-Tjson0"], input=source.encode(), capture_output=True, check=True)
    assert not re.sub(rb"(?m)^Warning: no hard-coded metrics.*$|^Warning:.*font.*$", b"", out.stderr).strip()
    decoder, text, graphs = json.JSONDecoder(), out.stdout.decode(), []
    while text.strip():
        graph, end = decoder.raw_decode(text := text.lstrip())
        graphs.append(graph)
        text = text[end:]
    assert len(graphs) == len(diagrams)
    for diagram, graph in zip(diagrams, graphs, strict=True):
        names = {node["_gvid"]: node["name"] for node in graph.get("objects", []) if "nodes" not in node}
        edges = sorted(
            (names[edge["tail"]], names[edge["head"]], edge["label"])
            for edge in graph.get("edges", [])
            if names[edge["tail"]].startswith("n")
        )
        wanted = [
            (f"n{a.source}", f"n{a.target}", "\\n".join(line.replace("\\", "\\\\") for line in a.label)) for a in diagram.arrows
        ]
        assert edges == sorted(wanted)


def test_mermaid_is_taken_by_mermaid_and_means_the_same():
    folder = os.environ.get("MERMAID", "")
    if not (Path(folder) / "node_modules/mermaid").is_dir() or not shutil.which("node"):
        pytest.skip("MERMAID names no folder where npm has installed mermaid and jsdom")
    diagrams = [diagram_of(text, layers=True) for text in texts()]
    sources = [mermaid_text(each, legend=number == 0) for number, each in enumerate(diagrams)]
    script = Path(__file__).parents[1] / "support/mermaid_parse.mjs"
    out = subprocess.run(["node", str(script)], input=json.dumps(sources).encode(), capture_output=True, check=True)
    for diagram, answer in zip(diagrams, json.loads(out.stdout), strict=True):
        assert answer["type"].startswith("flowchart")
        edges = [(start, end, _plain(text)) for start, end, text in answer["edges"] if start.startswith("n")]
        wanted = [(f"n{a.source}", f"n{a.target}", "<br>".join(a.label)) for a in diagram.arrows]
        assert sorted(edges) == sorted(wanted)
        titles = {name: _plain(text).split("<br>")[0] for name, text in answer["vertices"]}
        assert all(titles[f"n{number}"] == box.title for number, box in enumerate(diagram.boxes))


def _plain(text):
    """Undo how Mermaid keeps entity codes inside (`encodeEntities` of its utils)."""
    return re.sub("ﬂ°°([0-9]+)¶ß", lambda found: chr(int(found[1])), text)


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=30))
def test_any_word_leaves_every_format_well_formed(word):
    text = f"FROM a AS x\nRUN {word}\nFROM b\nCOPY --from=x {word} /f\n"
    ET.fromstring(svg_of(text, legend=True))
    mermaid = mermaid_text(diagram_of(text, layers=True))
    assert all(line.count('"') in (0, 2) for line in mermaid.splitlines())
    for quoted in re.findall(r'label=("(?:[^"\\]|\\.)*")', dot_text(diagram_of(text, layers=True))):
        assert "\n" not in quoted
