"""An engine behind `ssh://`, as the docker CLI reaches it: `ssh HOST docker system dial-stdio` (docker/cli, cli/connhelper).

docker-py's own way needs paramiko, which this project does not use. So a unix socket is opened in a folder of ours, and each
connection to it gets an ssh of its own.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import threading
import weakref
from collections.abc import Mapping
from urllib.parse import urlsplit

from msbtui.engine.folders import make_folder
from msbtui.errors import TargetError
from msbtui.text import printable

_CHUNK = 256 << 10
_KEPT = 2000


def ssh_command(host: str, environ: Mapping[str, str]) -> list[str]:
    """Give the command that speaks with the engine at `ssh://[USER@]HOST[:PORT][/SOCKET]`. Raises `TargetError`."""
    where = printable(host)
    try:
        parts = urlsplit(host)
        port = parts.port
    except ValueError as error:
        raise TargetError("is no address", where=where, hint="it looks like ssh://user@host:22") from error
    name = parts.hostname or ""
    # a name that begins with a dash would be an option to ssh
    if (
        not name
        or name.startswith("-")
        or (parts.username or "").startswith("-")
        or parts.password
        or parts.query
        or parts.fragment
    ):
        raise TargetError(
            "is no address of an engine", where=where, hint="it looks like ssh://user@host:22, keys come from ssh's own settings"
        )
    ssh = shutil.which("ssh", path=environ.get("PATH"))
    if ssh is None:
        raise TargetError(
            "an engine behind ssh needs the ssh command, and there is none", where=where, hint="install an ssh client"
        )
    command = [ssh, "-T", "-o", "ConnectTimeout=30", "-o", "BatchMode=yes"]
    command += ["-l", parts.username] if parts.username else []
    command += ["-p", str(port)] if port else []
    engine = ["--host", f"unix://{parts.path}"] if parts.path not in ("", "/") else []
    return [*command, "--", name, "docker", *engine, "system", "dial-stdio"]


class Tunnel:
    """A unix socket of ours that leads to an engine behind ssh; gone with this object or the program."""

    def __init__(self, host: str, environ: Mapping[str, str]) -> None:
        """Open the socket; ssh runs from the first connection on. Raises `TargetError` for no address and for no ssh."""
        self._command = ssh_command(host, environ)
        self._environ = dict(environ)
        self._said = b""
        self._folder = str(make_folder("ssh"))
        self.host = f"unix://{self._folder}/engine"
        """Where to connect to."""
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._server.bind(f"{self._folder}/engine")
        self._server.listen()
        self._children: list[subprocess.Popen[bytes]] = []
        self.close = weakref.finalize(self, _close, self._server, self._folder, self._children)
        """Close the socket and end every ssh."""
        threading.Thread(target=_accept, args=(weakref.ref(self), self._server), name="ssh-accept", daemon=True).start()

    @property
    def complaint(self) -> str:
        """Give the last line that ssh, or docker on the other side, complained with."""
        lines = [line for line in self._said.decode("utf-8", "replace").splitlines() if line.strip()]
        return printable(lines[-1].strip())[:300] if lines else ""

    def carry(self, client: socket.socket) -> None:
        """Carry one connection."""
        try:
            child = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self._environ,
                start_new_session=True,
            )
        except OSError as error:
            self._said = str(error.strerror).encode()
            client.close()
            return
        self._children.append(child)
        for work in (self._up, self._down):
            threading.Thread(target=work, args=(client, child), name="ssh-carry", daemon=True).start()
        threading.Thread(target=self._complaints, args=(child,), name="ssh-carry", daemon=True).start()

    def _up(self, client: socket.socket, child: subprocess.Popen[bytes]) -> None:
        stdin = child.stdin
        assert stdin is not None  # a pipe was asked for
        with contextlib.suppress(OSError, ValueError), stdin:
            while data := client.recv(_CHUNK):
                stdin.write(data)
                stdin.flush()

    def _down(self, client: socket.socket, child: subprocess.Popen[bytes]) -> None:
        stdout = child.stdout
        assert stdout is not None  # a pipe was asked for
        with contextlib.suppress(OSError, ValueError), client, stdout:
            while data := os.read(stdout.fileno(), _CHUNK):
                client.sendall(data)
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        child.wait()
        with contextlib.suppress(ValueError):
            self._children.remove(child)

    def _complaints(self, child: subprocess.Popen[bytes]) -> None:
        stderr = child.stderr
        assert stderr is not None  # a pipe was asked for
        with contextlib.suppress(OSError, ValueError), stderr:
            while data := os.read(stderr.fileno(), _CHUNK):
                self._said = (self._said + data)[-_KEPT:]


def _accept(tunnel: weakref.ref[Tunnel], server: socket.socket) -> None:
    while True:
        try:
            client, _ = server.accept()
        except OSError:
            return
        alive = tunnel()
        if alive is None:
            client.close()
            return
        alive.carry(client)
        del alive


def _close(server: socket.socket, folder: str, children: list[subprocess.Popen[bytes]]) -> None:
    with contextlib.suppress(OSError):
        server.shutdown(socket.SHUT_RDWR)
    server.close()
    for child in list(children):
        with contextlib.suppress(OSError):
            child.kill()
    shutil.rmtree(folder, ignore_errors=True)
