"""Why each line of the runtime stage is there, what is kept only from caution, and what stays behind and why that is safe."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msbtui.image.packages import Package
from msbtui.split.compose import Parts
from msbtui.split.copies import Copy
from msbtui.split.installs import is_build_package, package_bytes
from msbtui.split.keep import UNEXPLAINED
from msbtui.split.model import Caution, LeftOut, Step
from msbtui.split.node import Prune
from msbtui.split.view import View
from msbtui.text import size

_SHOWN = 5


_MOST_OF = 0.9
"""A directory that holds this part of the bytes is named in place of those above it."""
_SAFE = (
    ("state of the package manager", "the runtime stage's package manager has a state of its own, and logs are written anew"),
    ("caches and toolchains", "only the tools that filled them read them, and those stay behind, too"),
    ("cache of", "only the package manager reads it, to install again what is installed"),
    ("bytecode of", "Python makes it again where it is missing"),
    ("sources, objects", "what they were compiled to is kept, and nothing that is kept names them"),
    ("other files of the source tree", "nothing that is kept names them"),
    ("headers", "only compilers and people read them"),
    ("history of", "only the version control system's own commands read it"),
    ("made by the packages' own scripts", "where the package is installed its scripts make them again"),
    ("development", "the application's manifest says that they are for development only, and nothing that starts loads them"),
    ("documentation", "only people read it"),
    ("debug symbols", "only debuggers read them"),
    ("objects of", "they are linked into what is kept"),
    ("archive", "what it held was unpacked"),
    ("logs", "they are written anew"),
    ("devices", "the container runtime makes devices, and programs make their pipes"),
    ("globally installed packages", "none of their commands is called"),
)
"""Beginnings of reasons for leaving something behind (split/judge.py, split/keep.py), and why each is safe."""


def explain(parts: Parts, origin: str) -> tuple[list[Step], list[LeftOut], list[Caution]]:
    """Give the steps in the new Dockerfile's order, what is left out, and what is kept from caution; bytes, greatest first."""
    return _steps(parts, origin), _left_out(parts, origin), _caution(parts)


def _steps(parts: Parts, origin: str) -> list[Step]:
    steps = [
        Step(
            f"FROM {origin} AS …",
            "the author's instructions stay as they are, byte for byte, as the build stage: what built before builds again",
        ),
        Step(f"FROM {parts.runtime.ref}", parts.runtime.why.removeprefix(f"{parts.runtime.ref}: "), parts.runtime.evidence),
    ]
    for account in parts.accounts.users:
        steps.append(
            Step(
                f"user {account.name}",
                f"the author made it with the number {account.uid}",
                (f"/etc/passwd: {account.name}:{account.uid}:{account.gid}",),
            )
        )
    for install in parts.installs:
        steps.append(
            Step(f"install {install.name}", install.why + (" (kept from caution)" if install.cautious else ""), install.evidence)
        )
    for prune in parts.prunes:
        steps.append(Step(f"RUN {prune.command}", _why_pruned(prune), prune.evidence))
    for path in parts.removed:
        steps.append(Step(f"delete /{path}", "the author deleted it, and the runtime base brings it"))
    for word in parts.settings.deletions:
        steps.append(Step(f"delete {word}", "the author deleted it, and the package's installation brings it"))
    for command in parts.settings.switches:
        steps.append(
            Step(f"RUN {command}", "the author's own command: what it changes is of the package, which is installed anew")
        )
    for made in parts.copies.made:
        steps.append(
            Step(
                f"make {made.path}",
                f"owner {made.uid}:{made.gid}, mode {made.mode:04o} in the original; COPY would make it root's with 0755",
            )
        )
    covered = sorted(parts.copies.covered)
    for copy in parts.copies.copies:
        what = f"copy {' '.join(copy.sources)}"
        evidence = _reasons_for(copy, parts.kept.paths, covered)
        along = f"; {size(copy.extra)} that lie between come along" if copy.extra else ""
        held = (
            f"{size(copy.bytes)} in {copy.files} {'file' if copy.files == 1 else 'files'}" if copy.files else "0 B in directories"
        )
        steps.append(Step(what, f"{copy.why} ({held}{along})", evidence))
    for link in parts.copies.links:
        steps.append(Step(f"link {link.path} -> {link.target}", link.why))
    for line in parts.metadata.lines:
        steps.append(Step(" ".join(line.text.split()), line.why))
    for dropped in parts.metadata.dropped:
        steps.append(Step(f"without {dropped.field}.{dropped.name}", dropped.why))
    return steps


def _reasons_for(copy: Copy, reasons: Mapping[str, str], covered: Sequence[str]) -> tuple[str, ...]:
    """Give for each distinct reason one path of a copy; what reaches a file before what merely did not rule it out."""
    found: dict[str, str] = {}
    for source in copy.sources:
        path = source.lstrip("/")
        if path in reasons:
            found.setdefault(reasons[path], path)
        for inner in covered[bisect_left(covered, f"{path}/") : bisect_left(covered, f"{path}0")]:
            if inner in reasons:
                found.setdefault(reasons[inner], inner)
    plain = sorted(found.items(), key=lambda item: item[0].startswith((UNEXPLAINED, "part of", "a library")))
    return tuple(f"/{path}: {why}" for why, path in plain[:_SHOWN])


def _why_pruned(prune: Prune) -> str:
    if prune.command.startswith("rm -rf "):
        return "nothing reads it, and without it the directory can be copied whole"
    return "nothing that runs requires the development packages"


def _left_out(parts: Parts, origin: str) -> list[LeftOut]:
    view = parts.view
    base_packages = view.packages.at(view.base_layers - 1) if view.base_layers else {}
    arriving = {package.name for package in parts.arriving} | (
        set(parts.runtime.facts.packages.installed) if parts.runtime.facts else set(base_packages)
    )
    build: list[Package] = []
    other: list[Package] = []
    for name, package in view.packages.installed.items():
        if name not in base_packages and name not in arriving and name not in view.from_files:
            (build if is_build_package(package) else other).append(package)
    found: list[LeftOut] = []
    for packages, what, why in (
        (build, "compilers and -dev packages", "only building needs them; nothing that is kept names them"),
        (
            other,
            "packages that came along with the build tools",
            "no kept file needs their libraries, calls their commands or names their files",
        ),
    ):
        if packages:
            names = ", ".join(sorted(package.name for package in packages)[:_SHOWN]) + (
                f" and {len(packages) - _SHOWN} more" if len(packages) > _SHOWN else ""
            )
            found.append(LeftOut(f"{what}: {names}", sum(package_bytes(view, package) for package in packages), why))
    for reason, paths in parts.kept.left.items():
        bytes_left = sum(view.size(path) for path in paths if path not in parts.copies.covered)
        if bytes_left:
            left = [path for path in paths if path not in parts.copies.covered]
            found.append(LeftOut(f"{reason}: {places(view, left)}", bytes_left, _safe(reason)))
    hidden = sum(view.table.layer_hidden(layer) for layer in range(view.base_layers, view.table.layers))
    if hidden:
        found.append(LeftOut("files that a later layer deleted or replaced", hidden, "no container ever sees them"))
    if (not parts.runtime.same and parts.runtime.facts is not None) or parts.runtime.scratch:
        own = sum(view.table.layer_size(layer) for layer in range(view.base_layers))
        less = own - (parts.runtime.facts.size if parts.runtime.facts else 0)
        if less > 0:
            found.append(
                LeftOut(f"what {origin} has more than {parts.runtime.ref}", less, "what is needed of it was checked path by path")
            )
    return sorted(found, key=lambda item: -item.bytes)


def _safe(reason: str) -> str:
    why = next((why for beginning, why in _SAFE if reason.startswith(beginning)), "")
    return why or "nothing that starts in the container reads or calls it"


def places(view: View, paths: Iterable[str], most: int = 3) -> str:
    """Give where the bytes of `paths` lie, for a person: at most `most` directories or files, greatest first."""
    below: dict[str, int] = defaultdict(int)
    inner: dict[str, set[str]] = defaultdict(set)
    for path in set(paths):
        count = view.size(path) or 1
        while path:
            below[path] += count
            folder = path.rpartition("/")[0]
            inner[folder].add(path)
            path = folder
    # a directory that all else lies in says little: what divides it is named
    tops = sorted(_divided("", inner), key=lambda path: (-below[path], path))
    named = [f"/{_deepest(path, below, inner)}" for path in tops[:most]]
    return ", ".join(named) + (f" and {len(tops) - most} more" if len(tops) > most else "")


def _divided(path: str, inner: dict[str, set[str]]) -> set[str]:
    while len(inner[path]) == 1 and (only := next(iter(inner[path]))) in inner:
        path = only
    folders = sum(child in inner for child in inner[path])
    return inner[path] if not path or (folders and len(inner[path]) <= _SHOWN) else {path}


def _deepest(path: str, below: dict[str, int], inner: dict[str, set[str]]) -> str:
    while path in inner:
        greatest = max(inner[path], key=lambda child: (below[child], child))
        if below[greatest] < _MOST_OF * below[path] or (greatest not in inner and len(inner[path]) > 1):
            break
        path = greatest
    return path


def _caution(parts: Parts) -> list[Caution]:
    view, kept = parts.view, parts.kept
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for path in parts.copies.covered:
        why = kept.paths.get(path, "")
        if path in kept.cautious:
            why = "they lie where the program starts, which may read them under names that it puts together"
            groups["files that may be data", why].append(path)
        elif why.startswith(UNEXPLAINED):
            made = why.removeprefix(UNEXPLAINED).removeprefix("; ")
            groups["new files that nothing names", f"nothing shows that only the build needs them; {made}"].append(path)
        elif why.startswith("part of the application"):
            reads = "an interpreter loads what the program asks for as it runs"
            groups["the application's files that nothing names", reads].append(path)
        elif why.endswith("is kept whole") or why == "everything new is kept":
            groups["what this rung of the ladder keeps whole", "nothing shows that it is needed"].append(path)
    found = [
        Caution(f"{what}: {places(view, paths)}", sum(view.size(path) for path in paths), why)
        for (what, why), paths in groups.items()
    ]
    for copy in parts.copies.copies:
        if copy.extra:
            found.append(Caution(f"what else lies in {copy.destination}", copy.extra, "the directory is copied whole"))
    for install in parts.installs:
        package = view.packages.installed.get(install.name)
        if package is not None and (install.cautious or "not for building only" in install.why):
            found.append(Caution(f"package {install.name}", package_bytes(view, package), install.why))
    return sorted((item for item in found if item.bytes), key=lambda item: (-item.bytes, item.what))
