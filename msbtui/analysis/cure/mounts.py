"""Caches outside the image: `RUN --mount=type=cache` (BuildKit, Dockerfile reference, "RUN --mount=type=cache")."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msbtui.analysis.cure.cleanup import REUSED, needed_later, runs
from msbtui.analysis.cure.model import Cure, World
from msbtui.analysis.model import Finding
from msbtui.dockerfile.edit import insert
from msbtui.dockerfile.model import Instruction

_HOME = r"(?:root|home/[^/]+)"
_ROOTS = re.compile(
    rf"({_HOME}/\.cache/(?:pip|uv|pypoetry|pipenv|yarn|go-build|composer|ccache|sccache|coursier)|{_HOME}/\.npm|"
    rf"{_HOME}/(?:\.composer/cache|"
    rf"\.m2/repository|\.gradle/caches|\.gradle/wrapper|\.ivy2/cache|\.nuget/packages|\.bun/install/cache)|"
    rf"(?:{_HOME}/)?go/pkg|(?:usr/local/|{_HOME}/\.)cargo/(?:registry|git)|usr/local/share/\.cache/yarn|"
    r"var/cache/(?:apt|dnf|yum|libdnf5)|var/lib/apt/lists)/.+"
)
"""Places that hold a cache and nothing else. Not those that are hard-linked into what is installed (pnpm, conda): outside the
image they would be copied."""
_LOCKED = ("var/cache/apt", "var/lib/apt/lists", "var/cache/dnf", "var/cache/yum")
"""Managers that want their place for themselves: sharing=locked."""


def cache_mounts(world: World) -> Iterator[Cure]:
    """Give, for each set of caches, the mounts on every RUN that fills or reads them; all of its findings are cured at once."""
    if not world.buildkit:
        return
    groups: dict[tuple[str, ...], list[tuple[Finding, Instruction]]] = {}
    for finding in world.waste.findings:
        if finding.kind != "package-cache" or finding.hidden_by is not None or not finding.bytes:
            continue
        now = world.run_of(finding)
        paths = world.files(finding)
        found = {match[1] for path in paths if (match := _ROOTS.fullmatch(path)) is not None}
        covered = all(_ROOTS.fullmatch(path) for path in paths)
        if now is None or not paths or not covered or now.user.split(":")[0] not in ("", "root", "0"):
            continue
        # Lists that the builder may throw away at any time are no lists for a later install without its own update.
        lists = [path for path in paths if path.startswith("var/lib/apt/lists/")]
        if lists and needed_later(world, now, lists, "package-cache"):
            continue
        groups.setdefault(tuple(sorted(found)), []).append((finding, now.instruction))
    for roots, members in groups.items():
        cure = _cure(world, roots, members)
        if cure is not None:
            yield cure


def _cure(world: World, roots: tuple[str, ...], members: list[tuple[Finding, Instruction]]) -> Cure | None:
    first = min(instruction.index for _, instruction in members)
    lines: dict[int, Instruction] = {instruction.index: instruction for _, instruction in members}
    programs = {name for pattern, names in REUSED if any(pattern.fullmatch(f"{root}/x") for root in roots) for name in names}
    for now in world.chain:
        instruction = now.instruction
        if instruction.index in lines or instruction.index < first or instruction.keyword != "RUN":
            continue
        if programs and runs(now, programs, world.dockerfile.escape):
            if now.user.split(":")[0] not in ("", "root", "0"):
                return None
            lines[instruction.index] = instruction
    if any(_is_filled(world, root, min(finding.layer for finding, _ in members)) for root in roots):
        return None
    if world.mentioned_later(world.dockerfile.instructions[first], tuple(f"/{root}" for root in roots)):
        return None
    if any(
        flag.name == "mount" and flag.value and any(f"/{root}" in flag.value for root in roots)
        for one in lines.values()
        for flag in one.flags
    ):
        return None
    words = " ".join(f"--mount=type=cache,target=/{root}" + (",sharing=locked" if root in _LOCKED else "") for root in roots)
    edits = tuple(
        insert(one.span.start + len(one.written.encode("utf-8", "surrogateescape")), f" {words}") for one in lines.values()
    )
    ordered = sorted(lines.values(), key=lambda one: one.index)
    numbers = ", ".join(str(one.span.first_line) for one in ordered)
    return Cure(
        "cache-mount",
        f"line{'s' * (len(lines) > 1)} {numbers}: RUN {words}",
        ordered[0].span.first_line,
        sum(finding.bytes for finding, _ in members),
        tuple(finding.id for finding, _ in members),
        edits,
        optional=True,
        note="needs BuildKit; the cache stays on the builder and makes the next build faster",
    )


def _is_filled(world: World, root: str, layer: int) -> bool:
    """Say whether something stands at a place before a layer: under a mount it could not be seen."""
    table = world.table
    pid = table.id_of(root)
    if pid is None or layer < 1:
        return False
    found = (table.live_at(below, layer - 1) for below in table.subtree(pid))
    return any(one is not None and table.cost(*one) for one in found)
