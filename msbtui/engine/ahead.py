"""Compressed layers read ahead, some at a time: unpacking and hashing let other threads run, so that each core has one."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from msbtui.engine import waiting
from msbtui.engine.layers import Reading, read_stream

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

_MOST = 4
"""Layers that are read at a time at most: what is gathered of each may take 200 MiB."""
_STEP = 0.05
"""Seconds between two looks at whether the person cancelled, and at how far the reading is."""


class Packed:
    """A compressed blob in memory or in a memory map."""

    def __init__(self, data: memoryview, where: str, digest: str = "", diff_id: str = "", *, stored_only: bool = False) -> None:
        self.where = where
        """Names it in errors."""
        self.digest = digest
        self.diff_id = diff_id
        """What is expected of it (`read_stream`)."""
        self.stored_only = stored_only
        self.count = 0
        """Bytes read so far."""
        self._data = data

    def read(self, size: int, /) -> bytes:
        """Give at most `size` bytes."""
        piece = bytes(self._data[self.count : self.count + size])
        self.count += len(piece)
        return piece

    def fill(self, buffer: memoryview, /) -> int:
        """Read into `buffer`; give how many bytes."""
        piece = self._data[self.count : self.count + len(buffer)]
        buffer[: len(piece)] = piece
        self.count += len(piece)
        return len(piece)


class Ahead:
    """Reads `blobs` in order, in threads of its own, at most a few ahead of the one that is asked for.

    To be left as a context: what still runs then is ended.
    """

    def __init__(self, blobs: Sequence[Packed], cancel: threading.Event | None) -> None:
        self._blobs = list(blobs)
        self._places = {id(blob): place for place, blob in enumerate(blobs)}
        self._cancel = cancel
        self._stop = threading.Event()
        self._jobs = min(os.cpu_count() or 1, _MOST, len(self._blobs))
        self._threads: ThreadPoolExecutor | None = None
        if self._jobs > 1:
            from concurrent.futures import ThreadPoolExecutor

            self._threads = ThreadPoolExecutor(self._jobs, "layer")
        self._futures: dict[int, Future[Reading]] = {}
        self._next = 0

    def __enter__(self) -> Ahead:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._stop.set()
        if self._threads is not None:
            self._threads.shutdown(wait=True, cancel_futures=True)

    def take(self, blob: Packed, on_bytes: Callable[[int], None]) -> Reading:
        """Give what `blob` holds. `on_bytes` hears, in this thread, the stored bytes read so far.

        Raises `TargetError` that names the blob, and `Cancelled`.
        """
        place = self._places.pop(id(blob), None)
        if self._threads is None or place is None:
            return _read(blob, self._cancel, on_bytes)
        # One more than there are threads: none waits for the next while a layer that was read is looked at and kept.
        while self._next <= min(place + self._jobs, len(self._blobs) - 1):
            self._futures[self._next] = self._threads.submit(self._read, self._blobs[self._next])
            self._next += 1
        future = self._futures.pop(place)
        while True:
            try:
                return future.result(_STEP)
            except TimeoutError:
                if future.done():
                    raise
                waiting.check(self._cancel)
                on_bytes(blob.count)

    def _read(self, blob: Packed) -> Reading:
        return _read(blob, self._stop)


def _read(blob: Packed, cancel: threading.Event | None, on_bytes: Callable[[int], None] | None = None) -> Reading:
    return read_stream(
        blob,
        where=blob.where,
        digest=blob.digest,
        diff_id=blob.diff_id,
        stored_only=blob.stored_only,
        cancel=cancel,
        on_bytes=on_bytes,
    )
