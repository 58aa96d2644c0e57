"""Options that several commands share, and how a session's progress is told on stderr."""

from __future__ import annotations

import functools
import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click
import msgspec

from msbtui import text
from msbtui.errors import MsbtuiError, TargetError, UsageError
from msbtui.session import Session
from msbtui.session.model import Event, Failed, Options, Progress

if TYPE_CHECKING:
    from msbtui.session.buildfiles.model import BuildTarget

F = TypeVar("F", bound=Callable[..., Any])
_NO_COLOUR = "No colours; NO_COLOR does the same."


def platform_option(command: F) -> F:
    """Add `--platform`."""
    return click.option("--platform", metavar="OS/ARCH", help="Which platform to take from an index.")(command)


def build_inputs(command: F) -> F:
    """Add `--target`, `--build-arg`, `--build-context` and `--platform`, as docker has them."""
    for option in (
        platform_option,
        click.option(
            "--build-context", "build_contexts", multiple=True, metavar="NAME=SOURCE", help="Named build context (repeatable)."
        ),
        click.option("--build-arg", "build_args", multiple=True, metavar="NAME=VALUE", help="Build argument (repeatable)."),
        click.option("--target", "stage", metavar="STAGE", help="Target stage; default: the last."),
    ):
        command = option(command)
    return command


class Named(msgspec.Struct, frozen=True):
    """What the words of a command line name beside the target itself: see `opens_image`."""

    image: str | None = None
    dockerfile: str | None = None
    stage: str | None = None
    build_args: tuple[str, ...] = ()
    build_contexts: tuple[str, ...] = ()
    platform: str | None = None
    verify_digests: bool = False
    plain_http: bool = False

    def options(self, target: str) -> Options:
        """Give the session's options for `target`; a bake or compose file stands for the build that it describes.

        Raises UsageError for a malformed pair, TargetError for a bake or compose file that cannot be read.
        """
        args, contexts = pairs(self.build_args, "--build-arg"), named_contexts(self.build_contexts)
        stage, build = self.stage, build_file_target(target)
        if build is not None:
            if build.inline is not None:
                raise TargetError("its Dockerfile stands in this file", where=target, hint="`msbtui graph` takes it")
            target, stage = str(build.path), stage or build.stage
            args, contexts = {**build.args, **args}, {**build.contexts, **contexts}
        return Options(
            target=target,
            image=self.image,
            dockerfile=self.dockerfile,
            stage=stage,
            build_args=args,
            build_contexts=contexts,
            platform=self.platform,
            verify_digests=self.verify_digests,
            plain_http=self.plain_http,
        )


def opens_image(
    *, image: str = "The image that belongs to the Dockerfile; default: the engine's that fits it best.",
    dockerfile: str = "The Dockerfile that belongs to the image.", builds: bool = True,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:  # fmt: skip
    """Add the options by which every command that opens an image reads it; the command gets them as one `named: Named`.

    `image` and `dockerfile` are the help of these options, empty where the command has none; `builds`: `build_inputs` too.
    """
    # An argument of the command's own may have one of these names: graph and split call their target so.
    own = {"image": not image, "dockerfile": not dockerfile}
    names = [name for name in Named.__struct_fields__ if not own.get(name)]

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def command(**words: Any) -> Any:
            named = {name: words.pop(name) for name in names if name in words}
            return function(named=Named(**named), **words)

        options = [
            click.option("--plain-http", is_flag=True, help="Allow a registry without TLS elsewhere than on this machine."),
            click.option("--verify-digests", is_flag=True, help="Hash every layer whole, also what one look need not read."),
            build_inputs if builds else platform_option,
        ]
        if dockerfile:
            options.append(click.option("--dockerfile", metavar="PATH", help=dockerfile))
        if image:
            options.append(click.option("--image", metavar="REF", help=image))
        for option in options:
            command = option(command)
        return command

    return decorate


def colour_option(command: Callable[..., int]) -> Callable[..., int]:
    """Add `--no-color` to a command that draws the app; it stands in the environment before the app is loaded."""

    @functools.wraps(command)
    def told(*, no_color: bool, **words: Any) -> int:
        if no_color:
            os.environ["NO_COLOR"] = "1"
        return command(**words)

    return click.option("--no-color", is_flag=True, help=_NO_COLOUR)(told)


def quiet_option(command: F) -> F:
    """Add `--quiet` and `--no-color`."""
    return _quiet_alone(click.option("--no-color", is_flag=True, help=_NO_COLOUR)(command))


def quiet_plain_option(command: F) -> F:
    """Add the same to a command whose output never has colours: `--no-color` is taken, and changes nothing."""
    return _quiet_alone(click.option("--no-color", is_flag=True, expose_value=False, help=_NO_COLOUR)(command))


def _quiet_alone(command: F) -> F:
    """Add `--quiet`."""
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


def named_contexts(words: tuple[str, ...]) -> dict[str, str]:
    """Give the `NAME=SOURCE` words of `--build-context` as a mapping; raises UsageError for a word that lacks either."""
    found = {}
    for word in words:
        name, _, source = word.partition("=")
        if not name or not source:
            raise UsageError(f"--build-context takes NAME=SOURCE, not {word!r}")
        found[name] = source
    return found


def build_file_target(word: str) -> BuildTarget | None:
    """Give the build that a bake or compose file describes, and say on stderr what it leaves open; None for another word.

    Raises TargetError where the file cannot be read, does not say which build, or has its context elsewhere.
    """
    if not any(mark in word.lower() for mark in (".hcl", ".json", ".yaml", ".yml")):
        return None
    from msbtui.session.buildfiles import build_target

    build = build_target(word)
    if build is not None and build.is_remote:
        raise TargetError("its build context is not on this machine", where=word, hint=build.context)
    for each in build.unresolved if build is not None else ():
        click.echo(f"{word}: not resolved: {each}", err=True)
    return build


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
