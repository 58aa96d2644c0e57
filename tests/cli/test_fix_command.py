"""`fix` as a person meets it: a diff that patches, files written byte for byte, and what is left."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from msbtui.cli import run
from msbtui.session.demo import recording

DOCKERFILES = Path(__file__).parent.parent / "data" / "projects"


@pytest.fixture
def project(tmp_path):
    """A folder with the demo's Dockerfile, and the recording of its image."""
    shutil.copy(DOCKERFILES / "python" / "Dockerfile", tmp_path / "Dockerfile")
    (tmp_path / ".dockerignore").write_text("own")
    return tmp_path


def fix(project, *arguments):
    return run(["fix", f"recorded:{recording('python')}", "--dockerfile", str(project / "Dockerfile"), *arguments])


def test_the_diff_patches_to_what_write_writes(project, capfdbinary, tmp_path_factory):
    assert fix(project) == 0
    diff, said = capfdbinary.readouterr()
    assert b"+    && rm -rf /var/lib/apt/lists/*" in diff and b"-own\n\\ No newline at end of file\n" in diff
    assert b"saves 2" in said and b"msbtui split" in said
    patched = tmp_path_factory.mktemp("patched")
    for name in ("Dockerfile", ".dockerignore"):
        shutil.copy(project / name, patched / name)
    if shutil.which("patch"):
        text = diff.replace(str(project).encode() + b"/", b"")
        subprocess.run(["patch", "-p0", "-d", str(patched)], input=text, check=True, capture_output=True)
    assert fix(project, "--write") == 0
    assert capfdbinary.readouterr()[0] == b""
    if shutil.which("patch"):
        for name in ("Dockerfile", ".dockerignore"):
            assert (project / name).read_bytes() == (patched / name).read_bytes()
    assert (project / ".dockerignore").read_text().startswith("own\n")


def test_only(project, capfd):
    assert fix(project, "--only", "A2", "-q") == 0
    printed = capfd.readouterr()
    assert "rm -rf /var/lib/apt/lists/*" in printed.out and "--no-cache-dir" not in printed.out
    assert printed.err == ""


def test_list(project, capfd):
    assert fix(project, "--list") == 0
    rows = capfd.readouterr().out.splitlines()
    assert any(row.startswith("A2m") and "when named" in row and "--mount=type=cache" in row for row in rows)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(("--only", "A1"), "no cure in place"), (("--only", "nonsense"), "no finding")],
)
def test_ids_that_have_none(project, capfd, arguments, says):
    assert fix(project, *arguments) == 2
    assert says in capfd.readouterr().err


def test_without_a_file_to_write(capfd):
    assert run(["fix", f"recorded:{recording('c')}", "--write"]) == 2
    assert "no file to write" in capfd.readouterr().err


def test_without_an_image_the_text_speaks(tmp_path, capfd, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    file = tmp_path / "Dockerfile"
    file.write_text("FROM debian\nRUN apt-get update && apt-get install -y less\nRUN pip install x\nADD a /b\n")
    assert run(["fix", str(file), "--list"]) == 0
    rows = capfd.readouterr().out.splitlines()
    assert [row.split()[:2] for row in rows if row.startswith("L")] == [
        ["L2", "unknown"],
        ["L3", "unknown"],
        ["L2r", "unknown"],
        ["L4c", "unknown"],
    ]
    assert run(["fix", str(file), "--only", "L2", "--only", "L4c", "--write"]) == 0
    assert "unknown" in capfd.readouterr().err
    assert file.read_text() == (
        "FROM debian\nRUN apt-get update && apt-get install -y less && rm -rf /var/lib/apt/lists/*\n"
        "RUN pip install x\nCOPY a /b\n"
    )
    assert run(["fix", str(file), "--only", "A1"]) == 2
    assert run(["fix", str(file), "--image", "nothing"]) != 0
