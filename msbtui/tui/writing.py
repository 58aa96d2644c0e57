"""Writing a new Dockerfile beside the one that stands."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_new(path: Path, text: str) -> Path | None:
    """Write `text` to `path` in one step, never through a symlink; give where the file that stood there is kept, if any.

    Raises OSError where the folder cannot be written.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    kept: Path | None = None
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            file.write(text)
        os.chmod(name, 0o666 & ~_umask())
        if os.path.lexists(path):
            kept = path.with_name(f"{path.name}.orig")
            os.replace(path, kept)
        os.replace(name, path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
    return kept


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
