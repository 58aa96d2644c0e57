"""Both Dockerfiles built for real on the engine, and the results compared (splitting.md 3.2, point 12)."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from msbtui.dockerfile.model import Dockerfile
from msbtui.engine import open_image
from msbtui.engine.build import LABEL, BuildError, BuildLine, RunResult, build, new_id, remove_all, run
from msbtui.engine.target import recognise
from msbtui.errors import TargetError
from msbtui.image.packages import read_packages
from msbtui.image.table import FileTable
from msbtui.split.compare import compare
from msbtui.split.masking import differs_by_itself, first_difference, mask
from msbtui.split.model import Check, Plan, Size
from msbtui.split.view import View
from msbtui.text import size

_START_SECONDS = 4.0
_SMOKE_SECONDS = 60.0
_SHELL_SIGNS = frozenset("|&;<>$`*?(){}\n")


class BuildInputs(Protocol):
    """What the person asked for on the command line (the session's options)."""

    @property
    def image(self) -> str | None:
        """`--image`."""
        ...

    @property
    def stage(self) -> str | None:
        """`--target`."""
        ...

    @property
    def build_args(self) -> dict[str, str]:
        """`--build-arg`."""
        ...

    @property
    def build_contexts(self) -> dict[str, str]:
        """`--build-context`."""
        ...

    @property
    def platform(self) -> str | None:
        """`--platform`."""
        ...


def verify(
    plan: Plan,
    dockerfile: Dockerfile,
    context: Path,
    *,
    options: BuildInputs,
    image_ref: str | None = None,
    smokes: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
    on_progress: Callable[[str], None] = lambda _: None,
    cancel: threading.Event | None = None,
) -> Plan:
    """Give the plan with `verified`, `checks` and the measured sizes (bytes, as `image.size` of inspect).

    The original is `image_ref` where the person named it with `--image` and the engine has it, else it is built here;
    `context` is the build context of both. Every container and image made here is labelled and removed, also on Ctrl+C.
    Raises `TargetError` where the engine cannot be had or the original does not build, `Cancelled`. That the plan does not
    build is a failed check.
    """
    work = _Work(plan, dockerfile, context, options, environ, on_progress, cancel)
    try:
        original = work.original(image_ref)
        new, failed = work.build_plan()
        if new is None:
            return msgspec.structs.replace(plan, verified=False, checks=(failed,))
        before, after = work.read(original, "the original"), work.read(new, "the new image")
        checks = [failed, *compare(plan, before, after, ignored_labels=(LABEL,))]
        checks += work.runs(original, new, smokes, before)
        old_size, new_size = before.table.size, after.table.size
        share = f" ({1 - new_size / old_size:.0%} smaller)" if old_size else ""
        checks.append(Check("size", new_size < old_size, f"{size(old_size)} before, {size(new_size)} after{share}"))
        return msgspec.structs.replace(
            plan,
            verified=all(check.passed for check in checks),
            checks=tuple(checks),
            size_before=old_size,
            size_after=Size(estimated=plan.size_after.estimated, measured=new_size),
        )
    finally:
        remove_all(work.id, environ=environ)


class _Work:
    def __init__(
        self,
        plan: Plan,
        dockerfile: Dockerfile,
        context: Path,
        options: BuildInputs,
        environ: Mapping[str, str] | None,
        on_progress: Callable[[str], None],
        cancel: threading.Event | None,
    ) -> None:
        self.plan, self.dockerfile, self.context, self.options = plan, dockerfile, context, options
        self.environ, self.tell, self.cancel = environ, on_progress, cancel
        self.id = new_id()

    def _build(self, what: str, text: str, target: str | None) -> str:
        self.tell(f"building {what}")

        def show(line: BuildLine) -> None:
            if line.step is not None and not line.output:
                self.tell(f"building {what}: {line.text[:90]}")

        path = Path(self.dockerfile.path)
        return build(
            self.context,
            text,
            target=target,
            build_args=self.options.build_args,
            build_contexts=self.options.build_contexts,
            platform=self.options.platform,
            verify_id=self.id,
            beside=path if path.name else None,
            on_line=show,
            cancel=self.cancel,
            environ=self.environ,
        )

    def original(self, image_ref: str | None) -> str:
        """Give the original's image: the one that the person named, or one built now."""
        if self.options.image is not None and image_ref is not None:
            target = recognise(image_ref)
            if target.kind == "docker":
                return target.name
        return self._build("the original", self.dockerfile.source, self.options.stage)

    def build_plan(self) -> tuple[str | None, Check]:
        """Build the plan; give its image, or None with the check that says why not."""
        name = "the new Dockerfile builds"
        try:
            return self._build("the new Dockerfile", self.plan.dockerfile, None), Check(name, True, "built on the engine")
        except BuildError as error:
            said = next((line for line in reversed(error.log) if "ERROR" in line or "error:" in line.lower()), "")
            return None, Check(name, False, f"{error.what}" + (f" | {said[:200]}" if said and said not in error.what else ""))

    def read(self, image: str, what: str) -> View:
        """Read an image of the engine whole."""
        self.tell(f"reading {what}")
        found = open_image(f"docker:{image}", platform=self.options.platform, cancel=self.cancel, environ=self.environ)
        table = FileTable(layer.entries for layer in found.layers)
        return View(found, table, read_packages(found, table))

    # -- running both -------------------------------------------------------------------------------------------------

    def runs(self, original: str, new: str, smokes: Sequence[str], view: View) -> list[Check]:
        """Give a check for each smoke command; without any, one for a short start of both."""
        if not smokes:
            return [self._start(original, new, view)]
        return [self._smoke(smoke, original, new, view) for smoke in smokes]

    def _start(self, original: str, new: str, view: View) -> Check:
        name = "start"
        if not (view.config.entrypoint or view.config.cmd):
            return Check(name, True, "the image starts nothing by itself")
        self.tell("starting both")
        try:
            mine = run(original, timeout=_START_SECONDS, verify_id=self.id, cancel=self.cancel, environ=self.environ)
        except TargetError as error:
            return Check(name, True, f"the original cannot be started here: {error.what}")
        try:
            theirs = run(new, timeout=_START_SECONDS, verify_id=self.id, cancel=self.cancel, environ=self.environ)
        except TargetError as error:
            return Check(name, False, error.what)
        if mine.timed_out and theirs.timed_out:
            return Check(name, True, f"both still run after {_START_SECONDS:g} s")
        return _same(name, mine, theirs)

    def _smoke(self, smoke: str, original: str, new: str, view: View) -> Check:
        name = f"smoke: {smoke}"
        self.tell(f"running {smoke}")
        try:
            entrypoint, words = smoke_command(smoke, view)
        except ValueError as error:
            return Check(name, False, f"the command cannot be read: {error}")
        image = original

        def once() -> RunResult:
            return run(
                image,
                words,
                entrypoint=entrypoint,
                timeout=_SMOKE_SECONDS,
                verify_id=self.id,
                cancel=self.cancel,
                environ=self.environ,
            )

        try:
            mine = once()
            image = new
            theirs = once()
            check = _same(name, mine, theirs)
            if check.passed or mine.timed_out or (mine.exit_code, mine.timed_out) != (theirs.exit_code, theirs.timed_out):
                return check
            image = original
            again = once()
        except TargetError as error:
            return Check(name, False, f"{'the original' if image == original else 'the new image'}: {error.what}")
        streams = ((mine.stdout, again.stdout, theirs.stdout), (mine.stderr, again.stderr, theirs.stderr))
        if again.exit_code == mine.exit_code and all(differs_by_itself(mask(a), mask(b), mask(c)) for a, b, c in streams):
            return Check(
                name,
                True,
                f"exit code {mine.exit_code} in both; the lines that differ also differ between two runs of the original",
            )
        return check


def smoke_command(smoke: str, view: View) -> tuple[str | None, list[str]]:
    """Give (entrypoint, arguments) of a smoke command; raises ValueError for quotes that do not close.

    Words whose first one is an executable of the image run in place of its ENTRYPOINT; other words are given to the ENTRYPOINT,
    as `docker run IMAGE WORDS` does. What only a shell understands runs in the image's shell.
    """
    if set(smoke) & _SHELL_SIGNS:
        return "/bin/sh", ["-c", smoke]
    words = shlex.split(smoke)
    if words and view.find_command(words[0]) is not None:
        return words[0], words[1:]
    return None, words


def _same(name: str, mine: RunResult, theirs: RunResult) -> Check:
    if mine.timed_out != theirs.timed_out:
        return Check(name, False, f"{'the original' if mine.timed_out else 'the new image'} did not end in time, the other did")
    if mine.exit_code != theirs.exit_code:
        said = mask(theirs.stderr or theirs.stdout).strip().split("\n")[-1][:200]
        return Check(name, False, f"exit code {theirs.exit_code}, was {mine.exit_code}: {said}")
    for stream, a, b in (("stdout", mine.stdout, theirs.stdout), ("stderr", mine.stderr, theirs.stderr)):
        if found := first_difference(mask(a), mask(b)):
            return Check(name, False, f"{stream} differs, {found}")
    if mine.timed_out:
        return Check(name, True, "neither ended in time; the same output until then")
    lines = len(mask(mine.stdout).splitlines())
    failing = " (the original fails, too)" if mine.exit_code else ""
    return Check(name, True, f"exit code {mine.exit_code} in both{failing}, {lines} lines of output are the same")
