import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msbtui.dockerfile.ignore import IgnoreError, parse_ignore
from msbtui.dockerfile.ignoreglob import GlobError, glob_matcher, go_match

CASES = json.loads((Path(__file__).parents[1] / "data/ignore-cases.json").read_text("utf-8"))["cases"]


def ignored(text, *paths):
    """Give which paths are left out, as a walk from the root meets them."""
    ignore, known, out = parse_ignore(text.encode()), {}, []
    for path in paths:
        at = -1
        while (at := path.find("/", at + 1)) >= 0 or path not in known:
            name = path if at < 0 else path[:at]
            known.setdefault(name, ignore.ignores(name, known.get(name.rpartition("/")[0], (False, ()))[1]))
            if at < 0:
                break
        out.append(known[path][0])
    return out


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_every_case_that_mobys_matcher_was_run_on(case):
    if case["error"]:
        with pytest.raises(IgnoreError):
            ignored(case["text"], *case["paths"])
        return
    assert ignored(case["text"], *case["paths"]) == case["ignored"]


@pytest.mark.parametrize(
    ("text", "path", "out"),
    [
        ("node_modules", "node_modules/a/b", True),
        ("node_modules", "web/node_modules", False),
        ("**/node_modules", "web/x/node_modules/y", True),
        ("**/node_modules", "node_modules", True),
        ("**/node_modules", "my_node_modules", False),
        ("*.md\n!README.md", "README.md", False),
        ("*.md\n!README.md", "OTHER.md", True),
        ("!README.md\n*.md", "README.md", True),
        ("docs\n!docs/keep", "docs/keep/a", False),
        ("docs\n!docs/keep", "docs/other", True),
        ("  a  \r\n", "a", True),
        ("# a\n#a", "a", False),
        ("/a/../b/", "b", True),
        ("a/**", "a", False),
        ("a/**", "a/b/c", True),
        ("**", "x", True),
        (".", ".x", False),
        ("\ufeffa", "a", True),
        ("a?c", "a/c", False),
    ],
)
def test_the_rules(text, path, out):
    assert ignored(text, path) == [out]


@pytest.mark.parametrize(("text", "line"), [("a\n!", 2), ("a[\n", 1), ("\n\n[]a]", 3), ("x" * 70_000, 1)])
def test_what_a_builder_refuses_has_its_line(text, line):
    with pytest.raises(IgnoreError) as caught:
        parse_ignore(text.encode())
    assert caught.value.line == line


def test_a_hostile_pattern_ends():
    assert not glob_matcher("*a" * 60 + "**/" * 20 + "b?")("a" * 3000)


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("*.go", "a.go", True),
        ("*", "a/b", False),
        ("[^a-c]x", "dx", True),
        (r"\*", "*", True),
        ("a*c*e", "abcde", True),
        ("", "", True),
    ],
)
def test_a_name_of_a_source(pattern, name, matches):
    assert go_match(pattern, name) is matches


@given(st.text(max_size=20), st.text(max_size=20))
def test_any_pattern_matches_or_is_refused(pattern, name):
    for match in (lambda: go_match(pattern, name), lambda: glob_matcher(pattern)(name)):
        with suppress(GlobError):
            assert match() in (True, False)
