"""A registry over HTTP: requests with authentication, redirects, retries; everything it says is bounded and mistrusted.

OCI distribution-spec v1.1 ("Pulling manifests", "Pulling blobs"); token authentication as distribution/distribution
docs/spec/auth/token.md and oauth.md have it.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from msbtui.engine import waiting
from msbtui.engine.answers import (
    BrokenError,
    challenged,
    chunks,
    everything,
    is_about_trust,
    is_address,
    joined,
    origin,
    reason,
    resumes,
    retry_after,
)
from msbtui.engine.certificates import authorities_of, trust, variable_of
from msbtui.engine.credentials import DOCKER_HUB, Credentials, find_credentials, helper_of
from msbtui.engine.manifest import ACCEPT, JSON_LIMIT, decode
from msbtui.engine.pace import adapter, follow_nothing
from msbtui.errors import Cancelled, TargetError
from msbtui.text import printable
from msbtui.text import size as words_of_size

if TYPE_CHECKING:
    import requests

_ATTEMPTS = 5
_BACK_OFF = 0.25
"""Seconds before the second attempt; doubled each time."""
_LONGEST_WAIT = 30.0
_TIMEOUT = (10.0, 30.0)
"""Seconds to connect, and of silence."""
_REDIRECTS = 5
_ANSWER = 1 << 20
_PIECES = 1000
"""How often a blob may break off, even if every piece brings something."""
_GLANCE = 4 << 20
_AGAIN = frozenset({408, 429, 500, 502, 503, 504})
_LATER = "try again later"
_CRUMB, _CRUMBS = 64 << 10, 20
"""Bytes: a piece of a blob that brings fewer before it breaks off is a crumb; and how many of them a blob may come in."""


class _Token(msgspec.Struct, frozen=True):
    token: str | None = None
    access_token: str | None = None


class _Complaint(msgspec.Struct, frozen=True):
    message: str | None = None
    code: str | None = None


class _Complaints(msgspec.Struct, frozen=True):
    errors: list[_Complaint] | None = None


class AbsentError(Exception):
    """The registry does not have it."""


class NoRangesError(Exception):
    """The registry gives blobs whole only."""


def is_loopback(host: str) -> bool:
    """Tell whether `host` (with or without a port) is this machine by its very name."""
    name = host.rpartition(":")[0] if re.search(r":\d+\Z", host) else host
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def past_proxies(host: str) -> dict[str, Any]:
    """Give what requests is told so that nothing on the way to this very machine goes to a proxy; nothing for other hosts.

    Its own `no_proxy` would be put into the process's environment for a moment (requests.utils.should_bypass_proxies), which
    other threads read and write meanwhile, and where it could stay.
    """
    return {"proxies": {"http": "", "https": ""}} if is_loopback(host) else {}


class Registry:
    """One repository of a registry. Safe to use from several threads; `cancel` and `stop` end every wait."""

    def __init__(
        self,
        host: str,
        repository: str,
        environ: Mapping[str, str],
        *,
        where: str,
        plain_http: bool = False,
        unverified: bool = False,
        api: str = "/v2",
        authorities: Sequence[str] = (),
        clients: Sequence[tuple[str, str]] = (),
        attempts: int | None = None,
        cancel: threading.Event | None = None,
        stop: threading.Event | None = None,
    ) -> None:
        import requests
        import urllib3

        self.host = host
        self.repository = repository
        self._environ = environ
        self._where = where
        self._plain_http = plain_http
        self._cancel = cancel
        self._unverified = unverified
        self._api = api
        self._certificates = authorities, clients
        self._attempts = attempts or _ATTEMPTS
        self.stop = stop or threading.Event()
        self._lock = threading.Lock()
        self._authorization = ""
        self._credentials: Credentials | None = None
        self._asked_for_credentials = False
        # Odd addresses and headers make the libraries raise what is no error of a request.
        self._errors = (requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException, ValueError)
        self._session = requests.Session()
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, adapter()())
        follow_nothing(self._session)
        self._session.auth = lambda request: request  # nothing of ~/.netrc, nothing of a URL
        self._may_be_plain = plain_http or is_loopback(host)
        name = "registry-1.docker.io" if host == DOCKER_HUB else host
        self._base = f"https://{name}"
        self._plain_base = f"http://{name}"
        self._knows_scheme = not self._may_be_plain
        trust(self._session, name, environ, authorities, clients)
        if unverified:
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

    def close(self) -> None:
        """End what still runs in other threads, and drop the connections."""
        self.stop.set()
        self._session.close()

    # what is asked for

    def manifest(self, reference: str) -> bytes:
        """Give the manifest or index under a tag or digest, not yet checked. Raises `AbsentError`, `TargetError`."""
        return self._document(f"manifests/{reference}", ACCEPT)

    def document(self, digest: str) -> bytes:
        """Give a small blob, not yet checked. Raises `AbsentError`, `TargetError`."""
        return self._document(f"blobs/{digest}", "*/*")

    def _document(self, path: str, accept: str) -> bytes:
        def fetch() -> bytes:
            with self._open(path, {"Accept": accept}) as response:
                return everything(response, JSON_LIMIT, printable(path), self._where)

        return self._persist(fetch)

    def glance(self, path: str, accept: str) -> bytes | None:
        """Give what a path of the repository answers, asked for once; None where that failed, whatever the reason."""
        try:
            with self._open(path, {"Accept": accept}) as response:
                return everything(response, _GLANCE, "", self._where)
        except (AbsentError, BrokenError, TargetError, Cancelled):
            return None

    def blob(self, digest: str, length: int | None, start: int = 0) -> Iterator[bytes]:
        """Give a blob's bytes from `start` on as they come; a connection that breaks is taken up where it broke off.

        Raises `AbsentError`, and `TargetError` where the registry gives up, or sends more or less than `length`.
        """
        return self._bytes(digest, start, None if length is None else length - start, is_part=False)

    def part(self, digest: str, start: int, end: int) -> Iterator[bytes]:
        """Give a blob's bytes from `start` up to `end`, as `blob` does. Raises `NoRangesError` where it has wholes only."""
        return self._bytes(digest, start, end - start, is_part=True)

    def again(self, stop: threading.Event | None = None) -> Registry:
        """Give the same repository for what is asked later: it is not closed with this one."""
        with self._lock:
            other = Registry(
                self.host,
                self.repository,
                self._environ,
                where=self._where,
                plain_http=self._plain_http,
                unverified=self._unverified,
                api=self._api,
                authorities=self._certificates[0],
                clients=self._certificates[1],
                attempts=self._attempts,
                cancel=self._cancel,
                stop=stop,
            )
            other._base, other._knows_scheme = self._base, self._knows_scheme
            other._authorization, other._credentials = self._authorization, self._credentials
            other._asked_for_credentials = self._asked_for_credentials
        return other

    def _bytes(self, digest: str, start: int, length: int | None, *, is_part: bool) -> Iterator[bytes]:
        done = failures = crumbs = 0
        for _ in range(_PIECES):
            before = done
            try:
                at = start + done
                wanted = f"bytes={at}-{start + (length or 0) - 1 if is_part else ''}"
                headers = {"Accept": "*/*", **({"Range": wanted} if at or is_part else {})}
                with self._open(f"blobs/{digest}", headers) as response:
                    goes_on = (at > 0 or is_part) and resumes(response, at)
                    if is_part and not goes_on:
                        raise NoRangesError
                    skip = 0 if goes_on else at
                    for chunk in chunks(response):
                        data = chunk[skip:]
                        skip -= min(skip, len(chunk))
                        done += len(data)
                        if length is not None and done > length:
                            raise TargetError(
                                f"blob {digest} is longer than the {length} bytes that "
                                + ("were asked for" if is_part else "the manifest says"),
                                where=self._where,
                                hint="the registry does not keep its word",
                            )
                        if data:
                            yield data
                    if length is not None and done < length:
                        raise BrokenError(f"it broke off after {words_of_size(done)} of {words_of_size(length)}")
                    return
            except BrokenError as broken:
                failures = failures + 1 if done == before or broken.is_silence else 1
                crumbs += done - before < _CRUMB
                if crumbs > _CRUMBS:
                    break
                self._wait(broken, failures, f"blob {digest[:19]}: ")
        what = f"registry {printable(self.host)} gives blob {digest[:19]} in crumbs"
        raise TargetError(what, where=self._where, hint="check the network and what stands between, then try again")

    # how

    def _persist(self, fetch: Any) -> bytes:
        for failures in range(1, self._attempts + 1):
            try:
                answer: bytes = fetch()
                return answer
            except BrokenError as broken:
                self._wait(broken, failures, "")
        raise AssertionError  # the last wait raises

    def _wait(self, broken: BrokenError, failures: int, what: str) -> None:
        """Wait before the next attempt; raise `TargetError` where there is none, `Cancelled` at once."""
        asks_long = broken.wait > _LONGEST_WAIT
        if failures >= self._attempts or asks_long:
            tried = f"asks to wait {broken.wait:,.0f} s" if asks_long else f"tried {failures} time{'' if failures == 1 else 's'}"
            raise TargetError(
                f"registry {printable(self.host)}: {what}{broken} ({tried})",
                where=self._where,
                hint=f"{broken.hint or 'check the network and the registry, then try again'}; layers that were read are kept",
            ) from broken
        left = min(max(broken.wait, _BACK_OFF * 2 ** (failures - 1)), _LONGEST_WAIT)
        while left > 0 and not self.stop.wait(min(left, 0.05)):
            waiting.check(self._cancel)
            left -= 0.05
        if self.stop.is_set():
            raise TargetError("the reading was ended", where=self._where)

    @contextlib.contextmanager
    def _open(self, path: str, headers: Mapping[str, str]) -> Iterator[requests.Response]:
        if not self._knows_scheme:
            self._learn_scheme()
        url = f"{self._base}{self._api}/{self.repository}/{path}"
        shown = self._authorization
        response = self._follow(url, headers)
        if response.status_code == 401:
            challenge = response.headers.get("WWW-Authenticate", "")
            response.close()
            with self._lock:
                if self._authorization == shown:
                    self._authorization = self._authorize(challenge)
            response = self._follow(url, headers)
        with contextlib.closing(response):
            if response.status_code not in (200, 206):
                self._refuse(response, path)
            yield response

    def _learn_scheme(self) -> None:
        """See whether a registry on this machine, or one that may be plain, speaks TLS; plain http only where it does not."""
        with self._lock:
            if self._knows_scheme:
                return
            try:
                url = f"{self._base}{self._api}/"
                self._session.get(url, timeout=_TIMEOUT, allow_redirects=False, stream=True, **self._trusts(url)).close()
            except self._errors as error:
                if not is_about_trust(error):  # else it does speak TLS, and plain http would only hide what is wrong
                    self._base = self._plain_base
            self._knows_scheme = True

    def _trusts(self, url: str) -> dict[str, Any]:
        """Give what requests is told of the way to `url`: by whose word, and without a proxy to this very machine."""
        unverified = self._unverified and origin(url) == origin(self._base)
        verify = False if unverified else authorities_of(self._environ)
        return {"verify": verify, **past_proxies(urlsplit(url).hostname or "")}

    def _get(self, url: str, headers: Mapping[str, str]) -> requests.Response:
        """Send one request, following nothing."""
        waiting.check(self._cancel)
        try:
            return self._session.get(
                url,
                headers={"Accept-Encoding": "identity", **headers},
                stream=True,
                allow_redirects=False,
                timeout=_TIMEOUT,
                **self._trusts(url),
            )
        except self._errors as error:
            if is_about_trust(error):
                raise TargetError(
                    f"registry {printable(self.host)} has no certificate that is trusted",
                    where=self._where,
                    hint=f"put its authority into /etc/docker/certs.d/{printable(self.host)}/ca.crt, "
                    f"or name it by {variable_of(self._environ)}",
                ) from error
            raise BrokenError(reason(error)) from error

    def _follow(self, url: str, headers: Mapping[str, str]) -> requests.Response:
        """Send a request and follow redirects; credentials go to the registry itself and to nobody else."""
        for _ in range(_REDIRECTS + 1):
            shown = {"Authorization": self._authorization} if self._authorization and origin(url) == origin(self._base) else {}
            response = self._get(url, {**headers, **shown})
            if response.status_code not in (301, 302, 303, 307, 308):
                return response
            response.close()
            url = self._checked(joined(url, response.headers.get("Location", "")))
        raise TargetError(
            f"registry {printable(self.host)} redirects without end", where=self._where, hint="check the registry's address"
        )

    def _checked(self, url: str) -> str:
        """Give the address that a registry sends us to. Raises `TargetError` for none, or one less safe than the registry."""
        if not is_address(url):
            raise TargetError(
                f"registry {printable(self.host)} sends us to {printable(url)[:200] or 'nowhere'}, which is no address",
                where=self._where,
                hint="it may be no registry that answers there",
            )
        scheme, host = urlsplit(url).scheme, urlsplit(url).hostname or ""
        if scheme == "http" and not (self._base.startswith("http://") or (self._may_be_plain and is_loopback(host))):
            raise TargetError(
                f"registry {printable(self.host)} sends us to plain http at {printable(host)[:200]}",
                where=self._where,
                hint="--plain-http would allow it",
            )
        return url

    def _authorize(self, challenge: str) -> str:
        """Give what a challenge asks for, as the value of an Authorization header; empty where we have nothing to show."""
        if not self._asked_for_credentials:
            self._credentials = find_credentials(self.host, self._environ, self.repository)
            self._asked_for_credentials = True
        kind, said = challenged(challenge)
        if kind == "basic":
            return self._credentials.basic if self._credentials and self._credentials.user else ""
        if kind != "bearer":
            return ""
        realm = self._checked(said.get("realm", ""))
        asks = {"service": said.get("service", ""), "scope": said.get("scope") or f"repository:{self.repository}:pull"}
        return f"Bearer {self._token(realm, asks)}"

    def _token(self, realm: str, asks: Mapping[str, str]) -> str:
        known = self._credentials
        try:
            options: dict[str, Any] = {"stream": True, "allow_redirects": False, "timeout": _TIMEOUT, **self._trusts(realm)}
            if known is not None and known.identity_token:
                form = {**asks, "grant_type": "refresh_token", "refresh_token": known.identity_token, "client_id": "msbtui"}
                response = self._session.post(realm, data=form, **options)
            else:
                headers = {"Authorization": known.basic} if known is not None and known.user else {}
                response = self._session.get(realm, params=dict(asks), headers=headers, **options)
        except self._errors as error:
            raise BrokenError(f"its token service at {printable(realm)[:200]}: {reason(error)}") from error
        with contextlib.closing(response):
            if response.status_code in _AGAIN:
                raise self._broken(response, "its token service")
            if response.status_code != 200:
                raise self._not_allowed(response.status_code)
            answer = decode(
                everything(response, _ANSWER, "a token", self._where), _Token, "the registry's token", self._where, hint=_LATER
            )
        token = answer.token or answer.access_token or ""
        if not token or not token.isascii() or not token.isprintable():
            raise TargetError(f"registry {printable(self.host)} gave no token", where=self._where, hint=_LATER)
        return token

    def _not_allowed(self, status: int) -> TargetError:
        have = "with these credentials" if self._credentials is not None else "without credentials"
        if self._credentials is None and (helper := helper_of(self.host, self._environ)):
            have += f", of which docker-credential-{printable(helper)} gave none"
        return TargetError(
            f"registry {printable(self.host)} does not let us read this {have} ({status}), or does not have it",
            where=self._where,
            hint=f"check the name, or log in: docker login {printable(self.host) if self.host != DOCKER_HUB else ''}".rstrip(),
        )

    def _refuse(self, response: requests.Response, path: str) -> None:
        """Raise what an answer that is none means."""
        status = response.status_code
        if status == 404:
            raise AbsentError
        if status in (401, 403):
            raise self._not_allowed(status)
        if status in _AGAIN:
            raise self._broken(response, "it")
        raise TargetError(
            f"registry {printable(self.host)} answered {status} to {printable(path)[:100]}{_complaint(response)}",
            where=self._where,
            hint="check the name and the registry",
        )

    def _broken(self, response: requests.Response, who: str) -> BrokenError:
        """Give what an answer means that may be another one later."""
        if response.status_code != 429:
            return BrokenError(f"{who} answered {response.status_code}", retry_after(response))
        login = f"docker login {printable(self.host) if self.host != DOCKER_HUB else ''}".rstrip()
        words = f"{who} was asked too often (429){_complaint(response)}"
        return BrokenError(words, retry_after(response), f"wait, or log in for a higher limit: {login}")


def _complaint(response: requests.Response) -> str:
    """Give what a registry complains of, behind a colon; empty where it says nothing."""
    with contextlib.suppress(TargetError, BrokenError):
        complaints = decode(everything(response, _ANSWER, "", ""), _Complaints, "", "")
        said = "; ".join(filter(None, (printable(one.message or one.code or "") for one in complaints.errors or ())))[:300]
        return f": {said}" if said else ""
    return ""
