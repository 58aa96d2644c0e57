"""`context-junk`: what COPY took along from the build context without a use in the image."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msbtui.analysis.waste.kind import Draft, WasteKind
from msbtui.analysis.waste.scene import LiveFile, Scene

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
_FILES = re.compile(
    r"\.DS_Store|Thumbs\.db|\.dockerignore|(.+\.)?Dockerfile(\..+)?|(docker-)?compose(\..+)?\.ya?ml|\.gitlab-ci\.yml|\.travis\.yml"
    r"|\.gitignore|\.gitattributes|\.editorconfig|\.pre-commit-config\.yaml|\.coverage|.+\.swp|npm-debug\.log.*|yarn-error\.log|Jenkinsfile"
)


def find(scene: Scene) -> Iterator[Draft]:
    """Give one draft for each layer that COPY or ADD made."""
    copied = {layer for layer in range(scene.base.layers, scene.table.layers) if is_copy(scene.instruction_text(layer))}
    found: list[LiveFile] = []
    for file in scene.files:
        if file.layer not in copied or file.path in scene.needs.files:
            continue
        parts = file.path.split("/")
        if "site-packages" in parts or "node_modules" in parts or "vendor" in parts:
            continue
        if _FILES.fullmatch(file.name) or not _DIRECTORIES.isdisjoint(parts[:-1]):
            found.append(file)
    for layer, group in scene.by_layer(found):
        yield Draft(layer, [file.key for file in group], "", "B", subject="What editors, tests and builds keep", noun="file")


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
