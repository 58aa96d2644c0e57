"""Who made a path: the author, or a package's script that makes it again where the package is installed."""

from __future__ import annotations

import pytest
from split_world import DEBIAN, DEBIAN_PACKAGES, D, F, L, P, dpkg, view

from msbtui.image.model import Kind
from msbtui.split.madeby import Makers

INSTALL = "RUN apt-get update && apt-get install -y tool && rm -rf /x"
TOOL = {"tool": P(["usr/bin/tool", "etc/tool.conf", "usr/lib/tool/a.py"])}
OWNED = {
    "usr/bin/tool": F("t"),
    "etc/tool.conf": F("c"),
    "usr/lib/tool/a.py": F("a"),
    **dpkg({**DEBIAN_PACKAGES, **TOOL}),
}


def made(said: str, entries: dict[str, object] | None = None, *later: tuple[str, dict[str, object]]):
    """Give the view of an image whose second layer installs the tool."""
    seen = view([("", DEBIAN), (said, {**OWNED, **(entries or {})}), *later])  # type: ignore[list-item]
    return seen, Makers(seen)


@pytest.mark.parametrize(
    ("path", "said", "by_packages"),
    [
        # a RUN that only installs: what lies where packages make things is theirs
        ("etc/made", INSTALL, True),
        ("var/lib/made/x", INSTALL, True),
        ("usr/share/made", INSTALL, True),
        ("usr/local/lib/made", INSTALL, False),
        ("srv/made", INSTALL, False),
        ("root/.gnupg", INSTALL, True),
        ("usr/lib/locale/C.utf8/LC_ALL", INSTALL, False),
        # what its text names is the author's
        ("etc/made", f"{INSTALL} && touch /etc/made", False),
        ("etc/made", f"{INSTALL} && touch /etc/mad", True),
        ("etc/some/made", f"{INSTALL} && mkdir /etc/some", False),
        ("etc/some/made", f"{INSTALL} && mkdir '/etc/some/'", False),
        ("etc/some/made", f"{INSTALL} && mkdir /etc/somewhere", True),
        ("etc/made", f"{INSTALL} && ls /etc", True),
        # a RUN that does more
        ("usr/share/made", f"{INSTALL} && make install", False),
        ("etc/made", f"{INSTALL} && make install", True),
        ("usr/share/icons/made", f"{INSTALL} && make install", True),
        ("opt/x/share/made", INSTALL, True),
        ("opt/x/share/made", f"{INSTALL} && make install", False),
    ],
)
def test_what_a_run_that_installs_leaves_behind(path: str, said: str, by_packages: bool) -> None:
    _, makers = made(said, {path: F("x")})
    assert makers.packages_made(path, Kind.FILE) is by_packages


def test_an_empty_directory_below_usr_local_is_the_packages() -> None:
    _, makers = made(INSTALL, {"usr/local/share/made": D()})
    assert makers.packages_made("usr/local/share/made", Kind.DIRECTORY)
    assert not makers.packages_made("usr/local/share/made", Kind.FILE)


@pytest.mark.parametrize(
    ("path", "entries", "kind", "by_packages"),
    [
        ("usr/bin/t", {"usr/bin/t": L("/etc/alternatives/t"), "etc/alternatives/t": L("/usr/bin/tool")}, Kind.SYMLINK, True),
        ("usr/bin/t", {"usr/bin/t": L("/etc/alternatives/t"), "etc/alternatives/t": L("/src/own")}, Kind.SYMLINK, False),
        ("usr/lib/tool/__pycache__/a.cpython-311.pyc", {"usr/lib/tool/__pycache__/a.cpython-311.pyc": F("x")}, Kind.FILE, True),
        ("usr/lib/tool/__pycache__/b.cpython-311.pyc", {"usr/lib/tool/__pycache__/b.cpython-311.pyc": F("x")}, Kind.FILE, False),
        ("var/lib/dpkg/info/tool.md5sums", {"var/lib/dpkg/info/tool.md5sums": F("x")}, Kind.FILE, True),
        ("var/lib/dpkg/info/other.md5sums", {"var/lib/dpkg/info/other.md5sums": F("x")}, Kind.FILE, False),
        ("etc/made", {"etc/made": F("x")}, Kind.FILE, False),
    ],
)
def test_what_a_package_makes_in_a_layer_that_installs_none(
    path: str, entries: dict[str, object], kind: Kind, by_packages: bool
) -> None:
    _, makers = made(INSTALL, {}, ("RUN x", entries))
    assert makers.packages_made(path, kind) is by_packages


def test_layers_that_remove_or_change_packages_are_the_packages_too() -> None:
    removing = {**dpkg(DEBIAN_PACKAGES), "etc/made": F("x")}
    changed = dpkg({**DEBIAN_PACKAGES, **TOOL})
    status = changed["var/lib/dpkg/status"]
    was = "Package: tool\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1"
    newer = F(str(status.text).replace(was, was[:-1] + "2"))
    assert newer != status
    for later in (removing, {**changed, "var/lib/dpkg/status": newer, "etc/made": F("x")}):
        seen, makers = made(INSTALL, {}, ("RUN apt-get upgrade -y", later))
        assert seen.packages.removed(2) or seen.packages.upgraded(2)
        assert makers.packages_made("etc/made", Kind.FILE)
    _, makers = made(INSTALL, {}, ("RUN x", {"etc/made": F("x")}))
    assert not makers.packages_made("etc/made", Kind.FILE)


@pytest.mark.parametrize(
    ("path", "said", "later", "changed"),
    [
        ("etc/tool.conf", INSTALL, False, False),
        ("etc/tool.conf", f"{INSTALL} && echo >> /etc/tool.conf", False, True),
        ("usr/bin/tool", f"{INSTALL} && strip /usr/bin/tool", False, False),
        ("etc/tool.conf", INSTALL, True, True),
        ("usr/bin/tool", INSTALL, True, True),
        ("etc/none", INSTALL, False, False),
    ],
)
def test_a_file_of_a_package_that_the_author_changed(path: str, said: str, later: bool, changed: bool) -> None:
    _, makers = made(said, {}, *([("RUN x", {path: F("changed")})] if later else []))
    assert makers.changed_since_installed(path) is changed


def test_a_link_from_the_sources_to_a_package_that_came_with_the_build() -> None:
    links = {
        "src/new": L("/usr/bin/tool"),
        "src/old": L("/usr/bin/sh"),
        "src/own": L("/src/file"),
        "src/file": F("x"),
        "src/gone": L("/no"),
    }
    _, makers = made(INSTALL, {}, ("COPY . /src", links))
    assert [makers.leads_to_package(f"src/{name}", Kind.SYMLINK) for name in ("new", "old", "own", "gone")] == [
        True,
        False,
        False,
        False,
    ]
    assert not makers.leads_to_package("usr/bin/tool", Kind.FILE)
