"""What holds a key or a credential, by the file's name and content. No value ever leaves this module: only what it is.

Formats: RFC 7468 and OpenSSH PROTOCOL.key (private keys), PuTTY's PPK, git-credential-store(1), netrc(5), npmrc(5), .pypirc
(PyPA specifications), shared credentials file (AWS CLI), config.json (docker login), kubeconfig v1.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

from msbtui.image import fast
from msbtui.image.lastparts import marked_names
from msbtui.regex import regex

LOOKED_AT: Final = 64 << 10
"""Bytes from the start of a file that are looked at."""
PEM_HEAD: Final = b"----"
"""How every PEM file begins, whatever its name."""

KEY, GIT, PASSWORD, NPM, CLOUD = "a private key", "credentials of git", "a password", "an npm token", "cloud credentials"
REGISTRY, CLUSTER, VALUES = "registry credentials", "cluster credentials", "values under names of secrets"
KINDS: Final = (KEY, GIT, PASSWORD, NPM, CLOUD, REGISTRY, CLUSTER, VALUES)

_KEY_BODY = regex(
    rb"-----BEGIN (?:[A-Z]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----\s{1,4}[\w+/=:\r\n,. -]{40}|PuTTY-User-Key-File-\d+: "
)
_NETRC = regex(rb"\bpassword\s{1,20}\S")
_BODIES: Final[dict[str, tuple[str, re.Pattern[bytes]]]] = {
    ".git-credentials": (GIT, regex(rb"https?://[^\s:/@]{1,256}:[^\s@]{1,256}@")),
    ".netrc": (PASSWORD, _NETRC),
    "_netrc": (PASSWORD, _NETRC),
    ".npmrc": (NPM, regex(rb"_(?:authToken|auth|password)[ \t]{0,9}=[ \t]{0,9}(?!\$\{)[^\s$]")),
    ".pypirc": (PASSWORD, regex(rb"(?m)^[ \t]{0,9}password[ \t]{0,9}[:=][ \t]{0,9}\S")),
    ".pgpass": (PASSWORD, regex(rb"(?m)^(?:[^:\n#]{0,200}:){4}\S")),
    ".aws/credentials": (CLOUD, regex(rb"(?i)aws_secret_access_key[ \t]{0,9}=[ \t]{0,9}\S")),
    ".docker/config.json": (REGISTRY, regex(rb'"auth"\s{0,9}:\s{0,9}"[A-Za-z0-9+/=]{8}')),
    ".dockercfg": (REGISTRY, regex(rb'"auth"\s{0,9}:\s{0,9}"[A-Za-z0-9+/=]{8}')),
    ".kube/config": (CLUSTER, regex(rb"(?:client-key-data|token):\s{1,9}\S{16}")),
    "kubeconfig": (CLUSTER, regex(rb"(?:client-key-data|token):\s{1,9}\S{16}")),
}
_ENV_NAME = regex(r"\.env(\.[\w-]{1,40})?")
_ENV_BODY = regex(
    rb"(?im)^[ \t]{0,9}(?:export[ \t]{1,9})?\w{0,60}(?:SECRET|TOKEN|PASSWORD|PASSWD|API_?KEY|PRIVATE_?KEY)\w{0,60}"
    rb"[ \t]{0,9}=[ \t]{0,9}[\"']?"
    rb"(?!change|your|example|xxx|todo|secret|password|placeholder|dummy|test|none|null|true|false|\$|<|\{|\*)[^\s\"'#]{6}"
)
_IN_FOLDERS: Final = frozenset(name.partition("/")[2] for name in _BODIES if "/" in name)
_KEY_ENDS: Final = (".pem", ".key", ".p8", ".ppk", ".asc", ".gpg", "_key")
_KEY_NAMES: Final = frozenset(("id_rsa", "id_dsa", "id_ecdsa", "id_ed25519"))
_PARTS_OF_NAMES: Final = (*(f"{end}\n" for end in (*_BODIES, *_KEY_ENDS, *_KEY_NAMES)), ".env", "private")
"""One of these is in every path that `is_looked_at` is true of, in a text of one path a line."""


_ENDS: Final = (*(name.rpartition("/")[2] for name in _BODIES), *_KEY_ENDS, *_KEY_NAMES)
"""How the names end that it is true of, beside those that begin with `.env` or hold `private`."""


def is_looked_at(path: str) -> bool:
    """Tell whether the content of a file of this name may be a key or a credential (`secret_in` says whether it is)."""
    folder, _, name = path.rpartition("/")
    if name in _BODIES or (name in _IN_FOLDERS and f"{folder.rpartition('/')[2]}/{name}" in _BODIES):
        return True
    if name.endswith(_KEY_ENDS) or name in _KEY_NAMES:
        return True
    return (name[:4] == ".env" and _ENV_NAME.fullmatch(name) is not None) or ("private" in name and "key" in name)


def looked_at(paths: Sequence[str]) -> list[int]:
    """Give the numbers of the paths that `is_looked_at` is true of; much faster than asking for each."""
    if fast.compiled is not None and isinstance(paths, list):
        return [number for number in marked_names(paths, (".env",), _ENDS, "private") if is_looked_at(paths[number])]
    text = "\n".join(("", *paths, ""))
    found, starts = set[int](), list[int]()
    for part in _PARTS_OF_NAMES:
        at = text.find(part)
        while at >= 0:
            # The paths are found again by how many characters stand before them.
            starts = starts or list(accumulate(map(len, paths), lambda sum_, length: sum_ + length + 1, initial=1))
            number = bisect_right(starts, at + 1) - 1
            if number < len(paths) and is_looked_at(paths[number]):
                found.add(number)
            at = text.find(part, at + 1)
    return sorted(found)


def secret_in(path: str, body: bytes) -> str:
    """Give what kind of secret the first bytes of a file hold, one of `KINDS`; empty for none."""
    body = body[:LOOKED_AT]
    folder, _, name = path.rpartition("/")
    known = _BODIES.get(name) or _BODIES.get(f"{folder.rpartition('/')[2]}/{name}")
    if known is not None and known[1].search(body):
        return known[0]
    if _ENV_NAME.fullmatch(name) and not name.endswith((".example", ".sample", ".template", ".dist")) and _ENV_BODY.search(body):
        return VALUES
    return KEY if _KEY_BODY.search(body) else ""
