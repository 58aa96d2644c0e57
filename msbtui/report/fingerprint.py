"""A name for a violation that stays the same while lines move and bytes change a little."""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from pathlib import Path

from msbtui.session.check import CheckReport, Violation

MOST_RESULTS = 1000
"""Results that one document holds; code hosts take no more of one rule than that."""


def fingerprint(report: CheckReport, rule: str, violation: Violation) -> str:
    """Give 32 hexadecimal digits of the rule, the Dockerfile and what is wrong, without numbers of lines, layers and bytes."""
    what = re.sub(r"\d+(\.\d+)?", "", violation.message)
    parts = (rule, report.dockerfile or report.image, what, *violation.paths[:3])
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def artifact(report: CheckReport) -> str:
    """Give the path that results stand at: the Dockerfile's, from here where it lies below; `Dockerfile` where none is known.

    Code hosts find a file by its path from the root of the repository, where a job runs.
    """
    path = report.dockerfile or "Dockerfile"
    with suppress(OSError, ValueError):
        path = str(Path(path).absolute().relative_to(Path.cwd()))
    return path.replace("\\", "/")


def sentence(violation: Violation) -> str:
    """Give the message with the advice, as one line."""
    return " ".join(f"{violation.message}. {violation.advice}".split()) if violation.advice else violation.message
