"""Plans for interpreted applications, from images made in memory."""

from __future__ import annotations

import pytest
from split_world import (
    DEBIAN,
    DEBIAN_PACKAGES,
    LIB,
    MEGABYTE,
    PYTHON,
    PYTHON_ENV,
    SITE,
    D,
    F,
    L,
    P,
    World,
    dpkg,
    elf,
    library,
    script,
    sibling,
    toolchain,
)

from msbtui.image.model import ImageConfig

FULL_PACKAGES = {
    **DEBIAN_PACKAGES,
    "gcc": P(["usr/bin/gcc"], "devel"),
    "libpq5": P([f"{LIB}/libpq.so.5"]),
    "git": P(["usr/bin/git"], "vcs"),
}
FULL = {
    **DEBIAN,
    **PYTHON,
    "usr/bin/gcc": elf("libc.so.6", size=200 * MEGABYTE),
    "usr/bin/git": elf("libc.so.6"),
    f"{LIB}/libpq.so.5": library("libpq.so.5", "libc.so.6"),
    **dpkg(FULL_PACKAGES),
}
SLIM = {**DEBIAN, **PYTHON}
CONFIG = ImageConfig(env=PYTHON_ENV, cmd=("python", "-m", "board"), workdir="/app", exposed_ports=("8000/tcp",))
TEXT = """FROM python:3.11
WORKDIR /app
COPY requirements.txt .
RUN pip install -r requirements.txt
COPY . .
EXPOSE 8000
CMD ["python", "-m", "board"]
"""
PIP = {
    f"{SITE}/psycopg/__init__.py": F("import _psycopg"),
    f"{SITE}/psycopg/_psycopg.so": elf("libpq.so.5", "libc.so.6", interpreter="", soname="_psycopg.so"),
    f"{SITE}/psycopg-1.dist-info/METADATA": F("psycopg"),
    "usr/local/bin/psy": script("#!/usr/local/bin/python3.11\nimport psycopg"),
    "root/.cache/pip/x.whl": F(size=9 * MEGABYTE),
    "usr/local/lib/python3.11/__pycache__/os.cpython-311.pyc": F(size=90_000),
}
APP = {
    "app": D(),
    "app/requirements.txt": F("psycopg"),
    "app/board/__main__.py": F("print(1)"),
    "app/board/native.c": F("int x;"),
    "app/Makefile": F("test:"),
}


def siblings(slim: dict[str, object] | None = None, env: tuple[str, ...] = PYTHON_ENV):
    config = ImageConfig(env=env, cmd=("python3",))
    return [sibling("python:3.11", FULL, config), sibling("python:3.11-slim", slim or SLIM, config)]  # type: ignore[arg-type]


def world(pip: dict[str, object] | None = None, app: dict[str, object] | None = None, **more: object) -> World:
    layers = [
        ("RUN /bin/sh -c pip install -r requirements.txt # buildkit", {**PIP, **(pip or {})}),
        ("COPY . . # buildkit", {**APP, **(app or {})}),
    ]
    given: dict[str, object] = {"config": CONFIG, "base": FULL, "siblings": siblings(), **more}
    return World(str(given.pop("text", TEXT)), layers, **given)  # type: ignore[arg-type]


def test_the_slim_sibling_takes_site_packages_commands_and_the_application():
    assert (
        world().runtime()
        == f"""FROM python:3.11-slim

# the libraries that the program is linked with, without their -dev packages
RUN apt-get update \\
    && apt-get install -y --no-install-recommends \\
        libpq5 \\
    && rm -rf /var/lib/apt/lists/*

WORKDIR /app

COPY --from=build /usr/local/bin/psy /usr/local/bin/psy
COPY --from=build /{SITE}/psycopg /{SITE}/psycopg
COPY --from=build /{SITE}/psycopg-1.dist-info/METADATA /{SITE}/psycopg-1.dist-info/METADATA
COPY --from=build /app /app

EXPOSE 8000

CMD ["python", "-m", "board"]
"""
    )


def test_the_interpreter_of_the_sibling_is_proven_by_its_files():
    plan = world().plan()
    evidence = next(step for step in plan.steps if step.what == "FROM python:3.11-slim").evidence
    assert "/usr/local/bin/python3.11 is there too, byte for byte" in evidence
    assert "PYTHON_VERSION=3.11.7 in both" in evidence
    built_anew = {**SLIM, "usr/local/bin/python3.11": elf("libc.so.6", size=5_001)}
    plan = world(siblings=siblings(built_anew)).plan()
    evidence = next(step for step in plan.steps if step.what == "FROM python:3.11-slim").evidence
    assert "/usr/local/bin/python3.11 is there too" in evidence


@pytest.mark.parametrize(
    "slim",
    [
        {path: entry for path, entry in SLIM.items() if path != "usr/local/bin/python3.11"},
        {**SLIM, "usr/local/bin/python3": L("python3.12")},
        {**SLIM, "usr/lib/os-release": F("ID=debian\nVERSION_ID=13\nVERSION_CODENAME=trixie\n")},
    ],
    ids=["no interpreter", "another version", "another release"],
)
def test_a_sibling_that_does_not_fit_is_not_taken(slim):
    plan = world(siblings=siblings(slim)).plan()
    assert "FROM python:3.11-slim" not in plan.dockerfile


def test_many_distributions_are_copied_as_one_directory_and_that_is_said():
    many = {f"{SITE}/dist{number}/__init__.py": F("x") for number in range(9)}
    plan = world(many).plan()
    assert f"COPY --from=build /{SITE} /{SITE}\n" in plan.dockerfile
    assert any("come along" in step.why for step in plan.steps)


def test_a_virtual_environment_stays_at_its_path_with_its_links_and_headers():
    venv = {
        "opt/venv": D(),
        "opt/venv/bin/python": L("/usr/local/bin/python3"),
        "opt/venv/bin/board": script("#!/opt/venv/bin/python\n"),
        "opt/venv/include/x.h": F("h"),
        "opt/venv/lib/python3.11/site-packages/n/core.c": F("c"),
    }
    env = ("PATH=/opt/venv/bin:/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", *PYTHON_ENV[1:])
    text = TEXT.replace("WORKDIR", "ENV PATH=/opt/venv/bin:$PATH\nWORKDIR").replace('"python", "-m", "board"', '"board"')
    config = ImageConfig(env=env, cmd=("board",), workdir="/app", exposed_ports=("8000/tcp",))
    runtime = world(venv, text=text, config=config).runtime()
    assert "COPY --from=build /opt/venv /opt/venv\n" in runtime
    assert "ENV PATH=/opt/venv/bin:$PATH\n" in runtime


def test_a_tool_that_the_application_names_is_kept_with_its_package():
    assert "        git \\\n" not in world().runtime()
    call = {"app/board/run.sh": script("#!/bin/sh\ngit log | cat\n")}
    text = TEXT.replace('["python", "-m", "board"]', '["/app/board/run.sh"]')
    config = ImageConfig(env=PYTHON_ENV, cmd=("/app/board/run.sh",), workdir="/app", exposed_ports=("8000/tcp",))
    assert "        git \\\n" in world({}, call, text=text, config=config, siblings=siblings()).runtime()


def test_an_application_on_the_distributions_python_installs_it_by_name():
    extra = {
        "python3": P([], "python", "python3.11"),
        "python3.11": P(["usr/bin/python3.11"], "python", "libc6"),
        "python3-pip": P(["usr/bin/pip3"], "python", "python3", manual=True),
        "python3-yaml": P(["usr/lib/python3/dist-packages/yaml/__init__.py"], "python", "python3", manual=True),
    }
    files = {
        "usr/bin/python3.11": elf("libc.so.6"),
        "usr/bin/python3": L("python3.11"),
        "usr/bin/pip3": script("#!/usr/bin/python3"),
        "usr/lib/python3/dist-packages/yaml/__init__.py": F(""),
    }
    layers = [
        ("RUN /bin/sh -c apt-get install -y gcc python3-pip python3-yaml", toolchain(extra, files)),
        ("COPY . /srv/app", {"srv/app/run.py": F("import yaml")}),
    ]
    text = (
        "FROM debian:bookworm-slim\n"
        "RUN apt-get install -y gcc python3-pip python3-yaml\n"
        "COPY . /srv/app\n"
        'CMD ["python3", "/srv/app/run.py"]\n'
    )
    runtime = World(text, layers, ImageConfig(env=("PATH=/usr/bin:/bin",), cmd=("python3", "/srv/app/run.py"))).runtime()
    assert "        python3 \\\n        python3-yaml \\\n" in runtime
    assert "pip" not in runtime
    assert "COPY --from=build /srv/app" in runtime


def test_an_argument_in_the_tag_stays_one():
    text = TEXT.replace("FROM python:3.11\n", "ARG VERSION=3.11\nFROM python:${VERSION}\n")
    assert world(text=text).runtime().startswith("FROM python:${VERSION}-slim\n")


def test_an_upgraded_pip_leaves_no_second_one():
    pip = {
        f"{SITE}/pip-24.dist-info/METADATA": F("pip"),
        f"{SITE}/pip-23.dist-info": "gone",
        f"{SITE}/pip/__init__.py": F("pip 24"),
    }
    assert f"RUN rm -rf /{SITE}/pip-23.dist-info\n" in world(pip).runtime()


def test_node_server_keeps_its_tree_and_what_npm_starts():
    node = {
        "usr/local/bin/node": elf("libc.so.6", size=90 * MEGABYTE),
        "usr/local/bin/npm": L("../lib/node_modules/npm/bin/npm-cli.js"),
        "usr/local/lib/node_modules/npm/bin/npm-cli.js": script("#!/usr/bin/env node\n"),
    }
    full, slim = {**DEBIAN, **node, "usr/share/more": F(size=400 * MEGABYTE)}, {**DEBIAN, **node}
    app = {
        "srv/package.json": F('{"scripts": {"start": "node server.js"}}'),
        "srv/server.js": F("x"),
        "srv/node_modules/e/index.js": F("x"),
        "root/.npm/_cacache/a": F(size=MEGABYTE),
    }
    config = ImageConfig(env=("PATH=/usr/local/bin:/usr/bin",), cmd=("npm", "start"), workdir="/srv")
    text = 'FROM node:20\nWORKDIR /srv\nCOPY . .\nRUN npm ci\nCMD ["npm", "start"]\n'
    own = ImageConfig(env=config.env, cmd=("node",))
    runtime = World(
        text, [("COPY", app)], config, base=full, siblings=[sibling("node:20-slim", slim, own), sibling("node:20", full, own)]
    ).runtime()
    assert runtime.startswith("FROM node:20-slim\n")
    assert "/srv/node_modules" in runtime or "COPY --from=build /srv /srv" in runtime
    assert ".npm" not in runtime


def test_a_command_of_the_base_that_the_program_starts_comes_along_and_one_that_it_only_mentions_does_not():
    call = {"app/board/vc.py": F("import subprocess\nsubprocess.run(['git', 'log'])\n")}
    assert "        git \\\n" in world({}, call).runtime()
    for text in ("# use git\nimport subprocess\n", "kind = {'git': 1}\n"):
        assert "        git \\\n" not in world({}, {"app/board/vc.py": F(text)}).runtime(), text


def test_commands_that_a_bundled_library_names_bring_no_packages():
    bundled = elf("libc.so.6", interpreter="", soname="libbig.so", functions=("posix_spawn",), commands=("git", "cvs", "xz"))
    assert "        git" not in world({f"{SITE}/big.libs/libbig.so": bundled}).runtime()
    own = elf("libc.so.6", functions=("posix_spawn",), commands=("git",))
    assert "        git" in world(app={"app/helper": own}).runtime()


@pytest.mark.parametrize("record", [f"{SITE}/__editable__.tool-1.0.pth", f"{SITE}/tool.egg-link"])
def test_sources_that_are_loaded_in_place_are_the_applications_own(record):
    files = {
        record: F("/opt/tool/src\n"),
        "opt/tool/src/tool/cli.py": F("import subprocess\nsubprocess.run(['git', '--version'])\n"),
        "opt/tool/README.md": F("about"),
    }
    text = TEXT.replace("COPY . .", "COPY . /opt/tool")
    runtime = world(files, text=text).runtime()
    assert "COPY --from=build /opt/tool /opt/tool\n" in runtime
    assert "        git \\\n" in runtime
