"""The stage graph as SVG; no other program is needed to draw it."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from msbtui.report.graph_scene import CELL, Path, Rect, Scene, Text
from msbtui.session.drawing.layout import Point
from msbtui.session.rows.cells import width

CORNER = 6.0
"""Pixels of an edge's rounded corner."""

STYLE = """
svg{background:#fff}
text{font:13px 'DejaVu Sans Mono',Menlo,Consolas,'Liberation Mono',monospace;fill:#1f2937;white-space:pre}
.title{font-weight:bold}.note{fill:#1d4ed8}.code{fill:#374151}.label{fill:#374151}text.dim{fill:#6b7280}
rect.page,rect.halo{fill:#fff;stroke:none}
rect{fill:#fff;stroke:#1f2937;stroke-width:1.4}
rect.target{fill:#ecfdf5;stroke:#047857;stroke-width:3}
rect.outside{fill:#f3f4f6;stroke:#6b7280}
rect.dim{fill:#fff;stroke:#9ca3af;stroke-dasharray:3 3}
path{fill:none;stroke:#1f2937;stroke-width:1.6}
path.FROM{stroke:#1f2937;stroke-width:2.6}path.COPY{stroke:#1d4ed8;stroke-dasharray:8 4}
path.mount{stroke:#7c3aed;stroke-dasharray:2 4}path.context{stroke:#6b7280}path.dim{stroke:#9ca3af}
polygon{fill:#1f2937}polygon.COPY{fill:#1d4ed8}polygon.mount{fill:#7c3aed}polygon.context{fill:#6b7280}polygon.dim{fill:#9ca3af}
"""


def svg_text(scene: Scene, title: str = "Stage graph") -> str:
    """Give a scene as one SVG document."""
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{scene.width:.0f}" height="{scene.height:.0f}" '
        f'viewBox="0 0 {scene.width:.0f} {scene.height:.0f}" role="img" aria-label={quoteattr(title)}>',
        f"<title>{escape(title)}</title><style>{STYLE}</style>",
        f'<rect width="{scene.width:.0f}" height="{scene.height:.0f}" class="page"/>',
    ]
    for shape in scene.shapes:
        if isinstance(shape, Rect):
            out.append(
                f'<rect class="{shape.style}" x="{shape.x:.1f}" y="{shape.y:.1f}" width="{shape.width:.1f}" '
                f'height="{shape.height:.1f}" rx="{7 if shape.style == "outside" else 3}"/>'
            )
        elif isinstance(shape, Path):
            style = f"{shape.style}{' dim' if shape.dim else ''}"
            out.append(f'<path class="{style}" d="{_curve(shape.points)}"/>')
            points = " ".join(f"{x:.1f},{y:.1f}" for x, y in arrow_head(shape.points))
            out.append(f'<polygon class="{style}" points="{points}"/>')
        else:
            out.append(_text(shape))
    return "\n".join([*out, "</svg>", ""])


def _text(shape: Text) -> str:
    # textLength holds the text within its box, whichever monospace font the viewer has.
    wide = width(shape.text) * CELL
    halo = (
        f'<rect class="halo" x="{shape.x - 2:.1f}" y="{shape.y - 13:.1f}" width="{wide + 4:.1f}" height="17"/>'
        if shape.halo
        else ""
    )
    length = f'textLength="{wide:.1f}" lengthAdjust="spacingAndGlyphs"'
    place = f'x="{shape.x:.1f}" y="{shape.y:.1f}"'
    return f'{halo}<text class="{shape.style}" {place} {length} xml:space="preserve">{escape(shape.text)}</text>'


def _curve(points: tuple[Point, ...]) -> str:
    """Give path data through the points, with round corners."""
    out = [f"M{points[0][0]:.1f} {points[0][1]:.1f}"]
    for before, here, after in zip(points, points[1:], points[2:], strict=False):
        enter, leave = _towards(here, before), _towards(here, after)
        out.append(f"L{enter[0]:.1f} {enter[1]:.1f}Q{here[0]:.1f} {here[1]:.1f} {leave[0]:.1f} {leave[1]:.1f}")
    end = _towards(points[-1], points[-2]) if len(points) > 1 else points[-1]
    return "".join([*out, f"L{end[0]:.1f} {end[1]:.1f}"])


def _towards(start: Point, end: Point) -> Point:
    """Give the point on the way from `start` to `end` at which a corner begins."""
    long = max(((end[0] - start[0]) ** 2 + (end[1] - start[1]) ** 2) ** 0.5, 0.001)
    part = min(CORNER, long / 2) / long
    return start[0] + (end[0] - start[0]) * part, start[1] + (end[1] - start[1]) * part


def arrow_head(points: tuple[Point, ...]) -> tuple[Point, Point, Point]:
    """Give the corners of an arrow's head at the last point."""
    (x1, y1), (x2, y2) = points[-2] if len(points) > 1 else points[-1], points[-1]
    long = max(((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5, 0.001)
    ux, uy = (x2 - x1) / long, (y2 - y1) / long
    return (x2, y2), (x2 - 9 * ux - 4.5 * uy, y2 - 9 * uy + 4.5 * ux), (x2 - 9 * ux + 4.5 * uy, y2 - 9 * uy - 4.5 * ux)
