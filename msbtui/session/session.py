"""The Session: a Dockerfile, an image, or both, and everything that is known of them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from msbtui.dockerfile.graph import build_graph
from msbtui.dockerfile.model import Dockerfile, Problem, StageGraph
from msbtui.dockerfile.parser import parse
from msbtui.errors import Cancelled, MsbtuiError, TargetError, UsageError
from msbtui.session import files
from msbtui.session.model import (
    AnalysisReady,
    BetterImage,
    Event,
    Failed,
    GraphReady,
    ImageFound,
    LayerReady,
    NoImage,
    Options,
    PlanReady,
    Progress,
)
from msbtui.session.roots import relocated, root_image

if TYPE_CHECKING:
    from msbtui.analysis.model import Base, Provenance, WasteReport
    from msbtui.engine.docker import Engine
    from msbtui.engine.events import LayerRead, Opened
    from msbtui.engine.events import Progress as Read
    from msbtui.engine.target import Target
    from msbtui.image.model import Image
    from msbtui.image.packages import Packages
    from msbtui.image.table import FileTable
    from msbtui.session.find import ImageWatch
    from msbtui.split.model import Plan, Rung
    from msbtui.split.siblings import SiblingFacts

Notify = Callable[[Event], None]


class Session:
    """One look at a Dockerfile, an image, or both.

    Results are attributes, None until they are known, and replaced whole, except `image.layers` and `table`, which grow layer
    by layer: read those two under `lock` while `run` works in another thread. Every event is told after its results are there.
    """

    def __init__(self, options: Options, *, environ: Mapping[str, str] | None = None) -> None:
        self.options = options
        self.environ = dict(os.environ if environ is None else environ)
        self.lock = threading.RLock()
        self.error: MsbtuiError | None = None
        """Why `run` stopped short; what was known by then stays."""

        self.dockerfile_path: Path | None = None
        self.dockerfile: Dockerfile | None = None
        """The last Dockerfile without a syntax error, or the first one as it is."""
        self.graph: StageGraph | None = None
        self.problems: tuple[Problem, ...] = ()
        """Errors of the text that is on disk now."""
        self.is_stale = False
        """Whether `dockerfile` and `graph` are older than the text on disk, which has errors."""
        self.reconstructed = False
        """Whether `dockerfile` was made from the image's history, since nobody gave one."""
        self.attested = False
        """Whether `dockerfile` is the one that the image's own provenance holds, since nobody gave one."""
        self.changed_lines: frozenset[int] = frozenset()
        """Lines of instructions that the image does not have as they stand."""

        self.no_image: TargetError | None = None
        """Why no image was found for the Dockerfile."""
        self.image_name = ""
        self.image: Image | None = None
        self.table: FileTable | None = None
        self.packages: Packages | None = None
        self.base: Base | None = None
        self.provenance: Provenance | None = None
        self.waste: WasteReport | None = None
        self.plan: Plan | None = None

        self._target: Target | None = None
        self._image_target: str | None = None
        self._cancel = threading.Event()
        self._engine: Engine | None = None
        self._known: Mapping[str, Sequence[str]] = {}
        self._image_onbuild: dict[str, tuple[str, ...]] = {}
        self._image_watch: ImageWatch | None = None
        self._siblings: dict[str, SiblingFacts | None] = {}

    # -- opening: no engine is asked yet ------------------------------------------------------------------------------

    def open(self) -> None:
        """Tell what the target is and read its Dockerfile; asks no engine, so that a first paint needs none.

        Raises TargetError for what is not there or cannot be read, UsageError for options that do not fit together.
        """
        from msbtui.engine.target import recognise

        options = self.options
        target = self._target = recognise(options.target)
        if target.podman:
            from msbtui.engine.host import podman_environ

            self.environ = podman_environ(self.environ)
        dockerfile = options.dockerfile
        if target.kind == "dockerfile":
            if dockerfile is not None:
                raise UsageError("TARGET is a Dockerfile already", where=options.target, hint="leave --dockerfile out")
            dockerfile = target.path
            self._image_target = options.image
        else:
            if options.image is not None:
                raise UsageError("TARGET is an image already", where=options.target, hint="leave --image out")
            self._image_target = options.target
        if dockerfile is not None:
            self.dockerfile_path = files.dockerfile_path(dockerfile)
            self._take_dockerfile(files.read(self.dockerfile_path), str(self.dockerfile_path))
        elif target.kind == "recorded":
            self._open_recorded_dockerfile(target.path)

    def _open_recorded_dockerfile(self, path: str) -> None:
        from msbtui.engine.recording import read_recording

        recording = read_recording(path)
        self._known = {name: base.diff_ids for name, base in recording.bases.items()}
        if recording.dockerfile is not None:
            self._take_dockerfile(recording.dockerfile.encode("utf-8", "surrogateescape"), "Dockerfile")

    def reload_dockerfile(self) -> bool:
        """Read the Dockerfile again; give whether anything is new.

        A text with errors leaves the last good Dockerfile and graph in place, marked stale; `problems` says what is wrong. A file
        that is gone for the moment (an editor saves by rename) changes nothing.
        """
        if self.dockerfile_path is None:
            return False
        try:
            data = files.read(self.dockerfile_path)
        except TargetError:
            return False
        # A face that draws in between would show the new text with the bytes of the old one's lines.
        with self.lock:
            before = (self.dockerfile, self.problems)
            self._take_dockerfile(data, str(self.dockerfile_path))
            if (self.dockerfile, self.problems) == before:
                return False
            self._match_lines()
            if self.waste is not None and self.provenance is not None and self.graph is not None:
                self.waste = relocated(self.waste, self.provenance, self.graph)
            self.plan = None
            return True

    def refresh_waste(self) -> None:
        """Find waste anew with the Dockerfile as it stands now; not a part of a reload, since it may take a second."""
        self._find_waste()

    def _take_dockerfile(self, data: bytes, path: str) -> None:
        dockerfile = parse(data, path)
        graph = build_graph(
            dockerfile,
            target=self.options.stage,
            build_args=self.options.build_args,
            build_contexts=self.options.build_contexts,
            platform=self.options.platform,
            image_onbuild=self._image_onbuild,
        )
        self.problems = graph.errors
        if graph.errors and self.graph is not None and not self.graph.errors:
            self.is_stale = True
            return
        self.dockerfile, self.graph, self.is_stale = dockerfile, graph, False

    @property
    def dockerfile_error(self) -> str:
        """The first error of the text on disk as one line, or nothing."""
        if not self.problems:
            return ""
        first = self.problems[0]
        return f"line {first.line}: {first.message}" if first.line else first.message

    # -- the work -----------------------------------------------------------------------------------------------------

    def run(self, notify: Notify, *, plan: bool = False) -> None:
        """Do everything in this thread: Dockerfile, image, analysis, and with `plan` the split; tell each as it is done.

        An error is told as `Failed`, kept in `error`, and never raised. `cancel` ends the work; what is known stays.
        """
        self._cancel.clear()
        self.error = None
        try:
            if self._target is None:
                self.open()
            if self.graph is not None:
                notify(GraphReady())
            if self._choose_image(notify):
                self._read_image(notify)
                self._analyse(notify)
            if plan:
                self.make_plan()
                notify(PlanReady())
        except Cancelled:
            self.error = None
            notify(Failed("cancelled; what was read so far stays"))
        except MsbtuiError as error:
            self.error = error
            notify(Failed(str(error)))

    def cancel(self) -> None:
        """End the work that `run`, `make_plan` or `verify` does, soon; safe from any thread."""
        self._cancel.set()

    def switch_image(self, name: str) -> None:
        """Look at another image with the next `run`."""
        self._image_target = name

    def _choose_image(self, notify: Notify) -> bool:
        if self._image_target is not None:
            return True
        if self.dockerfile is None or self.graph is None:
            return False
        if self.graph.errors:
            raise TargetError(
                self.dockerfile_error, where=str(self.dockerfile.path), hint="mend it, or name an image with --image"
            )
        from msbtui.session.find import find_image

        try:
            engine = self._connect()
            found = find_image(engine, self.dockerfile, self.graph, self._cancel, self.options.build_args)
            if found is None:
                hint = "build it first, or name one with --image"
                raise TargetError(f"no image of {engine.name} fits this Dockerfile", where=self.dockerfile.path, hint=hint)
        except TargetError as error:
            # Nobody asked for an image by name: graph and text plan do without one.
            self.no_image = error
            notify(NoImage(str(error)))
            return False
        self.no_image = None
        self._image_target = f"docker:{found.name}"
        notify(ImageFound(found.name, found.why))
        return True

    def better_image(self) -> BetterImage | None:
        """Ask the engine whether it now has an image that fits the Dockerfile better than the one shown (a rebuild).

        To be asked again and again by a face that stays open; cheap while nothing changes. None where there is none, also
        where the engine does not answer.
        """
        if self._target is None or self._target.kind not in ("docker", "dockerfile"):
            return None
        dockerfile, graph = self.dockerfile, self.graph
        if dockerfile is None or graph is None or graph.errors or self.reconstructed:
            return None
        from msbtui.session.find import ImageWatch

        try:
            if self._image_watch is None:
                self._image_watch = ImageWatch(self._connect())
            found = self._image_watch.better(
                dockerfile,
                graph,
                shown=(self._image_target or "").removeprefix("docker:"),
                layers=tuple(layer.diff_id for layer in self.image.layers) if self.image is not None else (),
                fit=self.provenance.fit if self.provenance is not None else 0.0,
                cancel=self._cancel,
                build_args=self.options.build_args,
            )
        except (TargetError, Cancelled):
            return None
        return None if found is None else BetterImage(f"docker:{found.name}", found.id)

    def _connect(self) -> Engine:
        if self._engine is None:
            from msbtui.engine.docker import connect

            self._engine = connect(self.environ, cancel=self._cancel)
        return self._engine

    def _read_image(self, notify: Notify) -> None:
        from msbtui.engine import open_image
        from msbtui.engine.events import LayerRead, Opened
        from msbtui.image.table import FileTable

        def heard(event: Opened | Read | LayerRead) -> None:
            if isinstance(event, Opened):
                with self.lock:
                    self.image, self.table = event.image, FileTable()
                    self.packages = self.base = self.provenance = self.waste = self.plan = None
                self.image_name = event.image.name
                self._take_attested_dockerfile()
                self._match_lines()
                notify(ImageFound(event.image.name, event.image.source))
            elif isinstance(event, LayerRead):
                with self.lock:
                    assert self.table is not None
                    self.table.add(event.layer.entries)
                notify(LayerReady(event.layer.index))
            else:
                notify(Progress(event.what, event.done, event.total))

        assert self._image_target is not None
        open_image(
            self._image_target,
            platform=self.options.platform,
            on_event=heard,
            cancel=self._cancel,
            environ=self.environ,
            verify=self.options.verify_digests,
            plain_http=self.options.plain_http,
        )

    def _analyse(self, notify: Notify) -> None:
        from msbtui.image.packages import read_packages

        assert self.image is not None and self.table is not None
        notify(Progress("Finding waste", 0, unit="findings"))
        self._take_attested_dockerfile()
        self._ask_engine()
        self._match_lines()
        self._find_base()
        # Where the base ends for certain, none of its layers can be a line's.
        self._match_lines()
        self.packages = read_packages(self.image, self.table)
        if self.dockerfile is None:
            self._reconstruct()
        self._find_waste()
        notify(AnalysisReady())
        from msbtui.engine.layers import keep_learned

        keep_learned(self.image)

    def _ask_engine(self) -> None:
        """Learn what the engine knows beside the image: other images that may be its base, and their ONBUILD triggers."""
        if self._target is None or self._target.kind not in ("docker", "dockerfile"):
            return
        from msbtui.engine.docker import known_bases

        # A help for the reader, not what was asked for: where the engine does not answer, other ways of knowing stay.
        with suppress(TargetError):
            engine = self._connect()
            self._known = known_bases(engine)
            self._learn_triggers(engine)

    def _learn_triggers(self, engine: Engine) -> None:
        if self.dockerfile is None or self.graph is None or self.reconstructed:
            return
        names = {stage.base.image for stage in self.graph.stages if stage.base.image} & set(self._known)
        triggers = {name: found for name in names if (found := engine.inspect(name).config.onbuild)}
        if triggers and triggers != self._image_onbuild:
            self._image_onbuild = triggers
            self._take_dockerfile(self.dockerfile.source.encode("utf-8", "surrogateescape"), self.dockerfile.path)

    def _match_lines(self) -> None:
        if self.dockerfile is None or self.graph is None or self.image is None or self.reconstructed:
            return
        from msbtui.analysis.lines import match_lines, numbered_layers

        history = self.image.history
        # Until the layers are there, the history alone says how many there are.
        made_by = [layer.history_index for layer in self.image.layers] or numbered_layers(history)
        base = self.base if self.base is not None and self.base.confidence == "A" else None
        self.provenance = match_lines(
            self.dockerfile,
            self.graph,
            history,
            made_by,
            build_args=self.options.build_args,
            base_layers=base.layers if base is not None else 0,
            base_onbuild=self._image_onbuild.get(base.name, ()) if base is not None else (),
        )
        if self.attested and self.image.attestation is not None:
            from msbtui.analysis.attested import attest_lines

            self.provenance = attest_lines(self.provenance, self.dockerfile, self.image.attestation.lines)
        stale = set(self.provenance.stale_instructions)
        self.changed_lines = frozenset(
            line
            for instruction in self.dockerfile.instructions
            if instruction.index in stale
            for line in range(instruction.span.first_line, instruction.span.last_line + 1)
        )

    def _take_attested_dockerfile(self) -> None:
        """Take the Dockerfile that the image's provenance holds, where nobody gave one."""
        attestation = self.image.attestation if self.image is not None else None
        if self.dockerfile is not None or attestation is None or attestation.dockerfile is None:
            return
        given = self.options
        self.options = msgspec.structs.replace(
            given, build_args={**attestation.build_args, **given.build_args}, stage=given.stage or attestation.target or None
        )
        self._take_dockerfile(
            attestation.dockerfile.encode("utf-8", "surrogateescape"), attestation.dockerfile_name or "Dockerfile"
        )
        if self.graph is None or self.graph.errors:
            self.options, self.dockerfile, self.graph, self.problems = given, None, None, ()
            return
        self.attested = True
        assert self.image is not None
        self.image.notes.append("its Dockerfile is the one in the image's provenance, which nobody verified")

    def _find_base(self) -> None:
        from msbtui.analysis.base import find_base

        assert self.image is not None
        from_name = None if self.graph is None or self.reconstructed else root_image(self.graph)
        self.base = find_base(self.image, self.provenance, self._known, from_name=from_name)
        attestation = self.image.attestation
        # Where several images went into a build, the provenance does not say which of them is below this stage.
        if attestation is not None and len(attestation.bases) == 1 and self.base.layers and not self.base.name:
            name = attestation.bases[0][0]
            self.base = msgspec.structs.replace(self.base, name=name, how=f"{self.base.how}; the image's provenance names {name}")

    def _reconstruct(self) -> None:
        from msbtui.analysis.reconstruct import reconstruct

        assert self.image is not None and self.base is not None
        source, self.provenance = reconstruct(self.image, self.base)
        self.dockerfile = parse(source, self.image.name)
        self.graph = build_graph(self.dockerfile)
        self.reconstructed = True

    def _find_waste(self) -> None:
        from msbtui.analysis.waste import find_waste

        if self.image is None or self.table is None or self.packages is None or self.base is None:
            return
        self.waste = find_waste(
            self.image,
            self.table,
            self.packages,
            self.base,
            None if self.reconstructed else self.provenance,
            None if self.reconstructed else self.dockerfile,
            None if self.reconstructed else self.graph,
        )

    # -- the split ----------------------------------------------------------------------------------------------------

    def make_plan(self) -> Plan:
        """Plan the split from what is known; give it and keep it as `plan`.

        Raises UsageError where no Dockerfile is known.
        """
        from msbtui.session.verifying import preferred_plan

        self.plan = preferred_plan(self)
        return self.plan

    def rungs(self) -> tuple[Rung, ...]:
        """Give every rung of the plan's ladder with its estimated size (bytes) and risk; plans each, so it takes a second."""
        from msbtui.session.verifying import ladder

        return ladder(self)

    def sibling(self, ref: str) -> SiblingFacts | None:
        """Give what is known of another image of the engine (a base for the runtime stage), or None where it is not at hand."""
        if ref not in self._siblings:
            self._siblings[ref] = self._read_sibling(ref)
        return self._siblings[ref]

    def _read_sibling(self, ref: str) -> SiblingFacts | None:
        if self._target is not None and self._target.kind == "recorded":
            from msbtui.session.recorded import recorded_sibling

            return recorded_sibling(Path(self._target.path).parent, ref)
        from msbtui.engine import open_image
        from msbtui.image.packages import read_packages
        from msbtui.image.table import FileTable
        from msbtui.split.siblings import SiblingFacts

        try:
            engine = self._engine if self._engine is not None else self._connect() if self._target_is_of_engine() else None
            if engine is None:
                return None
            image = open_image(f"docker:{ref}", platform=self.options.platform, cancel=self._cancel, environ=self.environ)
        except TargetError:
            return None
        table = FileTable(layer.entries for layer in image.layers)
        return SiblingFacts(ref, image, table, read_packages(image, table))

    def _target_is_of_engine(self) -> bool:
        return self._target is not None and self._target.kind in ("docker", "dockerfile")

    def verify(
        self,
        *,
        context: Path | None = None,
        smokes: Sequence[str] = (),
        paths: Sequence[str] = (),
        notify: Callable[[Progress], None] = lambda _: None,
    ) -> Plan:
        """Build the original and the plan on the engine and check the result; give the plan with its checks and keep it.

        A failed check names what is missing: the plan is widened by that, and then takes the next rungs of its ladder.
        `smokes` are commands and `paths` HTTP paths to compare. Without `--image` the plan is of the original as it is built
        now, so the decision may become another one. Raises TargetError where the engine or a build cannot be had, UsageError
        where there is no plan to verify.
        """
        from msbtui.session.verifying import verify_session

        return verify_session(self, context, smokes, paths, notify)

    @property
    def cancelled(self) -> threading.Event:
        """Set once `cancel` was called."""
        return self._cancel

    def named_image(self) -> str | None:
        """Give the name of the engine's image that `--image` names, or None where it names none there."""
        from msbtui.engine.target import recognise

        if self.options.image is None or self._image_target is None:
            return None
        target = recognise(self._image_target)
        return target.name if target.kind == "docker" else None

    def layer_ids(self) -> tuple[str, ...]:
        """Give the diff ids of the image's layers; empty where no image is known whole."""
        return tuple(layer.diff_id for layer in self.image.layers) if self.image is not None and self.waste is not None else ()

    def engine_layers(self, name: str) -> tuple[str, ...]:
        """Give the diff ids of an image of the engine. Raises TargetError where it is not there."""
        return tuple(self._connect().inspect(name).diff_ids)

    def look_at(self, name: str, notify: Notify) -> None:
        """Read and analyse an image that was just built here in place of the one shown. Raises TargetError, Cancelled."""
        from msbtui.engine.leftovers import without_labels

        self._image_target, self.no_image = name, None
        self._read_image(notify)
        assert self.image is not None
        self.image.config = without_labels(self.image.config)
        self._analyse(notify)

    # -- keeping ------------------------------------------------------------------------------------------------------

    def record(
        self,
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

        if self.image is None or self.base is None:
            raise UsageError("there is no image to record")
        bases = {}
        if self.base.layers and self.base.name:
            config = None
            with suppress(TargetError):
                config = self._engine.inspect(self.base.name).config if self._engine is not None else None
            bases[self.base.name] = BaseRecord([layer.diff_id for layer in self.image.layers[: self.base.layers]], config)
        return write_recording(
            self.image,
            None if self.dockerfile is None or self.reconstructed else self.dockerfile.source,
            path,
            leave_out_paths=leave_out_paths,
            leave_out_env=leave_out_env,
            bases=bases,
            before_writing=before_writing,
        )

    # -- what rows and reports ask for --------------------------------------------------------------------------------

    def line(self, layer: int) -> int | None:
        """Give the Dockerfile line that made a layer, or None where no line did or no Dockerfile is known."""
        if self.provenance is None or layer >= len(self.provenance.matches) or self.reconstructed:
            return None
        return self.provenance.matches[layer].line

    def instruction(self, layer: int) -> str:
        """Give what made a layer as one line: the Dockerfile's instruction where it is known, else the history's words."""
        from msbtui.analysis.reconstruct import instruction_text

        assert self.image is not None
        if self.dockerfile is not None and self.provenance is not None and layer < len(self.provenance.matches):
            index = self.provenance.matches[layer].instruction
            if index is not None:
                instruction = self.dockerfile.instructions[index]
                flags = "".join(f"--{flag.name}{'' if flag.value is None else '=' + flag.value} " for flag in instruction.flags)
                return " ".join(f"{instruction.keyword} {flags}{instruction.value}".split())
        item = self.image.layers[layer].history if layer < len(self.image.layers) else None
        return instruction_text(item) if item is not None else ""
