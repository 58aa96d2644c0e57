"""The configuration of the runtime stage: the author's own lines where they still say it, else lines made from the image's."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from msbtui.dockerfile.expand import ExpandError, expand
from msbtui.dockerfile.model import Instruction
from msbtui.image.model import Healthcheck, ImageConfig
from msbtui.split.view import DEFAULT_PATH, env_of

_DEFAULT_SHELL = ("/bin/sh", "-c")
_TOOLCHAIN_ENV = re.compile(
    r"(GO(PATH|ROOT|TOOLCHAIN|LANG_VERSION|PROXY|FLAGS|CACHE|BIN|111MODULE|SUMDB|NOSUMDB|PRIVATE|NOPROXY|OS|ARCH)|CGO_[A-Z]+|GOLANG_.*|CARGO_HOME|RUSTUP_HOME|RUST_VERSION|MAVEN_.*|GRADLE_.*|M2_HOME|GPG_KEYS?|PYTHON_(PIP|GET_PIP|SETUPTOOLS|SHA256).*"
    r"|YARN_VERSION|GCC_.*|PHPIZE_DEPS|PHP_(CFLAGS|CPPFLAGS|LDFLAGS|ASC_URL|URL|SHA256)|.*_(SHA(1|256|512)|MIRRORS|MIRROR|ASC_URL|DOWNLOAD_URL)|CC|CXX|CARGO_HTTP_CAINFO|PIP_CERT)"
)
"""Variables that toolchain images set for the toolchain alone."""


_VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w*)")
OWN = "the author's own line: what configures a container does not cross stages"


class Line(msgspec.Struct, frozen=True):
    """One instruction of the runtime stage, and where its text comes from."""

    keyword: str
    text: str
    """The whole instruction."""
    why: str


class Dropped(msgspec.Struct, frozen=True):
    """A setting of the original's base that the runtime stage does not have, and why: an allowed difference."""

    field: str
    """`Env`, `Labels`."""
    name: str
    why: str


class Metadata(msgspec.Struct):
    """The lines that make the configuration equal, and what differs on purpose."""

    lines: list[Line] = []
    dropped: list[Dropped] = []

    def of(self, *keywords: str) -> list[Line]:
        """Give the lines of these keywords, in order."""
        return [line for line in self.lines if line.keyword in keywords]


def plan_metadata(
    config: ImageConfig,
    before: ImageConfig | None,
    runtime: ImageConfig,
    instructions: Sequence[Instruction],
    *,
    escape: str = "\\",
    needed_folders: Iterable[str] = (),
    gone: Callable[[str], bool] = lambda _: False,
) -> Metadata:
    """Give the lines that turn the configuration of the runtime base into the original's.

    `before`: the original base's configuration, None where unknown. `needed_folders`: absolute directories of executables
    that are found through PATH. `gone`: whether an absolute path of the original is not in the runtime stage.
    """
    plan = Metadata()
    work = _Work(config, before, runtime, list(instructions), escape, plan)
    work.environment(set(needed_folders), gone)
    work.labels()
    work.simple(
        "SHELL",
        config.shell or _DEFAULT_SHELL,
        runtime.shell or _DEFAULT_SHELL,
        lambda: f"SHELL {_json(config.shell or _DEFAULT_SHELL)}",
    )
    work.simple("WORKDIR", config.workdir or "/", runtime.workdir or "/", lambda: f"WORKDIR {_word(config.workdir or '/')}")
    work.listed("EXPOSE", config.exposed_ports, runtime.exposed_ports)
    work.listed("VOLUME", config.volumes, runtime.volumes)
    work.simple("STOPSIGNAL", config.stop_signal, runtime.stop_signal, lambda: f"STOPSIGNAL {config.stop_signal or 'SIGTERM'}")
    work.health()
    work.simple("USER", config.user, runtime.user, lambda: f"USER {_word(config.user or 'root')}")
    for instruction in work.instructions:
        if instruction.keyword == "ONBUILD" and config.onbuild:
            plan.lines.append(Line("ONBUILD", instruction.source.strip(), OWN))
    work.commands()
    return plan


class _Work:
    def __init__(
        self,
        config: ImageConfig,
        before: ImageConfig | None,
        runtime: ImageConfig,
        instructions: list[Instruction],
        escape: str,
        plan: Metadata,
    ) -> None:
        self.config, self.before, self.runtime = config, before, runtime
        self.instructions, self.escape, self.plan = instructions, escape, plan

    def own(self, keyword: str) -> list[Instruction]:
        """Give the author's instructions of one keyword in the final stage."""
        return [instruction for instruction in self.instructions if instruction.keyword == keyword]

    def add(self, keyword: str, text: str, why: str) -> None:
        self.plan.lines.append(Line(keyword, text, why))

    def pairs(self, instruction: Instruction) -> list[tuple[str, str]]:
        """Give (name, raw value) of an ENV or LABEL, as written."""
        words = list(instruction.words)
        if words and "=" not in words[0]:
            return [(words[0], instruction.value.strip()[len(words[0]) :].strip())]
        return [(name, value) for name, _, value in (word.partition("=") for word in words)]

    def evaluate(self, keyword: str, start: Mapping[str, str], variables: Mapping[str, str]) -> dict[str, str] | None:
        """Give what the author's ENV or LABEL lines make of `start` in the runtime stage; None where they cannot be evaluated."""
        result, known = dict(start), dict(variables)
        for instruction in self.own(keyword):
            try:
                values = {
                    expand(name, known, self.escape): expand(value, known, self.escape) for name, value in self.pairs(instruction)
                }
            except ExpandError:  # BuildKit would refuse it too: written from the configuration instead
                return None
            result.update(values)
            if keyword == "ENV":
                known.update(values)
        return result

    def arguments(self, keyword: str) -> tuple[list[Instruction], dict[str, str]]:
        """Give the ARG lines that the author's ENV or LABEL lines need, and the values that they have by default."""
        used = {name for instruction in self.own(keyword) for name in _VARIABLE.findall(instruction.value)}
        found: list[Instruction] = []
        values: dict[str, str] = {}
        for instruction in reversed(self.own("ARG")):
            pairs = [(name, value) for name, _, value in (word.partition("=") for word in instruction.words)]
            if used & {name for name, _ in pairs}:
                found.insert(0, instruction)
                used |= {name for _, value in pairs for name in _VARIABLE.findall(value)}
        for instruction in found:
            for name, given, value in (word.partition("=") for word in instruction.words):
                if given:
                    try:
                        values[name] = expand(value, values, self.escape)
                    except ExpandError:
                        continue
        return found, values

    def environment(self, folders: set[str], gone: Callable[[str], bool]) -> None:
        final, has = env_of(self.config), env_of(self.runtime)
        was = env_of(self.before) if self.before is not None else None
        own = {name for instruction in self.own("ENV") for name, _ in self.pairs(instruction)}
        wanted: dict[str, str] = {}
        for name, value in final.items():
            if has.get(name) == value or (name == "PATH" and "PATH" not in has and value == DEFAULT_PATH):
                continue
            inherited = was.get(name) == value if was is not None else name not in own
            if inherited and name == "PATH":
                there = set((has.get("PATH") or DEFAULT_PATH).split(":"))
                if folders <= there:
                    self.plan.dropped.append(
                        Dropped(
                            "Env",
                            name,
                            "the base's PATH names directories of the toolchain; every needed command is found without them",
                        )
                    )
                    continue
            elif inherited and (_TOOLCHAIN_ENV.fullmatch(name) or (value.startswith("/") and gone(value))):
                self.plan.dropped.append(
                    Dropped("Env", name, "the base sets it for the toolchain, which stays in the build stage")
                )
                continue
            elif inherited and name.endswith("_VERSION") and name not in has:
                self.plan.dropped.append(Dropped("Env", name, "the base says with it which toolchain it holds"))
                continue
            wanted[name] = value
        if not wanted:
            return
        arguments, defaults = self.arguments("ENV")
        made = self.evaluate("ENV", has, {**defaults, **has})
        surplus = made is not None and any(
            name not in final or final[name] != value for name, value in made.items() if name in own
        )
        if made is not None and not surplus and all(made.get(name) == value for name, value in wanted.items()):
            for instruction in arguments:
                self.add("ARG", instruction.source.strip(), "the lines below name it, and arguments do not cross stages")
            for instruction in self.own("ENV"):
                self.add("ENV", instruction.source.strip(), "the author's own line: it gives the same value here")
            return
        self.add("ENV", _assignments("ENV", wanted, self.escape), "the environment of the original, as its configuration has it")

    def labels(self) -> None:
        has = self.runtime.labels
        own = {name for instruction in self.own("LABEL") for name, _ in self.pairs(instruction)}
        wanted: dict[str, str] = {}
        for name, value in self.config.labels.items():
            if has.get(name) == value:
                continue
            inherited = self.before.labels.get(name) == value if self.before is not None else not own
            if inherited:
                self.plan.dropped.append(Dropped("Labels", name, "it describes the original's base"))
                continue
            wanted[name] = value
        if not wanted:
            return
        arguments, defaults = self.arguments("LABEL")
        made = self.evaluate("LABEL", has, {**defaults, **env_of(self.runtime)})
        if made is not None and all(made.get(name) == value for name, value in wanted.items()):
            there = {line.text for line in self.plan.of("ARG")}
            for instruction in arguments:
                if (text := instruction.source.strip()) not in there:
                    self.add("ARG", text, "the lines below name it, and arguments do not cross stages")
            for instruction in self.own("LABEL"):
                self.add("LABEL", instruction.source.strip(), OWN)
            return
        self.add("LABEL", _assignments("LABEL", wanted, self.escape), "the labels of the original")

    def simple(self, keyword: str, value: object, has: object, make: Callable[[], str]) -> None:
        """Write one setting where it differs: the author's last line where it says just that, else a made one."""
        if value == has:
            return
        own = self.own(keyword)
        if own and "$" not in own[-1].value:
            last = own[-1]
            said: object = tuple(last.words) if keyword == "SHELL" else last.value.strip().strip("\"'")
            if said == value and (keyword != "WORKDIR" or last.value.startswith("/")):
                self.add(keyword, last.source.strip(), OWN)
                return
        self.add(keyword, make(), "as the original's configuration has it")

    def listed(self, keyword: str, value: Sequence[str], has: Sequence[str]) -> None:
        """Write ports or volumes that the runtime base does not have."""
        wanted = [item for item in value if item not in has]
        if not wanted:
            return
        own = self.own(keyword)
        plain = all("$" not in instruction.value for instruction in own)
        said = {self._normal(keyword, word) for instruction in own for word in instruction.words}
        if own and plain and said >= set(wanted) and said <= set(value):
            for instruction in own:
                self.add(keyword, instruction.source.strip(), OWN)
        elif keyword == "VOLUME":
            self.add(keyword, f"VOLUME {_json(wanted)}", "the volumes of the original")
        else:
            self.add(keyword, f"EXPOSE {' '.join(port.removesuffix('/tcp') for port in wanted)}", "the ports of the original")

    def _normal(self, keyword: str, word: str) -> str:
        return word if keyword == "VOLUME" or "/" in word else f"{word}/tcp"

    def health(self) -> None:
        check = self.config.healthcheck
        if check == self.runtime.healthcheck:
            return
        own = self.own("HEALTHCHECK")
        if own:
            self.add("HEALTHCHECK", own[-1].source.strip(), OWN)
        else:
            self.add("HEALTHCHECK", _healthcheck(check), "the health check that the original inherits")

    def commands(self) -> None:
        config, runtime = self.config, self.runtime
        entrypoint = config.entrypoint != runtime.entrypoint
        if entrypoint:
            self._command("ENTRYPOINT", config.entrypoint)
        # ENTRYPOINT takes back the base's CMD (BuildKit, dockerfile2llb/convert.go, dispatchEntrypoint)
        if config.cmd != (() if entrypoint else runtime.cmd):
            self._command("CMD", config.cmd)

    def _command(self, keyword: str, words: Sequence[str]) -> None:
        own = self.own(keyword)
        if own:
            last = own[-1]
            shell = tuple(self.config.shell or _DEFAULT_SHELL)
            said = tuple(last.words) if last.json else (*shell, last.value.strip())
            if said == tuple(word.strip() if not last.json else word for word in words):
                self.add(keyword, last.source.strip(), OWN)
                return
        self.add(keyword, f"{keyword} {_json(words)}", "as the original's configuration has it")


def _json(words: Iterable[str]) -> str:
    return json.dumps(list(words), ensure_ascii=False)


def _word(text: str) -> str:
    return text.replace("\\", "\\\\").replace("$", "\\$")


def _quoted(value: str, escape: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9_./:@%+,=~-]*", value):
        return value or '""'
    for char in (escape, '"', "$"):
        value = value.replace(char, escape + char)
    return f'"{value}"'


def _assignments(keyword: str, values: Mapping[str, str], escape: str) -> str:
    pairs = [
        f"{name if re.fullmatch(r'[A-Za-z0-9_.-]+', name) else _quoted(name, escape)}={_quoted(value, escape)}"
        for name, value in values.items()
    ]
    return f"{keyword} " + f" {escape}\n    ".join(pairs)


def _healthcheck(check: Healthcheck | None) -> str:
    if check is None or check.test[:1] in ((), ("NONE",)):
        return "HEALTHCHECK NONE"
    times = (
        ("interval", check.interval),
        ("timeout", check.timeout),
        ("start-period", check.start_period),
        ("start-interval", check.start_interval),
    )
    flags = [f"--{name}={value / 1e9:g}s" for name, value in times if value]
    flags += [f"--retries={check.retries}"] if check.retries else []
    test = f"CMD {' '.join(check.test[1:])}" if check.test[0] == "CMD-SHELL" else f"CMD {_json(check.test[1:])}"
    return " ".join(["HEALTHCHECK", *flags, test])
