"""Image archives, as `docker save` writes them: the legacy layout, and since Docker 25 an OCI layout inside the tar.

Legacy: Docker image specification v1.2, "Combined Image JSON + Filesystem Changeset Format": `manifest.json` names the
configuration and the layers' archives; moby image/tarexport/save.go makes a layer that another image already wrote a symlink
to it. OCI: image-spec, image-layout.md.
"""

from __future__ import annotations

import os
import posixpath
from typing import Protocol

from msbtui.engine import outer
from msbtui.engine.choose import by_name, short_name
from msbtui.engine.disk import Blob, KnownLayer, map_file, open_on_disk
from msbtui.engine.layout import open_layout
from msbtui.engine.manifest import JSON_LIMIT, SavedImage, check_layer_count, decode, decode_config, sha256_of, too_large
from msbtui.engine.platforms import require
from msbtui.engine.request import Request
from msbtui.engine.streamed import is_streamed, open_streamed
from msbtui.engine.target import missing, unreadable
from msbtui.engine.unpacked import Unpacked
from msbtui.errors import TargetError
from msbtui.image import shortened
from msbtui.image.cache import file_key
from msbtui.image.model import Image
from msbtui.text import printable

_AGAIN = "save the image again"


class Members(Protocol):
    """The members of an archive."""

    where: str
    """What errors call the archive, printable."""

    def __contains__(self, name: str) -> bool:
        """Tell whether there is a member of this name."""
        ...

    def blob(self, name: str, digest: str = "") -> Blob | KnownLayer | None:
        """Give a stored layer, through symlinks and hard links inside the archive; None where it is not there."""
        ...

    def document(self, name: str) -> bytes | None:
        """Give a small member's bytes. Raises `TargetError` over 16 MiB."""
        ...


class _Mapped:
    """The members of an archive on disk by name, mapped."""

    def __init__(self, path: str) -> None:
        self.where = printable(path)
        self.cut_off = ""
        self._members: dict[str, outer.Member] = {}
        with open(path, "rb") as file:
            self._data = map_file(file)
            shortened.announce(self._data, self.where)
            self._path = path
            try:
                for member in outer.members_of_file(file):
                    self._members[member.name] = member
            except outer.DamagedTarError as damage:
                self.cut_off = str(damage)

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def blob(self, name: str, digest: str = "") -> Blob | None:
        member = outer.resolved(self._members, name)
        if member is None:
            return None
        data = self._data[member.offset : member.offset + member.size]
        key = file_key(self._path, part=f"{member.offset}+{member.size}")
        return Blob(printable(member.name), data, key, digest, (self._path, member.offset))

    def document(self, name: str) -> bytes | None:
        blob = self.blob(name)
        if blob is None:
            return None
        if len(blob.data) > JSON_LIMIT:
            raise too_large(blob.name, self.where)
        return bytes(blob.data)


def open_archive(path: str, name: str, request: Request) -> Image:
    """Give the image `name` (empty: the only one) of the archive at `path`, compressed or not, or unpacked into a folder.

    `-` is standard input; pipes are read as they flow. Raises `TargetError`, `Cancelled`.
    """
    try:
        if os.path.isdir(path):
            return _checked(Unpacked(path), name, request)
        if is_streamed(path):
            return open_streamed(path, lambda members: open_members(members, name, request), request)
        mapped = _Mapped(path)
    except OSError as error:
        raise (missing(path) if isinstance(error, FileNotFoundError) else unreadable(error, path)) from error
    if mapped.cut_off:
        raise TargetError(f"is truncated or damaged: {mapped.cut_off}", where=mapped.where, hint=_AGAIN)
    return _checked(mapped, name, request)


def _checked(members: Members, name: str, request: Request) -> Image:
    try:
        return open_members(members, name, request)
    finally:
        shortened.check()  # before anything that its zeros led to


def open_members(members: Members, name: str, request: Request) -> Image:
    """Give the image from the archive's members. Raises `TargetError`, `Cancelled`."""
    if "index.json" in members:
        return open_layout(_Layout(members), name, request, what="archive", where=members.where)
    data = members.document("manifest.json")
    if data is None:
        raise TargetError(
            "holds no manifest.json and no index.json",
            where=members.where,
            hint="it is no image archive; make one with docker save",
        )
    return _open_legacy(members, data, name, request)


class _Layout:
    """The OCI layout inside an archive."""

    def __init__(self, members: Members) -> None:
        self._members = members
        self.index = members.document("index.json") or b""

    def document(self, digest: str) -> bytes | None:
        return self._members.document(_place(digest))

    def blob(self, digest: str) -> Blob | KnownLayer | None:
        return self._members.blob(_place(digest), digest)


def _place(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/', 1)}"


def _open_legacy(members: Members, data: bytes, name: str, request: Request) -> Image:
    where = members.where
    saved = decode(data, list[SavedImage], "manifest.json", where)
    if not saved:
        raise TargetError("its manifest.json names no image", where=where, hint=_AGAIN)
    chosen = by_name([(one.repo_tags or (), _config_digest(one.config), one) for one in saved], name, where)
    text = members.document(chosen.config)
    if text is None:
        raise TargetError(f"the configuration {printable(chosen.config)} is not in it", where=where, hint=_AGAIN)
    named = _config_digest(chosen.config)
    image_id = sha256_of(text)
    if named.startswith("sha256:") and named != image_id:
        raise TargetError(
            f"the configuration {printable(chosen.config)} does not hold what its digest says", where=where, hint=_AGAIN
        )
    config = decode_config(text, where)
    require(config.platform, request.platform, where)
    check_layer_count(len(chosen.layers or ()), where)
    blobs = []
    for layer in chosen.layers or ():
        blob = members.blob(layer)
        if blob is None:
            raise TargetError(f"the layer {printable(layer)} is not in it", where=where, hint=_AGAIN)
        blobs.append(blob)
    title = name or (short_name(chosen.repo_tags[0]) if chosen.repo_tags else os.path.basename(members.where))
    return open_on_disk(
        printable(title),
        image_id,
        config,
        blobs,
        request,
        source=f"archive {where}",
        where=where,
    )


def _config_digest(name: str) -> str:
    """Give the digest that a configuration's file name claims (`HEX.json`, `blobs/sha256/HEX`); else the name itself."""
    base = posixpath.basename(name).removesuffix(".json").removeprefix("sha256:")
    return f"sha256:{base}" if len(base) == 64 and all(c in "0123456789abcdef" for c in base) else name
