"""A registry that is none: a small HTTP server on loopback, which can want credentials, break off, redirect and lie."""

from __future__ import annotations

import base64
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from image_samples import Sample
from serving import Quiet, serving

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class _Server(Quiet, HTTPServer):
    pass


class FakeRegistry:
    """Serves one image as `sample:latest`. Set the attributes to make it misbehave."""

    def __init__(self, sample: Sample) -> None:
        self.sample = sample
        files = {name.removeprefix("blobs/").replace("/", ":"): data for name, data in sample.oci().items() if data is not None}
        self.blobs = {name: data for name, data in files.items() if name.startswith("sha256:")}
        self.tags = {"latest": sample.oci_id}
        self.wants = ""
        """`basic`, `bearer` or nothing."""
        self.knows = {"me": "secret"}
        self.realm = ""
        """Where tokens are given, if not here."""
        self.redirects: dict[str, str] = {}
        """Path -> where an asker is sent instead."""
        self.redirect_status = 307
        self.fails: dict[str, list[int]] = {}
        """Path -> status codes of the next answers."""
        self.breaks_after: dict[str, int] = {}
        """Path -> bytes after which every answer breaks off."""
        self.ranges = True
        self.referrers: dict[str, bytes] = {}
        """Digest -> what is answered to a question for its referrers; 404 for others."""
        self.holds: dict[str, threading.Event] = {}
        """Path -> what an answer waits for."""
        self.sent = 0
        """Bytes of documents and blobs that were sent."""
        self.retry_after = ""
        self.asked: list[tuple[str, dict[str, str]]] = []
        """Path and headers of each request."""
        self.tokens: list[dict[str, list[str]]] = []
        """What was asked of the token service."""
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self.host = f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def name(self) -> str:
        """The image as a target."""
        return f"registry:{self.host}/sample:latest"

    def blob_path(self, digest: str) -> str:
        return f"/v2/sample/blobs/{digest}"

    def count(self, part: str) -> int:
        """How often a path with `part` in it was asked for."""
        return sum(part in path for path, _ in self.asked)

    @property
    def counts(self) -> Counter[str]:
        return Counter(path for path, _ in self.asked)

    def find(self, path: str) -> tuple[bytes, str] | None:
        parts = path.split("/")
        if path == "/v2/":
            return b"{}", "application/json"
        if parts[:3] != ["", "v2", "sample"] or len(parts) != 5:
            return None
        if parts[3] == "referrers":
            listed = self.referrers.get(parts[4])
            return (listed, INDEX) if listed is not None else None
        digest = self.tags.get(parts[4], parts[4])
        data = self.blobs.get(digest)
        if data is None:
            return None
        kind = "application/octet-stream"
        if parts[3] == "manifests":
            kind = INDEX if b'"manifests"' in data else MANIFEST
        return data, kind

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        registry = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args: Any) -> None:
                return

            def answer(self, status: int, body: bytes, **headers: str) -> None:
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                registry.tokens.append(form)
                self.answer(200, json.dumps({"access_token": "granted"}).encode())

            def do_GET(self) -> None:
                path = urlsplit(self.path).path
                with registry._lock:
                    registry.asked.append((path, dict(self.headers)))
                    failing = registry.fails.get(path)
                    status = failing.pop(0) if failing else 0
                if path in registry.holds:
                    registry.holds[path].wait(30)
                if path == "/token":
                    self.token()
                    return
                if status:
                    body = json.dumps({"errors": [{"code": "BAD", "message": "said\x1b so"}]}).encode()
                    self.answer(status, body, **({"Retry_After": registry.retry_after} if registry.retry_after else {}))
                    return
                if path in registry.redirects:
                    self.answer(registry.redirect_status, b"", Location=registry.redirects[path])
                    return
                if not self.is_allowed():
                    realm = registry.realm or f"http://{registry.host}/token"
                    challenge = f'Bearer realm="{realm}",service="reg",scope="repository:sample:pull"'
                    self.answer(401, b"{}", WWW_Authenticate=challenge if registry.wants == "bearer" else 'Basic realm="r"')
                    return
                found = registry.find(path)
                if found is None:
                    self.answer(404, b'{"errors":[]}')
                    return
                self.send(path, *found)

            def is_allowed(self) -> bool:
                shown = self.headers.get("Authorization", "")
                if registry.wants == "bearer":
                    return shown == "Bearer granted"
                return registry.wants != "basic" or shown in self.good()

            def good(self) -> set[str]:
                return {"Basic " + base64.b64encode(f"{u}:{p}".encode()).decode() for u, p in registry.knows.items()}

            def token(self) -> None:
                registry.tokens.append(parse_qs(urlsplit(self.path).query))
                if registry.knows and self.headers.get("Authorization", "") not in self.good():
                    self.answer(401, b"{}")
                    return
                self.answer(200, json.dumps({"token": "granted"}).encode())

            def send(self, path: str, data: bytes, kind: str) -> None:
                start, end = 0, len(data)
                wanted = self.headers.get("Range", "")
                if wanted and registry.ranges:
                    first, _, last = wanted.removeprefix("bytes=").partition("-")
                    start, end = int(first), min(int(last) + 1 if last else end, end)
                    self.send_response(206)
                    self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(data)}")
                else:
                    self.send_response(200)
                body = data[start:end]
                registry.sent += len(body)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Content-Type", kind)
                self.end_headers()
                most = registry.breaks_after.get(path)
                self.wfile.write(body if most is None else body[:most])
                self.close_connection = most is not None

        return Handler

    @contextmanager
    def running(self) -> Iterator[FakeRegistry]:
        """Serve until the block ends."""
        with serving(self._server):
            yield self
