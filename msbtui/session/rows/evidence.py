"""Why each line of a proposed Dockerfile stands there: the plan's steps by the lines that they are about."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msbtui.dockerfile.model import Dockerfile, Instruction
from msbtui.dockerfile.parser import parse
from msbtui.session.rows.cells import Row, fit, left, right, shown, wrap
from msbtui.session.rows.diff import DiffRow
from msbtui.session.rows.explain import Paragraph
from msbtui.split.model import Plan, Rung, Step
from msbtui.text import size

_SHOWN = 12
_LINE = re.compile(r"line (\d+): .*", re.DOTALL)
_VERBS = {
    "install": ("RUN",),
    "user": ("RUN",),
    "delete": ("RUN",),
    "make": ("RUN",),
    "link": ("RUN",),
    "copy": ("COPY", "ADD"),
}
"""What a step does, and the instructions that do it."""


class Evidence:
    """The steps of one plan, found by line."""

    def __init__(self, plan: Plan, source: str) -> None:
        self.plan = plan
        self.source = source
        self.new = parse(plan.dockerfile)
        self._lines = plan.dockerfile.splitlines()
        self._steps = _steps_of(plan.steps, self.new)

    def instruction(self, line: int) -> Instruction | None:
        """Give the instruction of the new Dockerfile that a line is part of, or that a comment stands above."""
        items = self.new.instructions
        here = next((item for item in items if item.span.first_line <= line <= item.span.last_line), None)
        if here is not None or not 0 < line <= len(self._lines) or not self._lines[line - 1].lstrip().startswith("#"):
            return here
        return next((item for item in items if item.span.first_line > line), None)

    def steps(self, line: int) -> list[Step]:
        """Give the steps that a line of the new Dockerfile is about; those of its own line where it names one of several."""
        item = self.instruction(line)
        if item is None:
            return []
        found = [self.plan.steps[at] for at in self._steps.get(item.index, ())]
        words = set(self._lines[line - 1].split()) if item.span.first_line <= line <= item.span.last_line else set()
        own = [step for step in found if (names := step.what.split()[1:]) and words.issuperset(names)]
        return own or found

    def comment(self, line: int) -> str:
        """Give the comment that stands above a line's group of instructions, or nothing."""
        at = line - 2
        while at >= 0 and self._lines[at].strip() and not self._lines[at].lstrip().startswith("#"):
            at -= 1
        if at >= 0 and self._lines[at].lstrip().startswith("#"):
            return self._lines[at].lstrip().removeprefix("#").strip()
        return ""

    def explain(self, row: DiffRow | None) -> list[Paragraph]:
        """Give why a row of the diff is as it is, as paragraphs."""
        if row is None:
            return []
        if row.right_number is None:
            return [(shown(row.left_text.strip()) or "(an empty line)", "head"), self._gone()]
        item = self.instruction(row.right_number)
        head = shown(row.right_text.strip()) or "(an empty line)"
        out: list[Paragraph] = [(head, "head")]
        for step in self.steps(row.right_number):
            if shown(step.what) != head:
                out.append((shown(step.what), "advice"))
            out.append((shown(step.why), "text"))
            evidence = [shown(each) for each in step.evidence if each != step.why]
            if len(evidence) > _SHOWN:
                evidence = [*evidence[:_SHOWN], f"… and {len(evidence) - _SHOWN} more"]
            if evidence:
                out.append(("\n".join(evidence), "dim"))
        if len(out) > 1:
            return out
        if row.tag == "equal" and item is not None:
            return [
                *out,
                ("The author's own line, byte for byte, in the stage that builds: what built before builds again.", "text"),
            ]
        if item is not None and (said := self.comment(row.right_number)):
            return [*out, (shown(said), "text")]
        if item is not None and item.keyword == "USER":
            return [*out, ("What follows needs this user; the last USER is the one that the container starts with.", "text")]
        return out

    def _gone(self) -> Paragraph:
        if self.plan.decision == "in-place":
            return ("The line is changed: the new one stands below or beside it.", "text")
        return ("The line stands no longer as it is: its FROM got a name, so that the runtime stage can copy from it.", "text")


def _steps_of(steps: Sequence[Step], new: Dockerfile) -> dict[int, list[int]]:
    """Give by instruction of the new Dockerfile the steps (by their index) that are about it."""
    froms = [item for item in new.instructions if item.keyword == "FROM"]
    found: dict[int, list[int]] = {}
    # What the author wrote stands first: a step is about the last instruction that it fits.
    last = list(reversed(new.instructions))
    for at, step in enumerate(steps):
        item = _of_line(step, new) or _of_from(step, froms) or next((each for each in last if _fits(step, each)), None)
        if item is not None:
            found.setdefault(item.index, []).append(at)
    return found


def _of_line(step: Step, new: Dockerfile) -> Instruction | None:
    """Give the instruction of a step that names its line (`line 7: ...`): one of a clean-up in place."""
    match = _LINE.fullmatch(step.what)
    if match is None:
        return None
    words = step.what.partition(": ")[2].split()
    near = [item for item in new.instructions if set(words).issubset(item.source.split())]
    return min(near, key=lambda item: abs(item.span.first_line - int(match[1])), default=None)


def _of_from(step: Step, froms: Sequence[Instruction]) -> Instruction | None:
    words = step.what.split()
    if len(words) < 2 or words[0] != "FROM" or not froms:
        return None
    if len(words) > 2 and words[2].upper() == "AS":
        return next((item for item in froms if words[1] in item.words), froms[0])
    return next((item for item in reversed(froms) if words[1] in item.words), froms[-1])


def _fits(step: Step, item: Instruction) -> bool:
    verb, _, rest = step.what.partition(" ")
    text = " ".join(item.source.split())
    if verb in _VERBS:
        if item.keyword not in _VERBS[verb]:
            return False
        words = set(re.split(r"[\s\"',\[\]]+", text))
        names = [name for name in rest.split() if name != "->"]
        return bool(names) and words.issuperset(names)
    return text == step.what or (len(step.what) >= 200 and text.startswith(step.what))


def rung_rows(rung: Rung, before: int | None, cells: int) -> list[Row]:
    """Give the rows of one rung of the ladder: its size and name, what it keeps, what it risks."""
    about = size(rung.estimated) if rung.estimated is not None else "?"
    share = f" {(rung.estimated - before) / before:+.0%}".replace("-", "−") if before and rung.estimated is not None else ""
    mark = "▸ " if rung.chosen else "  "
    rows = [fit([(mark, "mark"), (right(about, 8), "size"), (left(share, 6), "dim"), (f" {rung.name}", "strong")], cells)]
    for text, role in ((rung.what, "text"), (f"risk: {rung.risk}", "dim")):
        rows += [fit([(f"    {line}", role)], cells) for line in wrap(text, max(cells - 5, 10))]
    return rows


def left_rows(plan: Plan, cells: int) -> list[Row]:
    """Give what stays behind and what is kept from caution only, with bytes, as rows."""
    rows: list[Row] = []

    def add(bytes_: int, what: str, why: str) -> None:
        lines = wrap(shown(what), max(cells - 11, 10))
        for at, line in enumerate(lines):
            rows.append(fit([(right(size(bytes_) if at == 0 else "", 8) + "  ", "size"), (line, "text")], cells))
        rows.extend(fit([(" " * 10, "text"), (line, "dim")], cells) for line in wrap(shown(why), max(cells - 11, 10)))

    total = sum(each.bytes for each in plan.left_out)
    if plan.left_out:
        rows.append(fit([(f" Stays behind: {size(total)}", "strong")], cells))
    for each in plan.left_out:
        add(each.bytes, each.what, each.why)
    if plan.caution:
        rows.append(fit([(f" Kept only from caution: {size(sum(each.bytes for each in plan.caution))}", "strong")], cells))
    for one in plan.caution:
        add(one.bytes, one.what, one.why)
    return rows


def plan_paragraphs(plan: Plan) -> list[Paragraph]:
    """Give the plan's reasons as paragraphs."""
    out: list[Paragraph] = [("The plan", "head")] if plan.dockerfile else []
    if not plan.proven:
        out.append(("Unproven: made from the text alone. With an image it would be known what runs.", "stale"))
    out += [(shown(reason), "text" if plan.dockerfile else "stale") for reason in plan.reasons]
    for step in plan.steps:
        if step.what.startswith("without "):
            out.append((f"{shown(step.what)}: {shown(step.why)}", "dim"))
    return out if len(out) > 1 or not plan.dockerfile else []
