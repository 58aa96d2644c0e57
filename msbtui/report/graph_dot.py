"""The stage graph in graphviz's DOT language (https://graphviz.org/doc/info/lang.html)."""

from __future__ import annotations

from msbtui.session.drawing.diagram import LEGEND, LEGEND_BOXES, Box, Diagram

_STYLES = {
    "FROM": "penwidth=2",
    "COPY": 'style=dashed, color="#1d4ed8"',
    "mount": 'style=dotted, color="#7c3aed"',
    "context": 'color="#6b7280"',
}


def dot_text(diagram: Diagram, *, direction: str = "TB", legend: bool = False) -> str:
    """Give a diagram as one DOT graph."""
    out = [
        "digraph stages {",
        f'  rankdir={direction}; node [shape=box, fontname="monospace"]; edge [fontname="monospace", fontsize=10];',
    ]
    for number, box in enumerate(diagram.boxes):
        out.append(f"  n{number} [{_box(box)}];")
    for arrow in diagram.arrows:
        label = quoted("\n".join(arrow.label), ends="\\n")
        dim = ', color="#9ca3af", fontcolor="#6b7280"' if arrow.dim else ""
        out.append(f"  n{arrow.source} -> n{arrow.target} [label={label}, {_STYLES[arrow.via]}{dim}];")
    if legend:
        out.append('  subgraph cluster_legend { label="Legend"; style=dashed;')
        for number, (style, text) in enumerate(LEGEND):
            out.append(f'    l{number}a [label="", shape=point]; l{number}b [label={quoted(text)}, shape=plaintext];')
            out.append(f"    l{number}a -> l{number}b [{_STYLES[style]}];")
        for number, (style, text) in enumerate(LEGEND_BOXES):
            out.append(f"    b{number} [label={quoted(text)}, {_look(style)}];")
        out.append("  }")
    return "\n".join([*out, "}", ""])


def _look(style: str) -> str:
    looks = {"target": "penwidth=3, peripheries=2", "image": 'style="rounded,filled", fillcolor="#f3f4f6"'}
    return looks.get(style, 'style=dashed, color="#9ca3af", fontcolor="#6b7280"' if style == "dim" else "style=solid")


def _box(box: Box) -> str:
    text = "\n".join((box.title, *((box.note,) if box.note else ()), *box.lines))
    ends = "\\l" if box.lines else "\\n"
    style = "dim" if box.dim else "target" if box.target else "stage" if box.kind == "stage" else "image"
    return f"label={quoted(text + (chr(10) if box.lines else ''), ends)}, {_look(style)}"


def quoted(text: str, ends: str = "\\n") -> str:
    r"""Give text as a double-quoted DOT string: `\` and `"` are escaped, so that none of graphviz's own escapes is read."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", ends) + '"'
