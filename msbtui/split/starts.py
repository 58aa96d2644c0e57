"""What a container starts: ENTRYPOINT, CMD and HEALTHCHECK of the configuration, taken apart into commands."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from msbtui.dockerfile.shell import told_text
from msbtui.image.model import ImageConfig
from msbtui.split.words import Words, runs, shell_commands

SHELLS = frozenset(("sh", "bash", "ash", "dash", "zsh", "ksh"))
_REPLS = frozenset(
    (
        "python",
        "python3",
        "node",
        "irb",
        "ruby",
        "php",
        "jshell",
        "iex",
        "erl",
        "ghci",
        "perl",
        "lua",
        "R",
        "julia",
        "swift",
        "java",
    )
)

_IDLE = frozenset(("sleep", "true", ":", "wait", "trap", "done", "pause"))


class Start(msgspec.Struct, frozen=True):
    """One thing that runs in a container: where it is said, its words, and the shell text where a shell runs it."""

    what: str
    words: Words
    shell: str = ""


def starts(config: ImageConfig, smokes: Sequence[str] = ()) -> list[Start]:
    """Give what the configuration starts, and the person's smoke commands beside it."""
    found: list[Start] = []
    words = (*config.entrypoint, *config.cmd)
    if words:
        name = " and ".join(name for name, value in (("ENTRYPOINT", config.entrypoint), ("CMD", config.cmd)) if value)
        found.append(_start(name, words))
        if config.entrypoint and config.cmd:
            # an entrypoint script usually ends in exec "$@": the CMD is then a command by itself
            found.append(_start("CMD", config.cmd))
    if config.healthcheck is not None and len(config.healthcheck.test) > 1:
        kind, *test = config.healthcheck.test
        shell = config.shell or ("/bin/sh", "-c")
        found.append(_start("HEALTHCHECK", (*shell, " ".join(test)) if kind == "CMD-SHELL" else tuple(test)))
    found += [Start("--smoke", next(iter(shell_commands(smoke)), ()), smoke) for smoke in smokes]
    return found


def _start(what: str, words: Words) -> Start:
    at = told_text(words) if words[0].rpartition("/")[2] in SHELLS else None
    return Start(what, words, "" if at is None else words[at])


def started_words(config: ImageConfig) -> Words:
    """Give the words that a container starts with: ENTRYPOINT's, then CMD's."""
    return (*config.entrypoint, *config.cmd)


def only_a_prompt(config: ImageConfig) -> bool:
    """Tell whether the image starts nothing of its own: no command, a bare shell, a language's prompt, or only waiting."""
    words = started_words(config)
    if not words:
        return True
    if shell := _start("", words).shell:
        return all(_waits(command) for command in shell_commands(shell))
    if _waits(words):
        return True
    name = words[0].rpartition("/")[2]
    rest = [word for word in words[1:] if not word.startswith("-")]
    return (
        not rest
        and (name in SHELLS or name in _REPLS)
        and not any(word.endswith("c") for word in words[1:] if word.startswith("-"))
    )


def _waits(words: Words) -> bool:
    """Tell whether a command only keeps the container alive: `sleep infinity`, `tail -f /dev/null`, a bare `cat`."""
    *_, words = runs(words)
    name = words[0].rpartition("/")[2]
    return name in _IDLE or (name == "tail" and words[-1] == "/dev/null") or (name in ("cat", *SHELLS) and len(words) == 1)
