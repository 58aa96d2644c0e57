"""What of an image's new files stays behind in the build stage, by its place, its name and the findings of waste."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator

import msgspec

from msbtui.analysis.model import WasteReport
from msbtui.image.model import ElfFacts, Kind
from msbtui.split.called import own_calls
from msbtui.split.node import Prune
from msbtui.split.reach import Reach
from msbtui.split.view import View, inside, relative

_FINDINGS = {
    "package-cache": "cache of a package manager",
    "compiler": "compiler or build tool",
    "dev-files": "headers and static libraries, for compiling only",
    "build-objects": "objects of the build",
    "dev-dependencies": "development dependencies",
    "docs": "documentation",
    "log-temp": "logs and temporary files",
    "vcs": "history of a version control system",
    "unpacked-archive": "archive that was unpacked",
    "debug-symbols": "debug symbols",
}
_STATE = re.compile(
    r"(var/lib/(dpkg|apt|pam|systemd|ucf|rpm|dbus|polkit-1|misc|apache2/(module|site|conf)|php/modules)|var/cache|var/log|lib/apk|usr/lib/apk|etc/apk/(world|arch|keys)|etc/alternatives"
    r"|var/lib/apk|etc/ld\.so\.cache|tmp|var/tmp|run|var/run|proc|sys|dev|usr/share/info/dir|etc/\.pwd\.lock|etc/(passwd|group|shadow|gshadow|subuid|subgid)-?"
    r"|etc/locale\.gen|etc/hosts|etc/hostname|etc/resolv\.conf|etc/mtab|\.dockerenv|etc/machine-id|etc/mailcap|etc/(X11|dpkg|apt)|var/mail)(/.*|\Z)"
)
_CACHE = re.compile(
    r"(.*/)?(\.npm|\.cargo/registry|\.cargo/git|\.m2|\.gradle|\.ivy2|\.sbt|\.cpan|\.cpanm|\.bundle/cache|\.nuget|\.yarn/cache|\.pnpm-store|\.local/(state/pnpm|share/pnpm/store)|\.node-gyp"
    r"|\.ccache|\.wget-hsts|\.bash_history|\.python_history|\.lesshst|\.rustup|\.stack|\.cabal|\.ghcup|\.hex|\.mix|\.config/(go|configstore)|\.electron-gyp"
    r"|\.cache/(pip|pip-tools|uv|pypoetry|pipenv|pdm|hatch|go-build|golangci-lint|node-gyp|npm|yarn|pnpm|typescript|composer|ccache|sccache|bazel|bazelisk"
    r"|meson|cabal|stack|electron|electron-builder|esbuild|babel|turbo|eslint|apt|gem|bundle|bundler|cpanm|cpan|mypy|ruff|black|pytest|debconf|motd\.legal-displayed"
    r"|Cypress|pre-commit|dotslash|kotlin|coursier|mill|nix|zig|nim|dub|rebar3|hex|helm|vcpkg|conan|matplotlib/tex\.cache|Microsoft|deno/npm)"
    r"|node_modules/\.(cache|vite)|\.next/cache|\.nuxt/\.cache|\.angular/cache|\.parcel-cache|\.turbo|\.(mypy|pytest|ruff)_cache|\.tox|\.nox|\.eslintcache|\.nyc_output)(/.*|\Z)"
    r"|go/pkg/.*|usr/local/(cargo/(registry|git|\.crates2?\.(toml|json)|\.global-cache|\.package-cache[^/]*)|rustup)(/.*|\Z)"
)
"""What package managers, compilers and checkers keep to be faster next time. What else lies in `.cache` may well be what an
application downloaded while it was built, such as a model, a browser or a package manager's own program."""
_BUNDLED = re.compile(r"(.*/)?(\.cache/pypoetry/virtualenvs|\.npm/_npx)(/.*|\Z)")
"""What runs although it lies in a cache: Poetry's virtual environments, what npx installed."""
_MANAGERS = re.compile(
    r"(?P<file>(.*/)?s?bin/(uvx?|poetry|pipenv|pdm|hatch|rye|pixi|pnpm|pnpx|bunx?|composer(\.phar)?|bazel(isk)?|micromamba))"
    r"|(?P<folder>opt/(py)?poetry|(.*/)?(\.local/share/pypoetry|\.poetry))(/.*|\Z)"
)
"""Package managers where a download or their own installer puts them, not a package of the system."""
LIBRARY_TREE = re.compile(
    r"(.*/)?(site-packages|dist-packages|node_modules|gems|vendor/bundle|vendor/autoload\.php|extensions/no-debug-[^/]*)(/.*|\Z)"
)
_DEVELOPMENT = re.compile(
    r"(usr/local|opt/[^/]+|usr)/(include|share/(man|doc|info|aclocal|gtk-doc|pkgconfig|cmake)|man|doc)(/.*|\Z)|.*\.(a|la)|.*/(pkgconfig|cmake)(/.*|\Z)"
)
SOURCE = re.compile(
    r".*\.(c|cc|cpp|cxx|c\+\+|C|h|hh|hpp|hxx|inl|ipp|m|mm|rs|go|java|kt|kts|scala|clj|hs|lhs|cabal|ml|mli|f|f77|f90|f95|for|pas|zig|nim|cs|fs|vb|swift|adb|ads|d|v"
    r"|vala|s|S|asm|y|l|proto|o|obj|lo|lai|gcno|gcda|gch|pch|rlib|rmeta|hi|class|d\.ts|am|ac|m4|in|gperf|ggo|re2c|rl|cmake|mk|ninja|gradle|sln|csproj|vcxproj|sum|mod|patch|diff)|(.*/)?"
    r"((GNU)?[Mm]akefile(\.[\w.-]+)?|Kbuild|CMakeLists\.txt|CMakeCache\.txt|configure(\.[\w.-]+)?|config\.(status|log|guess|sub|h)|libtool|install-sh|depcomp|missing|compile|meson\.build|"
    r"build\.ninja|Cargo\.(toml|lock)|go\.(mod|sum|work)|pom\.xml|build\.xml|gradlew(\.bat)?|mvnw(\.cmd)?|stack\.yaml|[Dd]ockerfile[^/]*|docker-compose[^/]*|\.dockerignore|"
    r"\.gitignore|\.gitattributes|\.gitmodules|\.travis\.yml|\.editorconfig|\.clang-format|README[^/]*|CHANGELOG[^/]*|ChangeLog|CONTRIBUTING[^/]*|CODE_OF_CONDUCT[^/]*|SECURITY\.md|NEWS|AUTHORS|INSTALL|TODO|HACKING|stamp-h1|test-driver|ylwrap|mkinstalldirs)"
)
_COMPILED_SOURCE = re.compile(r".*\.(c|cc|cpp|cxx|c\+\+|rs|go|java|kt|scala|clj|hs|ml|f90|pas|zig|nim|cs|fs|swift|adb|vala)")
_MARKERS = frozenset(
    (  # noqa: SIM905
        "Makefile makefile GNUmakefile CMakeLists.txt CMakeCache.txt configure configure.ac meson.build build.ninja Cargo.toml "
        "go.mod pom.xml build.gradle build.gradle.kts build.sbt project.clj stack.yaml package.yaml mix.exs BUILD.bazel "
        "WORKSPACE config.status SConstruct wscript Kbuild autogen.sh"
    ).split()
)
_BUILD_FOLDER = re.compile(
    r"(.*/)?(\.git|\.hg|\.svn|\.github|\.mvn|gradle/wrapper|CMakeFiles|\.deps|\.libs|autom4te\.cache|__tests__|([a-z]+[_-])?tests?|\.travis|\.circleci|\.gitlab"
    r"|(spec|doc|docs|example|examples)(?!/([^/]+/)*(swagger|openapi)[^/]*\.(json|ya?ml)\Z)|\.vscode|\.idea)(/.*|\Z)"
)
"""A description of an interface (OpenAPI) is served from where it lies, among the documentation, too."""
_OUTPUT = re.compile(
    r"(.*/)?(target/(test-classes|generated-sources|generated-test-sources|generated-docs|maven-archiver|maven-status|surefire-reports|archive-tmp"
    r"|failsafe-reports|antrun|site|apidocs|jacoco[^/]*|(debug|release|[^/]+/release)/(build|deps|incremental|\.fingerprint|examples|\.cargo-lock)"
    r"|CACHEDIR\.TAG|\.rustc_info\.json"
    r"|(.*/)?[^/]+\.d)"
    r"|build/(tmp|reports|test-results|generated|kotlin|intermediates|distributions)|\.gradle|CMakeFiles|cmake_install\.cmake|install_manifest\.txt|project/target)(/.*|\Z)"
)
"""What Maven, Gradle, sbt, Cargo and CMake leave beside their results."""
_ARTIFACT = re.compile(r".*\.(jar|war|ear|whl|gem|deb|rpm)")
_PACKED = re.compile(r"(.*/)?(target/classes/.*|target/[^/]+\.original|build/(classes|resources|libs/[^/]+-plain\.jar)(/.*|\Z))")
"""What Maven and Gradle put into the artifact that they make, and keep beside it."""
_BYTECODE = re.compile(r"(.*/)__pycache__/([^/]+?)\.[^/]*\.pyc")
_ABOUT = re.compile(
    r"(.*/)?(?-i:[A-Z]{3,}[^/]*)\.(md|rst)|(.*/)?man([1-9][a-z]*)?/.*|.*\.([1-9](\.html)?|ronn|texi|texinfo)|(.*/)?(autogen|bootstrap|buildconf)(\.sh)?"
    r"|(.*/)?(\.mailmap|\.clang[-_][^/]*|(contrib|debian|packaging|testsuite|test[-_]suite)/.*)|.*~|(.*/)?\.dirstamp|(.*/)?((UN)?LICEN[CS]E|COPYING|COPYRIGHT|NOTICE|PATENTS|CONTRIBUTORS|MAINTAINERS|OWNERS|THANKS|CREDITS|CITATION|CODEOWNERS"
    r"|VERSIONING|RELEASE|RELEASING|UPGRADING|MIGRATION|GOVERNANCE|SUPPORT)([-._][^/]*)?|.*/vendor/[a-z0-9-]+(\.[a-z0-9-]+)+/.+",
    re.IGNORECASE,
)
"""In a source tree: what is told about the program, and Go's vendored modules (`vendor/HOST/`): nothing that a program reads."""
_PAGE = re.compile(r".*\.(html?|tmpl|gohtml|tpl|hbs|tera|j2|jinja2?|ejs|mustache|pug)")
_SHARED = frozenset(("usr/src", "usr/local/src", "usr/local", "go/src", "root", "home", "opt", "srv", "mnt", "tmp"))
_COMPILED = frozenset(("java", "dotnet", "erlang"))
"""Languages whose sources are compiled: their interpreter runs artifacts, so a tree of sources is a build tree."""


class Verdict(msgspec.Struct, frozen=True):
    """Why a path stays behind, and whether evidence that something reads it outweighs that."""

    why: str
    firm: bool = False
    data: bool = False
    """Whether the path may well be data: a program that names a directory above it needs it."""


class Judge:
    """Says of each new path why it would stay behind."""

    def __init__(
        self,
        view: View,
        reach: Reach,
        waste: WasteReport | None,
        places: Iterable[str] = (),
        pruned: Iterable[Prune] = (),
        idle: Iterable[str] = (),
    ) -> None:
        self.view = view
        self.reach = reach
        self.interpreted = sorted(set(reach.languages) - _COMPILED)
        self.places = {place for place in places if place}
        """Directories that COPY, ADD and WORKDIR of the final stage name."""
        self._pruned = frozenset(path for prune in pruned for path in prune.removed)
        self._workdir = relative(view.workdir)
        self._verdicts: dict[str, Verdict | None] = {}
        self._by_finding = _finding_paths(view, waste)
        self.app_trees = self._app_trees()
        self.calls = own_calls(view, reach, self.app_trees)
        """Commands that the application's own programs start, and a program that does."""
        called = {real for name in self.calls if (found := view.find_command(name)) and (real := view.real(found))}
        self._idle = frozenset(tool for tool in idle if not any(inside(real, tool) for real in called))
        self.root_tree = self._root_tree()
        self.build_trees = self._build_trees()
        self._started_in = {folder: self._whole_tree(folder) for folder in (self._workdir, *reach.changed)}
        """Directories that the program starts in, and where it may look for data from there."""

    def _app_trees(self) -> list[str]:
        """Give the directories that an interpreted application lives in: they are kept whole, but for waste."""
        if not self.interpreted:
            return []
        trees = set()
        workdir = relative(self.view.workdir)
        if workdir and not self._of_system(workdir):
            trees.add(workdir)
        for script in self.reach.scripts:
            if self.view.is_new(script):
                holders = [place for place in self.places if inside(script, place) and not self._of_system(place)]
                folder = min(holders, key=len) if holders else script.rpartition("/")[0]
                if folder and not self._of_system(folder):
                    trees.add(folder)
        for name in ("PYTHONPATH", "NODE_PATH", "RUBYLIB", "PERL5LIB"):
            for part in self.view.env.get(name, "").split(":"):
                folder = relative(part, self.view.workdir) if part else ""
                if folder and self.view.is_dir(folder) and not self._of_system(folder):
                    trees.add(folder)
        if "python" in self.interpreted:
            trees.update(self._editable())
        return sorted(tree for tree in trees if self.view.is_dir(tree))

    def _editable(self) -> Iterator[str]:
        """Give the source directories that Python loads in place (`pip install -e`), by path files (Python, "site")."""
        for path in self.view.table.paths:
            if not (path.endswith((".pth", ".egg-link")) and "-packages/" in path and self.view.is_new(path)):
                continue
            for line in (self.view.text(path) or b"").decode("utf-8", "replace").splitlines():
                found = self.view.real(relative(line.strip())) if line.startswith("/") else None
                if found and self.view.is_dir(found) and not self.view.in_base(found) and not self._of_system(found):
                    holders = [place for place in self.places if inside(found, place) and not self._of_system(place)]
                    yield min(holders, key=len) if holders else found

    def _of_system(self, folder: str) -> bool:
        """Tell whether the base image has this directory with content of its own: it is nobody's application tree."""
        if folder.count("/") == 0 and folder in (
            "usr",
            "etc",
            "var",
            "bin",
            "lib",
            "sbin",
            "root",
            "home",
            "opt",
            "srv",
            "tmp",
            "mnt",
            "go",
            "run",
            "lib64",
            "boot",
        ):
            return True
        if not self.view.in_base(folder):
            return False
        return any(not self.view.is_new(child) for child in self.view.children(folder))

    def _build_trees(self) -> list[str]:
        """Give the topmost new directories where something was compiled: build files or sources lie right in them."""
        trees: list[str] = []
        stack = [""]
        while stack:
            folder = stack.pop()
            if folder and (
                LIBRARY_TREE.fullmatch(folder) or folder in self.app_trees or any(inside(folder, tree) for tree in self.app_trees)
            ):
                continue
            children = self.view.children(folder)
            if folder and not self._of_system(folder) and self._compiles(children):
                trees.append(self._whole_place(folder))
                continue
            stack += [child for child in children if self.view.is_dir(child) and not _STATE.fullmatch(child + "/")]
        return sorted(set(trees))

    def _whole_tree(self, start: str) -> str:
        """Give where a program that starts in `start` may look for data by relative names.

        That is the directory that it starts in, or all of the source tree around that where the program itself lies there
        (`../templates` for a program that starts in `bin`).
        """
        for tree in self.build_trees:
            if inside(start, tree) and any(
                inside(path, tree) and (self.view.elf(path) is not None or path.endswith(".jar")) for path in self.reach.why
            ):
                above = [folder for folder in _upwards(start) if inside(folder, tree)]
                roots = [folder for folder in above if self._compiles(self.view.children(folder))]
                # a place that holds the sources of several programs is nobody's own
                return roots[-1] if roots else start if tree in _SHARED else tree
        return start

    def _root_tree(self) -> frozenset[str]:
        """Give what lies right below `/` of sources that were copied there (`COPY . /`): what the same layers brought."""
        new = [child for child in self.view.children("") if self.view.is_new(child) and not self.view.is_dir(child)]
        marks = [child for child in new if child in _MARKERS or _COMPILED_SOURCE.fullmatch(child)]
        layers = {at[0] for child in marks if (at := self.view.entry(child)) is not None}
        return frozenset(
            child
            for child in self.view.children("")
            if (at := self.view.entry(child)) is not None and at[0] in layers and not self.view.in_base(child)
        )

    def _compiles(self, children: list[str]) -> bool:
        names = {child.rpartition("/")[2] for child in children if self.view.is_new(child)}
        if names & _MARKERS:
            return True
        return any(_COMPILED_SOURCE.fullmatch(name) for name in names)

    def _whole_place(self, folder: str) -> str:
        """Give the place that the Dockerfile names above a source directory (`/src` for `/src/lib/a.c`)."""
        holders = [place for place in self.places if inside(folder, place) and not self._of_system(place)]
        return min(holders, key=len) if holders else folder

    def is_source_tree(self, folder: str) -> bool:
        """Tell whether build files or sources lie right in a directory."""
        return self._compiles(self.view.children(folder))

    def in_build_tree(self, path: str) -> bool:
        """Tell whether a path lies where something was compiled."""
        return any(inside(path, tree) for tree in self.build_trees) or (
            bool(self.root_tree) and (path.partition("/")[0] in self.root_tree or "/" not in path)
        )

    @functools.cached_property
    def _serves_modules(self) -> bool:
        """Tell whether something reads node_modules: Node itself, or a program or page that names the directory."""
        if "node" in self.reach.languages:
            return True
        programs = [facts for path in self.reach.why if (facts := self.view.elf(path)) is not None]
        if any("node_modules" in facts.runs or any("node_modules" in name for name in facts.paths) for facts in programs):
            return True
        pages = (path for path in self.view.below("") if _PAGE.fullmatch(path) and "node_modules/" not in path)
        return any(
            self.in_build_tree(path) and self.view.is_new(path) and b"node_modules" in (self.view.text(path, 1 << 18) or b"")
            for path in pages
        )

    def pruned(self, path: str) -> bool:
        """Tell whether a path goes with the development packages that the stage in between takes away."""
        if not self._pruned:
            return False
        return path in self._pruned or ("node_modules/" in path and _within(path, self._pruned))

    def _to_the_terminal(self, path: str) -> bool:
        """Tell whether a log file is a link to what the container prints."""
        return self.view.kind(path) is Kind.SYMLINK and self.view.link(path).startswith(
            ("/dev/std", "/dev/fd/", "/proc/self/fd/")
        )

    def _of_idle_manager(self, path: str) -> bool:
        match = _MANAGERS.fullmatch(path)
        if match is None or path in self.reach.why:
            return False
        if match["file"]:
            return path.rpartition("/")[2] not in self.reach.words
        return not any(inside(reached, match["folder"]) for reached in self.reach.why)

    def _of_plug_and_play(self, path: str) -> bool:
        """Tell whether a file lies in Yarn's cache and the application loads its packages from there (Yarn, "Plug'n'Play")."""
        root, found, _ = path.partition("/.yarn/cache/")
        return bool(found) and any(self.view.exists(f"{root}/{name}") for name in (".pnp.cjs", ".pnp.js"))

    def _of_idle_tool(self, path: str) -> bool:
        if not self._idle:
            return False
        if "node_modules/" in path:
            return _within(path, self._idle)
        real = self.view.real(path) if self.view.kind(path) is Kind.SYMLINK else None
        return real is not None and _within(real, self._idle)

    def verdict(self, path: str) -> Verdict | None:
        """Give why a new path stays behind; None where nothing speaks against keeping it."""
        if path not in self._verdicts:
            self._verdicts[path] = self._verdict(path)
        return self._verdicts[path]

    def _verdict(self, path: str) -> Verdict | None:
        if self.pruned(path):
            return Verdict("development packages", firm=True)
        if self._of_idle_tool(path):
            return Verdict("globally installed packages of which nothing that starts calls a command")
        if self._of_idle_manager(path):
            return Verdict("package managers that nothing that starts calls")
        if _STATE.fullmatch(path) and not self._to_the_terminal(path):
            return Verdict("state of the package manager, logs and temporary files")
        if _BUNDLED.fullmatch(path) or self._of_plug_and_play(path):
            return None
        if _CACHE.fullmatch(path):
            return Verdict("caches and toolchains in home directories")
        if (compiled := _BYTECODE.fullmatch(path)) and self.view.in_base(f"{compiled[1]}{compiled[2]}.py"):
            return Verdict("bytecode of the base's own modules, which Python makes again", firm=True)
        if found := self._by_finding.get(path):
            return Verdict(found)
        if path.endswith(".class") and any(inside(path, folder) for folder in self.reach.class_folders):
            return None
        if self.in_build_tree(path):
            if any(rule.fullmatch(path) for rule in (SOURCE, _BUILD_FOLDER, _OUTPUT)):
                return Verdict("sources, objects and build files of what was compiled", firm=True)
            return Verdict("other files of the source tree", data=True)
        if LIBRARY_TREE.fullmatch(path):
            return None
        if _DEVELOPMENT.fullmatch(path) and not any(inside(path, tree) for tree in self.app_trees):
            return Verdict("headers, static libraries, manuals: for building and reading only")
        if re.fullmatch(r"(.*/)?(\.git|\.hg|\.svn)(/.*|\Z)", path):
            return Verdict("history of a version control system")
        return None

    def kept_from_caution(self, path: str) -> bool:
        """Tell whether a path of the source tree may be data that the program reads from the directory it starts in."""
        if path in self._by_finding or not self.in_build_tree(path):
            return False
        # sources somewhere below the directory that it starts in: it would not look there
        if not any(
            inside(path, tree) and (self.root_tree or (folder and self.in_build_tree(folder)))
            for folder, tree in self._started_in.items()
        ):
            return False
        if any(rule.fullmatch(path) for rule in (SOURCE, _BUILD_FOLDER, _ABOUT, _OUTPUT)):
            return False
        if "node_modules/" in path and not self._serves_modules:
            return False
        # a binary or jar that nothing starts, where one is started, is an intermediate of the build; data has no program headers
        if (_ARTIFACT.fullmatch(path) or _PACKED.fullmatch(path)) and any(
            _ARTIFACT.fullmatch(script) for script in self.reach.scripts
        ):
            return False
        facts = self.view.elf(path)
        return facts is None or is_plugin(path, facts)


def is_plugin(path: str, facts: ElfFacts) -> bool:
    """Tell whether an ELF file is made to be opened by a program, not to be linked with: a library without a linker's name.

    CMake's modules have no soname, libtool's have the file's own name (CMake, "MODULE"; libtool, "-module").
    """
    name = path.rpartition("/")[2]
    made_to_load = facts.kind == "ET_DYN" and not facts.interpreter and re.search(r"\.so(\.|\Z)", name) is not None
    return made_to_load and (not facts.soname or (facts.soname == name and not name.startswith("lib")))


def _upwards(path: str) -> Iterator[str]:
    """Give a path and the directories above it, the root left out."""
    while path:
        yield path
        path = path.rpartition("/")[0]


def _within(path: str, folders: frozenset[str]) -> bool:
    """Tell whether a path or a directory above it is among `folders`."""
    while path:
        if path in folders:
            return True
        path = path.rpartition("/")[0]
    return False


def _finding_paths(view: View, waste: WasteReport | None) -> dict[str, str]:
    """Give by path the kind of waste that certain or strong findings (A, B) say it is."""
    found: dict[str, str] = {}
    for finding in waste.findings if waste else ():
        if finding.kind in _FINDINGS and finding.confidence in ("A", "B"):
            for layer, entry in finding.entries:
                path = view.table.index(layer).paths[entry]
                # which of Node's packages go is for `node.prunes` to say: some of these records may be needed
                if view.table.hidden_by(layer, entry) is None and not (
                    finding.kind == "dev-dependencies" and "node_modules/" in path
                ):
                    found.setdefault(view.table.index(layer).paths[entry], _FINDINGS[finding.kind])
    return found
