"""The runtime stage in the order an expert writes it: base, accounts, packages, directories, copies, configuration."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

import msgspec

from msbtui.dockerfile.expand import ExpandError, expand
from msbtui.dockerfile.model import Dockerfile, Stage, StageGraph
from msbtui.image.model import ImageConfig
from msbtui.image.packages import Package
from msbtui.split.accounts import Accounts, account_commands
from msbtui.split.copies import Copies
from msbtui.split.installs import Install
from msbtui.split.judge import Judge
from msbtui.split.keep import Kept
from msbtui.split.metadata import Metadata
from msbtui.split.node import Prune
from msbtui.split.pydists import TWICE
from msbtui.split.reach import Reach
from msbtui.split.runtime import RuntimeBase
from msbtui.split.settings import Settings, delete_command
from msbtui.split.view import View, inside
from msbtui.split.write import (
    RuntimeStage,
    between_name,
    copy_line,
    directory_commands,
    install_line,
    link_commands,
    run_line,
    stage_name,
    whole,
    with_stage_name,
)

_ASKING = frozenset(
    ("tzdata", "keyboard-configuration", "console-setup", "debconf-utils", "postfix", "wireshark-common", "locales")
)
"""Packages whose installation asks questions where nobody tells it not to."""


_LINKS_MANUALS = re.compile(r"(openjdk|default|temurin|java)-.*j(re|dk)(-.*)?|postgresql(-client)?-\d+|ed|nvi|vim.*|nano")
"""Packages whose scripts link manual pages (update-alternatives --slave) and fail where slim images lack the directory."""


class Parts(msgspec.Struct):
    """Everything that the planner decided."""

    view: View
    reach: Reach
    judge: Judge
    kept: Kept
    runtime: RuntimeBase
    installs: list[Install]
    arriving: list[Package]
    accounts: Accounts
    copies: Copies
    metadata: Metadata
    removed: list[str]
    runtime_config: ImageConfig
    prunes: list[Prune] = []
    settings: Settings = Settings()


def alpine(view: View) -> bool:
    """Tell whether packages are apk's."""
    return any(package.manager == "apk" for package in view.packages.installed.values())


def compose(dockerfile: Dockerfile, graph: StageGraph, stage: Stage, parts: Parts) -> str:
    """Give the whole new Dockerfile."""
    name, has_name = stage_name(dockerfile, graph.stages, stage)
    source = dockerfile.source if has_name else with_stage_name(dockerfile, stage, name)
    escape = dockerfile.escape
    written = RuntimeStage()
    build = name
    if parts.prunes:
        production = between_name(graph.stages, name)
        user = parts.view.config.user.partition(":")[0]
        lines = [f"FROM {name} AS {production}", *(["USER root"] if user not in ("", "0", "root") else [])]
        lines += [f"RUN {prune.command}" for prune in parts.prunes]
        if all(prune.evidence == (TWICE,) for prune in parts.prunes):
            said = "what the runtime base has itself goes"
        elif all(prune.command.startswith("rm -rf ") for prune in parts.prunes):
            said = "caches and histories go"
        else:
            said = "development packages go"
        written.add(lines, f"{said} before anything is copied")
        name = production
    written.add(
        [from_line(dockerfile, graph, stage, parts.runtime.ref)],
        "runtime stage: only what runs; compilers, sources and caches stay in the stage above",
    )
    runs = _prepare(parts, name, escape)
    later = _after(parts, escape)
    user = parts.runtime_config.user
    switch = bool(user) and user.partition(":")[0] not in ("root", "0") and (runs or later)
    if switch:
        written.add(["USER root"])
    for comment, lines in runs:
        written.add(lines, comment)
    # WORKDIR makes what is not there as a directory: a symlink on its way has to be made before it
    late = any(inside(parts.view.workdir, link.path) for link in parts.copies.links)
    written.add([line.text for line in parts.metadata.of("SHELL", *(() if late else ("WORKDIR",)))])
    _copies(parts, name, escape, written)
    restored = [path for prune in parts.prunes for path in prune.restored]
    written.add(
        [f"COPY --from={build} /{path} /{path}" for path in restored],
        "package.json has this for development only, and the program requires it",
    )
    for comment, lines in later:
        written.add(lines, comment)
    written.add([line.text for line in parts.metadata.of("WORKDIR")] if late else [])
    written.add([line.text for line in parts.metadata.of("ARG", "ENV", "LABEL")])
    written.add([line.text for line in parts.metadata.of("EXPOSE", "VOLUME", "STOPSIGNAL", "HEALTHCHECK")])
    last = [line.text for line in parts.metadata.of("USER", "ONBUILD", "ENTRYPOINT", "CMD")]
    if switch and not parts.metadata.of("USER"):
        last.insert(0, f"USER {user}")
    written.add(last)
    return whole(source, written)


def from_line(dockerfile: Dockerfile, graph: StageGraph, stage: Stage, ref: str) -> str:
    """Give the FROM of the runtime stage; a tag that the author takes from an ARG stays one where that gives the same image."""
    instruction = next(item for item in dockerfile.instructions if item.keyword == "FROM" and item.stage == stage.index)
    word = instruction.words[0] if instruction.words else ref
    platform = instruction.flag("platform")
    front = f"FROM --platform={platform} " if platform else "FROM "
    if "$" in word and stage.base.image is not None:
        for written in (word, f"{word}-slim", word.replace("jdk", "jre")):
            try:
                if expand(written, graph.args, dockerfile.escape) == ref:
                    return front + written
            except ExpandError:
                break
    return front + ref


def _prepare(parts: Parts, stage: str, escape: str) -> list[tuple[str, list[str]]]:
    """Give what comes before the copies: package sources, accounts, packages, directories."""
    found: list[tuple[str, list[str]]] = []
    on_alpine = alpine(parts.view)
    commands = account_commands(parts.accounts, alpine=on_alpine) if not parts.runtime.scratch else []
    if commands:
        found.append(
            ("the same users under the same numbers: copied files keep their numeric owners", [run_line(commands, escape)])
        )
    if parts.installs:
        sources = _package_sources(parts.view)
        if sources:
            found.append(
                (
                    "packages come from the author's own package sources",
                    [f"COPY --from={stage} /{path} /{path}" for path in sources],
                )
            )
        quiet = any(package.name in _ASKING for package in parts.arriving)
        names = [install.name for install in parts.installs]
        there = parts.runtime.view is not None and parts.runtime.view.exists("usr/share/man/man1")
        manuals = not on_alpine and not there and any(_LINKS_MANUALS.fullmatch(package.name) for package in parts.arriving)
        line = install_line(names, alpine=on_alpine, quiet=quiet, manuals=manuals, escape=escape)
        comment = _install_comment(parts.installs)
        found.append(
            (f"{comment} (their scripts link manual pages, and slim images lack the directory)" if manuals else comment, [line])
        )
    commands = [f"rm -rf {' '.join(shlex.quote('/' + path) for path in parts.removed)}"] if parts.removed else []
    if commands:
        found.append(("the author deleted this from the base", [run_line(commands, escape)]))
    if parts.settings.deletions:
        found.append(("the author deleted this of the packages' settings", [run_line([delete_command(parts.settings)], escape)]))
    commands = directory_commands(parts.copies)
    if commands and not parts.runtime.scratch:
        found.append(("directories that COPY would not make, or as root with mode 0755", [run_line(commands, escape)]))
    return found


def _install_comment(installs: Sequence[Install]) -> str:
    libraries = any(install.evidence and ": /" in install.why and " needs " in install.why for install in installs)
    cautious = any(install.cautious for install in installs)
    if libraries:
        return "the libraries that the program is linked with, without their -dev packages" + (
            ", and what the author installed by name" if cautious else ""
        )
    return "what is called or read at run time"


def _package_sources(view: View) -> list[str]:
    """Give the author's new package sources and their keys: without them apt does not know the packages."""
    folders = (
        "etc/apt/sources.list.d",
        "etc/apt/trusted.gpg.d",
        "etc/apt/keyrings",
        "etc/apt/preferences.d",
        "usr/share/keyrings",
    )
    found = [
        path
        for folder in folders
        for path in view.children(folder)
        if view.is_new(path) and view.is_file(path) and view.owner(path) is None
    ]
    for path in ("etc/apt/sources.list", "etc/apk/repositories"):
        if view.is_file(path) and view.is_new(path):
            found.append(path)
    return found


def _copies(parts: Parts, stage: str, escape: str, written: RuntimeStage) -> None:
    said = ""
    lines: list[str] = []
    for copy in parts.copies.copies:
        comment = ""
        if copy.extra > 1 << 20:
            comment = "copied whole: most of it is new, and its parts belong together"
        elif copy.cautious:
            comment = "kept from caution: it lies where the program starts"
        if comment != said:
            written.add(lines, said)
            lines, said = [], comment
        lines.append(copy_line(copy, stage, escape))
    written.add(lines, said)


def _after(parts: Parts, escape: str) -> list[tuple[str, list[str]]]:
    """Give what comes after the copies: symlinks, the linker's cache, the certificates' bundle."""
    if parts.runtime.scratch:
        return []
    found: list[tuple[str, list[str]]] = []
    commands = link_commands(parts.copies)
    if commands:
        found.append(("symlinks are made again: as the source of a COPY they would be followed", [run_line(commands, escape)]))
    if parts.settings.switches:
        found.append(("the packages' settings as the author turned them on and off", [run_line(parts.settings.switches, escape)]))
    if not alpine(parts.view) and any(_library(path) for path in parts.copies.covered):
        found.append(("the linker finds libraries outside its default folders by its cache", ["RUN ldconfig"]))
    return found


def _library(path: str) -> bool:
    folder, _, name = path.rpartition("/")
    if folder == "etc/ld.so.conf.d":
        return True
    return ".so" in name and (
        folder in ("usr/local/lib", "usr/local/lib64") or (folder.startswith("usr/local/lib/") and folder.endswith("-linux-gnu"))
    )
