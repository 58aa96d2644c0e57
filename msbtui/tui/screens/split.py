"""The split: the proposed Dockerfile beside the one that stands, and why each line is there. Writes nothing unless asked."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from msbtui.session.rows.cells import Row, fit, shown, wrap
from msbtui.session.rows.diff import diff_rows, draw_split, draw_unified, patch, unified_rows
from msbtui.split.model import Plan
from msbtui.text import size
from msbtui.tui.actions import bindings
from msbtui.tui.screens.confirm import ConfirmScreen
from msbtui.tui.widgets.text_view import TextView

_SIDE_BY_SIDE = 100
"""Cells from which the two texts stand side by side."""


def plan_title(plan: Plan) -> str:
    """Give the decision and the sizes as one line."""
    words = {
        "split": "Split into a build stage and a runtime stage",
        "in-place": "Clean up in place",
        "none": "No split: there is nothing to gain",
        "refused": "No split: it would break the image",
    }
    text = words.get(plan.decision, plan.decision)
    after = plan.size_after.measured if plan.size_after.measured is not None else plan.size_after.estimated
    if plan.size_before and after is not None and plan.dockerfile:
        how = "measured" if plan.size_after.measured is not None else "estimated"
        text += f"   {size(plan.size_before)} → {size(after)} {how} ({(after - plan.size_before) / plan.size_before:+.0%})"
    return text.replace("-", "−") if "(-" in text else text


def plan_rows(plan: Plan, source: str, cells: int) -> list[Row]:
    """Give the preview's rows in `cells` cells: reasons, the two texts, and the evidence for each step."""
    rows: list[Row] = []

    def say(text: str, role: str, indent: int = 1) -> None:
        rows.extend(fit([(" " * indent + line, role)], cells) for line in wrap(shown(text), max(cells - indent - 1, 10)))

    if not plan.proven:
        say("Unproven: made from the text alone. With an image it would be known what runs.", "stale")
    for reason in plan.reasons:
        say(reason, "text" if plan.dockerfile else "stale")
    if plan.dockerfile:
        if rows:
            rows.append(fit([], cells))
        diff = diff_rows(source, plan.dockerfile)
        if cells >= _SIDE_BY_SIDE:
            half = (cells - 1) // 2
            rows.append(
                (
                    *fit([("  the Dockerfile that stands", "dim")], half),
                    ("│", "dim"),
                    *fit([("  the split", "dim")], cells - half - 1),
                )
            )
            for row in diff:
                rows += draw_split(row, cells)
        else:
            for row in unified_rows(diff):
                rows += draw_unified(row, cells)
    for check in plan.checks:
        say(f"{'✔' if check.passed else '✗'} {check.name}: {check.detail}", "good" if check.passed else "error")
    if plan.steps:
        rows.append(fit([], cells))
        say("Why each line", "strong")
        for step in plan.steps:
            say(step.what, "code-keyword", 2)
            say(step.why, "text", 4)
            for evidence in step.evidence[:6]:
                say(evidence, "dim", 6)
            if len(step.evidence) > 6:
                say(f"… and {len(step.evidence) - 6} more", "dim", 6)
    if plan.left_out:
        rows.append(fit([], cells))
        say("What stays behind in the build stage", "strong")
        for left in plan.left_out:
            say(f"{size(left.bytes)}  {left.what}: {left.why}", "text", 2)
    return rows


def write_new(path: Path, text: str) -> Path | None:
    """Write `text` to `path` in one step, never through a symlink; give where the file that stood there is kept, if any.

    Raises OSError where the folder cannot be written.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    kept: Path | None = None
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            file.write(text)
        os.chmod(name, 0o666 & ~_umask())
        if os.path.lexists(path):
            kept = path.with_name(f"{path.name}.orig")
            os.replace(path, kept)
        os.replace(name, path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
    return kept


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


class SplitScreen(ModalScreen[None]):
    """The preview; `W` writes it beside the Dockerfile."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("split"),
        Binding("y", "copy", "Copy", id="split.copy"),
        Binding("escape,q,s", "dismiss(None)", "Back", id="split.back"),
    ]

    def __init__(self, plan: Plan, source: str, dockerfile: Path | None) -> None:
        super().__init__()
        self.plan = plan
        self.source = source
        self.dockerfile = dockerfile

    @property
    def target(self) -> Path:
        """Give where `W` writes."""
        if self.dockerfile is None:
            return Path("Dockerfile.split")
        return self.dockerfile.with_name(f"{self.dockerfile.name}.split")

    def compose(self) -> ComposeResult:
        """Make the preview."""
        with Vertical(classes="modal", id="split-box"):
            view = TextView("split", lambda cells: plan_rows(self.plan, self.source, cells))
            view.border_title = Content(plan_title(self.plan))
            keys = f"W write {self.target.name}   y copy patch   Esc back" if self.plan.dockerfile else "Esc back"
            view.border_subtitle = Content(keys)
            yield view

    def action_do(self, name: str) -> None:
        """Do what a key of the split's scope asks for."""
        if name == "write":
            self._ask_and_write()

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

    def action_copy(self) -> None:
        """Copy the patch."""
        if not self.plan.dockerfile:
            self.notify("There is no patch to copy.", markup=False)
            return
        name = self.dockerfile.name if self.dockerfile is not None else "Dockerfile"
        self.app.copy_to_clipboard(patch(self.source, self.plan.dockerfile, name, name))
        self.notify("The patch is copied.", markup=False)


class WaitScreen(ModalScreen[None]):
    """Says that the plan is being made; Esc goes back and leaves it to its work."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "dismiss(None)", "Back", id="wait.back")]

    def compose(self) -> ComposeResult:
        """Make the line."""
        with Vertical(id="confirm-box"):
            yield Static(Content("Planning the split…   Esc back"))
