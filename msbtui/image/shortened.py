"""Mapped files that are shortened while they are looked at: an error like any other, not the end of the program.

Where a file that is mapped loses its end, looking there raises SIGBUS (mmap(2)), which Python cannot handle: its handlers run
only between two instructions, and the one that failed is tried again first. So a handler of our own puts a page of zeros where
the page is gone, for maps that were announced here, and takes note; whoever reads then asks whether that came to pass. SIGBUS
anywhere else does what it always did.
"""

from __future__ import annotations

import signal
import sys
from mmap import PAGESIZE, mmap
from typing import Any
from weakref import ref

from msbtui.errors import TargetError
from msbtui.image import fast

_compiled: Any = fast.compiled
"""Has a handler in C, which takes no milliseconds to make; else ctypes makes one."""
_PROT_READ, _MAP_PRIVATE, _MAP_ANONYMOUS, _MAP_FIXED = 1, 2, 32, 16
_SA_SIGINFO, _SA_NODEFER = 4, 0x40000000
_ADDRESS = 16
"""Where `si_addr` lies in `siginfo_t` (64-bit Linux: signo, errno, code, padding)."""


class _Map:
    """A map that was announced."""

    def __init__(self, begin: int, end: int, of: mmap, where: str, number: int = -1) -> None:
        self.begin = begin
        self.end = end
        self.of = ref(of) if number < 0 else ref(of, lambda _: _compiled.unguard(number))
        self.where = where
        self.lost = False
        self.number = number
        """What the compiled handler calls it; -1 where the one below has it."""


_maps: list[_Map] = []
_kept: list[Any] = []
"""What the handler is made of; must live as long as the program."""


def announce(view: memoryview, where: str) -> None:
    """Take care of a view of a whole read-only memory map: where the file behind it loses its end, `check` says so.

    `where` names the file, printable. Does nothing for any other view, and on other systems than 64-bit Linux.
    """
    if not isinstance(view.obj, mmap) or sys.platform != "linux" or sys.maxsize < 1 << 62:
        return
    _maps[:] = [one for one in _maps if one.of() is not None]
    if _compiled is not None and (number := _compiled.guard(view)) >= 0:
        _maps.append(_Map(0, 0, view.obj, where, number))
        return
    begin = _address(view)
    _maps.append(_Map(begin, begin + len(view), view.obj, where))
    if not _kept:
        _install()


def check() -> None:
    """Raise `TargetError` where a map that is still in use turned out to be shorter than its file was."""
    for one in _maps:
        lost = one.lost if one.number < 0 else _compiled.lost(one.number)
        if lost and one.of() is not None:
            raise TargetError("was shortened while it was read", where=one.where, hint="wait until it is written, and try again")


def _address(view: memoryview) -> int:
    import ctypes

    class Buffer(ctypes.Structure):
        """`Py_buffer`: its first field is the address; the rest is the interpreter's (Include/cpython/object.h)."""

        _fields_ = (("address", ctypes.c_void_p), ("rest", ctypes.c_byte * 256))

    buffer = Buffer()
    ctypes.pythonapi.PyObject_GetBuffer.argtypes = (ctypes.py_object, ctypes.POINTER(Buffer), ctypes.c_int)
    ctypes.pythonapi.PyObject_GetBuffer(view, ctypes.byref(buffer), 0)
    address: int = buffer.address
    ctypes.pythonapi.PyBuffer_Release.argtypes = (ctypes.POINTER(Buffer),)
    ctypes.pythonapi.PyBuffer_Release(ctypes.byref(buffer))
    return address


def _install() -> None:
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, *(ctypes.c_int,) * 3, ctypes.c_long)
    handler_type = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)

    class Action(ctypes.Structure):
        """`struct sigaction` of glibc and musl."""

        _fields_ = (
            ("handler", handler_type),
            ("mask", ctypes.c_ulong * 16),
            ("flags", ctypes.c_int),
            ("restorer", ctypes.c_void_p),
        )

    def handle(_: int, info: int, __: int) -> None:
        address = ctypes.c_size_t.from_address(info + _ADDRESS).value
        for one in _maps:
            if one.begin <= address < one.end and one.of() is not None:
                one.lost = True
                page = address & -PAGESIZE
                flags = _MAP_PRIVATE | _MAP_ANONYMOUS | _MAP_FIXED
                if libc.mmap(page, PAGESIZE, _PROT_READ, flags, -1, 0) == page:
                    return
        # Not ours: the next try ends the program as it always did.
        libc.sigaction(int(signal.SIGBUS), ctypes.byref(before), None)

    before = Action()
    ours = Action(handler=handler_type(handle), flags=_SA_SIGINFO | _SA_NODEFER)
    _kept.extend((ours, before, libc))
    libc.sigaction(int(signal.SIGBUS), ctypes.byref(ours), ctypes.byref(before))
