"""OCI layouts put together blob by blob."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from image_samples import Sample, described, digest, write_folder

GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG = "application/vnd.oci.image.config.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


class Files(dict[str, bytes]):
    """The files of a layout."""

    def put(self, data: Any, **more: Any) -> dict[str, Any]:
        """Add a blob, and give its descriptor."""
        data = data if isinstance(data, bytes) else json.dumps(data).encode()
        self[f"blobs/sha256/{digest(data)[7:]}"] = data
        return {**described(data), **more}

    def image(self, sample: Sample, blobs: list[bytes] | None = None, types: list[str] | None = None) -> dict[str, Any]:
        """Add an image whose layers are stored as `blobs`, and give the descriptor of its manifest."""
        blobs = sample.blobs if blobs is None else blobs
        types = types or [GZIP] * len(blobs)
        stored = [self.put(blob, mediaType=kind) for blob, kind in zip(blobs, types, strict=True)]
        return self.put({"config": self.put(sample.config, mediaType=CONFIG), "layers": stored})

    def write(self, path: Path, *descriptors: dict[str, Any]) -> str:
        """Write a layout whose index.json lists `descriptors`, and give its folder."""
        index = json.dumps({"manifests": descriptors}).encode()
        return str(write_folder(path, {**self, "oci-layout": b"{}", "index.json": index}))
