"""Which line made which layer: a Dockerfile's instructions aligned with the tail of an image's history.

The history of an image holds the base's items first and then one item an instruction, in order (BuildKit,
frontend/dockerfile/dockerfile2llb/convert.go, `commitToHistory`; OCI image-spec, config.md, `history`). Lines may have been
changed, added, removed or moved since, so this is an alignment, not a comparison.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import msgspec

from msbtui.analysis.history import Expected, Reader, Trace, flags_kept, is_exact, read_history, run_command, similarity
from msbtui.analysis.model import LineMatch, Provenance
from msbtui.dockerfile.checks import InstructionError
from msbtui.dockerfile.model import Dockerfile, Instruction, Stage, StageGraph
from msbtui.dockerfile.parser import parse_trigger
from msbtui.image.model import HistoryItem

OTHER_DOCKERFILE = 0.5
"""Below this fit an image counts as another Dockerfile's."""
NO_LINES = 0.25
"""Below this fit no line is given for any layer: a few alike lines would be chance."""
_WEIGHTS = {"RUN": 4.0, "COPY": 2.0, "ADD": 2.0}
_ALIKE = 0.45
_SKIP_LINE = 0.05
_SKIP_ITEM = 0.08
_MOST_CELLS = 400_000
"""History items times instructions that are aligned; real ones have some thousand."""

Pairs = dict[int, tuple[int, float]]
"""Number of an expected instruction -> (history item, how well: 1.0 is letter for letter)."""


def stage_chain(graph: StageGraph) -> list[Stage]:
    """Give the stages whose instructions an image of the target has run: the stage on an external base first, the target last."""
    chain: list[Stage] = []
    index = graph.target_index
    while index is not None and 0 <= index < len(graph.stages) and len(chain) <= len(graph.stages):
        stage = graph.stages[index]
        chain.append(stage)
        index = None if stage.named_context else stage.base.stage
    return chain[::-1]


def numbered_layers(history: Sequence[HistoryItem], layers: int | None = None) -> list[int | None]:
    """Give for each layer the history item that made it: the items that are not marked empty, in order.

    Where that gives another number of `layers` than there are, the history does not tell, and every layer has None.
    """
    numbers: list[int | None] = [number for number, item in enumerate(history) if not item.empty_layer]
    return numbers if layers is None or len(numbers) == layers else [None] * layers


def match_lines(
    dockerfile: Dockerfile,
    graph: StageGraph,
    history: Sequence[HistoryItem],
    layer_history: Sequence[int | None],
    *,
    build_args: Mapping[str, str] | None = None,
    base_layers: int = 0,
    base_onbuild: Sequence[str] = (),
) -> Provenance:
    """Give which instruction made which layer, and how well the image fits the Dockerfile; never raises.

    `layer_history[i]` is the history item that made layer i, None where that is not known. `base_layers`: layers from the
    bottom that are known to be the base's, so that no line is matched with them. `base_onbuild`: the ONBUILD triggers of the
    base image's configuration; what they made belongs to the line of FROM. It costs some milliseconds, so that all of an
    engine's images can be compared.
    """
    expected = list(_expected(graph, build_args or {}, dockerfile, base_onbuild))
    traces = [read_history(item) for item in history]
    first = _after_base(layer_history, base_layers, len(traces))
    pairs = _align(expected, traces, first)
    begin = min((item for item, _ in pairs.values()), default=len(traces))
    fit = _fit(expected, traces, pairs, begin)
    verdict, stale, notes = _judge(expected, traces, pairs, begin, fit)
    matches = tuple(_layer_matches(expected, traces, pairs if fit >= NO_LINES else {}, layer_history, history, base_layers))
    return Provenance(
        matches=matches,
        fit=round(fit, 4),
        verdict=verdict,
        in_sync=verdict == "in sync",
        stale_instructions=stale,
        notes=notes,
    )


def _expected(
    graph: StageGraph, build_args: Mapping[str, str], dockerfile: Dockerfile, base_onbuild: Sequence[str]
) -> Iterator[Expected]:
    reader = Reader(graph.args, build_args, dockerfile.escape)
    chain = stage_chain(graph)
    triggers = list(_base_triggers(chain[0], dockerfile, base_onbuild)) if chain else []
    for stage in chain:
        reader.start_stage()
        run = [(one, True) for one in triggers] + [(one, False) for one in stage.instructions]
        triggers = [one.trigger for one in stage.instructions if one.trigger is not None]
        for instruction, onbuild in run:
            seen = reader.read(instruction, onbuild=onbuild)
            if seen is not None:
                yield seen


def _base_triggers(stage: Stage, dockerfile: Dockerfile, texts: Sequence[str]) -> Iterator[Instruction]:
    """Read the base image's triggers; a person finds their cause at the FROM."""
    start = next((one for one in dockerfile.instructions if one.keyword == "FROM" and one.stage == stage.index), None)
    if start is None:
        return
    for text in texts:
        try:
            trigger = parse_trigger(text)
        except InstructionError:
            continue  # the engine would have refused it too
        yield msgspec.structs.replace(trigger, index=start.index, span=start.span, stage=stage.index)


def _after_base(layer_history: Sequence[int | None], base_layers: int, items: int) -> int:
    known = [item for item in layer_history[:base_layers] if item is not None and 0 <= item < items]
    return max(known) + 1 if known else 0


def _weight(keyword: str) -> float:
    return _WEIGHTS.get(keyword, 1.0)


def _align(expected: Sequence[Expected], traces: Sequence[Trace], first: int) -> Pairs:
    """Align instructions with history[first:]: items before the first matched one cost nothing (they are the base's).

    `best[i][h]` is the best score of instructions from i on against items from h on, all of which are in play; computed
    from the end, so that among equals the latest items win, where the instructions of this Dockerfile must be.
    """
    count = len(expected)
    first = max(first, len(traces) - _MOST_CELLS // max(1, count))
    items = traces[first:]
    kept = flags_kept(traces)
    skip_item = [_SKIP_ITEM * _weight(trace.keyword) for trace in items]
    skip_line = [_SKIP_LINE * _weight(one.keyword) for one in expected]
    quality = [[_quality(one, trace, kept) for trace in items] for one in expected]
    width = len(items)
    best = [[0.0] * (width + 1) for _ in range(count + 1)]
    for h in range(width - 1, -1, -1):
        best[count][h] = best[count][h + 1] - skip_item[h]
    for i in range(count - 1, -1, -1):
        row, below, qualities, weight = best[i], best[i + 1], quality[i], _weight(expected[i].keyword)
        row[width] = below[width] - skip_line[i]
        for h in range(width - 1, -1, -1):
            score = max(below[h] - skip_line[i], row[h + 1] - skip_item[h])
            if qualities[h]:
                score = max(score, weight * qualities[h] + below[h + 1])
            row[h] = score
    start, top, skipped = (count, width), 0.0, 0.0
    for i in range(count):
        for h in range(width - 1, -1, -1):
            if quality[i][h]:
                score = _weight(expected[i].keyword) * quality[i][h] + best[i + 1][h + 1] - skipped
                if score > top + 1e-9:
                    start, top = (i, h), score
        skipped += skip_line[i]
    pairs: Pairs = {}
    i, h = start
    while i < count and h < width:
        if quality[i][h] and _close(best[i][h], _weight(expected[i].keyword) * quality[i][h] + best[i + 1][h + 1]):
            pairs[i] = (h + first, quality[i][h])
            i, h = i + 1, h + 1
        elif _close(best[i][h], best[i + 1][h] - skip_line[i]):
            i += 1
        else:
            h += 1
    _pair_changed(expected, traces, pairs)
    return pairs


def _close(one: float, other: float) -> bool:
    return abs(one - other) < 1e-9


def _quality(expected: Expected, trace: Trace, kept: bool) -> float:
    if is_exact(expected, trace, flags_kept=kept):
        return 1.0
    alike = similarity(expected, trace)
    return 0.85 * min(alike, 1.0) if alike >= _ALIKE else 0.0


def _pair_changed(expected: Sequence[Expected], traces: Sequence[Trace], pairs: Pairs) -> None:
    """Between two matched neighbours, pair what is left of one keyword in order: lines that were rewritten."""
    anchors = [*sorted(pairs.items()), (len(expected), (len(traces), 1.0))]
    for (low, (low_item, _)), (high, (high_item, _)) in pairwise(anchors):
        item = low_item + 1
        for line in range(low + 1, high):
            found = next((h for h in range(item, high_item) if traces[h].keyword == expected[line].keyword), None)
            if found is not None:
                pairs[line] = (found, 0.2)
                item = found + 1


def _fit(expected: Sequence[Expected], traces: Sequence[Trace], pairs: Pairs, begin: int) -> float:
    """Twice the matched weight over the weight of both sides: 1 only if nothing is missing on either side."""
    matched = sum(_weight(expected[line].keyword) * quality for line, (_, quality) in pairs.items())
    ours = sum(_weight(one.keyword) for one in expected)
    theirs = sum(_weight(trace.keyword) for trace in traces[begin:] if _counts(trace))
    return min(1.0, 2 * matched / (ours + theirs)) if matched else 0.0


def _counts(trace: Trace) -> bool:
    """ONBUILD is in the classic builder's history only, and says nothing of the layers."""
    return trace.keyword not in ("ONBUILD", "")


def _judge(
    expected: Sequence[Expected], traces: Sequence[Trace], pairs: Pairs, begin: int, fit: float
) -> tuple[str, tuple[int, ...], tuple[str, ...]]:
    stale = tuple(sorted({one.instruction.index for number, one in enumerate(expected) if pairs.get(number, (0, 0.0))[1] < 1.0}))
    taken = {item for item, _ in pairs.values()}
    gone = [item for item in range(begin, len(traces)) if item not in taken and _counts(traces[item])]
    notes = []
    if not expected:
        notes.append("no instruction of the target stage leaves a trace in an image")
    if gone and pairs:
        what = ", ".join(f"{traces[item].keyword} {run_command(traces[item].text)[:60]}".strip() for item in gone[:3])
        notes.append(f"{len(gone)} item{'s' * (len(gone) > 1)} of the image's history, no line of the Dockerfile: {what}")
    if fit < OTHER_DOCKERFILE:
        return "other Dockerfile", stale, tuple(notes)
    if stale:
        return f"{len(stale)} instruction{'s' * (len(stale) > 1)} newer than the image", stale, tuple(notes)
    if gone:
        return f"{len(gone)} instruction{'s' * (len(gone) > 1)} gone since the image", stale, tuple(notes)
    return "in sync", stale, tuple(notes)


def _layer_matches(
    expected: Sequence[Expected],
    traces: Sequence[Trace],
    pairs: Pairs,
    layer_history: Sequence[int | None],
    history: Sequence[HistoryItem],
    base_layers: int,
) -> Iterator[LineMatch]:
    by_item = {item: (expected[line], quality) for line, (item, quality) in pairs.items()}
    begin = min(by_item, default=len(traces))
    for layer, item in enumerate(layer_history):
        if item is None or not 0 <= item < len(traces):
            yield LineMatch(layer, note="the history does not tell what made this layer")
        elif item in by_item:
            one, quality = by_item[item]
            notes = ["run by ONBUILD"] if one.onbuild else []
            notes += [] if quality == 1.0 else ["changed since the image was built; fits by shape and order"]
            source = one.instruction
            yield LineMatch(layer, source.index, source.span.first_line, source.stage, quality == 1.0, "; ".join(notes))
        elif _is_squash(history[item]):
            yield LineMatch(layer, note="squashed")
        elif not by_item:
            yield LineMatch(layer, note="another Dockerfile" if layer >= base_layers else "from the base image")
        elif item < begin:
            own = 0 < base_layers <= layer
            yield LineMatch(layer, note="ONBUILD of the base, or a line that is gone" if own else "from the base image")
        else:
            yield LineMatch(layer, note="a line that is not in the Dockerfile any more")


def _is_squash(item: HistoryItem) -> bool:
    """`docker build --squash` adds an item of its own (moby, daemon/images/image_squash.go)."""
    return item.comment.startswith(("merge sha256:", "create new from sha256:"))
