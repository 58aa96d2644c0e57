"""Commands out of shell texts, masking of outputs, names of siblings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from split_world import DEBIAN, elf, view

from msbtui.image.model import Healthcheck, ImageConfig
from msbtui.split.masking import differs_by_itself, first_difference, mask
from msbtui.split.siblings import language_siblings, release_bases
from msbtui.split.smoke import smoke_command
from msbtui.split.starts import only_a_prompt, starts
from msbtui.split.words import author_text, runs, shell_commands


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("a b && c || d; e & f | g", [("a", "b"), ("c",), ("d",), ("e",), ("f",), ("g",)]),
        ("if test -f x; then run it; else other; fi", [("test", "-f", "x"), ("run", "it"), ("other",), ("fi",)]),
        ("# make\necho '# make; gcc' \"a && b\" # gcc\n", [("echo", "# make; gcc", "a && b")]),
        ("A=1 B=2 prog x", [("prog", "x")]),
        ("x=$(inner a | b) outer", [("outer",), ("inner", "a"), ("b",)]),
        ("echo `old style`", [("echo", ""), ("old", "style")]),
        ("prog > out 2>&1 < in", [("prog", "out", "1", "in")]),
        ("(cd /x && make)", [("cd", "/x"), ("make",)]),
        ("one \\\n  two", [("one", "two")]),
        ("run \"${A:-x y}\" '$A' $B", [("run", "x y", "$A", "bee")]),
        ("", []),
        ("'unclosed $(", [("unclosed $(",)]),
    ],
)
def test_commands_of_a_shell_text(text, commands):
    assert list(shell_commands(text, {"B": "bee"})) == commands


@given(st.text(alphabet="ab '\"$(){}`\\;&|<>#\n=", max_size=60))
def test_no_text_breaks_the_reader(text):
    for words in shell_commands(text):
        assert words
        assert list(runs(words))


@pytest.mark.parametrize(
    ("words", "last"),
    [
        (("exec", "gosu", "app", "server", "-x"), ("server", "-x")),
        (("env", "-i", "A=1", "server"), ("server",)),
        (("timeout", "5s", "nice", "-n", "5", "server"), ("server",)),
        (("tini", "--", "server"), ("server",)),
        (("server", "exec"), ("server", "exec")),
    ],
)
def test_what_prefixes_run(words, last):
    assert last in [run[-len(last) :] for run in runs(words)]
    assert list(runs(words))[-1][-1] == last[-1]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b"at 2026-01-02T03:04:05.678Z ok", b"at 2026-11-12 13:14:15,6+01:00 ok"),
        (b"took 1.5ms, pid 17", b"took 22 ms, pid 4711"),
        (b"container 0123456789ab up", b"container ba9876543210 up"),
        (b"listening on 172.17.0.2:8080", b"listening on 172.17.0.3:8080"),
        (b"Mon, 02 Jan 2026 03:04:05 GMT", b"Tue, 13 Feb 2026 13:14:15 GMT"),
        (b"ptr 0x7ffe00112233", b"ptr 0x55d0aabbccdd"),
        (b"/tmp/tmpa1b2c3/x", b"/tmp/tmpzzzzzz/x"),
        (b"\x1b[32mok\x1b[0m  \r\n", b"ok\n"),
        (b"id 123e4567-e89b-12d3-a456-426614174000", b"id 00000000-e89b-12d3-a456-426614174fff"),
    ],
)
def test_what_naturally_differs_is_masked(one, other):
    assert mask(one) == mask(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b"total 3", b"total 4"),
        (b"error: no libz", b"ok"),
        (b"a\nb", b"a"),
        (b"v1.2.3", b"v1.2.4"),
        (b"[41]", b"[42]"),
        (b"5d41402abc4b2a76b9719d911017c592 a", b"7d793037a0760186574b0282f2f435e7 a"),
    ],
)
def test_a_real_difference_stays(one, other):
    assert mask(one) != mask(other)
    assert first_difference(mask(one), mask(other))


@pytest.mark.parametrize(
    ("ref", "siblings"),
    [
        ("python:3.11", ["python:3.11-slim"]),
        ("python", ["python:slim"]),
        ("python:3.12-bookworm", ["python:3.12-slim-bookworm"]),
        ("python:3.11-slim", []),
        ("python:3.11-alpine", []),
        ("docker.io/library/python:3.11@sha256:" + "0" * 64, ["docker.io/library/python:3.11-slim"]),
        ("host:5000/python:3.11", ["host:5000/python:3.11-slim"]),
        ("node:20-bookworm", ["node:20-bookworm-slim"]),
        ("eclipse-temurin:17-jdk", ["eclipse-temurin:17-jre"]),
        ("eclipse-temurin:21-jdk-jammy", ["eclipse-temurin:21-jre-jammy"]),
        ("maven:3-eclipse-temurin-17", ["eclipse-temurin:17-jre"]),
        ("debian:bookworm", ["debian:bookworm-slim"]),
        ("me/app:1", []),
    ],
)
def test_names_of_smaller_siblings(ref, siblings):
    assert language_siblings(ref) == siblings


@pytest.mark.parametrize(
    ("release", "base"),
    [
        ({"ID": "debian", "VERSION_ID": "12", "VERSION_CODENAME": "bookworm"}, ["debian:bookworm-slim"]),
        ({"ID": "ubuntu", "VERSION_ID": "22.04"}, ["ubuntu:22.04"]),
        ({"ID": "alpine", "VERSION_ID": "3.19.1"}, ["alpine:3.19"]),
        ({"ID": "debian", "VERSION_CODENAME": "x; rm -rf /"}, []),
        ({"ID": "arch"}, []),
        ({}, []),
    ],
)
def test_bases_of_a_release(release, base):
    assert release_bases(release) == base


def test_what_a_configuration_starts():
    config = ImageConfig(entrypoint=("/entry.sh",), cmd=("sh", "-c", "a; b"))
    found = starts(config, ["c d"])
    assert [(start.what, start.words, start.shell) for start in found] == [
        ("ENTRYPOINT and CMD", ("/entry.sh", "sh", "-c", "a; b"), ""),
        ("CMD", ("sh", "-c", "a; b"), "a; b"),
        ("--smoke", ("c", "d"), "c d"),
    ]


@pytest.mark.parametrize(
    ("words", "prompt"),
    [
        ((), True),
        (("bash",), True),
        (("/bin/bash", "-l"), True),
        (("python3",), True),
        (("sh", "-c", "x"), False),
        (("node", "a.js"), False),
        (("app",), False),
    ],
)
def test_an_image_that_only_gives_a_prompt(words, prompt):
    assert only_a_prompt(ImageConfig(cmd=words)) is prompt


def test_smoke_words_replace_the_entrypoint_where_they_name_a_program_else_they_are_its_arguments():
    seen = view([("", {**DEBIAN, "usr/local/bin/app": elf("libc.so.6")})])
    assert smoke_command("app --check 'a b'", seen) == ("app", ["--check", "a b"])
    assert smoke_command("--version", seen) == (None, ["--version"])
    assert smoke_command("app | cat", seen) == ("/bin/sh", ["-c", "app | cat"])
    with pytest.raises(ValueError, match="quotation"):
        smoke_command("app 'a", seen)


def test_lines_that_differ_between_two_runs_of_the_original_are_no_difference():
    assert differs_by_itself("a\nrandom 1\nb", "a\nrandom 2\nb", "a\nrandom 3\nb")
    assert not differs_by_itself("a\nrandom 1\nb", "a\nrandom 2\nb", "x\nrandom 3\nb")
    assert not differs_by_itself("a\nrandom 1", "a\nrandom 2", "a")


@pytest.mark.parametrize(
    ("shell", "text"),
    [
        (("/bin/bash", "-o", "pipefail", "-c"), "curl -f http://localhost/ | grep up"),
        (("/bin/bash", "-euxo", "pipefail", "-c"), "curl x"),
        (("/bin/bash", "-ceuo", "pipefail"), "curl x"),
        (("/bin/bash", "--rcfile", "/x", "-lc"), "curl x"),
        (("/bin/sh", "-e", "+x", "-c"), "curl x"),
        (("/bin/bash", "-O", "extglob"), ""),
        (("/bin/bash", "/entry.sh", "-c"), ""),
    ],
)
def test_what_a_shell_with_options_is_told_to_run(shell: tuple[str, ...], text: str):
    config = ImageConfig(cmd=(*shell, text or "app"), shell=shell, healthcheck=Healthcheck(test=("CMD-SHELL", text or "app")))
    assert [start.shell for start in starts(config)] == [text, text]


@pytest.mark.parametrize(
    "shell",
    [
        "/bin/sh -c",
        "/bin/bash -o pipefail -c",
        "/bin/bash -euxo pipefail -c",
        "/bin/bash -e -o pipefail -lc",
        "/usr/bin/bash -xc",
    ],
)
def test_the_history_of_another_shell_is_read_as_the_author_wrote_it(shell: str):
    assert author_text(f"RUN |2 A=1 B= {shell} apt-get install -y gcc # buildkit") == "apt-get install -y gcc "
