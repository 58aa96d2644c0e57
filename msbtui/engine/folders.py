"""Temporary folders that say whose they are: what a killed process left of them is swept by the next one."""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from msbtui.engine.leftovers import is_dead, owner

_OWNER = ".owner"
_NAME = re.compile(r"msbtui-(build|trace|ssh)-[A-Za-z0-9_]+")
_MOST = 1 << 10


def make_folder(kind: str) -> Path:
    """Make a folder of ours, for its owner only, among the temporary files; `kind` is `build`, `trace` or `ssh`."""
    folder = Path(tempfile.mkdtemp(prefix=f"msbtui-{kind}-"))
    (folder / _OWNER).write_text(owner(), "ascii")
    return folder


@contextmanager
def temporary_folder(kind: str) -> Iterator[Path]:
    """Give a folder as `make_folder` makes it, that is gone with all in it afterwards."""
    folder = make_folder(kind)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep_folders() -> int:
    """Remove the folders whose process was killed; give how many. Raises nothing, and follows no symlink."""
    gone = 0
    with suppress(OSError):
        for entry in os.scandir(tempfile.gettempdir()):
            if _NAME.fullmatch(entry.name) and _abandoned(entry):
                shutil.rmtree(entry.path, ignore_errors=True)
                gone += not os.path.lexists(entry.path)
    return gone


def _abandoned(entry: os.DirEntry[str]) -> bool:
    with suppress(OSError, UnicodeDecodeError):
        found = entry.stat(follow_symlinks=False)
        # others may put anything there: only what is ours and a directory
        if not stat.S_ISDIR(found.st_mode) or (hasattr(os, "getuid") and found.st_uid != os.getuid()):
            return False
        handle = os.open(Path(entry.path, _OWNER), os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(handle, "rb") as file:
            return is_dead(file.read(_MOST).decode("ascii"))
    return False
