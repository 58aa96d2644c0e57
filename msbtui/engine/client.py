"""A connection to an engine, made as the docker CLI would make it, over docker-py's transports.

docker/cli, cli/context/docker/load.go: an engine with TLS may be given any of an authority, a client's certificate and none of
them, and what names them wins over what the environment says of other servers.
"""

from __future__ import annotations

import http.client
import os
import socket
import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from msbtui.engine.host import Endpoint
from msbtui.engine.pace import follow_nothing
from msbtui.errors import TargetError
from msbtui.text import printable

if TYPE_CHECKING:
    import docker as docker_py
    from docker.tls import TLSConfig

_LEAST_API = "1.41"
"""That of Docker 20.10, with which nothing is asked: the engine's own is asked for first."""
_KEYS = "the folder of DOCKER_CERT_PATH, or of the docker context, has ca.pem, cert.pem and key.pem"


def make_client(endpoint: Endpoint, patience: float) -> docker_py.DockerClient:
    """Give a client for the engine at `endpoint`; nothing is asked of it yet. `patience` is in seconds.

    Raises `TargetError` for TLS keys that are not there, and what docker-py raises for an address that it cannot use.
    """
    import docker

    tls = _tls(endpoint) if endpoint.tls and not endpoint.socket else None
    # With a version given, docker-py asks nothing by itself: it would read any answer to its end, however long.
    options: dict[str, Any] = {"version": _LEAST_API, "timeout": patience + 5, "use_ssh_client": True}
    client = docker.DockerClient(base_url=endpoint.host, tls=tls or False, **options)
    follow_nothing(client.api)
    if endpoint.socket:
        _use_one_connection(client.api, endpoint.socket)
    return client


def options_of(api: Any) -> dict[str, Any]:
    """Give what goes with every request: whom to trust, and no proxy on the way to this very machine.

    Without it requests lets REQUESTS_CA_BUNDLE win over the engine's own authority (requests issue 3829), and sends to a proxy
    what never leaves the machine, as Go's `http.ProxyFromEnvironment` does not.
    """
    from msbtui.engine.distribution import past_proxies  # late: an engine on a socket needs none of it

    return {"verify": api.verify, **past_proxies(urlsplit(str(api.base_url)).hostname or "")}


def _tls(endpoint: Endpoint) -> TLSConfig:
    from docker.tls import TLSConfig

    def path(name: str) -> str:
        found = os.path.join(endpoint.tls_folder, name) if endpoint.tls_folder else ""
        return found if os.path.isfile(found) else ""

    authority, certificate, key = path("ca.pem"), path("cert.pem"), path("key.pem")
    where = printable(endpoint.tls_folder) or endpoint.because
    if endpoint.needs_authority and endpoint.tls_verify and not authority:
        raise TargetError(f"TLS is asked for ({endpoint.because}) and there is no ca.pem", where=where, hint=_KEYS)
    if bool(certificate) != bool(key):
        has, lacks = ("cert.pem", "key.pem") if certificate else ("key.pem", "cert.pem")
        raise TargetError(f"there is a {has} and no {lacks}", where=where, hint=_KEYS)
    if not endpoint.tls_verify:
        import urllib3

        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # the person asked for it
    return TLSConfig(
        client_cert=(certificate, key) if certificate else None, ca_cert=authority or None, verify=endpoint.tls_verify
    )


def _use_one_connection(api: Any, path: str) -> None:
    """Let a unix socket's requests share a connection: docker-py opens one for each address, and over ssh each costs a login."""
    from docker.transport import UnixHTTPAdapter

    class OneConnection(UnixHTTPAdapter):
        def get_connection(self, _: Any, proxies: Any = None) -> Any:
            return super().get_connection("", proxies)

    api.mount(urlsplit(api.base_url).scheme + "://", OneConnection(f"http+unix://{path}", api.timeout))


def trouble(error: BaseException, *, tls: bool) -> tuple[str, str] | None:
    """Give why a connection (one with TLS or not) failed and what to try, in words for a person; None for what is not known."""
    text = str(error)
    keys = "check DOCKER_CERT_PATH or the docker context"
    if isinstance(error, ConnectionError | ssl.SSLEOFError | ssl.SSLZeroReturnError | http.client.HTTPException) or any(
        sign in text for sign in ("closed connection without response", "Connection reset", "Broken pipe", "EOF occurred")
    ):
        if tls:
            return "it hangs up, as if it wants another client's certificate", keys
        return "it hangs up", "if it wants TLS set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH"
    for sign, words, hint in (
        ("CERTIFICATE_VERIFY_FAILED", "its certificate is not trusted", f"{keys}: ca.pem must be its authority's"),
        ("CERTIFICATE_REQUIRED", "it wants a client's certificate", f"{keys}: cert.pem and key.pem must be there"),
        ("BAD_CERTIFICATE", "it does not take our certificate", f"{keys}: cert.pem must be signed for it"),
        ("UNKNOWN_CA", "it does not take our certificate", f"{keys}: cert.pem must be signed for it"),
        ("WRONG_VERSION_NUMBER", "it speaks no TLS", "unset DOCKER_TLS_VERIFY"),
        ("RECORD_LAYER_FAILURE", "it speaks no TLS", "unset DOCKER_TLS_VERIFY"),
        ("[SSL] PEM lib", "ca.pem, cert.pem or key.pem is damaged", keys),
        ("NO_CERTIFICATE_OR_CRL_FOUND", "ca.pem, cert.pem or key.pem is damaged", keys),
        ("KEY_VALUES_MISMATCH", "key.pem does not belong to cert.pem", keys),
        ("Client private key is encrypted", "key.pem wants a password", keys),
        ("Name or service not known", "there is no host of that name", "check DOCKER_HOST"),
        ("Network is unreachable", "the network cannot be reached", "check DOCKER_HOST"),
        ("No route to host", "there is no way to that host", "check DOCKER_HOST"),
    ):
        if sign in text or sign in text.upper().replace(" ", "_"):
            return words, hint
    return None


def knock(path: str, patience: float) -> None:
    """Open and close a unix socket, for the plain reason where that fails: docker-py hides it in its own words."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as knocking:
        knocking.settimeout(patience)
        knocking.connect(path)
