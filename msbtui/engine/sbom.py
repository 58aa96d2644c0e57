"""The packages that an SBOM attestation lists: SPDX 2.x as JSON, and CycloneDX as JSON.

SPDX specification 2.3, clauses 7 (package information) and 11 (relationships); CycloneDX 1.4 to 1.6 (components); package-url.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import parse_qs, unquote

import msgspec

from msbtui.engine.manifest import decode
from msbtui.errors import TargetError
from msbtui.image.model import AttestedPackage
from msbtui.text import printable

SPDX, CYCLONEDX = "https://spdx.dev/", "https://cyclonedx.org/"
SBOM = (SPDX, CYCLONEDX)
"""How the predicate types begin that are read here."""
_NO_PACKAGES = frozenset(("container", "operating-system", "file", "device", "firmware", "data", "oci", "docker"))
"""Kinds of components, and types of package-url, that stand for the image itself or for single files."""
_DEPTH = 8
"""Components in components that are looked into."""
_MOST = 200_000


class _Reference(msgspec.Struct, frozen=True):
    kind: str = msgspec.field(name="referenceType", default="")
    locator: str = msgspec.field(name="referenceLocator", default="")


class _SpdxPackage(msgspec.Struct, frozen=True):
    id: str = msgspec.field(name="SPDXID", default="")
    name: str = ""
    version: str | None = msgspec.field(name="versionInfo", default=None)
    references: list[_Reference] | None = msgspec.field(name="externalRefs", default=None)
    purpose: str | None = msgspec.field(name="primaryPackagePurpose", default=None)


class _Relationship(msgspec.Struct, frozen=True):
    kind: str = msgspec.field(name="relationshipType", default="")
    other: str = msgspec.field(name="relatedSpdxElement", default="")


class _Spdx(msgspec.Struct, frozen=True):
    packages: list[_SpdxPackage] | None = None
    relationships: list[_Relationship] | None = None
    described: list[str] | None = msgspec.field(name="documentDescribes", default=None)
    version: str = msgspec.field(name="spdxVersion", default="")


class _Component(msgspec.Struct, frozen=True):
    kind: str = msgspec.field(name="type", default="")
    group: str | None = None
    name: str = ""
    version: str | None = None
    purl: str | None = None
    components: list[_Component] | None = None


class _CycloneDx(msgspec.Struct, frozen=True):
    form: str = msgspec.field(name="bomFormat", default="")
    components: list[_Component] | None = None


def read_sbom(data: bytes, kind: str) -> list[AttestedPackage]:
    """Give the packages of a predicate of this type, as it lists them. Raises `TargetError` for what is none."""
    if kind.startswith(SPDX):
        document = decode(data, _Spdx, "it", "")
        if not document.version.startswith("SPDX-"):
            raise TargetError("it is no SPDX document of version 2")
        found = list(_of_spdx(document))
    else:
        bill = decode(data, _CycloneDx, "it", "")
        if bill.form != "CycloneDX":
            raise TargetError("it is no CycloneDX document")
        found = list(_of_cyclonedx(bill.components or (), 0))
    if len(found) > _MOST:
        raise TargetError(f"it lists {len(found)} packages")
    return found


def _of_spdx(document: _Spdx) -> Iterator[AttestedPackage]:
    # What a document describes is the image, or the folder that was scanned: no package of it.
    whole = set(document.described or ())
    whole |= {one.other for one in document.relationships or () if one.kind == "DESCRIBES"}
    for package in document.packages or ():
        purls = [one.locator for one in package.references or () if one.kind == "purl"]
        if package.name and not (package.id in whole and not purls) and (package.purpose or "").lower() not in _NO_PACKAGES:
            made = _package(purls, package.name, package.version)
            if made is not None:
                yield made


def _of_cyclonedx(components: Iterable[_Component], depth: int) -> Iterator[AttestedPackage]:
    for component in components:
        if component.name and component.kind not in _NO_PACKAGES:
            name = f"{component.group}/{component.name}" if component.group else component.name
            made = _package([component.purl] if component.purl else [], name, component.version)
            if made is not None:
                yield made
        if depth < _DEPTH:
            yield from _of_cyclonedx(component.components or (), depth + 1)


def _package(purls: Sequence[str], name: str, version: str | None) -> AttestedPackage | None:
    """Give a package by its package-url (`pkg:TYPE/NAMESPACE/NAME@VERSION?arch=...`), where it has none by name and version."""
    for purl in purls:
        match = re.fullmatch(r"pkg:/*([A-Za-z][\w.+-]*)/([^?#]*)(?:\?([^#]*))?(?:#.*)?", purl, re.DOTALL)
        if match is None:
            continue
        kind = match[1].lower()
        if kind in _NO_PACKAGES:
            return None
        path, at, stated = match[2].rpartition("@")
        return AttestedPackage(
            name=printable(name),
            version=printable(version or (unquote(stated) if at and path else "")),
            kind=printable(kind),
            architecture=printable(parse_qs(match[3] or "", max_num_fields=64).get("arch", [""])[0]) if match[3] else "",
        )
    return AttestedPackage(name=printable(name), version=printable(version or ""))
