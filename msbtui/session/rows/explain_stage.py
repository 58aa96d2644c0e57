"""The teaching text for a stage and for an image from outside: what it begins from, what it takes and gives, what it costs."""

from __future__ import annotations

from collections.abc import Mapping

from msbtui.dockerfile.model import Instruction, Origin, Stage, StageGraph
from msbtui.session.rows.cells import shown
from msbtui.session.rows.outside import CONTEXT, outside_sources
from msbtui.session.rows.stages import StageFacts, origin_key, origin_title, shipped_stages
from msbtui.text import size

_SHOWN = 30
"""Instructions of a stage that are listed."""


def explain_stage(graph: StageGraph, stage: int, facts: StageFacts | None = None) -> list[tuple[str, str]]:
    """Give the text of one stage as paragraphs of (text, role): whether it is shipped and why, from what it is made, for whom.

    `facts` adds the bytes of a known image; they are said of shipped stages alone, since the image has no others.
    """
    facts = facts or StageFacts()
    found = graph.stages[stage]
    shipped = stage in shipped_stages(graph)
    out: list[tuple[str, str]] = [(f"Stage {stage}  {shown(found.name) if found.name else '(no name)'}", "head")]
    if found.comment:
        out.append((shown(" ".join(found.comment.split())), "text"))
    out.append((_part_in_the_image(graph, found, shipped), "text"))
    if found.named_context:
        out.append(("A named build context takes its place: its own FROM and instructions are not run.", "text"))
    takes = [f"line {found.line}: begins from {_name(graph, found.base, found, base=True)}"]
    for source, uses in outside_sources(found).items():
        what = "from the build context" if source == CONTEXT else "from the network"
        takes += [f"line {use.line}: takes {shown(use.source)} {what}" for use in uses]
    for edge in graph.edges:
        if edge.to == stage:
            takes += [
                f"line {use.line}: {edge.via} takes {shown(use.source)} out of {_name(graph, edge.origin, found)}"
                for use in edge.uses
            ]
    out += [("Made from", "head"), ("\n".join(dict.fromkeys(takes)), "dim")]
    gives = _users(graph, f"stage {stage}")
    if gives:
        out += [("Used by", "head"), ("\n".join(gives), "dim")]
    out += _costs(found, facts, shipped)
    return out


def _part_in_the_image(graph: StageGraph, stage: Stage, shipped: bool) -> str:
    if stage.index == graph.target_index:
        return "This is the target: its layers, and those of what it is built FROM, are the image."
    if shipped:
        return "The target is built FROM this stage, so all its layers are in the image."
    if stage.reachable:
        return (
            "A build stage: it is built because another stage needs it, and none of its layers are shipped. "
            "Only what COPY --from takes out of it reaches the image, so it may be as large as it likes."
        )
    return "The target needs nothing of this stage. BuildKit does not even build it; it costs no byte."


def explain_outside(graph: StageGraph, key: str, label: str) -> list[tuple[str, str]]:
    """Give the text of an image from outside, by its key among the graph's nodes (`origin_key`)."""
    out = [(shown(label), "head")]
    if key.startswith("scratch "):
        out.append(("The empty image: no layer, no shell, no libraries. What starts has to bring all that it needs.", "text"))
    else:
        out.append(("An image from outside: it is pulled, or the engine has it; no line of this Dockerfile made it.", "text"))
        shipped = shipped_stages(graph)
        if any(origin_key(each.base, each, base=True) == key for each in graph.stages if each.index in shipped):
            out.append(("All its layers are in the image. A smaller base is the only way to make them fewer.", "text"))
        else:
            out.append(("None of its layers are in the image; what a line copies out of it is.", "text"))
    return [*out, ("Used by", "head"), ("\n".join(_users(graph, key)) or "no stage", "dim")]


def _users(graph: StageGraph, key: str) -> list[str]:
    """Give a line for each FROM, COPY --from and mount that uses a node."""
    based = [each for each in graph.stages if origin_key(each.base, each, base=True) == key]
    lines = [f"line {each.line}: stage {_stage(each)} is built FROM it" for each in based]
    for edge in graph.edges:
        if origin_key(edge.origin, graph.stages[edge.to]) == key:
            user = _stage(graph.stages[edge.to])
            lines += [f"line {use.line}: {edge.via} takes {shown(use.source)} into stage {user}" for use in edge.uses]
    return lines


def _stage(stage: Stage) -> str:
    return f"{stage.index} {shown(stage.name)}" if stage.name else str(stage.index)


def _name(graph: StageGraph, origin: Origin, user: Stage, *, base: bool = False) -> str:
    if origin.stage is not None:
        return f"stage {_stage(graph.stages[origin.stage])}"
    return origin_title(origin, user, base=base)


def _costs(stage: Stage, facts: StageFacts, shipped: bool) -> list[tuple[str, str]]:
    """Give the stage's instructions, with their bytes where the image has them."""
    items = [] if stage.named_context else [item for item in stage.instructions if item.keyword != "FROM"]
    if not items:
        return []
    known = shipped and bool(facts.line_bytes)
    text = "What it does"
    if known:
        own = sum(facts.line_bytes.get(line, 0) for line in {item.span.first_line for item in items})
        text += f": {size(own)} of layers" + (
            f", {size(facts.stage_bytes[stage.index])} with what it begins from" if stage.index in facts.stage_bytes else ""
        )
    lines = [_line(item, facts.line_bytes if known else {}) for item in items[:_SHOWN]]
    if len(items) > _SHOWN:
        lines.append(f"… and {len(items) - _SHOWN} more")
    return [(text, "head"), ("\n".join(lines), "dim")]


def _line(item: Instruction, costs: Mapping[int, int]) -> str:
    line = item.span.first_line
    words = shown(" ".join(item.source.split()))
    cost = costs.get(line)
    return f"line {line}: {words if len(words) <= 60 else words[:59] + '…'}" + (f"  {size(cost)}" if cost is not None else "")
