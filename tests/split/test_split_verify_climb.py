"""The climb: a failed check widens the plan, a rung that learns nothing gives way to the next, the first that passes wins."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from split_world import F, view

from msbtui.dockerfile.parser import parse
from msbtui.engine.build import BuildError
from msbtui.session.model import Options
from msbtui.split.model import Check, Plan, Traced
from msbtui.split.repair import Additions
from msbtui.split.verify import ROUNDS, Site, _Work


def plan(rung: str, wider: Additions | None = None) -> Plan:
    wider = wider or Additions()
    return Plan("split", (), f"{rung} {' '.join(wider.paths)}", rung=rung)


class Judged(_Work):
    """A climb whose builds are a table: text of the plan -> its failed checks."""

    def __init__(self, verdicts, replan=plan) -> None:
        site = SimpleNamespace(tell=lambda _: None)
        super().__init__(site, "image", (), (), replan, ())  # type: ignore[arg-type]
        self.verdicts, self.tried = verdicts, []

    def _judged(self, candidate: Plan) -> Plan:
        self.tried.append(candidate.dockerfile.strip())
        failed = self.verdicts(candidate)
        checks = (Check("builds", True), *failed)
        return Plan("split", (), candidate.dockerfile, verified=not failed, checks=checks, rung=candidate.rung)


def test_the_first_plan_that_passes_is_it():
    work = Judged(lambda _: ())
    found = work.climb(plan("selective"))
    assert found.verified
    assert (work.tried, found.rounds, found.reasons) == (["selective"], (), ())


def test_what_a_check_lacks_is_added_until_it_passes():
    wanted = ["a", "b"]

    def verdicts(candidate: Plan):
        absent = [name for name in wanted if name not in candidate.dockerfile.split()]
        return (Check("start", False, f"no {absent[0]}", (absent[0],)),) if absent else ()

    work = Judged(verdicts)
    found = work.climb(plan("selective"))
    assert found.verified
    assert work.tried == ["selective", "selective a", "selective a b"]
    assert [one.added for one in found.rounds] == [("/a",), ("/b",)]
    assert found.reasons[0] == "build 1 (selective) failed: start: no a, so it gets /a"


def test_a_rung_gives_way_when_nothing_new_is_learned():
    work = Judged(lambda candidate: () if candidate.rung == "everything" else (Check("start", False, "bad", ("a",)),))
    found = work.climb(plan("selective"))
    assert found.verified
    assert found.rung == "everything"
    assert work.tried == ["selective", "selective a", "trees a", "everything a"]
    assert found.reasons[-1] == "what passed is the rung `everything` of the ladder"


def test_rounds_are_bounded():
    work = Judged(lambda candidate: (Check("start", False, "bad", (f"p{len(candidate.dockerfile)}",)),))
    found = work.climb(plan("selective"))
    assert found.verified is False
    assert len([text for text in work.tried if text.startswith("selective")]) == ROUNDS + 1
    assert {text.split()[0] for text in work.tried} == {"selective", "trees", "everything", "in-place"}


def test_of_plans_that_all_fail_the_one_with_the_fewest_failures_is_shown_and_never_called_good():
    def verdicts(candidate: Plan):
        return tuple(Check(name, False) for name in (("x",) if candidate.rung == "trees" else ("x", "y")))

    found = Judged(verdicts).climb(plan("selective"))
    assert found.verified is False
    assert found.rung == "trees"


def test_a_plan_that_did_not_build_is_not_the_better_one():
    work = Judged(lambda candidate: (Check("start", False), Check("x", False)))
    judge = work._judged
    work._judged = lambda one: (  # type: ignore[method-assign]
        Plan("split", (), one.dockerfile, verified=False, checks=(Check("builds", False),), rung=one.rung)
        if one.rung == "trees" else judge(one)
    )  # fmt: skip
    assert work.climb(plan("selective")).rung == "selective"


def test_what_is_only_not_smaller_is_not_widened():
    work = Judged(lambda _: (Check("size", False),))
    assert work.climb(plan("selective")).verified is False
    assert work.tried == ["selective"]


@pytest.mark.parametrize("rung", ["", "selective"])
def test_without_wider_plans_the_one_plan_is_judged(rung):
    work = Judged(lambda _: (Check("start", False, "bad", ("a",)),), replan=None)
    assert work.climb(plan(rung)).verified is False
    assert len(work.tried) == 1


def test_a_rung_without_a_plan_is_passed_over():
    def replan(rung: str, wider: Additions) -> Plan:
        return Plan("none", (), "") if rung == "trees" else plan(rung, wider)

    work = Judged(lambda candidate: () if candidate.rung == "everything" else (Check("start", False),), replan)
    assert work.climb(plan("selective")).rung == "everything"
    assert work.tried == ["selective", "everything"]


@pytest.mark.parametrize(
    ("rung", "tried"),
    [
        ("selective", ["selective", "trees", "everything", "in-place"]),
        ("trees", ["trees", "everything", "in-place"]),
        ("everything", ["everything", "in-place"]),
        ("in-place", ["in-place"]),
        ("", [""]),
    ],
)
def test_a_climb_goes_up_from_where_it_starts(rung, tried):
    work = Judged(lambda _: (Check("start", False, "bad"),))
    assert work.climb(plan(rung)).verified is False
    assert work.tried == tried


def test_a_text_that_failed_is_not_built_again_on_another_rung():
    work = Judged(lambda _: (Check("start", False, "bad"),), lambda rung, _: Plan("split", (), "the same", rung=rung))
    assert work.climb(Plan("split", (), "the same", rung="selective")).verified is False
    assert work.tried == ["the same"]


def test_a_plan_of_another_rung_or_without_a_text_is_no_plan_of_the_rung():
    def replan(rung: str, wider: Additions) -> Plan:
        return Plan("split", (), "", rung=rung) if rung == "trees" else Plan("split", (), f"for {rung}", rung="in-place")

    work = Judged(lambda _: (Check("start", False, "bad"),), replan)
    work.climb(plan("selective"))
    assert work.tried == ["selective", "for in-place"]


def test_what_is_told_of_failed_builds_names_two_checks_and_what_is_added():
    told: list[str] = []

    def verdicts(candidate: Plan):
        rung, *names = candidate.dockerfile.split()
        lacks = (*names, f"p{len(names)}") if rung == "selective" else ()
        return tuple(Check(f"check{n}", False, "bad", lacks) for n in range(3))

    work = Judged(verdicts)
    work.site.tell = told.append
    work.climb(plan("selective"))
    assert told[:2] == ["build 1 (selective) failed: check0: bad; check1: bad", "adding /p0"]
    # in the last round of a rung nothing is planned that would not be built; what was learned goes along to the next rung
    assert [text for text in told if text.startswith("adding")] == [f"adding /p{number}" for number in range(ROUNDS)]
    assert work.tried[ROUNDS + 1] == "trees " + " ".join(f"p{number}" for number in range(ROUNDS + 1))


@pytest.mark.parametrize(
    ("said", "builds"),
    [
        ("ERROR: failed to solve: flightcontrol: exceeded retry timeout", 2),
        ("#7 1.2 Err: Temporary failure resolving 'deb.example.org'", 2),
        ("#7 9.1 make: *** [all] Error 1", 1),
    ],
)
def test_a_build_that_the_network_or_the_engine_broke_is_made_once_more(said, builds, monkeypatch):
    made = []

    def broken(*_: object, **__: object) -> str:
        made.append(1)
        raise BuildError("the build failed", log=[said])

    monkeypatch.setattr("msbtui.split.verify.build", broken)
    monkeypatch.setattr("msbtui.split.verify.sweep", lambda **_: None)
    site = Site(parse("FROM x\n", "Dockerfile"), Path(), Options())
    with pytest.raises(BuildError):
        site.build_original()
    assert len(made) == builds


class Rebuilt(_Work):
    """A climb whose build stage can be had anew: what stands in `views` under the stage's name."""

    def __init__(self, views) -> None:
        self.asked: list[str] = []
        site = SimpleNamespace(
            tell=lambda _: None, environ=None, build=lambda _what, _text, target: self.asked.append(target) or target
        )
        super().__init__(site, "image", (), (), None, ())  # type: ignore[arg-type]
        self.views = views

    def _read(self, image, what):
        return self.views[image]


def test_files_that_were_built_anew_are_compared_with_the_stage_that_they_came_from(monkeypatch):
    monkeypatch.setattr("msbtui.split.verify.remove", lambda *_, **__: True)
    text = "FROM a AS build\nFROM build AS production\nRUN prune\nFROM b\nCOPY --from=production /app.jar /\nUSER x\n"
    candidate = Plan("split", (), text, kept=("app.jar",))
    new, other = view([("", {"app.jar": F("built at 2")})]), view([("", {"app.jar": F("built at 3")})])
    differs = Check("copied files", False, "/app.jar differs")
    work = Rebuilt({"production": new})
    assert work._anew(candidate, new, differs).passed
    assert work.asked == ["production"]
    assert Rebuilt({"production": other})._anew(candidate, new, differs) == differs
    absent = Check("copied files", False, "/app.jar is missing", ("app.jar",))
    work = Rebuilt({})
    assert work._anew(candidate, new, absent) == absent
    assert work.asked == []


def test_what_was_seen_to_be_opened_is_in_the_first_plan_that_is_built():
    heard = []

    def replan(rung: str, wider: Additions) -> Plan:
        heard.append(dict(wider.opened))
        return plan(rung, wider)

    def verdicts(candidate: Plan):
        return () if "a" in candidate.dockerfile.split() else (Check("start", False, "no a", ("a",)),)

    work = Judged(verdicts, replan)
    work.wider = Additions(opened={"x": "opened while it ran"})
    work.traced = (Traced("the container's start", "strace", 1), Traced("`app`", "the container could not be made"))
    found = work.climb(plan("selective"))
    assert found.verified
    assert heard == [{"x": "opened while it ran"}] * 2  # also in the plan that a check widened
    assert found.traced == work.traced
    assert found.reasons[-2:] == (
        "while the container's start was watched it opened 1 file of the image, all of which stay",
        "`app` was not watched: the container could not be made",
    )


def test_where_what_is_opened_leaves_nothing_to_split_off_that_is_the_answer():
    work = Judged(lambda _: (), lambda rung, wider: Plan("none", ("nothing worth a second stage",), ""))
    work.wider = Additions(opened={"x": "opened while it ran"})
    found = work.climb(plan("selective"))
    assert (found.decision, found.verified, work.tried) == ("none", None, [])
