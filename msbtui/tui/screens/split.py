"""The split: the proposed Dockerfile beside the one that stands, why each line is there, the ladder, and its verification.

Nothing is written or built unless it is asked for.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from msbtui.session import Session
from msbtui.session.rows.cells import Part, Row, fit, shown
from msbtui.session.rows.diff import patch
from msbtui.session.rows.evidence import Evidence, left_rows, plan_paragraphs
from msbtui.session.rows.explain import Paragraph
from msbtui.session.rows.verifylog import check_rows
from msbtui.split.model import Plan, Rung
from msbtui.text import size
from msbtui.tui.actions import SPLIT_FOOTER, bindings
from msbtui.tui.screens.confirm import ConfirmScreen
from msbtui.tui.screens.explain import paragraph_rows
from msbtui.tui.screens.help import HelpScreen
from msbtui.tui.widgets.lines import KeyLine, TitleLine
from msbtui.tui.widgets.row_list import RowList
from msbtui.tui.widgets.split_views import DiffList, LadderList
from msbtui.tui.widgets.text_view import TextView
from msbtui.tui.work import Work
from msbtui.tui.writing import write_new

PANES = ("diff", "why", "ladder", "left", "checks")
WIDE = 100
"""Columns from which the panes stand in two columns."""
SMALL = (50, 14)
"""Below this, only the current pane is shown."""


def plan_title(plan: Plan, cells: int = 200) -> str:
    """Give the decision and the sizes as one line, in fewer words where there are few cells."""
    words = {
        "split": "Split into a build stage and a runtime stage",
        "in-place": "Clean up in place",
        "none": "No split: there is nothing to gain",
        "refused": "No split: it would break the image",
    }
    text = words.get(plan.decision, plan.decision)
    if cells < 110:
        text = {"split": "Split", "none": "No split: nothing to gain"}.get(plan.decision, text)
    after = plan.size_after.measured if plan.size_after.measured is not None else plan.size_after.estimated
    if plan.size_before and after is not None and plan.dockerfile:
        how = "measured" if plan.size_after.measured is not None else "estimated"
        text += f"   {size(plan.size_before)} → {size(after)} {how} ({(after - plan.size_before) / plan.size_before:+.0%})"
    elif plan.dockerfile and not plan.proven:
        text += "   unproven: made from the text alone"
    return text.replace("-", "−") if "(-" in text else text


class SplitScreen(Screen[None]):
    """The plan in five panes; what it needs done in the background, `work` does."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("split"),
        Binding("tab", "next(1)", "Next pane", show=False, id="split.next"),
        Binding("shift+tab", "next(-1)", "Pane before", show=False, id="split.previous"),
    ]
    AUTO_FOCUS = ""

    def __init__(self, session: Session, work: Work) -> None:
        super().__init__()
        assert session.plan is not None and session.dockerfile is not None
        self.session, self.work = session, work
        self.plan: Plan = session.plan
        self.source = session.dockerfile.source
        self.dockerfile = session.dockerfile_path
        self.evidence = Evidence(self.plan, self.source)
        self.current = "diff"
        self.side = "why"
        """The pane that stands beside the diff where there is room for one."""
        self.zoomed = False
        self.top, self.keys = TitleLine("split-top"), KeyLine(SPLIT_FOOTER)
        self.diff, self.why, self.ladder = DiffList(), TextView("why"), LadderList()
        self.left, self.checks = TextView("left"), TextView("checks")
        self.panes: dict[str, RowList] = {
            "diff": self.diff,
            "why": self.why,
            "ladder": self.ladder,
            "left": self.left,
            "checks": self.checks,
        }
        for number, (name, title) in enumerate(
            (("diff", "Diff"), ("why", "Why"), ("ladder", "Ladder"), ("left", "Left behind"), ("checks", "Checks")), 1
        ):
            self.panes[name].border_title = f"{number} {title}"

    @property
    def target(self) -> Path:
        """Give where `W` writes."""
        if self.dockerfile is None:
            return Path("Dockerfile.split")
        return self.dockerfile.with_name(f"{self.dockerfile.name}.split")

    def compose(self) -> ComposeResult:
        """Make the panes."""
        yield self.top
        with Horizontal(id="split-body"):
            with Vertical(id="split-left"):
                yield self.diff
            with Vertical(id="split-right"):
                yield self.why
                yield self.ladder
                yield self.left
                yield self.checks
        yield self.keys

    def on_mount(self) -> None:
        """Draw the plan, and have its ladder planned."""
        self.show(self.plan)
        self.set_interval(1, self._tick)
        self._place()
        self.panes["diff" if self.plan.dockerfile else "why"].focus()

    # Layout

    def on_resize(self) -> None:
        """Arrange the panes for another size."""
        self._place()
        self._show_title()

    @on(events.DescendantFocus)
    def _focused(self, event: events.DescendantFocus) -> None:
        name = event.widget.id or ""
        if name in self.panes:
            self.current = name
            if name != "diff":
                self.side = name
            self._place()
            self._explain()

    def _place(self) -> None:
        width, height = self.app.size
        wide = width >= WIDE
        body = height - 2
        if self.zoomed or width < SMALL[0] or height < SMALL[1]:
            visible = {self.current}
        elif wide:
            last = self.side if self.side in ("left", "checks") else "checks" if self._has_checks else "left"
            visible = {"diff", "why", "ladder", last}
        else:
            visible = {"diff", self.side}
        if not self.plan.dockerfile and len(visible) > 1:
            visible = {"why"} | ({"checks"} if self._has_checks else set())
        for name, pane in self.panes.items():
            pane.display = name in visible
            pane.styles.height = "1fr"
        # Where not all panes are in sight, it is said which keys lead to the others.
        hidden = [str(pane.border_title) for name, pane in self.panes.items() if name not in visible]
        hint = "  ".join(hidden) if not wide and not self.zoomed else ""
        self.panes["diff" if "diff" in visible else self.current].border_subtitle = hint
        left, right = self.query_one("#split-left"), self.query_one("#split-right")
        self.query_one("#split-body").set_class(not wide, "-stacked")
        left.display, right.display = "diff" in visible, bool(visible - {"diff"})
        both = left.display and right.display
        left.styles.width = "3fr" if wide and both else "1fr"
        right.styles.width = "2fr" if wide and both else "1fr"
        left.styles.height = "1fr"
        right.styles.height = "1fr" if wide or not both else max(6, min(body * 2 // 5, 14))
        if wide and both:
            self.ladder.styles.height = max(4, min(self.ladder.count + 2, body // 3))
            last_pane = self.panes["checks" if "checks" in visible else "left"]
            if self.current != last_pane.id:
                last_pane.styles.height = max(4, min(last_pane.count + 2, body // 3))

    @property
    def _has_checks(self) -> bool:
        return bool(self.plan.checks or self.work.log.stages or self.work.log.error)

    # What is shown

    def show(self, plan: Plan) -> None:
        """Show a plan."""
        self.plan = plan
        self.evidence = Evidence(plan, self.source)
        self.diff.why_empty = "There is no new Dockerfile."
        self.diff.show(self.source, plan.dockerfile)
        self.left.show(lambda cells: left_rows(plan, cells) or _note("Nothing is told of what stays behind.", cells))
        if plan.rung:
            self.ladder.why_empty = "Planning each rung…"
            self.ladder.show((), plan.size_before)
            self.work.climb()
        else:
            self.ladder.why_empty = (
                "A plan from the text alone has no ladder." if plan.dockerfile else "There is nothing to climb."
            )
        self._show_title()
        self._show_checks()
        self._explain()
        self._place()

    def take_rungs(self, rungs: tuple[Rung, ...], error: str) -> None:
        """Show the ladder, which was planned meanwhile."""
        self.ladder.why_empty = error or "There is no other rung."
        self.ladder.show(rungs, self.plan.size_before)
        self.ladder.border_subtitle = "Enter takes a rung" if len(rungs) > 1 else ""
        self.ladder.refresh()
        self._explain()
        self._place()

    def _show_title(self) -> None:
        parts: list[Part] = [(" ", "text"), (plan_title(self.plan, self.app.size.width), "strong")]
        if self.work.verifying:
            parts.append(("   stopping…" if self.work.log.stopping else "   ▸ verifying  Esc stops", "progress"))
        elif self.plan.verified is not None:
            parts.append(("   ✔ verified", "good") if self.plan.verified else ("   ✗ not verified", "error"))
        elif self.plan.dockerfile:
            narrow = self.app.size.width < 110
            parts.append(("   V verifies it" if narrow else "   not verified: V builds and checks it", "dim"))
        self.top.show(parts)

    def _show_checks(self) -> None:
        log, plan = self.work.log, self.plan

        def rows(cells: int) -> list[Row]:
            told = log.rows(cells, time.monotonic())
            if not told:
                told = check_rows(plan, cells)
            return told or _note("Nothing was built yet: V builds both Dockerfiles and checks the result.", cells)

        at_end = self.checks.scroll_offset.y >= self.checks.max_scroll_y
        self.checks.show(rows)
        if at_end and self.work.verifying:
            self.checks.scroll_end(animate=False)

    def _tick(self) -> None:
        if self.work.verifying:
            self._show_checks()
            self._show_title()

    def take_told(self) -> None:
        """Take up that the verification told something."""
        had = self.checks.display
        self._show_checks()
        if not had:
            self._place()

    def take_verified(self, plan: Plan | None) -> None:
        """Show what the verification found."""
        if plan is not None:
            self.show(plan)
        self._show_checks()
        self._show_title()
        self._place()

    def _explain(self) -> None:
        """Say why what is under the cursor is as it is."""
        rung = self.ladder.current if self.current == "ladder" else None
        out: list[Paragraph] = []
        if rung is not None:
            out = [(f"Rung {rung.name}", "head"), (f"It keeps {rung.what}.", "text"), (f"Risk: {rung.risk}.", "stale")]
            out.append(("It is what is shown." if rung.chosen else "Enter shows its Dockerfile.", "dim"))
        elif self.plan.dockerfile:
            out = self.evidence.explain(self.diff.current)
        paragraphs = [*out, *plan_paragraphs(self.plan)]
        self.why.show(lambda cells: _close_rows(paragraphs, cells))
        self.why.scroll_to(0, 0, animate=False, force=True)

    # What the person does

    @on(RowList.Picked)
    def _picked(self) -> None:
        self._explain()

    @on(RowList.Opened)
    def _opened(self, event: RowList.Opened) -> None:
        if event.rows is self.diff:
            self._go_to("why")
        elif event.rows is self.ladder and self.ladder.current is not None:
            if self.work.verifying:
                self.notify("The verification is on this ladder now; Esc stops it.", markup=False)
                return
            if self.session.plan is None:
                self.notify("The Dockerfile has changed: go back, and s plans anew.", markup=False)
                return
            self.show(self.session.choose_rung(self.ladder.current.name))

    @on(KeyLine.Pressed)
    def _key_clicked(self, event: KeyLine.Pressed) -> None:
        self.action_do(event.name)

    def action_do(self, name: str) -> None:
        """Do what a key of the split's scope asks for."""
        if name.startswith("pane_"):
            self._go_to(name.removeprefix("pane_"))
            return
        deeds: dict[str, Callable[[], object]] = {
            "write": self._ask_and_write,
            "verify": self._ask_and_verify,
            "copy_patch": self._copy,
            "split_zoom": self._zoom,
            "split_help": lambda: self.app.push_screen(HelpScreen()),
            "back": self._back,
            "split_stop": self._stop,
        }
        deeds[name]()

    def _go_to(self, name: str) -> None:
        self.current = name
        if name != "diff":
            self.side = name
        self._place()
        self.panes[name].focus()

    def action_next(self, step: int) -> None:
        """Go to another pane."""
        self._go_to(PANES[(PANES.index(self.current) + step) % len(PANES)])

    def _zoom(self) -> None:
        self.zoomed = not self.zoomed
        self._place()

    def _stop(self) -> None:
        """Stop what runs; else leave the zoom; else go back."""
        if self.work.verifying:
            self.work.stop_verifying()
            self._show_title()
            self._show_checks()
        elif self.zoomed:
            self._zoom()
        else:
            self._back()

    def _back(self) -> None:
        self.dismiss(None)

    def _ask_and_verify(self) -> None:
        why = self.session.why_not_verified()
        if self.work.verifying:
            why = "it runs already; Esc stops it"
        elif not self.plan.dockerfile:
            why = "there is no new Dockerfile"
        if why:
            self.notify(f"Verify: {why}", markup=False)
            return
        question = (
            "Build the original and the new Dockerfile on the engine, start both side by side, compare them, and remove all of "
            "it again? That takes as long as two builds, and more where something is missing and is mended."
        )
        self.app.push_screen(ConfirmScreen(question), self._verify)

    def _verify(self, yes: bool | None) -> None:
        if yes:
            self.work.verify()
            self._show_checks()
            self._show_title()
            self._go_to("checks")

    def _ask_and_write(self) -> None:
        if not self.plan.dockerfile:
            self.notify("There is no new Dockerfile to write.", markup=False)
            return
        if os.path.lexists(self.target):
            question = f"{self.target} exists. Write over it? The one that stands is kept as {self.target.name}.orig."
        elif self.dockerfile is None:
            question = f"Write {self.target.absolute()}?"
        else:
            self._write(True)
            return
        self.app.push_screen(ConfirmScreen(shown(question)), self._write)

    def _write(self, yes: bool | None) -> None:
        if not yes:
            return
        try:
            kept = write_new(self.target, self.plan.dockerfile)
        except OSError as error:
            self.notify(f"{self.target}: {error.strerror}", severity="error", markup=False)
            return
        undo = f"mv {kept.name} {self.target.name}" if kept is not None else f"rm {self.target.name}"
        self.notify(f"Wrote {self.target}. To undo: {undo}", title="Written", timeout=12, markup=False)

    def _copy(self) -> None:
        if not self.plan.dockerfile:
            self.notify("There is no patch to copy.", markup=False)
            return
        name = self.dockerfile.name if self.dockerfile is not None else "Dockerfile"
        self.app.copy_to_clipboard(patch(self.source, self.plan.dockerfile, name, name))
        self.notify("The patch is copied.", markup=False)


def _close_rows(paragraphs: list[Paragraph], cells: int) -> list[Row]:
    """Give paragraphs as rows with an empty one before each head alone."""
    rows: list[Row] = []
    for text, role in paragraphs:
        if rows and role == "head":
            rows.append(fit([], cells))
        rows += paragraph_rows([(text, role)], cells)
    return rows


def _note(text: str, cells: int) -> list[Row]:
    return paragraph_rows([(text, "dim")], cells)


class WaitScreen(ModalScreen[None]):
    """Says that the plan is being made; Esc goes back and leaves it to its work."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "dismiss(None)", "Back", id="wait.back")]

    def compose(self) -> ComposeResult:
        """Make the line."""
        with Vertical(id="confirm-box"):
            yield Static(Content("Planning the split…   Esc back"))
