"""Layer indexes on disk: what was read once is not read again, by any process, for any image.

Every file is one layer (`msbtui.image.layerfile`), complete from the moment it has its name, and safe to delete at any
time. Nothing here is ever a reason to fail: a folder that cannot be written, a damaged file or a full disk means only that
the layer is read again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from pathlib import Path
from typing import Final, NamedTuple

from msbtui.errors import TargetError
from msbtui.image.facts import StoredContents
from msbtui.image.layerfile import decode_layer, encode_layer
from msbtui.image.model import Contents, LayerIndex
from msbtui.image.whole import write_whole

DEFAULT_LIMIT: Final = 2 << 30
_SUFFIX: Final = ".layer"
_TEMPORARY: Final = ".part"
_ABANDONED: Final = 3600.0
"""Seconds after which a file that was never completed is cleared away."""
_TOUCH_AFTER: Final = 60.0
"""Seconds between two notes that a layer is used: more often would only write."""
NOWHERE: Final = Path(os.devnull, "msbtui")
"""A folder that cannot be: what has it for its root keeps nothing."""
_SLACK: Final = 0.9
"""Share of the limit to which the cache is cut once it is over."""


class Usage(NamedTuple):
    """What the cache holds."""

    layers: int
    bytes: int


def file_key(path: str | os.PathLike[str], *, part: str = "") -> str:
    """Give the key of a file whose content was not hashed: path, device, inode, size and times, and which `part` of it.

    A file that is written again gets another key, so that no archive can claim another's layer. Raises OSError where
    there is no such file.
    """
    real = os.path.realpath(path)
    return file_stamp(os.stat(real)) + f"{real}:{part}"


def file_stamp(status: os.stat_result) -> str:
    """Give what a file's key begins with: device, inode, size and times."""
    stamp = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return "file:" + "".join(f"{number}:" for number in stamp)


class LayerCache:
    """The layers kept in a folder (default: `msbtui/layers/v1` in the user's cache folder, `XDG_CACHE_HOME` honoured).

    `limit` is in bytes; beyond it the layers that were not used for longest go. Many processes may share a folder.
    """

    def __init__(self, root: Path | None = None, limit: int = DEFAULT_LIMIT) -> None:
        self.root = root if root is not None else default_root()
        self.limit = limit
        self._size: int | None = None

    def get(self, key: str) -> tuple[LayerIndex, StoredContents] | None:
        """Give the layer stored under `key` (a diff id, or what `file_key` gives), or None; a damaged one is removed."""
        path = self._path(key)
        try:
            data = path.read_bytes()
            status = path.stat()
        except OSError:
            return None
        try:
            layer = decode_layer(data, where=str(path))
        except TargetError:
            with contextlib.suppress(OSError):
                path.unlink()
            return None
        now = time.time()
        if abs(now - status.st_mtime) > _TOUCH_AFTER:
            with contextlib.suppress(OSError):
                os.utime(path)
        return layer

    def has(self, key: str) -> bool:
        """Say whether something is stored under `key`, sound or not."""
        return self._path(key).exists()

    def put(self, key: str, index: LayerIndex, contents: Contents) -> bool:
        """Store a layer under `key`; tell whether that could be done."""
        data = encode_layer(index, contents, level=1)
        if len(data) > self.limit:
            return False
        path = self._path(key)
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_whole(path, data, suffix=_TEMPORARY)
        except OSError:
            return False
        self._size = None if self._size is None else self._size + len(data)
        if self._size is None or self._size > self.limit:
            self._cut(path)
        return True

    def usage(self) -> Usage:
        """Give how many layers there are and how many bytes they take."""
        files = self._files()
        return Usage(sum(path.suffix == _SUFFIX for path, _ in files), sum(status.st_size for _, status in files))

    def clear(self) -> Usage:
        """Remove every layer; give what was removed."""
        layers = size = 0
        for path, status in self._files():
            with contextlib.suppress(OSError):
                path.unlink()
                layers += path.suffix == _SUFFIX
                size += status.st_size
        self._size = None
        return Usage(layers, size)

    def _path(self, key: str) -> Path:
        """Give where a key's layer is kept: under a hash, since a key may hold anything."""
        return self.root / (hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest() + _SUFFIX)

    def _files(self) -> list[tuple[Path, os.stat_result]]:
        """Give the cache's own files; what else lies in the folder is not touched."""
        found = []
        with contextlib.suppress(OSError), os.scandir(self.root) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    if entry.name.endswith((_SUFFIX, _TEMPORARY)) and entry.is_file(follow_symlinks=False):
                        found.append((Path(entry.path), entry.stat(follow_symlinks=False)))
        return found

    def _cut(self, newest: Path) -> None:
        """Remove what was not used for longest until the cache is well below its limit; never the layer just stored."""
        files = self._files()
        abandoned = time.time() - _ABANDONED
        total = 0
        layers = []
        for path, status in files:
            if path.suffix == _TEMPORARY:
                if status.st_mtime < abandoned:
                    with contextlib.suppress(OSError):
                        path.unlink()
                continue
            total += status.st_size
            layers.append((status.st_mtime, path, status.st_size))
        if total > self.limit:
            for _, path, size in sorted(layers):
                if total <= self.limit * _SLACK:
                    break
                if path != newest:
                    with contextlib.suppress(OSError):
                        path.unlink()
                        total -= size
        self._size = total


def default_root() -> Path:
    """Give the folder of the cache: below `XDG_CACHE_HOME` where that is set, on every system; else where caches belong.

    Somebody without a home (a number of a user that no list knows, and no `HOME`) gets `NOWHERE`.
    """
    home = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(home):
        return Path(home) / "msbtui" / "layers" / "v1"
    from platformdirs import user_cache_path

    try:
        return user_cache_path("msbtui", appauthor=False) / "layers" / "v1"
    except RuntimeError:
        return NOWHERE
