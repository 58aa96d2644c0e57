"""`secret`: keys and credentials in any layer, hidden ones too, and in the history. Values are never part of a finding."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msbtui.analysis.model import HiddenBy
from msbtui.analysis.waste.kind import Draft, WasteKind
from msbtui.analysis.waste.scene import PATH_LIMIT, Scene
from msbtui.image.facts import MappedContents, StoredContents
from msbtui.image.lastparts import marked_names
from msbtui.image.secret import VALUES
from msbtui.regex import regex

_NAME_ONLY = regex(r"id_(rsa|dsa|ecdsa|ed25519)|.+\.(pfx|p12|jks|keystore)|\.env(\.(local|prod|production|staging|development))?")
_STARTS, _ENDS = ("id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", ".env"), (".pfx", ".p12", ".jks", ".keystore")
"""How names that match it begin or end."""
_EXAMPLE = regex(
    r"(^|/)(tests?|test-?suites?|testdata|examples?|fixtures|doc|docs|site-packages|dist-packages|node_modules|certs-test|pkg/mod)(/|$)"
)
_SECRET_NAME = regex(r"(?i)(?:_|^)(?:apikey|auth|credentials?|key|password|pword|passwd|pwd|secrets?|token)(?:_|$)")
_ALLOWED_NAME = regex(r"(?i)public|(^|_)(gpg|id|file|path|url|name|version)(_|$)|^SSL_")
"""BuildKit, frontend/dockerfile/linter, rule SecretsUsedInArgOrEnv, and what it allows."""
_OPAQUE = regex(r".+\.(pfx|p12|jks|keystore)|\.env(\.(local|prod|production|staging|development))?")
"""Names whose content cannot be read, or says it only in part."""
_ASSIGNED = regex(r"(?:^|[\s|])([A-Za-z_]\w{0,100})=(?=[^\s=$])")
_TOKEN = regex(
    r"\bgh[pousr]_\w{30}|github_pat_\w{20}|(?<![\w-])glpat-[\w-]{20}|(?<![\w-])xox[abeoprs]-[\w-]{10}|\bsk_live_\w{10}|\bnpm_[A-Za-z0-9]{36}\b"
    r"|(?<![\w-])pypi-[\w-]{50}|[a-z][a-z0-9+.-]{1,20}://[^\s/:@$'\"<>{}]{1,200}:[^\s/:@$'\"<>{}]{3,200}@"
)
_TEXT_LIMIT = 64 << 10
_MOST = 500


def find(scene: Scene) -> Iterator[Draft]:
    """Give one draft for each file, in any layer above the base, and for names in configuration, history and Dockerfile."""
    table = scene.table
    for told, (row, what, confidence) in enumerate(sorted(_files(scene))):
        if told >= _MOST:
            break
        pid, layer = table.row_paths[row], scene.layer_of(row)
        path = table.paths[pid]
        by = table.hidden_by(layer, row - table.first_row(layer))
        later = "" if by is None else f", and still in layer {layer} although layer {by} hides it"
        yield Draft(
            layer,
            [row] if row not in scene.needed_rows else [],
            confidence,
            f"/{path} holds {what}{later}",
            paths=[path],
            hidden_by=None if by is None else HiddenBy(by, scene.line(by)),
            size=table.row_costs[row] if row in scene.needed_rows else None,
        )
    yield from _variables(scene)


def _files(scene: Scene) -> Iterator[tuple[int, str, str]]:
    """Give rows of files above the base with what they hold and how sure that is."""
    table, above = scene.table, scene.table.first_row(scene.base.layers)
    found: dict[int, str] = {}
    unread: set[int] = set()
    for layer in range(scene.base.layers, table.layers):
        contents, first = scene.image.layers[layer].contents, table.first_row(layer)
        if isinstance(contents, StoredContents | MappedContents):
            found.update((first + entry, what) for entry, what in contents.secrets.items())
            if isinstance(contents, MappedContents) or contents.secrets_are_known:
                continue
        unread.add(layer)
    for pid in marked_names(table.paths, _STARTS, _ENDS):
        name = scene.names[pid]
        if _NAME_ONLY.fullmatch(name):
            opaque = _OPAQUE.fullmatch(name) is not None
            for layer, entry in table.entries(pid):
                row = table.first_row(layer) + entry
                # Of a key whose content was looked at, the content has said that it is none.
                says_nothing = row >= above and (opaque or layer in unread)
                if says_nothing and row not in found and table.row_costs[row]:
                    found[row] = ""
    for row, what in found.items():
        path = table.paths[table.row_paths[row]]
        if len(path) <= PATH_LIMIT and not _EXAMPLE.search(path) and scene.packages.owner(path) is None:
            yield row, what or "a key or secrets, by its name", "C" if not what else "B" if what == VALUES else "A"


def _variables(scene: Scene) -> Iterator[Draft]:
    """Names in the environment, in the history above the base and in ARG and ENV lines; each name is told of once."""
    last = scene.table.layers - 1
    if last < 0:
        return
    told: set[str] = set()
    advice = "Give it when the container starts, or with RUN --mount=type=secret while building."
    for name, value in scene.env.items():
        if value and _is_secret_name(name):
            told.add(name)
            title = f"the environment variable {name} may hold a secret"
            yield Draft(last, [], "C", title, paths=[], advice=advice, size=0, line=_env_line(scene, name))
    for layer, text in _history(scene):
        for found in _ASSIGNED.finditer(text):
            if found[1] not in told and _is_secret_name(found[1]):
                told.add(found[1])
                title = f"the history shows a value of {found[1]}, which may be a secret"
                yield Draft(layer, [], "C", title, paths=[], advice=advice, size=0, line=_env_line(scene, found[1]))
        # What a text outside is never searched for is a value: only its kind is told.
        if _TOKEN.search(text) and f"token {layer}" not in told:
            told.add(f"token {layer}")
            yield Draft(layer, [], "B", "the history shows a password or an access token", paths=[], advice=advice, size=0)
    for instruction in scene.dockerfile.instructions if scene.dockerfile is not None else ():
        if instruction.keyword == "ARG":
            for name in re.findall(r"(?:^|\s)([A-Za-z_]\w*)", instruction.value):
                if name not in told and _is_secret_name(name):
                    told.add(name)
                    title = f"the build argument {name} may hold a secret, which the history of the image then shows"
                    yield Draft(last, [], "C", title, paths=[], advice=advice, size=0, line=instruction.span.first_line)


def _is_secret_name(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None and _ALLOWED_NAME.search(name) is None


def _history(scene: Scene) -> Iterator[tuple[int, str]]:
    """Give what the history says of each instruction above the base, with the layer that it made or stands before."""
    layers = {layer.history_index: layer.index for layer in scene.image.layers if layer.history_index is not None}
    at, base = 0, scene.base.layers
    for number, item in enumerate(scene.image.history):
        at = layers.get(number, at)
        if at >= base or (base and number > max((n for n, layer in layers.items() if layer == base - 1), default=0)):
            yield at, item.created_by[:_TEXT_LIMIT]


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
    spares=False,
)
