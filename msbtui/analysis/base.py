"""Where the base image ends: its layers are shown apart, because their cure is another base (DESIGN.md section 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise

from msbtui.analysis.model import Base, Provenance
from msbtui.image.model import Image
from msbtui.regex import regex

NAME_LABEL = "org.opencontainers.image.base.name"
DIGEST_LABEL = "org.opencontainers.image.base.digest"
"""OCI image-spec, annotations.md, "Pre-Defined Annotation Keys"."""
_TIME = regex(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)")
_SURE_FIT = 0.5
_LEAST_JUMP = 3600.0
"""Seconds: a build seldom pauses that long, and a base is seldom younger."""


def find_base(
    image: Image,
    provenance: Provenance | None,
    known: Mapping[str, Sequence[str]],
    *,
    from_name: str | None = None,
    annotations: Mapping[str, str] | None = None,
) -> Base:
    """Give how many layers from the bottom are the base image's, how that is known, and how sure it is.

    `known`: names of other images and their diff ids. `from_name`: the external image that the Dockerfile's stage chain
    starts from; of several known images with the same layers its name is given. `annotations`: the manifest's.
    """
    diff_ids = [layer.diff_id for layer in image.layers]
    wanted = _short(from_name) if from_name else None
    if from_name == "scratch":
        return Base(0, "the Dockerfile starts from scratch", "A", "scratch")
    by_layers = _by_diff_ids(image, diff_ids, known, wanted, provenance)
    if by_layers is not None:
        return by_layers
    labels = {**image.config.labels, **(annotations or {})}
    by_provenance = _by_provenance(provenance, wanted)
    by_label = _by_labels(labels, known, diff_ids, by_provenance)
    if by_label is not None:
        return by_label
    if by_provenance is not None:
        return by_provenance
    return _by_times(image)


def _short(name: str) -> str:
    """Give the familiar form: `docker.io/library/debian:latest@sha256:...` is `debian` (distribution/reference, normalize.go)."""
    name = name.partition("@")[0]
    for prefix in ("docker.io/", "index.docker.io/", "library/"):
        name = name.removeprefix(prefix)
    return name.removesuffix(":latest")


def _by_diff_ids(
    image: Image, diff_ids: list[str], known: Mapping[str, Sequence[str]], wanted: str | None, provenance: Provenance | None
) -> Base | None:
    own = {_short(image.name.partition("://")[2] or image.name.removeprefix("docker:")), image.id}
    sharing = {name: len(ids) for name, ids in known.items() if ids and list(ids) == diff_ids[: len(ids)]}
    if wanted is not None:
        name = next((name for name in sharing if _short(name) == wanted), None)
        if name is None:
            # An image that only shares some first layers may be an earlier build of the same file, and is no base.
            return None
        return Base(sharing[name], f"{name}, which the Dockerfile starts from, has the same first layers", "A", name)
    # Layers that this Dockerfile's lines made are not the base's: what shares them is another build of the same file.
    ours = [match.layer for match in provenance.matches if match.exact] if provenance and provenance.fit >= _SURE_FIT else []
    most = min([len(diff_ids) - 1, *ours])
    found = {name: count for name, count in sharing.items() if count <= most and _short(name) not in own and name not in own}
    if not found:
        return None
    count = max(found.values())
    name = min((name for name, layers in found.items() if layers == count), key=_name_rank)
    return Base(count, f"{name} has the same first {count} layers" if count > 1 else f"{name} is the same first layer", "A", name)


def _name_rank(name: str) -> tuple[bool, int, str]:
    """Plain names of release tags first: `debian:bookworm-slim` before `debian:latest` before an id."""
    return (":" not in name or name.endswith(":latest") or "<none>" in name, len(name), name)


def _by_labels(
    labels: Mapping[str, str], known: Mapping[str, Sequence[str]], diff_ids: list[str], provenance: Base | None
) -> Base | None:
    """The annotation names the base; its layers are counted where the named image is known, or by the Dockerfile's lines."""
    name, digest = labels.get(NAME_LABEL, ""), labels.get(DIGEST_LABEL, "")
    for key in (name, digest):
        layers = known.get(key) or next((ids for other, ids in known.items() if key and _short(other) == _short(key)), None)
        if key and layers and list(layers) == diff_ids[: len(layers)]:
            return Base(len(layers), f"the image's own label names {key}", "A", name or key)
    if (name or digest) and provenance is not None:
        how = f"the image's label names {name or digest}; {provenance.how}"
        return Base(provenance.layers, how, provenance.confidence, name or digest)
    return None


def _by_provenance(provenance: Provenance | None, wanted: str | None) -> Base | None:
    if provenance is None:
        return None
    first = next((match.layer for match in provenance.matches if match.instruction is not None), None)
    if first is None:
        return None
    match = provenance.matches[first]
    how = f"line {match.line} of the Dockerfile made layer {first}; the layers below it are the base's"
    return Base(first, how, "B", wanted or "")


def _by_times(image: Image) -> Base:
    """The items of one build stand close in time; between the base's build and this one's is the largest gap."""
    times = [_seconds(layer.history.created) if layer.history else None for layer in image.layers]
    jumps = [
        (later - earlier, number)
        for number, (earlier, later) in enumerate(pairwise(times), 1)
        if earlier is not None and later is not None
    ]
    jump, layers = max(jumps, default=(0.0, 0))
    if jump < _LEAST_JUMP:
        return Base(0, "nothing tells where the base image ends: every layer counts as the image's own", "C")
    hours = jump / 3600
    gap = f"{hours:.0f} hours" if hours < 48 else f"{hours / 24:.0f} days"
    return Base(layers, f"layer {layers} was made {gap} after layer {layers - 1}, the largest gap between two layers", "C")


def _seconds(created: str) -> float | None:
    """Give RFC 3339 text as seconds; None where it is no time, or the zero time of reproducible builds."""
    found = _TIME.match(created[:40])
    if found is None:
        return None
    try:
        moment = datetime(*(int(part) for part in found.groups()), tzinfo=UTC)  # type: ignore[arg-type,misc]
    except ValueError:
        return None
    return moment.timestamp() if moment.year > 1970 else None
