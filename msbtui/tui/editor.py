"""The person's editor, and how it is told a line."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import PurePath

_COLON = ("hx", "helix", "subl", "sublime_text", "zed", "kak")
_GOTO = ("code", "codium", "code-insiders", "cursor")
_PLUS = ("vi", "vim", "nvim", "view", "nano", "emacs", "emacsclient", "micro", "ne", "joe", "mg", "pico", "gedit", "kate", "ed")


def editor_command(environ: Mapping[str, str], path: str, line: int) -> list[str] | None:
    """Give the command that opens `path` at `line` (from 1) in $VISUAL or $EDITOR, or None where neither is set."""
    chosen = environ.get("VISUAL") or environ.get("EDITOR") or ""
    try:
        words = shlex.split(chosen)
    except ValueError:
        words = [chosen]
    if not words:
        return None
    name = PurePath(words[0]).name
    if name in _GOTO:
        return [*words, "--wait", "--goto", f"{path}:{line}"]
    if name in _COLON:
        return [*words, f"{path}:{line}"]
    if name in _PLUS:
        return [*words, f"+{line}", path]
    return [*words, path]
