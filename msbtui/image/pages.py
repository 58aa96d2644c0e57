"""Memory of mapped files: given back once it was looked at, so that a large archive does not fill it."""

from __future__ import annotations

import contextlib
import sys
from mmap import mmap


def release_pages(view: memoryview) -> None:
    """Give back the memory that reading a mapped file took; its pages are read again when they are next looked at.

    Does nothing for a view of anything but a whole read-only memory map, and where the system cannot do it.
    """
    unneeded = getattr(sys.modules["mmap"], "MADV_DONTNEED", None)
    if unneeded is not None and isinstance(view.obj, mmap) and view.readonly:
        with contextlib.suppress(OSError, ValueError):
            view.obj.madvise(unneeded)
