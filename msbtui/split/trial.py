"""Both images on the engine while they are compared: what each holds, and how commands are run in each."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

from msbtui.engine.containers import RunResult, run
from msbtui.split.model import Plan
from msbtui.split.view import View

_READ_ONLY = (b"read-only file system", b"erofs", b"readonly filesystem")


class Trial:
    """The original and the new image, by their ids on the engine and as views, with the fences that their containers have."""

    def __init__(
        self,
        plan: Plan,
        original: str,
        new: str,
        before: View,
        after: View,
        *,
        verify_id: str,
        environ: Mapping[str, str] | None,
        cancel: threading.Event | None,
        tell: Callable[[str], None],
        memory: dict[object, tuple[RunResult, bool]],
    ) -> None:
        self.plan, self.original, self.new = plan, original, new
        self.before, self.after = before, after
        self.verify_id, self.environ, self.cancel, self.tell = verify_id, environ, cancel, tell
        self._memory = memory

    def run(
        self,
        image: str,
        command: Sequence[str],
        *,
        entrypoint: str | None = None,
        timeout: float = 60.0,
        read_only: bool = False,
        workdir: str | None = None,
    ) -> RunResult:
        """Run a command in one image; raises as `containers.run` does."""
        return run(
            image,
            command,
            entrypoint=entrypoint,
            timeout=timeout,
            read_only=read_only,
            workdir=workdir,
            verify_id=self.verify_id,
            cancel=self.cancel,
            environ=self.environ,
        )

    def run_original(
        self, command: Sequence[str], *, entrypoint: str | None = None, timeout: float = 60.0, workdir: str | None = None
    ) -> tuple[RunResult, bool]:
        """Run a command in the original, read-only where it allows that; give the result and whether it does.

        Remembered over the rounds of a verification: the original stays what it is.
        """
        key = (tuple(command), entrypoint, workdir)
        if key not in self._memory:
            result, read_only = (
                self.run(self.original, command, entrypoint=entrypoint, timeout=timeout, read_only=True, workdir=workdir),
                True,
            )
            if result.exit_code or result.timed_out or says_read_only(result.stdout, result.stderr):
                result, read_only = (
                    self.run(self.original, command, entrypoint=entrypoint, timeout=timeout, workdir=workdir),
                    False,
                )
            self._memory[key] = (result, read_only)
        return self._memory[key]


def says_read_only(*outputs: bytes) -> bool:
    """Tell whether a program complains that it cannot write (EROFS)."""
    return any(sign in output.lower() for output in outputs for sign in _READ_ONLY)
