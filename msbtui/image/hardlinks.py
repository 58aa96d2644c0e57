"""Hard links inside one layer: which file each stands for. Links of links lead to the file, loops and strangers to nothing."""

from __future__ import annotations

from msbtui.image.model import Kind, LayerIndex


def targets(index: LayerIndex) -> dict[int, int]:
    """Give for each hard link the entry that it leads to through others; -1 where there is none."""
    kinds, links, target_of = index.kinds, index.links, dict[int, int]()
    if kinds.find(Kind.HARD_LINK) < 0:
        return target_of
    linked = [entry for entry, target in links.items() if kinds[entry] == Kind.HARD_LINK]
    wanted = {links[entry] for entry in linked}
    at = {path: entry for entry, path in enumerate(index.paths) if path in wanted and kinds[entry] < Kind.WHITEOUT}
    for start in sorted(linked):
        trail, entry = [], start
        while kinds[entry] == Kind.HARD_LINK and entry not in target_of:
            target_of[entry] = -1
            trail.append(entry)
            entry = at.get(links.get(entry, ""), -1)
            if entry < 0:
                break
        end = entry if entry < 0 or kinds[entry] != Kind.HARD_LINK else target_of[entry]
        for entry in trail:
            target_of[entry] = end
    return target_of


class HardLinks:
    """Which file the entries of one layer are, through its hard links."""

    def __init__(self, index: LayerIndex) -> None:
        self._index = index
        self._by_path: dict[str, int] | None = None

    def file(self, entry: int) -> int | None:
        """Give the regular file that `entry` is or links to in the same layer, or None where there is none."""
        index = self._index
        kind = index.kinds[entry]
        if kind == Kind.FILE:
            return entry
        seen = set()
        while kind == Kind.HARD_LINK and entry not in seen:
            if self._by_path is None:
                marks = (Kind.WHITEOUT, Kind.OPAQUE)
                self._by_path = {path: n for n, path in enumerate(index.paths) if index.kinds[n] not in marks}
            seen.add(entry)
            target = self._by_path.get(index.links.get(entry, ""))
            if target is None:
                return None
            entry, kind = target, index.kinds[target]
        return entry if kind == Kind.FILE else None
