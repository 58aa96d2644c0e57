"""The errors that reach a person: one clear line each, with what, where and what to try."""

from __future__ import annotations

_LONGEST = 600
"""Characters of what is wrong, and of where."""


class MsbtuiError(Exception):
    """What went wrong, where, and what to try; `exit_code` as DESIGN's command line contract has it (4: unreadable target)."""

    exit_code = 4

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        """One line: `where: what (hint)`, without the parts that are empty; one pair of brackets, where `what` has its own."""
        what = _shortened(self.what)
        line = f"{_shortened(self.where)}: {what}" if self.where else what
        if not self.hint:
            return line
        return f"{line[:-1]}; {self.hint})" if _ends_in_brackets(what) else f"{line} ({self.hint})"


def _shortened(text: str) -> str:
    """Give `text` without its middle where it is longer than any line that a person reads (a hostile name in it, say)."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]}…{text[-_LONGEST // 4 :]}"


def _ends_in_brackets(text: str) -> bool:
    _, bracket, inside = text.rpartition(" (")
    return bool(bracket) and len(inside) > 1 and inside.find(")") == len(inside) - 1 and "(" not in inside


class TargetError(MsbtuiError):
    """A Dockerfile, image, archive or engine that could not be read or built."""


class UsageError(MsbtuiError):
    """A call that asks for something that does not exist or does not fit together."""

    exit_code = 2


class Cancelled(Exception):  # noqa: N818 - it is no error
    """The person cancelled; nothing is wrong and nothing is lost."""
