"""What a Go executable says of itself: which functions are linked in, and its strings, which have no ends.

Go's linker leaves out every function that nothing can call, and keeps the names of those that stay in the table that it
prints stack traces from, in stripped files too (cmd/link/internal/ld/deadcode.go and pcln.go). String constants stand one
behind another, without ends (cmd/link/internal/ld/data.go, `go:string.*`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from msbtui.regex import regex

LOADS_ZONES: Final = frozenset(("time.LoadLocation",))
"""Reads time zones by name."""
READS_ROOTS: Final = frozenset(("crypto/x509.loadSystemRoots", "crypto/x509.initSystemRoots"))
"""Reads the system's certificates."""
MAKES_FILES: Final = frozenset(("os.TempDir",))
"""Writes into /tmp."""
STARTS: Final = frozenset(
    (
        "os.startProcess",
        "os.StartProcess",
        "syscall.forkExec",
        "syscall.forkAndExecInChild",
        "syscall.StartProcess",
        "syscall.Exec",
        "plugin.open",
        "golang.org/x/sys/unix.Exec",
    )
)
"""Starts other programs or opens libraries."""
ALWAYS: Final = "runtime.main"
"""In every program: where it is not found, the table was not read whole."""
FUNCTIONS: Final = LOADS_ZONES | READS_ROOTS | MAKES_FILES | STARTS | {ALWAYS}
_NAME: Final = regex(
    rb"\0(" + rb"|".join(re.escape(name.encode()) for name in sorted(FUNCTIONS, key=len, reverse=True)) + rb")(?=\0)"
)
_RUN: Final = regex(rb"/[A-Za-z0-9._+@%:~/-]{2,}")
_MOST: Final = 1 << 20
"""Bytes of runs that are kept; a file with more is taken as one that cannot be told."""


def is_go(sections: Iterable[bytes]) -> bool:
    """Tell from the names of its sections whether Go's linker made a file."""
    return any(name in (b".note.go.buildid", b".go.buildinfo") or name.endswith(b"gopclntab") for name in sections)


def functions(data: bytes | memoryview, parts: Iterable[tuple[int, int]]) -> set[str]:
    """Give which of `FUNCTIONS` the parts (offsets from and to) of the file name."""
    return {match[1].decode("ascii") for part in parts for match in _NAME.finditer(data, *part)}


def runs(data: bytes | memoryview, parts: Iterable[tuple[int, int]]) -> str | None:
    """Give the runs of path characters that begin with a slash, a line each; None where there are too many to keep."""
    found: dict[bytes, None] = {}
    size = 0
    for part in parts:
        for match in _RUN.finditer(data, *part):
            if match[0] not in found:
                found[match[0]] = None
                size += len(match[0]) + 1
                if size > _MOST:
                    return None
    return b"\n".join(found).decode("ascii")
