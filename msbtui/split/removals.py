"""What the author deleted from the base image: where the runtime base has it too, it goes there as well."""

from __future__ import annotations

import re
from collections.abc import Iterable

from msbtui.split.copies import Copies
from msbtui.split.view import View, inside

_WATCHED = re.compile(r"(etc|opt|srv|usr/share/nginx|var/www|usr/local/(?!share/(man|doc)|include)[^/]+)/.+")
_NOISE = re.compile(
    r"(.*/)?__pycache__(/.*|\Z)|.*\.py[co]|etc/(ld\.so\.cache|apt/.*|ssl/certs/.*|alternatives/.*|.*-)|.*/\.cache/.*"
)


def removed_from_base(view: View, runtime: View | None, packages: Iterable[str]) -> list[str]:
    """Give the topmost paths that the original's base has, that the author deleted, and that the runtime stage would show.

    `packages`: names of the packages that the runtime stage has; what else deleted a package's file was the package's removal.
    """
    if runtime is None or not view.base_layers:
        return []
    have, found = set(packages), []
    for number, path in enumerate(view.table.paths):
        if not _WATCHED.fullmatch(path) or _NOISE.fullmatch(path) or view.table.is_live(number):
            continue
        if not view.table.is_live_at(number, view.base_layers - 1) or not runtime.exists(path):
            continue
        owner = runtime.owner(path)
        if owner is not None and owner.name not in view.packages.installed:
            continue
        if owner is None or owner.name in have:
            found.append(path)
    top: list[str] = []
    for path in sorted(found):
        if not top or not inside(path, top[-1]):
            top.append(path)
    return top


def whole_parts(removed: Iterable[str], copies: Copies) -> list[str]:
    """Give what to delete before the copies: inside a directory that is copied whole, the part of it that the copy brings anew.

    A library that was upgraded loses many files and gets others: its directory goes at once, before the new one comes.
    """
    folders = [copy.destination.lstrip("/") for copy in copies.copies if copy.folder]
    found: dict[str, None] = {}
    for path in removed:
        folder = max((folder for folder in folders if path != folder and inside(path, folder)), key=len, default=None)
        found[path if folder is None else f"{folder}/{path[len(folder) + 1 :].partition('/')[0]}"] = None
    return list(found)
