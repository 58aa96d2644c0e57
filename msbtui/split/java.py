"""What the words behind `java` name: the jar or the main class, and where classes are searched (java(1))."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from msbtui.split.view import View
from msbtui.split.words import Words

_WITH_VALUE = frozenset(
    ("--add-modules", "--add-opens", "--add-exports", "--add-reads", "--limit-modules", "--patch-module", "--upgrade-module-path")
)
_CLASS_PATH = frozenset(("-cp", "-classpath", "--class-path"))
_MODULE_PATH = frozenset(("-p", "--module-path"))
_OF_BUILDING = frozenset("target build out bin src test tests gradle node_modules project buildSrc generated tmp".split())  # noqa: SIM905
"""Where build tools put their results and their own jars: beside a jar that was copied out of them, nobody's libraries."""


class JavaStart(msgspec.Struct, frozen=True):
    """One start of the Java virtual machine."""

    jar: str = ""
    main: str = ""
    class_path: tuple[str, ...] = ()
    """Jars, directories and `directory/*`, as written; without `-cp` that of `CLASSPATH` or the working directory."""


def java_start(words: Words, class_path: str = "") -> JavaStart:
    """Read the arguments of `java`; `class_path` is the environment's CLASSPATH.

    A variable that nobody knows (`$JAVA_OPTS`) holds options where anything follows that can start, else the main class.
    """
    places = class_path.split(":") if class_path else ["."]
    at, unknown = 0, ""
    while at < len(words):
        word = words[at]
        name, equals, value = word.partition("=")
        if word in _CLASS_PATH or (equals and name in _CLASS_PATH):
            at += 0 if equals else 1
            places = (value if equals else words[at] if at < len(words) else "").split(":")
        elif word in _MODULE_PATH or (equals and name in _MODULE_PATH):
            at += 0 if equals else 1
            places += (value if equals else words[at] if at < len(words) else "").split(":")
        elif word in _WITH_VALUE:
            at += 1
        elif word == "-jar":
            return JavaStart(jar=words[at + 1] if at + 1 < len(words) else "")
        elif word.startswith("$"):
            unknown = word
        elif not word.startswith(("-", "@")):
            return JavaStart(main=word, class_path=tuple(place or "." for place in places))
        at += 1
    return JavaStart(main=unknown, class_path=tuple(place or "." for place in places))


def jar_folders(view: View, jar: str) -> Iterator[str]:
    """Give the directories beside a jar that hold jars, or directories of jars: its manifest or a list of its own may name them.

    Spring Boot and Maven have one such directory (`lib`, `dependency`), Quarkus has three with two levels.
    """
    home = jar.rpartition("/")[0]
    for folder in view.children(home) if home else ():
        if not view.is_dir(folder) or folder.rpartition("/")[2] in _OF_BUILDING:
            continue
        within = [folder, *(child for child in view.children(folder) if view.is_dir(child))]
        if any(path.endswith(".jar") for place in within for path in view.children(place)):
            yield folder
