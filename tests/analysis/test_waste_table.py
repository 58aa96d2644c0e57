"""The table of waste kinds, row by row: what is found for each, how sure that is, and what stands nearest to it and is none."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from waste_scenes import F, Tree, elf, look, status

from msbtui.analysis.waste import KINDS
from msbtui.image.model import ImageConfig

APP = ImageConfig(entrypoint=("/usr/local/bin/app",), env=("PATH=/usr/local/bin:/usr/bin", "GOPATH=/go"))
PROGRAM: Tree = {"usr/local/bin/app": 90}
ELVES = {"usr/local/bin/app": elf("ET_EXEC")}
BIG = b"x" * 300_000
KEY = F(
    b"-----BEGIN OPENSSH PRIVATE KEY-----\n" + b"b3BlbnNzaC1rZXktdjEAAAAABG5vbmU" * 4 + b"\n-----END OPENSSH PRIVATE KEY-----\n"
)
APK = "P:{name}\nV:1\nA:x86_64\nI:10\nD:{depends}\nF:usr/lib\nR:{file}\n\n"


@dataclass
class Scene:
    """What an image holds, and what is to be found in it."""

    trees: Sequence[Tree]
    found: int | None = None
    """Bytes of all findings of the row's kind; None: there is none."""
    more: dict[str, Any] = field(default_factory=dict)
    """Arguments of `look`."""


def near(*trees: Tree, **more: Any) -> Scene:
    return Scene(trees, None, more)


def hit(found: int, *trees: Tree, **more: Any) -> Scene:
    return Scene(trees, found, more)


def run(command: str) -> dict[str, Any]:
    return {"dockerfile": f"FROM scratch\nRUN {command}\n", "history": [f"RUN /bin/sh -c {command} # buildkit"]}


def copy(words: str) -> dict[str, Any]:
    return {"dockerfile": f"FROM scratch\nCOPY {words}\n", "history": [f"COPY {words} # buildkit"]}


def manifest(**facts: object) -> F:
    return F(json.dumps(facts).encode())


def starts(*words: str) -> dict[str, Any]:
    return {"config": ImageConfig(cmd=words, env=("PATH=/usr/local/bin:/usr/bin:/bin", "GOPATH=/go"), workdir="/app")}


ROWS: dict[str, tuple[str, str, list[Scene], list[Scene]]] = {
    "deleted later": (
        "deleted-later",
        "A",
        [hit(70, {"a": 70}, {".wh.a": 0}), hit(70, {"d/a": 70}, {".wh.d": 0})],
        [near({"a": 70}), near({"a": F(hard="b"), "b": 70}, {".wh.a": 0}), near({"a": 0}, {".wh.a": 0})],
    ),
    "overwritten later": (
        "overwritten-later",
        "A",
        [hit(70, {"a": 70}, {"a": 80})],
        [near({"a": 70}, {"b": 80}), near({"a/": None}, {"a/": None})],
    ),
    "same content, changed owner, mode or time": (
        "metadata-only-copy",
        "A",
        [hit(5, {"a": F(b"aaaaa")}, {"a": F(b"aaaaa", uid=7)}), hit(5, {"a": F(b"aaaaa")}, {"a": F(b"aaaaa", mode=0o700)})],
        [near({"a": F(b"aaaaa")}, {"a": F(b"aaaab", uid=7)}), near({"a": F(b"aaaaa")}, {"a": F(b"aaaaa")})],
    ),
    "moved": (
        "moved",
        "A",
        [hit(9000, {"a": F(b"m" * 9000)}, {".wh.a": 0, "b": F(b"m" * 9000)})],
        [
            near({"a": F(b"m" * 9000)}, {".wh.a": 0, "b": F(b"n" * 9000)}),
            near({"a": F(b"m" * 9), "b": 1}, {".wh.a": 0, "c": F(b"m" * 9)}),
        ],
    ),
    "copied": (
        "duplicate-content",
        "C",
        [hit(300_000, {"a": F(BIG)}, {"b": F(BIG)})],
        [near({"a": F(BIG), "b": F(hard="a")}), near({"a": F(BIG[:30_000])}, {"b": F(BIG[:30_000])})],
    ),
    "apt": (
        "package-cache",
        "A",
        [
            hit(9, {"var/lib/apt/lists/deb.example.org_debian_dists_x_main_binary-amd64_Packages.lz4": 9}),
            hit(9, {"var/cache/apt/archives/a_1_amd64.deb": 9}),
            hit(9, {"var/cache/apt/pkgcache.bin": 9}),
        ],
        [near({"var/lib/apt/lists/lock": 9, "var/lib/apt/extended_states": 9, "var/cache/apt/archives/lock": 9})],
    ),
    "apk": (
        "package-cache",
        "A",
        [hit(9, {"var/cache/apk/APKINDEX.066df28d.tar.gz": 9}), hit(9, {"etc/apk/cache/a-1.apk": 9})],
        [near({"etc/apk/world": 9, "lib/apk/db/scripts.tar": 9, "srv/a.apk": 9})],
    ),
    "dnf, yum, zypper, pacman": (
        "package-cache",
        "A",
        [hit(9, {f"var/cache/{place}/a": 9}) for place in ("dnf", "yum", "libdnf5", "PackageKit", "zypp", "pacman/pkg")],
        [near({"var/lib/dnf/history.sqlite": 9, "var/cache/pacmanx/a": 9, "etc/yum.repos.d/a": 9})],
    ),
    "pip, uv, poetry, pipenv, conda": (
        "package-cache",
        "A",
        [hit(9, {f"root/.cache/{place}/a": 9}) for place in ("pip", "uv", "pypoetry", "pipenv")]
        + [hit(9, {"opt/conda/pkgs/a": 9}), hit(9, {"root/miniconda3/pkgs/a": 9})],
        [near({"root/.cache/huggingface/a": 9, "root/.config/pip/pip.conf": 9, "opt/conda/lib/a": 9})],
    ),
    "npm, yarn, pnpm, bun, node-gyp": (
        "package-cache",
        "A",
        [
            hit(9, {f"root/{place}/a": 9})
            for place in (
                ".npm/_cacache",
                ".npm/_logs",
                ".cache/yarn",
                ".local/share/pnpm/store",
                ".bun/install/cache",
                ".cache/node-gyp",
            )
        ]
        + [
            hit(9, {"usr/local/share/.cache/yarn/v6/a": 9}),
            hit(9, {"app/.yarn/cache/a.zip": 9, "app/node_modules/x": 1}),
            # Hard-linked into node_modules: only what the store alone has goes with it.
            hit(
                4,
                {
                    "app/node_modules/x": 9,
                    "root/.local/share/pnpm/store/a": F(hard="app/node_modules/x"),
                    "root/.local/share/pnpm/store/i": 4,
                },
            ),
        ],
        [near({"app/.yarn/cache/a.zip": 9, "app/.pnp.cjs": 1, "app/node_modules/x": 1}), near({"root/.npmrc": 9})],
    ),
    "maven, gradle, sbt": (
        "package-cache",
        "B",
        [
            hit(9, {f"root/{place}/a": 9})
            for place in (".m2/repository", ".gradle/caches", ".gradle/wrapper/dists", ".ivy2/cache", ".cache/coursier")
        ],
        [near({"root/.m2/settings.xml": 9}), near({"root/.m2/repository/a.jar": 9}, **starts("mvn", "exec:java"))],
    ),
    "cargo": (
        "package-cache",
        "A",
        [hit(9, {"usr/local/cargo/registry/cache/a.crate": 9}), hit(9, {"root/.cargo/git/db/a": 9})],
        [near({"usr/local/cargo/bin/tool": 9, "root/.cargo/config.toml": 9})],
    ),
    "rust's target": (
        "build-objects",
        "A",
        [hit(11, {"s/target/.rustc_info.json": 2, "s/target/release/deps/a.rlib": 9, "s/target/release/app": 70})],
        [near({"s/target/release/deps/a.json": 9, "s/target/index.html": 5})],
    ),
    "rust's toolchains": (
        "compiler",
        "B",
        [hit(9, {"root/.rustup/toolchains/stable/bin/rustc": 9})],
        [near({"root/.rustup/settings.toml": 9})],
    ),
    "go's caches": (
        "package-cache",
        "A",
        [hit(9, {"go/pkg/mod/a@v1/a.go": 9}), hit(9, {"root/.cache/go-build/00/a-d": 9})],
        [near({"go/bin/tool": 9}), near({"go/pkg/mod/a@v1/a.go": 9}, **starts("go", "run", "."))],
    ),
    "go's toolchain": (
        "compiler",
        "B",
        [hit(18, {"usr/local/go/bin/go": 9, "usr/local/go/pkg/tool/linux_amd64/compile": 9})],
        [near({"srv/go": 9, "srv/go.txt": 9})],
    ),
    "gem, bundler": (
        "package-cache",
        "A",
        [
            hit(9, {"usr/local/bundle/cache/a-1.gem": 9}),
            hit(9, {"usr/local/bundle/cache/bundler/git/a-0123/HEAD": 9}),
            hit(9, {"var/lib/gems/3.1.0/cache/a-1.gem": 9}),
        ],
        [near({"usr/local/bundle/gems/a-1/lib/a.rb": 9, "app/vendor/a-1.gem": 9})],
    ),
    "composer": (
        "package-cache",
        "A",
        [hit(9, {"root/.composer/cache/a.zip": 9}), hit(9, {"root/.cache/composer/a.zip": 9})],
        [near({"root/.composer/auth.json": 9, "root/.composer/vendor/bin/x": 9})],
    ),
    "nuget, hex": (
        "package-cache",
        "B",
        [hit(9, {"root/.nuget/packages/a.nupkg": 9}), hit(9, {"root/.hex/packages/hexpm/a.tar": 9})],
        [near({"root/.hex/hex.config": 9}), near({"root/.nuget/packages/a.nupkg": 9}, **starts("dotnet", "run"))],
    ),
    "ccache, and any cache that is tagged": (
        "package-cache",
        "A",
        [
            hit(9, {"root/.cache/ccache/a": 9}),
            hit(52, {"x/CACHEDIR.TAG": F(b"Signature: 8a477f597d28d172789f06886806bc55"), "x/a": 9}),
        ],
        [near({"x/CACHEDIR.TAG": F(b"Signature: something else"), "x/a": 9})],
    ),
    "version control": (
        "vcs",
        "A",
        [
            hit(14, {"a/.git/HEAD": 5, "a/.git/objects/x": 9}),
            hit(14, {"a/.hg/store/x": 9, "a/.hg/requires": 5}),
            hit(9, {"a/.svn/wc.db": 9}),
        ],
        [near({"a/.git": F(b"gitdir: ../x\n"), "a/.gitkeep": 5, "b/.git/notes": 5})],
    ),
    "compilers, by the database": (
        "compiler",
        "A",
        [
            # 14 bytes of dpkg's own record
            hit(
                23,
                {
                    "var/lib/dpkg/status": status({"Package": "make", "Section": "devel"}),
                    "var/lib/dpkg/info/make.list": F(b""),
                    "x": 1,
                },
                {
                    "var/lib/dpkg/status": status({"Package": "make", "Section": "devel"}),
                    "var/lib/dpkg/info/make.list": F(b"/usr/bin/make\n"),
                    "usr/bin/make": F(b"m" * 9, mode=0o755),
                },
                base=1,
            ),
        ],
        [
            near(
                {
                    "var/lib/dpkg/status": status({"Package": "less", "Section": "text"}),
                    "var/lib/dpkg/info/less.list": F(b"/usr/bin/less\n"),
                    "usr/bin/less": F(b"l" * 9, mode=0o755),
                }
            ),
        ],
    ),
    "compilers without an owner": (
        "compiler",
        "B",
        [hit(9, {"usr/libexec/gcc/x/12/cc1": 9}), hit(9, {"opt/x/bin/clang": 9}), hit(9, {"opt/x/bin/cmake": 9})],
        [
            near({"srv/make": 9, "usr/share/x/cc1.txt": 9}),
            near({"opt/x/bin/cmake": F(b"m" * 9, mode=0o755)}, **starts("/opt/x/bin/cmake")),
        ],
    ),
    "headers, static libraries, link helpers": (
        "dev-files",
        "B",
        [
            hit(9, {f"usr/local/{path}": 9})
            for path in ("include/a.h", "lib/liba.a", "lib/liba.la", "lib/pkgconfig/a.pc", "lib/cmake/aConfig.cmake")
        ],
        [
            near(
                {"usr/local/lib/liba.so.1": 9, "srv/include/a.html": 9, "usr/local/lib/python3.11/site-packages/n/include/n.h": 9}
            )
        ],
    ),
    "objects and build trees": (
        "build-objects",
        "A",
        [
            hit(9, {"s/a.o": 9}, elves={"s/a.o": elf("ET_REL")}),
            hit(14, {"b/CMakeCache.txt": 5, "b/CMakeFiles/x/y.txt": 9}),
            hit(14, {"s/config.status": 5, "s/config.log": 9}),
        ],
        [near({"s/a.o": 9}, elves={"s/a.o": elf("ET_DYN")}), near({"s/config.log": 9, "s/notes.d": 9})],
    ),
    "sources of compiled code": (
        "sources",
        "B",
        [hit(14, {"s/go.mod": 5, "s/main.go": 9, **PROGRAM}, elves={"usr/local/bin/app": elf("ET_EXEC", paths=("/s/main.go",))})],
        [
            near({"s/go.mod": 5, "s/data.csv": 9, **PROGRAM}),
            near({"s/go.mod": 5, "s/main.go": 9}, **starts("go", "run", ".")),
            near({"s/app.py": 9, "s/pyproject.toml": 4, **PROGRAM}),
        ],
    ),
    "development dependencies": (
        "dev-dependencies",
        "A",
        [
            hit(
                9,
                {
                    "app/node_modules/.package-lock.json": manifest(packages={"node_modules/a": {"dev": True}}),
                    "app/node_modules/a/x.js": 9,
                },
            ),
            hit(9, {"app/vendor/composer/installed.json": manifest(**{"dev-package-names": ["a/b"]}), "app/vendor/a/b/x.php": 9}),
        ],
        [
            near(
                {"app/node_modules/.package-lock.json": manifest(packages={"node_modules/a": {}}), "app/node_modules/a/x.js": 9}
            ),
            near({"app/vendor/composer/installed.json": manifest(**{"dev-package-names": []}), "app/vendor/a/b/x.php": 9}),
        ],
    ),
    "tests of libraries": (
        "tests",
        "B",
        [hit(9, {"usr/local/lib/python3.11/site-packages/n/tests/test_a.py": 9})],
        [near({"app/tests/test_a.py": 9, "usr/local/lib/python3.11/site-packages/pytest/a.py": 9})],
    ),
    "documentation, manuals, translations": (
        "docs",
        "B",
        [
            hit(9, {f"usr/share/{path}": 9})
            for path in ("doc/a/README.gz", "man/man1/a.1.gz", "info/a.gz", "locale/de/LC_MESSAGES/a.mo")
        ],
        [
            near({"usr/share/doc/a/copyright": 9, "usr/share/zoneinfo/UTC": 9}),
            near({"usr/share/locale/de/LC_MESSAGES/a.mo": 9}, config=ImageConfig(env=("LANG=de_DE.UTF-8",))),
        ],
    ),
    "bytecode": (
        "bytecode",
        "B",
        [hit(9, {"s/a.py": 5, "s/__pycache__/a.cpython-311.pyc": 9})],
        [near({"s/__pycache__/a.cpython-311.pyc": 9}), near({"s/a.pyc": 9})],
    ),
    "debug symbols": (
        "debug-symbols",
        "A",
        [hit(9, {"usr/lib/debug/.build-id/aa/b.debug": 9}, elves={"usr/lib/debug/.build-id/aa/b.debug": elf("ET_DYN")})],
        [near({"srv/notes.debug": 9})],
    ),
    "symbols in programs": (
        "debug-symbols",
        "C",
        [
            hit(
                600_000,
                {"usr/local/bin/app": F(b"p" * 700_000)},
                elves={"usr/local/bin/app": elf("ET_EXEC", debug_bytes=600_000)},
            )
        ],
        [near({"usr/local/bin/app": F(b"p" * 700_000)}, elves={"usr/local/bin/app": elf("ET_EXEC", debug_bytes=600)})],
    ),
    "archives after unpacking": (
        "unpacked-archive",
        "B",
        [hit(9000, {"a.tar.gz": 9000, "a/x": 5}, **run("curl -O b/a.tar.gz && tar xf a.tar.gz"))],
        [near({"a.tgz": 9000}, **run("tar czf a.tgz /etc")), near({"srv/a.zip": 9000}, **copy("a.zip /srv/"))],
    ),
    "logs and temporary files": (
        "log-temp",
        "B",
        [
            hit(9, {path: 9})
            for path in (
                "tmp/a",
                "var/tmp/a",
                "var/log/dpkg.log",
                "var/log/apt/term.log",
                "var/cache/debconf/config.dat-old",
                "var/cache/ldconfig/aux-cache",
                "var/log/lastlog",
            )
        ],
        [
            near({"var/log/nginx/": None, "var/lib/x/a.log": 9, "srv/tmp/a": 9}),
            near({"tmp/app": F(b"p" * 9, mode=0o755)}, **starts("/tmp/app")),
        ],
    ),
    "much of it": (
        "log-temp",
        "A",
        [hit(1_000_000, {"tmp/a": F(b"t" * 1_000_000)})],
        [near({"var/opt/a": F(b"t" * 1_000_000)})],
    ),
    "the whole context": (
        "context-junk",
        "B",
        [
            hit(9, {f"srv/{path}": 9}, **copy(". /srv"))
            for path in (".vscode/a", ".idea/a", "Dockerfile", "htmlcov/a", ".DS_Store")
        ]
        + [hit(9, {"srv/notes.md": 9, "srv/a.py": 5}, ignored=lambda path: path == "notes.md", **copy(". /srv"))],
        [near({"srv/.vscode/a": 9}, **run("x")), near({"srv/dist/a": 9, "srv/docs/a": 9, "srv/LICENSE": 9}, **copy(". /srv"))],
    ),
    "secrets by content": (
        "secret",
        "A",
        [
            hit(len(KEY.data), {"root/.ssh/id_ed25519": KEY}),
            hit(len(KEY.data), {"srv/key": KEY}, {"srv/.wh.key": 0}),
            hit(33, {"srv/.npmrc": F(b"//r/:_authToken=abcdef0123456789\n")}),
        ],
        [
            near(
                {
                    "srv/ca.pem": F(b"-----BEGIN CERTIFICATE-----\n"),
                    "x/tests/id_rsa": KEY,
                    "srv/.npmrc": F(b"//r/:_authToken=${T}\n"),
                }
            )
        ],
    ),
    "secrets by name": (
        "secret",
        "C",
        [hit(0, {"a": 1}, config=ImageConfig(env=("API_TOKEN=x",))), hit(9, {"srv/x.pfx": 9})],
        [near({"srv/x.pem": 9, "srv/x.key": 9}, config=ImageConfig(env=("PUBLIC_KEY=x", "GPG_KEY=A", "TOKENIZERS=1")))],
    ),
    "a whole file system": (
        "whole-filesystem-copy",
        "A",
        [
            hit(
                9,
                {"lib/a": 9},
                {"lib/a": 9, "app": 5},
                base=1,
                dockerfile="FROM x AS b\nFROM debian\nCOPY --from=b / /\n",
                history=["COPY / / # buildkit"],
            )
        ],
        [
            near(
                {"lib/a": 9},
                {"lib/b": 9},
                base=1,
                dockerfile="FROM x AS b\nFROM debian\nCOPY --from=b /lib /lib\n",
                history=["COPY /lib /lib # buildkit"],
            )
        ],
    ),
    "a stage that nothing uses": (
        "unreferenced-stage",
        "A",
        [hit(0, {"a": 5}, dockerfile="FROM a AS u\nFROM scratch\nCOPY a /a\n", history=["COPY a /a # buildkit"])],
        [near({"a": 5}, dockerfile="FROM a AS u\nFROM scratch\nCOPY --from=u a /a\n", history=["COPY a /a # buildkit"])],
    ),
}


def found(row: str, scene: Scene) -> list[Any]:
    more = {"config": APP, "elves": ELVES, **scene.more}
    return look(*scene.trees, **more).kind(ROWS[row][0])


def cases(which: int) -> list[Any]:
    return [pytest.param(row, scene, id=f"{row} {at}") for row, parts in ROWS.items() for at, scene in enumerate(parts[which])]


@pytest.mark.parametrize(("row", "scene"), cases(2))
def test_hit(row: str, scene: Scene) -> None:
    findings = found(row, scene)
    assert findings
    assert sum(finding.bytes for finding in findings) == scene.found
    assert {finding.confidence for finding in findings} == {ROWS[row][1]}


@pytest.mark.parametrize(("row", "scene"), cases(3))
def test_near_miss(row: str, scene: Scene) -> None:
    assert found(row, scene) == []


def test_every_kind_has_a_hit_and_a_near_miss() -> None:
    for row, (kind, _, hits, misses) in ROWS.items():
        assert hits and misses, row
        assert kind in {one.id for one in KINDS}, row
    assert {kind for kind, *_ in ROWS.values()} == {one.id for one in KINDS}


def test_every_kind_has_its_texts_and_its_rule_in_a_module_of_its_own() -> None:
    modules: dict[str, list[str]] = {}
    for kind in KINDS:
        assert kind.title and kind.advice and len(kind.explanation) > 40, kind.id
        modules.setdefault(kind.find.__module__, []).append(kind.id)
    # What later layers hid is told apart by one comparison of the two copies.
    shared = {module.rpartition(".")[2]: ids for module, ids in modules.items() if len(ids) > 1}
    assert shared == {"hidden": ["deleted-later", "overwritten-later", "metadata-only-copy", "moved"]}
