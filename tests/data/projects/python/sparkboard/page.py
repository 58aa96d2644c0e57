"""Puts the page together."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, select_autoescape

from sparkboard import sparkline
from sparkboard.readings import Gauge

_environment = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(),
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters["data_uri"] = lambda values: (
    "data:image/png;base64," + base64.b64encode(sparkline.png(values)).decode("ascii")
)


def render(gauges: Sequence[Gauge]) -> str:
    """The board as HTML, its pictures within."""
    return _environment.get_template("board.html").render(gauges=gauges)
