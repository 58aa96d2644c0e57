"""Options that several commands share, and how a session's progress is told on stderr."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar

import click

from msbtui import text
from msbtui.errors import MsbtuiError, UsageError
from msbtui.session import Session
from msbtui.session.model import Event, Failed, Options, Progress

F = TypeVar("F", bound=Callable[..., Any])


def build_inputs(command: F) -> F:
    """Add `--target`, `--build-arg`, `--build-context` and `--platform`, as docker has them."""
    for option in (
        click.option("--platform", metavar="OS/ARCH", help="Which platform to take from an index."),
        click.option(
            "--build-context", "build_contexts", multiple=True, metavar="NAME=SOURCE", help="Named build context (repeatable)."
        ),
        click.option("--build-arg", "build_args", multiple=True, metavar="NAME=VALUE", help="Build argument (repeatable)."),
        click.option("--target", "stage", metavar="STAGE", help="Target stage; default: the last."),
    ):
        command = option(command)
    return command


def quiet_option(command: F) -> F:
    """Add `--quiet` and `--no-color`."""
    command = click.option("--no-color", is_flag=True, help="No colours; NO_COLOR does the same.")(command)
    return click.option("-q", "--quiet", is_flag=True, help="No progress and no notes on stderr.")(command)


def pairs(words: tuple[str, ...], option: str) -> dict[str, str]:
    """Give `NAME=VALUE` words as a mapping; a bare NAME takes its value from the environment, as docker does it.

    Raises UsageError for a word without a name.
    """
    found = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not name:
            raise UsageError(f"{option} takes NAME=VALUE, not {word!r}")
        if equals:
            found[name] = value
        elif name in os.environ:
            found[name] = os.environ[name]
    return found


def session_options(
    target: str,
    *,
    image: str | None = None,
    dockerfile: str | None = None,
    stage: str | None = None,
    build_args: tuple[str, ...] = (),
    build_contexts: tuple[str, ...] = (),
    platform: str | None = None,
    verify_digests: bool = False,
    plain_http: bool = False,
) -> Options:
    """Give the session's options from the command line's words. Raises UsageError for a malformed pair."""
    return Options(
        target=target,
        image=image,
        dockerfile=dockerfile,
        stage=stage,
        build_args=pairs(build_args, "--build-arg"),
        build_contexts=pairs(build_contexts, "--build-context"),
        platform=platform,
        verify_digests=verify_digests,
        plain_http=plain_http,
    )


class ProgressLine:
    """One line on stderr that is rewritten while work goes on; nothing where stderr is no terminal or with `--quiet`."""

    PERIOD = 0.1
    """Seconds between two redraws."""

    def __init__(self, quiet: bool = False) -> None:
        self._on = sys.stderr.isatty() and not quiet
        self._next = 0.0
        self._shown = False

    def show(self, progress: Progress) -> None:
        """Redraw the line, at most ten times a second while an amount grows; what begins anew without one is always shown."""
        now = time.monotonic()
        if not self._on or (now < self._next and progress.unit):
            return
        self._next = now + self.PERIOD
        amount = text.size(progress.done) if progress.unit == "bytes" else f"{progress.done:,} {progress.unit}"
        amount = amount if progress.unit else ""
        if progress.total:
            share = min(progress.done / progress.total, 1)
            amount += f" of {text.size(progress.total) if progress.unit == 'bytes' else format(progress.total, ',')}  {share:.0%}"
        print(f"\r\x1b[2K{progress.what}  {amount}", end="", file=sys.stderr, flush=True)
        self._shown = True

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            print("\r\x1b[2K", end="", file=sys.stderr, flush=True)
            self._shown = False


def run_session(session: Session, *, quiet: bool, plan: bool = False, image_needed: bool = True) -> None:
    """Do the session's whole work in this thread, with progress on stderr.

    Raises TargetError for what could not be read, and where `image_needed` for a Dockerfile without an image.
    """
    line = ProgressLine(quiet)
    failures: list[str] = []

    def notify(event: Event) -> None:
        if isinstance(event, Progress):
            line.show(event)
        elif isinstance(event, Failed):
            failures.append(event.message)

    try:
        session.run(notify, plan=plan)
    except KeyboardInterrupt:
        session.cancel()
        raise
    finally:
        line.clear()
    if session.error is not None:
        raise session.error
    if failures:
        raise MsbtuiError(failures[0])
    if session.no_image is not None and image_needed:
        raise session.no_image
