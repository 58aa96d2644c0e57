"""How long an HTTP server may take: time-outs of sockets bound the silence between two bytes alone, and bytes can come for ever.

Where http.client reads on by itself it has no end: of interim answers (RFC 9110, 15.2) and of trailers it takes as many as come.
So the time is looked at whenever it goes to the socket.
"""

from __future__ import annotations

import functools
import http.client
import io
import socket
import time
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import requests
    from requests.adapters import HTTPAdapter

STEP = 30.0
"""Seconds that the head of an answer may take, and each read of its body, however many bytes come meanwhile."""
HEAD = 1 << 20
"""Bytes that the head of an answer may have, with all interim ones before it; and what else is no body."""
_EACH = 8
"""Bytes of framing for which each byte of a body stands: chunks of one byte take six."""


class _Timed(io.RawIOBase):
    """What a socket gives, until the time is up."""

    def __init__(self, source: io.RawIOBase) -> None:
        self._source = source
        self.left = HEAD
        self.begin()

    def begin(self) -> None:
        """Begin a step."""
        self.until = time.monotonic() + STEP

    def brought(self, size: int) -> None:
        """Note that what came had `size` bytes of a body."""
        self.left = min(self.left + _EACH * size, HEAD)

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        """Fill `buffer` with what came. Raises TimeoutError, and HTTPException where too much came for nothing."""
        if time.monotonic() > self.until:
            raise TimeoutError("timed out")
        if self.left < 0:
            raise http.client.HTTPException("comes without an end")
        count = cast("int | None", self._source.readinto(buffer))
        self.left -= count or 0
        return count

    def fileno(self) -> int:
        """Give the socket's number."""
        return self._source.fileno()

    def close(self) -> None:
        """Let go of the socket."""
        self._source.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    """An answer whose head, and each read of whose body, ends in time."""

    def __init__(self, sock: socket.socket, *words: Any, **more: Any) -> None:
        super().__init__(sock, *words, **more)
        self._timed = _Timed(self.fp.detach())
        self.fp = io.BufferedReader(self._timed)

    def read1(self, n: int = -1) -> bytes:
        """Give what comes first of the body, at most `n` bytes. Raises as `_Timed` does."""
        self._timed.begin()
        data = super().read1(n)
        self._timed.brought(len(data))
        return data


@functools.cache
def adapter() -> type[HTTPAdapter]:
    """Give the class of what carries requests and keeps to the time; made late, since requests takes long to load."""
    from requests.adapters import HTTPAdapter
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

    class Connection(HTTPConnection):
        response_class = _Answer

    class SecureConnection(HTTPSConnection):
        response_class = _Answer

    class Pool(HTTPConnectionPool):
        ConnectionCls = Connection

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = SecureConnection

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *words: Any, **more: Any) -> None:
            super().init_poolmanager(*words, **more)
            self.poolmanager.pool_classes_by_scheme = {"http": Pool, "https": SecurePool}

        def proxy_manager_for(self, *words: Any, **more: Any) -> Any:
            manager = super().proxy_manager_for(*words, **more)
            manager.pool_classes_by_scheme = {"http": Pool, "https": SecurePool}
            return manager

    return Adapter


def follow_nothing(session: requests.Session) -> None:
    """Keep `session` from looking at redirects: even of one that it is not to follow it reads the body to the end, unpacked."""
    session.get_redirect_target = lambda _: None  # type: ignore[method-assign, assignment]
