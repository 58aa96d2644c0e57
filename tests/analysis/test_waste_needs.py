"""What the container's start needs is never called removable, and a finding says what it left out."""

from __future__ import annotations

import json

import pytest
from waste_scenes import F, Tree, elf, look

from msbtui.image.model import Healthcheck, ImageConfig

PATH = "PATH=/usr/local/bin:/usr/bin:/bin"
TOOL = F(b"t" * 900, mode=0o755)
CACHES = {"root/.m2/repository/a.jar": 500, "root/.m2/repository/b.jar": 70, "root/.bashrc": 5}


def script(text: str) -> F:
    return F(text.encode(), mode=0o755)


@pytest.mark.parametrize(
    ("config", "more"),
    [
        (ImageConfig(cmd=("cmake", "--version")), {}),
        (ImageConfig(cmd=("sh", "-c", "cd /srv && exec cmake .")), {}),
        (ImageConfig(entrypoint=("/start",)), {"start": script("#!/bin/sh\nset -e\ncmake --build .\n")}),
        (ImageConfig(entrypoint=("/start",)), {
            "start": script("#!/bin/sh\n. /lib.sh\n"),
            "lib.sh": F(b"run() { cmake .; }\n"),
        }),
        (ImageConfig(entrypoint=("/start",)), {"start": script('#!/usr/bin/python3\nsubprocess.run(["cmake", "."])\n')}),
        (ImageConfig(cmd=("/usr/bin/app",), healthcheck=Healthcheck(("CMD-SHELL", "cmake --version || exit 1"))), {}),
        (ImageConfig(cmd=("supervisord",)), {
            "usr/bin/supervisord": script("#!/usr/bin/python3\n"),
            "etc/supervisor/conf.d/a.conf": F(b"[program:a]\ncommand=cmake -P x\n"),
        }),
        (ImageConfig(cmd=("npm", "start"), workdir="/app"), {
            "app/package.json": F(json.dumps({"scripts": {"start": "cmake . && node x"}}).encode()),
        }),
    ],
)  # fmt: skip
def test_a_tool_that_starts_is_no_waste(config: ImageConfig, more: dict[str, F]) -> None:
    from msgspec.structs import replace

    tree = {"usr/bin/cmake": TOOL, "usr/bin/ninja": TOOL, **more}
    seen = look(tree, config=replace(config, env=(PATH,)))
    named = {path for finding in seen.kind("compiler") for path in finding.paths}
    assert named == {"usr/bin/ninja"}
    assert seen.kind("compiler")[0].kept == ("usr/bin/cmake",)
    assert "/usr/bin/cmake stays" in seen.kind("compiler")[0].advice


def test_what_is_needed_wholly_is_told_apart() -> None:
    seen = look(CACHES, config=ImageConfig(cmd=("mvn", "exec:java")))
    assert seen.report.findings == ()
    (kept,) = seen.report.kept
    assert (kept.kind, kept.bytes, kept.layer, kept.paths) == ("package-cache", 570, 0, ("root/.m2",))
    assert seen.report.removable == 0


def test_a_file_on_the_class_path_stays() -> None:
    seen = look(CACHES, config=ImageConfig(cmd=("java", "-cp", "/app:/root/.m2/repository/a.jar", "Main")))
    (found,) = seen.kind("package-cache")
    assert (found.bytes, found.paths, found.kept) == (70, ("root/.m2/repository/b.jar",), ("root/.m2/repository/a.jar",))
    assert seen.report.removable == 70


def test_a_directory_that_the_command_names_stays() -> None:
    tree = {"usr/share/doc/a/index.html": 800, "usr/share/doc/b/x": 90}
    serve = ImageConfig(cmd=("python3", "-m", "http.server", "--directory=/usr/share/doc/a"))
    (found,) = look(tree, config=serve).kind("docs")
    assert (found.bytes, found.kept) == (90, ("usr/share/doc/a",))
    # A working directory is no reason to keep what lies in it.
    repository = {"srv/app/.git/HEAD": 20, "srv/app/.git/objects/a": 500}
    assert [one.bytes for one in look(repository, config=ImageConfig(cmd=("sh", "-c", "cd /srv/app && ./x"))).kind("vcs")] == [
        520
    ]
    assert [one.bytes for one in look({"tmp/x": 50}, config=ImageConfig(cmd=("app", "--scratch", "/tmp"))).kind("log-temp")] == [
        50
    ]


def test_strings_of_the_program_keep_files_but_not_its_sources() -> None:
    program = elf("ET_EXEC", paths=("/usr/local/share/doc/app/help.txt", "/src/main.c"), libraries=("libplug.so.1",))
    tree = {
        "usr/local/bin/app": TOOL,
        "usr/local/share/doc/app/help.txt": 700,
        "usr/local/share/doc/app/other.txt": 60,
        "src/main.c": 300,
        "src/Makefile": 10,
        "src/a.o": 40,
    }
    seen = look(tree, elves={"usr/local/bin/app": program}, config=ImageConfig(cmd=("/usr/local/bin/app",)))
    assert [(one.bytes, one.kept) for one in seen.kind("docs")] == [(60, ("usr/local/share/doc/app/help.txt",))]
    assert [one.bytes for one in seen.kind("sources")] == [310]


def test_what_programs_read_unasked_is_not_left_over() -> None:
    from waste_scenes import auto, status

    gcc = {"Package": "gcc-12", "Section": "devel", "Depends": "ca-certificates, libisl23"}
    packages = ({"Package": "ca-certificates"}, {"Package": "libisl23"}, gcc)
    tree: dict[str, object] = {
        "var/lib/dpkg/status": status(*packages),
        "var/lib/apt/extended_states": auto("ca-certificates", "libisl23"),
    }
    for package in packages:
        name = package["Package"]
        tree[f"usr/lib/{name}/file"] = 1000
        tree[f"var/lib/dpkg/info/{name}.list"] = f"/.\n/usr/lib/{name}/file\n".encode()
    (found,) = look(tree, config=ImageConfig(cmd=("x",))).kind("compiler")  # type: ignore[arg-type]
    assert not any("ca-certificates" in path for path in found.paths)
    assert any("libisl23" in path for path in found.paths)


# -- kinds that are new or wider ---------------------------------------------------------------------------------------


def test_rules_that_depend_on_neighbours() -> None:
    linked = {"opt/conda/pkgs/a/x.so": F(b"x" * 300), "opt/conda/lib/x.so": F(hard="opt/conda/pkgs/a/x.so")}
    assert look(linked).report.removable == 0
    zero = {"app/.yarn/cache/a.zip": 300, "app/.pnp.cjs": 20, "app/node_modules/x": 1}
    assert look(zero).kind("package-cache") == []
    # Yarn 4 keeps the archives that .pnp.cjs names in the user's folder
    for place in ("root/.yarn/berry/cache/a.zip", "usr/local/share/.cache/yarn/v6/a.zip"):
        assert look({place: 300, "app/.pnp.cjs": 20}).report.removable == 0
        assert look({place: 300, "app/node_modules/x": 1}).report.removable == 300
    installed = {"app/.yarn/cache/a.zip": 300, "app/node_modules/x": 1}
    assert [one.bytes for one in look(installed).kind("package-cache")] == [300]
    assert look({"app/.yarn/cache/a.zip": 300}).kind("package-cache") == []
    configured = {"src/config.status": 40, "src/config.log": 50, "srv/config.log": 60}
    assert [(one.bytes, one.confidence) for one in look(configured).kind("build-objects")] == [(90, "A")]
    lists = {"src/a.o": 10, "src/a.d": 5, "etc/conf.d/x.d": 7}
    assert sum(one.bytes for one in look(lists).kind("build-objects")) == 15
    assert [one.confidence for one in look({"app/bin/app.pdb": 400}).kind("debug-symbols")] == ["B"]
    assert [
        one.bytes for one in look({"usr/local/bundle/gems/rack-3/spec/a_spec.rb": 30, "app/spec/b.rb": 40}).kind("tests")
    ] == [30]


def test_what_dockerignore_names_now() -> None:
    dockerfile, history = "FROM scratch\nWORKDIR /app\nCOPY . .\n", ["WORKDIR /app", "COPY . . # buildkit"]
    tree = {"app/data/big.csv": 900, "app/main.py": 10, "etc/data/big.csv": 5}
    seen = look({"app": None}, tree, dockerfile=dockerfile, history=history, config=ImageConfig(workdir="/app", cmd=("x",)),
                ignored=lambda path: path.startswith("data/"))  # fmt: skip
    assert [(one.bytes, one.paths, one.line) for one in seen.kind("context-junk")] == [(900, ("app/data",), 3)]
    named = look({"app": None}, tree, dockerfile="FROM scratch\nWORKDIR /app\nCOPY data/ ./data/\n",
                 history=["WORKDIR /app", "COPY data/ ./data/ # buildkit"], ignored=lambda path: True)  # fmt: skip
    assert named.kind("context-junk") == []


def test_a_virtual_environment_of_the_sender() -> None:
    tree = {"app/.venv/pyvenv.cfg": 20, "app/.venv/lib/a.py": 300, "app/main.py": 5}
    history = ["COPY . /app # buildkit"]
    used = ImageConfig(cmd=("python", "main.py"), env=("PATH=/app/.venv/bin:/usr/bin",))
    assert look(tree, history=history, config=used).kind("context-junk") == []
    unused = look(tree, history=history, config=ImageConfig(cmd=("python", "main.py")))
    assert [(one.bytes, one.confidence) for one in unused.kind("context-junk")] == [(320, "C")]
    # One that a RUN made is the program's.
    assert look(tree, history=["RUN /bin/sh -c python -m venv # buildkit"]).kind("context-junk") == []


def test_logs_by_size_and_place() -> None:
    assert [one.confidence for one in look({"var/log/dpkg.log": 5000}).kind("log-temp")] == ["B"]
    assert [one.confidence for one in look({"var/log/dpkg.log": 2_000_000}).kind("log-temp")] == ["A"]
    assert look({"var/log/app/data.bin": 5000, "srv/tmp/x": 10, "var/lib/app/x-old": 5}).kind("log-temp") == []


def test_secrets_of_the_history() -> None:
    dockerfile = "FROM scratch\nARG NPM_TOKEN\nARG VERSION=1\nRUN x\nRUN curl https://me:hunter2hunter2@example.com/x\n"
    history = ["RUN |1 NPM_TOKEN=abcdef /bin/sh -c x # buildkit", "RUN /bin/sh -c curl https://me:hunter2hunter2@example.com/x"]
    seen = look({"a": 1}, {"b": 1}, dockerfile=dockerfile, history=history)
    found = {(one.title, one.confidence, one.bytes) for one in seen.kind("secret")}
    assert found == {
        ("the history shows a value of NPM_TOKEN, which may be a secret", "C", 0),
        ("the history shows a password or an access token", "B", 0),
    }
    assert "hunter2" not in repr(seen.report)
    assert "abcdef" not in repr(seen.report)
    only = look(
        {"a": 1}, dockerfile="FROM scratch\nARG NPM_TOKEN\nARG PUBLIC_KEY\nRUN x\n", history=["RUN /bin/sh -c x # buildkit"]
    )
    assert [(one.title, one.line) for one in only.kind("secret")] == [
        ("the build argument NPM_TOKEN may hold a secret, which the history of the image then shows", 2)
    ]


def test_a_whole_file_system_by_its_history() -> None:
    base = {"bin/sh": 400, "etc/x": 5}
    tree = {**base, "srv/app": 70}
    seen = look(base, tree, base=1, history=["COPY / / # buildkit"])
    assert [(one.bytes, one.confidence) for one in seen.kind("whole-filesystem-copy")] == [(405, "A")]
    # Which name of a file the archive has first says nothing.
    linked = {"bin/a": F(b"x" * 50), "bin/b": F(hard="bin/a")}
    turned = {"bin/b": F(b"x" * 50), "bin/a": F(hard="bin/b")}
    copied = look(linked, turned, base=1, history=["COPY / / # buildkit"]).kind("whole-filesystem-copy")
    assert [one.bytes for one in copied] == [50]
    # The whole build context reads alike.
    assert look(base, {"srv/app": 70}, base=1, history=["COPY / / # buildkit"]).kind("whole-filesystem-copy") == []


def test_development_tools_of_pip() -> None:
    record = b"pytest/__init__.py,,\npytest/main.py,sha256=x,9\npytest-8.0.dist-info/RECORD,,\n"
    record += b"../../../bin/pytest,,\n../../../../../../etc/x,,\n"
    site = "usr/local/lib/python3.11/site-packages"
    tree = {
        f"{site}/pytest/__init__.py": 10,
        f"{site}/pytest/main.py": 300,
        f"{site}/pytest-8.0.dist-info/RECORD": F(record),
        "usr/local/bin/pytest": 7,
        f"{site}/flask/app.py": 900,
        f"{site}/flask-3.0.dist-info/RECORD": F(b"flask/app.py,,\n"),
    }
    (found,) = look(tree, config=ImageConfig(cmd=("flask", "run"))).kind("dev-dependencies")
    assert (found.bytes, found.confidence) == (317 + len(record), "C")
    assert look(tree, config=ImageConfig(cmd=("pytest",))).kind("dev-dependencies") == []


def test_development_packages_without_npms_record() -> None:
    manifest = {
        "dependencies": {"koa": "2"},
        "devDependencies": {"jest": "29", "nodemon": "3", "koa": "2"},
        "scripts": {"start": "nodemon ."},
    }
    tree = {
        "app/package.json": F(json.dumps(manifest).encode()),
        "app/node_modules/jest/x.js": 500,
        "app/node_modules/koa/x.js": 60,
        "app/node_modules/nodemon/x.js": 7,
    }
    (found,) = look(tree, config=ImageConfig(cmd=("npm", "start"), workdir="/app")).kind("dev-dependencies")
    assert (found.bytes, found.confidence, found.paths) == (500, "C", ("app/node_modules/jest",))
    locked = {**tree, "app/node_modules/.package-lock.json": F(b'{"packages": {}}')}
    assert look(locked, config=ImageConfig(cmd=("npm", "start"), workdir="/app")).kind("dev-dependencies") == []


def manifest(**facts: object) -> F:
    return F(json.dumps(facts).encode())


def test_what_only_developing_leads_to_is_followed_through_the_manifests() -> None:
    tree: Tree = {
        "app/package.json": manifest(dependencies={"koa": "2"}, devDependencies={"jest": "29"}),
        "app/yarn.lock": b"x",
        "app/node_modules/jest/package.json": manifest(dependencies={"ansi": "1", "shared": "1"}),
        "app/node_modules/jest/x.js": 500,
        "app/node_modules/jest/node_modules/shared/package.json": manifest(name="shared"),
        "app/node_modules/jest/node_modules/shared/x.js": 70,
        "app/node_modules/ansi/package.json": manifest(name="ansi"),
        "app/node_modules/ansi/x.js": 9000,
        "app/node_modules/koa/package.json": manifest(dependencies={"shared": "2"}),
        "app/node_modules/koa/x.js": 60,
        "app/node_modules/shared/package.json": manifest(name="shared"),
        "app/node_modules/shared/x.js": 40,
    }
    (found,) = look(tree, config=ImageConfig(workdir="/app", cmd=("node", "x"))).kind("dev-dependencies")
    assert found.confidence == "B" and found.title.startswith("3 development packages of yarn")
    assert found.paths == ("app/node_modules/ansi", "app/node_modules/jest")
    assert "yarn install --production" in found.advice
    # A package that the program needs, too, stays; so does what a member of the workspace needs, and what the start runs.
    for path, text in (
        ("app/package.json", manifest(dependencies={"koa": "2", "ansi": "1"}, devDependencies={"jest": "29"})),
        ("app/tools/package.json", manifest(dependencies={"ansi": "1"})),
        ("app/node_modules/koa/package.json", manifest(peerDependencies={"ansi": "1", "shared": "2"})),
    ):
        (found,) = look({**tree, path: text}, config=ImageConfig(workdir="/app", cmd=("node", "x"))).kind("dev-dependencies")
        assert found.paths == ("app/node_modules/jest",), path
    assert look(tree, config=ImageConfig(workdir="/app", cmd=("jest",))).kind("dev-dependencies") == []
    # Where a needed package says nothing of what it needs, the rest is a guess.
    unsaid = {**tree, "app/node_modules/koa/package.json": b""}
    (found,) = look(unsaid, config=ImageConfig(workdir="/app", cmd=("node", "x"))).kind("dev-dependencies")
    assert found.confidence == "C"


def test_development_packages_behind_links() -> None:
    store = "app/node_modules/.pnpm"
    tree: Tree = {
        "app/package.json": manifest(dependencies={"a": "1"}, devDependencies={"d": "1"}),
        "app/node_modules/a": F(link=".pnpm/a@1/node_modules/a"),
        "app/node_modules/d": F(link=".pnpm/d@1/node_modules/d"),
        f"{store}/a@1/node_modules/a/package.json": manifest(dependencies={"b": "1"}),
        f"{store}/a@1/node_modules/b": F(link="../../b@1/node_modules/b"),
        f"{store}/b@1/node_modules/b/package.json": manifest(name="b"),
        f"{store}/b@1/node_modules/b/x.js": 300,
        f"{store}/d@1/node_modules/d/package.json": manifest(dependencies={"b": "1", "c": "1"}),
        f"{store}/d@1/node_modules/b": F(link="../../b@1/node_modules/b"),
        f"{store}/d@1/node_modules/c": F(link="../../c@1/node_modules/c"),
        f"{store}/c@1/node_modules/c/package.json": manifest(name="c"),
        f"{store}/c@1/node_modules/c/x.js": 7000,
    }
    (found,) = look(tree, config=ImageConfig(workdir="/app", cmd=("node", "x"))).kind("dev-dependencies")
    assert found.title.startswith("2 development packages of pnpm") and found.confidence == "B"
    assert {path.split("/")[3] for path in found.paths} == {"c@1", "d@1"}
    # pnpm links what a package needs beside it: that says it, too, where the manifest's text was not kept.
    unsaid = {**tree, f"{store}/a@1/node_modules/a/package.json": b""}
    (found,) = look(unsaid, config=ImageConfig(workdir="/app", cmd=("node", "x"))).kind("dev-dependencies")
    assert found.confidence == "B" and {path.split("/")[3] for path in found.paths} == {"c@1", "d@1"}


def test_caches_in_node_modules() -> None:
    tree: Tree = {"app/node_modules/.cache/babel-loader/a.json": 800, "app/node_modules/a/x.js": 5}
    (found,) = look(tree).kind("package-cache")
    assert (found.bytes, found.confidence) == (800, "B")
    read = ImageConfig(cmd=("node", "/app/node_modules/.cache/babel-loader/a.json"))
    assert look(tree, config=read).kind("package-cache") == []
    assert look({"app/.cache/a.json": 800}).kind("package-cache") == []


def test_documentation_of_gems() -> None:
    home = "usr/local/bundle"
    tree: Tree = {f"{home}/doc/a-1/ri/A.ri": 500, f"{home}/specifications/a-1.gemspec": 3, f"{home}/gems/a-1/lib/a.rb": 9}
    (found,) = look(tree).kind("docs")
    assert (found.bytes, found.confidence) == (500, "B")
    assert look({"srv/doc/a": 500, "srv/gems/a": 1}).kind("docs") == []


def test_a_tagged_virtual_environment_is_no_cache() -> None:
    tag = F(b"Signature: 8a477f597d28d172789f06886806bc55\n")
    tree: Tree = {"app/.venv/CACHEDIR.TAG": tag, "app/.venv/lib/x.py": 700}
    assert look(tree).kind("package-cache")
    assert look({**tree, "app/.venv/pyvenv.cfg": b"home = /usr/bin\n"}).kind("package-cache") == []


def test_what_built_a_site_that_a_server_shows() -> None:
    tree: Tree = {
        "site/package.json": manifest(dependencies={"a": "1"}),
        "site/node_modules/a/x.js": 900,
        "site/build/index.html": 30,
        "usr/local/bin/serve": TOOL,
    }
    serve = ImageConfig(cmd=("serve", "-s", "build"), env=(PATH,), workdir="/site")
    (found,) = look(tree, config=serve).kind("dev-dependencies")
    assert (found.bytes, found.confidence, found.paths) == (900, "B", ("site/node_modules",))
    for command in (
        ("serve",),
        ("serve", "."),
        ("serve", "/site/"),
        ("serve", "/"),
        ("node", "server.js"),
        ("serve", "node_modules/a"),
        ("nginx", "-g", "daemon off;"),
        ("/site/node_modules/.bin/serve", "build"),
    ):
        near = ImageConfig(cmd=command, env=(PATH,), workdir="/site")
        assert look({**tree, "site/node_modules/.bin/serve": TOOL}, config=near).kind("dev-dependencies") == [], command
    nginx = ImageConfig(cmd=("nginx", "-g", "daemon off;"), env=(PATH,), workdir="/site")
    for place, found in (("/site/build", True), ("/site", False), ("/srv", True)):
        text = f"location / {{ root {place}; }}\n".encode()
        seen = look({**tree, "usr/bin/nginx": TOOL, "etc/nginx/nginx.conf": F(text)}, config=nginx)
        assert bool(seen.kind("dev-dependencies")) == found, place
    moved = {path.replace("site/", "var/www/html/"): what for path, what in tree.items()}
    assert (
        look({**moved, "usr/bin/nginx": TOOL, "etc/nginx/nginx.conf": F(b"events {}\n")}, config=nginx).kind("dev-dependencies")
        == []
    )
