"""A short run of the fuzzer of answers, and that its judge sees what is wrong. `fuzz_answers.py` does the long run."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from msbtui.engine import distribution, docker

SCRIPT = Path(__file__).with_name("fuzz_answers.py")
COUNT = 160


@pytest.fixture
def fuzzer():
    about = importlib.util.spec_from_file_location("fuzz_answers", SCRIPT)
    module = importlib.util.module_from_spec(about)
    about.loader.exec_module(module)
    return module


def test_no_answers_break_anything(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), "--count", str(COUNT), "--seed", "0"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]


def broken(fuzzer, tmp_path, cases):
    with fuzzer.quick(), fuzzer.World(tmp_path).running() as world:
        return [wrong for case in cases if (wrong := world.look(1, case)[1])]


def test_the_judge_sees_what_is_wrong(fuzzer, tmp_path, monkeypatch):
    first = range(8, 208)
    with monkeypatch.context() as patch:
        patch.setattr(distribution, "origin", lambda _: "everybody")
        assert any("shown elsewhere" in wrong for wrong in broken(fuzzer, tmp_path / "a", first))
    with monkeypatch.context() as patch:
        patch.setattr(docker, "_bounded", lambda response, limit: docker._flow(response, 1 << 18))
        assert any("endless" in wrong for wrong in broken(fuzzer, tmp_path / "b", [n for n in first if n % 8 >= 6]))
