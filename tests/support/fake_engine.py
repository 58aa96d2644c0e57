"""A Docker Engine that is none: a small HTTP server on a unix socket, which can hang, die and lie on command."""

from __future__ import annotations

import json
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from image_samples import Sample, tar_of
from serving import Quiet, serving


class _Server(Quiet, socketserver.UnixStreamServer):
    pass


class FakeEngine:
    """Serves one image. Set the attributes to make it misbehave."""

    def __init__(self, socket: Path, sample: Sample, *, layout: str = "legacy") -> None:
        self.host = f"unix://{socket}"
        self.sample = sample
        self.layout = layout
        self.export = tar_of(sample.oci() if layout == "oci" else sample.legacy())
        self.id = (
            sample.oci_id
            if layout == "oci"
            else "sha256:" + next(name for name in sample.legacy() if name.endswith(".json") and len(name) == 69)[:-5]
        )
        self.asked: list[str] = []
        self.die_after: int | None = None
        """Bytes of the export after which the connection breaks."""
        self.hang_after: int | None = None
        """Bytes of the export after which nothing more comes, and nothing else is answered."""
        self.stall_after: int | None = None
        """Bytes of the export after which nothing more comes, while everything else is answered."""
        self.hang_on = ""
        """A path of which the answer never comes."""
        self.answers: dict[str, bytes | int] = {}
        """Answers (or status codes) instead of the right ones, by path."""
        self.redirects = ""
        """Where an answer that is a status code sends the client."""
        self.chunked = True
        self.prepares = 0.0
        """Seconds before the first byte of an export."""
        self.released = threading.Event()
        self._server = _Server(str(socket), self._handler())

    @property
    def environ(self) -> dict[str, str]:
        """The environment that leads here."""
        return {"DOCKER_HOST": self.host, "HOME": "/nonexistent"}

    @property
    def exports(self) -> int:
        """How often an export was asked for."""
        return sum(path.endswith("/get") for path in self.asked)

    def right_answer(self, path: str) -> bytes | int:
        """Give what an engine would answer."""
        sample = self.sample
        names = {*sample.tags, self.id, *(tag.removesuffix(":latest") for tag in sample.tags)}
        if path == "/version":
            return json.dumps({"Version": "99.0", "ApiVersion": "1.41"}).encode()
        if path == "/_ping":
            return b"OK"
        if path == "/images/json":
            return json.dumps(
                [
                    {"Id": self.id, "RepoTags": sample.tags, "Created": 5, "Size": 9000},
                    {"Id": "sha256:" + "0" * 64, "RepoTags": None},
                ]
            ).encode()
        name, _, what = unquote(path).removeprefix("/images/").rpartition("/")
        if name not in names:
            return 404
        if what == "json":
            config = json.loads(sample.config)
            said = {
                "Id": self.id,
                "RepoTags": sample.tags,
                "RepoDigests": [f"sample@{self.id}"] if self.layout == "oci" else [],
                "Created": config["created"],
                "Config": config["config"],
                "Os": "linux",
            }
            layers = {"Type": "layers", "Layers": sample.diff_ids}
            return json.dumps({**said, "Architecture": sample.architecture, "Size": len(self.export), "RootFS": layers}).encode()
        if what == "history":
            items = json.loads(sample.config)["history"]
            return json.dumps(
                [
                    {"Created": 5, "CreatedBy": item["created_by"], "Comment": "", "Size": 0 if item.get("empty_layer") else 10}
                    for item in reversed(items)
                ]
            ).encode()
        return self.export if what == "get" else 404

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        engine = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def address_string(self) -> str:
                return "unix"

            def log_message(self, *args: Any) -> None:
                return

            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                if path.startswith("/v1."):
                    path = path[path.index("/", 1) :]
                engine.asked.append(path)
                frozen = engine.hang_after is not None and engine.exports and not path.endswith("/get")
                if path == engine.hang_on or frozen:
                    engine.released.wait(30)
                    self.close_connection = True
                    return
                answer = engine.answers.get(path, engine.right_answer(path))
                body = b'{"message":"no"}' if isinstance(answer, int) else answer
                self.send_response(answer if isinstance(answer, int) else 200)
                if engine.redirects and isinstance(answer, int):
                    self.send_header("Location", engine.redirects)
                if not path.endswith("/get") or isinstance(answer, int):
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                    return
                engine.released.wait(engine.prepares)
                self.send_header(*(("Transfer-Encoding", "chunked") if engine.chunked else ("Connection", "close")))
                self.end_headers()
                for at in range(0, len(body), 700):
                    if (engine.die_after is not None and at >= engine.die_after) or (
                        engine.hang_after is not None and at >= engine.hang_after
                    ):
                        self.wfile.flush()
                        if engine.hang_after is not None:
                            engine.released.wait(30)
                        self.close_connection = True
                        return
                    if engine.stall_after is not None and at >= engine.stall_after:
                        self.wfile.flush()
                        engine.released.wait(30)
                    piece = body[at : at + 700]
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if engine.chunked else piece)
                if engine.chunked:
                    self.wfile.write(b"0\r\n\r\n")
                self.close_connection = not engine.chunked

        return Handler

    @contextmanager
    def running(self) -> Iterator[FakeEngine]:
        """Serve until the block ends."""
        with serving(self._server):
            try:
                yield self
            finally:
                self.released.set()
            time.sleep(0)
