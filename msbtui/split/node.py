"""Which installed packages of a Node application only developing needs, and the command that takes them away.

What the application needs is followed as Node resolves it: from `dependencies` of its package.json, from what its own code
requires, and from what its start runs, through the `dependencies` of each package, by the lookup in `node_modules` of each
directory upwards (Node.js, modules.md, "Loading from node_modules folders").
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from msbtui.image.model import Kind
from msbtui.split.reach import Reach
from msbtui.split.view import View, inside, relative
from msbtui.split.words import author_text, runs, shell_commands

_RUNTIME = ("dependencies", "optionalDependencies", "peerDependencies")
_REQUIRED = re.compile(
    rb"""(?:\brequire|\bimport|\brequire\.resolve)\s*\(\s*['"`]([^'"`$/\s][^'"`$\s]*)['"`]|(?:\bfrom|\bimport)\s*['"]([^'"/\s][^'"\s]*)['"]"""
)
_MADE = re.compile(rb"""(?:\brequire|\bimport)\s*\(\s*(?:[^'"`\s)]|`[^`]*\$\{|['"][^'"]*['"]\s*\+)""")
"""A module's name that is put together at run time."""
_CODE = re.compile(r".*\.(js|mjs|cjs|jsx)")
_NOT_RUN = re.compile(
    r"(.*/)?(__tests__|__mocks__|tests?|specs?|cypress|e2e|docs?|examples?|coverage|stories|benchmarks?|\.[^/]+)/.*"
    r"|(.*/)?[^/]*\.(test|tests|spec|stories|min)\.[a-z]+"
    r"|[^/]*\.(config|conf)\.[a-z]+|\.[^/]*rc(\.[a-z]+)?"
    r"|(gulpfile|gruntfile|webpack|rollup|vite|jest|karma|babel|tsup|esbuild)[^/]*\.[a-z]+",
    re.IGNORECASE,
)
"""In an application's directory: tests, and the settings of tools that only developing runs."""
_TRANSPILERS = frozenset(
    (  # noqa: SIM905
        "babel-node ts-node ts-node-dev ts-node-esm tsx nodemon webpack webpack-dev-server vite parcel gulp grunt react-scripts"
    ).split()
)
"""Tools that find their plug-ins by settings: where the start runs one, no package is taken for development."""
_MOST_RESTORED = 12
_NPM_INSTALLS = frozenset(("install", "i", "add", "ci", "clean-install"))
_NPM_LENIENT = {"--legacy-peer-deps": "--legacy-peer-deps", "--force": "--force", "-f": "--force"}
"""npm-install(1): what lets it go on where peers do not fit."""
_LIFECYCLE = ("preinstall", "install", "postinstall", "prepare", "prepublish")
_GLOBAL = re.compile(r"(?:usr/local/lib|usr/lib|opt/[^/]+/lib)/node_modules/((?:@[^/]+/)?[^/@.][^/]*)")


class Prune(msgspec.Struct, frozen=True):
    """How development packages are taken away, and which directories and links go with that."""

    root: str
    """The application's directory, as the table has it."""
    command: str
    removed: frozenset[str]
    """Package directories and links in `node_modules/.bin`."""
    restored: tuple[str, ...]
    """Package directories that go with it although the code requires them: they are copied from the original's stage."""
    rewritten: tuple[str, ...]
    """Records that the command writes anew."""
    evidence: tuple[str, ...]


def prunes(view: View, reach: Reach) -> list[Prune]:
    """Give for each application with development packages how they are taken away; none where that is not sound."""
    if "node" not in reach.languages:
        return []
    names = {path.rpartition("/")[2] for path in reach.why} | reach.words
    if names & _TRANSPILERS or any("/register" in name for name in names):
        return []
    found = []
    for root in _roots(view, reach):
        prune = _Application(view, reach, root).prune()
        if prune is not None:
            found.append(prune)
    return found


def idle_tools(view: View, reach: Reach) -> set[str]:
    """Give the globally installed packages above the base of which nothing that starts calls a command."""
    found = set()
    for folder in ("usr/local/lib/node_modules", "usr/lib/node_modules"):
        children = view.children(folder)
        for child in [inner for path in children for inner in (view.children(path) if "/@" in path else [path])]:
            if not view.in_base(child) and _GLOBAL.fullmatch(child) and not any(inside(path, child) for path in reach.why):
                found.add(child)
    return found


def _lenient(view: View) -> list[str]:
    """Give the options by which the author's npm overlooks peers that do not fit: without them it refuses to prune, too."""
    found: dict[str, None] = {}
    for layer in view.image.layers[view.base_layers :]:
        text = author_text(layer.history.created_by) if layer.history is not None else ""
        for words in shell_commands(text, view.env) if "npm" in text else ():
            for run in runs(words):
                if run[0].rpartition("/")[2] == "npm" and _NPM_INSTALLS & set(run):
                    found.update((_NPM_LENIENT[word], None) for word in run if word in _NPM_LENIENT)
    return list(found)


def _roots(view: View, reach: Reach) -> list[str]:
    """Give the application's directories: those with package.json and node_modules where something starts."""
    found = set()
    for start in [relative(view.workdir), *(path.rpartition("/")[0] for path in reach.scripts)]:
        folder = start
        while folder:
            if "node_modules" not in folder and view.is_dir(f"{folder}/node_modules") and view.is_file(f"{folder}/package.json"):
                found.add(folder)
                break
            folder = folder.rpartition("/")[0]
    return sorted(found)


class _Application:
    def __init__(self, view: View, reach: Reach, root: str) -> None:
        self.view, self.reach, self.root = view, reach, root
        self.modules = f"{root}/node_modules"
        self.folders = [root]
        """The root and its workspaces: where dependencies are looked up from."""

    def prune(self) -> Prune | None:
        manifest = self.json(f"{self.root}/package.json")
        hidden = f"{self.modules}/.package-lock.json"
        locked = self.json(hidden).get("packages") if self.view.is_file(hidden) else None
        if manifest.get("workspaces"):
            if not isinstance(locked, dict):
                return None
            self.folders += self.workspaces(locked)
        manifests = [self.json(f"{folder}/package.json") for folder in self.folders]
        developed = sum(1 for one in manifests for _ in _names(one, "devDependencies"))
        if not all(manifests) or not developed or self.view.in_base(self.modules):
            return None
        code = self.required(manifest)
        by_manifest = self.closure(_names(manifest, *_RUNTIME))
        declared = [name for one in manifests for name in _names(one, *_RUNTIME)]
        needed = None if code is None else self.closure([*declared, *code, *self.reached()])
        if needed is None or by_manifest is None:
            return None
        installed = set(self.installed(self.modules))
        hooks = [
            name for one in manifests for name in _LIFECYCLE if isinstance(one.get("scripts"), dict) and name in one["scripts"]
        ]
        if isinstance(locked, dict):
            removed = {
                f"{self.root}/{place}"
                for place, facts in locked.items()
                if isinstance(facts, dict) and facts.get("dev") is True and "node_modules/" in place
            }
            command = " ".join(("npm prune --omit=dev --ignore-scripts", *_lenient(self.view)))
            records = (hidden, f"{self.root}/package-lock.json")
        elif self.view.is_file(f"{self.modules}/.yarn-integrity") and self.view.is_file(f"{self.root}/yarn.lock") and not hooks:
            removed = installed - by_manifest
            command = "yarn install --production --frozen-lockfile --prefer-offline --non-interactive"
            records = (f"{self.modules}/.yarn-integrity", "")
        elif self.with_pnpm() and not needed - by_manifest:
            removed = self.unlinked(by_manifest)
            # it leaves the links of what it takes away
            command = "CI=true pnpm prune --prod --ignore-scripts && find node_modules -type l ! -exec test -e {} ';' -delete"
            records = (f"{self.modules}/.modules.yaml", f"{self.modules}/.pnpm/lock.yaml")
        else:
            return None
        restored = _topmost(removed & needed)
        removed = {path for path in removed if not _above(path, restored)}
        if not removed or len(restored) > _MOST_RESTORED:
            return None
        bins = self.bins(removed)
        links = {
            link
            for link in self.view.children(f"{self.modules}/.bin")
            if (real := self.view.real(link)) is None
            or any(inside(real, folder) for folder in _above(real, removed))
            or (self.view.kind(link) is not Kind.SYMLINK and link.rpartition("/")[2] in bins)
        }
        where = f"cd /{self.root} && " if self.root != relative(self.view.workdir) else ""
        evidence = (f"/{self.root}/package.json: {developed} devDependencies, {len(removed)} packages in all",)
        return Prune(
            self.root, where + command, frozenset(removed | links), tuple(restored), tuple(filter(None, records)), evidence
        )

    def with_pnpm(self) -> bool:
        """Tell whether pnpm installed the packages, one project alone, and is at hand to take some away again."""
        return (
            self.view.is_dir(f"{self.modules}/.pnpm")
            and self.view.is_file(f"{self.root}/pnpm-lock.yaml")
            and not self.view.exists(f"{self.root}/pnpm-workspace.yaml")
            and self.view.find_command("pnpm") is not None
        )

    def unlinked(self, needed: set[str]) -> set[str]:
        """Give what pnpm takes away: directories of its store that hold nothing needed, and the links that lead there.

        pnpm, "Symlinked `node_modules` structure": a package lies in `.pnpm/NAME@VERSION/node_modules/NAME`.
        """
        store = f"{self.modules}/.pnpm"
        used = {"/".join(path.split("/")[: store.count("/") + 2]) for path in needed if inside(path, store)}
        hoisted = f"{store}/node_modules"
        removed = {path for path in self.view.children(store) if self.view.is_dir(path) and path not in used and path != hoisted}
        for folder in (self.modules, hoisted):
            for child in self.view.children(folder):
                for link in self.view.children(child) if child.rpartition("/")[2].startswith("@") else [child]:
                    real = self.view.real(link)
                    if self.view.kind(link) is Kind.SYMLINK and (real is None or _above(real, removed)):
                        removed.add(link)
        return removed

    def bins(self, removed: Iterable[str]) -> set[str]:
        """Give the commands of packages that go: pnpm writes a script for each, no link (package.json, "bin")."""
        found: set[str] = set()
        for path in removed:
            if self.view.kind(path) is Kind.SYMLINK and path.rpartition("/.pnpm/")[1] == "":
                facts = self.json(f"{self.view.real(path)}/package.json")
                bins = facts.get("bin")
                if isinstance(bins, dict):
                    found |= {name for name in bins if isinstance(name, str)}
                elif isinstance(bins, str) and isinstance(facts.get("name"), str):
                    found.add(facts["name"].rpartition("/")[2])
        return found

    def workspaces(self, locked: dict[str, Any]) -> list[str]:
        """Give the directories of the workspaces, which npm links into `node_modules` (package-lock.json, "link")."""
        places = [facts.get("resolved") for facts in locked.values() if isinstance(facts, dict) and facts.get("link") is True]
        found = [relative(place, "/" + self.root) for place in places if isinstance(place, str)]
        return sorted({folder for folder in found if inside(folder, self.root) and self.view.is_file(f"{folder}/package.json")})

    def json(self, path: str) -> dict[str, Any]:
        """Give a JSON object of the image; empty where it is none or not known."""
        try:
            found = json.loads(self.view.text(path, 1 << 22) or b"")
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def installed(self, modules: str) -> Iterator[str]:
        """Give the directories of all packages below a `node_modules`, nested ones too."""
        for child in self.view.children(modules):
            name = child.rpartition("/")[2]
            for package in self.view.children(child) if name.startswith("@") else [child]:
                if not name.startswith(".") and self.view.is_dir(package):
                    yield package
                    yield from self.installed(f"{package}/node_modules")

    def resolve(self, name: str, folder: str) -> str | None:
        """Give the directory of the package that `name` means for code in `folder`."""
        while True:
            if not folder.endswith("node_modules") and self.view.exists(f"{folder}/node_modules/{name}".lstrip("/")):
                return self.view.real(f"{folder}/node_modules/{name}".lstrip("/"))
            if not folder:
                return None
            folder = folder.rpartition("/")[0]

    def closure(self, names: Iterable[str]) -> set[str] | None:
        """Give the directories of the named packages and all that they depend on; None where that cannot be told."""
        needed: set[str] = set()
        stack = [found for name in names for folder in self.folders if (found := self.resolve(name, folder))]
        while stack:
            package = stack.pop()
            if package in needed:
                continue
            needed.add(package)
            facts = self.json(f"{package}/package.json")
            if not facts:
                return None
            for name in _names(facts, *_RUNTIME):
                if found := self.resolve(name, package):
                    stack.append(found)
        return needed

    def required(self, manifest: dict[str, Any]) -> set[str] | None:
        """Give the packages that the application's code requires; None where a program that starts cannot be read.

        Followed from the file that starts, by relative names; where a name is put together at run time, all code in its
        directory counts, and where no file of the application starts (a framework loads it), all of the application's.
        """
        found: set[str] = set()
        entries = [path for path in self.reach.scripts if inside(path, self.root) and "node_modules/" not in path]
        main = manifest.get("main")
        if "." in self.reach.words and isinstance(main, str):
            entries += self.files(relative(main, "/" + self.root))
        stack, seen = list(entries), set(entries)
        if not entries:
            stack += self.code(self.root)
        while stack:
            path = stack.pop()
            text = self.view.text(path, 1 << 18)
            if text is None:
                if path in entries:
                    return None
                continue
            more = [] if not _MADE.search(text) else self.code(path.rpartition("/")[0])
            for match in _REQUIRED.finditer(text):
                name = (match[1] or match[2]).decode("utf-8", "replace").removeprefix("node:")
                if name.startswith("."):
                    more += self.files(relative(name, "/" + path.rpartition("/")[0]))
                else:
                    found.add("/".join(name.split("/")[: 2 if name.startswith("@") else 1]))
            stack += [other for other in more if other not in seen]
            seen.update(more)
        return found

    def files(self, path: str) -> list[str]:
        """Give the file that a relative name means (Node.js, modules.md, LOAD_AS_FILE and LOAD_AS_DIRECTORY)."""
        for name in (path, *(f"{path}{end}" for end in (".js", ".mjs", ".cjs", ".jsx", "/index.js", "/index.mjs", "/index.cjs"))):
            if self.view.is_file(name):
                return [name]
        return []

    def code(self, folder: str) -> list[str]:
        """Give the program files below a directory of the application, without tests and the settings of idle tools."""
        tools = {path.rpartition("/")[2] for path in self.reach.why}
        found = []
        for path in self.view.below(folder):
            inner = path[len(self.root) + 1 :]
            if "node_modules/" in inner or not _CODE.fullmatch(inner):
                continue
            # next.config.js counts where the start runs next
            if not _NOT_RUN.fullmatch(inner) or inner.partition(".")[0] in tools or path in self.reach.why:
                found.append(path)
        return found

    def reached(self) -> Iterator[str]:
        """Give the packages that the start runs something of, by their names."""
        for path in self.reach.why:
            if path.startswith(self.modules + "/"):
                parts = path[len(self.modules) + 1 :].split("/")
                yield "/".join(parts[: 2 if parts[0].startswith("@") else 1])


def _names(manifest: dict[str, Any], *fields: str) -> Iterator[str]:
    for field in fields:
        value = manifest.get(field)
        if isinstance(value, dict):
            yield from value


def _topmost(paths: Iterable[str]) -> list[str]:
    found: list[str] = []
    for path in sorted(paths):
        if not found or not inside(path, found[-1]):
            found.append(path)
    return found


def _above(path: str, folders: Iterable[str]) -> list[str]:
    return [folder for folder in folders if inside(path, folder)]
