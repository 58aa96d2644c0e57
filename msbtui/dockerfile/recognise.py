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


def absolute(path: str, command: Command, workdir: str = "/") -> str | None:
    """Give a path of a command's words as an absolute one (`workdir` is the stage's); None where `cd` led nowhere known."""
    if path.startswith("/"):
        return posixpath.normpath("/" + path.lstrip("/"))
    if command.directory is None:
        return None
    return posixpath.normpath("/" + posixpath.join(workdir, command.directory, path).lstrip("/"))
