"""What a plan holds: the decision, the Dockerfile, each step with why and evidence, and what checks found."""

from __future__ import annotations

import msgspec


class Step(msgspec.Struct, frozen=True):
    """One line or choice of the runtime stage: what, why, and the evidence for it."""

    what: str
    why: str
    evidence: tuple[str, ...] = ()


class LeftOut(msgspec.Struct, frozen=True):
    """What stays behind in the build stage, how many bytes, and why that is safe."""

    what: str
    bytes: int
    why: str


class Caution(msgspec.Struct, frozen=True):
    """What is kept only because nothing proves that it is not needed, how many bytes, and why it may be needed."""

    what: str
    bytes: int
    why: str


class Size(msgspec.Struct, frozen=True, omit_defaults=True):
    """`size_after` of the contract: `image.size` as inspect has it, in bytes."""

    estimated: int | None = None
    measured: int | None = None


class Check(msgspec.Struct, frozen=True):
    """One check of a verification."""

    name: str
    passed: bool
    detail: str = ""
    lacks: tuple[str, ...] = ()
    """What the new image lacks by this check: paths of the original as its table has them, `user:NAME`, `package:NAME`."""


class Rung(msgspec.Struct, frozen=True):
    """One rung of the ladder from the smallest sound split to a clean-up in place."""

    name: str
    """`selective`, `trees`, `everything` or `in-place`."""
    what: str
    risk: str
    estimated: int | None = None
    """`image.size` of inspect, in bytes."""
    chosen: bool = False


class Round(msgspec.Struct, frozen=True):
    """What one build of a verification taught: which check failed, and what was added for it."""

    rung: str
    lesson: str
    added: tuple[str, ...] = ()
    """Absolute paths, `package NAME` and `user NAME`."""


class Traced(msgspec.Struct, frozen=True):
    """One run of the original that was watched for the files that it opens."""

    what: str
    how: str
    """What watched it, or why nothing did."""
    files: int | None = None
    """Files of the image that it opened; None where nothing watched."""


class Plan(msgspec.Struct, frozen=True):
    """The proposed Dockerfile and why."""

    decision: str
    """`split`, `in-place`, `none` or `refused`."""
    reasons: tuple[str, ...]
    dockerfile: str
    """The whole new Dockerfile; empty for `none` and `refused`."""
    size_before: int | None = None
    size_after: Size = Size()
    verified: bool | None = None
    checks: tuple[Check, ...] = ()
    steps: tuple[Step, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    caution: tuple[Caution, ...] = ()
    """What is kept only from caution, greatest first; where nothing was seen to be uncertain, empty."""
    proven: bool = True
    """False where there was no image and the plan comes from the text alone."""
    kept: tuple[str, ...] = ()
    """Files and symlinks of the image that the new one gets by COPY; paths as the table has them."""
    dropped_settings: tuple[str, ...] = ()
    """Settings of the original's base that the new image does not have, on purpose: `Env.GOPATH`, `Labels.NAME`."""
    rung: str = ""
    """Which rung of the ladder this is: see `Rung.name`; empty for `none` and `refused`, and for plans from the text alone."""
    rungs: tuple[Rung, ...] = ()
    """All rungs that this image has a plan for, smallest first; empty where nobody asked."""
    rounds: tuple[Round, ...] = ()
    """What each failed build of a verification taught."""
    traced: tuple[Traced, ...] = ()
    """The runs that were watched, where that was asked for."""
    set_aside: tuple[str, ...] = ()
    """Records (METADATA, package.json, gemspecs) of libraries that only development needs, left behind on purpose."""
    base: str = ""
    """The image that the runtime stage starts from, where it is another than the original's."""
