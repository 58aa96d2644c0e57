"""Waiting for an engine without being held by it: a cancel leaves at once, silence is noticed.

A call into an HTTP library cannot be interrupted from outside. So it runs in a thread that ends with the program (or with its own
time-out), and the caller waits for the thread in small steps.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from msbtui.errors import Cancelled

T = TypeVar("T")

SILENCE = 30.0
"""Seconds without a byte after which an engine counts as frozen."""

_STEP = 0.05
_QUEUED_CHUNKS = 8


class SilentError(Exception):
    """Nothing came for the seconds allowed."""


class _Outcome(Generic[T]):
    def __init__(self) -> None:
        self.value: T | None = None
        self.error: BaseException | None = None
        self.done = threading.Event()


def check(cancel: threading.Event | None) -> None:
    """Raise `Cancelled` where the person cancelled."""
    if cancel is not None and cancel.is_set():
        raise Cancelled


def call(function: Callable[[], T], cancel: threading.Event | None = None, patience: float = SILENCE) -> T:
    """Give what `function` gives, or raise what it raises; `SilentError` after `patience` seconds, `Cancelled` at once."""
    outcome: _Outcome[T] = _Outcome()

    def work() -> None:
        try:
            outcome.value = function()
        except BaseException as error:  # handed to the caller's thread
            outcome.error = error
        finally:
            outcome.done.set()

    threading.Thread(target=work, name="engine-call", daemon=True).start()
    until = time.monotonic() + patience
    while not outcome.done.wait(_STEP):
        check(cancel)
        if time.monotonic() > until:
            raise SilentError
    check(cancel)
    if outcome.error is not None:
        raise outcome.error
    return outcome.value  # type: ignore[return-value]  # set whenever no error was


class Pump:
    """Chunks that a thread fetches ahead, as a file to read. At most a few chunks wait in memory."""

    def __init__(
        self,
        chunks: Callable[[], Iterator[bytes]],
        *,
        cancel: threading.Event | None = None,
        patience: Callable[[], float] = lambda: SILENCE,
        on_silence: Callable[[float], None] = lambda _: None,
        on_bytes: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Start fetching.

        `patience` says how many seconds silence may last now; `on_silence` hears each second of it, `on_bytes` the bytes so far.
        """
        self._chunks = chunks
        self._cancel = cancel
        self._patience = patience
        self._on_silence = on_silence
        self._on_bytes = on_bytes
        self._queue: queue.Queue[bytes | BaseException] = queue.Queue(_QUEUED_CHUNKS)
        self._closed = threading.Event()
        self._rest: memoryview = memoryview(b"")
        self._ended = False
        self.total = 0
        """Bytes handed out by the engine so far."""
        threading.Thread(target=self._fetch, name="engine-export", daemon=True).start()

    def _fetch(self) -> None:
        try:
            for chunk in self._chunks():
                if chunk and not self._put(chunk):
                    return
            self._put(b"")
        except BaseException as error:  # handed to the reader's thread
            self._put(error)

    def _put(self, item: bytes | BaseException) -> bool:
        while not self._closed.is_set():
            try:
                self._queue.put(item, timeout=_STEP)
                return True
            except queue.Full:
                continue
        return False

    def close(self) -> None:
        """Stop fetching; never waits."""
        self._closed.set()

    def _next(self) -> bytes:
        began = time.monotonic()
        told = 1.0
        while True:
            check(self._cancel)
            try:
                item = self._queue.get(timeout=_STEP)
            except queue.Empty:
                silent = time.monotonic() - began
                if silent > self._patience():
                    raise SilentError from None
                if silent > told:
                    told += 1.0
                    self._on_silence(silent)
                continue
            if isinstance(item, BaseException):
                raise item
            return item

    def read(self, size: int, /) -> bytes:
        """Give at most `size` bytes, empty at the end. Raises `SilentError`, `Cancelled`, or what the fetching raised."""
        if not self._rest and not self._ended:
            chunk = self._next()
            self._ended = not chunk
            self.total += len(chunk)
            self._rest = memoryview(chunk)
            self._on_bytes(self.total)
        if len(self._rest) <= size:
            data, self._rest = bytes(self._rest), memoryview(b"")
            return data
        data = bytes(self._rest[:size])
        self._rest = self._rest[size:]
        return data
