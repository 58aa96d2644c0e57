"""What a stage's own COPY and ADD take from outside all stages and images."""

from __future__ import annotations

from msbtui.dockerfile.model import Instruction, Stage, Use
from msbtui.dockerfile.values import is_git, is_url

CONTEXT = "context"
"""The key of the build context among the sources."""


def outside_sources(stage: Stage) -> dict[str, list[Use]]:
    """Give a stage's uses by source: `CONTEXT`, or the URL or git reference of an ADD. Words stand as they are written."""
    found: dict[str, list[Use]] = {}
    for item in () if stage.named_context else stage.instructions:
        for key, uses in outside_sources_of(item).items():
            found.setdefault(key, []).extend(uses)
    return found


def outside_sources_of(item: Instruction) -> dict[str, list[Use]]:
    """Give the same of one instruction."""
    found: dict[str, list[Use]] = {}
    if item.keyword not in ("COPY", "ADD") or item.flag("from") is not None or not item.words:
        return found
    documents = {document.name for document in item.heredocs}
    for word in item.words[:-1]:
        if word.startswith("<<") and word.lstrip("<-").strip("\"'") in documents:
            continue
        key = word if item.keyword == "ADD" and is_remote(word) else CONTEXT
        found.setdefault(key, []).append(Use(item.span.first_line, word, item.words[-1]))
    return found


def outside_key(source: str) -> str:
    """Give the key of a source among all nodes of a graph."""
    return CONTEXT if source == CONTEXT else f"url {source}"


def is_remote(word: str) -> bool:
    """Say whether an ADD source is fetched: a URL or a git repository."""
    return is_url(word) or is_git(word)
