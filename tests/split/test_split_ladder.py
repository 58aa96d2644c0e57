"""Each rung of the ladder keeps more than the one before, and what is named is kept whatever speaks against it."""

from __future__ import annotations

import pytest
from split_world import DEBIAN, LIB, MEGABYTE, PATH, D, F, P, World, elf, image, library, sibling, toolchain

from msbtui.analysis.model import Base
from msbtui.analysis.waste import find_waste
from msbtui.dockerfile.graph import build_graph
from msbtui.dockerfile.parser import parse
from msbtui.image.model import ImageConfig
from msbtui.image.packages import read_packages
from msbtui.session import Session
from msbtui.session.model import Options
from msbtui.split.ladder import RUNGS, order, rungs

TEXT = """FROM debian:bookworm
RUN apt-get update && apt-get install -y gcc make libhelper1
COPY . /src
WORKDIR /src
RUN make && cp app /usr/local/bin/app
CMD ["app"]
"""
PACKAGES = {"libhelper1": P([f"{LIB}/libhelper.so.1"])}

SLIM = sibling("debian:bookworm-slim", {**DEBIAN, "usr/share/filler": F(size=30 * MEGABYTE)})


def world() -> World:
    layers = [
        ("RUN apt-get install -y gcc make libhelper1", toolchain(PACKAGES, {f"{LIB}/libhelper.so.1": library("libhelper.so.1")})),
        ("COPY . /src", {"src": D(), "src/main.c": F("int main"), "src/Makefile": F("app:"), "src/table.in": F("1,2")}),
        (
            "RUN make && cp app /usr/local/bin/app",
            {
                "usr/local/bin/app": elf("libc.so.6"),
                "src/main.o": F(size=MEGABYTE),
                "opt/left/notes.md": F("notes"),
                "opt/left/include/x.h": F("h"),
                "etc/passwd": F(str(DEBIAN["etc/passwd"].text) + "helper:x:900:900::/nonexistent:/bin/false\n"),  # type: ignore[union-attr]
                "etc/group": F(str(DEBIAN["etc/group"].text) + "helper:x:900:\n"),  # type: ignore[union-attr]
            },
        ),
    ]
    return World(TEXT, layers, ImageConfig(env=(PATH,), cmd=("app",), workdir="/src"), siblings=[SLIM])


def test_each_rung_keeps_what_the_smaller_one_keeps():
    made = [world().plan(rung=name) for name in RUNGS]
    assert [plan.rung for plan in made] == list(RUNGS)
    assert [plan.decision for plan in made] == ["split", "split", "split", "in-place"]
    selective, trees, everything, _ = (set(plan.kept) for plan in made)
    assert selective < trees <= everything
    assert "src/main.c" in trees - selective
    assert made[2].dockerfile.split("# runtime stage")[1].split("\n")[1] == "FROM debian:bookworm"
    sizes = [plan.size_after.estimated for plan in made]
    assert sizes == sorted(sizes)


def test_what_a_check_missed_is_kept_whatever_speaks_against_it():
    before = world().plan()
    assert not {"src/main.c", "opt/left/include/x.h"} & set(before.kept)
    plan = world().plan(extra_paths=["src/main.c", "opt/left"], extra_packages=["make"], extra_users=["helper"])
    assert {"src/main.c", "opt/left/include/x.h", "opt/left/notes.md"} <= set(plan.kept)
    runtime = plan.dockerfile.split("# runtime stage")[1]
    assert "make" in runtime.split("apt-get install")[1].split("&&")[0]
    assert "useradd --system --uid 900" in runtime


@pytest.mark.parametrize("path", ["no/such", "", "etc/passwd/x", "opt/left/../../etc"])
def test_a_name_that_the_image_does_not_have_adds_nothing(path):
    assert world().plan(extra_paths=[path], extra_packages=["nothing"]).dockerfile == world().plan().dockerfile


def test_the_rungs_say_what_they_cost_and_risk():
    plan = world().plan()
    found = rungs(plan, lambda name: world().plan(rung=name))
    assert [rung.name for rung in found] == list(RUNGS)
    assert [rung.chosen for rung in found] == [True, False, False, False]
    assert all(rung.risk and rung.what and rung.estimated for rung in found)
    assert order("small") == RUNGS
    assert order("safe")[0] == "trees"


@pytest.mark.parametrize(("prefer", "rung"), [("small", "selective"), ("safe", "trees")])
def test_where_a_session_starts_on_the_ladder(prefer, rung):
    made = world()
    session = Session(Options(prefer=prefer), environ={})
    session.dockerfile = parse(made.dockerfile)
    session.graph = build_graph(session.dockerfile)
    without = session.make_plan()
    # from the text alone there is one plan, and no ladder
    assert (without.rung, without.proven, session.rungs()) == ("", False, ())
    session.image, session.table = image([("base", made.base), *made.layers], made.config)
    session.packages = read_packages(session.image, session.table)
    session.base = Base(1, "made", "A", "base")
    session.waste = find_waste(session.image, session.table, session.packages, session.base, None, None, None)
    assert session.make_plan().rung == rung
    assert [item.name for item in session.rungs() if item.chosen] == [rung]
