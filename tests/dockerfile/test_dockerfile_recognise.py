"""What kind of work a command does."""

from __future__ import annotations

import pytest

from msbtui.dockerfile.recognise import (
    Archive,
    Download,
    PackageCommand,
    Requested,
    build_tool,
    download,
    package_command,
    program,
    removed_paths,
    unpacked,
)
from msbtui.dockerfile.shell import Command, shell_text_commands


def _last(text: str) -> Command:
    return shell_text_commands(text)[-1]


def _packages(text: str) -> PackageCommand:
    found = package_command(_last(text))
    assert found is not None
    return found


def test_wrappers_are_taken_off() -> None:
    assert program(_last("sudo -E env A=b nice make all")) == ("make", "all")
    assert program(_last("DEBIAN_FRONTEND=x /usr/bin/apt-get update")) == ("apt-get", "update")


def test_apt() -> None:
    found = _packages("apt-get install -y --no-install-recommends -t bookworm gcc libfoo:amd64=1.2-3 libstdc++6 g++ ./x.deb")
    assert (found.manager, found.action) == ("apt", "install")
    assert found.packages == (Requested("gcc"), Requested("libfoo", "1.2-3"), Requested("libstdc++6"), Requested("g++"))
    assert found.files == ("./x.deb",)
    assert "--no-install-recommends" in found.flags
    assert _packages("apt-get remove --purge gcc").action == "purge"
    assert _packages("apt-get -y autoremove").action == "autoremove"
    assert _packages("apt-get clean").action == "clean"
    assert not _packages("apt-get purge $X").complete
    assert package_command(_last("apt-mark showmanual")) is None


def test_apk() -> None:
    found = _packages("apk add --no-cache --virtual .deps gcc musl-dev=1.2 'curl>8' foo@edge")
    assert (found.manager, found.action, found.virtual) == ("apk", "install", ".deps")
    assert found.packages == (Requested("gcc"), Requested("musl-dev", "1.2"), Requested("curl", "8"), Requested("foo"))
    assert _packages("apk del .deps").packages == (Requested(".deps"),)


def test_dnf() -> None:
    found = _packages("microdnf install -y --setopt=x=1 gcc make")
    assert (found.manager, found.action, [each.name for each in found.packages]) == ("dnf", "install", ["gcc", "make"])
    assert _packages("yum clean all").action == "clean"


def test_pip() -> None:
    found = _packages("python3 -m pip install --no-cache-dir -r requirements.txt 'flask[async]==2.0' numpy .")
    assert found.packages == (Requested("flask", "2.0"), Requested("numpy"))
    assert set(found.files) == {"requirements.txt", "."}
    assert "--no-cache-dir" in found.flags
    assert package_command(_last("pip --version")) is None


def test_npm() -> None:
    assert _packages("npm ci --omit=dev").flags == ("--omit=dev",)
    assert _packages("npm install -g @scope/x@1.2 yarn").packages == (Requested("@scope/x", "1.2"), Requested("yarn"))
    assert _packages("npm cache clean --force").action == "clean"
    assert package_command(_last("npm run build")) is None


@pytest.mark.parametrize(
    ("text", "tool"),
    [
        ("make -j4", "make"),
        ("x86_64-linux-gnu-gcc-12 -c a.c", "gcc"),
        ("/usr/bin/g++ a.cc", "g++"),
        ("CGO_ENABLED=0 go build -o /x ./cmd", "go"),
        ("cargo build --release", "cargo"),
        ("./configure --prefix=/usr", "configure"),
        ("python3 setup.py install", "python"),
        ("npm run build", "npm"),
        ("go version", None),
        ("echo make", None),
        ("gcc-config", None),
    ],
)
def test_build_tools(text: str, tool: str | None) -> None:
    assert build_tool(_last(text)) == tool


def test_removed_paths() -> None:
    assert removed_paths(_last("cd /src; rm -rf a/b ./c /var/lib/apt/lists/* $X")) == (
        "/src/a/b",
        "/src/c",
        "/var/lib/apt/lists/*",
    )
    assert removed_paths(_last("rm x"), "/app") == ("/app/x",)
    assert removed_paths(_last("cd $Y; rm x /z")) == ("/z",)
    assert removed_paths(_last("find /usr /opt -name '*.pyc' -delete")) == ("/usr", "/opt")
    assert removed_paths(_last("mv a b")) == ()


def test_downloads() -> None:
    assert download(_last("curl -fsSLo /tmp/x.tgz https://e.com/x.tgz")) == Download(("https://e.com/x.tgz",), ("/tmp/x.tgz",))
    assert download(_last("cd /d; curl -fLO https://e.com/x.tgz")) == Download(("https://e.com/x.tgz",), ("/d/x.tgz",))
    assert download(_last("wget -q https://e.com/a/y.zip"), "/w") == Download(("https://e.com/a/y.zip",), ("/w/y.zip",))
    assert download(_last("wget -qO- https://e.com/y")) == Download(("https://e.com/y",), (), True)
    assert download(_last("curl https://e.com/y > /k")) == Download(("https://e.com/y",), ("/k",))
    assert download(_last("echo https://e.com")) is None


def test_archives() -> None:
    assert unpacked(_last("tar -xzf /tmp/x.tgz -C /opt --strip-components=1")) == Archive("/tmp/x.tgz", "/opt")
    assert unpacked(_last("cd /s; tar xf x.tar")) == Archive("/s/x.tar", "/s")
    assert unpacked(_last("tar xz -C /opt")) == Archive("", "/opt")
    assert unpacked(_last("unzip -q a.zip -d out"), "/w") == Archive("/w/a.zip", "/w/out")
    assert unpacked(_last("tar czf x.tgz a")) is None
