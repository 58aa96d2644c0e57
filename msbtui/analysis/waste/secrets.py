"""`secret`: keys and credentials in any layer, hidden ones too. Values are never part of a finding."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msbtui.analysis.model import HiddenBy
from msbtui.analysis.waste.kind import Draft, WasteKind
from msbtui.analysis.waste.scene import PATH_LIMIT, Scene
from msbtui.image.model import Kind

_BODY = re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----\s*[\w+/=:\r\n,. -]{40,}")
_HOLDS = {
    ".git-credentials": ("credentials of git", re.compile(r"https?://[^\s:/@]{1,256}:[^\s@]{1,256}@")),
    ".netrc": ("a password", re.compile(r"\bpassword\s+\S+")),
    "_netrc": ("a password", re.compile(r"\bpassword\s+\S+")),
    ".npmrc": ("an npm token", re.compile(r"_(authToken|auth|password)\s*=\s*(?!\$\{)\S+")),
    ".pypirc": ("a password", re.compile(r"(?m)^\s*password\s*[:=]\s*\S+")),
    "credentials": ("cloud credentials", re.compile(r"aws_secret_access_key\s*=\s*\S+", re.IGNORECASE)),
    "config.json": ("registry credentials", re.compile(r'"auth"\s*:\s*"[A-Za-z0-9+/=]{8,}"')),
    "kubeconfig": ("cluster credentials", re.compile(r"(client-key-data|token):\s*\S{16,}")),
}
_KEY_NAME = re.compile(r"id_(rsa|dsa|ecdsa|ed25519)|.+\.(pem|key|p8)|.*ssh_host_\w+_key|.*private.*key.*", re.IGNORECASE)
_NAME_ONLY = re.compile(
    r"id_(rsa|dsa|ecdsa|ed25519)|.+\.(pfx|p12|jks|keystore)|\.env(\.(local|prod|production|staging|development))?"
)
_EXAMPLE = re.compile(
    r"(^|/)(tests?|testdata|examples?|fixtures|doc|docs|site-packages|dist-packages|node_modules|certs-test|pkg/mod)(/|$)"
)
_SECRET_NAME = re.compile(r"(?i)(?:_|^)(?:apikey|auth|credentials?|key|password|pword|passwd|pwd|secrets?|token)(?:_|$)")
_ALLOWED_NAME = re.compile(r"(?i)public|(^|_)(gpg|id|file|path|url|name|version)(_|$)|^SSL_")
"""BuildKit, frontend/dockerfile/linter, rule SecretsUsedInArgOrEnv, and what it allows."""
_LIMIT = 64 << 10
_MOST = 500


def find(scene: Scene) -> Iterator[Draft]:
    """Give one draft for each file, in any layer above the base, and for names in the configuration's environment."""
    count = 0
    for layer in range(scene.table.layers):
        index = scene.table.index(layer)
        for entry, path in enumerate(index.paths):
            if index.kinds[entry] != Kind.FILE or not index.sizes[entry] or len(path) > PATH_LIMIT or count >= _MOST:
                continue
            if _EXAMPLE.search(path):
                continue
            what, confidence = _what(scene, (layer, entry), path)
            if not what or scene.packages.owner(path) is not None:
                continue
            count += 1
            by = scene.table.hidden_by(layer, entry)
            later = "" if by is None else f", and still in layer {layer} although layer {by} hides it"
            yield Draft(
                layer,
                [(layer, entry)],
                f"/{path} holds {what}{later}",
                confidence,
                paths=[path],
                hidden_by=None if by is None else HiddenBy(by, scene.line(by)),
            )
    last = scene.table.layers - 1
    for name, value in scene.env.items():
        if value and _SECRET_NAME.search(name) and not _ALLOWED_NAME.search(name) and last >= 0:
            advice = "Give it when the container starts, or with RUN --mount=type=secret while building."
            yield Draft(
                last,
                [],
                f"the environment variable {name} may hold a secret",
                "C",
                paths=[],
                advice=advice,
                size=0,
                line=_env_line(scene, name),
            )


def _what(scene: Scene, entry: tuple[int, int], path: str) -> tuple[str, str]:
    name = path.rpartition("/")[2]
    holds = _HOLDS.get(name)
    if name in ("credentials", "config.json") and not re.search(r"(^|/)\.(aws|docker)/", path):
        holds = None
    if path.endswith(".kube/config"):
        holds = _HOLDS["kubeconfig"]
    if holds is not None:
        text = scene.text(entry, _LIMIT)
        if text is not None:
            return (holds[0], "A") if holds[1].search(text) else ("", "")
        # Contents that look secret are not kept when a layer streams by: then only the name speaks.
        return ("" if name == ".npmrc" else f"{holds[0]}, by its name", "C")
    if _KEY_NAME.fullmatch(name):
        text = scene.text(entry, _LIMIT)
        if text is not None:
            return ("a private key", "A") if _BODY.search(text) else ("", "")
    return ("a key or secrets, by its name", "C") if _NAME_ONLY.fullmatch(name) else ("", "")


def _env_line(scene: Scene, name: str) -> int | None:
    for instruction in reversed(scene.dockerfile.instructions if scene.dockerfile is not None else ()):
        if instruction.keyword in ("ENV", "ARG") and re.search(rf"(^|\s){re.escape(name)}\b", instruction.value):
            return instruction.span.first_line
    return None


KIND = WasteKind(
    id="secret",
    title="Secret",
    explanation="Who can pull the image can read each of its layers, also what a later one deletes, and its configuration.",
    advice="Change the secret now. Then use RUN --mount=type=secret, which never writes it to a layer.",
    find=find,
    claims=False,
)
