"""What the image of a session adds to its stage graph."""

from __future__ import annotations

from msbtui.session.rows.costs import Costs
from msbtui.session.rows.selection import Links
from msbtui.session.rows.stages import StageFacts, stage_facts
from msbtui.session.session import Session


def session_facts(session: Session) -> StageFacts:
    """Give the bytes by stage and line, as far as layers are read; nothing where no image is known."""
    if session.graph is None or session.table is None:
        return StageFacts()
    costs = Costs(session.table, session.waste, session.base, session.provenance)
    return linked_facts(Links(costs, session.dockerfile, session.graph, session.waste))


def linked_facts(links: Links) -> StageFacts:
    """Give the same from links that are at hand."""
    costs = links.costs
    if links.graph is None or not costs.layers:
        return StageFacts()
    lines = {
        layer: (links.line_of(layer), match.stage if (match := costs.matches.get(layer)) else None)
        for layer in range(costs.layers)
    }
    return stage_facts(links.graph, lines, {layer: costs.size(layer) or 0 for layer in range(costs.layers)})
