"""What the start of a container reaches by name: executables, interpreters, scripts and what they call, files named as arguments.

splitting.md 3.2, point 6. Shared libraries and paths in binaries come later (`keep`), since they need to know what stays behind.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence

from msbtui.image.model import Kind
from msbtui.split.building import MANAGERS, builds
from msbtui.split.daemons import cron_commands, included, of_cron, read_by_itself
from msbtui.split.installs import is_build_package
from msbtui.split.java import JavaStart, jar_folders, java_start
from msbtui.split.starts import SHELLS, Start
from msbtui.split.view import View, relative
from msbtui.split.words import Words, runs, shell_commands

_LANGUAGES = (
    ("python", re.compile(r"python(\d(\.\d+)?)?|pypy\d?")),
    ("node", re.compile(r"node|nodejs|bun|deno")),
    ("ruby", re.compile(r"j?ruby(\d\.\d)?")),
    ("perl", re.compile(r"perl(5[\d.]*)?")),
    ("php", re.compile(r"php(-fpm|-cgi)?\d*(\.\d+)?")),
    ("java", re.compile(r"java")),
    ("lua", re.compile(r"lua(jit)?(\d\.\d)?")),
    ("r", re.compile(r"R|Rscript")),
    ("dotnet", re.compile(r"dotnet")),
    ("erlang", re.compile(r"erl|escript|elixir|iex")),
    ("tcl", re.compile(r"tclsh[\d.]*|wish")),
)
_ABSOLUTE = re.compile(rb"(?<![A-Za-z0-9_.$}/-])/[A-Za-z0-9_@%+][A-Za-z0-9_./@%+:-]*")


_ASKS = frozenset(("test", "[", "[["))
_TOOL = re.compile(r"(.*_)?(CC|CXX|CPP|LD|AR|AS|NM|RANLIB|STRIP|OBJCOPY|FC|LINKER|COMPILER|CMAKE|MAKE)")
"""Names of variables by which builds find their tools (GNU make, "Implicit Variables"; CMake, Cargo)."""
_WRITTEN = re.compile(r"(var/(log|run|cache|tmp)|run|tmp)/")
"""Where settings name files to write to, not to read."""
_WHERE = frozenset(("-w", "--workspace", "--prefix", "--cwd", "--filter", "-F", "-C", "--dir"))


def language_of(path: str) -> str | None:
    """Give the language that an executable of this name interprets, or None."""
    name = path.rpartition("/")[2]
    return next((language for language, pattern in _LANGUAGES if pattern.fullmatch(name)), None)


def shebang(text: bytes) -> Words:
    """Give the program that a script's first line starts, behind `env` where that finds it: `(env, python3)` or `(sh,)`."""
    if not text.startswith(b"#!"):
        return ()
    line = text.split(b"\n", 1)[0][2:].decode("utf-8", "replace").split()
    if not line:
        return ()
    if line[0].rpartition("/")[2] != "env":
        return (line[0],)
    rest = [word for word in line[1:] if not word.startswith("-") and "=" not in word]
    return (line[0], rest[0]) if rest else (line[0],)


class Reach:
    """The paths that a container's start names, each with why; grows by `start`, `add`, `command`."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.why: dict[str, str] = {}
        """By canonical path why it is needed; symlinks on the way and what they lead to both stand here."""
        self.folders: dict[str, str] = {}
        """Directories that are needed with all that is in them, and why."""
        self.languages: dict[str, str] = {}
        """Interpreters in use: language -> path of the executable."""
        self.scripts: list[str] = []
        """Program files that an interpreter is told to run."""
        self.class_folders: dict[str, str] = {}
        """Directories that Java searches for classes, and why."""
        self.shell = ""
        """Why a shell is needed; empty where none is."""
        self.build_tools: dict[str, str] = {}
        """Commands of the start that compile or build, and where they stand: what makes a split unsound."""
        self.missing: list[str] = []
        """Commands of the start that the image does not have."""
        self.words: set[str] = set()
        """Every word of the commands that were followed."""
        self.names: set[str] = set()
        """Every absolute path that a reached text names, whether it exists or not."""
        self.blaming = True
        """Whether commands that compile are noted in `build_tools`."""
        self.changed: dict[str, None] = {}
        """New directories that scripts of the start change into, or that environment variables name."""
        self._where = ""
        self._running: set[tuple[str, str]] = set()

    def start(self, start: Start) -> None:
        """Follow one start of the container."""
        if not start.words:
            return
        if start.what == "--smoke":
            self._follow(shell_commands(start.shell, self.view.env), "--smoke runs it", blame=False)
            return
        if start.shell:
            self.shell = self.shell or f"{start.what} is in the shell form"
            self.add_command_word(start.words[0], f"{start.what} runs it", required=True)
            self._follow(shell_commands(start.shell, self.view.env), f"{start.what} runs it")
        else:
            found = self.command(start.words, f"{start.what} runs it")
            if not found and start.what not in ("CMD", "HEALTHCHECK"):
                self.missing.append(start.words[0])

    def _follow(self, calls: Iterable[Words], why: str, *, blame: bool = True) -> None:
        """Follow the commands of a script in their order: `cd` tells from where the names after it are meant."""
        before = self._where
        for words in calls:
            self.command(words, why, blame=blame)
            if words[0] in ("cd", "pushd") and len(words) > 1:
                folder = self.view.real(self._path(words[-1]))
                if folder and self.view.is_dir(folder):
                    self._where = f"/{folder}"
                    if self.view.is_new(folder):
                        self.changed.setdefault(folder)
        self._where = before

    def _path(self, word: str) -> str:
        """Give the path that a word names: from where the script is now if it is there, else from the working directory."""
        if self._where and not word.startswith("/"):
            path = relative(word, self._where)
            if self.view.canonical(path) is not None or (any(char in path for char in "*?[") and self.view.glob(path)):
                return path
        return relative(word, self.view.workdir)

    def _executable(self, word: str) -> str | None:
        return self.view.find_command(f"/{self._path(word)}" if "/" in word else word)

    def environment(self) -> None:
        """Follow the absolute paths that environment variables hold: settings, data, where the application lies."""
        for name, value in self.view.env.items():
            for part in re.split(r"[:,;\s]", value) if name != "PATH" else ():
                found = self.view.canonical(relative(part)) if re.match(r"/[^/]", part) else None
                if found is None or not self.view.is_new(found) or not relative(part) or self._of_building(name, found):
                    continue
                if re.match(r"etc/(ssl|pki)/", found):
                    continue  # made when the certificates are installed; what the author put there is kept as it is
                if self.view.is_dir(self.view.real(found) or found):
                    self.changed.setdefault(self.view.real(found) or found)
                else:
                    self.add(found, f"the environment variable {name} names it")

    def _of_building(self, variable: str, path: str) -> bool:
        """Tell whether a variable names a compiler or another tool of the build (`CC=/usr/bin/gcc-12`)."""
        owner = self.view.owner(self.view.real(path) or path)
        return (
            _TOOL.fullmatch(variable) is not None
            or builds((path,))
            or (owner is not None and is_build_package(owner) and self.view.executable(self.view.real(path) or path))
        )

    def command(self, words: Words, why: str, *, blame: bool = True) -> bool:
        """Follow one command with its arguments; tell whether its executable is in the image."""
        found = False
        self.words.update(words)
        for run in runs(words):
            name = run[0].rpartition("/")[2]
            # what a script of package.json does decides, where it can be read; else its name
            if name not in MANAGERS or not self._package_script(run, blame):
                self._blame(run, why, blame)
            if path := self._executable(run[0]):
                found = True
                self.add(path, why)
                for settings in read_by_itself(self.view, name):
                    self.add(settings, f"{name} reads it by itself")
                # `python3` may lead to `python3.11`: the name that was called decides
                language = language_of(run[0]) or language_of(self.view.real(path) or path)
                if language is not None:
                    self.languages.setdefault(language, self.view.real(path) or path)
                    self._program(language, run[1:], why)
            if name == "which":
                for word in run[1:]:  # what a script looks up, it runs
                    self.command((word,), why, blame=False)
            if name in SHELLS or name in ("source", "."):
                for word in run[1:]:
                    if not word.startswith("-"):
                        self._script_argument(word, why)
                        break
        for word in words[1:]:
            self.argument(word, f"{words[0]} is given its name", asked=words[0] in _ASKS)
        return found

    def add_command_word(self, word: str, why: str, *, required: bool = False) -> None:
        """Follow a command without arguments; note it as missing where `required` and not there."""
        if path := self.view.find_command(word):
            self.add(path, why)
        elif required:
            self.missing.append(word)

    def argument(self, word: str, why: str, *, asked: bool = False) -> None:
        """Follow an argument that names something in the image: a path, `--option=path`, or `path:path`.

        `asked`: the command only asks whether it is there; of a directory that says nothing of what lies in it.
        """
        for part in {word, word.partition("=")[2], *word.partition("=")[2].split(":"), *word.split(":"), word.lstrip("@")}:
            if not part or part.startswith("-") or "\0" in part:
                continue
            whole = self._path(part.removesuffix("/*"))
            for match in self.view.glob(whole) if any(char in whole for char in "*?[") else [whole]:
                found = self.view.canonical(match) if match else None
                if found and self.view.is_new(found) and not (asked and self.view.is_dir(self.view.real(found) or found)):
                    self.add(found, why)

    def add(self, path: str, why: str) -> None:
        """Note a canonical path, and follow it: symlinks to their end, scripts to their interpreter and what they call."""
        while path not in self.why:
            self.why[path] = why
            kind = self.view.kind(path)
            if kind is not Kind.SYMLINK:
                break
            target = relative(self.view.link(path), "/" + path.rpartition("/")[0])
            onward = self.view.canonical(target)
            if onward is None:
                return
            path, why = onward, f"/{path} leads to it"
        else:
            return
        if kind is Kind.DIRECTORY:
            self.folders.setdefault(path, why)
        elif self.view.elf(path) is None and self.view.is_file(path):
            self._text(path)

    def _text(self, path: str) -> None:
        if not self.view.is_new(path) and self.view.owner(path) is not None:
            return
        text = self.view.text(path, 1 << 20)
        if text is None or b"\0" in text[:4096]:
            return
        if text.startswith(b"#!"):
            self._shebang(path, text)
        elif path.rpartition("/")[2] not in ("package.json",):
            said = text.decode("utf-8", "replace")
            for words in cron_commands(path, said) if of_cron(path) else _configured_commands(said):
                self.command(words, f"/{path} runs it", blame=False)
            for other in included(self.view, path, said):
                self.add(other, f"/{path} includes it")
        for token in _ABSOLUTE.findall(text):
            name = relative(token.decode("ascii").rstrip("/.:,"))
            self.names.add(name)
            found = self.view.canonical(name) if name else None
            if found and self.view.is_new(found) and not self.view.is_dir(found) and not _WRITTEN.match(found):
                self.add(found, f"/{path} names it")

    def _shebang(self, path: str, text: bytes) -> None:
        words = shebang(text)
        if not words:
            return
        if len(words) > 1:
            self.add_command_word(words[0], f"/{path} begins with it", required=True)
        interpreter = words[-1]
        if not (found := self.view.find_command(interpreter)):
            self.missing.append(f"{interpreter}, which /{path} begins with")
            return
        self.add(found, f"/{path} begins with it")
        name = interpreter.rpartition("/")[2]
        if language := language_of(name):
            self.languages.setdefault(language, self.view.real(found) or found)
            self.scripts.append(path)
        elif name in SHELLS:
            self.shell = self.shell or f"/{path} is a shell script"
            env = {**self.view.env, "0": "/" + path}
            self._follow(shell_commands(text.decode("utf-8", "replace"), env), f"/{path} calls it")

    def _script_argument(self, word: str, why: str) -> None:
        found = self.view.canonical(self._path(word))
        if found and self.view.is_file(found) and self.view.is_new(found) and found not in self.why:
            self.why[found] = why
            text = self.view.text(found) or b""
            self._follow(shell_commands(text.decode("utf-8", "replace"), self.view.env), f"/{found} calls it")

    def _program(self, language: str, words: Words, why: str) -> None:
        """Note the program file among an interpreter's arguments (`-m module` of Python included)."""
        if language == "java":
            self._java(java_start(words, self.view.env.get("CLASSPATH", "")), why)
            return
        at = 0
        while at < len(words):
            word = words[at]
            if language == "python" and word == "-m" and at + 1 < len(words):
                module = words[at + 1].replace(".", "/")
                for name in (f"{module}.py", f"{module}/__main__.py", f"{module}/__init__.py"):
                    found = self.view.canonical(self._path(name))
                    if found and self.view.is_new(found):
                        self.scripts.append(found)
                        return
                return
            if (word == "-c" and language in ("python", "sh")) or word == "-e":
                return
            if not word.startswith("-"):
                found = self.view.canonical(self._path(word))
                for name in (found, f"{found}.js", f"{found}/index.js") if found else ():
                    if name and self.view.is_file(self.view.real(name) or ""):
                        self.scripts.append(name)
                        self.add(name, why)
                        return
                return
            at += 1

    def _java(self, start: JavaStart, why: str) -> None:
        """Follow the jar with what lies in `lib` beside it, or the directories and jars of the class path."""
        for jar in self.view.glob(self._path(start.jar)) if start.jar else ():
            self.scripts.append(jar)
            self.add(jar, why)
            for folder in jar_folders(self.view, jar):
                self.folders.setdefault(folder, f"jars beside /{jar}, which its manifest may name")
        for place in start.class_path if start.main else ():
            path = self._path(place.removesuffix("*"))
            for found in self.view.glob(path) if path else [""]:
                if self.view.is_dir(self.view.real(found) or ""):
                    self.class_folders.setdefault(self.view.real(found) or found, f"{why}, and Java looks for classes there")
                    if place not in (".", "./"):
                        self.folders.setdefault(found, f"{why}, and Java looks for classes there")
                elif self.view.exists(found):
                    self.add(found, f"{why}, and Java looks for classes there")

    def _workspace(self, words: Words) -> tuple[list[str], str]:
        """Give the arguments without options, and the directory whose package.json counts: a workspace's where one is named.

        npm: `-w NAME`, `--prefix DIR`; yarn: `workspace NAME`, `--cwd DIR`; pnpm: `--filter NAME`, `-C DIR`.
        """
        arguments: list[str] = []
        named, at = "", 0
        while at < len(words):
            option, given, value = words[at].partition("=")
            if option in _WHERE and option.startswith("-"):
                at += 0 if given else 1
                named = named or (value if given else words[at] if at < len(words) else "")
            elif words[at] == "workspace" and not arguments and at + 1 < len(words):
                at += 1
                named = named or words[at]
            elif not words[at].startswith("-"):
                arguments.append(words[at])
            at += 1
        workdir = relative(self.view.workdir)
        for place in (named, f"node_modules/{named}") if named else ():
            found = self.view.real(relative(place, self.view.workdir))
            if found and self.view.is_file(f"{found}/package.json"):
                return arguments, found
        return arguments, workdir

    def _in_folder(self, word: str, folder: str) -> str:
        """Give a word that names a file of a script's own directory in full."""
        path = relative(word, "/" + folder)
        return f"/{path}" if word and not word.startswith(("-", "/")) and path != folder and self.view.exists(path) else word

    def _package_script(self, words: Words, blame: bool) -> bool:
        """Follow `npm start`, `yarn serve`, `npm run NAME` into package.json; tell whether it has such a script."""
        arguments, folder = self._workspace(words[1:])
        if arguments[:1] in (["run"], ["run-script"]):
            arguments = arguments[1:]
        path = relative("package.json", "/" + folder)
        text = self.view.text(path) if arguments and self.view.is_file(path) else None
        if not text:
            return False
        try:
            document = json.loads(text)
            scripts = document.get("scripts", {}) if isinstance(document, dict) else {}
        except (ValueError, RecursionError):
            return False
        name, found = arguments[0], False
        bin_folders = [relative("node_modules/.bin", place) for place in ("/" + folder, self.view.workdir)]
        bin_folder = ":".join(f"/{place}" for place in dict.fromkeys(bin_folders))
        for key in (f"pre{name}", name, f"post{name}"):
            body = scripts.get(key) if isinstance(scripts, dict) else None
            found = found or (key == name and isinstance(body, str))
            if not isinstance(body, str) or (path, key) in self._running:
                continue
            self._running.add((path, key))
            self.shell = self.shell or "npm runs its scripts in a shell"
            for call in shell_commands(body, self.view.env):
                local = self.view.find_command(call[0], bin_folder) if "/" not in call[0] else None
                if "/" + folder != self.view.workdir:
                    call = (call[0], *(self._in_folder(word, folder) for word in call[1:]))
                self.command(
                    (f"/{local}", *call[1:]) if local else call, f"the script {key} of package.json runs it", blame=blame
                )
            self._running.discard((path, key))
        return found

    def _blame(self, words: Words, why: str, blame: bool) -> None:
        if blame and self.blaming and builds(words):
            said = " ".join((words[0].rpartition("/node_modules/.bin/")[2], *words[1:3]))
            self.build_tools.setdefault(said, why.removesuffix(" runs it").removesuffix(" calls it"))


def _configured_commands(text: str) -> Iterator[Words]:
    """Give the commands of supervisord programs, Procfiles and the like: `command=...`, `name: command`, `exec = ...`."""
    for match in re.finditer(
        r"^\s*(?:command|exec|ExecStart|run)\s*[=:]\s*(.+)$|^[a-z][a-z0-9_-]*:\s+(\S.*)$", text, re.MULTILINE
    ):
        yield from shell_commands(match[1] or match[2])


def follow(view: View, all_starts: Sequence[Start], extra: Iterable[str] = ()) -> Reach:
    """Give what the starts reach; `extra` are executables (canonical paths) that count as started too."""
    reach = Reach(view)
    for start in all_starts:
        reach.start(start)
    reach.environment()
    reach.blaming = False  # they are what a person may run: that one of them compiles is no reason against a split
    for path in extra:
        reach.add(path, "an executable of its own in PATH, and the image names no command")
    return reach
