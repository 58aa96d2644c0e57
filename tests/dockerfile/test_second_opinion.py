"""The second opinion: silent on plain files, and right about where other tools go astray."""

from __future__ import annotations

from pathlib import Path

import pytest

from msbtui.dockerfile.parser import parse
from msbtui.dockerfile.second_opinion import RULE, read_differently

FILES = sorted((Path(__file__).parents[1] / "data" / "projects").rglob("Dockerfile"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_plain_files_are_read_alike(path):
    assert read_differently(parse(path.read_bytes())) == []


def test_a_heredoc_is_where_they_part():
    found = read_differently(parse('FROM debian\nRUN <<EOF\napt-get update\nEOF\nCMD ["x"]\n'))
    assert [(problem.line, problem.rule) for problem in found] == [(2, RULE), (3, RULE), (4, RULE)]
    assert "APT-GET" in found[1].message


def test_a_file_with_errors_gets_none():
    assert read_differently(parse("FROM debian\nFRM x\n")) == []
