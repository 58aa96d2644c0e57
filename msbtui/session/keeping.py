"""A session's image written down, small enough to mail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from msbtui.errors import TargetError, UsageError

if TYPE_CHECKING:
    from msbtui.session.session import Session


def record_session(
    session: Session,
    path: Path,
    *,
    leave_out_paths: Sequence[str] = (),
    leave_out_env: Sequence[str] = (),
    before_writing: Callable[[list[str]], None] = lambda _: None,
) -> int:
    """Write a recording of the image, with the Dockerfile where one is known; give its bytes.

    `before_writing` hears, line by line, what it will hold. Raises TargetError where the file cannot be written.
    """
    from msbtui.engine.recording import write_recording
    from msbtui.engine.recording_format import BaseRecord

    if session.image is None or session.base is None:
        raise UsageError("there is no image to record")
    bases = {}
    if session.base.layers and session.base.name:
        config = None
        with suppress(TargetError):
            config = session.engine.inspect(session.base.name).config if session.engine is not None else None
        bases[session.base.name] = BaseRecord([layer.diff_id for layer in session.image.layers[: session.base.layers]], config)
    return write_recording(
        session.image,
        None if session.dockerfile is None or session.reconstructed else session.dockerfile.source,
        path,
        leave_out_paths=leave_out_paths,
        leave_out_env=leave_out_env,
        bases=bases,
        before_writing=before_writing,
    )
