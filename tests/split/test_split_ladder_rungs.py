"""What each rung of the ladder keeps of an image whose files are of every kind, file by file."""

from __future__ import annotations

import re

import pytest
from split_world import DEBIAN, LIB, MEGABYTE, PATH, D, F, P, World, elf, library, sibling, toolchain

from msbtui.image.model import ImageConfig

TEXT = """FROM debian:bookworm
RUN apt-get update && apt-get install -y gcc make libfoo-dev
COPY . /src
RUN make install
CMD ["app"]
"""
PACKAGES = {
    "libextra1": P([f"{LIB}/libextra.so.1"]),
    "libneeded1": P([f"{LIB}/libneeded.so.1"]),
    "libfoo-dev": P(["usr/include/foo.h"], "libdevel", "libfoo1, libc6, libbar-dev", manual=True),
    "libbar-dev": P(["usr/include/bar.h"], "libdevel"),
    "libfoo1": P([f"{LIB}/libfoo.so.1"]),
}
FILES = {
    f"{LIB}/libextra.so.1": library("libextra.so.1"),
    f"{LIB}/libneeded.so.1": library("libneeded.so.1"),
    f"{LIB}/libfoo.so.1": library("libfoo.so.1"),
    "usr/include/foo.h": F("foo"),
    "usr/include/bar.h": F("bar"),
}
SLIM = sibling("debian:bookworm-slim", {**DEBIAN, "usr/share/filler": F(size=30 * MEGABYTE)})
SELECTIVE = {"usr/local/bin/app", "srv/web/index.html", "srv/web/empty"}
TREES = SELECTIVE | {"src/Makefile", "src/main.c", "src/data.bin", "src/tool", "srv/web/x.c"}
EVERYTHING = TREES | {"usr/local/include/app.h", "usr/local/share/doc/app/a.html"}


def world() -> World:
    layers = [
        ("RUN apt-get install -y gcc make libfoo-dev", toolchain(PACKAGES, FILES)),
        (
            "COPY . /src",
            {"src/main.c": F("int"), "src/Makefile": F("app:"), "src/data.bin": F("x"), "src/tool": elf("libneeded.so.1")},
        ),
        (
            "RUN make install",
            {
                "usr/local/bin/app": elf("libc.so.6"),
                "usr/local/share/doc/app/a.html": F("d"),
                "usr/local/include/app.h": F("h"),
                "usr/local/include/.git/config": F("c"),
                "srv/web/.git/config": F("c"),
                "srv/web/index.html": F("i"),
                "srv/web/x.c": F("i"),
                "srv/web/empty": D(),
                "root/.cache/pip/x": F("x"),
                "var/cache/x": F("y"),
                "tmp/left": F("l"),
                "opt/tree/Makefile": F("all:"),
                "opt/tree/one.c": F("int"),
                "opt/tree/two.c": F("int"),
            },
        ),
    ]
    return World(TEXT, layers, ImageConfig(env=(PATH,), cmd=("app",), workdir="/srv/web"), siblings=[SLIM])


def installed(dockerfile: str) -> list[str]:
    runtime = dockerfile.split("# runtime stage")[1]
    return sorted(
        re.findall(r"\b(?:lib\w+\d(?!\S)|\w+-dev|gcc|make|bash|passwd)\b", "".join(re.findall(r"install -y[^&]*", runtime)))
    )


@pytest.mark.parametrize(
    ("rung", "kept", "packages", "base"),
    [
        ("selective", SELECTIVE, [], "debian:bookworm-slim"),
        ("trees", TREES, ["libfoo1", "libneeded1"], "debian:bookworm-slim"),
        ("everything", EVERYTHING, ["libextra1", "libfoo1", "libneeded1"], "debian:bookworm"),
    ],
)
def test_what_a_rung_keeps_file_by_file_and_package_by_package(rung: str, kept: set[str], packages: list[str], base: str) -> None:
    plan = world().plan(rung=rung)
    assert set(plan.kept) == kept
    assert installed(plan.dockerfile) == packages
    assert plan.dockerfile.split("# runtime stage")[1].split("\n")[1] == f"FROM {base}"
