"""`compiler`: compilers, build tools and -dev packages that are still in the image.

Evidence: the package database before and after each layer (what a RUN added is what it was for), then known files that no
package owns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import translate

from msbtui.analysis.waste.depends import Dependencies
from msbtui.analysis.waste.kind import Draft, Entry, WasteKind
from msbtui.analysis.waste.needs import library_paths
from msbtui.analysis.waste.scene import LiveFile, Scene
from msbtui.image.closure import needed_libraries
from msbtui.image.model import Kind
from msbtui.image.packages import Package

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
_NOT_APK = re.compile(r"openjdk\d+-jre.*")
_PARTS = frozenset(("cc1", "cc1plus", "cc1obj", "collect2", "lto1", "f951", "lto-wrapper", "clang-cpp"))
"""Parts of GCC that lie in a directory of their own (GCC internals, "Collect2")."""
_TOOLS = re.compile(
    r"(?:[\w]+-linux-(?:gnu|musl)\w*-)?(?:gcc|g\+\+|c\+\+|cpp|gfortran|clang(?:\+\+)?|ld(?:\.bfd|\.gold|\.lld)?|as|gcc-(?:ar|nm|ranlib))"
    r"(?:-\d+(?:\.\d+)*)?|cc|gmake|make|cmake|ctest|cpack|ninja|meson|rustc|cargo|rustup|rustdoc|rust-gdb|rust-lldb|cargo-\w+|javac|nvcc|ghc"
)
_BIN = re.compile(r"(?:^|/)(?:s?bin|libexec)$")


def _names(patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(translate(pattern) for pattern in patterns.split()))


_DPKG = _names(DPKG_NAMES)
_APK = _names(APK_NAMES)


def is_development(package: Package) -> bool:
    """Say whether a package is for building: by section (Debian) or by name."""
    if package.manager == "apk":
        return _APK.match(package.name) is not None and not _NOT_APK.match(package.name)
    section = package.section.rpartition("/")[2]
    return section in SECTIONS or _DPKG.match(package.name) is not None or package.name.endswith(("-dbg", "-dbgsym"))


def find(scene: Scene) -> Iterator[Draft]:
    """Give one draft for each layer that brought any."""
    development, left_over = development_packages(scene)
    unowned = _toolchain_files(scene)
    by_layer: dict[int, dict[Entry, None]] = {}
    names: dict[int, dict[str, None]] = {}
    for key in sorted(development | left_over):
        for entry in package_entries(scene, scene.packages.installed[key]):
            by_layer.setdefault(entry[0], {})[entry] = None
            names.setdefault(entry[0], {})[key] = None
    tools: dict[int, dict[str, None]] = {}
    for tool, files in unowned.items():
        for file in files:
            by_layer.setdefault(file.layer, {})[file.key] = None
            tools.setdefault(file.layer, {})[tool] = None
    for layer, entries in sorted(by_layer.items()):
        yield Draft(
            layer,
            list(entries),
            "",
            "B" if layer in tools else "A",
            subject=_subject(scene, list(names.get(layer, ())), development, list(tools.get(layer, ()))),
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
    return development, relations.left_over(development, needed)


def _packages_of_built(scene: Scene, installed: dict[str, Package]) -> set[str]:
    """Packages whose libraries the programs need that no package owns: what was built, or installed by a language's manager."""
    built = [
        file.path
        for file in scene.files
        if file.layer >= scene.base.layers
        and scene.kind(file.key) is Kind.FILE
        and (elf := scene.elf(file.key)) is not None
        and elf.kind in ("ET_EXEC", "ET_DYN")
        and scene.packages.owner(file.path) is None
        and not _TOOLS.fullmatch(file.name)
        and file.name not in _PARTS
    ]
    libraries = library_paths(needed_libraries(scene.image, scene.table, built))
    opened = {
        found.path
        for path in built
        if (file := scene.file(path)) is not None and (elf := scene.elf(file.key)) is not None
        for name in elf.libraries
        for found in scene.by_name.get(name, ())
    }
    owners = (scene.packages.owner(path) for path in sorted(libraries | opened))
    return {owner.name for owner in owners if owner is not None and owner.name in installed and not is_development(owner)}


def package_entries(scene: Scene, package: Package) -> list[Entry]:
    """Give the live entries of a package's files, and of what its manager keeps about it."""
    found = []
    records = _records(scene, package) if package.manager == "dpkg" else []
    modules: dict[str, set[str]] = {}
    for path in (*package.files, *records):
        file = scene.file(path)
        if file is None:
            continue
        found.append(file.key)
        if path.endswith(".py"):
            directory, _, name = path.rpartition("/")
            modules.setdefault(directory, set()).add(name[:-3])
    # What Debian's py3compile made of a package's modules when it was installed goes with it.
    for directory, stems in modules.items():
        for name in scene.names_in(f"{directory}/__pycache__"):
            compiled = scene.file(f"{directory}/__pycache__/{name}") if name.partition(".")[0] in stems else None
            if compiled is not None:
                found.append(compiled.key)
    return found


def _records(scene: Scene, package: Package) -> list[str]:
    stems = scene.once("dpkg records", lambda: _record_stems(scene))
    return [*stems.get(package.name, ()), *stems.get(f"{package.name}:{package.architecture}", ())]


def _record_stems(scene: Scene) -> dict[str, list[str]]:
    stems: dict[str, list[str]] = {}
    for name in scene.names_in("var/lib/dpkg/info"):
        stems.setdefault(name.rpartition(".")[0], []).append(f"var/lib/dpkg/info/{name}")
    return stems


def _toolchain_files(scene: Scene) -> dict[str, list[LiveFile]]:
    """Give the files of toolchains that no package owns, by tool."""
    found: dict[str, list[LiveFile]] = {}

    def take(tool: str, files: list[LiveFile]) -> None:
        own = [
            file
            for file in files
            if file.path not in scene.needs.files and scene.packages.owner(file.path, inferred=True) is None
        ]
        if own:
            found.setdefault(tool, []).extend(own)

    roots: dict[str, str] = {}
    for name in ("go", "compile"):
        for file in scene.by_name.get(name, ()):
            if name == "go" and file.path.endswith("/bin/go") and scene.is_directory(file.path[: -len("bin/go")] + "pkg/tool"):
                roots[file.path[: -len("/bin/go")]] = "Go"
    for file in scene.by_name.get("rustc", ()):
        if "/toolchains/" in file.path and file.path.endswith("/bin/rustc"):
            roots[file.path[: -len("/bin/rustc")]] = "Rust"
    for file in scene.by_name.get("nvcc", ()):
        roots[file.path] = "CUDA"
        roots[file.path.rpartition("/bin/")[0] + "/nvvm"] = "CUDA"
    for file in scene.by_name.get("dotnet", ()):
        roots[file.path.rpartition("/")[0] + "/sdk"] = "the .NET SDK"
    for file in scene.by_name.get("javac", ()):
        home = file.path.removesuffix("/bin/javac")
        if scene.kind(file.key) is not Kind.SYMLINK and home != file.path:
            for part in ("jmods", "lib/src.zip", "bin/javac", "bin/jlink", "bin/jdb", "bin/jshell", "include"):
                roots[f"{home}/{part}"] = "the JDK"
    # The part of GCC that compiles lies with its libraries and headers in one directory.
    for name in _PARTS:
        for file in scene.by_name.get(name, ()):
            roots[file.path.rpartition("/")[0]] = "GCC"
    needed = scene.needs.files
    for root, tool in sorted(roots.items()):
        if not root or any(path == root or path.startswith(root + "/") for path in needed):
            continue  # the container runs it
        take(tool, scene.below(root))
    claimed = {file.path for files in found.values() for file in files}
    for file in scene.files:
        directory = file.path.rpartition("/")[0]
        if file.path not in claimed and _BIN.search(directory) and _TOOLS.fullmatch(file.name):
            take(file.name, [file])
    return found


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
