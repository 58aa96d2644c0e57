"""Which item of an image's history made which layer."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msbtui.image.model import HistoryItem
from msbtui.regex import regex
from msbtui.text import printable

# instructions that never make a layer, as the classic builder (`/bin/sh -c #(nop)  ENV ...`) and BuildKit (`ENV ...`) write them
_NO_LAYER = regex(
    r"(?:/bin/sh -c #\(nop\)\s+)?"
    r"(?:ENV|LABEL|CMD|ENTRYPOINT|EXPOSE|USER|VOLUME|STOPSIGNAL|HEALTHCHECK|SHELL|ARG|ONBUILD|MAINTAINER)\b",
    re.IGNORECASE,
)
# the classic builder makes no layer for a folder that is there already; BuildKit always makes one
_CLASSIC_WORKDIR = regex(r"/bin/sh -c #\(nop\)\s+WORKDIR\b", re.IGNORECASE)


def layer_history(history: Sequence[HistoryItem], layers: int) -> tuple[list[int | None], str]:
    """Give, per layer, the item of `history` that made it, and a note where history does not match the layers (then all None).

    OCI image-spec, config.md: every item without `empty_layer` stands for one layer, in order.
    """
    filled: list[int | None] = [number for number, item in enumerate(history) if not item.empty_layer]
    if len(filled) == layers:
        return filled, ""
    none: list[int | None] = [None] * layers
    if not history:
        return none, "the image has no history: nothing says which instruction made which layer" if layers else ""
    return none, f"history tells of {len(filled)} layers, the image has {layers}: nothing says which instruction made which layer"


def _level(created_by: str, size: int) -> int:
    """Give how sure it is that an instruction made a layer: 0 for certain, 3 for never."""
    if size > 0:
        return 0
    if _NO_LAYER.match(created_by):
        return 3
    return 2 if _CLASSIC_WORKDIR.match(created_by) else 1


def api_history(items: Sequence[tuple[str, str, str, int]], layers: int) -> tuple[HistoryItem, ...]:
    """Give the history that an engine's API tells, with `empty_layer` worked out, since the API leaves it out.

    `items`, the oldest first: created_by, comment, created, bytes. What has bytes made a layer; what never makes one did
    not; the rest (a RUN that wrote nothing, a WORKDIR) made one if the number of layers says so.
    """
    levels = [_level(created_by, size) for created_by, _, _, size in items]
    # the least that accounts for all layers; where nothing does, what is certain
    filled = next(
        (found for most in range(3) if sum(found := [level <= most for level in levels]) == layers),
        [level == 0 for level in levels],
    )
    return tuple(
        HistoryItem(created=created, created_by=printable(created_by), comment=printable(comment), empty_layer=not full)
        for (created_by, comment, created, _), full in zip(items, filled, strict=True)
    )
