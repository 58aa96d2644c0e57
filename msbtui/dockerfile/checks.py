"""What one instruction must look like (frontend/dockerfile/instructions: parse.go, bflag.go)."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from msbtui.dockerfile.duration import DurationError, parse_duration
from msbtui.dockerfile.gotext import keyword as name_of
from msbtui.dockerfile.gotext import lower, quote, suggestion, trim, upper
from msbtui.dockerfile.heredoc import opening
from msbtui.dockerfile.mounts import MountError, check_device, parse_mount

KEYWORDS = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
]

_BOOL, _TEXT, _MANY = "bool", "text", "many"
_FLAGS: dict[str, dict[str, str]] = {
    "ADD": {
        "chown": _TEXT,
        "chmod": _TEXT,
        "link": _BOOL,
        "keep-git-dir": _BOOL,
        "checksum": _TEXT,
        "unpack": _BOOL,
        "exclude": _MANY,
    },
    "COPY": {"chown": _TEXT, "from": _TEXT, "chmod": _TEXT, "link": _BOOL, "exclude": _MANY, "parents": _BOOL},
    "FROM": {"platform": _TEXT},
    "HEALTHCHECK": dict.fromkeys(("interval", "timeout", "start-period", "start-interval", "retries"), _TEXT),
    "RUN": {"mount": _MANY, "device": _MANY, "network": _TEXT, "security": _TEXT},
}
_STAGE_NAME = re.compile(r"[a-z][a-z0-9-_.]*")


class InstructionError(ValueError):
    """What BuildKit says of an instruction that it refuses; `at` is the text at fault, `hint` what to try."""

    def __init__(self, message: str, *, at: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.at = at
        self.hint = hint


class Request(msgspec.Struct):
    """One instruction as the checks need it."""

    keyword: str
    """As written."""
    args: list[str]
    flags: list[str]
    json: bool = False


def stage_name(words: list[str]) -> str | None:
    """Give the lower-case name after AS, or None without AS (parse.go, parseBuildStageName); raises InstructionError."""
    if len(words) == 3 and words[1].casefold() == "as":
        name = lower(words[2])
        if not _STAGE_NAME.fullmatch(name):
            message = f"invalid name for build stage: {quote(words[2])}, name can't start with a number or contain symbols"
            raise InstructionError(message, at=words[2], hint="a name is a letter, then letters, digits, '-', '_' or '.'")
        return name
    if len(words) != 1:
        raise InstructionError("FROM requires either one or three arguments", hint="FROM image, or FROM image AS name")
    return None


def parse_flags(flags: list[str], keyword: str) -> dict[str, list[str]]:
    """Check flags against what the keyword takes, and give their values by name (bflag.go, Parse)."""
    known = _FLAGS.get(keyword, {})
    used: dict[str, list[str]] = {}
    for flag in flags:
        written, equals, value = flag.partition("=")
        name = written[2:]
        kind = known.get(name)
        if kind is None:
            raise InstructionError(f"unknown flag: {written}" + suggestion(name, known), at=written)
        if name in used and kind != _MANY:
            raise InstructionError(f"duplicate flag specified: {written}", at=written)
        if kind == _BOOL:
            if equals and not value:
                raise InstructionError(f"missing a value on flag: {written}", at=written)
            if lower(value) not in ("", "true", "false"):
                raise InstructionError(f"expecting boolean value for flag {written}, not: {value}", at=written)
        elif not equals:
            raise InstructionError(f"missing a value on flag: {written}", at=written, hint=f"write {written}=VALUE")
        used.setdefault(name, []).append(value)
    return used


def check(request: Request) -> None:
    """Check one instruction in BuildKit's order; raises InstructionError."""
    keyword = name_of(request.keyword)
    checker = _CHECKERS.get(keyword)
    if checker is None:
        hint = suggestion(request.keyword, KEYWORDS, case_sensitive=False)
        raise InstructionError(f"unknown instruction: {request.keyword}" + hint, at=request.keyword)
    try:
        checker(request, keyword)
    except MountError as error:
        raise InstructionError(str(error), at="--mount") from None


def _at_least_one(request: Request, keyword: str) -> None:
    if not request.args:
        raise InstructionError(f"{keyword} requires at least one argument")


def _single(request: Request, keyword: str) -> None:
    if len(request.args) != 1:
        raise InstructionError(f"{keyword} requires exactly one argument")
    if keyword != "STOPSIGNAL":
        parse_flags(request.flags, keyword)


def _named_values(request: Request, keyword: str) -> None:
    parse_flags(request.flags, keyword)
    _at_least_one(request, keyword)
    if "" in request.args[::3]:
        raise InstructionError(f"{keyword} names can not be blank")


def _arg(request: Request, keyword: str) -> None:
    _at_least_one(request, keyword)
    if any(word.startswith("=") for word in request.args):
        raise InstructionError("ARG names can not be blank")


def _from(request: Request, keyword: str) -> None:
    stage_name(request.args)
    parse_flags(request.flags, keyword)


def _copy(request: Request, keyword: str) -> None:
    if len(request.args) < 2:
        message = f"{keyword} requires at least two arguments, but only one was provided. Destination could not be determined"
        raise InstructionError(message)
    parse_flags(request.flags, keyword)
    if _opens(request.args[-1]):
        raise InstructionError(f"{keyword} cannot accept a heredoc as a destination", at=request.args[-1])


def _opens(word: str) -> bool:
    if "<<" not in word:
        return False
    try:
        return opening(word) is not None
    except ValueError:
        return False


def _onbuild(request: Request, keyword: str) -> None:
    _at_least_one(request, keyword)
    parse_flags(request.flags, keyword)
    trigger = upper(trim(request.args[0]))
    if trigger == "ONBUILD":
        raise InstructionError("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed", at=request.args[0])
    if trigger in ("MAINTAINER", "FROM"):
        raise InstructionError(f"{trigger} isn't allowed as an ONBUILD trigger", at=request.args[0])


def _run(request: Request, keyword: str) -> None:
    flags = parse_flags(request.flags, keyword)
    for device in flags.get("device", ()):
        check_device(device)
    for mount in flags.get("mount", ()):
        parse_mount(mount)
    network = flags.get("network", ["default"])[0]
    if network not in ("default", "none", "host"):
        raise InstructionError(f"invalid network mode {quote(network)}", at="--network")
    security = flags.get("security", ["sandbox"])[0]
    if security not in ("insecure", "sandbox"):
        raise InstructionError(f"security {quote(security)} is not valid", at="--security")


def _command(request: Request, keyword: str) -> None:
    parse_flags(request.flags, keyword)


def _healthcheck(request: Request, keyword: str) -> None:
    _at_least_one(request, keyword)
    kind = upper(request.args[0])
    if kind == "NONE":
        if len(request.args) > 1:
            raise InstructionError("HEALTHCHECK NONE takes no arguments")
        return
    flags = parse_flags(request.flags, keyword)
    if kind != "CMD":
        raise InstructionError(f"Unknown type {quote(kind)} in HEALTHCHECK (try CMD)", at=request.args[0])
    if len(request.args) == 1:
        raise InstructionError("Missing command after HEALTHCHECK CMD")
    for name in ("interval", "timeout", "start-period", "start-interval"):
        _duration(name, flags.get(name, [""])[0])
    retries = flags.get("retries", [""])[0]
    if retries:
        if not re.fullmatch(r"[-+]?[0-9]+", retries):
            raise InstructionError(f"strconv.ParseInt: parsing {quote(retries)}: invalid syntax", at="--retries")
        if len(retries) > 64 or not -(2**31) <= int(retries) < 2**31:
            raise InstructionError(f"strconv.ParseInt: parsing {quote(retries)}: value out of range", at="--retries")
        if int(retries) < 0:
            raise InstructionError(f"--retries cannot be negative ({int(retries)})", at="--retries")


def _duration(name: str, text: str) -> None:
    if not text:
        return
    try:
        nanoseconds = parse_duration(text)
    except DurationError as error:
        raise InstructionError(str(error), at=f"--{name}") from None
    if nanoseconds != 0 and nanoseconds < 1_000_000:
        raise InstructionError(f"Interval {quote(name)} cannot be less than 1ms", at=f"--{name}")


def _expose(request: Request, keyword: str) -> None:
    _at_least_one(request, keyword)
    parse_flags(request.flags, keyword)


def _volume(request: Request, keyword: str) -> None:
    _at_least_one(request, keyword)
    parse_flags(request.flags, keyword)
    if any(not trim(word) for word in request.args):
        raise InstructionError("VOLUME specified can not be an empty string")


def _shell(request: Request, keyword: str) -> None:
    parse_flags(request.flags, keyword)
    _at_least_one(request, keyword)
    if not request.json:
        raise InstructionError("SHELL requires the arguments to be in JSON form", hint='SHELL ["program", "argument"]')


_CHECKERS: dict[str, Callable[[Request, str], None]] = {
    "ADD": _copy,
    "ARG": _arg,
    "CMD": _command,
    "COPY": _copy,
    "ENTRYPOINT": _command,
    "ENV": _named_values,
    "EXPOSE": _expose,
    "FROM": _from,
    "HEALTHCHECK": _healthcheck,
    "LABEL": _named_values,
    "MAINTAINER": _single,
    "ONBUILD": _onbuild,
    "RUN": _run,
    "SHELL": _shell,
    "STOPSIGNAL": _single,
    "USER": _single,
    "VOLUME": _volume,
    "WORKDIR": _single,
}
