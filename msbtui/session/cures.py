"""The cures that a session's findings have in place, and the Dockerfile with them made."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msbtui.analysis.cure import Cure, Lines, World, find_cures, find_text_cures
from msbtui.errors import UsageError
from msbtui.session.session import Session
from msbtui.text import printable


def cures_by_text(session: Session) -> tuple[Lines, tuple[Cure, ...]]:
    """Give the lines of a session's Dockerfile and the cures that its text alone shows. Raises UsageError without one."""
    if session.dockerfile is None or session.graph is None or session.reconstructed:
        raise UsageError("a fix needs the Dockerfile", hint="name it with --dockerfile")
    lines = Lines(session.dockerfile, session.graph)
    return lines, find_text_cures(lines)


def world_of(session: Session) -> World:
    """Give what cures look at. Raises UsageError where the session has not both an image and its Dockerfile."""
    if session.dockerfile is None or session.graph is None or session.reconstructed or session.provenance is None:
        raise UsageError("a fix needs the Dockerfile", hint="name it with --dockerfile")
    if (
        session.image is None
        or session.table is None
        or session.packages is None
        or session.waste is None
        or session.base is None
    ):
        raise UsageError("a fix needs the image that the Dockerfile built")
    return World(
        session.dockerfile,
        session.graph,
        session.image,
        session.table,
        session.packages,
        session.provenance,
        session.waste,
        session.base.layers,
    )


def cures_of(session: Session) -> tuple[Cure, ...]:
    """Give the cures of a session's findings, what saves most first; none where it has no Dockerfile or no image."""
    try:
        return find_cures(world_of(session))
    except UsageError:
        return ()


def chosen(cures: Sequence[Cure], only: Sequence[str], findings: Sequence[str]) -> list[Cure]:
    """Give the cures that `only` names by their ids or their findings' ids; without it all that are not optional.

    Raises UsageError for an id that nothing bears, and for a finding that has no cure in place.
    """
    if not only:
        return [cure for cure in cures if not cure.optional]
    found: list[Cure] = []
    for name in only:
        named = [cure for cure in cures if cure.id == name] or [
            cure for cure in sorted(cures, key=lambda one: one.optional) if name in cure.findings
        ][:1]
        if not named:
            shown = printable(name)
            if name in findings:
                raise UsageError(f"{shown} has no cure in place", hint="`msbtui split` moves what made it into a build stage")
            ids = ", ".join(cure.id for cure in cures)
            raise UsageError(
                f"no finding and no cure {shown!r}", hint=f"there are {ids}" if ids else "nothing here can be cured in place"
            )
        found += [cure for cure in named if cure not in found]
    return found


def ignore_file(session: Session) -> Path:
    """Give the `.dockerignore` that the Dockerfile's build reads: `NAME.dockerignore` beside it where that is there.

    BuildKit, frontend/dockerui/config.go. Raises UsageError where the Dockerfile is in no folder.
    """
    path = session.dockerfile_path
    if path is None:
        raise UsageError("the Dockerfile is no file on disk", hint="name it with --dockerfile")
    own = path.with_name(f"{path.name}.dockerignore")
    return own if own.is_file() else path.with_name(".dockerignore")
