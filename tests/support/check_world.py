"""Sessions on small made images: what an engine would give is made, everything else is the program's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from waste_scenes import Tree, look

from msbtui.analysis.model import Base
from msbtui.dockerfile.graph import build_graph
from msbtui.dockerfile.parser import parse
from msbtui.image.model import ElfFacts, ImageConfig
from msbtui.image.packages import read_packages
from msbtui.session.model import Options
from msbtui.session.session import Session


def made_session(
    *trees: Tree,
    base: int = 1,
    dockerfile: str | None = None,
    history: Sequence[str] = (),
    config: ImageConfig | None = None,
    elves: Mapping[str, ElfFacts] | None = None,
) -> Session:
    """Give a session that has read an image of these layers; `history`: BuildKit's text of each layer above the base."""
    scenery = look(*trees, base=base, dockerfile=dockerfile, history=history, config=config, elves=elves)
    session = Session(Options(), environ={})
    session.image, session.table, session.waste = scenery.image, scenery.table, scenery.report
    session.base, session.provenance = Base(base, "it is said so", "A", "debian:bookworm-slim"), scenery.provenance
    session.packages = read_packages(scenery.image, scenery.table)
    if dockerfile is not None:
        session.dockerfile = parse(dockerfile, "Dockerfile")
        session.graph = build_graph(session.dockerfile)
    return session
