"""The app's parts that need no terminal: layout, editor, registry, watching."""

import queue
import threading

import pytest

from msbtui.tui.actions import ACTIONS, bindings
from msbtui.tui.editor import editor_command
from msbtui.tui.layout import PANES, arrange
from msbtui.tui.watch import Watcher

ROWS = {"stages": 5, "source": 13, "layers": 7, "files": 20, "advice": 3}


@pytest.mark.parametrize("current", PANES)
@pytest.mark.parametrize("zoom", [False, True])
def test_the_current_pane_is_always_visible_and_nothing_overflows(current, zoom):
    for width in (1, 20, 59, 60, 80, 99, 100, 200):
        for height in (1, 5, 14, 15, 20, 24, 29, 30, 40, 100):
            layout = arrange(width, height, current, zoom=zoom, rows=ROWS)
            assert current in layout.visible
            for group in (("stages", "source"), ("layers", "files", "advice")):
                seen = [name for name in group if name in layout.visible]
                fixed = sum(layout.heights.get(name, 0) for name in seen)
                flexible = sum(1 for name in seen if not layout.heights.get(name))
                if len(seen) > 1:
                    assert fixed + 3 * flexible <= height - 2
                assert flexible <= 1


def test_the_sketch_of_the_narrow_screen():
    layout = arrange(80, 24, "layers", zoom=False, rows={**ROWS, "layers": 7})
    assert layout.visible == {"layers", "files", "advice"}
    assert (layout.heights["layers"], layout.heights["advice"]) == (9, 5)


def test_a_million_layers_or_findings_leave_room_for_files():
    layout = arrange(120, 40, "layers", zoom=False, rows=dict.fromkeys(PANES, 10**6))
    assert layout.heights["layers"] + layout.heights["advice"] < 30


@pytest.mark.parametrize(
    ("environ", "command"),
    [
        ({"EDITOR": "vim"}, ["vim", "+7", "D"]),
        ({"EDITOR": "vi", "VISUAL": "/usr/bin/nano -w"}, ["/usr/bin/nano", "-w", "+7", "D"]),
        ({"EDITOR": "code"}, ["code", "--wait", "--goto", "D:7"]),
        ({"EDITOR": "hx"}, ["hx", "D:7"]),
        ({"EDITOR": "my-editor"}, ["my-editor", "D"]),
        ({"EDITOR": "broken 'quote"}, ["broken 'quote", "D"]),
        ({}, None),
        ({"EDITOR": " "}, None),
    ],
)
def test_the_editor_is_told_the_line(environ, command):
    assert editor_command(environ, "D", 7) == command


def test_every_key_means_one_thing_in_its_scope():
    for scope in ("main", "list", "split"):
        keys = [key for each in ACTIONS if each.scope == scope for key in each.keys.split(",")]
        assert len(keys) == len(set(keys))
    main = {key for each in ACTIONS if each.scope == "main" for key in each.keys.split(",")}
    assert not main & {key for each in ACTIONS if each.scope == "list" for key in each.keys.split(",")}


def test_every_binding_has_an_id():
    found = [each for scope in ("main", "list", "split") for each in bindings(scope)]
    assert len({each.id for each in found}) == len(found) == len(ACTIONS)


def test_a_watcher_sees_writes_and_renames(tmp_path):
    import os

    path = tmp_path / "Dockerfile"
    path.write_text("a")
    seen = threading.Semaphore(0)
    watcher = Watcher(path, seen.release)
    watcher.start()
    try:
        path.write_text("ab")
        assert seen.acquire(timeout=5)
        other = tmp_path / "other"
        other.write_text("ac")
        os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
        os.replace(other, path)
        assert seen.acquire(timeout=5)
    finally:
        watcher.stop()


def test_a_watcher_tells_of_a_file_that_stays_away_and_of_its_return(tmp_path):
    path, aside = tmp_path / "Dockerfile", tmp_path / "aside"
    path.write_text("a")
    told: queue.SimpleQueue[bool] = queue.SimpleQueue()
    watcher = Watcher(path, lambda: None, told.put)
    watcher.start()
    try:
        path.rename(aside)
        assert told.get(timeout=10) is True
        aside.rename(path)
        assert told.get(timeout=10) is False
        assert told.empty()
    finally:
        watcher.stop()


def test_wide_characters_take_the_cells_that_the_terminal_gives_them():
    from rich.cells import cell_len

    from msbtui.session.rows.cells import width

    for text in ("abc", "日本語", "ﾊﾛｰ", "e\u0301", "Ａ", "…▲▾◉╰▶█▏", "한글", "ü", "→←≈✗✔"):
        assert width(text) == cell_len(text)
