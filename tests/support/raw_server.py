"""A server on loopback that says what a test writes, byte by byte; and a registry whose answers are written so."""

from __future__ import annotations

import contextlib
import socketserver
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from fake_registry import FakeRegistry
from serving import QuietServer, serving

ENDLESS = 40 << 20
"""Bytes after which what has no end does end: who took them all did not look."""
Write = Callable[[bytes], Any]


def head(status: int = 200, **headers: str) -> bytes:
    """Give the head of an answer."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} Said\r\nConnection: close\r\n{lines}\r\n".encode("latin-1")


def whole(body: bytes, status: int = 200, **headers: str) -> bytes:
    """Give an answer."""
    return head(status, Content_Length=str(len(body)), **headers) + body


class RawRegistry:
    """Answers as a good registry, but where a part of the path is in `says`: there as that writes."""

    def __init__(self, good: FakeRegistry) -> None:
        self.good = good
        self.says: dict[str, Callable[[Write], Any]] = {}
        self.seen: list[tuple[str, dict[str, str]]] = []
        """Path and headers, their names in lower case, of each request."""
        self.sent = 0
        raw = self

        class Handler(socketserver.StreamRequestHandler):
            timeout = 20

            def handle(self) -> None:
                line = self.rfile.readline(65536)
                if not line.startswith(b"GET "):
                    return  # TLS
                headers = {}
                while one := self.rfile.readline(65536).strip():
                    name, _, value = one.decode("latin-1").partition(":")
                    headers[name.strip().lower()] = value.strip()
                with contextlib.suppress(OSError):
                    raw.answer(line.split()[1].decode("latin-1"), headers, self.write)

            def write(self, data: bytes) -> None:
                self.wfile.write(data)
                raw.sent += len(data)

        self._server = QuietServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self.name = f"registry:{self.host}/sample:latest"

    def answer(self, path: str, headers: dict[str, str], write: Write) -> None:
        """Answer one request."""
        self.seen.append((path, headers))
        if (say := next((say for part, say in self.says.items() if part in path), None)) is not None:
            say(write)
            return
        found = self.good.find(path)
        write(whole(found[0], Content_Type=found[1]) if found is not None else whole(b'{"errors":[]}', 404))

    @contextmanager
    def running(self) -> Iterator[RawRegistry]:
        """Serve until the block ends."""
        with serving(self._server):
            yield self
