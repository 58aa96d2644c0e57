"""Options that go to `docker buildx build` as they are, so that a team's own builders, secrets and caches do the building."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import rich_click as click

F = TypeVar("F", bound=Callable[..., Any])

_REPEATED = {
    "secret": ("ID,SRC", "Secret for RUN --mount=type=secret, as docker has it (repeatable)."),
    "ssh": ("ID=SOCKET", "SSH agent or keys for RUN --mount=type=ssh (repeatable)."),
    "cache-from": ("SOURCE", "Where the build takes its cache from (repeatable)."),
    "cache-to": ("TARGET", "Where the build puts its cache (repeatable)."),
    "add-host": ("HOST:IP", "Name for the build's RUNs to know (repeatable)."),
}
_SWITCHES = {"no-cache": "Build without what earlier builds left.", "pull": "Always ask for newer base images."}


def builder_options(command: F) -> F:
    """Add `--builder` and what docker's build command has for secrets, ssh and caches."""
    for name, text in reversed(_SWITCHES.items()):
        command = click.option(f"--{name}", is_flag=True, help=text)(command)
    for name, (metavar, text) in reversed(_REPEATED.items()):
        command = click.option(f"--{name}", multiple=True, metavar=metavar, help=text)(command)
    return click.option("--builder", metavar="NAME", help="Builder of buildx; default: BUILDX_BUILDER, else the current one.")(
        command
    )


def build_flags(given: Mapping[str, Any]) -> tuple[str, ...]:
    """Give the words for the docker CLI, from the values that click read for `builder_options`."""
    words: list[str] = []
    for name in _REPEATED:
        for value in given.get(name.replace("-", "_"), ()):
            words += [f"--{name}", value]
    words += [f"--{name}" for name in _SWITCHES if given.get(name.replace("-", "_"))]
    return tuple(words)
