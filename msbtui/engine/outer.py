"""The tar around an image: member after member, from a stream or from a file on disk; contents are only passed on.

Headers as POSIX.1-2017 pax ("ustar Interchange Format", "pax Header Block") and GNU tar ("Basic Tar Format") have them. What
lies inside a layer is read by `msbtui.image.tar`; this reader only finds the layers, and holds no more of a member than its
header.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator, Mapping
from typing import BinaryIO, Protocol

import msgspec

from msbtui.image.compress import compression

BLOCK = 512
_NAME_LIMIT = 1 << 20
_LINKS = 16
_SKIP_CHUNK = 1 << 20
_ZEROS = bytes(BLOCK)
_NO_BEGINNING = "it does not begin as an archive does"


class DamagedTarError(Exception):
    """The archive breaks off or a header is no header; the message says which, in words for a person."""


class Readable(Protocol):
    """Anything with `read(n)`: at most `n` bytes, empty only at the end."""

    def read(self, size: int, /) -> bytes:
        """Give at most `size` bytes; empty at the end."""
        ...


class Member(msgspec.Struct, frozen=True):
    """One member of the archive around an image."""

    name: str
    """As written, without leading `./` and trailing slash; bytes that are no UTF-8 as surrogate escapes."""
    kind: str
    """`file`, `symlink`, `hardlink` or `other`."""
    size: int
    """Bytes of content."""
    offset: int
    """Where the content begins in the archive."""
    link: str = ""
    """Of links: the other name, as written."""


def is_document(head: bytes) -> bool:
    """Tell JSON from a layer: a tar header is neither, whatever its first name begins with."""
    return head.lstrip()[:1] in (b"{", b"[") and not is_tar_header(head)


def blob_digest(name: str) -> str:
    """Give the digest that a member's name claims (`blobs/sha256/HEX`); empty where it claims none."""
    parts = name.split("/")
    if len(parts) == 3 and parts[0] == "blobs" and len(parts[2]) == {"sha256": 64, "sha512": 128}.get(parts[1]):
        return f"{parts[1]}:{parts[2]}"
    return ""


def is_layer(head: bytes) -> bool:
    """Tell whether a member that begins with `head` may be a layer: compressed, a tar, or a tar without an entry."""
    return compression(head) != "plain" or is_tar_header(head) or not head.strip(b"\0")


def is_tar_header(head: bytes) -> bool:
    """Tell whether `head` (at least one block) begins with a tar header, by its checksum."""
    return len(head) >= BLOCK and head[:BLOCK] != _ZEROS and _checksum_fits(head[:BLOCK])


def _checksum_fits(block: bytes) -> bool:
    try:
        stored = _number(block[148:156])
    except DamagedTarError:
        return False
    return stored == sum(block[:148]) + 256 + sum(block[156:])


def _number(field: bytes) -> int:
    if field[0] & 0x80:  # GNU base-256: the first bit is a flag, the second the sign
        value = int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
        if field[0] & 0x40:
            raise DamagedTarError("a member has a negative size")
        return value
    text = field.strip(b" \x00").split(b"\x00", 1)[0]
    try:
        if b"_" in text or b"-" in text:
            raise ValueError
        return int(text or b"0", 8)
    except ValueError:
        raise DamagedTarError("a header has no number where one must be") from None


def _text(field: bytes) -> str:
    return field.split(b"\x00", 1)[0].decode("utf-8", "surrogateescape")


def tidy(name: str) -> str:
    """Give `name` relative to the archive's root: `.`, empty parts and a leading slash dropped, `..` resolved within it."""
    parts: list[str] = []
    for part in name.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def resolved(members: Mapping[str, Member], name: str) -> Member | None:
    """Give the file that `name` stands for, through symlinks and hard links inside the archive; None where there is none."""
    name = tidy(name)
    for _ in range(_LINKS):
        member = members.get(name)
        if member is None or member.kind not in ("symlink", "hardlink"):
            return member if member is not None and member.kind == "file" else None
        name = tidy(posixpath.join(posixpath.dirname(name), member.link) if member.kind == "symlink" else member.link)
    return None


class OuterTar:
    """Members of a tar that streams by. After each member `content` may be read; what is left of it is skipped."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        self.position = 0
        self.content = Content(self, 0)

    def take(self, size: int) -> bytes:
        """Give exactly `size` bytes, fewer only at the end of the archive."""
        data = self._source.read(size)
        if 0 < len(data) < size:
            parts = [data]
            missing = size - len(data)
            while missing and (data := self._source.read(missing)):
                parts.append(data)
                missing -= len(data)
            data = b"".join(parts)
        self.position += len(data)
        return data

    def some(self, size: int) -> bytes:
        """Give at most `size` bytes, as they come."""
        data = self._source.read(size)
        self.position += len(data)
        return data

    def skip(self, size: int) -> None:
        """Pass over `size` bytes. Raises `DamagedTarError` where the archive ends before."""
        while size:
            data = self.some(min(size, _SKIP_CHUNK))
            if not data:
                raise DamagedTarError("the archive breaks off inside a member")
            size -= len(data)

    def __iter__(self) -> Iterator[Member]:
        """Give the members in archive order. Raises `DamagedTarError`."""
        overrides: dict[str, str] = {}
        while (block := self.take(BLOCK)) and block != _ZEROS:
            first = self.position == len(block)
            if first and 0 not in block:  # a text: its header would be filled up with zeros
                raise DamagedTarError(_NO_BEGINNING)
            if len(block) < BLOCK:
                raise DamagedTarError("the archive breaks off inside a header")
            if not _checksum_fits(block):
                raise DamagedTarError(_NO_BEGINNING if first else "a header's checksum is wrong")
            kind, size = block[156], _number(block[124:136])
            if kind in b"xgLK":
                self._extend(overrides, kind, size)
                continue
            member = self._member(block, kind, size, overrides)
            overrides = {}
            self.content = Content(self, member.size)
            yield member
            self.skip(self.content.left)
            self.skip(-member.size % BLOCK)

    def _extend(self, overrides: dict[str, str], kind: int, size: int) -> None:
        if size > _NAME_LIMIT:
            raise DamagedTarError("an extended header is larger than 1 MiB")
        data = self.take(size)
        if len(data) < size:
            raise DamagedTarError("the archive breaks off inside an extended header")
        self.skip(-size % BLOCK)
        if kind == ord("L"):
            overrides["path"] = _text(data)
        elif kind == ord("K"):
            overrides["linkpath"] = _text(data)
        elif kind == ord("x"):
            overrides.update(_pax(data))

    def _member(self, block: bytes, kind: int, size: int, overrides: dict[str, str]) -> Member:
        name = _text(block[:100])
        if block[257:263] == b"ustar\x00" and block[345]:
            name = f"{_text(block[345:500])}/{name}"
        name = overrides.get("path", name)
        link = overrides.get("linkpath", _text(block[157:257]))
        if "size" in overrides:
            try:
                size = int(overrides["size"])
            except ValueError:
                raise DamagedTarError("an extended header has no number where one must be") from None
            if size < 0:
                raise DamagedTarError("a member has a negative size")
        words = {ord("1"): "hardlink", ord("2"): "symlink"}
        word = words.get(kind, "file" if kind in b"\x0007" else "other")
        if kind in b"12345":  # POSIX: links of ustar archives and special files store nothing, whatever the size says
            size = 0
        return Member(tidy(name), word, size, self.position, link)


def _pax(data: bytes) -> dict[str, str]:
    r"""Give the records of a pax extended header: `LENGTH KEY=VALUE\\n` each."""
    records: dict[str, str] = {}
    at = 0
    while at < len(data) and data[at] != 0:
        space = data.find(b" ", at, at + 20)
        digits = data[at:space] if space >= 0 else b""
        length = int(digits) if digits.isdigit() else 0
        key, equals, value = data[space + 1 : at + length - 1].partition(b"=")
        if length <= max(space - at, 0) or not equals or at + length > len(data):
            raise DamagedTarError("an extended header is damaged")
        records[key.decode("utf-8", "surrogateescape")] = value.decode("utf-8", "surrogateescape")
        at += length
    return records


class Content:
    """The content of the member that streams by, as a file to read."""

    def __init__(self, outer: OuterTar, size: int) -> None:
        self._outer = outer
        self.left = size
        """Bytes not yet read."""

    def read(self, size: int = -1, /) -> bytes:
        """Give at most `size` bytes. Raises `DamagedTarError` where the archive ends inside the member."""
        wanted = self.left if size < 0 else min(size, self.left)
        if not wanted:
            return b""
        data = self._outer.some(wanted)
        if not data:
            raise DamagedTarError("the archive breaks off inside a member")
        self.left -= len(data)
        return data


class _Seeking:
    """A file whose members are jumped over instead of read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = os.fstat(file.fileno()).st_size

    def read(self, size: int, /) -> bytes:
        return self._file.read(size)

    def jump(self, size: int) -> bool:
        at = self._file.tell() + size
        if at > self._size:
            return False
        self._file.seek(at)
        return True


class _OuterFile(OuterTar):
    def __init__(self, file: BinaryIO) -> None:
        self._seeking = _Seeking(file)
        super().__init__(self._seeking)

    def skip(self, size: int) -> None:
        if not self._seeking.jump(size):
            raise DamagedTarError("the archive breaks off inside a member")
        self.position += size


def members_of_file(file: BinaryIO) -> Iterator[Member]:
    """Give the members of an archive on disk without reading contents. Raises `DamagedTarError`, also for content cut off."""
    file.seek(0)
    return iter(_OuterFile(file))
