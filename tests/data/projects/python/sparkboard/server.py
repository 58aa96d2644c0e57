"""Serves the board over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

from sparkboard import page, sparkline
from sparkboard.readings import Gauge


def serve(gauges: Sequence[Gauge], port: int) -> None:
    """Answers GET /, /health and /NAME.png on a port, for ever."""
    by_name = {gauge.name: gauge for gauge in gauges}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            gauge = by_name.get(unquote(self.path[1:]).removesuffix(".png"))
            if self.path == "/":
                self._answer(200, "text/html; charset=utf-8", page.render(gauges).encode())
            elif self.path == "/health":
                self._answer(200, "text/plain", b"ok\n")
            elif gauge:
                self._answer(200, "image/png", sparkline.png(gauge.values))
            else:
                self._answer(404, "text/plain", b"not found\n")

        def _answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    print(f"sparkboard: serving on port {port}", flush=True)
    ThreadingHTTPServer(("", port), Handler).serve_forever()
