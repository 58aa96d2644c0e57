"""What the entrypoint, the command and the health check need, as far as files tell: it is never called removable.

This errs on the side of keeping: every word that names an executable or a file counts, in entrypoint scripts, in the
configuration of what supervises others, and in the strings of programs.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from msbtui.analysis.waste.depends import Dependencies
from msbtui.image.closure import Closure, needed_libraries
from msbtui.image.programs import DEFAULT_PATH
from msbtui.regex import regex

if TYPE_CHECKING:
    from msbtui.analysis.waste.scene import LiveFile, Scene

_WORD = regex(r"[\w@%+=:,./-]+")
_QUOTED = regex(r"""["']([\w@%+./-]{2,200})["']""")
_SCRIPT_LIMIT = 256 << 10
_MOST_WORDS = 5000
_MOST_FILES = 400
_MOST_DIRECTORIES = 32
_SHELLS = frozenset(("sh", "bash", "dash", "ash", "zsh", "ksh", "busybox", "execlineb", "with-contenv", "openrc-run"))
_SETTINGS = regex(r".*\.(sh|bash|conf|cfg|ini|ya?ml|toml|json|cron|service|xml)|Procfile|crontab|run|finish")
_SUPERVISORS: dict[str, tuple[str, ...]] = {
    "supervisord": ("etc/supervisord.conf", "etc/supervisord.d", "etc/supervisor"),
    "nginx": ("etc/nginx",),
    "cron": ("etc/crontab", "etc/cron.d", "var/spool/cron"),
    "crond": ("etc/crontab", "etc/cron.d", "etc/crontabs", "var/spool/cron"),
    "init": ("etc/s6-overlay", "etc/services.d", "etc/cont-init.d", "etc/inittab"),
    "s6-svscan": ("etc/s6-overlay", "etc/services.d", "etc/cont-init.d"),
    "runsvdir": ("etc/service", "etc/sv"),
    "monit": ("etc/monit", "etc/monitrc"),
}
"""Where programs that start others are told what to start."""
_NODE_RUNNERS = frozenset(("npm", "yarn", "pnpm", "bun"))
_GENERAL = frozenset(
    ("", "tmp", "var/tmp", "var/log", "var", "usr", "etc", "opt", "home", "root", "srv", "usr/local", "usr/share")
)
"""Directories that a command names for what it writes, or in order to work there."""
_SOURCE = regex(r".*\.(c|h|cc|cpp|cxx|hpp|go|rs|s|asm|o|a|java|kt|f90|zig|d|hs|ml|swift)", re.IGNORECASE)


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
    started: set[str] = set()
    """Packages that own any of `files` themselves."""
    directories: set[str] = set()
    """Directories that entrypoint or command name, without those that are there for everyone."""


def find_needs(scene: Scene) -> Needs:
    """Give what starting a container needs; an empty configuration needs nothing."""
    config = scene.image.config
    needs = Needs(files=set(), entrypoints=[], words=[*config.entrypoint, *config.cmd], packages=set(), directories=set())
    health = config.healthcheck.test[1:] if config.healthcheck else ()
    for word in _words(needs.words):
        path = _lookup(scene, word)
        if path is not None:
            needs.entrypoints.append(path)
    needs.directories.update(_directories(scene, _words((*needs.words, *health))))
    todo = [*needs.entrypoints, *(path for word in _words(health) if (path := _lookup(scene, word)))]
    todo += [path for word in _package_scripts(scene, needs) if (path := _lookup(scene, word))]
    _follow(scene, needs, todo)
    closure = needed_libraries(scene.image, scene.table, sorted(needs.files))
    opened = [path for path in sorted(needs.files) for path in _opened(scene, path)]
    if opened:
        needs.files.update(opened)
        closure = needed_libraries(scene.image, scene.table, sorted(needs.files))
    needs.files.update(library_paths(closure))
    needs.started = {owner for path in needs.files if (owner := owner_name(scene, path))}
    needs.packages = Dependencies(scene.packages.installed).closure(needs.started)
    return needs


def _follow(scene: Scene, needs: Needs, todo: list[str]) -> None:
    """Put the files of `todo` into the needs, and all that their texts name."""
    while todo and len(needs.files) < _MOST_FILES:
        path = todo.pop()
        if path in needs.files:
            continue
        needs.files.add(path)
        todo.extend(_named_in_script(scene, path))
        for place in _SUPERVISORS.get(path.rpartition("/")[2], ()):
            todo.extend(scene.table.paths[pid] for pid in scene.below(place)[:_MOST_FILES])


def _words(words: Iterable[str]) -> list[str]:
    """Give the words, and the words inside those that are whole command lines (`sh -c "exec app --flag"`) or lists of paths."""
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
        if ":" in word and "/" in word:
            found += word.split(":")
    return list(dict.fromkeys(found))[:_MOST_WORDS]


def _lookup(scene: Scene, word: str, beside: str | None = None) -> str | None:
    """Give the live file that a word names: an absolute path, one in PATH, one below the working directory or `beside`."""
    word = word.rpartition("=")[2] if word.startswith("-") else word
    if not word or word.startswith("-") or not scene.has_name(word.rpartition("/")[2]):
        return None
    if word.startswith("/"):
        candidates = [word]
    else:
        directories = [] if "/" in word else scene.env.get("PATH", DEFAULT_PATH).split(":")[:32]
        candidates = [f"{directory}/{word}" for directory in directories]
        candidates.append(f"{scene.image.config.workdir or '/'}/{word}")
        if beside is not None:
            candidates.append(f"{beside}/{word}")
    for candidate in candidates:
        pid = scene.table.resolve(candidate.strip("/"))
        if pid is not None and not scene.table.is_directory(pid):
            return scene.table.paths[pid]
    return None


def _directories(scene: Scene, words: Iterable[str]) -> Iterator[str]:
    for word in list(words)[: _MOST_DIRECTORIES * 8]:
        word = word.rpartition("=")[2] if word.startswith("-") else word
        if not word.startswith("/"):
            continue
        pid = scene.table.resolve(word.strip("/"))
        if pid is not None and scene.table.is_directory(pid):
            path = scene.table.paths[pid]
            if path not in _GENERAL and path not in scene.homes:
                yield path


def _package_scripts(scene: Scene, needs: Needs) -> list[str]:
    """Give the words of the scripts in package.json that `npm start` and its like run."""
    words = [word.rpartition("/")[2] for word in _words(needs.words)]
    manifest = scene.file(f"{scene.image.config.workdir}/package.json".strip("/"))
    if manifest is None or _NODE_RUNNERS.isdisjoint(words):
        return []
    scripts = json_object(scene, manifest).get("scripts")
    if not isinstance(scripts, dict):
        return []
    return [one for name, text in scripts.items() if name in words or name == "start" for one in _WORD.findall(str(text))]


def json_object(scene: Scene, file: LiveFile) -> dict[str, Any]:
    """Give the object that a JSON file holds; empty where it is none or not known."""
    text = scene.text(file.key, 32 << 20)
    try:
        found = msgspec.json.decode(text or "")
    except (msgspec.DecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _named_in_script(scene: Scene, path: str) -> list[str]:
    """Give what a text names: a script's interpreter, every file that a shell script's words name, quoted ones of others."""
    file = scene.file(path)
    if file is None or scene.size(file.key) > _SCRIPT_LIMIT or scene.elf(file.key) is not None:
        return []
    text = scene.text(file.key, _SCRIPT_LIMIT)
    if text is None:
        return []
    words: list[str] = []
    if text.startswith("#!"):
        first, _, text = text.partition("\n")
        words = first[2:].split()
    shell = any(word.rpartition("/")[2] in _SHELLS for word in words)
    if shell or _SETTINGS.fullmatch(file.name) or (not words and "." not in file.name):
        code = re.sub(r"(?m)(^|\s)#.*$", "", text)
        named = list(dict.fromkeys(_WORD.findall(code)[: 4 * _MOST_WORDS]))
        # `command=/usr/bin/x` in a configuration, `TOOL=x` in a script.
        words += [*named, *(word.rpartition("=")[2] for word in named if "=" in word)]
    else:
        words += dict.fromkeys(_QUOTED.findall(text)[:_MOST_WORDS])
    beside = path.rpartition("/")[0]
    return [found for word in words if (found := _lookup(scene, word, beside)) is not None]


def _opened(scene: Scene, path: str) -> Iterator[str]:
    """Give what the strings of a program that no package owns name: libraries that it may open, and files that are there."""
    file = scene.file(path)
    elf = scene.elf(file.key) if file is not None and file.pid not in scene.owned else None
    if elf is None:
        return
    for pid in scene.named(*elf.libraries):
        yield scene.table.paths[pid]
    for word in elf.paths:
        if not _SOURCE.fullmatch(word) and (found := _lookup(scene, word)) is not None:
            yield found


def owner_name(scene: Scene, path: str) -> str | None:
    """Give the name of the package that owns a path, or None."""
    owner = scene.packages.owner(path)
    return owner.name if owner is not None else None


def library_paths(closure: Closure) -> set[str]:
    """Give the libraries and interpreters that a closure found: the files, and the names under which they were found."""
    return {*closure.files, *(library.path for library in closure.libraries)}
