"""Builds and runs for `--verify` and `--smoke`, through the docker CLI: builders, secrets and proxies as the user has them.

Everything made here is labelled (leftovers.py), so that what a broken run leaves behind can be found and removed.
"""

from __future__ import annotations

import re
import secrets
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from msbtui.engine import process
from msbtui.engine.containers import RunResult, run
from msbtui.engine.folders import temporary_folder
from msbtui.engine.host import Endpoint
from msbtui.engine.leftovers import LABEL, labels, remove_all
from msbtui.errors import TargetError
from msbtui.text import printable

__all__ = ["LABEL", "BuildError", "BuildLine", "RunResult", "build", "new_id", "read_line", "remove", "remove_all", "run"]
NAMES = "msbtui-verify"
"""Repository of the names that images get which go by their label."""
_KEPT_LINES = 400
_ASKING = 30.0

# BuildKit, util/progress/progressui/display.go (--progress=plain): `#7 [build 2/4] RUN make`, `#7 0.351 text`, `#7 ERROR: ...`
_VERTEX = re.compile(r"#(\d+) (.*)", re.DOTALL)
_STEP = re.compile(r"\[(?:(?P<stage>[^\]]*?) +)?(?P<step>\d+)/(?P<steps>\d+)\] ?(?P<text>.*)", re.DOTALL)
_OUTPUT = re.compile(r"\d+\.\d+ (.*)", re.DOTALL)
_ID = re.compile(r"sha256:[0-9a-f]{64}")
_SAID_LAST = 60
_PASSING = re.compile(
    r"flightcontrol: exceeded retry timeout|code = Unavailable|connection reset by peer|i/o timeout|TLS handshake timeout"
    r"|Temporary failure (in name resolution|resolving)|Hash Sum mismatch|\b50[234]\b.{0,20}(Gateway|Service Unavailable)"
    r"|Could not connect to|Connection (timed out|refused|reset)|[Nn]etwork is unreachable|ECONNRESET|ETIMEDOUT|EAI_AGAIN"
)
"""What BuildKit (solver/internal/pipe, util/flightcontrol), apt, and the package managers of languages say of what may pass."""


class BuildLine(msgspec.Struct, frozen=True):
    """One line of a build's progress. Texts are printable."""

    text: str
    vertex: int | None = None
    """BuildKit's number of the piece of work that the line belongs to."""
    stage: str = ""
    """Name of the stage, where the line begins a step of a named one."""
    step: int | None = None
    steps: int | None = None
    output: bool = False
    """Whether the line is what a command printed."""


class BuildError(TargetError):
    """A build that the engine refused or that a command broke; `log` holds its last lines."""

    def __init__(self, what: str, *, where: str = "", hint: str = "", log: Sequence[str] = ()) -> None:
        super().__init__(what, where=where, hint=hint)
        self.log = tuple(log)

    @property
    def passing(self) -> bool:
        """Tell whether the engine or the network broke it, not what the Dockerfile says: the same build may succeed."""
        return any(_PASSING.search(line) for line in (self.what, *self.log[-_SAID_LAST:]))


def new_id() -> str:
    """Give a fresh id for the label and the names of one verification."""
    return secrets.token_hex(6)


def read_line(line: str) -> BuildLine:
    """Give what one line of `--progress=plain` says."""
    line = printable(line.expandtabs())
    vertex = _VERTEX.match(line)
    if not vertex:
        return BuildLine(line)
    number, rest = int(vertex[1]), vertex[2]
    if output := _OUTPUT.match(rest):
        return BuildLine(output[1], number, output=True)
    if step := _STEP.match(rest):
        return BuildLine(rest, number, step["stage"] or "", int(step["step"]), int(step["steps"]))
    return BuildLine(rest, number)


def _builder(docker: str, environ: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """Give the command that builds with BuildKit, and what it needs in its environment."""
    if process.collect([docker, "buildx", "version"], environ, timeout=_ASKING).exit_code == 0:
        return [docker, "buildx", "build", "--load"], {}
    # docker/cli before 23 has BuildKit built in; from 23 on `docker build` without buildx is the classic builder, and has no
    # --progress
    if b"--progress" in process.collect([docker, "build", "--help"], {**environ, "DOCKER_BUILDKIT": "1"}, timeout=_ASKING).stdout:
        return [docker, "build"], {"DOCKER_BUILDKIT": "1"}
    raise TargetError(
        "builds need BuildKit: docker has neither buildx nor BuildKit built in",
        hint="install docker-buildx (Debian: docker-buildx, Docker: docker-buildx-plugin)",
    )


def build(
    context: Path,
    dockerfile: str | Path,
    *,
    tag: str | None = None,
    target: str | None = None,
    build_args: Mapping[str, str] = {},
    build_contexts: Mapping[str, str] = {},
    platform: str | None = None,
    host: str | Endpoint | None = None,
    verify_id: str = "",
    beside: Path | None = None,
    builder: str | None = None,
    extra: Sequence[str] = (),
    on_line: Callable[[BuildLine], None] = lambda _: None,
    cancel: threading.Event | None = None,
    timeout: float | None = None,
    environ: Mapping[str, str] | None = None,
) -> str:
    """Build `dockerfile` (its path, or its text) with `context` on the engine at `host`; give the image's id there.

    `beside` is the path of the Dockerfile that a text comes from: its own `.dockerignore` then counts, as it does for the
    path itself. `verify_id` is the value of the label that `remove_all` finds the image by. `builder` is buildx's;
    without it BUILDX_BUILDER counts. `extra` goes to the CLI as it is. `timeout` in seconds. Raises `BuildError`, `TargetError`
    where there is no BuildKit, and `Cancelled`; the CLI and what it started have ended by then.
    """
    env = process.environment(host, environ)
    command, settings = _builder(process.docker_cli(env), env)
    if builder is not None:
        if "buildx" not in command:
            raise TargetError(f"the builder {builder} needs buildx, and docker has none", hint="install docker-buildx")
        command += ["--builder", builder]
    elif host is not None and "buildx" in command:
        command += ["--builder", "default"]  # the builder of driver docker that buildx gives every engine
    with temporary_folder("build") as folder:
        path = _dockerfile_path(dockerfile, beside, folder)
        answer = folder / "image-id"
        command += ["--progress=plain", "--file", str(path), "--iidfile", str(answer)]
        # by its name the image is found wherever the builder puts it: what a remote builder says is its id is another one in
        # an engine with containerd's store
        image = tag or (f"{NAMES}:{verify_id}-{secrets.token_hex(4)}" if verify_id else None)
        for option, value in (("--tag", image), ("--target", target), ("--platform", platform)):
            command += [option, value] if value else []
        command += labels(verify_id) if verify_id else []
        for name, value in build_args.items():
            command += ["--build-arg", f"{name}={value}"]
        for name, value in build_contexts.items():
            command += ["--build-context", f"{name}={value}"]
        log: list[str] = []

        def take(line: str) -> None:
            read = read_line(line)
            log.append(printable(line.expandtabs()))
            del log[:-_KEPT_LINES]
            on_line(read)

        code = process.stream_lines([*command, *extra, str(context)], {**env, **settings}, take, cancel=cancel, timeout=timeout)
        if code:
            raise BuildError(
                _why(log, code), where=printable(str(context)), hint="the build's own output above says more", log=log
            )
        if image is not None and (found := _id_of(image, env)):
            return found
        try:
            said = answer.read_text("ascii").strip()
        except (OSError, UnicodeDecodeError):
            said = ""
        if not _ID.fullmatch(said):  # the engine says it; what begins like an option would be one to the CLI
            raise BuildError("the build ended without an image", where=printable(str(context)), log=log)
        return said


def _id_of(name: str, environ: Mapping[str, str]) -> str:
    """Give the id that the engine knows an image by, or an empty text."""
    said = process.collect(
        [process.docker_cli(environ), "image", "inspect", "--format", "{{.Id}}", name], environ, timeout=_ASKING
    )
    found = said.stdout.decode("ascii", "replace").strip()
    return found if said.exit_code == 0 and _ID.fullmatch(found) else ""


def _dockerfile_path(dockerfile: str | Path, beside: Path | None, folder: Path) -> Path:
    if isinstance(dockerfile, Path):
        return dockerfile
    path = folder / "Dockerfile"
    path.write_bytes(dockerfile.encode("utf-8", "surrogateescape"))
    # BuildKit, frontend/dockerui/config.go: <Dockerfile's name>.dockerignore beside the Dockerfile wins over the context's
    # .dockerignore
    if beside is not None and (own := beside.with_name(f"{beside.name}.dockerignore")).is_file():
        shutil.copyfile(own, folder / "Dockerfile.dockerignore")
    return path


def _why(log: Sequence[str], code: int) -> str:
    """Give the reason in the builder's own words: its last ERROR line."""
    for line in reversed(log):
        if line.startswith("ERROR:"):
            return f"the build failed: {line.removeprefix('ERROR:').strip()[:400]}"
    said = next((line for line in reversed(log) if line.strip()), "")
    return f"the build failed with exit code {code}" + (f": {said[:400]}" if said else "")


def remove(image: str, *, host: str | Endpoint | None = None, environ: Mapping[str, str] | None = None) -> bool:
    """Remove an image by name or id; tell whether it is gone. Never raises for an image that is not there or in use."""
    env = process.environment(host, environ)
    return process.collect([process.docker_cli(env), "image", "rm", "--force", image], env, timeout=_ASKING).exit_code == 0
