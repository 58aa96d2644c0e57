"""The stage graph as PNG, drawn by Pillow; graphviz is not needed."""

from __future__ import annotations

import io
from itertools import pairwise

from PIL import Image, ImageDraw, ImageFont

from msbtui.errors import TargetError
from msbtui.report.graph_scene import CELL, Path, Rect, Scene, Text
from msbtui.report.graph_svg import arrow_head
from msbtui.session.drawing.layout import Point
from msbtui.session.rows.cells import width

SCALE = 2.0
"""Pixels of the picture for one of the scene, where there is room: sharp on a fine screen, and in print."""
SIDE, PIXELS = 30_000, 60_000_000
"""What viewers open: pixels of a side, and in all."""
SMALLEST = 0.5
"""The scale below which nobody could read the text."""

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
_WIDE_FONTS = ("NotoSansMonoCJK-Regular.ttc", "NotoSansCJK-Regular.ttc", "DejaVuSansMono.ttf", "Arial Unicode.ttf")
_INK = {"title": "#1f2937", "note": "#1d4ed8", "code": "#374151", "label": "#374151", "dim": "#6b7280"}
_BORDER = {"stage": "#1f2937", "target": "#047857", "outside": "#6b7280", "dim": "#9ca3af"}
_FILL = {"stage": "#ffffff", "target": "#ecfdf5", "outside": "#f3f4f6", "dim": "#ffffff"}
_LINE = {"FROM": "#1f2937", "COPY": "#1d4ed8", "mount": "#7c3aed", "context": "#6b7280"}
_DASH = {"FROM": None, "COPY": (8.0, 4.0), "mount": (2.0, 4.0), "context": None}


def png_bytes(scene: Scene) -> bytes:
    """Give a scene as a PNG file. Raises TargetError where the graph is too large for a picture that one can read."""
    area = scene.width * scene.height
    scale = min(SCALE, SIDE / scene.width, SIDE / scene.height, (PIXELS / area) ** 0.5)
    if scale < SMALLEST:
        raise TargetError("this graph is too large for a picture", hint="--format svg has no limit; --target draws less")
    image = Image.new("RGB", (max(round(scene.width * scale), 1), max(round(scene.height * scale), 1)), "#ffffff")
    _Painter(image, scale, scene).paint()
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


class _Painter:
    def __init__(self, image: Image.Image, scale: float, scene: Scene) -> None:
        self.draw = ImageDraw.Draw(image)
        self.scale, self.scene = scale, scene
        texts = {shape.text for shape in scene.shapes if isinstance(shape, Text)}
        plain = all(ord(char) < 0x250 or char == "…" for text in texts for char in text)
        self.font = _font(13 * scale, plain)

    def paint(self) -> None:
        for shape in self.scene.shapes:
            if isinstance(shape, Rect):
                self._rect(shape)
            elif isinstance(shape, Path):
                self._path(shape)
            else:
                self._text(shape)

    def _at(self, point: Point) -> Point:
        return point[0] * self.scale, point[1] * self.scale

    def _rect(self, shape: Rect) -> None:
        box = (*self._at((shape.x, shape.y)), *self._at((shape.x + shape.width, shape.y + shape.height)))
        stroke = max(round((3 if shape.style == "target" else 1.4) * self.scale), 1)
        border = _BORDER[shape.style]
        if shape.style == "dim":
            self.draw.rectangle(box, fill=_FILL["dim"])
            x1, y1, x2, y2 = box
            for ends in (((x1, y1), (x2, y1)), ((x2, y1), (x2, y2)), ((x2, y2), (x1, y2)), ((x1, y2), (x1, y1))):
                self._dashed(list(ends), (3.0, 3.0), border, stroke)
            return
        radius = (7 if shape.style == "outside" else 3) * self.scale
        self.draw.rounded_rectangle(box, radius, fill=_FILL[shape.style], outline=border, width=stroke)

    def _path(self, shape: Path) -> None:
        colour = "#9ca3af" if shape.dim else _LINE[shape.style]
        stroke = max(round((2.6 if shape.style == "FROM" else 1.6) * self.scale), 1)
        points = [self._at(point) for point in shape.points]
        dash = _DASH[shape.style]
        if dash is None:
            self.draw.line(points, fill=colour, width=stroke, joint="curve")
        else:
            self._dashed(points, dash, colour, stroke)
        self.draw.polygon([self._at(point) for point in arrow_head(shape.points)], fill=colour)

    def _dashed(self, points: list[Point], dash: tuple[float, float], colour: str, stroke: int) -> None:
        on, off = dash[0] * self.scale, dash[1] * self.scale
        for (x1, y1), (x2, y2) in pairwise(points):
            long = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5
            at = 0.0
            while at < long:
                end = min(at + on, long)
                begin_point = (x1 + (x2 - x1) * at / long, y1 + (y2 - y1) * at / long)
                end_point = (x1 + (x2 - x1) * end / long, y1 + (y2 - y1) * end / long)
                self.draw.line([begin_point, end_point], fill=colour, width=stroke)
                at += on + off

    def _text(self, shape: Text) -> None:
        x, y = self._at((shape.x, shape.y))
        room = width(shape.text) * CELL * self.scale
        font, size = self.font, 13 * self.scale
        if (wide := self.draw.textlength(shape.text, font=font)) > room > 0:
            font = (
                _font(size * room / wide, False)
                if not isinstance(font, ImageFont.FreeTypeFont)
                else font.font_variant(size=size * room / wide)
            )
        bold = round(self.scale * 0.3) if shape.style == "title" else 0
        ink = _INK[shape.style]
        if shape.halo:
            taken = self.draw.textlength(shape.text, font=font)
            self.draw.rectangle((x - 2, y - 13 * self.scale, x + taken + 2, y + 4 * self.scale), fill="#ffffff")
        self.draw.text((x, y), shape.text, font=font, fill=ink, anchor="ls", stroke_width=bold, stroke_fill=ink)


def _font(size: float, plain: bool) -> Font:
    """Give the font that Pillow carries, so that pictures look alike everywhere; for other scripts, a system's font."""
    for name in () if plain else _WIDE_FONTS:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return ImageFont.load_default(size)
