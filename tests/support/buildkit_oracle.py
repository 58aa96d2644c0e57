"""BuildKit itself as a program to ask: builds tests/oracle once and talks to it, one JSON line each way."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Thread
from typing import Any

import msgspec
import platformdirs

HERE = Path(__file__).parents[1] / "oracle"
_MODULE = "github.com/moby/buildkit"
_PACKAGE = "frontend/dockerfile/dockerfile2llb"
_ENVIRON = {**os.environ, "GOFLAGS": "-p=1", "GOWORK": "off", "CGO_ENABLED": "0"}
_HOME = Path(os.environ.get("MSBTUI_ORACLE_CACHE") or platformdirs.user_cache_dir("msbtui-tests"))
"""Both taken at import: tests run with a cache folder of their own, where Go would compile everything again."""


class NoOracleError(RuntimeError):
    """The oracle cannot be built here; the text says why."""


class Request(msgspec.Struct, frozen=True):
    """A Dockerfile with the inputs of a build."""

    dockerfile: bytes
    target: str = ""
    build_args: Mapping[str, str] = {}
    build_contexts: tuple[str, ...] = ()
    image_onbuild: Mapping[str, Sequence[str]] = {}
    all_stages: bool = False

    def line(self) -> bytes:
        """Give the request as the oracle reads it."""
        return msgspec.json.encode(self) + b"\n"

    def with_text(self, dockerfile: bytes) -> Request:
        """Give the same inputs with another Dockerfile."""
        return msgspec.structs.replace(self, dockerfile=dockerfile)


def go_tool() -> str:
    """Give the `go` command; raises NoOracleError."""
    go = shutil.which("go")
    if go is None:
        raise NoOracleError("no `go` on the PATH: the oracle is a Go program")
    return go


def _go(arguments: Sequence[str], folder: Path, limit: float) -> str:
    try:
        done = subprocess.run([go_tool(), *arguments], cwd=folder, env=_ENVIRON, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        raise NoOracleError(f"`go {arguments[0]}` took more than {limit:.0f} s") from None
    if done.returncode:
        raise NoOracleError(f"`go {arguments[0]}` failed: {done.stderr.strip()[-300:]}")
    return done.stdout


def module_folder() -> Path:
    """Give the folder of BuildKit's pinned source in the module cache, downloaded where it is missing; raises NoOracleError."""
    with tempfile.TemporaryDirectory() as name:
        for each in ("go.mod", "go.sum"):
            shutil.copy(HERE / each, name)
        return Path(json.loads(_go(["mod", "download", "-json", _MODULE], Path(name), 300))["Dir"])


def build(limit: float = 900) -> Path:
    """Give the path of the oracle's binary, built on the first call (about a minute); raises NoOracleError.

    BuildKit's states are not exported, so its package is compiled once more inside the program: its unchanged sources, out
    of the module cache, with one file of ours beside them.
    """
    ours = [HERE / "main.go", HERE / "go.mod", HERE / "go.sum", HERE / "dockerfile2llb" / "states.go"]
    key = hashlib.sha256(b"".join(path.read_bytes() for path in ours)).hexdigest()[:16]
    binary = _HOME / f"buildkit-oracle-{key}"
    if binary.exists():
        go_tool()
        return binary
    source = module_folder() / _PACKAGE
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "dockerfile2llb").mkdir()
        for path in ours:
            shutil.copyfile(path, folder / path.relative_to(HERE))
        for path in source.glob("*.go"):
            if not path.name.endswith("_test.go"):
                shutil.copyfile(path, folder / "dockerfile2llb" / path.name)
        _go(["build", "-trimpath", "-ldflags=-s -w", "-o", "oracle", "."], folder, limit)
        _HOME.mkdir(parents=True, exist_ok=True)
        waiting = _HOME / f".{binary.name}.{os.getpid()}"
        shutil.copy(folder / "oracle", waiting)
        waiting.replace(binary)
    return binary


class Oracle:
    """A running oracle. Use it as a context manager."""

    def __init__(self, binary: Path) -> None:
        self._process = subprocess.Popen([binary], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def __enter__(self) -> Oracle:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(10)

    def ask(self, requests: Sequence[Request]) -> list[dict[str, Any]]:
        """Give the answers to many requests, in their order."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        stdin = self._process.stdin

        def write() -> None:
            for request in requests:
                stdin.write(request.line())
            stdin.flush()

        writer = Thread(target=write)
        writer.start()
        answers = []
        for _ in requests:
            line = self._process.stdout.readline()
            if not line:
                writer.join()
                raise RuntimeError("the oracle ended")
            answers.append(json.loads(line))
        writer.join()
        return answers


def text(value: str) -> str:
    """Give a base64 text of an answer as this project keeps texts: bytes that are no UTF-8 as surrogate escapes."""
    return base64.b64decode(value).decode("utf-8", "surrogateescape")
