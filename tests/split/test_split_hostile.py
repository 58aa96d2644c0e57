"""Hostile names and texts: no crash, and nothing of them becomes an instruction or a command."""

from __future__ import annotations

import shlex

import pytest
from split_world import PATH, D, F, L, World, elf, toolchain

from msbtui.dockerfile.parser import parse
from msbtui.image.model import Healthcheck, ImageConfig

NAMES = [
    "a b",
    "a\\x0aRUN evil",
    "a$(evil)b",
    "a*b",
    "a[b]c",
    'a"b',
    "a'b",
    "-rf",
    "$HOME",
    "ä",
    "a;b",
    "a\\b",
    "<<EOF",
    "a\\x1b[31m",
]
APT = "RUN /bin/sh -c apt-get install -y gcc"


def world(made: dict[str, object], config: ImageConfig | None = None) -> World:
    made = {"usr/local/bin/app": elf("libc.so.6"), **made}
    text = 'FROM debian:bookworm-slim\nRUN apt-get install -y gcc\nCMD ["app"]\n'
    return World(text, [(APT, toolchain()), ("RUN make", made)], config or ImageConfig(env=(PATH,), cmd=("app",)))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_stays_a_name(name):
    made = {
        f"opt/{name}": F("x"),
        f"data/{name}/one": F("x"),
        f"srv/{name}": D(0o700, 5, 6),
        f"srv/{name}/x": F("x"),
        "usr/local/bin/link": L(name),
    }
    plan = world(made).plan()
    assert plan.decision == "split"
    again = parse(plan.dockerfile)
    assert not again.errors, again.errors
    stage = [item for item in again.instructions if item.stage == 1]
    assert {item.keyword for item in stage} <= {"FROM", "RUN", "COPY", "CMD", "WORKDIR"}
    for item in stage:
        if item.keyword == "RUN" and "ln -sfn" in item.value:
            assert shlex.split(item.value)[:2] == ["ln", "-sfn"]
            assert name in shlex.split(item.value)
        if item.keyword == "RUN" and "install -d" in item.value:
            assert f"/srv/{name}" in shlex.split(item.value)
        assert not item.heredocs


def test_hostile_accounts_and_settings_make_no_commands():
    made = {
        "etc/passwd": F(
            "root:x:0:0:root:/root:/bin/bash\nx;evil:x:1000:1000::/home/$(evil):/bin/sh\nbroken\nn:x:-1:x::::\n:::::::::\n"
        ),
        "etc/group": F("root:x:0:\nx;evil:x:1000:\n\xff\xfe:x:\n"),
    }
    config = ImageConfig(
        env=(PATH, 'A=$(evil) `x` \\ "', "noequals", "=x"),
        cmd=("app", 'a"\\'),
        user="x;evil",
        labels={'k" \\': "v$x"},
        exposed_ports=("80/tcp",),
        healthcheck=Healthcheck(("CMD", 'x"')),
        volumes=('/v"x',),
        workdir="/a $b",
        stop_signal="9",
    )
    plan = world(made, config).plan()
    assert plan.decision == "split"
    again = parse(plan.dockerfile)
    assert not [error for error in again.errors if "ENV" not in error.message], again.errors
    accounts = next(item for item in again.instructions if item.keyword == "RUN" and "useradd" in item.value)
    assert "x;evil" in shlex.split(accounts.value)


def test_link_loops_and_endless_names_end():
    made: dict[str, object] = {
        "usr/local/bin/loop": L("loop"),
        "opt/a": L("b"),
        "opt/b": L("a"),
        "opt/" + "x/" * 200 + "f": F("x"),
        "entry.sh": F("#!\n", mode=0o755),
        "other.sh": F(b"#!" + b"\xff" * 100_000, mode=0o755),
    }
    assert world(made).plan().decision == "split"
    config = ImageConfig(env=(PATH,), cmd=("loop",), entrypoint=("/opt/a",))
    assert world(made, config).plan().decision == "refused"
