"""Which packages a Dockerfile's lines install by name and keep: what the runtime stage of a plan from the text installs again."""

from __future__ import annotations

import re
from collections.abc import Iterable

from msbtui.split.installs import BUILD_NAME, HELPERS
from msbtui.split.words import Words

_REMOVES = frozenset(("del", "purge", "remove", "autoremove"))
_WITH_VALUE = frozenset(
    ("-t", "--target-release", "-o", "--option", "-c", "-a", "--virtual", "--repository", "-X", "-p", "--root")
)
"""Options of package managers that have a value."""
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+._-]+")
_VERSION = re.compile(r"[=:/<>~@]")
_SOURCES = re.compile(
    r"sources\.list|add-apt-repository|apt-key|/apt/keyrings|nodesource|etc/apk/repositories|--repository|dpkg\s+-i"
)
"""What adds a source of packages, which the runtime's base does not have."""


class NamedPackages:
    """What the calls of package managers in RUN lines install and take away."""

    def __init__(self) -> None:
        self.installed: list[str] = []
        """Names without versions, in the order of the lines."""
        self._recommending: set[str] = set()
        """Packages that come with what they recommend, since no option forbids it."""
        self._removed: set[str] = set()
        self._groups: dict[str, str] = {}
        """Package -> the group (apk's `--virtual`) that it came in."""

    def command(self, words: Words) -> None:
        """Note what a command of a RUN does with packages, if anything."""
        name = words[0].rpartition("/")[2]
        verb = {"apk": "add", "apt": "install", "apt-get": "install"}.get(name)
        if verb in words:
            before = len(self.installed)
            self._add(words[words.index(verb) + 1 :])
            if not any("no-install-recommends" in word or "Install-Recommends" in word for word in words):
                self._recommending.update(self.installed[before:])
        elif verb is not None and (found := next((word for word in words if word in _REMOVES), None)):
            self._removed.update(words[words.index(found) + 1 :])

    def _add(self, words: Words) -> None:
        group, before = "", ""
        for word in words:
            if word.startswith("--virtual="):
                group = word.partition("=")[2]
            elif before in ("--virtual", "-t"):
                group = word
            if not word.startswith("-") and before not in _WITH_VALUE:
                name = _VERSION.split(word, maxsplit=1)[0]
                self.installed.append(name)
                self._groups[name] = group
            before = word

    def wanted(self, runs: Iterable[str], said: set[str]) -> tuple[str, ...]:
        """Give the names of what stays installed and is not known to serve building or fetching only.

        `runs`: the texts of the RUN lines; where one adds a source of packages nothing tells what comes from there, and no name
        is given. `said`: words of what starts: a helper such as curl counts where it is one of them.
        """
        if any(_SOURCES.search(text) for text in runs):
            return ()
        found = []
        for name in self.installed:
            if not _PACKAGE.fullmatch(name) or {name, self._groups[name]} & self._removed:
                continue
            if name in said if name in HELPERS else not BUILD_NAME.fullmatch(name):
                found.append(name)
        return tuple(dict.fromkeys(found))

    def recommending(self, names: Iterable[str]) -> bool:
        """Tell whether a line installs one of `names` with what it recommends, which programs use where it is there."""
        return not self._recommending.isdisjoint(names)
