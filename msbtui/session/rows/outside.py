"""What a stage's own COPY and ADD take from outside all stages and images."""

from __future__ import annotations

from msbtui.dockerfile.model import Stage, Use

CONTEXT = "context"
"""The key of the build context among the sources."""


def outside_sources(stage: Stage) -> dict[str, list[Use]]:
    """Give the uses by source: `CONTEXT`, or the URL or git reference of an ADD. Words stand as they are written."""
    found: dict[str, list[Use]] = {}
    if stage.named_context:
        return found
    for item in stage.instructions:
        if item.keyword not in ("COPY", "ADD") or item.flag("from") is not None or not item.words:
            continue
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
    """Say whether an ADD source is fetched: a URL, or a git reference (BuildKit's `util/gitutil`)."""
    scheme, found, _ = word.partition("://")
    return bool(found and scheme.isalpha()) or word.startswith("git@") or (word.startswith("github.com/") and ".git" in word)
