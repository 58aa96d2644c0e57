"""The fixtures of BuildKit's own parser and shell word tests, read out of the module cache; they are not kept here."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from buildkit_oracle import NoOracleError, module_folder

from msbtui.dockerfile.expand import ExpandError, expand, split_words
from msbtui.dockerfile.gotext import lower, quote
from msbtui.dockerfile.model import Instruction
from msbtui.dockerfile.parser import parse
from msbtui.dockerfile.words import pairs

pytestmark = pytest.mark.oracle


@pytest.fixture(scope="module")
def folder() -> Path:
    try:
        return module_folder() / "frontend" / "dockerfile"
    except NoOracleError as error:
        pytest.skip(str(error))


def _dump(instruction: Instruction, escape: str) -> str:
    """Give an instruction as BuildKit's parser prints its tree (parser.go, Node.Dump)."""
    out = lower(instruction.written)
    flags = [flag.name if flag.value is None else f"{flag.name}={flag.value}" for flag in instruction.flags]
    if flags:
        out += " [" + " ".join(quote(f"--{flag}") for flag in flags) + "]"
    if instruction.trigger is not None:
        return f"{out} ({_dump(instruction.trigger, escape)})"
    words = list(instruction.words)
    if instruction.keyword in ("ENV", "LABEL"):
        words = [part for pair in pairs(instruction.value, instruction.keyword, escape) for part in pair]
    return " ".join([out, *map(quote, words)])


def test_parser_fixtures(folder: Path) -> None:
    cases = sorted((folder / "parser" / "testfiles").iterdir())
    assert len(cases) >= 33
    for case in cases:
        found = parse((case / "Dockerfile").read_bytes())
        # The parser alone is tested: some of these files have no FROM.
        syntax = [error for error in found.errors if "Syntax error" in error.message or "unterminated" in error.message]
        assert not syntax, case.name
        lines = (case / "result").read_text("utf-8").splitlines()
        assert [f"({_dump(each, found.escape)})" for each in found.instructions] == lines, case.name


def test_negative_parser_fixtures(folder: Path) -> None:
    cases = sorted((folder / "parser" / "testfiles-negative").iterdir())
    assert len(cases) >= 4
    for case in cases:
        assert parse((case / "Dockerfile").read_bytes()).errors, case.name


def test_line_fixture(folder: Path) -> None:
    found = parse((folder / "parser" / "testfile-line" / "Dockerfile").read_bytes())
    # The numbers stand in parser_test.go, TestParseIncludesLineNumbers.
    assert [(each.span.first_line, each.span.last_line) for each in found.instructions] == [(5, 5), (11, 12), (17, 31)]


def _tried(function: Callable[[], object]) -> object:
    try:
        return function()
    except ExpandError:
        return "error"


def test_variable_fixtures(folder: Path) -> None:
    # The environment stands in lex_test.go, TestShellParser4EnvVars.
    environment = {"PWD": "/home", "SHELL": "bash", "KOREAN": "한국어", "NULL": ""}
    rows = [
        [part.strip() for part in line.strip().split("|")]
        for line in (folder / "shell" / "envVarTest").read_text("utf-8").splitlines()
        if line.strip() and not line.startswith("#")
    ]
    rows = [row for row in rows if row[0] in ("A", "U")]
    assert len(rows) > 200
    found = [(source, _tried(partial(expand, source, environment))) for _, source, _ in rows]
    assert found == [(source, expected) for _, source, expected in rows]


def test_word_fixtures(folder: Path) -> None:
    environment: dict[str, str] = {}
    tried = 0
    for line in (folder / "shell" / "wordsTest").read_text("utf-8").splitlines():
        if line.startswith("#"):
            continue
        if line.startswith("ENV "):
            name, _, value = line.removeprefix("ENV ").lstrip().partition("=")
            environment = {name: value}
            continue
        source, _, expected = line.partition("|")
        found = _tried(partial(split_words, source.strip(), environment))
        assert (found if isinstance(found, str) else ",".join(found)) == expected.lstrip(), source
        tried += 1
    assert tried > 20
