"""The build context on disk: what an ignore file leaves out, and which files each COPY and ADD takes."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from msbtui.dockerfile.ignore import IgnoreError, IgnoreFile, IgnorePattern, Matched, parse_ignore
from msbtui.dockerfile.ignoreglob import GlobError, go_match
from msbtui.dockerfile.model import Dockerfile, Instruction
from msbtui.errors import TargetError
from msbtui.session.rows.outside import CONTEXT, outside_sources_of
from msbtui.text import printable_bytes

ENTRIES = 200_000
"""Files and directories that are looked at; a context with more is said to be larger than was seen."""
IGNORE_LIMIT = 1 << 20
"""Bytes of an ignore file."""


class ContextFile(msgspec.Struct, frozen=True):
    """One file of the context that is sent: its path with slashes, and its bytes (0 for a symlink)."""

    path: str
    bytes: int


class Taken(msgspec.Struct, frozen=True):
    """What one source of one COPY or ADD takes; `files` is None where that cannot be known from the text."""

    line: int
    source: str
    files: int | None
    bytes: int
    why: str = ""
    """Why nothing is known, or that nothing matches."""


class Context(msgspec.Struct, frozen=True):
    """A build context as a builder would send it."""

    folder: str
    ignore_path: str
    """The ignore file that counts, or nothing where there is none."""
    shadowed: str
    """The `.dockerignore` that does not count, since the Dockerfile has its own."""
    files: tuple[ContextFile, ...]
    ignored_files: int
    ignored_bytes: int
    unmatched: tuple[IgnorePattern, ...]
    """Patterns that match no path of the context."""
    complete: bool
    """Whether all of the folder was seen; where not, all figures are lower bounds, and `unmatched` is empty."""

    @property
    def bytes(self) -> int:
        """Give the bytes that are sent at most."""
        return sum(file.bytes for file in self.files)


def ignore_path(dockerfile: Path, folder: Path) -> tuple[Path | None, Path | None]:
    """Give the ignore file that counts, and the one that it hides.

    `NAME.dockerignore` beside the Dockerfile wins over the context's `.dockerignore`, also where it is empty (BuildKit,
    frontend/dockerui/config.go, `dockerIgnorePatterns`; an empty one was tried on a builder).
    """
    own, common = dockerfile.with_name(f"{dockerfile.name}.dockerignore"), folder / ".dockerignore"
    shared = common if common.is_file() else None
    if own.is_file():
        return own, shared
    return shared, None


def read_context(dockerfile: Path, folder: Path | None = None, *, limit: int = ENTRIES) -> Context:
    """Walk the context of a Dockerfile (its own folder, unless another is named), at most `limit` entries of it.

    Raises TargetError where the folder or the ignore file cannot be read, or a builder would refuse the ignore file.
    """
    folder = folder or dockerfile.parent
    path: Path | None = None
    try:
        path, shadowed = ignore_path(dockerfile, folder)
        ignore = _read_ignore(path)
        return _walk(folder, ignore, path, shadowed, limit)
    except IgnoreError as error:
        raise TargetError(str(error), where=f"{path}:{error.line}", hint="BuildKit refuses this pattern") from None
    except OSError as error:
        raise TargetError((error.strerror or "could not be read").lower(), where=str(error.filename or folder)) from None


def _read_ignore(path: Path | None) -> IgnoreFile:
    """Read the ignore file that counts, if any. Raises OSError, IgnoreError, TargetError for one that is too large."""
    if path is None:
        return IgnoreFile()
    with path.open("rb") as file:
        data = file.read(IGNORE_LIMIT + 1)
    if len(data) > IGNORE_LIMIT:
        raise TargetError("larger than 1 MiB, which no ignore file is", where=str(path))
    return parse_ignore(data)


def ignored_by(dockerfile: Path) -> Callable[[str], bool] | None:
    """Give what says of a path of the build context whether the ignore file that counts leaves it out.

    None where there is no ignore file, or none that a builder would take: then nothing is known to be left out.
    """
    try:
        path, _ = ignore_path(dockerfile, dockerfile.parent)
        ignore = _read_ignore(path)
    except (OSError, IgnoreError, TargetError):
        return None
    if not ignore.patterns:
        return None
    known: dict[str, Matched] = {"": ()}

    def above(name: str) -> Matched:
        """Give what the patterns say of the directory that an entry lies in; of each directory it is asked once."""
        directory, matched = name.rpartition("/")[0], known[""]
        if directory in known:
            return known[directory]
        for at, char in enumerate(f"{directory}/"):
            if char == "/":
                part = directory[:at]
                matched = known[part] = known[part] if part in known else ignore.ignores(part, matched)[1]
        return matched

    def ignored(name: str) -> bool:
        try:
            return ignore.ignores(name, above(name))[0]
        except IgnoreError:
            return False

    return ignored


def _walk(folder: Path, ignore: IgnoreFile, path: Path | None, shadowed: Path | None, limit: int) -> Context:
    files: list[ContextFile] = []
    count = bytes_out = seen = 0
    waiting = set(range(len(ignore.patterns)))
    for name, size, is_file, ignored in _entries(folder, ignore):
        seen += 1
        if seen > limit:
            break
        waiting -= {number for number in waiting if ignore.matches(number, name)}
        if is_file and ignored:
            count, bytes_out = count + 1, bytes_out + size
        elif is_file:
            files.append(ContextFile(name, size))
    complete = seen <= limit
    unmatched = tuple(ignore.patterns[number] for number in sorted(waiting)) if complete else ()
    shown = (str(path) if path else "", str(shadowed) if shadowed else "")
    return Context(str(folder), *shown, tuple(files), count, bytes_out, unmatched, complete)


def _entries(folder: Path, ignore: IgnoreFile) -> Iterator[tuple[str, int, bool, bool]]:
    """Give path, bytes, whether it is a file, and whether it is left out, of all entries below a folder, in order."""
    waiting: list[tuple[str, str, Matched]] = [(os.fspath(folder), "", ())]
    while waiting:
        place, prefix, above = waiting.pop()
        try:
            listed = sorted(os.scandir(place), key=lambda entry: entry.name)
        except PermissionError:
            continue
        below: list[tuple[str, str, Matched]] = []
        for entry in listed:
            name = prefix + printable_bytes(os.fsencode(entry.name))
            ignored, matched = ignore.ignores(name, above)
            if entry.is_dir(follow_symlinks=False):
                yield name, 0, False, ignored
                below.append((entry.path, f"{name}/", matched))
            else:
                regular = entry.is_file(follow_symlinks=False)
                yield name, entry.stat(follow_symlinks=False).st_size if regular else 0, True, ignored
        waiting.extend(reversed(below))


def taken_by(context: Context, dockerfile: Dockerfile) -> list[Taken]:
    """Give what each source of each COPY and ADD takes from the context, in the order of the file."""
    return [each for item in dockerfile.instructions for each in taken_by_instruction(context, item)]


def taken_by_instruction(context: Context, item: Instruction) -> list[Taken]:
    """Give what each context source of one instruction takes; nothing for one that takes nothing from the context."""
    out = []
    excluded = [flag.value or "" for flag in item.flags if flag.name == "exclude"]
    for use in outside_sources_of(item).get(CONTEXT, ()):
        word = use.source.strip("\"'")
        if "$" in word or "\\" in word:
            out.append(Taken(use.line, use.source, None, 0, "a variable or an escape: known when it is built"))
            continue
        try:
            found = [file for file in context.files if _takes(word, file.path) and not _excluded(word, excluded, file.path)]
        except (GlobError, IgnoreError) as error:
            out.append(Taken(use.line, use.source, None, 0, str(error)))
            continue
        why = "" if found else "no file that is sent matches" if context.complete else "not seen: the context is too large"
        out.append(Taken(use.line, use.source, len(found), sum(file.bytes for file in found), why))
    return out


def _takes(source: str, path: str) -> bool:
    """Say whether a source takes a file: a name of the source stands for all below it (BuildKit, convert_copy.go)."""
    wanted = posixpath.normpath("/" + source).strip("/").split("/")
    if wanted == [""]:
        return True
    names = path.split("/")
    return len(names) >= len(wanted) and all(map(go_match, wanted, names))


def _excluded(source: str, patterns: list[str], path: str) -> bool:
    """Say whether `--exclude` leaves a file out: its patterns are relative to the source."""
    if not patterns:
        return False
    ignore = parse_ignore("\n".join(patterns).encode("utf-8", "surrogateescape"))
    base = posixpath.normpath("/" + source).strip("/")
    inside = path[len(base) :].lstrip("/") if base and path.startswith(f"{base}/") else path
    return ignore.ignores(inside)[0]
