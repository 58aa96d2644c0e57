"""What looks like waste and is needed by what the container starts is told as such, in every face."""

from __future__ import annotations

import json
from importlib.resources import files

import jsonschema
import msgspec
import pytest

from msbtui.analysis.model import Kept
from msbtui.report.inspect_html import inspect_html
from msbtui.report.inspect_json import inspect_document
from msbtui.report.inspect_markdown import inspect_markdown
from msbtui.report.inspect_text import inspect_text
from msbtui.session.demo import demo_session
from msbtui.session.rows.advice import KEPT, advice_of, draw_advice
from msbtui.session.rows.cells import row_text
from msbtui.session.rows.costs import Costs
from msbtui.session.rows.explain import explain_finding
from msbtui.session.rows.selection import Links, Selection

TITLE = "gcc and <b>more</b>: what the container starts needs it, so that it stays"
PATH = "usr/bin/<gcc>"


@pytest.fixture
def session():
    session = demo_session("c")
    session.run(lambda event: None)
    first = msgspec.structs.replace(session.waste.findings[0], kept=("usr/lib/needed.so",))
    kept = (Kept("compiler", TITLE, 5_000_000, 1, 3, (PATH, "usr/bin/as")),)
    session.waste = msgspec.structs.replace(session.waste, findings=(first, *session.waste.findings[1:]), kept=kept)
    return session


def test_json(session):
    document = inspect_document(session)
    jsonschema.validate(document, json.loads((files("msbtui") / "report" / "schemas" / "inspect.json").read_text()))
    assert document["findings"][0]["kept"] == ["usr/lib/needed.so"]
    assert document["findings"][1]["kept"] == []
    assert document["kept"] == [
        {"kind": "compiler", "title": TITLE, "bytes": 5_000_000, "layer": 1, "line": 3, "paths": [PATH, "usr/bin/as"]}
    ]


def test_text(session):
    lines = inspect_text(session).split("\n")
    at = lines.index("Not called waste, since what the container starts needs it:")
    assert lines[at + 1].split() == ["5.0", "MB", "gcc", "and", "<b>more</b>", "compiler,", "layer", "1,", "line", "3"]
    assert lines[at + 2].strip() == f"/{PATH}, /usr/bin/as"


def test_markdown(session):
    text = inspect_markdown(session)
    assert "Not called waste, since what the container starts needs it:" in text
    assert "- 5.0 MB: gcc and &#60;b&#62;more&#60;/b&#62; (compiler, layer 1, line 3): `/usr/bin/<gcc>`" in text


def test_html(session):
    html = inspect_html(session)
    assert "Not called waste, since what the container starts needs it" in html
    assert "5.0 MB · gcc and &lt;b&gt;more&lt;/b&gt;" in html
    assert "/usr/bin/&lt;gcc&gt;" in html
    assert "/usr/lib/needed.so" in html


def test_without_any_nothing_is_said(session):
    session.waste = msgspec.structs.replace(session.waste, kept=())
    for text in (inspect_text(session), inspect_markdown(session), inspect_html(session)):
        assert "Not called waste" not in text


def test_the_app_lists_and_explains_it(session):
    found = advice_of(session.waste)
    assert [each.id for each in found][-1] == "K1"
    row = row_text(draw_advice(found[-1], 100))
    assert "stays: gcc and <b>more</b>" in row
    words = " ".join(text for text, _ in explain_finding(found[-1]))
    assert "is not called removable" in words
    assert f"/{PATH}" in words
    assert "Certain" not in words
    assert "Not part of it, since what the container starts needs it: /usr/lib/needed.so." in " ".join(
        text for text, _ in explain_finding(found[0])
    )
    costs = Costs(session.table, session.waste, session.base, session.provenance)
    links = Links(costs, session.dockerfile, session.graph, session.waste)
    now = links.from_finding(Selection(), found[-1])
    assert (now.finding, now.layer, now.line, now.path) == ("K1", 1, 3, PATH)
    assert links.finding("K1").confidence == KEPT
