import json
from importlib.resources import files

import jsonschema
import pytest

from msbtui.dockerfile.graph import build_graph
from msbtui.dockerfile.parser import parse
from msbtui.report.graph_json import graph_document

SCHEMA = json.loads((files("msbtui") / "report" / "schemas" / "graph.json").read_text())
TEXT = (
    "\ufeff# é\nFROM a AS x\r\nONBUILD COPY --from=y /q /q\r\nRUN x\nFROM b AS y\nFROM x\n"
    "COPY --from=y \\\n  /f \\\n  /g\nRUN --mount=from=y,target=/m z\n"
)


def cut(span):
    return TEXT.removeprefix("\ufeff").encode()[span["start"] : span["end"]].decode()


def test_spans_of_every_stage_and_edge_name_its_text():
    document = graph_document(build_graph(parse(TEXT.encode())))
    jsonschema.validate(document, SCHEMA)
    spans = document["spans"]
    assert len(spans["stages"]) == len(document["stages"]) and len(spans["edges"]) == len(document["edges"])
    assert [cut(each["base"]).strip() for each in spans["stages"]] == ["FROM a AS x", "FROM b AS y", "FROM x"]
    assert cut(spans["stages"][0]["stage"]).startswith("FROM a AS x") and cut(spans["stages"][0]["stage"]).rstrip().endswith(
        "RUN x"
    )
    texts = {}
    for edge, span in zip(document["edges"], spans["edges"], strict=True):
        assert len(edge["uses"]) == len(span["uses"])
        for use, each in zip(edge["uses"], span["uses"], strict=True):
            assert each["first_line"] == use["line"]
            texts[use["source"]] = cut(each).strip()
    # A trigger acts where the stage that bears it is built FROM.
    assert texts["/q"] == "FROM x"
    assert texts["/f"] == "COPY --from=y \\\n  /f \\\n  /g"
    assert any(text.startswith("RUN --mount=from=y") for text in texts.values())


def test_a_trigger_of_the_image_stands_at_the_from():
    text = "FROM b AS y\nFROM a\n"
    document = graph_document(build_graph(parse(text), image_onbuild={"a": ["COPY --from=y /q /q"]}))
    jsonschema.validate(document, SCHEMA)
    assert [len(each["uses"]) for each in document["spans"]["edges"]] == [len(edge["uses"]) for edge in document["edges"]] == [1]
    assert document["spans"]["edges"][0]["uses"][0]["first_line"] == 2


@pytest.mark.parametrize("text", ["", "FROM", "FROM a\nCOPY --from=9 /a /b\nNONSENSE\n"])
def test_a_broken_file_has_a_document_too(text):
    jsonschema.validate(graph_document(build_graph(parse(text))), SCHEMA)
