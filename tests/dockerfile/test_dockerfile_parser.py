"""Instructions with their exact places."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msbtui.dockerfile.model import Flag, Instruction, Span
from msbtui.dockerfile.parser import parse


def _one(text: str, keyword: str) -> Instruction:
    return next(each for each in parse(text).instructions if each.keyword == keyword)


def test_spans_source_and_value_over_continuation() -> None:
    text = "FROM a\n\n  RUN --mount=type=cache,target=/x \\\n  # why\n\n    make \\\n  all\nUSER b\n"
    run = _one(text, "RUN")
    assert run.span == Span(3, 7, 10, 10 + len(run.source))
    assert text[run.span.start : run.span.end] == run.source
    assert run.source.startswith("RUN --mount") and run.source.endswith("all")
    assert run.value == "make   all"
    assert run.flags == (Flag("mount", "type=cache,target=/x"),)


def test_offsets_count_bytes() -> None:
    text = "# é€\nFROM a\nLABEL x=ü\nUSER b\n"
    user = _one(text, "USER")
    assert text.encode()[user.span.start : user.span.end] == b"USER b"


def test_byte_order_mark_is_noted_and_not_counted() -> None:
    dockerfile = parse(b"\xef\xbb\xbfFROM a\r\nRUN b\r\n")
    assert dockerfile.bom
    assert dockerfile.instructions[0].span == Span(1, 1, 0, 6)
    assert dockerfile.instructions[1].source == "RUN b"


def test_bytes_that_are_no_utf8_survive() -> None:
    dockerfile = parse(b"FROM a\nLABEL x=\xff\xfe\n")
    assert dockerfile.source.encode("utf-8", "surrogateescape") == b"FROM a\nLABEL x=\xff\xfe\n"
    assert dockerfile.instructions[1].span.end == 17


def test_several_heredocs() -> None:
    text = 'FROM a\nCOPY <<A <<-"B C" /d/\nx $y\nA\n\t\tz\n\tB C\nUSER b\n'
    copy = _one(text, "COPY")
    first, second = copy.heredocs
    assert (first.name, first.content, first.expand, first.strip_tabs) == ("A", "x $y\n", True, False)
    assert (second.name, second.content, second.expand, second.strip_tabs) == ("B C", "z\n", False, True)
    assert text[first.span.start : first.span.end] == "x $y\n"
    assert text[second.span.start : second.span.end] == "\t\tz\n"
    assert copy.span.last_line == 6
    assert _one(text, "USER").span.first_line == 7


def test_what_opens_no_heredoc() -> None:
    for line in ('RUN echo "<<A"', "RUN echo $((1<<3))", "RUN cat <<<A", "ENV X=<<A", 'RUN ["x", "<<A"]', "CMD cat <<A"):
        dockerfile = parse(f"FROM a\n{line}\nUSER b\n")
        assert [each.keyword for each in dockerfile.instructions] == ["FROM", line.split()[0], "USER"]


def test_unterminated_heredoc_leaves_the_rest_readable() -> None:
    dockerfile = parse("FROM a\nRUN <<EOF\nFROM b\n")
    assert [error.message for error in dockerfile.errors] == ["unterminated heredoc"]
    assert [each.keyword for each in dockerfile.instructions] == ["FROM", "RUN", "FROM"]


def test_onbuild_holds_its_trigger() -> None:
    onbuild = _one("FROM a\nONBUILD \\\n COPY --from=x a b\n", "ONBUILD")
    assert onbuild.trigger is not None
    assert onbuild.trigger.keyword == "COPY"
    assert onbuild.trigger.flag("from") == "x"
    assert onbuild.trigger.words == ("a", "b")
    assert onbuild.trigger.source == "COPY --from=x a b"
    assert onbuild.trigger.span.start == onbuild.span.end - len(onbuild.trigger.source)


@pytest.mark.parametrize(
    ("line", "words", "json"),
    [
        ("COPY a  b /c", ("a", "b", "/c"), False),
        ('COPY ["a b", "c"]', ("a b", "c"), True),
        ('RUN ["a", "b"] x', ('["a", "b"] x',), False),
        ("ENV A=b C='d e'", ("A=b", "C='d e'"), False),
        ("ENV A b c", ("A", "b c"), False),
        ("ARG A B=c", ("A", "B=c"), False),
        ('HEALTHCHECK --interval=5s CMD ["x"]', ("CMD", "x"), True),
        ("EXPOSE 80 443/udp", ("80", "443/udp"), False),
        ("USER a b", ("a b",), False),
    ],
)
def test_words_by_keyword(line: str, words: tuple[str, ...], json: bool) -> None:
    instruction = parse(f"FROM a\n{line}\n").instructions[1]
    assert instruction.words == words
    assert instruction.json is json


@pytest.mark.parametrize(
    ("line", "message", "column"),
    [
        ("FOO x", "dockerfile parse error on line 2: unknown instruction: FOO (did you mean FROM?)", 1),
        ("  COPY --fron=a /x /y", "dockerfile parse error on line 2: unknown flag: --fron (did you mean from?)", 8),
        ("COPY a", "COPY requires at least two arguments, but only one was provided", 1),
        ("ENV A", "ENV must have two arguments", 1),
        ("ENV A=b c", 'Syntax error - can\'t find = in "c". Must be of the form: name=value', 1),
        ("RUN --mount=type=bind,from=$X ls", "'from' doesn't support variable expansion, define alias stage instead", 5),
        ("RUN --network=x ls", 'invalid network mode "x"', 5),
        ("SHELL sh", "SHELL requires the arguments to be in JSON form", 1),
        ("HEALTHCHECK FOO", 'Unknown type "FOO" in HEALTHCHECK (try CMD)', 13),
        ('CMD ["a", 1]', "when using JSON array syntax, arrays must be comprised of strings only", 1),
        ("COPY a <<EOF\nx\nEOF", "COPY cannot accept a heredoc as a destination", 8),
    ],
)
def test_errors_with_their_places(line: str, message: str, column: int) -> None:
    error = parse(f"FROM a\n{line}\n").errors[0]
    assert message in error.message
    assert (error.line, error.column) == (2, column)


def test_errors_are_one_printable_line() -> None:
    error = parse("FROM a\nFO\x1b[31mO\u202e x\n").errors[0]
    assert error.message.isprintable()


def test_an_escaped_escape_character_does_not_continue() -> None:
    dockerfile = parse("FROM a\nRUN echo \\\\\nUSER b\n")
    assert [(each.keyword, each.value) for each in dockerfile.instructions[1:]] == [("RUN", "echo \\\\"), ("USER", "b")]


def test_an_onbuild_inside_an_onbuild_is_parsed_before_it_is_refused() -> None:
    errors = parse('FROM a\nONBUILD ONBUILD CMD ["a", 1]\n').errors
    assert errors[0].message == "when using JSON array syntax, arrays must be comprised of strings only"


def test_syntax_and_escape_directives() -> None:
    dockerfile = parse("# syntax = docker/dockerfile:1\n# escape=`\nFROM a\nRUN x `\n y\n")
    assert (dockerfile.syntax, dockerfile.escape) == ("docker/dockerfile:1", "`")
    assert dockerfile.instructions[1].value == "x  y"


def test_longest_line() -> None:
    assert not parse("FROM a\nRUN " + "x" * 65_531 + "\n").errors
    dockerfile = parse("FROM a\nRUN " + "x" * 65_532 + "\nUSER b\n")
    assert dockerfile.errors[0].message == "dockerfile line greater than max allowed size of 65535"
    assert dockerfile.errors[0].line == 2


def test_comments_above_an_instruction() -> None:
    dockerfile = parse("# gone\n#\n# one\n\n  # two\nFROM a\nUSER b\n")
    assert dockerfile.instructions[0].comments == ("one", "# two")
    assert dockerfile.instructions[1].comments == ()


_LINES = st.lists(
    st.sampled_from(
        [
            "FROM a AS b",
            "RUN x \\",
            "# c",
            "",
            "  y",
            "RUN <<E <<-'F'",
            "E",
            "\tF",
            "COPY --from=b a \\",
            "ONBUILD RUN <<E",
            "é \\ ",
            "# escape=`",
            "z `",
            'ENV A="b \\',
            'CMD ["x",',
            "\\",
            "LABEL a=b\x00\x85",
            "RUN cat <<E",
            "\ufeff",
            "ARG",
        ]
    ),
    max_size=14,
)


@given(_LINES, st.sampled_from(["\n", "\r\n"]), st.booleans(), st.booleans())
@settings(max_examples=300)
def test_places_give_the_text_back(lines: list[str], end: str, ended: bool, bom: bool) -> None:
    text = end.join(lines) + (end if ended else "")
    dockerfile = parse(("\ufeff" if bom else "") + text)
    source = dockerfile.source.encode("utf-8", "surrogateescape")
    physical = dockerfile.source.split("\n")
    last_end, last_line = 0, 0
    for instruction in dockerfile.instructions:
        span = instruction.span
        assert source[span.start : span.end].decode("utf-8", "surrogateescape") == instruction.source
        assert last_end <= span.start <= span.end
        assert last_line < span.first_line <= span.last_line <= len(physical)
        assert source[: span.start].count(b"\n") + 1 == span.first_line
        assert source[: span.end].count(b"\n") + 1 <= span.last_line
        for heredoc in instruction.heredocs:
            body = source[heredoc.span.start : heredoc.span.end].decode("utf-8", "surrogateescape")
            assert len(heredoc.content) <= len(body)
            assert span.start < heredoc.span.start <= heredoc.span.end < span.end
        last_end, last_line = span.end, span.last_line


@given(st.binary(max_size=200))
def test_any_bytes_parse(data: bytes) -> None:
    dockerfile = parse(data)
    back = dockerfile.source.encode("utf-8", "surrogateescape")
    assert (b"\xef\xbb\xbf" if dockerfile.bom else b"") + back == data
    for problem in (*dockerfile.errors, *dockerfile.warnings):
        assert problem.message.isprintable()


@given(st.text(max_size=120))
def test_any_text_parses(text: str) -> None:
    parse(text)
