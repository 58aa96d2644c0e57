"""What the target stage rests on, and findings moved to where their lines stand after an edit."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from msbtui.analysis.model import Finding, HiddenBy, Provenance, WasteReport
from msbtui.dockerfile.model import Stage, StageGraph


def root_stage(graph: StageGraph) -> Stage | None:
    """Give the stage at the end of the target's chain of FROMs: the one that starts from an image or from scratch."""
    at = graph.target_index
    while at is not None:
        stage = graph.stages[at]
        if stage.base.stage is None:
            return stage
        # A base is always an earlier stage, so that this ends.
        at = stage.base.stage if stage.base.stage < at else None
    return None


_IMAGE = "docker-image://"
"""How a named context begins that is an image (buildx, `--build-context`)."""


def root_image(graph: StageGraph, contexts: Mapping[str, str] = {}) -> str | None:
    """Give the image that the target stage rests on, or `scratch`; None where there is no target, or it rests on no image.

    `contexts` are the named contexts of the build: where one stands for the image or the stage, what it is counts.
    """
    stage = root_stage(graph)
    if stage is None:
        return None
    context = contexts.get(stage.base.image or "") or (contexts.get(stage.name or "") if stage.named_context else None)
    if context:
        return context.removeprefix(_IMAGE) if context.startswith(_IMAGE) else None
    return "scratch" if stage.base.scratch else stage.base.image


def relocated(waste: WasteReport, provenance: Provenance, graph: StageGraph) -> WasteReport:
    """Give the findings with the lines that made their layers now: what they are does not change with the text.

    A finding without bytes is about the text itself and stays as it is until waste is found anew.
    """
    root = root_stage(graph)
    lines = {match.layer: match.line for match in provenance.matches}

    def moved(finding: Finding) -> Finding:
        if not finding.bytes:
            return finding
        hidden_by = finding.hidden_by and HiddenBy(finding.hidden_by.layer, lines.get(finding.hidden_by.layer))
        line = (root.line if root else None) if finding.in_base else lines.get(finding.layer)
        return msgspec.structs.replace(finding, line=line, hidden_by=hidden_by)

    return msgspec.structs.replace(waste, findings=tuple(map(moved, waste.findings)))
