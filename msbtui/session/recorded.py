"""What recordings in one folder know of each other's base images."""

from __future__ import annotations

from pathlib import Path

import msgspec

from msbtui.errors import TargetError
from msbtui.image.packages import read_packages
from msbtui.image.table import FileTable
from msbtui.split.siblings import SiblingFacts

MOST = 64
"""How many recordings of a folder are looked at."""


def recorded_sibling(folder: Path, ref: str) -> SiblingFacts | None:
    """Give the image `ref` as far as a recording in `folder` holds it below an image that is built on it; None where none does.

    Only a base that was recorded with its own configuration counts: a plan must know what ENV and CMD it brings.
    """
    from msbtui.engine.recording import read_recording

    for path in sorted(folder.glob("*.msbtui"))[:MOST]:
        try:
            recording = read_recording(path)
        except TargetError:
            # Another recording that is damaged takes nothing away from this one.
            continue
        base = recording.bases.get(ref)
        if base is None or base.config is None:
            continue
        whole = recording.image
        layers = whole.layers[: len(base.diff_ids)]
        if not layers or [layer.diff_id for layer in layers] != base.diff_ids:
            continue
        last = layers[-1].history_index
        image = msgspec.structs.replace(
            whole, name=ref, config=base.config, layers=layers, history=whole.history[: (last or 0) + 1]
        )
        table = FileTable(layer.entries for layer in layers)
        return SiblingFacts(ref, image, table, read_packages(image, table))
    return None
