"""The account of an image in terminal cells: rectangles whose areas are bytes, and the list of the same parts beside them.

A group is told by its sign as well as by its colour, so that sixteen colours, or none, are enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import floor
from typing import NamedTuple

import msgspec

from msbtui.analysis.account import Account, Part
from msbtui.session.rows.cells import Part as Span
from msbtui.session.rows.cells import Row, char_width, cut, cut_middle, fit, left, right, shown, width
from msbtui.session.treemap import Rectangle, squarify
from msbtui.text import size

Key = tuple[str, ...]
"""Group, purpose, member: as many as it takes to name a part."""

SIGNS = {"base": "·", "packages": "o", "application": "+", "waste": "▲", "hidden": "╱", "unknown": "?"}
"""What fills a group's rectangles, and stands before it in the list."""
WHAT = {
    "base": "The base image's files as the container sees them: another base is the only way to make them fewer.",
    "packages": "Installed packages that no finding calls waste, by what they are for.",
    "application": "What COPY and ADD brought, and what lies where the program runs.",
    "waste": "Bytes that the container sees and that nothing needs at run time, by the findings of confidence A and B.",
    "hidden": "Bytes that no container sees: a later layer deleted or replaced them, and they are shipped all the same.",
    "unknown": "Files that no rule can place. Unknown is content, and is never called waste.",
}
LEAST = (30, 6)
"""Cells below which no map is drawn: nobody could read it."""
_GROUP = (8, 3)
"""Cells from which a group shows what it is made of."""
_MEMBERS = (20, 5)
"""Cells from which a purpose does."""


class Tile(NamedTuple):
    """A rectangle of whole cells; a `head` is the row that names what lies below it."""

    key: Key
    part: Part
    label: str
    x: int
    y: int
    width: int
    height: int
    head: bool = False


class Listed(msgspec.Struct, frozen=True):
    """One row of the list."""

    key: Key
    part: Part


def shows(key: Key, selected: Key) -> bool:
    """Say whether a rectangle is part of what is selected, or what is selected is a part of it."""
    least = min(len(key), len(selected))
    return least > 0 and key[:least] == selected[:least]


def listed(account: Account) -> list[Listed]:
    """Give the list: groups, greatest first, each with its purposes and their members."""
    rows: list[Listed] = []

    def add(part: Part, above: Key) -> None:
        key = (*above, part.name)
        rows.append(Listed(key, part))
        for inner in part.parts:
            add(inner, key)

    for part in sorted(account.parts, key=lambda part: -part.bytes):
        add(part, ())
    return rows


def tiles(account: Account, cells: int, rows: int) -> list[Tile]:
    """Give the rectangles of a map of `cells` by `rows`; together they fill it, and none lies on another.

    What is too small for a cell has none; the list has all.
    """
    parts = sorted((part for part in account.parts if part.bytes > 0), key=lambda part: -part.bytes)
    return list(_lay(parts, (), "", 0, 0, cells, rows))


def _lay(parts: Sequence[Part], above: Key, before: str, x: int, y: int, wide: int, high: int) -> Iterator[Tile]:
    # A cell is about twice as high as it is wide.
    for part, place in zip(parts, squarify([part.bytes for part in parts], Rectangle(x, 2 * y, wide, 2 * high)), strict=True):
        left_edge, right_edge = _edge(place.x), _edge(place.x + place.width)
        top, bottom = _edge(place.y / 2), _edge((place.y + place.height) / 2)
        if right_edge > left_edge and bottom > top:
            yield from _tile(part, above, before, left_edge, top, right_edge - left_edge, bottom - top)


def _edge(at: float) -> int:
    # What was added up differently must not be rounded differently.
    return floor(at + 0.5 + 1e-7)


def _tile(part: Part, above: Key, before: str, x: int, y: int, wide: int, high: int) -> Iterator[Tile]:
    key, label = (*above, part.name), f"{before}{shown(part.name)}"
    inner = [one for one in part.parts if one.bytes > 0]
    least = _MEMBERS if above else _GROUP
    if len(inner) == 1 and not above:
        yield from _tile(inner[0], key, f"{label} › ", x, y, wide, high)
    elif len(inner) > 1 and wide >= least[0] and high >= least[1]:
        yield Tile(key, part, label, x, y, wide, 1, head=True)
        yield from _lay(inner, key, "", x, y + 1, wide, high - 1)
    else:
        yield Tile(key, part, label, x, y, wide, high)


def draw_map(drawn: Sequence[Tile], cells: int, rows: int, selected: Key, whole: int) -> list[Row]:
    """Give the map as rows of exactly `cells` cells; what is selected has the cursor's look and a pointer."""
    canvas: list[list[Span]] = [[(" ", "text")] * cells for _ in range(rows)]
    chosen = _chosen(drawn, selected)
    for tile in drawn:
        for at, line in enumerate(_drawn(tile, tile in chosen, whole)):
            canvas[tile.y + at][tile.x : tile.x + tile.width] = line
    return [_joined(row) for row in canvas]


def _chosen(drawn: Sequence[Tile], selected: Key) -> list[Tile]:
    """Give the rectangles that show what is selected; where it is too small for one, the head of what it lies in."""
    heads = [each for each in drawn if each.head and each.key == selected]
    found = [each for each in drawn if not each.head and shows(each.key, selected)]
    if found:
        return heads + found
    above = [each for each in drawn if each.head and selected[: len(each.key)] == each.key]
    return above[-1:]


def _drawn(tile: Tile, chosen: bool, whole: int) -> Iterator[list[Span]]:
    """Give a rectangle's lines, a part a cell; what is chosen keeps its group's look below its first line."""
    role, fill = f"map-{tile.key[0]}", f"map-{tile.key[0]}-fill"
    sign = " " if tile.head else SIGNS[tile.key[0]]
    words = _words(tile, chosen, whole)
    for at in range(tile.height):
        text = words[at] if at < len(words) else ""
        look = ("map-cursor", "map-cursor") if chosen and at == 0 else (role, fill)
        line = [(cell, look[0]) for cell in _cells(text)]
        if chosen and at and not text and tile.width > 2:
            line = [("▌", "map-edge")]
        bottom = at == tile.height - 1 and at > 0
        for column in range(len(line), tile.width - 1):
            here = bottom or (tile.x + column + 2 * (tile.y + at)) % 4 == 0
            line.append((("▁" if bottom else sign) if here else " ", look[1]))
        yield [*line, ("▕", look[1])][: tile.width] if len(line) < tile.width else line[: tile.width]


def _cells(text: str) -> list[str]:
    """Give a text cell by cell: a wide sign leaves the cell after it empty, one without a width joins the one before."""
    out: list[str] = []
    for char in text:
        wide = char_width(char)
        if wide:
            out += [char, *[""] * (wide - 1)]
        elif out:
            out[-1] += char
    return out


def _words(tile: Tile, chosen: bool, whole: int) -> list[str]:
    """Give what stands in a rectangle: its name, bytes and share, as far as there is room."""
    room = tile.width - 1
    if room < 3:
        return ["▶"] if chosen else []
    lead = "▶ " if chosen and tile.head else "▶" if chosen else f"{SIGNS[tile.key[0]]} " if tile.head else ""
    name = f"{lead}{tile.label}"
    share = f"{size(tile.part.bytes)} {tile.part.bytes / whole:.0%}" if whole else size(tile.part.bytes)
    for figures in (share, size(tile.part.bytes)):
        if width(name) + width(figures) + 2 <= room:
            return [_spaced(f"{name}  {figures}", room)]
    if tile.height < 3 or width(share) > room:
        return [cut(name, room)]
    return [_spaced(cut(name, room), room), _spaced(share, room)]


def _spaced(text: str, room: int) -> str:
    """Keep the signs off a text, where there is room between them."""
    return f"{text} " if width(text) < room else text


def _joined(line: list[Span]) -> Row:
    out: list[Span] = []
    for text, role in line:
        if out and out[-1][1] == role:
            out[-1] = (out[-1][0] + text, role)
        else:
            out.append((text, role))
    return tuple(out)


def tile_at(drawn: Sequence[Tile], x: int, y: int) -> Tile | None:
    """Give the rectangle at a cell, or None."""
    found = (each for each in drawn if each.x <= x < each.x + each.width and each.y <= y < each.y + each.height)
    return next(found, None)


def step(drawn: Sequence[Tile], selected: Key, direction: str) -> Key | None:
    """Give what lies `left`, `right`, `up` or `down` of the middle of what is selected; None where nothing does.

    Every rectangle can be reached from every other one: the map is cut through from edge to edge again and again, either side
    of a cut has a rectangle beside any of the other's, and a name's row belongs to what lies below it.
    """
    leaves = [_with_names(each, drawn) for each in drawn if not each.head]
    now = next((each for each in leaves if shows(each.key, selected)), None)
    if now is None:
        return leaves[0].key if leaves else None
    across, along = now.x + now.width // 2, now.y + now.height // 2
    x, y = {
        "left": (now.x - 1, along),
        "right": (now.x + now.width, along),
        "up": (across, now.y - 1),
        "down": (across, now.y + now.height),
    }[direction]
    there = tile_at(leaves, x, y)
    return there.key if there is not None else None


def _with_names(tile: Tile, drawn: Sequence[Tile]) -> Tile:
    """Add the rows above a rectangle that name what it is a part of."""
    for each in reversed(drawn):
        if each.head and each.y + 1 == tile.y and each.x <= tile.x < each.x + each.width:
            tile = tile._replace(y=each.y, height=tile.height + 1)
    return tile


def draw_listed(row: Listed, cells: int, whole: int) -> Row:
    """Give one row of the list in exactly `cells` cells: sign, name, bytes, share of the image."""
    depth = len(row.key) - 1
    share = row.part.bytes / whole if whole else 0.0
    figures = right(size(row.part.bytes), 9)
    if cells >= 34:
        figures += right(f"{share:.0%}" if share >= 0.005 else "<1%", 5)
    lead = f" {SIGNS[row.key[0]]} " if depth == 0 else "   " + "  " * depth
    room = max(cells - len(lead) - len(figures) - 1, 0)
    role = "strong" if depth == 0 else "text" if depth == 1 else "dim"
    # Of a path the end says most.
    text = shown(row.part.name)
    name = left(cut_middle(text, room) if text.startswith("/") else text, room)
    return fit([(lead, f"map-{row.key[0]}" if depth == 0 else "text"), (name, role), (figures, "size")], cells)


def described(row: Listed, whole: int) -> list[tuple[str, str]]:
    """Give the text for one part, as paragraphs: what it is, its bytes, layers and largest files, what its group means."""
    from msbtui.analysis.waste import kind_of

    group, part = row.key[0], row.part
    share = f" ({part.bytes / whole:.1%} of the image)" if whole else ""
    out = [(f"{' › '.join(map(shown, row.key))}: {size(part.bytes)}{share}", "head")]
    kind = kind_of(row.key[1]) if group in ("waste", "hidden") and len(row.key) > 1 else None
    several = len(part.layers) > 1
    layers = f"layer{'s' * several} {_numbers(part.layers)}" if part.layers else ""
    largest = ", ".join(f"/{shown(path)}" for path in part.paths)
    out.append((f"{layers}; the largest: {largest}" if largest else layers, "dim"))
    out.append((f"{kind.title}. {kind.explanation}" if kind is not None else WHAT[group], "text"))
    return out


def _numbers(layers: Sequence[int]) -> str:
    """Give layers as `0-3, 5`; at most so many as can be read."""
    runs: list[list[int]] = []
    for layer in layers:
        if runs and layer == runs[-1][1] + 1:
            runs[-1][1] = layer
        else:
            runs.append([layer, layer])
    texts = [str(first) if first == last else f"{first}-{last}" for first, last in runs]
    return ", ".join(texts[:8]) + (" …" if len(texts) > 8 else "")
