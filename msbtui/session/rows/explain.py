"""Teaching text for what is selected: what it is, why it costs what it costs, what to do."""

from __future__ import annotations

from collections.abc import Callable

from msbtui.analysis.model import Finding
from msbtui.dockerfile.model import Dockerfile, Instruction
from msbtui.image.model import Image, Kind
from msbtui.image.packages import Packages
from msbtui.image.table import FileTable
from msbtui.session.context import Context, taken_by_instruction
from msbtui.session.rows.cells import shown
from msbtui.session.rows.costs import Costs, findings_at
from msbtui.session.rows.explain_stage import explain_stage
from msbtui.session.rows.facts import linked_facts
from msbtui.session.rows.inputs import taken_paragraphs
from msbtui.session.rows.outside import CONTEXT, outside_sources_of
from msbtui.session.rows.selection import Links, Selection
from msbtui.session.signed import beside
from msbtui.text import size

Paragraph = tuple[str, str]
"""A text and its role: `head`, `text`, `good` (what to do), `dim`."""

CONFIDENCE = {
    "A": "Certain: it follows from the bytes themselves or from the package database.",
    "B": "A strong rule: it holds almost always, and the split's checks would find the exception.",
    "C": "A hint: look at it; it is not counted in the waste.",
}
_SHOWN = 8


def explain_finding(finding: Finding) -> list[Paragraph]:
    """Give the text of one finding: what, why, evidence, what to do, how sure."""
    out: list[Paragraph] = [(f"{finding.id}  {shown(finding.title)}", "head")]
    where = f"Layer {finding.layer}" + (f", line {finding.line}" if finding.line is not None else "")
    text = f"{where} added {size(finding.bytes)}"
    if finding.hidden_by is not None:
        line = f" (line {finding.hidden_by.line})" if finding.hidden_by.line is not None else ""
        text += f"; layer {finding.hidden_by.layer}{line} hides them, and they are shipped all the same"
    out.append((text + ".", "text"))
    if finding.explanation:
        out.append((shown(finding.explanation), "text"))
    if finding.advice:
        out.append((f"→ {shown(finding.advice)}", "good"))
    if finding.kept:
        named = ", ".join(f"/{path.strip('/')}" for path in finding.kept[:_SHOWN])
        out.append((f"Not part of it, since what the container starts needs it: {named}.", "text"))
    if finding.paths:
        listed = [f"/{path.strip('/')}" for path in finding.paths[:_SHOWN]]
        if len(finding.paths) > _SHOWN:
            listed.append(f"… and {len(finding.paths) - _SHOWN} more paths; Enter shows them in Files")
        out.append(("\n".join(listed), "dim"))
    if finding.confidence in CONFIDENCE:
        out.append((CONFIDENCE[finding.confidence], "dim"))
    if finding.in_base:
        out.append(("It lies in the base image: another base is its cure, so it is not counted in the waste.", "dim"))
    return out


def explain_layer(layer: int, costs: Costs, instruction: str) -> list[Paragraph]:
    """Give the text of one layer: its sizes, what it hid, what is hidden of it."""
    table = costs.table
    out: list[Paragraph] = [(f"Layer {layer}  {shown(instruction)}", "head")]
    if table is None or layer >= costs.layers:
        return [*out, ("It is not read yet.", "dim")]
    out.append(
        (
            f"It adds {size(table.layer_size(layer))} to the image and makes the visible file system "
            f"{_change(table.contribution(layer))}; up to here a container sees {size(table.running_total(layer))}.",
            "text",
        )
    )
    hidden, hid = table.layer_hidden(layer), table.hid(layer)
    if hidden:
        out.append(
            (
                f"{size(hidden)} of it is hidden by later layers. A layer is a finished archive: "
                "what comes after can cover a file, never take it out. "
                "These bytes are stored, sent and pulled, and no container can see them.",
                "text",
            )
        )
    if hid:
        out.append(
            (
                f"It hides {size(hid)}, its own files among them where it writes one twice. "
                "Deleting in a later RUN frees nothing: delete in the RUN that added the files, or build in another stage.",
                "text",
            )
        )
    if costs.from_base(layer):
        out.append(("It is part of the base image. A smaller base is the only way to make it smaller.", "dim"))
    match = costs.matches.get(layer)
    if match is not None and match.note:
        out.append((f"How it was matched: {shown(match.note)}.", "dim"))
    for finding in findings_at(costs.waste.findings if costs.waste else (), layer=layer):
        out.append((f"▲ {finding.id}  {size(finding.bytes)}  {shown(finding.title)}", "text"))
        if finding.advice:
            out.append((f"→ {shown(finding.advice)}", "good"))
    return out


def _change(count: int) -> str:
    return f"{size(count)} larger" if count > 0 else f"{size(-count)} smaller" if count < 0 else "no larger"


def explain_path(path: str, links: Links, layer: int | None, packages: Packages | None = None) -> list[Paragraph]:
    """Give the text of one path: which layers have it and what became of it, its package, and the finding that names it.

    `layer` is the one that is looked at; empty where the image has no such path.
    """
    costs, table = links.costs, links.costs.table
    known = table.id_of(path) if table is not None else None
    if table is None or known is None:
        return []
    out: list[Paragraph] = [(f"/{shown(path)}", "head")]
    entries = [each for each in table.entries(known) if each[0] < costs.layers]
    kinds = {Kind(table.index(at).kinds[entry]) for at, entry in entries}
    if kinds <= {Kind.DIRECTORY}:
        layers = ", ".join(str(at) for at, _ in entries[-_SHOWN:])
        many = f"the last {_SHOWN} of {len(entries)} layers with an entry for it: {layers}"
        text = f"layers with an entry for it: {layers}" if len(entries) <= _SHOWN else many
        text = f"A directory; {text}." if entries else "A directory that no layer names: what lies in it implies it."
        out.append((text, "text"))
    else:
        lines = [_entry_line(table, links, *each) for each in entries[-_SHOWN:]]
        if len(entries) > _SHOWN:
            lines.insert(0, f"… {len(entries) - _SHOWN} earlier layers")
        out.append(("\n".join(lines), "text"))
    owner = packages.owner(path, inferred=True) if packages is not None else None
    if owner is not None:
        out.append((f"It belongs to the package {shown(owner.name)} {shown(owner.version)}.", "text"))
    named = links.from_path(Selection(layer=layer), path, next((e for e in reversed(entries) if e[0] == layer), None)).finding
    finding = links.finding(named)
    if finding is not None:
        return out + explain_finding(finding)
    under = [each for each in links.findings if any(one.strip("/").startswith(f"{path}/") for one in each.paths)]
    if under:
        listed = [f"{each.id}  {size(each.bytes)}  {shown(each.title)}" for each in under[:_SHOWN]]
        out += [("What findings name below it", "head"), ("\n".join(listed), "dim")]
    return out


def _entry_line(table: FileTable, links: Links, layer: int, entry: int) -> str:
    """Give what one layer does to a path, and what a later one did to that."""
    kind = Kind(table.index(layer).kinds[entry])
    where = f"layer {layer}" + (f", line {line}" if (line := links.line_of(layer)) is not None else "")
    if kind in (Kind.WHITEOUT, Kind.OPAQUE):
        return f"{where}: {'deletes it' if kind is Kind.WHITEOUT else 'empties it of what lay in it before'}"
    if kind is Kind.DIRECTORY:
        return f"{where}: a directory"
    hidden = table.hidden_by(layer, entry)
    by = f", hidden by layer {hidden}: shipped, and no container sees it" if hidden is not None else ""
    return f"{where}: {size(table.index(layer).sizes[entry])}{by}"


def explain(
    now: Selection,
    pane: str,
    links: Links,
    dockerfile: Dockerfile | None,
    instruction: str,
    context: Callable[[], Context | None] = lambda: None,
    image: Image | None = None,
    packages: Packages | None = None,
    why_no_image: str = "",
) -> list[Paragraph]:
    """Give the text for a selection as seen from a pane: `stages`, `source`, `layers`, `files` or `advice`.

    `context` is asked for the build context where the selection is a COPY or ADD; what is to be known of how `image` was read
    stands below its layers; where there is none, `why_no_image` says why.
    """
    about = image_paragraphs(image) if pane == "layers" else []
    finding = links.finding(now.finding)
    if pane == "stages" and links.graph is not None and now.stage is not None and now.stage < len(links.graph.stages):
        return explain_stage(links.graph, now.stage, linked_facts(links))
    if pane == "files" and now.path is not None and (told := explain_path(now.path, links, now.layer, packages)):
        return told
    if pane in ("advice", "files") and finding is not None:
        return explain_finding(finding)
    if pane == "source" and dockerfile is not None and now.line is not None:
        item = next((each for each in dockerfile.instructions if each.span.first_line <= now.line <= each.span.last_line), None)
        if item is not None and now.layer is not None and links.line_of(now.layer) == item.span.first_line:
            return [*explain_layer(now.layer, links.costs, instruction), *_from_context(item, context)]
        if item is not None:
            return [
                (shown(" ".join(item.source.split())), "head"),
                (KEYWORDS.get(item.keyword, "It makes no layer of this image."), "text"),
                *_from_context(item, context),
            ]
    if now.layer is not None:
        return [*explain_layer(now.layer, links.costs, instruction), *about]
    if not links.costs.layers and why_no_image:
        return [
            ("There is no image to look into", "head"),
            (shown(why_no_image), "text"),
            ("x in 1 Stages and in 2 Dockerfile explains what the text alone says.", "dim"),
        ]
    return [("Nothing is selected that has a cost yet.", "text"), *about]


def image_notes(image: Image | None) -> list[str]:
    """Give what a person should know of an image beside its layers: how it was read, and what lies beside it unverified."""
    if image is None:
        return []
    return [shown(note) for note in (*image.notes, beside(image.signatures)) if note]


def image_paragraphs(image: Image | None) -> list[Paragraph]:
    """Give the same as paragraphs."""
    notes = image_notes(image)
    return [("Of this image", "head"), *((f"! {note}", "stale") for note in notes)] if notes else []


def _from_context(item: Instruction, context: Callable[[], Context | None]) -> list[Paragraph]:
    if not outside_sources_of(item).get(CONTEXT):
        return []
    known = context()
    return taken_paragraphs(taken_by_instruction(known, item)) if known is not None else []


KEYWORDS = {
    "FROM": (
        "FROM begins a stage. Only the last stage, or the one that --target names, becomes the image; "
        "the others are built for what is copied out of them."
    ),
    "RUN": "RUN makes a layer of everything that the command changed. In a stage that is not shipped it costs the image nothing.",
    "COPY": "COPY makes a layer of the files that it copies. With --from they come out of another stage or image.",
    "ADD": "ADD makes a layer as COPY does, and also fetches URLs and unpacks archives.",
    "WORKDIR": "WORKDIR sets the directory for what follows, and makes it where there is none: an almost empty layer.",
    "ENV": "ENV is kept in the configuration, not in a layer: it costs no bytes, and everyone who pulls the image can read it.",
    "ARG": "ARG is a value for the build. The history keeps it where a RUN used it: no place for secrets.",
    "LABEL": "LABEL is kept in the configuration and makes no layer.",
    "EXPOSE": "EXPOSE documents a port in the configuration and makes no layer.",
    "ENTRYPOINT": "ENTRYPOINT is what a container starts. It makes no layer; what it needs at run time has to stay in the image.",
    "CMD": "CMD is what a container runs, or the arguments of ENTRYPOINT. It makes no layer.",
    "USER": "USER sets who runs what follows. It makes no layer.",
    "VOLUME": "VOLUME names a directory that containers keep apart. It makes no layer.",
    "HEALTHCHECK": "HEALTHCHECK is a command that the engine runs in the container: what it calls has to stay in the image.",
    "SHELL": "SHELL sets the shell of the RUN lines that follow. It makes no layer.",
    "STOPSIGNAL": "STOPSIGNAL is kept in the configuration and makes no layer.",
    "ONBUILD": "ONBUILD waits until another Dockerfile is built FROM this image.",
    "MAINTAINER": "MAINTAINER is deprecated; LABEL org.opencontainers.image.authors says the same.",
}
"""What an instruction does to the image, for lines that made no layer of it."""
