"""Small documents kept beside the layer cache: configurations and manifests by digest, and which blob is which layer.

A document is read back only if its bytes still hash to its name, so what is damaged counts as absent. A link (from the
digest of a compressed blob, or from a file on disk, to a diff id) is written only after the bytes behind it were hashed to
that diff id.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from pathlib import Path

from msbtui.engine.manifest import JSON_LIMIT, sha256_of
from msbtui.image.whole import write_whole

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_DIFF_ID = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_LIMIT = 2000
"""Files of each kind that are kept; the oldest go first."""
_LARGE = 64 << 10
"""Bytes: most documents are smaller, and the most of such together stay below the bound."""
_BYTES = 256 << 20
"""Bytes of documents that are kept: an SBOM or a provenance may have 16 MiB."""


class Store:
    """Documents and links in a folder of their own; `root` None keeps nothing."""

    def __init__(self, root: Path | None) -> None:
        self._documents = root / "documents" if root else None
        self._links = root / "links" if root else None

    def document(self, digest: str) -> bytes | None:
        """Give the document with this digest, None where it is not here or is damaged."""
        if self._documents is None or not _DIGEST.fullmatch(digest):
            return None
        data = _read(self._documents / digest.replace(":", "-"))
        return data if data is not None and sha256_of(data) == digest else None

    def keep(self, data: bytes) -> None:
        """Keep a document under its own digest."""
        if self._documents is not None:
            _write(self._documents, sha256_of(data).replace(":", "-"), data)

    def layer_of(self, key: str) -> str | None:
        """Give the diff id that the blob with this digest, or the file with this key, was hashed to."""
        if self._links is None:
            return None
        data = _read(self._links / _name(key))
        text = (data or b"").decode("ascii", "replace")
        return text if _DIFF_ID.fullmatch(text) else None

    def link(self, key: str, diff_id: str) -> None:
        """Note that the blob or file under `key` was hashed to `diff_id`."""
        if self._links is not None:
            _write(self._links, _name(key), diff_id.encode("ascii", "replace"))

    def usage(self) -> tuple[int, int]:
        """Give how many documents and links there are, and how many bytes they take."""
        sizes = [size for _, size in self._files()]
        return len(sizes), sum(sizes)

    def clear(self) -> tuple[int, int]:
        """Remove them all; give what was removed, as `usage` does."""
        count = total = 0
        for path, size in self._files():
            with contextlib.suppress(OSError):
                path.unlink()
                count, total = count + 1, total + size
        return count, total

    def _files(self) -> list[tuple[Path, int]]:
        found = []
        for folder in (self._documents, self._links):
            with contextlib.suppress(OSError):
                for entry in os.scandir(folder) if folder is not None else ():
                    if entry.is_file(follow_symlinks=False):
                        found.append((Path(entry.path), entry.stat(follow_symlinks=False).st_size))
        return found


def _name(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def _read(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            data = file.read(JSON_LIMIT + 1)
    except OSError:
        return None
    return data if len(data) <= JSON_LIMIT else None


def _write(folder: Path, name: str, data: bytes) -> None:
    """Write atomically. A cache that cannot be written is no reason to stop."""
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / name, data, prefix=".new-")
        _prune(folder, len(data))


def _prune(folder: Path, written: int) -> None:
    """Remove the oldest files where they became too many, or too large together. `written`: bytes of the one just written."""
    names = os.listdir(folder)
    if len(names) <= _LIMIT and written < _LARGE:
        return
    aged = []
    for name in names:
        with contextlib.suppress(OSError):
            status = os.stat(folder / name)
            aged.append((status.st_mtime, name, status.st_size))
    count, total = len(aged), sum(size for *_, size in aged)
    is_full = count > _LIMIT
    for _, name, size in sorted(aged)[:-1]:
        if total <= _BYTES and (not is_full or count <= _LIMIT // 2):
            break
        with contextlib.suppress(OSError):
            os.unlink(folder / name)
        count, total = count - 1, total - size
