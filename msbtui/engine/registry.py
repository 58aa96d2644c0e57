"""An image in a registry, read without an engine: `registry:HOST/NAME:TAG` or `registry:HOST/NAME@sha256:...`.

Blobs are fetched some at a time and indexed while they arrive. A layer that the cache has, from wherever, is not fetched.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Mapping

import msgspec

from msbtui.engine import waiting
from msbtui.engine.choose import first_schema
from msbtui.engine.credentials import DOCKER_HUB
from msbtui.engine.disk import KnownLayer, check_reading
from msbtui.engine.distribution import AbsentError, Registry
from msbtui.engine.layers import read_stream
from msbtui.engine.layout import open_layout
from msbtui.engine.manifest import Descriptor, Manifest, check_digest, decode, sha256_of
from msbtui.engine.mirrored import Mirrored, connect
from msbtui.engine.mirrors import endpoints
from msbtui.engine.request import Request
from msbtui.engine.signatures import Asked
from msbtui.engine.tables import Flow, TocError, read_by_table
from msbtui.errors import Cancelled, TargetError
from msbtui.image.model import Image, Signature
from msbtui.text import printable

_AT_ONCE = 3
"""Blobs fetched at a time."""
_STEP = 0.05
_DOCUMENTS = 64 << 20
"""Bytes of manifests, configurations and attestations that one image may have."""
_NO_REGISTRY = "it may be no registry that answers there, or the image is damaged"
_NAME = "org.opencontainers.image.ref.name"


class Reference(msgspec.Struct, frozen=True):
    """An image's name, as distribution/reference splits and completes it (normalize.go)."""

    host: str
    repository: str
    tag: str
    digest: str = ""

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Split a name that has the form of one; without a host it is Docker Hub's, without a tag `latest`."""
        name, _, digest = text.partition("@")
        first, slash, rest = name.partition("/")
        if slash and ("." in first or ":" in first or first == "localhost"):
            host, name = first, rest
        else:
            host = DOCKER_HUB
        if host in ("index.docker.io", "registry-1.docker.io"):
            host = DOCKER_HUB
        repository, colon, tag = name.rpartition(":")
        if not colon:
            repository, tag = name, "latest"
        if host == DOCKER_HUB and "/" not in repository:
            repository = f"library/{repository}"
        return cls(host, repository, tag, digest)


def open_registry(name: str, request: Request, environ: Mapping[str, str] | None = None) -> Image:
    """Give the image `name` from its registry. Raises `TargetError`, `Cancelled`; layers read by then are in the cache."""
    reference = Reference.parse(name)
    where = printable(name)
    environ = os.environ if environ is None else environ
    places = endpoints(reference.host, reference.repository, environ)
    registry = connect(places, environ, where=where, plain_http=request.plain_http, cancel=request.cancel)
    fetcher = _Fetcher(registry, request, where)
    try:
        repository = _Repository(registry, fetcher, reference, request, where)
        image = open_layout(repository, "", request, what="registry", where=where)
        image.notes.extend(fetcher.notes())
        image.signatures = repository.signatures()
        return image
    except BaseException:
        fetcher.end()
        raise
    finally:
        registry.close()


class _Repository:
    """A registry's repository as a layout with one image."""

    def __init__(
        self, registry: Registry | Mirrored, fetcher: _Fetcher, reference: Reference, request: Request, where: str
    ) -> None:
        self._registry = registry
        self._fetcher = fetcher
        self._keeper = request.keeper
        self._cancel = request.cancel
        self._where = where
        self._configurations: set[str] = set()
        self._layers: dict[str, Descriptor] = {}
        self._documents: dict[str, bytes] = {}
        self._bytes = 0
        self._is_kept = False
        """Whether the image's name is a digest that was read before: then nothing is asked of the registry for it."""
        data = self._top(reference)
        digest = reference.digest or sha256_of(data)
        check_digest(data, digest, where)
        self._take(digest, data)
        self._top_digest = digest
        self._asked = None if self._is_kept else Asked(registry, digest)
        self.index = msgspec.json.encode(Manifest(manifests=[Descriptor(digest, annotations={_NAME: where})]))

    def _top(self, reference: Reference) -> bytes:
        if reference.digest and (known := self._keeper.document(reference.digest)) is not None:
            self._is_kept = True
            return known
        try:
            return self._call(lambda: self._registry.manifest(reference.digest or reference.tag))
        except AbsentError:
            raise TargetError(
                f"registry {printable(reference.host)} has no such image", where=self._where, hint="check its name and tag"
            ) from None

    def _call(self, function: Callable[[], bytes]) -> bytes:
        return waiting.call(function, self._cancel, patience=1e9)  # the registry's own time-outs end it

    def _take(self, digest: str, data: bytes) -> None:
        self._bytes += len(data) if digest not in self._documents else 0
        if self._bytes > _DOCUMENTS:
            raise TargetError("has more manifests than any image", where=self._where, hint=_NO_REGISTRY)
        self._documents[digest] = data
        self._keeper.keep_document(data)
        if self._is_blob(digest):
            return
        manifest = decode(data, Manifest, f"manifest {digest[:19]}", self._where, hint=_NO_REGISTRY)
        if manifest.schema == 1 and manifest.config is None:
            raise first_schema(self._where)
        if manifest.manifests is None and manifest.config is None and not manifest.artifact_type:
            raise TargetError("has a manifest that is neither an image's nor an index", where=self._where, hint=_NO_REGISTRY)
        if manifest.config is not None:
            self._configurations.add(manifest.config.digest)
        self._layers.update((layer.digest, layer) for layer in manifest.layers or ())

    def signatures(self) -> tuple[Signature, ...]:
        """Give what lies beside the image, as the registry says now, or as it said when it was last asked."""
        key = f"signatures:{self._registry.host}/{self._registry.repository}@{self._top_digest}"
        if self._asked is None:
            kept = self._keeper.document(self._keeper.layer_of(key) or "")
            try:
                return msgspec.json.decode(kept or b"[]", type=tuple[Signature, ...])
            except msgspec.DecodeError:
                return ()
        found = self._asked.result()
        data = msgspec.json.encode(found)
        self._keeper.keep_document(data)
        self._keeper.link(key, sha256_of(data))
        return found

    def _is_blob(self, digest: str) -> bool:
        return digest in self._configurations or digest in self._layers

    def document(self, digest: str) -> bytes | None:
        """Give a manifest or configuration: at hand, kept, or fetched."""
        if digest not in self._documents:
            data = self._keeper.document(digest)
            if data is None:
                ask = self._registry.document if self._is_blob(digest) else self._registry.manifest
                try:
                    data = self._call(lambda: ask(digest))
                except AbsentError:
                    return None
                check_digest(data, digest, self._where)
            self._take(digest, data)
        return self._documents[digest]

    def blob(self, digest: str) -> _Job:
        """Give a layer, still to be fetched."""
        return self._fetcher.job(self._layers.get(digest) or Descriptor(digest))


class _Job:
    """A layer that is fetched, or found in the cache (a `disk.Pending`)."""

    def __init__(self, fetcher: _Fetcher, descriptor: Descriptor) -> None:
        self._fetcher = fetcher
        self.descriptor = descriptor
        self.name = descriptor.digest
        self.digest = descriptor.digest
        self.length = descriptor.size
        self.no_table = ""
        """Why its table of contents is of no use; empty where it has none, or it is."""
        self.diff_id = ""
        self.count = 0
        """Bytes fetched so far."""
        self.done = threading.Event()
        self.layer: KnownLayer | None = None
        self.error: BaseException | None = None

    @property
    def size(self) -> int:
        """Give the bytes as stored, as the manifest says."""
        return self.length or 0

    def start(self, diff_id: str) -> None:
        """Begin to fetch, unless the cache has it."""
        if not self.diff_id:
            self.diff_id = diff_id
            self._fetcher.start(self)

    def take(self, on_bytes: Callable[[int], None]) -> KnownLayer:
        """Wait for the layer. `on_bytes` hears the bytes fetched so far of this and of later ones."""
        return self._fetcher.take(self, on_bytes)


class _Fetcher:
    """Fetches blobs in a few threads of its own, in the order in which they were asked for."""

    def __init__(self, registry: Registry | Mirrored, request: Request, where: str) -> None:
        self._registry = registry
        self._request = request
        self._where = where
        self._jobs: dict[str, _Job] = {}
        self._queue: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._threads = 0
        self._lock = threading.Lock()
        self._parts: Registry | Mirrored | None = None

    def job(self, descriptor: Descriptor) -> _Job:
        """Give the job of a blob; a layer that is there twice is fetched once."""
        return self._jobs.setdefault(descriptor.digest, _Job(self, descriptor))

    def end(self) -> None:
        """End what fetches by tables of contents, which else goes on after the image was read."""
        if self._parts is not None:
            self._parts.close()

    def notes(self) -> list[str]:
        """Give what a person should know of tables of contents: that layers were read by them, or could not be."""
        jobs = list(self._jobs.values())
        unverified = sum(job.layer is not None and not job.layer.verified for job in jobs)
        found = []
        if unverified:
            layers = "1 layer was" if unverified == 1 else f"{unverified} layers were"
            found.append(f"{layers} read by table of contents, not whole; --verify-digests reads all")
        broken = [job for job in jobs if job.no_table]
        if broken:
            more = f" (and of {len(broken) - 1} more)" if len(broken) > 1 else ""
            found.append(f"the table of contents of layer {broken[0].name[:19]}{more} was not used: {broken[0].no_table}")
        return found

    def start(self, job: _Job) -> None:
        keeper = self._request.keeper
        # The configuration, which its digest vouches for, names the layer by its content: whence it came does not matter.
        known = None if self._request.verify else keeper.layer(job.diff_id) or keeper.blob(job.digest)
        if known is not None:
            job.layer = KnownLayer(job.name, job.size, job.digest, job.diff_id, *known)
            job.done.set()
            return
        self._queue.put(job)
        if self._threads < _AT_ONCE:
            self._threads += 1
            threading.Thread(target=self._work, name="registry-blob", daemon=True).start()

    def _work(self) -> None:
        while not self._registry.stop.is_set():
            try:
                job = self._queue.get(timeout=_STEP)
            except queue.Empty:
                continue
            try:
                job.layer = self._fetch(job)
            except BaseException as error:  # handed to the reader's thread
                job.error = error
            finally:
                job.done.set()

    def _fetch(self, job: _Job) -> KnownLayer:
        def told(count: int) -> None:
            job.count = count

        by_table = self._by_table(job)
        if by_table is not None:
            return by_table
        flow = Flow(self._registry.blob(job.digest, job.length))
        label = f"{self._where}: {job.name}"
        reading = read_stream(
            flow, where=label, digest=job.digest, diff_id=job.diff_id, cancel=self._registry.stop, on_bytes=told
        )
        check_reading(reading, job.digest, job.diff_id, job.name, self._where)
        self._request.keeper.keep_layer(reading)
        self._request.keeper.link(job.digest, job.diff_id)
        return KnownLayer(job.name, reading.size, job.digest, reading.diff_id, reading.entries, reading.contents)

    def _by_table(self, job: _Job) -> KnownLayer | None:
        if self._request.verify:
            return None
        with self._lock:
            if self._parts is None:
                self._parts = self._registry.again()
        try:
            return read_by_table(self._parts, job.descriptor, job.diff_id, self._request.keeper, self._where)
        except TocError as error:
            job.no_table = str(error)
            return None

    def take(self, job: _Job, on_bytes: Callable[[int], None]) -> KnownLayer:
        while not job.done.wait(_STEP):
            waiting.check(self._request.cancel)
            on_bytes(sum(one.count for one in self._jobs.values()))
        error = job.error
        if isinstance(error, AbsentError):
            raise TargetError(
                f"registry {printable(self._registry.host)} does not have blob {job.digest}",
                where=self._where,
                hint="the image is damaged there: push it again",
            )
        if isinstance(error, TargetError):
            read = sum(one.layer is not None for one in self._jobs.values())
            raise TargetError(
                f"{error.what}; {read} of {len(self._jobs)} layers are read and kept", where=error.where, hint=error.hint
            ) from error
        if isinstance(error, Cancelled):
            raise Cancelled
        if error is not None:
            raise error
        assert job.layer is not None
        job.count = 0  # the caller counts it from now on
        return job.layer
