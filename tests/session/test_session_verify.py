"""A verification that ends early leaves the session as it was; one that ends well leaves no name of what was removed."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from msbtui.errors import Cancelled, TargetError
from msbtui.session.demo import demo_session
from msbtui.session.model import ImageFound, Progress


class NoSite:
    """A site on which building takes no time."""

    left = 0

    def __init__(self, *given, **options):
        self.on_progress = options["on_progress"]

    def __enter__(self):
        return self

    def __exit__(self, *why):
        NoSite.left += 1

    def tell(self, what):
        """Say nothing."""

    def build_original(self):
        return "sha256:built"


@pytest.fixture
def session(monkeypatch, tmp_path):
    session = demo_session("c")
    session.run(lambda event: None, plan=True)
    session.dockerfile_path = Path(tmp_path / "Dockerfile")
    monkeypatch.setattr("msbtui.split.verify.Site", NoSite)
    monkeypatch.setattr(session, "engine_layers", lambda name: ())
    NoSite.left = 0
    return session


@pytest.mark.parametrize("error", [Cancelled(), TargetError("the engine is gone")])
def test_what_was_known_comes_back_when_it_ends_early(session, monkeypatch, error):
    known = (session.image, session.table, session.waste, session.plan, session.image_target, session.provenance)

    def look_at(of, name, notify):
        of.image_target, of.image, of.waste, of.plan, of.provenance = name, None, None, None, None
        raise error

    monkeypatch.setattr("msbtui.session.verifying.look_at", look_at)
    with pytest.raises(type(error)):
        session.verify()
    assert (session.image, session.table, session.waste, session.plan, session.image_target, session.provenance) == known
    assert NoSite.left == 1


def test_a_plan_is_made_again_where_none_is_left_and_the_target_stays(session, monkeypatch):
    told = []

    def look_at(of, name, notify):
        assert of.plan is not None
        of.image_target = name
        notify(ImageFound(name, "built"))
        notify(Progress("Reading sha256:built", 5, 10))

    def verify(site, plan, original, **options):
        assert original == "sha256:built"
        return msgspec.structs.replace(plan, verified=True)

    monkeypatch.setattr("msbtui.session.verifying.look_at", look_at)
    monkeypatch.setattr("msbtui.split.verify.verify", verify)
    target, session.plan = session.image_target, None
    session.cancel()
    plan = session.verify(notify=told.append)
    assert plan.verified
    assert session.plan is plan
    assert session.image_target == target
    assert told == [Progress("reading the original", 5, 10)]
    assert session.rung_plan(plan.rung) is plan
