"""A Docker Engine through its HTTP API (Docker Engine API v1.41 and later): which images it has, and what they are.

docker-py carries the connection (unix sockets, TLS, ssh); answers are read and decoded here, bounded, since an engine is
hostile too.
"""

from __future__ import annotations

import contextlib
import difflib
import http.client
import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import msgspec

from msbtui.engine import waiting
from msbtui.engine.choose import short_name
from msbtui.engine.client import knock, make_client, options_of, trouble
from msbtui.engine.history import api_history
from msbtui.engine.host import Endpoint, find_endpoint
from msbtui.engine.manifest import JSON_LIMIT, LAYER_LIMIT, Digest, Int64, Platform, RawConfig, check_layer_count, decode
from msbtui.engine.ssh import Tunnel
from msbtui.errors import Cancelled, TargetError
from msbtui.image.model import HistoryItem, ImageConfig
from msbtui.text import printable

if TYPE_CHECKING:
    import docker as docker_py
    import requests

T = TypeVar("T")

_CHUNK = 256 << 10
_API_VERSION = re.compile(r"\d{1,4}\.\d{1,4}")
_LONGEST_VERSION = 100
_BASES = 256
"""Tagged images that are asked for their layers when bases are looked for."""
_ALIKE = 0.6
_WITHOUT = "or do without an engine: msbtui demo, or name an archive that docker save wrote"


class EngineImage(msgspec.Struct, frozen=True):
    """One line of the engine's list of images."""

    id: str
    tags: tuple[str, ...] = ()
    created: int = 0
    """Seconds since the epoch."""
    size: int = 0
    """Bytes, as the engine counts them (unpacked, or packed and unpacked with the containerd store)."""


class EngineImageDetails(msgspec.Struct, frozen=True):
    """What the engine says of one image, without its layers."""

    id: str
    """The engine's own id: the digest of the configuration, or with the containerd store that of the manifest or index."""
    tags: tuple[str, ...]
    config: ImageConfig
    history: tuple[HistoryItem, ...]
    """`empty_layer` is worked out from sizes and texts, as the API does not say it."""
    diff_ids: tuple[str, ...]
    platform: str
    created: str
    size: int
    keeps_manifests: bool = False
    """Whether the id is a manifest's or an index's, as the containerd store has it: attestations may lie beside the image."""


class _Listed(msgspec.Struct, frozen=True):
    id: str = msgspec.field(name="Id", default="")
    tags: list[str] | None = msgspec.field(name="RepoTags", default=None)
    created: Int64 = msgspec.field(name="Created", default=0)
    size: Int64 = msgspec.field(name="Size", default=0)


class _RootFs(msgspec.Struct, frozen=True):
    layers: list[Digest] | None = msgspec.field(name="Layers", default=None)


class _Inspected(msgspec.Struct, frozen=True):
    id: str = msgspec.field(name="Id")
    tags: list[str] | None = msgspec.field(name="RepoTags", default=None)
    repo_digests: list[str] | None = msgspec.field(name="RepoDigests", default=None)
    created: str | None = msgspec.field(name="Created", default=None)
    config: RawConfig | None = msgspec.field(name="Config", default=None)
    os: str | None = msgspec.field(name="Os", default=None)
    architecture: str | None = msgspec.field(name="Architecture", default=None)
    variant: str | None = msgspec.field(name="Variant", default=None)
    size: Int64 | None = msgspec.field(name="Size", default=None)
    rootfs: _RootFs | None = msgspec.field(name="RootFS", default=None)


class _Past(msgspec.Struct, frozen=True):
    created: Int64 = msgspec.field(name="Created", default=0)
    created_by: str | None = msgspec.field(name="CreatedBy", default=None)
    comment: str | None = msgspec.field(name="Comment", default=None)
    size: Int64 = msgspec.field(name="Size", default=0)


class _Component(msgspec.Struct, frozen=True):
    name: str = msgspec.field(name="Name", default="")


class _Version(msgspec.Struct, frozen=True):
    version: str = msgspec.field(name="Version", default="")
    api: str = msgspec.field(name="ApiVersion", default="")
    components: list[_Component] | None = msgspec.field(name="Components", default=None)

    @property
    def product(self) -> str:
        """Give whose engine it is."""
        return "podman" if any(one.name == "Podman Engine" for one in self.components or ()) else "Docker"


class _Complaint(msgspec.Struct, frozen=True):
    message: str = ""


class AnswerError(TargetError):
    """The engine answered that it could not do what was asked for."""


class MissingError(AnswerError):
    """The engine answered that it does not have what was asked for."""


class Engine:
    """A connected engine. Every call can be cancelled by the event given to `connect`, and notices an engine that froze."""

    def __init__(
        self,
        endpoint: Endpoint,
        client: docker_py.DockerClient,
        cancel: threading.Event | None,
        patience: float,
        tunnel: Tunnel | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._tunnel = tunnel  # lives as long as the connection
        self._api = client.api
        self._cancel = cancel
        self.patience = patience
        """Seconds of silence after which the engine counts as frozen."""
        self._details: dict[str, EngineImageDetails] = {}
        self._layers: dict[str, tuple[str, ...]] = {}
        self.host = endpoint.host
        """The engine's address, as `DOCKER_HOST` has it."""
        self._version_path = ""
        answer = self._ask("/version", _Version)
        if not _API_VERSION.fullmatch(answer.api):
            raise TargetError(
                f"the engine says no API version but {printable(answer.api)[:40]!r}",
                where=self.name_for_errors,
                hint="is it an engine that listens there?",
            )
        self._version_path = f"/v{answer.api}"
        self.version = printable(answer.version[:_LONGEST_VERSION])
        self.product = answer.product
        self.name = f"{answer.product} {self.version} at {printable(self.host)}"

    def images(self) -> list[EngineImage]:
        """Give the engine's images, newest first; quick. Raises `TargetError`, `Cancelled`."""
        listed = self._ask("/images/json", list[_Listed])
        found = [
            EngineImage(printable(i.id), tuple(printable(t) for t in i.tags or () if t != "<none>:<none>"), i.created, i.size)
            for i in listed
        ]
        return sorted(found, key=lambda image: -image.created)

    def inspect(self, ref: str) -> EngineImageDetails:
        """Give what the engine says of the image `ref` (a name or an id); asked once per id.

        Raises `TargetError`, with the names nearest to it where the engine does not have it.
        """
        if ref in self._details:
            return self._details[ref]
        raw = self._inspected(ref)
        if raw.id in self._details:
            return self._details[raw.id]
        path = f"/images/{quote(raw.id, safe=':')}/history"
        try:
            past = self._ask(path, list[_Past])
        except MissingError:
            raise self._missing(ref) from None
        except AnswerError:  # podman 4 breaks on items without a time; the export's configuration has the history too
            past = []
        diff_ids = tuple((raw.rootfs and raw.rootfs.layers) or ())
        check_layer_count(len(diff_ids), printable(ref))
        items = [(item.created_by or "", item.comment or "", _time(item.created), item.size) for item in reversed(past)]
        details = EngineImageDetails(
            id=printable(raw.id),
            tags=tuple(printable(tag) for tag in raw.tags or ()),
            config=(raw.config or RawConfig()).clean(),
            history=api_history(items, len(diff_ids)),
            diff_ids=diff_ids,
            platform=str(Platform(raw.os or "", raw.architecture or "", raw.variant)),
            created=printable(raw.created or ""),
            size=max(raw.size or 0, 0),
            keeps_manifests=any(digest.endswith(f"@{raw.id}") for digest in raw.repo_digests or ()),
        )
        self._details[raw.id] = details
        return details

    def _inspected(self, ref: str) -> _Inspected:
        with contextlib.suppress(MissingError):
            return self._ask(f"/images/{quote(ref, safe=':/@')}/json", _Inspected)
        raise self._missing(ref)

    def _missing(self, ref: str) -> TargetError:
        near: list[str] = []
        with contextlib.suppress(AnswerError):
            near = self.nearest(ref)
        lists = "podman images" if self.product == "podman" else "docker images"
        hint = f"nearest: {', '.join(near)}" if near else f"see {lists}, or build it first"
        return TargetError(f"no such image in {self.name}", where=printable(ref), hint=hint)

    def nearest(self, name: str) -> list[str]:
        """Give at most three names of images that are most like `name`."""
        return nearest(name, [tag for image in self.images() for tag in image.tags])

    def known_bases(self) -> dict[str, tuple[str, ...]]:
        """Give the diff ids of the engine's tagged images by name (of the newest few hundred), to find an image's base by them.

        Images that vanish meanwhile are left out, and those that an engine which takes too long would have told of. Each id is
        asked once.
        """
        bases: dict[str, tuple[str, ...]] = {}
        until = time.monotonic() + self.patience
        for image in [image for image in self.images() if image.tags][:_BASES]:
            if image.id not in self._layers:
                try:
                    raw = self._ask(f"/images/{quote(image.id, safe=':')}/json", _Inspected)
                except AnswerError:
                    continue
                except TargetError:  # frozen, or talking nonsense: it will not do better for the next one
                    break
                layers = (raw.rootfs and raw.rootfs.layers) or ()
                if len(layers) <= LAYER_LIMIT:
                    self._layers[image.id] = tuple(layers)
            for tag in image.tags if image.id in self._layers else ():
                bases[tag] = self._layers[image.id]
            if time.monotonic() > until:
                break
        return bases

    def alive(self) -> bool:
        """Tell whether the engine answers a ping within a few seconds."""
        try:
            waiting.call(lambda: self._get("/_ping", 1 << 10), self._cancel, min(5.0, self.patience))
        except (waiting.SilentError, OSError, TargetError):
            return False
        return True

    def export(
        self, ref: str, *, patience: Callable[[], float], on_silence: Callable[[float], None], on_bytes: Callable[[int], None]
    ) -> waiting.Pump:
        """Start `docker save` of one image (GET /images/NAME/get) and give its bytes as a stream to read."""

        def chunks() -> Iterator[bytes]:
            with self._open(f"/images/{quote(ref, safe=':/@')}/get", timeout=3600) as response:
                yield from _flow(response, _CHUNK)

        return waiting.Pump(chunks, cancel=self._cancel, patience=patience, on_silence=on_silence, on_bytes=on_bytes)

    @contextlib.contextmanager
    def _open(self, path: str, *, timeout: float) -> Iterator[requests.Response]:
        url = f"{self._api.base_url}{self._version_path}{path}"
        # no redirect is followed: an engine has none to give, and credentials would follow it
        options: dict[str, Any] = {"stream": True, "allow_redirects": False, "headers": {"Accept-Encoding": "identity"}}
        options |= options_of(self._api)
        try:
            answer = self._api.get(url, timeout=timeout, **options)
        except ValueError as error:  # requests looks at where a redirect leads even so
            raise ConnectionError("the answer cannot be understood") from error
        with answer as response:
            if response.status_code != 200:
                said = b"".join(_bounded(response, 1 << 16))
                with contextlib.suppress(TargetError):
                    said = decode(said, _Complaint, "", "").message.encode()
                words = printable(said.decode("utf-8", "replace").strip())[:300]
                raise (MissingError if response.status_code == 404 else AnswerError)(
                    f"the engine answered {response.status_code}: {words}",
                    where=self.name_for_errors,
                    hint="see the engine's log",
                )
            yield response

    @property
    def name_for_errors(self) -> str:
        """Give the engine's address for the front of an error line."""
        return printable(self._endpoint.host)

    def _get(self, path: str, limit: int) -> bytes:
        with self._open(path, timeout=self.patience + 5) as response:
            return b"".join(_bounded(response, limit))

    def _ask(self, path: str, as_type: type[T]) -> T:
        try:
            data = waiting.call(lambda: self._get(path, JSON_LIMIT + 1), self._cancel, self.patience)
        except (waiting.SilentError, OSError) as error:
            raise failure(error, self._endpoint, self.patience) from error
        return decode(data, as_type, "the engine's answer", self.name_for_errors, hint="see the engine's log")

    def failure(self, error: BaseException) -> TargetError:
        """Give the one clear line for a connection that failed."""
        return failure(error, self._endpoint, self.patience)


def _flow(response: requests.Response, size: int) -> Iterator[bytes]:
    """Give the body as it comes, never unpacked: nobody asked for that. Raises OSError where it breaks off or is none."""
    import urllib3

    try:
        yield from response.raw.stream(size, decode_content=False)
    except (urllib3.exceptions.HTTPError, http.client.HTTPException, ValueError) as error:
        raise ConnectionError("the answer breaks off") from error


def _bounded(response: requests.Response, limit: int) -> Iterator[bytes]:
    left = limit
    for chunk in _flow(response, min(_CHUNK, limit)):
        yield chunk[:left]
        left -= len(chunk)
        if left <= 0:
            return


def _time(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return ""


def connect(
    environ: Mapping[str, str] | None = None, *, cancel: threading.Event | None = None, patience: float = waiting.SILENCE
) -> Engine:
    """Connect to the engine that `environ` (default: the process's) names: `DOCKER_HOST`, a context, or the default socket.

    `patience` is in seconds: an engine silent for so long counts as frozen. Raises `TargetError` (no engine, no permission,
    frozen, no engine at that address) and `Cancelled`.
    """
    environ = os.environ if environ is None else environ
    endpoint = find_endpoint(environ)
    try:
        return waiting.call(lambda: _connected(endpoint, environ, cancel, patience), cancel, patience)
    except (waiting.SilentError, OSError) as error:
        raise failure(error, endpoint, patience) from error


def _connected(endpoint: Endpoint, environ: Mapping[str, str], cancel: threading.Event | None, patience: float) -> Engine:
    from docker.errors import DockerException  # imported here: it costs a tenth of a second that most calls need not pay

    if endpoint.socket:
        knock(endpoint.socket, patience)
    tunnel = Tunnel(endpoint.host, environ) if endpoint.host.startswith("ssh://") else None
    reached = endpoint if tunnel is None else msgspec.structs.replace(endpoint, host=tunnel.host)
    try:
        return Engine(endpoint, make_client(reached, patience), cancel, patience, tunnel)
    except (DockerException, TargetError) as error:
        if tunnel is not None and tunnel.complaint:
            raise TargetError(
                f"no engine answers: {tunnel.complaint}", where=printable(endpoint.host), hint="try ssh there yourself"
            ) from error
        if isinstance(error, TargetError):
            raise
        raise failure(error, endpoint, patience) from error


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting_ones: list[BaseException | None] = [error]
    while waiting_ones:
        one = waiting_ones.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting_ones += [one.__cause__, one.__context__, *(arg for arg in one.args if isinstance(arg, BaseException))]


def failure(error: BaseException, endpoint: Endpoint, patience: float) -> TargetError:
    """Give the one clear line for an engine that cannot be reached: what was tried, why it failed, what to try."""
    host = printable(endpoint.host)
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, (TargetError, Cancelled)):
            raise cause
    if any(isinstance(cause, PermissionError) for cause in causes):
        return TargetError(
            "no permission on the engine's socket",
            where=host,
            hint="join the group docker, log in again, or set DOCKER_HOST to an engine that is yours",
        )
    if any(isinstance(cause, (waiting.SilentError, TimeoutError)) or "Timeout" in type(cause).__name__ for cause in causes):
        return TargetError(
            f"the engine does not answer: no byte for {patience:g} s",
            where=host,
            hint="it may be frozen: restart it, or set DOCKER_HOST to another",
        )
    if any(isinstance(cause, (FileNotFoundError, ConnectionRefusedError, NotADirectoryError)) for cause in causes):
        return TargetError(
            f"no engine there (tried {endpoint.because})", where=host, hint=f"start Docker, set DOCKER_HOST, {_WITHOUT}"
        )
    last = causes[-1] if causes else error
    words, hint = trouble(last, tls=endpoint.tls) or (printable(str(last))[:200], "check DOCKER_HOST")
    return TargetError(f"no engine answers (tried {endpoint.because}): {words}", where=host, hint=f"{hint}, {_WITHOUT}")


def _plain(name: str) -> str:
    """Give a name without the host that an engine put before it: podman has `localhost/`, containerd `docker.io/library/`."""
    return short_name(name.removeprefix("localhost/"))


def nearest(name: str, tags: Sequence[str]) -> list[str]:
    """Give at most three of `tags` that are most like `name`: by repository first, then by tag."""
    wanted, wanted_tag = _split_tag(_plain(name))
    scored: list[tuple[float, float, int, str]] = []
    for tag in tags[:5000]:
        repository, its_tag = _split_tag(_plain(tag))
        alike = difflib.SequenceMatcher(None, wanted, repository).ratio()
        if alike >= _ALIKE:
            scored.append((-alike, -difflib.SequenceMatcher(None, wanted_tag, its_tag).ratio(), len(scored), tag))
    return [tag for *_, tag in sorted(scored)[:3]]


def _split_tag(name: str) -> tuple[str, str]:
    name = name.partition("@")[0]
    repository, colon, tag = name.rpartition(":")
    return (repository, tag) if colon and "/" not in tag else (name, "latest")


def known_bases(engine: Engine) -> Mapping[str, Sequence[str]]:
    """Give `engine.known_bases()`."""
    return engine.known_bases()
