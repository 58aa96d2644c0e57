"""One more command at the end of a RUN: in its style, and only where it changes nothing else."""

from __future__ import annotations

import subprocess

import pytest

from msbtui.analysis.cure.append import append_command, append_removal
from msbtui.dockerfile.edit import apply
from msbtui.dockerfile.parser import parse
from msbtui.dockerfile.script import script_of

ADDED = "rm -rf /x/*"


def appended(run, head="FROM debian\n"):
    dockerfile = parse((head + run + "\n").encode())
    instruction = next(one for one in dockerfile.instructions if one.keyword == "RUN")
    edit = append_command(dockerfile, instruction, ADDED)
    if edit is None:
        return None
    data, old = apply(dockerfile, [edit]), dockerfile.source.encode()
    new = data.decode()
    assert not parse(new).errors
    assert old[: edit.start] + edit.text.encode() + old[edit.start :] == data, "an insertion, and nothing else"
    return new[len(head) :].rstrip("\n")


STYLES = {
    "RUN a": f"RUN a && {ADDED}",
    "run a": f"run a && {ADDED}",
    "RUN a; b": f"RUN a; b && {ADDED}",
    "RUN a || b": f"RUN a || b && {ADDED}",
    "RUN (cd x && b)": f"RUN (cd x && b) && {ADDED}",
    "RUN if a; then b; fi": f"RUN if a; then b; fi && {ADDED}",
    "RUN --mount=type=cache,target=/y a": f"RUN --mount=type=cache,target=/y a && {ADDED}",
    "RUN set -eux; a; b": f"RUN set -eux; a; b; {ADDED}",
    "RUN set -eux; a; b;": f"RUN set -eux; a; b; {ADDED}",
    "RUN set -e; a && b": f"RUN set -e; a && b && {ADDED}",
    "RUN set -e; ! a": f"RUN set -e; ! a && {ADDED}",
    "RUN " + "a" * 90: "RUN " + "a" * 90 + f" \\\n    && {ADDED}",
    "RUN a \\\n  && b # why": f"RUN a \\\n  && b \\\n  && {ADDED} # why",
    "RUN a && \\\n    b": f"RUN a && \\\n    b && \\\n    {ADDED}",
    "RUN set -eux; \\\n\ta; \\\n\tb": f"RUN set -eux; \\\n\ta; \\\n\tb; \\\n\t{ADDED}",
    "RUN a \\\n    b \\\n    c": f"RUN a \\\n    b \\\n    c \\\n    && {ADDED}",
    "RUN a \\\n\tb": f"RUN a \\\n\tb \\\n\t&& {ADDED}",
    "RUN a \\\n  # hi\n\n  && b": f"RUN a \\\n  # hi\n\n  && b \\\n  && {ADDED}",
    "RUN a \\\r\n  && b\r": f"RUN a \\\r\n  && b \\\r\n  && {ADDED}\r",
    "RUN a \\": f"RUN a && {ADDED} \\",
    "RUN <<E\na\nb\nE": f"RUN <<E\na\nb && {ADDED}\nE",
    "RUN <<E\nset -e\na\n  b # c\nE": f"RUN <<E\nset -e\na\n  b # c\n  {ADDED}\nE",
    "RUN <<E\nset -e\na && b\nE": f"RUN <<E\nset -e\na && b && {ADDED}\nE",
    "RUN <<-E\n\tset -eu\n\ta\n\tE": f"RUN <<-E\n\tset -eu\n\ta\n\t{ADDED}\n\tE",
    "RUN <<E\na\nif b; then\n  c\nfi\n# end\nE": f"RUN <<E\na\nif b; then\n  c\nfi && {ADDED}\n# end\nE",
    "RUN echo ünï": f"RUN echo ünï && {ADDED}",
}


@pytest.mark.parametrize("run", STYLES)
def test_styles(run):
    head = "FROM debian\r\n" if "\r" in run else "FROM debian\n"
    assert appended(run, head) == STYLES[run]


@pytest.mark.parametrize(
    "run",
    [
        "RUN a;",
        "RUN a &",
        "RUN exec a",
        'RUN ["a", "b"]',
        "RUN cat <<E > /x\nb\nE",
        "RUN python <<E\nprint()\nE",
        "RUN <<E\n#!/usr/bin/env python3\nprint()\nE",
        "RUN a '",
        "RUN # only a comment",
        "RUN",
    ],
)
def test_where_it_is_not_sound(run):
    assert appended(run) is None


def test_no_shell_that_is_not_one():
    dockerfile = parse("FROM x\nRUN a\n")
    run = dockerfile.instructions[1]
    assert append_command(dockerfile, run, ADDED, ("powershell", "-command")) is None
    assert append_command(dockerfile, run, ADDED, ("/bin/bash", "-ec")) is not None


def test_the_backtick_escape():
    assert appended("RUN a `\n  && b", "# escape=`\nFROM debian\n") == f"RUN a `\n  && b `\n  && {ADDED}"


@pytest.mark.parametrize(
    "run",
    [
        "RUN false",
        "RUN true; false",
        "RUN set -e; true; false",
        "RUN set -e; false && true",
        "RUN true \\\n  && false",
        "RUN true | false",
        "RUN (false)",
        "RUN set -e; ! true",
        "RUN <<E\ntrue\nfalse\nE",
        "RUN <<E\nset -e\nfalse && true\nE",
        "RUN <<E\nset -e\nif true; then\n  false\nfi\nE",
        "RUN true",
        "RUN <<E\nset -e\ntrue\nE",
        "RUN false || true",
    ],
)
def test_the_run_fails_where_it_failed_before(run):
    """A real shell decides: the same exit code with and without, and the command ran where there was no failure."""

    def script(text):
        dockerfile = parse(f"FROM x\n{text}\n")
        return script_of(dockerfile.instructions[1]).text.decode()

    def code(text):
        return subprocess.run(["sh", "-c", script(text)], capture_output=True).returncode

    new = appended(run)
    assert code(new) == code(run)
    marked = new.replace(ADDED, "echo reached")
    reached = subprocess.run(["sh", "-c", script(marked)], capture_output=True, text=True).stdout
    assert (reached == "reached\n") == (code(run) == 0)


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ("RUN a && rm -rf /y", "RUN a && rm -rf /y /x"),
        ("RUN a \\\n    && rm -rf /y/* # why", "RUN a \\\n    && rm -rf /y/* /x # why"),
        ("RUN set -e; a; rm -rf /y", "RUN set -e; a; rm -rf /y /x"),
        ("RUN a && rm -r /y", "RUN a && rm -r /y && rm -rf /x"),
        ("RUN a || rm -rf /y", "RUN a || rm -rf /y && rm -rf /x"),
        ("RUN (rm -rf /y)", "RUN (rm -rf /y) && rm -rf /x"),
        ("RUN a && rm -rf /y 2>/dev/null", "RUN a && rm -rf /y 2>/dev/null && rm -rf /x"),
        ("RUN if a; then rm -rf /y; fi", "RUN if a; then rm -rf /y; fi && rm -rf /x"),
        ("RUN a &", None),
    ],
)
def test_a_deletion_that_is_there_takes_more(run, expected):
    dockerfile = parse(f"FROM x\n{run}\n")
    edit = append_removal(dockerfile, dockerfile.instructions[1], ["/x"])
    assert (None if edit is None else apply(dockerfile, [edit]).decode()) == (
        None if expected is None else f"FROM x\n{expected}\n"
    )


def test_a_line_in_a_here_document_gets_its_line_end():
    run = "RUN <<E\r\nset -e\r\n  a\r\nE\r"
    assert appended(run, "FROM debian\r\n") == f"RUN <<E\r\nset -e\r\n  a\r\n  {ADDED}\r\nE\r"
