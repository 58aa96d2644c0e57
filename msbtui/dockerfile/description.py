"""The doc comment above a FROM (frontend/dockerfile/instructions/parse.go, getDocComment)."""

from __future__ import annotations

from msbtui.dockerfile.directives import check_in_comments
from msbtui.dockerfile.gotext import clean
from msbtui.dockerfile.model import Dockerfile, Instruction


def description(dockerfile: Dockerfile, first: Instruction, name: str | None) -> str:
    """Give a stage's description, or "".

    BuildKit takes the first comment `# <name> text` since the instruction before. Where there is none the comment lines
    right above FROM are taken, joined with spaces; a `check=` among them is no description.
    """
    if not first.comments:
        return ""
    if name:
        for comment in first.comments:
            if comment.startswith(f"{name} "):
                return clean(comment[len(name) + 1 :])
    lines = []
    end = _line_start(dockerfile, first)
    while end > 0:
        start = dockerfile.source.rfind("\n", 0, end - 1) + 1
        line = dockerfile.source[start : end - 1].strip()
        if not line.startswith("#") or not line[1:].strip():
            break
        lines.append(line[1:].strip())
        end = start
    lines = [line for line in reversed(lines) if line in first.comments and not check_in_comments((line,))]
    return clean(" ".join(lines))


def _line_start(dockerfile: Dockerfile, first: Instruction) -> int:
    """Give the place, in characters, where the line of FROM begins."""
    source = dockerfile.source
    if source.isascii():
        at = first.span.start
    else:
        at = len(source.encode("utf-8", "surrogateescape")[: first.span.start].decode("utf-8", "surrogateescape"))
    return source.rfind("\n", 0, at) + 1
