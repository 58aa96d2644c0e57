"""What the text alone says of files that .NET, Elixir, Haskell, Java and Alpine's compilers build: what to copy, onto what.

Each recipe gives a `Recipe`, or the reason why the text does not say enough. Names and tags of the official images: Docker's
official images (library/*) and Microsoft's (dotnet/sdk, aspnet).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence

import msgspec

from msbtui.split.siblings import Reference, language_siblings
from msbtui.split.words import Words

Commands = Sequence[tuple[str, Words]]
"""(working directory, words) of each command of the RUNs."""

_DOTNET = re.compile(r"(\d+\.\d+)(?:\.\d+)?(-.+)?")
_CODENAME = re.compile(r"\b(stretch|buster|bullseye|bookworm|trixie)\b")
_MINOR = re.compile(r"alpine(\d+\.\d+)")


class Recipe(msgspec.Struct):
    """What a runtime stage is made of."""

    base: str
    copies: list[tuple[str, str]]
    """(absolute path, why)"""
    why: str
    packages: tuple[str, ...] = ()
    """Packages that no linked library tells of."""
    env: tuple[str, ...] = ()
    """ENV instructions that the build's base had and the runtime's has not."""


def dotnet(reference: Reference, commands: Commands, start: Words, workdir: str) -> Recipe | str:
    """Give what `dotnet publish` puts out, onto the runtime of the same version: ASP.NET's, which holds .NET's own too."""
    found = _DOTNET.fullmatch(reference.tag)
    if found is None:
        return f"the version of the runtime cannot be told from the tag of {reference.prefix}{reference.name}:{reference.tag}"
    folder = next((out for at, words in commands if (out := _published(at, words))), None)
    program = _first_path(start, workdir)
    if folder is None and program is not None and "/publish/" in program:
        folder = program[: program.index("/publish/") + len("/publish")]
    if folder is None or program is None or not program.startswith(folder + "/"):
        return "the text does not say where `dotnet publish` puts the program that starts"
    tag = found[1] + (found[2] or "")
    alpine = "alpine" in tag
    return Recipe(
        reference.with_tag(tag, "aspnet"),
        [(folder, "what `dotnet publish` puts out")],
        "the runtime of the same version and release without the SDK; where *.runtimeconfig.json names no "
        "Microsoft.AspNetCore.App, `runtime` is smaller still",
        # The SDK's Alpine image has these, the runtime's leaves them out.
        ("icu-data-full", "icu-libs", "tzdata") if alpine else (),
        ("ENV DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=false",) if alpine else (),
    )


def _published(folder: str, words: Words) -> str | None:
    if words[0].rpartition("/")[2] != "dotnet" or words[1:2] != ("publish",):
        return None
    return next((_absolute(folder, value) for value in _values(words, "-o", "--output")), None)


def elixir(reference: Reference, commands: Commands, start: Words, workdir: str) -> Recipe | str:
    """Give the release of `mix release`, onto the slim image of the same version: same release, same libraries."""
    if not any(words[0].rpartition("/")[2] == "mix" and "release" in words for _, words in commands):
        return "no `mix release` makes something that starts without mix"
    program = _first_path(start, workdir)
    found = re.match(r"(.*/rel/[^/]+)/bin/", program or "")
    if found is None:
        return "the text does not say which release of `mix release` starts"
    base = next(iter(language_siblings(f"{reference.prefix}{reference.name}:{reference.tag or 'latest'}")), None)
    if base is None:
        return f"{reference.name}:{reference.tag} is small already"
    return Recipe(base, [(found[1], "the release, with its own Erlang")], f"{base}: the same release and libraries, by its name")


def haskell(reference: Reference, commands: Commands, start: Words, workdir: str) -> Recipe | str:
    """Give the installed program, onto the Debian release that the tag names."""
    codename = _CODENAME.search(reference.tag)
    if codename is None:
        return f"which Debian release {reference.name}:{reference.tag} stands on cannot be told from the name"
    places = [place for folder, words in commands for place in _installed(folder, words)]
    path = _program(start, workdir, places)
    if path is None:
        return "the text does not say where the program that starts comes from"
    why = "the release that the compiler's image stands on, by its name"
    # network reads /etc/protocols and /etc/services
    return Recipe(f"debian:{codename[0]}-slim", [(path, "cabal or stack puts it there")], why, ("libgmp10", "netbase"))


def _installed(folder: str, words: Words) -> Iterable[str]:
    name = words[0].rpartition("/")[2]
    if name not in ("cabal", "stack") or not {"install", "--copy-bins"} & set(words):
        return
    named = [_absolute(folder, value) for value in _values(words, "--installdir", "--local-bin-path")]
    yield from named or ["/root/.local/bin" if name == "stack" else "/root/.cabal/bin"]


def java(reference: Reference, start: Words, workdir: str) -> Recipe | str:
    """Give the jar that starts, onto the runtime of the same Java."""
    base = next(iter(language_siblings(f"{reference.prefix}{reference.name}:{reference.tag or 'latest'}")), None)
    if base is None:
        return f"no smaller image of the same Java is known by the name of {reference.name}:{reference.tag}"
    jar = next((start[at + 1] for at, word in enumerate(start[:-1]) if word == "-jar"), None)
    if jar is None or re.search(r"[*?\[$]", jar):
        return "the text does not say which jar starts"
    return Recipe(
        base, [(_absolute(workdir, jar), "the jar that starts")], f"{base}: the same Java without the compiler, by its name"
    )


def alpine_base(reference: Reference, *, static: bool) -> str | None:
    """Give Alpine without the toolchain, of the release under it; None where the tag does not say which that is.

    A static program runs on any.
    """
    if reference.name == "alpine":
        return reference.with_tag(reference.tag or "latest")
    minor = _MINOR.search(reference.tag)
    return f"alpine:{minor[1]}" if minor else "alpine:latest" if static else None


def _program(start: Words, workdir: str, places: Sequence[str]) -> str | None:
    path = _first_path(start, workdir)
    if path is not None:
        return path if any(path.startswith(place + "/") for place in places) else None
    name = next((word for word in start if not word.startswith("-")), "")
    return f"{places[-1]}/{name}" if places and name else None


def _first_path(start: Words, workdir: str) -> str | None:
    return next((_absolute(workdir, word) for word in start if "/" in word and not word.startswith("-")), None)


def _values(words: Words, *options: str) -> Iterable[str]:
    for at, word in enumerate(words):
        name, is_joined, value = word.partition("=")
        if name in options and is_joined:
            yield value
        elif word in options and at + 1 < len(words):
            yield words[at + 1]


def _absolute(folder: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(folder, path))
