"""Cleaning up in the RUN that made the mess: `rm -rf` at its end, or the manager's own option."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator, Sequence

from msbtui.analysis.cure.append import append_command
from msbtui.analysis.cure.model import Cure, Lines, Removal, World
from msbtui.analysis.model import Finding
from msbtui.analysis.situation import Situation
from msbtui.dockerfile.edit import Edit, insert
from msbtui.dockerfile.recognise import PackageCommand, package_command, program
from msbtui.dockerfile.shell import Command

KINDS = ("package-cache", "log-temp", "unpacked-archive", "vcs")
"""The kinds of findings that are cured by deleting their files in the same RUN."""
_MOST_WORDS = 8
"""Words that a RUN gets for one finding; more are no longer read by anybody."""
_LONGEST_WORD = 80
_SYSTEM = (
    "bin boot dev etc home lib media mnt opt proc root run sbin srv sys tmp usr var usr/bin usr/lib usr/local usr/sbin usr/share "
    "usr/src usr/local/bin usr/local/lib usr/local/share var/cache var/lib var/log var/tmp var/spool var/lib/apt var/lib/dpkg"
)
_STANDARD = frozenset(_SYSTEM.split())
"""Directories of the system (Filesystem Hierarchy Standard): never deleted whole, whatever lies in them."""
_FOLDERS = (
    (re.compile(r"var/lib/apt/lists/.+"), "/var/lib/apt/lists/*"),
    (re.compile(r"var/cache/apt/archives/(partial/)?[^/]+\.deb"), "/var/cache/apt/archives/*.deb"),
    (re.compile(r"var/cache/apt/[^/]+\.bin"), "/var/cache/apt/*.bin"),
    (re.compile(r"var/cache/apk/.+"), "/var/cache/apk/*"),
    (re.compile(r"var/cache/(dnf|yum|libdnf5|zypp|PackageKit)/.+"), "/var/cache/{}/*"),
    (re.compile(r"var/cache/pacman/(pkg)/.+"), "/var/cache/pacman/{}/*"),
    (re.compile(r"var/cache/debconf/[^/]+-old"), "/var/cache/debconf/*-old"),
    (re.compile(r"var/lib/dpkg/[^/]+-old"), "/var/lib/dpkg/*-old"),
    (re.compile(r"var/log/apt/.+"), "/var/log/apt/*"),
    (re.compile(r"var/log/(?:[^/]+\.log)"), "/var/log/*.log"),
    (re.compile(r"var/cache/ldconfig/.+"), "/var/cache/ldconfig/*"),
    (re.compile(r"(tmp|var/tmp)/.+"), "/{}/*"),
)
"""What stands for many files of one place."""
_ALL_OF = ("/tmp/*", "/var/tmp/*")  # noqa: S108
_INSTALLER = re.compile(r"install|set_?up|bootstrap|provision|dep(s|endenc)|prereq|package|\bapt", re.IGNORECASE)
REUSED = (
    (re.compile(r"(.*/)?go/pkg/.+|.*/\.cache/go-build/.+"), ("go",)),
    (re.compile(r"(.*/)?\.?cargo/(registry|git)/.+|.*/\.package-cache"), ("cargo", "rustc", "maturin", "pip", "pip3")),
    (re.compile(r".*/\.m2/.+"), ("mvn", "mvnw", "java")),
    (re.compile(r".*/\.gradle/.+"), ("gradle", "gradlew", "java")),
    (re.compile(r".*/(\.ivy2|coursier)/.+"), ("sbt", "cs", "java")),
    (re.compile(r".*/(\.nuget|NuGet)/.+"), ("dotnet", "nuget")),
    (re.compile(r".*/(\.hex|rebar3)/.+"), ("mix", "rebar3")),
    (re.compile(r".*/(\.cache/node-gyp|\.node-gyp)/.+"), ("npm", "npx", "yarn", "pnpm", "node-gyp", "node")),
    (
        re.compile(r".*/(\.npm|\.yarn|\.cache/yarn|\.pnpm-store|pnpm/store|\.bun)/.+|usr/local/share/\.cache/.+"),
        ("yarn", "pnpm", "bun"),
    ),
    (re.compile(r".*/\.?ccache/.+|.*/sccache/.+"), ("ccache", "sccache", "make", "cmake", "ninja")),
)
"""Caches that a later RUN of these programs reads: emptied, they are filled again there."""


def clean_ups(world: World) -> Iterator[Cure]:
    """Give a clean-up for each finding whose files the RUN that made them can delete without harm."""
    for finding in world.waste.findings:
        if finding.kind not in KINDS or finding.hidden_by is not None or not finding.bytes or not finding.entries:
            continue
        now = world.run_of(finding)
        if now is None:
            continue
        cure = _clean_up(world, finding, now)
        if cure is not None:
            yield cure


def _clean_up(world: World, finding: Finding, now: Situation) -> Cure | None:
    instruction, paths = now.instruction, world.files(finding)
    escape = world.dockerfile.escape
    found = [one for one in now.commands(escape) if not one.nested]
    option = _option(paths, found, now) if finding.kind == "package-cache" else None
    line = instruction.span.first_line
    if option is not None:
        word, edits = option
        return Cure("clean-up", f"line {line}: {word}", line, finding.bytes, (finding.id,), edits)
    if needed_later(world, now, paths, finding.kind):
        return None
    targets = _targets(world, finding, paths)
    if not targets:
        return None
    prefix = _sudo(world, finding, found, now)
    if prefix is None:
        return None
    if append_command(world.dockerfile, instruction, "true", now.shell) is None:
        return None
    title = f"line {line}: {prefix}rm -rf {' '.join(targets)}"
    return Cure(
        "clean-up",
        title,
        line,
        finding.bytes,
        (finding.id,),
        removals=(Removal(instruction.index, targets, prefix),),
    )


def needed_later(world: Lines, now: Situation, paths: Sequence[str], kind: str) -> bool:
    """Say whether what a RUN leaves at these paths may be read by a later line."""
    later = world.later(now.instruction)
    escape = world.dockerfile.escape
    if kind == "package-cache":
        if any(path.startswith("var/lib/apt/lists/") for path in paths):
            for other in later:
                if other.instruction.keyword != "RUN":
                    continue
                if any(_is_installer(one) for one in other.commands(escape)):
                    return True
                managed = [package_command(one) for one in other.commands(escape)]
                apt = [one.action for one in managed if one is not None and one.manager == "apt"]
                if {"install", "upgrade"} & set(apt) and "update" not in apt:
                    return True
        programs = {name for pattern, names in REUSED if any(pattern.fullmatch(path) for path in paths) for name in names}
        return bool(programs) and any(runs(other, programs, escape) for other in later)
    names: set[str] = set()
    for path in paths[:2000]:
        names.add("/" + path)
        folder, _, name = path.rpartition("/")
        if kind != "vcs":
            names.add(name)
        if folder not in ("tmp", "var/tmp", "var/log", "root", ""):
            names.add("/" + folder)
    if kind == "vcs":
        return any(runs(other, {"git", "hg", "svn"}, escape) for other in later) or world.mentioned_later(
            now.instruction, (".git", ".hg", ".svn")
        )
    return world.mentioned_later(now.instruction, tuple(name for name in names if len(name) > 3))


def _is_installer(command: Command) -> bool:
    """Say whether a script runs whose name says that it installs: it may do so from the lists that are there."""
    words = program(command)
    if words and words[0] in ("sh", "bash", "dash", ".", "source"):
        words = tuple(word for word in words[1:] if not word.startswith("-"))
    if not words or not ("/" in words[0] or words[0].endswith(".sh")):
        return False
    return _INSTALLER.search(posixpath.basename(words[0])) is not None


def runs(now: Situation, programs: set[str], escape: str) -> bool:
    """Say whether a RUN calls one of these programs, or something of its own that may."""
    if now.instruction.keyword != "RUN":
        return False
    for command in now.commands(escape):
        name = (program(command)[:1] or ("",))[0]
        if name in programs or (name in ("make", "sh", "bash") and len(command.words) > 1) or "/" in (command.words or ("",))[0]:
            return True
    return False


def _targets(world: World, finding: Finding, paths: Sequence[str]) -> tuple[str, ...]:
    """Give the words that delete all of the finding's files, or nothing where they would be too many."""
    words: dict[str, None] = {}
    rest: list[str] = []
    for path in paths:
        pattern = next(((each, word) for each, word in _FOLDERS if each.fullmatch(path)), None)
        if pattern is None:
            rest.append(path)
            continue
        match = pattern[0].fullmatch(path)
        assert match is not None
        words[pattern[1].format(*match.groups()[:1])] = None
    # `/tmp/*` is all that is there; what is no finding's must stay.
    for word in list(words):
        if word in _ALL_OF and _holds_more(world, finding, word.strip("/*")):
            del words[word]
            rest += [path for path in paths if path.startswith(word[1:-1])]
    tops = [top for top in finding.paths if any(path == top or path.startswith(top + "/") for path in rest)]
    for path in rest:
        if any(path == top or path.startswith(top + "/") for top in tops):
            continue
        tops.append(path)
    # Where a directory on the way holds patterns' files too, it is named by them alone.
    tops = [top for top in tops if all(_covered(path, words) or path in rest for path in paths if path.startswith(top + "/"))]
    # Of a directory of the system that holds nothing else, the first ones below it that are none.
    for top in [top for top in tops if _is_system(top)]:
        tops.remove(top)
        tops += sorted({_below_system(path) for path in rest if path.startswith(top + "/")} - set(tops))
    if any(_is_system(top) for top in tops) or any(re.search(r"\\(x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})", top) for top in tops):
        return ()
    words |= dict.fromkeys(shlex.quote("/" + top) for top in tops)
    left = [path for path in rest if not any(path == top or path.startswith(top + "/") for top in tops)]
    unreadable = len(words) > _MOST_WORDS or any(len(word) > _LONGEST_WORD for word in words)
    return () if left or unreadable else tuple(words)


def _is_system(path: str) -> bool:
    return path in _STANDARD or re.fullmatch(r"home/[^/]+", path) is not None


def _below_system(path: str) -> str:
    """Give the shortest beginning of a path that is no directory of the system; all of it where there is none."""
    parts = path.split("/")
    return next((part for n in range(1, len(parts)) if not _is_system(part := "/".join(parts[:n]))), path)


def _covered(path: str, words: dict[str, None]) -> bool:
    from fnmatch import fnmatchcase

    return any(fnmatchcase("/" + path, word) for word in words)


def _holds_more(world: World, finding: Finding, folder: str) -> bool:
    """Say whether a directory holds live files after the finding's layer that are not the finding's."""
    table = world.table
    pid = table.id_of(folder)
    if pid is None:
        return False
    named = set(finding.entries)
    for below in table.subtree(pid):
        found = table.live_at(below, finding.layer)
        if found is not None and found not in named and table.cost(*found):
            return True
    return False


def _sudo(world: World, finding: Finding, found: Sequence[Command], now: Situation) -> str | None:
    """Give what the deletion needs in front of it, or None where the RUN's user may not delete the files."""
    if now.user.split(":")[0] in ("", "root", "0"):
        return ""
    if any(one.words[:1] == ("sudo",) for one in found):
        return "sudo "
    table = world.table
    owned = all(table.index(layer).uids[entry] for layer, entry in finding.entries)
    return "" if owned else None


def _option(paths: Sequence[str], found: Sequence[Command], now: Situation) -> tuple[str, tuple[Edit, ...]] | None:
    """Give the manager's own option that keeps its cache empty, with its edits; None where it has none or does not cover all."""
    if all(re.search(r"(^|/)\.cache/pip/|^[^/]+/pip-cache/", path) for path in paths):
        manager, word, option = "pip", "install", "--no-cache-dir"
    elif all(path.startswith("var/cache/apk/") for path in paths):
        manager, word, option = "apk", "add", "--no-cache"
    else:
        return None
    managed = [(one, read) for one in found if (read := package_command(one)) is not None and read.manager == manager]
    if not managed or any(read.action not in ("install", "remove", "purge") for _, read in managed):
        return None
    edits = []
    for one, read in managed:
        if read.action == "install" and not _has_option(read, option):
            at = after_word(now, one, word)
            if at is None:
                return None
            edits.append(insert(now.instruction.span.start + at, f" {option}"))
    return (f"{manager} {word} {option}", tuple(edits)) if edits else None


def _has_option(read: PackageCommand, option: str) -> bool:
    return option in read.flags


def after_word(now: Situation, command: Command, word: str) -> int | None:
    """Give the byte in the instruction's source after a command's word, or None where it is not written there as it is."""
    source = now.instruction.source.encode("utf-8", "surrogateescape")[command.start : command.end]
    match = re.search(rb"(?<=[ \t])" + word.encode() + rb"(?=[ \t\\]|$)", source)
    return None if match is None or posixpath.basename(command.words[0]) == word else command.start + match.end()
