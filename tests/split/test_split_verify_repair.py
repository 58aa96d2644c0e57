"""What an output teaches: each kind of message names what the new image lacks, and nothing else."""

from __future__ import annotations

import pytest
from split_world import DEBIAN, DEBIAN_PACKAGES, PATH, D, F, L, P, dpkg, elf, library, script, view

from msbtui.image.model import ImageConfig
from msbtui.split.compare import commands, libraries, links, scripts
from msbtui.split.model import Check, Plan
from msbtui.split.repair import MOST, Additions, additions, missing_in

CONFIG = ImageConfig(env=(PATH,), cmd=("app",), workdir="/srv/app")
SITE = "usr/local/lib/python3.11/site-packages"
PACKAGES = {**DEBIAN_PACKAGES, "tzdata": P(["usr/share/zoneinfo/Europe/Berlin"]), "curl": P(["usr/bin/curl"], "web")}
MORE = {
    **dpkg(PACKAGES),
    "usr/share/zoneinfo/Europe/Berlin": F("zone"),
    "usr/bin/curl": elf("libc.so.6"),
    "usr/local/bin/app": elf("libx.so.1"),
    "usr/local/lib/libx.so.1": L("libx.so.1.2"),
    "usr/local/lib/libx.so.1.2": library("libx.so.1"),
    "srv/app/config/site.yml": F("a: 1"),
    "srv/app/lib/util.js": F("exports = 1"),
    "srv/app/index.js": F("require('./lib/util')"),
    "srv/app/node_modules/left-pad/index.js": F("1"),
    "srv/app/node_modules/@scope/one/package.json": F("{}"),
    f"{SITE}/yaml/__init__.py": F(""),
    f"{SITE}/six.py": F(""),
    "usr/local/bundle/gems/rack-3.0/lib/rack.rb": F(""),
    "usr/local/share/perl/Foo/Bar.pm": F(""),
    "opt/classes/com/example/Main.class": F(""),
    "srv/data/unique.tsv": F("1"),
    "srv/app/logs": D(0o750, 33, 33),
    "etc/passwd": F(str(DEBIAN["etc/passwd"].text) + "worker:x:900:900::/nonexistent:/bin/false\n"),  # type: ignore[union-attr]
    "tmp/thing": F("x"),
}


def original():
    return view([("", {**DEBIAN, **MORE})], CONFIG, base_layers=0)


def new(*, with_: tuple[str, ...] = ()):
    return view([("", {**DEBIAN, **{path: MORE[path] for path in with_}})], CONFIG, base_layers=0)


@pytest.mark.parametrize(
    ("said", "lacks"),
    [
        ("app: error while loading shared libraries: libx.so.1: cannot open shared object file: No such file or directory",
         {"usr/local/lib/libx.so.1", "usr/local/lib/libx.so.1.2"}),
        ("ImportError: libx.so.1: cannot open shared object file", {"usr/local/lib/libx.so.1", "usr/local/lib/libx.so.1.2"}),
        ("ImportError: failed to find libx.  Check your installation", {"usr/local/lib/libx.so.1", "usr/local/lib/libx.so.1.2"}),
        ("OSError: cannot load library 'libx-1': libx-1: cannot open", {"usr/local/lib/libx.so.1", "usr/local/lib/libx.so.1.2"}),
        ("libx is not installed", {"usr/local/lib/libx.so.1", "usr/local/lib/libx.so.1.2"}),
        ("the libx of the manual", set()),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'config/site.yml'", {"srv/app/config/site.yml"}),
        ("open /srv/app/config/site.yml: no such file or directory", {"srv/app/config/site.yml"}),
        ("Error: ENOENT: no such file or directory, open '/srv/app/config/site.yml'", {"srv/app/config/site.yml"}),
        ("cat: config/site.yml: No such file or directory", {"srv/app/config/site.yml"}),
        ("cannot read unique.tsv: unique.tsv not found", {"srv/data/unique.tsv"}),
        ("ModuleNotFoundError: No module named 'yaml'", {f"{SITE}/yaml"}),
        ("ModuleNotFoundError: No module named 'yaml.loader'", set()),
        ("ModuleNotFoundError: No module named 'six'", {f"{SITE}/six.py"}),
        ("Error: Cannot find module 'left-pad'\nRequire stack:\n- /srv/app/index.js",
         {"srv/app/node_modules/left-pad", "srv/app/index.js"}),
        ("Error [ERR_MODULE_NOT_FOUND]: Cannot find package '@scope/one' imported from /srv/x.js",
         {"srv/app/node_modules/@scope/one"}),
        ("Error: Cannot find module './lib/util'\nRequire stack:\n- /srv/app/main.js", {"srv/app/lib/util.js"}),
        ("cannot load such file -- rack (LoadError)", {"usr/local/bundle/gems/rack-3.0"}),
        ("Can't locate Foo/Bar.pm in @INC (you may need to install the Foo::Bar module)", {"usr/local/share/perl/Foo"}),
        ("java.lang.ClassNotFoundException: com.example.Main", {"opt/classes/com"}),
        ("sh: 1: curl: not found", {"usr/bin/curl"}),
        ("bash: line 1: curl: command not found", {"usr/bin/curl"}),
        ('exec: "curl": executable file not found in $PATH: unknown', {"usr/bin/curl"}),
        ("env: 'curl': No such file or directory", {"usr/bin/curl"}),
        ("Error: spawn curl ENOENT", {"usr/bin/curl"}),
        ("unable to find user worker: no matching entries in passwd file", {"user:worker"}),
        ('nginx: [emerg] getpwnam("worker") failed', {"user:worker"}),
        ("zoneinfo._common.ZoneInfoNotFoundError: 'No time zone found with key Europe/Berlin'", {"package:tzdata"}),
        ("PermissionError: [Errno 13] Permission denied: '/srv/app/logs'", {"srv/app/logs"}),
        ("FileNotFoundError: [Errno 2] No such file or directory: '/srv/app/logs/today.log'", {"srv/app/logs"}),
        ("cannot create /tmp/thing", set()),
        ("No such file or directory: '/not/there/either'", set()),
        ("\x00\xff \x1b[31m /usr/bin/sh /etc ::: '' \"\" /", set()),
        ("", set()),
    ],
)  # fmt: skip
def test_a_message_names_what_is_missing(said, lacks):
    assert set(missing_in(said, original(), new())) == lacks
    assert set(missing_in(said.encode(), original(), new(), known=said.encode())) == set()


def test_what_is_there_is_not_missing():
    assert missing_in("open /usr/bin/curl: no such file", original(), new(with_=("usr/bin/curl",))) == ()
    assert missing_in("unable to find user worker", original(), new(with_=("etc/passwd",))) == ()


def test_an_output_that_names_everything_is_bounded():
    many = {f"srv/many/{number}.txt": F("x") for number in range(200)}
    before = view([("", {**DEBIAN, **many})], CONFIG, base_layers=0)
    said = "\n".join(f"cat: /{path}: No such file or directory" for path in many)
    assert len(missing_in(said, before, new())) == MOST


def test_the_directory_stands_for_what_is_in_it():
    said = "cannot open /srv/app/config\ncannot open /srv/app/config/site.yml"
    assert missing_in(said, original(), new()) == ("srv/app/config",)


def test_additions_come_from_failed_checks_only():
    checks = [
        Check("a", True, "", ("x",)),
        Check("b", False, "", ("srv/b", "user:w", "package:tzdata")),
        Check("c", False, "", ("srv/b",)),
    ]
    found = additions(checks)
    assert found == Additions(("srv/b",), ("tzdata",), ("w",))
    assert found.words() == ("/srv/b", "package tzdata", "user w")
    assert not found.without(found)
    assert (Additions(("a",)) | Additions(("b",), users=("u",))) == Additions(("a", "b"), (), ("u",))


def test_static_checks_name_what_they_miss():
    plan = Plan("split", (), "FROM x", kept=("usr/local/bin/app", "usr/local/bin/tool", "srv/link"))
    files = {**MORE, "usr/local/bin/tool": script("#!/usr/bin/curl\n"), "srv/link": L("data/unique.tsv")}
    before = view([("", {**DEBIAN, **files})], CONFIG, base_layers=0)
    after = view([("", {**DEBIAN, **{path: files[path] for path in plan.kept}})], CONFIG, base_layers=0)
    assert libraries(plan, before, after).lacks == ("usr/local/lib/libx.so.1", "usr/local/lib/libx.so.1.2")
    assert links(plan, before, after).lacks == ("srv/data/unique.tsv",)
    assert scripts(plan, before, after).lacks == ("usr/bin/curl",)
    assert commands(before, view([("", DEBIAN)], CONFIG)).lacks == ("usr/local/bin/app",)
