"""Dockerfiles on disk: which file a word names, and its bytes."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from msbtui.errors import TargetError
from msbtui.text import printable

NAMES = ("Dockerfile", "Containerfile", "dockerfile")
"""What a folder's Dockerfile may be called, in the order in which they are looked for."""

LIMIT = 16 << 20
"""Bytes; no Dockerfile is larger, and what is larger is something else."""


def dockerfile_in(folder: Path) -> Path | None:
    """Give the folder's Dockerfile, or None."""
    return next((folder / name for name in NAMES if (folder / name).is_file()), None)


def other_dockerfiles(folder: Path) -> list[Path]:
    """Give files that are Dockerfiles by their names (`Dockerfile.dev`, `dev.Dockerfile`, `Containerfile.dev`), in order."""
    wanted = re.compile(r"(docker|container)file\..+|.+\.(docker|container)file", re.IGNORECASE)
    ignored = re.compile(r".+\.(dockerignore|split|bak|orig|swp|md)|.*~", re.IGNORECASE)
    try:
        found = [each for each in folder.iterdir() if wanted.fullmatch(each.name) and not ignored.fullmatch(each.name)]
    except OSError:
        return []
    return sorted(each for each in found if each.is_file())


_LISTED = 12
"""Names that a message lists."""


def dockerfile_path(word: str) -> Path:
    """Give the Dockerfile that `word` names: the file itself, or the one in a folder.

    Raises TargetError where there is none.
    """
    path = Path(word)
    if path.is_dir():
        found = dockerfile_in(path)
        if found is not None:
            return found
        others = other_dockerfiles(path)
        if len(others) == 1:
            return others[0]
        if others:
            listed = ", ".join(printable(each.name) for each in others[:_LISTED]) + (" …" if len(others) > _LISTED else "")
            raise TargetError("several Dockerfiles in this folder: name one", where=word, hint=f"there are {listed}")
        raise TargetError("no Dockerfile in this folder", where=word, hint=f"looked for {', '.join(NAMES)}")
    if not path.exists():
        raise TargetError("no such file", where=word, hint="name a Dockerfile, a folder with one, or an image")
    return path


def read_dockerfile(word: str) -> tuple[str, bytes]:
    """Give the path and the bytes of the Dockerfile that `word` names; `-` is standard input.

    Raises TargetError where it cannot be read, is empty, or is larger than a Dockerfile can be.
    """
    if word == "-":
        return "-", sys.stdin.buffer.read(LIMIT)
    path = dockerfile_path(word)
    return str(path), read(path)


def read(path: Path) -> bytes:
    """Give the file's bytes. Raises TargetError where it cannot be read or is larger than `LIMIT`."""
    try:
        with path.open("rb") as file:
            data = file.read(LIMIT + 1)
    except OSError as error:
        raise TargetError((error.strerror or "could not be read").lower(), where=str(path)) from None
    if len(data) > LIMIT:
        raise TargetError("larger than 16 MiB, which no Dockerfile is", where=str(path))
    return data
