"""Bytes that are still in the image and not needed: each kind with a hit and a near miss."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import zstandard
from waste_scenes import F, auto, elf, look, status

from msbtui.analysis.waste import KINDS, kind_of
from msbtui.image.model import Healthcheck, ImageConfig

APP = ImageConfig(entrypoint=("/usr/local/bin/app",), env=("PATH=/usr/local/bin:/usr/bin",))
PROGRAM = {"usr/local/bin/app": elf("ET_EXEC")}


def kinds(seen: object) -> list[str]:
    return [finding.kind for finding in seen.report.findings]  # type: ignore[attr-defined]


# -- package caches ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "tool"),
    [
        ("var/lib/apt/lists/deb.example.org_debian_dists_bookworm_main_binary-amd64_Packages.lz4", "apt"),
        ("var/lib/apt/lists/deb.example.org_debian_dists_bookworm_InRelease", "apt"),
        ("var/cache/apt/archives/gcc_12_amd64.deb", "apt"),
        ("var/cache/apt/pkgcache.bin", "apt"),
        ("var/cache/apk/APKINDEX.066df28d.tar.gz", "apk"),
        ("var/cache/dnf/x/packages/a.rpm", "dnf/yum"),
        ("root/.cache/pip/http/a/b/c", "pip"),
        ("home/me/.cache/pip/wheels/a", "pip"),
        ("root/.npm/_cacache/index-v5/a", "npm"),
        ("root/.npm/_logs/x-debug-0.log", "npm"),
        ("usr/local/share/.cache/yarn/v6/a", "yarn"),
        ("go/pkg/mod/cache/download/a.zip", "go modules"),
        ("go/pkg/mod/example.com/m@v1.0.0/m.go", "go modules"),
        ("root/.cache/go-build/00/a-d", "go build"),
        ("usr/local/cargo/registry/cache/a.crate", "cargo"),
        ("root/.cargo/git/db/a", "cargo"),
        ("root/.m2/repository/a/b.jar", "maven"),
        ("root/.gradle/caches/a", "gradle"),
        ("usr/local/bundle/cache/a-1.gem", "gem"),
        ("root/.composer/cache/files/a.zip", "composer"),
    ],
)
def test_caches_are_found(path: str, tool: str) -> None:
    seen = look({path: 1000, "home/me/.profile": b"", "root/.bashrc": b""}, config=APP)
    (found,) = seen.kind("package-cache")
    assert found.bytes == 1000
    assert found.title == f"{tool} cache: still in layer 0"
    assert found.confidence == ("B" if tool in ("maven", "gradle") else "A")
    assert found.advice
    assert seen.report.removable == seen.report.total == 1000


@pytest.mark.parametrize(
    "path",
    [
        "var/lib/apt/lists/lock",
        "var/lib/apt/extended_states",
        "etc/apk/world",
        "root/.npm/package.json",
        "root/.npmrc",
        "usr/local/cargo/bin/tool",
        "root/.cache/huggingface/model",
        "go/bin/tool",
        "usr/local/bundle/gems/a/lib/a.rb",
        "srv/.cache/pip/x",
    ],
)
def test_what_is_no_cache(path: str) -> None:
    assert look({path: 1000, "root/x": b"1"}, config=APP).kind("package-cache") == []


def test_a_cache_that_the_start_command_reads_is_none() -> None:
    tree = {"go/pkg/mod/cache/download/a.zip": 1000, "usr/bin/go": 10}
    assert look(tree, config=ImageConfig(cmd=("go", "run", "."), env=("PATH=/usr/bin",))).kind("package-cache") == []
    assert look({"root/.m2/repository/a.jar": 10}, config=ImageConfig(cmd=("mvn", "exec:java"))).kind("package-cache") == []


def test_environment_moves_a_cache_but_never_makes_the_root_one() -> None:
    moved = ImageConfig(env=("GOCACHE=/var/gocache", "PIP_CACHE_DIR=/"))
    seen = look({"var/gocache/00/a-d": 100, "var/lib/x": 5, "srv/x": 50}, config=moved)
    assert [(finding.bytes, finding.paths) for finding in seen.kind("package-cache")] == [(100, ("var/gocache",))]


def test_a_tagged_cache_directory_is_one() -> None:
    tag = b"Signature: 8a477f597d28d172789f06886806bc55\n# made by x"
    seen = look({"srv/x/.cache/CACHEDIR.TAG": F(tag), "srv/x/.cache/a": 100, "srv/y/CACHEDIR.TAG": F(b"no"), "srv/y/a": 100})
    assert [(finding.paths, finding.bytes) for finding in seen.kind("package-cache")] == [(("srv/x",), 100 + len(tag))]
    target = look({"src/target/CACHEDIR.TAG": F(tag), "src/target/.rustc_info.json": b"{}", "src/target/release/app": 100})
    assert target.kind("package-cache") == []


# -- compilers ---------------------------------------------------------------------------------------------------------

LIBC = {"Package": "libc6", "Priority": "optional"}
GCC = {"Package": "gcc-12", "Section": "devel", "Depends": "cpp-12 (= 1), libisl23 (>= 0.15), libc6"}
CPP = {"Package": "cpp-12", "Section": "devel", "Depends": "libc6"}
ISL = {"Package": "libisl23", "Depends": "libc6"}
CURL_DEV = {"Package": "libcurl-dev", "Section": "libdevel", "Depends": "libcurl4 (= 1)"}
CURL = {"Package": "libcurl4", "Depends": "libssl3"}
SSL = {"Package": "libssl3"}


def debian(*packages: dict[str, str], automatic: tuple[str, ...] = ()) -> dict[str, bytes | int]:
    """A database, and one file of 1000 bytes for each package."""
    tree: dict[str, bytes | int] = {"var/lib/dpkg/status": status(*packages)}
    for package in packages:
        name = package["Package"]
        path = f"usr/lib/x86_64-linux-gnu/{name}.so.1"
        tree[path] = 1000
        tree[f"var/lib/dpkg/info/{name}.list"] = f"/.\n/usr\n/{path}\n".encode()
    if automatic:
        tree["var/lib/apt/extended_states"] = auto(*automatic)
    return tree


def above(tree: dict[str, bytes | int], base: dict[str, bytes | int]) -> dict[str, bytes | int]:
    return {path: what for path, what in tree.items() if base.get(path) != what}


BASE = debian(LIBC)
ALL = (LIBC, GCC, CPP, ISL, CURL_DEV, CURL, SSL)
AUTO = ("cpp-12", "libisl23", "libcurl4", "libssl3")
FULL = above(debian(*ALL, automatic=AUTO), BASE)
USES_CURL = {
    "usr/local/bin/app": elf("ET_EXEC", ("libcurl4.so.1",)),
    **{f"usr/lib/x86_64-linux-gnu/{package['Package']}.so.1": elf() for package in ALL},
}


def owned(seen: object) -> set[str]:
    found = seen.kind("compiler")  # type: ignore[attr-defined]
    return {path.rpartition("/")[2].partition(".so")[0] for finding in found for path in finding.paths if "info" not in path}


def test_compilers_and_what_only_they_need_by_the_package_database() -> None:
    seen = look(BASE, FULL, {"usr/local/bin/app": 50}, base=1, elves=USES_CURL, config=APP)
    (found,) = seen.kind("compiler")
    assert owned(seen) == {"gcc-12", "cpp-12", "libisl23", "libcurl-dev"}
    records = sum(len(what) for path, what in FULL.items() if path.endswith((*(f"{name}.list" for name in owned(seen)),)))  # type: ignore[arg-type]
    assert found.bytes == 4000 + records
    assert (found.confidence, found.layer, found.in_base) == ("A", 1, False)
    assert found.title == "gcc-12, libcurl-dev, cpp-12 and 1 more: still in layer 1"
    assert seen.report.removable == found.bytes


def test_libraries_that_nothing_loads_go_with_their_development_package() -> None:
    seen = look(BASE, FULL, {"usr/local/bin/app": 50}, base=1, elves={"usr/local/bin/app": elf("ET_EXEC")}, config=APP)
    assert owned(seen) == {"gcc-12", "cpp-12", "libisl23", "libcurl-dev", "libcurl4", "libssl3"}


def test_a_library_opened_by_name_stays() -> None:
    elves = {**USES_CURL, "usr/local/bin/app": elf("ET_EXEC", (), libraries=("libcurl4.so.1",))}
    seen = look(BASE, FULL, {"usr/local/bin/app": 50}, base=1, elves=elves, config=APP)
    assert owned(seen) == {"gcc-12", "cpp-12", "libisl23", "libcurl-dev"}


def test_what_was_asked_for_by_name_stays() -> None:
    tree = above(debian(*ALL, automatic=("cpp-12", "libcurl4", "libssl3")), BASE)
    seen = look(BASE, tree, {"usr/local/bin/app": 50}, base=1, elves=USES_CURL, config=APP)
    assert "libisl23" not in owned(seen)


def test_without_apts_record_only_the_named_packages_are_found() -> None:
    seen = look(BASE, above(debian(*ALL), BASE), {"usr/local/bin/app": 50}, base=1, elves=USES_CURL, config=APP)
    assert owned(seen) == {"gcc-12", "cpp-12", "libcurl-dev"}


def test_a_compiler_that_the_container_starts_stays_with_its_needs() -> None:
    runs = ImageConfig(cmd=("sh", "-c", "gcc-12.so.1 x.c && ./a.out"), env=("PATH=/usr/lib/x86_64-linux-gnu",))
    seen = look(BASE, FULL, base=1, elves=USES_CURL, config=runs)
    assert owned(seen) & {"gcc-12", "cpp-12", "libisl23"} == set()
    assert "libcurl-dev" in owned(seen)
    probe = ImageConfig(healthcheck=Healthcheck(("CMD", "gcc-12.so.1")), env=("PATH=/usr/lib/x86_64-linux-gnu",))
    assert "gcc-12" not in owned(look(BASE, FULL, base=1, elves=USES_CURL, config=probe))


def test_a_compiler_that_an_entrypoint_script_calls_stays() -> None:
    script = F(b'#!/bin/sh\n# not: other\nexec gcc-12.so.1 "$@"\n', mode=0o755)
    config = ImageConfig(entrypoint=("/start.sh",), env=("PATH=/usr/lib/x86_64-linux-gnu",))
    assert "gcc-12" not in owned(look(BASE, FULL, {"start.sh": script}, base=1, elves=USES_CURL, config=config))
    comment = F(b"#!/bin/sh\n# gcc-12.so.1 was here\nexec sleep 1\n", mode=0o755)
    assert "gcc-12" in owned(look(BASE, FULL, {"start.sh": comment}, base=1, elves=USES_CURL, config=config))


def test_compilers_of_the_base_are_told_apart_at_from() -> None:
    both = debian(LIBC, GCC, CPP, automatic=("cpp-12",))
    seen = look(both, {"srv/x": 5}, base=1, config=APP, dockerfile="\nFROM gcc\nRUN x\n", history=["RUN /bin/sh -c x # buildkit"])
    (found,) = seen.kind("compiler")
    assert (found.layer, found.line, found.in_base) == (0, 2, True)
    assert "base" in found.advice
    assert (seen.report.removable, seen.report.total) == (0, 0)
    assert seen.report.findings[-1] is found


def test_apk_development_packages() -> None:
    def database(*packages: tuple[str, str, str]) -> bytes:
        return "".join(f"P:{name}\nV:1\nA:x86_64\nF:usr/lib\nR:{file}\n{more}\n" for name, file, more in packages).encode()

    base = {"lib/apk/db/installed": database(("musl", "libc.so", ""))}
    more = database(("musl", "libc.so", ""), ("gcc", "cc1", ""), ("zlib-dev", "z.h", ""), ("zlib", "libz.so.1", ""))
    seen = look(base, {"lib/apk/db/installed": more, "usr/lib/cc1": 10, "usr/lib/z.h": 20, "usr/lib/libz.so.1": 40}, base=1)
    (found,) = seen.kind("compiler")
    assert (found.bytes, found.paths) == (30, ("usr/lib/cc1", "usr/lib/z.h"))


def test_rpm_development_packages() -> None:
    database = zstandard.decompress((Path(__file__).parent.parent / "data" / "rpm" / "rpmdb.sqlite.zst").read_bytes())
    tree = {
        "var/lib/rpm/rpmdb.sqlite": database,
        "usr/bin/gcc": 100,
        "usr/lib/gcc/cc1": 200,
        "usr/lib64/libmpc.so.3": 40,
        "usr/include/stdio.h": 8,
        "usr/bin/sh": 3,
    }
    (found,) = look(tree, config=APP).kind("compiler")
    # Without dnf's record nobody knows whether libmpc was asked for; bash is no build tool.
    assert (found.bytes, found.confidence) == (308, "A")
    assert found.title.startswith("gcc, glibc-devel")
    runs = ImageConfig(cmd=("gcc", "x.c"), env=("PATH=/usr/bin",))
    assert look(tree, config=runs).kind("compiler") == []


def test_toolchains_without_a_package() -> None:
    go = {"usr/local/go/bin/go": 100, "usr/local/go/pkg/tool/linux_amd64/compile": 200, "usr/local/go/src/fmt/print.go": 300}
    seen = look(go, {"usr/local/bin/app": 5}, elves=PROGRAM, config=APP)
    (found,) = seen.kind("compiler")
    assert (found.bytes, found.confidence, found.paths) == (600, "B", ("usr/local/go",))
    assert found.title == "Go: still in layer 0"
    runs = ImageConfig(cmd=("go", "run", "."), env=("PATH=/usr/local/go/bin",))
    assert look(go, elves=PROGRAM, config=runs).kind("compiler") == []
    assert look({"srv/go/bin/go": 100}, elves=PROGRAM, config=APP).kind("compiler") == []
    gcc = {
        "usr/local/libexec/gcc/x/13/cc1": 100,
        "usr/local/libexec/gcc/x/13/lto1": 50,
        "usr/local/bin/x86_64-linux-gnu-gcc-13": 7,
    }
    assert sum(finding.bytes for finding in look(gcc, config=APP).kind("compiler")) == 157
    rust = {"usr/local/rustup/toolchains/1.80-x86_64/bin/rustc": 100, "usr/local/rustup/toolchains/1.80-x86_64/lib/libstd.so": 50}
    assert [finding.bytes for finding in look(rust, config=APP).kind("compiler")] == [150]
    jdk = {"opt/jdk/bin/javac": 10, "opt/jdk/bin/java": 20, "opt/jdk/jmods/a.jmod": 30, "opt/jdk/lib/modules": 40}
    assert [finding.bytes for finding in look(jdk, config=APP).kind("compiler")] == [40]


def test_an_interpreter_is_no_compiler() -> None:
    tree = {"usr/local/bin/python3": 100, "usr/local/lib/python3.11/os.py": 100, "usr/local/bin/node": 100, "usr/bin/make-app": 1}
    assert look(tree, config=APP).report.findings == ()


def test_libraries_of_a_packaged_entrypoint_stay_even_without_a_dependency() -> None:
    tool = {"Package": "tool", "Depends": "libc6"}
    elves = {**USES_CURL, "usr/lib/x86_64-linux-gnu/tool.so.1": elf("ET_EXEC", ("libcurl4.so.1",))}
    config = ImageConfig(cmd=("/usr/lib/x86_64-linux-gnu/tool.so.1",))
    full = above(debian(*ALL, tool, automatic=AUTO), BASE)
    assert owned(look(BASE, full, base=1, elves=elves, config=config)) == {"gcc-12", "cpp-12", "libisl23", "libcurl-dev"}


# -- build trees -------------------------------------------------------------------------------------------------------

SOURCES = {"src/go.mod": 10, "src/main.go": 100, "src/data/table.csv": 1000, "usr/local/bin/app": 5}


def test_sources_of_the_program_that_starts_elsewhere() -> None:
    built = {"usr/local/bin/app": elf("ET_EXEC", paths=("/src/main.go",))}
    seen = look(SOURCES, elves=built, config=APP)
    (found,) = seen.kind("sources")
    assert (found.bytes, found.confidence, found.paths) == (110, "B", ("src/go.mod", "src/main.go"))
    assert seen.report.removable == 110
    (hint,) = look(SOURCES, elves=PROGRAM, config=APP).kind("sources")
    assert hint.confidence == "C"
    assert look(SOURCES, elves=PROGRAM, config=APP).report.removable == 0


def test_sources_that_run_are_none() -> None:
    run = ImageConfig(cmd=("go", "run", "/src"), env=("PATH=/usr/bin",))
    assert look({**SOURCES, "usr/bin/go": 5}, config=run).kind("sources") == []
    assert look({"srv/pyproject.toml": 10, "srv/app.py": 100}, config=ImageConfig(cmd=("/srv/app.py",))).kind("sources") == []
    assert look(SOURCES, elves=PROGRAM).kind("sources") == []
    inside = ImageConfig(cmd=("/src/app",))
    seen = look({**SOURCES, "src/app": 5}, elves={"src/app": elf("ET_EXEC", paths=("/src/main.go",))}, config=inside)
    assert [finding.confidence for finding in seen.kind("sources")] == ["C"]


def test_objects_of_a_build() -> None:
    tree = {"src/Makefile": 10, "src/a.c": 20, "src/a.o": 300, "usr/lib/crt1.o": 50, "usr/local/bin/app": 5}
    seen = look(tree, elves={**PROGRAM, "src/a.o": elf("ET_REL")}, config=APP)
    assert [(finding.bytes, finding.paths, finding.confidence) for finding in seen.kind("build-objects")] == [
        (300, ("src/a.o",), "A")
    ]
    assert [(finding.bytes, finding.confidence) for finding in seen.kind("sources")] == [(30, "B")]
    assert look({"srv/x.o": 10}, elves={"srv/x.o": elf("ET_DYN")}, config=APP).kind("build-objects") == []


def test_rust_and_cmake_trees() -> None:
    rust = {
        "src/target/.rustc_info.json": b"{}",
        "src/target/CACHEDIR.TAG": b"t" * 1000,
        "src/target/release/.fingerprint/a/x": b"f" * 2000,
        "src/target/release/app.d": b"d" * 4000,
        "src/target/release/data.json": 77,
        "src/target/release/deps/a.rlib": 100,
        "src/target/release/app": 50,
        "src/Cargo.toml": 5,
    }
    seen = look(rust, elves={"src/target/release/app": elf("ET_EXEC")}, config=ImageConfig(cmd=("/src/target/release/app",)))
    assert sum(finding.bytes for finding in seen.kind("build-objects")) == 7102
    assert sum(finding.bytes for finding in seen.kind("sources")) == 5
    cmake = {"b/CMakeCache.txt": 10, "b/CMakeFiles/x/y.txt": 20, "b/app": 50}
    assert [finding.bytes for finding in look(cmake, config=APP).kind("build-objects")] == [30]


def test_headers_and_static_libraries() -> None:
    tree = {
        "usr/local/include/x.h": 10,
        "usr/local/lib/libx.a": 20,
        "usr/local/lib/pkgconfig/x.pc": 30,
        "usr/local/lib/libx.so.1": 40,
        "usr/local/include/python3.11/pyconfig.h": 50,
        "usr/local/lib/python3.11/site-packages/numpy/include/n.h": 60,
        "srv/include/page.html": 70,
    }
    (found,) = look(tree, config=APP).kind("dev-files")
    assert (found.bytes, found.confidence) == (60, "B")


def test_a_sure_rule_has_an_entry_before_a_hint() -> None:
    seen = look({"tmp/src/go.mod": 10, "tmp/src/main.go": 100, "usr/local/bin/app": 5}, elves=PROGRAM, config=APP)
    assert [(finding.kind, finding.bytes) for finding in seen.report.findings] == [("log-temp", 110)]
    assert seen.report.removable == 110


def test_a_program_that_starts_in_its_tree_makes_sources_a_hint() -> None:
    config = ImageConfig(cmd=("app",), env=("PATH=/src",))
    built = {"src/app": elf("ET_EXEC", paths=("/src/main.go",))}
    seen = look({"src/app": 5, "src/go.mod": 10, "src/main.go": 100}, elves=built, config=config)
    assert [(finding.kind, finding.confidence) for finding in seen.report.findings] == [("sources", "C")]


# -- the others --------------------------------------------------------------------------------------------------------


def test_version_control() -> None:
    tree = {"srv/.git/HEAD": b"ref", "srv/.git/objects/aa/b": 100, "srv/app.py": 5}
    (found,) = look(tree, dockerfile="FROM scratch\nCOPY . /srv\n", history=["COPY . /srv # buildkit"]).kind("vcs")
    assert (found.bytes, found.paths, found.confidence, found.line) == (103, ("srv/.git",), "A", 2)
    assert ".dockerignore" in found.advice
    assert look({"srv/.git": F(b"gitdir: ../x"), "opt/.git/config": 5}).kind("vcs") == []


def test_logs_and_temporary_files() -> None:
    tree = {"tmp/x": 10, "var/tmp/y": 20, "var/log/dpkg.log": 30, "var/log/apt/term.log": 40, "var/cache/debconf/t.dat-old": 50}
    (found,) = look({**tree, "var/log/app/.keep": b"1", "var/lib/dpkg/status": b""}, config=APP).kind("log-temp")
    assert found.bytes == 150
    started = ImageConfig(cmd=("/tmp/app/run",))
    assert look({"tmp/app/run": 10, "tmp/app/lib.so": 20}, elves={"tmp/app/run": elf()}, config=started).kind("log-temp") == []


def test_documentation_without_licences() -> None:
    tree = {"usr/share/doc/a/copyright": 10, "usr/share/doc/a/LICENSE": 10, "usr/share/doc/a/changelog.gz": 100}
    tree |= {"usr/share/man/man1/a.1.gz": 200, "usr/share/locale/de/x.mo": 400}
    (found,) = look(tree, config=APP).kind("docs")
    assert (found.bytes, found.confidence) == (700, "B")
    german = ImageConfig(env=("LANG=de_DE.UTF-8",))
    assert look(tree, config=german).kind("docs")[0].bytes == 300


def test_bytecode_beside_its_source() -> None:
    tree = {"srv/a.py": 10, "srv/__pycache__/a.cpython-311.pyc": 20, "srv/__pycache__/b.cpython-311.pyc": 40, "srv/c.pyc": 80}
    assert [finding.bytes for finding in look(tree, config=APP).kind("bytecode")] == [20]


def test_tests_of_libraries() -> None:
    place = "usr/local/lib/python3.11/site-packages"
    tree = {
        f"{place}/numpy/tests/test_a.py": 10,
        f"{place}/numpy/testing/x.py": 20,
        f"{place}/tests.py": 40,
        "srv/tests/test_b.py": 80,
    }
    assert [(finding.bytes, finding.confidence) for finding in look(tree, config=APP).kind("tests")] == [(10, "B")]
    node = look({"srv/node_modules/a/__tests__/x.js": 10, "srv/node_modules/a/index.js": 20}, config=APP)
    assert [(finding.bytes, finding.confidence) for finding in node.kind("tests")] == [(10, "C")]
    assert node.report.removable == 0


def test_debug_symbols() -> None:
    tree = {"usr/lib/debug/x.debug": 100, "usr/local/bin/app": 900_000, "srv/notes.debug": 5}
    elves = {"usr/lib/debug/x.debug": elf(), "usr/local/bin/app": elf("ET_EXEC", debug_bytes=400_000)}
    seen = look(tree, elves=elves, config=APP)
    assert [(finding.bytes, finding.confidence) for finding in seen.kind("debug-symbols")] == [(400_000, "C"), (100, "A")]
    assert seen.report.removable == 100


def test_archives_that_were_unpacked() -> None:
    text = "FROM scratch\nRUN curl -O x/tool.tar.gz && tar xf tool.tar.gz\n"
    history = ["RUN /bin/sh -c curl -O x/tool.tar.gz && tar xf tool.tar.gz # buildkit"]
    tree = {"tool.tar.gz": 9000, "other.tar.gz": 8000, "tool/bin": 5}
    seen = look(tree, config=APP, dockerfile=text, history=history)
    assert [(finding.bytes, finding.confidence) for finding in seen.kind("unpacked-archive")] == [(9000, "B"), (8000, "C")]
    packed = "RUN tar czf backup.tgz --exclude=x /etc"
    made = look({"backup.tgz": 9000}, dockerfile=f"FROM scratch\n{packed}\n", history=[f"RUN /bin/sh -c {packed[4:]} # buildkit"])
    assert made.kind("unpacked-archive") == []
    kept = look({"srv/data.zip": 9000}, config=APP, dockerfile="FROM scratch\nCOPY a /srv\n", history=["COPY a /srv # buildkit"])
    assert kept.kind("unpacked-archive") == []


def test_files_of_the_context_without_use() -> None:
    tree = {"srv/.vscode/settings.json": 10, "srv/Dockerfile": 20, "srv/app.py": 40}
    copied = look(tree, dockerfile="FROM scratch\nCOPY . /srv\n", history=["COPY . /srv # buildkit"])
    assert [finding.bytes for finding in copied.kind("context-junk")] == [30]
    made = look(tree, dockerfile="FROM scratch\nRUN x\n", history=["RUN /bin/sh -c x # buildkit"])
    assert made.kind("context-junk") == []


KEY = b"-----BEGIN OPENSSH PRIVATE KEY-----\n" + b"b3BlbnNzaC1rZXktdjEAAAAABG5vbmU" * 4 + b"\n-----END OPENSSH PRIVATE KEY-----\n"


def test_secrets_in_any_layer_without_their_values() -> None:
    seen = look(
        {"root/.ssh/id_ed25519": F(KEY), "srv/ca.pem": F(b"-----BEGIN CERTIFICATE-----\n")}, {"root/.ssh/.wh.id_ed25519": b""}
    )
    (found,) = seen.kind("secret")
    assert (found.confidence, found.layer, found.paths) == ("A", 0, ("root/.ssh/id_ed25519",))
    assert "still in layer 0" in found.title
    assert b"b3BlbnNz".decode() not in repr(seen.report)
    token = look({"srv/.npmrc": F(b"//r/:_authToken=abcdef0123456789\n")})
    assert [finding.confidence for finding in token.kind("secret")] == ["A"]
    assert "abcdef" not in repr(token.report)
    assert look({"srv/.npmrc": F(b"//r/:_authToken=${NPM_TOKEN}\n"), "x/tests/id_rsa": F(KEY)}).kind("secret") == []


def test_secrets_in_the_environment_by_name() -> None:
    config = ImageConfig(env=("API_TOKEN=hunter2", "GPG_KEY=ABC", "TOKENIZERS_PARALLELISM=1", "PUBLIC_KEY=x"))
    seen = look({"a": 1}, config=config)
    assert [finding.title for finding in seen.kind("secret")] == ["the environment variable API_TOKEN may hold a secret"]
    assert "hunter2" not in repr(seen.report)
    assert seen.kind("secret")[0].bytes == 0


def test_a_whole_file_system_copied() -> None:
    text = "FROM x AS b\nFROM debian\nCOPY --from=b / /\n"
    seen = look(
        {"lib/a": F(b"a" * 100), "lib/b": 50},
        {"lib/a": F(b"a" * 100), "lib/b": 60, "app": 5},
        base=1,
        dockerfile=text,
        history=["COPY / / # buildkit"],
    )
    (found,) = seen.kind("whole-filesystem-copy")
    assert (found.bytes, found.confidence, found.layer, found.line, found.paths) == (100, "A", 1, 3, ("lib/a",))
    one = look({"a": 1}, {"lib/a": 5}, base=1, dockerfile=text.replace("/ /", "/lib /lib"), history=["COPY /lib /lib # buildkit"])
    assert one.kind("whole-filesystem-copy") == []


def test_stages_that_nothing_uses() -> None:
    text = "FROM a AS used\nFROM b AS unused\nRUN x\nFROM scratch\nCOPY --from=used /a /a\n"
    (found,) = look({"a": 5}, dockerfile=text, history=["COPY /a /a # buildkit"]).kind("unreferenced-stage")
    assert (found.bytes, found.line, found.title) == (0, 2, "stage unused (line 2) is not used by the target")


def test_development_dependencies_of_npm() -> None:
    lock = {
        "packages": {
            "node_modules/jest": {"dev": True},
            "node_modules/express": {},
            "node_modules/x/node_modules/y": {"dev": True},
        }
    }
    tree = {
        "srv/node_modules/.package-lock.json": json.dumps(lock).encode(),
        "srv/node_modules/jest/index.js": 100,
        "srv/node_modules/express/index.js": 200,
        "srv/node_modules/x/node_modules/y/index.js": 300,
        "srv/package.json": json.dumps({"scripts": {"start": "node .", "dev": "jest --watch"}}).encode(),
    }
    seen = look(tree, config=ImageConfig(cmd=("npm", "start")))
    (found,) = seen.kind("dev-dependencies")
    assert (found.bytes, found.confidence) == (400, "A")
    used = look(tree, config=ImageConfig(cmd=("npm", "run", "dev")))
    assert [finding.confidence for finding in used.kind("dev-dependencies")] == ["C"]
    assert used.report.removable == 0
    broken = look({"srv/node_modules/.package-lock.json": b"[" * 50, "srv/node_modules/jest/index.js": 100})
    assert broken.kind("dev-dependencies") == []


def test_duplicates_are_a_hint() -> None:
    body = F(b"d" * 300_000)
    seen = look({"a/model": body}, {"b/model": body, "c": F(hard="b/model")}, config=APP)
    (found,) = seen.kind("duplicate-content")
    assert (found.bytes, found.confidence, found.layer) == (300000, "C", 1)
    assert seen.report.removable == 0
    linked = look({"a/model": body, "b/model": F(hard="a/model")})
    assert linked.kind("duplicate-content") == []
    assert look({"a/model": body, "b/model": F(b"e" * 300_000)}).kind("duplicate-content") == []


def test_what_no_rule_names_is_never_waste() -> None:
    tree = {
        "srv/app.jar": 100,
        "srv/vendor/a/b.php": 100,
        "srv/dist/index.js": 100,
        "srv/LICENSE": 100,
        "srv/node_modules/a/index.js": 100,
        "usr/lib/python3.11/os.py": 100,
        "usr/share/zoneinfo/UTC": 100,
        "etc/ssl/certs/ca.pem": 100,
    }
    assert look(tree, config=APP).report.findings == ()


def test_every_kind_has_its_texts() -> None:
    wanted = (
        "deleted-later overwritten-later metadata-only-copy moved duplicate-content package-cache compiler dev-files "
        "build-objects sources dev-dependencies tests docs bytecode debug-symbols unpacked-archive log-temp vcs "
        "context-junk secret whole-filesystem-copy unreferenced-stage"
    )
    assert {kind.id for kind in KINDS} == set(wanted.split())
    for kind in KINDS:
        assert len(kind.explanation) > 40
        assert kind.title
        assert kind.advice
        assert kind_of(kind.id) is kind
    assert kind_of("nothing") is None


def test_paths_name_files_where_their_directory_was_there_before() -> None:
    (found,) = look({"tmp": None}, {"tmp/a": 5, "tmp/b/c": 5, "tmp/b/d": 5}, base=1, config=APP).kind("log-temp")
    assert found.paths == ("tmp/a", "tmp/b")


def test_titles_count_what_is_left_to_a_finding() -> None:
    tree = {"srv/.git/HEAD": 5, "srv/.git/objects/x.o": 5, "srv/y.o": 5}
    elves = {path: elf("ET_REL") for path in tree}
    (found,) = look(tree, elves=elves, config=APP).kind("build-objects")
    assert found.title == "1 object or build file: still in layer 0"


def test_sources_of_a_go_program_that_tells_no_paths() -> None:
    tree = {"src/go.mod": 30, "src/main.go": 500, "src/page.html": 70, "usr/local/bin/app": 9}
    go = elf("ET_EXEC", language="go")
    (found,) = look(tree, elves={"usr/local/bin/app": go}, config=APP).kind("sources")
    assert (found.bytes, found.confidence) == (530, "B")
    (found,) = look(tree, elves={"usr/local/bin/app": elf("ET_EXEC")}, config=APP).kind("sources")
    assert found.confidence == "C"


def test_symbols_of_many_files_are_one_finding_a_layer() -> None:
    tree = {f"app/lib{n}.so": F(bytes([n]) * 900_000) for n in range(3)}
    elves = {path: elf("ET_DYN", debug_bytes=300_000 + n) for n, path in enumerate(tree)}
    (found,) = look(tree, elves=elves, config=APP).kind("debug-symbols")
    assert (found.bytes, found.confidence, found.entries) == (900_003, "C", ())
    assert found.paths == ("app/lib2.so", "app/lib1.so", "app/lib0.so")
    assert found.title.startswith("/app/lib2.so holds 300 kB of symbols and debug information, and 2 more files 600 kB")


def test_dependencies_above_the_manifest_are_not_its_own() -> None:
    """npm's tree without its list of what is for developing: the manifests tell, and none above the application's."""
    manifest = {"dependencies": {"a": "1"}, "devDependencies": {"jest": "1", "above": "1"}}
    tree = {
        "srv/app/package.json": json.dumps(manifest).encode(),
        "srv/app/node_modules/a/package.json": b'{"name": "a"}',
        "srv/app/node_modules/jest/package.json": b'{"name": "jest"}',
        "srv/app/node_modules/jest/index.js": 100,
        "srv/node_modules/above/package.json": b'{"name": "above"}',
        "srv/node_modules/above/index.js": 1000,
    }
    seen = look(tree, config=ImageConfig(cmd=("node", "index.js"), workdir="/srv/app"))
    (found,) = seen.kind("dev-dependencies")
    assert found.bytes == 100 + len(b'{"name": "jest"}')


def test_what_ignore_files_name_is_looked_for_in_copies_of_the_context_alone() -> None:
    tree = {"srv/notes.md": 10, "srv/app.py": 40}

    def found(line: str) -> list[int]:
        text = f"FROM b AS b\nFROM scratch\n{line}\n"
        history = [f"{line.replace('--from=b ', '')} # buildkit"]
        seen = look(tree, dockerfile=text, history=history, ignored=lambda path: path == "notes.md")
        return [finding.bytes for finding in seen.kind("context-junk")]

    assert found("COPY . /srv") == [10]
    assert found("COPY ./ /srv/") == [10]
    assert found("COPY --from=b . /srv") == []
    assert found("COPY a . /srv") == []
    assert found("COPY app /srv") == []
