"""Certificates for a registry, from where docker, podman and containerd keep them.

Docker docs, "Verify repository client with certificates"; containers-certs.d(5): in a folder named HOST[:PORT] every `.crt`
is an authority's, every `.cert` a client's, whose key ends with `.key`.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msbtui.engine import mirrors
from msbtui.engine.host import config_home
from msbtui.engine.pace import adapter
from msbtui.errors import TargetError
from msbtui.text import printable

if TYPE_CHECKING:
    import requests


_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""Where systems keep all that they trust in one file, as Go looks for it (crypto/x509, root_linux.go, root_bsd.go)."""


def authorities_of(environ: Mapping[str, str]) -> str | None:
    """Give the file of those whom this machine trusts, as docker and podman trust them: a company's own are among them.

    `SSL_CERT_FILE` replaces the system's. None where requests' own variables name one, and where the system has none.
    """
    if variable_of(environ) != "SSL_CERT_FILE":
        return None
    return next((path for path in (environ.get("SSL_CERT_FILE"), *_BUNDLES) if path and Path(path).is_file()), None)


def variable_of(environ: Mapping[str, str]) -> str:
    """Give the variable that names whom to trust: requests' own, where one is set, count before `SSL_CERT_FILE`."""
    return next((name for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE") if environ.get(name)), "SSL_CERT_FILE")


def folders(host: str, environ: Mapping[str, str]) -> list[Path]:
    """Give the folders there are for the registry `host` (with its port, where that is not the usual one)."""
    if "/" in host or host in ("", ".", ".."):
        return []
    home = config_home(environ)
    places = (
        home / "containers/certs.d",
        mirrors.ETC / "containers/certs.d",
        mirrors.ETC / "docker/certs.d",
        home / "docker/certs.d",
    )
    return [folder for place in places if (folder := place / host).is_dir()]


def trust(
    session: requests.Session,
    host: str,
    environ: Mapping[str, str],
    authorities: Sequence[str] = (),
    clients: Sequence[tuple[str, str]] = (),
) -> None:
    """Let `session` use the certificates for the registry `host`, there and nowhere else. Raises `TargetError`.

    Beside those of the folders there may be files of authorities, and of client certificates with their keys (empty: in the
    same file), as containerd's hosts.toml names them.
    """
    found = folders(host, environ)
    if not found and not authorities and not clients:
        return
    context = ssl.create_default_context()
    for folder in found:
        with _used(folder, "authorities are .crt, client certificates .cert with a .key of the same name"):
            for path in sorted(folder.iterdir()):
                if path.suffix == ".crt":
                    context.load_verify_locations(path)
                elif path.suffix == ".cert":
                    context.load_cert_chain(path, path.with_suffix(".key"), password=_no_password)
    for name in authorities:
        with _used(name, "a hosts.toml names it: correct it there"):
            context.load_verify_locations(name)
    for name, key in clients:
        with _used(name, "a hosts.toml names it: correct it there"):
            context.load_cert_chain(name, key or None, password=_no_password)

    class Adapter(adapter()):  # type: ignore[misc]  # made late
        def init_poolmanager(self, *words: Any, **more: Any) -> None:
            super().init_poolmanager(*words, ssl_context=context, **more)

    session.mount(f"https://{host}/", Adapter())


@contextmanager
def _used(where: Path | str, hint: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ssl.SSLError) as error:
        raise TargetError(
            f"its certificates cannot be used: {printable(getattr(error, 'strerror', None) or str(error))[:200]}",
            where=printable(str(where)),
            hint=hint,
        ) from None


def _no_password() -> str:
    raise ssl.SSLError("the key wants a password")
