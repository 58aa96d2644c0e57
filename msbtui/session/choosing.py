"""Which image a session looks at: the one that was named, or the engine's that fits the Dockerfile best."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from msbtui.errors import Cancelled, TargetError
from msbtui.session.model import BetterImage, Event, ImageFound, NoImage

if TYPE_CHECKING:
    from msbtui.session.session import Session

Notify = Callable[[Event], None]


def choose_image(session: Session, notify: Notify) -> bool:
    """Choose the image, and tell it; give whether there is one to read.

    Raises TargetError where the Dockerfile has errors and no image was named: nothing could be told to fit it.
    """
    if session.image_target is not None:
        return True
    if session.dockerfile is None or session.graph is None:
        return False
    if session.graph.errors:
        raise TargetError(
            session.dockerfile_error, where=str(session.dockerfile.path), hint="mend it, or name an image with --image"
        )
    from msbtui.session.find import find_image

    try:
        engine = session.connect()
        found = find_image(engine, session.dockerfile, session.graph, session.cancelled, session.options.build_args)
        if found is None:
            hint = "build it first, or name one with --image"
            raise TargetError(f"no image of {engine.name} fits this Dockerfile", where=session.dockerfile.path, hint=hint)
    except TargetError as error:
        # Nobody asked for an image by name: graph and text plan do without one.
        session.no_image = error
        notify(NoImage(str(error)))
        return False
    session.no_image = None
    session.image_target = f"docker:{found.name}"
    notify(ImageFound(found.name, found.why))
    return True


def better_image(session: Session) -> BetterImage | None:
    """Ask the engine whether it now has an image that fits the Dockerfile better than the one shown (a rebuild).

    To be asked again and again by a face that stays open; cheap while nothing changes. None where there is none, also
    where the engine does not answer.
    """
    if not session.is_of_engine:
        return None
    dockerfile, graph = session.dockerfile, session.graph
    if dockerfile is None or graph is None or graph.errors or session.reconstructed:
        return None
    from msbtui.session.find import ImageWatch

    try:
        if session.image_watch is None:
            session.image_watch = ImageWatch(session.connect())
        found = session.image_watch.better(
            dockerfile,
            graph,
            shown=(session.image_target or "").removeprefix("docker:"),
            layers=tuple(layer.diff_id for layer in session.image.layers) if session.image is not None else (),
            fit=session.provenance.fit if session.provenance is not None else 0.0,
            cancel=session.cancelled,
            build_args=session.options.build_args,
        )
    except (TargetError, Cancelled):
        return None
    return None if found is None else BetterImage(f"docker:{found.name}", found.id)


def named_image(session: Session) -> str | None:
    """Give the name of the engine's image that `--image` names, or None where it names none there."""
    from msbtui.engine.target import recognise

    if session.options.image is None or session.image_target is None:
        return None
    target = recognise(session.image_target)
    return target.name if target.kind == "docker" else None
