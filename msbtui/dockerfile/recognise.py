"""What kind of work a simple command does: package managers, builds, removals, downloads, archives."""

from __future__ import annotations

import posixpath
import re

import msgspec

from msbtui.dockerfile.shell import Command

_WRAPPERS = frozenset({"sudo", "env", "exec", "time", "nice", "nohup", "command", "eatmydata", "ionice", "chronic"})
_APT = frozenset({"apt-get", "apt", "aptitude"})
_DNF = frozenset({"dnf", "yum", "microdnf", "tdnf", "zypper"})
_VALUED = {
    "apt": frozenset({"-t", "--target-release", "-o", "--option", "-c", "--config-file", "-a", "--host-architecture"}),
    "apk": frozenset({"-t", "--virtual", "-X", "--repository", "-p", "--root", "--keys-dir", "--repositories-file", "--arch"}),
    "dnf": frozenset(
        {"-c", "--config", "-x", "--exclude", "--enablerepo", "--disablerepo", "--repo", "--setopt", "--installroot"}
    ),
    "pip": frozenset(
        {
            "-r",
            "--requirement",
            "-c",
            "--constraint",
            "-t",
            "--target",
            "-i",
            "--index-url",
            "--extra-index-url",
            "-e",
            "--editable",
        }
        | {
            "-f",
            "--find-links",
            "--prefix",
            "--root",
            "--cache-dir",
            "--trusted-host",
            "--only-binary",
            "--no-binary",
            "--timeout",
        }
    ),
}
_ACTIONS = {
    "install": "install",
    "reinstall": "install",
    "localinstall": "install",
    "in": "install",
    "add": "install",
    "build-dep": "install",
    "groupinstall": "install",
    "remove": "remove",
    "erase": "remove",
    "rm": "remove",
    "del": "remove",
    "purge": "purge",
    "autoremove": "autoremove",
    "autopurge": "autoremove",
    "clean": "clean",
    "autoclean": "clean",
    "update": "update",
    "makecache": "update",
    "upgrade": "upgrade",
    "dist-upgrade": "upgrade",
    "full-upgrade": "upgrade",
}
_BUILDERS = {
    **dict.fromkeys(("make", "gmake", "ninja", "cmake", "meson", "scons", "bazel", "autoreconf", "ld", "ar"), ""),
    **dict.fromkeys(("gcc", "g++", "cc", "c++", "clang", "clang++", "rustc", "tsc", "javac", "gfortran", "ghc"), ""),
    **dict.fromkeys(("mvn", "gradle", "gradlew", "sbt", "dotnet", "msbuild", "swift", "zig", "nim", "dub"), ""),
}
_SUBCOMMAND_BUILDS = {
    "go": frozenset({"build", "install", "generate", "get"}),
    "cargo": frozenset({"build", "install", "b"}),
    "npm": frozenset({"run", "run-script", "ci", "install", "i", "build"}),
    "yarn": frozenset({"build", "install", "run"}),
    "pnpm": frozenset({"build", "install", "i", "run"}),
    "stack": frozenset({"build", "install"}),
    "cabal": frozenset({"build", "install"}),
    "bundle": frozenset({"install"}),
    "composer": frozenset({"install"}),
}


class Requested(msgspec.Struct, frozen=True):
    """One package as a command names it; `version` is what stands after `=`, `~=`, `@` and the like, else ""."""

    name: str
    version: str = ""


class PackageCommand(msgspec.Struct, frozen=True):
    """What a package manager was told."""

    manager: str
    """`apt`, `apk`, `dnf`, `pip`, `npm`."""
    action: str
    """`install`, `remove`, `purge`, `autoremove`, `clean`, `update`, `upgrade`."""
    packages: tuple[Requested, ...] = ()
    flags: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    """pip: requirement files and local paths."""
    virtual: str = ""
    """apk: the name of `--virtual`."""
    complete: bool = True
    """False where a word holds something that only the build knows."""


def program(command: Command) -> tuple[str, ...]:
    """Give a command's words from the program on that does the work: without `sudo`, `env A=b`, `exec`, `time` and such."""
    words = command.words
    while words and words[0].rpartition("/")[2] in _WRAPPERS:
        words = words[1:]
        while words and (words[0].startswith("-") or re.match(r"[A-Za-z_]\w*=", words[0])):
            words = words[1:]
    return (words[0].rpartition("/")[2], *words[1:]) if words else ()


def package_command(command: Command) -> PackageCommand | None:
    """Read a command of apt, apk, dnf (yum, microdnf, zypper), pip or npm (yarn, pnpm); None for any other."""
    words = program(command)
    if not words:
        return None
    name, args = words[0], words[1:]
    if name in _APT:
        return _system("apt", args, command)
    if name == "apk":
        return _system("apk", args, command)
    if name in _DNF:
        return _system("dnf", args, command)
    if re.fullmatch(r"python[\d.]*", name) and args[:2] == ("-m", "pip"):
        return _pip(args[2:], command)
    if re.fullmatch(r"pip[\d.]*", name):
        return _pip(args, command)
    if name == "uv" and args[:1] == ("pip",):
        return _pip(args[1:], command)
    if name in ("npm", "yarn", "pnpm"):
        return _npm(args, command)
    return None


def _split(args: tuple[str, ...], valued: frozenset[str]) -> tuple[list[str], list[str], dict[str, str]]:
    """Cut arguments into plain ones, flags, and flags with a value of their own."""
    plain: list[str] = []
    flags: list[str] = []
    values: dict[str, str] = {}
    at = 0
    while at < len(args):
        word = args[at]
        at += 1
        if not word.startswith("-") or word == "-":
            plain.append(word)
            continue
        flags.append(word)
        name, equals, value = word.partition("=")
        if equals:
            values[name] = value
        elif word in valued and at < len(args):
            values[word] = args[at]
            at += 1
    return plain, flags, values


def _system(manager: str, args: tuple[str, ...], command: Command) -> PackageCommand | None:
    plain, flags, values = _split(args, _VALUED[manager])
    action = _ACTIONS.get(plain[0]) if plain else None
    if action is None:
        return None
    if action == "remove" and "--purge" in flags and manager == "apt":
        action = "purge"
    packages: list[Requested] = []
    files: list[str] = []
    for word in plain[1:]:
        if word.startswith(("/", "./", "http://", "https://")):
            files.append(word)
        elif action != "clean":
            packages.append(_requested(manager, word))
    virtual = values.get("--virtual") or values.get("-t", "") if manager == "apk" else ""
    return PackageCommand(manager, action, tuple(packages), tuple(flags), tuple(files), virtual, complete=not command.unknown)


def _requested(manager: str, word: str) -> Requested:
    if manager == "apt":
        match = re.match(r"([a-z0-9][a-z0-9+.-]*)(?::[a-z0-9-]+)?(?:[=/](.+))?\Z", word)
    elif manager == "apk":
        match = re.match(r"!?([A-Za-z0-9._+-]+?)(?:@[\w.-]+)?(?:[<>=~]+(.+))?\Z", word)
    else:
        match = None
    return Requested(match[1], match[2] or "") if match else Requested(word)


def _pip(args: tuple[str, ...], command: Command) -> PackageCommand | None:
    plain, flags, values = _split(args, _VALUED["pip"])
    if not plain or plain[0] not in ("install", "uninstall", "download", "wheel"):
        return None
    files = [value for name, value in values.items() if name in ("-r", "--requirement", "-e", "--editable")]
    packages = []
    for word in plain[1:]:
        if word.startswith((".", "/")) or "://" in word or word.endswith((".whl", ".tar.gz", ".zip")):
            files.append(word)
            continue
        match = re.match(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?\s*(?:(?:[=<>!~]=?=?)(.*))?\Z", word, re.DOTALL)
        packages.append(Requested(match[1], (match[2] or "").strip()) if match else Requested(word))
    action = "remove" if plain[0] == "uninstall" else "install"
    return PackageCommand("pip", action, tuple(packages), tuple(flags), tuple(files), complete=not command.unknown)


def _npm(args: tuple[str, ...], command: Command) -> PackageCommand | None:
    plain, flags, _ = _split(args, frozenset())
    verb = plain[0] if plain else "install"
    if verb in ("cache", "store"):
        return PackageCommand("npm", "clean", flags=tuple(flags)) if plain[1:2] in (["clean"], ["prune"]) else None
    if verb in ("uninstall", "remove", "rm", "prune"):
        action = "remove"
    elif verb in ("install", "i", "ci", "add"):
        action = "install"
    else:
        return None
    packages = []
    for word in plain[1:]:
        name, _, version = word[1:].partition("@")
        packages.append(Requested(word[0] + name, version))
    return PackageCommand("npm", action, tuple(packages), tuple(flags), complete=not command.unknown)


def build_tool(command: Command) -> str | None:
    """Give the tool's name where a command compiles or builds something, else None."""
    words = program(command)
    if not words:
        return None
    name = words[0]
    bare = re.sub(r"-[\d.]+\Z", "", re.sub(r"\A.+-(gcc|g\+\+|cc|ld|ar)(?=-|\Z)", r"\1", name))
    if bare in _BUILDERS:
        return bare
    verb = next((word for word in words[1:] if not word.startswith(("-", "+"))), "")
    if name in _SUBCOMMAND_BUILDS and verb in _SUBCOMMAND_BUILDS[name]:
        return name
    if name == "configure" or (command.words and command.words[0].endswith("/configure")):
        return "configure"
    if re.fullmatch(r"python[\d.]*", name) and ("setup.py" in words or words[1:3] == ("-m", "build")):
        return "python"
    return None


def absolute(path: str, command: Command, workdir: str = "/") -> str | None:
    """Give a path of a command's words as an absolute one (`workdir` is the stage's); None where `cd` led nowhere known."""
    if path.startswith("/"):
        return posixpath.normpath("/" + path.lstrip("/"))
    if command.directory is None:
        return None
    return posixpath.normpath("/" + posixpath.join(workdir, command.directory, path).lstrip("/"))


def removed_paths(command: Command, workdir: str = "/") -> tuple[str, ...]:
    """Give the absolute paths and patterns that `rm`, `rmdir` or `find PATH... -delete` takes away, as far as known."""
    words = command.words
    shift = len(words) - len(program(command))
    args = [(index, word) for index, word in enumerate(words) if index > shift and index not in command.unknown]
    name = program(command)[:1]
    if name in (("rm",), ("rmdir",), ("unlink",)):
        found = [word for _, word in args if not word.startswith("-")]
    elif name == ("find",) and "-delete" in words:
        found = []
        for _, word in args:
            if word.startswith(("-", "(", "!")):
                break
            found.append(word)
    else:
        return ()
    paths = [absolute(word, command, workdir) for word in found if word]
    return tuple(path for path in paths if path is not None)


class Download(msgspec.Struct, frozen=True):
    """What curl or wget fetches; `outputs` are absolute paths where known, `piped` says that it goes to standard output."""

    urls: tuple[str, ...]
    outputs: tuple[str, ...] = ()
    piped: bool = False


def download(command: Command, workdir: str = "/") -> Download | None:
    """Read a command of curl or wget; None for any other."""
    words = program(command)
    if not words or words[0] not in ("curl", "wget"):
        return None
    curl = words[0] == "curl"
    urls = [word for word in words[1:] if re.match(r"(?:https?|ftp)://", word)]
    outputs: list[str] = []
    output = rf"-[a-zA-Z]*?{'o' if curl else 'O'}(.*)|--output(?:-document)?(?:=(.+))?"
    remote = False
    folder = ""
    for index, word in enumerate(words[1:], 1):
        following = words[index + 1] if index + 1 < len(words) else ""
        if match := re.fullmatch(output, word):
            outputs.append(match[1] or match[2] or following)
        elif match := re.fullmatch(r"(?:-P|--directory-prefix|--output-dir)(?:=(.+))?", word):
            folder = match[1] or following
        elif curl and re.fullmatch(r"-[a-zA-Z]*O[a-zA-Z]*|--remote-name(?:-all)?", word):
            remote = True
    outputs = [each for each in outputs if each]
    piped = "-" in outputs or (curl and not outputs and not remote)
    if piped:
        outputs = [each.target for each in command.redirects if each.operator in (">", ">>") and each.known]
        piped = not outputs
    elif not outputs:
        names = [re.split(r"[?#]", url)[0].rpartition("/")[2] for url in urls]
        outputs = [posixpath.join(folder, name) for name in names if name]
    paths = [absolute(each, command, workdir) for each in outputs]
    return Download(tuple(urls), tuple(path for path in paths if path is not None), piped)


class Archive(msgspec.Struct, frozen=True):
    """What tar or unzip unpacks: the archive ("" from standard input), and where to, absolute where known."""

    archive: str
    folder: str


def unpacked(command: Command, workdir: str = "/") -> Archive | None:
    """Read a command that unpacks an archive with tar, unzip or bsdtar; None for any other."""
    words = program(command)
    if not words or words[0] not in ("tar", "bsdtar", "unzip"):
        return None
    args = list(words[1:])
    if words[0] == "unzip":
        plain = [word for index, word in enumerate(args) if not word.startswith("-") and args[index - 1 : index] != ["-d"]]
        folder = args[args.index("-d") + 1] if "-d" in args[:-1] else "."
        archive = plain[0] if plain else ""
    else:
        letters = args[0] if args and re.fullmatch(r"-?[A-Za-z]+", args[0]) else ""
        extracts = "x" in letters or "--extract" in args or any(re.fullmatch(r"-[A-Za-z]*x[A-Za-z]*", word) for word in args)
        if not extracts:
            return None
        archive, folder = "", "."
        for index, word in enumerate(args):
            following = args[index + 1] if index + 1 < len(args) else ""
            takes = index == 0 or (word.startswith("-") and not word.startswith("--"))
            if word in ("-C", "--directory"):
                folder = following
            elif match := re.match(r"--(directory|file)=(.+)", word):
                folder, archive = (match[2], archive) if match[1] == "directory" else (folder, match[2])
            elif (takes and re.fullmatch(r"-?[A-Za-z]*f", word)) or word == "--file":
                archive = following
    if archive == "-":
        archive = ""
    target = absolute(folder, command, workdir)
    source = absolute(archive, command, workdir) if archive else ""
    return Archive(source or archive, target or folder)
