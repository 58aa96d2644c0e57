"""rpm's databases: real ones, made by rpm, and damaged ones."""

from __future__ import annotations

import sqlite3
import struct
from pathlib import Path

import pytest
import rpm_database
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from made_images import made_image

from msbtui.image.packages import read_packages
from msbtui.image.rpm import names_of, parse_header, read_headers

KEPT = Path(__file__).parent.parent / "data" / "rpm" / "rpmdb.sqlite.zst"
PLACES = ("var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm")


@pytest.fixture(scope="module")
def database() -> bytes:
    """A database that rpm 4.18 made: bash, gcc (epoch 1), glibc-devel, libmpc; a fifth package was removed again."""
    return zstandard.decompress(KEPT.read_bytes())


def files(database: bytes, place: str = "var/lib/rpm") -> dict[str, bytes | str]:
    return {
        f"{place}/rpmdb.sqlite": database,
        "usr/bin/gcc": "g",
        "usr/lib/gcc/cc1": "c",
        "usr/bin/sh": "s",
        "usr/lib64/libmpc.so.3": "m",
        "usr/include/stdio.h": "h",
        "usr/share/mine": "x",
    }


@pytest.mark.parametrize("place", PLACES)
def test_a_real_database(database: bytes, place: str) -> None:
    image, table = made_image(files(database, place))
    packages = read_packages(image, table)
    assert sorted(packages.installed) == ["bash", "gcc", "glibc-devel", "libmpc"]
    gcc = packages.installed["gcc"]
    assert (gcc.manager, gcc.version, gcc.architecture) == ("rpm", "1:1.0-1", "noarch")
    assert gcc.files == ("usr/bin/gcc", "usr/lib/gcc/cc1")
    assert gcc.depends == ("(glibc-devel or musl-devel)", "/bin/sh", "libmpc")
    assert gcc.source == "gcc"
    assert packages.managers == ("rpm",)
    assert packages.known(0)
    owner = packages.owner("usr/lib64/libmpc.so.3")
    assert owner is not None and owner.name == "libmpc"
    assert packages.owner("usr/share/mine") is None
    # /bin/sh is required by path, and is bash's on merged /usr.
    assert sorted(packages.dependencies("gcc")) == ["bash", "glibc-devel", "libmpc"]
    assert image.notes == []


def test_what_a_layer_installed(database: bytes) -> None:
    empty = _database([])
    image, table = made_image({"var/lib/rpm/rpmdb.sqlite": empty}, files(database), {"-var/lib/rpm": None})
    packages = read_packages(image, table)
    assert packages.at(0) == {}
    assert [package.name for package in packages.added(1)] == ["bash", "gcc", "glibc-devel", "libmpc"]
    # Who deletes the database uninstalls nothing.
    assert packages.removed(2) == []


@pytest.mark.skipif(not rpm_database.have_rpm(), reason="rpm and rpmbuild are not here")
def test_a_database_that_rpm_makes_now(tmp_path: Path) -> None:
    made = [
        rpm_database.build(tmp_path, "make", {"usr/bin/make": 400, "usr/share/man/man1/make.1": 20}, group="Development/Tools"),
        rpm_database.build(tmp_path, "zlib-devel", {"usr/include/zlib.h": 30}, version="2.1", relations="Requires: zlib"),
        rpm_database.build(tmp_path, "old", {"usr/share/old": 5}),
    ]
    found = rpm_database.database(tmp_path, made, removed=("old",))
    image, table = made_image({"var/lib/rpm/rpmdb.sqlite": found, "usr/bin/make": "m"})
    installed = read_packages(image, table).installed
    assert {name: (one.version, one.files, one.section) for name, one in installed.items()} == {
        "make": ("1.0-1", ("usr/bin/make", "usr/share/man/man1/make.1"), "Development/Tools"),
        "zlib-devel": ("2.1-1", ("usr/include/zlib.h",), "Unspecified"),
    }


@pytest.mark.parametrize(("name", "form"), [("Packages.db", "ndb"), ("Packages", "Berkeley DB")])
def test_older_forms_are_named(name: str, form: str, database: bytes) -> None:
    image, table = made_image({f"var/lib/rpm/{name}": "x", "usr/bin/gcc": "g"})
    packages = read_packages(image, table)
    assert packages.installed == {}
    assert not packages.known(0)
    assert image.notes == [f"the rpm database has its older form ({form}), which is not read: packages are not known"]
    read_packages(image, table)
    assert len(image.notes) == 1
    both, table = made_image({f"var/lib/rpm/{name}": "x", "var/lib/rpm/rpmdb.sqlite": database})
    assert len(read_packages(both, table).installed) == 4
    assert both.notes == []
    other, table = made_image({f"var/lib/rpm/{name}": "x"})
    read_packages(other, table, managers=("dpkg", "apk"))
    assert other.notes == []


def test_managers_can_be_left_out(database: bytes) -> None:
    image, table = made_image(files(database))
    assert read_packages(image, table, managers=("dpkg", "apk")).installed == {}


def test_names_of_requirements() -> None:
    assert names_of("libc.so.6(GLIBC_2.34)(64bit)") == ["libc.so.6(GLIBC_2.34)(64bit)"]
    assert names_of("config(bash)") == ["config(bash)"]
    assert names_of("(glibc-devel or musl-devel)") == ["glibc-devel", "musl-devel"]
    assert names_of("((a >= 1 if b) with c)") == ["a", "b", "c"]


# -- damage ------------------------------------------------------------------------------------------------------------


def _header(entries: list[tuple[int, int, int, int]], store: bytes, count: int | None = None, size: int | None = None) -> bytes:
    head = struct.pack(">II", len(entries) if count is None else count, len(store) if size is None else size)
    return head + b"".join(struct.pack(">IIiI", *entry) for entry in entries) + store


def _database(blobs: list[bytes], schema: str = "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)") -> bytes:
    connection = sqlite3.connect(":memory:")
    connection.execute(schema)
    connection.executemany("INSERT INTO Packages (blob) VALUES (?)", [(blob,) for blob in blobs])
    connection.commit()
    data = connection.serialize()
    connection.close()
    return data


def test_a_header_says_only_what_is_in_it() -> None:
    sound = _header([(1000, 6, 0, 1), (1049, 8, 4, 2)], b"gcc\0a\0b\0")
    assert parse_header(sound) == {1000: "gcc", 1049: ["a", "b"]}
    assert parse_header(b"") is None
    assert parse_header(_header([], b"", count=1 << 20)) is None
    assert parse_header(_header([], b"", size=1 << 30)) is None
    assert parse_header(_header([(1000, 6, -1, 1)], b"gcc\0")) == {}
    assert parse_header(_header([(1000, 6, 99, 1)], b"gcc\0")) == {}
    assert parse_header(_header([(1049, 8, 0, 1 << 31)], b"a\0b\0")) == {}
    assert parse_header(_header([(1003, 4, 0, 1 << 30)], b"\0\0\0\1")) == {}
    assert parse_header(_header([(1003, 4, 0, 1)], b"\0\0\0\1")) == {1003: [1]}
    assert parse_header(_header([(1000, 6, 0, 1)], b"\x1b[31m\0")) == {1000: "\\x1b[31m"}


Tags = dict[int, tuple[int, list[str] | list[int]]]
NAMED, FOLDERS, FILES = {1000: (6, ["tool"])}, {1118: (8, ["/usr/bin/", "/usr/share/"])}, {1117: (8, ["x", "d", "gone"])}


def _made(tags: Tags) -> bytes:
    """Give a header with these tags: tag -> (kind, values)."""
    store, entries = b"", []
    for tag, (kind, values) in tags.items():
        entries.append((tag, kind, len(store), len(values)))
        for value in values:
            numbers = {2: ">B", 3: ">H", 4: ">I", 5: ">Q"}
            store += struct.pack(numbers[kind], value) if kind in numbers else str(value).encode() + b"\0"
    return _header(entries, store)


def _packages(*headers: Tags):
    database = _database([_made(header) for header in headers])
    image, table = made_image({"var/lib/rpm/rpmdb.sqlite": database, "usr/bin/x": "x", "usr/share/d/y": "y"})
    return read_packages(image, table).installed


def test_a_package_by_its_header() -> None:
    tags: Tags = {
        **NAMED, **FOLDERS, **FILES, 1116: (4, [0, 1, 0]), 1030: (3, [0o100755, 0o040755, 0o100644]), 1001: (6, ["1.2"]),
        1002: (6, ["3"]), 1003: (4, [2]), 1022: (6, ["x86_64"]), 1016: (9, ["Tools"]), 1044: (6, ["a-tool-1.2-3.src.rpm"]),
        1049: (8, ["libc", "rpmlib(X)", "libc", "/bin/sh"]), 5046: (8, ["more", "more"]), 1047: (8, ["tool", "tool"]),
    }  # fmt: skip
    package = _packages(tags)["tool"]
    assert (package.version, package.architecture, package.section, package.source) == ("2:1.2-3", "x86_64", "Tools", "a-tool")
    assert (package.files, package.directories) == (("usr/bin/x", "usr/bin/gone"), ("usr/share/d",))
    assert (package.depends, package.recommends, package.provides) == (("libc", "/bin/sh"), ("more",), ("tool",))


def test_a_directory_that_no_layer_has_is_one_by_its_mode() -> None:
    package = _packages({**NAMED, **FOLDERS, 1117: (8, ["no", "nor"]), 1116: (4, [0, 1]), 1030: (3, [0o040755, 0o100644])})[
        "tool"
    ]
    assert (package.files, package.directories) == (("usr/share/nor",), ("usr/bin/no",))
    # without modes everything may be a file
    assert _packages({**NAMED, **FOLDERS, 1117: (8, ["no"]), 1116: (4, [0])})["tool"].files == ("usr/bin/no",)


def test_names_of_files_in_their_old_form() -> None:
    old: Tags = {**NAMED, 1027: (8, ["/usr/bin/x", "/", "/usr/share/d"]), 1030: (3, [0o100755, 0o040755, 0o040755])}
    assert (_packages(old)["tool"].files, _packages(old)["tool"].directories) == (("usr/bin/x",), ("usr/share/d",))


@pytest.mark.parametrize(
    ("tags", "files"),
    [
        ({**FOLDERS, **FILES, 1116: (8, ["0", "1", "0"])}, ()),
        ({**FOLDERS, **FILES, 1116: (4, [0, 1])}, ()),
        ({**FOLDERS, **FILES, 1116: (4, [0, 2, 0xFFFFFFFF])}, ("usr/bin/x",)),
        ({**FOLDERS, **FILES, 1116: (4, [0, 1, 0]), 1030: (8, ["a", "b", "c"])}, ("usr/bin/x", "usr/bin/gone")),
        ({**FOLDERS, **FILES, 1116: (4, [0, 1, 0]), 1030: (3, [0o100755])}, ("usr/bin/x", "usr/bin/gone")),
        ({1117: (4, [1, 2, 3]), 1116: (4, [0, 1, 0])}, ()),
        ({1118: (6, ["/usr/bin/"]), **FILES, 1116: (4, [0, 0, 0])}, ()),
        ({1049: (4, [1]), 1047: (6, ["x"]), 1003: (8, ["9"]), 1001: (4, [1])}, ()),
    ],
)
def test_tags_of_another_kind_say_nothing(tags: Tags, files: tuple[str, ...]) -> None:
    package = _packages({**NAMED, **tags})["tool"]
    assert package.files == files
    assert (package.version, package.depends, package.provides) == ("-", (), ())


def test_what_is_no_package_is_left_out() -> None:
    key: Tags = {1000: (6, ["gpg-pubkey"])}
    assert sorted(_packages(NAMED, key, {1001: (6, ["1"])}, {1000: (8, ["a"])}, {1000: (4, [1])})) == ["tool"]


def test_who_provides_a_file_that_another_requires_by_its_path() -> None:
    other: Tags = {1000: (6, ["other"]), 1049: (8, ["/bin/x", "usr/bin/x", "/usr/bin/gone"])}
    given = _packages({**NAMED, **FOLDERS, **FILES, 1116: (4, [0, 1, 0])}, other)
    assert given["tool"].provides == ("/bin/x", "/usr/bin/gone")
    assert given["other"].provides == ()


def test_hostile_databases_are_none(database: bytes) -> None:
    assert read_headers(b"") is None
    assert read_headers(b"SQLite format 3\0") is None
    assert read_headers(database[:5000]) is None
    assert read_headers(_database([])) == []
    assert read_headers(_database([b"no header"])) == []
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE other (x)")
    assert read_headers(connection.serialize()) is None
    # A view that would count for ever.
    connection.execute(
        "CREATE VIEW Packages AS WITH RECURSIVE n(blob) AS (SELECT 1 UNION ALL SELECT blob + 1 FROM n) SELECT blob FROM n"
    )
    assert read_headers(connection.serialize()) is None
    connection.close()
    endless = (
        "CREATE TABLE Packages (n INTEGER PRIMARY KEY, real BLOB, blob BLOB GENERATED ALWAYS AS (zeroblob(1000000000)) VIRTUAL)"
    )
    connection = sqlite3.connect(":memory:")
    connection.execute(endless)
    connection.execute("INSERT INTO Packages (real) VALUES (1)")
    connection.commit()
    assert read_headers(connection.serialize()) is None
    connection.close()


def test_names_that_are_no_text_are_none(database: bytes) -> None:
    at = database.rfind(b"tablePackages")
    assert at > 0
    assert read_headers(database[:at] + b"\xff\xfe\xffle" + database[at + 5 :]) is None
    # Every page is damaged once.
    for page in range(0, len(database), 4096):
        damaged = database[: page + 100] + b"\xff" * 200 + database[page + 300 :]
        found = read_headers(damaged)
        assert found is None or len(found) <= 4


@given(st.integers(0, 229_375), st.binary(min_size=1, max_size=40))
@settings(max_examples=60, deadline=None)
def test_damage_never_raises(at: int, junk: bytes) -> None:
    data = zstandard.decompress(KEPT.read_bytes())
    found = read_headers(data[:at] + junk + data[at + len(junk) :])
    assert found is None or all(isinstance(header, dict) for header in found)
