"""Which image of several: by name where an archive holds more than one, by platform where an index does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import msgspec

from msbtui.engine.manifest import (
    ATTESTATION,
    IMAGE_CONFIG_TYPES,
    INDEX_TYPES,
    Descriptor,
    Manifest,
    Platform,
    decode,
    is_layer_type,
)
from msbtui.engine.platforms import distance, this_machine
from msbtui.errors import TargetError
from msbtui.text import printable

T = TypeVar("T")

_DEPTH = 4
_MANIFESTS = 4096
_ARTIFACTS = (
    ("application/vnd.cncf.helm.", "a Helm chart"),
    ("application/vnd.wasm.", "a WebAssembly module"),
    ("application/vnd.cncf.notary.signature", "a notation signature"),
    ("application/vnd.dev.cosign.simplesigning", "a cosign signature"),
    ("application/vnd.dev.cosign.artifact.sig", "a cosign signature"),
    ("application/vnd.dev.sigstore.bundle", "a Sigstore bundle"),
    ("application/vnd.in-toto", "an attestation"),
    ("application/spdx", "an SBOM"),
    ("application/vnd.cyclonedx", "an SBOM"),
    ("application/vnd.docker.plugin.", "a plugin of an engine"),
    ("application/vnd.docker.compose.project", "a Compose project"),
    ("application/vnd.docker.ai.", "a model"),
    ("application/vnd.cncf.model.", "a model"),
    ("application/vnd.sylabs.sif.", "a Singularity image"),
    ("application/vnd.cncf.flux.", "a Flux artifact"),
)
"""What begins the media types of artifacts, and what people call these."""


class Found(msgspec.Struct, frozen=True):
    """One image manifest that an index leads to."""

    digest: str
    manifest: Manifest
    platform: str
    """`os/architecture/variant`; empty where the index does not say it."""
    version: str = ""
    """`os.version`, which tells images for Windows apart; empty where the index does not say it."""
    beside: tuple[Descriptor, ...] = ()
    """The attestations that the same index lists."""


def image_names(descriptor: Descriptor) -> tuple[str, ...]:
    """Give the names that an `index.json` has for an image: containerd's full name and the OCI reference name."""
    names = (descriptor.annotation("io.containerd.image.name"), descriptor.annotation("org.opencontainers.image.ref.name"))
    return tuple(dict.fromkeys(name for name in names if name))


def by_name(items: Sequence[tuple[Sequence[str], str, T]], name: str, where: str) -> T:
    """Give the one of `items` (names, digest, thing) that `name` means, or the only one where `name` is empty.

    Raises `TargetError` that lists what there is.
    """
    if not name:
        if len({digest for _, digest, _ in items}) == 1:
            return items[0][2]
        raise TargetError(f"holds {len(items)} images: {_listed(items)}", where=where, hint=_how_to_name(items, where))
    for names, digest, thing in items:
        known = {form for given in names for form in _forms(given)}
        if (
            name in known
            or f"{name}:latest" in known
            or digest == name
            or (len(name) >= 12 and digest.removeprefix("sha256:").startswith(name.removeprefix("sha256:")))
        ):
            return thing
    raise TargetError(
        f"holds no image {printable(name)}; it holds {_listed(items)}", where=where, hint=_how_to_name(items, where)
    )


def _forms(name: str) -> Iterable[str]:
    """Give the ways to write a name: with and without the registry and folder that Docker assumes, and podman's own."""
    short = short_name(name)
    return (name, short, f"docker.io/{short}", f"docker.io/library/{short}", name.removeprefix("localhost/"))


def short_name(name: str) -> str:
    """Give a name without the registry and folder that Docker assumes."""
    return name.removeprefix("docker.io/").removeprefix("library/")


def _how_to_name(items: Sequence[tuple[Sequence[str], str, T]], where: str) -> str:
    target = "-" if where == "standard input" else where.rstrip("/")
    return f"name one of them after a colon: {target}:{_words(items[:1])[0]}"


def _words(items: Sequence[tuple[Sequence[str], str, T]]) -> list[str]:
    return [printable(names[0]) if names else printable(digest)[:19] for names, digest, _ in items]


def _listed(items: Sequence[tuple[Sequence[str], str, T]]) -> str:
    words = _words(items)
    return ", ".join(words[:12]) + (f" and {len(words) - 12} more" if len(words) > 12 else "")


def is_attestation(descriptor: Descriptor) -> bool:
    """Tell whether a manifest is BuildKit's provenance or SBOM, not an image."""
    platform = descriptor.platform
    return bool(descriptor.annotation(ATTESTATION)) or (
        platform is not None and platform.os == platform.architecture == "unknown"
    )


def manifests_below(
    descriptor: Descriptor, read: Callable[[str], bytes | None], where: str, beside: Sequence[Descriptor] = ()
) -> list[Found]:
    """Give the image manifests that `descriptor` leads to, through indexes in indexes; blobs that are absent are left out.

    `read` gives a document by digest, checked against it; `beside` are attestations that lie beside `descriptor`. Raises
    `TargetError` for what is no index, no manifest or no image.
    """
    found: list[Found] = []
    seen: set[str] = set()
    others: list[str] = []

    def walk(one: Descriptor, depth: int, beside: Sequence[Descriptor]) -> None:
        if is_attestation(one) or one.digest in seen:
            return
        if depth > _DEPTH or len(seen) > _MANIFESTS:
            raise TargetError("has indexes in indexes without end", where=where, hint="this is no image that a builder wrote")
        seen.add(one.digest)
        data = read(one.digest)
        if data is None:
            return
        manifest = decode(data, Manifest, f"manifest {printable(one.digest)}", where)
        if manifest.manifests is not None or one.media_type in INDEX_TYPES:
            attestations = [below for below in manifest.manifests or () if is_attestation(below)]
            for below in manifest.manifests or ():
                walk(below, depth + 1, attestations)
        elif manifest.config is not None:
            if kind := artifact_kind(manifest):
                others.append(kind)
            else:
                platform = one.platform or Platform()
                found.append(Found(one.digest, manifest, str(platform), printable(platform.version or ""), tuple(beside)))
        elif manifest.schema == 1 and manifest.config is None:
            raise first_schema(where)
        elif manifest.artifact_type or one.artifact_type:
            others.append(printable(manifest.artifact_type or one.artifact_type or "")[:100])

    walk(descriptor, 0, beside)
    if others and not found:
        what = next((words for start, words in _ARTIFACTS if others[0].startswith(start)), "an artifact")
        raise TargetError(f"holds {what} ({others[0]}), no image", where=where, hint="name an image")
    return found


def first_schema(where: str) -> TargetError:
    """Give the error for a manifest of the kind that distribution gave up in 2017, which has neither configuration nor sizes."""
    return TargetError(
        "has a manifest of the old kind (schema 1), which was given up in 2017",
        where=where,
        hint="skopeo copy it to another folder with --format v2s2, or pull it with an old engine and push it again",
    )


def artifact_kind(manifest: Manifest) -> str:
    """Give what a manifest that is no image holds (a chart, a signature, a list of parts), printable; empty for an image.

    OCI image-spec, manifest.md, "Guidelines for Artifact Usage": by the configuration's media type, else the artifact's
    own; signatures and statements come with an image's configuration, but with layers that are no file systems.
    """
    config = manifest.config.media_type if manifest.config else ""
    if config not in IMAGE_CONFIG_TYPES:
        return printable(manifest.artifact_type or config)[:100]
    layers = manifest.layers or []
    foreign = [layer.media_type for layer in layers if not is_layer_type(layer.media_type)]
    return printable(foreign[0])[:100] if foreign and len(foreign) == len(layers) else ""


def by_platform(found: Sequence[Found], wanted: str | None, platform_of: Callable[[Found], str], where: str) -> Found:
    """Give the manifest for `wanted` (`os/architecture[/variant]`), by default that for this machine.

    Raises `TargetError` that lists the platforms where none fits.
    """
    if not found:
        raise TargetError(
            "its manifest or index leads to no image that is there", where=where, hint="save or pull the image again"
        )
    if len(found) == 1 and wanted is None:
        return found[0]
    platforms = [one.platform or platform_of(one) for one in found]
    asked = wanted or this_machine()
    fits = [distance(text, asked, one.version) for one, text in zip(found, platforms, strict=True)]
    if best := [number for number, far in enumerate(fits) if far is not None]:
        return found[min(best, key=lambda number: fits[number] or 0)]
    has = ", ".join(dict.fromkeys(_with_version(text, one.version) for one, text in zip(found, platforms, strict=True)))
    raise TargetError(f"has no image for {printable(asked)}; it has {has[:300]}", where=where, hint="choose one with --platform")


def _with_version(platform: str, version: str) -> str:
    system, slash, rest = platform.partition("/")
    return f"{system}({version}){slash}{rest}" if version else platform
