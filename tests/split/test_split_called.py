"""Commands that the application's own programs start: what is kept for them, and what says nothing."""

from __future__ import annotations

import pytest
from split_world import (
    DEBIAN,
    DEBIAN_PACKAGES,
    GONE,
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
    script,
    sibling,
    view,
)

from msbtui.image.model import ImageConfig
from msbtui.split.called import local_sources

TOOLS = {
    **DEBIAN_PACKAGES,
    "gcc": P(["usr/bin/gcc"], "devel", "gcc-12"),
    "gcc-12": P(["usr/bin/gcc-12"], "devel"),
    "libc6-dev": P(["usr/include/stdio.h"], "libdevel"),
    "git": P(["usr/bin/git"], "vcs"),
    "make": P(["usr/bin/make"], "devel"),
    "openjdk-17-jdk-headless": P(["usr/lib/jvm/bin/javac"], "java"),
    "imagemagick": P(["usr/bin/convert"], "graphics"),
}
FULL = {
    **DEBIAN,
    **PYTHON,
    "usr/bin/gcc": L("gcc-12"),
    "usr/bin/gcc-12": elf("libc.so.6", size=200 * MEGABYTE),
    "usr/include/stdio.h": F("int printf();"),
    "usr/bin/git": elf("libc.so.6", size=9 * MEGABYTE),
    "usr/bin/make": elf("libc.so.6"),
    "usr/bin/convert": elf("libc.so.6", size=9 * MEGABYTE),
    "usr/lib/jvm/bin/javac": elf("libc.so.6"),
    "usr/bin/javac": L("/etc/alternatives/javac"),
    "etc/alternatives/javac": L("/usr/lib/jvm/bin/javac"),
    **dpkg(TOOLS),
}
SLIM = {**DEBIAN, **PYTHON}


def runtime(app: dict, workdir: str = "/app", start: str = '"python", "/app/main.py"', layers: list | None = None) -> str:
    config = ImageConfig(env=PYTHON_ENV, cmd=tuple(word.strip('" ') for word in start.split(",")), workdir=workdir)
    bases = [
        sibling("python:3.11", FULL, ImageConfig(env=PYTHON_ENV)),
        sibling("python:3.11-slim", SLIM, ImageConfig(env=PYTHON_ENV)),
    ]
    made = [("COPY . /app # buildkit", {"app": D(), "app/main.py": F("import job\n"), **app}), *(layers or [])]
    text = f"FROM python:3.11\nCOPY . /app\nRUN pip install /app\nWORKDIR {workdir}\nCMD [{start}]\n"
    return World(text, made, config, base=FULL, siblings=bases).runtime()


def installed(*arguments, **more) -> list[str]:
    lines = runtime(*arguments, **more).splitlines()
    return [line.split()[0] for line in lines if line.startswith("        ") and not line.split()[0].startswith("-")]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("app/job.py", 'import subprocess\nsubprocess.run(["gcc", "-o", "a", source])'),
        (
            "app/job.py",
            'import subprocess\ndef build(f):\n    line = f"gcc {f} -o a"\n    return subprocess.Popen(line, shell=True)',
        ),
        ("app/job.py", 'import asyncio\nawait asyncio.create_subprocess_exec("/usr/bin/gcc", name)'),
        ("app/job.py", 'import os\nos.system("cd /tmp && gcc a.c")'),
        ("app/job.js", "const { spawnSync } = require('child_process')\nspawnSync('gcc', [file])"),
        ("app/job.js", "require('child_process')\nmodule.exports = { compileCommand: 'gcc' }"),
        ("app/job.rb", "puts `gcc a.c`"),
    ],
)
def test_a_compiler_that_the_application_starts_stays_with_the_headers_it_needs(path, text):
    assert installed({path: F(text)}) == ["gcc", "libc6-dev"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("app/job.py", 'print("gcc")'),
        (
            "app/job.py",
            'import subprocess\nNAMES = {"gcc": 1}\nprint("gcc not found", "gcc")\nraise ValueError("needs gcc here")',
        ),
        ("app/job.py", 'import subprocess\ncar = {"make": "x"}\nrow = ("make", "model")\ncar.get("make")\nrun_all(kind="make")'),
        ("app/tests/job.py", 'import subprocess\nsubprocess.run(["gcc", "a.c"])'),
        ("app/setup.py", 'import subprocess\nsubprocess.run(["gcc", "a.c"])'),
        ("app/test_job.py", 'import subprocess\nsubprocess.run(["gcc", "a.c"])'),
        ("app/job.txt", 'import subprocess\nsubprocess.run(["gcc", "a.c"])'),
    ],
)
def test_a_mention_is_no_start(path, text):
    assert installed({path: F(text)}) == []


def test_a_script_that_a_line_of_the_build_runs_has_done_its_work():
    call = {"app/prepare.py": F('import subprocess\nsubprocess.run(["gcc", "a.c"])')}
    assert installed(call) == ["gcc", "libc6-dev"]
    assert installed(call, layers=[("RUN /bin/sh -c python /app/prepare.py # buildkit", {"app/made.bin": F("x")})]) == []


def test_a_script_that_a_program_starts_is_followed():
    files = {
        "app/job.py": F('import subprocess\nsubprocess.run(["bash", f"{here}/bin/build.sh"])'),
        "app/bin/build.sh": F('#!/bin/bash\nset -e\necho "make that git"\ncd "$1" && timeout 5 gcc main.c\n'),
        "app/bin/other.sh": F("git clone x\n"),
    }
    assert installed(files) == ["gcc", "libc6-dev"]
    assert installed({**files, "app/job.py": F("import subprocess\n")}) == []


def test_ambiguous_names_count_where_a_command_is_started():
    assert installed({"app/job.py": F('import subprocess\nsubprocess.check_call(["make", "all"])')}) == ["make"]
    assert installed({"app/job.py": F('import subprocess\nline = ["make", "-C", folder]')}) == ["make"]
    assert installed({"app/job.py": F('import subprocess\nsubprocess.run(["convert", a, b])')}) == ["imagemagick"]


def test_a_command_behind_alternatives_brings_the_package_that_has_it():
    text = 'import subprocess\ncommand = f"javac {name}.java"\n'
    assert installed({"app/job.py": F(text)}) == ["openjdk-17-jdk-headless"]


def test_git_stays_for_what_loads_only_with_it():
    assert installed({"app/job.py": F("from git import Repo\n")}) == ["git"]
    assert installed({"app/job.py": F("from github import Github\n")}) == []


LOCAL = {
    f"{SITE}/tool/__init__.py": F("x"),
    f"{SITE}/tool-1.dist-info/METADATA": F("Name: tool"),
    f"{SITE}/tool-1.dist-info/direct_url.json": F('{"dir_info": {}, "url": "file:///opt/tool%20src"}'),
    "usr/local/bin/tool": script("#!/usr/local/bin/python3.11\nfrom tool import main\n"),
}
SOURCE = {"opt/tool src/tool/__init__.py": F('import subprocess\nsubprocess.run(["git", "log"])')}


@pytest.mark.parametrize("later", [{}, {"opt/tool src": GONE}], ids=["left there", "deleted"])
def test_what_pip_installed_from_a_directory_is_the_authors_own_program(later):
    layers = [("COPY . '/opt/tool src'", SOURCE), ("RUN pip install '/opt/tool src'", {**LOCAL, **later})]
    assert installed({}, workdir="/work", start='"tool"', layers=layers) == ["git"]


@pytest.mark.parametrize(
    "said",
    [
        '{"dir_info": {}, "url": "https://host/tool"}',
        '{"vcs_info": {}, "url": "file:///opt/tool%20src"}',
        '{"dir_info": {}, "url": "file:///"}',
        '{"dir_info": {}, "url": "file:///usr"}',
        '{"dir_info": {}, "url": 5}',
        "[" * 100_000,
        "not json",
        "[]",
    ],
)
def test_other_origins_say_nothing(said):
    layers = [
        ("COPY . '/opt/tool src'", SOURCE),
        ("RUN pip install tool", {**LOCAL, f"{SITE}/tool-1.dist-info/direct_url.json": F(said)}),
    ]
    assert installed({}, workdir="/work", start='"tool"', layers=layers) == []


def test_records_of_sources_without_end_are_not_all_followed():
    records = {f"a/d{n}.dist-info/direct_url.json": F(f'{{"dir_info": {{}}, "url": "file:///src/d{n}"}}') for n in range(99)}
    found = local_sources(view([("base", DEBIAN), ("RUN pip", records)]))
    assert len(found) == 20
    assert set(found) < {f"src/d{n}" for n in range(99)}


def test_a_library_brings_the_command_that_it_starts():
    layers = [("RUN pip install pydriller", {f"{SITE}/pydriller-2.dist-info/METADATA": F("Name: PyDriller")})]
    assert installed({}, layers=layers) == ["git"]


def test_a_global_tool_of_node_that_the_application_starts_stays():
    tool = "usr/local/lib/node_modules/draw"
    layers = [
        (
            "RUN npm install -g draw",
            {
                "usr/local/bin/draw": L("../lib/node_modules/draw/cli.js"),
                f"{tool}/cli.js": script("#!/usr/bin/env node\nrequire('./lib')"),
                f"{tool}/lib.js": F(size=9 * MEGABYTE),
            },
        )
    ]
    call = {"app/job.js": F("const { execSync } = require('child_process')\nexecSync(`draw -i ${file}`)")}
    assert "node_modules/draw/cli.js /usr/local/bin/draw" in runtime(call, layers=layers)
    assert "node_modules" not in runtime({}, layers=layers)


def test_what_libraries_inside_the_applications_directory_say_is_no_start():
    library = {
        "app/venv/lib/python3.11/site-packages/pack/vcs.py": F(
            'import subprocess\nsubprocess.run(["git", "clone"])\nopen("/usr/bin/make")'
        )
    }
    assert installed(library) == []
    assert installed({**library, "app/job.py": F('import subprocess\nprint(open("x", "w"))\ntool = "git"\n')}) == ["git"]


def test_methods_of_http_are_no_commands_though_a_package_has_such():
    """libwww-perl brings /usr/bin/GET, HEAD and POST, and npm of Debian brings libwww-perl."""
    job = 'import subprocess\nsubprocess.run(["git", "log"])\nurl = request(method="POST", data=body)\n'
    job += 'ask("GET /index")\nallowed = ["GET", "HEAD"]\n'
    methods = {f"usr/bin/{name}": script("#!/usr/bin/perl\n") for name in ("GET", "HEAD", "POST")}
    tools = {**TOOLS, "libwww-perl": P(list(methods), "perl")}
    layers = [("RUN /bin/sh -c apt-get install -y npm # buildkit", {**methods, **dpkg(tools)})]
    assert "libwww-perl" not in installed({"app/job.py": F(job)}, layers=layers)
    assert "git" in installed({"app/job.py": F(job)}, layers=layers)
    real = 'import subprocess\nsubprocess.run(["POST", "http://x/"])\n'
    assert "libwww-perl" in installed({"app/job.py": F(real)}, layers=layers)
