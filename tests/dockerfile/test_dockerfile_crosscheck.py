"""On plain files the package dockerfile-parse reads the same instructions at the same lines: a second opinion."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from dockerfile_parse import DockerfileParser

from msbtui.dockerfile.parser import parse

_FILES = sorted(
    path for path in (Path(__file__).parents[1] / "data" / "projects").rglob("Dockerfile*") if path.suffix != ".dockerignore"
)


def test_there_are_files() -> None:
    assert _FILES


@pytest.mark.parametrize("path", _FILES, ids=lambda path: "-".join(path.parts[-2:]))
def test_same_instructions_at_the_same_lines(path: Path) -> None:
    text = path.read_bytes()
    other = DockerfileParser(fileobj=io.BytesIO(text)).structure
    theirs = [
        (each["instruction"], each["startline"] + 1, each["endline"] + 1) for each in other if each["instruction"] != "COMMENT"
    ]
    dockerfile = parse(text)
    assert [(each.keyword, each.span.first_line, each.span.last_line) for each in dockerfile.instructions] == theirs
    assert not dockerfile.errors
