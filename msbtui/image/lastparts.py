"""The last parts of many paths: who has this name, this suffix, these beginnings and ends. Asked by rules, of every path."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Protocol

from msbtui.image import fast


class LastParts(Protocol):
    """Which of some paths end with a name, or with a dot and a suffix whatever its case."""

    def named(self, name: str) -> Sequence[int]:
        """Give the ids of the paths that end with this name, in order."""
        ...

    def ending(self, suffix: str) -> Sequence[int]:
        """Give the ids of the paths whose names end with a dot (not the first sign) and this, in lower case, in order."""
        ...


def last_parts(paths: list[str], pids: Sequence[int]) -> LastParts:
    """Give what answers for the paths with the ids `pids`, ascending."""
    made: LastParts = _LastParts(paths, pids) if fast.compiled is None else fast.compiled.LastParts(paths, pids)
    return made


def marked_names(paths: list[str], starts: tuple[str, ...], ends: tuple[str, ...], within: str = "") -> list[int]:
    """Give the ids of all paths whose last parts begin with one of `starts`, end with one of `ends` or hold `within`.

    None of `starts` and `ends` may be empty; an empty `within` is in none.
    """
    if fast.compiled is not None:
        found: list[int] = fast.compiled.marked(paths, starts, ends, within.encode())
        return found
    names = enumerate(path[path.rfind("/") + 1 :] for path in paths)
    return [pid for pid, name in names if name.startswith(starts) or name.endswith(ends) or (within and within in name)]


def may_hold(paths: list[str], pids: Iterable[int], words: tuple[str, ...]) -> list[int]:
    """Give those of some paths whose last parts hold one of `words` (ASCII, lower case), whatever their case.

    Paths that are not ASCII are among them: what is the same sign in another case is for regular expressions to say there.
    """
    if fast.compiled is not None:
        found: list[int] = fast.compiled.holding(paths, pids, words)
        return found
    return [pid for pid in pids if not (path := paths[pid]).isascii() or _holds(path[path.rfind("/") + 1 :].lower(), words)]


def sized(paths: list[str], sizes: Sequence[int], wanted: set[int], names: set[str], least: int) -> list[int]:
    """Give the numbers of the paths with one of the sizes `wanted` and, where it is below `least`, a last part of `names`."""
    if fast.compiled is not None:
        found: list[int] = fast.compiled.sized(paths, sizes, wanted, names, least)
        return found
    several = enumerate(zip(paths, sizes, strict=True))
    return [at for at, (path, size) in several if size in wanted and (size >= least or path[path.rfind("/") + 1 :] in names)]


def _holds(name: str, words: tuple[str, ...]) -> bool:
    return any(word in name for word in words)


def distinct(paths: list[str]) -> bool:
    """Tell whether no two of some paths are the same."""
    return len(dict.fromkeys(paths)) == len(paths) if fast.compiled is None else bool(fast.compiled.distinct(paths))


def longest(paths: list[str]) -> int:
    """Give the characters of the longest path."""
    return max(map(len, paths), default=0) if fast.compiled is None else int(fast.compiled.longest(paths))


def _numbers() -> array[int]:
    # An eighth of what a list takes: there may be millions.
    return array("i")


class _LastParts:
    """The same in dictionaries."""

    def __init__(self, paths: list[str], pids: Sequence[int]) -> None:
        self._first: dict[str, int] = {}
        self._more: defaultdict[str, array[int]] = defaultdict(_numbers)
        self._suffixes: dict[str, list[array[int]]] = {}
        cased: defaultdict[str, array[int]] = defaultdict(_numbers)
        for pid in pids:
            path = paths[pid]
            name = path[path.rfind("/") + 1 :]
            if self._first.setdefault(name, pid) != pid:
                self._more[name].append(pid)
            dot = name.rfind(".")
            if dot > 0:
                cased[name[dot + 1 :]].append(pid)
        for suffix, found in cased.items():
            self._suffixes.setdefault(suffix.lower(), []).append(found)

    def named(self, name: str) -> Sequence[int]:
        return (self._first[name], *self._more.get(name, ())) if name in self._first else ()

    def ending(self, suffix: str) -> Sequence[int]:
        parts = self._suffixes.get(suffix, ())
        return parts[0] if len(parts) == 1 else sorted(pid for part in parts for pid in part)
