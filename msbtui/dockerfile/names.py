"""Image references and platforms as BuildKit reads them (distribution/reference: normalize.go; containerd/platforms)."""

from __future__ import annotations

import os
import re
import sys
from functools import lru_cache
from urllib.parse import unquote

import msgspec

from msbtui.dockerfile.gotext import lower, quote
from msbtui.regex import regex

_DOMAIN_PART = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = rf"(?:{_DOMAIN_PART}(?:\.{_DOMAIN_PART})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_PATH_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_PATH = rf"{_PATH_PART}(?:/{_PATH_PART})*"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}"
_NAME = regex(rf"(?:({_DOMAIN})/)?({_PATH})")
_REST = regex(rf"(?::({_TAG}))?(?:@({_DIGEST}))?")
_DIGEST_LENGTHS = {"sha256": 64, "sha384": 96, "sha512": 128}
_NAME_LIMIT = 255


class ReferenceFormatError(ValueError):
    """What the reference package says of a name that it refuses."""


class Reference(msgspec.Struct, frozen=True):
    """A parsed image reference."""

    domain: str
    path: str
    tag: str
    digest: str

    @property
    def familiar(self) -> str:
        """The name as people write it: without `docker.io/library/`, without `:latest` (unless a digest follows)."""
        name = self.path
        if self.domain != "docker.io":
            name = f"{self.domain}/{name}" if self.domain else name
        elif name.startswith("library/") and "/" not in name[8:]:
            name = name[8:]
        if self.digest:
            return f"{name}:{self.tag}@{self.digest}" if self.tag else f"{name}@{self.digest}"
        return name if self.tag in ("", "latest") else f"{name}:{self.tag}"


@lru_cache(maxsize=1024)
def parse_reference(text: str) -> Reference:
    """Read an image reference (normalize.go, ParseNormalizedNamed); raises ReferenceFormatError with its words."""
    if re.fullmatch(r"[a-f0-9]{64}", text):
        raise ReferenceFormatError(f"invalid repository name ({text}), cannot specify 64-byte hexadecimal strings")
    domain, remainder = _split_domain(text)
    remote = remainder.partition(":")[0]
    if lower(remote) != remote:
        raise ReferenceFormatError(f"invalid reference format: repository name ({remote}) must be lowercase")
    parsed = _parse(f"{domain}/{remainder}")
    if parsed is None:
        if _parse(lower(f"{domain}/{remainder}")) is not None:
            raise ReferenceFormatError("repository name must be lowercase")
        raise ReferenceFormatError("invalid reference format")
    if len(parsed.path) > _NAME_LIMIT:
        raise ReferenceFormatError(f"repository name must not be more than {_NAME_LIMIT} characters")
    if parsed.digest:
        algorithm, _, encoded = parsed.digest.partition(":")
        if algorithm not in _DIGEST_LENGTHS:
            raise ReferenceFormatError("unsupported digest algorithm")
        if len(encoded) != _DIGEST_LENGTHS[algorithm]:
            raise ReferenceFormatError("invalid checksum digest length")
        if lower(encoded) != encoded:
            raise ReferenceFormatError("invalid checksum digest format")
    return parsed


def _split_domain(text: str) -> tuple[str, str]:
    first, slash, rest = text.partition("/")
    if not slash:
        return "docker.io", f"library/{text}"
    if first == "localhost" or (first != "index.docker.io" and (re.search(r"[.:]", first) or lower(first) != first)):
        domain, remainder = first, rest
    elif first == "index.docker.io":
        domain, remainder = "docker.io", rest
    else:
        domain, remainder = "docker.io", text
    if domain == "docker.io" and "/" not in remainder:
        remainder = f"library/{remainder}"
    return domain, remainder


def _parse(text: str) -> Reference | None:
    # The longest name first; a name never holds `@`, and a tag's colon stands after the last slash.
    name, at, digest = text.partition("@")
    slash = name.rfind("/")
    colon = name.find(":", slash + 1)
    rest = (name[colon:] if colon >= 0 else "") + at + digest
    found = _NAME.fullmatch(name[:colon] if colon >= 0 else name)
    after = _REST.fullmatch(rest)
    if not found or not after:
        return None
    return Reference(found[1] or "", found[2], after[1] or "", after[2] or "")


def familiar(text: str) -> str:
    """Give the familiar name of a reference, or the text itself where it is none."""
    try:
        return parse_reference(text).familiar
    except ReferenceFormatError:
        return text


def atoi(text: str) -> int | None:
    """Give the number that Go's `strconv.Atoi` reads, or None."""
    if not re.fullmatch(r"[-+]?[0-9]+", text) or len(text) > 64:
        return None
    number = int(text)
    return number if -(2**63) <= number < 2**63 else None


class Platform(msgspec.Struct, frozen=True):
    """An operating system, architecture and variant."""

    os: str
    architecture: str
    variant: str = ""
    os_version: str = ""
    os_features: tuple[str, ...] = ()

    def __str__(self) -> str:
        options = "+".join(map(_encoded, (self.os_version, *sorted(set(self.os_features)))))
        system = f"{self.os}({options})" if options else self.os
        return "/".join(part for part in (system, self.architecture, self.variant) if part)

    @property
    def plain(self) -> str:
        """The specifier without the version of the operating system (platforms.Format)."""
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


def _encoded(option: str) -> str:
    return re.sub(r"[%+()/]", lambda found: f"%{ord(found[0]):02X}", option)


def _decoded(option: str) -> str:
    """Give a version or feature of an operating system with its escapes read (platforms.go, decodeOSOption)."""
    bad = re.search(r"%(?![0-9A-Fa-f]{2}).{0,2}", option)
    if bad:
        raise ReferenceFormatError(f"invalid URL escape {quote(bad[0])}")
    return unquote(option, errors="surrogateescape")


_OS_PART = r"^([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.%-]*)((?:\+[A-Za-z0-9_.%-]+)*)\))?$"
_PART = r"^[A-Za-z0-9_.-]+$"
_SYSTEMS = frozenset(
    [
        "aix",
        "android",
        "darwin",
        "dragonfly",
        "freebsd",
        "hurd",
        "illumos",
        "ios",
        "js",
        "linux",
        "nacl",
        "netbsd",
        "openbsd",
        "plan9",
        "solaris",
        "windows",
        "zos",
    ]
)
_ARCHITECTURES = frozenset(
    [
        "386",
        "amd64",
        "amd64p32",
        "arm",
        "armbe",
        "arm64",
        "arm64be",
        "ppc64",
        "ppc64le",
        "loong64",
        "mips",
        "mipsle",
        "mips64",
        "mips64le",
        "mips64p32",
        "mips64p32le",
        "ppc",
        "riscv",
        "riscv64",
        "s390",
        "s390x",
        "sparc",
        "sparc64",
        "wasm",
    ]
)


def host_platform() -> Platform:
    """Give the platform that an engine on this machine builds for: Linux on this machine's architecture."""
    machine = os.uname().machine if sys.platform != "win32" else os.environ.get("PROCESSOR_ARCHITECTURE", "amd64")
    machine = {"i686": "386", "armv6l": "armel", "armv7l": "armhf"}.get(machine, machine)
    return Platform("linux", *_architecture(machine, ""))


def parse_platform(text: str) -> Platform:
    """Read a platform specifier (platforms.go, Parse); raises ReferenceFormatError with its words."""
    if "*" in text:
        raise ReferenceFormatError(f"{quote(text)}: wildcards not yet supported: invalid argument")
    parts = text.split("/", 3)
    system = re.fullmatch(_OS_PART, parts[0], re.ASCII)
    if not system:
        rule = f"OSAndVersion specifier component must match {quote(_OS_PART)}"
        raise ReferenceFormatError(f"{quote(parts[0])} is an invalid OS component of {quote(text)}: {rule}: invalid argument")
    version, features = _os_options(text, system)
    for part in parts[1:]:
        if not re.fullmatch(_PART, part, re.ASCII):
            rule = f"platform specifier component must match {quote(_PART)}"
            raise ReferenceFormatError(f"{quote(part)} is an invalid component of {quote(text)}: {rule}: invalid argument")
    name = "darwin" if lower(system[1]) == "macos" else lower(system[1])
    if len(parts) == 1:
        if name in _SYSTEMS:
            return Platform(name, host_platform().architecture, "", version, features)
        architecture, variant = _architecture(parts[0], "")
        if architecture in _ARCHITECTURES:
            return Platform("linux", architecture, "" if (architecture, variant) == ("arm", "v7") else variant, version, features)
        raise ReferenceFormatError(f"{quote(text)}: unknown operating system or architecture: invalid argument")
    if len(parts) == 2:
        architecture, variant = _architecture(parts[1], "")
        return Platform(name, architecture, "" if (architecture, variant) == ("arm", "v7") else variant, version, features)
    if len(parts) == 3:
        architecture, variant = _architecture(parts[1], parts[2])
        return Platform(name, architecture, "v8" if architecture == "arm64" and not variant else variant, version, features)
    raise ReferenceFormatError(f"{quote(text)}: cannot parse platform specifier: invalid argument")


def _os_options(text: str, system: re.Match[str]) -> tuple[str, tuple[str, ...]]:
    try:
        version = _decoded(system[2] or "")
    except ReferenceFormatError as error:
        raise ReferenceFormatError(f"{quote(text)} has an invalid OS version {quote(system[2])}: {error}") from None
    features = []
    for feature in (system[3] or "")[1:].split("+"):
        try:
            features.append(_decoded(feature))
        except ReferenceFormatError as error:
            what = f"invalid os feature {quote(feature)}: {error}"
            raise ReferenceFormatError(f"{quote(text)} has invalid OS features: {what}") from None
    return version, tuple(filter(None, features))


def _architecture(name: str, variant: str) -> tuple[str, str]:
    name, variant = lower(name), lower(variant)
    if name == "i386":
        return "386", ""
    if name in ("x86_64", "x86-64", "amd64"):
        return "amd64", "" if variant == "v1" else variant
    if name in ("aarch64", "arm64"):
        variant = "" if variant in ("8", "v8", "v8.0") else "v9" if variant in ("9", "9.0", "v9.0") else variant
        return "arm64", variant
    if name == "armhf":
        return "arm", "v7"
    if name == "armel":
        return "arm", "v6"
    if name == "arm":
        return "arm", "v7" if variant in ("", "7") else f"v{variant}" if variant in ("5", "6", "8") else variant
    return name, variant
