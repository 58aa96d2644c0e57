"""Names and suffixes of many paths, against their definition."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msbtui.image.lastparts import distinct, last_parts, longest, marked_names, sized

pytestmark = pytest.mark.usefixtures("implementation")

names = st.one_of(
    st.sampled_from(
        [
            "a",
            "a.py",
            "b.PY",
            ".env",
            ".env.x",
            "x.",
            ".",
            "",
            "id_rsa",
            "k.pem",
            "s.ſ",
            "t.K",
            "ä.py",
            "日本.py",
            "a.b.c",
            "salsa",
            "ssa",
            "日sa",
        ]
    ),
    st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]), max_size=5),
)
paths = st.lists(st.lists(names, min_size=1, max_size=3).map("/".join), max_size=30)


@settings(max_examples=300, deadline=None)
@given(paths, st.data())
def test_paths_are_found_by_their_last_parts(paths: list[str], data: st.DataObject) -> None:
    pids = sorted(data.draw(st.sets(st.integers(0, len(paths) - 1)))) if paths else []
    found = last_parts(paths, pids)
    last = {pid: paths[pid].rpartition("/")[2] for pid in range(len(paths))}
    for name in {*last.values(), "none", "py"}:
        assert list(found.named(name)) == [pid for pid in pids if last[pid] == name]
    suffixes = {pid: last[pid].rpartition(".")[2].lower() for pid in pids if last[pid].rfind(".") > 0}
    for suffix in {*suffixes.values(), "py", "k", "s", "none"}:
        assert list(found.ending(suffix)) == [pid for pid in pids if suffixes.get(pid) == suffix]
    starts, ends = ("id_", ".env", "ä"), (".pem", "本.py", "c")
    assert marked_names(paths, starts, ends) == [
        pid for pid, name in last.items() if name.startswith(starts) or name.endswith(ends)
    ]
    assert marked_names(paths, starts, ends, "sa") == [
        pid for pid, name in last.items() if name.startswith(starts) or name.endswith(ends) or "sa" in name
    ]
    assert distinct(paths) is (len(set(paths)) == len(paths))
    assert longest(paths) == max(map(len, paths), default=0)


@settings(max_examples=300, deadline=None)
@given(paths, st.data())
def test_paths_are_found_by_their_sizes(paths: list[str], data: st.DataObject) -> None:
    size = st.one_of(st.integers(0, 9), st.integers(4090, 4100), st.integers(0, 2**62))
    sizes = array("q", [data.draw(size) for _ in paths])
    wanted = {*data.draw(st.sets(size, max_size=4)), *sizes[::2]}
    some = {*data.draw(st.sets(names, max_size=3)), *(path.rpartition("/")[2] for path in paths[::3])}
    assert sized(paths, sizes, wanted, some, 4096) == [
        at for at, each in enumerate(sizes) if each in wanted and (each >= 4096 or paths[at].rpartition("/")[2] in some)
    ]
