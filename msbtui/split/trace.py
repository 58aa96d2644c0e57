"""Which files the original opens while it starts and while the person's commands run: what a plan is widened by, never narrowed.

What is watched is one run of each on one machine: a file that was not opened proves nothing, so it speaks against no file.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack

import msgspec

from msbtui.engine.containers import Container
from msbtui.engine.tracer import LOG_LIMIT, Tracer
from msbtui.errors import TargetError
from msbtui.image.model import Kind
from msbtui.split.ladder import OUTSIDE
from msbtui.split.model import Traced
from msbtui.split.reach import shebang
from msbtui.split.smoke import smoke_command
from msbtui.split.start import ask, asked_ports, window
from msbtui.split.trial import Trial
from msbtui.split.view import View, relative
from msbtui.text import printable_bytes

_MOST = 20_000
"""Files of one run that are taken: a program that opens more reads a whole tree."""
_LEAST, _STARTED, _AWAITED = 4.0, 12.0, 40.0
"""Seconds that the start is watched at least, at most, and at most where EXPOSE names a port and none is open yet."""
_SMOKE_SECONDS = 120.0
_TEXT = rb"(?:[^%s\\]|\\.)*"
_QUOTED, _SHOWN = _TEXT % rb'"', _TEXT % rb">"
# strace(1) with -y: openat(AT_FDCWD</app>, "x/y", O_RDONLY) = 3</app/x/y>; what was cut into by another process ends with
# `<unfinished ...>`, and what that call then gave stands in a line of its own
_OPENED = re.compile(
    rb"\b(?:open|openat|openat2|execveat)\((?:[^,\"<]*<(" + _SHOWN + rb')>, )?"(' + _QUOTED + rb')"(?!\.\.\.)([^\n]*)'
)
_STARTED_BY = re.compile(rb'\bexecve\("(' + _QUOTED + rb')"(?!\.\.\.)([^\n]*)')
_GIVEN = re.compile(rb"\) += \d+<(/" + _SHOWN + rb")>")
_FAILED = re.compile(rb"\) += -1 E")
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|x[0-9a-fA-F]{2}|.)", re.DOTALL)
_LETTERS = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"v": b"\v", b"f": b"\f", b"a": b"\a", b"b": b"\b"}


class Trace(msgspec.Struct, frozen=True):
    """What watching found."""

    runs: tuple[Traced, ...] = ()
    opened: dict[str, str] = {}
    """By path as the table has it: while what it was opened."""


def watch(trial: Trial, smokes: Sequence[str], paths: Sequence[str], tell: Callable[[str], None] = lambda _: None) -> Trace:
    """Watch the original's plain start, with a request for `/` and each of `paths` to its ports, and each smoke command.

    `trial` has the original on both sides. Raises `TargetError` where nothing on this engine or machine can watch.
    """
    view = trial.before
    runs: list[Traced] = []
    opened: dict[str, str] = {}
    with Tracer(
        trial.original,
        view.image.platform,
        view.config.user,
        verify_id=trial.verify_id,
        cancel=trial.cancel,
        environ=trial.environ,
    ) as tracer:
        for what, words, seconds in _runs(view, smokes):
            tell(f"watching what {what} opens")
            try:
                with tracer.container(words) as container:
                    if seconds is None:
                        _start(trial, container, paths)
                    else:
                        container.wait(seconds)
                    said = container.logs(LOG_LIMIT)[1]
            except TargetError as error:
                runs.append(Traced(what, error.what))
                continue
            found = sorted(files(named(said, view.workdir), view))[:_MOST]
            runs.append(Traced(what, tracer.name, len(found)))
            for path in found:
                opened.setdefault(path, f"opened while {what} ran")
    return Trace(tuple(runs), opened)


def _runs(view: View, smokes: Sequence[str]) -> Iterator[tuple[str, list[str], float | None]]:
    config = view.config
    if words := [*config.entrypoint, *config.cmd]:
        yield "the container's start", words, None
    for smoke in smokes:
        try:
            entrypoint, arguments = smoke_command(smoke, view)
        except ValueError:
            continue  # the check of the command says so
        yield f"`{smoke}`", [*([entrypoint] if entrypoint is not None else config.entrypoint), *arguments], _SMOKE_SECONDS


def _start(trial: Trial, container: Container, paths: Sequence[str]) -> None:
    """Wait until it listens or nothing more is to be expected, and ask what listens."""
    began, asked = time.monotonic(), False
    awaited = bool(trial.before.config.exposed_ports)
    with ExitStack() as stack:
        beside = window(trial, stack, container)
        while container.state().running:
            spent = time.monotonic() - began
            ports = asked_ports(beside)
            if beside is not None and ports and spent >= _LEAST and not asked:
                asked = True
                for port in sorted(ports):
                    for path in dict.fromkeys(("/", *paths)):
                        ask(beside, port, path)
                time.sleep(1)  # what it does after it answered
            if spent >= (_AWAITED if awaited and not asked else _STARTED if not asked else _LEAST):
                return
            time.sleep(0.3)


def named(trace: bytes, workdir: str = "/") -> set[str]:
    """Give the absolute paths (as the table has them, unresolved) that a trace of strace says were opened or executed.

    A traced program writes to the same stream and can make lines up: a name is a name only, which the image has or has not.
    """
    found: set[str] = set()
    for match in _OPENED.finditer(trace):
        if not _FAILED.search(match[3]):
            found.add(relative(_path(match[2]), _path(match[1]) if match[1] else workdir))
    for match in _STARTED_BY.finditer(trace):
        if not _FAILED.search(match[2]):
            found.add(relative(_path(match[1]), workdir))
    found.update(relative(_path(match[1])) for match in _GIVEN.finditer(trace))
    return found


def _path(text: bytes) -> str:
    """Undo strace's escapes (those of C)."""

    def plain(match: re.Match[bytes]) -> bytes:
        code = match[1]
        if code[:1].isdigit():
            return bytes([int(code, 8) & 0xFF])
        return bytes([int(code[1:], 16)]) if len(code) == 3 else _LETTERS.get(code, code)

    return printable_bytes(_ESCAPE.sub(plain, text))


def files(names: Iterable[str], view: View) -> set[str]:
    """Give the files and symlinks of the image among `names`, and what starts the scripts among them.

    A directory that was listed is taken where it is empty: what was opened in it stands for itself.
    """
    found: set[str] = set()
    for name in names:
        path = view.canonical(name) if name else None
        if path is None or OUTSIDE.fullmatch(path):
            continue
        kind = view.kind(path)
        if kind in (Kind.FILE, Kind.HARD_LINK, Kind.SYMLINK) and not view.is_dir(path):
            found.add(path)
            words = shebang(view.text(path, 256) or b"") if view.executable(path) else ()
            found.update(command for word in words if (command := view.find_command(word)) is not None)
        elif kind is Kind.DIRECTORY and not view.children(path):
            found.add(path)
    return found
