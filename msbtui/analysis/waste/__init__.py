"""Waste: one file a kind. `find_waste` runs them all; `KINDS` says what each is, for learners and for lists."""

from __future__ import annotations

from collections.abc import Callable

from msbtui.analysis.model import Base, Provenance, WasteReport
from msbtui.analysis.waste import (
    archives,
    bytecode,
    caches,
    compilers,
    debugsymbols,
    devdeps,
    devfiles,
    docs,
    duplicates,
    fullcopy,
    hidden,
    junk,
    logs,
    objects,
    secrets,
    sources,
    stages,
    testfiles,
    vcs,
)
from msbtui.analysis.waste.kind import WasteKind
from msbtui.analysis.waste.report import make_report
from msbtui.analysis.waste.scene import Scene
from msbtui.dockerfile.model import Dockerfile, StageGraph
from msbtui.image.model import Image
from msbtui.image.packages import Packages
from msbtui.image.table import FileTable

KINDS: tuple[WasteKind, ...] = (
    hidden.DELETED,
    hidden.OVERWRITTEN,
    hidden.METADATA,
    hidden.MOVED,
    fullcopy.KIND,
    vcs.KIND,
    caches.KIND,
    debugsymbols.KIND,
    compilers.KIND,
    devdeps.KIND,
    objects.KIND,
    sources.KIND,
    archives.KIND,
    logs.KIND,
    bytecode.KIND,
    testfiles.KIND,
    docs.KIND,
    devfiles.KIND,
    junk.KIND,
    duplicates.KIND,
    secrets.KIND,
    stages.KIND,
)
"""All kinds, in the order of `report.PRECEDENCE`."""


def find_waste(
    image: Image,
    table: FileTable,
    packages: Packages,
    base: Base,
    provenance: Provenance | None,
    dockerfile: Dockerfile | None,
    graph: StageGraph | None,
    *,
    in_base: bool = False,
    ignored: Callable[[str], bool] | None = None,
) -> WasteReport:
    """Give the findings and sums of DESIGN.md section 6; bytes, layers from 0, lines from 1.

    Compilers of the base image are told of with `in_base` set and stand last; other findings in the base's layers only where
    `in_base` is asked for. Neither is part of the sums. `ignored` says of a path of the build context (relative to it, with
    slashes) whether its .dockerignore names it.
    """
    scene = Scene(image, table, packages, base, provenance, dockerfile, graph, ignored)
    return make_report(scene, KINDS, in_base=in_base)


def kind_of(name: str) -> WasteKind | None:
    """Give a kind by its name in the contract, or None."""
    return next((kind for kind in KINDS if kind.id == name), None)
