"""The layers as rows: index, size, waste, a bar in eighths, and the instruction that made each."""

from __future__ import annotations

import msgspec

from msbtui.analysis.model import LineMatch
from msbtui.analysis.reconstruct import instruction_text
from msbtui.dockerfile.model import Dockerfile
from msbtui.image.model import HistoryItem, Image
from msbtui.session.rows.cells import Part, Row, bar, fit, left, right, shown
from msbtui.session.rows.costs import Costs
from msbtui.text import size


class LayerRow(msgspec.Struct, frozen=True):
    """One layer."""

    index: int
    bytes: int | None
    """None while the layer is not read."""
    waste: int | None
    instruction: str
    line: int | None = None
    base: bool = False
    exact: bool = True
    note: str = ""


def layer_rows(image: Image | None, costs: Costs, dockerfile: Dockerfile | None = None, base: str = "") -> list[LayerRow]:
    """Give one row a layer, from the base up; those that the history announces and that are not read yet have no bytes.

    A base of one layer shows as the FROM of its name `base`, where that is known.
    """
    if image is None:
        return []
    made = [item for item in image.history if not item.empty_layer]
    total = max(len(image.layers), costs.layers, len(made))
    rows: list[LayerRow] = []
    for index in range(total):
        layer = image.layers[index] if index < len(image.layers) else None
        history = layer.history if layer else made[index] if index < len(made) else None
        match = costs.matches.get(index)
        text = _instruction(dockerfile, match, history) or (layer.diff_id if layer else "")
        if base and costs.base_layers == 1 and index == 0:
            text = f"FROM {base}"
        rows.append(
            LayerRow(
                index,
                costs.size(index),
                costs.layer_waste[index] if index < costs.layers else None,
                shown(" ".join(text.split())),
                match.line if match else None,
                costs.from_base(index),
                match is None or match.instruction is None or match.exact,
                shown(match.note) if match else "",
            )
        )
    return rows


def _instruction(dockerfile: Dockerfile | None, match: LineMatch | None, history: HistoryItem | None) -> str:
    at = match.instruction if match is not None else None
    if dockerfile is not None and at is not None and at < len(dockerfile.instructions):
        item = dockerfile.instructions[at]
        flags = "".join(f"--{flag.name}{'' if flag.value is None else '=' + flag.value} " for flag in item.flags)
        return f"{item.keyword} {flags}{item.value}"
    return instruction_text(history) if history is not None else ""


def layer_header(cells: int) -> Row:
    """Give the column heads in exactly `cells` cells."""
    parts: list[Part] = [(right("#", 3), "head"), (right("size", 9), "head"), (right("waste", 9), "head")]
    if cells >= 46:
        parts.append((" " * 10, "head"))
    parts.append(("  instruction", "head"))
    return fit(parts, cells, "head")


def draw_layer(row: LayerRow, greatest: int, cells: int) -> Row:
    """Give one row in exactly `cells` cells; `greatest` is the size in bytes that fills the bar.

    The waste is the bar's first part; its figure stands beside it, so that nothing is told by colour alone.
    """
    waste = "base" if row.base else size(row.waste) if row.waste is not None else "…" if row.bytes is None else ""
    parts: list[Part] = [
        (right(str(row.index), 3), "number"),
        (right(size(row.bytes) if row.bytes is not None else "…", 9), "size"),
        (right(waste, 9), "waste" if row.waste else "dim"),
    ]
    if cells >= 46:
        drawn = bar(row.bytes or 0, greatest, 8)
        wasted = 0
        if row.waste and row.bytes:
            wasted = min(len(drawn.rstrip()), max(1, round(len(drawn.rstrip()) * row.waste / row.bytes)))
        parts += [("  ", "text"), (drawn[:wasted], "bar-waste"), (drawn[wasted:], "bar-base" if row.base else "bar")]
    text = row.instruction if row.exact or row.base else f"≈ {row.instruction}"
    room = max(cells - sum(len(part[0]) for part in parts) - 2, 0)
    parts.append(("  " + left(text, room) if room else "", "dim" if row.base else "text"))
    return fit(parts, cells)
