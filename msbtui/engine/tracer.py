"""A system call tracer for containers of any image: which files a program opens (strace(1), ptrace(2)).

The image need not have one: this machine's own strace is carried into the container with its libraries and its loader, which
works on images without glibc, or without anything; else one is installed by the image's package manager, in a derived image that
is thrown away. The container is fenced in as every other; Docker's seccomp profile lets a process trace its own children from
Linux 4.8 on, and where an engine does not, the container gets the capability SYS_PTRACE, which reaches no further than itself.
"""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from msbtui.engine.build import BuildError, build
from msbtui.engine.containers import CARRIED, Container
from msbtui.engine.folders import temporary_folder
from msbtui.engine.process import collect, docker_cli, environment
from msbtui.errors import TargetError

LOG_LIMIT = 48 << 20
"""Bytes of a trace that are read."""
_CALLS = ("open", "openat", "openat2", "execve", "execveat")
_ASKING = 20.0
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64", "i686": "386", "ppc64le": "ppc64le", "s390x": "s390x"}
_INSTALL = """FROM {image}
USER 0
RUN if command -v apt-get; then apt-get update && apt-get install --yes --no-install-recommends strace; \\
    elif command -v apk; then apk add --no-cache strace; \\
    elif command -v dnf; then dnf install --assumeyes strace; \\
    elif command -v microdnf; then microdnf install --assumeyes strace; \\
    elif command -v yum; then yum install --assumeyes strace; \\
    else exit 1; fi
USER {user}
"""
_WORKS = re.compile(rb'\bexecve\("')
_PATIENCE = 600.0


class Way(msgspec.Struct, frozen=True):
    """One way to trace: the image to run, the tracer's own command, what is copied in, and the options it needs."""

    name: str
    image: str
    command: tuple[str, ...]
    carried: Path | None = None
    options: tuple[str, ...] = ()


class Tracer:
    """Finds a way that works on this engine for an image; a context manager, after which what it made here is gone."""

    def __init__(
        self,
        image: str,
        platform_name: str,
        user: str,
        *,
        verify_id: str,
        cancel: threading.Event | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._image, self._platform, self._user = image, platform_name, user
        self._verify_id, self._cancel, self._environ = verify_id, cancel, environ
        self._stack = ExitStack()
        self._way: Way | None = None

    def __enter__(self) -> Self:
        """Raises `TargetError` where no way works; it says what was tried."""
        tried: list[str] = []
        try:
            for find in (self._carried, self._installed):
                try:
                    way = find()
                    for options in ((), ("--cap-add", "SYS_PTRACE")):
                        self._way = msgspec.structs.replace(way, options=options)
                        if self._works():
                            return self
                    tried.append(f"{way.name}: the engine does not let it trace")
                except TargetError as error:
                    tried.append(error.what)
            raise TargetError(
                f"files that are opened cannot be watched: {'; '.join(tried)}",
                hint="install strace on this machine, or see that builds can reach the image's package repositories",
            )
        except BaseException:
            self._stack.close()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:  # fmt: skip
        self._stack.close()

    @property
    def name(self) -> str:
        """How it traces, for a person."""
        return self._way.name if self._way is not None else ""

    def container(self, words: Sequence[str]) -> Container:
        """Give a container, not yet made, in which `words` run under the tracer; its stderr then holds the trace, too."""
        assert self._way is not None, "entered"
        traced = (*self._way.command, "-f", "-qq", "-y", "-e", f"trace={','.join('?' + call for call in _CALLS)}")
        return self._made((*traced, "-e", "signal=none", "--", *words))

    def _made(self, words: Sequence[str]) -> Container:
        assert self._way is not None, "entered"
        return Container(
            self._way.image,
            words[1:],
            entrypoint=words[0],
            verify_id=self._verify_id,
            carried=self._way.carried,
            options=self._way.options,
            log_size=f"{LOG_LIMIT >> 20}m",
            cancel=self._cancel,
            environ=self._environ,
        )

    def _works(self) -> bool:
        """Trace the tracer itself: the one program that is surely there."""
        assert self._way is not None, "entered"
        with self._made((*self._way.command, "-qq", "-e", "trace=execve", "--", *self._way.command, "-V")) as container:
            container.wait(_ASKING)
            return _WORKS.search(container.logs()[1]) is not None

    def _carried(self) -> Way:
        parts = self._platform.split("/")
        machine = _MACHINES.get(platform.machine(), platform.machine())
        found = shutil.which("strace")
        if found is None or not sys.platform.startswith("linux"):
            raise TargetError("this machine has no strace to carry along")
        if len(parts) > 1 and parts[1] and parts[1] != machine:
            raise TargetError(f"this machine's strace is of {machine}, the image of {parts[1]}")
        folder = self._stack.enter_context(temporary_folder("trace"))
        return Way("this machine's strace, carried into the container", self._image, carry(found, folder), folder)

    def _installed(self) -> Way:
        if any(char in "$\\\"'" or char.isspace() or not char.isprintable() for char in self._user):
            raise TargetError("the image's user has a name that no Dockerfile can hold")
        text = _INSTALL.format(image=self._name(), user=self._user or "0")
        context = self._stack.enter_context(temporary_folder("trace"))
        try:
            image = build(
                context, text, verify_id=self._verify_id, cancel=self._cancel, timeout=_PATIENCE, environ=self._environ
            )  # fmt: skip
        except BuildError as error:
            raise TargetError("strace could not be installed in a copy of the image by its package manager") from error
        return Way("strace, installed in a copy of the image", image, ("strace",))

    def _name(self) -> str:
        """Give a name of the image: BuildKit takes an id for the name of a repository.

        Giving it a name for a moment is no way out: taking the last name of an image away deletes it.
        """
        env = environment(None, self._environ)
        arguments = [docker_cli(env), "image", "inspect", "--format", "{{range .RepoTags}}{{println .}}{{end}}", self._image]
        names = collect(arguments, env, timeout=_ASKING, cancel=self._cancel).stdout.decode("utf-8", "replace").split()
        if not names:
            raise TargetError("strace cannot be installed in a copy of an image that has no name")
        return names[0]


def carry(program: str, folder: Path) -> tuple[str, ...]:
    """Copy a program of this machine with its libraries and its loader; give the words that start it where it is carried to.

    The loader takes the directory of libraries as an option (ld.so(8); musl's has the same one). Raises `TargetError`.
    """
    try:
        folder.chmod(0o755)
        _copy(program, folder / "tracer")
        libraries, loader = _libraries(program)
        if loader is None:
            return (f"/{CARRIED}/tracer",)
        (folder / "lib").mkdir(mode=0o755)
        for library in libraries:
            _copy(library, folder / "lib" / Path(library).name)
        _copy(loader, folder / "loader")
    except OSError as error:
        raise TargetError(f"this machine's strace cannot be copied: {(error.strerror or 'error').lower()}") from error
    return (f"/{CARRIED}/loader", "--library-path", f"/{CARRIED}/lib", f"/{CARRIED}/tracer")


def _copy(source: str, target: Path) -> None:
    shutil.copyfile(source, target)
    target.chmod(0o755)


def _libraries(program: str) -> tuple[list[str], str | None]:
    """Give the paths of a program's libraries and of its loader, None where it is static (ldd(1))."""
    ldd = shutil.which("ldd")
    if ldd is None:
        raise TargetError("this machine has no ldd to tell what its strace needs")
    try:
        said = subprocess.run([ldd, program], capture_output=True, text=True, timeout=_ASKING, check=False, env={"LC_ALL": "C"})
    except subprocess.TimeoutExpired as error:
        raise TargetError("ldd does not answer") from error
    libraries = re.findall(r"^\s*\S+ => (/\S+) \(", said.stdout, re.MULTILINE)
    loader = re.findall(r"^\s*(/\S+) \(0x", said.stdout, re.MULTILINE) + re.findall(
        r"^\s*\S*/ld-\S+ => (/\S+) \(", said.stdout, re.MULTILINE
    )
    return libraries, loader[0] if loader else None
