"""What the README says is so: its commands and options, its pictures, and its figures."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from msbtui.cli import COMMANDS, load
from msbtui.engine.recording import read_recording
from msbtui.image.table import FileTable
from msbtui.learn import PROJECTS
from msbtui.session.demo import recording

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text()


def test_every_command_has_its_row_with_options_that_it_has():
    rows = dict(re.findall(r"^\| `msbtui (\w+)[^`]*`\s*\|(.*)\|$", README, re.MULTILINE))
    assert set(rows) == set(COMMANDS)
    for name, says in re.findall(r"^\| `msbtui (\w+)([^\n]*)\|$", README, re.MULTILINE):
        known = {option for parameter in load(name).params for option in parameter.opts}
        assert set(re.findall(r"`(--?[a-z][a-z-]*)", says)) <= known, name


def test_its_files_and_pictures_are_there():
    named = re.findall(r"!\[[^]]+\]\(([^)]+)\)", README) + re.findall(r"`((?:screenshots|msbtui|\.ci)/[\w./]+|\w+\.yml)`", README)
    assert len(named) >= 5
    assert [each for each in named if not (ROOT / each).exists()] == []


def size_of(path):
    return FileTable([layer.entries for layer in read_recording(path).image.layers]).size


@pytest.mark.parametrize("project", PROJECTS)
def test_the_sizes_are_those_of_the_recorded_images(project):
    name = {"c": "C", "go": "Go", "python": "Python"}[project]
    before, after = (size_of(recording(project, after=split)) for split in (False, True))
    row = re.search(rf"^\| {name} service.*\| (\d+) MB \| (\d+) MB \| (\d+) % \|$", README, re.MULTILINE)
    assert row is not None
    assert [int(each) for each in row.groups()] == [round(before / 1e6), round(after / 1e6), round(100 * (1 - after / before))]
