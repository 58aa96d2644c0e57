"""Where output goes: files that are written whole or not at all, and standard streams that the caller closed."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import pytest

from msbtui.cli import run
from msbtui.errors import TargetError
from msbtui.session import files
from msbtui.session.demo import recording

DOCKERFILE = "FROM debian:bookworm-slim\nRUN apt-get update && apt-get install -y gcc\nCOPY x.c /src/\nRUN gcc -o /x /src/x.c\n"
RECORDED = f"recorded:{recording('c')}"
WRITERS = {
    "split": ["split", RECORDED, "--force", "-o"],
    "graph": ["graph", "DOCKERFILE", "-o"],
    "inspect": ["inspect", RECORDED, "--html"],
    "check": ["check", RECORDED, "-o"],
    "record": ["record", RECORDED, "--force", "-o"],
}


@pytest.fixture
def dockerfile(tmp_path):
    path = tmp_path / "Dockerfile"
    path.write_text(DOCKERFILE)
    return path


def call(words, dockerfile, output):
    return run([*(str(dockerfile) if word == "DOCKERFILE" else word for word in words), str(output)])


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("place", ["no/such/folder/out", ""])
def test_a_file_that_cannot_come_to_be_is_one_line(name, place, dockerfile, capsys):
    assert call(WRITERS[name], dockerfile, dockerfile.parent / place) == 4
    said = capsys.readouterr().err
    assert " be written: " in said and said.count("\n") == 1


@pytest.mark.parametrize("name", WRITERS)
def test_a_link_is_followed_and_a_pipe_is_written_to(name, dockerfile, capsys):
    there, link, pipe = (dockerfile.parent / each for each in ("there", "link", "pipe"))
    there.write_text("old")
    link.symlink_to(there)
    assert call(WRITERS[name], dockerfile, link) in (0, 1)
    assert link.is_symlink() and len(there.read_bytes()) > 50
    os.mkfifo(pipe)
    reader = subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE)
    assert call(WRITERS[name], dockerfile, pipe) in (0, 1)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert len(reader.communicate(timeout=20)[0]) > 50


def test_a_report_is_not_written_over_the_dockerfile(dockerfile, capsys):
    assert run(["graph", str(dockerfile), "-o", str(dockerfile)]) == 2
    assert run(["inspect", RECORDED, "--dockerfile", str(dockerfile), "--html", str(dockerfile)]) == 2
    assert run(["check", RECORDED, "--dockerfile", str(dockerfile), "-o", str(dockerfile)]) == 2
    assert dockerfile.read_text() == DOCKERFILE
    assert capsys.readouterr().err.count("that is the Dockerfile itself") == 3


def test_what_cannot_be_written_whole_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "Dockerfile"
    path.write_bytes(b"old")
    path.chmod(0o640)
    files.write(path, b"new")
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"new", 0o640)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(TargetError, match="could not be written: no space left on device"):
        files.write(path, b"newer")
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["Dockerfile"]


def test_names_of_one_file_stay_one_file(tmp_path):
    path, other = tmp_path / "a", tmp_path / "b"
    path.write_bytes(b"old")
    other.hardlink_to(path)
    files.write(path, b"new")
    assert other.read_bytes() == b"new"


@pytest.mark.parametrize("closed", ["stdin", "stdout", "stderr"])
@pytest.mark.parametrize("command", ["inspect", "graph", "check", "fix", "cache"])
def test_a_closed_standard_stream_is_an_empty_one(closed, command, dockerfile):
    arguments = [] if command == "cache" else [RECORDED if command in ("inspect", "check") else str(dockerfile)]
    number = ("stdin", "stdout", "stderr").index(closed)
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    pipes[closed] = subprocess.DEVNULL
    done = subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {number}>&-', "sh", sys.executable, "-m", "msbtui", command, *arguments],
        **pipes,
        env={**os.environ, "DOCKER_HOST": "unix:///nowhere.sock"},
    )
    assert done.returncode == (1 if command == "check" else 0), done.stderr
    assert b"Traceback" not in (done.stderr or b"")
    if closed != "stdout":
        assert done.stdout


@pytest.mark.parametrize("word", ["name", "=source", "name="])
def test_a_build_context_needs_a_name_and_a_source(word, dockerfile, capsys):
    for command in ("graph", "split", "inspect"):
        assert run([command, str(dockerfile), "--build-context", word]) == 2
        assert "--build-context takes NAME=SOURCE" in capsys.readouterr().err


def test_a_dockerfile_from_a_pipe_is_no_damaged_archive(dockerfile):
    said = {}
    for command in ("inspect", "split", "fix"):
        words = [sys.executable, "-m", "msbtui", command, "-"]
        done = subprocess.run(words, input=DOCKERFILE, capture_output=True, text=True)
        said[command] = (done.returncode, done.stderr)
    assert said["inspect"][0] == 4 and "does not begin as an archive does" in said["inspect"][1]
    assert said["split"][0] == 2 and "split needs the Dockerfile as a file" in said["split"][1]
    assert said["fix"][0] == 2 and "add --dockerfile" in said["fix"][1]
