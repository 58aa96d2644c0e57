"""How far a build is, read from its own lines: which stage, which step, what share is done, and how long it may still take."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import msgspec

from msbtui.engine.build import BuildLine

_DONE = re.compile(r"(DONE|CACHED|ERROR|CANCELED)\b")
_EARLY = 2.0
"""Seconds and steps before which nothing can be said of the time left."""


class Far(msgspec.Struct, frozen=True):
    """How far a build is."""

    what: str
    """The stage's name and step, for a person: `build 3/7: RUN make`."""
    done: int
    total: int
    """Steps of the stages that the build has begun; grows while new ones begin."""
    left: float | None = None
    """Seconds that the rest may take by what the steps took so far; None where that cannot be said yet."""


class BuildProgress:
    """Hears a build's lines and says how far it is (BuildKit, util/progress/progressui/display.go)."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._steps: dict[int, tuple[str, int]] = {}
        self._totals: dict[str, int] = {}
        self._done: set[tuple[str, int]] = set()
        self._cached: set[tuple[str, int]] = set()

    def hear(self, line: BuildLine) -> Far | None:
        """Take one line in; give how far the build is where the line changed that."""
        if line.vertex is None or line.output:
            return None
        if line.step is not None and line.steps is not None:
            step = (line.stage, line.step)
            new = line.vertex not in self._steps
            self._steps[line.vertex] = step
            self._totals[line.stage] = max(line.steps, self._totals.get(line.stage, 0))
            if not new:
                return None
            text = line.text.partition("] ")[2][:60]
            return self._far(f"{line.stage} {line.step}/{line.steps}".strip() + (f": {text}" if text else ""))
        ended, step_of = _DONE.match(line.text), self._steps.get(line.vertex)
        if ended is None or step_of is None:
            return None
        self._done.add(step_of)
        if ended[1] == "CACHED":
            self._cached.add(step_of)
        return self._far(f"{step_of[0]} {step_of[1]}/{self._totals[step_of[0]]}".strip())

    def _far(self, what: str) -> Far:
        total, done = sum(self._totals.values()), len(self._done)
        made, spent = len(self._done - self._cached), self._clock() - self._began
        left = spent / made * (total - done) if made >= _EARLY and spent >= _EARLY else None
        return Far(what, done, total, left)
