"""Installers and testing tools that nothing needs, what the runtime base has itself, and bases that cannot be had."""

from __future__ import annotations

import pytest
from split_world import (
    DEBIAN,
    DEBIAN_PACKAGES,
    INTERPRETER,
    MEGABYTE,
    PYTHON_ENV,
    SITE,
    F,
    P,
    World,
    dpkg,
    elf,
    image,
    sibling,
)

from msbtui.image.model import ImageConfig
from msbtui.split.model import Check
from msbtui.split.repair import additions, base_not_had
from msbtui.split.siblings import names_of

SLIM = {**DEBIAN, **INTERPRETER}
FULL = {
    **SLIM,
    "usr/bin/gcc": elf("libc.so.6", size=200 * MEGABYTE),
    **dpkg({**DEBIAN_PACKAGES, "gcc": P(["usr/bin/gcc"], "devel")}),
}
CONFIG = ImageConfig(env=PYTHON_ENV, cmd=("python", "-m", "board"), workdir="/app")
TEXT = """FROM python:3.11
WORKDIR /app
COPY requirements.txt .
RUN pip install -r requirements.txt
COPY . .
CMD ["python", "-m", "board"]
"""
PIP_FILES = {
    "usr/local/bin/pip": F("#!/usr/local/bin/python3\n", mode=0o755),
    f"{SITE}/pip/__init__.py": F("pip"),
    f"{SITE}/pip/big.py": F(size=7 * MEGABYTE),
    f"{SITE}/pip-23.dist-info/METADATA": F("Name: pip\n\npip"),
    f"{SITE}/pip-23.dist-info/RECORD": F("pip/__init__.py,,\npip/big.py,,\npip-23.dist-info/RECORD,,\n../../../bin/pip,,\n"),
}


def distribution(name: str, *requires: str, requested: bool = False, size: int = 1000, by: str = "pip") -> dict[str, F]:
    """Give the files of an installed distribution with one module and one command of its name."""
    record = f"{SITE}/{name}-1.dist-info"
    header = f"Name: {name}\n" + "".join(f"Requires-Dist: {other}\n" for other in requires) + "\nabout it\n"
    files = {
        f"{SITE}/{name}/__init__.py": F(size=size),
        f"usr/local/bin/{name}": F("#!/usr/local/bin/python3\n", mode=0o755),
        f"{record}/METADATA": F(header),
        f"{record}/INSTALLER": F(by + "\n"),
        f"{record}/RECORD": F(f"{name}/__init__.py,,\n{name}-1.dist-info/RECORD,,\n../../../bin/{name},,\n"),
    }
    if requested:
        files[f"{record}/REQUESTED"] = F("")
    return files


def planned(installed: dict[str, F], app: dict[str, F] | None = None, slim: dict | None = None, **more):
    config = ImageConfig(env=PYTHON_ENV, cmd=("python3",))
    siblings = [
        sibling("python:3.11", {**FULL, **PIP_FILES}, config),
        sibling("python:3.11-slim", slim or {**SLIM, **PIP_FILES}, config),
    ]
    layers = [
        ("RUN /bin/sh -c pip install -r requirements.txt # buildkit", installed),
        ("COPY . . # buildkit", {"app/board/__main__.py": F("import flask\n"), **(app or {})}),
    ]
    given = {"config": CONFIG, "base": {**FULL, **PIP_FILES}, "siblings": siblings, **more}
    return World(TEXT, layers, **given).plan()


def uninstalled(plan) -> list[str]:
    found = [line for line in plan.dockerfile.splitlines() if line.startswith("RUN pip uninstall --yes ")]
    return [name for name in found[0].split()[4:] if name != "pip"] if found else []


POETRY = {
    **distribution("flask", "click", requested=True),
    **distribution("click"),
    **distribution("poetry", "cleo", "click", requested=True, size=9 * MEGABYTE),
    **distribution("cleo", "crashtest"),
    **distribution("crashtest"),
}


def test_an_installer_goes_with_what_only_it_requires():
    plan = planned(POETRY)
    assert uninstalled(plan) == ["cleo", "crashtest", "poetry"]
    assert "# development packages go before anything is copied\nFROM build AS production\nRUN pip" in plan.dockerfile
    assert not any("poetry" in path for path in plan.kept)
    assert any("click" in path for path in plan.kept)
    assert f"{SITE}/poetry-1.dist-info/METADATA" in plan.set_aside


@pytest.mark.parametrize(
    "app",
    [
        {"app/board/use.py": F("import cleo.io\n")},
        {"app/board/use.py": F("load('cleo')\n")},
        {"app/requirements.txt": F("cleo>=1\n")},
        {"app/pyproject.toml": F('[project]\ndependencies = [\n  "cleo>=1",\n]\n')},
    ],
    ids=["imported", "quoted", "required", "declared"],
)
def test_what_the_application_uses_itself_stays_with_what_it_requires(app):
    assert uninstalled(planned(POETRY, app)) == ["poetry"]


@pytest.mark.parametrize(
    ("installed", "app"),
    [
        (POETRY, {"app/board/run.py": F("subprocess.run(['poetry', 'run'])\n")}),
        ({**POETRY, **distribution("plugin", "poetry", requested=True)}, {}),
    ],
    ids=["called", "required"],
)
def test_an_installer_that_is_called_or_required_stays(installed, app):
    assert uninstalled(planned(installed, app)) == []


def test_tests_and_docs_say_nothing_of_what_is_needed():
    app = {"app/tests/test_a.py": F("import cleo\n"), "app/docs/conf.py": F("import crashtest\n")}
    assert uninstalled(planned(POETRY, app)) == ["cleo", "crashtest", "poetry"]


def test_what_another_installer_than_pip_installed_is_the_projects_own():
    installed = {**POETRY, **distribution("cleo", "crashtest", by="poetry 1.8")}
    assert uninstalled(planned(installed)) == ["poetry"]


def test_an_installer_that_the_start_runs_stays():
    config = ImageConfig(env=PYTHON_ENV, cmd=("poetry", "run", "python", "-m", "board"), workdir="/app")
    assert uninstalled(planned(POETRY, config=config)) == []


def test_a_few_kilobytes_are_not_worth_a_stage():
    installed = {**distribution("flask", requested=True), **distribution("pytest", requested=True)}
    assert "AS production" not in planned(installed).dockerfile


MANY = {path: entry for number in range(9) for path, entry in distribution(f"lib{number}", requested=True).items()}


def test_what_the_base_has_itself_is_not_copied_a_second_time():
    plan = planned(MANY)
    assert "\nRUN pip uninstall --yes pip\n" in plan.dockerfile
    assert "# what the runtime base has itself goes before anything is copied\n" in plan.dockerfile
    assert f"COPY --from=production /{SITE} /{SITE}\n" in plan.dockerfile
    copied = next(step for step in plan.steps if step.what == f"copy /{SITE}")
    assert "come along" not in copied.why


def test_another_version_in_the_base_is_not_what_the_base_has_itself():
    slim = {**SLIM, **PIP_FILES, f"{SITE}/pip/__init__.py": F("older")}
    assert "pip uninstall" not in planned(MANY, slim=slim).dockerfile


def test_a_pip_that_was_upgraded_stays_behind_and_the_one_of_the_base_is_not_deleted():
    newer = {
        f"{SITE}/.wh.pip-23.dist-info": F(""),
        f"{SITE}/pip/__init__.py": F("newer"),
        f"{SITE}/pip/big.py": F(size=8 * MEGABYTE),
        f"{SITE}/pip-24.dist-info/METADATA": F("Name: pip\n\npip"),
        f"{SITE}/pip-24.dist-info/RECORD": F("pip/__init__.py,,\npip/big.py,,\npip-24.dist-info/RECORD,,\n"),
    }
    plan = planned({**MANY, **newer})
    assert "\nRUN pip uninstall --yes pip\n" in plan.dockerfile
    assert "rm -rf" not in plan.dockerfile


KNOWN = {
    "python:3": ("sha256:a", "sha256:b"),
    "registry.example.com/python:3.11": ("sha256:a", "sha256:b"),
    "python:3.11": ("sha256:a", "sha256:b"),
    "python:3.11-slim": ("sha256:a",),
}


def test_the_engines_other_names_of_an_image_come_official_and_exact_ones_first():
    assert names_of(["sha256:a", "sha256:b"], KNOWN) == ["python:3.11", "python:3", "registry.example.com/python:3.11"]
    assert names_of([], {"scratch": ()}) == []


def test_a_proven_sibling_of_another_name_comes_before_a_name_that_proves_nothing():
    config = ImageConfig(env=PYTHON_ENV, cmd=("python3",))
    text = TEXT.replace("python:3.11", "python:3.11.7")
    layers = [("RUN /bin/sh -c pip install -r requirements.txt # buildkit", dict(MANY))]
    world = World(
        text,
        layers,
        config=CONFIG,
        base=FULL,
        siblings=[sibling("python:3.11.7", FULL, config), sibling("python:3.11-slim", SLIM, config)],
    )
    assert "\nFROM python:3.11.7-slim\n" in world.plan().dockerfile
    diff_ids = [layer.diff_id for layer in image([("base", FULL)], CONFIG)[0].layers]
    plan = world.plan(known={"python:3.11": diff_ids})
    assert "\nFROM python:3.11-slim\n" in plan.dockerfile
    assert plan.base == "python:3.11-slim"


def test_a_base_that_no_build_could_get_is_not_taken_again():
    config = ImageConfig(env=PYTHON_ENV, cmd=("python3",))
    layers = [("RUN /bin/sh -c apt-get install gcc # buildkit", {**MANY, "opt/x": F(size=MEGABYTE)})]
    world = World(TEXT, layers, config=CONFIG, base={**FULL, **INTERPRETER}, siblings=[sibling("python:3.11", FULL, config)])
    assert world.plan().base == "python:3.11-slim"
    plan = world.plan(absent=("python:3.11-slim",))
    assert "FROM python:3.11-slim" not in plan.dockerfile


@pytest.mark.parametrize(
    "said",
    [
        "failed to solve: python:3.7-slim: failed to resolve source metadata for docker.io/library/python:3.7-slim: not found",
        'failed to do request: Head "https://registry-1.docker.io/v2/library/python/manifests/3.7-slim": dial tcp: no such host',
        "manifest for python:3.7-slim not found: manifest unknown: manifest unknown",
        "pull access denied for python, repository does not exist or may require 'docker login'",
    ],
)
def test_a_build_that_cannot_get_its_base_asks_for_another(said):
    lacks = base_not_had(said, "python:3.7-slim")
    assert lacks == ("base:python:3.7-slim",)
    found = additions([Check("the new Dockerfile builds", False, said, lacks)])
    assert (found.absent, found.paths) == (("python:3.7-slim",), ())
    assert found.words() == ("another base than python:3.7-slim",)
    assert not found.without(found)


@pytest.mark.parametrize(
    ("said", "base"),
    [
        ("executor failed running [/bin/sh -c apt-get install libpq5]: exit code: 100", "python:3.7-slim"),
        ('failed to do request: Head "https://r/v2/library/python/manifests/3.7": no such host', "python:3.7-slim"),
        ("pull access denied for python", ""),
    ],
    ids=["a command", "another image", "the original's own base"],
)
def test_a_build_that_fails_for_another_reason_does_not(said, base):
    assert base_not_had(said, base) == ()
