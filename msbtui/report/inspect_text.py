"""`inspect` for reading: what the image is, where its bytes come from, what is waste."""

from __future__ import annotations

from msbtui.engine.masking import mask
from msbtui.image.model import Kind
from msbtui.report.table import columns, shortened, wrapped
from msbtui.session import Session
from msbtui.session.listed import ATTESTATION, listed_packages
from msbtui.session.signed import beside
from msbtui.session.traps import traps_of
from msbtui.text import size

WIDTH = 100
_MOST_KEPT = 4
"""Characters; what a terminal and a mail show without wrapping."""

_MOST_PACKAGES = 40


def inspect_text(session: Session, *, files: bool = False) -> str:
    """Give the account of an image as text; the session must have read its image."""
    image, table, base, waste = session.image, session.table, session.base, session.waste
    if image is None or table is None or base is None or waste is None:
        raise RuntimeError("inspect_text needs a session that has read its image")
    total = table.size
    lines = [
        f"{image.name}  {image.platform}  {size(total)} in {table.layers} layers",
        f"live {size(table.live_bytes)} · hidden {size(table.hidden_bytes)} · efficiency {_share(table.live_bytes, total)}",
        f"waste {size(waste.total)}"
        + (f" ({waste.total / total:.0%})" if total else "")
        + f": {size(waste.removable)} removable, the rest hidden above the base",
    ]
    if base.layers:
        held = sum(map(table.layer_size, range(base.layers)))
        which = "layer 0" if base.layers == 1 else f"layers 0 to {base.layers - 1}"
        lines.append(f"base {base.name or 'image'}: {which}, {size(held)} ({base.how})")
    if session.dockerfile is not None and session.provenance is not None and not session.reconstructed:
        origin = f"{session.dockerfile_origin}, not verified: " if session.attested else ""
        lines.append(f"Dockerfile {origin}{session.dockerfile.path}: {session.provenance.verdict}")
        lines.extend(f"  {note}" for note in session.provenance.notes)
    if image.signatures:
        lines.append(beside(image.signatures))
    lines += ["", *_layers(session), ""]
    lines += _findings(session)
    lines += _traps(session)
    lines += _packages(session)
    if files:
        lines += ["", *_files(session)]
    return "\n".join(lines)


def _share(part: int, whole: int) -> str:
    return f"{part / whole if whole else 1:.1%}"


def _layers(session: Session) -> list[str]:
    table, base = session.table, session.base
    assert table is not None and base is not None
    rows = [("layer", "size", "hidden", "line", "instruction")]
    for index in range(table.layers):
        line = session.line(index)
        text = mask(session.instruction(index))
        place = str(line) if line is not None else "base" if index < base.layers else "–"
        rows.append((str(index), size(table.layer_size(index)), size(table.layer_hidden(index)), place, shortened(text, 64)))
    return columns(rows, right=(0, 1, 2, 3))


def _findings(session: Session) -> list[str]:
    waste = session.waste
    assert waste is not None
    if not waste.findings:
        return ["No waste found.", *_kept(session)]
    lines = ["Findings (A certain, B by a strong rule, C a hint):"]
    for finding in waste.findings:
        place = f"layer {finding.layer}" + (f", line {finding.line}" if finding.line is not None else "")
        if finding.hidden_by is not None:
            place += f"; hidden by layer {finding.hidden_by.layer}"
            place += f", line {finding.hidden_by.line}" if finding.hidden_by.line is not None else ""
        if finding.in_base:
            place += "; in the base"
        lines.append(f"{finding.id:>4} {size(finding.bytes):>7}  {finding.title}  [{finding.confidence}] {finding.kind}, {place}")
        lines.extend(wrapped(f"→ {finding.advice}", WIDTH, " " * 14, " " * 16))
    return lines + _kept(session)


def _kept(session: Session) -> list[str]:
    """List what looks like waste and is none, since what the container starts needs it."""
    waste = session.waste
    lines = ["", "Not called waste, since what the container starts needs it:"] if waste is not None and waste.kept else []
    for kept in waste.kept if waste is not None else ():
        place = f"layer {kept.layer}" + (f", line {kept.line}" if kept.line is not None else "")
        title = kept.title.partition(": what the container starts")[0]
        lines.append(f"     {size(kept.bytes):>7}  {title}  {kept.kind}, {place}")
        named = ", ".join(f"/{path}" for path in kept.paths[:_MOST_KEPT])
        more = f" and {len(kept.paths) - _MOST_KEPT} more" if len(kept.paths) > _MOST_KEPT else ""
        lines += wrapped(f"{named}{more}", WIDTH, " " * 14, " " * 14)
    return lines


def _traps(session: Session) -> list[str]:
    traps = traps_of(session)
    lines = ["", "Traps (lines that leave something else in the image than they seem to):"] if traps else []
    for trap in traps:
        lines += wrapped(f"line {trap.line}  {trap.rule}: {trap.message}", WIDTH, rest=" " * 8)
        lines += wrapped(f"→ {trap.hint}", WIDTH, " " * 8, " " * 10)
    return lines


def _packages(session: Session) -> list[str]:
    """List what only an attestation tells: what the package databases list stands in no other face either."""
    listed = listed_packages(session)
    if listed.source != ATTESTATION:
        return []
    rows = [
        [shortened(text, 40) for text in (one.name, one.version, one.kind, one.architecture)]
        for one in listed.packages[:_MOST_PACKAGES]
    ]
    lines = ["", f"Packages ({listed.how}):", *(f"  {line}".rstrip() for line in columns(rows, right=()))]
    more = len(listed.packages) - len(rows)
    return [*lines, f"  and {more} more, which --json lists"] if more else lines


def _files(session: Session) -> list[str]:
    table = session.table
    assert table is not None
    lines = ["Every entry, by layer (+ added or changed, - removed; ▲ hidden later):"]
    for path_id, path in enumerate(table.paths):
        for layer, entry in table.entries(path_id):
            kind = Kind(table.index(layer).kinds[entry])
            sign = "-" if kind in (Kind.WHITEOUT, Kind.OPAQUE) else "+"
            hidden = table.hidden_by(layer, entry)
            mark = f"  ▲ hidden by {hidden}" if hidden is not None else ""
            lines.append(f"{layer:>3} {sign} {size(table.cost(layer, entry)):>7}  /{path}{mark}")
    return lines
