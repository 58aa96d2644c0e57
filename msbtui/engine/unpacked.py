"""An image's files in a folder: mapped when they are asked for, and as the members of an archive that was unpacked."""

from __future__ import annotations

import os
from pathlib import Path

from msbtui.engine import outer
from msbtui.engine.disk import Blob, map_file
from msbtui.engine.manifest import JSON_LIMIT, SavedImage, decode, too_large
from msbtui.engine.target import unreadable
from msbtui.errors import TargetError
from msbtui.image import shortened
from msbtui.image.cache import file_key
from msbtui.text import printable


def file_blob(path: str, name: str, digest: str = "") -> Blob | None:
    """Give the file at `path`, called `name`, without reading it; None where it is not there. Raises `TargetError`."""
    if not os.path.isfile(path):
        return None
    try:
        with open(path, "rb") as file:
            data = map_file(file)
            shortened.announce(data, printable(path))
            return Blob(printable(name), data, file_key(path), digest, (path, 0))
    except OSError as error:
        raise unreadable(error, path) from error


def small_file(blob: Blob | None, where: str) -> bytes | None:
    """Give the bytes of a manifest or configuration. Raises `TargetError` over 16 MiB."""
    if blob is not None and len(blob.data) > JSON_LIMIT:
        raise too_large(blob.name, where)
    return bytes(blob.data) if blob is not None else None


class Unpacked:
    """The members of an archive, unpacked into a folder (`msbtui.engine.archive.Members`). None leads out of it."""

    def __init__(self, path: str) -> None:
        self.where = printable(path)
        self._root = Path(os.path.realpath(path))

    def _path(self, name: str) -> str:
        """Give where the member `name` lies; empty where it would lie elsewhere, or links there."""
        try:
            real = os.path.realpath(self._root / outer.tidy(name))
        except (OSError, ValueError):  # a zero in its name
            return ""
        return real if Path(real).is_relative_to(self._root) else ""

    def __contains__(self, name: str) -> bool:
        """Tell whether there is such a file."""
        return os.path.isfile(self._path(name))

    def blob(self, name: str, digest: str = "") -> Blob | None:
        """Give a stored layer."""
        return file_blob(self._path(name), name, digest)

    def document(self, name: str) -> bytes | None:
        """Give a small file's bytes. Raises `TargetError` over 16 MiB."""
        return small_file(self.blob(name), self.where)


def is_unpacked_archive(path: str) -> bool:
    """Tell whether the folder `path` holds what `docker save` wrote: a `manifest.json` that lists images and their layers.

    Docker image specification v1.2; other programs keep an object, not a list, in a file of that name.
    """
    try:
        with open(os.path.join(path, "manifest.json"), "rb") as file:
            head = file.read(JSON_LIMIT + 1)
        saved = decode(head, list[SavedImage], "", "")
    except (OSError, TargetError):
        return False
    return any(one.config and one.layers is not None for one in saved)
