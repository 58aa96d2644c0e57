"""The account of an image as a treemap in SVG: areas are bytes, each rectangle says what it is when pointed at."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from msbtui.analysis.account import Account, Part
from msbtui.session.treemap import Rectangle, squarify
from msbtui.text import size

WIDTH, HEIGHT = 1000.0, 440.0
_HEAD = 17.0
"""Height of the line that names a group."""
_CHARACTER = 6.3
"""Width of a character of the labels, about."""
_LEAST = 1.2
"""Sides below which a rectangle is not drawn: nobody could see it."""


def treemap(account: Account) -> str:
    """Give the SVG; titles name group, purpose and member with bytes and share."""
    parts = [part for part in account.parts if part.bytes > 0]
    lines = [
        f'<svg class="treemap" viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}" role="img" '
        'aria-label="What the bytes of the image are for">',
        '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<rect width="6" height="6" class="hidden-ground"/><rect width="2" height="6" class="hidden-line"/></pattern></defs>',
    ]
    ordered = sorted(parts, key=lambda part: -part.bytes)
    for part, place in zip(ordered, squarify([part.bytes for part in ordered], Rectangle(0, 0, WIDTH, HEIGHT)), strict=True):
        lines += _group(part, place, account.size)
    return "\n".join([*lines, "</svg>"])


def _group(part: Part, place: Rectangle, whole: int) -> Iterator[str]:
    if place.width < _LEAST or place.height < _LEAST:
        return
    yield f'<g class="{escape(part.name)}">{_title([part.name], part, whole)}'
    yield _rectangle(place, "group")
    head = _HEAD if place.height > 3 * _HEAD and place.width > 60 else 0.0
    if head:
        yield _label(f"{part.name} {size(part.bytes)}", place, place.y + 13, "head")
    yield from _purposes(part, place.inside(2, head), whole)
    yield "</g>"


def _purposes(part: Part, place: Rectangle, whole: int) -> Iterator[str]:
    for purpose, inner in zip(part.parts, squarify([each.bytes for each in part.parts], place), strict=True):
        if inner.width < _LEAST or inner.height < _LEAST:
            continue
        yield f"<g>{_title([part.name, purpose.name], purpose, whole)}"
        yield _rectangle(inner, "purpose")
        for member, cell in zip(purpose.parts, squarify([each.bytes for each in purpose.parts], inner), strict=True):
            if cell.width >= 2 * _LEAST and cell.height >= 2 * _LEAST:
                title = _title([part.name, purpose.name, member.name], member, whole)
                yield f"<g>{title}{_rectangle(cell, 'member')}</g>"
        if inner.width > 40 and inner.height > 16:
            yield _label(f"{purpose.name} {size(purpose.bytes)}", inner, inner.y + 13, "name")
        yield "</g>"


def _title(names: list[str], part: Part, whole: int) -> str:
    share = part.bytes / whole if whole else 0.0
    lines = [f"{' › '.join(names)}: {size(part.bytes)} ({share:.1%})"]
    if part.layers:
        several = "s" * (len(part.layers) > 1)
        lines.append(f"layer{several} {', '.join(map(str, part.layers[:12]))}{' …' if len(part.layers) > 12 else ''}")
    lines += [f"/{path}" for path in part.paths[:3]]
    return f"<title>{escape(chr(10).join(lines))}</title>"


def _rectangle(place: Rectangle, kind: str) -> str:
    return f'<rect class="{kind}" x="{place.x:.1f}" y="{place.y:.1f}" width="{place.width:.1f}" height="{place.height:.1f}"/>'


def _label(text: str, place: Rectangle, y: float, kind: str) -> str:
    room = int((place.width - 8) / (_CHARACTER * (1.12 if kind == "head" else 1)))
    if room < 3:
        return ""
    shown = text if len(text) <= room else text[: room - 1] + "…"
    return f'<text class="{kind}" x="{place.x + 4:.1f}" y="{y:.1f}">{escape(shown)}</text>'
