"""What the analysis finds: lines matched with layers, the base, findings, and the sums of waste."""

from __future__ import annotations

import msgspec


class LineMatch(msgspec.Struct, frozen=True):
    """Which instruction made one layer."""

    layer: int
    instruction: int | None = None
    """Index in `Dockerfile.instructions`; None where no line of this Dockerfile made the layer (base, foreign)."""
    line: int | None = None
    stage: int | None = None
    exact: bool = False
    """Whether the history's text is this instruction's, letter for letter after expansion; else it fits by shape and order."""
    note: str = ""
    """Why it is not exact, or why there is none (`from the base image`, `squashed`, `ONBUILD of the base`)."""


class Provenance(msgspec.Struct, frozen=True):
    """How well an image fits a Dockerfile, and which line made which layer."""

    matches: tuple[LineMatch, ...]
    """One for each layer, in order."""
    fit: float
    """0 (nothing fits) to 1 (every instruction that leaves a trace is in the history, letter for letter)."""
    verdict: str
    """For the screen: `in sync`, `2 instructions newer than the image`, `other Dockerfile`."""
    in_sync: bool = False
    stale_instructions: tuple[int, ...] = ()
    """Instructions of the target stage that the image does not have (changed or added since the build)."""
    notes: tuple[str, ...] = ()


class Base(msgspec.Struct, frozen=True):
    """Where the base image ends."""

    layers: int
    """How many layers from the bottom are the base's."""
    how: str = ""
    """In words: `the engine's debian:bookworm-slim has the same first layers`."""
    confidence: str = "C"
    """A: by diff ids or annotations; B: by the Dockerfile's instructions; C: by creation times."""
    name: str = ""


class HiddenBy(msgspec.Struct, frozen=True):
    """What hid a finding's bytes."""

    layer: int
    line: int | None = None


class Finding(msgspec.Struct, frozen=True):
    """One kind of waste at one place (DESIGN.md sections 2 and 6)."""

    id: str
    """`A1`, `A2`... by bytes, greatest first; stable for one image and Dockerfile."""
    kind: str
    title: str
    bytes: int
    confidence: str
    """A certain from bytes or a package database, B a strong rule, C a hint."""
    layer: int
    """The layer that added the bytes."""
    line: int | None
    paths: tuple[str, ...]
    advice: str
    hidden_by: HiddenBy | None = None
    explanation: str = ""
    """Why this costs bytes, in sentences for a learner."""
    entries: tuple[tuple[int, int], ...] = ()
    """(layer, entry) pairs that the bytes are in: what totals count once."""
    in_base: bool = False
    kept: tuple[str, ...] = ()
    """Paths of this kind that are not part of the finding, since what the container starts needs them (bounded)."""


class Kept(msgspec.Struct, frozen=True):
    """What would be a finding, but is needed by what the container starts: it is not called removable."""

    kind: str
    title: str
    bytes: int
    layer: int
    line: int | None
    paths: tuple[str, ...]
    """The top-most paths (bounded)."""


class WasteReport(msgspec.Struct, frozen=True):
    """Findings, greatest first, and the sums of DESIGN.md section 6."""

    findings: tuple[Finding, ...]
    hidden: int
    """All hidden bytes of the image."""
    removable: int
    """Live bytes above the base that findings of confidence A or B name, each byte once."""
    total: int
    """`removable` + the hidden bytes of entries added above the base."""
    kept: tuple[Kept, ...] = ()
    """What was not called removable since the container's start needs it, greatest first."""
