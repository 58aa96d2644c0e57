"""An OCI image layout (OCI image-spec, image-layout.md), wherever its blobs lie: which image of it, and its layers."""

from __future__ import annotations

import os
from typing import Protocol

from msbtui.engine.attestation import read_attestation
from msbtui.engine.choose import Found, by_name, by_platform, image_names, is_attestation, manifests_below, short_name
from msbtui.engine.disk import Blob, KnownLayer, Pending, open_on_disk
from msbtui.engine.manifest import (
    ENCRYPTED,
    Configuration,
    Descriptor,
    Manifest,
    check_digest,
    check_layer_count,
    decode,
    decode_config,
    is_layer_type,
)
from msbtui.engine.request import Request
from msbtui.engine.signatures import in_layout, is_beside
from msbtui.errors import TargetError
from msbtui.image.model import Image
from msbtui.text import printable


class Layout(Protocol):
    """The files of an OCI layout."""

    index: bytes
    """`index.json`."""

    def document(self, digest: str) -> bytes | None:
        """Give a manifest's or configuration's bytes, not yet checked; None where it is not there. Raises `TargetError`."""
        ...

    def blob(self, digest: str) -> Blob | KnownLayer | Pending | None:
        """Give a layer as stored, None where it is not there. Raises `TargetError`."""
        ...


def open_layout(
    layout: Layout,
    name: str,
    request: Request,
    *,
    what: str,
    where: str,
) -> Image:
    """Give the image `name` (a tag, a name or a digest; empty: the only one) of a layout. Raises `TargetError`, `Cancelled`."""
    if not layout.index:
        raise TargetError("its index.json is empty", where=where, hint="save the image again")

    def read(digest: str) -> bytes | None:
        data = layout.document(digest)
        if data is not None:
            check_digest(data, digest, where)
        return data

    def configuration(found: Found) -> Configuration:
        descriptor = found.manifest.config
        data = read(descriptor.digest) if descriptor else None
        if data is None:
            raise TargetError(
                f"the configuration of {printable(found.digest)[:19]} is not in it", where=where, hint="save the image again"
            )
        return decode_config(data, where)

    index = decode(layout.index, Manifest, "index.json", where)
    beside = [one for one in index.manifests or () if is_attestation(one)]
    chosen, names = _choose(index, name, where)
    found = [one for descriptor in chosen for one in manifests_below(descriptor, read, where, beside)]
    one = by_platform(found, request.platform, lambda found: configuration(found).platform, where)
    config = configuration(one)
    layers = one.manifest.layers or []
    check_layer_count(len(layers), where)
    blobs = []
    for number, descriptor in enumerate(layers):
        check_layer(descriptor, number, where)
        blob = layout.blob(descriptor.digest)
        if blob is None:
            raise absent(descriptor, number, where)
        if descriptor.size is not None and descriptor.size != blob.size:
            raise TargetError(
                f"blob {descriptor.digest} has {blob.size} bytes instead of {descriptor.size}",
                where=where,
                hint="save the image again",
            )
        blobs.append(blob)
    title = name or (short_name(names[0]) if names else os.path.basename(where.rstrip("/")))
    config_digest = one.manifest.config.digest if one.manifest.config else one.digest
    image = open_on_disk(
        printable(title),
        config_digest,
        config,
        blobs,
        request,
        source=f"{what} {where}",
        where=where,
        attestation=read_attestation(one.beside, one.digest, [layer.digest for layer in layers], read),
    )
    image.signatures = in_layout(index.manifests or (), (one.digest, *(top.digest for top in chosen)), read)
    return image


def check_layer(descriptor: Descriptor, number: int, where: str) -> None:
    """Raise `TargetError` that says what a layer is that cannot be read as one."""
    kind = descriptor.media_type
    if kind.endswith(ENCRYPTED):
        raise TargetError(
            f"layer {number} ({descriptor.digest[:19]}) is encrypted",
            where=where,
            hint="decrypt the image with skopeo copy --decryption-key",
        )
    if not is_layer_type(kind):
        raise TargetError(
            f"layer {number} ({descriptor.digest[:19]}) is no file system but {printable(kind)[:100]}",
            where=where,
            hint="name an image",
        )


def absent(descriptor: Descriptor, number: int, where: str) -> TargetError:
    """Give the error for a layer that is not there; of a foreign one, where it is kept."""
    kind = descriptor.media_type
    if "foreign" in kind or "nondistributable" in kind:
        at = f", kept at {printable(descriptor.urls[0])[:200]}" if descriptor.urls else ", kept elsewhere"
        return TargetError(
            f"layer {number} ({descriptor.digest[:19]}) is a foreign layer{at}",
            where=where,
            hint="its licence keeps it out of archives; pull the image into an engine and name it there",
        )
    return TargetError(
        f"the layer {descriptor.digest} is not in it", where=where, hint="save or pull the image again, for this platform"
    )


def _choose(index: Manifest, name: str, where: str) -> tuple[list[Descriptor], tuple[str, ...]]:
    """Give the descriptors of the image that `name` means, and its names.

    Descriptors without a name that say a platform are platforms of one image, as `--all` copies of some tools write them.
    """
    descriptors = [one for one in index.manifests or () if not is_attestation(one)]
    descriptors = [one for one in descriptors if not is_beside(one)] or descriptors
    if not descriptors:
        raise TargetError("its index.json names no image", where=where, hint="save the image again")
    unnamed = [one for one in descriptors if not image_names(one) and one.platform is not None]
    groups: list[tuple[tuple[str, ...], str, list[Descriptor]]] = []
    for one in descriptors:
        if one in unnamed and len(unnamed) > 1:
            continue
        groups.append((image_names(one), one.digest, [one]))
    if len(unnamed) > 1:
        if any(name and one.digest.startswith((name, f"sha256:{name}")) for one in unnamed):
            groups += [((), one.digest, [one]) for one in unnamed]
        else:
            groups.append(((), unnamed[0].digest, unnamed))
    merged: dict[tuple[str, ...], tuple[tuple[str, ...], str, list[Descriptor]]] = {}
    for names, digest, group in groups:
        key = names or (digest,)
        if key in merged:  # one name for several platforms
            merged[key][2].extend(group)
        else:
            merged[key] = (names, digest, list(group))
    items = [(names, digest, (group, names)) for names, digest, group in merged.values()]
    return by_name(items, name, where)
