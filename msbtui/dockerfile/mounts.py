"""`RUN --mount` and `RUN --device` values (frontend/dockerfile/instructions: commands_runmount.go, commands_rundevice.go)."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from msbtui.dockerfile.gotext import lower, quote, suggestion
from msbtui.regex import regex

TYPES = ("bind", "cache", "tmpfs", "secret", "ssh")
SHARINGS = ("shared", "private", "locked")
_KEYS = [
    "type",
    "from",
    "source",
    "target",
    "readonly",
    "id",
    "sharing",
    "required",
    "size",
    "mode",
    "uid",
    "gid",
    "src",
    "dst",
    "destination",
    "ro",
    "rw",
    "readwrite",
    "env",
]
_BOOLEANS = {
    **dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), True),
    **dict.fromkeys(("0", "f", "F", "FALSE", "false", "False"), False),
}
_SIZE = regex(r"(\d+(?:\.\d+)?|\.\d+) ?(?:[kmgtp]i?b?|b)?", re.IGNORECASE | re.ASCII)


class MountError(ValueError):
    """What BuildKit says of a mount that it refuses."""


class Mount(msgspec.Struct):
    """One mount of a RUN. `origin` is what stands after `from=`; `kind` is bind where no type is given."""

    kind: str = "bind"
    origin: str = ""
    source: str = ""
    target: str = ""
    identity: str = ""
    sharing: str = ""


def csv_fields(text: str) -> list[str]:
    """Split one line of comma-separated values (go-csvvalue, Fields); raises MountError."""
    text = re.sub(r"\r?\n\Z", "", text)
    if not text:
        raise MountError("EOF")
    if '"' not in text:
        return text.split(",")
    fields: list[str] = []
    at = 0
    while True:
        if text[at : at + 1] != '"':
            end = text.find(",", at)
            field = text[at:] if end < 0 else text[at:end]
            if (bare := field.find('"')) >= 0:
                raise MountError(f'parse error on line 1, column {_column(text, at + bare)}: bare " in non-quoted-field')
            fields.append(field)
            if end < 0:
                return fields
            at = end + 1
            continue
        field, at = _quoted_field(text, at + 1)
        fields.append(field)
        if at >= len(text):
            return fields
        at += 1


def _quoted_field(text: str, at: int) -> tuple[str, int]:
    """Give the field whose opening quote stands before `at`, and the place of the comma or end after it."""
    pieces = []
    while True:
        end = text.find('"', at)
        if end < 0:
            raise MountError(f'parse error on line 1, column {_column(text, at)}: extraneous or missing " in quoted-field')
        pieces.append(text[at:end])
        at = end + 1
        if text[at : at + 1] != '"':
            break
        pieces.append('"')
        at += 1
    if at < len(text) and text[at] != ",":
        raise MountError(f'parse error on line 1, column {_column(text, at - 1)}: extraneous or missing " in quoted-field')
    return "".join(pieces), at


def _column(text: str, at: int) -> int:
    return len(text[:at].encode("utf-8", "surrogateescape")) + 1


def parse_mount(text: str, expand: Callable[[str], str] | None = None) -> Mount:
    """Read one mount. Without `expand` only `from` is read and checked, as BuildKit does before variables are known.

    Raises MountError, and what `expand` raises.
    """
    try:
        fields = csv_fields(text)
    except MountError as error:
        raise MountError(f"failed to parse csv mounts: {error}") from None
    reader = _MountReader()
    for field in fields:
        key, equals, value = field.partition("=")
        key = lower(key)
        if expand is not None:
            reader.option(field, key, expand(value) if equals else None)
        elif equals and key == "from":
            if 0 <= value.find("$") != len(value) - 1:
                raise MountError(f"'{key}' doesn't support variable expansion, define alias stage instead")
            reader.mount.origin = value
    if expand is not None:
        reader.finish()
    return reader.mount


class _MountReader:
    def __init__(self) -> None:
        self.mount = Mount()
        self.owner: list[str] = []

    def option(self, field: str, key: str, value: str | None) -> None:
        mount = self.mount
        if value is None:
            if key in ("readonly", "ro", "readwrite", "rw"):
                return
            if key == "required":
                self._only(key, "secret", "ssh")
                return
            raise MountError(f"invalid field '{field}' must be a key=value pair")
        if key == "type":
            if lower(value) not in TYPES:
                raise MountError(f"unsupported mount type {quote(value)}" + suggestion(value, TYPES))
            mount.kind = lower(value)
        elif key == "from":
            mount.origin = value
        elif key in ("source", "src"):
            mount.source = value
        elif key in ("target", "dst", "destination"):
            mount.target = value
        elif key in ("readonly", "ro", "readwrite", "rw", "required"):
            if key == "required":
                self._only(key, "secret", "ssh")
            if value not in _BOOLEANS:
                raise MountError(f"invalid value for {key}: {value}")
        elif key == "size":
            self._only(key, "tmpfs")
            if not _SIZE.fullmatch(value):
                raise MountError(f"invalid value for {key}: {value}")
        elif key == "id":
            mount.identity = value
        elif key == "sharing":
            if lower(value) not in SHARINGS:
                raise MountError(f"unsupported sharing value {quote(value)}" + suggestion(value, SHARINGS))
            mount.sharing = lower(value)
        elif key in ("mode", "uid", "gid"):
            if not is_unsigned(value, 8 if key == "mode" else 10):
                raise MountError(f"invalid value {value} for {key}")
            self.owner.append(key)
        elif key != "env":
            raise MountError(f"unexpected key '{key}' in '{field}'" + suggestion(key, _KEYS))

    def _only(self, key: str, *kinds: str) -> None:
        if self.mount.kind not in kinds:
            raise MountError(f"unexpected key '{key}' for mount type '{self.mount.kind}'")

    def finish(self) -> None:
        """Check what depends on the whole mount, in BuildKit's order."""
        mount = self.mount
        if mount.kind not in ("secret", "ssh", "cache"):
            for key in ("mode", "uid", "gid"):
                if key in self.owner:
                    raise MountError(f"{key} not allowed for {quote(mount.kind)} type mounts")
        if mount.kind == "secret":
            if mount.origin:
                raise MountError("secret mount should not have a from")
            if mount.sharing:
                raise MountError("secret mount should not define sharing")
            if not (mount.source or mount.target or mount.identity):
                raise MountError("invalid secret mount. one of source, target required")
            if mount.source and mount.identity:
                raise MountError("both source and id can't be set")
        if mount.sharing and mount.kind != "cache":
            raise MountError(f"invalid cache sharing set for {mount.kind} mount")


def check_device(text: str) -> None:
    """Check one `--device` value; raises MountError."""
    try:
        fields = csv_fields(text)
    except MountError as error:
        raise MountError(f"failed to parse csv devices: {error}") from None
    name = ""
    for field in fields:
        key, equals, value = field.partition("=")
        key = lower(key)
        if key == "required":
            if equals and value not in _BOOLEANS:
                raise MountError(f"invalid value for {key}: {value}")
        elif equals and key == "name":
            if name:
                raise MountError(f"device name already set to {name}")
            name = value
        elif not name:
            name = field
        elif not equals:
            raise MountError(f"invalid field '{field}' must be a key=value pair")
        else:
            raise MountError(f"unexpected key '{key}' in '{field}'" + suggestion(key, ("name", "required")))


def is_unsigned(text: str, base: int) -> bool:
    """Say whether Go's `strconv.ParseUint(text, base, 32)` takes it."""
    digits = "01234567" if base == 8 else "0123456789"
    if not text or any(character not in digits for character in text) or len(text) > 64:
        return False
    return int(text, base) < 2**32
