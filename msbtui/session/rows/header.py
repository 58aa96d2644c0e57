"""The top line: what is open, how large, how much waste, how well it fits, or how far the work is."""

from __future__ import annotations

import msgspec

from msbtui.session.model import Progress
from msbtui.session.rows.cells import Part, Row, bar, cut, cut_middle, fit, row_width, width
from msbtui.text import size


class Heading(msgspec.Struct, frozen=True):
    """What the top line tells."""

    dockerfile: str = ""
    """The Dockerfile's name; empty without one."""
    image: str = ""
    platform: str = ""
    bytes: int | None = None
    waste: int | None = None
    layers: int = 0
    stages: int = 0
    verdict: str = ""
    """How well image and Dockerfile fit, or why there is no image."""
    good: bool = False
    trouble: str = ""
    """A syntax error, a failure: shown instead of the verdict."""
    progress: Progress | None = None
    way_out: str = "Esc stops"
    """What ends the work."""


def progress_text(progress: Progress, cells: int, way_out: str = "Esc stops") -> str:
    """Give a long work's state in at most `cells` cells: what, a bar and figures where they are known, and the way out."""
    what, stop = progress.what, f"  {way_out}"
    ways: list[str] = []
    if progress.total:
        done = min(progress.done, progress.total)
        figures = f"{size(done)} of {size(progress.total)}" if progress.unit == "bytes" else f"{done}/{progress.total}"
        drawn, share = bar(done, progress.total, 10), f"{done / progress.total:4.0%}"
        ways = [
            f"{what} {drawn}{share}  {figures}{stop}",
            f"{what} {drawn}{share}{stop}",
            f"{what}{share}{stop}",
            f"{what}{share}",
        ]
    elif progress.done:
        figures = size(progress.done) if progress.unit == "bytes" else f"{progress.done}"
        ways = [f"{what} {figures}{stop}", f"{what} {figures}"]
    ways += [f"{what}…{stop}", f"{what}…"]
    return next((way for way in ways if width(way) <= cells), cut(what, cells))


def heading_row(heading: Heading, cells: int) -> Row:
    """Give the top line in exactly `cells` cells; what matters least goes first where there is no room."""
    # A long name gives way before the figures do.
    share = 3 if cells >= 100 else 4 if cells >= 70 else 5
    names = [cut_middle(name, max(cells // share, 12)) for name in (heading.dockerfile, heading.image) if name]
    title: list[Part] = [(" → ".join(names) or "msbtui", "strong")]
    waste: list[Part] = []
    if heading.waste is not None:
        percent = f" ({heading.waste / heading.bytes:.0%})" if heading.bytes else ""
        waste = [(f"waste {size(heading.waste)}{percent}", "waste" if heading.waste else "good")]
    if heading.progress is not None:
        what = " ".join(heading.progress.what.replace(heading.image, " ").split()) if heading.image else heading.progress.what
        progress = msgspec.structs.replace(heading.progress, what=what)
        room = max(cells - row_width(title) - 4, 12)
        end: list[Part] = [(progress_text(progress, room, heading.way_out), "progress")]
    elif heading.trouble:
        end = [(f"✗ {heading.trouble}", "error")]
    elif heading.verdict:
        end = [(("✔ " if heading.good else "≠ ") + heading.verdict, "good" if heading.good else "stale")]
    else:
        end = []
    layers = f"{heading.layers} layer{'' if heading.layers == 1 else 's'}"
    stages = f"{heading.stages} stage{'' if heading.stages == 1 else 's'}"
    counts = " · ".join(text for text, count in ((layers, heading.layers), (stages, heading.stages)) if count)
    # (part, rank): the highest rank goes first.
    groups: list[tuple[list[Part], int]] = [
        ([("msbtui", "dim")], 5 if names else 9),
        (title, 0),
        ([(heading.platform, "dim")], 4),
        ([(size(heading.bytes), "size")] if heading.bytes is not None else [], 2),
        (waste, 1),
        ([(counts, "dim")], 3),
        (end, 0),
    ]
    if not names:
        groups = [group for group in groups if group[1] != 9]
    groups = [(parts, rank) for parts, rank in groups if row_width(parts)]
    while groups:
        total = 1 + sum(row_width(parts) for parts, _ in groups) + 3 * (len(groups) - 1)
        worst = max(rank for _, rank in groups)
        if total <= cells or worst == 0:
            break
        groups = [group for group in groups if group[1] != worst]
    row: list[Part] = [(" ", "text")]
    for at, (parts, _) in enumerate(groups):
        row += [("   ", "text"), *parts] if at else parts
    return fit(row, cells)
