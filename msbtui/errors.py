"""The errors that reach a person: one clear line each, with what, where and what to try."""

from __future__ import annotations


class MsbtuiError(Exception):
    """What went wrong, where, and what to try; `exit_code` as DESIGN's command line contract has it (4: unreadable target)."""

    exit_code = 4

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        """One line: `where: what (hint)`, without the parts that are empty."""
        line = f"{self.where}: {self.what}" if self.where else self.what
        return f"{line} ({self.hint})" if self.hint else line


class TargetError(MsbtuiError):
    """A Dockerfile, image, archive or engine that could not be read or built."""


class UsageError(MsbtuiError):
    """A call that asks for something that does not exist or does not fit together."""

    exit_code = 2


class Cancelled(Exception):
    """The person cancelled; nothing is wrong and nothing is lost."""
