"""Files of the cache, written whole or not at all: nobody ever sees a part of one under its name."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path


def write_whole(path: Path, data: bytes, *, prefix: str = "", suffix: str = "") -> None:
    """Write a file that only its owner may read; it has its name once it is complete, and `prefix` and `suffix` before.

    Its folder must be there. Raises OSError, and leaves nothing behind then.
    """
    # A name that no other process and no earlier call has; without `tempfile`, which takes longer to load than this to run.
    part = path.with_name(f"{prefix}{os.getpid():x}-{time.monotonic_ns():x}{suffix}")
    number = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        with open(number, "wb") as file:
            file.write(data)
        os.replace(part, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(part)
        raise
