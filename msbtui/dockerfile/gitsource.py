"""Sources of COPY and ADD that are git repositories, as BuildKit reads them.

The rules are those of frontend/dockerfile/dfgitutil/git_ref.go (ParseGitRef), util/gitutil/git_url.go (ParseURL) and
util/sshutil/scpurl.go of moby/buildkit, on top of Go's net/url (Parse).
"""

from __future__ import annotations

import ipaddress
import posixpath
import re
from urllib.parse import unquote, unquote_plus

import msgspec

from msbtui.dockerfile.gotext import lower, quote
from msbtui.regex import regex

_PROTOCOL = regex(r"([a-zA-Z0-9]+)://")
_PROTOCOLS = frozenset({"http", "https", "ssh", "git"})
_SCP = regex(r"([a-zA-Z0-9-_]+)@([a-zA-Z0-9-.]+):([^\n]*?)(?:\?([^\n]*?))?(?:#([^\n]*))?")
_BAD_ESCAPE = regex(r"%(?![0-9a-fA-F]{2})")
_USER = regex(r"[A-Za-z0-9\-._:~!$&'()*+,;=%@]*")
_HOST = regex(r"(?:[A-Za-z0-9!$&'()*+,;=:\[\]<>\"\-_.~\u0080-\U0010ffff]|%25|%[89a-fA-F][0-9a-fA-F])*")
_PORT = regex(r"(?::[0-9]*)?")
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})


class GitQueryError(ValueError):
    """What BuildKit says of the query of a git source."""


class GitSource(msgspec.Struct, frozen=True):
    """A source that is a git repository."""

    local: bool = False
    """`github.com/...` without a protocol: BuildKit takes it for a path of the build context where it matters."""
    keep_git_dir: bool | None = None
    checksum: str = ""


def git_source(text: str) -> GitSource | None:
    """Give a source as a git repository, or None where it is none; raises GitQueryError."""
    if text.startswith(("./", "../")):
        return None
    if text.startswith("github.com/"):
        found = _parse_url(text, "")
        return None if found is None else _with_query(found[1], found[2], local=True)
    protocol = _PROTOCOL.match(text)
    if protocol is None:
        return _scp_source(text)
    name = lower(protocol[1])
    found = _parse_url(text[protocol.end() - 2 :], name) if name in _PROTOCOLS else None
    if found is None or (name in ("http", "https") and not found[0].endswith(".git")):
        return None
    return _with_query(found[1], found[2])


def _scp_source(text: str) -> GitSource | None:
    found = _SCP.fullmatch(text)
    if found is None:
        return None
    pairs = _query(found[4] or "", strict=True)
    return None if pairs is None else _with_query(pairs, found[5] or "")


def _parse_url(rest: str, scheme: str) -> tuple[str, dict[str, list[str]], str] | None:
    """Give path, query and fragment of what follows a URL's scheme, or None where Go's url.Parse refuses it."""
    rest, _, fragment = rest.partition("#")
    if re.search(r"[\x00-\x1f\x7f]", rest) or _BAD_ESCAPE.search(fragment):
        return None
    if rest.endswith("?") and rest.count("?") == 1:
        rest, query = rest[:-1], ""
    else:
        rest, _, query = rest.partition("?")
    if rest.startswith("//"):
        authority, slash, path = rest[2:].partition("/")
        rest = slash + path
        user, at, host = authority.rpartition("@")
        if not _is_host(host, scheme) or (at and (not _USER.fullmatch(user) or _BAD_ESCAPE.search(user))):
            return None
    elif not rest.startswith("/") and ":" in rest.partition("/")[0]:
        return None
    if _BAD_ESCAPE.search(rest):
        return None
    return unquote(rest), _query(query) or {}, unquote(fragment)


def _is_host(host: str, scheme: str) -> bool:
    """Say whether url.Parse takes a host with its port (parseHost)."""
    bracket = host.rfind("[")
    if bracket > 0:
        return False
    if bracket == 0:
        address, closed, port = host[1:].rpartition("]")
        address, _, zone = address.partition("%25")
        try:
            ipaddress.IPv6Address(address)
        except ValueError:
            return False
        return bool(closed) and "%" not in address and bool(_PORT.fullmatch(port)) and bool(_HOST.fullmatch(zone))
    if ":" in host:
        colon = host.find(":") if scheme in ("http", "https") else host.rfind(":")
        if not _PORT.fullmatch(host[colon:]):
            return False
    return bool(_HOST.fullmatch(host))


def _query(text: str, *, strict: bool = False) -> dict[str, list[str]] | None:
    """Give a query's values (url.ParseQuery): what cannot be read is left out, or makes it None where `strict`."""
    out: dict[str, list[str]] = {}
    for part in text.split("&"):
        if not part:
            continue
        if ";" in part or _BAD_ESCAPE.search(part):
            if strict:
                return None
            continue
        name, _, value = part.partition("=")
        out.setdefault(unquote_plus(name), []).append(unquote_plus(value))
    return out


def _with_query(query: dict[str, list[str]], fragment: str, *, local: bool = False) -> GitSource:
    """Read the query (GitRef.loadQuery)."""
    ref, _, subdir = fragment.partition(":")
    subdir = _below_root(subdir)
    found: dict[str, str] = {}
    keep: bool | None = None
    for name, values in query.items():
        if len(values) > 1:
            raise GitQueryError(f"query {quote(name)} has multiple values")
        value = values[0]
        if name in ("submodules", "keep-git-dir", "fetch-by-commit"):
            if value and value not in _TRUE and value not in _FALSE:
                raise GitQueryError(f"invalid {name} value: {quote(value)}")
            if name == "keep-git-dir":
                keep = value not in _FALSE
            continue
        if not value:
            raise GitQueryError(f"query {quote(name)} has no value")
        if name == "mtime" and value not in ("checkout", "commit"):
            raise GitQueryError(f'invalid mtime value: {quote(value)} (must be "checkout" or "commit")')
        if name == "ref":
            ref = _agreed("ref", ref, value)
        elif name == "subdir":
            subdir = _agreed("subdir", subdir, value)
        elif name not in ("tag", "branch", "checksum", "commit", "mtime"):
            raise GitQueryError(f"unexpected query {quote(name)}")
        found["checksum" if name == "commit" else name] = value
    if "tag" in found:
        ref = _agreed("ref", ref, "refs/tags/" + found["tag"].removeprefix("refs/tags/"))
    if "branch" in found:
        if "tag" in found:
            raise GitQueryError("branch conflicts with tag")
        _agreed("ref", ref, "refs/heads/" + found["branch"].removeprefix("refs/heads/"))
    return GitSource(local, keep, found.get("checksum", ""))


def _agreed(name: str, one: str, other: str) -> str:
    if one and one != other:
        raise GitQueryError(f"{name} conflicts: {quote(one)} vs {quote(other)}")
    return other


def _below_root(path: str) -> str:
    return posixpath.normpath("/" + path).lstrip("/") if path else ""
