"""The traps in a session's Dockerfile, with the image's files where they are known."""

from __future__ import annotations

from msbtui.analysis.traps import find_traps
from msbtui.dockerfile.model import Problem
from msbtui.session.session import Session


def traps_of(session: Session) -> tuple[Problem, ...]:
    """Give the traps of multi-stage files at their lines, in order; none for a Dockerfile that was made from the history."""
    if session.dockerfile is None or session.graph is None or session.reconstructed:
        return ()
    return find_traps(session.dockerfile, session.graph, session.image, session.table, session.provenance)
