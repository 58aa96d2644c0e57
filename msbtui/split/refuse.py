"""When a split is wrong or not worth it, and the evidence: said instead of a plan that would break."""

from __future__ import annotations

import re
from collections.abc import Collection

import msgspec

from msbtui.split.building import builds
from msbtui.split.reach import Reach
from msbtui.split.starts import only_a_prompt, started_words
from msbtui.split.view import View, relative
from msbtui.split.words import COPIED, author_text, shell_commands
from msbtui.text import size

LEAST_SHARE = 0.05
LEAST_BYTES = 5_000_000
"""A gain under either is nothing worth a second stage."""
_SHOWN = 5
_INSTALLS_ITSELF = re.compile(
    r"(\S*/)?(configure|setup\.py|install\.sh|bootstrap\.sh|build\.sh|autogen\.sh)|pip3?|gem|npm|yarn|composer"
)
"""Commands that build or install what lies in a directory, where one is named: `./configure`, `pip install .`."""
_HERE = frozenset((".", "./", "-e", "-r", "--editable", "--requirement"))


IN_DEVELOPMENT = "it is the image of a development container: people work in it, with all that is installed"


class Objection(msgspec.Struct, frozen=True):
    """Why there is no split, and what shows it."""

    reason: str
    evidence: tuple[str, ...] = ()


def objection(view: View, reach: Reach, programs: list[str], origin: str = "", path: str = "") -> Objection | None:
    """Give why the image cannot be split, or None.

    `programs`: executables of its own, where nothing is started; `origin`: its base; `path`: where its Dockerfile lies.
    """
    if reach.build_tools:
        command, where = next(iter(reach.build_tools.items()))
        return Objection(compiles(where, command), _compiling(view, reach))
    if signs := of_development(view.config.labels, origin, path):
        return Objection(IN_DEVELOPMENT, signs)
    if only_a_prompt(view.config):
        started = " ".join(started_words(view.config))
        what = (f"it starts `{started}`" if started else "it has neither ENTRYPOINT nor CMD",)
        if not programs:
            reason = "the image starts no program of its own, so what a person will need in it cannot be known"
            return Objection(reason, (*what, *_installed(view)))
        if not _made_by_the_author(view):
            reason = "the image is a set of tools to work with: nothing in it was built or copied, and it starts none of them"
            named = ", ".join(f"/{program}" for program in programs[:_SHOWN])
            return Objection(reason, (*what, f"tools of no package: {named}", *_installed(view)))
        return None
    if reach.missing:
        place = view.real(relative(reach.missing[0], view.workdir)) if "/" in reach.missing[0] else None
        lacks = "there it is a directory" if place is not None and view.is_dir(place) else "the image does not have it"
        reason = f"`{reach.missing[0]}` is what the container starts, and {lacks}: nothing shows what it needs"
        folders = view.env.get("PATH", "")
        return Objection(reason, (f"looked for in {folders or 'the usual directories'}, and from {view.workdir}",))
    return None


def too_little(before: int, after: int) -> bool:
    """Tell whether a gain is nothing worth splitting; sizes in bytes."""
    return before - after < LEAST_BYTES or (before - after) < LEAST_SHARE * before


def why_too_little(view: View, before: int, after: int, base: str) -> Objection:
    """Give the objection that a split gains too little: what would stay behind, and what fills the image instead."""
    gain = f"the split would save {size(before - after)} of {size(before)}" if after < before else "the split would save nothing"
    own = sum(view.table.layer_size(layer) for layer in range(view.base_layers))
    hidden = sum(view.table.layer_hidden(layer) for layer in range(view.base_layers, view.table.layers))
    evidence = [
        f"the runtime stage on {base} would have {size(after)}",
        f"the base has {size(own)} of {size(before)}, what was added {size(before - own)}",
        f"{size(hidden)} of that were deleted or replaced later" if hidden else "nothing of that was deleted or replaced later",
        f"a second stage is worth it from {LEAST_SHARE:.0%} and {size(LEAST_BYTES)} on",
    ]
    return Objection(f"{gain}: nothing worth a second stage", tuple(evidence))


def _compiling(view: View, reach: Reach) -> tuple[str, ...]:
    found = [f"it starts `{' '.join(started_words(view.config))}`"]
    for command, where in list(reach.build_tools.items())[:_SHOWN]:
        at = view.find_command(command.split(" ")[0])
        owner = view.owner(view.real(at) or at) if at else None
        held = f", which is /{at}" + (f" of the package {owner.name}" if owner else "") if at else ""
        found.append(f"{where} runs `{command}`{held}")
    return tuple(found)


def compiles(where: str, command: str) -> str:
    """Give the reason that what starts needs the toolchain."""
    return f"{where} runs `{command}`: what starts in the container builds or compiles, so the toolchain must stay"


def of_development(labels: Collection[str], origin: str, path: str) -> tuple[str, ...]:
    """Give what says that people develop in the image (containers.dev): its label, its base, or where the Dockerfile lies."""
    found = []
    if "devcontainer.metadata" in labels:
        found.append("it has the label devcontainer.metadata")
    if re.search(r"(^|/)(vscode/)?devcontainers/", origin):
        found.append(f"its base is {origin}")
    if "/.devcontainer/" in f"/{path}":
        found.append("its Dockerfile lies in .devcontainer")
    return tuple(found)


def _installed(view: View) -> tuple[str, ...]:
    base = view.packages.at(view.base_layers - 1) if view.base_layers else {}
    names = [name for name, package in view.packages.installed.items() if name not in base and package.manual is not False]
    if not names:
        return ()
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return (f"packages above the base: {', '.join(sorted(names)[:_SHOWN])}{more}",)


def _made_by_the_author(view: View) -> bool:
    """Tell whether a line copied something in, or built or installed what lies in a directory."""
    for layer in view.image.layers[view.base_layers :]:
        text = layer.history.created_by if layer.history is not None else ""
        if COPIED.match(text) or not text:
            return True
        for words in shell_commands(author_text(text)):
            if builds(words) or (_INSTALLS_ITSELF.fullmatch(words[0]) and (words[0].count("/") or _HERE & set(words))):
                return True
    return False
