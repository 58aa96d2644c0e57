"""Dockerfiles on disk: which file a word names, and its bytes."""

from __future__ import annotations

import os
import re
import shutil
import stat
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO

from msbtui.errors import TargetError, UsageError
from msbtui.text import printable

NAMES = ("Dockerfile", "Containerfile", "dockerfile")
"""What a folder's Dockerfile may be called, in the order in which they are looked for."""

_HEAD = 4096
"""Bytes by which an archive is told from a text."""
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

    Raises TargetError where it cannot be read or is larger than `LIMIT`.
    """
    if word == "-":
        return "-", _bounded(sys.stdin.buffer, "-")
    path = dockerfile_path(word)
    return str(path), read(path)


def read(path: Path) -> bytes:
    """Give the file's bytes. Raises TargetError where it cannot be read or is larger than `LIMIT`."""
    try:
        with path.open("rb") as file:
            return _bounded(file, str(path))
    except OSError as error:
        what = (error.strerror or "could not be read").lower()
        raise TargetError(what, where=printable(str(path)), hint="check its permissions and the disk") from None


def _bounded(file: IO[bytes], where: str) -> bytes:
    data = file.read(_HEAD)
    if b"\0" in data:
        _refuse_archive(data, where)
    data += file.read(LIMIT + 1 - len(data))
    if len(data) > LIMIT:
        raise TargetError("larger than 16 MiB, which no Dockerfile is", where=where, hint="name a Dockerfile, or an image")
    return data


def _refuse_archive(head: bytes, where: str) -> None:
    """Raise TargetError for what is an image and no Dockerfile, of which each line would be a mistake."""
    from msbtui.engine.outer import is_tar_header
    from msbtui.engine.target import RECORDING_MAGIC
    from msbtui.image.compress import compression

    if is_tar_header(head) or compression(head) != "plain" or head.startswith(RECORDING_MAGIC):
        raise TargetError(
            "is an archive, no Dockerfile", where=printable(where), hint="msbtui inspect, or msbtui alone, opens an image"
        )


def write(path: Path, data: bytes) -> None:
    """Write `data` to `path`; a file that stood there is either replaced whole or stays as it was.

    Symbolic links are followed, permissions stay. A device or pipe is written to, and so is a file whose folder takes no new one.
    Raises TargetError where it cannot be written.
    """
    try:
        old = _status(path)
        if old is None or stat.S_ISREG(old.st_mode):
            _replace(Path(os.path.realpath(path)), data, old)
        else:
            path.write_bytes(data)
    except OSError as error:
        reason = (error.strerror or "error").lower()
        raise TargetError(f"could not be written: {reason}", where=printable(str(path))) from None


def require_writable(path: Path) -> None:
    """Raise TargetError where no file can come to be at `path`: what is worked out before it is written may take minutes."""
    where = printable(str(path))
    if path.is_dir():
        raise TargetError("could not be written: is a directory", where=where)
    if not path.exists() and not path.parent.is_dir():
        raise TargetError("could not be written: no such file or directory", where=where)


def keep_apart(path: Path, source: Path | str | None) -> None:
    """Raise UsageError where `path` is `source` itself, a Dockerfile: a report over it would be its end."""
    if source is not None and path.is_file() and os.path.exists(source) and path.samefile(source):
        raise UsageError("that is the Dockerfile itself", where=printable(str(path)), hint="name another file")


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _replace(path: Path, data: bytes, old: os.stat_result | None) -> None:
    # A file with other names or another owner would lose them by being replaced.
    if old is not None and (old.st_nlink > 1 or old.st_uid != os.geteuid()):
        path.write_bytes(data)
        return
    if old is None:
        try:
            path.write_bytes(data)
        except OSError:
            with suppress(OSError):
                path.unlink()
            raise
        return
    if not os.access(path, os.W_OK):
        path.write_bytes(data)  # which says why not
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:200]}.")
    except PermissionError:
        path.write_bytes(data)
        return
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        shutil.copymode(path, name)
        os.replace(name, path)
    except OSError:
        with suppress(OSError):
            os.unlink(name)
        raise
