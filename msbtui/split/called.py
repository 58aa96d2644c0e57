"""Which commands the application's own programs start: not each word that they quote, but what stands where one is started.

The application's own are the programs in its directories, those that the start reaches, and the sources of distributions that
were installed from a local directory (PyPA, "Recording the Direct URL Origin of installed distributions"), which may be gone by
the time the container starts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

from msbtui.image.model import Kind
from msbtui.split.reach import Reach
from msbtui.split.view import DEFAULT_PATH, View, inside, relative
from msbtui.split.words import runs, shell_commands

STARTS_COMMANDS = re.compile(
    rb"subprocess|\bos\.(system|popen|exec|spawn)|\bPopen\b|child_process|\bexeca?\b|\bspawn|\bshell_exec\b|\bpassthru\b|proc_open"
    rb"|Open3|\bsystem\b|\bpopen|\bpexpect\b|%x|\bqx\b"
)
"""How programs of the usual languages start commands."""
PROGRAM = re.compile(r".*\.(py|rb|pl|pm|php|js|mjs|cjs|jsx|ts|lua|r|R|tcl)")
_FIRST = re.compile(rb"""["'`]\s{0,9}(?:/(?:usr/)?(?:local/)?s?bin/)?([A-Za-z][A-Za-z0-9_.+-]{0,60})(?=["'`\s])""")
"""The first word of a quoted text."""
_CHAINED = re.compile(rb"&&\s{1,9}([A-Za-z][A-Za-z0-9_.+-]{0,60})(?=\s)")
"""The first word of a further command of a shell's line."""
_AROUND = 80
"""Bytes before and behind a word that tell whether a command is started there."""
_PREFIX = rb"""[fFrRbBuU]{0,2}\Z"""
_STARTER = re.compile(
    rb"(?:subprocess\.\w+|popen\d?|check_output|check_call|getoutput|getstatusoutput|\bos\.(?:system|popen|exec\w+|posix_spawnp?|spawn\w+)|create_subprocess_\w+|\bspawn\w*"
    rb"|\bexec(?!ute\b)\w*|\bshell_exec|\bpassthru|\bproc_open|\bsystem|\bwhich|\bcapture[23]e?|\brun)\s*\(\s*[\[(]?\s*"
    + _PREFIX,
    re.IGNORECASE,
)
"""A call that starts what follows."""
_WRAPPER = re.compile(
    rb"(?:run|exec|spawn|call|shell|output|which|system|invoke)\w*\s*\(\s*(?:\w+\s*,\s*)?[\[(]?\s*" + _PREFIX, re.IGNORECASE
)
"""A call of a function that may well be the application's own for starting commands."""
_VALUE = re.compile(rb"(?:[=:(\[,?{+]|\b(?:return|or|else|and))\s*" + _PREFIX)
_LIST = re.compile(rb"[\[(]\s*" + _PREFIX)
_NAMED = re.compile(
    rb"(?:compil|command|cmd|exec|binary|program|tool|path)\w{0,20}[\"']?\s*(?::\s*\w+\s*)?[=:]\s*" + _PREFIX, re.IGNORECASE
)
"""A name that says that its value is a command."""
_ARGUMENTS = re.compile(rb"""\s+(?:-|["'`{$%]|\.{0,2}/|[\w-]{1,40}\.\w{1,9}["'`\s])""")
_OPTION = re.compile(rb"""\s+-|["'`]\s*,\s*[\[(]?\s*[fFrRbBuU]{0,2}["'`]-""")
_NEXT = re.compile(rb"""["'`]\s*,""")
_IMPORTS_GIT = re.compile(rb"^[ \t]*(?:import|from)[ \t]+git(?![\w-])", re.MULTILINE)
"""GitPython does not even load without git; what only depends on it mostly does."""
_SCRIPT = re.compile(rb"(?<![\w.-])[\w.-]{1,80}\.sh(?![\w.-])")
_BACKTICKS = re.compile(r".*\.(rb|pl|pm|php)")
"""Languages in which a text in backquotes is started."""
_AMBIGUOUS = frozenset(
    (  # noqa: SIM905
        "file less tree top free man watch make patch ant flex cc ld as ar nm bc dc m4 go size strings strip link at find sort "
        "test cut join split head tail who id date time groups convert identify compare display import animate composite stream "
        "conjure montage mail host expand look script last users yes true false nice kill env install open col which import c++ "
        "bison cpp git-shell pack rename select sum write wall help info log view reset clear login apply column scalar logger "
        "timeout sync factor more fold prune arch red GET HEAD POST"
    ).split()
)
"""Commands whose names are said as words, keys and methods more often than as commands."""
_NOT_RUN = re.compile(
    r"(.*/)?(__tests__|__mocks__|tests?|specs?|e2e|docs?|examples?|benchmarks?|\.[^/]+|node_modules|site-packages|vendor)/.*"
    r"|(.*/)?(test_[^/]*|[^/]*[_.](test|spec)|conftest|noxfile|fabfile|setup|[gG]ulpfile|[gG]runtfile|[^/]*\.(config|conf|min))\.[a-z]+"
    r"|(.*/)?(static|public|assets)/.*\.m?js"
)
"""In an application's directory: what only building and testing run."""
_SCANNED = 8 << 20
"""Bytes of programs that are searched, together."""
_MOST_SOURCES = 20
"""Each is looked for in every layer: an image of nothing but records must not make that endless."""


def own_calls(view: View, reach: Reach, trees: Iterable[str]) -> dict[str, str]:
    """Give the commands of the image that the application's own programs start, each with the path of a program that does.

    `trees`: the application's directories (`Judge.app_trees`).
    """
    names = _commands(view)
    building = _named_in_builds(view)
    found: dict[str, str] = {}
    loaded: dict[str, str] = {}
    starts = False
    left = _SCANNED
    scripts: dict[str, bytes] = {}
    named: set[bytes] = set()
    for path, text in _programs(view, reach, [*trees, *local_sources(view)], building):
        left -= len(text)
        if left < 0:
            break
        if path.endswith(".sh"):
            scripts[path] = text
            continue
        named.update(_SCRIPT.findall(text))
        ticks = _BACKTICKS.fullmatch(path) is not None
        starts = starts or STARTS_COMMANDS.search(text) is not None or (ticks and b"`" in text)
        for word in _started(text, names, ticks):
            found.setdefault(word, path)
        if _IMPORTS_GIT.search(text) and path.endswith(".py"):
            loaded.setdefault("git", path)
    for path, text in scripts.items() if starts else ():
        if path.rpartition("/")[2].encode() in named:
            for words in shell_commands(text.decode("utf-8", "replace"), {**view.env, "0": f"/{path}"}):
                for run in runs(words):
                    if (word := run[0].rpartition("/")[2]).encode("utf-8", "surrogateescape") in names:
                        found.setdefault(word, path)
    return {**found, **loaded} if starts else loaded


def local_sources(view: View) -> list[str]:
    """Give the directories, still there or deleted again, that pip installed distributions from without `--editable`."""
    found = set()
    for path in view.table.paths:
        if not path.endswith(".dist-info/direct_url.json") or not view.is_new(path):
            continue
        try:
            said = json.loads(view.text(path) or b"")
        except (ValueError, RecursionError):
            continue
        url = said.get("url") if isinstance(said, dict) and isinstance(said.get("dir_info"), dict) else None
        if isinstance(url, str) and url.startswith("file:///") and "\0" not in url:
            folder = relative(unquote(url.removeprefix("file://")))
            if folder.count("/") or not view.in_base(folder):
                found.add(folder)
        if len(found) > _MOST_SOURCES:
            break
    return sorted(found - {""})[:_MOST_SOURCES]


def _commands(view: View) -> set[bytes]:
    """Give the names of what lies in the directories of PATH."""
    names = set()
    for folder in (view.env.get("PATH") or DEFAULT_PATH).split(":"):
        real = view.real(relative(folder, view.workdir)) if folder else None
        for child in view.children(real) if real is not None else ():
            names.add(child.rpartition("/")[2].encode("utf-8", "surrogateescape"))
    return names


def _named_in_builds(view: View) -> set[str]:
    """Give the file names that RUN lines say: a script that they run has done its work."""
    return {
        word.rpartition("/")[2]
        for layer in view.image.layers[view.base_layers :]
        if layer.history is not None and not re.match(r"(/bin/sh -c #\(nop\) )?(COPY|ADD)\s", layer.history.created_by)
        for word in re.split(r"[\s;&|\"'()]+", layer.history.created_by)
    }


def _programs(view: View, reach: Reach, trees: Iterable[str], building: set[str]) -> Iterator[tuple[str, bytes]]:
    """Give the paths and texts of the application's own programs."""
    seen = set()
    for path in reach.why:
        if view.is_new(path) and PROGRAM.fullmatch(path) and "/node_modules/" not in path and (text := view.text(path, 1 << 18)):
            seen.add(path)
            yield path, text
    for tree in trees:
        inner = len(tree) + 1
        for path in view.below(tree) if view.exists(tree) else ():
            if path in seen or not (PROGRAM.fullmatch(path) or path.endswith(".sh")) or not view.is_new(path):
                continue
            seen.add(path)
            run = not _NOT_RUN.fullmatch(path[inner:]) and path.rpartition("/")[2] not in building
            if run and (text := view.text(path, 1 << 18)):
                yield path, text
        if not view.exists(tree):
            yield from _deleted(view, tree)


def _deleted(view: View, tree: str) -> Iterator[tuple[str, bytes]]:
    """Give the programs of a directory that a later layer deleted."""
    for path_id, path in enumerate(view.table.paths):
        if inside(path, tree) and PROGRAM.fullmatch(path) and not _NOT_RUN.fullmatch(path[len(tree) + 1 :]):
            for layer, entry in view.table.entries(path_id):
                index = view.table.index(layer)
                if layer >= view.base_layers and index.kinds[entry] == Kind.FILE:
                    if text := view.image.layers[layer].contents.text(entry, 1 << 18):
                        yield path, text
                    break


def _started(text: bytes, names: set[bytes], ticks: bool) -> Iterator[str]:
    """Give the commands among `names` that a program's text starts; `ticks`: backquotes start what they hold."""
    for match in _FIRST.finditer(text):
        word = match[1]
        if word not in names:
            continue
        before = text[max(0, match.start() - _AROUND) : match.start()]
        behind = text[match.end() : match.end() + _AROUND]
        name = word.decode("ascii")
        if (
            (ticks and text[match.start()] == ord("`"))
            or _STARTER.search(before)
            or (_OPTION.match(behind) and _VALUE.search(before))
            or (name not in _AMBIGUOUS and len(name) > 2 and _reads_as_command(before, behind))
        ):
            yield name
    for match in _CHAINED.finditer(text):
        name = match[1].decode("ascii")
        if match[1] in names and name not in _AMBIGUOUS and _ARGUMENTS.match(text[match.end() : match.end() + _AROUND]):
            yield name


def _reads_as_command(before: bytes, behind: bytes) -> bool:
    """Tell whether a word that hardly is anything but a command stands where one is started, or is put together to be."""
    return bool(
        _WRAPPER.search(before)
        or (_VALUE.search(before) and _ARGUMENTS.match(behind))
        or (_LIST.search(before) and _NEXT.match(behind))
        or _NAMED.search(before)
    )
