"""A repository behind mirrors: each is asked in turn, and the registry itself last. What one fails at, the next does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from msbtui.engine.distribution import AbsentError, NoRangesError, Registry
from msbtui.engine.mirrors import Endpoint
from msbtui.errors import TargetError

T = TypeVar("T")

_ATTEMPTS = 2
"""How often a mirror is asked before the next one is."""


class Mirrored:
    """As `Registry`, over several of them; the last is the registry itself, whose errors are told."""

    def __init__(self, registries: Sequence[tuple[Endpoint, Registry]]) -> None:
        self._all = list(registries)
        self._failed: set[int] = set()
        self._origin = registries[-1][1]
        self.host = self._origin.host
        self.repository = self._origin.repository
        self.stop = self._origin.stop

    def close(self) -> None:
        """End what still runs in other threads, and drop the connections."""
        for _, registry in self._all:
            registry.close()

    def again(self) -> Mirrored:
        """Give the same for what is asked later: it is not closed with this one."""
        stop = threading.Event()
        return Mirrored([(endpoint, registry.again(stop)) for endpoint, registry in self._all])

    def manifest(self, reference: str) -> bytes:
        """Give the manifest or index under a tag or digest, not yet checked. Raises `AbsentError`, `TargetError`."""
        return self._ask(lambda registry: registry.manifest(reference), by_digest=":" in reference)

    def document(self, digest: str) -> bytes:
        """Give a small blob, not yet checked. Raises `AbsentError`, `TargetError`."""
        return self._ask(lambda registry: registry.document(digest), by_digest=True)

    def glance(self, path: str, accept: str) -> bytes | None:
        """Give what a path of the registry itself answers; mirrors seldom have what lies beside images."""
        return self._origin.glance(path, accept)

    def blob(self, digest: str, length: int | None) -> Iterator[bytes]:
        """Give a blob's bytes as they come, from where one mirror broke off by the next."""
        return self._bytes(lambda registry, done: registry.blob(digest, length, done))

    def part(self, digest: str, start: int, end: int) -> Iterator[bytes]:
        """Give a blob's bytes from `start` up to `end`. Raises `NoRangesError` where nobody gives parts."""
        return self._bytes(lambda registry, done: registry.part(digest, start + done, end))

    def _asked(self, *, by_digest: bool) -> Iterator[tuple[int, Registry]]:
        for number, (endpoint, registry) in enumerate(self._all[:-1]):
            if number not in self._failed and (endpoint.digests if by_digest else endpoint.tags):
                yield number, registry

    def _ask(self, question: Callable[[Registry], T], *, by_digest: bool) -> T:
        for number, registry in self._asked(by_digest=by_digest):
            try:
                return question(registry)
            except AbsentError:
                continue
            except TargetError:
                self._check_stop()
                self._failed.add(number)
        return question(self._origin)

    def _bytes(self, question: Callable[[Registry, int], Iterator[bytes]]) -> Iterator[bytes]:
        done = 0
        for number, registry in self._asked(by_digest=True):
            try:
                for data in question(registry, done):
                    done += len(data)
                    yield data
            except (AbsentError, NoRangesError):
                continue
            except TargetError:
                self._check_stop()
                self._failed.add(number)
                continue
            return
        yield from question(self._origin, done)

    def _check_stop(self) -> None:
        if self.stop.is_set():
            raise TargetError("the reading was ended")


def connect(
    places: Sequence[Endpoint],
    environ: Mapping[str, str],
    *,
    where: str,
    plain_http: bool = False,
    cancel: threading.Event | None = None,
) -> Registry | Mirrored:
    """Give the repository at `places`, the registry itself last."""
    stop = threading.Event()
    registries = [
        Registry(
            one.host,
            one.repository,
            environ,
            where=where,
            plain_http=plain_http or one.insecure,
            unverified=one.insecure and not one.plain,
            api=one.api,
            authorities=one.authorities,
            clients=one.clients,
            attempts=_ATTEMPTS if one is not places[-1] else None,
            cancel=cancel,
            stop=stop,
        )
        for one in places
    ]
    return registries[0] if len(registries) == 1 else Mirrored(list(zip(places, registries, strict=True)))
