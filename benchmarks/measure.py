"""One run of one program: wall time, processor time, peak memory; for full-screen programs until their first whole screen."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import resource
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

LONGEST = 900.0
"""Seconds after which a program is ended and counted as not done."""
_ESCAPE = re.compile(rb"\x1b(?:\[[0-9;?<>=]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[PX^_][^\x1b]*\x1b\\|.)")


class Run(NamedTuple):
    """What a run cost."""

    seconds: float
    processor: float
    """Seconds of processor time, of all its threads and children."""
    memory: int
    """Peak resident bytes of the largest of its processes; pages of mapped files count."""
    done: bool
    """Whether it gave its answer."""
    output: bytes


def run(command: Sequence[str], environ: Mapping[str, str]) -> Run:
    """Run a program that ends by itself, its standard output kept in memory."""
    before = time.perf_counter()
    with subprocess.Popen(
        command, env=dict(environ), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - before
        process.returncode = os.waitstatus_to_exitcode(status)
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss << 10, process.returncode == 0, output)


def run_until(command: Sequence[str], environ: Mapping[str, str], ready: re.Pattern[bytes]) -> Run:
    """Run a full-screen program in a terminal of its own until its screen holds `ready`, then end it."""
    before = time.perf_counter()
    pid, terminal = pty.fork()
    if pid == 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.execvpe(command[0], list(command), {**environ, "TERM": "xterm-256color"})
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 160, 0, 0))
    os.kill(pid, signal.SIGWINCH)
    seen, seconds, done = b"", 0.0, False
    while time.perf_counter() - before < LONGEST and not done:
        if not select.select([terminal], [], [], 1.0)[0]:
            continue
        try:
            data = os.read(terminal, 1 << 16)
        except OSError:
            break
        if not data:
            break
        if b"\x1b[6n" in data:
            os.write(terminal, b"\x1b[1;1R")
        seen += data
        done = ready.search(_ESCAPE.sub(b" ", seen)) is not None
        seconds = time.perf_counter() - before
    os.kill(pid, signal.SIGKILL)
    _, _, usage = os.wait4(pid, 0)
    os.close(terminal)
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss << 10, done, seen)
