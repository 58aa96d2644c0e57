"""`context-junk`: what COPY took along from the build context without a use in the image."""

from __future__ import annotations

from collections.abc import Iterator

from msbtui.analysis.waste.kind import Draft, WasteKind
from msbtui.analysis.waste.scene import Scene
from msbtui.regex import regex

_DIRECTORIES = frozenset(
    [
        ".idea",
        ".vscode",
        ".pytest_cache",
        ".mypy_cache",
        ".ruff_cache",
        ".tox",
        ".nox",
        ".nyc_output",
        ".github",
        ".gitlab",
        ".circleci",
        ".hypothesis",
        "htmlcov",
        ".devcontainer",
        ".vs",
        ".terraform",
    ]
)
_INSTALLED = frozenset(("site-packages", "dist-packages", "node_modules", "vendor"))
_FILES = regex(
    r"\.DS_Store|Thumbs\.db|\.dockerignore|(.+\.)?Dockerfile(\..+)?|(docker-)?compose(\..+)?\.ya?ml|\.gitlab-ci\.yml|\.travis\.yml"
    r"|\.gitignore|\.gitattributes|\.editorconfig|\.pre-commit-config\.yaml|\.coverage|.+\.swp|npm-debug\.log.*|yarn-error\.log|Jenkinsfile"
)


def find(scene: Scene) -> Iterator[Draft]:
    """Give one draft for each layer that COPY or ADD made; what the context's own .dockerignore names is told apart."""
    copied = {layer for layer in range(scene.base.layers, scene.table.layers) if is_copy(scene.instruction_text(layer))}
    if not copied:
        return
    table = scene.table
    known: dict[str, bool] = {}
    by_name, names = [], scene.names
    for layer in copied:
        for pid in table.row_paths[table.first_row(layer) : table.first_row(layer + 1)]:
            name = names[pid]
            if name not in known:
                known[name] = _FILES.fullmatch(name) is not None
            if known[name]:
                by_name.append(pid)
    for directory in _DIRECTORIES:
        for place in scene.directories_named(directory):
            by_name += table.live_below(place)
    found = scene.where(by_name, lambda path: _INSTALLED.isdisjoint(path.split("/")))
    for layer, rows in scene.by_layer(found):
        if layer in copied:
            yield Draft(layer, rows, "B", subject="What editors, tests and builds keep", noun="file")
    yield from _ignored(scene, copied)
    yield from _built_outside(scene, copied)


def _ignored(scene: Scene, copied: set[int]) -> Iterator[Draft]:
    """What .dockerignore names now, and what an earlier build therefore took along."""
    if scene.ignored is None:
        return
    table = scene.table
    for layer in sorted(copied):
        place = _context_place(scene, layer)
        if place is None:
            continue
        first, rows = table.first_row(layer), []
        for pid in scene.below(place):
            row = table.live_rows[pid]
            if first <= row < table.first_row(layer + 1) and scene.ignored(table.paths[pid][len(place) :].lstrip("/")):
                rows.append(row)
        if rows:
            yield Draft(layer, rows, "B", subject="What .dockerignore names now", noun="file", advice="Build again.")


def _context_place(scene: Scene, layer: int) -> str | None:
    """Where a COPY of the whole context put it; None for every other instruction."""
    instruction = scene.instruction(layer)
    if instruction is None or instruction.keyword != "COPY" or instruction.flag("from") or len(instruction.words) != 2:
        return None
    source, target = instruction.words
    if source not in (".", "./", "/") or "$" in target:
        return None
    if not target.startswith("/"):
        # WORKDIR may change on the way; the configuration has the last one.
        target = f"{scene.image.config.workdir or '/'}/{target}"
    return "/".join(part for part in target.split("/") if part not in ("", "."))


def _built_outside(scene: Scene, copied: set[int]) -> Iterator[Draft]:
    """Virtual environments and build directories of the machine that sent the context; the program may run from there."""
    table = scene.table
    places = [pid for name in (".venv", "venv") for pid in scene.directories_named(name)]
    places = [pid for pid in places if "pyvenv.cfg" in scene.names_in(table.paths[pid])]
    places += [table.parents[info] for info in scene.named(".rustc_info.json")]
    for place in places:
        path = table.paths[place]
        if any(need.startswith(path + "/") for need in (*scene.needs.files, *scene.needs.entrypoints)):
            continue
        if f"/{path}/bin" in scene.env.get("PATH", "").split(":"):
            continue
        for layer, rows in scene.by_layer(table.live_below(place)):
            if layer in copied:
                yield Draft(layer, rows, "C", subject=f"/{path}, made outside the image", noun="file")


def is_copy(text: str) -> bool:
    """Say whether an instruction's or history item's text is a COPY or ADD from the build context."""
    said = text.partition("#(nop)")[2].strip() if "#(nop)" in text else text.strip()
    return said[:4].upper() in ("COPY", "ADD ") and "--from=" not in said


KIND = WasteKind(
    id="context-junk",
    title="Files of the build context without a use",
    explanation="COPY takes all that .dockerignore does not name: editors' files, caches of test tools, the Dockerfile itself.",
    advice="Name them in .dockerignore, or copy what the program needs by name.",
    find=find,
)
