"""Draws sparklines with cairo."""

from __future__ import annotations

import io
from collections.abc import Sequence

import cairo

WIDTH, HEIGHT, MARGIN = 240, 48, 4


def points(values: Sequence[float], width: int = WIDTH, height: int = HEIGHT) -> list[tuple[float, float]]:
    """Where each value lies on a picture of this size in pixels, the highest at the top."""
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    step = (width - 2 * MARGIN) / max(1, len(values) - 1)
    return [(MARGIN + i * step, height - MARGIN - (value - low) / span * (height - 2 * MARGIN)) for i, value in enumerate(values)]


def draw(values: Sequence[float]) -> cairo.ImageSurface:
    """The sparkline as a picture: an area, its upper edge, and a dot at the last value."""
    surface = cairo.ImageSurface(cairo.FORMAT_ARGB32, WIDTH, HEIGHT)
    context = cairo.Context(surface)
    line = points(values)
    context.move_to(line[0][0], HEIGHT)
    for x, y in line:
        context.line_to(x, y)
    context.line_to(line[-1][0], HEIGHT)
    context.close_path()
    context.set_source_rgba(0.20, 0.45, 0.70, 0.25)
    context.fill()
    for x, y in line:
        context.line_to(x, y)
    context.set_source_rgb(0.20, 0.45, 0.70)
    context.set_line_width(1.5)
    context.stroke()
    context.arc(*line[-1], 2.5, 0, 6.2832)
    context.set_source_rgb(0.80, 0.25, 0.20)
    context.fill()
    surface.flush()
    return surface


def png(values: Sequence[float]) -> bytes:
    """The sparkline as a PNG file."""
    out = io.BytesIO()
    draw(values).write_to_png(out)
    return out.getvalue()
