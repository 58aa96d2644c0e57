"""`dev-dependencies`: packages of a language that only developing needs, by the language's own records."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Set
from typing import Any

from msbtui.analysis.waste.kind import Draft, WasteKind, count
from msbtui.analysis.waste.needs import json_object
from msbtui.analysis.waste.nodetree import development_tree
from msbtui.analysis.waste.scene import LiveFile, Scene

_RUNNERS = frozenset(("npm", "npx", "yarn", "pnpm", "bun"))
_PYTHON_TOOLS = frozenset(
    (
        *(
            "pytest",
            "pytest_cov",
            "pytest_asyncio",
            "pytest_mock",
            "pytest_xdist",
            "pytest_django",
            "nose2",
            "hypothesis",
            "coverage",
        ),
        *(
            "mypy",
            "pyright",
            "ruff",
            "black",
            "isort",
            "flake8",
            "pylint",
            "pycodestyle",
            "pyflakes",
            "bandit",
            "autopep8",
            "yapf",
        ),
        *("tox", "nox", "pre_commit", "twine", "bump2version", "ipdb", "ipython", "sphinx", "mkdocs", "factory_boy", "faker"),
    )
)
"""Distributions (normalised, PEP 503, with `_`) that test, check or document."""


def find(scene: Scene) -> Iterator[Draft]:
    """Give one draft for each record and layer: npm's hidden lockfile, Composer's installed.json."""
    for lock in scene.named_files(".package-lock.json"):
        if lock.path.endswith("node_modules/.package-lock.json"):
            yield from _npm(scene, lock)
    for installed in scene.named_files("installed.json"):
        if installed.path.endswith("vendor/composer/installed.json"):
            yield from _composer(scene, installed)
    for manifest in scene.named_files("package.json"):
        yield from _without_lock(scene, manifest)
        yield from _of_a_site(scene, manifest)
    yield from _pip(scene)


def _without_lock(scene: Scene, manifest: LiveFile) -> Iterator[Draft]:
    """Where npm's hidden lockfile is missing (yarn, pnpm): what only `devDependencies` lead to among what is installed."""
    root = manifest.path.removesuffix("package.json")
    if "node_modules/" in root or not scene.is_directory(f"{root}node_modules"):
        return
    if scene.file(f"{root}node_modules/.package-lock.json") is not None:
        return
    if not isinstance(json_object(scene, manifest).get("devDependencies"), dict):
        return
    tree = development_tree(scene, manifest, _started(scene, root), json_object)
    kept = {pid for place in tree.kept for pid in scene.below(place)} if tree.places else set()
    tool = next((name for name, mark in _MARKS if scene.table.id_of(root + mark) is not None), "npm")
    yield from _drafts(scene, list(tree.places), set(), tool, root, "B" if tree.complete else "C", kept)


_SERVERS = ("serve", "http-server")
"""Programs that show a directory that they are told, or the working directory."""
_CONFIGURED = {
    "nginx": "etc/nginx",
    "caddy": "etc/caddy",
    "httpd": "usr/local/apache2/conf",
    "apache2": "etc/apache2",
    "apache2-foreground": "etc/apache2",
    "lighttpd": "etc/lighttpd",
}
"""Programs that show the directories that their settings name."""


_WEB_ROOTS = ("usr/share/nginx/", "etc/nginx/", "var/www/", "usr/local/apache2/", "usr/share/caddy/", "srv/")
"""What these programs show without being told (their defaults, and Debian's)."""


def _of_a_site(scene: Scene, manifest: LiveFile) -> Iterator[Draft]:
    """Packages that built a site, where what starts is a server of files: nothing runs in the project any more."""
    root = manifest.path.removesuffix("package.json")
    words = [part for word in scene.needs.words for part in word.split()]
    server = words[0].rpartition("/")[2] if words else ""
    if not root or "node_modules/" in root or not scene.is_directory(f"{root}node_modules"):
        return
    if any(path.startswith(root) for path in scene.needs.entrypoints) or not _shows_less(scene, server, words[1:], root):
        return
    for layer, found in scene.by_layer(scene.below(f"{root}node_modules")):
        subject = f"/{root}node_modules, which built what {server} shows"
        yield Draft(layer, found, "B", subject=subject, noun="file", advice="Build in a first stage and copy the site only.")


def _shows_less(scene: Scene, server: str, words: list[str], root: str) -> bool:
    """Say whether a server of files starts and shows no directory that holds the project's packages."""
    packages = f"/{root}node_modules/"

    def holds(word: str) -> bool:
        place = posixpath.normpath(posixpath.join(scene.image.config.workdir or "/", word))
        return packages.startswith(place.rstrip("/") + "/") or place.startswith(packages.rstrip("/"))

    if server in _SERVERS:
        places = [word for word in words if not word.startswith("-") and scene.table.id_of(_below(scene, word)) is not None]
        return bool(places) and not any(map(holds, places))
    if server not in _CONFIGURED or root.startswith(_WEB_ROOTS):
        return False
    texts = [scene.text(scene.live(pid).key) for pid in scene.below(_CONFIGURED[server])[:_MOST_SETTINGS]]
    named = {word for text in texts for word in re.findall(r"/[^\s;\"'{}]*", text or "")}
    return bool(texts) and not any(map(holds, named - {"/"}))


def _below(scene: Scene, word: str) -> str:
    return posixpath.normpath(posixpath.join(scene.image.config.workdir or "/", word)).lstrip("/")


_MOST_SETTINGS = 200
_MARKS = (("pnpm", "node_modules/.pnpm"), ("pnpm", "pnpm-lock.yaml"), ("yarn", "yarn.lock"))
_PRUNE = {
    "npm": "npm prune --omit=dev",
    "yarn": "yarn install --production",
    "pnpm": "pnpm prune --prod",
    "composer": "composer install --no-dev",
}


def _pip(scene: Scene) -> Iterator[Draft]:
    """Well-known development tools among installed Python distributions, by RECORD (PyPA, "Recording installed projects")."""
    words = {part.rpartition("/")[2] for word in scene.needs.words for part in word.split()}
    found: dict[str, list[int]] = {}
    for record in scene.named_files("RECORD"):
        folder, _, info = record.path.rpartition("/")[0].rpartition("/")
        name = info.partition("-")[0].lower().replace(".", "_")
        if not info.endswith(".dist-info") or name not in _PYTHON_TOOLS or name in words:
            continue
        places = (f"{folder}/{line.partition(',')[0]}" for line in (scene.text(record.key) or "").splitlines())
        pids = (scene.table.id_of(posixpath.normpath(place)) for place in places)
        found.setdefault(name, []).extend(pid for pid in pids if pid is not None and not scene.table.is_directory(pid))
    for layer, rows in scene.by_layer(pid for pids in found.values() for pid in pids):
        names = ", ".join(sorted(found)[:3]) + (f" and {len(found) - 3} more" if len(found) > 3 else "")
        advice = "Keep them in a requirements file of their own that the image does not install."
        yield Draft(layer, rows, "C", subject=f"Development tools of pip: {names}", advice=advice)


def _npm(scene: Scene, lock: LiveFile) -> Iterator[Draft]:
    """The hidden lockfile marks what `npm prune --omit=dev` would remove (npm, package-lock.json, "Hidden Lockfiles")."""
    root = lock.path.removesuffix("node_modules/.package-lock.json")
    packages = json_object(scene, lock).get("packages")
    if not isinstance(packages, dict):
        return
    places = [
        place
        for place, facts in packages.items()
        if isinstance(facts, dict) and facts.get("dev") is True and "node_modules/" in place
    ]
    names = {place.rpartition("node_modules/")[2] for place in places}
    yield from _drafts(scene, [root + place for place in places], names | _binaries(packages, places), "npm", root)


def _binaries(packages: dict[str, Any], places: list[str]) -> set[str]:
    return {name for place in places if isinstance(bins := packages[place].get("bin"), dict) for name in bins}


def _composer(scene: Scene, installed: LiveFile) -> Iterator[Draft]:
    root = installed.path.removesuffix("composer/installed.json")
    names = json_object(scene, installed).get("dev-package-names")
    if isinstance(names, list):
        known = {name for name in names if isinstance(name, str) and not name.startswith("/") and ".." not in name}
        yield from _drafts(scene, [root + name for name in sorted(known)], set(), "composer", root)


def _drafts(
    scene: Scene,
    places: list[str],
    names: set[str],
    tool: str,
    root: str,
    confidence: str = "A",
    kept: Set[int] = frozenset(),
) -> Iterator[Draft]:
    pids = {pid for place in places for pid in scene.below(place)} - kept
    # A start script that runs a development package (ts-node, nodemon) needs it, and what it needs.
    used = sorted(names & _started(scene, root))
    for layer, rows in scene.by_layer(pids):
        title = f"{count(len(places), 'development package')} of {tool}" + (
            f"; the start command names {used[0]}" if used else ""
        )
        yield Draft(
            layer,
            rows,
            "C" if used else confidence,
            subject=title,
            advice=f"Run `{_PRUNE[tool]}` in the build stage, then copy.",
        )


def _started(scene: Scene, root: str) -> set[str]:
    words = {part.rpartition("/")[2] for word in scene.needs.words for part in re.split(r"\s+", word)}
    manifest = scene.file(f"{root}package.json")
    if manifest is not None and not words.isdisjoint(_RUNNERS):
        scripts = json_object(scene, manifest).get("scripts")
        if isinstance(scripts, dict):
            # Scripts call each other (`npm run build && node .`), so all words of all scripts that could run count.
            started = {name for name in scripts if name in words or name == "start"}
            words |= {part.rpartition("/")[2] for name in started for part in str(scripts[name]).split()}
    return words


KIND = WasteKind(
    id="dev-dependencies",
    title="Development dependencies",
    explanation="Test runners, linters, type checkers and bundlers are used before the program ships; it does not load them.",
    advice="Install without them in the final stage.",
    find=find,
)
