"""Dockerfiles on disk: which file a word names, and its bytes."""

from __future__ import annotations

import sys
from pathlib import Path

from msbtui.errors import TargetError

NAMES = ("Dockerfile", "Containerfile", "dockerfile")
"""What a folder's Dockerfile may be called, in the order in which they are looked for."""

LIMIT = 16 << 20
"""Bytes; no Dockerfile is larger, and what is larger is something else."""


def dockerfile_in(folder: Path) -> Path | None:
    """Give the folder's Dockerfile, or None."""
    return next((folder / name for name in NAMES if (folder / name).is_file()), None)


def dockerfile_path(word: str) -> Path:
    """Give the Dockerfile that `word` names: the file itself, or the one in a folder.

    Raises TargetError where there is none.
    """
    path = Path(word)
    if path.is_dir():
        found = dockerfile_in(path)
        if found is None:
            raise TargetError("no Dockerfile in this folder", where=word, hint=f"looked for {', '.join(NAMES)}")
        return found
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
