"""The docker CLI as a child process: its lines as they come, its end on a cancel, its environment."""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import IO

import msgspec

from msbtui.engine import waiting
from msbtui.engine.host import Endpoint
from msbtui.errors import TargetError

_STEP = 0.05
_GRACE = 2.0
"""Seconds that a child has to end by itself after it was asked to."""
_LINE = 64 << 10


class Finished(msgspec.Struct, frozen=True):
    """How a child ended."""

    exit_code: int
    """Negative: the signal that ended it."""
    stdout: bytes
    stderr: bytes
    truncated: bool = False
    """Whether either stream was longer than was kept."""
    timed_out: bool = False


def environment(host: str | Endpoint | None, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Give the environment for a docker CLI that talks to `host` (None: to the engine that the user's environment names)."""
    result = dict(os.environ if environ is None else environ)
    if host is None:
        return result
    if isinstance(host, Endpoint) and host.tls and not host.tls_folder:
        return result  # only the docker context that named it can say that nothing is verified
    address = host if isinstance(host, str) else host.host
    if result.get("DOCKER_HOST") != address:
        for name in ("DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
            result.pop(name, None)
    result.pop("DOCKER_CONTEXT", None)
    result["DOCKER_HOST"] = address
    if isinstance(host, Endpoint) and host.tls_folder:
        result["DOCKER_CERT_PATH"] = host.tls_folder
        result["DOCKER_TLS_VERIFY" if host.tls_verify else "DOCKER_TLS"] = "1"
    return result


def docker_cli(environ: Mapping[str, str]) -> str:
    """Give the path of the docker CLI. Raises `TargetError` where there is none."""
    found = shutil.which("docker", path=environ.get("PATH"))
    if found is None:
        raise TargetError(
            "builds need the docker command, and there is none",
            hint="install Docker's command line client (docker-cli) with buildx",
        )
    return found


def stop(child: subprocess.Popen[bytes], *, at_once: bool = False) -> None:
    """End a child and all that it started: asked first, then killed; killed `at_once` where asking is of no use."""
    if at_once:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait(_GRACE)
        return
    for sign, seconds in ((signal.SIGTERM, _GRACE), (signal.SIGKILL, _GRACE)):
        if child.poll() is not None and sign is signal.SIGTERM:
            # the leader is gone; what it started may not be
            sign = signal.SIGKILL
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(seconds)
            return


def start(arguments: Sequence[str], environ: Mapping[str, str], *, merge: bool = False) -> subprocess.Popen[bytes]:
    """Start a child in a process group of its own, so that Ctrl+C reaches us first and `stop` all of it."""
    try:
        return subprocess.Popen(
            list(arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merge else subprocess.PIPE,
            env=dict(environ),
            start_new_session=True,
        )
    except OSError as error:
        raise TargetError(
            f"cannot be run: {(error.strerror or 'error').lower()}", where=arguments[0], hint="check that docker is installed"
        ) from error


def stream_lines(
    arguments: Sequence[str],
    environ: Mapping[str, str],
    on_line: Callable[[str], None],
    *,
    cancel: threading.Event | None = None,
    timeout: float | None = None,
) -> int:
    """Run a child and hand over its lines (both streams, in order) as they come; give its exit code.

    Raises `Cancelled`, or `TargetError` after `timeout` seconds; the child is gone by then, whatever happens.
    """
    child = start(arguments, environ, merge=True)
    lines: queue.Queue[bytes | None] = queue.Queue(1000)
    gone = threading.Event()
    threading.Thread(target=_read_lines, args=(child.stdout, lines, gone), daemon=True).start()
    until = None if timeout is None else time.monotonic() + timeout
    try:
        while True:
            waiting.check(cancel)
            if until is not None and time.monotonic() > until:
                raise TargetError(
                    f"did not end within {timeout:.0f} s",
                    where=" ".join(arguments[:3]),
                    hint="give it more time, or look why it hangs",
                )
            try:
                line = lines.get(timeout=_STEP)
            except queue.Empty:
                continue
            if line is None:
                return _exit_code(child, cancel, until)
            on_line(line.decode("utf-8", "replace").rstrip("\r\n"))
    finally:
        gone.set()
        if child.poll() is None:
            stop(child)


def _exit_code(child: subprocess.Popen[bytes], cancel: threading.Event | None, until: float | None) -> int:
    while child.poll() is None:
        waiting.check(cancel)
        if until is not None and time.monotonic() > until:
            break
        time.sleep(_STEP)
    return child.returncode if child.returncode is not None else -signal.SIGKILL


def _read_lines(stream: IO[bytes] | None, lines: queue.Queue[bytes | None], gone: threading.Event) -> None:
    assert stream is not None  # a pipe was asked for
    with stream:
        while line := stream.readline(_LINE):
            if not _put(lines, line, gone):
                return
    _put(lines, None, gone)


def _put(lines: queue.Queue[bytes | None], line: bytes | None, gone: threading.Event) -> bool:
    while not gone.is_set():
        try:
            lines.put(line, timeout=_STEP)
            return True
        except queue.Full:
            continue
    return False


class _Kept:
    """The first bytes of a stream that is read to its end."""

    def __init__(self, stream: IO[bytes] | None, limit: int) -> None:
        self.data = bytearray()
        self.truncated = False
        self.thread = threading.Thread(target=self._read, args=(stream, limit), daemon=True)
        self.thread.start()

    def _read(self, stream: IO[bytes] | None, limit: int) -> None:
        assert stream is not None  # a pipe was asked for
        with stream:
            while chunk := stream.read1(1 << 16):  # type: ignore[attr-defined]  # a buffered pipe has it
                room = limit - len(self.data)
                self.data += chunk[:room]
                self.truncated = self.truncated or len(chunk) > room


def collect(
    arguments: Sequence[str],
    environ: Mapping[str, str],
    *,
    cancel: threading.Event | None = None,
    timeout: float = 60.0,
    limit: int = 1 << 20,
) -> Finished:
    """Run a child to its end, keep at most `limit` bytes of each stream; after `timeout` seconds it is killed, `timed_out` set.

    Raises `Cancelled`; the child is gone by then.
    """
    child = start(arguments, environ)
    out, err = _Kept(child.stdout, limit), _Kept(child.stderr, limit)
    until = time.monotonic() + timeout
    timed_out = False
    try:
        while child.poll() is None:
            waiting.check(cancel)
            if time.monotonic() > until:
                timed_out = True
                break
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(_STEP)
    finally:
        if child.poll() is None:
            stop(child, at_once=True)
    for kept in (out, err):
        kept.thread.join(_GRACE)
    code = child.returncode if child.returncode is not None else -signal.SIGKILL
    return Finished(code, bytes(out.data), bytes(err.data), out.truncated or err.truncated, timed_out)
