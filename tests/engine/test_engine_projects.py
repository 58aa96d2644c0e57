"""The projects of tests/data/projects build on real engines, run the same in both forms, and shrink as promised."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.engine

HERE = Path(__file__).parent
PROJECTS = HERE.parent / "data" / "projects"
# The part of the single-stage image's bytes that the expert's image must do without, as the work asks of each project.
SMALLER_BY = {"c": 0.60, "python": 0.40, "go": 0.85}


@pytest.fixture(scope="module", params=["ENGINE_CLASSIC", "ENGINE_MODERN"])
def docker(request):
    """Runs the docker client on one engine, with every project built there, and gives what it prints."""
    host = os.environ.get(request.param)
    if not host:
        pytest.skip(f"{request.param} names no engine")
    environ = dict(os.environ, DOCKER_HOST=host)

    def run(*arguments: str) -> str:
        done = subprocess.run(arguments, env=environ, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, f"{' '.join(arguments)}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    run(str(HERE / "build_projects"), "--expert")
    return lambda *arguments: run("docker", *arguments)


def run_without_network(docker, name: str, form: str) -> str:
    """What the project's smoke command prints in a new container of one form."""
    command = (PROJECTS / name / "smoke").read_text().split()
    return docker("run", "--rm", "--network", "none", f"msbtui-demo-{name}:{form}", *command)


@pytest.mark.parametrize("name", SMALLER_BY)
def test_both_forms_say_the_same(docker, name):
    before = run_without_network(docker, name, "before")
    assert len(before.splitlines()) >= 4
    assert run_without_network(docker, name, "expert") == before


@pytest.mark.parametrize("name", SMALLER_BY)
def test_the_expert_form_is_smaller(docker, name):
    before, after = (
        int(docker("image", "inspect", "--format", "{{.Size}}", f"msbtui-demo-{name}:{form}")) for form in ("before", "expert")
    )
    assert 1 - after / before >= SMALLER_BY[name]


@pytest.mark.parametrize("name", SMALLER_BY)
def test_both_forms_start_the_same_way(docker, name):
    what = "{{json .Config.Cmd}} {{json .Config.Entrypoint}} {{json .Config.ExposedPorts}} {{json .Config.User}}"
    before, after = (docker("image", "inspect", "--format", what, f"msbtui-demo-{name}:{form}") for form in ("before", "expert"))
    assert after == before


@pytest.mark.parametrize("name", SMALLER_BY)
def test_the_single_stage_form_deletes_without_freeing(docker, name):
    """The projects are there for their waste: the last RUN deletes what earlier layers still hold."""
    history = docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", f"msbtui-demo-{name}:before").splitlines()
    runs = [line for line in history if line.startswith(("RUN", "/bin/sh"))]
    assert "rm -rf" in runs[0]
    deleted = runs[0].split("rm -rf ")[1].split()[0]
    gone = docker(
        "run", "--rm", "--network", "none", f"msbtui-demo-{name}:before", "sh", "-c", f"test ! -e {deleted} && echo gone"
    )
    assert gone == "gone\n"
