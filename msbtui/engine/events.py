"""What an image source tells while it reads."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from msbtui.image.model import Image, Layer


class Opened(msgspec.Struct, frozen=True):
    """Configuration and history are known; `image.layers` is still empty and grows with every `LayerRead`."""

    image: Image


class Progress(msgspec.Struct, frozen=True):
    """How far a long work is, in bytes; `total` None where nobody knows. A later one supersedes it."""

    what: str
    done: int
    total: int | None = None


class LayerRead(msgspec.Struct, frozen=True):
    """The next layer, from the base up, now stands in `image.layers`."""

    layer: Layer


OnEvent = Callable[[Opened | Progress | LayerRead], None]


def ignore(event: Opened | Progress | LayerRead) -> None:
    """Take an event and do nothing, for callers that only want the image."""
