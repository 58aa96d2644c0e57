"""How large the new image will be, in bytes, as `inspect` counts it."""

from __future__ import annotations

from collections.abc import Iterable

from msbtui.image.packages import Package
from msbtui.split.copies import Copies
from msbtui.split.installs import package_bytes
from msbtui.split.runtime import RuntimeBase
from msbtui.split.view import View

_REWRITTEN = (
    "var/lib/dpkg/status",
    "var/lib/dpkg/status-old",
    "var/lib/apt/extended_states",
    "var/cache/debconf/config.dat",
    "var/cache/debconf/config.dat-old",
    "var/cache/debconf/templates.dat",
    "var/cache/debconf/templates.dat-old",
    "var/log/dpkg.log",
    "var/log/apt/term.log",
    "var/log/apt/eipp.log.xz",
    "etc/ld.so.cache",
    "var/cache/ldconfig/aux-cache",
    "lib/apk/db/installed",
)
"""Files that every installation of a package writes anew into its layer."""
_KNOWN_BASES = {"debian": 74_800_000, "ubuntu": 78_000_000, "alpine": 8_000_000}
"""Uncompressed bytes of the bare images, for where the engine has none to measure."""


def size_after(view: View, base: RuntimeBase, packages: Iterable[Package], copies: Copies) -> int | None:
    """Give the estimated bytes of all layers of the new image; None where the base's size is unknown."""
    base_bytes = _base_bytes(view, base)
    if base_bytes is None:
        return None
    total = base_bytes + sum(copy.bytes for copy in copies.copies)
    added = list(packages)
    if added:
        of = base.view or view
        total += sum(package_bytes(view, package) for package in added)
        total += sum(of.size(path) for path in _REWRITTEN)
        total += sum(_database_bytes(view, package) for package in added)
    return total


def _database_bytes(view: View, package: Package) -> int:
    """Give the bytes of what dpkg keeps of a package beside its files (file list, checksums, scripts)."""
    folder = "var/lib/dpkg/info"
    stems = (package.name, f"{package.name}:{package.architecture}")
    return sum(
        view.size(f"{folder}/{stem}.{kind}")
        for stem in stems
        for kind in ("list", "md5sums", "triggers", "shlibs", "symbols", "postinst", "templates")
    )


def _base_bytes(view: View, base: RuntimeBase) -> int | None:
    if base.scratch:
        return 0
    if base.facts is not None:
        return base.facts.size
    if base.same:
        return sum(view.table.layer_size(layer) for layer in range(view.base_layers))
    return _KNOWN_BASES.get(base.ref.partition(":")[0].rpartition("/")[2])
