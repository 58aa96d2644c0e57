"""Lines as the image's own provenance gives them: BuildKit noted which step of which line made which layer."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from msbtui.analysis.model import LineMatch, Provenance
from msbtui.dockerfile.model import Dockerfile

FROM_PROVENANCE = "from the image's provenance"


def attest_lines(provenance: Provenance, dockerfile: Dockerfile, lines: Sequence[tuple[int, int] | None]) -> Provenance:
    """Give `provenance` with the lines that the image's provenance names, for the Dockerfile that it holds.

    `lines[i]` is the first and last line of what made layer i, None where it does not say. Lines of FROM stand for the base's
    layers and are left as they were matched.
    """
    matches = list(provenance.matches)
    for number, (match, span) in enumerate(zip(matches, lines, strict=False)):
        if span is None:
            continue
        made_by = next(
            (
                one
                for one in dockerfile.instructions
                if one.span.first_line <= span[0] <= one.span.last_line and one.keyword != "FROM"
            ),
            None,
        )
        if made_by is not None and (match.instruction != made_by.index or not match.exact):
            matches[number] = LineMatch(
                layer=match.layer,
                instruction=made_by.index,
                line=made_by.span.first_line,
                stage=made_by.stage,
                exact=True,
                note=FROM_PROVENANCE,
            )
    return msgspec.structs.replace(provenance, matches=tuple(matches))
