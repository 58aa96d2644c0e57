"""Ignore files: which paths of a build context a builder does not send.

The rules are those of github.com/moby/patternmatcher (ignorefile.ReadAll, PatternMatcher.MatchesUsingParentResults), which
BuildKit and docker use: they are neither those of a shell nor those of git.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Sequence

import msgspec

from msbtui.dockerfile.gotext import trim
from msbtui.dockerfile.ignoreglob import GlobError, glob_matcher, go_match

LINE_LIMIT = 64 << 10
"""Bytes of a line: Go's bufio.Scanner takes no longer one."""

Matched = tuple[bool, ...]
"""For each pattern, whether it matched a directory: what the entries below it need to know."""


class IgnoreError(ValueError):
    """An ignore file that a builder refuses; `line` counts from 1."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


class IgnorePattern(msgspec.Struct, frozen=True):
    """One pattern: as it is written, as it is matched, and whether it takes back what earlier ones left out (`!`)."""

    line: int
    written: str
    pattern: str
    exception: bool


class IgnoreFile:
    """The patterns of one ignore file, compiled."""

    def __init__(self, patterns: Sequence[IgnorePattern] = ()) -> None:
        self.patterns = tuple(patterns)
        self._match: list[Callable[[str], bool]] = [_matcher(each) for each in self.patterns]

    def matches(self, number: int, path: str) -> bool:
        """Say whether one pattern by itself matches a path, without regard to its parents."""
        return self._match[number](path)

    def ignores(self, path: str, above: Matched = ()) -> tuple[bool, Matched]:
        """Say whether a path is left out, and what its children need; `above` is what that was for its directory.

        `path` has slashes and is relative to the context (patternmatcher.go, MatchesUsingParentResults). Raises IgnoreError
        where it comes to a pattern that a builder refuses only then.
        """
        ignored = False
        found = []
        for number, each in enumerate(self.patterns):
            match = bool(above) and above[number]
            if not match and each.exception == ignored:
                match = self._match[number](path)
                if not match and not above:
                    match = any(self._match[number](parent) for parent in _parents(path))
            found.append(match)
            if match:
                ignored = not each.exception
        return ignored, tuple(found)


def _parents(path: str) -> Iterable[str]:
    """Give the directories above a path, the outermost first."""
    at = path.find("/")
    while at >= 0:
        yield path[:at]
        at = path.find("/", at + 1)


def parse_ignore(data: bytes) -> IgnoreFile:
    """Read an ignore file. Raises IgnoreError where a builder refuses it, in the builder's words."""
    patterns = []
    for number, raw in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if len(raw) >= LINE_LIMIT:
            raise IgnoreError("bufio.Scanner: token too long", number)
        text = raw.removesuffix(b"\r").decode("utf-8", "surrogateescape")
        if text.startswith("#") or not (written := trim(text)):
            continue
        exception = written.startswith("!")
        cleaned = _clean(trim(written[1:]) if exception else written)
        if len(cleaned) > 1 and cleaned.startswith("/"):
            cleaned = cleaned[1:]
        # The matcher trims and cleans the whole once more, the exclamation mark included.
        whole = _clean(trim("!" + cleaned if exception else cleaned)) if cleaned or exception else ""
        if not whole:
            continue
        exception = whole.startswith("!")
        pattern = whole[1:] if exception else whole
        if not pattern:
            raise IgnoreError('illegal exclusion pattern: "!"', number)
        try:
            go_match(pattern, ".")
        except GlobError as error:
            raise IgnoreError(str(error), number) from None
        patterns.append(IgnorePattern(number, written, pattern, exception))
    return IgnoreFile(patterns)


def _matcher(each: IgnorePattern) -> Callable[[str], bool]:
    """Give a pattern's matcher; of one that Go's `regexp` refuses, one that raises when it is asked, as it is with a builder."""
    try:
        return glob_matcher(each.pattern)
    except GlobError as error:
        message = str(error)

    def refuse(_: str) -> bool:
        raise IgnoreError(message, each.line)

    return refuse


def _clean(path: str) -> str:
    """Give Go's `filepath.Clean` of a path; an empty one stays empty, as the reader leaves it."""
    if not path:
        return ""
    cleaned = posixpath.normpath(path)
    # Python keeps two leading slashes, as POSIX has it; Go does not.
    return "/" + cleaned.lstrip("/") if cleaned.startswith("//") else cleaned
