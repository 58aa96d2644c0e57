"""Watches one file by asking for its state: sees writes and saves by rename alike, on every file system."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

INTERVAL = 0.03
"""Seconds between two looks; a change shows within a quarter of a second of the write."""
GONE_AFTER = 1.0
"""Seconds after which a file that is not there was deleted: an editor that saves by rename puts it back sooner."""

State = tuple[int, int, int] | None


def file_state(path: Path) -> State:
    """Give what changes with the file's content (inode, size, mtime in nanoseconds), or None where it cannot be had."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return (found.st_ino, found.st_size, found.st_mtime_ns)


class Watcher:
    """Calls `changed` in its own thread whenever the file is another than before; a file that is gone is waited for.

    `gone` is told once when it stays away, and once when it is back.
    """

    def __init__(self, path: Path, changed: Callable[[], None], gone: Callable[[bool], None] | None = None) -> None:
        self.path = path
        self._changed = changed
        self._gone = gone
        self._ended = threading.Event()
        self._seen = file_state(path)
        self._thread = threading.Thread(target=self._watch, name="watch", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End soon."""
        self._ended.set()

    def _watch(self) -> None:
        missed, told = 0, False
        while not self._ended.wait(INTERVAL):
            now = file_state(self.path)
            missed = missed + 1 if now is None else 0
            if self._gone is not None and told != (away := missed * INTERVAL >= GONE_AFTER):
                told = away
                self._gone(away)
            if now is not None and now != self._seen:
                self._seen = now
                self._changed()
