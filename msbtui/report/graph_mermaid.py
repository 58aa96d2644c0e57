"""The stage graph as a Mermaid flowchart (https://mermaid.js.org/syntax/flowchart.html)."""

from __future__ import annotations

from msbtui.session.drawing.diagram import LEGEND, LEGEND_BOXES, Box, Diagram

_ARROWS = {"FROM": "==>", "COPY": "-->", "mount": "-.->", "context": "-->"}
_SAFE = set(" !%'()+,-./0123456789:=?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^abcdefghijklmnopqrstuvwxyz$…–→")


def mermaid_text(diagram: Diagram, *, direction: str = "TB", legend: bool = False) -> str:
    """Give a diagram as one flowchart."""
    out = [f"flowchart {direction}"]
    for number, box in enumerate(diagram.boxes):
        out.append(f"  n{number}{_box(box)}")
    for arrow in diagram.arrows:
        label = f'|"{_lines(arrow.label)}"|' if any(arrow.label) else ""
        out.append(f"  n{arrow.source} {_ARROWS[arrow.via]}{label} n{arrow.target}")
    if legend:
        out.append('  subgraph legend["Legend"]')
        for number, (style, text) in enumerate(LEGEND):
            out.append(f'    la{number}[" "] {_ARROWS[style]} lb{number}["{escaped(text)}"]')
        for number, (style, text) in enumerate(LEGEND_BOXES):
            out.append(f'    lc{number}["{escaped(text)}"]:::{"outside" if style == "image" else style}')
        out.append("  end")
    out += [
        "  classDef stage fill:#fff,stroke:#1f2937,color:#1f2937",
        "  classDef target fill:#ecfdf5,stroke:#047857,stroke-width:3px,color:#1f2937",
        "  classDef outside fill:#f3f4f6,stroke:#6b7280,color:#1f2937",
        "  classDef dim fill:#fff,stroke:#9ca3af,stroke-dasharray:3 3,color:#6b7280",
    ]
    return "\n".join([*out, ""])


def _box(box: Box) -> str:
    text = _lines((box.title, *((box.note,) if box.note else ()), *box.lines))
    style = "dim" if box.dim else "target" if box.target else "stage" if box.kind == "stage" else "outside"
    open_, close = ('("', '")') if box.kind != "stage" else ('["', '"]')
    return f"{open_}{text}{close}:::{style}"


def _lines(lines: tuple[str, ...]) -> str:
    return "<br>".join(escaped(line) for line in lines)


def escaped(text: str) -> str:
    """Give text for a quoted label: whatever Mermaid, its Markdown or HTML could read is an entity code."""
    return "".join(char if char in _SAFE or (ord(char) > 0x2FF and char.isalnum()) else f"#{ord(char)};" for char in text)
