"""Values of single instructions that BuildKit checks while it builds: ports, signals, modes, sources of COPY and ADD."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from msbtui.dockerfile.gitsource import GitQueryError, GitSource, git_source
from msbtui.dockerfile.gotext import lower, quote, upper
from msbtui.dockerfile.names import atoi
from msbtui.regex import regex

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
_SYMBOLIC_MODE = regex(r"[ugoa]*(?:[-+=][rwxXstugo]*)+(?:,[ugoa]*(?:[-+=][rwxXstugo]*)+)*")


class InstructionValueError(ValueError):
    """What BuildKit says of a value that it refuses."""


def context_path(source: str) -> str:
    """Give a path of the build context as an absolute one (Go's `path.Join("/", source)`)."""
    return posixpath.normpath("/" + source.lstrip("/"))


def is_git(source: str) -> bool:
    """Say whether COPY and ADD take a source for a git repository: `github.com/a/b` without a protocol is a path to them."""
    found = _sound_git_source(source)
    return found is not None and not found.local


def _sound_git_source(source: str) -> GitSource | None:
    try:
        return git_source(source)
    except GitQueryError:
        return None


def is_url(source: str) -> bool:
    """Say whether COPY and ADD take a source for a download (convert_copy.go, isHTTPSource)."""
    return source.startswith(("http://", "https://")) and not is_git(source)


def check_mode(text: str) -> None:
    """Check `--chmod` (convert_copy.go, dispatchCopy; tonistiigi/dchapes-mode, Parse); raises InstructionValueError."""
    if not text or _SYMBOLIC_MODE.fullmatch(text):
        return
    if re.fullmatch(r"[0-7]+", text) and int(text, 8) <= 0o7777:
        return
    if not text[0].isascii() or not text[0].isdigit():
        raise InstructionValueError("invalid syntax")
    raise InstructionValueError(f"invalid chmod parameter: '{text}'. it should be octal string and between 0 and 07777")


def check_remote(sources: Sequence[str], adds: bool, checksum: str, keep_git_dir: bool | None) -> None:
    """Check the sources that are no paths (convert_copy.go, dispatchCopy); raises InstructionValueError."""
    if checksum:
        if len(sources) != 1:
            raise InstructionValueError("checksum can't be specified for multiple sources")
        if not is_url(sources[0]) and _sound_git_source(sources[0]) is None:
            raise InstructionValueError("checksum requires HTTP(S) or Git sources")
    for source in sources:
        try:
            git = git_source(source)
        except GitQueryError as error:
            raise InstructionValueError(str(error)) from None
        if git is not None and not git.local:
            if not adds:
                raise InstructionValueError("source can't be a git ref for COPY")
            if keep_git_dir is not None and git.keep_git_dir not in (None, keep_git_dir):
                raise InstructionValueError("inconsistent keep-git-dir configuration")
            keep_git_dir = keep_git_dir if git.keep_git_dir is None else git.keep_git_dir
            if checksum and git.checksum and checksum != git.checksum:
                raise InstructionValueError(f"checksum mismatch {quote(checksum)} != {quote(git.checksum)}")
            checksum = git.checksum or checksum
        elif source.startswith(("http://", "https://")) and git is None:
            if not adds:
                raise InstructionValueError("source can't be a URL for COPY")
            if checksum:
                _check_digest(checksum)


def _check_digest(text: str) -> None:
    """Check a digest (opencontainers/go-digest, Validate)."""
    algorithm, _, encoded = text.partition(":")
    length = {"sha256": 64, "sha384": 96, "sha512": 128}.get(algorithm)
    if not algorithm or not encoded:
        raise InstructionValueError("invalid checksum digest format")
    if length is None:
        sound = re.fullmatch(r"[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+", text)
        raise InstructionValueError("unsupported digest algorithm" if sound else "invalid checksum digest format")
    if len(encoded.encode("utf-8", "surrogateescape")) != length:
        raise InstructionValueError("invalid checksum digest length")
    if not re.fullmatch("[a-f0-9]+", encoded):
        raise InstructionValueError("invalid checksum digest format")


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
        address = _unbracketed(address)
    if address:
        import ipaddress

        try:
            ipaddress.ip_address(address.replace("%", " "))
        except ValueError:
            raise InstructionValueError(f"invalid IP address: {address}") from None
    low, high = _ports(port, "containerPort")
    if host:
        host_low, host_high = _ports(host, "hostPort")
        if high - low != host_high - host_low and high != low:
            raise InstructionValueError(f"invalid ranges specified for container and host Ports: {port} and {host}")
    return protocol != lower(protocol), bool(address or host)


def _unbracketed(address: str) -> str:
    """Take the brackets off an address (net.SplitHostPort of the address with a colon behind)."""
    end = address.find("]")
    problem = ""
    if end < 0:
        problem = "missing ']' in address"
    elif end + 1 != len(address):
        problem = "too many colons in address" if address[end + 1] == ":" else "missing port in address"
    elif "[" in address[1:]:
        problem = "unexpected '[' in address"
    if problem:
        raise InstructionValueError(f"invalid IP address {address}: address {address}:: {problem}")
    return address[1:end]


def _ports(text: str, what: str) -> tuple[int, int]:
    start, _, end = text.partition("-")
    low = atoi(start)
    high = low if not _ or start == end else atoi(end)
    if low is None or high is None or not 0 <= low <= high <= 65535:
        raise InstructionValueError(f"invalid {what}: {text}")
    return low, high
