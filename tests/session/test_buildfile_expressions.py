"""Expressions of bake files: what buildx prints for them (0.13.1), and what is not known here."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msbtui.session.buildfiles.bake import read_bake
from msbtui.session.buildfiles.functions import Unresolved, as_number, as_text, operate

VARIABLES = """variable "T" { default = "latest" }
variable "N" { default = 2 }
variable "B" { default = false }
variable "X" { default = null }
"""
EXPRESSIONS = [
    ("1 + 2 * 3", "7"),
    ("(1 + 2) * 3", "9"),
    ("7 - 2 - 1", "4"),
    ("7 / 2", "3.5"),
    ("8 / 2", "4"),
    ("7 % 3", "1"),
    ("-7 % 3", "-1"),
    ("7 % -3", "1"),
    ("7.5 % 2", "1.5"),
    ("2 * -3", "-6"),
    ("- 3 + 5", "2"),
    ("!true || true", "true"),
    ("!(true || true)", "false"),
    ("true && false || true", "true"),
    ("true || true && false", "true"),
    ("1 < 2 && 2 <= 2", "true"),
    ("2 > 2 || 2 >= 3", "false"),
    ("1 == 1.0", "true"),
    ("4 / 2 == 2", "true"),
    ('"1" == 1', "false"),
    ('1 != "1"', "true"),
    ("true == 1", "false"),
    ('"a" == "a"', "true"),
    ("null == null", "true"),
    ("[1] == [1]", "true"),
    ("[1, 2] != [1]", "true"),
    ("{ a = 1 } == { a = 1 }", "true"),
    ("1 < 2 == true", "true"),
    ('1 + 1 == 2 ? "y" : "n"', "y"),
    ('true ? "a" : false ? "b" : "c"', "a"),
    ('false ? "a" : false ? "b" : "c"', "c"),
    ("[1, 2, 3][1]", "2"),
    ('[1, 2, 3]["1"]', "2"),
    ('{ a = "x" }.a', "x"),
    ('{ a = "x" }["a"]', "x"),
    ('{ "a b" = "x" }["a b"]', "x"),
    ('{ a: "x", b: "y" }.b', "y"),
    ('{ (upper("a")) = "x" }["A"]', "x"),
    ("[[1, 2], [3]][0][1]", "2"),
    ('"${1 + 1}${true}"', "2true"),
    ('"${"x"}-$${y}"', "x-${y}"),
    ('"a\\tb\\\\c\\"d"', 'a\tb\\c"d'),
    ('"%%{x}"', "%{x}"),
    ("0.1 + 0.2", "0.3"),
    ("1e3", "1000"),
    ("1.50", "1.5"),
    ("equal(1, 1)", "true"),
    ("equal(1, true)", "false"),
    ('equal("1", 1)', "false"),
    ("equal(1, 1.0)", "true"),
    ('notequal("a", "b")', "true"),
    ("not(true)", "false"),
    ("and(true, false)", "false"),
    ("or(false, true)", "true"),
    ("add(1, 2)", "3"),
    ("subtract(5, 2)", "3"),
    ("multiply(3, 4)", "12"),
    ("min(3, 1, 2)", "1"),
    ("max(3, 1, 2)", "3"),
    ('upper("aé")', "AÉ"),
    ('lower("AÉ")', "aé"),
    ('title("hello wORLD-x y_z")', "Hello WORLD-X Y_z"),
    ('title("it\'s a 1st")', "It'S A 1st"),
    ('trimspace("  a b\\t")', "a b"),
    ('trimprefix("v1.2", "v")', "1.2"),
    ('trimsuffix("a.tar", ".tar")', "a"),
    ('trimprefix("a", "b")', "a"),
    ('replace("a.b.c", ".", "-")', "a-b-c"),
    ('join("-", ["a", "b"], ["c"])', "a-b-c"),
    ('join(",", [])', ""),
    ('join("-", ["a"])', "a"),
    ('join(",", split("-", "a-b"))', "a,b"),
    ('join(",", split("", "abc"))', "a,b,c"),
    ('length(split("-", ""))', "1"),
    ('join(",", concat(["a"], ["b", "c"]))', "a,b,c"),
    ("length([1, 2])", "2"),
    ('contains(["a", "b"], "a")', "true"),
    ('contains(["a"], "c")', "false"),
    ("contains([1], true)", "false"),
    ('contains(["1"], 1)', "false"),
    ('coalesce(null, "a")', "a"),
    ('coalesce("", "a")', ""),
    ('join(",", keys({ b = 1, a = 2 }))', "a,b"),
    ('join(",", values({ b = "1", a = "2" }))', "2,1"),
    ('merge({ a = "1", b = "2" }, { b = "3" }).b', "3"),
    ('strlen("aé")', "2"),
    ('strlen("")', "0"),
    ('substr("hello", 1, 3)', "ell"),
    ('substr("hello", 1, -1)', "ello"),
    ('substr("hello", -3, 2)', "ll"),
    ('substr("hello", -3, 3)', "llo"),
    ('substr("hello", -3, -1)', "llo"),
    ('substr("hello", 2, 99)', "llo"),
    ('substr("hello", 9, 1)', ""),
    ('substr("hello", 1, 0)', ""),
    ("upper(1)", "1"),
    ("strlen(12)", "2"),
    ('T == "latest"', "true"),
    ('"${T}"', "latest"),
    ("N + 1", "3"),
    ("N == 2", "true"),
    ("B ? 1 : 2", "2"),
    ("B == true", "false"),
    ("N > 1", "true"),
    ("N / 4", "0.5"),
    ("X == null", "true"),
    ('coalesce(X, "d")', "d"),
    ("N * 1.5", "3"),
    ('"${N / 4}"', "0.5"),
    ("1000000 * 1000000", "1000000000000"),
    ("12345678901234567890 + 1", "12345678901234567891"),
    ("100000000000000000000 * 10", "1000000000000000000000"),
    ("0.1 * 3", "0.3"),
    ('true ? 1 : "a"', "1"),
    ('T == "latest" && N >= 2 ? upper("x") : lower("Y")', "X"),
    ("{ a = { b = [1, 2] } }.a.b[1]", "2"),
    ("!B && !B", "true"),
    ("-(1 + 2)", "-3"),
    ("2 - -1", "3"),
    ('substr("hello", 1 + 1, 2)', "ll"),
    ('title("a_b c-d éa Éa ǆ")', "A_b C-D Éa Éa ǅ"),
    ("[1, 2, 3][4 / 2]", "3"),
    ("1.0", "1"),
    ("1e-3", "0.001"),
    ("10 % 2.5", "0"),
    ("5.0 / 2.5", "2"),
    ("2 / 4", "0.5"),
    ('title("a\\tb")', "A\tB"),
    ("min(1.5, 1)", "1"),
    ('[1, "a"] == [1, "b"]', "false"),
    ("{ a = 1 } == { a = 2 }", "false"),
    ("equal([1, 2], [1, 2])", "true"),
    ("[1, 2] == [1, 2, 3]", "false"),
    ("0.5 - 0.5", "0"),
    ("-1.5 - 1.5", "-3"),
]
UNKNOWN = [
    "[1, 2][5]",
    "10 / 3",
    "5 / 0",
    '"a" + 1',
    "!1",
    "true + 1",
    'not("x")',
    "and(1, 2)",
    "min()",
    "length({ a = 1 })",
    'length("abc")',
    "upper(null)",
    "upper([1])",
    "upper()",
    'upper("a", "b")',
    "1 / 3",
    'format("%s-%d", "a", 1)',
    'sha256("a")',
]


def target(arguments: str, environ: dict[str, str] | None = None):
    text = f'{VARIABLES}target "t" {{\n  args = {{\n{arguments}\n  }}\n}}\n'
    return read_bake(text.encode(), Path("docker-bake.hcl"), environ or {})[0]["t"]


@pytest.mark.parametrize(("expression", "value"), EXPRESSIONS)
def test_an_expression_has_the_value_that_buildx_prints(expression: str, value: str) -> None:
    found = target(f"V = {expression}")
    assert (found.args, found.unresolved) == ({"V": value}, ())


@pytest.mark.parametrize("expression", UNKNOWN)
def test_what_buildx_refuses_or_is_not_known_here_has_no_value(expression: str) -> None:
    found = target(f"V = {expression}")
    assert found.args == {}
    assert len(found.unresolved) == 1


def test_buildx_itself_prints_these_values(tmp_path: Path) -> None:
    if subprocess.run(["docker", "buildx", "version"], capture_output=True).returncode if shutil.which("docker") else True:
        pytest.skip("docker buildx is not installed")
    arguments = "\n".join(f"V{number} = {expression}" for number, (expression, _) in enumerate(EXPRESSIONS))
    path = tmp_path / "docker-bake.hcl"
    path.write_text(f'{VARIABLES}target "t" {{\n  args = {{\n{arguments}\n  }}\n}}\n')
    around = {name: text for name, text in os.environ.items() if name not in ("T", "N", "B", "X")}
    shown = subprocess.run(
        ["docker", "buildx", "bake", "-f", str(path), "--print", "t"],
        env={**around, "BUILDX_CONFIG": str(tmp_path / "state")},
        capture_output=True,
    )
    assert shown.returncode == 0, shown.stderr
    printed = json.loads(shown.stdout)["target"]["t"]["args"]
    assert printed == {f"V{number}": value for number, (_, value) in enumerate(EXPRESSIONS)}
    assert target(arguments).args == printed


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("<<EOT\nFROM a\n  RUN x\nEOT", "FROM a\n  RUN x\n"),
        ("<<-EOT\n    FROM a\n      RUN x\n    EOT", "FROM a\n  RUN x\n"),
        ("<<-EOT\n    FROM a\n\n      RUN x\n  EOT", "FROM a\n\n  RUN x\n"),
        ("<<-EOT\n\tFROM a\n\t\tRUN x\n\tEOT", "FROM a\n\tRUN x\n"),
        ("<<-EOT\n  FROM ${T}\n    ${T}\nEOT", "FROM latest\n  latest\n"),
        ('<<EOT\nRUN echo \\\\ "q" \\n $${HOME} $HOME \\\n  b\nEOT', 'RUN echo \\\\ "q" \\n ${HOME} $HOME \\\n  b\n'),
        ("<<EOT\nEOT", ""),
        ('"FROM a\\nRUN \\"x\\""', 'FROM a\nRUN "x"'),
        ('upper("from a")', "FROM A"),
        ("<<EOT\n%{ if true }\nx\n%{ endif }\nEOT", None),
    ],
)
def test_texts_of_several_lines_as_buildx_prints_them(written: str, text: str | None) -> None:
    document = f'{VARIABLES}target "t" {{\n  dockerfile-inline = {written}\n}}\n'
    found = read_bake(document.encode(), Path("docker-bake.hcl"), {})[0]["t"]
    assert found.inline == text
    assert bool(found.unresolved) is (text is None)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("B", "1", "true"),
        ("B", "T", "true"),
        ("B", "F", "false"),
        ("B", "yes", None),
        ("B", "", None),
        ("N", "7", "7"),
        ("N", "7.5", "7.5"),
        ("N", "-3", "-3"),
        ("N", "x", None),
        ("N", "", None),
        ("N", "1e999", None),
        ("N", "1" + "0" * 100_000, None),
        ("T", "", ""),
        ("X", "7", "7"),
    ],
)
def test_the_environment_gives_a_value_of_the_defaults_type(name: str, text: str, value: str | None) -> None:
    found = target(f"V = {name}", {name: text})
    assert found.args == ({} if value is None else {"V": value})
    assert bool(found.unresolved) is (value is None)


NUMBERS = st.integers(-(10**12), 10**12) | st.decimals(-1000, 1000, places=3)


@given(NUMBERS, NUMBERS)
def test_numbers_count_exactly(one: int | Decimal, other: int | Decimal) -> None:
    a, b = as_number(str(one)), as_number(str(other))
    exact = Decimal(one), Decimal(other)
    assert operate("-", operate("+", a, b), b) == exact[0]
    assert operate("==", a, b) is (exact[0] == exact[1]) is not operate("!=", a, b)
    assert (operate("<", a, b), operate("<=", a, b)) == (exact[0] < exact[1], exact[0] <= exact[1])
    assert as_number(as_text(a)) == exact[0]
    if b:
        rest = operate("%", a, b)
        assert abs(rest) < abs(exact[1])
        assert rest * exact[0] >= 0
        assert (exact[0] - Decimal(rest)) % exact[1] == 0


def test_numbers_stay_small() -> None:
    for expression in ("1e201", "1e200 * 10", "1e-250 / 1e10", "9e99999999"):
        assert target(f"V = {expression}").args == {}, expression
    with pytest.raises(Unresolved):
        as_number("NaN")
    with pytest.raises(Unresolved):
        as_number("Infinity")
