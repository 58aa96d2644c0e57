"""Both Dockerfiles built for real on the engine, the results compared, and the plan widened by what that teaches.

splitting.md 3.2, points 10 and 12: each rung of the ladder is built and checked; a failed check names what is missing, which the
next build of the same rung gets, a bounded number of times; the first plan that passes everything is the result.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from msbtui.dockerfile.graph import build_graph
from msbtui.dockerfile.model import Dockerfile
from msbtui.dockerfile.parser import parse
from msbtui.engine import open_image
from msbtui.engine.build import BuildError, BuildLine, build, new_id, remove
from msbtui.engine.buildprogress import BuildProgress
from msbtui.engine.containers import RunResult
from msbtui.engine.folders import sweep_folders
from msbtui.engine.leftovers import LABEL, OWNER_LABEL, remove_all, sweep
from msbtui.errors import TargetError
from msbtui.image.packages import read_packages
from msbtui.image.table import FileTable
from msbtui.split.compare import COPIED, compare, digests
from msbtui.split.ladder import SELECTIVE, order
from msbtui.split.model import Check, Plan, Round, Size, Traced
from msbtui.split.probes import probe_checks
from msbtui.split.repair import Additions, additions, base_not_had
from msbtui.split.smoke import smoke_check
from msbtui.split.start import start_checks
from msbtui.split.trace import watch
from msbtui.split.trial import Trial
from msbtui.split.view import View
from msbtui.text import size

ROUNDS = 4
"""Repairs of one rung before the next one is tried."""
Replan = Callable[[str, Additions], Plan]
"""Gives the plan of a rung, widened."""


class BuildInputs(Protocol):
    """What the person asked for on the command line (the session's options)."""

    @property
    def image(self) -> str | None:
        """`--image`."""
        ...

    @property
    def stage(self) -> str | None:
        """`--target`."""
        ...

    @property
    def build_args(self) -> dict[str, str]:
        """`--build-arg`."""
        ...

    @property
    def build_contexts(self) -> dict[str, str]:
        """`--build-context`."""
        ...

    @property
    def platform(self) -> str | None:
        """`--platform`."""
        ...

    @property
    def builder(self) -> str | None:
        """`--builder`."""
        ...

    @property
    def build_flags(self) -> tuple[str, ...]:
        """Words for the docker CLI as they are: secrets, ssh, caches."""
        ...


class Told(msgspec.Struct, frozen=True):
    """What is being done, how far it is (0 of None where nobody knows), and seconds that it may still take."""

    what: str
    done: int = 0
    total: int | None = None
    left: float | None = None


class Site:
    """Where builds happen: the context, the person's build inputs, the engine, and the id of everything made there."""

    def __init__(
        self,
        dockerfile: Dockerfile,
        context: Path,
        options: BuildInputs,
        *,
        environ: Mapping[str, str] | None = None,
        on_progress: Callable[[Told], None] = lambda _: None,
        cancel: threading.Event | None = None,
    ) -> None:
        self.dockerfile, self.context, self.options = dockerfile, context, options
        self.environ, self.on_progress, self.cancel = environ, on_progress, cancel
        self.id = new_id()
        sweep(environ=environ)
        sweep_folders()

    def __enter__(self) -> Site:
        return self

    def __exit__(self, *_: object) -> None:
        """Remove every container and image that was made here."""
        remove_all(self.id, environ=self.environ)

    def tell(self, what: str) -> None:
        """Say what is being done."""
        self.on_progress(Told(what))

    def build(self, what: str, text: str, target: str | None) -> str:
        """Build a Dockerfile's text with the person's inputs; give the image's id. Raises as `engine.build.build` does."""
        self.tell(f"building {what}")
        progress = BuildProgress()

        def hear(line: BuildLine) -> None:
            if far := progress.hear(line):
                self.on_progress(Told(f"building {what}: {far.what}", far.done, far.total, far.left))

        path, options = Path(self.dockerfile.path), self.options

        def once() -> str:
            return build(
                self.context,
                text,
                target=target,
                build_args=options.build_args,
                build_contexts=options.build_contexts,
                platform=options.platform,
                verify_id=self.id,
                beside=path if path.name else None,
                builder=options.builder,
                extra=options.build_flags,
                on_line=hear,
                cancel=self.cancel,
                environ=self.environ,
            )

        try:
            return once()
        except BuildError as error:
            if not error.passing:
                raise
            self.tell(f"building {what} again: {error.what}")
        return once()

    def build_original(self) -> str:
        """Build the Dockerfile as it stands; give the image's id."""
        return self.build("the original", self.dockerfile.source, self.options.stage)


def verify(
    site: Site,
    plan: Plan,
    original: str,
    *,
    smokes: Sequence[str] = (),
    paths: Sequence[str] = (),
    replan: Replan | None = None,
    base: Sequence[str] = (),
    trace: bool = False,
) -> Plan:
    """Give the plan with `verified`, `checks`, `rounds` and the measured sizes (bytes, as `image.size` of inspect).

    `original` is the image of the Dockerfile as it stands, in the site's engine. `smokes` are commands and `paths` HTTP paths to
    compare; `replan` gives wider plans, without it the one plan is judged as it is; `base` are the diff ids of the original's
    base, where known. `trace` watches which files the original opens (split/trace.py) and widens the plan by them before
    anything is built. Everything made here is labelled, and removed when the caller closes the site, also on Ctrl+C. Raises
    `TargetError` where the engine cannot be had, `Cancelled`. That the plan does not build is a failed check.
    """
    work = _Work(site, original, tuple(smokes), tuple(paths), replan, tuple(base))
    if trace:
        work.watch(plan)
    return work.climb(plan)


class _Work:
    def __init__(
        self,
        site: Site,
        original: str,
        smokes: tuple[str, ...],
        paths: tuple[str, ...],
        replan: Replan | None,
        base: tuple[str, ...],
    ) -> None:
        self.site, self.original, self.smokes, self.paths, self.replan, self.base = site, original, smokes, paths, replan, base
        self.memory: dict[object, tuple[RunResult, bool]] = {}
        self.rounds: list[Round] = []
        self.wider = Additions()
        self.traced: tuple[Traced, ...] = ()
        self._before: View | None = None

    def watch(self, plan: Plan) -> None:
        """Widen by what the original is seen to open; where nothing can watch, note why and widen by nothing."""
        before = self.before()
        try:
            found = watch(self._trial(plan, self.original, before), self.smokes, self.paths, self.site.tell)
        except TargetError as error:
            self.traced = (Traced("the original", error.what),)
            return
        self.traced = found.runs
        self.wider = Additions(opened=found.opened) if self.replan is not None else self.wider

    def climb(self, plan: Plan) -> Plan:
        """Try the plan, what its failures teach, then the next rungs; give the first that passes, else the best that failed."""
        tried: list[Plan] = []
        texts: set[str] = set()
        for rung in self._rungs(plan):
            candidate = plan if rung == plan.rung and not self.wider else self._planned(rung)
            for number in range(ROUNDS + 1):
                if candidate is None or candidate.dockerfile in texts:
                    break
                texts.add(candidate.dockerfile)
                outcome = self._judged(candidate)
                if outcome.verified:
                    return self._told(outcome)
                tried.append(outcome)
                candidate = self._lesson(outcome, last=number == ROUNDS)
            if tried and _only_too_large(tried[-1]):
                break  # wider plans are larger still
        if not tried:
            # what it was seen to open leaves no plan: that is the answer
            return self._told(self.replan(plan.rung, self.wider) if self.replan is not None else plan)
        # one that did not even build has a single check
        best = min(tried, key=lambda one: (len(one.checks) == 1, sum(not check.passed for check in one.checks)))
        return self._told(best)

    def _rungs(self, plan: Plan) -> Sequence[str]:
        rungs = order("small")
        return rungs[rungs.index(plan.rung) :] if plan.rung else (plan.rung,)

    def _planned(self, rung: str) -> Plan | None:
        if self.replan is None:
            return None
        plan = self.replan(rung, self.wider)
        return plan if plan.dockerfile and plan.rung == rung else None

    def _lesson(self, outcome: Plan, *, last: bool) -> Plan | None:
        """Note what a failed plan taught; give the plan widened by it, None where it taught nothing new."""
        failed = [check for check in outcome.checks if not check.passed]
        new = additions(failed).without(self.wider)
        said = "; ".join(f"{check.name}: {check.detail}" for check in failed[:2])[:300]
        self.rounds.append(Round(outcome.rung, said, new.words()))
        self.site.tell(f"build {len(self.rounds)}{f' ({outcome.rung})' if outcome.rung else ''} failed: {said}")
        self.wider = self.wider | new
        if not new or last:
            return None
        self.site.tell(f"adding {', '.join(new.words()[:3])}")
        return self._planned(outcome.rung)

    def _told(self, plan: Plan) -> Plan:
        reasons = list(plan.reasons)
        for number, learned in enumerate(self.rounds, 1):
            added = f", so it gets {', '.join(learned.added[:6])}" if learned.added else ""
            more = f" and {len(learned.added) - 6} more" if len(learned.added) > 6 else ""
            name = f" ({learned.rung})" if learned.rung else ""
            reasons.append(f"build {number}{name} failed: {learned.lesson}{added}{more}")
        for run in self.traced:
            found = "no file" if not run.files else f"{run.files:,} {'file' if run.files == 1 else 'files'}"
            reasons.append(
                f"{run.what} was not watched: {run.how}"
                if run.files is None
                else f"while {run.what} was watched it opened {found} of the image, all of which stay"
            )
        if self.rounds and plan.verified and plan.rung != SELECTIVE:
            reasons.append(f"what passed is the rung `{plan.rung}` of the ladder")
        return msgspec.structs.replace(plan, reasons=tuple(reasons), rounds=tuple(self.rounds), traced=self.traced)

    # -- one plan -----------------------------------------------------------------------------------------------------

    def before(self) -> View:
        """Give the original's view, read once."""
        if self._before is None:
            self._before = self._read(self.original, "the original")
        return self._before

    def _judged(self, plan: Plan) -> Plan:
        name = "the new Dockerfile builds"
        target = self.site.options.stage if plan.decision == "in-place" else None
        try:
            new = self.site.build("the new Dockerfile", plan.dockerfile, target)
        except BuildError as error:
            said = next((line for line in reversed(error.log) if "ERROR" in line or "error:" in line.lower()), "")
            more = f" | {said[:200]}" if said and said not in error.what else ""
            lacks = base_not_had("\n".join((error.what, *error.log[-40:])), plan.base)
            return msgspec.structs.replace(plan, verified=False, checks=(Check(name, False, error.what + more, lacks),))
        try:
            return self._compared(plan, new, Check(name, True, "built on the engine"))
        finally:
            remove(new, environ=self.site.environ)

    def _compared(self, plan: Plan, new: str, built: Check) -> Plan:
        before, after = self.before(), self._read(new, "the new image")
        compared = compare(plan, before, after, ignored_labels=(LABEL, OWNER_LABEL))
        checks = [built, *(self._anew(plan, after, check) if check.name == COPIED else check for check in compared)]
        trial = self._trial(plan, new, after)
        checks += probe_checks(trial)
        checks += start_checks(trial, self.paths)
        checks += [smoke_check(trial, smoke) for smoke in self.smokes]
        old_size, new_size = before.table.size, after.table.size
        share = f" ({1 - new_size / old_size:.0%} smaller)" if old_size else ""
        checks.append(Check("size", new_size < old_size, f"{size(old_size)} before, {size(new_size)} after{share}"))
        return msgspec.structs.replace(
            plan,
            verified=all(check.passed for check in checks),
            checks=tuple(checks),
            size_before=old_size,
            size_after=Size(estimated=plan.size_after.estimated, measured=new_size),
        )

    def _anew(self, plan: Plan, after: View, found: Check) -> Check:
        """Compare what was copied with the stage that it came from, where it differs from the original.

        A builder that lost its cache builds the same text again: jars and binaries then hold another time.
        """
        stage = None if found.passed or found.lacks else _copied_from(plan.dockerfile)
        if stage is None:
            return found
        try:
            image = self.site.build("the build stage", plan.dockerfile, stage)
        except BuildError:
            return found
        try:
            again = digests(plan, self._read(image, "the build stage"), after)
        finally:
            remove(image, environ=self.site.environ)
        if not again.passed:
            return found
        return Check(found.name, True, f"{again.detail} with the build stage, which was built anew since the original was")

    def _trial(self, plan: Plan, new: str, after: View) -> Trial:
        site = self.site
        return Trial(
            plan,
            self.original,
            new,
            self.before(),
            after,
            verify_id=site.id,
            environ=site.environ,
            cancel=site.cancel,
            tell=site.tell,
            memory=self.memory,
        )

    def _read(self, image: str, what: str) -> View:
        """Read an image of the engine whole."""
        site = self.site
        site.tell(f"reading {what}")
        found = open_image(f"docker:{image}", platform=site.options.platform, cancel=site.cancel, environ=site.environ)
        table = FileTable(layer.entries for layer in found.layers)
        diff_ids = [layer.diff_id for layer in found.layers[: len(self.base)]]
        return View(found, table, read_packages(found, table), len(self.base) if diff_ids == list(self.base) else 0)


def _copied_from(dockerfile: str) -> str | None:
    """Give the stage that the last stage copies from."""
    found = build_graph(parse(dockerfile), all_stages=True)
    instructions = found.stages[-1].instructions if found.stages else ()
    return next((name for item in reversed(instructions) if (name := item.flag("from"))), None)


def _only_too_large(plan: Plan) -> bool:
    return [check.name for check in plan.checks if not check.passed] == ["size"]
