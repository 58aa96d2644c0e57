"""The main screen's other half: what the session and the working threads tell, and how the panes take it up."""

from __future__ import annotations

import time

from msbtui.session.model import AnalysisReady, BetterImage, Failed, ImageFound, LayerReady, NoImage
from msbtui.session.rows.cells import shown
from msbtui.session.rows.selection import Selection
from msbtui.tui.messages import (
    AccountMade,
    DockerfileGone,
    PlanMade,
    ProgressTold,
    RungsMade,
    SessionTold,
    VerifyEnded,
    VerifyTold,
)
from msbtui.tui.screens.map import MapScreen
from msbtui.tui.screens.panes import PanesScreen
from msbtui.tui.screens.split import SplitScreen, WaitScreen


class ToldScreen(PanesScreen):
    """The panes, kept to what is known."""

    def go_to(self, name: str) -> None:
        """Give a pane the keys; where it is out of sight, bring it into sight."""
        self.current = name
        self.place()
        self.panes[name].focus()

    def show_plan(self) -> None:
        """Show the plan that is made."""
        self.app.push_screen(SplitScreen(self.session, self.work))

    def on_session_told(self, message: SessionTold) -> None:
        """Take up something new."""
        event = message.event
        if isinstance(event, Failed):
            self.failure = event.message.split("\n")[0]
            self.progress = None
            self.notify(event.message, severity="error", timeout=10, markup=False)
        elif isinstance(event, NoImage):
            self.no_image = event.why
        elif isinstance(event, BetterImage):
            self.offered = event
            self.notify(
                f"{shown(event.name)} fits this Dockerfile better: press r to look at it.",
                title="Rebuilt",
                timeout=15,
                markup=False,
            )
            return
        elif isinstance(event, ImageFound):
            self.no_image = self.failure = ""
            self._finder = None
        elif isinstance(event, LayerReady):
            self._finder = None
            if event.index == 0 and not self._moved and self.current == "source":
                self.go_to("layers")
        elif isinstance(event, AnalysisReady):
            self.progress = None
            if isinstance(self.app.screen, MapScreen):
                self.work.count()
            if not self._moved and self.session.waste is not None:
                self.refresh_results()
                found = self.session.waste.findings
                first = self.selection
                if found:
                    first = self.links.from_finding(first, found[0])
                elif self.links.costs.layers:
                    first = self.links.from_layer(first, self.links.costs.layers - 1)
                # No path yet: the tree opens by itself where the waste is, and begins at its top.
                self.selection = Selection(first.stage, first.line, first.layer, None, first.finding)
                self.show_files()
                self.files.show_cursor(0)
        self.refresh_results()

    def on_progress_told(self, message: ProgressTold) -> None:
        """Show how far the work is."""
        if self.work.running and not self.work.stopping:
            self.progress = message.progress
            self._show_top()

    def on_work_ended(self) -> None:
        """Show that nothing runs any more."""
        self.progress = None
        self.work.ended()
        self.refresh_results()

    def on_dockerfile_changed(self) -> None:
        """Draw the Dockerfile that stands on disk now."""
        self.refresh_results()

    def on_dockerfile_gone(self, message: DockerfileGone) -> None:
        """Say that what is shown is no longer on disk; once it is back, that is over."""
        self.gone = message.gone
        self._show_top()

    def on_plan_made(self, message: PlanMade) -> None:
        """Show the plan to the one who waits for it."""
        if not isinstance(self.app.screen, WaitScreen):
            return
        self.app.pop_screen()
        if message.plan is None:
            self.notify(message.error, severity="error", timeout=10, markup=False)
        else:
            self.show_plan()

    @property
    def _split(self) -> SplitScreen | None:
        return next((each for each in self.app.screen_stack if isinstance(each, SplitScreen)), None)

    def on_rungs_made(self, message: RungsMade) -> None:
        """Show the ladder to the one who looks at the plan."""
        if self._split is not None:
            self._split.take_rungs(message.rungs, message.error)

    def on_verify_told(self, message: VerifyTold) -> None:
        """Show how far the verification is."""
        self.work.log.hear(message.progress, time.monotonic())
        self.progress = message.progress
        self._show_top()
        if self._split is not None:
            self._split.take_told()

    def on_verify_ended(self, message: VerifyEnded) -> None:
        """Show what the verification found."""
        self.work.log.finish(message.plan, message.error, time.monotonic())
        self.progress = None
        self.refresh_results()
        if self._split is not None:
            self._split.take_verified(message.plan)
        verdict = "" if message.plan is None else "all checks passed" if message.plan.verified else "some checks failed"
        bad = message.plan is None or not message.plan.verified
        title = "Verification"
        self.notify(message.error or verdict, title=title, severity="error" if bad else "information", timeout=10, markup=False)

    def on_account_made(self, message: AccountMade) -> None:
        """Show the account to the one who waits for it."""
        if message.account is not None:
            self._account = (self.session.waste, message.account)
        screen = self.app.screen
        if isinstance(screen, MapScreen):
            if message.account is not None:
                screen.show(message.account)
            else:
                screen.fail(message.error or "The image is not read yet.")
