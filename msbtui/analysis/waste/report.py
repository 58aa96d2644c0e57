"""From drafts to findings: what must stay is taken out, each live byte is told of once, and the sums are made."""

from __future__ import annotations

from collections.abc import Sequence

from msbtui.analysis.model import Finding, WasteReport
from msbtui.analysis.waste.kind import Draft, Entry, WasteKind, count
from msbtui.analysis.waste.scene import Scene

MOST_PATHS = 1000


def make_report(scene: Scene, kinds: Sequence[WasteKind], *, in_base: bool = False) -> WasteReport:
    """Run the rules and give the report; the order in which rules run changes nothing, and that of `kinds` no sum.

    An entry that several drafts name belongs to the surest: A or B before C, then the kind that stands first. With `in_base`
    findings in the base's layers are told too; they never count in the sums.
    """
    table, base = scene.table, scene.base.layers
    drafts = [
        (draft.confidence == "C", rank, draft, kind)
        for rank, kind in enumerate(kinds)
        for draft in kind.find(scene)
        if draft.layer >= base or in_base or kind.in_base
    ]
    drafts.sort(key=lambda one: one[:2])
    findings: list[tuple[Draft, WasteKind, int]] = []
    claimed: set[Entry] = set()
    removable = {
        entry
        for unsure, _, draft, _ in drafts
        if not unsure
        for entry in draft.entries
        if entry[0] >= base and table.hidden_by(*entry) is None
    }
    for unsure, _, draft, kind in drafts:
        entries = draft.entries = list(dict.fromkeys(draft.entries))
        if kind.claims:
            if not unsure:
                entries = _with_other_names(scene, entries, removable)
            entries = draft.entries = [entry for entry in entries if entry not in claimed]
            claimed.update(entries)
        counted = table.bytes_of(entries, whole_inodes=True) if draft.size is None else draft.size
        if counted or draft.size is not None:
            findings.append((draft, kind, counted))
    findings.sort(key=lambda one: (one[0].layer < base, -one[2], one[1].id, one[0].layer, one[0].title, one[0].subject))
    freed = table.bytes_of(removable, whole_inodes=True)
    hidden_above = sum(table.layer_hidden(layer) for layer in range(base, table.layers))
    return WasteReport(
        findings=tuple(_finding(scene, f"A{number}", *one) for number, one in enumerate(findings, 1)),
        hidden=table.hidden_bytes,
        removable=freed,
        total=freed + hidden_above,
    )


def _with_other_names(scene: Scene, entries: list[Entry], removable: set[Entry]) -> list[Entry]:
    """Add the other names of inodes that go as a whole, though by several findings: one of them must bear the bytes."""
    table = scene.table
    found = dict.fromkeys(entries)
    for entry in entries:
        names = table.inode(*entry)
        if len(names) > 1:
            live = [name for name in names if table.hidden_by(*name) is None]
            if removable.issuperset(live):
                found.update(dict.fromkeys(live))
    return list(found)


def _finding(scene: Scene, name: str, draft: Draft, kind: WasteKind, counted: int) -> Finding:
    title = draft.title
    if not title:
        named = [draft.subject] * bool(draft.subject) + [count(len(draft.entries), draft.noun)] * bool(draft.noun)
        title = f"{', '.join(named)}: still in layer {draft.layer}" + (
            ", which the base image brings" if draft.layer < scene.base.layers else ""
        )
    return Finding(
        id=name,
        kind=kind.id,
        title=title,
        bytes=counted,
        confidence=draft.confidence,
        layer=draft.layer,
        line=draft.line if draft.line is not None else scene.line(draft.layer),
        paths=tuple(_paths(scene, draft)),
        advice=draft.advice or kind.advice,
        hidden_by=draft.hidden_by,
        explanation=kind.explanation,
        entries=tuple(draft.entries),
        in_base=draft.layer < scene.base.layers,
    )


def _paths(scene: Scene, draft: Draft) -> list[str]:
    paths = draft.paths if draft.paths is not None else scene.top_paths(draft.entries)
    if len(paths) <= MOST_PATHS:
        return paths
    table = scene.table
    sizes = {table.paths[table.path_of(*entry)]: table.cost(*entry) for entry in draft.entries}
    # What is no entry of its own is a directory that is filled wholly: it says most.
    return sorted(sorted(paths, key=lambda path: (path in sizes, -sizes.get(path, 0), path))[:MOST_PATHS])
