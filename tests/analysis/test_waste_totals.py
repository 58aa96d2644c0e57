"""Identities of the sums: every byte once, whatever the layers hold and in whatever order rules run."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st
from waste_scenes import F, Scenery, elf, look

from msbtui.analysis.model import Base
from msbtui.analysis.waste import KINDS
from msbtui.analysis.waste.report import PRECEDENCE, make_report
from msbtui.analysis.waste.scene import Scene
from msbtui.image.model import ImageConfig
from msbtui.image.packages import read_packages

HIDDEN = {"deleted-later", "overwritten-later", "metadata-only-copy", "moved"}
PATHS = (
    "var/lib/apt/lists/x_Packages",
    "root/.cache/pip/a",
    "srv/.git/HEAD",
    "srv/.git/objects/a",
    "srv/go.mod",
    "srv/main.go",
    "srv/a.o",
    "srv/x.py",
    "srv/__pycache__/x.cpython-311.pyc",
    "usr/local/include/a.h",
    "usr/local/go/bin/go",
    "usr/local/go/pkg/tool/l/compile",
    "usr/share/doc/a/x",
    "tmp/x",
    "srv/.vscode/a",
    "srv/tool.tar.gz",
    "usr/local/bin/app",
    "usr/local/lib/python3/site-packages/n/tests/test_a.py",
)
FILE = st.builds(
    F,
    data=st.sampled_from([b"", b"a" * 10, b"b" * 10, b"c" * 5000, b"d" * 70_000]),
    uid=st.sampled_from([0, 5]),
    hard=st.sampled_from(["", "", "", *PATHS[:6]]),
)
MARKER = st.sampled_from(
    ["srv/.wh..wh..opq", "srv/.wh..git", ".wh.srv", ".wh.tmp", "usr/local/.wh.go", "srv/.wh.main.go", "root/.wh..cache"]
)
LAYER = st.dictionaries(st.one_of(st.sampled_from(PATHS), MARKER), FILE, max_size=10)
LAYERS = st.lists(LAYER, min_size=1, max_size=5)
CONFIG = ImageConfig(cmd=("/usr/local/bin/app",))
ELVES = {"usr/local/bin/app": elf("ET_EXEC", paths=("/srv/main.go",)), "srv/a.o": elf("ET_REL")}


def check(seen: Scenery, base: int) -> None:
    table, report = seen.table, seen.report
    assert report.hidden == table.hidden_bytes
    above = sum(table.layer_hidden(layer) for layer in range(base, table.layers))
    assert report.total == report.removable + above
    # Each hidden byte above the base is in exactly one finding.
    assert sum(finding.bytes for finding in report.findings if finding.kind in HIDDEN and not finding.in_base) == above
    # Each live byte is in at most one finding of a claiming kind, and only A and B above the base are removable.
    claiming = {kind.id for kind in KINDS if kind.claims}
    seen_entries: set[tuple[int, int]] = set()
    sure: set[tuple[int, int]] = set()
    for finding in report.findings:
        if finding.kind in claiming:
            assert seen_entries.isdisjoint(finding.entries)
            seen_entries.update(finding.entries)
        if finding.confidence in "AB" and finding.kind not in HIDDEN:
            sure.update(entry for entry in finding.entries if entry[0] >= base and table.hidden_by(*entry) is None)
        assert finding.in_base == (finding.layer < base)
    assert report.removable == table.bytes_of(sure, whole_inodes=True)
    assert report.removable <= table.live_bytes
    ranks = [(finding.in_base, -finding.bytes) for finding in report.findings]
    assert ranks == sorted(ranks)
    assert [finding.id for finding in report.findings] == [f"A{number}" for number in range(1, len(ranks) + 1)]


@given(LAYERS, st.integers(0, 3))
@settings(max_examples=80, deadline=None)
def test_every_byte_counts_once(layers: list[dict[str, F]], base: int) -> None:
    base = min(base, len(layers))
    for in_base in (False, True):
        check(look(*layers, base=base, elves=ELVES, config=CONFIG, in_base=in_base), base)


@given(LAYERS, st.integers(0, 2), st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_findings_do_not_depend_on_the_order_of_rules(layers: list[dict[str, F]], base: int, rng: random.Random) -> None:
    seen = look(*layers, base=min(base, len(layers)), elves=ELVES, config=CONFIG)
    shuffled = list(KINDS)
    rng.shuffle(shuffled)
    scene = Scene(seen.image, seen.table, read_packages(seen.image, seen.table), Base(min(base, len(layers))))
    other = make_report(scene, shuffled)
    assert other == seen.report


def test_an_entry_of_several_kinds_belongs_to_the_same_one_in_any_order() -> None:
    tree = {
        "root/.cache/pip/a.o": 9,
        "tmp/b.o": 9,
        "srv/.git/HEAD": 5,
        "srv/.git/objects/x.o": 9,
        "usr/local/include/c.h": 9,
        "usr/local/include/.vscode/d.h": 9,
        "usr/share/doc/a/tests/e.o": 9,
    }
    seen = look(tree, config=CONFIG)
    for kinds in (tuple(reversed(KINDS)), KINDS[7:] + KINDS[:7]):
        scene = Scene(seen.image, seen.table, read_packages(seen.image, seen.table), Base(0))
        assert make_report(scene, kinds) == seen.report


def test_every_kind_has_its_place() -> None:
    assert tuple(kind.id for kind in KINDS) == PRECEDENCE


def test_one_scene_gives_the_same_report_twice() -> None:
    trees = ({"srv/go.mod": 5, "srv/a.o": 100, "tmp/x": 7}, {"srv/.wh.a.o": b"", "srv/.git/HEAD": 5, "srv/.git/objects/x": 500})
    first, second = (look(*trees, elves=ELVES, config=CONFIG) for _ in range(2))
    assert first.report == second.report
