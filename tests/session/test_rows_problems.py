"""A Dockerfile's problem beside its line: what is wrong comes first, not where."""

from msbtui.dockerfile.graph import build_graph
from msbtui.dockerfile.model import Problem
from msbtui.dockerfile.parser import parse
from msbtui.session.problems import without_line
from msbtui.session.rows.costs import Costs
from msbtui.session.rows.source import source_rows


def test_the_row_below_a_line_does_not_name_the_line_again():
    dockerfile = parse("FROM a\nBOGUS x\n")
    problems = build_graph(dockerfile).errors
    assert problems[0].message.startswith("dockerfile parse error on line 2: ")
    rows = source_rows(dockerfile, build_graph(dockerfile), Costs(None, None, None, None), problems=problems)
    assert [row.text for row in rows if row.message] == ["unknown instruction: BOGUS"]


def test_another_line_in_the_message_stays():
    assert without_line(Problem("dockerfile parse error on line 3: x", 2)) == "dockerfile parse error on line 3: x"
