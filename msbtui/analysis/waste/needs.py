"""What the entrypoint, the command and the health check need, as far as files tell: it is never called removable.

This errs on the side of keeping: every word that names an executable or a file counts, also in entrypoint scripts.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from msbtui.analysis.waste.depends import Dependencies
from msbtui.image.closure import Closure, needed_libraries

if TYPE_CHECKING:
    from msbtui.analysis.waste.scene import Scene

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Docker's PATH where the configuration has none (moby, oci/defaults.go)."""
_WORD = re.compile(r"[\w@%+=:,./-]+")
_SCRIPT_LIMIT = 256 << 10
_MOST_WORDS = 5000
_MOST_FILES = 400
_SHELLS = frozenset(("sh", "bash", "dash", "ash", "zsh", "ksh", "busybox"))


class Needs(msgspec.Struct):
    """Paths as the table has them, and names of packages."""

    files: set[str] = set()
    """Files that something names, with the libraries that these need."""
    entrypoints: list[str] = []
    """The files that start, in order: entrypoint or command first; symlinks followed."""
    words: list[str] = []
    """The words of entrypoint and command."""
    packages: set[str] = set()
    """Packages that own any of `files`, and all that these depend on."""


def find_needs(scene: Scene) -> Needs:
    """Give what starting a container needs; an empty configuration needs nothing."""
    config = scene.image.config
    needs = Needs(files=set(), entrypoints=[], words=[*config.entrypoint, *config.cmd], packages=set())
    health = config.healthcheck.test[1:] if config.healthcheck else ()
    for word in _words(needs.words):
        path = _lookup(scene, word)
        if path is not None:
            needs.entrypoints.append(path)
    todo = [*needs.entrypoints, *(path for word in _words(health) if (path := _lookup(scene, word)))]
    while todo and len(needs.files) < _MOST_FILES:
        path = todo.pop()
        if path in needs.files:
            continue
        needs.files.add(path)
        todo.extend(_named_in_script(scene, path))
    closure = needed_libraries(scene.image, scene.table, sorted(needs.files))
    needs.files.update(library_paths(closure))
    owners = {owner for path in needs.files if (owner := owner_name(scene, path))}
    needs.packages = Dependencies(scene.packages.installed).closure(owners)
    return needs


def _words(words: Iterable[str]) -> list[str]:
    """Give the words, and the words inside those that are whole command lines (`sh -c "exec app --flag"`)."""
    found: list[str] = []
    for word in words:
        if any(c.isspace() for c in word):
            try:
                found += shlex.split(word, comments=True)
            except ValueError:
                found += word.split()
            found += _WORD.findall(word)
        else:
            found.append(word)
    return list(dict.fromkeys(found))[:_MOST_WORDS]


def _lookup(scene: Scene, word: str) -> str | None:
    """Give the live file that a word names: an absolute path, one in PATH, or one below the working directory."""
    word = word.rpartition("=")[2] if word.startswith("-") else word
    if not word or word.startswith("-") or word.rpartition("/")[2] not in scene.by_name:
        return None
    if word.startswith("/"):
        candidates = [word]
    else:
        directories = [] if "/" in word else scene.env.get("PATH", _PATH).split(":")[:32]
        candidates = [f"{directory}/{word}" for directory in directories]
        candidates.append(f"{scene.image.config.workdir or '/'}/{word}")
    for candidate in candidates:
        pid = scene.table.resolve(candidate.strip("/"))
        if pid is not None and not scene.table.is_directory(pid):
            return scene.table.paths[pid]
    return None


def _named_in_script(scene: Scene, path: str) -> list[str]:
    """Give the interpreter of a script and, of a shell's, every file or executable that its words name."""
    file = scene.file(path)
    if file is None or scene.elf(file.key) is not None:
        return []
    text = scene.text(file.key, _SCRIPT_LIMIT)
    if text is None or not text.startswith("#!"):
        return []
    first, _, body = text.partition("\n")
    interpreter = first[2:].split()
    words = list(interpreter)
    if any(word.rpartition("/")[2] in _SHELLS for word in interpreter):
        code = re.sub(r"(?m)(^|\s)#.*$", "", body)
        words += dict.fromkeys(_WORD.findall(code)[: 4 * _MOST_WORDS])
    return [named for word in words if (named := _lookup(scene, word)) is not None]


def owner_name(scene: Scene, path: str) -> str | None:
    """Give the name of the package that owns a path, or None."""
    owner = scene.packages.owner(path)
    return owner.name if owner is not None else None


def library_paths(closure: Closure) -> set[str]:
    """Give the libraries and interpreters that a closure found: the files, and the names under which they were found."""
    return {*closure.files, *(library.path for library in closure.libraries)}
