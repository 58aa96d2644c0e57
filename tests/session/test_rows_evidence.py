"""Why each line of a split is there, by line; the ladder and what is left behind as rows; a verification's log."""

from __future__ import annotations

import pytest

from msbtui.dockerfile.parser import parse
from msbtui.session.demo import demo_session
from msbtui.session.model import Progress
from msbtui.session.rows.cells import row_text, row_width
from msbtui.session.rows.diff import diff_rows, unified_rows
from msbtui.session.rows.evidence import Evidence, left_rows, plan_paragraphs, rung_rows
from msbtui.session.rows.verifylog import VerifyLog, check_rows
from msbtui.split.model import Check, Plan, Rung, Step


@pytest.fixture(scope="module", params=["c", "python", "go"])
def planned(request):
    session = demo_session(request.param)
    session.run(lambda event: None, plan=True)
    return session


def test_each_instruction_of_the_runtime_stage_has_its_steps(planned):
    plan = planned.plan
    evidence = Evidence(plan, planned.dockerfile.source)
    new = parse(plan.dockerfile)
    begin = max(item.index for item in new.instructions if item.keyword == "FROM")
    told = [step.what for item in new.instructions for step in evidence.steps(item.span.first_line)]
    for item in new.instructions[begin:]:
        if item.source not in ("USER root", "RUN ldconfig"):
            assert evidence.steps(item.span.first_line), item.source
    assert {step.what for step in plan.steps if not step.what.startswith("without ")} <= set(told)
    for item in new.instructions[1:begin]:
        assert not evidence.steps(item.span.first_line), item.source


def test_a_line_that_names_one_package_has_that_ones_step(planned):
    evidence = Evidence(planned.plan, planned.dockerfile.source)
    installs = [step for step in planned.plan.steps if step.what.startswith("install ")]
    for step in installs:
        name = step.what.split()[1]
        line = next(at for at, text in enumerate(planned.plan.dockerfile.splitlines(), 1) if text.split()[:1] == [name])
        assert [each.what for each in evidence.steps(line)] == [step.what]


def test_each_row_of_the_diff_is_explained(planned):
    evidence = Evidence(planned.plan, planned.dockerfile.source)
    rows = unified_rows(diff_rows(planned.dockerfile.source, planned.plan.dockerfile))
    said = [evidence.explain(row) for row in rows]
    for row, text in zip(rows, said, strict=True):
        assert text[0][1] == "head"
        if (row.right_text or row.left_text).strip() and not row.right_text.startswith("#"):
            assert len(text) > 1, row
    words = " ".join(part for text in said for part, _ in text)
    assert "byte for byte" in words
    assert "so that the runtime stage can copy from it" in words
    assert plan_paragraphs(planned.plan)[0] == ("The plan", "head")


def test_a_step_that_names_its_line_is_found_in_a_clean_up_in_place():
    text = "FROM debian\nRUN apt-get update\nRUN apt-get install -y gcc \\\n    && rm -rf /var/lib/apt/lists/*\n"
    plan = Plan("in-place", (), text, steps=(Step("line 3: && rm -rf /var/lib/apt/lists/*", "of no use"),))
    evidence = Evidence(plan, "FROM debian\nRUN apt-get update\nRUN apt-get install -y gcc\n")
    assert evidence.steps(2) == []
    assert [step.why for step in evidence.steps(4)] == ["of no use"]


def test_a_comment_speaks_for_what_stands_below_it():
    plan = Plan("split", (), "FROM a AS build\n\n# the linker's cache\nRUN ldconfig\nUSER root\n", steps=())
    evidence = Evidence(plan, "FROM a\n")
    rows = {row.right_number: row for row in diff_rows("FROM a\n", plan.dockerfile)}
    assert evidence.explain(rows[4])[1] == ("the linker's cache", "text")


@pytest.mark.parametrize("cells", [20, 46, 100])
def test_rungs_and_what_stays_behind_fit_their_cells(planned, cells):
    rungs = planned.rungs()
    assert [rung.name for rung in rungs if rung.chosen] == [planned.plan.rung]
    rows = [row for rung in rungs for row in rung_rows(rung, planned.plan.size_before, cells)]
    rows += left_rows(planned.plan, cells)
    assert {row_width(row) for row in rows} == {cells}
    text = "\n".join(map(row_text, rows))
    assert text.count("▸") == 1
    assert "risk:" in text
    assert "Stays behind" in text


def test_another_rung_is_taken_with_its_plan(planned):
    first = planned.plan
    names = [rung.name for rung in planned.rungs()]
    taken = planned.choose_rung(names[-1])
    assert planned.plan is taken
    assert taken.rung == names[-1]
    assert [rung.name for rung in planned.rungs()] == names
    assert planned.choose_rung(first.rung) is first


def test_a_rung_without_an_estimate_has_none():
    assert row_text(rung_rows(Rung("trees", "all", "none"), 10, 40)[0]).split() == ["?", "trees"]


def test_the_log_keeps_stages_with_their_times_and_what_failed():
    log = VerifyLog()
    log.hear(Progress("building the original: [2/4] RUN make, about 12 s left", 2, 4, unit="steps"), 10.0)
    text = "\n".join(row_text(row) for row in log.rows(60, 13.0))
    assert "▸ building the original  3 s" in text
    assert "2/4  about 12 s left" in text
    assert "RUN make" in text
    log.hear(Progress("building the original: [4/4] RUN x", 4, 4, unit="steps"), 20.0)
    log.hear(Progress("build 1 (selective) failed: ELF closure: libx.so", 0), 40.0)
    log.hear(Progress("adding /usr/lib/libx.so", 0), 40.0)
    text = "\n".join(row_text(row) for row in log.rows(60, 41.0))
    assert "✔ building the original  30 s" in text
    assert "✗ build 1 (selective) failed: ELF closure: libx.so" in text
    assert "▸ adding /usr/lib/libx.so" in text
    plan = Plan("split", (), "x", verified=False, checks=(Check("fine", True), Check("start", False, "exit 1")))
    log.finish(plan, "", 250.0)
    rows = [row_text(row).strip() for row in log.rows(60, 251.0)]
    assert "✔ adding /usr/lib/libx.so  3 min 30 s" in rows
    assert rows[-3:] == ["Not verified: 1 of 2 checks passed", "✗ start: exit 1", "✔ fine"]
    assert check_rows(Plan("split", (), "x"), 40) == []


def test_the_log_says_that_it_is_stopping_and_why_it_ended():
    log = VerifyLog()
    log.hear(Progress("building the original", 0), 0.0)
    log.stopping = True
    assert any("stopping" in row_text(row) for row in log.rows(60, 1.0))
    log.finish(None, "stopped; everything that was made is removed", 2.0)
    log.output = ("#5 ERROR: make: *** [all] Error 1",)
    rows = [row_text(row).strip() for row in log.rows(60, 3.0)]
    assert rows.pop() == "#5 ERROR: make: *** [all] Error 1"
    assert rows == ["✗ building the original  2 s", "✗ stopped; everything that was made is removed"]
