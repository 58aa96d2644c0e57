"""The walls of the house: what may be imported where, and what starts without what."""

from __future__ import annotations

import subprocess
import sys

import pytest

ROOMS = ("image", "dockerfile", "engine", "analysis", "split", "session", "report", "cli")


def modules_after(code: str) -> set[str]:
    """Give the names of the modules that a fresh interpreter has loaded after `code`."""
    result = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint('\\n'.join(sys.modules))"], capture_output=True, text=True, check=True
    )
    return set(result.stdout.split("\n"))


@pytest.mark.parametrize("room", ROOMS)
def test_no_room_below_the_app_loads_textual(room):
    code = (
        "import importlib, pkgutil, msbtui." + room + " as room\n"
        "for found in pkgutil.walk_packages(room.__path__, room.__name__ + '.'): importlib.import_module(found.name)"
    )
    loaded = modules_after(code)
    assert f"msbtui.{room}" in loaded
    assert not {name for name in loaded if name.split(".")[0] == "textual"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["inspect", "--help"],
        ["inspect", "/no/such/file"],
        ["graph", "/no/such/file"],
        ["demo"],
        ["/no/such/file"],
    ],
)
def test_headless_commands_never_load_textual(arguments):
    loaded = modules_after(f"from msbtui.cli import run\nrun({arguments!r})")
    assert "msbtui.cli" in loaded
    assert not {name for name in loaded if name.split(".")[0] == "textual"}


def test_the_graph_command_loads_neither_docker_nor_a_grammar(tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM debian:bookworm-slim\nRUN true\n")
    loaded = modules_after(f"from msbtui.cli import run\nrun(['graph', {str(tmp_path)!r}, '--format', 'json'])")
    assert "msbtui.dockerfile.graph" in loaded
    assert not loaded & {"docker", "tree_sitter", "watchfiles"}
