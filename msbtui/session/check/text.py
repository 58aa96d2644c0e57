"""Reading a small text, with one clear line for whatever is wrong with it."""

from __future__ import annotations

from pathlib import Path

from msbtui.errors import UsageError


def read_text(path: Path, limit: int) -> str:
    """Give a file's text of at most `limit` bytes. Raises UsageError."""
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise UsageError((error.strerror or "could not be read").lower(), where=str(path)) from None
    if len(data) > limit:
        raise UsageError("too large", where=str(path), hint=f"at most {limit >> 20} MiB")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError("is no UTF-8 text", where=str(path)) from None
