"""The table against a plain model that unpacks every layer apart and lays one over the other, from scratch after each."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msbtui.image.accounting import State, View
from msbtui.image.model import Kind, LayerIndex
from msbtui.image.table import FileTable

pytestmark = pytest.mark.usefixtures("implementation")

Entry = tuple[str, Kind, int, str]
Name = tuple[int, int]


def index_of(entries: list[Entry]) -> LayerIndex:
    index = LayerIndex()
    for number, (path, kind, size, link) in enumerate(entries):
        index.paths.append(path)
        index.kinds.append(kind)
        index.sizes.append(size)
        if link:
            index.links[number] = link
    return index


# The model


def below(path: str, top: str) -> bool:
    return path != top and (top == "" or path.startswith(top + "/"))


def ancestors(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts))]


def unpack(layer: int, entries: list[Entry]) -> dict[str, tuple[Name | None, bool]]:
    """One layer alone: path -> (entry or None where implied, is a directory)."""
    tree: dict[str, tuple[Name | None, bool]] = {}
    for number, (path, kind, _, _) in enumerate(entries):
        if kind in (Kind.WHITEOUT, Kind.OPAQUE):
            continue
        if path == "" and kind != Kind.DIRECTORY:
            continue
        for above in ancestors(path):
            if above not in tree or not tree[above][1]:
                tree[above] = (None, True)
        if kind != Kind.DIRECTORY:
            for other in [p for p in tree if below(p, path)]:
                del tree[other]
        tree[path] = ((layer, number), kind == Kind.DIRECTORY)
    return tree


def lay_over(lower: dict[str, tuple[Name | None, bool]], layer: int, entries: list[Entry]) -> dict[str, tuple[Name | None, bool]]:
    merged = dict(lower)
    for path, kind, _, _ in entries:
        if kind == Kind.WHITEOUT:
            merged = {p: e for p, e in merged.items() if not (p == path or below(p, path))}
        if kind == Kind.OPAQUE:
            merged = {p: e for p, e in merged.items() if not below(p, path)}
    for path, kind, _, _ in entries:
        # Also where a later entry of the layer makes it a directory again: what stood below it is gone.
        if path and kind not in (Kind.DIRECTORY, Kind.WHITEOUT, Kind.OPAQUE):
            merged = {p: e for p, e in merged.items() if not (p == path or below(p, path))}
    for path, (name, directory) in unpack(layer, entries).items():
        if not directory:
            merged = {p: e for p, e in merged.items() if not below(p, path)}
        elif name is None and path in merged and merged[path][1]:
            continue
        merged[path] = (name, directory)
    return merged


class Model:
    def __init__(self, layers: list[list[Entry]]) -> None:
        self.layers = layers
        self.after = [self._stack(layers[: n + 1]) for n in range(len(layers))]
        self.shown = [{name for name, _ in tree.values() if name} for tree in self.after]
        self.inodes: dict[Name, set[Name]] = {}
        self.cost: dict[Name, int] = {}
        for layer, entries in enumerate(layers):
            last = {path: n for n, (path, kind, _, _) in enumerate(entries) if kind < Kind.WHITEOUT}
            for n, (path, kind, size, _) in enumerate(entries):
                names = {(layer, n)}
                if kind == Kind.FILE:
                    for m in range(len(entries)):
                        if self._file_of(entries, last, m) == n:
                            names.add((layer, m))
                    for name in names:
                        self.inodes[name] = names
                self.inodes.setdefault((layer, n), names)
                self.cost[layer, n] = size if kind == Kind.FILE and last[path] == n else 0

    @staticmethod
    def _stack(layers: list[list[Entry]]) -> dict[str, tuple[Name | None, bool]]:
        tree: dict[str, tuple[Name | None, bool]] = {"": (None, True)}
        for layer, entries in enumerate(layers):
            tree = lay_over(tree, layer, entries)
        return tree

    @staticmethod
    def _file_of(entries: list[Entry], last: dict[str, int], number: int) -> int | None:
        for _ in range(len(entries) + 1):
            _, kind, _, link = entries[number]
            if kind != Kind.HARD_LINK:
                return number if kind == Kind.FILE else None
            if link not in last:
                return None
            number = last[link]
        return None

    def gone(self, name: Name) -> int | None:
        for layer in range(name[0], len(self.layers)):
            if name not in self.shown[layer]:
                return layer
        return None

    def bytes_gone(self, name: Name) -> int | None:
        for layer in range(name[0], len(self.layers)):
            if not self.inodes[name] & self.shown[layer]:
                return layer
        return None


# What hypothesis makes

part = st.sampled_from(["a", "b", "c"])
path = st.lists(part, min_size=1, max_size=4).map("/".join)
entry = st.one_of(
    st.tuples(path, st.just(Kind.FILE), st.integers(0, 1000), st.just("")),
    st.tuples(path, st.just(Kind.DIRECTORY), st.just(0), st.just("")),
    st.tuples(path, st.just(Kind.SYMLINK), st.just(0), path),
    st.tuples(path, st.just(Kind.HARD_LINK), st.just(0), path),
    st.tuples(path, st.just(Kind.HARD_LINK), st.just(0), path),
    st.tuples(path, st.just(Kind.WHITEOUT), st.just(0), st.just("")),
    st.tuples(st.one_of(path, st.just("")), st.just(Kind.OPAQUE), st.just(0), st.just("")),
    st.tuples(path, st.just(Kind.FIFO), st.just(0), st.just("")),
    st.tuples(st.just(""), st.sampled_from([Kind.DIRECTORY, Kind.FILE, Kind.WHITEOUT]), st.just(0), st.just("")),
)
duplicates_too = st.lists(entry, max_size=10)
layers_of = st.lists(duplicates_too, min_size=1, max_size=5)


def whiteout_of_root(layers: list[list[Entry]]) -> list[list[Entry]]:
    """A whiteout of the root hides what an opaque marker there hides: there is no image without a root."""
    return [[(p, Kind.OPAQUE if k == Kind.WHITEOUT and not p else k, s, link) for p, k, s, link in entries] for entries in layers]


@settings(max_examples=300, deadline=None)
@given(layers_of)
def test_table_equals_slow_unpack(layers: list[list[Entry]]) -> None:
    table = FileTable(index_of(entries) for entries in layers)
    model = Model(whiteout_of_root(layers))
    names = [(layer, n) for layer, entries in enumerate(layers) for n in range(len(entries))]
    real = [name for name in names if layers[name[0]][name[1]][1] < Kind.WHITEOUT]

    assert all(parent < pid for pid, parent in enumerate(table.parents))
    for pid, where in enumerate(table.paths):
        shown = model.after[-1].get(where)
        assert table.is_live(pid) == (shown is not None)
        assert table.live(pid) == (shown[0] if shown else None)
        assert table.is_directory(pid) == bool(shown and shown[1])
        assert table.entries(pid) == [name for name in names if layers[name[0]][name[1]][0] == where]
        for layer in range(len(layers)):
            then = model.after[layer].get(where)
            assert table.is_live_at(pid, layer) == (then is not None)
            assert table.live_at(pid, layer) == (then[0] if then else None)
            if then is None or then[0] is None:
                assert table.is_implied_at(pid, layer) == (then is not None)
        for kids, tree in ((table.live_children(pid), model.after[-1]), (table.children(pid), table.paths)):
            found = {table.paths[kid] for kid in kids}
            assert found == {p for p in tree if below(p, where) and "/" not in p[len(where) + bool(where) :]}
            assert len(kids) == len(found)
        assert sorted(table.paths[p] for p in table.subtree(pid)) == sorted(p for p in table.paths if below(p, where))
    for name in names:
        assert table.cost(*name) == model.cost[name]
        if name in real:
            assert table.hidden_by(*name) == model.gone(name)
            assert table.bytes_hidden_by(*name) == model.bytes_gone(name)
            assert set(table.inode(*name)) == model.inodes[name]
        else:
            assert table.hidden_by(*name) is None

    hidden = {name: model.cost[name] for name in names if model.bytes_gone(name) is not None and name in real}
    for layer in range(len(layers)):
        assert table.layer_size(layer) == sum(c for (at, _), c in model.cost.items() if at == layer)
        assert table.layer_hidden(layer) == sum(c for (at, _), c in hidden.items() if at == layer)
        assert table.hid(layer) == sum(c for name, c in hidden.items() if model.bytes_gone(name) == layer)
        shown_bytes = sum(c for name, c in model.cost.items() if model.inodes[name] & model.shown[layer])
        assert table.running_total(layer) == shown_bytes
        gone = sorted(name for name in real if model.gone(name) == layer)
        assert table.hidden_rows(layer) == [table.first_row(at) + entry for at, entry in gone]
        for name, row in zip(gone, table.rows_after(layer), strict=True):
            pid = table.path_of(*name)
            # what is no directory cannot stand at the root, and hides itself
            assert row == table.live_row_at(pid, layer) or not pid
    assert table.size == table.live_bytes + table.hidden_bytes == sum(model.cost.values())
    assert table.live_bytes == sum(table.contribution(layer) for layer in range(len(layers)))
    assert table.hidden_bytes == sum(hidden.values())


@settings(max_examples=150, deadline=None)
@given(layers_of, st.data())
def test_views_equal_their_definition(layers: list[list[Entry]], data: st.DataObject) -> None:
    table = FileTable(index_of(entries) for entries in layers)
    model = Model(whiteout_of_root(layers))
    top = len(layers) - 1
    first = data.draw(st.integers(0, top))
    last = data.draw(st.integers(first, top))
    after = data.draw(st.integers(last, top))
    for state in State:
        view = View(first, last, state, after)

        def takes(name: Name, gone: int | None, state: State = state) -> bool:
            return {
                State.STORED: True,
                State.LIVE: gone is None or gone > after,
                State.HIDDEN: gone is not None and gone <= after,
                State.HIDDEN_BY: gone == after,
            }[state]

        names = [
            (layer, n)
            for layer in range(first, last + 1)
            for n in range(len(layers[layer]))
            if layers[layer][n][1] < Kind.WHITEOUT
        ]
        sums, counts = table.sums(view), table.counts(view)
        assert sums[0] == sum(model.cost[name] for name in names if takes(name, model.bytes_gone(name)))
        taken = [name for name in names if takes(name, model.gone(name))]
        for pid, where in enumerate(table.paths):
            inside = [n for n in taken if layers[n[0]][n[1]][0] == where or below(layers[n[0]][n[1]][0], where)]
            assert counts[pid] == len(inside)
            # Every byte of the sum is of an inode with a name inside, and an inode with all its names inside is in the sum.
            upper = sum(max(model.cost[m] for m in table.inode(*n)) for n in {table.inode(*n)[0] for n in inside})
            lower = sum(
                model.cost[n]
                for n in names
                if model.cost[n] and takes(n, model.bytes_gone(n)) and {m for m in model.inodes[n] if m in taken} <= set(inside)
            )
            assert lower <= sums[pid] <= upper, where


@settings(max_examples=150, deadline=None)
@given(layers_of, st.data())
def test_bytes_of_counts_each_byte_once(layers: list[list[Entry]], data: st.DataObject) -> None:
    table = FileTable(index_of(entries) for entries in layers)
    model = Model(whiteout_of_root(layers))
    names = [(layer, n) for layer, entries in enumerate(layers) for n in range(len(entries))]
    if not names:
        return
    files = [name for name in names if model.cost[name]]
    inodes = [model.inodes[file] for file in files]
    # by chance, and what an inode turns on: its live names, all of them, each alone
    for chosen in (
        data.draw(st.lists(st.sampled_from(names), max_size=12)),
        *(sorted(names_of & shown) for names_of in inodes for shown in (model.shown[-1], names_of)),
        *([name] for names_of in inodes for name in sorted(names_of)),
    ):
        rows = {table.first_row(layer) + entry for layer, entry in chosen}
        once = sum(model.cost[f] for f in files if model.inodes[f] & set(chosen))
        assert table.bytes_of(chosen) == table.bytes_of_rows(rows) == once
        freed = 0
        for file in files:
            live = model.inodes[file] & model.shown[-1]
            freed += model.cost[file] if (live or model.inodes[file]) <= set(chosen) else 0
        assert table.bytes_of(chosen, whole_inodes=True) == table.bytes_of_rows(rows, whole_inodes=True) == freed
        assert table.linked(rows) is any(len(table.inode(*name)) > 1 for name in chosen)
