"""What the made servers have in common: threads that nobody waits for, and an end."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Quiet(socketserver.ThreadingMixIn):
    """Answers each client in a thread, and says nothing of those that leave in mid-answer: they are what is tested."""

    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_: Any) -> None:
        """Say nothing."""


class QuietServer(Quiet, socketserver.TCPServer):
    """A server on TCP."""


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[None]:
    """Serve until the block ends."""
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
