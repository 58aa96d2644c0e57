"""The recorded answers of BuildKit in tests/data/oracle-cases.json."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from buildkit_oracle import HERE, Request

CASES = Path(__file__).parents[1] / "data" / "oracle-cases.json"
INPUTS = ("dockerfile", "target", "build_args", "build_contexts", "image_onbuild", "all_stages")


def request_of(case: dict[str, Any]) -> Request:
    """Give a case as a request; bytes that are no UTF-8 stand in its text as surrogate escapes."""
    return Request(
        case["dockerfile"].encode("utf-8", "surrogateescape"),
        case.get("target") or "",
        case.get("build_args") or {},
        tuple(case.get("build_contexts") or ()),
        case.get("image_onbuild") or {},
        case.get("all_stages", False),
    )


def pinned_version() -> str:
    """Give the version of BuildKit that tests/oracle is built with."""
    found = re.search(r"github\.com/moby/buildkit (\S+)", (HERE / "go.mod").read_text("utf-8"))
    assert found
    return found[1]
