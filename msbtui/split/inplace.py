"""The clean-up for where a split is not sound or not worth it: the same lines, leaving no caches behind."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from msbtui.analysis.model import WasteReport
from msbtui.dockerfile.model import Dockerfile, Instruction, Stage
from msbtui.image.model import Kind
from msbtui.split.model import Step
from msbtui.split.view import View
from msbtui.split.words import shell_commands
from msbtui.text import size

_APT_LISTS = re.compile(r"var/lib/apt/lists/.+|var/cache/apt/(archives/.+\.deb|.*pkgcache\.bin)")
_PIP_CACHE = re.compile(r"(root|home/[^/]+)/\.cache/pip/.+")
_APK_CACHE = re.compile(r"var/cache/apk/.+|etc/apk/cache/.+")
_NPM_CACHE = re.compile(r"(root|home/[^/]+)/\.npm/_cacache/.+")


class InPlace(msgspec.Struct, frozen=True):
    """The cleaned Dockerfile, what it saves in bytes, and why each edit."""

    dockerfile: str
    saved: int
    steps: list[Step]


class _Edit(msgspec.Struct, frozen=True):
    at: int
    text: str


def clean_in_place(dockerfile: Dockerfile, stage: Stage, view: View | None, waste: WasteReport | None) -> InPlace | None:
    """Give the Dockerfile whose final RUNs leave no package lists and caches, or None where nothing is to be done."""
    edits: list[_Edit] = []
    steps: list[Step] = []
    patterns: list[re.Pattern[str]] = []
    runs = [item for item in stage.instructions if item.keyword == "RUN" and not item.json and not item.heredocs]
    for number, instruction in enumerate(runs):
        commands = [tuple(command) for command in shell_commands(instruction.value)]
        for made, pattern, why in (
            (
                _apt(instruction, commands, runs[number + 1 :], dockerfile.escape),
                _APT_LISTS,
                "apt's lists are of no use in the image",
            ),
            (
                _after_word(instruction, r"\bpip[\d.]*\s+install\b", "--no-cache-dir"),
                _PIP_CACHE,
                "pip's cache is of no use in the image",
            ),
            (_after_word(instruction, r"\bapk\s+add\b", "--no-cache"), _APK_CACHE, "apk's index is of no use in the image"),
            (_npm(instruction, commands, dockerfile.escape), _NPM_CACHE, "npm's cache is of no use in the image"),
        ):
            if made:
                edits += made
                patterns.append(pattern)
                added = " ".join(made[0].text.split()).removeprefix(dockerfile.escape).strip()
                steps.append(Step(f"line {instruction.span.first_line}: {added}", why))
    if not edits:
        return None
    saved = sum(_bytes(view, pattern) for pattern in dict.fromkeys(patterns)) if view else 0
    source = dockerfile.source.encode("utf-8", "surrogateescape")
    for edit in sorted(edits, key=lambda edit: -edit.at):
        text = edit.text.replace("\n", "\r\n") if b"\r\n" in source else edit.text
        source = source[: edit.at] + text.encode() + source[edit.at :]
    reports = [finding for finding in waste.findings if finding.kind == "package-cache"] if waste else []
    evidence = tuple(f"{finding.title}: {size(finding.bytes)}" for finding in reports[:3])
    return InPlace(source.decode("utf-8", "surrogateescape"), saved, [Step(step.what, step.why, evidence) for step in steps])


def _bytes(view: View, pattern: re.Pattern[str]) -> int:
    """Give the bytes above the base, hidden ones too, that match; each layer's own."""
    total = 0
    for layer in range(view.base_layers, view.table.layers):
        index = view.table.index(layer)
        total += sum(
            view.table.cost(layer, entry)
            for entry, path in enumerate(index.paths)
            if index.kinds[entry] == Kind.FILE and pattern.fullmatch(path)
        )
    return total


def _end(instruction: Instruction) -> int:
    """Give the byte offset after the instruction's last character that is no white space."""
    return instruction.span.start + len(instruction.source.encode("utf-8", "surrogateescape").rstrip())


def _apt(instruction: Instruction, commands: Sequence[tuple[str, ...]], later: Sequence[Instruction], escape: str) -> list[_Edit]:
    apt = [command for command in commands if command[0].rpartition("/")[2] in ("apt-get", "apt", "aptitude")]
    installs = any("install" in command for command in apt)
    updates = any("update" in command for command in apt)
    if (
        not (installs and updates)
        or "/var/lib/apt/lists" in instruction.value
        or any(flag.name == "mount" for flag in instruction.flags)
    ):
        return []
    for other in later:
        words = [word for command in shell_commands(other.value) for word in command]
        if "install" in words and {"apt-get", "apt"} & set(words) and "update" not in words:
            return []  # a later line still reads the lists
    return _append(instruction, "rm -rf /var/lib/apt/lists/*", escape)


def _npm(instruction: Instruction, commands: Sequence[tuple[str, ...]], escape: str) -> list[_Edit]:
    used = any(
        command[0].rpartition("/")[2] == "npm" and len(command) > 1 and command[1] in ("install", "ci", "i")
        for command in commands
    )
    if not used or "cache clean" in instruction.value or any(flag.name == "mount" for flag in instruction.flags):
        return []
    return _append(instruction, "npm cache clean --force", escape)


def _append(instruction: Instruction, command: str, escape: str) -> list[_Edit]:
    tail = instruction.value.rstrip()
    # after `;`, `&`, `|` or a comment an added `&&` would be something else
    if tail.endswith((";", "&", "|", escape)) or re.search(r"(^|\s)#[^'\"]*\Z", tail):
        return []
    return [_Edit(_end(instruction), f" {escape}\n    && {command}")]


def _after_word(instruction: Instruction, word: str, option: str) -> list[_Edit]:
    if option in instruction.value or any(flag.name == "mount" for flag in instruction.flags):
        return []
    source = instruction.source
    return [
        _Edit(instruction.span.start + len(source[: found.end()].encode("utf-8", "surrogateescape")), f" {option}")
        for found in re.finditer(word, source)
    ]
