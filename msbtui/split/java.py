"""What the words behind `java` name: the jar or the main class, and where classes are searched (java(1))."""

from __future__ import annotations

import msgspec

from msbtui.split.words import Words

_WITH_VALUE = frozenset(
    ("--add-modules", "--add-opens", "--add-exports", "--add-reads", "--limit-modules", "--patch-module", "--upgrade-module-path")
)
_CLASS_PATH = frozenset(("-cp", "-classpath", "--class-path"))
_MODULE_PATH = frozenset(("-p", "--module-path"))


class JavaStart(msgspec.Struct, frozen=True):
    """One start of the Java virtual machine."""

    jar: str = ""
    main: str = ""
    class_path: tuple[str, ...] = ()
    """Jars, directories and `directory/*`, as written; without `-cp` that of `CLASSPATH` or the working directory."""


def java_start(words: Words, class_path: str = "") -> JavaStart:
    """Read the arguments of `java`; `class_path` is the environment's CLASSPATH."""
    places = class_path.split(":") if class_path else ["."]
    at = 0
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
        elif not word.startswith(("-", "@")):
            return JavaStart(main=word, class_path=tuple(place or "." for place in places))
        at += 1
    return JavaStart(class_path=tuple(place or "." for place in places))
