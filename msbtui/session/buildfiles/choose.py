"""Which build a word such as `docker-bake.hcl:app` or `compose.yaml` means."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from msbtui.errors import TargetError
from msbtui.session import files
from msbtui.session.buildfiles.model import BuildTarget
from msbtui.text import printable

_LISTED = 20
"""Names that a message lists."""


def is_build_file(path: Path) -> bool:
    """Say whether a name is one of a bake or compose file."""
    name = path.name.lower()
    return name.endswith((".hcl", ".yaml", ".yml")) or (name.endswith(".json") and "bake" in name)


def build_target(word: str, environ: Mapping[str, str] | None = None) -> BuildTarget | None:
    """Give the build that `FILE` or `FILE:NAME` means; None where FILE is no bake or compose file.

    `environ` overrides variables, as it does for the builders. Raises TargetError where the file cannot be read, has no such
    build, or has several and none is named: the message lists them.
    """
    path, name = Path(word), ""
    if not path.is_file() and ":" in word:
        head, _, name = word.rpartition(":")
        path = Path(head)
    if not path.is_file() or not is_build_file(path):
        return None
    environ = os.environ if environ is None else environ
    wanted: list[str] = []
    data = files.read(path)
    if path.suffix.lower() in (".yaml", ".yml"):
        from msbtui.session.buildfiles.compose import read_compose

        found = read_compose(data, path, environ)
    else:
        from msbtui.session.buildfiles.bake import read_bake

        found, wanted = read_bake(data, path, environ)
    if not found:
        raise TargetError("no target and no service with `build` in this file", where=printable(str(path)))
    if name:
        if name not in found:
            raise TargetError(f"no target {printable(name)}", where=printable(str(path)), hint=f"it has {_list(list(found))}")
        return found[name]
    choice = [each for each in wanted if each in found] or list(found)
    if len(choice) == 1:
        return found[choice[0]]
    raise TargetError(
        f"{len(choice)} targets: name one",
        where=printable(str(path)),
        hint=f"`{printable(path.name)}:{printable(choice[0])}`; it has {_list(choice)}",
    )


def _list(names: list[str]) -> str:
    listed = ", ".join(printable(name) for name in names[:_LISTED])
    return f"{listed} and {len(names) - _LISTED} more" if len(names) > _LISTED else listed
