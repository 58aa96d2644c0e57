"""The Textual app; the only room that imports Textual."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from msbtui.session import Session

__all__ = ["run_app"]

PATIENCE = 60.0
"""Seconds that leaving waits for a verification to remove its containers and images; what stays is swept by the next one."""


def run_app(session: Session, *, mouse: bool = True, plain: bool = False) -> int:
    """Open the app on a session and give the exit code when the person leaves it; `plain` draws in ASCII.

    Textual is imported here and not before, so that no other command pays for it. Textual restores the terminal, also when
    the app breaks.
    """
    from msbtui.tui.app import MsbtuiApp

    app = MsbtuiApp(session, plain=plain)
    app.run(mouse=mouse)
    if not app.work_ended(0):
        print("removing what the verification made on the engine…", file=sys.stderr, flush=True)
        app.work_ended(PATIENCE)
    return app.return_code or 0
