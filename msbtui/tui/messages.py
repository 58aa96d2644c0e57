"""What the working threads tell the main screen."""

from __future__ import annotations

from textual.message import Message

from msbtui.analysis.account import Account
from msbtui.session.model import Event, Progress
from msbtui.split.model import Plan, Rung


class SessionTold(Message):
    """The session has something new."""

    def __init__(self, event: Event) -> None:
        super().__init__()
        self.event = event


class ProgressTold(Message):
    """How far the work is; a later one takes the place of an earlier one that was not handled yet."""

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self.progress = progress

    def can_replace(self, message: Message) -> bool:
        """Say that only the newest counts."""
        return isinstance(message, ProgressTold)


class WorkEnded(Message):
    """The session's thread has ended."""


class DockerfileChanged(Message):
    """The Dockerfile on disk is another; the session has read it. Only the newest counts."""

    def can_replace(self, message: Message) -> bool:
        """Say that only the newest counts."""
        return isinstance(message, DockerfileChanged)


class DockerfileGone(Message):
    """The Dockerfile is no longer on disk, or is back."""

    def __init__(self, gone: bool) -> None:
        super().__init__()
        self.gone = gone


class PlanMade(Message):
    """The plan is there, or `error` says why there is none."""

    def __init__(self, plan: Plan | None, error: str = "") -> None:
        super().__init__()
        self.plan = plan
        self.error = error


class AccountMade(Message):
    """The account of the image is there, or `error` says why there is none."""

    def __init__(self, account: Account | None, error: str = "") -> None:
        super().__init__()
        self.account = account
        self.error = error


class RungsMade(Message):
    """Every rung of the plan's ladder is planned, or `error` says why not."""

    def __init__(self, rungs: tuple[Rung, ...], error: str = "") -> None:
        super().__init__()
        self.rungs = rungs
        self.error = error


class VerifyTold(Message):
    """How far a verification is. None is left out: each may tell of another stage."""

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self.progress = progress


class VerifyEnded(Message):
    """The plan with its checks, or `error` says why there are none."""

    def __init__(self, plan: Plan | None, error: str = "") -> None:
        super().__init__()
        self.plan = plan
        self.error = error
