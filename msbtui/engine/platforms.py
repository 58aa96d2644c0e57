"""Platforms as people and tools write them, and which image's fits which.

containerd/platforms: database.go (`normalizeArch`: one name for each architecture, the variant that goes without saying),
compare.go (`platformVector`: what else a machine runs), platforms.go (`Parse`: `windows(10.0.17763)/amd64`).
"""

from __future__ import annotations

import platform as machine

import msgspec

from msbtui.errors import TargetError
from msbtui.regex import regex
from msbtui.text import printable

_SYSTEMS = frozenset({"linux", "windows", "freebsd", "darwin"})
_OTHER_NAMES = {
    "x86_64": ("amd64", ""), "x86-64": ("amd64", ""), "i386": ("386", ""), "i686": ("386", ""), "aarch64": ("arm64", ""),
    "armhf": ("arm", "v7"), "armv7l": ("arm", "v7"), "armv8l": ("arm", "v7"), "armel": ("arm", "v6"), "armv6l": ("arm", "v6"),
}  # fmt: skip
_UNSAID = {"arm": "v7", "arm64": "v8", "amd64": "v1"}
_SYSTEM = regex(r"([^()]*)(?:\(([^()]*)\))?")
_NUMBER = regex(r"v?([0-9]{1,3})(?:\.0)?")
_LATER = 1000


class _Parsed(msgspec.Struct, frozen=True):
    system: str
    version: str
    architecture: str
    variant: str
    says_variant: bool


def this_machine() -> str:
    """Give the platform of images that run here: containers are Linux everywhere but on Windows hosts."""
    name = machine.machine().lower()
    architecture, variant = _OTHER_NAMES.get(name, (name, ""))
    return "/".join(filter(None, ("linux", architecture, variant)))


def distance(has: str, wanted: str, version: str = "") -> int | None:
    """Give how far an image's platform `has` is from the one that is `wanted`: 0 for the same, more the less it fits.

    An older variant of the same architecture fits, the newest best; where none is wanted by name, a later one fits last. An
    architecture alone is Linux's, a system alone is for all of its architectures. `version` is the image's `os.version`, of
    which the wanted one may be the beginning. None where it does not fit.
    """
    one, other = _parsed(has), _parsed(wanted)
    if one.system != other.system or (other.version and not f"{version or one.version}.".startswith(f"{other.version}.")):
        return None
    if not other.architecture:
        return 0
    if one.architecture != other.architecture:
        return None
    if one.variant == other.variant:
        return 0
    older, newer = _NUMBER.fullmatch(one.variant), _NUMBER.fullmatch(other.variant)
    if older and newer and int(older[1]) < int(newer[1]):
        return int(newer[1]) - int(older[1])
    return None if other.says_variant else _LATER


def require(has: str, wanted: str | None, where: str) -> None:
    """Raise `TargetError` where the only image there is is for another platform than the one that is `wanted`."""
    if wanted and has and distance(has, wanted) is None:
        raise TargetError(
            f"has no image for {printable(wanted)}; it has {has[:300]}", where=where, hint="leave --platform out, or name another"
        )


def _parsed(platform: str) -> _Parsed:
    first, slash, rest = platform.strip().lower().partition("/")
    system = _SYSTEM.fullmatch(first)
    name, version = (system[1], system[2] or "") if system else (first, "")
    if not slash:
        name, rest = (name, "") if name in _SYSTEMS or version else ("linux", first)
    architecture, _, variant = rest.partition("/")
    architecture, implied = _OTHER_NAMES.get(architecture, (architecture, ""))
    said = variant or implied
    if number := _NUMBER.fullmatch(said):
        said = f"v{number[1]}"
    return _Parsed(name, version, architecture, said or _UNSAID.get(architecture, ""), bool(said))
