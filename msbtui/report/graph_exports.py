"""Every format of `msbtui graph`, by its name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from msbtui.dockerfile.model import Dockerfile, StageGraph
    from msbtui.session.rows.stages import StageFacts

FORMATS = ("text", "json", "dot", "mermaid", "svg", "png", "html")


def export_graph(
    form: str,
    dockerfile: Dockerfile,
    graph: StageGraph,
    facts: StageFacts | None = None,
    *,
    layers: bool = False,
    legend: bool = False,
    direction: str = "TB",
    cells: int = 80,
) -> str | bytes:
    """Give a graph in one of `FORMATS`; `cells` is the width of text. PNG is bytes.

    Raises ValueError for an unknown format or direction, TargetError for a picture that would be too large.
    """
    if form == "json":
        from msbtui.report.graph_json import graph_document

        return json.dumps(graph_document(graph), indent=2) + "\n"
    if form == "text":
        from msbtui.session.rows.stages import graph_text

        return graph_text(graph, facts, cells, layers=layers, legend=legend)
    from msbtui.session.drawing.diagram import make_diagram

    diagram = make_diagram(graph, facts, layers=layers)
    if form == "dot":
        from msbtui.report.graph_dot import dot_text

        return dot_text(diagram, direction=direction, legend=legend)
    if form == "mermaid":
        from msbtui.report.graph_mermaid import mermaid_text

        return mermaid_text(diagram, direction=direction, legend=legend)
    from msbtui.report.graph_scene import make_scene

    scene = make_scene(diagram, direction=direction, legend=legend)
    if form == "svg":
        from msbtui.report.graph_svg import svg_text

        return svg_text(scene, f"Stage graph of {dockerfile.path}")
    if form == "png":
        from msbtui.report.graph_png import png_bytes

        return png_bytes(scene)
    if form == "html":
        from msbtui.report.graph_html import html_text

        return html_text(dockerfile, graph, diagram, scene)
    raise ValueError(f"no such format: {form}")
