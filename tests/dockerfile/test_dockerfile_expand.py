"""Words as BuildKit's lexer reads them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msbtui.dockerfile.expand import LONGEST, ExpandError, expand, expand_names, split_words
from msbtui.dockerfile.graph import build_graph
from msbtui.dockerfile.parser import parse
from msbtui.dockerfile.patterns import replace, trim_prefix, trim_suffix

_VALUES = {"A": "alpine", "E": "", "P": "a/b/c.tar.gz", "S": "x y"}


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("plain:3.18", "plain:3.18"),
        ("$A:3", "alpine:3"),
        ("${A}x", "alpinex"),
        ("$N|", "|"),
        ("${N:-w}", "w"),
        ("${E-w}", ""),
        ("${E:-w}", "w"),
        ("${N+w}", ""),
        ("${E+w}", "w"),
        ("${E:+w}", ""),
        ("${A:+${N:-deep}}", "deep"),
        ("${A?}", "alpine"),
        ("${P#*/}", "b/c.tar.gz"),
        ("${P##*/}", "c.tar.gz"),
        ("${P%.*}", "a/b/c.tar"),
        ("${P%%.*}", "a/b/c"),
        ("${P/b/q}", "a/q/c.tar.gz"),
        ("${P//a/q}", "q/b/c.tqr.gz"),
        ("${P//\\//_}", "a_b_c.tar.gz"),
        ("'$A'", "$A"),
        ('"$A \\" \\n"', 'alpine " \\n'),
        ("\\$A", "$A"),
        ("a\\", "a"),
        ("$", "$"),
        ("<<EOF", "<<EOF"),
    ],
)
def test_expand(word: str, expected: str) -> None:
    assert expand(word, _VALUES) == expected


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("${N?}", "N: is not allowed to be unset"),
        ("${E:?}", "E: is not allowed to be empty"),
        ("${N:?say so}", "N: say so"),
        ("${A", 'failed to process "${A": unsupported modifier'),
        ("${}", "syntax error: bad substitution"),
        ("${A:-x", "syntax error: missing '}'"),
        ("${A/x}", "syntax error: missing '/' in ${}"),
        ("${A^}", "unsupported modifier (^) in substitution"),
        ("${A:#x}", "unsupported modifier (:#) in substitution"),
        ("${A#\\x}", "invalid pattern (\\x) in substitution: invalid escape '\\x'"),
        ('"x', "unexpected end of statement while looking for matching double-quote"),
        ("'x", "unexpected end of statement while looking for matching single-quote"),
    ],
)
def test_errors_in_buildkits_words(word: str, message: str) -> None:
    with pytest.raises(ExpandError) as error:
        expand(word, _VALUES)
    assert message in error.value.what


def test_backtick_escapes() -> None:
    assert expand("`$A\\x", _VALUES, "`") == "$A\\x"


def test_names_are_reported() -> None:
    found = expand_names("$A ${N:-$M}", _VALUES)
    assert (found.matched, found.unmatched) == ({"A"}, {"N", "M"})


def test_split_words() -> None:
    assert split_words("a \"b c\" $S 'd'e", _VALUES) == ["a", "b c", "x", "y", "de"]


@given(st.text(max_size=40))
def test_any_text_gives_a_word_or_one_error(text: str) -> None:
    problem = ""
    try:
        expand(text, _VALUES)
    except ExpandError as error:
        problem = error.what
    assert problem.isprintable()


_PATTERN = st.text(alphabet="ab*?.\n", max_size=6)
_VALUE = st.text(alphabet="ab.\n", max_size=12)


def _regex(pattern: str, greedy: bool) -> str:
    star = ".*" if greedy else ".*?"
    return "".join(star if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)


@given(_PATTERN, _VALUE, st.booleans())
def test_prefixes_are_those_of_the_regular_expression(pattern: str, value: str, greedy: bool) -> None:
    match = re.match(_regex(pattern, greedy), value)
    assert trim_prefix(pattern, value, greedy) == (value[match.end() :] if match else value)


@given(_PATTERN, _VALUE, st.booleans())
def test_suffixes_are_turned_prefixes(pattern: str, value: str, greedy: bool) -> None:
    match = re.match(_regex(pattern[::-1], greedy), value[::-1])
    assert trim_suffix(pattern, value, greedy) == (value[: len(value) - match.end()] if match else value)


@given(_PATTERN, _VALUE)
def test_first_replacement_is_that_of_the_regular_expression(pattern: str, value: str) -> None:
    assert replace(pattern, value, "<>", False) == re.sub(_regex(pattern, True), "<>", value, count=1)


@given(st.text(alphabet="ab?", min_size=1, max_size=3), _VALUE)
def test_all_replacements_are_those_of_the_regular_expression(pattern: str, value: str) -> None:
    assert replace(pattern, value, "<>", True) == re.sub(_regex(pattern, True), "<>", value)


def test_hostile_pattern_ends() -> None:
    value = "a" * 20_000
    assert trim_prefix("*a" * 200 + "b", value, True) == value


def test_replacement_is_a_template_only_for_all() -> None:
    assert replace("b", "abc", "[$0]", True) == "a[b]c"
    assert replace("b", "abc", "[$0]", False) == "a[$0]c"
    assert replace("*", "abc", "x", True) == "x"


def test_a_value_that_doubles_with_each_line_ends() -> None:
    value = "a"
    while len(value) < LONGEST:
        value = expand("$A$A", {"A": value})
    with pytest.raises(ExpandError, match=f"it expands to more than {LONGEST} characters"):
        expand("$A$A", {"A": value})


@pytest.mark.parametrize("word", ["${A//a/$A}", "${A/a/$A$A}", "${B:-$A$A}", '"$A$A"', "${A:+$A$A}"])
def test_no_modifier_brings_more_than_fits(word: str) -> None:
    with pytest.raises(ExpandError, match="expands to more than"):
        expand(word, {"A": "a" * 70_000})
    assert expand("$A", {"A": "a" * LONGEST}) == "a" * LONGEST


def test_words_of_long_values_are_those_of_short_ones() -> None:
    assert split_words("x$A y", {"A": "a b\u2003c"}) == ["xa", "b", "c", "y"]
    assert split_words("$E$A", {"A": "ab", "E": ""}) == ["ab"]
    assert split_words("$E $E", {"E": ""}) == []


def test_values_that_many_lines_hold_end_too() -> None:
    lines = [f"ARG A={'a' * 60_000}", "FROM scratch", "ARG A", *(f"ENV B{number}=x$A$A" for number in range(1000))]
    graph = build_graph(parse("\n".join(lines)))
    assert any("variables expand to more than 32 million characters" in str(problem) for problem in graph.errors)
    assert not build_graph(parse("\n".join(lines[:200]))).errors
