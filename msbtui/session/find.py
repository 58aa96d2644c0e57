"""Which of the engine's images a Dockerfile built."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import msgspec

from msbtui.analysis.lines import match_lines
from msbtui.analysis.model import Provenance
from msbtui.dockerfile.model import Dockerfile, StageGraph
from msbtui.engine.docker import Engine
from msbtui.errors import Cancelled, TargetError

MOST = 200
"""How many images are looked at, newest first: each costs a request or two."""

ENOUGH = 0.5
"""The least fit that is called this Dockerfile's image."""


class Found(msgspec.Struct, frozen=True):
    """An image of the engine that fits a Dockerfile."""

    name: str
    id: str
    tags: tuple[str, ...]
    diff_ids: tuple[str, ...]
    provenance: Provenance

    @property
    def why(self) -> str:
        """Say in words how well it fits."""
        return f"fits best: {self.provenance.verdict}"


def find_image(
    engine: Engine,
    dockerfile: Dockerfile,
    graph: StageGraph,
    cancel: threading.Event,
    build_args: Mapping[str, str] | None = None,
) -> Found | None:
    """Give the engine's image whose history fits the Dockerfile best, the newest of equals; None where none fits.

    Raises TargetError where the engine does not answer, Cancelled when `cancel` is set.
    """
    best: Found | None = None
    for summary in sorted(engine.images(), key=lambda each: each.created, reverse=True)[:MOST]:
        if cancel.is_set():
            raise Cancelled
        try:
            details = engine.inspect(summary.id)
        except TargetError:
            # Removed between the listing and the question: another image may still fit.
            continue
        provenance = match_lines(dockerfile, graph, details.history, [None] * len(details.diff_ids), build_args=build_args)
        if provenance.fit >= ENOUGH and (best is None or provenance.fit > best.provenance.fit):
            name = summary.tags[0] if summary.tags else summary.id
            best = Found(name, summary.id, summary.tags, details.diff_ids, provenance)
    return best


class ImageWatch:
    """Notices an image that fits a Dockerfile better than the one that is shown: mostly a rebuild."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._seen: tuple[object, ...] = ()

    def better(
        self,
        dockerfile: Dockerfile,
        graph: StageGraph,
        *,
        shown: str,
        layers: tuple[str, ...],
        fit: float,
        cancel: threading.Event,
        build_args: Mapping[str, str] | None = None,
    ) -> Found | None:
        """Give an image with other layers than `layers` that fits better than `fit`, or as well under the name `shown`.

        Costs one listing while neither the engine's images nor the Dockerfile change. Raises TargetError where the engine
        does not answer.
        """
        listed = self._engine.images()
        state = (tuple((each.id, each.tags) for each in listed), dockerfile, layers)
        if state == self._seen:
            return None
        self._seen = state
        found = find_image(self._engine, dockerfile, graph, cancel, build_args)
        if found is None or found.diff_ids == layers:
            return None
        return found if found.provenance.fit > fit or (found.provenance.fit == fit and shown in found.tags) else None
