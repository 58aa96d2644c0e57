"""Image archives that flow by: compressed files, pipes, standard input. Read once, in bounded memory, layers while they flow.

Which members are layers, and of which image, is known only when the manifest came, often at the very end. So every member
that looks like a layer is indexed as it passes, small documents are kept, and the image is put together afterwards. Of a
compressed file it is noted what it holds; where the cache still has the layers, a second look reads nothing of it.
"""

from __future__ import annotations

import os
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import BinaryIO

import msgspec

from msbtui.engine import outer, waiting
from msbtui.engine.disk import KnownLayer
from msbtui.engine.events import Progress
from msbtui.engine.layers import Hashing, Keeper, Peeked, read_stream
from msbtui.engine.manifest import JSON_LIMIT, sha256_of, too_large, wrong_digest
from msbtui.engine.request import Request
from msbtui.engine.target import STANDARD_INPUT
from msbtui.errors import TargetError
from msbtui.image.cache import file_key
from msbtui.image.compress import compression, open_layer
from msbtui.image.model import Image
from msbtui.text import printable

_HEAD = 512
_DOCUMENTS = 64 << 20
"""Bytes of manifests and configurations that are kept of one archive."""
_CHUNK = 1 << 18
_TOLD_EVERY = 0.1
_NEVER = 1e9
"""Seconds: a pipe may be silent for as long as its writer likes."""


def is_streamed(path: str) -> bool:
    """Tell whether `path` can only be read from front to end: standard input, a pipe, a compressed file. Raises OSError."""
    if path == STANDARD_INPUT or stat.S_ISFIFO(os.stat(path).st_mode):
        return True
    with open(path, "rb") as file:
        return compression(file.read(_HEAD)) != "plain"


class _Passed(msgspec.Struct, frozen=True):
    """A layer that passed by."""

    diff_id: str
    digest: str
    size: int


class _Catalogue(msgspec.Struct):
    """What an archive holds, as kept between runs."""

    documents: dict[str, bytes] = {}
    layers: dict[str, _Passed] = {}
    links: dict[str, tuple[str, str]] = {}


class _ForgottenError(Exception):
    """The cache does not have a layer any more."""


_PIPE = "pipe an archive into it: docker save NAME | msbtui inspect -"


class PassedBy:
    """The members of an archive, after it passed by (`msbtui.engine.archive.Members`)."""

    def __init__(self, where: str, keeper: Keeper, catalogue: _Catalogue | None = None) -> None:
        self.where = where
        self.catalogue = catalogue or _Catalogue()
        self.read: dict[str, KnownLayer] = {}
        """The layers, where they passed by just now."""
        self.damaged: dict[str, TargetError] = {}
        """Members that looked like layers and are none."""
        self._keeper = keeper
        self._kept = 0

    def __contains__(self, name: str) -> bool:
        return name in self.catalogue.documents

    def _resolved(self, name: str) -> str:
        links = {link: outer.Member(link, kind, 0, 0, to) for link, (kind, to) in self.catalogue.links.items()}
        name = outer.tidy(name)
        if name not in links:
            return name
        names = [*self.catalogue.documents, *self.catalogue.layers, *self.read, *self.damaged]
        found = outer.resolved({**{one: outer.Member(one, "file", 0, 0) for one in names}, **links}, name)
        return found.name if found is not None else name

    def document(self, name: str) -> bytes | None:
        """Give a small member's bytes. Raises `TargetError` where it was too large."""
        name = self._resolved(name)
        if name in self.damaged:
            raise self.damaged[name]
        return self.catalogue.documents.get(name)

    def blob(self, name: str, digest: str = "") -> KnownLayer | None:
        """Give a layer that passed by. Raises `TargetError` where it is damaged, or not the blob with this digest."""
        name = self._resolved(name)
        if name in self.damaged:
            raise self.damaged[name]
        layer = self.read.get(name)
        passed = self.catalogue.layers.get(name)
        if layer is None and passed is not None:
            found = self._keeper.layer(passed.diff_id)
            if found is None:
                raise _ForgottenError
            layer = KnownLayer(printable(name), passed.size, passed.digest, passed.diff_id, *found)
        if layer is not None and digest and layer.digest != digest:
            raise wrong_digest(digest, self.where)
        return layer

    def take(self, member: outer.Member, content: outer.Content, cancel: threading.Event | None) -> None:
        """Take a member that passes by."""
        if member.kind in ("symlink", "hardlink"):
            self.catalogue.links[member.name] = (member.kind, member.link)
            return
        if member.kind != "file" or not member.size:
            return
        for known in (self.catalogue.documents, self.catalogue.layers, self.read, self.damaged):
            known.pop(member.name, None)  # a later member of the same name counts
        peeked = Peeked(content, min(_HEAD, member.size))
        if outer.is_document(peeked.head):
            self._document(member, peeked)
        elif outer.is_layer(peeked.head):
            try:
                layer = self._layer(member, peeked, cancel)
            except TargetError as error:
                self.damaged[member.name] = error
                return
            self.read[member.name] = layer
            self.catalogue.layers[member.name] = _Passed(layer.diff_id, layer.digest, layer.size)

    def _document(self, member: outer.Member, content: Peeked) -> None:
        if member.size > JSON_LIMIT:
            self.damaged[member.name] = too_large(printable(member.name), self.where)
            return
        self._kept += member.size
        if self._kept > _DOCUMENTS:
            raise TargetError(
                "holds more manifests than any image has", where=self.where, hint="this is no image that a builder wrote"
            )
        self.catalogue.documents[member.name] = b"".join(iter(lambda: content.read(_CHUNK), b""))

    def _layer(self, member: outer.Member, content: Peeked, cancel: threading.Event | None) -> KnownLayer:
        name = printable(member.name)
        digest = outer.blob_digest(member.name)
        if digest:
            diff_id = self._keeper.layer_of(digest) if compression(content.head) != "plain" else digest
            found = self._keeper.layer(diff_id) if diff_id else None
            if diff_id is not None and found is not None:
                hashing = Hashing(content, cancel, like=digest)
                hashing.drain()
                if hashing.digest != digest:
                    raise wrong_digest(digest, self.where)
                return KnownLayer(name, member.size, digest, diff_id, *found)
        reading = read_stream(content, where=f"{self.where}: {name}", digest=digest, diff_id=digest, cancel=cancel)
        self._keeper.keep_layer(reading)
        self._keeper.link(reading.digest, reading.diff_id)
        return KnownLayer(name, reading.size, reading.digest, reading.diff_id, reading.entries, reading.contents)


def open_streamed(
    path: str,
    put_together: Callable[[PassedBy], Image],
    request: Request,
) -> Image:
    """Give the image that `put_together` makes of the members of the archive at `path` (`-`: standard input).

    Raises `TargetError`, `Cancelled`, and OSError where the file cannot be read.
    """
    keeper = request.keeper
    if path == STANDARD_INPUT:
        where, key, size = "standard input", "", None
    else:
        where, found = printable(path), os.stat(path)
        is_file = stat.S_ISREG(found.st_mode)
        key, size = (file_key(path, part="members"), found.st_size) if is_file else ("", None)
        noted = keeper.document(keeper.layer_of(key) or "") if key and not request.verify else None
        if noted is not None:
            try:
                return put_together(PassedBy(where, keeper, msgspec.json.decode(noted, type=_Catalogue)))
            except (_ForgottenError, msgspec.DecodeError):
                pass
    members = _pass_by(path, where, size, request)
    if key and not members.damaged:
        _note(members.catalogue, key, keeper)
    return put_together(members)


def _open(path: str) -> BinaryIO:
    if path != STANDARD_INPUT:
        return open(path, "rb")
    if sys.stdin is None or sys.stdin.isatty():
        raise TargetError("is a terminal", where="standard input", hint=_PIPE)
    return open(os.dup(sys.stdin.fileno()), "rb")


def _pass_by(path: str, where: str, size: int | None, request: Request) -> PassedBy:
    """Read the archive to its end. It is decompressed in a thread of its own, ahead of what reads the layers."""
    members = PassedBy(where, request.keeper)
    source = _Source(path, where)
    told = 0.0

    def tell(_: int) -> None:
        nonlocal told
        if time.monotonic() - told >= _TOLD_EVERY:
            told = time.monotonic()
            request.on_event(Progress(f"reading {where}", source.count, size))

    pump = waiting.Pump(source.chunks, cancel=request.cancel, patience=lambda: _NEVER, on_bytes=tell)
    try:
        tar = outer.OuterTar(pump)
        for member in tar:
            members.take(member, tar.content, request.cancel)
        while pump.read(_CHUNK):  # zeros behind the last member; a writer that we leave early would complain
            pass
        if not pump.total:
            raise TargetError("is empty", where=where, hint=_PIPE)
    except outer.DamagedTarError as damage:
        raise TargetError(f"is truncated or damaged: {damage}", where=where, hint="save the image again") from None
    except _SourceError as broken:
        raise broken.error from broken
    finally:
        pump.close()
    return members


class _SourceError(Exception):
    """The archive itself cannot be read on; unlike an error of one member, this ends everything."""

    def __init__(self, error: TargetError | OSError) -> None:
        super().__init__(str(error))
        self.error = error


class _Source:
    """The archive's bytes, opened and decompressed by the thread that asks for `chunks`: opening a pipe may take for ever."""

    def __init__(self, path: str, where: str) -> None:
        self._path = path
        self._where = where
        self.count = 0
        """Bytes read so far, as stored."""

    def chunks(self) -> Iterator[bytes]:
        try:
            with _open(self._path) as self._file:
                stream = open_layer(self, where=self._where)
                while data := stream.read(_CHUNK):
                    yield data
        except (TargetError, OSError) as error:
            raise _SourceError(error) from error

    def read(self, size: int = -1, /) -> bytes:
        data = self._file.read(size)
        self.count += len(data)
        return data


def _note(catalogue: _Catalogue, key: str, keeper: Keeper) -> None:
    """Keep what the archive holds; names that JSON cannot have are left out, since no manifest can name them."""

    def speakable(name: str) -> bool:
        return name.isprintable()

    kept = _Catalogue(
        {name: data for name, data in catalogue.documents.items() if speakable(name)},
        {name: passed for name, passed in catalogue.layers.items() if speakable(name)},
        {name: link for name, link in catalogue.links.items() if speakable(name) and speakable(link[1])},
    )
    data = msgspec.json.encode(kept)
    if len(data) <= JSON_LIMIT:
        keeper.keep_document(data)
        keeper.link(key, sha256_of(data))
