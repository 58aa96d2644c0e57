"""Credentials for a registry, from where docker and podman keep them; never asked for, never shown.

docker/cli cli/config/configfile and cli/config/credentials (`auths`, `credHelpers`, `credsStore`); the helpers' protocol is
docker/docker-credential-helpers; podman's file is containers-auth.json(5).
"""

from __future__ import annotations

import base64
import binascii
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from msbtui.engine.host import config_home, settings_folder
from msbtui.engine.manifest import JSON_LIMIT, decode
from msbtui.errors import TargetError
from msbtui.text import printable

DOCKER_HUB = "docker.io"
_HUB_KEY = "https://index.docker.io/v1/"
_NO_NAME = "<token>"
_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_HELPER_TIME = 30
"""Seconds that a credential helper may take: it may wait for a person to unlock a key ring."""


class Credentials(msgspec.Struct, frozen=True):
    """Who we are to a registry."""

    user: str = ""
    password: str = ""
    identity_token: str = ""
    """Instead of a password: what a login with OAuth2 left behind."""

    def __repr__(self) -> str:
        """Give nothing away."""
        return "Credentials(...)"

    @property
    def basic(self) -> str:
        """Give the value of an Authorization header (RFC 7617)."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode("ascii")


class _Auth(msgspec.Struct, frozen=True):
    auth: str | None = None
    username: str | None = None
    password: str | None = None
    identitytoken: str | None = None


class _File(msgspec.Struct, frozen=True):
    auths: dict[str, _Auth] | None = None
    helpers: dict[str, str] | None = msgspec.field(name="credHelpers", default=None)
    store: str | None = msgspec.field(name="credsStore", default=None)


class _Answer(msgspec.Struct, frozen=True):
    user: str = msgspec.field(name="Username", default="")
    secret: str = msgspec.field(name="Secret", default="")


def find_credentials(host: str, environ: Mapping[str, str], repository: str = "") -> Credentials | None:
    """Give what docker, else podman, would show to the registry `host` (`docker.io` for Docker Hub); None for nobody.

    Of podman's logins for parts of a registry (`host/namespace`) the one counts that says most of `repository`.

    A helper that is not there or does not know the host counts as nobody. Raises `TargetError` for a damaged file.
    """
    key = _key(host)
    for file in _read(environ):
        helper = _helper(file, host)
        found = (_from_helper(helper, key, environ) if helper else None) or _from_file(file, host, key, repository)
        if found is not None:
            return found
    return None


def helper_of(host: str, environ: Mapping[str, str]) -> str:
    """Give the helper that is asked for the credentials of the registry `host`; empty where none is named."""
    return next(filter(None, (_helper(file, host) for file in _read(environ))), "")


def _key(host: str) -> str:
    return _HUB_KEY if host == DOCKER_HUB else host


def _helper(file: _File, host: str) -> str:
    helpers = file.helpers or {}
    return helpers.get(_key(host)) or helpers.get(host) or file.store or ""


def _read(environ: Mapping[str, str]) -> Iterator[_File]:
    for path in _files(environ):
        try:
            with path.open("rb") as opened:
                data = opened.read(JSON_LIMIT + 1)
        except OSError:
            continue
        where = printable(str(path))
        yield decode(data or b"{}", _File, "the file of credentials", where, hint="correct that file, or log in again")


def _files(environ: Mapping[str, str]) -> Iterator[Path]:
    yield settings_folder(environ) / "config.json"
    if named := environ.get("REGISTRY_AUTH_FILE"):
        yield Path(named)
    if runtime := environ.get("XDG_RUNTIME_DIR"):
        yield Path(runtime) / "containers" / "auth.json"
    yield config_home(environ) / "containers" / "auth.json"


def _from_file(file: _File, host: str, key: str, repository: str) -> Credentials | None:
    found = [
        (length, auth) for name, auth in (file.auths or {}).items() if (length := _fits(name, host, key, repository)) is not None
    ]
    for _, auth in sorted(found, key=lambda one: one[0], reverse=True):
        if auth.identitytoken:
            return Credentials(identity_token=auth.identitytoken)
        user, password = auth.username or "", auth.password or ""
        if auth.auth:
            try:
                text = base64.b64decode(auth.auth, validate=True).decode("utf-8", "surrogateescape")
            except (binascii.Error, ValueError):
                continue
            user, _, password = text.partition(":")
            password = password.rstrip("\0")
        if user:
            return Credentials(user, password)
    return None


def _fits(name: str, host: str, key: str, repository: str) -> int | None:
    """Give how much of `repository` a login says; None where it is for another registry or another part of it."""
    if name == key:
        return 0
    at, _, path = name.removeprefix("https://").removeprefix("http://").partition("/")
    path = path.strip("/")
    if at != host:
        return None
    if path in ("", "v1", "v2"):
        return 0
    return len(path) if f"{repository}/".startswith(f"{path}/") else None


def _from_helper(name: str, key: str, environ: Mapping[str, str]) -> Credentials | None:
    if not _HELPER.fullmatch(name):
        return None
    try:
        done = subprocess.run(
            [f"docker-credential-{name}", "get"],
            input=key.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_HELPER_TIME,
            env=dict(environ),
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode:
        return None
    try:
        answer = decode(done.stdout, _Answer, "", "")
    except TargetError:
        return None
    if answer.user == _NO_NAME:
        return Credentials(identity_token=answer.secret)
    return Credentials(answer.user, answer.secret) if answer.user else None
