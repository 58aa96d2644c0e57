"""From drafts to findings: what must stay is taken out, each live byte is told of once, and the sums are made."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat

from msbtui.analysis.model import Finding, Kept, WasteReport
from msbtui.analysis.waste.kind import Draft, WasteKind, count
from msbtui.analysis.waste.scene import Scene
from msbtui.image.rows import RowSet, row_set
from msbtui.image.stack import NOT_HIDDEN

PRECEDENCE = (
    *("deleted-later", "overwritten-later", "metadata-only-copy", "moved", "whole-filesystem-copy", "vcs", "package-cache"),
    *("debug-symbols", "compiler", "dev-dependencies", "build-objects", "sources", "unpacked-archive", "log-temp", "bytecode"),
    *("tests", "docs", "dev-files", "context-junk", "duplicate-content", "secret", "unreferenced-stage"),
)
"""Kinds by what they say of an entry: where two name one, the one that stands first has it."""
MOST_PATHS = 1000
MOST_KEPT = 50
"""Paths of what is kept that a finding names."""


def make_report(scene: Scene, kinds: Sequence[WasteKind], *, in_base: bool = False) -> WasteReport:
    """Run the rules and give the report; the order of `kinds`, in which rules run, changes nothing.

    An entry that several drafts name belongs to the surest: A or B before C, then the kind that stands first in PRECEDENCE.
    With `in_base` findings in the base's layers are told too; they never count in the sums.
    """
    table, base = scene.table, scene.base.layers
    drafts = [
        (draft.confidence == "C", PRECEDENCE.index(kind.id), draft, kind)
        for kind in kinds
        for draft in kind.find(scene)
        if draft.layer >= base or in_base or kind.in_base
    ]
    drafts.sort(key=lambda one: one[:2])
    above, hidden = table.first_row(base), table.row_hidden
    removable, claimed = row_set(table.first_row(table.layers)), row_set(table.first_row(table.layers))
    for unsure, _, draft, kind in drafts:
        _spare(scene, draft, kind)
        if not unsure:
            removable.update_live(draft.rows, above, hidden, NOT_HIDDEN)
    findings: list[tuple[Draft, WasteKind, int]] = []
    for unsure, _, draft, kind in drafts:
        rows = draft.rows
        if kind.claims:
            if not unsure and table.linked(rows):
                rows = _with_other_names(scene, rows, removable)
            if not claimed.isdisjoint(rows):
                rows = [row for row in rows if row not in claimed]
            claimed.update(rows)
        draft.rows = rows
        counted = table.bytes_of_rows(rows, whole_inodes=True) if draft.size is None else draft.size
        if counted or draft.size is not None:
            findings.append((draft, kind, counted))
    findings.sort(key=lambda one: (one[0].layer < base, -one[2], one[1].id, one[0].layer, one[0].title, one[0].subject))
    freed = table.bytes_of_rows(removable.rows(), whole_inodes=True)
    hidden_above = sum(table.layer_hidden(layer) for layer in range(base, table.layers))
    return WasteReport(
        findings=tuple(_finding(scene, f"A{number}", *one) for number, one in enumerate(findings, 1)),
        hidden=table.hidden_bytes,
        removable=freed,
        total=freed + hidden_above,
        kept=_kept(scene, [(draft, kind) for unsure, _, draft, kind in drafts if not unsure and draft.layer >= base], claimed),
    )


def _spare(scene: Scene, draft: Draft, kind: WasteKind) -> None:
    """Make the rows distinct, and take out what the container's start needs."""
    rows = list(dict.fromkeys(draft.rows))
    needed = scene.needed_rows
    if kind.spares and rows and not needed.isdisjoint(rows):
        draft.kept = [*draft.kept, *(row for row in rows if row in needed)]
        rows = [row for row in rows if row not in needed]
    if kind.spares_below and rows and scene.named_rows and not scene.named_rows.isdisjoint(rows):
        draft.kept = [*draft.kept, *(row for row in rows if row in scene.named_rows)]
        rows = [row for row in rows if row not in scene.named_rows]
    draft.rows = rows


def _with_other_names(scene: Scene, rows: list[int], removable: RowSet) -> list[int]:
    """Add the other names of inodes that go as a whole, though by several findings: one of them must bear the bytes."""
    table = scene.table
    found = dict.fromkeys(rows)
    for row in rows:
        names = table.inode_rows(row)
        if len(names) > 1:
            live = [name for name in names if table.row_hidden[name] == NOT_HIDDEN]
            if removable.issuperset(live):
                found.update(dict.fromkeys(live))
    return list(found)


def _finding(scene: Scene, name: str, draft: Draft, kind: WasteKind, counted: int) -> Finding:
    first = scene.table.first_row(draft.layer)
    kept = scene.top_paths(draft.kept)[:MOST_KEPT] if draft.kept else []
    advice = draft.advice or kind.advice
    if kept:
        advice += f" {_stays(kept, len(draft.kept))}: what the container starts needs it."
    return Finding(
        id=name,
        kind=kind.id,
        title=_title(scene, draft),
        bytes=counted,
        confidence=draft.confidence,
        layer=draft.layer,
        line=draft.line if draft.line is not None else scene.line(draft.layer),
        paths=tuple(_paths(scene, draft)),
        advice=advice,
        hidden_by=draft.hidden_by,
        explanation=kind.explanation,
        entries=tuple(zip(repeat(draft.layer), [row - first for row in draft.rows], strict=False)),
        in_base=draft.layer < scene.base.layers,
        kept=tuple(kept),
    )


def _title(scene: Scene, draft: Draft) -> str:
    if draft.title:
        return draft.title
    named = [draft.subject] * bool(draft.subject) + [count(len(draft.rows), draft.noun)] * bool(draft.noun)
    return f"{', '.join(named)}: still in layer {draft.layer}" + (
        ", which the base image brings" if draft.layer < scene.base.layers else ""
    )


def _stays(kept: list[str], files: int) -> str:
    return f"/{kept[0]} stays" if len(kept) == 1 else f"/{kept[0]} and more ({count(files, 'file')}) stay"


def _kept(scene: Scene, drafts: list[tuple[Draft, WasteKind]], told: RowSet) -> tuple[Kept, ...]:
    found = []
    for draft, kind in drafts:
        rows = [row for row in draft.kept if row not in told]
        told.update(rows)
        size = scene.table.bytes_of_rows(set(rows))
        if not rows or not size:
            continue
        draft.rows = rows
        title = f"{draft.subject or draft.title or kind.title}: what the container starts needs it, so that it stays"
        paths = tuple(scene.top_paths(rows)[:MOST_KEPT])
        found.append(Kept(kind.id, title, size, draft.layer, scene.line(draft.layer), paths))
    return tuple(sorted(found, key=lambda one: (-one.bytes, one.kind, one.layer, one.title)))


def _paths(scene: Scene, draft: Draft) -> list[str]:
    paths = draft.paths if draft.paths is not None else scene.top_paths(draft.rows)
    if len(paths) <= MOST_PATHS:
        return paths
    table = scene.table
    sizes = {table.paths[table.row_paths[row]]: table.row_costs[row] for row in draft.rows}
    # What is no entry of its own is a directory that is filled wholly: it says most.
    return sorted(sorted(paths, key=lambda path: (path in sizes, -sizes.get(path, 0), path))[:MOST_PATHS])
