"""What an image's history and a Dockerfile's instructions say, brought into one form so that they can be compared.

Formats: BuildKit, frontend/dockerfile/dockerfile2llb/convert.go, `commitToHistory`, `runCommandString` and the `dispatch*`
functions; the classic builder, moby builder/dockerfile/dispatchers.go and internals.go (`#(nop)`); kaniko writes the
instruction as it stands.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations

import msgspec

from msbtui.dockerfile.model import Instruction
from msbtui.image.model import HistoryItem
from msbtui.regex import regex
from msbtui.text import raw

KEYWORDS = frozenset(
    ("ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER")
) | frozenset(("ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"))
TEXT_LIMIT = 64 << 10
"""Characters of a text that are compared: a hostile history may be megabytes."""
_WILD = "\ue000"
_VARIABLE = r"%s\$|\$(?:(\w+)|\{(\w+)([^{}]*(?:\{[^{}]*\}[^{}]*)*)\})"
_MOST_GIVEN = 4
"""ARGs without default in one instruction, each of which may have been given; more are compared as they stand."""
_SUFFIX = " # buildkit"
_BUILD_ARGS = regex(r"\|(\d{1,4}) ")
_CLASSIC_COPY = regex(r"(?:file|dir|multi):\S+ in (.*)$")
_FLAG = regex(r"--([a-z-]+)(?:=(\S*))?\s+")
_PORT = regex(r"(?<![\w:])(\d+)(?:-(\d+))?(?:/(\w+))?")
_DURATION = regex(r"([\d.]+)(ns|us|µs|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_COPY_FLAGS = ("chown", "chmod", "parents")
"""Flags that history keeps; `--from`, `--link` and `--exclude` leave no trace."""


class Trace(msgspec.Struct, frozen=True):
    """One history item as its keyword and its folded text; `keyword` is empty where nothing is said (an import, a squash)."""

    keyword: str
    text: str
    classic_copy: bool = False
    """The classic builder hides the sources behind a hash: only flags and destination are in `text`."""
    flags: tuple[tuple[str, str], ...] = ()
    names: frozenset[str] = frozenset()
    tokens: Mapping[str, int] = {}


class Expected(msgspec.Struct, frozen=True):
    """What an instruction would leave in history: any of `texts` (with wildcards for variables that are not known)."""

    instruction: Instruction
    keyword: str
    texts: tuple[str, ...]
    destination: str = ""
    flags: tuple[tuple[str, str], ...] = ()
    names: frozenset[str] = frozenset()
    tokens: Mapping[str, int] = {}
    exec_form: bool = False
    health: tuple[float, ...] = ()
    onbuild: bool = False
    """A trigger of the stage below, run at the start of this one."""


def fold(text: str) -> str:
    """Give the text with every run of white space as one blank."""
    return " ".join(text[:TEXT_LIMIT].split())


def _bare(text: str) -> str:
    """Fold, and leave out quotes and backslashes: history holds values unquoted (ENV) or quoted by Go's %q (CMD)."""
    return fold(text.translate({ord(c): None for c in "\"'\\"}))


def read_history(item: HistoryItem) -> Trace:
    """Give what one history item says; never raises."""
    said = raw(item.created_by).decode("utf-8", "surrogateescape")[: 4 * TEXT_LIMIT].strip()
    buildkit = item.comment.startswith("buildkit") or said.endswith(_SUFFIX)
    said = said.removesuffix(_SUFFIX)
    if "#(nop)" in said and not buildkit:
        said = said.partition("#(nop)")[2].strip()
    word, _, rest = said.partition(" ")
    keyword = word.upper()
    if keyword not in KEYWORDS or word != keyword:
        keyword, rest = ("RUN", said) if said else ("", "")
    return _trace(keyword, rest)


def _trace(keyword: str, rest: str) -> Trace:
    flags: tuple[tuple[str, str], ...] = ()
    names: frozenset[str] = frozenset()
    classic = False
    if keyword == "RUN":
        text = fold(rest)
        return Trace(keyword, text, tokens=Counter(run_command(text).split()))
    if keyword in ("COPY", "ADD"):
        flags, rest = _take_flags(rest)
        found = _CLASSIC_COPY.match(rest.strip())
        classic = found is not None
        text = _bare(found[1] if found else rest)
    elif keyword == "EXPOSE":
        text = _ports(rest)
    elif keyword in ("CMD", "ENTRYPOINT", "VOLUME", "SHELL"):
        text = fold(_bare(rest).strip("[]").replace(",", " "))
    elif keyword == "HEALTHCHECK":
        text = rest.strip()
    else:
        text = _bare(rest)
        names = _names(text) if keyword in ("ENV", "ARG", "LABEL") else names
    return Trace(keyword, text, classic, flags, names, Counter(text.split()))


def _take_flags(rest: str) -> tuple[tuple[tuple[str, str], ...], str]:
    flags = []
    rest = rest.lstrip()
    while found := _FLAG.match(rest):
        flags.append((found[1], found[2] or ""))
        rest = rest[found.end() :]
    return _kept_flags(flags), rest


def _kept_flags(flags: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Give the flags that history keeps; a switch such as `--parents` stands there without a value, or not at all."""
    switched = ((name, "" if value == "true" else value) for name, value in flags if value != "false")
    return tuple(sorted(flag for flag in switched if flag[0] in _COPY_FLAGS))


def _names(text: str) -> frozenset[str]:
    return frozenset(word.partition("=")[0] for word in text.split() if "=" in word) or frozenset(text.split())


def _ports(text: str) -> str:
    """Give ports as ranges: a Dockerfile may say `1000-2000` where history lists every one."""
    found = _PORT.findall(text.replace("{}", ""))
    spans = sorted(((protocol or "tcp").lower(), int(low[:6]), int((high or low)[:6])) for low, high, protocol in found)
    joined: list[tuple[str, int, int]] = []
    for protocol, low, high in spans:
        if joined and joined[-1][0] == protocol and low <= joined[-1][2] + 1:
            joined[-1] = (protocol, joined[-1][1], max(joined[-1][2], high))
        else:
            joined.append((protocol, low, high))
    return " ".join(f"{low}-{high}/{protocol}" for protocol, low, high in joined)


def run_command(text: str) -> str:
    """Give the command of a RUN's history text, without build arguments (`|2 A=1 B=2`) and shell."""
    if counted := _BUILD_ARGS.match(text):
        _, found, command = text.partition(" -c ")
        return command if found else " ".join(text[counted.end() :].split(" ")[int(counted[1]) :])
    head, found, command = text.partition(" -c ")
    return command if found and len(head.split()) <= 4 else text


class Variables:
    """What ARG and ENV have set so far, as far as the Dockerfile and the build arguments tell it."""

    def __init__(self, global_args: Mapping[str, str], build_args: Mapping[str, str], escape: str) -> None:
        self._variable = regex(_VARIABLE % re.escape(escape))
        self._globals = dict(global_args)
        self._build_args = dict(build_args)
        self._env: dict[str, str] = {}
        self._args: dict[str, str] = {}

    def start_stage(self) -> None:
        """ARGs end with their stage; ENV goes on into a stage that is built from it."""
        self._args = {}

    def expand(self, text: str) -> str:
        """Give the text with known variables replaced, and a wildcard for what is not known."""

        def value(found: re.Match[str]) -> str:
            name = found[1] or found[2]
            if name is None:
                return "$"
            known = self._env.get(name, self._args.get(name))
            return _WILD if known is None or found[3] else known

        return self._variable.sub(value, text)[:TEXT_LIMIT]

    def set_env(self, pairs: Iterable[tuple[str, str]]) -> None:
        """ENV replaces an ARG of the same name."""
        self._env.update(pairs)

    def set_arg(self, name: str, default: str | None) -> None:
        """An ARG's value: the build argument, its default, or the global ARG's value; else not known."""
        value = self._build_args.get(name, default if default is not None else self._globals.get(name))
        if value is None:
            self._args.pop(name, None)
        else:
            self._args[name] = value


class Reader:
    """Brings instructions, in the order in which they run, into the form that history has."""

    def __init__(self, global_args: Mapping[str, str], build_args: Mapping[str, str], escape: str = "\\") -> None:
        self.variables = Variables(global_args, build_args, escape)
        self._build_args = build_args
        self._shell = "/bin/sh -c"
        self._workdir: str | None = None

    def start_stage(self) -> None:
        """Begin the first stage, or one that is built from the stage read last."""
        self.variables.start_stage()

    def read(self, instruction: Instruction, *, onbuild: bool = False) -> Expected | None:
        """Give what the instruction would leave in history, or None where it leaves nothing for certain."""
        keyword = instruction.keyword
        if keyword == "ONBUILD" or keyword not in KEYWORDS or keyword == "FROM":
            return None
        destination = ""
        health: tuple[float, ...] = ()
        flags: tuple[tuple[str, str], ...] = ()
        names: frozenset[str] = frozenset()
        if keyword == "RUN":
            commands = self._run(instruction)
            tokens = Counter(commands[0].split())
            return Expected(instruction, keyword, commands, tokens=tokens, exec_form=instruction.json, onbuild=onbuild)
        if keyword in ("COPY", "ADD"):
            words = [_bare(self.variables.expand(_heredoc_name(word))) for word in instruction.words]
            # In history heredoc sources come after the paths (dispatchCopy).
            text = " ".join([*sorted(words[:-1], key=lambda word: word.startswith("<<")), *words[-1:]])
            destination = words[-1] if words else ""
            given = ((flag.name, self.variables.expand(flag.value or "")) for flag in instruction.flags)
            flags = _kept_flags(given)
        elif keyword in ("CMD", "ENTRYPOINT"):
            text = _bare(" ".join(instruction.words)) if instruction.json else _bare(f"{self._shell} {instruction.value}")
            text = fold(text.replace(",", " "))
        elif keyword == "SHELL":
            self._shell = " ".join(instruction.words)
            text = fold(_bare(self._shell).replace(",", " "))
        elif keyword == "HEALTHCHECK":
            text, health = self._healthcheck(instruction)
        else:
            text = self._plain(instruction)
            names = _names(text) if keyword in ("ENV", "ARG", "LABEL") else names
        texts: tuple[str, ...] = (text,)
        if keyword == "ARG":
            texts = (text, " ".join(self._with_build_argument(word) for word in text.split()), *_given(text))
        return Expected(instruction, keyword, texts, destination, flags, names, Counter(text.split()), False, health, onbuild)

    def _run(self, instruction: Instruction) -> tuple[str, ...]:
        if instruction.json:
            return (fold(" ".join(instruction.words)),)
        value = fold(instruction.value)
        if not instruction.heredocs:
            return (value,)
        bodies = fold(" ".join(f"{doc.content}\n{doc.name}" for doc in instruction.heredocs))
        whole = f"{value} {bodies}"
        return (fold(instruction.heredocs[0].content), whole) if re.fullmatch(r"<<-?\S+", value) else (whole,)

    def _plain(self, instruction: Instruction) -> str:
        keyword, value = instruction.keyword, instruction.value
        expanded = self.variables.expand(value)
        if keyword in ("ENV", "LABEL"):
            first = expanded.split(None, 1)
            text = _bare(expanded if "=" in (first or [""])[0] else "=".join(first))
            if keyword == "ENV":
                self.variables.set_env(_pairs(expanded))
            return text
        if keyword == "ARG":
            for word in value.split():
                name, given, default = word.partition("=")
                self.variables.set_arg(name, _bare(self.variables.expand(default)) if given else None)
            return _bare(expanded)
        if keyword == "EXPOSE":
            return _ports(expanded) if _WILD not in expanded else _WILD
        if keyword == "VOLUME":
            words = instruction.words if instruction.json else expanded.split()
            return _bare(self.variables.expand(" ".join(words)))
        if keyword == "WORKDIR":
            path = _bare(expanded)
            if not path.startswith("/"):
                path = f"{_WILD if self._workdir is None else self._workdir}/{path}"
            self._workdir = _clean(path)
            return self._workdir
        return _bare(expanded)

    def _with_build_argument(self, word: str) -> str:
        name = word.partition("=")[0]
        return _bare(f"{name}={self._build_args[name]}") if name in self._build_args else word

    def _healthcheck(self, instruction: Instruction) -> tuple[str, tuple[float, ...]]:
        value = fold(instruction.value)
        if value.upper() == "NONE":
            return "NONE", ()
        command = re.sub(r"^CMD\s+", "", value, flags=re.IGNORECASE)
        is_list = command.startswith("[")
        text = _bare(command.strip("[]").replace(",", " ") if is_list else command)
        times = (instruction.flag(name) for name in ("interval", "timeout", "start-period"))
        return f"{'CMD' if is_list else 'CMD-SHELL'} {text}", tuple(_seconds(time or "0s") for time in times)


def _given(text: str) -> Iterator[str]:
    """Give an ARG's text with a value for any of those that have no default, as BuildKit writes a given or global one down."""
    words = text.split()
    bare = [at for at, word in enumerate(words) if "=" not in word][:_MOST_GIVEN]
    for count in range(1, len(bare) + 1):
        for valued in combinations(bare, count):
            yield " ".join(f"{word}={_WILD}" if at in valued else word for at, word in enumerate(words))


def _heredoc_name(word: str) -> str:
    return re.sub(r"^\d*<<-?", "<<", word)


def _pairs(text: str) -> list[tuple[str, str]]:
    """Give the names and values of an ENV's logical line; the old form `NAME value` too."""
    if "=" not in (text.split(None, 1) or [""])[0]:
        name, _, value = text.strip().partition(" ")
        return [(name, _bare(value))]
    found = re.findall(r"""([^\s=]+)=((?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'\\])*)""", text)
    return [(name, _bare(value)) for name, value in found]


def _clean(path: str) -> str:
    parts: list[str] = []
    for part in path.split("/"):
        if part == ".." and parts:
            # what is above an unknown folder is not known either
            parts[-1:] = [_WILD] if _WILD in parts[-1] else []
        elif part not in ("", ".", ".."):
            parts.append(part)
    return ("" if parts[:1] == [_WILD] else "/") + "/".join(parts)


def _seconds(duration: str) -> float:
    return round(
        sum(
            float(number.strip(".") or 0) * _SECONDS[unit]
            for number, unit in _DURATION.findall(duration[:64])
            if number.count(".") < 2
        ),
        6,
    )


def _fits(text: str, expected: str) -> bool:
    """Match against text with wildcards; part by part from the left, so that purpose-made texts cost no more than others."""
    if _WILD not in expected:
        return text == expected
    first, *middle, last = expected.split(_WILD)
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for part in middle:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def is_exact(expected: Expected, trace: Trace, *, flags_kept: bool) -> bool:
    """Say whether the history item is this instruction, letter for letter but for white space and quoting.

    `flags_kept`: this history's BuildKit keeps `--chown` and `--chmod` (since 0.9; the classic builder always does).
    """
    if expected.keyword != trace.keyword:
        return False
    if trace.keyword == "RUN":
        return any(_same_run(text, trace.text, exec_form=expected.exec_form) for text in expected.texts)
    if trace.keyword in ("COPY", "ADD"):
        if (flags_kept or trace.classic_copy) and not _same_flags(expected.flags, trace.flags):
            return False
        return _fits(trace.text, expected.destination if trace.classic_copy else expected.texts[0])
    if trace.keyword == "HEALTHCHECK":
        return _same_health(expected, trace.text)
    if trace.keyword == "WORKDIR":  # BuildKit writes an absolute one as it was given
        return _fits(_clean(trace.text), expected.texts[0])
    return any(_fits(trace.text, text) for text in expected.texts)


def _same_run(command: str, text: str, *, exec_form: bool) -> bool:
    if text == command:
        return True
    if not text.endswith(" " + command):
        return False
    before = text[: -len(command) - 1]
    if exec_form:
        return _BUILD_ARGS.match(before + " ") is not None
    last = before.split()[-1].lower()
    return last in ("/c", "-command") or (last.startswith("-") and last.endswith("c"))


def _same_flags(expected: Sequence[tuple[str, str]], kept: Sequence[tuple[str, str]]) -> bool:
    return len(expected) == len(kept) and all(
        name == other and (_WILD in value or value == written)
        for (name, value), (other, written) in zip(expected, kept, strict=True)
    )


def _same_health(expected: Expected, text: str) -> bool:
    inside, _, after = text.removeprefix("&{").partition("]")
    test = fold(_bare(inside).strip("[").replace(",", " "))
    if test != fold(expected.texts[0].replace(",", " ")):
        return False
    times = tuple(_seconds(time) for time in re.findall(r'"([^"]*)"', after)[:3])
    return not times or times == expected.health or not expected.health


def similarity(expected: Expected, trace: Trace) -> float:
    """Give how alike the two are in shape, from 0 (another keyword) to 1 (cheap: words in common)."""
    if expected.keyword != trace.keyword:
        if {expected.keyword, trace.keyword} != {"COPY", "ADD"}:
            return 0.0
        return 0.6 if trace.classic_copy and expected.destination == trace.text else 0.7 * _dice(expected.tokens, trace.tokens)
    if trace.keyword in ("ENV", "ARG", "LABEL"):
        return 0.8 * 2 * len(expected.names & trace.names) / (len(expected.names) + len(trace.names) or 1)
    if trace.classic_copy:
        return 0.6 if expected.destination == trace.text else 0.2
    alike = _dice(expected.tokens, trace.tokens)
    return alike if trace.keyword in ("RUN", "COPY", "ADD") else max(0.4, alike)


def _dice(one: Mapping[str, int], other: Mapping[str, int]) -> float:
    total = sum(one.values()) + sum(other.values())
    common = sum(min(count, other[word]) for word, count in one.items() if word in other)
    return 2 * common / total if total else 0.0


def flags_kept(traces: Sequence[Trace]) -> bool:
    """Say whether the BuildKit that wrote this history is known to keep the flags of COPY (before 0.9 it did not).

    What the classic builder wrote says nothing of it: it may have built the base only.
    """
    return any(trace.flags and not trace.classic_copy for trace in traces)
