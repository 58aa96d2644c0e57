"""Programs as a container starts them: by name on PATH, and the interpreters that scripts name in their first line."""

from __future__ import annotations

import re
import shlex

from msbtui.image.model import Image, Kind
from msbtui.image.table import FileTable
from msbtui.regex import regex
from msbtui.text import printable_bytes

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""What an engine sets where the configuration has no PATH (moby `oci.DefaultPathEnv`)."""
_FIRST_LINE = 256
"""Bytes of a script that Linux looks at (`BINPRM_BUF_SIZE`)."""
_SPLIT = regex(r"(?:-[0iv]*S|--split-string(?:=|\s|$))\s*(.*)", re.DOTALL)
_ASSIGNMENT = regex(r"[A-Za-z_][A-Za-z0-9_]*=")


class Interpreter(tuple[str, tuple[str, ...]]):
    """What a script's first line starts: `(path, args)`; through `env`, the program that env starts and its arguments."""

    env: str
    """The path of the `env` that looks `path` up on PATH; empty where the kernel starts `path` itself."""

    def __new__(cls, path: str, args: tuple[str, ...], env: str = "") -> Interpreter:
        """Make the pair."""
        made = super().__new__(cls, (path, args))
        made.env = env
        return made

    @property
    def path(self) -> str:
        """An absolute path; a bare name, to be looked up on PATH, where `env` is set."""
        return self[0]

    @property
    def args(self) -> tuple[str, ...]:
        """Arguments before the script's own path."""
        return self[1]

    @property
    def programs(self) -> tuple[str, ...]:
        """All programs that must be there: `env` where it is used, and the interpreter."""
        return (self.env, self.path) if self.env else (self.path,)


def interpreter_of(text: bytes) -> Interpreter | None:
    """Give what the `#!` line of a script starts, or None where there is none (Linux `fs/binfmt_script.c`).

    All after the interpreter's path is one argument; `env -S` splits it (GNU coreutils manual, "env invocation").
    """
    if not text.startswith(b"#!"):
        return None
    line = text[2:_FIRST_LINE].split(b"\n", 1)[0].split(b"\0", 1)[0].strip(b" \t\r")
    path, _, rest = printable_bytes(line.replace(b"\t", b" ")).partition(" ")
    rest = rest.strip()
    if not path:
        return None
    if path.rpartition("/")[2] != "env" or not rest:
        return Interpreter(path, (rest,) if rest else ())
    split = _SPLIT.fullmatch(rest)
    if split is None:
        return Interpreter(path, (rest,)) if rest.startswith("-") else Interpreter(rest, (), env=path)
    try:
        words = shlex.split(split[1])
    except ValueError:
        words = split[1].split()
    while words and (words[0].startswith("-") or _ASSIGNMENT.match(words[0])):
        option = words.pop(0)
        if option in ("-u", "--unset", "-C", "--chdir") and words:
            words.pop(0)
    return Interpreter(words[0], tuple(words[1:]), env=path) if words else Interpreter(path, (rest,))


def find_program(image: Image, table: FileTable, name: str) -> int | None:
    """Give the path id of the file that starting `name` runs in the final file system, symlinks followed, or None.

    A bare name is looked up on the configuration's PATH, a relative path in its WORKDIR (execvp(3)). Only regular files
    that someone may execute count.
    """
    workdir = image.config.workdir or "/"
    if "/" in name:
        candidates = [name if name.startswith("/") else f"{workdir}/{name}"]
    else:
        env = dict(entry.partition("=")[::2] for entry in image.config.env)
        folders = [
            folder if folder.startswith("/") else f"{workdir}/{folder}" for folder in env.get("PATH", DEFAULT_PATH).split(":")
        ]
        candidates = [f"{folder}/{name}" for folder in folders] if name else []
    for path in candidates:
        pid = table.resolve(path)
        entry = None if pid is None else table.live(pid)
        if entry is None:
            continue
        index, number = table.index(entry[0]), entry[1]
        if index.kinds[number] in (Kind.FILE, Kind.HARD_LINK) and index.modes[number] & 0o111:
            return pid
    return None
