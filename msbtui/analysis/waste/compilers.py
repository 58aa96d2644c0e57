"""`compiler`: compilers, build tools and -dev packages that are still in the image.

Evidence: the package database before and after each layer (what a RUN added is what it was for), then known files that no
package owns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import translate

from msbtui.analysis.waste.depends import Dependencies
from msbtui.analysis.waste.kind import Draft, WasteKind
from msbtui.analysis.waste.needs import library_paths
from msbtui.analysis.waste.scene import Scene
from msbtui.image.closure import needed_libraries
from msbtui.image.model import Kind
from msbtui.image.packages import Package
from msbtui.regex import regex

SECTIONS = frozenset(("devel", "libdevel"))
"""Debian archive sections (Debian policy 2.4)."""
DPKG_NAMES = (
    "python3-dev python3.*-dev libpython3*-dev golang golang-* openjdk-*-jdk openjdk-*-jdk-headless default-jdk "
    "default-jdk-headless cpp cpp-* dpkg-dev strace git git-man patch rustc cargo libstd-rust-dev clang clang-* llvm "
    "llvm-* autoconf automake autotools-dev m4 libtool libtool-bin bison flex nasm yasm gfortran gfortran-* manpages-dev "
    "ruby-dev ruby*-dev php-dev php*-dev libperl-dev tcl-dev tk-dev swig ghc valac ocaml-nox"
)
"""Build tools that Debian keeps in other sections (interpreters, python, golang, java, vcs, utils, doc)."""
APK_NAMES = (
    "build-base gcc gcc-* g++ make cmake musl-dev libc-dev linux-headers binutils binutils-* *-dev *-static *-dbg abuild "
    "fortify-headers go rust cargo clang clang[0-9]* llvm[0-9]* openjdk*-jdk openjdk[0-9]* autoconf automake libtool "
    "bison flex m4 nasm yasm patch git pkgconf samurai meson ninja gfortran .build-deps* .*build*deps*"
)
RPM_NAMES = (
    "gcc gcc-* cpp *-devel *-static make cmake cmake-* binutils binutils-* glibc-headers* kernel-headers kernel-devel* "
    "*-debuginfo *-debugsource *-debuginfo-common rust cargo rust-std-static* golang golang-* clang clang[0-9]* llvm "
    "llvm[0-9]* autoconf automake libtool bison flex m4 nasm patch git git-core git-core-doc perl-Git meson ninja-build "
    "samurai redhat-rpm-config rpm-build rpmdevtools patterns-devel-* gdb gdb-headless strace valgrind"
)
_NOT_APK = regex(r"openjdk\d+-jre.*")
_ALWAYS = regex(
    r"(?:ca-certificates|tzdata|locales|glibc-langpack|fontconfig|fonts-|libnss|libicu|icu-).*"
    r"|media-types|mailcap|shared-mime-info|netbase|openssl"
)
"""What programs read without naming it: certificates, time zones, names of protocols, types of content, languages, fonts."""
_PARTS = frozenset(("cc1", "cc1plus", "cc1obj", "collect2", "lto1", "f951", "lto-wrapper", "clang-cpp"))
"""Parts of GCC that lie in a directory of their own (GCC internals, "Collect2")."""
_TOOLS = regex(
    r"(?:[\w]+-linux-(?:gnu|musl)\w*-)?(?:gcc|g\+\+|c\+\+|cpp|gfortran|clang(?:\+\+)?|ld(?:\.bfd|\.gold|\.lld)?|as|gcc-(?:ar|nm|ranlib))"
    r"(?:-\d+(?:\.\d+)*)?|cc|gmake|make|cmake|ctest|cpack|ninja|meson|rustc|cargo|rustup|rustdoc|rust-gdb|rust-lldb|cargo-\w+|javac|nvcc|ghc"
)
_BIN = frozenset(("bin", "sbin", "libexec"))


def _names(patterns: str) -> re.Pattern[str]:
    return regex("|".join(translate(pattern) for pattern in patterns.split()))


_DPKG = _names(DPKG_NAMES)
_APK = _names(APK_NAMES)
_RPM = _names(RPM_NAMES)


def is_development(package: Package) -> bool:
    """Say whether a package is for building: by section (Debian) or by name."""
    if package.manager == "rpm":
        return _RPM.match(package.name) is not None
    if package.manager == "apk":
        return _APK.match(package.name) is not None and not _NOT_APK.match(package.name)
    section = package.section.rpartition("/")[2]
    return section in SECTIONS or _DPKG.match(package.name) is not None or package.name.endswith(("-dbg", "-dbgsym"))


def find(scene: Scene) -> Iterator[Draft]:
    """Give one draft for each layer that brought any."""
    development, left_over = development_packages(scene)
    by_layer: dict[int, list[int]] = {}
    names: dict[int, dict[str, None]] = {}
    for key in sorted(development | left_over):
        for layer, rows in scene.by_layer(package_pids(scene, scene.packages.installed[key])):
            by_layer.setdefault(layer, []).extend(rows)
            names.setdefault(layer, {})[key] = None
    tools: dict[int, dict[str, None]] = {}
    kept = _kept_packages(scene)
    unowned, running = _toolchain_files(scene)
    for tool, pids in running.items():
        for layer, rows in scene.by_layer(pids):
            kept.setdefault(layer, {}).setdefault(tool, []).extend(rows)
    for tool, pids in unowned.items():
        for layer, rows in scene.by_layer(pids):
            by_layer.setdefault(layer, []).extend(rows)
            tools.setdefault(layer, {})[tool] = None
    for layer in sorted({*by_layer, *kept}):
        stays = kept.get(layer, {})
        yield Draft(
            layer,
            by_layer.get(layer, []),
            "B" if layer in tools else "A",
            kept=[row for rows in stays.values() for row in rows],
            subject=_subject(scene, list(names.get(layer, ())), development, list(tools.get(layer, ())))
            if layer in by_layer
            else ", ".join(sorted(stays)[:3]),
            advice=_BASE_ADVICE if layer < scene.base.layers else None,
        )


_BASE_ADVICE = (
    "These come with the base image. Build on it, then start the final stage from a base without compilers (a -slim or "
    "distroless tag of the same release) and copy what was built."
)


def development_packages(scene: Scene) -> tuple[set[str], set[str]]:
    """Give the installed packages that are for building, and those that only these need (both without what must stay)."""
    installed = scene.packages.installed
    relations = Dependencies(installed)
    needed = scene.needs.packages | relations.closure(_packages_of_built(scene, installed))
    development = {key for key, package in installed.items() if is_development(package) and not package.essential} - needed
    # A package for building that something installed on purpose for running depends on stays with it.
    wanted = {
        key
        for key, package in installed.items()
        if package.manual is True and key not in development and not is_development(package)
    }
    development -= relations.closure(wanted) if any(package.manual is False for package in installed.values()) else set()
    left_over = relations.left_over(development, needed)
    return development, {key for key in left_over if not _ALWAYS.fullmatch(installed[key].name)}


def _packages_of_built(scene: Scene, installed: dict[str, Package]) -> set[str]:
    """Packages whose libraries the programs need that no package owns: what was built, or installed by a language's manager."""
    built = [
        file
        for file in scene.programs
        if (elf := scene.elf(file.key)) is not None
        and elf.kind in ("ET_EXEC", "ET_DYN")
        and file.pid not in scene.owned
        and not _TOOLS.fullmatch(file.name)
        and file.name not in _PARTS
    ]
    libraries = library_paths(needed_libraries(scene.image, scene.table, [file.path for file in built]))
    names = {name for file in built if (elf := scene.elf(file.key)) is not None for name in elf.libraries}
    opened = {scene.table.paths[pid] for pid in scene.named(*sorted(names))}
    owners = (scene.packages.owner(path) for path in sorted(libraries | opened))
    return {owner.name for owner in owners if owner is not None and owner.name in installed and not is_development(owner)}


def package_pids(scene: Scene, package: Package) -> list[int]:
    """Give the path ids of a package's live files, and of what its manager keeps about it."""
    table, found = scene.table, list[int]()
    modules: dict[str, set[str]] = {}
    for path in (*package.files, *(_records(scene, package) if package.manager == "dpkg" else ())):
        pid = table.id_of(path)
        if pid is None or table.live_rows[pid] < 0 or table.is_directory(pid):
            continue
        found.append(pid)
        if path.endswith(".py"):
            directory, _, name = path.rpartition("/")
            modules.setdefault(directory, set()).add(name[:-3])
    # What Debian's py3compile made of a package's modules when it was installed goes with it.
    for directory, stems in modules.items():
        for name, pid in scene.names_in(f"{directory}/__pycache__").items():
            if name.partition(".")[0] in stems and not table.is_directory(pid):
                found.append(pid)
    return found


def _kept_packages(scene: Scene) -> dict[int, dict[str, list[int]]]:
    """Give, by layer and package, the rows of packages for building that are not told of since the start needs them."""
    found: dict[int, dict[str, list[int]]] = {}
    for key in scene.needs.started:
        package = scene.packages.installed.get(key)
        if package is not None and is_development(package) and not package.essential:
            for layer, rows in scene.by_layer(package_pids(scene, package)):
                found.setdefault(layer, {})[key] = rows
    return found


def _records(scene: Scene, package: Package) -> list[str]:
    stems = scene.once("dpkg records", lambda: _record_stems(scene))
    return [*stems.get(package.name, ()), *stems.get(f"{package.name}:{package.architecture}", ())]


def _record_stems(scene: Scene) -> dict[str, list[str]]:
    stems: dict[str, list[str]] = {}
    for name in scene.names_in("var/lib/dpkg/info"):
        stems.setdefault(name.rpartition(".")[0], []).append(f"var/lib/dpkg/info/{name}")
    return stems


def _toolchain_files(scene: Scene) -> tuple[dict[str, list[int]], dict[str, list[int]]]:
    """Give the files of toolchains that no package owns, by tool; and of those that the container's start needs."""
    found: dict[str, list[int]] = {}
    running: dict[str, list[int]] = {}
    paths, claimed, needed = scene.table.paths, set[int](), scene.needs.files
    for root, tool in sorted(_roots(scene).items()):
        if not root:
            continue
        own = [pid for pid in scene.below(root) if not _is_owned(scene, pid)]
        starts = any(path == root or path.startswith(root + "/") for path in needed)
        (running if starts else found).setdefault(tool, []).extend(own)
        claimed.update(own)
    for directories in sorted(filter(None, map(scene.directories_named, _BIN)), key=lambda directories: directories[0]):
        for directory in directories:
            start = len(paths[directory]) + 1 if directory else 0
            for pid in sorted([pid for pid in scene.table.live_in(directory) if _TOOLS.fullmatch(paths[pid], start)]):
                if pid not in claimed and not scene.table.is_directory(pid) and not _is_owned(scene, pid):
                    found.setdefault(paths[pid][start:], []).append(pid)
    return {tool: pids for tool, pids in found.items() if pids}, {tool: pids for tool, pids in running.items() if pids}


def _is_owned(scene: Scene, pid: int) -> bool:
    if pid in scene.owned:
        return True
    # What a package makes when it is installed: links through the alternatives, bytecode, its own records.
    path, row = scene.table.paths[pid], scene.table.live_rows[pid]
    layer = scene.layer_of(row)
    made = scene.table.index(layer).kinds[row - scene.table.first_row(layer)] == Kind.SYMLINK or path.endswith(".pyc")
    return (made or path.startswith("var/")) and scene.packages.owner(path, inferred=True) is not None


def _roots(scene: Scene) -> dict[str, str]:
    """Give files and directories that are parts of toolchains, with the toolchain's name."""
    roots: dict[str, str] = {}
    for file in scene.named_files("go"):
        if file.path.endswith("/bin/go") and scene.is_directory(file.path[: -len("bin/go")] + "pkg/tool"):
            roots[file.path[: -len("/bin/go")]] = "Go"
    for file in scene.named_files("rustc"):
        if "/toolchains/" in file.path and file.path.endswith("/bin/rustc"):
            roots[file.path[: -len("/bin/rustc")]] = "Rust"
    for file in scene.named_files("nvcc"):
        roots[file.path] = "CUDA"
        roots[file.path.rpartition("/bin/")[0] + "/nvvm"] = "CUDA"
    for file in scene.named_files("dotnet"):
        roots[file.path.rpartition("/")[0] + "/sdk"] = "the .NET SDK"
    for file in scene.named_files("javac"):
        home = file.path.removesuffix("/bin/javac")
        if scene.kind(file.key) is not Kind.SYMLINK and home != file.path:
            for part in ("jmods", "lib/src.zip", "bin/javac", "bin/jlink", "bin/jdb", "bin/jshell", "include"):
                roots[f"{home}/{part}"] = "the JDK"
    # The part of GCC that compiles lies with its libraries and headers in one directory.
    for file in scene.named_files(*sorted(_PARTS)):
        roots[file.path.rpartition("/")[0]] = "GCC"
    return roots


_FAMOUS = ("build-essential", "gcc", "g++", "clang", "golang", "rustc", "cargo", "cmake", "make")


def _subject(scene: Scene, names: list[str], development: set[str], tools: list[str]) -> str:
    """Name the compilers first, then what was asked for by name, then how many more."""
    installed = scene.packages.installed

    def rank(name: str) -> tuple[bool, bool, bool, str]:
        return (name not in _FAMOUS, name not in development, installed[name].manual is False, name)

    ranked = sorted(names, key=rank)
    shown = [*tools[:3], *ranked][:3]
    more = len(tools) + len(ranked) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


KIND = WasteKind(
    id="compiler",
    title="Compilers and -dev packages",
    explanation=(
        "Compilers, build tools, headers and static libraries are needed while the image is built, and by nothing that runs in "
        "it. Removing them in a later RUN frees nothing: the layer that brought them still holds them."
    ),
    advice="Build in a first stage and copy the result into a final stage that never had a compiler (msbtui split writes it).",
    find=find,
    in_base=True,
)
