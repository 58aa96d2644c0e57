"""Signatures, attestations and SBOMs that lie beside an image: that they are there is told, never that they are right.

cosign: specs/SIGNATURE_SPEC.md (tags `sha256-HEX.sig`, `.att`, `.sbom`; what `cosign save` notes in a layout). OCI
distribution-spec v1.1, "Listing Referrers" and "Referrers Tag Schema". notation: notaryproject/specifications,
signature-specification.md. Asking costs an unsigned image three small requests at most, two at a time, and no failure.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from msbtui.engine.choose import image_names
from msbtui.engine.manifest import ACCEPT, Descriptor, Manifest, decode, sha256_of
from msbtui.errors import TargetError
from msbtui.image.model import Signature

if TYPE_CHECKING:
    from msbtui.engine.distribution import Registry
    from msbtui.engine.mirrored import Mirrored

_TAG = re.compile(r"(?:.*:)?(sha256-[0-9a-f]{64})(?:\.(sig|att|sbom))?")
_ENDINGS = {"sig": "cosign", "att": "attestation", "sbom": "sbom"}
_COSIGN_KIND = "dev.cosignproject.cosign/"
_COSIGN_KINDS = {"sigs": "cosign", "atts": "attestation", "sboms": "sbom"}
_TYPES = (
    ("application/vnd.cncf.notary.signature", "notation"),
    ("application/vnd.dev.cosign.artifact.sig", "cosign"),
    ("application/vnd.dev.cosign.simplesigning", "cosign"),
    ("application/vnd.dev.cosign.artifact.att", "attestation"),
    ("application/vnd.dev.cosign.artifact.sbom", "sbom"),
    ("application/vnd.in-toto", "attestation"),
    ("application/vnd.dsse.envelope", "attestation"),
    ("application/spdx", "sbom"),
    ("text/spdx", "sbom"),
    ("application/vnd.cyclonedx", "sbom"),
    ("application/vnd.syft", "sbom"),
)
_BUNDLE = "application/vnd.dev.sigstore.bundle"
_BUNDLE_CONTENT = "dev.sigstore.bundle.content"
_MOST = 64
"""Of these no more are told, and in a layout no more manifests are looked at."""
_PATIENCE = 2.0
"""Seconds that an image which is read waits for what is beside it."""


def is_beside(descriptor: Descriptor) -> bool:
    """Tell whether a descriptor of a layout's index is what lies beside an image rather than an image, by its name or note."""
    kind = descriptor.annotation("kind")
    if kind.startswith(_COSIGN_KIND):
        return kind.removeprefix(_COSIGN_KIND) in _COSIGN_KINDS
    return any(_TAG.fullmatch(name) for name in image_names(descriptor)) or bool(_kind(descriptor))


def in_layout(
    descriptors: Iterable[Descriptor], digests: Iterable[str], read: Callable[[str], bytes | None]
) -> tuple[Signature, ...]:
    """Give what lies in a layout beside the image whose manifest or index has one of `digests`.

    `read` gives a document, checked; None for one that is absent. What cannot be understood counts as absent.
    """
    wanted = set(digests)
    tags = {digest.replace(":", "-", 1) for digest in wanted}
    found: list[Signature] = []
    looked = 0
    for one in descriptors:
        if one.digest in wanted or len(found) >= _MOST:
            continue
        named = [said for name in image_names(one) if (said := _TAG.fullmatch(name)) and said[1] in tags]
        noted = _COSIGN_KINDS.get(one.annotation("kind").removeprefix(_COSIGN_KIND), "")
        if named and named[0][2]:
            found.append(Signature(_ENDINGS[named[0][2]], "tag", one.digest))
        elif noted and one.annotation("kind").startswith(_COSIGN_KIND):
            found.append(Signature(noted, "annotation", one.digest))
        elif (named or _kind(one) or not image_names(one)) and looked < _MOST:
            looked += 1
            found += _referring(one, wanted, read, by_tag=bool(named))
    return tuple(dict.fromkeys(found))


def _referring(one: Descriptor, wanted: set[str], read: Callable[[str], bytes | None], *, by_tag: bool) -> list[Signature]:
    try:
        data = read(one.digest)
        manifest = decode(data, Manifest, "", "") if data is not None else Manifest()
    except TargetError:
        return []
    if by_tag:
        return _listed(manifest, "tag")
    if manifest.subject is None or manifest.subject.digest not in wanted:
        return []
    kind = _kind_of_manifest(manifest) or _kind(one)
    return [Signature(kind, "subject", one.digest)] if kind else []


class Asked:
    """What lies in a registry beside the image `digest`, asked for in two threads while the image is read."""

    def __init__(self, registry: Registry | Mirrored, digest: str) -> None:
        self._registry = registry
        self._tag = digest.replace(":", "-", 1)
        self._found: dict[str, list[Signature]] = {}
        self._threads = [
            threading.Thread(target=work, args=(digest,), name="registry-signatures", daemon=True)
            for work in (self._ask_referrers, self._ask_cosign)
        ]
        for thread in self._threads:
            thread.start()

    def result(self) -> tuple[Signature, ...]:
        """Give what was found; what did not come in time, or failed, is not there."""
        until = time.monotonic() + _PATIENCE
        for thread in self._threads:
            thread.join(max(until - time.monotonic(), 0))
        found = dict(self._found)
        return tuple(dict.fromkeys(one for name in sorted(found) for one in found[name]))[:_MOST]

    def _ask_referrers(self, digest: str) -> None:
        data = self._registry.glance(f"referrers/{digest}", ACCEPT)
        where = "referrers"
        if data is None:
            data, where = self._registry.glance(f"manifests/{self._tag}", ACCEPT), "tag"
        manifest = _decoded(data)
        if manifest is not None:
            self._found["referrers"] = _listed(manifest, where)

    def _ask_cosign(self, _: str) -> None:
        if self._ask_tag("sig"):
            self._ask_tag("att")
            self._ask_tag("sbom")

    def _ask_tag(self, ending: str) -> bool:
        data = self._registry.glance(f"manifests/{self._tag}.{ending}", ACCEPT)
        manifest = _decoded(data)
        if data is None or manifest is None or not manifest.layers:
            return False
        self._found[f"tag {ending}"] = [Signature(_ENDINGS[ending], "tag", sha256_of(data))]
        return True


def _decoded(data: bytes | None) -> Manifest | None:
    try:
        return decode(data, Manifest, "", "") if data is not None else None
    except TargetError:
        return None


def _listed(index: Manifest, where: str) -> list[Signature]:
    found = [Signature(_kind(one), where, one.digest) for one in (index.manifests or [])[:_MOST]]
    return [one for one in found if one.kind]


def _kind(one: Descriptor) -> str:
    return _kind_of_type(one.artifact_type or "", one.annotation(_BUNDLE_CONTENT))


def _kind_of_manifest(manifest: Manifest) -> str:
    annotations = manifest.annotations or {}
    kinds = [manifest.artifact_type or "", manifest.config.media_type if manifest.config else ""]
    kinds += [layer.media_type for layer in (manifest.layers or [])[:_MOST]]
    return next((kind for one in kinds if (kind := _kind_of_type(one, annotations.get(_BUNDLE_CONTENT, "")))), "")


def _kind_of_type(media_type: str, content: str) -> str:
    if media_type.startswith(_BUNDLE):
        return "attestation" if content == "dsse-envelope" else "cosign"
    return next((kind for start, kind in _TYPES if media_type.startswith(start)), "")
