"""The SLSA provenance that BuildKit writes of a build, with the Dockerfile itself where it is `mode=max`.

BuildKit docs/attestations/slsa-provenance.md and slsa-definitions.md, solver/llbsolver/provenance/types/types.go (SLSA 0.2, and
1 since BuildKit 0.21); https://slsa.dev/spec/v0.2/provenance and v1.0/provenance.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from urllib.parse import unquote

import msgspec

from msbtui.engine.manifest import Descriptor, decode
from msbtui.errors import TargetError
from msbtui.image.model import Attestation
from msbtui.text import printable

SLSA = "https://slsa.dev/provenance/"
"""How the predicate types begin that are read here."""
_METADATA = "https://mobyproject.org/buildkit@v1#metadata"
_FRONTEND = "pkg:docker/docker/dockerfile"
_MOST = 64
"""Images among the materials that are named."""
_LINES = 1_000_000
_LARGEST = 512 << 10
"""Bytes of a Dockerfile: what is known of each line takes a hundred times its text, and nobody writes as many."""


class _Place(msgspec.Struct, frozen=True):
    line: int = 0


class _Range(msgspec.Struct, frozen=True):
    start: _Place = _Place()
    end: _Place = _Place()


class _Location(msgspec.Struct, frozen=True):
    source: int = msgspec.field(name="sourceIndex", default=0)
    ranges: list[_Range] | None = None


class _Locations(msgspec.Struct, frozen=True):
    locations: list[_Location] | None = None


class _Info(msgspec.Struct, frozen=True):
    filename: str = ""
    data: str | None = None


class _Source(msgspec.Struct, frozen=True):
    locations: dict[str, _Locations] | None = None
    infos: list[_Info] | None = None


class _Buildkit(msgspec.Struct, frozen=True):
    source: _Source | None = None
    layers: dict[str, list[list[Descriptor] | None] | None] | None = None


class _Metadata(msgspec.Struct, frozen=True):
    v02: _Buildkit | None = msgspec.field(name=_METADATA, default=None)
    v1: _Buildkit | None = msgspec.field(name="buildkit_metadata", default=None)


class _Parameters(msgspec.Struct, frozen=True):
    args: dict[str, str] | None = None


class _Invocation(msgspec.Struct, frozen=True):
    parameters: _Parameters | None = None


class _Material(msgspec.Struct, frozen=True):
    uri: str = ""
    digest: dict[str, str] | None = None


class _External(msgspec.Struct, frozen=True):
    request: _Parameters | None = None


class _Definition(msgspec.Struct, frozen=True):
    external: _External | None = msgspec.field(name="externalParameters", default=None)
    dependencies: list[_Material] | None = msgspec.field(name="resolvedDependencies", default=None)


class _RunDetails(msgspec.Struct, frozen=True):
    metadata: _Metadata | None = None


class _Predicate(msgspec.Struct, frozen=True):
    invocation: _Invocation | None = None
    materials: list[_Material] | None = None
    metadata: _Metadata | None = None
    definition: _Definition | None = msgspec.field(name="buildDefinition", default=None)
    run: _RunDetails | None = msgspec.field(name="runDetails", default=None)


def read_provenance(data: bytes, layers: Sequence[str]) -> Attestation:
    """Give what a predicate says of an image whose stored layers have these digests. Raises `TargetError` for what is none."""
    predicate = decode(data, _Predicate, "it", "")
    request, metadata, materials = _parts(predicate)
    args = (request.args if request else None) or {}
    source = (metadata.source if metadata else None) or _Source()
    makers = _makers(metadata.layers or {}, layers) if metadata is not None else [None] * len(layers)
    number = _which(source, makers)
    infos = source.infos or []
    info = infos[number] if number < len(infos) else _Info()
    text = _text(info.data)
    return Attestation(
        mode="max" if text is not None else "min",
        dockerfile=text,
        dockerfile_name=printable(info.filename),
        build_args={key.removeprefix("build-arg:"): value for key, value in args.items() if key.startswith("build-arg:")},
        build_contexts={
            key.removeprefix("context:").partition("::")[0]: value for key, value in args.items() if key.startswith("context:")
        },
        target=args.get("target", ""),
        lines=tuple(_range(source.locations or {}, step, number) for step in makers) if text is not None else (),
        bases=_bases(materials or ()),
    )


def _parts(predicate: _Predicate) -> tuple[_Parameters | None, _Buildkit | None, list[_Material] | None]:
    """Give request, BuildKit's own metadata and materials, which lie elsewhere in SLSA 1 than in 0.2."""
    if predicate.definition is not None:
        external, run = predicate.definition.external, predicate.run
        metadata = run.metadata if run is not None else None
        return (
            external.request if external is not None else None,
            metadata.v1 if metadata is not None else None,
            predicate.definition.dependencies,
        )
    return (
        predicate.invocation.parameters if predicate.invocation is not None else None,
        predicate.metadata.v02 if predicate.metadata is not None else None,
        predicate.materials,
    )


def _text(data: str | None) -> str | None:
    """Give a source file as text; bytes that are no UTF-8 as surrogate escapes, as the Dockerfile room has them."""
    if not data:
        return None
    try:
        text = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise TargetError("its Dockerfile is not encoded as base64") from None
    if len(text) > _LARGEST:
        raise TargetError(f"its Dockerfile is larger than {_LARGEST >> 10} KiB")
    return text.decode("utf-8", "surrogateescape")


def _makers(chains: Mapping[str, list[list[Descriptor] | None] | None], layers: Sequence[str]) -> list[str | None]:
    """Give, per stored layer, the step that made it.

    A step's entry lists the chain of layers up to its own, so a step whose chain is the image's first n layers made those that
    no shorter such chain has: one for most, all of the base for its FROM.
    """
    ends: dict[int, str] = {}
    for output, of_step in chains.items():
        for chain in of_step or ():
            if chain and len(chain) not in ends and [one.digest for one in chain] == list(layers[: len(chain)]):
                ends[len(chain)] = output.rpartition(":")[0]
    made: list[str | None] = []
    for end in sorted(ends):
        made += [ends[end]] * (end - len(made))
    return made + [None] * (len(layers) - len(made))


def _which(source: _Source, makers: Sequence[str | None]) -> int:
    """Give the number of the source file that the top of the image comes from: a build may be made of several Dockerfiles."""
    locations = source.locations or {}
    for step in reversed(makers):
        for location in (locations[step].locations or ()) if step is not None and step in locations else ():
            if 0 <= location.source < len(source.infos or ()):
                return location.source
    return 0


def _range(locations: Mapping[str, _Locations], step: str | None, source: int) -> tuple[int, int] | None:
    """Give the first and last line of a step in the source file of this number."""
    for location in (locations[step].locations or ()) if step is not None and step in locations else ():
        lines = [(one.start.line, one.end.line) for one in location.ranges or ()]
        if location.source == source and lines and all(0 < first <= last < _LINES for first, last in lines):
            return min(first for first, _ in lines), max(last for _, last in lines)
    return None


def _bases(materials: Sequence[_Material]) -> tuple[tuple[str, str], ...]:
    """Give name and digest of the images that the build started from (package-url: `pkg:docker/NAME@TAG?platform=...`)."""
    found = []
    for material in materials[:_MOST]:
        match = re.fullmatch(r"pkg:docker/([^@?#]+)(?:@([^?#]*))?(?:[?#].*)?", material.uri, re.DOTALL)
        if match is not None and not material.uri.startswith(_FRONTEND):
            tag = unquote(match[2] or "latest")
            name = f"{unquote(match[1])}{'@' if ':' in tag else ':'}{tag}"
            found.append((printable(name), printable(f"sha256:{(material.digest or {}).get('sha256', '')}")))
    return tuple(found)
