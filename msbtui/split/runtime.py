"""Which image the runtime stage starts from: the smallest that provably has what is needed (splitting.md 3.2, point 2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec

from msbtui.image.model import Kind
from msbtui.split.installs import Install
from msbtui.split.keep import Kept
from msbtui.split.scratch import on_scratch
from msbtui.split.siblings import Reference, SiblingFacts, language_siblings, release_bases
from msbtui.split.view import View, relative

_OF_GCC = re.compile(r"lib(stdc\+\+|gcc_s|gfortran|gomp|quadmath|atomic|itm|ssp|objc|[alt]san|ubsan|gphobos|gdruntime)\.so[.\d]*")
Siblings = Callable[[str], SiblingFacts | None]


class RuntimeBase(msgspec.Struct, frozen=True):
    """The base of the runtime stage, and why."""

    ref: str
    why: str
    evidence: tuple[str, ...] = ()
    facts: SiblingFacts | None = None
    proven: bool = False
    """Whether the engine has the image and it was looked into."""
    same: bool = False
    """Whether it is the base of the original."""
    scratch: bool = False
    copied: tuple[str, ...] = ()
    """Files of the original's base that it lacks and that are copied."""

    @property
    def view(self) -> View | None:
        """Give what the base holds, where that is known."""
        return self.facts.view if self.facts else None


def choose_base(
    view: View,
    kept: Kept,
    origin: str,
    siblings: Siblings,
    installs: Sequence[Install],
    *,
    empty: bool = True,
    names: Sequence[str] = (),
    absent: Collection[str] = (),
) -> RuntimeBase:
    """Give the runtime base.

    `origin`: what the original's stage starts from; `installs`: what a base without any package would have to install;
    `empty`: whether an empty image may be proposed at all; `names`: what else the engine calls the original's base;
    `absent`: images that a build could not get.
    """
    if empty and (found := on_scratch(view, kept, installs)) is not None:
        why = "nothing but static executables run, and every file that they name is copied"
        return RuntimeBase("scratch", why, found.evidence, None, True, scratch=True, copied=found.copied)
    needs = {path: why for path, why in kept.of_base.items() if not _copied_anyway(view, path)}
    release = view.release
    of_release, of_language = release_bases(release), language_siblings(origin)
    # an interpreter that no package owns is only in images of the language; without one the bare system is the smaller
    candidates = [*of_language, *of_release] if needs else [*of_release, *of_language]
    others = [ref for name in names for ref in language_siblings(name)] if needs else []
    own_size = sum(view.table.layer_size(layer) for layer in range(view.base_layers))
    unproven = None
    for ref in dict.fromkeys([*candidates, *others]):
        if ref == origin or ref in absent:
            continue
        facts = siblings(ref)
        if facts is None:
            if ref in candidates and _well_known(ref, origin, needs) and _may_have(ref, needs):
                # a name alone proves nothing: an image that is at hand comes first, if only under another name of the same base
                unproven = unproven or RuntimeBase(ref, _why(ref, release, needs, proven=False), (), None, False)
            continue
        if unproven is not None and ref not in others:
            continue
        evidence = None if facts.image.config.onbuild else _fits(view, facts, needs, own_size)
        if evidence is not None:
            return RuntimeBase(ref, _why(ref, release, needs, proven=True), tuple(evidence), facts, True)
    if unproven is not None:
        return unproven
    facts = siblings(origin)
    why = "the original's own base: the same release, libraries and interpreter"
    return RuntimeBase(
        origin, why, tuple(f"/{path}: {reason}" for path, reason in list(needs.items())[:3]), facts, True, same=True
    )


def _copied_anyway(view: View, path: str) -> bool:
    """Tell whether a file of the base says nothing of which base is needed: settings, and links that packages' scripts make."""
    if path.startswith(("etc/", "usr/local/share/ca-certificates/")):
        return True
    if _OF_GCC.fullmatch(path.rpartition("/")[2]) and view.owner(path) is None:
        return True  # images of gcc bring the libraries of their own gcc: a program that is linked with them takes them along
    return view.kind(path) is Kind.SYMLINK and relative(view.link(path), "/" + path.rpartition("/")[0]).startswith(
        "etc/alternatives/"
    )


def _well_known(ref: str, origin: str, needs: Mapping[str, str]) -> bool:
    """Tell whether the name alone says what the image is: an official one, of an official original where a language is needed."""
    return Reference(ref).official and (not needs or Reference(origin).official)


def _may_have(ref: str, needs: Mapping[str, str]) -> bool:
    return not needs or Reference(ref).name not in ("debian", "ubuntu", "alpine")


def _why(ref: str, release: Mapping[str, str], needs: Mapping[str, str], *, proven: bool) -> str:
    system = release.get("PRETTY_NAME") or release.get("ID") or "the same system"
    what = (
        "the same interpreter and libraries without the build tools"
        if needs
        else "the same release and C library without the toolchain"
    )
    return f"{ref}: {system}, {what}" + (
        "" if proven else " (its name says so; the engine does not have it, so this is unproven)"
    )


def _fits(view: View, facts: SiblingFacts, needs: Mapping[str, str], own_size: int) -> list[str] | None:
    """Give the evidence that an image can stand in for the original's base, or None where it cannot."""
    other = facts.view
    mine, theirs = view.release, other.release
    if any(mine.get(field) != theirs.get(field) for field in ("ID", "VERSION_ID", "VERSION_CODENAME")):
        return None
    if facts.image.platform.split("/")[:2] != view.image.platform.split("/")[:2] or facts.size >= own_size:
        return None
    evidence = [f"both are {mine.get('PRETTY_NAME', mine.get('ID', ''))}, {view.image.platform}"]
    for name in ("libc6", "musl"):
        have, had = other.packages.installed.get(name), view.packages.installed.get(name)
        if had is not None:
            if have is None:
                return None
            evidence.append(f"{name} {had.version} in the original, {have.version} there")
    for path in needs:
        found = other.canonical(path)
        if found is None or not other.exists(found):
            return None
        if view.kind(path) is Kind.SYMLINK:
            if view.link(path) != other.link(found):
                return None
            continue
        own, its = view.elf(path), other.elf(found)
        if (
            own is not None
            and its is not None
            and (own.machine, own.bits, own.soname, own.interpreter) != (its.machine, its.bits, its.soname, its.interpreter)
        ):
            return None
        same = view.digest(path) is not None and view.digest(path) == other.digest(found)
        evidence.append(f"/{path} is there too" + (", byte for byte" if same else ""))
    for name in view.env:
        # the official language images say in NAME_VERSION what they hold
        if (
            name.endswith("_VERSION")
            and name in other.env
            and name.partition("_")[0] in ("PYTHON", "NODE", "RUBY", "PHP", "JAVA", "PERL", "ERLANG", "OTP")
        ):
            if view.env[name] != other.env[name]:
                return None
            evidence.append(f"{name}={view.env[name]} in both")
    return evidence[:8]
