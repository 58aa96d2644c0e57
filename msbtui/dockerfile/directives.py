"""Parser directives: `# escape=`, `# syntax=`, `# check=` (frontend/dockerfile/parser/directives.go)."""

from __future__ import annotations

import re

from msbtui.dockerfile.gotext import SPACE

_DIRECTIVE = re.compile(r"([a-zA-Z][a-zA-Z0-9]*)[\t\n\f\r ]*=(.+)")
_SPACES = "\t\n\f\r "
_KNOWN = frozenset({"syntax", "escape", "check"})


class DirectiveError(ValueError):
    """The text is BuildKit's."""


class DirectiveReader:
    """Reads directives line by line until the first line that is none."""

    def __init__(self, comment: str = "#") -> None:
        self.comment = comment
        self.done = False
        self.seen: set[str] = set()

    def read(self, line: str) -> tuple[str, str] | None:
        """Give name (lower case) and value of a directive line, or None; raises DirectiveError."""
        if self.done:
            return None
        match = _DIRECTIVE.fullmatch(line[len(self.comment) :].lstrip(SPACE)) if line.startswith(self.comment) else None
        name = match[1].lower() if match else ""
        if not match or name not in _KNOWN:
            self.done = True
            return None
        if name in self.seen:
            raise DirectiveError(f"only one {name} parser directive can be used")
        self.seen.add(name)
        # Of a value that is nothing but spaces BuildKit's expression leaves the last one.
        return name, match[2].strip(_SPACES) or match[2][-1]


def syntax_of(text: str) -> str:
    """Give the frontend that the text asks for, or "" (directives.go, DetectSyntax).

    A first line that is a shebang is skipped; `// syntax=` and a JSON object with "syntax" count as well.
    """
    return _first(text, "syntax", "#").split(" ", 1)[0] or _first(text, "syntax", "//").split(" ", 1)[0] or _json_syntax(text)


def check_of(text: str) -> str:
    """Give the options of `# check=` up to the first space, or ""."""
    return _first(text, "check", "#").split(" ", 1)[0]


def check_in_comments(comments: tuple[str, ...]) -> str:
    """Give the options of a `check=` in the comments above an instruction, or "" (linter.go, WithMergedConfigFromComments)."""
    for comment in comments:
        if "=" in comment:
            found = DirectiveReader("").read(comment)
            if found and found[0] == "check":
                return found[1].split(" ", 1)[0]
    return ""


def _first(text: str, name: str, comment: str) -> str:
    at = text.find("\n") + 1 or len(text) if text.startswith("#!") else 0
    reader = DirectiveReader(comment)
    try:
        while at < len(text) and not reader.done:
            end = text.find("\n", at)
            end = len(text) if end < 0 else end
            found = reader.read(text[at:end].removesuffix("\r"))
            if found and found[0] == name:
                return found[1]
            at = end + 1
    except DirectiveError:
        pass
    return ""


def _json_syntax(text: str) -> str:
    if not text.lstrip(SPACE).startswith("{"):
        return ""
    import json

    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    found = value.get("syntax") if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""
