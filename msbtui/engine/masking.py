"""What must not leave the machine in a recording: values that look secret, private keys, certificates."""

from __future__ import annotations

import re
from collections.abc import Collection

from msbtui.regex import regex

MASK = "***"

# BuildKit, frontend/dockerfile/dockerfile2llb/convert.go: the names that the check SecretsUsedInArgOrEnv warns of, and those
# it allows
_SECRET_NAME = regex(r"(?i)(?:_|^)(?:apikey|auth|credential|credentials|key|password|pword|passwd|secret|token)(?:_|$)")
_PUBLIC_NAME = regex(r"(?i)(?:_|^)public(?:_|$)")

# shapes that the issuers document: AWS, GitHub, GitLab, Slack, npm, PyPI, Google, Stripe and OpenAI, JSON Web Tokens,
# credentials in a URL
_TOKEN = regex(
    r"\b(?:A(?:KIA|SIA)[0-9A-Z]{16}|gh[oprsu]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,}|glpat-[A-Za-z0-9_-]{20,}"
    r"|xox[abeprs]-[A-Za-z0-9-]{10,}|npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{40,}|AIza[0-9A-Za-z_-]{35}|[rs]k[-_][A-Za-z0-9_-]{20,}"
    r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,})"
)
_PROXY_NAME = regex(r"(?i)(?:https?|ftp|no|all)_proxy")
_URL_PASSWORD = regex(r"(?<=://)[^\s/@:'\"]*:[^\s/@'\"]+(?=@)")
_ASSIGNMENT = regex(
    r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<equals>=)(?P<value>\"(?:[^\"\\]|\\.)*\"|'[^']*'|(?:[^\s\"';&|\\]|\\.)+)"
)
_OLD_STYLE = regex(
    r"(?m)(?P<head>(?:^|#\(nop\)\s+)\s*ENV\s+)(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<gap>\s+)(?P<value>[^\s=][^\n]*)$"
)
_REFERENCE = regex(r"[\"']?\$(?:\{[A-Za-z_][A-Za-z0-9_]*\}|[A-Za-z_][A-Za-z0-9_]*)[\"']?\Z")
_PRIVATE_KEY = regex(
    r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----|\Z)",
    re.DOTALL,
)


def looks_secret(name: str) -> bool:
    """Tell whether a variable's name says that its value is a secret."""
    return bool(_SECRET_NAME.search(name)) and not _PUBLIC_NAME.search(name)


def _hides(name: str, names: Collection[str]) -> bool:
    return name in names or looks_secret(name) or bool(_PROXY_NAME.fullmatch(name))


def mask_variable(variable: str, names: Collection[str] = ()) -> str:
    """Give `NAME=value` with its value masked where the name says that it is a secret or a proxy, and else as `mask` does."""
    name, equals, value = variable.partition("=")
    return f"{name}={MASK}" if equals and value and _hides(name, names) else name + equals + mask(value)


def mask(text: str, names: Collection[str] = ()) -> str:
    """Give `text` with secrets replaced by `***`: values of variables named in `names` or like a secret or proxy, tokens, keys.

    References to variables (`$TOKEN`) stay: they hold nothing. The same secret is masked in the same way in a Dockerfile and in
    the history that a build made of it, so that the two still match.
    """

    def assignment(match: re.Match[str]) -> str:
        hide = _hides(match["name"], names) and not _REFERENCE.match(match["value"])
        return f"{match['name']}={MASK}" if hide else match[0]

    def old_style(match: re.Match[str]) -> str:
        hide = _hides(match["name"], names) and not _REFERENCE.match(match["value"])
        return f"{match['head']}{match['name']}{match['gap']}{MASK}" if hide else match[0]

    text = _PRIVATE_KEY.sub(MASK, text)
    text = _OLD_STYLE.sub(old_style, text)
    text = _ASSIGNMENT.sub(assignment, text)
    return _TOKEN.sub(MASK, _URL_PASSWORD.sub(MASK, text))


def mask_bytes(data: bytes) -> bytes:
    """Give a file's bytes with private keys and tokens masked, in a script assignments too; what is no UTF-8 stays as it is."""
    text = data.decode("utf-8", "surrogateescape")
    masked = mask(text) if data.startswith(b"#!") else _TOKEN.sub(MASK, _URL_PASSWORD.sub(MASK, _PRIVATE_KEY.sub(MASK, text)))
    return data if masked == text else masked.encode("utf-8", "surrogateescape")


def without_variables(text: str, names: Collection[str]) -> str:
    """Give an instruction or history text without the variables in `names`: their assignments in ENV, ARG and build arguments."""
    if not names:
        return text
    either = "|".join(re.escape(name) for name in names)
    return re.sub(rf"(?:(?<=\s)|^)(?:{either})=(?:\"(?:[^\"\\]|\\.)*\"|'[^']*'|(?:[^\s\"'\\]|\\.)*)\s?", "", text)
