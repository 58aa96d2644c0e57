"""Edits keep every byte that they do not touch."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msbtui.dockerfile.edit import Edit, apply, insert, name_stage, without_loose_end
from msbtui.dockerfile.parser import parse
from msbtui.errors import UsageError

_TEXTS = st.text(alphabet="ab\r\n \t#\\é€\ufeff", max_size=40)


@given(_TEXTS, st.lists(st.tuples(st.integers(0, 60), st.text(alphabet="xyü\n", max_size=4)), max_size=5), st.booleans())
def test_untouched_bytes_stay(text: str, inserts: list[tuple[int, str]], bom: bool) -> None:
    data = (b"\xef\xbb\xbf" if bom else b"") + text.encode()
    dockerfile = parse(data)
    source = dockerfile.source.encode()
    edits = [insert(min(at, len(source)), piece) for at, piece in inserts]
    result = apply(dockerfile, edits)
    head = b"\xef\xbb\xbf" if dockerfile.bom else b""
    assert result.startswith(head)
    result = result[len(head) :]
    at = 0
    for edit in sorted(edits, key=lambda edit: edit.start):
        piece = edit.text.encode()
        kept = source[at : edit.start]
        assert result[: len(kept) + len(piece)] == kept + piece
        result = result[len(kept) + len(piece) :]
        at = edit.start
    assert result == source[at:]


def test_no_edit_gives_the_file_back() -> None:
    data = b"\xef\xbb\xbfFROM a\r\nRUN \xff \\\r\n\tb\n\r\n"
    assert apply(parse(data), []) == data


def test_overlap_is_refused() -> None:
    dockerfile = parse("FROM a\n")
    with pytest.raises(UsageError):
        apply(dockerfile, [Edit(0, 4, ""), Edit(2, 6, "")])
    with pytest.raises(UsageError):
        apply(dockerfile, [Edit(0, 99, "")])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM alpine\n", "FROM alpine AS build\n"),
        ("from --platform=$X alpine:3  \r\n", "from --platform=$X alpine:3 as build  \r\n"),
        ("FROM \\\n  # alpine\n  alpine\nRUN x", "FROM \\\n  # alpine\n  alpine AS build\nRUN x"),
        ("FROM --platform=alpine alpine\n", "FROM --platform=alpine alpine AS build\n"),
        ("# escape=`\nFROM `\n  a\n", "# escape=`\nFROM `\n  a AS build\n"),
        ("FROM al\\\npine\nRUN x", "FROM al\\\npine AS build\nRUN x"),
        ("FROM alpine\\\n", "FROM alpine AS build\\\n"),
        ("FROM alpine \\\n# alpine", "FROM alpine AS build \\\n# alpine"),
        ('from "alpine" \\ \n\n', 'from "alpine" as build \\ \n\n'),
    ],
)
def test_name_stage(text: str, expected: str) -> None:
    dockerfile = parse(text)
    assert apply(dockerfile, [name_stage(dockerfile, dockerfile.instructions[0], "build")]).decode() == expected


def test_name_stage_refuses() -> None:
    dockerfile = parse("FROM a AS b\nFROM c\n")
    with pytest.raises(UsageError):
        name_stage(dockerfile, dockerfile.instructions[0], "x")
    with pytest.raises(UsageError, match="invalid name for build stage"):
        name_stage(dockerfile, dockerfile.instructions[1], "1x")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('FROM a\nCMD ["x"] \\\n', 'FROM a\nCMD ["x"]  \n'),
        ("FROM a\nRUN x \\\n  y\\  \n# why\n\n", "FROM a\nRUN x \\\n  y   \n# why\n\n"),
        ("FROM a\r\nRUN x\\\r\n\r\n", "FROM a\r\nRUN x \r\n\r\n"),
        ("\ufeff# escape=`\nFROM a\nRUN x `", "\ufeff# escape=`\nFROM a\nRUN x  "),
        ("FROM a\nRUN x \\\n y\n", "FROM a\nRUN x \\\n y\n"),
        ("FROM a\nRUN x \\\\\n", "FROM a\nRUN x \\\\\n"),
        ("FROM a\nRUN <<E\nx \\\nE\n", "FROM a\nRUN <<E\nx \\\nE\n"),
        ("", ""),
    ],
)
def test_what_follows_does_not_join_an_instruction_that_ends_in_an_escape_character(text: str, expected: str) -> None:
    dockerfile = parse(text.encode())
    ended = without_loose_end(dockerfile)
    assert apply(ended, []).decode() == expected
    assert [each.words for each in ended.instructions] == [each.words for each in dockerfile.instructions]
    more = parse(apply(ended, []) + b"\nFROM more").instructions
    assert len(more) == len(ended.instructions) + 1 and more[-1].words == ("more",)
