"""A plan from the text alone, for where there is no image: only where the text names what to copy, and always unproven."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from msbtui.dockerfile.model import Dockerfile, Instruction, Stage, StageGraph
from msbtui.split.model import Plan, Step
from msbtui.split.siblings import Reference, language_siblings
from msbtui.split.textfacts import TextFacts, above
from msbtui.split.textrecipes import Recipe, alpine_base, dotnet, elixir, haskell, java
from msbtui.split.write import RuntimeStage, install_line, stage_name, whole, with_stage_name

_UNPROVEN = (
    "there is no image: this comes from the text alone and is unproven; build the original and plan again, or use --verify"
)
_CODENAME = re.compile(r"\b(bullseye|bookworm|trixie|buster)\b")
_SYSTEMS = frozenset(("debian", "ubuntu", "alpine", "gcc", "buildpack-deps", "golang", "rust"))
_JAVA = frozenset(("eclipse-temurin", "ibm-semeru-runtimes", "sapmachine", "maven", "gradle"))
_TOOLCHAIN_ENV = {
    "golang": ("PATH", "GOPATH", "GOTOOLCHAIN", "GOLANG_VERSION"),
    "rust": ("PATH", "CARGO_HOME", "RUSTUP_HOME", "RUST_VERSION"),
    "gcc": ("GPG_KEYS", "GCC_MIRRORS", "GCC_VERSION"),
}
"""What these official images set for their toolchain alone."""
_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
"""Where Debian's and Alpine's images look for programs."""
_SETTINGS = re.compile(r"(?:-[^=]*=)?([\w./@+-]+\.(?:conf|cfg|config|ini|ya?ml|json|toml|xml|properties|env|lua))")
"""An argument that names a file of settings, by its ending."""
_INSTALLED = re.compile(r"/(usr/(local|share|lib|libexec)/.|opt/.|srv/.|app|etc/.|var/(lib|www)/.)")
_KEPT = frozenset(
    ("ENV", "LABEL", "EXPOSE", "VOLUME", "STOPSIGNAL", "HEALTHCHECK", "SHELL", "ONBUILD", "USER", "ENTRYPOINT", "CMD")
)
_DEPENDENCIES = (
    "RUN find {folders} -type f \\( -perm /111 -o -name '*.so*' \\) -exec ldd {{}} + 2>/dev/null {escape}\n"
    "        | awk '/=> \\// {{ print \"*\" $3 }}' | sort -u {escape}\n"
    "        | xargs -r dpkg-query --search 2>/dev/null | sed 's/[:,].*//' | sort -u > /runtime-packages || true"
)


_ALPINE_DEPENDENCIES = (
    "RUN apk add --no-cache pax-utils {escape}\n"
    "    && scanelf --recursive --nobanner --needed --format '%n#p' {folders} | tr ',' '\\n' | sort -u {escape}\n"
    '        | while read -r name; do [ -e "/usr/local/lib/$name" ] || echo "so:$name"; done > /runtime-packages'
)


def plan_from_text(dockerfile: Dockerfile, graph: StageGraph, stage: Stage) -> Plan:
    """Give the plan that the text allows: `split` where it names the artifacts, `refused` where the start compiles, or `none`."""
    reader = _Reader(dockerfile, graph, stage)
    if reader.origin is None:
        return Plan(
            "none",
            ("the stage starts from scratch or from another stage: it has nothing to leave behind", _UNPROVEN),
            "",
            proven=False,
        )
    if blame := reader.blame():
        return Plan("refused", (blame, _UNPROVEN), "", proven=False)
    recipe = reader.recipe()
    if recipe is None or not recipe.copies:
        return Plan(
            "none",
            (
                reader.objection or "the text does not say which files the build makes; with the built image it can be known",
                _UNPROVEN,
            ),
            "",
            proven=False,
        )
    name, has_name = stage_name(dockerfile, graph.stages, stage)
    source = dockerfile.source if has_name else with_stage_name(dockerfile, stage, name)
    text = whole(source, reader.write(recipe, name))
    reasons: tuple[str, ...] = (_UNPROVEN,)
    if reader.brought_whole and reference_compiles(reader.origin):
        reasons += (
            f"{reader.brought_whole} may bring files that the program reads while it runs: only the image can say which, "
            "so of these only what the text names comes along",
        )
    steps = [
        Step(f"FROM {reader.origin} AS {name}", "the author's instructions stay as they are, byte for byte, as the build stage"),
        Step(f"FROM {recipe.base}", recipe.why),
        *(Step(f"copy {path}", why) for path, why in recipe.copies),
    ]
    if reader.needs_packages:
        steps.append(
            Step(
                "install /runtime-packages",
                "which packages own the linked libraries is asked in the build stage itself, since only an image can say",
            )
        )
    dropped = tuple(
        f"Env.{variable}" for variable in _TOOLCHAIN_ENV.get(Reference(reader.origin).name, ()) if variable not in reader.own_env
    )
    return Plan("split", reasons, text, steps=tuple(steps), proven=False, dropped_settings=dropped)


def reference_compiles(origin: str) -> bool:
    """Tell whether a base's programs are compiled ones: what is copied is not the directory that the sources lie in."""
    return Reference(origin).name in _SYSTEMS


class _Reader(TextFacts):
    """What the text allows: what to copy, onto what, and the stage that does it."""

    def __init__(self, dockerfile: Dockerfile, graph: StageGraph, stage: Stage) -> None:
        super().__init__(dockerfile, graph, stage)
        self.objection = ""
        self.needs_packages = False

    def recipe(self) -> Recipe | None:
        """Give what to copy and onto what, by the kind of base; None where the text does not say."""
        assert self.origin is not None
        reference = Reference(self.origin)
        if reference.name == "python":
            return self._python(reference)
        if reference.name in ("node", "ruby"):
            return self._tree(reference)
        if reference.name in _SYSTEMS:
            return self._compiled(reference)
        found: Recipe | str = f"what {self.origin} holds cannot be told from its name"
        if reference.name == "sdk" and reference.prefix.endswith("dotnet/"):
            found = dotnet(reference, self.commands, self.start(), self.workdir)
        elif reference.name == "elixir":
            found = elixir(reference, self.commands, self.start(), self.workdir)
        elif reference.name == "haskell":
            found = haskell(reference, self.commands, self.start(), self.workdir)
            self.needs_packages = True
        elif reference.name in _JAVA:
            found = java(reference, self.start(), self.workdir)
        if isinstance(found, Recipe):
            return found
        self.objection = found
        return None

    def _slim(self) -> str | None:
        assert self.origin is not None
        found = language_siblings(self.origin)
        if found:
            return found[0]
        installed = self.packages.installed
        builds = any(word == "build-essential" or re.fullmatch(r"gcc|g\+\+|make|.*-dev", word) for word in installed)
        if not builds:
            self.objection = f"{self.origin} is small already, and no line installs a compiler"
        return self.origin if builds else None

    def _python(self, reference: Reference) -> Recipe | None:
        base = self._slim()
        if base is None:
            return None
        version = re.match(r"3\.\d+", reference.tag)
        copies: list[tuple[str, str]] = []
        virtual = next(
            (
                posixpath.join(folder, words[-1])
                for folder, words in self.commands
                if words[1:3] == ("-m", "venv") or words[0] == "virtualenv"
            ),
            None,
        )
        if virtual:
            copies.append((virtual, "the virtual environment, at the same path"))
        elif any(
            "install" in words and re.fullmatch(r"pip[\d.]*|python[\d.]*|poetry|uv", words[0].rpartition("/")[2])
            for _, words in self.commands
        ):
            if version:
                copies.append((f"/usr/local/lib/python{version[0]}/site-packages", "what pip installed"))
                copies.append(("/usr/local/bin", "the commands of what pip installed"))
            else:
                copies.append(("/usr/local", "what pip installed; the name of the base does not say which Python"))
        # with the compilers goes what psycopg2, mysqlclient and the like are linked with
        self.needs_packages = base != self.origin or any(word.endswith("-dev") for word in self.packages.installed)
        return Recipe(base, copies + self._application(), f"{base}: the same Python without the compilers, by its name")

    def _tree(self, reference: Reference) -> Recipe | None:
        base = self._slim()
        if base is None:
            return None
        copies = self._application()
        self.needs_packages = any(word.endswith("-dev") for word in self.packages.installed)
        if reference.name == "ruby":
            self.needs_packages = self.needs_packages or base != self.origin
            copies.insert(0, ("/usr/local/bundle", "what bundler installed"))
        return Recipe(base, copies, f"{base}: the same {reference.name} without the compilers, by its name")

    def _application(self) -> list[tuple[str, str]]:
        if self.workdir != "/":
            return [(self.workdir, "the application, where it starts")]
        return [(path, "the application") for path in dict.fromkeys(self.destinations) if path.count("/") >= 1 and path != "/"]

    def _compiled(self, reference: Reference) -> Recipe | None:
        found: dict[str, str] = {}
        for folder, words in self.commands:
            name = words[0].rpartition("/")[2]
            if "-o" in words[:-1] and (name in ("gcc", "g++", "cc", "c++", "clang", "clang++") or words[:2] == ("go", "build")):
                target = posixpath.normpath(posixpath.join(folder, words[words.index("-o") + 1]))
                if not target.endswith((".o", ".a", ".so")):
                    found[target] = f"`{' '.join(words[:3])} …` makes it"
            elif words[:2] == ("go", "install"):
                found["/go/bin"] = "`go install` puts the commands there"
            elif (name in ("make", "ninja", "meson") and "install" in words) or (name == "cmake" and "--install" in words):
                found[self._prefix()] = f"`{' '.join(words[:3])}` puts the program and its files there"
            elif name == "install" and len(words) > 2 and words[-1].startswith("/") and "-d" not in words:
                found[words[-1].rstrip("/")] = "`install` puts the program there"
            elif name == "cp" and len(words) > 2 and _INSTALLED.match(words[-1]):
                found[words[-1].rstrip("/")] = "`cp` puts it there"
        program = self.program()
        if "/" in program:
            path = posixpath.normpath(posixpath.join(self.workdir, program))
            if not any(path == other or path.startswith(other + "/") for other in found):
                found[path] = "it is what starts"
        elif program and not any(
            path.rpartition("/")[2] == program or path in ("/usr/local", "/go/bin") or path.endswith("/bin") for path in found
        ):
            self.objection = f"the text does not say where `{program}` comes from"
            return None
        if not found:
            return None
        for path, why in self._settings():
            if not any(path == other or path.startswith(other + "/") for other in found):
                found[path] = why
        static = self.env.get("CGO_ENABLED") == "0" or any(
            "CGO_ENABLED=0" in item.value for item in self.stage.instructions if item.keyword == "RUN"
        )
        self.needs_packages = not (reference.name == "golang" and static)
        found = {**self.data, **found}
        tops = [path for path in found if not any(path != other and path.startswith(other + "/") for other in found)]
        base = self._bare(reference, static=static)
        if base is None:
            return None
        return Recipe(
            base,
            [(path, found[path]) for path in sorted(tops)],
            f"{base}: the release that {self.origin} stands on, by its name, without the toolchain",
        )

    def _settings(self) -> Iterator[tuple[str, str]]:
        """Give the files of settings that the start is given by name and that come with a copy of the whole context."""
        for word in self.start()[1:]:
            named = _SETTINGS.fullmatch(word)
            path = posixpath.normpath(posixpath.join(self.workdir, named[1])) if named else ""
            if any(path.startswith(f"{whole.rstrip('/')}/") for whole in self.wholes) and not self.gone & {path, *above(path)}:
                yield path, f"what starts is given its name, and {self.brought_whole} brings it"

    def _prefix(self) -> str:
        for _, words in self.commands:
            for word in words:
                if match := re.fullmatch(r"(?:--prefix=|-DCMAKE_INSTALL_PREFIX=|PREFIX=)(/.+)", word):
                    return match[1].rstrip("/")
        return "/usr/local"

    def _bare(self, reference: Reference, *, static: bool) -> str | None:
        if reference.name == "ubuntu":
            return self.origin
        if reference.name == "alpine" or "alpine" in reference.tag:
            base = alpine_base(reference, static=static)
            if base is None:
                self.objection = "which Alpine release stands under the toolchain cannot be told from the name"
            return base
        if reference.name == "debian":
            return (
                self.origin
                if reference.tag.endswith("-slim")
                else reference.with_tag("stable-slim" if reference.tag in ("", "latest") else f"{reference.tag}-slim")
            )
        codename = _CODENAME.search(reference.tag)
        return f"debian:{codename[0]}-slim" if codename else "debian:stable-slim"

    def write(self, recipe: Recipe, stage: str) -> RuntimeStage:
        """Give the runtime stage, and before it the stage that asks which packages own the linked libraries."""
        written, escape = RuntimeStage(), self.dockerfile.escape
        name = Reference(recipe.base).name
        alpine = name == "alpine" or "alpine" in Reference(recipe.base).tag
        if self.needs_packages:
            folders = " ".join(path for path, _ in recipe.copies)
            ask = _ALPINE_DEPENDENCIES if alpine else _DEPENDENCIES
            written.add(
                [f"FROM {stage} AS runtime-packages", ask.format(folders=folders, escape=escape)],
                "which packages own the libraries that the program is linked with: only the built files can say",
            )
        written.add([f"FROM {recipe.base}"], "runtime stage: only what runs")
        written.add(list(dict.fromkeys(line for line in self.accounts if line)))
        wanted = [name for name in self.wanted() if name not in recipe.packages]
        recommends = self.packages.recommending(wanted)
        if self.needs_packages:
            packages = [*dict.fromkeys(["ca-certificates", *recipe.packages, *wanted]), "$(cat /tmp/runtime-packages)"]
            line = install_line(packages, alpine=alpine, recommends=recommends, escape=escape)
            line += f" {escape}\n    && rm /tmp/runtime-packages" if alpine else " /tmp/runtime-packages"
            written.add(["COPY --from=runtime-packages /runtime-packages /tmp/runtime-packages", line])
        elif name in ("debian", "ubuntu", "alpine") and not recipe.packages:
            packages = [*dict.fromkeys(["ca-certificates", *wanted])]
            line = install_line(packages, alpine=alpine, recommends=recommends, escape=escape)
            written.add([line], "TLS needs the certificates")
        elif recipe.packages or wanted:
            written.add([install_line([*recipe.packages, *wanted], alpine=alpine, recommends=recommends, escape=escape)])
        written.add([*recipe.env, *(f"ENV PATH={folder}:$PATH" for folder in self._off_path(recipe.copies))])
        if self.workdir != "/":
            written.add([f"WORKDIR {self.workdir}"])
        written.add([f"COPY --from={stage} {path} {path}" for path, _ in recipe.copies])
        if any(path.startswith("/usr/local") for path, _ in recipe.copies) and Reference(recipe.base).name != "alpine":
            written.add(["RUN ldconfig"])
        arguments = [item for item in self.stage.instructions if item.keyword == "ARG"]
        kept = [
            item
            for item in self.stage.instructions
            if item.keyword in _KEPT
            and not (
                item.keyword in ("USER", "CMD", "ENTRYPOINT", "HEALTHCHECK", "STOPSIGNAL", "SHELL") and self._overridden(item)
            )
        ]
        if any("$" in item.value for item in kept):
            kept = [*arguments, *kept]
        written.add([item.source.strip() for item in kept])
        return written

    def _off_path(self, copies: list[tuple[str, str]]) -> Iterator[str]:
        """Give the directory of a program that starts by its name alone, where only the toolchain's image looks for it there."""
        program = self.program()
        for path, _ in copies:
            folder = path if path.endswith("/bin") else posixpath.dirname(path)
            if "/" not in program and folder not in _PATH and program and (path == folder or posixpath.basename(path) == program):
                yield folder
                return

    def _overridden(self, instruction: Instruction) -> bool:
        return any(item.keyword == instruction.keyword and item.index > instruction.index for item in self.stage.instructions)
