"""Directories that the author made or gave away outside of what is copied: logs, caches, sockets, what packages bring.

COPY does not reach them: they are made (or given their owner) by a RUN, so the runtime stage does it again.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from msbtui.image.packages import Package
from msbtui.split.copies import Copies, Made
from msbtui.split.view import View, inside, relative
from msbtui.split.words import author_text, shell_commands

_WRITTEN = re.compile(r"(var/(log|cache|spool|run|tmp|lock|mail|lib)|run|tmp)/.+")
"""Where programs write while they run: nothing there is copied, so a directory comes only by itself."""
_MANAGED = re.compile(
    r"(var/lib/(dpkg|apt|ucf|pam|systemd|dbus|misc|python|polkit-1|rpm|vim|xfonts|ghostscript|emacsen-common|gems|sgml-base|xml-core|texmf|aspell|ispell)"
    r"|var/cache/(apt|debconf|ldconfig|man|fontconfig|dictionaries-common)|var/log/(apt|journal|private)|proc|sys|dev"
    r"|usr/share/(doc|man|info|locale)|etc/(ssl|alternatives|apt|dpkg|rc\d\.d|init\.d|systemd))(/.*|\Z)"
)
_OWNERS = frozenset(("chown", "chmod", "install", "mkdir", "setfacl", "chgrp"))
_FIRST_OF_PERSONS = 1000
"""From here on a number is no package's (Debian Policy, 9.2.2)."""


def made_by_author(
    view: View, runtime: View | None, arriving: Collection[Package], copies: Copies, users: set[int]
) -> list[Made]:
    """Give the directories to make, or to give their owner and mode: neither the base nor its packages nor a COPY does.

    `arriving` are the packages that the runtime stage installs, `users` the numbers of the accounts that it makes.
    """
    done = {made.path.lstrip("/") for made in copies.made}
    trees = [copy.destination.lstrip("/") for copy in copies.copies if copy.folder]
    names = {package.name for package in arriving}
    said = _Said(view)
    found: list[Made] = []
    for path in _folders(view):
        if path in done or any(inside(path, tree) for tree in trees) or _MANAGED.fullmatch(path):
            continue
        mode, uid, gid = look = view.stat(path)
        owner = view.owner(path)
        if runtime is not None and runtime.is_dir(path):
            changed = look != runtime.stat(path) and (said.names(path) or uid in users)
        elif owner is not None:
            changed = owner.name in names and (uid >= _FIRST_OF_PERSONS or uid in users or said.names(path))
        else:
            changed = _WRITTEN.fullmatch(path) is not None and said.names(path)
        if changed and not any(path == one.path.lstrip("/") for one in found):
            found.append(Made(f"/{path}", mode, uid, gid))
    return sorted(found, key=lambda made: made.path)


def _folders(view: View) -> Iterator[str]:
    stack = [""]
    while stack:
        for child in view.children(stack.pop()):
            if view.is_dir(child):
                stack.append(child)
                if view.is_new(child):
                    yield child


class _Said:
    """What the RUNs say of directories."""

    def __init__(self, view: View) -> None:
        self.exact: set[str] = set()
        self.whole: set[str] = set()
        """Directories that are named together with all that lies in them (`-R`)."""
        for layer in view.image.layers[view.base_layers :]:
            if layer.history is None:
                continue
            for words in shell_commands(author_text(layer.history.created_by), view.env):
                name = words[0].rpartition("/")[2]
                if name not in _OWNERS:
                    continue
                paths = [path for word in words[1:] if "/" in word and not word.startswith("-") for path in _braces(word)]
                named = {real for path in paths if (real := view.real(relative(path, view.workdir))) is not None}
                self.exact |= named
                if (
                    any(word.startswith("-") and not word.startswith("--") and "R" in word for word in words)
                    or "--recursive" in words
                ):
                    self.whole |= named

    def names(self, path: str) -> bool:
        """Tell whether a RUN makes, gives away or opens this directory."""
        return path in self.exact or any(inside(path, folder) for folder in self.whole)


def _braces(word: str) -> list[str]:
    """Give the words that `a/{b,c}` stands for."""
    match = re.search(r"\{([^{}]*,[^{}]*)\}", word)
    if match is None:
        return [word]
    return [one for part in match[1].split(",") for one in _braces(word[: match.start()] + part + word[match.end() :])]
