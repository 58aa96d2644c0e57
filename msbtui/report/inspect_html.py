"""`inspect --html FILE`: one self-contained page to hand over; no script, nothing loaded, everything foreign escaped."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from importlib.resources import files

from msbtui import __version__
from msbtui.analysis.account import Account, Part, account
from msbtui.analysis.model import Finding, Kept
from msbtui.engine.masking import MASK, mask
from msbtui.report.html_treemap import treemap
from msbtui.session import Session
from msbtui.session.cures import cures_of
from msbtui.session.listed import ATTESTATION, listed_packages
from msbtui.session.rows.costs import Costs
from msbtui.session.rows.source import MARK_WASTE, source_lines, source_rows
from msbtui.session.traps import traps_of
from msbtui.text import short_size, size

_MOST_PATHS = 40
_CONFIDENCE = {"A": "certain", "B": "a strong rule", "C": "a hint"}
_GROUPS = {
    "base": "the base image",
    "packages": "packages that were installed",
    "application": "the application",
    "waste": "live, and not needed to run",
    "hidden": "stored, and seen by no container",
    "unknown": "no rule says what it is",
}


def inspect_html(session: Session) -> str:
    """Give the page: account, layers, Dockerfile, findings, plan. The session must have read its image."""
    image, table, base, waste, packages = session.image, session.table, session.base, session.waste, session.packages
    if image is None or table is None or base is None or waste is None or packages is None:
        raise RuntimeError("inspect_html needs a session that has read its image")
    whole = account(image, table, packages, base, waste)
    name = escape(image.name)
    sections = [
        ("account", "What the bytes are for", _account(whole)),
        ("layers", "Layers", _layers(session)),
        ("dockerfile", "Dockerfile", _dockerfile(session)),
        ("findings", "Findings", _findings(session)),
        ("traps", "Traps", _traps(session)),
        ("packages", "Packages", _packages(session)),
        ("plan", "Plan", _plan(session)),
    ]
    written = [(key, title, list(lines)) for key, title, lines in sections]
    written = [each for each in written if each[2]]
    links = " ".join(f'<a href="#{key}">{title}</a>' for key, title, _ in written)
    style = (files("msbtui") / "report" / "inspect.css").read_text(encoding="utf-8")
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        # Whatever a name should smuggle in: nothing runs and nothing is fetched.
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer">',
        f"<title>{name}</title>",
        f"<style>\n{style}</style></head><body>",
        f"<header><h1>{name}</h1>",
        f'<p class="dim">{escape(image.platform)} · {table.layers} layers · {escape(image.source)}</p>',
        *_figures(session),
        f"<nav>{links}</nav></header><main>",
    ]
    for key, title, body in written:
        lines += [f'<section id="{key}"><h2>{title}</h2>', *body, "</section>"]
    lines.append(
        f'</main><footer class="dim"><p>msbtui {escape(__version__)}. Sizes in bytes, decimal units.</p></footer></body></html>'
    )
    return "\n".join(lines) + "\n"


def _figures(session: Session) -> Iterator[str]:
    table, base, waste = session.table, session.base, session.waste
    assert table is not None and base is not None and waste is not None
    total = table.size
    yield '<ul class="figures">'
    for amount, what in (
        (size(total), "in the image"),
        (size(table.live_bytes), "live"),
        (size(table.hidden_bytes), "hidden"),
        (f"{table.live_bytes / total if total else 1:.1%}", "efficiency"),
    ):
        yield f"<li><b>{amount}</b>{what}</li>"
    share = f" ({waste.total / total:.0%})" if total else ""
    yield f'<li><b class="waste-text">{size(waste.total)}{share}</b>waste, {size(waste.removable)} of it live</li></ul>'
    said = []
    if base.layers:
        held = sum(map(table.layer_size, range(base.layers)))
        said.append(f"Base <code>{escape(base.name or 'image')}</code>: {size(held)}, {escape(base.how)}.")
    if session.dockerfile is not None and session.provenance is not None and not session.reconstructed:
        origin = f"{escape(session.dockerfile_origin)}, not verified: " if session.attested else ""
        path = f"<code>{escape(session.dockerfile.path)}</code>"
        said.append(f"Dockerfile {origin}{path}: {escape(session.provenance.verdict)}.")
    if said:
        yield f"<p>{' '.join(said)}</p>"


def _account(whole: Account) -> Iterator[str]:
    yield treemap(whole)
    yield '<div class="scroll"><table><thead><tr><th>Group</th><th class="number">Bytes</th><th class="number">Share</th>'
    yield "<th>Of it</th></tr></thead><tbody>"
    for part in whole.parts:
        share = part.bytes / whole.size if whole.size else 0.0
        of_it = ", ".join(f"{escape(each.name)} {size(each.bytes)}" for each in _greatest(part))
        yield (
            f'<tr><td><span class="key {escape(part.name)}"></span>{escape(part.name)} '
            f'<span class="dim">{_GROUPS.get(part.name, "")}</span></td><td class="number">{size(part.bytes)}</td>'
            f'<td class="number">{share:.1%}</td><td>{of_it}</td></tr>'
        )
    yield "</tbody></table></div>"


def _greatest(part: Part) -> list[Part]:
    return [each for each in part.parts[:6] if each.bytes]


def _layers(session: Session) -> Iterator[str]:
    table, base = session.table, session.base
    assert table is not None and base is not None
    costs = Costs(table, session.waste, base, session.provenance)
    most = max((table.layer_size(index) for index in range(table.layers)), default=0) or 1
    yield '<div class="scroll"><table><thead><tr><th class="number">Layer</th><th class="number">Line</th>'
    yield '<th class="number">Size</th>'
    yield '<th class="number">Waste</th><th class="number">Total</th><th></th><th>Instruction</th></tr></thead><tbody>'
    for index in range(table.layers):
        line, held, wasted = session.line(index), table.layer_size(index), costs.wasted(index)
        place = f'<a href="#line-{line}">{line}</a>' if line is not None else "base" if index < base.layers else "–"
        fill = f"{100 * held / most:.1f}%"
        red = f'<i style="width:{100 * wasted / held:.1f}%"></i>' if wasted and held else ""
        bar = f'<span class="track"><span class="fill" style="width:{fill}">{red}</span></span>'
        text = escape(" ".join(mask(session.instruction(index)).split())[:400])
        yield (
            f'<tr><td class="number">{index}</td><td class="number">{place}</td><td class="number">{size(held)}</td>'
            f'<td class="number waste-text">{size(wasted) if wasted else ""}</td>'
            f'<td class="number">{size(table.running_total(index))}</td><td>{bar}</td><td><code>{text}</code></td></tr>'
        )
    yield "</tbody></table></div>"


def _dockerfile(session: Session) -> Iterator[str]:
    if session.dockerfile is None:
        return
    if session.reconstructed:
        yield '<p class="dim">Nobody gave the Dockerfile: this is what the image\'s history tells of it.</p>'
    costs = Costs(session.table, session.waste, session.base, session.provenance)
    rows = source_rows(session.dockerfile, session.graph, costs, changed=session.changed_lines, traps=traps_of(session))
    # Masked as a whole, for a key reaches over lines; where that takes lines away, those that are left of it are masked.
    hidden = source_lines(mask(session.dockerfile.source))
    if len(hidden) != len(source_lines(session.dockerfile.source)):
        left = set(hidden)
        hidden = [line if (line := mask(row.text)) in left else MASK for row in rows if not row.message]
    yield '<div class="scroll"><table class="source"><tbody>'
    for row in rows:
        if row.message:
            yield f'<tr><td></td><td></td><td></td><td class="text message">{escape(row.text)}</td></tr>'
            continue
        mark = MARK_WASTE if row.waste else ""
        kind = ' class="wasted"' if row.waste else ""
        yield (
            f'<tr id="line-{row.number}"{kind}><td class="number">{row.number}</td>'
            f'<td class="number">{short_size(row.bytes)}</td><td class="waste-text">{mark}</td>'
            f'<td class="text">{escape(hidden[row.number - 1]) or " "}</td></tr>'
        )
    yield "</tbody></table></div>"


def _findings(session: Session) -> Iterator[str]:
    waste = session.waste
    assert waste is not None
    if not waste.findings:
        yield '<p class="good">No waste found.</p>'
    cures = {name: cure.title for cure in reversed(cures_of(session)) for name in cure.findings}
    for one in waste.findings:
        yield from _finding(one, cures.get(one.id, ""))
    if waste.kept:
        yield "<h3>Not called waste, since what the container starts needs it</h3>"
    for kept in waste.kept:
        yield from _kept(kept)


def _kept(one: Kept) -> Iterator[str]:
    link = f' <a href="#line-{one.line}">line {one.line}</a>' if one.line is not None else ""
    yield f'<article class="finding kept"><h4>{size(one.bytes)} · {escape(one.title)}</h4>'
    badges = f'<span class="badge">{escape(one.kind)}</span> <span class="badge">layer {one.layer}</span>'
    yield f"<p>{badges}{link}</p><ul>"
    yield from (f"<li><code>/{escape(path)}</code></li>" for path in one.paths[:_MOST_PATHS])
    yield "</ul></article>"


def _finding(one: Finding, cure: str) -> Iterator[str]:
    badges = [one.kind, f"{one.confidence}: {_CONFIDENCE.get(one.confidence, '')}", f"layer {one.layer}"]
    if one.hidden_by is not None:
        line = f", line {one.hidden_by.line}" if one.hidden_by.line is not None else ""
        badges.append(f"hidden by layer {one.hidden_by.layer}{line}")
    if one.in_base:
        badges.append("in the base")
    shown = " ".join(f'<span class="badge">{escape(badge)}</span>' for badge in badges)
    link = f' <a href="#line-{one.line}">line {one.line}</a>' if one.line is not None else ""
    name = escape(one.id)
    yield f'<article class="finding" id="finding-{name}"><h3>{name} · {size(one.bytes)} · {escape(one.title)}</h3>'
    yield f"<p>{shown}{link}</p>"
    if one.explanation:
        yield f"<p>{escape(one.explanation)}</p>"
    yield f'<p class="good">→ {escape(one.advice)}</p>'
    if one.kept:
        named = ", ".join(f"<code>/{escape(path)}</code>" for path in one.kept[:_MOST_PATHS])
        yield f"<p>Not part of it, since what the container starts needs it: {named}</p>"
    if cure:
        yield f"<p>In place: <code>msbtui fix --only {escape(one.id)}</code> ({escape(cure)})</p>"
    if one.paths:
        yield f"<details><summary>{len(one.paths)} path{'s' * (len(one.paths) != 1)}</summary><ul>"
        for path in one.paths[:_MOST_PATHS]:
            yield f"<li><code>/{escape(path)}</code></li>"
        if len(one.paths) > _MOST_PATHS:
            yield f"<li>and {len(one.paths) - _MOST_PATHS} more</li>"
        yield "</ul></details>"
    yield "</article>"


def _traps(session: Session) -> Iterator[str]:
    for trap in traps_of(session):
        yield f'<article class="finding"><h3><a href="#line-{trap.line}">line {trap.line}</a> · {escape(trap.rule)}</h3>'
        yield f'<p>{escape(trap.message)}</p><p class="good">→ {escape(trap.hint)}</p></article>'


def _packages(session: Session) -> Iterator[str]:
    listed = listed_packages(session)
    if listed.source != ATTESTATION:
        return
    yield f'<p class="dim">{escape(listed.how)}</p><div class="scroll"><table><thead><tr><th>Name</th><th>Version</th>'
    yield "<th>Kind</th><th>Architecture</th></tr></thead><tbody>"
    for one in listed.packages:
        cells = (one.name, one.version, one.kind, one.architecture)
        yield f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
    yield "</tbody></table></div>"


def _plan(session: Session) -> Iterator[str]:
    plan = session.plan
    if plan is None:
        return
    words = {
        "split": "Split: build in one stage, run in another",
        "in-place": "Clean up in place",
        "none": "Leave it as it is",
        "refused": "No split: it would not be sound",
    }
    decided = words.get(plan.decision, escape(plan.decision))
    yield f"<p><b>{decided}.</b> {' '.join(escape(reason) for reason in plan.reasons)}</p>"
    after = plan.size_after.measured if plan.size_after.measured is not None else plan.size_after.estimated
    if plan.size_before is not None and after is not None:
        how = "measured" if plan.size_after.measured is not None else "estimated"
        yield f"<p>{size(plan.size_before)} now, <b>{size(after)}</b> after ({how}).</p>"
    if plan.dockerfile:
        yield f"<pre>{escape(mask(plan.dockerfile))}</pre>"
    if plan.steps:
        yield '<div class="scroll"><table><thead><tr><th>What</th><th>Why</th></tr></thead><tbody>'
        yield from (f"<tr><td><code>{escape(step.what)}</code></td><td>{escape(step.why)}</td></tr>" for step in plan.steps)
        yield "</tbody></table></div>"
    if plan.left_out:
        yield '<div class="scroll"><table><thead><tr><th>Left behind</th><th class="number">Bytes</th>'
        yield "<th>Why that is safe</th></tr></thead><tbody>"
        for each in plan.left_out:
            yield f'<tr><td>{escape(each.what)}</td><td class="number">{size(each.bytes)}</td><td>{escape(each.why)}</td></tr>'
        yield "</tbody></table></div>"
