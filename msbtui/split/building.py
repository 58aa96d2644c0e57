"""Commands that compile, bundle or build: what starts one of them needs its toolchain."""

from __future__ import annotations

from msbtui.split.words import Words

MANAGERS = frozenset(("npm", "yarn", "pnpm", "npx", "bun"))
"""Package managers of Node: what their scripts run decides, where that can be read."""
_ALWAYS = frozenset(
    (  # noqa: SIM905
        "make gmake cmake gcc g++ cc c++ clang clang++ ld cargo rustc mvn mvnw gradle gradlew sbt lein stack cabal ghc runghc "
        "runhaskell ninja meson bazel bazelisk tsc javac node-gyp mix rebar3 gfortran tcc dune nimble gprbuild scons ant xbuild "
        "msbuild air CompileDaemon webpack-dev-server buck2 pants kotlinc scalac"
    ).split()
)  # fmt: skip
_WITH = {
    "go": frozenset(("run", "build", "test", "install", "generate", "get", "vet")),
    "dotnet": frozenset(("run", "watch", "build", "test", "publish", "restore")),
    "swift": frozenset(("run", "build", "test")),
    "zig": frozenset(("run", "build", "build-exe", "test")),
    "crystal": frozenset(("run", "build", "spec")),
    "nim": frozenset(("c", "cpp", "compile", "r")),
    "dub": frozenset(("run", "build", "test")),
    "elm": frozenset(("make", "reactor")),
    "npm": frozenset(("dev", "watch")),
    "yarn": frozenset(("dev", "watch")),
    "pnpm": frozenset(("dev", "watch")),
    "bun": frozenset(("dev", "watch", "build")),
    # bundlers: their servers build what they serve
    "ng": frozenset(("serve", "s", "build", "b", "dev")),
    "react-scripts": frozenset(("start", "build", "test")),
    "craco": frozenset(("start", "build")),
    "vue-cli-service": frozenset(("serve", "build")),
    "next": frozenset(("dev", "build")),
    "nuxt": frozenset(("dev", "build", "generate")),
    "nuxi": frozenset(("dev", "build", "generate")),
    "gatsby": frozenset(("develop", "build")),
    "astro": frozenset(("dev", "build")),
    "svelte-kit": frozenset(("dev", "build")),
    "remix": frozenset(("dev", "build")),
    "docusaurus": frozenset(("start", "build")),
    "vuepress": frozenset(("dev", "build")),
    "snowpack": frozenset(("dev", "build")),
}
_UNLESS = {
    "vite": frozenset(("preview",)),
    "webpack": frozenset(("version", "info")),
    "rollup": frozenset[str](),
    "parcel": frozenset(("help", "version")),
}
"""Bundlers that build with any other first argument, or with none."""
_STARTS = (["run"], ["run-script"], ["exec"], ["dlx"], ["x"])
_ASKS_ONLY = frozenset(("--version", "--help", "-v", "-V", "-h"))


def builds(words: Words) -> bool:
    """Tell whether a command (its words without quotes) compiles, bundles or builds."""
    name = words[0].rpartition("/")[2]
    if len(words) == 2 and words[1] in _ASKS_ONLY:
        return False
    arguments = [word for word in words[1:] if not word.startswith("-")]
    if name in MANAGERS:
        arguments = arguments[1:] if arguments[:1] in _STARTS else arguments
        if arguments and arguments[0] not in MANAGERS and builds(tuple(arguments)):
            return True
    first = arguments[0] if arguments else ""
    if name in _ALWAYS or (name in _WITH and first in _WITH[name]):
        return True
    return name in _UNLESS and first not in _UNLESS[name]
