"""`package-cache`: what package managers keep in order to be faster next time; in an image there is no next time.

The places are the managers' own defaults; sources: reference manuals named beside each row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from msbtui.analysis.waste.kind import Draft, WasteKind
from msbtui.analysis.waste.scene import Scene
from msbtui.regex import regex


class Cache(msgspec.Struct, frozen=True):
    """Where one manager keeps its cache, and how its user keeps it out of an image."""

    tool: str
    places: tuple[str, ...]
    """Directories; `~` is every home directory, `+` that, /opt and the root, `$NAME` (or `$NAME|default`) what the
    configuration's environment has."""
    advice: str
    matching: str = ""
    """Only files below the places whose path (from the place) matches this, wholly."""
    confidence: str = "A"
    runners: tuple[str, ...] = ()
    """Where the container starts one of these, it may read the cache: then it is none."""


CACHES = (
    # apt: apt.conf(5) Dir::State::lists, Dir::Cache; Debian's /etc/apt/apt.conf.d/docker-clean
    Cache(
        "apt",
        ("var/lib/apt/lists",),
        "End the RUN with `rm -rf /var/lib/apt/lists/*`, or mount: RUN --mount=type=cache,target=/var/lib/apt/lists.",
        matching=r".*(Packages|Sources|InRelease|Release|Release\.gpg|Contents[^/]*|Translation[^/]*|Index)(\.(gz|xz|lz4|bz2|zst))?(\.diff.*)?",
    ),
    Cache(
        "apt",
        ("var/cache/apt",),
        "End the RUN with `apt-get clean`, or mount: RUN --mount=type=cache,target=/var/cache/apt.",
        matching=r"archives/(partial/)?[^/]+\.deb|(src)?pkgcache\.bin",
    ),
    # apk(8), --no-cache
    Cache("apk", ("var/cache/apk", "etc/apk/cache"), "Use `apk add --no-cache`.", matching=r".*\.apk|APKINDEX.*"),
    # dnf.conf(5) cachedir, yum.conf(5), zypper(8), pacman.conf(5) CacheDir
    Cache(
        "dnf/yum",
        ("var/cache/dnf", "var/cache/yum", "var/cache/libdnf5", "var/cache/PackageKit"),
        "End the RUN with `dnf clean all` (or `yum clean all`).",
    ),
    Cache("zypper", ("var/cache/zypp",), "End the RUN with `zypper clean --all`."),
    Cache("pacman", ("var/cache/pacman/pkg",), "End the RUN with `pacman -Scc --noconfirm`."),
    # pip: "Caching"; uv: "Cache directory"; poetry: cache-dir; pipenv: PIPENV_CACHE_DIR
    Cache(
        "pip",
        ("$PIP_CACHE_DIR", "~/.cache/pip", "$XDG_CACHE_HOME/pip"),
        "Use `pip install --no-cache-dir`, or mount: RUN --mount=type=cache,target=/root/.cache/pip.",
    ),
    Cache(
        "uv",
        ("$UV_CACHE_DIR", "~/.cache/uv", "$XDG_CACHE_HOME/uv"),
        "Use `uv --no-cache`, or mount the cache with RUN --mount=type=cache.",
    ),
    Cache(
        "poetry",
        ("$POETRY_CACHE_DIR", "~/.cache/pypoetry", "$XDG_CACHE_HOME/pypoetry"),
        "Use `poetry install --no-cache`, or mount the cache.",
    ),
    Cache("pipenv", ("$PIPENV_CACHE_DIR", "~/.cache/pipenv"), "Set PIPENV_CACHE_DIR to a mount: RUN --mount=type=cache."),
    Cache(
        "conda",
        ("opt/conda/pkgs", "$CONDA_DIR/pkgs", "+miniconda3/pkgs", "+anaconda3/pkgs", "+miniforge3/pkgs", "+mambaforge/pkgs"),
        "End the RUN with `conda clean -afy`.",
    ),
    # npm: config cache; yarn: cacheFolder; pnpm: store-dir; bun: install cache; node-gyp: devdir
    Cache(
        "npm",
        ("$npm_config_cache", "$NPM_CONFIG_CACHE", "~/.npm"),
        "End the RUN with `npm cache clean --force`, or mount: RUN --mount=type=cache,target=/root/.npm.",
        matching=r"(_cacache|_logs|_npx|_prebuilds)/.*|_update-notifier-last-checked|anonymous-cli-metrics\.json",
    ),
    Cache(
        "yarn",
        ("$YARN_CACHE_FOLDER", "~/.cache/yarn", "usr/local/share/.cache/yarn", "~/.yarn/berry/cache"),
        "End the RUN with `yarn cache clean`, or mount the cache.",
    ),
    Cache(
        "pnpm",
        ("~/.local/share/pnpm/store", "~/.pnpm-store", "~/.cache/pnpm"),
        "Mount the store: RUN --mount=type=cache,target=/root/.local/share/pnpm/store.",
    ),
    Cache(
        "bun",
        ("$BUN_INSTALL_CACHE_DIR", "~/.bun/install/cache"),
        "Mount the cache: RUN --mount=type=cache,target=/root/.bun/install/cache.",
    ),
    Cache(
        "node-gyp", ("~/.cache/node-gyp", "~/.node-gyp"), "Build native modules in a build stage, or delete it in the same RUN."
    ),
    Cache("deno", ("$DENO_DIR|~/.cache/deno",), "Mount it: RUN --mount=type=cache.", confidence="B", runners=("deno",)),
    # maven: localRepository; gradle: GRADLE_USER_HOME; ivy; coursier
    Cache(
        "maven",
        ("~/.m2/repository",),
        "Build in a first stage, or mount: RUN --mount=type=cache,target=/root/.m2.",
        confidence="B",
        runners=("mvn", "mvnw"),
    ),
    Cache(
        "gradle",
        ("$GRADLE_USER_HOME|~/.gradle",),
        "Build in a first stage, or mount: RUN --mount=type=cache,target=/root/.gradle.",
        matching=r"(caches|wrapper/dists|daemon)/.*",
        confidence="B",
        runners=("gradle", "gradlew"),
    ),
    Cache(
        "ivy",
        ("~/.ivy2/cache", "~/.ivy2/local"),
        "Build in a first stage, or mount the cache.",
        confidence="B",
        runners=("sbt", "ivy", "cs"),
    ),
    Cache(
        "coursier",
        ("~/.cache/coursier",),
        "Build in a first stage, or mount the cache.",
        confidence="B",
        runners=("sbt", "ivy", "cs"),
    ),
    Cache("sbt", ("~/.sbt/boot",), "Build in a first stage, or mount the cache.", confidence="B", runners=("sbt",)),
    Cache("stack", ("~/.stack/programs", "~/.stack/pantry"), "Build in a first stage.", confidence="B", runners=("stack",)),
    Cache("cabal", ("~/.cabal/packages", "~/.cache/cabal"), "Build in a first stage.", confidence="B", runners=("cabal",)),
    Cache("dart", ("$PUB_CACHE|~/.pub-cache",), "Build in a first stage.", confidence="B", runners=("dart", "flutter")),
    Cache("bazel", ("~/.cache/bazel",), "Build in a first stage, or mount the cache.", confidence="B", runners=("bazel",)),
    # cargo: "Cargo Home"
    Cache(
        "cargo",
        ("$CARGO_HOME|~/.cargo", "usr/local/cargo"),
        "Build in a first stage, or mount: RUN --mount=type=cache,target=/usr/local/cargo/registry.",
        matching=r"(registry|git)/.*|\.package-cache.*",
        runners=("cargo",),
    ),
    # go: go help environment (GOMODCACHE, GOCACHE)
    Cache(
        "go modules",
        ("$GOMODCACHE", "$GOPATH/pkg/mod", "~/go/pkg/mod", "go/pkg/mod"),
        "Build in a first stage, or mount: RUN --mount=type=cache,target=/go/pkg/mod.",
        runners=("go",),
    ),
    Cache(
        "go checksums",
        ("$GOPATH/pkg/sumdb", "~/go/pkg/sumdb", "go/pkg/sumdb"),
        "Build in a first stage, or mount: RUN --mount=type=cache,target=/go/pkg.",
    ),
    Cache(
        "go build",
        ("$GOCACHE", "~/.cache/go-build"),
        "Build in a first stage, or mount: RUN --mount=type=cache,target=/root/.cache/go-build.",
        runners=("go",),
    ),
    # rubygems, bundler, composer (cache-dir), nuget, hex
    Cache(
        "gem",
        ("usr/local/bundle/cache", "usr/local/lib/ruby/gems", "var/lib/gems", "~/.bundle/cache", "$GEM_HOME|usr/local/bundle"),
        'Delete it in the same RUN: `rm -rf "$(gem env gemdir)"/cache`.',
        matching=r"(.*/)?cache/([^/]+\.gem|bundler/.+)|[^/]+\.gem|bundler/git/.+",
    ),
    Cache(
        "composer",
        ("$COMPOSER_CACHE_DIR", "$COMPOSER_HOME/cache", "~/.cache/composer", "~/.composer/cache"),
        "Use `composer install --no-cache`, or mount the cache.",
    ),
    Cache(
        "nuget",
        ("~/.local/share/NuGet", "~/.nuget/packages"),
        "Publish in a first stage, or mount the cache.",
        confidence="B",
        runners=("dotnet",),
    ),
    Cache(
        "hex",
        ("$HEX_HOME/packages", "~/.hex/packages", "~/.cache/rebar3"),
        "Build the release in a first stage.",
        confidence="B",
        runners=("mix", "rebar3"),
    ),
    # ccache: cache_dir; sccache: SCCACHE_DIR
    Cache(
        "ccache", ("$CCACHE_DIR", "~/.cache/ccache", "~/.ccache"), "Mount it: RUN --mount=type=cache,target=/root/.cache/ccache."
    ),
    Cache("sccache", ("$SCCACHE_DIR", "~/.cache/sccache"), "Mount it: RUN --mount=type=cache,target=/root/.cache/sccache."),
)
_TAG = "Signature: 8a477f597d28d172789f06886806bc55"
"""First 43 bytes of a CACHEDIR.TAG (Cache Directory Tagging Specification)."""


def find(scene: Scene) -> Iterator[Draft]:
    """Give one draft for each manager and layer."""
    table = scene.table
    by_tool: dict[tuple[str, str, str], set[int]] = {}
    running = {word.rpartition("/")[2] for word in (*scene.needs.words, *scene.needs.files)}
    kept: dict[tuple[str, str, str], set[int]] = {}
    # What .pnp.cjs names lies in whichever cache yarn was told to use, and programs run out of it ("enableGlobalCache").
    plug_and_play = bool(scene.named_files(".pnp.cjs", ".pnp.js"))
    for cache in CACHES:
        pattern = regex(cache.matching) if cache.matching else None
        for place in _places(scene, cache):
            pids, start = scene.below(place), len(place) + 1
            if pattern is not None:
                pids = [pid for pid in pids if pattern.fullmatch(table.paths[pid], start)]
            is_read = not running.isdisjoint(cache.runners) or (plug_and_play and cache.tool == "yarn")
            which = kept if is_read else by_tool
            which.setdefault((cache.tool, cache.confidence, cache.advice), set()).update(pids)
    seen: set[int] = set()
    for (tool, confidence, advice), files in by_tool.items():
        yield from _drafts(scene, tool, confidence, advice, files - seen)
        seen |= files
    for (tool, confidence, advice), files in kept.items():
        for layer, rows in scene.by_layer(files - seen):
            yield Draft(layer, [], confidence, subject=f"{tool} cache", advice=advice, kept=rows)
    yield from _tagged(scene, seen)
    yield from _yarn(scene)
    yield from _in_node_modules(scene)


def _tagged(scene: Scene, seen: set[int]) -> Iterator[Draft]:
    """Directories that say of themselves that they are a cache."""
    for tag in scene.named_files("CACHEDIR.TAG"):
        place = tag.path.rpartition("/")[0]
        # Cargo's target directory holds what was built beside its cache; fontconfig's cache is read at run time.
        if not place or place.endswith("/fontconfig") or scene.file(f"{place}/.rustc_info.json") is not None:
            continue
        # uv and virtualenv tag virtual environments, so that no backup holds them; programs run in them.
        if scene.file(f"{place}/pyvenv.cfg") is not None:
            continue
        if (scene.text(tag.key, 64) or "").startswith(_TAG):
            tagged = set(scene.below(place)) - seen
            seen |= tagged
            yield from _drafts(scene, f"/{place}", "A", "Delete it in the same RUN, or mount it: RUN --mount=type=cache.", tagged)


def _yarn(scene: Scene) -> Iterator[Draft]:
    """Yarn's cache in the project, unless the program runs out of it (yarn, "Zero-installs": .pnp.cjs names its archives)."""
    for directory in scene.directories_named(".yarn"):
        project = scene.table.paths[directory].rpartition("/")[0]
        names = scene.names_in(project)
        if {".pnp.cjs", ".pnp.js"}.isdisjoint(names) and "node_modules" in names:
            advice = "Delete .yarn/cache in the RUN that installs, or set enableGlobalCache and mount the cache."
            yield from _drafts(scene, "yarn", "A", advice, scene.below(f"{scene.table.paths[directory]}/cache"))


def _in_node_modules(scene: Scene) -> Iterator[Draft]:
    """What bundlers and compilers keep of what they made (`find-cache-dir`: node_modules/.cache/TOOL)."""
    for directory in scene.directories_named(".cache"):
        place = scene.table.paths[directory]
        if place.endswith("node_modules/.cache"):
            advice = "Delete it in the RUN that builds, or mount it: RUN --mount=type=cache."
            yield from _drafts(scene, "node_modules/.cache", "B", advice, scene.below(place))


def _drafts(scene: Scene, tool: str, confidence: str, advice: str, pids: Iterable[int]) -> Iterator[Draft]:
    for layer, rows in scene.by_layer(pids):
        yield Draft(layer, rows, confidence, advice=advice, subject=f"{tool} cache" if tool[0] != "/" else tool)


def _places(scene: Scene, cache: Cache) -> list[str]:
    places: list[str] = []
    for place in cache.places:
        if place.startswith("$"):
            name, _, fallback = place[1:].partition("|")
            name, _, below = name.partition("/")
            # An environment that names the root or a system directory would make everything there a cache.
            value = scene.env.get(name, "").strip("/")
            place = f"{value}/{below}".strip("/") if value.count("/") >= 1 or below or (cache.matching and value) else fallback
        if place.startswith("+"):
            # An installer's own directory: in a home, in /opt or in the root.
            places += [place[1:], f"opt/{place[1:]}", *(f"{home}/{place[1:]}" for home in scene.homes)]
        elif place.startswith("~"):
            places += [home + place[1:] for home in scene.homes]
        elif place:
            places.append(place)
    return [place for place in dict.fromkeys(places) if scene.is_directory(place)]


KIND = WasteKind(
    id="package-cache",
    title="Package manager cache",
    explanation=(
        "Package managers keep indexes and downloads in order to be faster next time. An image is built once for each layer: "
        "what they keep is stored in the layer and never read again."
    ),
    advice="Clean up in the same RUN, or keep the cache outside the image with RUN --mount=type=cache.",
    find=find,
    spares_below=True,
)
