"""Cures whose evidence is the Dockerfile's text: what a package manager is known to leave, where no image says how much that is.

The managers' options and places are those of the cures that look at an image (cleanup, recommends, ownership); what those read
from layers, these ask of the lines: whether anything later reads it, whether a mount or a setting keeps it out already.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from msbtui.analysis.cure.append import append_command
from msbtui.analysis.cure.cleanup import after_word, needed_later
from msbtui.analysis.cure.model import Cure, Lines, Removal
from msbtui.analysis.situation import Situation
from msbtui.dockerfile.edit import Edit, insert
from msbtui.dockerfile.recognise import PackageCommand, package_command, program
from msbtui.dockerfile.shell import Command

Managed = Sequence[tuple[Command, PackageCommand]]
_LISTS = "var/lib/apt/lists/x_Packages"
_NO_RECOMMENDS = "--no-install-recommends"
_ARCHIVE = re.compile(r".*\.(tar|tar\.\w+|tgz|tbz2?|txz|tzst|gz|bz2|xz|zst)", re.IGNORECASE)
_CLEAN = {
    "dnf": ("dnf clean all", "var/cache/dnf", "clean"),
    "yum": ("yum clean all", "var/cache/yum", "clean"),
    "microdnf": ("microdnf clean all", "var/cache/yum", "clean"),
    "zypper": ("zypper clean --all", "var/cache/zypp", "clean"),
    "npm": ("npm cache clean --force", ".npm", "cache"),
    "yarn": ("yarn cache clean", "yarn", "cache"),
}
"""By program: what empties its cache, where that lies, and the word of a command that empties it."""
_SAYS_ONLY = frozenset(("-v", "--version", "-h", "--help"))
_OFFLINE = frozenset(("--offline", "--prefer-offline"))
_MODERN_YARN = re.compile(
    r"\.yarnrc\.yml|\.yarn\b|\.pnp\b|\bcorepack\b|--immutable\b|\byarn\s+(set\s+version|workspaces\s+focus|dlx)\b"
)
"""What lines of Yarn 2 and later have (yarnpkg.com, "Migration"): its programs may run out of the archives in its cache."""


def text_cures(lines: Lines) -> Iterator[Cure]:
    """Give what the lines of the image's own chain of stages show; bytes are not known."""
    escape = lines.dockerfile.escape
    for at, now in enumerate(lines.chain):
        keyword = now.instruction.keyword
        if keyword == "ADD":
            yield from _copy_not_add(now)
        elif keyword == "RUN":
            yield from _chown_after_copy(lines, at)
            found = [one for one in now.commands(escape) if not one.nested]
            managed = [(one, read) for one in found if (read := package_command(one)) is not None]
            if managed:
                yield from _apt_lists(lines, now, found, managed)
                yield from _options(now, found, managed)
                yield from _recommends(now, found, managed)
                yield from _emptied(lines, now, found, managed)


def _cure(kind: str, what: str, now: Situation, **more: object) -> Cure:
    line = now.instruction.span.first_line
    return Cure(kind, f"line {line}: {what}", line, 0, sized=False, **more)  # type: ignore[arg-type]


def _is_mounted(now: Situation, place: str) -> bool:
    """Say whether a mount of the RUN keeps a place out of the image."""
    above = tuple("/" + str(folder) for folder in PurePosixPath(place.strip("/")).parents if str(folder) != ".")
    for flag in now.instruction.flags:
        target = re.search(r"(?:target|dst|destination)=([^,]+)", flag.value or "") if flag.name == "mount" else None
        if target is not None and (place in target[1] or target[1].rstrip("/").endswith(above)):
            return True
    return False


def _removes(found: Sequence[Command], place: str) -> bool:
    """Say whether a command of the RUN deletes something there."""
    return any(
        program(one)[:1] in (("rm",), ("find",), ("rmdir",)) and any(place in word for word in program(one)[1:]) for one in found
    )


def _is_root(now: Situation) -> bool:
    return now.user.split(":")[0] in ("", "root", "0")


def _apt_lists(lines: Lines, now: Situation, found: Sequence[Command], managed: Managed) -> Iterator[Cure]:
    updates = [one for one, read in managed if read.manager == "apt" and read.action == "update"]
    if not updates or _removes(found, "/var/lib/apt") or _is_mounted(now, "/var/lib/apt"):
        return
    sudo = any(one.words[:1] == ("sudo",) for one in found)
    if not (_is_root(now) or sudo) or needed_later(lines, now, [_LISTS], "package-cache"):
        return
    prefix = "" if _is_root(now) else "sudo "
    if append_command(lines.dockerfile, now.instruction, "true", now.shell) is None:
        return
    removal = Removal(now.instruction.index, ("/var/lib/apt/lists/*",), prefix)
    yield _cure("clean-up", f"{prefix}rm -rf /var/lib/apt/lists/*", now, removals=(removal,))


def _options(now: Situation, found: Sequence[Command], managed: Managed) -> Iterator[Cure]:
    for manager, word, option, place, setting in (
        ("pip", "install", "--no-cache-dir", ".cache/pip", "PIP_NO_CACHE_DIR"),
        ("apk", "add", "--no-cache", "/var/cache/apk", ""),
    ):
        ran = [(one, read) for one, read in managed if read.manager == manager and read.action == "install"]
        ran = [(one, read) for one, read in ran if program(one)[0] != "uv"]
        plain = [one for one, read in ran if option not in read.flags]
        if not plain or _is_mounted(now, place) or _removes(found, place) or (setting and setting in now.variables):
            continue
        purges = any(program(one)[0].startswith("pip") and program(one)[1:3] == ("cache", "purge") for one in found)
        if purges and manager == "pip":
            continue
        edits = _inserted(now, plain, word, option)
        if edits is not None:
            yield _cure("clean-up", f"{manager} {word} {option}", now, edits=edits)


def _inserted(now: Situation, commands: Sequence[Command], word: str, text: str) -> tuple[Edit, ...] | None:
    """Give the edits that put a text after a word of each command; None where one is not written as it is."""
    edits = []
    for one in commands:
        at = after_word(now, one, word)
        if at is None:
            return None
        edits.append(insert(now.instruction.span.start + at, f" {text}"))
    return tuple(edits)


def _recommends(now: Situation, found: Sequence[Command], managed: Managed) -> Iterator[Cure]:
    installs = [(one, read) for one, read in managed if read.manager == "apt" and read.action == "install"]
    if not installs or any(_NO_RECOMMENDS in read.flags for _, read in installs):
        return
    if any(re.search("install-recommends", word, re.IGNORECASE) for one in found for word in one.words):
        return
    edits = _inserted(now, [one for one, _ in installs], "install", _NO_RECOMMENDS)
    if edits is not None:
        note = "leaves out what is only recommended, such as ca-certificates; name what is missed and try what the image runs"
        yield _cure("no-recommends", f"apt-get install {_NO_RECOMMENDS}", now, edits=edits, optional=True, note=note)


def _emptied(lines: Lines, now: Situation, found: Sequence[Command], managed: Managed) -> Iterator[Cure]:
    """Managers without an option for one call: a command at the end of the RUN empties the cache."""
    ran = {
        program(one)[0]
        for one, read in managed
        if read.action in ("install", "update", "upgrade") and _SAYS_ONLY.isdisjoint(program(one)[1:])
    }
    for name in sorted(ran & _CLEAN.keys()):
        command, place, word = _CLEAN[name]
        cleans = any(program(one)[:1] == (name,) and word in program(one)[1:3] for one in found)
        if cleans or _is_mounted(now, place) or _removes(found, place):
            continue
        if name not in ("npm", "yarn") and not _is_root(now):
            continue
        if name in ("npm", "yarn") and _installs_offline(lines, now):
            continue
        if name == "yarn" and any(_MODERN_YARN.search(each.source) for each in lines.dockerfile.instructions):
            continue
        edit = append_command(lines.dockerfile, now.instruction, command, now.shell)
        if edit is not None:
            yield _cure("clean-up", command, now, edits=(edit,))


def _installs_offline(lines: Lines, now: Situation) -> bool:
    """Say whether this RUN or a later one installs out of the cache."""
    return any(
        not _OFFLINE.isdisjoint(command.words)
        for each in (now, *lines.later(now.instruction))
        if each.instruction.keyword == "RUN"
        for command in each.commands(lines.dockerfile.escape)
    )


def _copy_not_add(now: Situation) -> Iterator[Cure]:
    """`ADD` of plain files: the same bytes, but what the line does no longer hangs on what a file holds."""
    instruction = now.instruction
    sources = instruction.words[:-1]
    if not sources or instruction.heredocs or any(flag.name not in ("chown", "chmod", "link") for flag in instruction.flags):
        return
    if any("://" in word or word.startswith(("git@", "<<")) or "$" in word or "*" in word for word in sources):
        return
    if any(_ARCHIVE.fullmatch(word) for word in sources):
        return
    begin = instruction.span.start
    edit = Edit(begin, begin + len("ADD"), "COPY" if instruction.source.startswith("ADD") else "copy")
    note = "ADD unpacks archives, whatever they are called: not where one of the sources is an archive"
    yield _cure("copy-not-add", "COPY in the place of ADD", now, edits=(edit,), optional=True, note=note)


def _chown_after_copy(lines: Lines, at: int) -> Iterator[Cure]:
    """`RUN chown -R USER:GROUP DIR` right after the COPYs that filled DIR: the owner goes to the COPYs."""
    now = lines.chain[at]
    found = now.commands(lines.dockerfile.escape)
    words = program(found[0]) if len(found) == 1 else ()
    if len(words) != 4 or words[:2] != ("chown", "-R") or found[0].nested or now.instruction.heredocs or now.instruction.json:
        return
    owner, place = words[2], posixpath.normpath(posixpath.join(now.workdir, words[3]))
    # Without a group chown leaves the group as it is; COPY --chown would take the user's number for it.
    if not re.fullmatch(r"[\w.-]+:[\w.-]+", owner) or not place.startswith("/") or place == "/":
        return
    copies: list[Situation] = []
    before = at
    while before and lines.chain[before - 1].instruction.keyword in (
        "COPY",
        "ENV",
        "ARG",
        "LABEL",
        "EXPOSE",
        "WORKDIR",
        "STOPSIGNAL",
    ):
        before -= 1
        one = lines.chain[before]
        if one.instruction.keyword != "COPY" or len(one.instruction.words) < 2:
            continue
        target = one.path(one.instruction.words[-1])
        if target != place and not target.startswith(place + "/"):
            continue
        if one.stage != now.stage or one.instruction.flag("chown") is not None or one.instruction.heredocs:
            return
        copies.append(one)
    if not copies or _fills_before(lines, before, place):
        return
    source = now.instruction.source.encode("utf-8", "surrogateescape")
    match = re.search(rb"(?<=[ \t])-R[ \t]+", source)
    if match is None or source.count(b"-R") != 1:
        return
    start = now.instruction.span.start
    edits = [Edit(start + match.start(), start + match.end(), "")]
    for one in copies:
        head = len(one.instruction.written.encode("utf-8", "surrogateescape"))
        edits.append(insert(one.instruction.span.start + head, f" --chown={owner}"))
    numbers = ", ".join(str(one.instruction.span.first_line) for one in reversed(copies))
    line = now.instruction.span.first_line
    yield Cure(
        "copy-flags",
        f"line{'s' * (len(copies) > 1)} {numbers}: COPY --chown={owner}; line {line}: the directory only",
        copies[-1].instruction.span.first_line,
        0,
        edits=tuple(edits),
        sized=False,
        note=f"what the base image holds in {place} keeps its owner",
    )


def _fills_before(lines: Lines, end: int, place: str) -> bool:
    """Say whether an instruction before these may have put files into the directory, other than making it."""
    return any(
        one.instruction.keyword in ("RUN", "COPY", "ADD")
        and (place in one.instruction.source or f"{one.workdir}/".startswith(f"{place}/"))
        for one in lines.chain[:end]
    )
