"""Lines for the `.dockerignore`: what a COPY of the context brought and nothing needs (docs.docker.com, "Build context")."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from msbtui.analysis.cure.model import Cure, World
from msbtui.dockerfile.model import Instruction

_KINDS = ("vcs", "context-junk", "secret")
_EVERYWHERE = frozenset(
    {".git", ".hg", ".svn", "node_modules", "__pycache__", ".venv", ".idea", ".vscode", ".mypy_cache", ".pytest_cache"}
)
"""Names that mean the same wherever they lie: one line names them all."""
_MOST_LINES = 30


def ignore_lines(world: World) -> Iterator[Cure]:
    """Give the lines that keep a finding's files out of the build context, where no later line names them."""
    for finding in world.waste.findings:
        if finding.kind not in _KINDS or finding.hidden_by is not None or finding.in_base or not finding.bytes:
            continue
        copy = world.instruction_of.get(finding.layer)
        if copy is None or copy.keyword not in ("COPY", "ADD") or copy.flag("from") is not None or copy.heredocs:
            continue
        now = world.situation(copy)
        if now is None or len(copy.words) != 2:
            continue
        source = posixpath.normpath(now.expanded(copy.words[0], world.dockerfile.escape)).lstrip("/")
        target = now.path(copy.words[1]).strip("/")
        lines: dict[str, None] = {}
        for path in finding.paths:
            line = _line(source, target, path)
            if line is None:
                break
            lines[line] = None
        else:
            if not lines or len(lines) > _MOST_LINES or _is_named(world, copy, lines):
                continue
            yield Cure(
                "dockerignore",
                f".dockerignore: {', '.join(list(lines)[:5])}" + (f" and {len(lines) - 5} more" if len(lines) > 5 else ""),
                copy.span.first_line,
                finding.bytes,
                (finding.id,),
                ignore_lines=tuple(lines),
                # Whoever copies a secret may want it there; that it does not belong there is for a person to say.
                optional=finding.kind == "secret",
                note="revoke it: whoever has an image that was pushed before has the secret" if finding.kind == "secret" else "",
            )


def _line(source: str, target: str, path: str) -> str | None:
    """Give the pattern of the context for a path of the image, or None where it cannot be told."""
    if re.search(r"[*?\[\]\\!#]|\s", path) or not path.isprintable():
        return None
    if path == target or (not target and "/" not in path and source not in (".", "")):
        return None if source in (".", "") else source
    if target and not path.startswith(target + "/"):
        return None
    below = path[len(target) + 1 :] if target else path
    if re.search(r"[*?\[]", source):
        return None
    name = posixpath.basename(path)
    if name in _EVERYWHERE:
        return f"**/{name}"
    # A single file goes into a directory under its own name, a directory's content goes there itself.
    if posixpath.basename(source) == below and source not in (".", ""):
        return source
    return below if source in (".", "") else f"{source}/{below}"


def _is_named(world: World, copy: Instruction, lines: dict[str, None]) -> bool:
    """Say whether another line of the file may need one of them: it names it, or copies it in another stage."""
    for line in lines:
        name = posixpath.basename(line)
        for other in world.dockerfile.instructions:
            if (
                other.index != copy.index
                and other.keyword in ("RUN", "COPY", "ADD", "CMD", "ENTRYPOINT")
                and re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", other.source)
            ):
                return True
    return False


def ignored_text(text: str, lines: tuple[str, ...]) -> str:
    """Give a `.dockerignore` with lines added at its end, those that it has already left out; every byte before stays.

    A new one names itself too: else `COPY . .` would bring it.
    """
    if not text and lines:
        lines = (*lines, ".dockerignore")
    there = {line.strip().removeprefix("/") for line in text.splitlines()}
    new = [line for line in dict.fromkeys(lines) if line not in there]
    if not new:
        return text
    end = "\r\n" if text.partition("\n")[0].endswith("\r") else "\n"
    joint = end if text and not text.endswith("\n") else ""
    return text + joint + "".join(line + end for line in new)
