"""What a registry answers over HTTP, taken with bounds and mistrust; what breaks is said in a few words."""

from __future__ import annotations

import http.client
import re
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from msbtui.engine.manifest import too_large
from msbtui.errors import TargetError
from msbtui.text import printable

if TYPE_CHECKING:
    import requests

_CHUNK = 1 << 18
_LONGEST_HOST = 253
"""Characters of a host's name (RFC 1035, 2.3.4)."""
_WINDOW = 30.0
_LEAST = 30 << 10
"""Bytes that must come in each `_WINDOW` seconds: a body that comes more slowly counts as silent."""
_DOCUMENT = 60.0
"""Seconds that a document may take."""
_PARAMETER = re.compile(r'(?<![A-Za-z_])([A-Za-z_]+)="([^"]*)"')
_QUOTED = re.compile(r'"[^"]*"')
_SCHEME = re.compile(r"(?:\A|,)[ \t]*([A-Za-z]+)(?=[ \t]*(?:,|\Z)|[ \t]+[A-Za-z_]+[ \t]*=)")
_NO_ADDRESS = re.compile(r"[^!-\[\]-~\x80-\xff]")
"""What no address holds (RFC 3986, 2), and where one reader of addresses sees another host than the next: backslashes, blanks."""


class BrokenError(Exception):
    """A request that may be tried again; the message says why it failed, in words for a person."""

    def __init__(self, reason: str, wait: float = 0.0, hint: str = "", *, is_silence: bool = False) -> None:
        super().__init__(reason)
        self.is_silence = is_silence
        """Whether what came was so little that nothing might have come."""
        self.wait = wait
        """Seconds after which the server wants to be asked again."""
        self.hint = hint


def origin(url: str) -> tuple[str, str, int]:
    """Give whom an address means: what is shown to one is not for another."""
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or (443 if parts.scheme == "https" else 80)


def is_address(url: str) -> bool:
    """Tell whether `url` is an address for HTTP whose host everybody reads alike: we, and urllib3, which connects."""
    import urllib3

    if _NO_ADDRESS.search(url):
        return False
    try:
        scheme, host, port = origin(url)
        theirs = urllib3.util.parse_url(url)
    except (ValueError, urllib3.exceptions.HTTPError):
        return False
    read = (theirs.scheme, (theirs.host or "").strip("[]").lower(), theirs.port or (443 if scheme == "https" else 80))
    return 0 < len(host) <= _LONGEST_HOST and scheme in ("http", "https") and read == (scheme, host, port)


def challenged(challenges: str) -> tuple[str, dict[str, str]]:
    """Give which scheme is asked for, of several a token before a password, and what is said of it, names in lower case.

    RFC 9110, 11.6.1: one field may hold several challenges, of schemes that nobody here knows too. Empty where there is none.
    """
    unquoted = _QUOTED.sub(lambda match: "_" * len(match[0]), challenges)
    found = list(_SCHEME.finditer(unquoted))
    for wanted in ("bearer", "basic"):
        for number, match in enumerate(found):
            if match[1].lower() == wanted:
                end = found[number + 1].start() if number + 1 < len(found) else len(challenges)
                said = _PARAMETER.findall(challenges, match.end(), end)
                return wanted, {name.lower(): value for name, value in said}
    return "", {}


def joined(url: str, location: str) -> str:
    """Give where an answer of `url` leads; what cannot be joined is told as it is, and refused."""
    try:
        return urljoin(url, location)
    except ValueError:
        return location


def retry_after(response: requests.Response) -> float:
    """Give the seconds after which a server wants to be asked again (RFC 9110, 10.2.3); 0 where it does not say."""
    text = response.headers.get("Retry-After", "")
    if text.isascii() and text.isdigit() and len(text) < 9:
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError, OSError):
        return 0.0


def resumes(response: requests.Response, start: int) -> bool:
    """Tell whether an answer goes on at `start` (RFC 9110, 14.4); a registry may answer from the beginning instead."""
    if response.status_code != 206:
        return False
    if not re.match(rf"bytes {start}-", response.headers.get("Content-Range", "")):
        raise BrokenError("it answered another range than was asked for")
    return True


def chunks(response: requests.Response) -> Iterator[bytes]:
    """Give the body as it comes. Raises `BrokenError` where it breaks off, is none, or comes too slowly."""
    import urllib3

    came, spent, began = 0, 0.0, time.monotonic()
    try:
        while data := response.raw.read1(_CHUNK, decode_content=False):
            spent += time.monotonic() - began
            came += len(data)
            if came >= _LEAST:
                came, spent = 0, 0.0
            elif spent > _WINDOW:
                raise BrokenError(f"it sends less than {_LEAST / _WINDOW:,.0f} bytes a second", is_silence=True)
            yield data
            began = time.monotonic()  # what is done with the data meanwhile is none of the server's time
    except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, ValueError) as error:  # ValueError: odd chunk sizes
        raise BrokenError(reason(error)) from error


def everything(response: requests.Response, limit: int, what: str, where: str) -> bytes:
    """Give the body, which `what` and `where` name in the `TargetError` for one over `limit` bytes, or that never ends."""
    data = bytearray()
    until = time.monotonic() + _DOCUMENT
    for chunk in chunks(response):
        data += chunk
        if len(data) > limit:
            raise too_large(what, where, limit=limit)
        if time.monotonic() > until:
            raise TargetError(
                f"{what} did not come within {_DOCUMENT:g} s",
                where=where,
                hint="check the network and the registry, then try again",
            )
    return bytes(data)


def is_about_trust(error: BaseException) -> bool:
    """Tell whether a connection failed because nobody vouches for the server."""
    return "CERTIFICATE_VERIFY_FAILED" in str(error)


def reason(error: BaseException) -> str:
    """Give why a connection failed, in a few words: the libraries' own are a page long."""
    text = str(error)
    for sign, words in (
        ("Name or service not known", "there is no host of that name"),
        ("NameResolutionError", "there is no host of that name"),
        ("Connection refused", "nobody listens there"),
        ("timed out", "no answer in time"),
        ("comes without an end", "what comes before its answer, or behind it, has no end"),
        ("WRONG_VERSION_NUMBER", "it speaks no TLS"),
        ("Network is unreachable", "the network cannot be reached"),
        ("IncompleteRead", "the connection broke off"),
        ("Connection aborted", "the connection broke off"),
        ("Connection reset", "the connection broke off"),
    ):
        if sign in text:
            return words
    return printable(text)[:200]
