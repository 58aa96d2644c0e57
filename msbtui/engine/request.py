"""What a caller of `open_image` wants beside the image itself, handed down to whatever reads it."""

from __future__ import annotations

import threading

import msgspec

from msbtui.engine.events import OnEvent
from msbtui.engine.layers import Keeper


class Request(msgspec.Struct, frozen=True):
    """How an image is to be read, and who is told."""

    platform: str | None
    """`os/architecture[/variant]`; None: this machine's, or the only one there is."""
    on_event: OnEvent
    cancel: threading.Event | None
    keeper: Keeper
    verify: bool = False
    """Hash also what lies on disk uncompressed, and what was hashed before."""
    plain_http: bool = False
    """Whether a registry elsewhere than on this machine may be asked without TLS."""
