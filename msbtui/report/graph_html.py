"""The stage graph as one HTML page that needs nothing else: no script, no font, no network."""

from __future__ import annotations

from html import escape

from msbtui.dockerfile.model import Dockerfile, Problem, StageGraph
from msbtui.report.graph_json import warning_text
from msbtui.report.graph_scene import Scene
from msbtui.report.graph_svg import svg_text
from msbtui.session.drawing.diagram import Diagram
from msbtui.session.rows.cells import shown

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:80rem;padding:0 1rem;color:#1f2937;background:#fff}
figure{overflow:auto;border:1px solid #d1d5db;border-radius:6px;margin:1rem 0;padding:0}
table{border-collapse:collapse}td,th{text-align:left;padding:.2rem .8rem;border-bottom:1px solid #e5e7eb;vertical-align:top}
pre{overflow:auto;background:#f3f4f6;padding:.6rem;margin:.3rem 0}.error{color:#b91c1c}.warning{color:#92400e}
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def html_text(dockerfile: Dockerfile, graph: StageGraph, diagram: Diagram, scene: Scene) -> str:
    """Give a page with the drawing, a table of the stages with their instructions, and what is wrong."""
    title = f"Stage graph of {shown(dockerfile.path)}"
    out = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1>",
        *(_problem("error", problem) for problem in graph.errors),
        *(_problem("warning", problem) for problem in graph.warnings),
        f"<figure>{svg_text(scene, title)}</figure>",
        "<table><thead><tr><th>Stage<th>Line<th>For the image<th>What it is<th>Instructions</tr></thead><tbody>",
    ]
    notes = {box.stage: box for box in diagram.boxes if box.kind == "stage"}
    for stage in graph.stages:
        source = "".join(shown_lines(item.source) for item in stage.instructions)
        box = notes.get(stage.index)
        out.append(
            f"<tr><td>{escape(box.title if box else str(stage.index))}<td>{stage.line}<td>{escape(box.note if box else '')}"
            f"<td>{escape(shown_lines(stage.comment))}"
            f"<td><details><summary>{len(stage.instructions)}</summary><pre>{escape(source)}</pre></details></tr>"
        )
    return "\n".join([*out, "</tbody></table></body></html>", ""])


def _problem(kind: str, problem: Problem) -> str:
    place = f"line {problem.line}: " if problem.line else ""
    return f'<p class="{kind}">{escape(place + shown(warning_text(problem)))}</p>'


def shown_lines(text: str) -> str:
    """Give a text of several lines made printable, each ended by a line feed; nothing for an empty one."""
    return "".join(shown(line.expandtabs(4)) + "\n" for line in text.splitlines())
