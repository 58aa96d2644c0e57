"""From where a repository is pulled: the mirrors that docker, podman and containerd are told of, then the registry itself.

containers-registries.conf(5), version 2; dockerd's `registry-mirrors` (Docker Hub only); containerd docs/hosts.md. What these
files allow to be insecure counts as asked for. A file that is not there or not ours to read says nothing.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from msbtui.engine.credentials import DOCKER_HUB
from msbtui.engine.host import config_home
from msbtui.engine.manifest import JSON_LIMIT, decode
from msbtui.errors import TargetError
from msbtui.text import printable

T = TypeVar("T")

ETC = Path("/etc")
"""Where the machine's settings lie."""


class Endpoint(msgspec.Struct, frozen=True):
    """A place that has the repository."""

    host: str
    """With the port, where it is not the usual one; `docker.io` for Docker Hub."""
    repository: str
    insecure: bool = False
    """Whether it may speak plain http, or have a certificate that nobody vouches for."""
    plain: bool = False
    """Whether it is named with `http://`."""
    tags: bool = True
    """Whether it is asked for tags."""
    digests: bool = True
    """Whether it is asked by digest."""
    api: str = "/v2"
    """Where its interface begins (OCI distribution-spec, "Endpoints")."""
    authorities: tuple[str, ...] = ()
    """Files with certificates that are trusted there, beside those of the machine."""
    clients: tuple[tuple[str, str], ...] = ()
    """Files with certificates that it is shown, and with their keys; an empty key is in the same file."""


class _Mirror(msgspec.Struct, frozen=True):
    location: str
    insecure: bool = False
    pull: str = msgspec.field(name="pull-from-mirror", default="all")


class _Registry(msgspec.Struct, frozen=True):
    prefix: str = ""
    location: str = ""
    insecure: bool = False
    blocked: bool = False
    by_digest_only: bool = msgspec.field(name="mirror-by-digest-only", default=False)
    mirror: list[_Mirror] = []

    @property
    def begins(self) -> str:
        """Give what names must begin with."""
        return self.prefix or self.location


class _Registries(msgspec.Struct, frozen=True):
    registry: list[_Registry] = []


class _Daemon(msgspec.Struct, frozen=True):
    mirrors: list[str] | None = msgspec.field(name="registry-mirrors", default=None)


class _Host(msgspec.Struct, frozen=True):
    capabilities: tuple[str, ...] = ("pull", "resolve")
    skip_verify: bool = False
    override_path: bool = False
    ca: str | list[str] = []
    client: str | list[str | list[str]] = []


class _Hosts(_Host, frozen=True):
    server: str = ""
    host: dict[str, _Host] = {}


def endpoints(host: str, repository: str, environ: Mapping[str, str]) -> list[Endpoint]:
    """Give where the repository of a registry (`docker.io` for Docker Hub) is asked for: mirrors first, the registry last.

    Raises `TargetError` for a registry that registries.conf blocks, and for a file of settings that cannot be understood.
    """
    name = f"{host}/{repository}"
    origin = Endpoint(host, repository)
    mirrors: list[Endpoint] = []
    said = _registry_of(name, environ)
    if said is not None:
        if said.blocked:
            raise TargetError(
                f"registry {printable(said.begins)} is blocked by registries.conf",
                where=printable(name),
                hint="choose another registry, or change that file",
            )
        for mirror in said.mirror:
            pull = "digest-only" if said.by_digest_only else mirror.pull
            one = _endpoint(_moved(name, said.begins, mirror.location), mirror.insecure)
            mirrors.append(msgspec.structs.replace(one, tags=pull != "digest-only", digests=pull != "tag-only"))
        origin = _endpoint(_moved(name, said.begins, said.location), said.insecure) if said.location else origin
        if said.insecure:
            origin = msgspec.structs.replace(origin, insecure=True)
    if host == DOCKER_HUB:
        mirrors += _of_docker(repository, environ)
    mirrors += _of_containerd(host, repository)
    found = {(one.host, one.repository, one.api): one for one in reversed([*mirrors, origin])}
    return [*reversed(found.values())]


def _endpoint(name: str, insecure: bool) -> Endpoint:
    host, _, repository = name.partition("/")
    return Endpoint(host, repository, insecure)


def _matches(name: str, begins: str) -> bool:
    if begins.startswith("*."):
        return name.partition("/")[0].endswith(begins[1:])
    return bool(begins) and name.startswith(begins) and name[len(begins) :][:1] in ("", "/")


def _moved(name: str, begins: str, location: str) -> str:
    """Give `name` with `location` for what it begins with."""
    length = len(name.partition("/")[0]) if begins.startswith("*.") else len(begins)
    return location.rstrip("/") + name[length:]


def _registry_of(name: str, environ: Mapping[str, str]) -> _Registry | None:
    found = [
        one
        for path in _registries_files(environ)
        if (file := _toml(path, _Registries)) is not None
        for one in file.registry
        if _matches(name, one.begins)
    ]
    # Of several that fit the longest counts, of equals the one that was read last.
    return max(reversed(found), key=lambda one: len(one.begins), default=None)


def _registries_files(environ: Mapping[str, str]) -> Iterator[Path]:
    if named := environ.get("CONTAINERS_REGISTRIES_CONF"):
        yield Path(named)
        return
    own = config_home(environ) / "containers"
    path = own / "registries.conf"
    yield path if path.is_file() else ETC / "containers/registries.conf"
    for folder in (ETC / "containers/registries.conf.d", own / "registries.conf.d"):
        try:
            yield from sorted(folder.glob("*.conf"))
        except OSError:
            continue


def _of_docker(repository: str, environ: Mapping[str, str]) -> list[Endpoint]:
    for path in (ETC / "docker/daemon.json", config_home(environ) / "docker/daemon.json"):
        data = _read(path)
        if data is not None:
            said = decode(data or b"{}", _Daemon, "the engine's file of settings", printable(str(path)), hint="correct that file")
            return [one for url in said.mirrors or () if (one := _of_url(url, repository)) is not None]
    return []


def _of_containerd(host: str, repository: str) -> list[Endpoint]:
    for name in (host, "_default"):
        folder = ETC / "containerd/certs.d" / name
        said = _toml(folder / "hosts.toml", _Hosts)
        if said is None:
            continue
        settings = [*said.host.items(), *([(said.server, said)] if said.server else [])]
        return [one for url, settings_of in settings if (one := _of_host(url, settings_of, folder, repository)) is not None]
    return []


def _of_host(url: str, said: _Host, folder: Path, repository: str) -> Endpoint | None:
    """Give what hosts.toml says of one host; None where nothing is pulled from there. Files are named from its folder on."""
    one = _of_url(url, repository) if "pull" in said.capabilities else None
    if one is None:
        return None
    path = urlsplit(url).path.rstrip("/")
    authorities = [said.ca] if isinstance(said.ca, str) else said.ca
    clients = [said.client] if isinstance(said.client, str) else said.client
    pairs = [(pair, "") if isinstance(pair, str) else ((*pair, "", "")[0], (*pair, "", "")[1]) for pair in clients]
    return msgspec.structs.replace(
        one,
        insecure=one.insecure or said.skip_verify,
        tags="resolve" in said.capabilities,
        api=path if said.override_path or path.endswith("/v2") else f"{path}/v2",
        authorities=tuple(str(folder / each) for each in authorities),
        clients=tuple((str(folder / pem), str(folder / key) if key else "") for pem, key in pairs if pem),
    )


def _of_url(url: str, repository: str) -> Endpoint | None:
    """Give the mirror at an address; None for what is none."""
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if not host or parts.scheme not in ("http", "https"):
        return None
    name = DOCKER_HUB if host == "registry-1.docker.io" else f"[{host}]" if ":" in host else host
    return Endpoint(f"{name}:{port}" if port else name, repository, insecure=parts.scheme == "http", plain=parts.scheme == "http")


def _read(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(JSON_LIMIT + 1)
    except OSError:
        return None


def _toml(path: Path, as_type: type[T]) -> T | None:
    data = _read(path)
    if data is None:
        return None
    try:
        document: Any = tomllib.loads(data.decode("utf-8"))
        return msgspec.convert(document, as_type)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError, msgspec.ValidationError) as error:
        raise TargetError(
            f"cannot be understood: {printable(str(error))[:200]}",
            where=printable(str(path)),
            hint="it says where images are pulled from: correct it",
        ) from None
