"""Traps in the Dockerfile's gutter: a row below their line, and a mark that neither hides waste nor looks like an error."""

from __future__ import annotations

from check_world import made_session

from msbtui.dockerfile.model import Problem
from msbtui.session.rows.cells import row_text
from msbtui.session.rows.costs import Costs
from msbtui.session.rows.source import draw_source, source_rows
from msbtui.session.traps import traps_of

TEXT = "FROM debian AS b\nRUN make\nFROM debian\nCOPY --from=b /src/* /dst/\n"


def rows(session, **more):
    return source_rows(session.dockerfile, session.graph, Costs(), traps=traps_of(session), **more)


def test_a_trap_stands_below_its_line():
    found = rows(made_session({"a": 1}, dockerfile=TEXT))
    assert [(row.number, row.message, row.trap, row.error) for row in found[3:]] == [
        (4, False, True, False),
        (4, True, True, False),
    ]
    assert row_text(draw_source(found[3], 60)).rstrip().endswith("!")
    message = row_text(draw_source(found[4], 60))
    assert message.lstrip().startswith("! `/src/*` matches directories too")


def test_an_error_is_still_an_error():
    session = made_session({"a": 1}, dockerfile=TEXT)
    found = rows(session, problems=[Problem("no such thing", line=4)])
    assert [row.trap for row in found if row.message] == [False, True]
    assert found[3].error and row_text(draw_source(found[3], 60)).rstrip().endswith("✗")


def test_no_trap_at_a_text_that_did_not_parse():
    assert not any(row.trap for row in rows(made_session({"a": 1}, dockerfile=TEXT), source=TEXT + "NONSENSE\n"))
