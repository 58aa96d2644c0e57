"""What is kept only from caution, of source trees that programs start in, and what does not come for its sake."""

from __future__ import annotations

import pytest
from split_world import PATH, D, F, L, P, World, elf, library, script, toolchain

from msbtui.image.model import ImageConfig

TEXT = """\
FROM debian:bookworm-slim
RUN apt-get install -y gcc make python3
COPY . /src
WORKDIR /src
RUN make
WORKDIR {workdir}
CMD ["{program}"]
"""
SOURCES = {"src": D(), "src/main.c": F("int main;"), "src/Makefile": F("all:")}
PYTHON = {"python3": P(["usr/bin/python3"], "python", "libc6", manual=True), "tcl": P(["usr/bin/tclsh"], "interpreters", "libc6")}
PYTHON_FILES = {
    "usr/bin/python3": elf("libc.so.6"),
    "usr/bin/tclsh": elf("libc.so.6"),
    "usr/share/auto/missing": F("#!/bin/sh\n"),
}


def world(made: dict[str, object], *, workdir: str = "/src", program: str = "./served", **more: object) -> World:
    layers = [
        ("RUN /bin/sh -c apt-get install -y gcc make python3", toolchain(PYTHON, PYTHON_FILES)),
        ("COPY . /src # buildkit", {**SOURCES, **made}),
        ("RUN /bin/sh -c make # buildkit", {"src/bin/served": elf("libc.so.6"), "src/served": elf("libc.so.6")}),
    ]
    text = TEXT.format(workdir=workdir, program=program)
    return World(text, layers, ImageConfig(env=(PATH,), cmd=(program,), workdir=workdir), **more)  # type: ignore[arg-type]


def test_a_script_beside_the_program_brings_no_interpreter_unless_something_may_call_it():
    made = {"src/tools/gen.py": script("#!/usr/bin/env python3\n"), "src/run.sh": script("#!/bin/sh\n"), "src/words": F("a")}
    runtime = world(made).runtime()
    assert "gen.py" not in runtime
    assert "python3" not in runtime
    assert "/src/run.sh" in runtime
    assert "/src/words" in runtime
    calls = {**made, "src/served": elf("libc.so.6", functions=("system",), commands=("python3",))}
    layers_made = world(calls)
    layers_made.layers[2] = ("RUN /bin/sh -c make # buildkit", {"src/served": calls["src/served"]})
    runtime = layers_made.runtime()
    assert "/src/tools/gen.py" in runtime
    assert "        python3 \\\n" in runtime


def test_a_link_that_autotools_made_into_a_package_brings_nothing():
    made = {
        "src/missing.sh": L("/usr/share/auto/missing.sh"),
        "src/run": L("tools/Makefile"),
        "src/tools/Makefile": F("all:"),
        "src/x": L("words"),
        "src/words": F("a"),
    }
    layers = world(made)
    layers.layers[0] = (
        layers.layers[0][0],
        toolchain(
            {**PYTHON, "automake": P(["usr/share/auto/missing.sh"], "devel", "")},
            {**PYTHON_FILES, "usr/share/auto/missing.sh": script("#!/bin/sh\n")},
        ),
    )
    runtime = layers.runtime()
    assert "missing" not in runtime
    assert "automake" not in runtime
    assert "/src/run" not in runtime  # what it leads to stays behind
    assert "ln -sfn words /src/x" in runtime


def test_data_that_a_program_reaches_from_its_own_directory_upwards_is_kept():
    made = {"src/web/index.html": F("<p>"), "src/db/1.sql": F("select"), "src/main_test.c": F("x"), "src/docs/x.html": F("x")}
    runtime = world(made, workdir="/src/bin").runtime()
    assert "/src/web/index.html" in runtime
    assert "/src/db/1.sql" in runtime
    assert "main_test" not in runtime
    assert "docs" not in runtime
    # what lies beside the program's own sources is another's
    sources = {"src/app/main.c": F("x"), "src/app/words": F("a"), "src/other/docs.html": F("x")}
    beside = world({**sources, "src/app/prog": elf("libc.so.6")}, workdir="/src/app/bin", program="../prog")
    beside.layers[1] = (beside.layers[1][0], {path: item for path, item in beside.layers[1][1].items() if path not in SOURCES})
    beside.layers[2] = ("RUN /bin/sh -c make # buildkit", {"src/app/bin/.keep": F("")})
    runtime = beside.runtime()
    assert "/src/app/words" in runtime
    assert "/src/other" not in runtime
    # a program that was installed elsewhere does not look around the directory that it starts in
    installed = world(made, workdir="/src/bin", program="served")
    installed.layers.append(("RUN /bin/sh -c make install", {"usr/local/bin/served": elf("libc.so.6")}))
    assert "/src/web" not in installed.runtime()


def test_an_init_that_starts_the_program_may_start_nothing_else():
    extra = {
        "dumb-init": P(["usr/bin/dumb-init"], "admin", "", manual=True),
        "graphviz": P(["usr/bin/dot"], "graphics", "libc6", manual=True),
    }
    files = {"usr/bin/dumb-init": elf(interpreter=""), "usr/bin/dot": elf("libc.so.6")}
    text = (
        'FROM debian:bookworm-slim\nRUN apt-get install -y gcc dumb-init graphviz\nRUN make\nENTRYPOINT ["dumb-init", "served"]\n'
    )
    layers = [
        ("RUN /bin/sh -c apt-get install -y gcc dumb-init graphviz", toolchain(extra, files)),
        ("RUN /bin/sh -c make", {"usr/local/bin/served": elf("libc.so.6")}),
    ]
    runtime = World(text, layers, ImageConfig(env=(PATH,), entrypoint=("dumb-init", "served"))).runtime()
    assert "        dumb-init \\\n" in runtime
    assert "graphviz" not in runtime


def test_a_script_that_changes_the_directory_first_is_followed_from_there():
    entry = script("#!/bin/sh\nset -e\ncd /src/bin\nexec ./served --web ../web --words ../../words\n")
    made = {
        "src/bin": D(),
        "src/web": D(),
        "src/web/index.html": F("<p>"),
        "src/more/x.tmpl": F("x"),
        "words": F("a"),
        "entry": entry,
    }
    plan = world(made, workdir="/", program="/entry").plan()
    steps = {path: step.why for step in plan.steps for path in ("/src/bin/served", "/src/web") if path in step.what}
    assert {"src/bin/served", "src/web/index.html", "words"} <= set(plan.kept)
    assert "/entry calls it" in steps["/src/bin/served"]
    # what the program itself may look for around the directory that it was started in
    assert "src/more/x.tmpl" in plan.kept
    assert "src/main.c" not in plan.kept
    # another script is not in that directory
    there = {**made, "entry": script("#!/bin/sh\n(cd /src/bin)\n./served\n"), "src/served": F("x"), "served": elf("libc.so.6")}
    assert "served" in world(there, workdir="/", program="/entry").plan().kept


def test_plugins_in_the_source_tree_are_kept_and_libraries_that_nothing_needs_are_not():
    made = {
        "src/plugins/a.so": library("", "libc.so.6"),
        "src/plugins/b.so": library("b.so", "libc.so.6"),
        "src/libunused.so.1": library("libunused.so.1", "libc.so.6"),
        "src/.libs/c.so": library("", "libc.so.6"),
        "src/other": elf("libc.so.6"),
    }
    kept = world(made).plan().kept
    assert {path for path in made if path in kept} == {"src/plugins/a.so", "src/plugins/b.so"}


def test_paths_in_the_environment_are_followed():
    made = {"src/conf": D(), "src/conf/a.toml": F("a"), "src/conf/b.toml": F("b"), "src/web": D(), "src/web/i.css": F("x")}
    there = world({**made, "src/other.css": F("x")}, workdir="/", program="/usr/local/bin/served")
    there.layers[0][1]["etc/ssl/certs/all.crt"] = F("made by the packages' own script")
    there.layers.append(("RUN /bin/sh -c make install", {"usr/local/bin/served": elf("libc.so.6")}))
    assert not made.keys() & set(there.plan().kept)
    there.config = ImageConfig(
        env=(
            *(PATH, "SETTINGS=file:/src/conf/a.toml", "WEB=/src/web", "NONE=/", "GONE=/nowhere"),
            *(
                "CC=/usr/bin/gcc",
                "BUILDER=/usr/bin/make",
                "TARGET_CC=/src/bin/served",
                "BROWSER=/usr/bin/tclsh",
                "SSL_CERT_FILE=/etc/ssl/certs/all.crt",
            ),
        ),
        cmd=("/usr/local/bin/served",),
        workdir="/",
    )
    kept = there.plan().kept
    assert {"src/conf/a.toml", "src/web/i.css"} <= set(kept)
    assert not {"src/conf/b.toml", "src/other.css", "src/main.c", "src/bin/served", "etc/ssl/certs/all.crt"} & set(kept)
    packages = [line.split()[0] for line in there.runtime().splitlines() if line.startswith("        ")]
    assert "tcl" in packages
    assert not {"gcc", "make"} & set(packages)


def test_a_description_of_the_interface_is_data_among_the_documentation_too():
    kept = world({"src/docs/v1/openapi.yaml": F("openapi"), "src/docs/how.md": F("x"), "src/docs/x.json": F("x")}).plan().kept
    assert "src/docs/v1/openapi.yaml" in kept
    assert not {"src/docs/how.md", "src/docs/x.json"} & set(kept)


def test_what_npm_installed_for_the_front_end_stays_unless_something_reads_it():
    made = {
        "src/web/package.json": F("{}"),
        "src/web/dist/i.js": F("x"),
        "src/web/index.html": F("<p>"),
        "src/web/node_modules/a/i.js": F("x", size=3_000_000),
    }
    kept = world(made).plan().kept
    assert "src/web/dist/i.js" in kept
    assert "src/web/node_modules/a/i.js" not in kept
    page = {**made, "src/web/index.html": F('<script src="node_modules/a/i.js">')}
    assert "src/web/node_modules/a/i.js" in world(page).plan().kept


@pytest.mark.parametrize(
    ("user", "copied", "final", "made"),
    [
        ("", 0o775, 0o775, False),
        ("0:0", 0o775, 0o775, False),
        ("1000", 0o775, 0o775, True),
        ("", 0o755, 0o775, True),
        ("", 0o700, 0o700, True),
    ],
)
def test_a_directory_that_only_the_umask_of_a_checkout_opened_to_the_group_is_made_by_copy(
    user: str, copied: int, final: int, made: bool
):
    layers = [
        ("RUN /bin/sh -c apt-get install -y gcc make", toolchain()),
        ("COPY . /src # buildkit", {**SOURCES, "src/data": D(copied), "src/data/words": F("a"), "src/data/x.c": F("int x;")}),
        ("RUN /bin/sh -c make # buildkit", {"src/data": D(final), "src/served": elf("libc.so.6", paths=("/src/data/words",))}),
    ]
    text = TEXT.format(workdir="/src", program="./served") + (f"USER {user}\n" if user else "")
    config = ImageConfig(env=(PATH,), cmd=("./served",), workdir="/src", user=user)
    runtime = World(text, layers, config).runtime()
    assert "/src/data/words" in runtime
    assert (" /src/data\n" in runtime and "install -d" in runtime) is made


def test_sources_of_manuals_and_options_are_no_data():
    made = {f"src/{name}": F("x") for name in ("o.ggo", "t.1.ronn", "t.1.html", "install_manifest.txt", "page.html", "w.gperf")}
    runtime = world(made).runtime()
    assert "/src/page.html" in runtime
    assert not [name for name in ("ggo", "ronn", "t.1", "manifest", "gperf") if name in runtime]


def test_sources_that_the_options_of_the_build_name_stay_behind():
    files = {"usr/src/part/config": F("a"), "usr/src/part/src/part.c": F("int x;"), "usr/src/words/list": F("a")}
    layers = [
        ("RUN /bin/sh -c apt-get install -y gcc make", toolchain()),
        ("COPY . /usr/src # buildkit", files),
        ("RUN /bin/sh -c make install", {"usr/local/bin/served": elf("libc.so.6", paths=("/usr/src/part", "/usr/src/words"))}),
    ]
    text = 'FROM debian:bookworm-slim\nRUN apt-get install -y gcc make\nCOPY . /usr/src\nRUN make install\nCMD ["served"]\n'
    runtime = World(text, layers, ImageConfig(env=(PATH,), cmd=("served",))).runtime()
    assert "/usr/src/part" not in runtime
    assert "/usr/src/words" in runtime


def test_a_variant_for_another_c_library_lacks_nothing():
    variant = elf("libc.musl-x86_64.so.1", interpreter="", soname="a.node", kind="ET_DYN")
    text = 'FROM debian:bookworm\nRUN apt-get install -y gcc make\nRUN npm ci\nCOPY . /app\nCMD ["node", "/app/main.js"]\n'

    def lacks(path: str) -> bool:
        made = {"usr/local/bin/node": elf("libc.so.6"), path: variant}
        layers = [
            ("RUN /bin/sh -c apt-get install -y gcc make", toolchain()),
            ("RUN /bin/sh -c npm ci", made),
            ("COPY . /app # buildkit", {"app/main.js": F("require('b')")}),
        ]
        plan = World(text, layers, ImageConfig(env=(PATH,), cmd=("node", "/app/main.js"))).plan()
        return any("lacks libc.musl" in reason for reason in plan.reasons)

    assert not lacks("app/node_modules/b/prebuilds/a.node")
    assert lacks("app/lib/a.node")
