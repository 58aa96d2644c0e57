"""The account of a whole image, in which every byte stands once: base, packages by purpose, application, waste, hidden, unknown.

What cannot be told is `unknown`, and is never called waste.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from msbtui.analysis.model import Base, WasteReport
from msbtui.analysis.owners import live_owners
from msbtui.analysis.purpose import database_of, is_application, language_of, purpose_of
from msbtui.image.model import Image
from msbtui.image.packages import Packages
from msbtui.image.stack import NOT_HIDDEN
from msbtui.image.table import FileTable

GROUPS = ("base", "packages", "application", "waste", "hidden", "unknown")
"""In the order in which an account gives them."""
_MOST_PARTS = 40
_MOST_SHOWN_PATHS = 3


class Part(msgspec.Struct, frozen=True):
    """A share of the image: a group (one of `GROUPS`), a purpose or kind in it, or one member of that."""

    name: str
    bytes: int
    parts: tuple[Part, ...] = ()
    """Greatest first; their bytes add up to this part's, where there are any."""
    layers: tuple[int, ...] = ()
    """The layers that hold its bytes, lowest first."""
    paths: tuple[str, ...] = ()
    """The largest of its files (some), without a leading slash; for a person to know it again."""


class Account(msgspec.Struct, frozen=True):
    """An image by what its bytes are for; `size` is the sum of the parts, and the image's size."""

    size: int
    parts: tuple[Part, ...]
    """One for each group that has bytes, in the order of `GROUPS`."""

    def of(self, group: str) -> int:
        """Give the bytes of a group."""
        return sum(part.bytes for part in self.parts if part.name == group)


class _Sums:
    """Bytes, layers and largest files by (group, purpose, member)."""

    def __init__(self) -> None:
        self.sums: dict[tuple[str, str, str], int] = {}
        self.layers: dict[tuple[str, str, str], set[int]] = {}
        self.largest: dict[tuple[str, str, str], list[tuple[int, str]]] = {}

    def add(self, key: tuple[str, str, str], size: int, layer: int, path: str) -> None:
        self.sums[key] = self.sums.get(key, 0) + size
        self.layers.setdefault(key, set()).add(layer)
        largest = self.largest.setdefault(key, [])
        if len(largest) < _MOST_SHOWN_PATHS or size > -largest[-1][0]:
            largest.append((-size, path))
            largest.sort()
            del largest[_MOST_SHOWN_PATHS:]

    def parts(self) -> Iterator[Part]:
        for group in GROUPS:
            purposes: dict[str, list[tuple[str, str, str]]] = {}
            for key in self.sums:
                if key[0] == group:
                    purposes.setdefault(key[1], []).append(key)
            found = [self._part(name, keys) for name, keys in purposes.items()]
            if found:
                keys = [key for keys in purposes.values() for key in keys]
                yield self._whole(group, keys, _sorted(found))

    def _part(self, name: str, keys: list[tuple[str, str, str]]) -> Part:
        members = [self._whole(key[2], [key], ()) for key in keys if key[2]]
        if len(members) != len(keys):
            # What has no name of its own beside what has one.
            members += [self._whole("other", [key], ()) for key in keys if not key[2]] if members else []
        members = list(_sorted(members))
        if len(members) > _MOST_PARTS:
            kept = {part.name for part in members[: _MOST_PARTS - 1]}
            rest = [key for key in keys if (key[2] or "other") not in kept]
            members = [*members[: _MOST_PARTS - 1], self._whole(f"{len(rest)} more", rest, ())]
        return self._whole(name, keys, tuple(members))

    def _whole(self, name: str, keys: list[tuple[str, str, str]], parts: tuple[Part, ...]) -> Part:
        layers = sorted(set[int]().union(*(self.layers[key] for key in keys)))
        paths = [path for _, path in sorted(one for key in keys for one in self.largest[key])[:_MOST_SHOWN_PATHS]]
        return Part(name, sum(self.sums[key] for key in keys), parts, tuple(layers), tuple(paths))


def _sorted(parts: list[Part]) -> tuple[Part, ...]:
    return tuple(sorted(parts, key=lambda part: (-part.bytes, part.name)))


def account(image: Image, table: FileTable, packages: Packages, base: Base, waste: WasteReport) -> Account:
    """Give the account; bytes. `packages` is what the final file system has, `waste` the report on the same table.

    Waste are the live bytes above the base that findings of confidence A or B name (`WasteReport.removable`), each under the
    first such finding's kind; hidden are the bytes that no container sees, those of the base's layers told apart.
    """
    sums = _Sums()
    kinds = _waste_rows(table, base, waste)
    hidden_kinds = {
        table.first_row(layer) + entry: finding.kind
        for finding in waste.findings
        for layer, entry in finding.entries
        if finding.hidden_by is not None and finding.kind != "secret"
    }
    owners = live_owners(table, packages)
    copied = _copied_layers(image, base)
    inodes, hidden = table.inodes, table.row_hidden
    for layer in range(table.layers):
        for row in range(table.first_row(layer), table.first_row(layer + 1)):
            size = table.row_costs[row]
            if not size:
                continue
            names = inodes.get(row, (row,))
            live = [name for name in names if hidden[name] == NOT_HIDDEN]
            path = table.paths[table.row_paths[live[0] if live else row]]
            if not live:
                where = "base image" if layer < base.layers else hidden_kinds.get(row, "deleted-later")
                sums.add(("hidden", where, ""), size, layer, path)
            elif layer < base.layers:
                sums.add(("base", base.name or "base image", ""), size, layer, path)
            elif all(name in kinds for name in live):
                sums.add(("waste", kinds[live[0]], ""), size, layer, path)
            else:
                pid = table.row_paths[live[0]]
                owner = next((owners[at] for name in live if (at := table.row_paths[name]) in owners), None)
                sums.add(_purpose(packages, owner, table.paths[pid], layer in copied, image), size, layer, path)
    return Account(table.size, tuple(sums.parts()))


def _purpose(packages: Packages, owner: str | None, path: str, copied: bool, image: Image) -> tuple[str, str, str]:
    if owner is not None:
        return "packages", purpose_of(packages.installed[owner]), owner
    language = language_of(path)
    if language is not None:
        return "packages", *language
    manager = database_of(path)
    if manager:
        return "packages", "package databases", manager
    if copied or is_application(path, image.config):
        return "application", "/" + "/".join(path.split("/")[:2]) if "/" in path else "/", ""
    return "unknown", "/" + "/".join(path.split("/")[:2]) if "/" in path else "/", ""


def _waste_rows(table: FileTable, base: Base, waste: WasteReport) -> dict[int, str]:
    """Give, by live row above the base, the kind of the first A or B finding that names it."""
    rows: dict[int, str] = {}
    for finding in waste.findings:
        if finding.confidence in ("A", "B") and not finding.in_base and finding.layer >= base.layers:
            for layer, entry in finding.entries:
                row = table.first_row(layer) + entry
                if table.row_hidden[row] == NOT_HIDDEN:
                    rows.setdefault(row, finding.kind)
    return rows


def _copied_layers(image: Image, base: Base) -> set[int]:
    """Give the layers above the base that COPY or ADD made: what they bring was put there on purpose."""
    found = set()
    for layer in image.layers[base.layers :]:
        text = layer.history.created_by if layer.history is not None else ""
        said = text.partition("#(nop)")[2].strip() if "#(nop)" in text else text.strip()
        if said[:5].upper() == "COPY " or said[:4].upper() == "ADD ":
            found.add(layer.index)
    return found
