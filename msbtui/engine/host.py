"""Which engine the docker client would talk to: `DOCKER_HOST`, else the docker context, else the default socket.

Where that socket is not there or not for us, the places are tried where rootless Docker, Docker Desktop and others put theirs.

As docker/cli has it (cli/command/cli.go, `resolveContextName`; cli/context/store): `DOCKER_HOST` wins over `DOCKER_CONTEXT`,
which wins over `currentContext` of `config.json`; a context lies in `contexts/meta/<sha256 of its name>/meta.json`, its keys
in `contexts/tls/<the same>/docker/`.
"""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from msbtui.engine.manifest import decode
from msbtui.errors import TargetError
from msbtui.regex import regex
from msbtui.text import printable

DEFAULT_SOCKET = "unix:///var/run/docker.sock"
_HOME_SOCKETS = (
    (".docker/run/docker.sock", "rootless Docker or Docker Desktop"),
    (".docker/desktop/docker.sock", "Docker Desktop"),
    (".colima/default/docker.sock", "Colima"),
    (".config/colima/default/docker.sock", "Colima"),
    (".rd/docker.sock", "Rancher Desktop"),
    (".orbstack/run/docker.sock", "OrbStack"),
    (".lima/docker/sock/docker.sock", "Lima"),
)
_HOME_PODMAN_SOCKETS = (
    ".local/share/containers/podman/machine/podman.sock",
    ".local/share/containers/podman/machine/qemu/podman.sock",
)
_PORT = 2375
_HOST_AND_PORT = regex(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):[0-9]+")
_KNOCK = 2.0
"""Seconds that a local socket may take to let us in."""
_SETTINGS_LIMIT = 16 << 20
_CORRECT = "correct that file, or set DOCKER_HOST to do without it"


class Endpoint(msgspec.Struct, frozen=True):
    """Where an engine listens, and how we came to know."""

    host: str
    """`unix:///path`, `tcp://host:port`, `ssh://user@host` or `npipe://...`."""
    because: str
    """In words: what named it."""
    tls_folder: str = ""
    """The folder with `ca.pem`, `cert.pem` and `key.pem`; empty for none."""
    tls_verify: bool = False
    tls: bool = False
    """Whether TLS is spoken, also without a folder: then nobody's certificate is checked."""
    needs_authority: bool = False
    """Whether `ca.pem` must be there to verify; else the machine's own authorities count, too."""

    @property
    def socket(self) -> str:
        """Give the path of a unix socket, empty for every other kind of host."""
        return self.host.removeprefix("unix://") if self.host.startswith("unix://") else ""


class _Settings(msgspec.Struct, frozen=True):
    current_context: str | None = msgspec.field(name="currentContext", default=None)


class _ContextEndpoint(msgspec.Struct, frozen=True):
    host: str | None = msgspec.field(name="Host", default=None)
    skip_verify: bool | None = msgspec.field(name="SkipTLSVerify", default=None)


class _Context(msgspec.Struct, frozen=True):
    endpoints: dict[str, _ContextEndpoint] | None = msgspec.field(name="Endpoints", default=None)


def settings_folder(environ: Mapping[str, str]) -> Path:
    """Give the docker client's folder (`DOCKER_CONFIG`, else `~/.docker`)."""
    return Path(environ.get("DOCKER_CONFIG") or home(environ) / ".docker")


def home(environ: Mapping[str, str]) -> Path:
    """Give a person's home; where there is none a folder that cannot be, never one named `~` in the current folder."""
    found = environ.get("HOME") or os.path.expanduser("~")
    return Path(found if found != "~" else os.devnull)


def config_home(environ: Mapping[str, str]) -> Path:
    """Give where a person's settings lie (XDG Base Directory Specification)."""
    return Path(environ.get("XDG_CONFIG_HOME") or home(environ) / ".config")


def find_endpoint(environ: Mapping[str, str]) -> Endpoint:
    """Give the engine that the docker client would use. Raises `TargetError` for a context that is not there or damaged."""
    if host := environ.get("DOCKER_HOST"):
        # DOCKER_CERT_PATH alone asks for nothing (docker/cli, cli/flags/options.go, `SetDefaultOptions`)
        verify = bool(environ.get("DOCKER_TLS_VERIFY"))
        tls = verify or bool(environ.get("DOCKER_TLS"))
        folder = (environ.get("DOCKER_CERT_PATH") or str(settings_folder(environ))) if tls else ""
        return Endpoint(_address(host, "DOCKER_HOST"), "DOCKER_HOST", folder, verify, tls, needs_authority=verify)
    folder_of_settings = settings_folder(environ)
    if name := environ.get("DOCKER_CONTEXT"):
        because = f"DOCKER_CONTEXT={printable(name)}"
    else:
        name = _current_context(folder_of_settings / "config.json")
        because = f"the docker context {printable(name)}"
    if name in ("", "default"):
        return _found_socket(environ)
    return _of_context(folder_of_settings, name, because)


def _address(text: str, named_by: str) -> str:
    """Give a complete address, as docker/cli completes it (opts/hosts.go, `ParseHost`). Raises `TargetError` for none."""
    text = text.strip()
    scheme, slashes, rest = text.partition("://")
    if not slashes and _HOST_AND_PORT.fullmatch(text):
        scheme, slashes, rest = "tcp", "://", text
    if scheme == "unix" and not rest:
        return DEFAULT_SOCKET
    try:
        parts = urlsplit(f"tcp://{rest or 'localhost'}" if scheme == "tcp" else text)
        is_sound = bool(slashes and scheme) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_sound = False
    if not is_sound:
        raise TargetError(
            f"{named_by} is {printable(text)}, which is no address",
            hint="it looks like unix:///var/run/docker.sock, tcp://host:2375 or ssh://user@host",
        )
    if scheme != "tcp":
        return text
    name = parts.netloc if parts.port else f"{parts.netloc.rstrip(':')}:{_PORT}"
    return f"tcp://{name}{parts.path}"


def _runtime_folder(environ: Mapping[str, str]) -> Path:
    """Give where a person's own services keep their sockets (XDG Base Directory Specification)."""
    return Path(environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid() if hasattr(os, 'getuid') else 0}")


def _listens(path: Path) -> bool:
    """Tell whether somebody listens at a unix socket who lets us in."""
    if not hasattr(socket, "AF_UNIX"):
        return False
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as knocking:
            knocking.settimeout(_KNOCK)
            knocking.connect(str(path))
    except (OSError, ValueError):
        return False
    return True


def _found_socket(environ: Mapping[str, str]) -> Endpoint:
    """Give the first engine that lets us in: the default socket, then those of rootless and desktop engines, then podman's."""
    default = Endpoint(DEFAULT_SOCKET, "the default socket")
    if _listens(Path(default.socket)):
        return default
    places = [(_runtime_folder(environ) / "docker.sock", "rootless Docker")]
    places += [(home(environ) / place, whose) for place, whose in _HOME_SOCKETS]
    places += [(path, "podman") for path in _podman_sockets(environ)]
    for path, whose in places:
        if _listens(path):
            return Endpoint(f"unix://{path}", f"the socket of {whose}")
    return msgspec.structs.replace(default, because="the default socket and those of rootless Docker, desktop engines and podman")


def _podman_sockets(environ: Mapping[str, str]) -> list[Path]:
    """Give where podman's service listens: a person's own, the system's, a virtual machine's (podman-system-service(1))."""
    own = _runtime_folder(environ) / "podman" / "podman.sock"
    return [own, Path("/run/podman/podman.sock"), *(home(environ) / place for place in _HOME_PODMAN_SOCKETS)]


def podman_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Give `environ` with podman's service as the engine: `CONTAINER_HOST`, else the first of its sockets that lets us in.

    Raises `TargetError` where none does.
    """
    host = environ.get("CONTAINER_HOST", "")
    if not host:
        found = next((path for path in _podman_sockets(environ) if _listens(path)), None)
        if found is None:
            tried = ", ".join(map(str, _podman_sockets(environ)[:2]))
            raise TargetError(
                f"no podman service listens (tried {printable(tried)})",
                hint="start it: systemctl --user start podman.socket, or podman system service --time=0; or set CONTAINER_HOST",
            )
        host = f"unix://{found}"
    else:
        host = _address(host, "CONTAINER_HOST")
    dropped = ("DOCKER_CONTEXT", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")
    return {**{name: value for name, value in environ.items() if name not in dropped}, "DOCKER_HOST": host}


def _read(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(_SETTINGS_LIMIT)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise TargetError(
            f"cannot be read: {(error.strerror or 'error').lower()}",
            where=printable(str(path)),
            hint="set DOCKER_HOST to do without it",
        ) from error


def _current_context(path: Path) -> str:
    data = _read(path)
    if not data:
        return ""
    said = decode(data, _Settings, "the docker client's configuration", printable(str(path)), hint=_CORRECT)
    return said.current_context or ""


def _of_context(folder: Path, name: str, because: str) -> Endpoint:
    key = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
    path = folder / "contexts" / "meta" / key / "meta.json"
    data = _read(path)
    if data is None:
        raise TargetError(f"{because} does not exist", hint="see docker context ls, or set DOCKER_HOST")
    endpoint = (decode(data, _Context, "the docker context", printable(str(path)), hint=_CORRECT).endpoints or {}).get("docker")
    if endpoint is None or not endpoint.host:
        raise TargetError(
            f"{because} names no docker engine", where=printable(str(path)), hint="see docker context inspect, or set DOCKER_HOST"
        )
    tls = folder / "contexts" / "tls" / key / "docker"
    skips = bool(endpoint.skip_verify)
    return Endpoint(
        _address(endpoint.host, because),
        because,
        str(tls) if tls.is_dir() else "",
        tls.is_dir() and not skips,
        tls.is_dir() or skips,
    )
