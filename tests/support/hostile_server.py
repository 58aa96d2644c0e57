"""A server whose answers are right, and then spoiled: by case, path and turn, so that the same case is always the same.

It speaks HTTP by hand, since no library would send what is sent here. A stranger beside it notes who comes, and with what.
"""

from __future__ import annotations

import gzip
import json
import random
import socket
import socketserver
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from serving import QuietServer, serving

ENDLESS = 40 << 20
"""Bytes after which an endless body ends: who took them all did not look at sizes."""
STATUSES = (100, 101, 199, 204, 206, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 410, 416, 418, 429, 500, 503, 599, 999)
VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 1 << 31, 1 << 63, 1 << 200, 1e308, "", "x", "\x1b[31m", "a" * 5000, "../../etc/passwd", [], {}, [[]],
    "sha256:" + "0" * 64, "sha256:" + "g" * 64, "sha512:" + "0" * 128, "md5:0", {"a": 1}, [None], ["x"] * 300,
)  # fmt: skip
Right = Callable[[str, dict[str, str]], "tuple[int, dict[str, str], bytes]"]


class _Server(QuietServer):
    allow_reuse_address = True
    request_queue_size = 64


class _UnixServer(_Server):
    address_family = socket.AF_UNIX


class Hostile:
    """Answers as `right` says, spoiled by `case`; case 0 is never spoiled."""

    def __init__(self, right: Right, *, socket_path: str = "", stranger: str = "http://127.0.0.1:1") -> None:
        self.right = right
        self.stranger = stranger
        self.seed = 0
        self.case = 0
        self.drained = False
        """Whether somebody took an endless body to its end."""
        self.spoiled: list[str] = []
        """What was done to answers of this case."""
        self.seen: list[tuple[str, dict[str, str]]] = []
        """Path and headers of every request."""
        self._turns = Counter[str]()
        self._lock = threading.Lock()
        handler = self._handler()
        self._server = _UnixServer(socket_path, handler) if socket_path else _Server(("127.0.0.1", 0), handler)
        self.host = "" if socket_path else f"127.0.0.1:{self._server.server_address[1]}"

    def begin(self, seed: int, case: int) -> None:
        """Begin a case."""
        with self._lock:
            self.seed, self.case, self.drained = seed, case, False
            self.spoiled, self.seen = [], []
            self._turns.clear()

    @contextmanager
    def running(self) -> Iterator[Hostile]:
        """Serve until the block ends."""
        with serving(self._server):
            yield self

    def _handler(self) -> type[socketserver.StreamRequestHandler]:
        hostile = self

        class Handler(socketserver.StreamRequestHandler):
            timeout = 5

            def handle(self) -> None:
                try:
                    line = self.rfile.readline(65536)
                    if not line.startswith((b"GET ", b"POST ", b"HEAD ")):
                        return  # TLS
                    headers = {}
                    while one := self.rfile.readline(65536).strip():
                        name, _, value = one.decode("latin-1").partition(":")
                        headers[name.strip().lower()] = value.strip()
                    self.rfile.read(int(headers.get("content-length", 0)))
                    hostile.answer(line.split()[1].decode("latin-1"), headers, self.wfile.write)
                except (OSError, ValueError):
                    return

        return Handler

    def answer(self, path: str, headers: dict[str, str], write: Callable[[bytes], Any]) -> None:
        """Answer one request, whole or spoiled; the connection ends after it."""
        with self._lock:
            self.seen.append((path, headers))
            turn = self._turns[path]
            self._turns[path] += 1
        status, said, body = self.right(path, headers)
        chance = random.Random(f"{self.seed}:{self.case}:{path}:{turn}")
        said = {"Content-Length": str(len(body)), "Connection": "close", **said}
        if not self.case or chance.random() < 0.7:
            write(_head(status, list(said.items())) + body)
            return
        how = chance.choice(_WAYS)
        with self._lock:
            self.spoiled.append(f"{how.__name__[1:]} {path}")
        how(self, chance, status, said, body, write)


def _head(status: int | str, headers: list[tuple[str, str]]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"HTTP/1.1 {status} Said\r\n{lines}\r\n".encode("latin-1", "replace")


def _status(hostile: Hostile, chance: random.Random, _: int, said: dict[str, str], body: bytes, write: Any) -> None:
    more = {"Location": _address(hostile, chance), "WWW-Authenticate": _challenge(hostile, chance)}
    if chance.random() < 0.3:
        more["Retry-After"] = chance.choice(["0", "-1", "1e9", "99999", "x", "Wed, 21 Oct 2099 07:28:00 GMT"])
    write(_head(chance.choice(STATUSES), list({**said, **more}.items())) + body)


def _odd_status(hostile: Hostile, chance: random.Random, _: int, said: dict[str, str], body: bytes, write: Any) -> None:
    write(_head(chance.choice(["0", "-1", "99999", "abc", "", "2 0 0"]), list(said.items())) + body)


def _address(hostile: Hostile, chance: random.Random) -> str:
    return chance.choice([
        f"{hostile.stranger}/elsewhere", f"http://me:secret@{hostile.stranger.removeprefix('http://')}/elsewhere",
        "/v2/", "", "http://[",
        "file:///etc/passwd", "http://\x00/", "//", "https://127.0.0.1:1/", "http://127.0.0.1:99999999/", "javascript:1", "?x", "http://a\tb/",
        f"http://{hostile.host}/v2/" if hostile.host else "/", "http://" + "a" * 9000, "http://xn--a/", "http://\xff.example/", "http:///x",
    ])  # fmt: skip


def _challenge(hostile: Hostile, chance: random.Random) -> str:
    realm = chance.choice([f"{hostile.stranger}/token", _address(hostile, chance)])
    return chance.choice([
        f'Bearer realm="{realm}",service="x",scope="y"', "Bearer", 'Bearer realm=""', "Basic", 'Basic realm="', "",
        "Negotiate abc",
        "Bearer " + 'a="b",' * 5000, f'Bearer realm="{realm}', f'bearer REALM="{realm}"', "Digest realm=x", "\xff\xfe",
    ])  # fmt: skip


def _headers(hostile: Hostile, chance: random.Random, status: int, said: dict[str, str], body: bytes, write: Any) -> None:
    lies: list[tuple[str, str]] = [
        ("Content-Length", chance.choice([str(len(body) + 99), str(max(len(body) - 9, 0)), "-1", "x", str(1 << 70), ""])),
        ("Content-Range", chance.choice(["bytes 0-1/2", "bytes 5-", "x", f"bytes {1 << 70}-{1 << 71}/{1 << 72}", "bytes */0"])),
        ("Docker-Content-Digest", "sha256:" + "1" * 64),
        ("Content-Type", chance.choice(["text/html", "", "application/json; charset=\xff", "x" * 9000])),
        ("Content-Encoding", chance.choice(["gzip", "br", "identity, gzip", "x"])),
        ("Transfer-Encoding", chance.choice(["chunked", "gzip", "chunked, chunked", "x"])),
        ("Set-Cookie", "a=b"),
        ("X-Flood", "y" * 30_000),
    ]
    drawn = dict(chance.sample(lies, chance.randint(1, 3)))
    items = list({**said, **drawn}.items())
    if chance.random() < 0.1:
        items += [(f"X-{n}", "z") for n in range(chance.choice([90, 200, 5000]))]
    if chance.random() < 0.1:
        items += items
    write(_head(status, items) + body)


def _chunked(_: Hostile, chance: random.Random, status: int, said: dict[str, str], body: bytes, write: Any) -> None:
    items = [*(item for item in said.items() if item[0] != "Content-Length"), ("Transfer-Encoding", "chunked")]
    half = len(body) // 2
    good = f"{half:x}\r\n".encode() + body[:half] + b"\r\n"
    rest = chance.choice([
        f"{len(body) - half:x}\r\n".encode() + body[half:] + b"\r\n0\r\n\r\n", b"zz\r\n", b"-5\r\nabcde", b"",
        b"ffffffffffffffffff\r\n" + body,
        b"5;" + b"x" * 70_000, b"\r\n\r\n", b"0\r\nTrailer: " + b"y" * 70_000,
    ])  # fmt: skip
    write(_head(status, items) + good + rest)


def _body(hostile: Hostile, chance: random.Random, status: int, said: dict[str, str], body: bytes, write: Any) -> None:
    kind = chance.randrange(6)
    if kind == 0:
        body = body[: chance.randrange(len(body) + 1)]
    elif kind == 1 and body:
        at = chance.randrange(len(body))
        body = body[:at] + bytes([body[at] ^ 1 << chance.randrange(8)]) + body[at + 1 :]
    elif kind == 2:
        body += bytes(chance.choice([1, 512, 1 << 20]))
    elif kind == 3:
        body = chance.choice(
            [b"", b"[" * 100_000, b'{"a":' * 100_000, b"\xff\xfe", b"9" * 100_000, gzip.compress(bytes(30 << 20))]
        )
    elif kind == 4:
        body = chance.randbytes(chance.randrange(5000))
    else:
        body = _other_json(chance, body)
    honest = chance.random() < 0.8
    write(_head(status, list({**said, **({"Content-Length": str(len(body))} if honest else {})}.items())) + body)


def _other_json(chance: random.Random, body: bytes) -> bytes:
    try:
        document = json.loads(body)
    except ValueError:
        return body[::-1]
    for _ in range(chance.randint(1, 3)):
        node: Any = document
        while isinstance(node, dict | list) and node:
            key = chance.choice(list(node) if isinstance(node, dict) else range(len(node)))
            below = node[key]
            if not isinstance(below, dict | list) or not below or chance.random() < 0.3:
                if chance.random() < 0.2:
                    del node[key]
                else:
                    node[key] = [below] * chance.choice([1, 2, 5000]) if chance.random() < 0.2 else chance.choice(VALUES)
                break
            node = below
    return json.dumps(document).encode()


def _endless(hostile: Hostile, chance: random.Random, status: int, said: dict[str, str], body: bytes, write: Any) -> None:
    items = [item for item in said.items() if item[0] != "Content-Length"]
    piece = chance.choice([body or b" ", b" " * 9000, chance.randbytes(9000)])
    piece *= max((1 << 18) // len(piece), 1)
    write(_head(status, items) + body)
    sent = 0
    while sent < ENDLESS:
        write(piece)
        sent += len(piece)
    hostile.drained = True


def _slow(_: Hostile, chance: random.Random, status: int, said: dict[str, str], body: bytes, write: Any) -> None:
    data = _head(status, list(said.items())) + body
    at = 0
    for _ in range(6):
        step = chance.randrange(1, len(data))
        write(data[at : at + step])
        at += step
        time.sleep(0.02)
    write(data[at:])


def _garbage(_: Hostile, chance: random.Random, status: int, said: dict[str, str], body: bytes, write: Any) -> None:
    write(chance.choice([
        b"", b"\x15\x03\x01\x00\x02\x02\x28", body, chance.randbytes(300), b"HTTP/1.1", b"HTTP/9.9 200 OK\r\n\r\n" + body,
        b"\r\n" * 9000, b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000, b"HTTP/1.1 200 OK\r\n bad: x\r\n\r\n" + body,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 500,
        b"ICY 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\n: \r\n\r\n", b"HTTP/1.1 200 OK\nContent-Length: 2\n\n{}",
    ]))  # fmt: skip


_WAYS = (_status, _status, _odd_status, _headers, _headers, _chunked, _body, _body, _body, _endless, _slow, _garbage)
