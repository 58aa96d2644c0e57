"""`inspect --json`: the account of an image as the command line contract has it (DESIGN.md section 6)."""

from __future__ import annotations

from typing import Any

from msbtui.engine.masking import mask
from msbtui.image.model import Kind
from msbtui.session import Session
from msbtui.session.listed import listed_packages
from msbtui.session.traps import traps_of

SCHEMA_VERSION = 1

_KIND_NAMES = {
    Kind.FILE: "file",
    Kind.DIRECTORY: "directory",
    Kind.SYMLINK: "symlink",
    Kind.HARD_LINK: "hard-link",
    Kind.CHAR_DEVICE: "char-device",
    Kind.BLOCK_DEVICE: "block-device",
    Kind.FIFO: "fifo",
    Kind.WHITEOUT: "whiteout",
    Kind.OPAQUE: "opaque",
}


def inspect_document(session: Session, *, files: bool = False) -> dict[str, Any]:
    """Give the document of `inspect --json`; sizes in bytes, layers from 0 at the base, lines from 1.

    With `files` it also holds every entry with its change by layer. The session must have read its image.
    """
    image, table, base, waste = session.image, session.table, session.base, session.waste
    if image is None or table is None or base is None or waste is None:
        raise RuntimeError("inspect_document needs a session that has read its image")
    size = table.size
    document: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "image": {
            "name": image.name,
            "id": image.id,
            "platform": image.platform,
            "source": image.source,
            "size": size,
            "live": table.live_bytes,
            "hidden": table.hidden_bytes,
            "efficiency": table.live_bytes / size if size else 1,
            "verified": image.verified,
            "notes": list(image.notes),
            "signatures": [{"kind": one.kind, "where": one.where, "digest": one.digest} for one in image.signatures],
        },
        "base": {"layers": base.layers, "name": base.name, "how": base.how, "confidence": base.confidence},
        "dockerfile": _dockerfile(session),
        "packages": _packages(session),
        "layers": [_layer(session, index) for index in range(table.layers)],
        "findings": [
            {
                "id": finding.id,
                "kind": finding.kind,
                "title": finding.title,
                "bytes": finding.bytes,
                "confidence": finding.confidence,
                "layer": finding.layer,
                "line": finding.line,
                "hidden_by": None
                if finding.hidden_by is None
                else {"layer": finding.hidden_by.layer, "line": finding.hidden_by.line},
                "paths": list(finding.paths),
                "advice": finding.advice,
                "in_base": finding.in_base,
                "kept": list(finding.kept),
            }
            for finding in waste.findings
        ],
        "kept": [
            {
                "kind": kept.kind,
                "title": kept.title,
                "bytes": kept.bytes,
                "layer": kept.layer,
                "line": kept.line,
                "paths": list(kept.paths),
            }
            for kept in waste.kept
        ],
        "waste": {"hidden": waste.hidden, "removable": waste.removable, "total": waste.total},
        "traps": [
            {"rule": trap.rule, "message": trap.message, "line": trap.line, "hint": trap.hint} for trap in traps_of(session)
        ],
    }
    if files:
        document["files"] = _files(session)
    return document


def _dockerfile(session: Session) -> dict[str, Any] | None:
    if session.dockerfile is None or session.provenance is None or session.reconstructed:
        return None
    return {
        "path": session.dockerfile.path,
        "origin": session.dockerfile_origin or "given",
        "fit": round(session.provenance.fit, 4),
        "verdict": session.provenance.verdict,
        "notes": list(session.provenance.notes),
    }


def _packages(session: Session) -> dict[str, Any]:
    listed = listed_packages(session)
    return {
        "source": listed.source or None,
        "how": listed.how,
        "list": [
            {"name": one.name, "version": one.version, "kind": one.kind, "architecture": one.architecture}
            for one in listed.packages
        ],
    }


def _layer(session: Session, index: int) -> dict[str, Any]:
    image, table, base = session.image, session.table, session.base
    assert image is not None and table is not None and base is not None
    layer = image.layers[index]
    return {
        "index": index,
        "diff_id": layer.diff_id,
        "digest": layer.digest,
        "instruction": mask(session.instruction(index)),
        "dockerfile_line": session.line(index),
        "size": table.layer_size(index),
        "stored_size": layer.stored_size,
        "contribution": table.contribution(index),
        "running_total": table.running_total(index),
        "hidden": table.layer_hidden(index),
        "from_base": index < base.layers,
        "entries": len(layer.entries),
        "created": layer.history.created if layer.history else "",
    }


def _files(session: Session) -> list[dict[str, Any]]:
    table = session.table
    assert table is not None
    files = []
    for path_id, path in enumerate(table.paths):
        changes = []
        seen = False
        for layer, entry in table.entries(path_id):
            index = table.index(layer)
            kind = Kind(index.kinds[entry])
            if kind is Kind.WHITEOUT:
                change = "removed"
            elif kind is Kind.OPAQUE:
                change = "opaque"
            else:
                change = "modified" if seen else "added"
            seen = change in ("added", "modified", "opaque")
            changes.append(
                {
                    "layer": layer,
                    "change": change,
                    "kind": _KIND_NAMES[kind],
                    "size": table.cost(layer, entry),
                    "mode": f"{index.modes[entry]:04o}",
                    "uid": index.uids[entry],
                    "gid": index.gids[entry],
                    "link": index.links.get(entry),
                    "hidden_by": table.hidden_by(layer, entry),
                }
            )
        if changes:
            files.append({"path": path, "live": table.live(path_id) is not None, "changes": changes})
    return files
