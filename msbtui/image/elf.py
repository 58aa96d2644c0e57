"""What an ELF file says of itself: headers, dynamic section, section sizes, and the names in its strings.

Source: System V gABI, chapters 4 (object files) and 5 (program loading and dynamic linking). Everything here is hostile
input: what lies outside the file is left out, and no input raises.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

from msbtui.image import golang
from msbtui.image.model import ElfFacts
from msbtui.regex import regex
from msbtui.text import printable_bytes

MAGIC: Final = b"\x7fELF"
STRINGS_LIMIT: Final = 128 << 20
"""Bytes from a file's start that are searched for names."""
_MACHINES: Final = {
    0: "EM_NONE", 2: "EM_SPARC", 3: "EM_386", 4: "EM_68K", 8: "EM_MIPS", 15: "EM_PARISC", 20: "EM_PPC", 21: "EM_PPC64",
    22: "EM_S390", 40: "EM_ARM", 42: "EM_SH", 43: "EM_SPARCV9", 50: "EM_IA_64", 62: "EM_X86_64", 83: "EM_AVR",
    94: "EM_XTENSA", 164: "EM_QDSP6", 183: "EM_AARCH64", 190: "EM_CUDA", 195: "EM_ARCV2", 224: "EM_AMDGPU", 243: "EM_RISCV",
    247: "EM_BPF", 252: "EM_CSKY", 258: "EM_LOONGARCH",
}  # fmt: skip
_KINDS: Final = {0: "ET_NONE", 1: "ET_REL", 2: "ET_EXEC", 3: "ET_DYN", 4: "ET_CORE"}
_LINKED: Final = ("ET_EXEC", "ET_DYN")
_PT_LOAD, _PT_DYNAMIC, _PT_INTERP = 1, 2, 3
_DT_NEEDED, _DT_STRTAB, _DT_STRSZ, _DT_SONAME, _DT_RPATH, _DT_RUNPATH = 1, 5, 10, 14, 15, 29
_SHT_PROGBITS, _SHT_NOBITS = 1, 8
_TABLES: Final = frozenset((b".eh_frame", b".eh_frame_hdr", b".gcc_except_table", b".gopclntab", b".got", b".got.plt"))
"""Sections that look like data and hold tables for unwinding (Go's: with the names of all sources)."""
_SHF_ALLOC, _SHF_EXECINSTR = 2, 4
_MOST_LOOKED_AT: Final = 1 << 16
"""Program headers, sections and dynamic entries that are looked at."""
_MOST_NEEDED: Final = 4096
_LONGEST_STRING: Final = 4096
_ROOM_FOR_NAMES: Final = 256
"""Bytes that the names in a dynamic section may have beyond a quarter of the file's."""
_MOST_LIBRARIES: Final = 200
_MOST_PATHS: Final = 2000
_LONGEST_PATH: Final = 256
_PATH: Final = regex(rb"/[A-Za-z0-9._+@%:~/-]{3,}")
_IN_PATH: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+@%:~/-")
_LIBRARY: Final = regex(rb"lib[\w.+-]{1,80}?\.so(?:\.\d{1,9}){0,8}(?![\w+-])")
_STARTER: Final = regex(rb"\0(system|popen|exec(?:le?|lp|ve?|vpe?|veat)|fexecve|posix_spawnp?|wordexp)(?=\0)")
"""Functions of the C library that start another program (POSIX; glibc manual, "Processes" and "Word Expansion")."""
_COMMAND: Final = regex(
    rb"[\0 ;|&(\"'`=/](git|ssh|scp|sftp|rsync|curl|wget|tar|unzip|zip|gzip|bzip2|xz|7z|gpg|sudo|ps|pgrep|pkill|top|free"
    rb"|ping|dig|nslookup|telnet|netstat|ifconfig|jq|perl|python[23]?|svn|hg|cvs|bzr|lsof|less|vim|vi|nano|file|find|xargs"
    rb"|sed|awk|gawk|grep|diff|tree|man)(?=[\0 ])"
)
"""Commands that programs start, where they may stand: as a string of their own, or as a word of a command line."""
_UPX: Final = regex(rb"UPX!")
_UPX_LIMIT: Final = 4096
"""Bytes from the start in which UPX puts its mark (upx, src/p_lx_elf.cpp: behind the program headers)."""
_IN_NAME: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.+-")


def elf_facts(data: bytes | memoryview) -> ElfFacts | None:
    """Give what the ELF file `data` says of itself, or None where it is none; a damaged file gives what can be read.

    `data` may be the first part of a file only: what lies behind it (section headers mostly) is then missing. Objects and
    core dumps are not searched for `libraries` and `paths`. Where there are section headers, only data that is loaded is
    searched: machine code and tables read like short paths, and debug sections name the sources of the machine that built.
    """
    if len(data) < 52 or data[:4] != MAGIC:
        return None
    try:
        return _Elf(data).facts()
    except (struct.error, ValueError, IndexError, OverflowError):
        return None


class _Elf:
    def __init__(self, data: bytes | memoryview) -> None:
        wide, big = data[4], data[5]
        if wide not in (1, 2) or big not in (1, 2):
            raise ValueError
        self.data = data
        self.wide = wide == 2
        self.order = "<" if big == 1 else ">"
        layout = "HHIQQQIHHHHHH" if self.wide else "HHIIIIIHHHHHH"
        header = struct.unpack_from(self.order + layout, data, 16)
        self.kind, self.machine, _, _, phoff, shoff, _, _, phsize, phnum, shsize, shnum, shstrndx = header
        self.sections = self._sections(shoff, shsize, shnum, shstrndx)
        if phnum == 0xFFFF and self.sections:  # PN_XNUM: the number is in section 0
            phnum = self.sections[0][5]
        self.segments = self._segments(phoff, phsize, phnum)
        self.symbols = (0, 0)
        """Where the names of the dynamic symbols stand, from and to."""
        self.left = _MOST_LOOKED_AT
        """Dynamic entries that are still looked at, in however many segments a hostile file lists them."""

    def facts(self) -> ElfFacts:
        kind = _KINDS.get(self.kind, f"ET_{self.kind}")
        hollow = {name for name, type_, *_ in self.sections if type_ == _SHT_NOBITS}
        interpreter = ""
        dynamic: tuple[list[str], str, list[str], list[str]] = ([], "", [], [])
        for type_, offset, _, size in self.segments:
            # A file of debug symbols alone keeps the program headers and not what they point at.
            if type_ == _PT_INTERP and b".interp" not in hollow and not interpreter:
                interpreter = printable_bytes(self._string(offset, size))
            elif type_ == _PT_DYNAMIC and b".dynamic" not in hollow and not any(dynamic) and self.left:
                dynamic = self._dynamic(offset, size)
        needed, soname, rpath, runpath = dynamic
        search = kind in _LINKED
        language, functions, runs = self._language() if search else ("", (), "")
        commands: set[str] = set()
        if functions and not language:
            found = chain.from_iterable(_COMMAND.finditer(self.data, *part) for part in self._searched())
            commands = {match[1].decode("ascii") for match in found}
        return ElfFacts(
            machine=_MACHINES.get(self.machine, f"EM_{self.machine}"),
            bits=64 if self.wide else 32,
            kind=kind,
            interpreter=interpreter,
            soname=soname,
            needed=tuple(needed),
            rpath=tuple(rpath),
            runpath=tuple(runpath),
            debug_bytes=self._debug_bytes(),
            libraries=tuple(_libraries(self.data, self._searched(), {*needed, soname})) if search else (),
            paths=tuple(_paths(self.data, self._searched())) if search else (),
            language=language,
            functions=functions,
            runs=runs,
            commands=tuple(sorted(commands)),
        )

    def _language(self) -> tuple[str, tuple[str, ...], str]:
        """Give what tells more than headers where Go's linker made the file, or where it unpacks itself."""
        if not golang.is_go(name for name, *_ in self.sections):
            packed = not self.sections and _UPX.search(self.data, 0, _UPX_LIMIT) is not None
            starters = {match[1].decode("ascii") for match in _STARTER.finditer(self.data, *self.symbols)}
            return "packed" if packed else "", tuple(sorted(starters)), ""
        end = len(self.data)
        tables = _joined((at, min(at + size, end)) for name, _, at, size, *_ in self.sections if name.endswith(b"gopclntab"))
        functions, runs = golang.functions(self.data, tables), golang.runs(self.data, self._searched())
        if runs is None or golang.ALWAYS not in functions:
            return "go", (), runs or ""
        return "go", tuple(sorted(functions)), runs

    def _table(self, layout: str, offset: int, size: int, count: int) -> Iterator[tuple[int, ...]]:
        """Give the entries of a header table as far as the file has them."""
        form = struct.Struct(self.order + layout)
        if size < form.size or offset <= 0:
            return
        count = min(count, _MOST_LOOKED_AT, max(len(self.data) - offset - form.size + size, 0) // size)
        for number in range(count):
            yield form.unpack_from(self.data, offset + number * size)

    def _segments(self, offset: int, size: int, count: int) -> list[tuple[int, int, int, int]]:
        """Give type, offset, address and bytes in the file of each program header."""
        if self.wide:
            return [(e[0], e[2], e[3], e[5]) for e in self._table("IIQQQQQQ", offset, size, count)]
        return [(e[0], e[1], e[2], e[4]) for e in self._table("IIIIIIII", offset, size, count)]

    def _sections(self, offset: int, size: int, count: int, names: int) -> list[tuple[bytes, int, int, int, int, int]]:
        """Give name, type, offset, bytes, flags and info of each section header."""
        layout = "IIQQQQIIQQ" if self.wide else "IIIIIIIIII"
        first = next(self._table(layout, offset, size, 1), None)
        if first is None:
            return []
        count = count or min(first[5], _MOST_LOOKED_AT)  # extended numbering: the number is in section 0
        names = first[6] if names == 0xFFFF else names
        table = list(self._table(layout, offset, size, count))
        base, length = (table[names][4], table[names][5]) if 0 < names < len(table) else (0, 0)
        return [
            (self._string(base + e[0], min(length - e[0], 64)) if e[0] < length else b"", e[1], e[4], e[5], e[2], e[7])
            for e in table
        ]

    def _string(self, offset: int, longest: int = _LONGEST_STRING) -> bytes:
        """Give the text that begins at `offset` and ends at a NUL."""
        if not 0 <= offset < len(self.data) or longest <= 0:
            return b""
        return bytes(self.data[offset : offset + min(longest, _LONGEST_STRING)]).partition(b"\0")[0]

    def _dynamic(self, offset: int, size: int) -> tuple[list[str], str, list[str], list[str]]:
        """Give NEEDED, SONAME, RPATH and RUNPATH of the dynamic section."""
        width = 16 if self.wide else 8
        names: list[tuple[int, int]] = []
        address, length = None, 0
        for tag, value in self._table("QQ" if self.wide else "II", offset, width, min(size // width, self.left)):
            self.left -= 1
            if tag == 0:
                break
            if tag == _DT_STRTAB:
                address = value
            elif tag == _DT_STRSZ:
                length = value
            elif tag in (_DT_NEEDED, _DT_SONAME, _DT_RPATH, _DT_RUNPATH) and len(names) < _MOST_NEEDED:
                names.append((tag, value))
        strings = None if address is None else self._offset_of(address)
        self.symbols = (strings, min(strings + length, len(self.data))) if strings is not None else (0, 0)
        texts: dict[int, list[str]] = {}
        if strings is not None:
            # Names may share their ends, and those of a hostile file all their bytes.
            room = _ROOM_FOR_NAMES + len(self.data) // 4
            for tag, value in names:
                raw = self._string(strings + value)
                room -= len(raw)
                if room < 0:
                    break
                if raw:
                    texts.setdefault(tag, []).append(printable_bytes(raw))
        searched = [[part for text in texts.get(tag, ()) for part in text.split(":") if part] for tag in (_DT_RPATH, _DT_RUNPATH)]
        return texts.get(_DT_NEEDED, []), texts.get(_DT_SONAME, [""])[0], searched[0], searched[1]

    def _offset_of(self, address: int) -> int | None:
        """Give where in the file the byte stands that is loaded at `address`."""
        for type_, offset, start, size in self.segments:
            if type_ == _PT_LOAD and start <= address < start + size:
                return offset + address - start
        return None

    def _searched(self) -> list[tuple[int, int]]:
        """Give the parts of the file that are searched for names, as offsets from and to; no two overlap."""
        end = min(len(self.data), STRINGS_LIMIT)
        parts = _joined(
            (offset, min(offset + size, end))
            for name, type_, offset, size, flags, _ in self.sections
            if type_ == _SHT_PROGBITS and flags & (_SHF_ALLOC | _SHF_EXECINSTR) == _SHF_ALLOC and name not in _TABLES
        )
        return parts or [(0, end)]

    def _debug_bytes(self) -> int:
        """Give the bytes of debug sections and symbol tables; no more than the file has."""
        total = 0
        for name, type_, offset, size, _, _ in self.sections:
            debug = name.startswith((b".debug_", b".zdebug_")) or name in (b".symtab", b".strtab")
            if debug and type_ != _SHT_NOBITS and offset + size <= len(self.data):
                total += size
        return min(total, len(self.data))


def _joined(parts: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Give parts of a file, as offsets from and to, sorted, and so that no two overlap."""
    joined: list[tuple[int, int]] = []
    for start, stop in sorted(parts):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(stop, joined[-1][1]))
        elif start < stop:
            joined.append((start, stop))
    return joined


def _libraries(data: bytes | memoryview, parts: list[tuple[int, int]], known: set[str]) -> list[str]:
    """Give names like `libz.so.1` that stand in the file and are not among `known`, in order of appearance."""
    found: dict[str, None] = {}
    for match in chain.from_iterable(_LIBRARY.finditer(data, *part) for part in parts):
        start = match.start()
        if start and data[start - 1] in _IN_NAME:
            continue
        name = match.group().decode("ascii")
        if name not in known:
            found[name] = None
            if len(found) == _MOST_LIBRARIES:
                break
    return list(found)


def _paths(data: bytes | memoryview, parts: list[tuple[int, int]]) -> list[str]:
    """Give absolute paths that stand in the file, in order of appearance."""
    found: dict[bytes, None] = {}
    for match in chain.from_iterable(_PATH.finditer(data, *part) for part in parts):
        start, end = match.span()
        if end - start <= _LONGEST_PATH and not (start and data[start - 1] in _IN_PATH):
            found[match.group()] = None
            if len(found) == _MOST_PATHS:
                break
    return [path.decode("ascii") for path in found]
