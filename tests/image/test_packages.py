"""Package databases of dpkg and apk, layer by layer, and which file belongs to which package."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from made_images import MadeContents, made_image

from msbtui.image.package import Package
from msbtui.image.packages import Packages, read_packages


def stanza(name: str, version: str = "1", status: str = "install ok installed", **more: str) -> str:
    fields = {"Package": name, "Status": status, "Architecture": "amd64", "Version": version}
    fields |= {key.replace("_", "-"): value for key, value in more.items()}
    return "".join(f"{key}: {value}\n" for key, value in fields.items() if value) + "\n"


BASE = (
    stanza("libc6", Multi_Arch="same", Installed_Size="12000", Depends="libgcc-s1")
    + stanza("libgcc-s1")
    + stanza("bash", Essential="yes")
)
DEBIAN = {
    "bin": "-> usr/bin",
    "usr/": "",
    "usr/bin/": "",
    "usr/bin/bash": b"b" * 10,
    "usr/lib/": "",
    "usr/lib/libc.so.6": b"c" * 20,
    "var/lib/dpkg/arch": "amd64\n",
    "var/lib/dpkg/status": BASE,
    "var/lib/dpkg/info/libc6:amd64.list": "/.\n/usr\n/usr/lib\n/usr/lib/libc.so.6\n/usr/doc\n/usr/doc/libc6\n",
    "var/lib/dpkg/info/bash.list": "/.\n/bin\n/bin/bash\n/usr\n/usr/lib\n",
}
GCC = {
    "usr/bin/gcc-12": b"g" * 30,
    "usr/bin/cc": "-> /etc/alternatives/cc",
    "etc/alternatives/cc": "-> /usr/bin/gcc-12",
    "usr/lib/python3/x.py": "x",
    "usr/lib/python3/__pycache__/x.cpython-311.pyc": "y",
    "var/lib/dpkg/status": BASE
    + stanza("gcc", Section="devel", Pre_Depends="dpkg-missing", Depends="libc6 (>= 2.34), awk:any | mawk, python3:any")
    + stanza("mawk", Provides="awk")
    + stanza("python3", Depends="gcc, mail-agent")
    + stanza("exim", Provides="mail-agent (= 4), other")
    + stanza("gone", status="deinstall ok config-files"),
    "var/lib/dpkg/info/gcc.list": "/.\n/usr\n/usr/bin\n/usr/bin/gcc-12\n",
    "var/lib/dpkg/info/python3.list": "/.\n/usr\n/usr/lib\n/usr/lib/python3\n/usr/lib/python3/x.py\n",
    "var/lib/apt/extended_states": "Package: mawk\nArchitecture: amd64\nAuto-Installed: 1\n\n"
    "Package: gcc\nArchitecture: amd64\nAuto-Installed: 0\n",
}


def packages_of(*layers: object, **config: object) -> Packages:
    image, table = made_image(*layers, **config)  # type: ignore[arg-type]
    return read_packages(image, table)


def names(packages: list[Package]) -> list[str]:
    return [package.name for package in packages]


def name_of(package: Package | None) -> str | None:
    return package and package.name


def test_dpkg_by_layer() -> None:
    packages = packages_of(DEBIAN, {"srv/x": "x"}, GCC, {"var/lib/dpkg/status": BASE.replace("Version: 1", "Version: 2", 1)})
    assert names(packages.added(0)) == ["bash", "libc6", "libgcc-s1"]
    assert packages.added(1) == packages.removed(1) == packages.upgraded(1) == []
    assert names(packages.added(2)) == ["exim", "gcc", "mawk", "python3"]
    assert names(packages.removed(3)) == ["exim", "gcc", "mawk", "python3"]
    assert [(a.version, b.version) for a, b in packages.upgraded(3)] == [("1", "2")]
    assert packages.at(2)["gcc"].section == "devel"
    assert packages.installed["bash"].essential
    assert packages.managers == ("dpkg",)
    assert packages.layer_of("libc6") == 0
    assert packages.layer_of("gcc") is None


def test_manual_is_known_only_with_apts_record() -> None:
    packages = packages_of(DEBIAN, GCC)
    assert packages.at(0)["bash"].manual is None
    assert packages.at(1)["bash"].manual is True
    assert packages.at(1)["gcc"].manual is True
    assert packages.at(1)["mawk"].manual is False


def test_owner_on_merged_usr_and_in_the_past() -> None:
    packages = packages_of(DEBIAN, GCC, {"-usr/bin/gcc-12": "", "-var/lib/dpkg/info/gcc.list": "", "var/lib/dpkg/status": BASE})
    for path in ("bin/bash", "/bin/bash", "usr/bin/bash"):
        assert name_of(packages.owner(path)) == "bash"
    assert packages.installed["bash"].files == ("usr/bin/bash",)
    assert packages.owner("usr/bin/gcc-12") is None
    assert name_of(packages.owner("bin/gcc-12", layer=1)) == "gcc"
    assert packages.owner("usr/bin/gcc-12", layer=0) is None
    assert packages.owner("usr") is None
    assert set(names(packages.owners("usr", layer=1))) == {"bash", "gcc", "libc6", "python3"}
    assert name_of(packages.owner("usr/lib/python3", layer=1)) == "python3"
    assert packages.owner("srv/app") is None


def test_owner_of_what_was_moved_by_a_later_merge() -> None:
    before = {"bin/": "", "bin/bash": "b", "var/lib/dpkg/status": BASE, "var/lib/dpkg/info/bash.list": "/.\n/bin\n/bin/bash\n"}
    packages = packages_of(before, {"-bin/bash": "", "bin": "-> usr/bin", "usr/bin/bash": "b"})
    assert name_of(packages.owner("usr/bin/bash")) == "bash"
    assert name_of(packages.owner("bin/bash")) == "bash"


def test_owner_inferred() -> None:
    packages = packages_of(DEBIAN, GCC)
    made = [
        "usr/bin/cc",
        "etc/alternatives/cc",
        "usr/lib/python3/__pycache__/x.cpython-311.pyc",
        "var/lib/dpkg/info/libc6:amd64.list",
    ]
    assert [packages.owner(path) for path in made] == [None] * 4
    assert [name_of(packages.owner(path, inferred=True)) for path in made] == ["gcc", "gcc", "python3", "libc6"]


def test_dependencies() -> None:
    packages = packages_of(DEBIAN, GCC)
    assert list(packages.dependencies("gcc")) == ["exim", "libc6", "libgcc-s1", "mawk", "python3"]
    assert list(packages.dependencies(["gcc", "mawk"])) == ["exim", "libc6", "libgcc-s1", "python3"]
    assert list(packages.dependencies("libc6", layer=0)) == ["libgcc-s1"]
    assert packages.dependencies("nothing") == {}
    # gcc and python3 need each other: one of them stands for both.
    assert packages.roots(["gcc", "python3", "libc6", "bash"]) == ["bash", "python3"]


def test_architectures_of_one_name() -> None:
    foreign = stanza("libc6").replace("amd64", "i386") + stanza("libz", Depends="libc6").replace("amd64", "i386")
    status = {"var/lib/dpkg/status": foreign + BASE, "var/lib/dpkg/info/libc6:i386.list": "/lib/i386/libc.so.6\n"}
    packages = packages_of(DEBIAN, status)
    assert packages.installed["libc6"].architecture == "amd64"
    assert packages.installed["libc6:i386"].files == ("lib/i386/libc.so.6",)
    assert list(packages.dependencies("libz")) == ["libc6:i386"]


def test_diversions_move_ownership() -> None:
    divert = {
        "bin/sh.distrib": "old",
        "bin/sh": "new",
        "var/lib/dpkg/status": stanza("dash") + stanza("shell"),
        "var/lib/dpkg/diversions": "/bin/sh\n/bin/sh.distrib\nshell\n",
        "var/lib/dpkg/info/dash.list": "/bin\n/bin/sh\n",
        "var/lib/dpkg/info/shell.list": "/bin\n/bin/sh\n",
    }
    packages = packages_of(divert)
    assert name_of(packages.owner("bin/sh")) == "shell"
    assert name_of(packages.owner("bin/sh.distrib")) == "dash"


def test_distroless_has_a_file_per_package_and_no_status() -> None:
    packages = packages_of(
        {
            "var/lib/dpkg/status.d/libssl3": stanza("libssl3", status=""),
            "var/lib/dpkg/status.d/libssl3.md5sums": "d41d8cd98f00b204e9800998ecf8427e  usr/lib/libssl.so.3\n",
            "usr/lib/libssl.so.3": "s",
        }
    )
    assert name_of(packages.owner("usr/lib/libssl.so.3")) == "libssl3"


APK = """C:Q1abc=
P:musl
V:1.2.4-r2
A:x86_64
S:383152
I:622592
T:the musl c library
o:musl
p:so:libc.musl-x86_64.so.1=1
F:lib
R:ld-musl-x86_64.so.1
a:0:0:755
Z:Q1xyz=
R:libc.musl-x86_64.so.1

P:busybox
V:1.36
D:so:libc.musl-x86_64.so.1 !other
p:/bin/sh cmd:sh=1.36
F:bin
M:0:0:755
R:busybox
F:etc

"""


def test_apk_by_layer() -> None:
    build = (
        "P:.build-deps\nV:20240101\nD:gcc>12 cmd:sh busybox~1\n\nP:gcc\nV:13\nD:so:libc.musl-x86_64.so.1\nF:usr/bin\nR:gcc\n\n"
    )
    packages = packages_of(
        {"lib/ld-musl-x86_64.so.1": "x", "bin/busybox": "x", "lib/apk/db/installed": APK, "etc/apk/world": "musl busybox>=1\n"},
        {"usr/bin/gcc": "x", "lib/apk/db/installed": APK + build, "etc/apk/world": "musl\nbusybox>=1\n.build-deps=1\n"},
        {"lib/apk/db/installed": APK, "-usr/bin/gcc": ""},
    )
    assert names(packages.added(1)) == [".build-deps", "gcc"]
    assert names(packages.removed(2)) == [".build-deps", "gcc"]
    assert packages.installed["musl"].manual is True
    assert packages.at(1)["gcc"].manual is False
    assert packages.at(1)[".build-deps"].manual is True
    assert list(packages.dependencies(".build-deps", layer=1)) == ["busybox", "gcc", "musl"]
    assert name_of(packages.owner("lib/ld-musl-x86_64.so.1")) == "musl"
    assert name_of(packages.owner("usr/bin/gcc", layer=1)) == "gcc"
    assert packages.installed["busybox"].files == ("bin/busybox",)


def test_apk_on_merged_usr() -> None:
    for layer in (
        {"usr/lib/apk/db/installed": APK, "usr/lib/ld-musl-x86_64.so.1": "x", "lib": "-> usr/lib"},
        {"lib/apk/db/installed": APK, "lib/ld-musl-x86_64.so.1": "x", "usr/lib": "-> ../lib"},
    ):
        packages = packages_of(layer)
        assert len(packages.installed) == 2
        for path in ("lib/ld-musl-x86_64.so.1", "usr/lib/ld-musl-x86_64.so.1"):
            assert name_of(packages.owner(path)) == "musl"


def test_a_deleted_database_uninstalls_nothing() -> None:
    packages = packages_of(DEBIAN, {"-var/lib/dpkg": ""})
    assert packages.installed == {}
    assert packages.removed(1) == []
    assert name_of(packages.owner("bin/bash", layer=0)) == "bash"


def test_an_unknown_database_keeps_what_was_known() -> None:
    packages = packages_of(DEBIAN, {"var/lib/dpkg/status": None}, GCC)
    assert [packages.known(layer) for layer in range(3)] == [True, False, True]
    assert packages.added(1) == packages.removed(1) == []
    assert "gcc" in names(packages.added(2))


def test_a_database_is_parsed_once_per_content() -> None:
    image, table = made_image(DEBIAN, {"var/lib/dpkg/status-old": "x"}, {"var/lib/dpkg/lock": "x"})
    packages = read_packages(image, table)
    assert packages.at(0)["bash"] is packages.at(2)["bash"]
    contents = image.layers[0].contents
    assert isinstance(contents, MadeContents)
    reads = contents.reads
    packages.at(1), packages.owner("bin/bash"), packages.dependencies("bash")
    assert contents.reads == reads


lines = st.one_of(
    st.binary(max_size=30),
    st.sampled_from(
        [
            b"Package: a",
            b"P:a",
            b"F:",
            b"R:x",
            b"Status: install ok installed",
            b"",
            b" x",
            b"Depends: |, a (",
            b"/.",
            b"Installed-Size: 99999999999999999999",
        ]
    ),
)


@settings(max_examples=60, deadline=None)
@given(*[st.lists(lines, max_size=8).map(b"\n".join)] * 5)
def test_broken_databases_never_raise(status: bytes, listed: bytes, apk: bytes, world: bytes, states: bytes) -> None:
    packages = packages_of(
        {
            "var/lib/dpkg/status": status,
            "var/lib/dpkg/info/a.list": listed,
            "var/lib/dpkg/diversions": listed,
            "lib/apk/db/installed": apk,
            "etc/apk/world": world,
            "var/lib/apt/extended_states": states,
        }
    )
    for name, package in packages.installed.items():
        assert (name + package.version + "".join(package.files)).isprintable()
        packages.dependencies(name)
        for path in package.files:
            assert packages.owner(path)
