"""The work of a session on an image: reading it, and joining it with the Dockerfile."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from msbtui.dockerfile.graph import build_graph
from msbtui.dockerfile.parser import parse
from msbtui.errors import TargetError
from msbtui.session.model import AnalysisReady, Event, ImageFound, LayerReady, Progress
from msbtui.session.roots import root_image

if TYPE_CHECKING:
    from msbtui.engine.docker import Engine
    from msbtui.engine.events import LayerRead, Opened
    from msbtui.engine.events import Progress as Read
    from msbtui.session.session import Session

Notify = Callable[[Event], None]


def read_image(session: Session, notify: Notify) -> None:
    """Read the chosen image, layer by layer. Raises TargetError where it cannot be read, Cancelled."""
    from msbtui.engine import open_image
    from msbtui.engine.events import LayerRead, Opened
    from msbtui.image.table import FileTable

    def heard(event: Opened | Read | LayerRead) -> None:
        if isinstance(event, Opened):
            with session.lock:
                session.image, session.table = event.image, FileTable()
                session.packages = session.base = session.provenance = session.waste = session.plan = None
            session.image_name = event.image.name
            take_attested_dockerfile(session)
            match_session_lines(session)
            notify(ImageFound(event.image.name, event.image.source))
        elif isinstance(event, LayerRead):
            with session.lock:
                assert session.table is not None
                session.table.add(event.layer.entries)
            notify(LayerReady(event.layer.index))
        else:
            notify(Progress(event.what, event.done, event.total))

    assert session.image_target is not None
    open_image(
        session.image_target,
        platform=session.options.platform,
        on_event=heard,
        cancel=session.cancelled,
        environ=session.environ,
        verify=session.options.verify_digests,
        plain_http=session.options.plain_http,
    )


def look_at(session: Session, name: str, notify: Notify) -> None:
    """Read and analyse an image that was just built here in place of the one shown. Raises TargetError, Cancelled."""
    from msbtui.engine.leftovers import without_labels

    session.image_target, session.no_image = name, None
    read_image(session, notify)
    assert session.image is not None
    session.image.config = without_labels(session.image.config)
    analyse(session, notify)


def analyse(session: Session, notify: Notify) -> None:
    """Work out lines, base, packages and waste of an image that is read."""
    from msbtui.image.packages import read_packages

    assert session.image is not None and session.table is not None
    notify(Progress("Finding waste", 0, unit="findings"))
    take_attested_dockerfile(session)
    _ask_engine(session)
    match_session_lines(session)
    _find_base(session)
    # Where the base ends for certain, none of its layers can be a line's.
    match_session_lines(session)
    session.packages = read_packages(session.image, session.table)
    if session.dockerfile is None:
        _reconstruct(session)
    find_session_waste(session)
    from msbtui.engine.layers import keep_learned
    from msbtui.image import shortened

    shortened.check()
    notify(AnalysisReady())

    keep_learned(session.image)


def _ask_engine(session: Session) -> None:
    """Learn what the engine knows beside the image: other images that may be its base, and their ONBUILD triggers."""
    if not session.is_of_engine:
        return
    from msbtui.engine.docker import known_bases

    # A help for the reader, not what was asked for: where the engine does not answer, other ways of knowing stay.
    with suppress(TargetError):
        engine = session.connect()
        session.known = known_bases(engine)
        _learn_triggers(session, engine)


def _learn_triggers(session: Session, engine: Engine) -> None:
    if session.dockerfile is None or session.graph is None or session.reconstructed:
        return
    names = {stage.base.image for stage in session.graph.stages if stage.base.image} & set(session.known)
    triggers = {name: found for name in names if (found := engine.inspect(name).config.onbuild)}
    if triggers and triggers != session.image_onbuild:
        session.image_onbuild = triggers
        session.take_dockerfile(session.dockerfile.source.encode("utf-8", "surrogateescape"), session.dockerfile.path)


def match_session_lines(session: Session) -> None:
    """Say which line made which layer, where Dockerfile and image are known."""
    if session.dockerfile is None or session.graph is None or session.image is None or session.reconstructed:
        return
    from msbtui.analysis.lines import match_lines, numbered_layers

    history = session.image.history
    # Until the layers are there, the history alone says how many there are.
    made_by = [layer.history_index for layer in session.image.layers] or numbered_layers(history)
    base = session.base if session.base is not None and session.base.confidence == "A" else None
    session.provenance = match_lines(
        session.dockerfile,
        session.graph,
        history,
        made_by,
        build_args=session.options.build_args,
        base_layers=base.layers if base is not None else 0,
        base_onbuild=session.image_onbuild.get(base.name, ()) if base is not None else (),
    )
    if session.attested and session.image.attestation is not None:
        from msbtui.analysis.attested import attest_lines

        session.provenance = attest_lines(session.provenance, session.dockerfile, session.image.attestation.lines, session.graph)
    stale = set(session.provenance.stale_instructions)
    session.changed_lines = frozenset(
        line
        for instruction in session.dockerfile.instructions
        if instruction.index in stale
        for line in range(instruction.span.first_line, instruction.span.last_line + 1)
    )


def take_attested_dockerfile(session: Session) -> None:
    """Take the Dockerfile that the image's provenance holds, where nobody gave one, and tell what of it was left out."""
    image = session.image
    attestation = image.attestation if image is not None else None
    if image is None or attestation is None:
        return
    image.notes += [note for note in attestation.notes if note not in image.notes]
    if session.dockerfile is not None or attestation.dockerfile is None:
        return
    given = session.options
    session.options = msgspec.structs.replace(
        given,
        build_args={**attestation.build_args, **given.build_args},
        build_contexts={**attestation.build_contexts, **given.build_contexts},
        stage=given.stage or attestation.target or None,
    )
    session.take_dockerfile(
        attestation.dockerfile.encode("utf-8", "surrogateescape"), attestation.dockerfile_name or "Dockerfile"
    )
    if session.graph is None or session.graph.errors:
        note = f"the Dockerfile in its provenance is left out: {session.dockerfile_error}"
        session.options, session.dockerfile, session.graph, session.problems = given, None, None, ()
        if note not in image.notes:
            image.notes.append(note)
        return
    session.attested = True
    image.notes.append(f"its Dockerfile is {session.dockerfile_origin}, which nobody verified")


def _find_base(session: Session) -> None:
    from msbtui.analysis.base import find_base

    assert session.image is not None
    from_name = None
    if session.graph is not None and not session.reconstructed:
        from_name = root_image(session.graph, session.options.build_contexts)
    session.base = find_base(session.image, session.provenance, session.known, from_name=from_name)
    attestation = session.image.attestation
    if session.attested and attestation is not None and session.dockerfile is not None and session.base.confidence != "A":
        from msbtui.analysis.attested import attested_base_layers

        layers = attested_base_layers(session.dockerfile, attestation.lines)
        if layers > session.base.layers:
            how = f"the image's provenance says that FROM brought {'it' if layers == 1 else 'them'}"
            session.base = msgspec.structs.replace(
                session.base, layers=layers, how=how, confidence="B", name=session.base.name or from_name or ""
            )
    # Where several images went into a build, the provenance does not say which of them is below this stage.
    if attestation is not None and len(attestation.bases) == 1 and session.base.layers and not session.base.name:
        name = attestation.bases[0][0]
        how = f"{session.base.how}; the image's provenance names {name}"
        session.base = msgspec.structs.replace(session.base, name=name, how=how)


def _reconstruct(session: Session) -> None:
    from msbtui.analysis.reconstruct import reconstruct

    assert session.image is not None and session.base is not None
    source, provenance = reconstruct(session.image, session.base)
    session.dockerfile = parse(source, session.image.name)
    # A history may say what no Dockerfile can: a line over the limit, a here-document without end. What comes after is lost.
    at = {one.span.first_line: one.index for one in session.dockerfile.instructions}
    matches = tuple(
        match if match.instruction is None else msgspec.structs.replace(match, instruction=at.get(match.line or 0))
        for match in provenance.matches
    )
    session.provenance = msgspec.structs.replace(provenance, matches=matches)
    session.graph = build_graph(session.dockerfile)
    session.reconstructed = True


def find_session_waste(session: Session) -> None:
    """Find the image's waste, where everything that it takes is known."""
    from msbtui.analysis.waste import find_waste
    from msbtui.session.context import ignored_by

    if session.image is None or session.table is None or session.packages is None or session.base is None:
        return
    session.waste = find_waste(
        session.image,
        session.table,
        session.packages,
        session.base,
        None if session.reconstructed else session.provenance,
        None if session.reconstructed else session.dockerfile,
        None if session.reconstructed else session.graph,
        ignored=ignored_by(session.dockerfile_path) if session.dockerfile_path is not None else None,
    )
