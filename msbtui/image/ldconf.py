"""Where dynamic linkers look for libraries: the directories built in, and those that configuration files add."""

from __future__ import annotations

import fnmatch
import re

from msbtui.image.model import ElfFacts, Image
from msbtui.image.table import FileTable
from msbtui.text import printable

TRIPLETS = {
    ("EM_X86_64", 64): "x86_64-linux-gnu",
    ("EM_X86_64", 32): "x86_64-linux-gnux32",
    ("EM_386", 32): "i386-linux-gnu",
    ("EM_AARCH64", 64): "aarch64-linux-gnu",
    ("EM_ARM", 32): "arm-linux-gnueabihf",
    ("EM_RISCV", 64): "riscv64-linux-gnu",
    ("EM_PPC64", 64): "powerpc64le-linux-gnu",
    ("EM_S390", 64): "s390x-linux-gnu",
    ("EM_LOONGARCH", 64): "loongarch64-linux-gnu",
    ("EM_MIPS", 64): "mips64el-linux-gnuabi64",
    ("EM_MIPS", 32): "mipsel-linux-gnu",
}
"""Debian's directory names for libraries, by machine and bits (wiki.debian.org/Multiarch/Tuples)."""
_MOST_FILES = 200
"""Configuration files that are read at most, and paths that one pattern gives at most."""


def default_folders(facts: ElfFacts) -> list[str]:
    """Give the directories that glibc has built in for a file's machine: Debian's, then the upstream ones (ld.so(8))."""
    triplet = TRIPLETS.get((facts.machine, facts.bits))
    wide = "64" if facts.bits == 64 else "32"
    return [
        *([f"/lib/{triplet}", f"/usr/lib/{triplet}"] if triplet else []),
        *("/lib", "/usr/lib", f"/lib{wide}", f"/usr/lib{wide}"),
    ]


def configured_folders(image: Image, table: FileTable) -> list[str]:
    """Give the directories of `/etc/ld.so.conf` and what it includes, in order (ldconfig(8), glibc `parse_conf`)."""
    folders: dict[str, None] = {}
    _read("/etc/ld.so.conf", image, table, folders, set())
    return list(folders)


def _read(path: str, image: Image, table: FileTable, folders: dict[str, None], seen: set[int]) -> None:
    pid = table.resolve(path)
    if pid is None or pid in seen or len(seen) >= _MOST_FILES:
        return
    seen.add(pid)
    for line in (text_at(image, table, pid) or "").split("\n"):
        line = line.partition("#")[0].strip()
        word, _, rest = line.replace("\t", " ").partition(" ")
        if word == "include":
            for pattern in rest.split():
                if not pattern.startswith("/"):
                    pattern = f"{path.rpartition('/')[0]}/{pattern}"
                for found in expand(table, pattern):
                    # Deep nesting is hostile: ldconfig stops too.
                    if len(seen) < _MOST_FILES:
                        _read(found, image, table, folders, seen)
        elif word not in ("", "hwcap"):
            # "directory=libc6" is an old way to say what kind of library lies there.
            folder = line.partition("=")[0].strip()
            if folder.startswith("/"):
                folders[printable(folder)] = None


def expand(table: FileTable, pattern: str) -> list[str]:
    """Give the absolute paths that the final file system has for a glob(7) pattern, sorted."""
    found = [""]
    for part in pattern.strip("/").split("/"):
        if not re.search(r"[*?\[]", part):
            found = [f"{path}/{part}" for path in found]
            continue
        matching = []
        for path in found:
            pid = table.resolve(path)
            for child in table.live_children(pid) if pid is not None else ():
                name = table.paths[child].rpartition("/")[2]
                if fnmatch.fnmatchcase(name, part) and (part.startswith(".") or not name.startswith(".")):
                    matching.append(f"{path}/{name}")
        # Links to directories above can multiply matches without end.
        found = sorted(matching)[:_MOST_FILES]
    return found


def musl_folders(image: Image, table: FileTable, loader: str) -> list[str]:
    """Give the directories that musl's `loader` (its path) searches: `/etc/ld-musl-ARCH.path`, or its built-in three."""
    name = loader.rpartition("/")[2].removesuffix(".1").removesuffix(".so")
    pid = table.resolve(f"etc/{name}.path") if name else None
    text = None if pid is None else text_at(image, table, pid)
    if text is None:
        return ["/lib", "/usr/local/lib", "/usr/lib"]
    return [printable(folder) for folder in re.split("[:\n]", text) if folder.startswith("/")]


def musl_loader(table: FileTable) -> int | None:
    """Give the path id of musl's dynamic linker, where the final file system has one in `/lib`."""
    found = expand(table, "/lib/ld-musl-*.so.1")
    return table.resolve(found[0], follow=False) if found else None


def text_at(image: Image, table: FileTable, pid: int) -> str | None:
    """Give the text of what lives at a path, bytes that are no UTF-8 as surrogates; None where it is not known."""
    entry = table.live(pid)
    content = None if entry is None else image.layers[entry[0]].contents.text(entry[1])
    return None if content is None else content.decode("utf-8", "surrogateescape")
