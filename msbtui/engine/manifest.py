"""Manifests, indexes and configurations, decoded from hostile JSON into what `msbtui.image.model` has.

OCI image-spec v1.1: manifest.md, image-index.md, config.md, image-layout.md; Docker's image specification v1.2 for
`manifest.json`.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, TypeVar

import msgspec

from msbtui.errors import TargetError
from msbtui.image.model import Healthcheck, HistoryItem, ImageConfig
from msbtui.regex import regex
from msbtui.text import printable

JSON_LIMIT = 16 << 20
"""Bytes: a manifest or configuration larger than this is refused."""

_MOST_OBJECTS, _MOST_PARTS = 1 << 16, 1 << 19
"""Objects and parts of any kind in an image's documents: as Python's they take fifty times their text."""
_LEAST_OBJECT, _LEAST_PART = 32, 16
"""Bytes of text that each of them takes at least, on average, in any longer document."""

LAYER_LIMIT = 4096
"""More layers than any engine can mount; a manifest with more is refused before anything is read for them."""

INDEX_TYPES = frozenset({"application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"})
IMAGE_CONFIG_TYPES = frozenset({"", "application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"})
_LAYER_TYPES = (
    "application/vnd.oci.image.layer.",
    "application/vnd.docker.image.rootfs.",
    "application/vnd.docker.container.image.rootfs.",
    "application/x-tar",
)
ACCEPT = ", ".join((
    "application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json", "application/vnd.docker.distribution.manifest.v2+json",
))  # fmt: skip
"""Media types of the manifests that are asked for."""
ENCRYPTED = "+encrypted"
"""What ends the media type of an encrypted layer (containers/ocicrypt, spec)."""
ATTESTATION = "vnd.docker.reference.type"
"""The annotation by which BuildKit marks a manifest that is no image (BuildKit docs/attestations/attestation-storage.md)."""

Digest = Annotated[str, msgspec.Meta(pattern=r"\A(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})\Z")]
Int64 = Annotated[int, msgspec.Meta(ge=-(1 << 63), le=(1 << 63) - 1)]
"""Every number of these documents is one of Go's; a larger one breaks what reckons with it."""
Bytes = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
T = TypeVar("T")


class Platform(msgspec.Struct, frozen=True):
    """`platform` of a descriptor."""

    os: str = ""
    architecture: str = ""
    variant: str | None = None
    version: str | None = msgspec.field(name="os.version", default=None)

    def __str__(self) -> str:
        """Give `os/architecture/variant`."""
        return printable("/".join(filter(None, (self.os, self.architecture, self.variant))))


class Descriptor(msgspec.Struct, frozen=True):
    """A descriptor (OCI image-spec, descriptor.md)."""

    digest: Digest
    media_type: str = msgspec.field(name="mediaType", default="")
    size: Bytes | None = None
    annotations: dict[str, str] | None = None
    platform: Platform | None = None
    artifact_type: str | None = msgspec.field(name="artifactType", default=None)
    urls: list[str] | None = None
    """Where else the blob may be had; of foreign layers, the only place."""

    def annotation(self, key: str) -> str:
        """Give an annotation, empty where it is not there."""
        return (self.annotations or {}).get(key, "")


class Manifest(msgspec.Struct, frozen=True):
    """An image manifest, or an index of them: which, tells what is filled in."""

    media_type: str = msgspec.field(name="mediaType", default="")
    artifact_type: str | None = msgspec.field(name="artifactType", default=None)
    config: Descriptor | None = None
    layers: list[Descriptor] | None = None
    manifests: list[Descriptor] | None = None
    schema: int | str | None = msgspec.field(name="schemaVersion", default=None)
    """1 of manifests that were given up in 2017; else 2, where it is said."""
    subject: Descriptor | None = None
    """What this one is about (OCI image-spec v1.1)."""
    annotations: dict[str, str] | None = None


class SavedImage(msgspec.Struct, frozen=True):
    """One item of `manifest.json` of a docker archive."""

    config: str = msgspec.field(name="Config", default="")
    repo_tags: list[str] | None = msgspec.field(name="RepoTags", default=None)
    layers: list[str] | None = msgspec.field(name="Layers", default=None)


class _RawHealthcheck(msgspec.Struct, frozen=True):
    test: list[str] | None = msgspec.field(name="Test", default=None)
    interval: Int64 | None = msgspec.field(name="Interval", default=None)
    timeout: Int64 | None = msgspec.field(name="Timeout", default=None)
    start_period: Int64 | None = msgspec.field(name="StartPeriod", default=None)
    start_interval: Int64 | None = msgspec.field(name="StartInterval", default=None)
    retries: Int64 | None = msgspec.field(name="Retries", default=None)


class RawConfig(msgspec.Struct, frozen=True):
    """`config` of a configuration and `Config` of an engine's inspect: the same fields in both."""

    env: list[str] | None = msgspec.field(name="Env", default=None)
    entrypoint: list[str] | str | None = msgspec.field(name="Entrypoint", default=None)
    cmd: list[str] | str | None = msgspec.field(name="Cmd", default=None)
    user: str | None = msgspec.field(name="User", default=None)
    workdir: str | None = msgspec.field(name="WorkingDir", default=None)
    exposed_ports: dict[str, Any] | None = msgspec.field(name="ExposedPorts", default=None)
    volumes: dict[str, Any] | None = msgspec.field(name="Volumes", default=None)
    labels: dict[str, str] | None = msgspec.field(name="Labels", default=None)
    stop_signal: str | None = msgspec.field(name="StopSignal", default=None)
    healthcheck: _RawHealthcheck | None = msgspec.field(name="Healthcheck", default=None)
    shell: list[str] | None = msgspec.field(name="Shell", default=None)
    onbuild: list[str] | None = msgspec.field(name="OnBuild", default=None)

    def clean(self) -> ImageConfig:
        """Give the configuration with every text printable."""
        check = self.healthcheck
        return ImageConfig(
            env=_texts(self.env),
            entrypoint=_texts(self.entrypoint),
            cmd=_texts(self.cmd),
            user=printable(self.user or ""),
            workdir=printable(self.workdir or ""),
            exposed_ports=_texts(sorted(self.exposed_ports or ())),
            volumes=_texts(sorted(self.volumes or ())),
            labels={printable(key): printable(value) for key, value in (self.labels or {}).items()},
            stop_signal=printable(self.stop_signal or ""),
            healthcheck=None
            if check is None
            else Healthcheck(
                test=_texts(check.test),
                interval=check.interval or 0,
                timeout=check.timeout or 0,
                start_period=check.start_period or 0,
                start_interval=check.start_interval or 0,
                retries=check.retries or 0,
            ),
            shell=_texts(self.shell),
            onbuild=_texts(self.onbuild),
        )


class _RawHistory(msgspec.Struct, frozen=True):
    created: str | None = None
    created_by: str | None = None
    comment: str | None = None
    author: str | None = None
    empty_layer: bool | None = None

    def clean(self) -> HistoryItem:
        return HistoryItem(
            created=printable(self.created or ""),
            created_by=printable(self.created_by or ""),
            comment=printable(self.comment or ""),
            author=printable(self.author or ""),
            empty_layer=bool(self.empty_layer),
        )


class _RootFs(msgspec.Struct, frozen=True):
    diff_ids: list[Digest] | None = None


class Configuration(msgspec.Struct, frozen=True):
    """An image's configuration (OCI image-spec, config.md)."""

    os: str = ""
    architecture: str = ""
    variant: str | None = None
    created: str | None = None
    config: RawConfig | None = None
    rootfs: _RootFs | None = None
    raw_history: list[_RawHistory] | None = msgspec.field(name="history", default=None)

    @property
    def platform(self) -> str:
        """Give `os/architecture/variant`."""
        return str(Platform(self.os, self.architecture, self.variant))

    @property
    def diff_ids(self) -> list[str]:
        """Give the diff ids, the base first."""
        return list((self.rootfs and self.rootfs.diff_ids) or ())

    @property
    def history(self) -> tuple[HistoryItem, ...]:
        """Give the history with every text printable."""
        return tuple(item.clean() for item in self.raw_history or ())

    def clean(self) -> ImageConfig:
        """Give what a container starts with, every text printable."""
        return (self.config or RawConfig()).clean()


def _texts(value: list[str] | str | None) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [value]
    return tuple(printable(text) for text in value or ())


_BYTE = regex(r" \(byte (\d+)\)\Z")
_BUILDERS = "this is no image that a builder wrote"


def decode(data: bytes, as_type: type[T], what: str, where: str, *, hint: str = "") -> T:
    """Decode JSON of at most 16 MiB. `what` and `where` name it in the `TargetError` that everything unfit raises.

    `hint` says what to try where it is no part of an image.
    """
    if len(data) > JSON_LIMIT:
        raise too_large(what, where, hint=hint)
    length = 0 if as_type in (Manifest, Configuration, list[SavedImage]) else len(data)
    too_many = data.count(b"{") > max(_MOST_OBJECTS, length // _LEAST_OBJECT)
    if too_many or data.count(b",") > max(_MOST_PARTS, length // _LEAST_PART):
        raise TargetError(f"{what} has more parts than any image's", where=where, hint=hint or _BUILDERS)
    try:
        return msgspec.json.decode(data, type=as_type)
    except RecursionError:
        raise TargetError(f"{what} is nested too deep", where=where, hint=hint or _BUILDERS) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        said = _BYTE.sub(r" at byte \1", printable(str(error)))[:200]
        raise TargetError(
            f"{what} cannot be understood: {said}",
            where=where,
            hint=hint or "the image is damaged; save or pull it again",
        ) from None


def too_large(what: str, where: str, *, hint: str = "", limit: int = JSON_LIMIT) -> TargetError:
    """Give the error for a document over `limit` bytes, a whole number of MiB."""
    return TargetError(f"{what} is larger than {limit >> 20} MiB", where=where, hint=hint or _BUILDERS)


def is_layer_type(media_type: str) -> bool:
    """Tell whether a media type is that of a layer's file system; one that is not said counts as such."""
    return not media_type or media_type.startswith(_LAYER_TYPES)


_ABSENT = msgspec.Raw()


class _Probe(msgspec.Struct, frozen=True):
    rootfs: msgspec.Raw = _ABSENT
    layers: msgspec.Raw = _ABSENT
    manifests: msgspec.Raw = _ABSENT


def is_configuration(data: bytes, where: str) -> bool:
    """Tell a configuration from a manifest or an index, by what each alone has. Raises `TargetError`."""
    probe = decode(data, _Probe, "a document of the image", where)
    there = [bytes(part) not in (b"", b"null") for part in (probe.rootfs, probe.layers, probe.manifests)]
    return there == [True, False, False]


def decode_config(data: bytes, where: str) -> Configuration:
    """Decode a configuration. Raises `TargetError`."""
    config = decode(data, Configuration, "the image's configuration", where)
    check_layer_count(len(config.diff_ids), where)
    return config


def check_layer_count(count: int, where: str) -> None:
    """Raise `TargetError` for more layers than any engine can mount."""
    if count > LAYER_LIMIT:
        raise TargetError(f"claims {count} layers", where=where, hint=f"more than {LAYER_LIMIT} are refused")


def sha256_of(data: bytes) -> str:
    """Give `sha256:...` of `data`."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def check_digest(data: bytes, digest: str, where: str) -> None:
    """Raise `TargetError` that names the blob where `data` is not what `digest` says."""
    algorithm, _, expected = digest.partition(":")
    if algorithm in ("sha256", "sha512") and hashlib.new(algorithm, data).hexdigest() != expected:
        raise wrong_digest(digest, where)


def wrong_digest(digest: str, where: str) -> TargetError:
    """Give the error for a blob whose bytes are not what its digest says."""
    return TargetError(
        f"blob {printable(digest)} does not hold what its digest says",
        where=where,
        hint="the image is damaged; save or pull it again",
    )
