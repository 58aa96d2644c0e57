"""Values of single instructions that BuildKit checks while it builds: ports, signals, modes, sources of COPY and ADD."""

from __future__ import annotations

import posixpath
import re

from msbtui.dockerfile.gotext import lower, quote, upper
from msbtui.dockerfile.names import atoi

_SIGNALS = frozenset(
    [
        "ABRT",
        "ALRM",
        "BUS",
        "CHLD",
        "CLD",
        "CONT",
        "FPE",
        "HUP",
        "ILL",
        "INT",
        "IO",
        "IOT",
        "KILL",
        "PIPE",
        "POLL",
        "PROF",
        "PWR",
        "QUIT",
        "SEGV",
        "STKFLT",
        "STOP",
        "SYS",
        "TERM",
        "TRAP",
        "TSTP",
        "TTIN",
        "TTOU",
        "URG",
        "USR1",
        "USR2",
        "VTALRM",
        "WINCH",
        "XCPU",
        "XFSZ",
        "RTMIN",
        "RTMAX",
    ]
    + [f"RTMIN+{number}" for number in range(1, 16)]
    + [f"RTMAX-{number}" for number in range(1, 15)]
)
_PROTOCOLS = ("http", "https", "ssh", "git")
_SCP = re.compile(r"[a-zA-Z0-9-_]+@[a-zA-Z0-9-.]+:.*", re.DOTALL)
_SYMBOLIC_MODE = re.compile(r"[ugoa]*(?:[-+=](?:[rwxXst]*|[ugo]))+(?:,[ugoa]*(?:[-+=](?:[rwxXst]*|[ugo]))+)*")


class InstructionValueError(ValueError):
    """What BuildKit says of a value that it refuses."""


def context_path(source: str) -> str:
    """Give a path of the build context as an absolute one (Go's `path.Join("/", source)`)."""
    return posixpath.normpath("/" + source.lstrip("/"))


def is_git(source: str) -> bool:
    """Say whether COPY and ADD take a source for a git repository (dfgitutil, ParseGitRef)."""
    if source.startswith(("./", "../", "github.com/")):
        return False
    protocol = re.match(r"([a-zA-Z0-9]+)://", source)
    if not protocol:
        return bool(_SCP.fullmatch(source))
    name = lower(protocol[1])
    if name not in _PROTOCOLS:
        return False
    if name in ("ssh", "git"):
        return True
    path = re.split(r"[?#]", source[protocol.end() :], maxsplit=1)[0].partition("/")
    return bool(path[1]) and path[2].endswith(".git")


def is_url(source: str) -> bool:
    """Say whether COPY and ADD take a source for a download."""
    return source.startswith(("http://", "https://")) and not is_git(source)


def check_mode(text: str) -> None:
    """Check `--chmod` (convert_copy.go, dispatchCopy); raises InstructionValueError."""
    octal = re.fullmatch(r"[0-7]+", text)
    if text and (not octal or int(text, 8) > 0o7777) and not _SYMBOLIC_MODE.fullmatch(text):
        raise InstructionValueError(f"invalid chmod parameter: '{text}'. it should be octal string and between 0 and 07777")


def check_checksum(text: str, sources: list[str]) -> None:
    """Check `ADD --checksum` (convert_copy.go, dispatchCopy); raises InstructionValueError."""
    if not text:
        return
    if len(sources) != 1:
        raise InstructionValueError("checksum can't be specified for multiple sources")
    if is_url(sources[0]):
        algorithm, colon, encoded = text.partition(":")
        length = {"sha256": 64, "sha384": 96, "sha512": 128}.get(algorithm)
        if not colon or not re.fullmatch(r"[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+", text):
            raise InstructionValueError("invalid checksum digest format")
        if length is None:
            raise InstructionValueError("unsupported digest algorithm")
        if len(encoded) != length:
            raise InstructionValueError("invalid checksum digest length")
        if not re.fullmatch("[a-f0-9]+", encoded):
            raise InstructionValueError("invalid checksum digest format")
    elif not is_git(sources[0]):
        raise InstructionValueError("checksum requires HTTP(S) or Git sources")


def check_signal(text: str) -> None:
    """Check STOPSIGNAL (moby/sys/signal, ParseSignal); raises InstructionValueError."""
    number = atoi(text)
    known = number != 0 if number is not None else upper(text).removeprefix("SIG") in _SIGNALS
    if not known:
        raise InstructionValueError(f"invalid signal: {text}")


def check_port(text: str) -> tuple[bool, bool]:
    """Check one EXPOSE word (convert_expose.go, parsePort); raises InstructionValueError.

    Give whether the protocol is written in other than lower case, and whether a host part stands in front.
    """
    parts = text.split(":")
    address, host, container = ":".join(parts[:-2]), parts[-2] if len(parts) > 1 else "", parts[-1]
    port, _, protocol = container.partition("/")
    if not port:
        raise InstructionValueError(f"invalid port: {quote(text)}: no port specified")
    if lower(protocol) not in ("", "tcp", "udp", "sctp"):
        raise InstructionValueError(f"invalid port: {quote(text)}: invalid proto: {protocol}")
    if address.startswith("["):
        if not address.endswith("]"):
            raise InstructionValueError(f"invalid IP address {address}: address {address}:: missing ']' in address")
        address = address[1:-1]
    if address:
        import ipaddress

        try:
            ipaddress.ip_address(address)
        except ValueError:
            raise InstructionValueError(f"invalid IP address: {address}") from None
    low, high = _ports(port, "containerPort")
    if host:
        host_low, host_high = _ports(host, "hostPort")
        if high - low != host_high - host_low and high != low:
            raise InstructionValueError(f"invalid ranges specified for container and host Ports: {port} and {host}")
    return protocol != lower(protocol), bool(address or host)


def _ports(text: str, what: str) -> tuple[int, int]:
    start, _, end = text.partition("-")
    low = atoi(start)
    high = low if not _ or start == end else atoi(end)
    if low is None or high is None or not 0 <= low <= high <= 65535:
        raise InstructionValueError(f"invalid {what}: {text}")
    return low, high
