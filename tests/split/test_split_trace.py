"""What a trace of strace says was opened, as the image has it: read from real lines, bounded by what the image holds."""

from __future__ import annotations

import pytest

from msbtui.image.model import Kind
from msbtui.split.repair import Additions
from msbtui.split.trace import files, named


@pytest.mark.parametrize(
    ("line", "names"),
    [
        (rb'openat(AT_FDCWD</app>, "conf/a.ini", O_RDONLY|O_CLOEXEC) = 3</app/conf/a.ini>', {"app/conf/a.ini"}),
        (rb'[pid    12] openat(AT_FDCWD</app>, "/etc/os-release", O_RDONLY) = 3</usr/lib/os-release>',
         {"etc/os-release", "usr/lib/os-release"}),
        (rb'open("/etc/x", O_RDONLY) = 4</etc/x>', {"etc/x"}),
        (rb'openat(5</srv/data>, "../y", O_RDONLY|O_DIRECTORY) = 6</srv/y>', {"srv/y"}),
        (rb'openat2(AT_FDCWD</>, "z", {flags=O_RDONLY, resolve=RESOLVE_IN_ROOT}, 24) = 3</z>', {"z"}),
        # a call that another process cut into: the name stands in one line, what it led to in another
        (rb'[pid 7] openat(AT_FDCWD</>, "/a", O_RDONLY <unfinished ...>' + b"\n" + rb"[pid 7] <... openat resumed>)  = 3</b>",
         {"a", "b"}),
        (rb'[pid 9] execve("/usr/bin/cat", ["cat", "/x"], 0x561a8b381a80 /* 8 vars */) = 0', {"usr/bin/cat"}),
        (rb'execve("./run.sh", ["./run.sh"], 0x7ffc /* 2 vars */) = 0', {"work/run.sh"}),
        (rb'execveat(3</opt/tool>, "", ["tool"], 0x7f /* 1 var */, AT_EMPTY_PATH) = 0', {"opt/tool"}),
        # what failed was not opened
        (rb'openat(AT_FDCWD</>, "/nothing", O_RDONLY) = -1 ENOENT (No such file or directory)', set()),
        (rb'execve("/usr/local/sbin/cat", ["cat"], 0x55 /* 8 vars */) = -1 ENOENT (No such file or directory)', set()),
        # no file of the image
        (rb'openat(AT_FDCWD</>, "x"..., O_RDONLY) = -1 ENAMETOOLONG (File name too long)', set()),
        (rb"accept4(3<TCP:[0.0.0.0:80]>, NULL, NULL, 0) = 4<socket:[77]>", set()),
        # strace's escapes: quotes, a greater sign, and bytes that are no ASCII
        (rb'openat(AT_FDCWD</>, "/d/a\"b\\c\n", O_RDONLY) = 3</d/a"b\\c\n>', {'d/a"b\\c\\x0a'}),
        (rb'openat(AT_FDCWD</>, "/d/\303\251\76", O_RDONLY) = 3</d/\303\251\76>', {"d/é>"}),
    ],
)  # fmt: skip
def test_names_that_a_line_says_were_opened(line, names):
    assert named(line + b"\n", "/work") == names


def test_a_program_that_writes_into_the_trace_breaks_nothing():
    """Its stderr and the trace are one stream: half lines, made-up lines, no lines at all."""
    assert named(b'half a line[pid 3] openat(AT_FDCWD</>, "/a", O_RDONLY) = 3</a>\n') == {"a"}
    assert named(b'openat(AT_FDCWD</>, "/../../etc/shadow", O_RDONLY) = 3</etc/shadow>\n') == {"etc/shadow"}
    assert named(b"openat(AT_FDCWD<" + b"\\" * 9999 + b'"' * 9999 + b"\xff\x00>" * 999) == set()


class Fake:
    """The few questions that are asked of a view."""

    def __init__(self, kinds: dict[str, Kind], links: dict[str, str] | None = None) -> None:
        self.kinds, self.links = kinds, links or {}

    def canonical(self, path: str) -> str | None:
        return path if path in self.kinds else None

    def kind(self, path: str) -> Kind | None:
        return self.kinds.get(path)

    def is_dir(self, path: str) -> bool:
        return self.kinds.get(self.links.get(path, path)) is Kind.DIRECTORY

    def children(self, path: str) -> list[str]:
        return [other for other in self.kinds if other.startswith(path + "/")]

    def executable(self, path: str) -> bool:
        return path.startswith("bin/")

    def text(self, path: str, limit: int) -> bytes:
        return b"#!/usr/bin/env python3\n" if path == "bin/script" else b""

    def find_command(self, word: str) -> str | None:
        return {"/usr/bin/env": "usr/bin/env", "python3": "usr/bin/python3"}.get(word)


def test_only_what_the_image_has_is_taken():
    view = Fake(
        {
            "app": Kind.DIRECTORY, "app/a": Kind.FILE, "app/full": Kind.DIRECTORY, "app/full/b": Kind.FILE,
            "app/empty": Kind.DIRECTORY, "app/link": Kind.SYMLINK, "tmp/x": Kind.FILE, "proc/1": Kind.FILE,
            "etc/passwd": Kind.FILE, "bin/script": Kind.FILE,
            "app/pipe": Kind.FIFO, "app/to-full": Kind.SYMLINK,
        },
        {"app/link": "app/a", "app/to-full": "app/full"},
    )  # fmt: skip
    names = [
        "",
        "nothing",
        "app/a",
        "app/full",
        "app/empty",
        "app/link",
        "tmp/x",
        "proc/1",
        "etc/passwd",
        "app/pipe",
        "app/to-full",
    ]
    assert files(names, view) == {"app/a", "app/empty", "app/link"}  # type: ignore[arg-type]
    assert files(["bin/script"], view) == {"bin/script", "usr/bin/env", "usr/bin/python3"}  # type: ignore[arg-type]


def test_what_was_opened_stays_with_its_reason_while_checks_add_more():
    first = Additions(opened={"a": "opened while x ran"})
    both = first | Additions(paths=("b",))
    assert both
    assert both.opened == {"a": "opened while x ran"}
    assert both.words() == ("/b",)
    assert not Additions(opened={"a": "again"}).without(first)
