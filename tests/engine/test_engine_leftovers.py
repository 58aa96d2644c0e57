"""What a verification leaves behind is known by its owner; what a live process owns is left alone."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

import pytest

from msbtui.engine.build import read_line
from msbtui.engine.buildprogress import BuildProgress
from msbtui.engine.containers import listening
from msbtui.engine.folders import make_folder, sweep_folders, temporary_folder
from msbtui.engine.leftovers import is_dead, owner


def test_a_live_owner_is_not_dead_and_a_gone_one_is():
    child = subprocess.Popen(
        [sys.executable, "-c", "from msbtui.engine.leftovers import owner; print(owner(), flush=True); input()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    token = child.stdout.readline().strip()
    assert token != owner()
    assert not is_dead(owner())
    assert not is_dead(token)
    child.communicate("\n")
    assert is_dead(token)


def test_a_number_that_another_process_got_since_does_not_keep_it():
    machine, boot, namespace, pid, started = owner().split("/")
    assert is_dead("/".join((machine, boot, namespace, pid, started + "1")))
    assert is_dead("/".join((machine, "another boot", namespace, pid, started)))


@pytest.mark.parametrize(
    "token", ["", "x", "////", "a/b/c/d/e/f", "other/{1}/{2}/{3}/{4}", "{0}/{1}/other/{3}/{4}", "{0}/{1}/{2}/x/1"]
)
def test_what_cannot_be_known_from_here_is_left_alone(token):
    assert not is_dead(token.format(*owner().split("/")))


def test_the_owner_fits_in_a_label():
    assert set(owner()) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-:.")
    assert str(os.getpid()) in owner().split("/")


def test_ports_from_the_kernels_tables():
    text = """  sl  local_address rem_address   st tx_queue
   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1
   1: 0100007F:0016 0100007F:9999 01 00000000:00000000
   2: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 0
   3: 0100007F:ZZZZ 0:0 0A
   4: 0100007F:FFFFFFFFFF 0:0 0A
   5: x 0A 0A 0A
"""
    assert listening(text) == {8080, 80}
    assert listening("") == frozenset()


def test_how_far_a_build_is():
    now = [0.0]
    progress = BuildProgress(lambda: now[0])
    told = []
    for second, line in [
        (0, "#1 [internal] load build definition"), (0, "#5 [build 1/4] FROM x"), (0, "#5 CACHED"), (0, "#6 [build 2/4] RUN a"),
        (1, "#6 0.351 DONE it"), (4, "#6 DONE 4.0s"), (4, "#7 [build 3/4] RUN b"), (8, "#7 DONE 4.0s"),
        (8, "#8 [stage-1 1/2] FROM y"), (9, "#9 exporting to image"), (9, "#9 DONE 1s"), (9, "not a line of a vertex"),
    ]:  # fmt: skip
        now[0] = float(second)
        if far := progress.hear(read_line(line)):
            told.append((far.what, far.done, far.total, far.left))
    assert told == [
        ("build 1/4: FROM x", 0, 4, None),
        ("build 1/4", 1, 4, None),
        ("build 2/4: RUN a", 1, 4, None),
        ("build 2/4", 2, 4, None),
        ("build 3/4: RUN b", 2, 4, None),
        ("build 3/4", 3, 4, 4.0),
        ("stage-1 1/2: FROM y", 3, 6, 12.0),
    ]


def test_folders_of_killed_processes_are_swept_and_no_others(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    code = "import os, signal, sys; from msbtui.engine.folders import *\n"
    code += "import tempfile; tempfile.tempdir = sys.argv[1]\n"
    code += "for kind in ('build', 'trace', 'ssh'):\n"
    code += "    made = make_folder(kind); (made / 'in').mkdir(); (made / 'in' / 'side').write_text('x')\n"
    code += "os.kill(os.getpid(), signal.SIGKILL)\n"
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    killed = set(tmp_path.iterdir())
    assert len(killed) == 3
    mine = make_folder("build")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / ".owner").write_text((min(killed) / ".owner").read_text())
    (tmp_path / "msbtui-build-link").symlink_to(outside)
    (tmp_path / "msbtui-build-file").write_text("x")
    (tmp_path / "msbtui-build-unsigned").mkdir()
    strange = tmp_path / "msbtui-build-strange"
    strange.mkdir()
    (strange / ".owner").write_bytes(b"\xff" * 5000)
    fifo = tmp_path / "msbtui-trace-fifo"
    fifo.mkdir()
    os.mkfifo(fifo / ".owner")  # must not be waited for
    linked = tmp_path / "msbtui-build-linked"
    linked.mkdir()
    (linked / ".owner").symlink_to(outside / ".owner")
    before = set(tmp_path.iterdir()) - killed
    assert sweep_folders() == 3
    assert set(tmp_path.iterdir()) == before
    assert (outside / ".owner").exists()
    assert mine in before


def _interrupted() -> None:
    with temporary_folder("build") as folder:
        (folder / "x").write_text("x")
        assert folder.stat().st_mode & 0o077 == 0
        raise KeyboardInterrupt


def test_a_temporary_folder_goes_with_its_block(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(KeyboardInterrupt):
        _interrupted()
    assert list(tmp_path.iterdir()) == []
