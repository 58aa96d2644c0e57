"""Other images that a plan may rest on, as far as they are at hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msbtui.errors import TargetError

if TYPE_CHECKING:
    from msbtui.session.session import Session
    from msbtui.split.siblings import SiblingFacts


def read_sibling(session: Session, ref: str) -> SiblingFacts | None:
    """Read another image of the engine, or of the recordings beside this one; None where it is not at hand."""
    if session.target is not None and session.target.kind == "recorded":
        from msbtui.session.recorded import recorded_sibling

        return recorded_sibling(Path(session.target.path).parent, ref)
    from msbtui.engine import open_image
    from msbtui.image.packages import read_packages
    from msbtui.image.table import FileTable
    from msbtui.split.siblings import SiblingFacts

    try:
        engine = session.engine if session.engine is not None else session.connect() if session.is_of_engine else None
        if engine is None:
            return None
        image = open_image(f"docker:{ref}", platform=session.options.platform, cancel=session.cancelled, environ=session.environ)
    except TargetError:
        return None
    table = FileTable(layer.entries for layer in image.layers)
    return SiblingFacts(ref, image, table, read_packages(image, table))
