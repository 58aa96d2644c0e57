"""Rectangles whose areas are in the ratio of sizes, as near to squares as can be had.

M. Bruls, K. Huizing, J. van Wijk, "Squarified Treemaps" (2000): rows are laid along the shorter side, and a size joins a row as
long as that makes the worst ratio of sides in it no worse.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Rectangle(NamedTuple):
    """A place: left, top, width, height."""

    x: float
    y: float
    width: float
    height: float

    def inside(self, border: float, top: float = 0.0) -> Rectangle:
        """Give what is left within a border, and below `top` more; never of negative size."""
        width, height = max(self.width - 2 * border, 0.0), max(self.height - 2 * border - top, 0.0)
        return Rectangle(self.x + border, self.y + border + top, width, height)


def squarify(sizes: Sequence[int], place: Rectangle) -> list[Rectangle]:
    """Give a rectangle for each size, in their order; sizes of 0 get empty ones. Largest first gives the best ratios."""
    total = sum(sizes)
    if total <= 0 or place.width <= 0 or place.height <= 0:
        return [Rectangle(place.x, place.y, 0.0, 0.0) for _ in sizes]
    scale = place.width * place.height / total
    areas = [size * scale for size in sizes]
    found: list[Rectangle] = []
    left, at = place, 0
    while at < len(areas):
        side = min(left.width, left.height)
        end = at + 1
        row = areas[at]
        low = high = areas[at]
        while end < len(areas):
            area = areas[end]
            if area <= 0 or _worst(row, low, high, side) < _worst(row + area, min(low, area), max(high, area), side):
                break
            row, low, high = row + area, min(low, area), max(high, area)
            end += 1
        left = _lay(areas[at:end], row, left, found)
        at = end
    return found


def _worst(row: float, low: float, high: float, side: float) -> float:
    """Give the worst ratio of sides in a row of this area, whose least and greatest members are known."""
    if row <= 0 or low <= 0 or side <= 0:
        return float("inf")
    return max(side * side * high / (row * row), row * row / (side * side * low))


def _lay(row: Sequence[float], area: float, left: Rectangle, found: list[Rectangle]) -> Rectangle:
    """Place a row along the shorter side; give the rectangle that is left."""
    wide = left.width >= left.height
    side = left.height if wide else left.width
    depth = min(area / side, left.width if wide else left.height) if side > 0 else 0.0
    at = left.y if wide else left.x
    for each in row:
        length = each / depth if depth > 0 else 0.0
        found.append(Rectangle(left.x, at, depth, length) if wide else Rectangle(at, left.y, length, depth))
        at += length
    if wide:
        return Rectangle(left.x + depth, left.y, max(left.width - depth, 0.0), left.height)
    return Rectangle(left.x, left.y + depth, left.width, max(left.height - depth, 0.0))
