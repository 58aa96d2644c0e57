"""The Session: a Dockerfile, an image, or both, and everything that is known of them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msbtui.dockerfile.graph import build_graph
from msbtui.dockerfile.model import Dockerfile, Problem, StageGraph
from msbtui.dockerfile.parser import parse
from msbtui.errors import Cancelled, MsbtuiError, TargetError, UsageError
from msbtui.session import files
from msbtui.session.choosing import choose_image
from msbtui.session.model import (
    BetterImage,
    Event,
    Failed,
    GraphReady,
    Options,
    PlanReady,
    Progress,
)
from msbtui.session.problems import without_line
from msbtui.session.reading import analyse, find_session_waste, match_session_lines, read_image
from msbtui.session.roots import relocated

if TYPE_CHECKING:
    from msbtui.analysis.account import Account
    from msbtui.analysis.model import Base, Provenance, WasteReport
    from msbtui.engine.docker import Engine
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

        self.target: Target | None = None
        """What the person named, once it is recognised."""
        self.image_target: str | None = None
        """The image to look at, as a target; None until one is named or chosen."""
        self.cancelled = threading.Event()
        """Set once `cancel` was called."""
        self.engine: Engine | None = None
        """The engine, once it was asked."""
        self.known: Mapping[str, Sequence[str]] = {}
        """Images that may be the base: name and diff ids."""
        self.image_onbuild: dict[str, tuple[str, ...]] = {}
        """ONBUILD triggers by the image that has them."""
        self.image_watch: ImageWatch | None = None
        self._rung_plans: dict[str, Plan] = {}
        self._siblings: dict[str, SiblingFacts | None] = {}

    # -- opening: no engine is asked yet ------------------------------------------------------------------------------

    def open(self) -> None:
        """Tell what the target is and read its Dockerfile; asks no engine, so that a first paint needs none.

        Raises TargetError for what is not there or cannot be read, UsageError for options that do not fit together.
        """
        from msbtui.engine.target import recognise

        options = self.options
        target = self.target = recognise(options.target)
        if target.podman:
            from msbtui.engine.host import podman_environ

            self.environ = podman_environ(self.environ)
        dockerfile = options.dockerfile
        if target.kind == "dockerfile":
            if dockerfile is not None:
                raise UsageError("TARGET is a Dockerfile already", where=options.target, hint="leave --dockerfile out")
            dockerfile = target.path
            self.image_target = options.image
        else:
            if options.image is not None:
                raise UsageError("TARGET is an image already", where=options.target, hint="leave --image out")
            self.image_target = options.target
        if dockerfile is not None:
            self.dockerfile_path = files.dockerfile_path(dockerfile)
            self.take_dockerfile(files.read(self.dockerfile_path), str(self.dockerfile_path))
        elif target.kind == "recorded":
            self._open_recorded_dockerfile(target.path)

    def _open_recorded_dockerfile(self, path: str) -> None:
        from msbtui.engine.recording import read_recording

        recording = read_recording(path)
        self.known = {name: base.diff_ids for name, base in recording.bases.items()}
        if recording.dockerfile is not None:
            self.take_dockerfile(recording.dockerfile.encode("utf-8", "surrogateescape"), "Dockerfile")

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
            self.take_dockerfile(data, str(self.dockerfile_path))
            if (self.dockerfile, self.problems) == before:
                return False
            match_session_lines(self)
            if self.waste is not None and self.provenance is not None and self.graph is not None:
                self.waste = relocated(self.waste, self.provenance, self.graph)
            self.plan, self._rung_plans = None, {}
            return True

    def refresh_waste(self) -> None:
        """Find waste anew with the Dockerfile as it stands now; not a part of a reload, since it may take a second."""
        find_session_waste(self)

    def take_dockerfile(self, data: bytes, path: str) -> None:
        """Take a Dockerfile's text, which is named `path`; one with errors leaves the last good one in place."""
        dockerfile = parse(data, path)
        graph = build_graph(
            dockerfile,
            target=self.options.stage,
            build_args=self.options.build_args,
            build_contexts=self.options.build_contexts,
            platform=self.options.platform,
            image_onbuild=self.image_onbuild,
        )
        self.problems = graph.errors
        if graph.errors and self.graph is not None and not self.graph.errors:
            self.is_stale = True
            return
        self.dockerfile, self.graph, self.is_stale = dockerfile, graph, False

    @property
    def dockerfile_origin(self) -> str:
        """Where a Dockerfile that nobody gave is from: `from provenance (mode=max)`, `from the image's history`; else nothing."""
        if self.attested:
            return "from provenance (mode=max)"
        return "from the image's history" if self.reconstructed else ""

    @property
    def dockerfile_error(self) -> str:
        """The first error of the text on disk as one line, or nothing."""
        if not self.problems:
            return ""
        first = self.problems[0]
        return f"line {first.line}: {without_line(first)}" if first.line else first.message

    # -- the work -----------------------------------------------------------------------------------------------------

    def run(self, notify: Notify, *, plan: bool = False) -> None:
        """Do everything in this thread: Dockerfile, image, analysis, and with `plan` the split; tell each as it is done.

        An error is told as `Failed`, kept in `error`, and never raised. `cancel` ends the work; what is known stays.
        """
        self.cancelled.clear()
        self.error = None
        try:
            if self.target is None:
                self.open()
            if self.graph is not None:
                notify(GraphReady())
            if choose_image(self, notify):
                read_image(self, notify)
                analyse(self, notify)
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
        self.cancelled.set()

    def switch_image(self, name: str) -> None:
        """Look at another image with the next `run`."""
        self.image_target = name

    def better_image(self) -> BetterImage | None:
        """Ask the engine whether it now has an image that fits the Dockerfile better than the one shown (a rebuild).

        To be asked again and again by a face that stays open; cheap while nothing changes. None where there is none, also
        where the engine does not answer.
        """
        from msbtui.session.choosing import better_image

        return better_image(self)

    @property
    def is_of_engine(self) -> bool:
        """Whether an engine is where the image, or the Dockerfile's image, is looked for."""
        return self.target is not None and self.target.kind in ("docker", "dockerfile")

    def connect(self) -> Engine:
        """Give the engine, asked for once. Raises TargetError where none answers."""
        if self.engine is None:
            from msbtui.engine.docker import connect

            self.engine = connect(self.environ, cancel=self.cancelled)
        return self.engine

    # -- the split ----------------------------------------------------------------------------------------------------

    def make_plan(self) -> Plan:
        """Plan the split from what is known; give it and keep it as `plan`.

        Raises UsageError where no Dockerfile is known.
        """
        from msbtui.session.verifying import preferred_plan

        self.plan = preferred_plan(self)
        self._rung_plans = {self.plan.rung: self.plan}
        return self.plan

    def rungs(self) -> tuple[Rung, ...]:
        """Give every rung of the plan's ladder with its estimated size (bytes) and risk; plans each, so it takes a second."""
        from msbtui.split.ladder import rungs

        return () if self.plan is None or not self.plan.rung else rungs(self.plan, self.rung_plan)

    def rung_plan(self, name: str) -> Plan:
        """Give the plan of one rung of the ladder, made when it is first asked for. Raises UsageError without a Dockerfile."""
        from msbtui.session.verifying import plan_rung

        if name not in self._rung_plans:
            self._rung_plans[name] = plan_rung(self, name)
        return self._rung_plans[name]

    def choose_rung(self, name: str) -> Plan:
        """Take the plan of another rung of the ladder; give it."""
        self.plan = self.rung_plan(name)
        return self.plan

    def sibling(self, ref: str) -> SiblingFacts | None:
        """Give what is known of another image of the engine (a base for the runtime stage), or None where it is not at hand."""
        if ref not in self._siblings:
            from msbtui.session.siblings import read_sibling

            self._siblings[ref] = read_sibling(self, ref)
        return self._siblings[ref]

    def why_not_verified(self) -> str:
        """Give why a plan cannot be built and checked here, or nothing."""
        if self.dockerfile_path is None and self.target is not None and self.target.kind == "recorded":
            return "a recording has no build context; name the Dockerfile on disk"
        if self.dockerfile_path is None:
            return "the Dockerfile is in no folder, and without its build context nothing can be built"
        return ""

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

        self.cancelled.clear()
        if self.plan is None:
            self.make_plan()
        plan = verify_session(self, context, smokes, paths, notify)
        # What was built may be another image than the one that the other rungs were planned from.
        self._rung_plans = {plan.rung: plan}
        return plan

    def layer_ids(self) -> tuple[str, ...]:
        """Give the diff ids of the image's layers; empty where no image is known whole."""
        return tuple(layer.diff_id for layer in self.image.layers) if self.image is not None and self.waste is not None else ()

    def engine_layers(self, name: str) -> tuple[str, ...]:
        """Give the diff ids of an image of the engine. Raises TargetError where it is not there."""
        return tuple(self.connect().inspect(name).diff_ids)

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
        from msbtui.session.keeping import record_session

        return record_session(
            self, path, leave_out_paths=leave_out_paths, leave_out_env=leave_out_env, before_writing=before_writing
        )

    # -- what rows and reports ask for --------------------------------------------------------------------------------

    def account(self) -> Account | None:
        """Give the account of the image, in which every byte stands once; None until its waste is known. Takes a moment."""
        from msbtui.analysis.account import account

        if self.image is None or self.table is None or self.packages is None or self.base is None or self.waste is None:
            return None
        return account(self.image, self.table, self.packages, self.base, self.waste)

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
