"""An image in a folder: an OCI image layout (`oci-dir:PATH[:TAG]`), or what `skopeo copy ... dir:PATH` writes."""

from __future__ import annotations

import os

import msgspec

from msbtui.engine.disk import Blob
from msbtui.engine.layout import open_layout
from msbtui.engine.manifest import Descriptor, Manifest, sha256_of
from msbtui.engine.request import Request
from msbtui.engine.target import missing
from msbtui.engine.unpacked import file_blob, small_file
from msbtui.errors import TargetError
from msbtui.image import shortened
from msbtui.image.model import Image
from msbtui.text import printable


class _Folder:
    """The files of a folder, mapped when they are asked for."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._where = printable(path)
        self.index = self._index()

    def _index(self) -> bytes:
        index = self._document("index.json")
        if index is None:
            raise TargetError("holds no index.json", where=self._where, hint="it is no OCI layout")
        return index

    def _file(self, name: str, digest: str) -> Blob | None:
        return file_blob(os.path.join(self._path, name), name, digest)

    def _document(self, name: str) -> bytes | None:
        return small_file(self._file(name, ""), self._where)

    # a digest has been checked to be an algorithm and hexadecimal digits, so these stay in the folder

    def document(self, digest: str) -> bytes | None:
        """Give a manifest or configuration."""
        return self._document(f"blobs/{digest.replace(':', '/', 1)}")

    def blob(self, digest: str) -> Blob | None:
        """Give a layer as stored."""
        return self._file(f"blobs/{digest.replace(':', '/', 1)}", digest)


class _SkopeoFolder(_Folder):
    """What skopeo's `dir:` writes: a manifest or index, and beside it every blob under the hexadecimal part of its digest.

    containers/image, directory/directory_transport.go; the manifests of a copied index are called `HEX.manifest.json`.
    """

    def _index(self) -> bytes:
        self._manifest = self._document("manifest.json") or b""
        return msgspec.json.encode(Manifest(manifests=[Descriptor(sha256_of(self._manifest))]))

    def document(self, digest: str) -> bytes | None:
        """Give a manifest or configuration."""
        if digest == sha256_of(self._manifest):
            return self._manifest
        name = digest.partition(":")[2]
        found = self._document(f"{name}.manifest.json")
        return found if found is not None else self._document(name)

    def blob(self, digest: str) -> Blob | None:
        """Give a layer as stored."""
        return self._file(digest.partition(":")[2], digest)


def open_oci_dir(path: str, name: str, request: Request) -> Image:
    """Give the image `name` (empty: the only one) of the folder `path`. Raises `TargetError`, `Cancelled`."""
    if not os.path.isdir(path):
        raise missing(path)
    is_layout = os.path.exists(os.path.join(path, "index.json"))
    try:
        return open_layout(
            _Folder(path) if is_layout else _SkopeoFolder(path),
            name,
            request,
            what="OCI layout" if is_layout else "folder",
            where=printable(path),
        )
    finally:
        shortened.check()  # before anything that its zeros led to
