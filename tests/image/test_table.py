"""The table's rules one by one, on layers made by hand, and paths through symlinks."""

from __future__ import annotations

import pytest

from msbtui.errors import TargetError
from msbtui.image.accounting import State, View
from msbtui.image.model import Kind, LayerIndex
from msbtui.image.table import FileTable

pytestmark = pytest.mark.usefixtures("implementation")


def layer(*entries: str) -> LayerIndex:
    """Entries as `dir/`, `file=10`, `link->target`, `name=>hard link target`, `-whiteout`, `!opaque directory`."""
    index = LayerIndex()
    for number, text in enumerate(entries):
        size, link = 0, ""
        if text.startswith("-"):
            path, kind = text[1:], Kind.WHITEOUT
        elif text.startswith("!"):
            path, kind = text[1:], Kind.OPAQUE
        elif text.endswith("/"):
            path, kind = text[:-1], Kind.DIRECTORY
        elif "=>" in text:
            path, link = text.split("=>")
            kind = Kind.HARD_LINK
        elif "->" in text:
            path, link = text.split("->")
            kind = Kind.SYMLINK
        else:
            path, _, number_of_bytes = text.partition("=")
            size, kind = int(number_of_bytes or 0), Kind.FILE
        index.paths.append(path)
        index.kinds.append(kind)
        index.sizes.append(size)
        if kind in (Kind.SYMLINK, Kind.HARD_LINK):
            index.links[number] = link
    return index


def shown(table: FileTable) -> list[str]:
    return sorted(path for pid, path in enumerate(table.paths) if path and table.is_live(pid))


def at(table: FileTable, path: str) -> int:
    found = table.id_of(path)
    assert found is not None
    return found


def test_deleted_sources_are_hidden_in_the_layer_that_added_them() -> None:
    table = FileTable([layer("src/", "src/a.c=100", "bin/app=7"), layer("-src")])
    assert shown(table) == ["bin", "bin/app"]
    assert (table.size, table.live_bytes, table.hidden_bytes) == (107, 7, 100)
    assert (table.layer_hidden(0), table.layer_hidden(1)) == (100, 0)
    assert table.contribution(1) == -100
    assert [table.running_total(k) for k in (0, 1)] == [107, 7]
    assert table.hidden_by(0, 1) == 1
    assert table.hidden_rows(1) == [table.first_row(0), table.first_row(0) + 1]


def test_overwritten_file_wastes_the_earlier_copy_only() -> None:
    table = FileTable([layer("f=10"), layer("f=12")])
    assert (table.live_bytes, table.hidden_bytes) == (12, 10)
    assert table.live(at(table, "f")) == (1, 0)
    assert table.live_at(at(table, "f"), 0) == (0, 0)


def test_whiteout_spares_its_own_layer_whichever_stands_first() -> None:
    for entries in (("-d", "d/new=1"), ("d/new=1", "-d")):
        table = FileTable([layer("d/", "d/old=5"), layer(*entries)])
        assert shown(table) == ["d", "d/new"]
        assert table.hidden_bytes == 5
        assert table.live(at(table, "d")) is None


def test_opaque_keeps_the_directory_and_its_own_layer() -> None:
    table = FileTable([layer("d/", "d/old=5", "d/sub/x=2"), layer("d/", "d/new=1", "!d")])
    assert shown(table) == ["d", "d/new"]
    assert table.live(at(table, "d")) == (1, 0)
    assert table.hidden_bytes == 7


def test_replacing_kinds() -> None:
    table = FileTable([layer("a/", "a/b=5", "f=3", "d/", "d/k=1"), layer("a=9", "f/", "f/x=1", "d/")])
    assert shown(table) == ["a", "d", "d/k", "f", "f/x"]
    assert table.hidden_bytes == 8
    assert table.live_at(at(table, "a/b"), 0) == (0, 1)


def test_implied_directory_over_a_symlink_hides_it() -> None:
    table = FileTable([layer("bin->usr/bin", "usr/bin/sh=4"), layer("bin/x=1")])
    assert shown(table) == ["bin", "bin/x", "usr", "usr/bin", "usr/bin/sh"]
    assert table.hidden_by(0, 0) == 1
    assert table.is_live_at(at(table, "usr/bin"), 0)


def test_hard_links_cost_once_and_live_while_a_name_lives() -> None:
    table = FileTable([layer("a=100", "b=>a", "c=>b", "dangling=>gone"), layer("-a"), layer("-b", "-c")])
    assert table.size == 100
    assert [table.cost(0, entry) for entry in range(4)] == [100, 0, 0, 0]
    assert table.inode(0, 2) == [(0, 0), (0, 1), (0, 2)]
    assert table.hidden_by(0, 0) == 1
    assert table.bytes_hidden_by(0, 0) == 2
    assert [table.running_total(k) for k in range(3)] == [100, 100, 0]
    after_one = table.sums(View.up_to(1))
    assert (after_one[at(table, "a")], after_one[at(table, "b")], after_one[0]) == (0, 100, 100)
    assert table.sums(View(0, 2, State.HIDDEN, 2))[at(table, "a")] == 100
    assert table.bytes_of([(0, 1)]) == 100
    assert table.bytes_of([(0, 1)], whole_inodes=True) == 0


def test_an_inode_is_freed_with_its_last_live_name() -> None:
    table = FileTable([layer("a=100", "b=>a", "c=>a", "d=7"), layer("-a")])
    rows = [table.first_row(0) + entry for entry in range(4)]
    for names, bytes_ in (([1, 2], 100), ([0], 0), ([1], 0), ([0, 1, 2], 100), ([0, 3], 7), ([1, 2, 3], 107)):
        assert table.bytes_of([(0, name) for name in names], whole_inodes=True) == bytes_
        assert table.bytes_of_rows([rows[name] for name in names], whole_inodes=True) == bytes_
    assert table.bytes_of_rows(rows) == table.bytes_of_rows(rows[1:]) == 107
    assert [table.linked([row]) for row in rows] == [True, True, True, False]
    assert not FileTable([layer("a=100")]).linked([0])
    gone = FileTable([layer("a=100", "b=>a"), layer("-a", "-b")])
    assert [gone.bytes_of([(0, 0)], whole_inodes=True), gone.bytes_of([(0, 0), (0, 1)], whole_inodes=True)] == [0, 100]


def test_hard_link_loops_end() -> None:
    assert FileTable([layer("a=>b", "b=>a", "c=>c")]).size == 0


def test_hard_link_to_an_earlier_layer_costs_nothing() -> None:
    table = FileTable([layer("a=100"), layer("b=>a"), layer("-a")])
    assert (table.live_bytes, table.hidden_bytes) == (0, 100)


def test_deep_paths_need_no_recursion() -> None:
    deep = "/".join(["d"] * 5000)
    table = FileTable([layer(deep + "=3"), layer("-d")])
    assert table.hidden_bytes == 3
    assert sum(1 for _ in table.subtree(0)) == 5000


def test_names_that_imply_terabytes_are_refused() -> None:
    with pytest.raises(TargetError, match="nested too deep"):
        FileTable([layer("a/" * 30000 + "b=1")])


def test_of_wide_signs_fewer_directories_are_implied() -> None:
    wide = "\U0001f600/"
    assert len(FileTable([layer(wide + "a/" * 3000 + "b=1")]).paths) == 3003
    with pytest.raises(TargetError, match="nested too deep"):
        FileTable([layer(wide + "a/" * 8000 + "b=1")])


def test_each_entry_may_bring_directories_along() -> None:
    few = [f"{n:x}/" + "a/" * 46 + "b=1" for n in range(5000)]
    with pytest.raises(TargetError, match="nested too deep"):
        FileTable([layer(*few)])
    many = [f"{n}/a/b=1" for n in range(100_000)]
    assert FileTable([layer(*many)]).live_bytes == 100_000


def test_the_last_of_many_names_says_who_hid_the_bytes() -> None:
    table = FileTable([layer("a=3", "b=>a", "c=>b"), layer("-a", "b=5"), layer("x=1"), layer("-c")])
    assert [table.bytes_hidden_by(0, entry) for entry in range(3)] == [3, 3, 3]
    assert [table.hidden_by(0, entry) for entry in range(3)] == [1, 1, 3]
    assert FileTable([layer("a=3", "b=>a"), layer("-a")]).bytes_hidden_by(0, 0) is None


def test_sums_by_directory() -> None:
    table = FileTable([layer("u/l/a=1", "u/l/b=2", "u/c=4"), layer("-u/l", "u/c=8")])
    first, now, hidden = (table.sums(view) for view in (View.layer(0), View.up_to(1), View.hidden_by(1)))
    assert [first[at(table, p)] for p in ("", "u", "u/l", "u/c")] == [7, 7, 3, 4]
    assert [now[at(table, p)] for p in ("", "u", "u/l", "u/c")] == [8, 8, 0, 8]
    assert [hidden[at(table, p)] for p in ("", "u", "u/l", "u/c")] == [7, 7, 3, 4]
    assert table.counts(View.up_to(1))[0] == 1


def where(table: FileTable, path: str, **how: bool | int) -> str | None:
    found = table.resolve(path, **how)  # type: ignore[arg-type]
    return None if found is None else "/" + table.paths[found]


def test_resolve_as_a_container_sees_it() -> None:
    table = FileTable(
        [
            layer("bin->usr/bin", "lib->/usr/lib", "usr/bin/sh->dash", "usr/bin/dash=1", "usr/lib/x/libz.so.1->libz.so.1.2"),
            layer("usr/lib/x/libz.so.1.2=5", "up->../../usr", "loop->loop2", "loop2->loop", "gone->nowhere", "usr/hard=>up"),
        ]
    )
    assert where(table, "/bin/sh") == "/usr/bin/dash"
    assert where(table, "/bin/sh", follow=False) == "/usr/bin/sh"
    assert where(table, "bin", follow=False) == "/bin"
    assert where(table, "bin/.", follow=False) == "/bin"
    assert where(table, "lib/x/libz.so.1") == "/usr/lib/x/libz.so.1.2"
    assert where(table, "/up/bin/../lib") == "/usr/lib"
    assert where(table, "usr/hard/bin/dash") == "/usr/bin/dash"
    assert where(table, "../../../") == "/"
    assert where(table, "bin/dash/x") is None
    assert where(table, "bin/dash/..") is None
    for path in ("loop", "gone", "loop/x", "nothing/at/all"):
        assert where(table, path) is None
    assert where(table, "lib/x/libz.so.1", layer=0) is None
    assert where(table, "gone", follow=False) == "/gone"
