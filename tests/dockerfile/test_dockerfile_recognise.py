"""What kind of work a command does."""

from __future__ import annotations

from msbtui.dockerfile.parser import parse
from msbtui.dockerfile.recognise import (
    PackageCommand,
    Requested,
    package_command,
    program,
)
from msbtui.dockerfile.shell import Command, commands


def _last(text: str) -> Command:
    return commands(parse(f"FROM scratch\nRUN {text}\n").instructions[1])[-1]


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
