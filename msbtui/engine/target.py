"""What a TARGET is: recognised by what is there, never by the ending of its name."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from msbtui.engine.outer import BLOCK, is_tar_header
from msbtui.errors import TargetError, UsageError
from msbtui.image.compress import compression
from msbtui.regex import regex
from msbtui.text import printable

TargetKind = Literal["dockerfile", "docker", "docker-archive", "oci-dir", "recorded", "registry"]

DOCKERFILE_NAMES = ("Dockerfile", "Containerfile", "dockerfile")
"""What a folder is searched for, in this order."""

SCHEMES: dict[str, TargetKind] = {
    "docker": "docker",
    "docker-daemon": "docker",
    "podman": "docker",
    "containers-storage": "docker",
    "docker-archive": "docker-archive",
    "oci-archive": "docker-archive",
    "oci-dir": "oci-dir",
    "oci": "oci-dir",
    "dir": "oci-dir",
    "recorded": "recorded",
    "registry": "registry",
}

RECORDING_MAGIC = b"msbtui recording\x1a\n"
"""The first bytes of a recording; the control character keeps it from being taken for a text."""

STANDARD_INPUT = "-"
"""The TARGET that is read from standard input, an archive as it flows; a file of that name is `./-`."""

_SCHEME = regex(r"([a-z][a-z-]*):(?://)?(.+)", re.DOTALL)
# distribution/reference, regexp.go: name[:tag][@digest], a registry host with a port allowed in front
_REFERENCE = regex(
    r"(?:(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(?::[0-9]+)?/)?"
    r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@[A-Za-z0-9+._-]+:[0-9a-fA-F]{32,})?"
)
_IMAGE_ID = regex(r"(?:sha256:)?[0-9a-f]{12,64}")
_PATH_LIKE = regex(r"[./~]|.*(?:\.(?:tar|tgz|tar\.(?:gz|zst|xz|bz2)|txz|msbtui|dockerfile)|/)\Z", re.DOTALL | re.IGNORECASE)
_NO_TEXT = bytes(set(range(32)) - {7, 8, 9, 10, 11, 12, 13, 27})
_DIGESTS = ("@sha256:", "@sha512:")
_HEAD = 4096


class Target(msgspec.Struct, frozen=True):
    """What a TARGET names."""

    kind: TargetKind
    path: str = ""
    """The file or folder on disk; empty for an image in an engine or a registry."""
    name: str = ""
    """`docker`, `registry`: the image; archives and layouts: which of those in it, empty where there is no choice to make."""
    podman: bool = False
    """`docker`: whether podman's engine is meant, whatever `DOCKER_HOST` says (see `msbtui.engine.host.podman_environ`)."""


def recognise(target: str) -> Target:
    """Tell what `target` is: a Dockerfile, a folder with one, an image on disk or the name of an image in an engine.

    A scheme (one of `SCHEMES`, also with `//`) decides; without one, a path that exists wins over an image name. Reads headers
    only. Raises `TargetError` for what is not there or cannot be read, and `UsageError` for an empty target.
    """
    if not target:
        raise UsageError("no target is named", hint="name a Dockerfile, a folder, an image or an archive")
    if target == STANDARD_INPUT or target.startswith(f"{STANDARD_INPUT}:"):
        return Target("docker-archive", STANDARD_INPUT, target[2:])
    alone = target.removesuffix("//").removesuffix(":")
    if alone in SCHEMES and alone != target and not os.path.lexists(target):
        raise UsageError("nothing is named after the scheme", where=printable(target), hint=f"write {alone}:NAME")
    if not os.path.lexists(target) and (scheme := _SCHEME.fullmatch(target)) and scheme[1] in SCHEMES:
        return _with_scheme(SCHEMES[scheme[1]], scheme[1], scheme[2])
    if os.path.lexists(target):
        return _on_disk(target)
    for path, name in _splits(target):
        return Target(_on_disk(path).kind, path, name)
    if _PATH_LIKE.match(target) or not (_REFERENCE.fullmatch(target) or _IMAGE_ID.fullmatch(target)):
        raise missing(target)
    return Target("docker", name=target)


def missing(path: str) -> TargetError:
    """Give the error for a path that is not there."""
    return TargetError("no such file or folder", where=printable(path), hint="check the path, or name an image as docker:NAME")


def _with_scheme(kind: TargetKind, scheme: str, value: str) -> Target:
    if kind in ("docker", "registry"):
        if not (_REFERENCE.fullmatch(value) or _IMAGE_ID.fullmatch(value)):
            raise TargetError(
                "is no image name", where=printable(value), hint="a name looks like debian:bookworm-slim or registry/name:tag"
            )
        return Target(kind, name=value, podman=scheme in ("podman", "containers-storage"))
    if kind == "docker-archive" and (value == STANDARD_INPUT or value.startswith(f"{STANDARD_INPUT}:")):
        return Target(kind, STANDARD_INPUT, value[2:])
    path, name = (value, "") if os.path.lexists(value) else next(_splits(value), ("", ""))
    if not path:
        raise missing(value)
    found = _on_disk(path)
    if kind == "docker-archive" and found.kind == "oci-dir":  # an archive, unpacked
        return Target("oci-dir", path, name)
    if found.kind != kind:
        raise TargetError(
            f"is {_WORDS[found.kind]}, not what {scheme}: stands for", where=printable(path), hint="leave the scheme out"
        )
    return Target(kind, path, name)


def _splits(value: str) -> Iterator[tuple[str, str]]:
    """Give each way to read `value` as an existing path, a colon (or `@`), and the image in it (or its digest); longest first."""
    for at in range(len(value) - 1, 0, -1):
        named = value[at + 1 :] if value[at] == ":" else value[at + 1 :] if value.startswith(_DIGESTS, at) else ""
        if named and os.path.exists(value[:at]):
            yield value[:at], named


_WORDS: dict[TargetKind, str] = {
    "dockerfile": "a Dockerfile",
    "docker": "an image name",
    "docker-archive": "an image archive",
    "oci-dir": "an image folder",
    "recorded": "a recording",
    "registry": "an image in a registry",
}


def _on_disk(path: str) -> Target:
    where = printable(path)
    try:
        found = os.stat(path)
        if stat.S_ISDIR(found.st_mode):
            return _folder(path)
        if stat.S_ISFIFO(found.st_mode):
            return Target("docker-archive", path)  # what it holds can be read only once
        if not stat.S_ISREG(found.st_mode):
            raise TargetError("is neither a file nor a folder", where=where, hint="name a Dockerfile, an archive or a folder")
        return _file(path)
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            raise missing(path) from error
        raise unreadable(error, path) from error


def unreadable(error: OSError, path: str) -> TargetError:
    """Give the one clear line for a file that the system does not let us read."""
    reason = (error.strerror or "cannot be read").lower()
    return TargetError(f"cannot be read: {reason}", where=printable(path), hint="check its permissions and the disk")


def _folder(path: str) -> Target:
    names = set(os.listdir(path))
    # what an archive may leave out, a folder may
    if {"oci-layout", "index.json"} <= names or {"index.json", "blobs"} <= names or {"manifest.json", "version"} <= names:
        return Target("oci-dir", path)
    if "manifest.json" in names:
        from msbtui.engine.unpacked import is_unpacked_archive

        if is_unpacked_archive(path):
            return Target("docker-archive", path)
    for name in DOCKERFILE_NAMES:
        if os.path.isfile(os.path.join(path, name)):
            return Target("dockerfile", str(Path(path) / name))
    others = sorted(name for name in names if "dockerfile" in name.lower() and os.path.isfile(os.path.join(path, name)))
    hint = f"did you mean {printable(others[0])}? name it" if others else "name the Dockerfile, or an image"
    raise TargetError("has no Dockerfile and is no image folder", where=printable(path), hint=hint)


def _file(path: str) -> Target:
    where = printable(path)
    with open(path, "rb") as file:
        head = file.read(_HEAD)
    if not head:
        raise TargetError("is empty", where=where, hint="a Dockerfile needs at least a FROM, an archive its manifest")
    if head.startswith(RECORDING_MAGIC):
        return Target("recorded", path)
    if compression(head) != "plain":
        if not is_tar_header(_unpacked_head(path)):
            raise TargetError(
                f"is compressed with {compression(head)} and holds no image archive",
                where=where,
                hint="name an archive that docker save wrote",
            )
        return Target("docker-archive", path)
    if is_tar_header(head):
        return Target("docker-archive", path)
    if head.translate(None, _NO_TEXT) == head or head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Target("dockerfile", path)
    if len(head) < 512 or head.startswith((b"blobs/", b"manifest.json", b"index.json", b"oci-layout")):
        raise TargetError("is a truncated archive", where=where, hint="save the image again")
    raise TargetError(
        "is neither a Dockerfile nor an image archive",
        where=where,
        hint="name a Dockerfile, an archive that docker save wrote, or an image",
    )


def _unpacked_head(path: str) -> bytes:
    """Give the first block of what a compressed file holds; less where it holds less."""
    from msbtui.image.compress import open_layer

    head = b""
    with open(path, "rb") as file:
        stream = open_layer(file, where=printable(path))
        while len(head) < BLOCK and (data := stream.read(BLOCK - len(head))):
            head += data
    return head
