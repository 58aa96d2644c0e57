"""What of a kept text goes into a recording: what analysis asks for, and nothing that tells of a machine or a secret."""

from __future__ import annotations

import posixpath
import re

from msbtui.engine.masking import mask_bytes
from msbtui.image.keep import HEAD, rule_for
from msbtui.image.model import ImageConfig

# deb-control(5) and deb-status: what is asked of a package; descriptions and people are not
_PACKAGE_FIELDS = frozenset(
    b"Package Status Priority Section Installed-Size Architecture Source Version Provides Depends Pre-Depends Recommends "
    b"Essential Protected Multi-Arch Auto-Installed Replaces".split()
)
_DROPPED = frozenset(("etc/hostname", "etc/hosts", "etc/resolv.conf", "etc/environment"))
_DROPPED_NAMES = frozenset(("config.log", "config.status", "CMakeCache.txt", "direct_url.json", "origin.json", ".env", "go.env"))
_CERTIFICATE = re.compile(rb"-----BEGIN [A-Z0-9 ]{0,40}(?:CERTIFICATE|PRIVATE KEY|PGP)")
# checksums and download addresses in lock files and installed-file lists: the largest part of them, and nobody asks
_CHECKSUM = re.compile(rb"(?:\"resolved\": ?\"[^\"\n]*\",?|sha(?:1|256|384|512)[-:=][A-Za-z0-9+/=_-]{27,}|h1:[A-Za-z0-9+/]{43}=)")
_SOURCES = ("etc/apt/sources.list", "etc/apk/repositories")
_SYSTEM = (
    "etc/",
    "bin/",
    "sbin/",
    "lib/",
    "var/lib/",
    "usr/bin/",
    "usr/sbin/",
    "usr/lib",
    "usr/share/",
    "usr/include/",
    "usr/local/lib/",
)
"""Where distributions and toolchains put scripts and configurations, of which analysis asks no more than the interpreter."""
_WANTED_HEADS = frozenset(("CACHEDIR.TAG", "HEAD", "Dockerfile", "Procfile"))


def recorded_text(path: str, text: bytes, config: ImageConfig) -> bytes | None:
    """Give what a recording keeps of the text of the file at `path`, None for nothing.

    Package databases lose descriptions, lists of files their checksums; a script of the system keeps its first line, which
    names its interpreter; a configuration of the system nothing.
    """
    folder, _, name = path.rpartition("/")
    if path in _DROPPED or name in _DROPPED_NAMES or path.startswith(_SOURCES) or _CERTIFICATE.search(text):
        return None
    if text.startswith(b"SQLite format 3\0"):
        return text  # a package database of rpm: all or nothing, and nothing of it is a machine's own
    if path == "var/lib/dpkg/status" or folder == "var/lib/dpkg/status.d":
        return _fields(text)
    if name in ("METADATA", "PKG-INFO"):
        return mask_bytes(text.partition(b"\n\n")[0].partition(b"\r\n\r\n")[0])
    started = any(posixpath.basename(word) == name for word in (*config.entrypoint, *config.cmd) if word)
    if not started and path.startswith(_SYSTEM):
        rule = rule_for(path)
        if text.startswith(b"#!"):
            return text.partition(b"\n")[0][:256]
        if rule is None or rule.config:
            return None
    if rule_for(path) is HEAD and name not in _WANTED_HEADS:
        return None
    return mask_bytes(_CHECKSUM.sub(b"", text))


def _fields(status: bytes) -> bytes:
    """Give a dpkg database with the fields that are asked for, paragraph by paragraph."""
    kept: list[bytes] = []
    keeping = False
    for line in status.split(b"\n"):
        if not line:
            kept.append(line)
        elif not line[:1].isspace():
            keeping = line.partition(b":")[0] in _PACKAGE_FIELDS
            if keeping:
                kept.append(line)
        elif keeping:
            kept.append(line)
    return b"\n".join(kept)
