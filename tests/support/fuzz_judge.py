"""What must hold for any input at all: one clear error or a sound account, soon, in bounded memory, and nothing written."""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from msbtui.errors import MsbtuiError
from msbtui.image.accounting import State, View
from msbtui.image.table import FileTable
from msbtui.report.inspect_json import inspect_document
from msbtui.report.inspect_text import inspect_text
from msbtui.session import Session
from msbtui.session.model import Options

LONGEST = 5.0
"""Seconds of the processor that one input may take: a busy machine is no hang."""
HANGS = 120.0
"""Seconds by the clock after which an input is given up."""
MEMORY_TIMES, MEMORY_MORE = 4, 200 << 20
"""Memory that one input may take: so many times its bytes, and so many bytes more."""
_WRITES = frozenset(
    (
        "os.mkdir",
        "os.rename",
        "os.remove",
        "os.rmdir",
        "os.link",
        "os.symlink",
        "os.truncate",
        "os.chmod",
        "os.chown",
        "shutil.move",
    )
)
_LEAVES = frozenset(("subprocess.Popen", "os.exec", "os.system", "os.posix_spawn", "socket.connect", "socket.bind", "pty.spawn"))
_allowed: list[str] = []
_seen: list[str] = []
_hooked: list[bool] = []


class TooLongError(Exception):
    """An input took too long."""


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if not _allowed:
        return
    if event == "open":
        path, _, flags = arguments
        if not isinstance(path, str | bytes) or not (flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC):
            return
    elif event in _WRITES:
        path = arguments[0]
    elif event in _LEAVES:
        _seen.append(f"{event} {arguments!r:.200}")
        return
    else:
        return
    name = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else repr(path)
    if not name.startswith((_allowed[0], "/dev/null")):
        _seen.append(f"{event} {name}")


@contextmanager
def watched(allowed: Path) -> Iterator[list[str]]:
    """Give a list that gets what is written outside `allowed`, started, or connected to."""
    if not _hooked:
        sys.addaudithook(_watch)
        _hooked.append(True)
    _seen.clear()
    _allowed[:] = [f"{allowed}/"]
    try:
        yield _seen
    finally:
        _allowed.clear()


def _too_long(_: int, __: FrameType | None) -> None:
    raise TooLongError


def judge_with_cache(path: Path, scratch: Path) -> tuple[str, str]:
    """Judge in a process that does nothing else, with a cache in `scratch`."""
    os.environ["XDG_CACHE_HOME"] = str(scratch / "cache")
    return judge(path, scratch)


def judge(path: Path, scratch: Path) -> tuple[str, str]:
    """Look at the archive at `path` and give (`accepted` or `refused`, "") or (`broken`, what is wrong)."""
    size = path.stat().st_size
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    started = time.process_time()
    verdict, wrong = "broken", ""
    signal.signal(signal.SIGALRM, _too_long)
    with watched(scratch) as seen:
        try:
            signal.setitimer(signal.ITIMER_REAL, HANGS)
            try:
                verdict = _look(path)
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
        except TooLongError:
            wrong = "took too long:\n" + traceback.format_exc()
        except BaseException:
            wrong = traceback.format_exc()
        if seen:
            wrong = wrong or f"wrote or left: {seen[:3]}"
    seconds = time.process_time() - started
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10) - before
    if not wrong and seconds > LONGEST:
        wrong = f"took {seconds:.1f} s"
    if not wrong and more > MEMORY_TIMES * size + MEMORY_MORE:
        wrong = f"took {more >> 20} MiB for {size} bytes"
    return ("broken", wrong) if wrong else (verdict, "")


def _look(path: Path) -> str:
    session = Session(Options(target=f"docker-archive:{path}"), environ={"HOME": "/nonexistent"})
    failures: list[str] = []
    session.run(lambda event: failures.append(event.message) if type(event).__name__ == "Failed" else None)
    if session.error is not None:
        assert isinstance(session.error, MsbtuiError)
        message = str(session.error)
        assert message and message.isprintable(), f"a message that is no line: {message!r}"
        assert len(message) < 2000, f"a message of {len(message)} characters"
        return "refused"
    assert not failures, failures
    assert session.table is not None and session.image is not None and session.waste is not None
    sound(session.table)
    document = inspect_document(session, files=True)
    json.dumps(document, allow_nan=False).encode()
    inspect_text(session).encode()
    assert all(layer.stored_size is None or 0 <= layer.stored_size <= path.stat().st_size << 12 for layer in session.image.layers)
    waste, table = session.waste, session.table
    assert waste.hidden == table.hidden_bytes
    assert 0 <= waste.removable <= table.live_bytes
    assert waste.removable <= waste.total <= table.size
    assert all(finding.bytes >= 0 for finding in waste.findings)
    return "accepted"


def sound(table: FileTable) -> None:
    """Check the identities of the accounting (DESIGN.md section 3), to the byte."""
    layers = range(table.layers)
    entries = [(layer, entry) for layer in layers for entry in range(len(table.index(layer)))]
    assert table.size == table.live_bytes + table.hidden_bytes
    assert table.size == sum(map(table.layer_size, layers)) == sum(table.cost(*one) for one in entries)
    assert table.hidden_bytes == sum(map(table.layer_hidden, layers)) == sum(map(table.hid, layers))
    assert table.live_bytes == sum(map(table.contribution, layers))
    by = {one: table.bytes_hidden_by(*one) for one in entries}
    assert table.live_bytes == sum(table.cost(*one) for one in entries if by[one] is None)
    running = 0
    for layer in layers:
        index = table.index(layer)
        assert 0 <= table.layer_hidden(layer) <= table.layer_size(layer) <= index.tar_size
        assert table.layer_hidden(layer) == sum(table.cost(*one) for one in entries if one[0] == layer and by[one] is not None)
        assert table.hid(layer) == sum(table.cost(*one) for one in entries if by[one] == layer)
        running += table.contribution(layer)
        assert table.running_total(layer) == running >= 0
        assert table.sums(View.up_to(layer))[0] == running
        assert table.sums(View.layer(layer))[0] == table.layer_size(layer)
        assert (
            len({len(column) for column in (index.paths, index.kinds, index.sizes, index.modes, index.mtimes, index.offsets)})
            == 1
        )
    if table.layers:
        last = table.layers - 1
        assert table.sums(View(0, last, State.HIDDEN, last))[0] == table.hidden_bytes
    for pid, path in enumerate(table.paths):
        assert path.isprintable() and not path.startswith("/") and ".." not in path.split("/")
        assert table.parents[pid] < pid and table.id_of(path) == pid
        live = table.live(pid)
        assert live is None or (table.is_live(pid) and table.hidden_by(*live) is None)
