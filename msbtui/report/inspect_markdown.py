"""`inspect --markdown`: the account for a pull request (GitHub Flavored Markdown)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msbtui.analysis.model import Finding, WasteReport
from msbtui.engine.masking import mask
from msbtui.report.table import shortened
from msbtui.session import Session
from msbtui.session.cures import cures_of
from msbtui.session.traps import traps_of
from msbtui.text import size

_MOST_FINDINGS = 30
_MOST_CHARACTERS = 60_000
"""A comment takes 65,536."""


def inspect_markdown(session: Session) -> str:
    """Give the account as Markdown: summary, layers, findings with lines, traps. The session must have read its image.

    Names cannot become markup, links or mentions.
    """
    image, table, base, waste = session.image, session.table, session.base, session.waste
    if image is None or table is None or base is None or waste is None:
        raise RuntimeError("inspect_markdown needs a session that has read its image")
    share = waste.total / table.size if table.size else 0.0
    efficiency = table.live_bytes / table.size if table.size else 1.0
    lines = [
        f"### {code(image.name)}: {size(table.size)}, {size(waste.total)} ({share:.0%}) of it waste",
        "",
        "| size | live | hidden | efficiency | removable | waste |",
        "|---:|---:|---:|---:|---:|---:|",
        f"| {size(table.size)} | {size(table.live_bytes)} | {size(table.hidden_bytes)} | {efficiency:.1%} "
        f"| {size(waste.removable)} | {size(waste.total)} |",
        "",
    ]
    if base.layers:
        held = sum(map(table.layer_size, range(base.layers)))
        lines.append(f"Base: {code(base.name or 'image')}, layers 0 to {base.layers - 1}, {size(held)}. ")
    if session.dockerfile is not None and session.provenance is not None and not session.reconstructed:
        origin = f"{session.dockerfile_origin}, not verified: " if session.attested else ""
        lines.append(f"Dockerfile: {origin}{code(session.dockerfile.path)}, {escape(session.provenance.verdict)}.")
    lines += ["", *_layers(session), "", *_findings(session), *_traps(session)]
    text = "\n".join(lines).rstrip() + "\n"
    if len(text) > _MOST_CHARACTERS:
        text = text[:_MOST_CHARACTERS].rpartition("\n")[0] + "\n\n…and more: `msbtui inspect` has the whole.\n"
    return text


def _layers(session: Session) -> Iterator[str]:
    table, base = session.table, session.base
    assert table is not None and base is not None
    yield "| layer | line | size | hidden | instruction |"
    yield "|---:|---:|---:|---:|---|"
    for index in range(table.layers):
        line = session.line(index)
        place = str(line) if line is not None else "base" if index < base.layers else "–"
        text = code(shortened(" ".join(mask(session.instruction(index)).split()), 100))
        yield f"| {index} | {place} | {size(table.layer_size(index))} | {size(table.layer_hidden(index))} | {text} |"


def _findings(session: Session) -> Iterator[str]:
    waste = session.waste
    assert waste is not None
    found = [one for one in waste.findings if not one.in_base]
    if not found:
        yield "No waste found."
        yield from _kept(waste)
        return
    cures = {name: cure.id for cure in reversed(cures_of(session)) for name in cure.findings}
    yield "| | bytes | what | line | sure | cure |"
    yield "|---|---:|---|---:|:---:|---|"
    for one in found[:_MOST_FINDINGS]:
        cure = f"`msbtui fix --only {cures[one.id]}`" if one.id in cures else escape(one.advice)
        yield f"| {one.id} | {size(one.bytes)} | {escape(one.title)} | {_line(one)} | {one.confidence} | {cure} |"
    if len(found) > _MOST_FINDINGS:
        rest = found[_MOST_FINDINGS:]
        yield f"| | {size(sum(one.bytes for one in rest))} | {len(rest)} more | | | |"
    yield ""
    yield "A: certain from bytes or a package database. B: a strong rule. C: a hint, not counted."
    yield from _kept(waste)


def _kept(waste: WasteReport) -> Iterator[str]:
    if waste.kept:
        yield ""
        yield "Not called waste, since what the container starts needs it:"
        yield ""
    for one in waste.kept[:_MOST_FINDINGS]:
        line = f", line {one.line}" if one.line is not None else ""
        title = one.title.partition(": what the container starts")[0]
        path = f": {code('/' + one.paths[0])}" if one.paths else ""
        yield f"- {size(one.bytes)}: {escape(title)} ({one.kind}, layer {one.layer}{line}){path}"


def _line(one: Finding) -> str:
    line = str(one.line) if one.line is not None else "–"
    if one.hidden_by is not None and one.hidden_by.line is not None:
        line += f" (hidden by {one.hidden_by.line})"
    return line


def _traps(session: Session) -> Iterator[str]:
    traps = traps_of(session)
    if traps:
        yield ""
        yield "**Traps**"
        yield ""
    for trap in traps:
        yield f"- line {trap.line}, {escape(trap.rule)}: {escape(trap.message)}. {escape(trap.hint)}"


def code(text: str) -> str:
    """Give a text as a code span that nothing in it can end, also in a table's cell (GFM, 6.3 and 4.10)."""
    text = " ".join(text.split()) or "–"
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    body = text.replace("|", "\\|")
    return f"{fence}{pad}{body}{pad}{fence}"


def escape(text: str) -> str:
    """Give a text that is shown as it is: no markup, no link, no mention."""
    text = "".join(f"&#{ord(char)};" if char in "&<>|\\`*_[]#@~!$" else char for char in " ".join(text.split()))
    # The autolinks of GFM, 6.9
    return re.sub(r"(?i)(www)\.", r"\1&#46;", text).replace("://", "&#58;//")
