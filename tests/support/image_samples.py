"""Images made in memory, and the archives that engines and tools write of them."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import json
import lzma
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zstandard


def tar_of(members: dict[str, bytes | None], links: dict[str, str] | None = None, *, hard: bool = False) -> bytes:
    """Give a tar with these members (None: a directory), and links (name: target)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            if data is None:
                info.type, info.mode = tarfile.DIRTYPE, 0o755
            info.size = len(data or b"")
            tar.addfile(info, io.BytesIO(data or b""))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = (tarfile.LNKTYPE if hard else tarfile.SYMTYPE), target
            tar.addfile(info)
    return out.getvalue()


def digest(data: bytes) -> str:
    """Give `sha256:...`."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def described(data: bytes) -> dict[str, Any]:
    """Give a descriptor's digest and size."""
    return {"digest": digest(data), "size": len(data)}


def pack(data: bytes, how: str) -> bytes:
    """Compress a layer."""
    forms = {"plain": bytes, "zstd": zstandard.compress, "xz": lzma.compress, "bzip2": bz2.compress}
    return gzip.compress(data, 1, mtime=0) if how == "gzip" else forms[how](data)


BASE = {"etc": None, "etc/passwd": b"root:x:0:0::/root:/bin/sh\n", "usr/bin/tool": b"#!/bin/sh\necho tool\n", "big": b"x" * 5000}
ADDED = {"src/main.c": b"int main(void) { return 0; }\n", "usr/bin/app": b"\x7fELF" + b"a" * 3000}
DELETED = {"src/.wh.main.c": b"", ".wh.big": b""}


@dataclass
class Sample:
    """An image: layers as tars, the base first, and its configuration."""

    layers: list[bytes] = field(default_factory=lambda: [tar_of(BASE), tar_of(ADDED), tar_of(DELETED)])
    history: list[dict[str, Any]] | None = None
    tags: list[str] = field(default_factory=lambda: ["sample:latest"])
    how: str = "gzip"
    settings: dict[str, Any] = field(default_factory=lambda: {"Env": ["PATH=/usr/bin"], "Cmd": ["/usr/bin/app"], "Labels": None})
    architecture: str = "amd64"

    @property
    def diff_ids(self) -> list[str]:
        return [digest(layer) for layer in self.layers]

    @property
    def config(self) -> bytes:
        history = self.history
        if history is None:
            history = [{"created": "2024-01-01T00:00:00Z", "created_by": f"RUN step {n}"} for n in range(len(self.layers))]
            history.append({"created_by": 'CMD ["/usr/bin/app"]', "empty_layer": True})
        document = {"architecture": self.architecture, "os": "linux", "config": self.settings, "created": "2024-01-02T00:00:00Z",
                    "rootfs": {"type": "layers", "diff_ids": self.diff_ids}, "history": history}  # fmt: skip
        return json.dumps(document).encode()

    @property
    def blobs(self) -> list[bytes]:
        """The layers as stored."""
        return [pack(layer, self.how) for layer in self.layers]

    @property
    def manifest(self) -> bytes:
        layers = [
            {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": digest(blob), "size": len(blob)}
            for blob in self.blobs
        ]
        config = {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": digest(self.config),
            "size": len(self.config),
        }
        return json.dumps({"schemaVersion": 2, "config": config, "layers": layers}).encode()

    def legacy(self, *, shared: str = "", first: bool = False) -> dict[str, bytes | None]:
        """Give the members of a legacy archive; `first`: the manifest before the layers."""
        members: dict[str, bytes | None] = {}
        names = []
        for number, layer in enumerate(self.layers):
            name = f"{number:064x}/layer.tar"
            names.append(name)
            members[f"{number:064x}"] = None
            members[f"{number:064x}/VERSION"] = b"1.0"
            members[f"{number:064x}/json"] = json.dumps({"id": f"{number:064x}"}).encode()
            members[name] = layer
        config = f"{digest(self.config)[7:]}.json"
        manifest = json.dumps([{"Config": config, "RepoTags": self.tags, "Layers": names}]).encode()
        return (
            {"manifest.json": manifest, **members, config: self.config}
            if first
            else {**members, config: self.config, "manifest.json": manifest}
        )

    def oci(self) -> dict[str, bytes | None]:
        """Give the files of an OCI layout as Docker 25 and later write it, an attestation beside the image."""
        statement = json.dumps({"_type": "https://in-toto.io/Statement/v0.1"}).encode()
        about = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest(b"{}"), "size": 2}
        attestation = json.dumps(
            {"schemaVersion": 2, "config": about, "layers": [{"digest": digest(statement), "size": len(statement)}]}
        ).encode()
        index_type = "application/vnd.oci.image.index.v1+json"
        of_image = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": digest(self.manifest)}
        below = [
            {**described(self.manifest), "platform": {"os": "linux", "architecture": self.architecture}},
            {**described(attestation), "platform": {"os": "unknown", "architecture": "unknown"}, "annotations": of_image},
        ]
        index = json.dumps({"schemaVersion": 2, "mediaType": index_type, "manifests": below}).encode()
        tag = self.tags[0]
        names = {"io.containerd.image.name": f"docker.io/library/{tag}", "org.opencontainers.image.ref.name": tag.split(":")[1]}
        above = [{**described(index), "mediaType": index_type, "annotations": names}]
        top = json.dumps({"schemaVersion": 2, "manifests": above}).encode()
        files = {
            f"blobs/sha256/{digest(data)[7:]}": data
            for data in (*self.blobs, self.config, self.manifest, b"{}", statement, attestation, index)
        }
        return {**dict(sorted(files.items())), "index.json": top, "oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}

    @property
    def oci_id(self) -> str:
        """What an engine with the containerd store calls the image."""
        return json.loads(self.oci()["index.json"] or b"")["manifests"][0]["digest"]  # type: ignore[no-any-return]


def write_tar(path: Path, members: dict[str, bytes | None], **more: Any) -> Path:
    """Write an archive and give its path."""
    path.write_bytes(tar_of(members, **more))
    return path


def write_folder(path: Path, members: dict[str, bytes | None]) -> Path:
    """Write the members as files below `path` and give it."""
    for name, data in members.items():
        if data is not None:
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(data)
    return path


@dataclass
class StoredSample(Sample):
    """An image whose layers are stored as other tools stored them, with what their descriptors say."""

    stored: list[tuple[bytes, dict[str, str]]] = field(default_factory=list)
    """Each layer's blob and annotations; `layers` must hold what they unpack to."""

    @property
    def blobs(self) -> list[bytes]:
        return [blob for blob, _ in self.stored]

    @property
    def manifest(self) -> bytes:
        document = json.loads(super().manifest)
        for layer, (_, said) in zip(document["layers"], self.stored, strict=True):
            layer["annotations"] = said
        return json.dumps(document).encode()
