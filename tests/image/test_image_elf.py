"""ELF facts, against pyelftools on the binaries of this machine and against damaged files."""

from __future__ import annotations

import io
import struct
import sys
from pathlib import Path

import pytest
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import Section
from elftools.elf.segments import InterpSegment
from evil_elf import many_dynamic_segments, many_string_tables, names_in_names
from hypothesis import given, settings
from hypothesis import strategies as st

from msbtui.image import elf
from msbtui.image.elf import elf_facts


def _real_files() -> list[Path]:
    """Binaries of this machine of every size up to 8 MB; at most 60, so that the test stays short."""
    found: list[Path] = [Path(sys.executable).resolve()]
    for folder in ("/usr/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/bin", "/usr/lib/gcc"):
        if Path(folder).is_dir():
            files = sorted(path for path in Path(folder).glob("*") if path.is_file() and not path.is_symlink())
            elf = [path for path in files if 0 < path.stat().st_size < 8 << 20 and path.read_bytes()[:4] == b"\x7fELF"]
            found += elf[:: max(len(elf) // 25, 1)]
    return found[:60]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="there are no ELF files to read")
def test_real_binaries_are_read_as_pyelftools_reads_them() -> None:
    files = _real_files()
    assert files
    for path in files:
        data = path.read_bytes()
        oracle = ELFFile(io.BytesIO(data))
        facts = elf_facts(data)
        assert facts is not None
        tags: dict[str, list[str]] = {}
        interpreter = ""
        for segment in oracle.iter_segments():
            if isinstance(segment, DynamicSegment):
                for tag in segment.iter_tags():
                    if tag.entry.d_tag in ("DT_NEEDED", "DT_SONAME", "DT_RPATH", "DT_RUNPATH"):
                        text = getattr(tag, tag.entry.d_tag[3:].lower())
                        tags.setdefault(tag.entry.d_tag, []).append(text)
            elif isinstance(segment, InterpSegment):
                interpreter = segment.get_interp_name()

        def is_debug(section: Section) -> bool:
            return section.name.startswith((".debug_", ".zdebug_")) or section.name in (".symtab", ".strtab")

        debug = sum(s["sh_size"] for s in oracle.iter_sections() if is_debug(s) and s["sh_type"] != "SHT_NOBITS")
        assert (facts.machine, facts.bits, facts.kind) == (oracle["e_machine"], oracle.elfclass, oracle["e_type"]), path
        assert facts.interpreter == interpreter, path
        assert list(facts.needed) == tags.get("DT_NEEDED", []), path
        assert facts.soname == "".join(tags.get("DT_SONAME", [])), path
        assert list(facts.rpath) == [part for text in tags.get("DT_RPATH", []) for part in text.split(":") if part], path
        assert list(facts.runpath) == [part for text in tags.get("DT_RUNPATH", []) for part in text.split(":") if part], path
        assert facts.debug_bytes == debug, path
        assert all(name.startswith("lib") and ".so" in name and name not in facts.needed for name in facts.libraries)
        assert all(name.startswith("/") and len(name) <= 256 for name in facts.paths)


def build(
    *,
    wide: bool = True,
    big: bool = False,
    dynamic: list[tuple[int, bytes]] = [],  # noqa: B006
    interpreter: bytes = b"/lib/ld.so.1",
    data: bytes = b"",
    sections: bool = True,
    hollow: bool = False,
    code: bytes = b".text",
) -> bytes:
    """A small shared object of either width and byte order; the strings of `dynamic` go to its string table."""
    order = ">" if big else "<"
    word = "Q" if wide else "I"
    head_size, ph_size, sh_size = (64, 56, 64) if wide else (52, 32, 40)
    strings, entries = b"\0", []
    for tag, text in dynamic:
        entries.append((tag, len(strings)))
        strings += text + b"\0"
    start = head_size + 3 * ph_size
    base = 0x400000
    interp = interpreter + b"\0"
    at_strings = start + len(interp)
    at_dynamic = at_strings + len(strings)
    table = b"".join(
        struct.pack(order + word * 2, *entry) for entry in [*entries, (5, base + at_strings), (10, len(strings)), (0, 0), (1, 1)]
    )
    at_data = at_dynamic + len(table)
    names = b"\0.dynamic\0.dynstr\0.rodata\0" + code + b"\0.debug_info\0.symtab\0.shstrtab\0"
    at_names = at_data + len(data)
    at_sections = at_names + len(names)

    def segment(kind: int, offset: int, size: int) -> bytes:
        if wide:
            return struct.pack(order + "IIQQQQQQ", kind, 5, offset, base + offset, 0, size, size, 1)
        return struct.pack(order + "IIIIIIII", kind, offset, base + offset, 0, size, size, 5, 1)

    def section(name: bytes, kind: int, flags: int, offset: int, size: int) -> bytes:
        number = names.index(b"\0" + name + b"\0") + 1 if name else 0
        layout = "IIQQQQIIQQ" if wide else "IIIIIIIIII"
        return struct.pack(order + layout, number, kind, flags, 0, offset, size, 0, 0, 1, 0)

    table_of_sections = [
        section(b"", 0, 0, 0, 0),
        section(b".dynamic", 8 if hollow else 6, 3, at_dynamic, len(table)),
        section(b".dynstr", 3, 2, at_strings, len(strings)),
        section(b".rodata", 1, 2, at_data, len(data) // 2),
        section(code, 1, 2 if code != b".text" else 6, at_data + len(data) // 2, len(data) - len(data) // 2),
        section(b".debug_info", 1, 0, 0, 40),
        section(b".symtab", 2, 0, 0, 24),
        section(b".symtab", 2, 0, 0, 1 << 30),
        section(b".shstrtab", 3, 0, at_names, len(names)),
    ]
    count = len(table_of_sections) if sections else 0
    ident = b"\x7fELF" + bytes([2 if wide else 1, 2 if big else 1, 1]) + bytes(9)
    layout = "HHIQQQIHHHHHH" if wide else "HHIIIIIHHHHHH"
    fields = (
        3,
        62,
        1,
        0,
        head_size,
        at_sections if sections else 0,
        0,
        head_size,
        ph_size,
        3,
        sh_size,
        count,
        count - 1 if count else 0,
    )
    head = ident + struct.pack(order + layout, *fields)
    segments = segment(1, 0, at_sections) + segment(3, start, len(interp)) + segment(2, at_dynamic, len(table))
    return head + segments + interp + strings + table + data + names + b"".join(table_of_sections[:count])


DYNAMIC = [
    (1, b"libz.so.1"),
    (1, b"libc.so.6"),
    (14, b"libme.so.2"),
    (15, b"/opt/lib:$ORIGIN/../lib"),
    (29, b"/run"),
    (1, b"\xff\n"),
]


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("big", [True, False])
def test_both_widths_and_byte_orders(wide: bool, big: bool) -> None:
    facts = elf_facts(build(wide=wide, big=big, dynamic=DYNAMIC))
    assert facts is not None
    assert (facts.machine, facts.bits, facts.kind, facts.interpreter) == (
        "EM_X86_64",
        64 if wide else 32,
        "ET_DYN",
        "/lib/ld.so.1",
    )
    assert facts.needed == ("libz.so.1", "libc.so.6", "\\xff\\x0a")
    assert facts.soname == "libme.so.2"
    assert facts.rpath == ("/opt/lib", "$ORIGIN/../lib")
    assert facts.runpath == ("/run",)
    assert facts.debug_bytes == 64


def test_names_in_strings_come_from_loaded_data_only() -> None:
    readable = b"\0/etc/service.conf\0see /usr/share/x\0not/absolute\0https://host/path\0/etc/service.conf\0"
    readable += b"dlopen libssl.so.3\0libz.so.1\0mylibq.so\0libr.sort\0"
    code = b"\0/not/data\0libcode.so.1\0".ljust(len(readable), b"\0")
    facts = elf_facts(build(dynamic=DYNAMIC, data=readable + code))
    assert facts is not None
    assert facts.paths == ("/etc/service.conf", "/usr/share/x")
    assert facts.libraries == ("libssl.so.3",)
    without = elf_facts(build(dynamic=DYNAMIC, data=readable + code, sections=False))
    assert without is not None
    assert {"/not/data", "/etc/service.conf"} <= set(without.paths)
    assert without.libraries == ("libssl.so.3", "libcode.so.1")


def test_a_go_program_says_which_functions_are_linked_in_and_where_paths_may_stand() -> None:
    strings = b"\0go:buildid/etc/app.yaml3814697265625 per cent/srv/data"
    table = b"\0runtime.main\0time.LoadLocationFromTZData\0os.TempDir\0main.os.startProcess\0x"
    half = max(len(strings), len(table))
    data = strings.ljust(half, b"\0") + table.ljust(half, b"\0")
    facts = elf_facts(build(data=data, code=b".gopclntab"))
    assert facts is not None
    assert facts.language == "go"
    assert facts.functions == ("os.TempDir", "runtime.main")
    assert facts.runs.splitlines() == ["/etc/app.yaml3814697265625", "/srv/data"]
    cut = elf_facts(build(data=data.replace(b"runtime.main", b"runtime.mine"), code=b".data.rel.ro.gopclntab"))
    assert cut is not None
    assert (cut.language, cut.functions) == ("go", ())
    many = b"\0".join(b"/path/%08d" % number for number in range(80_000))
    full = elf_facts(build(data=many + table.ljust(len(many), b"\0"), code=b".gopclntab"))
    assert full is not None
    assert (full.language, full.functions, full.runs) == ("go", (), "")
    other = elf_facts(build(data=data))
    assert other is not None
    assert (other.language, other.functions, other.runs) == ("", (), "")


def test_the_functions_that_start_programs_are_found_among_the_names_of_symbols() -> None:
    names = [(1, b"libc.so.6"), (0x7000, b"execvp"), (0x7000, b"my_system"), (0x7000, b"popen"), (0x7000, b"systemd")]
    data = b"\0execve\0git\0digit \0cd x && curl -s y\0/usr/bin/tar \0wget-list\0"
    facts = elf_facts(build(dynamic=names, data=data.ljust(2 * len(data), b"\0")))
    assert facts is not None
    assert facts.functions == ("execvp", "popen")
    assert facts.commands == ("curl", "git", "tar")
    assert elf_facts(build(data=data.ljust(2 * len(data), b"\0"))).commands == ()  # type: ignore[union-attr]
    assert elf_facts(build(dynamic=names, big=True, wide=False)).functions == ("execvp", "popen")  # type: ignore[union-attr]


def test_a_program_that_unpacks_itself_is_known_as_one() -> None:
    facts = elf_facts(build(data=b"UPX!" + bytes(40), sections=False))
    assert facts is not None
    assert facts.language == "packed"


def test_what_is_kept_of_strings_is_bounded() -> None:
    data = b"".join(b"/path/%d\0libx%d.so\0" % (n, n) for n in range(5000)) + b"/" + b"x" * 300 + b"\0"
    facts = elf_facts(build(data=data, sections=False))
    assert facts is not None
    assert len(facts.paths) == 2000
    assert len(facts.libraries) == 200
    assert all(len(path) <= 256 for path in facts.paths)


@pytest.mark.parametrize("tag", [1, 15, 29])
def test_names_that_share_their_bytes_are_not_kept_beyond_what_the_file_has(tag: int) -> None:
    data = names_in_names(tag)
    facts = elf_facts(data)
    assert facts is not None
    kept = sum(len(name) for name in (*facts.needed, *facts.rpath, *facts.runpath))
    assert 0 < kept < 4 * len(data)


def test_a_string_table_is_looked_for_once_however_often_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = 0
    before = elf._Elf._offset_of

    def counted(self: elf._Elf, address: int) -> int | None:
        nonlocal looked
        looked += 1
        return before(self, address)

    monkeypatch.setattr(elf._Elf, "_offset_of", counted)
    assert elf_facts(many_string_tables()) is not None
    assert looked == 1
    looked = 0
    assert elf_facts(many_dynamic_segments()) is not None
    assert looked == 0


def test_parts_of_a_file_are_searched_once_however_often_they_are_named() -> None:
    assert elf._joined([(5, 9), (0, 3), (2, 4), (5, 9), (9, 12), (20, 20)]) == [(0, 4), (5, 12)]


def test_a_file_of_debug_symbols_alone_has_no_dynamic_section() -> None:
    facts = elf_facts(build(dynamic=DYNAMIC, hollow=True))
    assert facts is not None
    assert (facts.needed, facts.soname) == ((), "")


@pytest.mark.parametrize("data", [b"", b"\x7fELF", b"#!/bin/sh\n" * 20, b"\x7fELF\3\1" + bytes(100), b"\x7fELF\2\3" + bytes(100)])
def test_what_is_no_elf_file(data: bytes) -> None:
    assert elf_facts(data) is None


def test_every_cut_and_a_memoryview_is_survived() -> None:
    data = build(dynamic=DYNAMIC, data=b"/a/path/here\0libq.so\0")
    assert elf_facts(memoryview(data)) == elf_facts(data)
    for end in range(len(data)):
        facts = elf_facts(data[:end])
        assert facts is None or facts.debug_bytes <= end


@settings(deadline=None, max_examples=400)
@given(st.data())
def test_damage_never_raises(data: st.DataObject) -> None:
    damaged = bytearray(
        build(wide=data.draw(st.booleans()), big=data.draw(st.booleans()), dynamic=DYNAMIC, data=b"/some/path\0" * 9)
    )
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(4, len(damaged) - 1))
        value = data.draw(
            st.one_of(
                st.binary(min_size=1, max_size=1), st.sampled_from([b"\xff" * 2, b"\xff" * 8, bytes(8), b"\x7f" + b"\xff" * 7])
            )
        )
        damaged[at : at + len(value)] = value[: len(damaged) - at]
    facts = elf_facts(bytes(damaged))
    assert facts is None or 0 <= facts.debug_bytes <= len(damaged)
