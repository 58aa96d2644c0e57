"""When an empty image is enough: static executables, no shell, and every file that they name is small data to copy."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from msbtui.image.golang import ALWAYS, LOADS_ZONES, MAKES_FILES, READS_ROOTS, STARTS
from msbtui.image.model import ElfFacts, ImageConfig, Kind
from msbtui.split.gonames import named_paths, toolchain
from msbtui.split.installs import Install
from msbtui.split.keep import Kept
from msbtui.split.starts import SHELLS
from msbtui.split.view import View, inside, relative

_PROVIDED = re.compile(r"(proc|sys|dev)(/.*|\Z)|etc/(hosts|hostname|resolv\.conf|mtab)")
"""What a container gets from its runtime, in an empty image too (OCI runtime-spec, config-linux.md, default filesystems)."""
_BY_FUNCTION = re.compile(
    r"tmp|usr/share(/zoneinfo|/lib)?|usr/lib/locale(/TZ)?|usr/local/share(/certs)?|etc/(ssl|pki)(/certs|/tls/certs|/tls)?|etc/localtime"
)
"""Directories that every Go program names, whether it reads them or not: which functions are linked in tells."""
_AS_FILES = frozenset(("ca-certificates", "netbase", "tzdata"))
"""Packages that are data only: without a package manager their few needed files are copied."""
_SMALL_DATA = 8 << 20
_ZONES = "usr/share/zoneinfo"
_BUNDLES = ("etc/ssl/certs/ca-certificates.crt", "etc/ssl/cert.pem", "etc/pki/tls/certs/ca-bundle.crt")


class OnScratch(msgspec.Struct, frozen=True):
    """What an empty image needs beside the kept paths, and what proves it."""

    copied: tuple[str, ...]
    evidence: tuple[str, ...]


class _NoError(Exception):
    """Something speaks against an empty image."""


def needs_shell(config: ImageConfig) -> bool:
    """Tell whether the configuration itself starts a shell (shell form of ENTRYPOINT, CMD or HEALTHCHECK)."""
    for words in (config.entrypoint, config.cmd):
        if words and words[0].rpartition("/")[2] in SHELLS:
            return True
    return config.healthcheck is not None and config.healthcheck.test[:1] == ("CMD-SHELL",)


def on_scratch(view: View, kept: Kept, installs: Sequence[Install]) -> OnScratch | None:
    """Give what an empty image would hold, or None where anything speaks against it.

    `installs`: the packages that a base without any would need.
    """
    config = view.config
    if needs_shell(config) or kept.reach.shell or kept.reach.languages or kept.missing or not kept.reach.why:
        return None
    if (config.user and not config.user.replace(":", "").isdigit()) or any(install.name not in _AS_FILES for install in installs):
        return None
    try:
        return _Scratch(view, kept).found()
    except _NoError:
        return None


class _Scratch:
    def __init__(self, view: View, kept: Kept) -> None:
        self.view, self.kept = view, kept
        self.copied: dict[str, str] = {}

    def found(self) -> OnScratch:
        view, kept = self.view, self.kept
        binaries = {path: facts for path in kept.paths if (facts := view.elf(path)) is not None}
        if not binaries or any(facts.interpreter or facts.needed or facts.language == "packed" for facts in binaries.values()):
            raise _NoError
        if not all(path in binaries for path in kept.reach.why if view.is_new(path) and view.executable(path)):
            raise _NoError
        if any(view.kind(path) is Kind.SYMLINK for path in kept.paths) or view.is_new("etc/localtime"):
            raise _NoError
        if any(view.stat(folder)[1:] != (0, 0) for folder in self._folders()):
            raise _NoError  # COPY makes them root's, and nothing can change that here
        idle = {f"/{path} begins with it" for path in kept.cautious} if self._starts_nothing(binaries.values()) else set()
        for path, why in {**kept.of_base, **kept.owned}.items():
            if why not in idle:
                self._file(path)
        for by, facts in binaries.items():
            if facts.language == "go":
                self._go(by, facts)
            else:
                for name in facts.paths:
                    self._name(relative(name))
        if sum(view.size(path) for path in self.copied) > _SMALL_DATA:
            raise _NoError
        return OnScratch(tuple(sorted(self.copied)), tuple(self._evidence(binaries)))

    def _folders(self) -> set[str]:
        """Give the directories that come into being with the kept paths."""
        found = {path for path in self.kept.paths if self.view.is_dir(path)}
        for path in self.kept.paths:
            while "/" in path:
                path = path.rpartition("/")[0]
                found.add(path)
        return found

    def _starts_nothing(self, all_facts: Iterable[ElfFacts]) -> bool:
        return all(
            facts.language == "go" and ALWAYS in facts.functions and not STARTS & set(facts.functions) for facts in all_facts
        )

    def _go(self, by: str, facts: ElfFacts) -> None:
        view, linked = self.view, set(facts.functions)
        if ALWAYS not in linked or linked & STARTS:
            raise _NoError
        for path in {*named_paths(view, facts), *map(relative, facts.paths)}:
            if not toolchain(view, path) and not _BY_FUNCTION.fullmatch(path):
                self._name(path)
        if linked & LOADS_ZONES or "TZ" in view.env:
            for path in view.below(_ZONES) if view.exists(_ZONES) else ():
                if not view.is_dir(path):
                    self.copied[path] = f"/{by} reads time zones by name"
        if linked & READS_ROOTS:
            for path in _BUNDLES:
                if view.is_file(path):
                    self.copied[path] = f"/{by} reads the certificates"
        if linked & MAKES_FILES:
            # an empty directory becomes root's with mode 0755
            if view.config.user.partition(":")[0] not in ("", "0") or view.children("tmp"):
                raise _NoError
            if view.is_dir("tmp"):
                self.copied["tmp"] = f"/{by} makes temporary files"

    def _name(self, path: str) -> None:
        """Note a path that an executable names."""
        view = self.view
        if not path or _PROVIDED.fullmatch(path) or not view.exists(path) or path in self.kept.paths:
            return
        real = view.real(path)
        if real is None:
            return
        if not view.is_dir(real):
            self._file(path)
        elif not any(inside(kept_path, real) for kept_path in self.kept.paths):
            raise _NoError

    def _file(self, path: str) -> None:
        """Take a small file of data along; anything else speaks against an empty image."""
        view = self.view
        if path in self.kept.paths or path in self.copied or _PROVIDED.fullmatch(path) or view.is_dir(path):
            return
        if not view.is_file(path) or view.executable(path) or view.elf(path) is not None:
            raise _NoError
        self.copied[path] = "an executable names it"

    def _evidence(self, binaries: dict[str, ElfFacts]) -> Iterator[str]:
        for path, facts in list(binaries.items())[:3]:
            yield f"/{path} is static"
            if facts.language == "go":
                yield f"/{path}: no function that starts another program is linked in"
        for path, why in list(self.copied.items())[:3]:
            yield f"/{path}: {why}"
