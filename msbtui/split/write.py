"""The text of the new Dockerfile: the author's file with a named stage, and the runtime stage after it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

import msgspec

from msbtui.dockerfile.edit import apply, name_stage
from msbtui.dockerfile.model import Dockerfile, Stage
from msbtui.split.copies import Copies, Copy

_NAMES = ("build", "builder", "build-stage", "toolchain")


class RuntimeStage(msgspec.Struct):
    """The instructions of the runtime stage in writing order, each with the comment above it (empty: none)."""

    blocks: list[tuple[str, list[str]]] = []

    def add(self, lines: Sequence[str], comment: str = "") -> None:
        """Add a group of instructions that stand together."""
        if lines:
            self.blocks.append((comment, list(lines)))


def stage_name(dockerfile: Dockerfile, stages: Sequence[Stage], stage: Stage) -> tuple[str, bool]:
    """Give the name of the stage that the original becomes, and whether it has it already."""
    if stage.name:
        return stage.name, True
    taken = {other.name for other in stages} | {(other.base.image or "").lower() for other in stages}
    for instruction in dockerfile.instructions:
        taken.update(flag.value.lower() for flag in instruction.flags if flag.name == "from" and flag.value)
    number = 2
    for name in _NAMES:
        if name not in taken:
            return name, False
    while f"build-{number}" in taken:
        number += 1
    return f"build-{number}", False


def between_name(stages: Sequence[Stage], build: str) -> str:
    """Give a name for the stage between the original and the runtime stage."""
    taken = {stage.name for stage in stages} | {build}
    name, number = "production", 2
    while name in taken:
        name, number = f"production-{number}", number + 1
    return name


def with_stage_name(dockerfile: Dockerfile, stage: Stage, name: str) -> str:
    """Give the source with ` AS name` on the stage's FROM and every other byte as it was."""
    instruction = next(item for item in dockerfile.instructions if item.keyword == "FROM" and item.stage == stage.index)
    edits = [name_stage(dockerfile, instruction, name)]
    return apply(msgspec.structs.replace(dockerfile, bom=False), edits).decode("utf-8", "surrogateescape")


def whole(source: str, stage: RuntimeStage) -> str:
    """Give the whole new Dockerfile, with the line ends of the author's file."""
    body = "\n\n".join("\n".join(([f"# {comment}"] if comment else []) + lines) for comment, lines in stage.blocks) + "\n"
    end = "\r\n" if "\r\n" in source else "\n"
    head = source if source.endswith("\n") else source + end
    return head + end + body.replace("\n", end)


def install_line(
    packages: Sequence[str],
    *,
    alpine: bool,
    quiet: bool = False,
    manuals: bool = False,
    recommends: bool = False,
    escape: str = "\\",
) -> str:
    """Give the one RUN that installs `packages` and leaves no lists behind.

    `manuals` makes the directory of manual pages; `recommends` takes along what apt takes along by itself.
    """
    names = f" {escape}\n        ".join(packages)
    if alpine:
        return f"RUN apk add --no-cache {escape}\n        {names}"
    front = "DEBIAN_FRONTEND=noninteractive " if quiet else ""
    start = f"mkdir -p /usr/share/man/man1 {escape}\n    && " if manuals else ""
    options = "-y" if recommends else "-y --no-install-recommends"
    return (
        f"RUN {start}apt-get update {escape}\n    && {front}apt-get install {options} {escape}\n"
        f"        {names} {escape}\n    && rm -rf /var/lib/apt/lists/*"
    )


def run_line(commands: Sequence[str], escape: str = "\\") -> str:
    """Give one RUN of several commands."""
    return "RUN " + f" {escape}\n    && ".join(commands)


def copy_line(copy: Copy, stage: str, escape: str = "\\") -> str:
    """Give a COPY; names that a word cannot hold go into the JSON form."""
    words = (*copy.sources, copy.destination)
    flag = f"--from={stage}"
    if any(re.search(r"[\s\"'\\$*?\[\]<]", word) for word in words):
        return f"COPY {flag} [{', '.join(_json_word(word) for word in words)}]"
    if len(copy.sources) > 2:
        return f"COPY {flag} {escape}\n    " + f" {escape}\n    ".join(words)
    return f"COPY {flag} {' '.join(words)}"


def _json_word(word: str) -> str:
    import json

    # sources are patterns (Go, path/filepath.Match) and destinations have variables: both must be taken literally
    return json.dumps(re.sub(r"([*?\[\\$])", r"\\\1", word), ensure_ascii=False)


def directory_commands(copies: Copies) -> list[str]:
    """Give the commands that make directories with the owner and mode of the original."""
    by_look: dict[tuple[int, int, int], list[str]] = {}
    for made in copies.made:
        by_look.setdefault((made.mode, made.uid, made.gid), []).append(shlex.quote(made.path))
    return [
        "install -d" + (f" -o {uid} -g {gid}" if uid or gid else "") + f" -m {mode:04o} {' '.join(paths)}"
        for (mode, uid, gid), paths in by_look.items()
    ]


def link_commands(copies: Copies) -> list[str]:
    """Give the commands that make symlinks again."""
    return [f"ln -sfn {shlex.quote(link.target)} {shlex.quote(link.path)}" for link in copies.links]
