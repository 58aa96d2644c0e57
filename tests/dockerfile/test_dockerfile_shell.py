"""The simple commands of a RUN, with their places."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msbtui.dockerfile.model import Instruction
from msbtui.dockerfile.parser import parse
from msbtui.dockerfile.shell import Command, Redirect, commands


def _instruction(text: str) -> Instruction:
    return parse(f"FROM a\n{text}\n").instructions[1]


def _run(text: str) -> list[Command]:
    return commands(_instruction(text))


def _words(text: str) -> list[tuple[str, ...]]:
    return [command.words for command in _run(text)]


def _texts(instruction: Instruction) -> list[str]:
    source = instruction.source.encode("utf-8", "surrogateescape")
    return [source[each.start : each.end].decode("utf-8", "surrogateescape") for each in commands(instruction)]


def test_operators_and_places_over_comments_and_continuation() -> None:
    instruction = _instruction("RUN set -ex; \\\n  # é comment\n  apt-get update \\\n && \\\n\n make é || true | tee x")
    found = commands(instruction)
    assert [(each.operator, each.words) for each in found] == [
        ("", ("set", "-ex")),
        (";", ("apt-get", "update")),
        ("&&", ("make", "é")),
        ("||", ("true",)),
        ("|", ("tee", "x")),
    ]
    assert _texts(instruction) == ["set -ex", "apt-get update", "make é", "true", "tee x"]
    assert [each.conditional for each in found] == [False, False, False, True, False]


def test_flags_are_no_part_of_the_script() -> None:
    instruction = _instruction("RUN --mount=type=cache,target=/x \\\n  --network=none make")
    assert _texts(instruction) == ["make"]


def test_a_word_goes_on_over_a_continuation() -> None:
    instruction = _instruction("RUN make al\\\nl x")
    assert [each.words for each in commands(instruction)] == [("make", "all", "x")]
    assert _texts(instruction) == ["make al\\\nl x"]


def test_quotes_and_escapes() -> None:
    assert _words("""RUN echo a"b c"'d "e' \\$f "\\"g\\"" $'h\\ti' """) == [("echo", 'ab cd "e', "$f", '"g"', "h\ti")]


def test_variables_of_the_script_and_of_the_caller() -> None:
    text = "RUN deps='gcc make' && apt-get install -y $deps \"$deps\" ${V} $W-x && apt-get purge $deps"
    found = commands(_instruction(text), variables={"V": "v1"})
    assert found[0].assignments == (("deps", "gcc make"),)
    assert found[1].words == ("apt-get", "install", "-y", "gcc", "make", "gcc make", "v1", "$W-x")
    assert found[1].unknown == {7}
    assert found[2].words == ("apt-get", "purge", "gcc", "make")


def test_a_value_of_a_branch_is_not_known() -> None:
    found = _run("RUN A=1; if x; then A=2; fi; echo $A")
    assert found[-1].words == ("echo", "$A")
    assert found[-1].unknown == {1}


def test_redirects_belong_to_their_command() -> None:
    found = _run("RUN a && b > /log 2>&1 && c >> $X")
    assert [each.redirects for each in found] == [
        (),
        (Redirect(">", "/log"), Redirect(">&", "1")),
        (Redirect(">>", "$X", False),),
    ]


def test_directories() -> None:
    found = _run("RUN cd /src && make; (cd sub; x); y; cd sub/..; z; if a; then cd /q; fi; w; cd $D; v")
    assert {each.words[0]: each.directory for each in found if each.words[0] != "cd"} == {
        "make": "/src",
        "x": "/src/sub",
        "y": "/src",
        "z": "/src",
        "a": "/src",
        "w": None,
        "v": None,
    }


def test_branches_loops_and_functions_are_conditional() -> None:
    found = _run("RUN a; if b; then c; else d; fi; for i in x; do e; done; f() { g; }; case $x in y) h;; esac; i")
    assert {each.words[0]: each.conditional for each in found} == {
        "a": False,
        **dict.fromkeys("bcdegh", True),
        "i": False,
    }


def test_substitutions_are_nested() -> None:
    found = _run('RUN make -j"$(nproc)"')
    assert [(each.words, each.nested) for each in found] == [(("nproc",), True), (("make", "-j$(nproc)"), False)]
    assert found[1].unknown == {1}


def test_json_forms() -> None:
    found = _run('RUN ["/bin/sh", "-ec", "cd /a && make"]')
    assert [(each.name, each.nested, each.directory) for each in found] == [
        ("sh", False, ""),
        ("cd", True, ""),
        ("make", True, "/a"),
    ]
    assert _words('RUN ["make", "a b"]') == [("make", "a b")]


def test_heredoc_script() -> None:
    instruction = _instruction('RUN <<-EOF\n\tapt-get update\n\tmake "a b"\n\tEOF')
    assert [each.words for each in commands(instruction)] == [("apt-get", "update"), ("make", "a b")]
    assert _texts(instruction) == ["apt-get update", 'make "a b"']


def test_heredoc_for_another_program_is_no_script() -> None:
    assert _words("RUN <<EOF\n#!/usr/bin/env python3\nimport os\nEOF") == []
    assert _words("RUN python3 <<EOF\nrm x\nEOF") == [("python3",)]


def test_heredoc_for_a_shell_is_one() -> None:
    instruction = _instruction("RUN bash -e <<EOF && echo done\nmake all\nEOF")
    assert [(each.words, each.nested) for each in commands(instruction)] == [
        (("bash", "-e"), False),
        (("echo", "done"), False),
        (("make", "all"), True),
    ]
    assert _texts(instruction)[2] == "make all"


def test_heredoc_into_a_file() -> None:
    found = _run("RUN cat <<EOF > /etc/x\nhi\nEOF")
    assert found[0].redirects == (Redirect("<<", "EOF"), Redirect(">", "/etc/x"))


def test_onbuild_and_healthcheck() -> None:
    instruction = _instruction("ONBUILD RUN make")
    assert _texts(instruction) == ["make"]
    assert _words("HEALTHCHECK CMD curl -f x || exit 1") == [("curl", "-f", "x"), ("exit", "1")]


def test_other_shells_give_nothing() -> None:
    assert commands(_instruction("RUN Get-Item x"), shell=("powershell", "-Command")) == []
    assert commands(_instruction("RUN make"), shell=("/bin/bash", "-c"))[0].words == ("make",)


def test_backtick_continuation() -> None:
    instruction = parse("# escape=`\nFROM a\nRUN make `\n x\n").instructions[1]
    assert commands(instruction, escape="`")[0].words == ("make", "x")


@given(st.text(alphabet="ab $(){};&|<>'\"\\\n`#=-/é", max_size=40))
@settings(max_examples=150)
def test_any_script_gives_commands_inside_it(text: str) -> None:
    for instruction in parse(f"FROM a\nRUN x {text}\n").instructions[1:2]:
        size = len(instruction.source.encode())
        for each in commands(instruction):
            assert 0 <= each.start <= each.end <= size


@pytest.mark.parametrize("text", ["(" * 3000 + "a" + ")" * 3000, "echo " + "$(" * 3000 + "a" + ")" * 3000])
def test_deep_nesting_ends(text) -> None:
    instruction = _instruction(f"RUN {text}")
    found = commands(instruction)
    assert len(found) <= 3001
    assert all(0 <= each.start <= each.end <= len(instruction.source) for each in found)


def test_parser_and_graph_load_no_grammar() -> None:
    code = (
        "import sys, msbtui.dockerfile.graph, msbtui.dockerfile.edit, msbtui.dockerfile.shell;"
        "print(sorted({'tree_sitter', 'tree_sitter_bash', 'textual', 'docker', 'json'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
