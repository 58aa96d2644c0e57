"""What BuildKit noted of a build beside the image: the SLSA provenance, with the Dockerfile itself where it is `mode=max`.

BuildKit docs/attestations/attestation-storage.md (where it lies), slsa-provenance.md and slsa-definitions.md (what it holds;
SLSA 0.2, and 1 since BuildKit 0.21). It is read as what the image says of itself: its subject must be this image's manifest,
and nothing of it is called verified.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from urllib.parse import unquote

import msgspec

from msbtui.engine.manifest import ATTESTATION, Descriptor, Manifest, decode
from msbtui.errors import TargetError
from msbtui.image.model import Attestation
from msbtui.text import printable

_OF = "vnd.docker.reference.digest"
_PREDICATE = "in-toto.io/predicate-type"
_SLSA = "https://slsa.dev/provenance/"
_SBOM = ("https://spdx.dev/", "https://cyclonedx.org/")
_METADATA = "https://mobyproject.org/buildkit@v1#metadata"
_FRONTEND = "pkg:docker/docker/dockerfile"
_MOST = 64
"""Statements that are looked at."""
_LINES = 1_000_000

Read = Callable[[str], bytes | None]
"""Gives a document by digest, checked against it."""


class _Subject(msgspec.Struct, frozen=True):
    digest: dict[str, str] | None = None


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


class _Statement(msgspec.Struct, frozen=True):
    kind: str = msgspec.field(name="predicateType", default="")
    subject: list[_Subject] | None = None
    predicate: msgspec.Raw = msgspec.Raw(b"{}")


def read_attestation(beside: Sequence[Descriptor], manifest: str, layers: Sequence[str], read: Read) -> Attestation | None:
    """Give what the attestations in `beside` say of the image whose manifest has this digest and whose stored layers these.

    None where there is none. Never raises `TargetError`: an attestation that is damaged, or another image's, counts as none,
    since the image itself can be read without.
    """
    statements = [one for descriptor in beside if descriptor.annotation(_OF) == manifest for one in _statements(descriptor, read)]
    has_sbom = any(kind.startswith(_SBOM) for kind, _ in statements)
    for kind, digest in statements:
        if kind.startswith(_SLSA):
            with suppress(TargetError):
                found = _provenance(digest, manifest, layers, read)
                if found is not None:
                    return msgspec.structs.replace(found, has_sbom=has_sbom)
    return Attestation(has_sbom=True) if has_sbom else None


def _statements(descriptor: Descriptor, read: Read) -> list[tuple[str, str]]:
    """Give the predicate type and digest of each statement of an attestation manifest."""
    if descriptor.annotation(ATTESTATION) != "attestation-manifest":
        return []
    with suppress(TargetError):
        data = read(descriptor.digest)
        if data is not None:
            listed = decode(data, Manifest, "an attestation manifest", "").layers or []
            return [(layer.annotation(_PREDICATE), layer.digest) for layer in listed[:_MOST]]
    return []


def _provenance(digest: str, manifest: str, layers: Sequence[str], read: Read) -> Attestation | None:
    data = read(digest)
    if data is None:
        return None
    statement = decode(data, _Statement, "the provenance", "")
    about = {f"{kind}:{value}" for subject in statement.subject or () for kind, value in (subject.digest or {}).items()}
    if manifest not in about or not statement.kind.startswith(_SLSA):
        return None
    predicate = decode(bytes(statement.predicate), _Predicate, "the provenance", "")
    request, metadata, materials = _parts(predicate)
    args = (request.args if request else None) or {}
    source = (metadata.source if metadata else None) or _Source()
    info = (source.infos or [_Info()])[0]
    text = _text(info.data)
    return Attestation(
        dockerfile=text,
        dockerfile_name=printable(info.filename),
        build_args={key.removeprefix("build-arg:"): value for key, value in args.items() if key.startswith("build-arg:")},
        target=args.get("target", ""),
        lines=_lines(source, metadata, layers) if text is not None and metadata is not None else (),
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
        return base64.b64decode(data, validate=True).decode("utf-8", "surrogateescape")
    except (binascii.Error, ValueError):
        return None


def _lines(source: _Source, metadata: _Buildkit, layers: Sequence[str]) -> tuple[tuple[int, int] | None, ...]:
    """Give, per stored layer, the first and last line of the Dockerfile whose step made it.

    A step's entry lists the chain of layers up to its own; the shortest chain that ends in a layer is its maker's.
    """
    makers: dict[str, tuple[int, str]] = {}
    for output, chains in (metadata.layers or {}).items():
        for chain in chains or ():
            if chain and (chain[-1].digest not in makers or len(chain) < makers[chain[-1].digest][0]):
                makers[chain[-1].digest] = (len(chain), output.rpartition(":")[0])
    return tuple(_range(source.locations or {}, makers[layer][1]) if layer in makers else None for layer in layers)


def _range(locations: Mapping[str, _Locations], step: str) -> tuple[int, int] | None:
    for location in (locations[step].locations or ()) if step in locations else ():
        lines = [(one.start.line, one.end.line) for one in location.ranges or ()]
        if location.source == 0 and lines and all(0 < first <= last < _LINES for first, last in lines):
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
