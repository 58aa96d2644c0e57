"""The account of an image: every byte once, each where it belongs."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from waste_scenes import F, elf, look, status

from msbtui.analysis.account import GROUPS, Account, Part, account
from msbtui.analysis.model import Base
from msbtui.analysis.purpose import language_of, purpose_of
from msbtui.image.model import ImageConfig
from msbtui.image.package import Package
from msbtui.image.packages import read_packages

CONFIG = ImageConfig(cmd=("/usr/local/bin/app",), workdir="/app")
PATHS = (
    "var/lib/apt/lists/x_Packages",
    "usr/lib/liba.so",
    "usr/lib/x/b",
    "var/lib/dpkg/status",
    "srv/.git/HEAD",
    "srv/.git/objects/a",
    "usr/share/doc/a/x",
    "app/main.py",
    "app/node_modules/left-pad/index.js",
    "usr/local/bin/app",
    "data/unknown.bin",
    "tmp/x",
)
FILE = st.builds(
    F,
    data=st.sampled_from([b"", b"a" * 10, b"b" * 10, b"c" * 5000]),
    uid=st.sampled_from([0, 5]),
    hard=st.sampled_from(["", "", "", *PATHS[:8]]),
)
MARKER = st.sampled_from(["srv/.wh..wh..opq", ".wh.srv", ".wh.tmp", "usr/lib/.wh.x", "app/.wh.main.py"])
LAYERS = st.lists(st.dictionaries(st.one_of(st.sampled_from(PATHS), MARKER), FILE, max_size=9), min_size=1, max_size=5)


def accounted(*trees: object, base: int = 0, **more: object) -> tuple[Account, object]:
    seen = look(*trees, base=base, config=CONFIG, **more)  # type: ignore[arg-type]
    return account(seen.image, seen.table, read_packages(seen.image, seen.table), Base(base, name="debian"), seen.report), seen


def check(part: Part) -> None:
    assert part.bytes > 0
    assert not part.parts or sum(one.bytes for one in part.parts) == part.bytes
    assert [one.bytes for one in part.parts] == sorted((one.bytes for one in part.parts), reverse=True)
    assert part.layers == tuple(sorted(set(part.layers)))
    for one in part.parts:
        assert set(one.layers) <= set(part.layers)
        check(one)


@given(LAYERS, st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_every_byte_stands_once(layers: list[dict[str, F]], base: int) -> None:
    base = min(base, len(layers))
    found, seen = accounted(*layers, base=base)
    table, report = seen.table, seen.report  # type: ignore[attr-defined]
    assert found.size == table.size == sum(part.bytes for part in found.parts)
    assert [part.name for part in found.parts] == [name for name in GROUPS if found.of(name)]
    assert found.of("hidden") == table.hidden_bytes
    assert found.of("waste") == report.removable
    assert found.of("base") == sum(table.layer_size(n) - table.layer_hidden(n) for n in range(base))
    for part in found.parts:
        for one in part.parts:
            check(one)


def test_each_byte_where_it_belongs() -> None:
    package = {"Package": "libssl3", "Section": "libs"}
    database = status(package)
    listed = b"/.\n/usr\n/usr/lib/libssl.so.3\n"
    found, _ = accounted(
        {"etc/base": 7, "etc/old": 5},
        {
            "var/lib/dpkg/status": database,
            "var/lib/dpkg/info/libssl3.list": listed,
            "usr/lib/libssl.so.3": 1000,
            "var/lib/apt/lists/x_Packages": 400,
            "usr/lib/python3/dist-packages/requests/api.py": 60,
            "etc/.wh.old": b"",
            "app/gone": 90,
        },
        {"app/main.py": 30, "app/.wh.gone": b"", "data/blob": 11},
        base=1,
    )
    tree = {part.name: {one.name: one.bytes for one in part.parts} for part in found.parts}
    assert tree == {
        "base": {"debian": 7},
        "packages": {"libraries": 1000, "package databases": len(database) + len(listed), "Python packages": 60},
        "application": {"/app/main.py": 30},
        "waste": {"package-cache": 400},
        "hidden": {"deleted-later": 90, "base image": 5},
        "unknown": {"/data/blob": 11},
    }
    libraries = next(one for part in found.parts for one in part.parts if one.name == "libraries")
    assert [(one.name, one.bytes, one.layers, one.paths) for one in libraries.parts] == [
        ("libssl3", 1000, (1,), ("usr/lib/libssl.so.3",))
    ]


def test_what_copy_brought_is_the_application() -> None:
    found, _ = accounted({"data/blob": 11}, {"lib/x": 5}, dockerfile="FROM scratch\nCOPY a /data/\nRUN x\n",
                         history=["COPY a /data/ # buildkit", "RUN /bin/sh -c x # buildkit"])  # fmt: skip
    assert (found.of("application"), found.of("unknown")) == (11, 5)


def test_what_is_needed_is_no_waste() -> None:
    config = ImageConfig(cmd=("/tmp/run",))
    seen = look({"tmp/run": F(b"x" * 50, mode=0o755), "tmp/y/z": 5}, config=config, elves={"tmp/run": elf("ET_EXEC")})
    found = account(seen.image, seen.table, read_packages(seen.image, seen.table), Base(0), seen.report)
    assert found.of("waste") == seen.report.removable
    assert found.of("application") >= 50


@pytest.mark.parametrize(
    ("section", "name", "purpose"),
    [
        ("libs", "libx", "libraries"),
        ("contrib/libdevel", "x", "build tools"),
        ("python", "python3-yaml", "languages"),
        ("", "gcc-c++", "build tools"),
        ("", "openssl-devel", "build tools"),
        ("", "musl", "libraries"),
        ("", "zlib", "libraries"),
        ("", "bash", "system and tools"),
        ("", "nginx", "network and databases"),
        ("", "git-lfs", "build tools"),
        ("", "golden", "system and tools"),
    ],
)
def test_purposes(section: str, name: str, purpose: str) -> None:
    assert purpose_of(Package("dpkg", name, section=section)) == purpose


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("usr/lib/python3/dist-packages/yaml/__init__.py", ("Python packages", "yaml")),
        ("venv/lib/python3.11/site-packages/PyYAML-6.0.dist-info/RECORD", ("Python packages", "PyYAML")),
        ("app/node_modules/@types/node/index.d.ts", ("Node packages", "@types/node")),
        ("app/node_modules/.bin/x", None),
        ("usr/local/bundle/gems/rack-3.0.8/lib/rack.rb", ("Ruby gems", "rack-3.0.8")),
        ("app/vendor/symfony/console/composer.json", ("PHP packages", "symfony/console")),
        ("app/vendor.txt", None),
    ],
)
def test_languages(path: str, found: tuple[str, str] | None) -> None:
    assert language_of(path) == found


def test_what_hid_bytes_is_told_whichever_entry_they_are() -> None:
    found, _ = accounted({"a": 10, "srv/b": 20, "srv/c": 5}, {"srv/b": 7, "srv/.wh.c": b""})
    hidden = next(part for part in found.parts if part.name == "hidden")
    assert [(one.name, one.bytes, one.paths) for one in hidden.parts] == [
        ("overwritten-later", 20, ("srv/b",)),
        ("deleted-later", 5, ("srv/c",)),
    ]
