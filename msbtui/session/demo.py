"""Sessions on the recordings that come with the program."""

from __future__ import annotations

from importlib.resources import files

from msbtui.session.model import Options
from msbtui.session.session import Session


def recording(project: str, *, after: bool = False) -> str:
    """Give the path of a demo project's recording."""
    return str(files("msbtui") / "learn" / "recordings" / f"{project}-{'after' if after else 'before'}.msbtui")


def demo_session(project: str, *, after: bool = False) -> Session:
    """Give a session on a demo project's recording, before or after the split; it asks no engine and no network."""
    return Session(Options(target=f"recorded:{recording(project, after=after)}"), environ={})
