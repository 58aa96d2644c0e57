"""A verification as it goes on: stages with their times, how far the one is that runs, what failed builds taught, the checks."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from msbtui.session.model import Progress
from msbtui.session.rows.cells import Row, bar, fit, shown, wrap
from msbtui.split.model import Plan
from msbtui.text import size

_LEFT = re.compile(r",? about (\d+) s left$")
_FAILED = re.compile(r"build \d+.* failed")


class Stage(msgspec.Struct):
    """One thing that is done."""

    what: str
    begun: float
    ended: float | None = None
    detail: str = ""
    done: int = 0
    total: int | None = None
    unit: str = ""
    left: int | None = None
    """Seconds that it may still take, where that is known."""
    broken: bool = False
    """Whether it was the last, and did not come to its end."""

    @property
    def failed(self) -> bool:
        """Whether this tells of a build that failed."""
        return _FAILED.fullmatch(self.what) is not None


class VerifyLog:
    """What a verification told, in order. Times are seconds of one monotonic clock."""

    def __init__(self) -> None:
        self.stages: list[Stage] = []
        self.plan: Plan | None = None
        self.error = ""
        self.stopping = False
        self.output: Sequence[str] = ()
        """Last lines of a build that broke."""

    def hear(self, told: Progress, now: float) -> None:
        """Take up what is told: the same stage further on, or the next one."""
        text = shown(told.what)
        left = _LEFT.search(text)
        what, _, detail = text[: left.start() if left else len(text)].partition(": ")
        if not self.stages or self.stages[-1].what != what or self.stages[-1].ended is not None or self.stages[-1].failed:
            self._close(now)
            self.stages.append(Stage(what, now))
        stage = self.stages[-1]
        stage.detail, stage.done, stage.total = detail or stage.detail, told.done, told.total
        stage.unit = told.unit
        stage.left = int(left[1]) if left else None

    def finish(self, plan: Plan | None, error: str, now: float) -> None:
        """Take up the end: the plan with its checks, or why there is none."""
        self._close(now)
        self.plan, self.error = plan, error
        if error and self.stages:
            self.stages[-1].broken = True

    def _close(self, now: float) -> None:
        if self.stages and self.stages[-1].ended is None:
            self.stages[-1].ended = now

    def rows(self, cells: int, now: float) -> list[Row]:
        """Give the rows in `cells` cells."""
        out: list[Row] = []
        for stage in self.stages:
            if stage.failed:
                out += _wrapped(f"✗ {stage.what}: {stage.detail}", "error", cells)
                continue
            seconds = (stage.ended if stage.ended is not None else now) - stage.begun
            running = stage.ended is None
            mark = ("▸", "progress") if running else ("✗", "error") if stage.broken else ("✔", "good")
            time = f"  {_time(seconds)}" if seconds >= 1 or running else ""
            out.append(fit([(f" {mark[0]} ", mark[1]), (stage.what, "text"), (time, "dim")], cells))
            if running:
                out += self._running(stage, cells)
        if self.stopping and self.plan is None and not self.error:
            out += _wrapped("… stopping: containers and images of the verification are removed", "stale", cells)
        if self.error:
            out += _wrapped(f"✗ {self.error}", "error", cells)
        for line in self.output:
            out += _wrapped(f"  {line}", "dim", cells)
        return out + (check_rows(self.plan, cells) if self.plan is not None else [])

    def _running(self, stage: Stage, cells: int) -> list[Row]:
        out = []
        if stage.total:
            done = min(stage.done, stage.total)
            left = f"  about {_time(stage.left)} left" if stage.left is not None else ""
            of = f"{done}/{stage.total}" if stage.unit != "bytes" else f"{size(done)} of {size(stage.total)}"
            out.append(
                fit(
                    [("   ", "text"), (bar(done, stage.total, 16 if cells >= 50 else 6), "progress"), (f" {of}{left}", "text")],
                    cells,
                )
            )
        if stage.detail:
            out.append(fit([(f"   {stage.detail}", "dim")], cells))
        return out


def check_rows(plan: Plan, cells: int) -> list[Row]:
    """Give what the checks of a verified plan found."""
    if not plan.checks:
        return []
    passed = sum(check.passed for check in plan.checks)
    verdict = (
        f"Verified: all {passed} checks passed"
        if plan.verified
        else f"Not verified: {passed} of {len(plan.checks)} checks passed"
    )
    out = [fit([(f" {verdict}", "good" if plan.verified else "error")], cells)]
    for check in sorted(plan.checks, key=lambda check: check.passed):
        detail = f": {check.detail}" if check.detail else ""
        out += _wrapped(f"{'✔' if check.passed else '✗'} {check.name}{detail}", "text" if check.passed else "error", cells)
    return out


def _wrapped(text: str, role: str, cells: int) -> list[Row]:
    lines = wrap(shown(text), max(cells - 4, 10))
    return [fit([(f" {line}" if at == 0 else f"   {line}", role)], cells) for at, line in enumerate(lines)]


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds // 60:.0f} min {seconds % 60:02.0f} s"
