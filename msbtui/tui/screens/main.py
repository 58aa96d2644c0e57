"""The main screen: five panes on one session, and the one selection that they share."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.timer import Timer

from msbtui.errors import TargetError
from msbtui.session import Session, files
from msbtui.session.model import AnalysisReady, BetterImage, Failed, ImageFound, LayerReady, NoImage, Progress
from msbtui.session.rows.cells import shown
from msbtui.session.rows.costs import Costs
from msbtui.session.rows.explain import explain
from msbtui.session.rows.files import Finder, Sort
from msbtui.session.rows.header import Heading
from msbtui.session.rows.layers import layer_rows
from msbtui.session.rows.selection import Links, Selection
from msbtui.session.rows.source import follow_line, source_rows
from msbtui.session.rows.stages import StageFacts, stage_facts
from msbtui.split.model import Plan
from msbtui.text import size
from msbtui.tui.actions import action, bindings
from msbtui.tui.editor import editor_command
from msbtui.tui.layout import PANES, arrange
from msbtui.tui.messages import PlanMade, ProgressTold, SessionTold
from msbtui.tui.screens.explain import ExplainScreen
from msbtui.tui.screens.find import FindScreen, Result
from msbtui.tui.screens.help import HelpScreen
from msbtui.tui.screens.split import SplitScreen, WaitScreen
from msbtui.tui.widgets.advice_list import AdviceList
from msbtui.tui.widgets.file_tree import FileTree
from msbtui.tui.widgets.layers_table import LayersTable
from msbtui.tui.widgets.lines import KeyLine, TopLine
from msbtui.tui.widgets.row_list import RowList
from msbtui.tui.widgets.source_view import SourceView
from msbtui.tui.widgets.stage_graph import StageGraph
from msbtui.tui.work import Work

_TITLES = {"stages": "1 Stages", "source": "2 Dockerfile", "layers": "3 Layers", "files": "4 Files", "advice": "5 Advice"}


class MainScreen(Screen[None]):
    """Holds the session and the selection; panes get attributes and send messages, and know nothing of one another."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("main")
    AUTO_FOCUS = ""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.selection = Selection()
        self.links = Links(Costs())
        self.current = "layers"
        """The pane that has the keys."""
        self.zoomed = False
        self.waste_only = False
        self.up_to = False
        self.sort = Sort.WASTE
        self.work = Work(session, self.post_message)
        self.progress: Progress | None = None
        self.failure = ""
        self.no_image = ""
        self.offered: BetterImage | None = None
        self.found: list[int] = []
        self.found_at = 0
        self.found_words = ""
        self._finder: Finder | None = None
        self._moved = False
        self._source_text: str | None = None
        self._files_timer: Timer | None = None
        self.stages, self.source, self.layers_table = StageGraph(), SourceView(), LayersTable()
        self.files, self.advice = FileTree(), AdviceList()
        self.top, self.keys = TopLine(), KeyLine()
        self.panes: dict[str, RowList] = {
            "stages": self.stages,
            "source": self.source,
            "layers": self.layers_table,
            "files": self.files,
            "advice": self.advice,
        }

    def compose(self) -> ComposeResult:
        """Make the panes."""
        yield self.top
        with Horizontal(id="body"):
            with Vertical(id="left"):
                yield self.stages
                yield self.source
            with Vertical(id="right"):
                yield self.layers_table
                yield self.files
                yield self.advice
        yield self.keys

    def on_mount(self) -> None:
        """Draw what is known without an engine, then let the work begin."""
        for name, pane in self.panes.items():
            pane.border_title = _TITLES[name]
        if self.session.dockerfile is not None and self.session.image is None:
            self.current = "source"
        self.refresh_results()
        self.place()
        self.panes[self.current].focus()
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self.work.watch(self.session.dockerfile_path)
        self.work.start()
        self._show_top()

    def on_unmount(self) -> None:
        """End the threads."""
        self.work.stop()

    # Layout

    def on_resize(self) -> None:
        """Arrange the panes for another size."""
        self.place()

    def place(self) -> None:
        """Show the panes that there is room for."""
        width, height = self.app.size
        rows = {name: pane.count + pane.HEADER for name, pane in self.panes.items()}
        layout = arrange(width, height, self.current, zoom=self.zoomed, rows=rows)
        self.set_class(layout.bare, "-bare")
        for name, pane in self.panes.items():
            pane.display = name in layout.visible
            rows_high = layout.heights.get(name, 0)
            pane.styles.height = rows_high if rows_high else "1fr"
        left, right = self.query_one("#left"), self.query_one("#right")
        left.display = bool(layout.visible & {"stages", "source"})
        right.display = bool(layout.visible & {"layers", "files", "advice"})
        left.styles.width = layout.left_width if layout.left_width else "1fr"

    def go_to(self, name: str) -> None:
        """Give a pane the keys; where it is out of sight, bring it into sight."""
        self.current = name
        self.place()
        self.panes[name].focus()

    @on(events.DescendantFocus)
    def _focused(self, event: events.DescendantFocus) -> None:
        name = event.widget.id or ""
        if name in self.panes and name != self.current:
            self.current = name
            self.place()
        self._show_keys()

    # Results

    def refresh_results(self) -> None:
        """Take up everything that the session knows now; what was selected stays selected."""
        session = self.session
        with session.lock:
            costs = Costs(session.table, session.waste, session.base, session.provenance)
            self.links = Links(costs, session.dockerfile, session.graph, session.waste)
            self._show_stages(costs)
            self._show_source(costs)
            self.layers_table.show(
                layer_rows(session.image, costs, session.dockerfile, session.base.name if session.base else "")
            )
            self.advice.show(session.waste.findings if session.waste else ())
            self.show_files()
        waiting = "nothing is known yet" if self.work.running else ""
        self.layers_table.why_empty = self.files.why_empty = self.no_image or self.failure or waiting or "no image"
        known = session.waste is not None
        self.advice.why_empty = "no waste found" if known else self.layers_table.why_empty
        self.stages.why_empty = self.source.why_empty = "no Dockerfile" if not self.work.running else waiting
        total = session.waste.total if session.waste else 0
        self.advice.border_subtitle = f"saves {size(total)}" if known else ""
        self._show_source_title()
        self.show_selection()
        self.place()
        self._show_top()
        self._show_keys()

    def _show_stages(self, costs: Costs) -> None:
        session = self.session
        facts = StageFacts()
        if session.graph is not None and costs.layers:
            lines = {
                layer: (self.links.line_of(layer), m.stage if (m := costs.matches.get(layer)) else None)
                for layer in range(costs.layers)
            }
            facts = stage_facts(session.graph, lines, {layer: costs.size(layer) or 0 for layer in range(costs.layers)})
        self.stages.show(session.graph, facts, old=session.is_stale)

    def _show_source(self, costs: Costs) -> None:
        session = self.session
        if session.dockerfile is None:
            self.source.show([])
            return
        text = self._text_on_disk() if session.is_stale else session.dockerfile.source
        line = self.source.line
        if self._source_text is not None and text != self._source_text and line is not None:
            line = follow_line(self._source_text, text, line)
            if self.selection.line is not None:
                self.selection = Selection(
                    self.selection.stage,
                    follow_line(self._source_text, text, self.selection.line),
                    self.selection.layer,
                    self.selection.path,
                    self.selection.finding,
                )
        self._source_text = text
        self.source.show(
            source_rows(
                session.dockerfile, session.graph, costs, source=text, changed=session.changed_lines, problems=session.problems
            )
        )
        self.source.select(line)

    def _text_on_disk(self) -> str:
        session = self.session
        assert session.dockerfile is not None
        if session.dockerfile_path is None:
            return session.dockerfile.source
        try:
            return files.read(session.dockerfile_path).decode("utf-8", "surrogateescape").removeprefix("\ufeff")
        except TargetError:
            return session.dockerfile.source

    def _show_source_title(self) -> None:
        name = "2 Dockerfile"
        if self.session.reconstructed:
            name = "2 Dockerfile (from the image's history)"
        elif self.session.dockerfile_path is not None and self.session.dockerfile_path.name != "Dockerfile":
            name = f"2 {shown(self.session.dockerfile_path.name)}"
        self.source.border_title = Content(name)

    def show_files(self) -> None:
        """Show the files of the selected layer."""
        layer = self.selection.layer
        costs = self.links.costs
        if layer is None and costs.layers:
            layer = costs.layers - 1
        self.files.show(costs, layer or 0, up_to=self.up_to, waste_only=self.waste_only, sort=self.sort)
        where = f"up to layer {layer}" if self.up_to else f"in layer {layer}"
        self.files.border_title = f"4 Files {where}" if layer is not None and costs.layers else "4 Files"
        self.files.border_subtitle = f"sort: {self.sort.value} ▾   filter: {'waste only' if self.waste_only else '–'}"

    def show_selection(self) -> None:
        """Let every pane show the selection; tells nobody, so that nothing comes back."""
        now = self.selection
        self.stages.select(now.stage, now.line)
        self.source.select(now.line)
        self.layers_table.select(now.layer)
        self.files.select(now.path)
        self.advice.select(now.finding)

    def select(self, now: Selection) -> None:
        """Take up another selection."""
        old, self.selection = self.selection, now
        self._moved = True
        if now.layer != old.layer:
            with self.session.lock:
                self.show_files()
        self.show_selection()
        self._show_keys()

    def _show_top(self) -> None:
        session = self.session
        provenance = session.provenance if not session.reconstructed else None
        verdict = provenance.verdict if provenance else self.no_image
        trouble = session.dockerfile_error or self.failure
        table = session.table
        name = session.dockerfile_path.name if session.dockerfile_path else "Dockerfile" if session.dockerfile else ""
        self.top.show(
            Heading(
                "" if session.reconstructed else shown(name),
                shown(session.image_name) if session.image else "",
                session.image.platform if session.image else "",
                table.size if table is not None and table.layers else None,
                session.waste.total if session.waste else None,
                len(self.layers_table.rows),
                len(session.graph.stages) if session.graph and not session.reconstructed else 0,
                shown(verdict),
                bool(provenance and provenance.in_sync),
                shown(trouble),
                self.progress,
            )
        )

    # What the session tells

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
            if not self._moved and self.session.waste is not None and self.session.waste.findings:
                self.refresh_results()
                first = self.links.from_finding(self.selection, self.session.waste.findings[0])
                # No path yet: the tree opens by itself where the waste is, and begins at its top.
                self.selection = Selection(first.stage, first.line, first.layer, None, first.finding)
                self.show_files()
        self.refresh_results()

    def on_progress_told(self, message: ProgressTold) -> None:
        """Show how far the work is."""
        if self.work.running:
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

    def on_plan_made(self, message: PlanMade) -> None:
        """Show the plan to the one who waits for it."""
        if not isinstance(self.app.screen, WaitScreen):
            return
        self.app.pop_screen()
        if message.plan is None:
            self.notify(message.error, severity="error", timeout=10, markup=False)
        else:
            self._show_plan(message.plan)

    # What the person does in the panes

    @on(RowList.Picked)
    def _picked(self, event: RowList.Picked) -> None:
        now, links = self.selection, self.links
        if event.rows is self.stages:
            row = self.stages.rows[self.stages.cursor]
            self.select(links.from_stage(now, row.stage, row.line))
        elif event.rows is self.source and self.source.line is not None:
            self.select(links.from_line(now, self.source.line))
        elif event.rows is self.layers_table:
            self.select(links.from_layer(now, self.layers_table.cursor))
        elif event.rows is self.files and self.files.path is not None:
            self.select(links.from_path(now, self.files.path, self.files.rows.entry(self.files.cursor)))
        elif event.rows is self.advice:
            self.select(links.from_finding(now, self.advice.findings[self.advice.cursor]))

    @on(RowList.Opened)
    def _opened(self, event: RowList.Opened) -> None:
        if event.rows is self.advice:
            self.select(self.links.from_finding(self.selection, self.advice.findings[self.advice.cursor]))
            self.go_to("files")
        elif event.rows is self.stages:
            self.go_to("source")
        elif event.rows is self.source:
            self.go_to("layers" if self.layers_table.count else "source")
        elif event.rows is self.layers_table:
            self.go_to("files")

    @on(KeyLine.Pressed)
    def _key_clicked(self, event: KeyLine.Pressed) -> None:
        self.action_do(event.name)

    # Actions

    def reason(self, name: str) -> str:
        """Give why an action cannot be done now, or nothing."""
        session = self.session
        has_files = self.links.costs.layers > 0
        if name in ("find", "waste", "this_layer", "sort") and not has_files:
            return "no layer is read yet"
        if name == "waste" and session.waste is None and not self.waste_only:
            return "waste is known when all layers are read"
        if name in ("find_next", "find_previous") and not self.found:
            return "nothing was searched for yet: / finds"
        if name in ("next_finding", "previous_finding") and not self.advice.count:
            return "there are no findings"
        if name == "split" and (session.dockerfile is None or session.reconstructed):
            return "a split needs the Dockerfile: name it with --dockerfile"
        if name == "split" and self.work.running and session.waste is None and session.image is not None:
            return "the image is still being read"
        if name == "edit" and session.dockerfile_path is None:
            return "there is no Dockerfile on disk"
        return ""

    def _show_keys(self) -> None:
        off = frozenset(name for name in ("find", "waste", "split") if self.reason(name))
        on = frozenset(name for name, state in (("waste", self.waste_only), ("zoom", self.zoomed)) if state)
        self.keys.show(off, on)

    def action_do(self, name: str) -> None:
        """Do an action of the registry, or say why it cannot be done now."""
        why = self.reason(name)
        if why:
            self.notify(f"{action(name).title}: {why}", timeout=4, markup=False)
            return
        if name.startswith("pane_"):
            self.go_to(name.removeprefix("pane_"))
            return
        deed: Callable[[], None] = getattr(self, f"do_{name}")
        deed()
        self._show_keys()

    def do_next_pane(self) -> None:
        """Go to the next pane."""
        self.go_to(PANES[(PANES.index(self.current) + 1) % len(PANES)])

    def do_previous_pane(self) -> None:
        """Go to the pane before."""
        self.go_to(PANES[PANES.index(self.current) - 1])

    def do_zoom(self) -> None:
        """Give the pane the whole screen, or take it back."""
        self.zoomed = not self.zoomed
        self.place()

    def do_waste(self) -> None:
        """Show only waste, or everything."""
        self.waste_only = not self.waste_only
        self._show_files_again()

    def do_this_layer(self) -> None:
        """Ask the other of the two questions."""
        self.up_to = not self.up_to
        self._show_files_again()

    def do_sort(self) -> None:
        """Sort by the next key."""
        orders = list(Sort)
        self.sort = orders[(orders.index(self.sort) + 1) % len(orders)]
        self._show_files_again()

    def _show_files_again(self) -> None:
        with self.session.lock:
            self.show_files()
        self.files.why_empty = "no waste in this layer; w shows all files" if self.waste_only else "an empty layer"
        self.files.refresh()

    def do_next_finding(self) -> None:
        """Go to the next finding, in all panes."""
        self._step_finding(1)

    def do_previous_finding(self) -> None:
        """Go to the finding before, in all panes."""
        self._step_finding(-1)

    def _step_finding(self, step: int) -> None:
        at = next(
            (at for at, each in enumerate(self.advice.findings) if each.id == self.selection.finding), -1 if step > 0 else 0
        )
        self.select(self.links.from_finding(self.selection, self.advice.findings[(at + step) % len(self.advice.findings)]))

    def do_find(self) -> None:
        """Find files in all layers."""
        table = self.links.costs.table
        assert table is not None
        if self._finder is None or self._finder.layers != table.layers or self._finder.table is not table:
            with self.session.lock:
                self._finder = Finder(table)
        self.app.push_screen(FindScreen(self._finder, self.found_words), self._found)

    def _found(self, result: Result | None) -> None:
        if result is not None:
            self.found, self.found_at, self.found_words = result
            self._go_to_found()

    def _go_to_found(self) -> None:
        """Show a file that was found: in the layer that is selected where it has it, else where it was last written."""
        finder = self._finder
        if finder is None:
            return
        path = self.found[self.found_at]
        layers = finder.where(path)
        layer = self.selection.layer if self.selection.layer in layers else layers[-1] if layers else self.selection.layer
        if self.waste_only:
            self.waste_only = False
        now = self.links.from_layer(self.selection, layer) if layer is not None else self.selection
        self.select(Selection(now.stage, now.line, now.layer, finder.table.paths[path], now.finding))
        self._show_files_again()
        self.files.select(finder.table.paths[path])
        self.go_to("files")
        self.files.border_subtitle = f"{self.found_at + 1} of {len(self.found)} found: {shown(self.found_words)}   n/N next"

    def do_find_next(self) -> None:
        """Go to the next file found."""
        self.found_at = (self.found_at + 1) % len(self.found)
        self._go_to_found()

    def do_find_previous(self) -> None:
        """Go to the file found before."""
        self.found_at = (self.found_at - 1) % len(self.found)
        self._go_to_found()

    def do_split(self) -> None:
        """Show the plan; make it first where there is none."""
        if self.session.plan is not None:
            self._show_plan(self.session.plan)
            return
        self.app.push_screen(WaitScreen())
        self.work.plan()

    def _show_plan(self, plan: Plan) -> None:
        assert self.session.dockerfile is not None
        self.app.push_screen(SplitScreen(plan, self.session.dockerfile.source, self.session.dockerfile_path))

    def do_explain(self) -> None:
        """Explain what is selected."""
        self.app.push_screen(
            ExplainScreen(explain(self.selection, self.current, self.links, self.session.dockerfile, self._instruction_text()))
        )

    def _instruction_text(self) -> str:
        layer = self.selection.layer
        return self.layers_table.rows[layer].instruction if layer is not None and layer < len(self.layers_table.rows) else ""

    def do_copy(self) -> None:
        """Copy what the pane's cursor is on."""
        text, what = "", ""
        if self.current == "files" and self.files.path is not None:
            text, what = f"/{self.files.path}", "path"
        elif self.current == "advice" and (finding := self.links.finding(self.selection.finding)) is not None:
            text, what = f"{finding.title}: {finding.advice}", "advice"
        elif self.current in ("source", "stages") and self.session.dockerfile is not None and self.source.line is not None:
            line = self.source.line
            item = next((i for i in self.session.dockerfile.instructions if i.span.first_line <= line <= i.span.last_line), None)
            text, what = (item.source, "instruction") if item is not None else ("", "")
        elif self.current == "layers":
            text, what = self._instruction_text(), "instruction"
        if not text:
            self.notify("There is nothing to copy here.", markup=False)
            return
        self.app.copy_to_clipboard(text)
        self.notify(f"The {what} is copied.", timeout=3, markup=False)

    def do_edit(self) -> None:
        """Open the Dockerfile in the person's editor."""
        path = self.session.dockerfile_path
        assert path is not None
        command = editor_command(os.environ, str(path), self.source.line or 1)
        if command is None:
            self.notify("Set $EDITOR (or $VISUAL) to your editor's command.", severity="warning", markup=False)
            return
        try:
            with self.app.suspend():
                subprocess.run(command, check=False)
        except OSError as error:
            self.notify(f"{command[0]}: {error.strerror}", severity="error", markup=False)
        self.refresh(layout=True)

    def do_rescan(self) -> None:
        """Read everything again; what was offered is taken."""
        if self.offered is not None:
            self.session.switch_image(self.offered.name)
            self.offered = None
        self.failure = ""
        self._reread_dockerfile(self.session.dockerfile_path)
        self.work.start()
        self._show_top()

    def _reread_dockerfile(self, path: Path | None) -> None:
        if path is not None and self.session.reload_dockerfile():
            self.refresh_results()

    def do_help(self) -> None:
        """Show all keys."""
        self.app.push_screen(HelpScreen())

    def stop_work(self) -> bool:
        """Stop the work that runs; give whether any did."""
        if not self.work.running:
            return False
        if self.progress is not None and self.progress.what.startswith("Stopping"):
            # Asked twice: do not keep a person waiting for an engine that does not answer.
            return False
        self.session.cancel()
        self.progress = Progress("Stopping", 0)
        self._show_top()
        return True

    def do_stop(self) -> None:
        """Leave the zoom; else stop the work that runs."""
        if self.zoomed:
            self.do_zoom()
        else:
            self.stop_work()

    def do_quit(self) -> None:
        """Leave."""
        self.work.stop()
        self.app.exit()
