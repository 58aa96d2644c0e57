"""What a waste kind is, and what a rule hands to the report."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import msgspec

from msbtui.analysis.model import HiddenBy

if TYPE_CHECKING:
    from msbtui.analysis.waste.scene import Scene

Entry = tuple[int, int]
"""(layer, entry): an entry's layer and its number in that layer's index."""


def count(number: int, noun: str) -> str:
    """Give `1 file` or `12 files`."""
    return f"{number} {noun}{'s' * (number != 1)}"


class Draft(msgspec.Struct):
    """One finding before bytes, id and line are known. All its entries are of one layer."""

    layer: int
    rows: list[int]
    """Entries, as rows of the table."""
    confidence: str
    title: str = ""
    paths: list[str] | None = None
    """None: the top-most paths that the entries fill, worked out from the table."""
    advice: str | None = None
    """None: the kind's."""
    hidden_by: HiddenBy | None = None
    line: int | None = None
    """Where another line than the layer's caused it."""
    size: int | None = None
    """Bytes, where they are a part of an entry or none at all; None: those of the entries."""
    subject: str = ""
    """Begins the title where that is empty: `gcc-12 and 3 more`."""
    noun: str = ""
    """What the entries are, one of them: their number, once it is known what is left of them, stands after the subject."""
    kept: list[int] = []
    """Rows that the rule itself took out, since what the container starts needs them."""


class WasteKind(msgspec.Struct, frozen=True):
    """One kind of waste: its name in the contract, its texts, and the rule that finds it."""

    id: str
    title: str
    explanation: str
    """Why this costs bytes, for a learner."""
    advice: str
    """The cure."""
    find: Callable[[Scene], Iterable[Draft]]
    claims: bool = True
    """Whether an entry of this kind is no longer of a kind further down the list (each live byte is told of once)."""
    in_base: bool = False
    """Whether it is told of base layers without being asked."""
    spares: bool = True
    """Whether the files that the container's start needs are taken out of what the rule finds."""
    spares_below: bool = False
    """Whether all below a directory that the start command names is taken out too."""
