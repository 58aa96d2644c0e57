"""The session's split: the plan on a rung of the ladder, and its verification on the engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from msbtui.errors import UsageError
from msbtui.session.choosing import named_image
from msbtui.session.model import Event, Progress
from msbtui.session.reading import look_at

if TYPE_CHECKING:
    from msbtui.session.session import Session
    from msbtui.split.model import Plan
    from msbtui.split.repair import Additions
    from msbtui.split.verify import Told

_OF_AN_IMAGE = (
    "image",
    "image_name",
    "no_image",
    "table",
    "packages",
    "base",
    "provenance",
    "changed_lines",
    "waste",
    "plan",
)
"""What a session knows of the image that it looks at."""
Notify = Callable[[Progress], None]


def plan_rung(session: Session, rung: str, wider: Additions | None = None) -> Plan:
    """Give the plan of one rung of the ladder, widened by what checks of a built image found.

    Raises UsageError where no Dockerfile is known.
    """
    from msbtui.split.planner import make_plan
    from msbtui.split.repair import Additions

    if session.dockerfile is None or session.graph is None or session.reconstructed:
        raise UsageError("a split needs the Dockerfile", hint="name it with --dockerfile")
    whole = session.waste is not None
    more = wider or Additions()
    return make_plan(
        session.dockerfile,
        session.graph,
        image=session.image if whole else None,
        table=session.table if whole else None,
        packages=session.packages if whole else None,
        base=session.base if whole else None,
        provenance=session.provenance if whole else None,
        waste=session.waste,
        siblings=session.sibling,
        smokes=session.options.smokes,
        rung=rung,
        extra_paths=more.paths,
        extra_packages=more.packages,
        extra_users=more.users,
        opened=more.opened,
        absent=more.absent,
        known=session.known,
    )


def preferred_plan(session: Session) -> Plan:
    """Give the smallest rung's plan; with `--prefer safe` that of the first rung with whole directories that has one."""
    from msbtui.split.ladder import SELECTIVE, order

    smallest = plan_rung(session, SELECTIVE)
    if session.options.prefer == "small" or smallest.rung != SELECTIVE:
        return smallest  # also where there is no split, and where the text alone is known
    for rung in order(session.options.prefer):
        plan = plan_rung(session, rung)
        if plan.dockerfile and plan.rung == rung:
            return plan
    return smallest


def verify_session(session: Session, context: Path | None, smokes: Sequence[str], paths: Sequence[str], notify: Notify) -> Plan:
    """Build the original and the plan and give the plan with its checks; see `Session.verify`.

    Without `--image` the original is built first: where its layers are not those that the plan was made from (or there was no
    image), the plan is made again from what was built.
    """
    from msbtui.split.verify import Site, verify

    if session.plan is None or session.dockerfile is None or session.graph is None or session.reconstructed:
        raise UsageError("there is no plan to verify")
    folder = context or (session.dockerfile_path.parent if session.dockerfile_path is not None else Path())

    def tell(told: Told) -> None:
        left = f", about {told.left:.0f} s left" if told.left is not None else ""
        notify(Progress(told.what + left, told.done, told.total, unit="steps" if told.total is not None else ""))

    def read(event: Event) -> None:
        if isinstance(event, Progress):
            notify(msgspec.structs.replace(event, what="reading the original"))

    before = {name: getattr(session, name) for name in _OF_AN_IMAGE}
    target = session.image_target
    try:
        with Site(
            session.dockerfile, folder, session.options, environ=session.environ, on_progress=tell, cancel=session.cancelled
        ) as site:
            original = named_image(session)
            if original is None:
                original = site.build_original()
                if session.layer_ids() != session.engine_layers(original):
                    site.tell("planning from what was built")
                    look_at(session, f"docker:{original}", read)
                    session.plan = preferred_plan(session)
            assert session.plan is not None
            if session.plan.dockerfile:
                session.plan = verify(
                    site,
                    session.plan,
                    original,
                    smokes=tuple(smokes),
                    paths=tuple(paths),
                    replan=lambda rung, wider: plan_rung(session, rung, wider),
                    trace=session.options.trace,
                    base=session.layer_ids()[: session.base.layers] if session.base is not None else (),
                )
            return session.plan
    except BaseException:
        # An image that was read in part, and is gone, must not stand in the place of what was known.
        with session.lock:
            for name, value in before.items():
                setattr(session, name, value)
        raise
    finally:
        # What was built here is removed: whoever reads again wants the image that was looked at before.
        session.image_target = target
