"""What growth is measured from: a document that `inspect --json` wrote, or another image."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from msbtui.engine import open_image
from msbtui.engine.target import SCHEMES
from msbtui.errors import UsageError
from msbtui.image.table import FileTable
from msbtui.session.check.text import read_text

_LIMIT = 256 << 20
"""Bytes; no document of an image is larger."""
_IMAGE = re.compile(rf"({'|'.join(sorted(SCHEMES))}):(?://)?(.+)", re.DOTALL)
_BY_NAME = frozenset(("docker", "podman", "registry"))


def is_image(word: str) -> bool:
    """Say whether a baseline names an image: it begins with one of the schemes of a TARGET, `docker:debian:bookworm-slim`."""
    return _IMAGE.fullmatch(word) is not None


def beside(word: str, folder: Path) -> str:
    """Give a baseline as a configuration in `folder` means it: paths are relative to that, names of images are not."""
    found = _IMAGE.fullmatch(word)
    if found is None:
        return str(folder / word)
    return word if found[1] in _BY_NAME else f"{found[1]}:{folder / found[2]}"


def baseline_size(word: str, environ: Mapping[str, str] | None = None) -> int:
    """Give the bytes of the baseline that a word names. Raises UsageError, and TargetError for an image that is not there."""
    if not is_image(word):
        return read_baseline(Path(word))
    image = open_image(word, environ=environ)
    return FileTable(layer.entries for layer in image.layers).size


def read_baseline(path: Path) -> int:
    """Give `image.size`, bytes, of a document that `inspect --json` wrote. Raises UsageError."""
    try:
        document = json.loads(read_text(path, _LIMIT))
        size = document["image"]["size"]
    except (ValueError, KeyError, TypeError, RecursionError):
        size = None
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        hint = "`msbtui inspect IMAGE --json > FILE` writes one; an image is named with its scheme: docker:NAME"
        raise UsageError("is no baseline", where=str(path), hint=hint)
    return size
