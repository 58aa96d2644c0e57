"""What the text of a stage says by itself: what its commands do, what is copied where, who is made, and what starts."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator

from msbtui.dockerfile.expand import ExpandError, expand
from msbtui.dockerfile.model import Dockerfile, Instruction, Stage, StageGraph
from msbtui.image.model import ImageConfig
from msbtui.split.building import builds
from msbtui.split.judge import SOURCE
from msbtui.split.refuse import IN_DEVELOPMENT, compiles, of_development
from msbtui.split.starts import SHELLS, only_a_prompt, starts
from msbtui.split.textpackages import NamedPackages
from msbtui.split.words import Words, runs, shell_commands

_CODE = frozenset(("src", "cmd", "internal", "pkg", "include", "vendor", "third_party", "crates", "test", "tests", "docs"))
"""Directories that hold what is compiled or tested, by custom."""
_ACCOUNTS = frozenset(("useradd", "adduser", "groupadd", "addgroup"))


class TextFacts:
    """What a stage's text says of what is built and where it starts, read once."""

    def __init__(self, dockerfile: Dockerfile, graph: StageGraph, stage: Stage) -> None:
        self.dockerfile, self.graph, self.stage = dockerfile, graph, stage
        self.origin = stage.base.image
        self.env: dict[str, str] = {}
        self.workdir = "/"
        self.commands: list[tuple[str, Words]] = []
        """(working directory, words) of each command of the RUNs."""
        self.own_env: set[str] = set()
        self.packages = NamedPackages()
        self.destinations: list[str] = []
        self.data: dict[str, str] = {}
        """Where single files and directories of the context are copied to that are no sources, and why they are kept."""
        self.wholes: list[str] = []
        """Directories that a COPY brings the whole context to."""
        self.brought_whole = ""
        """The last COPY that brings the whole context."""
        self.gone: set[str] = set()
        """Paths that a RUN removes or moves away."""
        self.accounts: list[str] = []
        """RUN instructions that make users and groups again."""
        for instruction in stage.instructions:
            self._read(instruction)

    def _expand(self, text: str) -> str:
        try:
            return expand(text, self.env, self.dockerfile.escape)
        except ExpandError:
            return text

    def _read(self, instruction: Instruction) -> None:
        if instruction.keyword in ("ENV", "ARG"):
            parts = list(instruction.words)
            pairs = [(name, value) for name, _, value in (part.partition("=") for part in parts)]
            if parts and "=" not in parts[0]:
                pairs = [(parts[0], " ".join(parts[1:]))]
            if instruction.keyword == "ENV":
                self.own_env.update(name for name, _ in pairs)
            self.env.update({name: self._expand(value) for name, value in pairs if value or instruction.keyword == "ENV"})
        elif instruction.keyword == "WORKDIR":
            self.workdir = posixpath.normpath(posixpath.join(self.workdir, self._expand(instruction.value.strip())))
        elif instruction.keyword in ("COPY", "ADD") and instruction.words:
            self.destinations.append(posixpath.normpath(posixpath.join(self.workdir, self._expand(instruction.words[-1]))))
            self._context(instruction)
        elif instruction.keyword == "RUN":
            folder = self.workdir
            text = "\n".join(doc.content for doc in instruction.heredocs) if instruction.heredocs else instruction.value
            found = [instruction.words] * bool(instruction.words) if instruction.json else list(shell_commands(text, self.env))
            for words in found:
                name = words[0].rpartition("/")[2]
                if name == "cd" and len(words) > 1:
                    folder = posixpath.normpath(posixpath.join(folder, words[1]))
                    continue
                self.commands.append((folder, words))
                self.packages.command(words)
                if name in ("rm", "mv"):
                    gone = {posixpath.normpath(posixpath.join(folder, word)) for word in words[1:]}
                    self.gone |= gone
                    self.data = {path: why for path, why in self.data.items() if not gone & {path, *above(path)}}
            if any(words[0].rpartition("/")[2] in _ACCOUNTS for words in found):
                self.accounts.append(_accounts(instruction, found))

    def _context(self, instruction: Instruction) -> None:
        """Note what a COPY or ADD of the build context puts where: a program that is compiled may read what is no source."""
        if instruction.flag("from") is not None or instruction.heredocs or len(instruction.words) < 2:
            return
        *sources, last = (self._expand(word) for word in instruction.words)
        place = posixpath.normpath(posixpath.join(self.workdir, last))
        for source in sources:
            name = posixpath.basename(source.rstrip("/"))
            if name in ("", ".", "*"):
                self.brought_whole = f"`{instruction.keyword} {instruction.value}`"
                self.wholes.append(place)
            if name in ("", ".", "..") or re.search(r"[*?\[$]|://|\.(tar(\..+)?|t[gx]z|zip)\Z", source) or SOURCE.fullmatch(name):
                continue
            named = posixpath.basename(place) == name or not (last.endswith("/") or last == "." or len(sources) > 1)
            if name not in _CODE and (named or name.startswith(".") or "." in name):
                target = place if named else posixpath.join(place, name)
                self.data[target] = f"`{instruction.keyword} {instruction.value}` puts it there, and it is no source"

    def wanted(self) -> tuple[str, ...]:
        """Give the packages that the runtime stage installs because the author installs them by name."""
        texts = [
            " ".join(item.words) if item.json else item.value
            for item in self.stage.instructions
            if item.keyword in ("CMD", "ENTRYPOINT", "HEALTHCHECK")
        ]
        said = {word.rpartition("/")[2] for text in texts for words in shell_commands(text, self.env) for word in words}
        return self.packages.wanted((item.value for item in self.stage.instructions if item.keyword == "RUN"), said)

    def start(self) -> Words:
        """Give what starts: the last ENTRYPOINT and CMD."""
        return tuple(word for words in self._starts() for word in words)

    def program(self) -> str:
        """Give the program that starts, past shells and options; empty where nothing says."""
        return next((word for word in self.start() if word.rpartition("/")[2] not in SHELLS and not word.startswith("-")), "")

    def _starts(self) -> Iterator[Words]:
        for keyword in ("ENTRYPOINT", "CMD"):
            own = [item for item in self.stage.instructions if item.keyword == keyword]
            if own:
                yield own[-1].words if own[-1].json else next(iter(shell_commands(own[-1].value, self.env)), ())

    def blame(self) -> str:
        """Give why what starts needs the toolchain, or an empty text."""
        if signs := of_development((), self.origin or "", self.dockerfile.path):
            return f"{IN_DEVELOPMENT}: {signs[0]}"
        config = self._config()
        for start in starts(config):
            for words in shell_commands(start.shell, self.env) if start.shell else [start.words]:
                if any(builds(run) for run in runs(words)):
                    return compiles(start.what, " ".join(words[:3]))
        if (words := self.start()) and only_a_prompt(config):
            return f"it starts only `{' '.join(words)}`: what a person will need in it cannot be known"
        return ""

    def _config(self) -> ImageConfig:
        found: dict[str, Words] = {}
        for keyword in ("ENTRYPOINT", "CMD"):
            own = [item for item in self.stage.instructions if item.keyword == keyword]
            if own:
                found[keyword.lower()] = tuple(own[-1].words) if own[-1].json else ("/bin/sh", "-c", own[-1].value)
        return ImageConfig(entrypoint=found.get("entrypoint", ()), cmd=found.get("cmd", ()))


def above(path: str) -> Iterator[str]:
    """Give the directories above a path, the nearest first, without the root."""
    while path.count("/") > 1:
        path = posixpath.dirname(path)
        yield path


def _accounts(instruction: Instruction, commands: list[Words]) -> str:
    """Give the instruction that makes users and groups: as it stands, or only these commands of one that does more."""
    if not re.search(r"\b(apt(-get)?|apk|pip|npm|make|cmake|go|cargo|mvn|gradle|install(?! -d)|cp)\b", instruction.value):
        return instruction.source.strip()
    made = [words for words in commands if words[0].rpartition("/")[2] in _ACCOUNTS and "$" not in " ".join(words)]
    # where a command's output goes is no argument of it
    lines = [shlex.join(word for word in words if word not in ("/dev/null", "/dev/stdout", "/dev/stderr")) for words in made]
    return f"RUN {' && '.join(lines)}" if lines else ""
