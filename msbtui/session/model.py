"""What a session is asked for, and what it tells while it works."""

from __future__ import annotations

import msgspec


class Options(msgspec.Struct, frozen=True):
    """What the person named on the command line."""

    target: str = "."
    image: str | None = None
    dockerfile: str | None = None
    stage: str | None = None
    """`--target`."""
    build_args: dict[str, str] = {}
    build_contexts: dict[str, str] = {}
    platform: str | None = None
    verify_digests: bool = False
    """Hash also what lies on disk uncompressed."""
    plain_http: bool = False
    """Allow a registry without TLS elsewhere than on this machine."""
    builder: str | None = None
    """`--builder` of buildx."""
    build_flags: tuple[str, ...] = ()
    """Words for the docker CLI's builds as they are: secrets, ssh, caches."""
    smokes: tuple[str, ...] = ()
    """Commands that must run in a split's result as they do in the original."""
    trace: bool = False
    """Watch which files the original opens, and widen the split by them."""
    prefer: str = "small"
    """`small` or `safe`: which rung of the ladder a split starts with."""


class Event(msgspec.Struct, frozen=True):
    """Something became known; results are read from the session's attributes."""


class GraphReady(Event, frozen=True):
    """`session.dockerfile` and `session.graph` are new; `changed` when a file on disk changed."""

    changed: bool = False


class ImageFound(Event, frozen=True):
    """The image is chosen; its configuration and history are known (`session.image`), its layers not yet."""

    name: str
    why: str


class Progress(Event, frozen=True):
    """How far a long work is; `total` None where nobody knows. Bytes, unless `unit` says otherwise. A later one supersedes it."""

    what: str
    done: int
    total: int | None = None
    unit: str = "bytes"


class LayerReady(Event, frozen=True):
    """`session.image.layers[index]` and its entries in `session.table` are there."""

    index: int


class AnalysisReady(Event, frozen=True):
    """`session.provenance`, `session.base`, `session.packages` and `session.waste` are there."""


class PlanReady(Event, frozen=True):
    """`session.plan` is there."""


class BetterImage(Event, frozen=True):
    """The engine has an image that fits the Dockerfile better than the one shown (a rebuild); offered, not taken."""

    name: str
    id: str


class NoImage(Event, frozen=True):
    """There is a Dockerfile and no image for it; `why` says what was looked for."""

    why: str


class Failed(Event, frozen=True):
    """Part of the work failed; what is known stays. One clear line."""

    message: str
