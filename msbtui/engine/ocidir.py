"""An OCI image layout in a folder: `oci-dir:PATH[:TAG]`."""

from __future__ import annotations

import os
import threading

from msbtui.engine.disk import Blob, map_file
from msbtui.engine.events import OnEvent
from msbtui.engine.layers import Keeper
from msbtui.engine.layout import open_layout
from msbtui.engine.manifest import JSON_LIMIT, too_large
from msbtui.engine.target import missing, unreadable
from msbtui.errors import TargetError
from msbtui.image.cache import file_key
from msbtui.image.model import Image
from msbtui.text import printable


class _Folder:
    def __init__(self, path: str) -> None:
        self._path = path
        self._where = printable(path)
        blob = self._file("index.json", "")
        if blob is None:
            raise TargetError("holds no index.json", where=self._where, hint="it is no OCI layout")
        if len(blob.data) > JSON_LIMIT:
            raise too_large("index.json", self._where)
        self.index = bytes(blob.data)

    def _file(self, name: str, digest: str) -> Blob | None:
        path = os.path.join(self._path, name)
        if not os.path.isfile(path):
            return None
        try:
            with open(path, "rb") as file:
                return Blob(printable(name), map_file(file), file_key(path), digest)
        except OSError as error:
            raise unreadable(error, path) from error

    def blob(self, digest: str) -> Blob | None:
        """Give a blob; its digest has been checked to be an algorithm and hexadecimal digits, so it stays in the folder."""
        return self._file(f"blobs/{digest.replace(':', '/', 1)}", digest)


def open_oci_dir(
    path: str, name: str = "", *, platform: str | None, on_event: OnEvent, cancel: threading.Event | None, keeper: Keeper
) -> Image:
    """Give the image `name` (empty: the only one) of the OCI layout in the folder `path`. Raises `TargetError`, `Cancelled`."""
    if not os.path.isdir(path):
        raise missing(path)
    return open_layout(
        _Folder(path),
        name,
        what="OCI layout",
        where=printable(path),
        platform=platform,
        on_event=on_event,
        cancel=cancel,
        keeper=keeper,
    )
