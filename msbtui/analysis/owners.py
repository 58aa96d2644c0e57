"""Which installed package owns which live file: all at once, for who asks of many."""

from __future__ import annotations

from msbtui.image.packages import Packages
from msbtui.image.table import FileTable


def live_owners(table: FileTable, packages: Packages) -> dict[int, str]:
    """Give, by path id of a live file, the package that owns it (the first in the database, where several say so)."""
    rows = table.live_rows
    found: dict[int, str] = {}
    folders: dict[str, str | None] = {}
    for key, package in packages.installed.items():
        for path in package.files:
            pid = table.id_of(path)
            if pid is None or rows[pid] < 0:
                # The database may know it by another name than the table, through links among directories.
                folder, _, name = path.rpartition("/")
                if folder not in folders:
                    at = table.resolve(folder)
                    folders[folder] = None if at is None else table.paths[at]
                real = folders[folder]
                pid = None if real is None else table.id_of(f"{real}/{name}" if real else name)
            if pid is not None and rows[pid] >= 0:
                found.setdefault(pid, key)
    return found
