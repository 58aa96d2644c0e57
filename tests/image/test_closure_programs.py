"""What scripts name in their first line, and which file a name on PATH is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_images import made_image

from msbtui.image.programs import find_program, interpreter_of


@pytest.mark.parametrize(
    ("text", "path", "args", "env"),
    [
        (b"#!/bin/sh\nexit", "/bin/sh", (), ""),
        (b"#! \t/bin/bash -e -u\r\n", "/bin/bash", ("-e -u",), ""),
        (b"#!/usr/bin/env python3\n", "python3", (), "/usr/bin/env"),
        (b"#!/usr/bin/env -S python3 -u 'a b'\n", "python3", ("-u", "a b"), "/usr/bin/env"),
        (b"#!/usr/bin/env -Snode --flag\n", "node", ("--flag",), "/usr/bin/env"),
        (b"#!/bin/env --split-string=-i -u HOME A=1 perl -w\n", "perl", ("-w",), "/bin/env"),
        # Without -S the kernel hands env one argument, and env looks for a program of that name.
        (b"#!/usr/bin/env python3 -u\n", "python3 -u", (), "/usr/bin/env"),
        (b"#!/usr/bin/env\n", "/usr/bin/env", (), ""),
        (b"#!/usr/bin/env -S it's\n", "it's", (), "/usr/bin/env"),
        (b"#!/opt/x\x1b[31m", "/opt/x\\x1b[31m", (), ""),
    ],
)
def test_interpreters(text: bytes, path: str, args: tuple[str, ...], env: str) -> None:
    found = interpreter_of(text)
    assert found is not None
    assert found == (path, args)
    assert found.env == env
    assert found.programs == ((env, path) if env else (path,))


@pytest.mark.parametrize("text", [b"", b"#!", b"#!\n/bin/sh", b"# !/bin/sh", b"\x7fELF", b"#!   \n"])
def test_no_interpreter(text: bytes) -> None:
    assert interpreter_of(text) is None


@given(st.binary(max_size=300))
def test_any_first_line_is_read(rest: bytes) -> None:
    found = interpreter_of(b"#!/usr/bin/env -S " + rest)
    assert found is not None
    assert all(program.isprintable() for program in found.programs)


def test_programs_on_path() -> None:
    image, table = made_image(
        {
            "bin": "-> usr/bin",
            "usr/bin/sh": "-> dash",
            "usr/bin/dash": "x",
            "usr/local/bin/sh": "not executable",
            "usr/local/bin/tool/": "",
            "usr/bin/tool": "=> usr/bin/dash",
            "srv/run.sh": "x",
        },
        env=["PATH=/gone:/usr/local/bin:/bin:."],
        workdir="/srv",
    )
    image.layers[0].entries.modes[3] = 0o644

    def path(name: str) -> str | None:
        pid = find_program(image, table, name)
        return None if pid is None else table.paths[pid]

    assert path("sh") == "usr/bin/dash"
    assert path("tool") == "usr/bin/tool"
    assert path("./run.sh") == path("run.sh") == path("/srv/run.sh") == "srv/run.sh"
    assert path("missing") is path("") is None
