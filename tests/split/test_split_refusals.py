"""Where a split is wrong or not worth it, and what is done instead."""

from __future__ import annotations

import pytest
from split_world import DEBIAN, MEGABYTE, PATH, F, L, World, elf, image, script, sibling, toolchain
from split_world import view as view_of

from msbtui.analysis.model import Base
from msbtui.dockerfile.graph import build_graph
from msbtui.dockerfile.parser import parse
from msbtui.image.model import ImageConfig
from msbtui.image.packages import read_packages
from msbtui.report.split_text import split_text
from msbtui.split.building import builds
from msbtui.split.planner import make_plan
from msbtui.split.reach import follow
from msbtui.split.refuse import objection
from msbtui.split.starts import only_a_prompt, starts

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
                    "src/package.json": F('{"scripts": {"dev": "vite --host", "watch": "nodemon a.js", "serve": "make run"}}'),
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
        (("npm", "run", "dev"), "the script dev of package.json runs `vite --host`"),
        (("pnpm", "dev"), "the script dev of package.json runs `vite --host`"),
        (("mvn", "spring-boot:run"), "mvn spring-boot:run"),
        (("./mvnw", "-q", "cargo:run"), "./mvnw"),
        (("/bin/sh", "-c", "./gradlew bootRun"), "./gradlew bootRun"),
        (("dotnet", "watch", "run"), "dotnet watch run"),
        (("tini", "--", "cargo", "run", "--release"), "cargo run"),
        (("npx", "ng", "serve"), "npx ng serve"),
        (("yarn", "webpack"), "yarn webpack"),
        (("mix", "phx.server"), "mix phx.server"),
        (("npm", "run", "serve"), "make run"),
        (("cargo", "run"), "cargo run"),
    ],
)
def test_what_compiles_at_the_start_is_refused_with_the_command(cmd, said):
    plan = world(cmd).plan()
    assert plan.decision == "refused"
    assert said in plan.reasons[0]
    assert plan.dockerfile == ""


@pytest.mark.parametrize(
    "cmd",
    [
        ("npm", "run", "watch"),  # its script starts nodemon, which compiles nothing
        ("vite", "preview"),
        ("next", "start"),
        ("go", "version"),
        ("gcc", "--version"),
        ("npm", "start"),
        ("java", "-jar", "make.jar"),
        ("/bin/sh", "-c", "exec tool --make run"),
    ],
)
def test_what_only_looks_like_compiling_is_no_reason(cmd):
    plan = world(cmd, {f"usr/bin/{name}": elf("libc.so.6") for name in ("npm", "vite", "next", "go", "java", "tool")}).plan()
    assert plan.decision != "refused", plan.reasons


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("next", False), ("next dev", True), ("next start", False), ("vite", True), ("vite --port 80", True),
        ("vite preview", False),
        ("webpack serve", True), ("rollup -c -w", True), ("react-scripts start", True), ("serve -s build", False),
        ("npx tsc -w", True), ("npx serve", False), ("pnpm exec next dev", True), ("npm run build", False), ("npm run dev", True),
        ("npm npm npm", False), ("npx npx vite", False), ("npx", False), ("go", False), ("go run", True),
        ("cargo --version", False),
        ("/usr/bin/make", True), ("makefile", False), ("zig build run", True), ("swift run", True), ("clojure -M -m app", False),
    ],
)  # fmt: skip
def test_commands_that_build(words, answer):
    assert builds(tuple(words.split())) is answer


def test_a_refusal_shows_its_evidence():
    plan = world(("make", "run")).plan()
    assert plan.steps[0].what == "no split"
    assert plan.steps[0].evidence[0] == "it starts `make run`"
    assert plan.steps[0].evidence[1] == "CMD runs `make run`, which is /usr/bin/make of the package make"
    text = split_text(plan, parse("FROM a\n"))
    assert text.splitlines()[0] == "A split would be wrong here."
    assert "  · it starts `make run`" in text.splitlines()


@pytest.mark.parametrize(
    "cmd",
    [
        ("sleep", "infinity"),
        ("tail", "-f", "/dev/null"),
        ("/bin/sh", "-c", "while true; do sleep 1000; done"),
        ("/bin/sh", "-c", "trap : TERM INT; sleep infinity & wait"),
        ("tini", "--", "sleep", "infinity"),
        ("cat",),
        ("node",),
        ("bash", "-l"),
    ],
)
def test_what_only_waits_starts_nothing(cmd):
    plan = world(cmd).plan()
    assert plan.decision == "refused"
    assert "starts no program of its own" in plan.reasons[0]
    assert plan.steps[0].evidence[0] == f"it starts `{' '.join(cmd)}`"
    assert plan.steps[0].evidence[1].startswith("packages above the base: gcc")


@pytest.mark.parametrize(
    "cmd", [("/bin/sh", "-c", "sleep 5; exec x"), ("tail", "-f", "/var/log/x"), ("/bin/sh", "-c", "while true; do ./x; done")]
)
def test_what_waits_and_starts_something_too_is_no_reason(cmd):
    assert not only_a_prompt(ImageConfig(cmd=cmd))


@pytest.mark.parametrize(
    ("config", "path", "base", "sign"),
    [
        (
            {"labels": {"devcontainer.metadata": "[]"}},
            "Dockerfile",
            "debian:bookworm-slim",
            "it has the label devcontainer.metadata",
        ),
        ({}, "/home/me/app/.devcontainer/Dockerfile", "debian:bookworm-slim", "its Dockerfile lies in .devcontainer"),
        ({}, "Dockerfile", "mcr.example/devcontainers/base:bookworm", "its base is mcr.example/devcontainers/base:bookworm"),
        ({}, "Dockerfile", "mcr.example/vscode/devcontainers/go:1", "its base is mcr.example/vscode/devcontainers/go:1"),
        ({}, "devcontainer/Dockerfile", "debian:bookworm-slim", ""),
        ({}, "Dockerfile", "me/devcontainers-demo:1", ""),
    ],
)
def test_the_image_of_a_development_container_is_refused(config, path, base, sign):
    layers = [("base", DEBIAN), ("RUN x", {"usr/local/bin/tool": elf("libc.so.6")})]
    view = view_of(layers, ImageConfig(env=(PATH,), cmd=("tool",), **config))
    found = objection(view, follow(view, starts(view.config)), [], base, path)
    assert (found.evidence if found else ()) == ((sign,) if sign else ())


TOOLS = {
    **toolchain(),
    "usr/local/bin/kubectl": elf(size=50 * MEGABYTE),
    "usr/local/bin/helm": elf(size=50 * MEGABYTE),
}
FETCH = "RUN /bin/sh -c apt-get install -y gcc make git && curl -sLo /usr/local/bin/kubectl https://x/k # buildkit"
MINE = {"usr/local/bin/mine": elf("libc.so.6")}


@pytest.mark.parametrize(
    ("more", "refused"),
    [
        ([], True),
        ([("RUN /bin/sh -c pip install black pre-commit # buildkit", MINE)], True),
        ([("COPY tools /usr/local/bin # buildkit", MINE)], False),
        ([("ADD tools /usr/local/bin # buildkit", MINE)], False),
        ([("RUN /bin/sh -c git clone https://x/y && cd y && make install # buildkit", MINE)], False),
        ([("RUN /bin/sh -c cd y && ./configure # buildkit", MINE)], False),
        ([("RUN /bin/sh -c pip install -r /r.txt # buildkit", MINE)], False),
        ([("|1 A=b /bin/sh -c go install x/y@latest", MINE)], False),
    ],
)  # fmt: skip
def test_a_set_of_fetched_tools_is_left_alone_and_what_was_built_is_not(more, refused):
    text = "FROM debian:bookworm-slim\nRUN apt-get install -y gcc make git\n"
    plan = World(text, [(FETCH, TOOLS), *more], ImageConfig(env=(PATH,), cmd=("bash",))).plan()
    assert (plan.decision == "refused") is refused, plan.reasons
    if refused:
        assert "a set of tools" in plan.reasons[0]
        assert any("/usr/local/bin/helm" in line for line in plan.steps[0].evidence)


def test_a_program_that_an_image_of_tools_starts_is_no_set_of_tools():
    text = "FROM debian:bookworm-slim\nRUN apt-get install -y gcc make git\n"
    plan = World(text, [(FETCH, TOOLS)], ImageConfig(env=(PATH,), entrypoint=("kubectl",))).plan()
    assert plan.decision == "split"


def test_an_image_from_scratch_is_small_already():
    dockerfile = parse('FROM golang:1 AS b\nRUN go build -o /x .\nFROM scratch\nCOPY --from=b /x /x\nCMD ["/x"]\n')
    made, table = image([("COPY /x /x # buildkit", {"x": elf(size=9 * MEGABYTE)})], ImageConfig(cmd=("/x",)))
    plan = make_plan(
        dockerfile, build_graph(dockerfile), image=made, table=table, packages=read_packages(made, table), base=Base(0)
    )
    assert plan.decision == "none"
    assert "scratch" in plan.reasons[0]
    assert plan.steps[0].evidence == ("it has 9.0 MB in 1 layer, 0 B deleted or replaced later",)


@pytest.mark.parametrize(("waste", "decision"), [(4_900_000, "none"), (5_200_000, "split"), (0, "none")])
def test_the_gain_decides_on_both_sides_of_the_limit(waste, decision):
    text = 'FROM debian:bookworm-slim\nCOPY app /usr/local/bin/app\nRUN x\nCMD ["app"]\n'
    layers = [
        ("COPY app /usr/local/bin/app # buildkit", {"usr/local/bin/app": elf("libc.so.6", size=MEGABYTE)}),
        ("RUN /bin/sh -c x # buildkit", {"root/.cache/pip/y": F(size=waste)}),
    ]
    plan = World(text, layers, ImageConfig(env=(PATH,), cmd=("app",)), siblings=[sibling("debian:bookworm-slim")]).plan()
    assert plan.decision == decision, plan.reasons
    if decision == "none":
        assert any("a second stage is worth it from 5% and 5.0 MB on" in line for line in plan.steps[0].evidence)


@pytest.mark.parametrize(("size", "decision"), [(45 * MEGABYTE, "split"), (60 * MEGABYTE, "none")])
def test_a_small_part_of_a_large_image_is_not_worth_it(size, decision):
    text = 'FROM debian:bookworm-slim\nCOPY app /usr/local/bin/app\nRUN x\nCMD ["app"]\n'
    layers = [
        ("COPY app /usr/local/bin/app # buildkit", {"usr/local/bin/app": elf("libc.so.6", size=size)}),
        ("RUN /bin/sh -c x # buildkit", {"root/.cache/pip/y": F(size=6 * MEGABYTE)}),
    ]
    made = World(text, layers, ImageConfig(env=(PATH,), cmd=("app",)), siblings=[sibling("debian:bookworm-slim")])
    assert made.plan().decision == decision


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


def test_a_directory_where_the_program_should_be_is_said_to_be_one():
    found = world((), entrypoint=("/src",)).plan()
    assert found.decision == "refused"
    assert "`/src` is what the container starts, and there it is a directory" in found.reasons[0]
    assert "the image does not have it" in world((), entrypoint=("/srv/other",)).plan().reasons[0]
