"""Small images for the planner: a base, layers with the text that made them, packages as dpkg records them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from msbtui.analysis.model import Base
from msbtui.dockerfile.graph import build_graph
from msbtui.dockerfile.parser import parse
from msbtui.image.model import ElfFacts, HistoryItem, Image, ImageConfig, Kind, Layer, LayerIndex
from msbtui.image.packages import read_packages
from msbtui.image.table import FileTable
from msbtui.split.model import Plan
from msbtui.split.planner import make_plan
from msbtui.split.siblings import SiblingFacts
from msbtui.split.view import View

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class F:
    """A file: text, or ELF facts, with owner, mode and size (bytes; default: the text's)."""

    text: str | bytes = ""
    elf: ElfFacts | None = None
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    size: int | None = None


@dataclass(frozen=True)
class D:
    """A directory."""

    mode: int = 0o755
    uid: int = 0
    gid: int = 0


@dataclass(frozen=True)
class L:
    """A symlink."""

    to: str


@dataclass(frozen=True)
class H:
    """A hard link to a file of the same layer."""

    to: str


GONE = "gone"
"""A whiteout."""
Entries = Mapping[str, F | D | L | H | str]


def elf(*needed: str, interpreter: str = "/lib64/ld-linux-x86-64.so.2", libraries: Sequence[str] = (), paths: Sequence[str] = (),
        soname: str = "", size: int = 50_000, mode: int = 0o755, kind: str = "", **more: Any) -> F:  # fmt: skip
    """Give an ELF file."""
    kind = kind or ("ET_DYN" if interpreter or soname else "ET_EXEC")
    facts = ElfFacts(
        "EM_X86_64",
        64,
        kind,
        interpreter=interpreter,
        soname=soname,
        needed=needed,
        libraries=tuple(libraries),
        paths=tuple(paths),
        **more,
    )
    return F(f"elf {soname} {needed} {paths} {more} {size}", facts, mode, size=size)


def library(soname: str, *needed: str, size: int = 200_000) -> F:
    """Give a shared library."""
    return elf(*needed, interpreter="", soname=soname, size=size, kind="ET_DYN")


def script(text: str) -> F:
    """Give an executable text."""
    return F(text, mode=0o755)


@dataclass
class P:
    """A dpkg package."""

    files: Sequence[str]
    section: str = "libs"
    depends: str = ""
    manual: bool = False
    essential: bool = False
    recommends: str = ""


def dpkg(packages: Mapping[str, P]) -> dict[str, F]:
    """Give dpkg's and apt's records of packages."""
    status, automatic = [], []
    entries: dict[str, F] = {}
    for name, package in packages.items():
        extra = f"Depends: {package.depends}\n" if package.depends else ""
        extra += f"Recommends: {package.recommends}\n" if package.recommends else ""
        extra += "Essential: yes\nPriority: required\n" if package.essential else "Priority: optional\n"
        status.append(
            f"Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\nSection: {package.section}\n{extra}"
        )
        entries[f"var/lib/dpkg/info/{name}.list"] = F("/.\n" + "".join(f"/{path}\n" for path in package.files))
        if not package.manual:
            automatic.append(f"Package: {name}\nArchitecture: amd64\nAuto-Installed: 1\n")
    entries["var/lib/dpkg/status"] = F("\n".join(status))
    entries["var/lib/apt/extended_states"] = F("\n".join(automatic))
    return entries


class Held:
    """Contents of one layer."""

    def __init__(self, files: Mapping[int, F]) -> None:
        self.files = files

    def digest(self, entry: int) -> str | None:
        file = self.files.get(entry)
        return hashlib.sha256(_bytes(file)).hexdigest() if file else None

    def elf(self, entry: int) -> ElfFacts | None:
        file = self.files.get(entry)
        return file.elf if file else None

    def text(self, entry: int, limit: int = 1 << 20) -> bytes | None:
        file = self.files.get(entry)
        return _bytes(file)[:limit] if file else None


def _bytes(file: F) -> bytes:
    return file.text if isinstance(file.text, bytes) else file.text.encode()


def layer(entries: Entries) -> tuple[LayerIndex, Held]:
    """Give the index and contents of one layer; parents that are not named are implied."""
    index, files = LayerIndex(), {}
    for number, (path, item) in enumerate(entries.items()):
        kind, mode, uid, gid, size = Kind.FILE, 0o777, 0, 0, 0
        if item == GONE:
            kind = Kind.WHITEOUT
        elif isinstance(item, D):
            kind, mode, uid, gid = Kind.DIRECTORY, item.mode, item.uid, item.gid
        elif isinstance(item, L):
            kind = Kind.SYMLINK
            index.links[number] = item.to
        elif isinstance(item, H):
            kind = Kind.HARD_LINK
            index.links[number] = item.to
            target = entries[item.to]
            assert isinstance(target, F)
            files[number], mode, uid, gid = target, target.mode, target.uid, target.gid
        else:
            assert isinstance(item, F)
            files[number] = item
            mode, uid, gid = item.mode, item.uid, item.gid
            size = item.size if item.size is not None else len(_bytes(item))
        index.paths.append(path)
        index.kinds.append(kind)
        index.sizes.append(size)
        index.modes.append(mode)
        index.uids.append(uid)
        index.gids.append(gid)
        index.mtimes.append(0.0)
        index.offsets.append(0)
    return index, Held(files)


BOOKWORM = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n'
LIB = "usr/lib/x86_64-linux-gnu"
DEBIAN_PACKAGES = {
    "base-files": P(["usr/lib/os-release"], "admin", essential=True),
    "libc6": P(["usr/lib64/ld-linux-x86-64.so.2", f"{LIB}/libc.so.6", f"{LIB}/ld-linux-x86-64.so.2"], essential=True),
    "dash": P(["usr/bin/sh"], "shells", essential=True),
    "bash": P(["usr/bin/bash"], "shells", essential=True),
    "coreutils": P(["usr/bin/sleep", "usr/bin/env", "usr/bin/cat"], "utils", essential=True),
    "passwd": P(["usr/sbin/useradd"], "admin", essential=True),
}
DEBIAN: dict[str, F | D | L | str] = {
    "bin": L("usr/bin"),
    "lib": L("usr/lib"),
    "lib64": L("usr/lib64"),
    "sbin": L("usr/sbin"),
    "usr/lib64/ld-linux-x86-64.so.2": L("/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"),
    f"{LIB}/ld-linux-x86-64.so.2": library("ld-linux-x86-64.so.2"),
    f"{LIB}/libc.so.6": library("libc.so.6", size=2 * MEGABYTE),
    "usr/bin/sh": elf("libc.so.6"),
    "usr/bin/bash": elf("libc.so.6"),
    "usr/bin/env": elf("libc.so.6"),
    "usr/bin/cat": elf("libc.so.6"),
    "usr/bin/sleep": elf("libc.so.6"),
    "usr/sbin/useradd": elf("libc.so.6"),
    "usr/lib/os-release": F(BOOKWORM),
    "etc/os-release": L("../usr/lib/os-release"),
    "etc/passwd": F("root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\n"),
    "etc/group": F("root:x:0:\nstaff:x:50:\nwww-data:x:33:\n"),
    "etc/ld.so.conf": F("include /etc/ld.so.conf.d/*.conf\n"),
    "etc/ld.so.conf.d/libc.conf": F("/usr/local/lib\n"),
    "etc/skel/.profile": F("# profile\n"),
    "usr/local/bin": D(),
    "usr/local/lib": D(),
    "usr/local/share": D(),
    "var/lib": D(),
    "opt": D(),
    "home": D(),
    "root": D(0o700),
    "tmp": D(0o1777),
    "srv": D(),
    "usr/share/filler": F(size=60 * MEGABYTE),
    **dpkg(DEBIAN_PACKAGES),
}
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PYTHON_ENV = ("PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "PYTHON_VERSION=3.11.7")
SITE = "usr/local/lib/python3.11/site-packages"
INTERPRETER: dict[str, F | D | L | str] = {
    "usr/local/bin/python3.11": elf("libc.so.6", size=5 * MEGABYTE),
    "usr/local/bin/python3": L("python3.11"),
    "usr/local/bin/python": L("python3"),
}
"""Python as its official images have it, below /usr/local."""
PYTHON = {
    **INTERPRETER,
    "usr/local/lib/python3.11/os.py": F("import abc"),
    f"{SITE}/pip/__init__.py": F("pip"),
    f"{SITE}/pip-23.dist-info/METADATA": F("pip"),
}
DEBIAN_CONFIG = ImageConfig(env=(PATH,), cmd=("bash",))


def image(layers: Sequence[tuple[str, Entries]], config: ImageConfig, name: str = "made") -> tuple[Image, FileTable]:
    """Give an image of (text that made it, entries) layers."""
    made = [layer(entries) for _, entries in layers]
    history = tuple(HistoryItem(created_by=text) for text, _ in layers)
    items = [
        Layer(n, f"sha256:{n:064x}", index, held, history=history[n], history_index=n) for n, (index, held) in enumerate(made)
    ]
    return Image(name, "sha256:" + "0" * 64, "linux/amd64", config, history, items), FileTable(index for index, _ in made)


def sibling(ref: str, entries: Entries = DEBIAN, config: ImageConfig = DEBIAN_CONFIG) -> SiblingFacts:
    """Give what is known of a base of one layer."""
    made, table = image([("", entries)], config, ref)
    return SiblingFacts(ref, made, table, read_packages(made, table))


def view(layers: Sequence[tuple[str, Entries]], config: ImageConfig = DEBIAN_CONFIG, base_layers: int = 1) -> View:
    """Give the view of an image."""
    made, table = image(layers, config)
    return View(made, table, read_packages(made, table), base_layers)


@dataclass
class World:
    """A Dockerfile and the image that it made: the base's entries, and (text, entries) of each further layer."""

    dockerfile: str
    layers: Sequence[tuple[str, Entries]]
    config: ImageConfig
    base: Entries = field(default_factory=lambda: DEBIAN)
    siblings: Sequence[SiblingFacts] = ()
    smokes: Sequence[str] = ()

    def plan(self, **wider: Any) -> Plan:
        """Give the plan; `wider` goes to the planner as it is (rung, extra_paths, ...)."""
        dockerfile = parse(self.dockerfile)
        assert not dockerfile.errors, dockerfile.errors
        made, table = image([("base", self.base), *self.layers], self.config)
        known = {facts.ref: facts for facts in self.siblings}
        return make_plan(
            dockerfile,
            build_graph(dockerfile),
            image=made,
            table=table,
            packages=read_packages(made, table),
            base=Base(1, "made", "A", "base"),
            siblings=known.get,
            smokes=self.smokes,
            **wider,
        )

    def runtime(self) -> str:
        """Give the runtime stage of the plan, without its head comment."""
        plan = self.plan()
        assert plan.decision == "split", (plan.decision, plan.reasons)
        return plan.dockerfile.split("# runtime stage: only what runs; compilers, sources and caches stay in the stage above\n")[
            1
        ]


GCC = {
    "gcc": P(["usr/bin/gcc"], "devel", "libc6-dev", manual=True),
    "make": P(["usr/bin/make"], "devel", manual=True),
    "libc6-dev": P(["usr/include/stdio.h"], "libdevel"),
}
TOOLCHAIN: dict[str, F | D | L | str] = {
    "usr/bin/gcc": elf("libc.so.6", size=90 * MEGABYTE),
    "usr/bin/make": elf("libc.so.6"),
    "usr/include/stdio.h": F(size=30 * MEGABYTE),
    "var/lib/apt/lists/deb_Packages": F(size=20 * MEGABYTE),
}


def toolchain(extra: Mapping[str, P] | None = None, entries: Entries | None = None) -> dict[str, F | D | L | str]:
    """Give the entries of a RUN that installs compilers, and `extra` packages with their `entries`."""
    return {**TOOLCHAIN, **(entries or {}), **dpkg({**DEBIAN_PACKAGES, **GCC, **(extra or {})})}
