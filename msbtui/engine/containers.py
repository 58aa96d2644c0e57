"""Containers of a verification: fenced in, started side by side, asked, and removed.

None has a network beyond its own loopback; memory, processes and processor are bounded; none is privileged or gains privileges.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import msgspec

from msbtui.engine import process
from msbtui.engine.host import Endpoint
from msbtui.engine.leftovers import labels
from msbtui.errors import TargetError
from msbtui.text import printable

HOSTNAME = "container"
"""The same name in every container, so that outputs do not differ by it; it leads to the loopback address."""
CARRIED = ".msbtui-trace"
"""Where what is carried into a container lies, below its root."""
MEMORY, PROCESSES = "1g", 256
"""What one container may have."""
OUTPUT_LIMIT = 1 << 20
"""Bytes that are kept of what a command prints on each stream."""
_ASKING = 30.0
_STEP = 0.2
_LISTENING = "0A"


class RunResult(msgspec.Struct, frozen=True):
    """How a container's command ended."""

    exit_code: int
    stdout: bytes
    stderr: bytes
    truncated: bool = False
    """Whether either stream was longer than was kept."""
    timed_out: bool = False


class State(msgspec.Struct, frozen=True):
    """What a container does now."""

    running: bool
    exit_code: int
    error: str = ""
    """Why the engine could not start it; printable."""
    out_of_memory: bool = False


def fence(
    verify_id: str,
    *,
    network: str = "none",
    read_only: bool = False,
    log_size: str = "4m",
) -> tuple[str, list[str]]:
    """Give a new container's name and the options that fence it in (docker-run(1))."""
    name = f"msbtui-{verify_id or 'run'}-{secrets.token_hex(4)}"
    options = ["--name", name, *labels(verify_id or name), "--pull", "never", "--network", network]
    if not network.startswith("container:"):
        options += ["--hostname", HOSTNAME, "--add-host", f"{HOSTNAME}:127.0.0.1"]
    options += ["--security-opt", "no-new-privileges", "--memory", MEMORY, "--pids-limit", str(PROCESSES), "--cpus", "1"]
    # a container that prints without end must not fill the engine's disk
    options += ["--log-driver", "json-file", "--log-opt", f"max-size={log_size}"]
    return name, [*options, *(["--read-only"] if read_only else [])]


def complaint(stderr: bytes) -> str:
    """Give the line of the docker CLI that says why, without its advice to read the help."""
    lines = [line for line in stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    said = next((line for line in lines if line.startswith("docker: ")), lines[0] if lines else "no reason given")
    return printable(said.removeprefix("docker: ").removeprefix("Error response from daemon: "))[:400]


def run(
    image: str,
    command: Sequence[str] = (),
    *,
    entrypoint: str | None = None,
    timeout: float = 60.0,
    host: str | Endpoint | None = None,
    verify_id: str = "",
    network: str = "none",
    read_only: bool = False,
    workdir: str | None = None,
    cancel: threading.Event | None = None,
    environ: Mapping[str, str] | None = None,
) -> RunResult:
    """Run `command` in a container of `image`: no network, no new privileges; memory, processes and time bounded.

    `timeout` in seconds; of each stream `OUTPUT_LIMIT` bytes are kept; `network` is `none` or `container:NAME`, whose namespace
    it then shares. The container is gone afterwards, also on a cancel or Ctrl+C. Raises `TargetError` where the engine cannot
    start it (a command that is not in the image is a result: exit code 126 or 127), `Cancelled`.
    """
    env = process.environment(host, environ)
    docker = process.docker_cli(env)
    name, options = fence(verify_id, network=network, read_only=read_only)
    arguments = [docker, "run", "--rm", *options]
    arguments += ["--workdir", workdir] if workdir is not None else []
    arguments += ["--entrypoint", entrypoint] if entrypoint is not None else []
    ended = False
    try:
        result = process.collect([*arguments, image, *command], env, cancel=cancel, timeout=timeout, limit=OUTPUT_LIMIT)
        ended = not result.timed_out and result.exit_code >= 0
    finally:
        if not ended:
            process.collect([docker, "rm", "--force", "--volumes", name], env, timeout=_ASKING)
    if result.exit_code == 125:  # docker run reference, "Exit status": the engine itself failed
        raise TargetError(
            f"the container could not be started: {complaint(result.stderr)}",
            where=printable(image),
            hint="see the engine's log",
        )
    return RunResult(result.exit_code, result.stdout, result.stderr, result.truncated, result.timed_out)


class Container:
    """A container that runs while it is asked; a context manager, after which it is gone."""

    def __init__(
        self,
        image: str,
        command: Sequence[str] = (),
        *,
        verify_id: str,
        entrypoint: str | None = None,
        workdir: str | None = None,
        network: str = "none",
        read_only: bool = False,
        carried: Path | None = None,
        options: Sequence[str] = (),
        log_size: str = "4m",
        host: str | Endpoint | None = None,
        cancel: threading.Event | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """Note what it shall be. `carried`: a folder that is copied into it (tracer.py), which a read-only one cannot take."""
        self._env = process.environment(host, environ)
        self._docker = process.docker_cli(self._env)
        self._cancel = cancel
        self._carried = carried
        self.name, self._options = fence(verify_id, network=network, read_only=read_only, log_size=log_size)
        self._options += options
        self._options += ["--entrypoint", entrypoint] if entrypoint is not None else []
        self._options += ["--workdir", workdir] if workdir is not None else []
        self._image, self._command = image, tuple(command)
        self._error = ""

    def __enter__(self) -> Self:
        """Create and start it. Raises `TargetError` where the engine cannot even create it; a start that fails is a `State`."""
        try:
            made = self._ask(["create", *self._options, self._image, *self._command])
            if made.exit_code:
                raise TargetError(
                    f"the container could not be made: {complaint(made.stderr)}",
                    where=printable(self._image),
                    hint="see the engine's log",
                )
            if self._carried is not None:
                self._carry(self._carried)
            started = self._ask(["start", self.name])
            self._error = complaint(started.stderr) if started.exit_code else ""
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Remove it."""
        self.remove()

    def _ask(self, words: Sequence[str], *, timeout: float = _ASKING, limit: int = 1 << 20) -> process.Finished:
        return process.collect([self._docker, *words], self._env, cancel=self._cancel, timeout=timeout, limit=limit)

    def _carry(self, folder: Path) -> None:
        # docker-cp(1): the contents of a folder that is given as FOLDER/. go into the destination, which is made
        copied = self._ask(["cp", f"{folder}/.", f"{self.name}:/{CARRIED}"])
        if copied.exit_code:
            raise TargetError(
                f"nothing can be carried into a container: {complaint(copied.stderr)}", where=printable(self._image)
            )

    def wait(self, seconds: float) -> State:
        """Wait until it ended, at most `seconds`; give what it does then."""
        until = time.monotonic() + seconds
        while (state := self.state()).running and time.monotonic() < until:
            time.sleep(_STEP)
        return state

    def state(self) -> State:
        """Give what it does now; a container that is gone has ended with code -1."""
        said = self._ask(["inspect", "--format", "{{.State.Running}} {{.State.ExitCode}} {{.State.OOMKilled}}", self.name])
        fields = said.stdout.decode("ascii", "replace").split()
        if len(fields) != 3 or not fields[1].lstrip("-").isdigit():
            return State(False, -1, self._error)
        return State(fields[0] == "true", int(fields[1]), self._error, fields[2] == "true")

    def logs(self, limit: int = 256 << 10) -> tuple[bytes, bytes]:
        """Give what it printed so far (stdout, stderr), at most `limit` bytes of each, cut after a whole line."""
        said = self._ask(["logs", self.name], limit=limit)
        streams = [stream[: stream.rfind(b"\n") + 1] if len(stream) >= limit else stream for stream in (said.stdout, said.stderr)]
        return streams[0], streams[1]

    def execute(self, command: Sequence[str], timeout: float = 20.0) -> RunResult:
        """Run a command in it, as its user, in its working directory where the engine can enter that, else in the root."""
        result = self._ask(["exec", self.name, *command], timeout=timeout)
        if result.exit_code == 126 and b"chdir to cwd" in result.stdout + result.stderr:
            result = self._ask(["exec", "--workdir", "/", self.name, *command], timeout=timeout)
        return RunResult(result.exit_code, result.stdout, result.stderr, result.truncated, result.timed_out)

    def remove(self) -> None:
        """Remove it with its volumes, also after a cancel."""
        process.collect([self._docker, "rm", "--force", "--volumes", self.name], self._env, timeout=_ASKING)


def listening(tables: str) -> frozenset[int]:
    """Give the ports that something listens on, from the text of /proc/net/tcp and tcp6 (proc(5)); hostile lines are skipped."""
    found = set()
    for line in tables.splitlines():
        fields = line.split()
        if len(fields) < 4 or fields[3] != _LISTENING:
            continue
        port = fields[1].rpartition(":")[2]
        try:
            number = int(port, 16)
        except ValueError:
            continue
        if len(port) == 4 and number:
            found.add(number)
    return frozenset(found)
