"""Where a split is wrong or not worth it, and what is done instead."""

from __future__ import annotations

import pytest
from split_world import DEBIAN, MEGABYTE, PATH, F, L, World, elf, script, toolchain

from msbtui.dockerfile.graph import build_graph
from msbtui.dockerfile.parser import parse
from msbtui.image.model import ImageConfig
from msbtui.split.planner import make_plan

APT = "RUN /bin/sh -c apt-get update && apt-get install -y gcc make # buildkit"
SMALL_LISTS = {"var/lib/apt/lists/deb_Packages": F(size=1000)}


def world(
    cmd: tuple[str, ...],
    files: dict[str, object] | None = None,
    *,
    lists: int = 1000,
    entrypoint: tuple[str, ...] = (),
    dockerfile: str = "",
) -> World:
    entries = {**toolchain(), "var/lib/apt/lists/deb_Packages": F(size=lists), **(files or {})}
    text = dockerfile or "FROM debian:bookworm-slim\nRUN apt-get update && apt-get install -y gcc make\nWORKDIR /src\nCOPY . .\n"
    return World(
        text,
        [
            (APT, entries),
            (
                "COPY . .",
                {
                    "src/main.c": F("int main;"),
                    "src/Makefile": F("all:"),
                    "src/package.json": F('{"scripts": {"dev": "x", "serve": "make run"}}'),
                },
            ),
        ],
        ImageConfig(env=(PATH,), cmd=cmd, entrypoint=entrypoint, workdir="/src"),
    )


@pytest.mark.parametrize(
    ("cmd", "said"),
    [
        (("make", "run"), "make run"),
        (("gcc", "-o", "a", "main.c"), "gcc"),
        (("/bin/sh", "-c", "cd /src && make && ./a"), "make"),
        (("/bin/sh", "-c", "exec env A=1 make run"), "make run"),
        (("go", "run", "."), "go run"),
        (("npm", "run", "dev"), "npm run dev"),
        (("npm", "run", "serve"), "make run"),
        (("cargo", "run"), "cargo run"),
    ],
)
def test_what_compiles_at_the_start_is_refused_with_the_command(cmd, said):
    plan = world(cmd).plan()
    assert plan.decision == "refused"
    assert said in plan.reasons[0]
    assert plan.dockerfile == ""


def test_an_entrypoint_script_that_compiles_is_refused_and_named():
    plan = world(("x",), {"entry.sh": script("#!/bin/sh\nset -e\nmake -C /src\nexec /src/a\n")}, entrypoint=("/entry.sh",)).plan()
    assert plan.decision == "refused"
    assert "/entry.sh" in plan.reasons[0]


def test_a_comment_or_a_text_that_names_a_compiler_is_no_reason():
    plan = world(
        ("x",),
        {"entry.sh": script('#!/bin/sh\n# make it\necho "gcc is gone; make tea"\nexec sleep 1\n')},
        entrypoint=("/entry.sh",),
    ).plan()
    assert plan.decision == "split", plan.reasons


def test_a_shell_alone_is_refused_but_programs_of_its_own_count_as_started():
    assert world(("bash",)).plan().decision == "refused"
    assert world(()).plan().decision == "refused"
    plan = world(("bash",), {"usr/local/bin/tool": elf("libc.so.6")}).plan()
    assert plan.decision == "split"
    assert "COPY --from=build /usr/local/bin/tool /usr/local/bin/tool\n" in plan.dockerfile


def test_a_start_that_is_not_there_is_refused():
    plan = world(("absent",), entrypoint=("nothere",)).plan()
    assert plan.decision == "refused"
    assert "nothere" in plan.reasons[0]


def test_little_gain_is_no_split():
    text = 'FROM debian:bookworm-slim\nCOPY app /usr/local/bin/app\nCMD ["app"]\n'
    plan = World(text, [("COPY", {"usr/local/bin/app": elf("libc.so.6")})], ImageConfig(env=(PATH,), cmd=("app",))).plan()
    assert plan.decision == "none"
    assert "nothing worth a second stage" in plan.reasons[0]


def test_where_no_split_is_sound_the_same_line_cleans_up():
    plan = world(("make", "run"), lists=40 * MEGABYTE).plan()
    assert plan.decision == "in-place"
    assert plan.dockerfile == (
        "FROM debian:bookworm-slim\nRUN apt-get update && apt-get install -y gcc make \\\n"
        "    && rm -rf /var/lib/apt/lists/*\nWORKDIR /src\nCOPY . .\n"
    )
    assert plan.size_before is not None
    assert plan.size_after.estimated == plan.size_before - 40 * MEGABYTE
    assert "make run" in plan.reasons[0]


@pytest.mark.parametrize(
    "run",
    [
        "RUN apt-get update && apt-get install -y gcc && rm -rf /var/lib/apt/lists/*",
        "RUN apt-get update\nRUN apt-get install -y gcc",
        "RUN apt-get update && apt-get install -y gcc\nRUN apt-get install -y make",
        "RUN --mount=type=cache,target=/var/lib/apt apt-get update && apt-get install -y gcc",
        "RUN apt-get update && apt-get install -y gcc;",
    ],
)
def test_lists_that_are_gone_or_still_read_are_left_alone(run):
    plan = world(("make", "run"), lists=40 * MEGABYTE, dockerfile=f"FROM debian:bookworm-slim\n{run}\n").plan()
    assert plan.decision == "refused"


def test_without_a_known_base_nothing_is_guessed():
    dockerfile = parse('FROM scratch\nADD root.tar /\nCMD ["sh"]\n')
    from split_world import image

    from msbtui.analysis.model import Base
    from msbtui.image.packages import read_packages

    made, table = image([("ADD", DEBIAN)], ImageConfig(cmd=("sh",)))
    plan = make_plan(
        dockerfile, build_graph(dockerfile), image=made, table=table, packages=read_packages(made, table), base=Base(0)
    )
    assert plan.decision == "none"
    assert "base" in plan.reasons[0]


def test_an_empty_dockerfile_has_no_plan():
    dockerfile = parse("")
    assert make_plan(dockerfile, build_graph(dockerfile)).decision == "none"


def test_links_of_packages_are_no_programs_of_the_image():
    made = {
        "usr/bin/cc-link": L("/etc/alternatives/cc"),
        "etc/alternatives/cc": L("/usr/bin/gcc"),
        "usr/local/bin/tool": script("#!/bin/sh\necho 1\n"),
    }
    plan = world(("bash",), made).plan()
    assert plan.decision == "split"
    assert "cc-link" not in plan.dockerfile
    assert "COPY --from=build /usr/local/bin/tool" in plan.dockerfile
