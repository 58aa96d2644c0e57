"""The certificates come along where anything that runs may read them, and only there."""

from __future__ import annotations

import pytest
from split_world import DEBIAN, DEBIAN_PACKAGES, LIB, PATH, F, P, World, dpkg, elf, library, script, sibling, toolchain

from msbtui.image.model import ImageConfig

CERTIFICATES = {
    "ca-certificates": P(["usr/sbin/update-ca-certificates"], "misc"),
    "libssl3": P([f"{LIB}/libssl.so.3"]),
    "libcurl4": P([f"{LIB}/libcurl.so.4"], "libs", "libssl3"),
    "curl": P(["usr/bin/curl"], "web", "libcurl4"),
}
FILES = {
    "usr/sbin/update-ca-certificates": script("#!/bin/sh\n"),
    "etc/ssl/certs/ca-certificates.crt": F("cert"),
    f"{LIB}/libssl.so.3": elf("libc.so.6", soname="libssl.so.3", interpreter="", paths=["/usr/lib/ssl/certs"]),
    f"{LIB}/libcurl.so.4": library("libcurl.so.4", "libssl.so.3"),
    "usr/bin/curl": elf("libcurl.so.4"),
}
BASE = {**DEBIAN, **FILES, **dpkg({**DEBIAN_PACKAGES, **CERTIFICATES})}


def runtime(
    program: F, *, install: str = "gcc make", cmd: tuple[str, ...] = ("served",), made: dict[str, F] | None = None
) -> str:
    text = f"FROM buildpack-deps:bookworm\nRUN apt-get install -y {install}\nRUN make install\nCMD {list(cmd)}\n".replace(
        "'", '"'
    )
    layers = [
        (f"RUN /bin/sh -c apt-get install -y {install}", toolchain(CERTIFICATES)),
        ("RUN /bin/sh -c make install", {"usr/local/bin/served": program, **(made or {})}),
    ]
    config = ImageConfig(env=(PATH,), cmd=cmd)
    slim = sibling("debian:bookworm-slim", {**DEBIAN, **dpkg(DEBIAN_PACKAGES)})
    return World(text, layers, config, base=BASE, siblings=[slim]).runtime()


@pytest.mark.parametrize(
    ("program", "wanted"),
    [
        (elf("libc.so.6", paths=["/etc/served.conf"]), False),
        (elf("libc.so.6", "libssl.so.3"), True),
        (elf("libc.so.6", "libcurl.so.4"), True),
        (elf("libc.so.6", libraries=["libcurl.so.4"]), True),
        (elf("libc.so.6", paths=["/etc/ssl/cert.pem"]), True),
        (elf("libc.so.6", paths=["/rustc/0123/library/core/src/fmt.rs"]), True),
        (elf("libc.so.6", language="go", functions=("os.StartProcess", "runtime.main")), False),
        (elf("libc.so.6", language="go", functions=("crypto/x509.loadSystemRoots", "os.StartProcess", "runtime.main")), True),
        (elf("libc.so.6", language="go"), True),
        (elf(interpreter="", language="packed"), True),
    ],
)
def test_what_a_program_is_linked_with_and_names_decides(program, wanted):
    assert ("        ca-certificates \\\n" in runtime(program)) is wanted


def test_a_script_that_calls_curl_needs_them_and_so_does_who_names_them():
    plain = elf("libc.so.6")
    entry = {"entry.sh": script("#!/bin/sh\ncurl https://x\nexec served\n")}
    assert "ca-certificates" in runtime(plain, cmd=("/entry.sh",), made=entry)
    assert "ca-certificates" not in runtime(plain, cmd=("/entry.sh",), made={"entry.sh": script("#!/bin/sh\nexec served\n")})
    assert "ca-certificates" in runtime(plain, install="gcc make ca-certificates")
