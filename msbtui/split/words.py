"""The commands that a shell script may run: a reader that errs on the side of finding too many, never too few."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

Words = tuple[str, ...]

_OPENERS = frozenset(("if", "then", "else", "elif", "while", "until", "do", "!", "{", "time", "coproc"))
_PREFIXES = frozenset(
    (  # noqa: SIM905
        "exec command builtin nohup nice ionice setsid env sudo su-exec gosu setpriv chroot stdbuf timeout time xargs tini "
        "dumb-init catatonit eatmydata unbuffer watch strace runuser s6-setuidgid chpst"
    ).split()
)
INITS = frozenset("tini tini-static dumb-init catatonit gosu su-exec setpriv chpst s6-setuidgid runuser".split())  # noqa: SIM905
"""Those of them that start nothing but what their arguments name."""
_DECLARERS = frozenset(("export", "readonly", "local", "declare", "typeset"))
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=")
_VARIABLE = re.compile(r"\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)(?::?([-=+?])([^{}]*))?\})")
_OWN_FOLDER = "OWN_FOLDER_OF_SCRIPT"
_DIRNAME = re.compile(r"\s*(cd\b[^;|]*)?dirname\b[^;|]*(\$0|\$\{0\}|BASH_SOURCE)[^;|]*")
"""The usual ways in which a script asks for its own directory: `dirname "$0"`, `cd "$(dirname "$0")/.." && pwd`."""
_DURATION = re.compile(r"\d+(?:\.\d+)?[smhd]?|[-+]\w.*|[\w.-]+:[\w.-]+")


COPIED = re.compile(r"(/bin/sh -c #\(nop\) )?(COPY|ADD)\s")
"""The beginning of the history of what COPY or ADD made."""
_BUILDER_WORDS = re.compile(
    r"^(RUN\s+)?(\|\d+ (\S+=\S* )*)?((/usr)?/bin/(ba|da|a|z|k)?sh( [-+][A-Za-z]*o \w+| -[A-Za-z]+)* -[a-z]*c )?(#\(nop\)\s*)?"
)
"""What builders put before the author's words in the history."""


def author_text(created_by: str) -> str:
    """Give a history's text without what builders put around it."""
    return _BUILDER_WORDS.sub("", created_by).removesuffix("# buildkit")


def shell_commands(text: str, env: Mapping[str, str] | None = None) -> Iterator[Words]:
    """Give each simple command of a shell text as words without quotes, comments gone, variables of `env` put in.

    Commands inside `$(...)`, backquotes and subshells come too; so do the lines of here-documents, since they may be scripts.
    """
    known = dict(env or {})
    if "0" in known:
        known.setdefault(_OWN_FOLDER, known["0"].rpartition("/")[0] or "/")
    for words in _simple(text):
        expanded = tuple(expand(word, known) for word in words)
        assigned = expanded[1:] if expanded and expanded[0] in _DECLARERS else expanded
        for word in assigned if all(_ASSIGNMENT.match(word) for word in assigned) else ():
            name, _, value = word.partition("=")
            if "$" not in value and value:
                known.setdefault(name, value)
        while expanded and (expanded[0] in _OPENERS or _ASSIGNMENT.match(expanded[0])):
            expanded = expanded[1:]
        if expanded:
            yield expanded


def expand(word: str, env: Mapping[str, str]) -> str:
    """Give `word` with the variables of `env` put in; unknown ones stay as written, a default (`${v:-d}`) is taken."""

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if match[3] == "+":
            return (match[4] or "") if env.get(name) else ""
        if name in env:
            return env[name]
        return match[4] if match[3] in ("-", "=") and match[4] is not None else match[0]

    return _VARIABLE.sub(value, word)


def runs(words: Words) -> Iterator[Words]:
    """Give the command, and the commands behind prefixes that run another one (`exec`, `env A=1`, `gosu user`, `xargs -n1`)."""
    while words:
        yield words
        if words[0].rpartition("/")[2] not in _PREFIXES:
            return
        rest = words[1:]
        # after gosu, chpst and the like stands a user, after timeout a duration: one word that may not be the command
        while rest and (rest[0].startswith("-") or _ASSIGNMENT.match(rest[0]) or _DURATION.fullmatch(rest[0])):
            rest = rest[1:]
        if len(rest) > 1 and words[0].rpartition("/")[2] in ("gosu", "su-exec", "runuser", "s6-setuidgid", "chpst", "chroot"):
            yield rest
            rest = rest[1:]
        words = rest


def _simple(text: str) -> Iterator[Words]:
    words: list[str] = []
    word: list[str] | None = None
    at, end = 0, len(text)
    quote = ""
    nested: list[str] = []
    while at < end:
        char = text[at]
        if quote == "'":
            if char == "'":
                quote = ""
            else:
                assert word is not None
                word.append(char)
            at += 1
            continue
        if char == "\\" and at + 1 < end:
            if text[at + 1] != "\n":
                word = word if word is not None else []
                word.append(text[at + 1])
            at += 2
            continue
        if text.startswith("$(", at) and not text.startswith("$((", at):
            inner, at = _parenthesis(text, at + 2)
            nested.append(inner)
            word = word if word is not None else []
            word += _own_folder(inner)
            continue
        if char == "`":
            close = text.find("`", at + 1)
            close = end if close < 0 else close
            nested.append(text[at + 1 : close])
            word = word if word is not None else []
            word += _own_folder(nested[-1])
            at = close + 1
            continue
        if text.startswith("${", at):
            close = _brace(text, at)
            word = word if word is not None else []
            word.append(text[at:close])
            at = close
            continue
        if char == '"':
            quote = "" if quote else '"'
            word = word if word is not None else []
        elif quote:
            assert word is not None
            word.append(char)
        elif char == "'":
            quote = "'"
            word = word if word is not None else []
        elif char == "#" and word is None:
            line_end = text.find("\n", at)
            at = end if line_end < 0 else line_end
            continue
        elif char in " \t\r":
            if word is not None:
                words.append("".join(word))
                word = None
        elif char in ";&|()\n" or (char in "<>" and not quote):
            if word is not None and not (char in "<>" and "".join(word).isdigit()):
                words.append("".join(word))
            word = None
            if char not in "<>":
                if words:
                    yield tuple(words)
                words = []
            elif text[at + 1 : at + 2] == "&":
                at += 1
        else:
            word = word if word is not None else []
            word.append(char)
        at += 1
    if word is not None:
        words.append("".join(word))
    if words:
        yield tuple(words)
    for inner in nested:
        yield from _simple(inner)


def _own_folder(command: str) -> list[str]:
    """Give the characters that stand for a command which prints the script's own directory or one above it; else none."""
    return [f"${{{_OWN_FOLDER}}}", "/.." * command.count("/..")] if _DIRNAME.fullmatch(command) else []


def _parenthesis(text: str, at: int) -> tuple[str, int]:
    depth, start, quote = 1, at, ""
    while at < len(text):
        char = text[at]
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char == "\\":
            at += 1
        elif char in "()":
            depth += 1 if char == "(" else -1
            if depth == 0:
                return text[start:at], at + 1
        at += 1
    return text[start:], len(text)


def _brace(text: str, at: int) -> int:
    depth = 0
    for place in range(at + 1, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return place + 1
    return len(text)
