"""What BuildKit noted of a build beside the image: which statements there are, and what is taken from them.

BuildKit docs/attestations/attestation-storage.md (where they lie); `provenance` and `sbom` beside this file read them. They are
read as what the image says of itself: their subject must be this image's manifest, and nothing of them is called verified.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from msbtui.engine.manifest import ATTESTATION, Descriptor, Manifest, decode
from msbtui.engine.provenance import SLSA, read_provenance
from msbtui.engine.sbom import SBOM, read_sbom
from msbtui.errors import TargetError
from msbtui.image.model import Attestation, AttestedPackage
from msbtui.text import printable

_OF = "vnd.docker.reference.digest"
_PREDICATE = "in-toto.io/predicate-type"
_MOST = 64
"""Statements that are looked at."""
Read = Callable[[str], bytes | None]
"""Gives a document by digest, checked against it."""


class _Subject(msgspec.Struct, frozen=True):
    digest: dict[str, str] | None = None


class _Statement(msgspec.Struct, frozen=True):
    kind: str = msgspec.field(name="predicateType", default="")
    subject: list[_Subject] | None = None
    predicate: msgspec.Raw = msgspec.Raw(b"{}")


def read_attestation(beside: Sequence[Descriptor], manifest: str, layers: Sequence[str], read: Read) -> Attestation | None:
    """Give what the attestations in `beside` say of the image whose manifest has this digest and whose stored layers these.

    None where there is none. Never raises `TargetError`: a statement that is damaged, too large or about another image is left
    out, and `notes` say so in a line each, since the image itself can be read without. A statement that `read` does not have
    counts as none.
    """
    found = Attestation()
    packages: list[AttestedPackage] = []
    notes: list[str] = []
    for kind, digest in _listed(beside, manifest, read, notes):
        is_sbom = kind.startswith(SBOM)
        what = "its SBOM attestation" if is_sbom else "its provenance"
        if not is_sbom and (not kind.startswith(SLSA) or found.mode):
            continue
        try:
            data = read(digest)
            if data is None:
                continue
            predicate = _predicate(data, kind, manifest)
            if is_sbom:
                found = msgspec.structs.replace(found, has_sbom=True)
                packages += read_sbom(predicate, kind)
            else:
                said = read_provenance(predicate, layers)
                found = msgspec.structs.replace(said, has_sbom=found.has_sbom)
        except TargetError as error:
            notes.append(f"{what} is left out: {error.what}")
    if notes or found.has_sbom or found.mode:
        distinct = tuple(sorted(set(packages), key=lambda one: (one.name, one.kind, one.version, one.architecture)))
        return msgspec.structs.replace(found, packages=distinct, notes=tuple(dict.fromkeys(notes)))
    return None


def _listed(beside: Sequence[Descriptor], manifest: str, read: Read, notes: list[str]) -> list[tuple[str, str]]:
    """Give predicate type and digest of the statements about this manifest; into `notes` goes what cannot be read."""
    found: list[tuple[str, str]] = []
    for descriptor in beside:
        if descriptor.annotation(_OF) != manifest or descriptor.annotation(ATTESTATION) != "attestation-manifest":
            continue
        try:
            data = read(descriptor.digest)
            if data is not None:
                listed = decode(data, Manifest, "its manifest", "").layers or []
                found += [(layer.annotation(_PREDICATE), layer.digest) for layer in listed]
        except TargetError as error:
            notes.append(f"an attestation is left out: {error.what}")
    if len(found) > _MOST:
        notes.append(f"of {len(found)} attestations the first {_MOST} are read")
    return found[:_MOST]


def _predicate(data: bytes, kind: str, manifest: str) -> bytes:
    """Give the predicate of a statement. Raises `TargetError` where it is of another kind, or about another image.

    BuildKit names a subject for each name that the image is given, so that of an image without a name is about nothing
    (exporter/attestation/make.go); then what the index says of it counts.
    """
    statement = decode(data, _Statement, "it", "")
    about = {f"{name}:{value}" for subject in statement.subject or () for name, value in (subject.digest or {}).items()}
    if statement.subject != [] and manifest not in about:
        raise TargetError("it is about another image")
    if statement.kind != kind:
        raise TargetError(f"it is not the {printable(kind)[:80]} that it is announced as")
    return bytes(statement.predicate)
