"""Bytes that later layers hid: each kind with a hit and a near miss."""

from __future__ import annotations

from waste_scenes import F, look

DOCKERFILE = "FROM debian\nRUN one\nRUN two\nRUN three\n"
HISTORY = ["RUN /bin/sh -c one # buildkit", "RUN /bin/sh -c two # buildkit", "RUN /bin/sh -c three # buildkit"]


def test_a_deleted_directory_is_one_finding_with_both_lines() -> None:
    seen = look(
        {"etc": None},
        {"opt/tool/bin/a": 100, "opt/tool/lib/b": 50, "opt/tool/empty": None, "opt/keep": 7},
        {"opt/.wh.tool": b""},
        base=1,
        dockerfile=DOCKERFILE,
        history=HISTORY[:2],
    )
    (found,) = seen.report.findings
    assert (found.kind, found.bytes, found.layer, found.line) == ("deleted-later", 150, 1, 2)
    assert found.hidden_by is not None
    assert (found.hidden_by.layer, found.hidden_by.line) == (2, 3)
    assert found.paths == ("opt/tool",)
    assert found.title == "/opt/tool: added in layer 1, deleted in layer 2"
    assert (found.confidence, found.in_base, found.id) == ("A", False, "A1")
    assert (seen.report.hidden, seen.report.removable, seen.report.total) == (150, 0, 150)


def test_an_opaque_directory_deletes_what_it_does_not_bring_back() -> None:
    seen = look({"d/a": 10, "d/b": 20}, {"d/.wh..wh..opq": b"", "d/b": 5})
    assert sorted(seen.brief) == [("deleted-later", 0, 10, ("d/a",)), ("overwritten-later", 0, 20, ("d/b",))]


def test_a_whiteout_of_nothing_and_of_an_empty_directory_is_no_finding() -> None:
    assert look({"d": None, "e": b""}, {".wh.d": b"", ".wh.e": b"", ".wh.never": b""}).report.findings == ()


def test_a_hard_link_that_lives_keeps_the_bytes() -> None:
    seen = look({"a": 100, "b": F(hard="a")}, {".wh.a": b""})
    assert seen.report.findings == ()
    seen = look({"a": 100, "b": F(hard="a")}, {".wh.a": b""}, {".wh.b": b""})
    (found,) = seen.report.findings
    assert (found.bytes, found.layer, found.hidden_by and found.hidden_by.layer) == (100, 0, 2)


def test_hidden_bytes_of_the_base_are_told_only_where_asked_and_never_counted() -> None:
    trees = ({"a": 10}, {"b": 20}, {".wh.a": b"", ".wh.b": b""})
    seen = look(*trees, base=1)
    assert [(finding.layer, finding.in_base) for finding in seen.report.findings] == [(1, False)]
    assert (seen.report.hidden, seen.report.total) == (30, 20)
    seen = look(*trees, base=1, in_base=True)
    assert [(finding.layer, finding.in_base) for finding in seen.report.findings] == [(1, False), (0, True)]
    assert (seen.report.hidden, seen.report.total) == (30, 20)


def test_an_overwritten_file_wastes_the_earlier_copy_only() -> None:
    seen = look({"etc/conf": 1000}, {"etc/conf": 3000})
    assert seen.brief == [("overwritten-later", 0, 1000, ("etc/conf",))]
    assert "overwritten in layer 1" in seen.report.findings[0].title
    again = look({"etc/conf": F(b"x" * 9)}, {"etc/conf": F(b"x" * 9)})
    assert again.brief == [("overwritten-later", 0, 9, ("etc/conf",))]
    assert "written again unchanged" in again.report.findings[0].title


def test_a_new_owner_mode_or_time_copies_the_file() -> None:
    for change in (F(b"same" * 50, uid=7), F(b"same" * 50, mode=0o755), F(b"same" * 50, mtime=2000)):
        seen = look({"srv/app": F(b"same" * 50)}, {"srv/app": change})
        assert seen.brief == [("metadata-only-copy", 0, 200, ("srv/app",))]
    other = look({"srv/app": F(b"same" * 50)}, {"srv/app": F(b"Same" * 50, uid=7)})
    assert [finding.kind for finding in other.report.findings] == ["overwritten-later"]


def test_a_file_that_moves_is_stored_twice() -> None:
    body = F(b"m" * 5000)
    seen = look({"tmp1/app": body}, {"srv/app": body, "tmp1/.wh.app": b""})
    (found,) = seen.kind("moved")
    assert (found.bytes, found.layer, found.paths) == (5000, 0, ("tmp1/app",))
    assert seen.kind("deleted-later") == []


def test_one_chown_is_one_finding() -> None:
    before = {f"srv/{name}": F(name.encode() * 90_000) for name in ("a/x", "b/y", "b/z")}
    after = {path: F(file.data, uid=9) for path, file in before.items()}
    seen = look({**before, "srv/c": 1}, after)
    (found,) = seen.report.findings
    assert (found.kind, found.bytes, found.paths) == ("metadata-only-copy", 810_000, ("srv/a/x", "srv/b/y", "srv/b/z"))
    assert found.title.startswith("3 files in /srv: ")


def test_near_misses_of_a_move() -> None:
    body = F(b"m" * 5000)
    # Deleted one layer after the copy came: the copy was no move.
    assert look({"a/app": body}, {"b/app": body}, {"a/.wh.app": b""}).kind("moved") == []
    # Another content of the same size.
    assert look({"a/app": body}, {"b/app": F(b"n" * 5000), "a/.wh.app": b""}).kind("moved") == []
    # Small and under another name: chance.
    assert look({"a/x": F(b"1\n")}, {"b/y": F(b"1\n"), "a/.wh.x": b""}).kind("moved") == []
    # The other path was there before.
    assert look({"a/app": body, "b/app": body}, {"b/app": F(b"m" * 5000, uid=3), "a/.wh.app": b""}).kind("moved") == []


def test_what_a_move_or_a_new_owner_explains_is_told_once() -> None:
    body = F(b"m" * 5000)
    seen = look({"a/app": body, "c": 900}, {"b/app": body, "a/.wh.app": b"", "c": F(b"c" * 900, uid=1), ".wh.none": b""})
    assert sum(finding.bytes for finding in seen.report.findings) == seen.report.hidden == 5900


def test_many_small_leavings_are_one_finding() -> None:
    tree = {f"var/d{number}/f": 10 for number in range(50)}
    gone = {f"var/d{number}/.wh.f": b"" for number in range(50)}
    seen = look({**tree, "opt/big/x": 200_000}, {**gone, "opt/.wh.big": b""})
    assert sorted(finding.bytes for finding in seen.report.findings) == [500, 200_000]
    assert {len(finding.paths) for finding in seen.report.findings} == {1, 50}


def test_a_purged_package_is_one_finding() -> None:
    from waste_scenes import status

    gcc = {"Package": "gcc-12", "Section": "devel"}
    files = {"usr/bin/gcc-12": 4000, "usr/lib/gcc/cc1": 90_000, "usr/share/gcc/x": 100_000}
    info = {"var/lib/dpkg/info/gcc-12.list": ("/.\n" + "".join(f"/{path}\n" for path in files)).encode()}
    seen = look(
        {"var/lib/dpkg/status": status({"Package": "libc6"}), "usr/bin/keep": 1, "usr/lib/keep": 1, "usr/share/keep": 1},
        {"var/lib/dpkg/status": status({"Package": "libc6"}, gcc), **files, **info},
        {
            "var/lib/dpkg/status": status({"Package": "libc6"}),
            "usr/bin/.wh.gcc-12": b"",
            "usr/lib/.wh.gcc": b"",
            "usr/share/.wh.gcc": b"",
            "var/lib/dpkg/info/.wh.gcc-12.list": b"",
        },
        base=1,
    )
    found = max(seen.kind("deleted-later"), key=lambda finding: finding.bytes)
    assert found.bytes == 194_000
    assert found.title == "packages gcc-12: added in layer 1, deleted in layer 2"
    assert seen.kind("compiler") == []
