"""A short run of the fuzzer of answers, and that its judge sees what is wrong. `fuzz_answers.py` does the long run."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from msbtui.engine import distribution, docker

SCRIPT = Path(__file__).with_name("fuzz_answers.py")
COUNT = 96


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


def broken(fuzzer, scratch, cases):
    with fuzzer.quick(), fuzzer.World(scratch).running() as world:
        return [wrong for case in cases if (wrong := world.look(1, case)[1])]


def test_the_judge_sees_credentials_that_go_elsewhere(fuzzer, tmp_path, monkeypatch):
    monkeypatch.setattr(distribution, "origin", lambda _: "everybody")
    assert "shown elsewhere" in broken(fuzzer, tmp_path, [34, 114, 189])[0]


def test_the_judge_sees_that_an_endless_answer_is_taken_whole(fuzzer, tmp_path, monkeypatch):
    assert not broken(fuzzer, tmp_path / "right", [95])
    monkeypatch.setattr(docker, "_bounded", lambda response, limit: docker._flow(response, 1 << 18))
    assert "endless" in broken(fuzzer, tmp_path / "wrong", [95, 143, 158])[0]
