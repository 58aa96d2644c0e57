"""Why each line of the runtime stage is there, and what stays behind and why that is safe."""

from __future__ import annotations

from msbtui.image.packages import Package
from msbtui.split.compose import Parts
from msbtui.split.installs import is_build_package, package_bytes
from msbtui.split.model import LeftOut, Step
from msbtui.text import size

_SHOWN = 5


def explain(parts: Parts, origin: str) -> tuple[list[Step], list[LeftOut]]:
    """Give the steps in the order of the new Dockerfile, and what is left out, greatest first; bytes."""
    return _steps(parts, origin), _left_out(parts, origin)


def _steps(parts: Parts, origin: str) -> list[Step]:
    steps = [
        Step(
            f"FROM {origin} AS …",
            "the author's instructions stay as they are, byte for byte, as the build stage: what built before builds again",
        ),
        Step(f"FROM {parts.runtime.ref}", parts.runtime.why, parts.runtime.evidence),
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
        steps.append(Step(f"RUN {prune.command}", "nothing that runs requires the development packages", prune.evidence))
    for path in parts.removed:
        steps.append(Step(f"delete /{path}", "the author deleted it, and the runtime base brings it"))
    for made in parts.copies.made:
        steps.append(
            Step(
                f"make {made.path}",
                f"owner {made.uid}:{made.gid}, mode {made.mode:04o} in the original; COPY would make it root's with 0755",
            )
        )
    for copy in parts.copies.copies:
        what = f"copy {' '.join(copy.sources)}"
        evidence = tuple(f"{source}: {parts.kept.paths.get(source.lstrip('/'), copy.why)}" for source in copy.sources[:_SHOWN])
        along = f"; {size(copy.extra)} that lie between come along" if copy.extra else ""
        steps.append(
            Step(
                what, f"{copy.why} ({size(copy.bytes)} in {copy.files} {'file' if copy.files == 1 else 'files'}{along})", evidence
            )
        )
    for link in parts.copies.links:
        steps.append(Step(f"link {link.path} -> {link.target}", link.why))
    for line in parts.metadata.lines:
        steps.append(Step(" ".join(line.text.split())[:200], line.why))
    for dropped in parts.metadata.dropped:
        steps.append(Step(f"without {dropped.field}.{dropped.name}", dropped.why))
    return steps


def _left_out(parts: Parts, origin: str) -> list[LeftOut]:
    view = parts.view
    base_packages = view.packages.at(view.base_layers - 1) if view.base_layers else {}
    arriving = {package.name for package in parts.arriving} | (
        set(parts.runtime.facts.packages.installed) if parts.runtime.facts else set(base_packages)
    )
    build: list[Package] = []
    other: list[Package] = []
    for name, package in view.packages.installed.items():
        if name not in base_packages and name not in arriving:
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
            shown = ", ".join(f"/{path}" for path in sorted(paths, key=lambda path: (-view.size(path), path))[:3])
            found.append(LeftOut(f"{reason}: {shown}", bytes_left, "nothing that starts in the container reads or calls it"))
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
