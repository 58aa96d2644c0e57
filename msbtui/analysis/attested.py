"""Lines as the image's own provenance gives them: BuildKit noted which step of which line made which layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile

import msgspec

from msbtui.analysis.lines import stage_chain
from msbtui.analysis.model import LineMatch, Provenance
from msbtui.dockerfile.model import Dockerfile, Instruction, StageGraph

FROM_PROVENANCE = "from the image's provenance"
_MAKERS = frozenset(("FROM", "RUN", "COPY", "ADD", "WORKDIR"))
"""What makes layers (BuildKit, frontend/dockerfile/dockerfile2llb/convert.go: what changes the state's file system)."""

Lines = Sequence[tuple[int, int] | None]


def attest_lines(provenance: Provenance, dockerfile: Dockerfile, lines: Lines, graph: StageGraph | None = None) -> Provenance:
    """Give `provenance` with the lines that the image's provenance names, for the Dockerfile that it holds.

    `lines[i]` is the first and last line of what made layer i, None where it does not say. Lines of FROM stand for the base's
    layers and are left as they were matched. Where the lines cannot be true of this Dockerfile none is taken, and `notes` say
    why.
    """
    made_by = [_instruction(dockerfile, span) for span in lines]
    wrong = next(_wrong(dockerfile, lines, made_by, graph), None)
    if wrong is not None:
        return msgspec.structs.replace(provenance, notes=(*provenance.notes, wrong))
    matches = list(provenance.matches)
    for number, (match, maker) in enumerate(zip(matches, made_by, strict=False)):
        if maker is None or maker.keyword not in _MAKERS or maker.keyword == "FROM":
            continue
        if match.instruction != maker.index or not match.exact:
            matches[number] = LineMatch(
                layer=match.layer,
                instruction=maker.index,
                line=maker.span.first_line,
                stage=maker.stage,
                exact=True,
                note=FROM_PROVENANCE,
            )
    return msgspec.structs.replace(provenance, matches=tuple(matches))


def attested_base_layers(dockerfile: Dockerfile, lines: Lines) -> int:
    """Give how many layers from the bottom the provenance says a FROM brought; 0 where it does not say."""
    made_by = (_instruction(dockerfile, span) for span in lines)
    return sum(1 for _ in takewhile(lambda maker: maker is not None and maker.keyword == "FROM", made_by))


def _instruction(dockerfile: Dockerfile, span: tuple[int, int] | None) -> Instruction | None:
    if span is None:
        return None
    return next((one for one in dockerfile.instructions if one.span.first_line <= span[0] <= one.span.last_line), None)


def _wrong(
    dockerfile: Dockerfile, lines: Lines, made_by: Sequence[Instruction | None], graph: StageGraph | None
) -> Iterator[str]:
    """Give, in a line each, why the lines cannot be true of this Dockerfile."""
    refused = "the lines in its provenance are left out"
    count = dockerfile.source.count("\n") + 1
    stages = None if graph is None or graph.errors else {stage.index for stage in stage_chain(graph)}
    before = -1
    for layer, (span, maker) in enumerate(zip(lines, made_by, strict=True)):
        # A trigger of the base's ONBUILD is parsed as a file of its own, so it stands at "line 1" (dispatchOnBuildTriggers).
        if span is None or (span[0] == span[1] == 1 and (maker is None or maker.keyword not in _MAKERS)):
            continue
        if span[1] > count:
            yield f"{refused}: its Dockerfile has {count} lines, and line {span[1]} is to have made layer {layer}"
        elif maker is None or maker.keyword not in _MAKERS:
            what = f"holds {maker.keyword}" if maker is not None else "holds no instruction"
            yield f"{refused}: line {span[0]} is to have made layer {layer}, but {what}"
        elif stages is not None and maker.stage is not None and maker.stage not in stages:
            yield f"{refused}: line {span[0]} is to have made layer {layer}, but is in no stage that the image is made of"
        elif maker.index < before:
            yield f"{refused}: line {span[0]} is to have made layer {layer}, after a later line made the one below"
        else:
            before = maker.index
