"""The main screen: five panes on one session, and the one selection that they share."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual import events, on
from textual.binding import BindingType

from msbtui.analysis.account import Part
from msbtui.errors import TargetError
from msbtui.session.context import Context, read_context
from msbtui.session.model import Progress
from msbtui.session.rows.advice import KEPT
from msbtui.session.rows.cells import shown
from msbtui.session.rows.explain import explain
from msbtui.session.rows.explain_stage import explain_outside
from msbtui.session.rows.files import Sort
from msbtui.session.rows.found import Finder
from msbtui.session.rows.selection import Selection
from msbtui.session.rows.source import MARK_ERROR, MARK_TRAP
from msbtui.session.rows.treemap import Listed
from msbtui.tui.actions import action, bindings
from msbtui.tui.editor import editor_command
from msbtui.tui.layout import PANES
from msbtui.tui.screens.explain import ExplainScreen
from msbtui.tui.screens.find import FindScreen, Result
from msbtui.tui.screens.help import HelpScreen
from msbtui.tui.screens.map import MapScreen
from msbtui.tui.screens.split import WaitScreen
from msbtui.tui.screens.told import ToldScreen
from msbtui.tui.widgets.file_tree import FileTree
from msbtui.tui.widgets.lines import KeyLine
from msbtui.tui.widgets.row_list import RowList


class MainScreen(ToldScreen):
    """What the person does: messages come up from the panes, attributes go down to them."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("main")

    def on_mount(self) -> None:
        """Draw what is known without an engine, then let the work begin."""
        if self.session.dockerfile is not None and self.session.image is None:
            self.current = "source"
        self.refresh_results()
        self.place()
        self.panes[self.current].focus()
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self.work.watch(self.session.dockerfile_path)
        self.work.look_for_rebuilds()
        self.work.start()
        self._show_top()

    def on_unmount(self) -> None:
        """End the threads."""
        self.work.stop()

    @on(events.DescendantFocus)
    def _focused(self, event: events.DescendantFocus) -> None:
        name = event.widget.id or ""
        if name in self.panes and name != self.current:
            self.current = name
            self.place()
        self._show_keys()

    # What the person does in the panes

    @on(RowList.Picked)
    def _picked(self, event: RowList.Picked) -> None:
        if event.rows.id in self.panes:
            self.select(self._at_cursor(event.rows))

    def _at_cursor(self, rows: RowList) -> Selection:
        """Give the selection that moving to the row under a pane's cursor makes; as it is where there is no row."""
        now, links = self.selection, self.links
        if rows.cursor >= rows.count:
            return now
        if rows is self.stages:
            row = self.stages.rows[rows.cursor]
            return links.from_stage(now, row.stage, row.line)
        if rows is self.source and self.source.line is not None:
            return links.from_line(now, self.source.line)
        if rows is self.layers_table:
            return links.from_layer(now, rows.cursor)
        if rows is self.files and self.files.path is not None:
            return links.from_path(now, self.files.path, self.files.rows.entry(rows.cursor))
        if rows is self.advice:
            return links.from_finding(now, self.advice.findings[rows.cursor])
        return now

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

    @on(FileTree.HeadClicked)
    def _head_clicked(self, event: FileTree.HeadClicked) -> None:
        self.sort = event.sort
        self._show_files_again()

    @on(FileTree.WayClicked)
    def _way_clicked(self, event: FileTree.WayClicked) -> None:
        self.action_do(event.name)

    @on(KeyLine.Pressed)
    def _key_clicked(self, event: KeyLine.Pressed) -> None:
        self.action_do(event.name)

    # Actions

    def action_do(self, name: str) -> None:
        """Do an action of the registry, or say why it cannot be done now."""
        why = self.reason(name)
        if why:
            self.notify(f"{action(name).title.rstrip('…')}: {why}", timeout=4, markup=False)
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
        self.files.filter_at = 0
        self.files.border_subtitle = f"{self.found_at + 1:,} of {len(self.found):,} listed: {shown(self.found_words)}   n/N next"

    def do_find_next(self) -> None:
        """Go to the next file found."""
        self.found_at = (self.found_at + 1) % len(self.found)
        self._go_to_found()

    def do_find_previous(self) -> None:
        """Go to the file found before."""
        self.found_at = (self.found_at - 1) % len(self.found)
        self._go_to_found()

    def do_map(self) -> None:
        """Show every byte once; add them up first where that was not done yet."""
        waste = self.session.waste
        known = self._account if self._account is not None and self._account[0] is waste else None
        self.app.push_screen(MapScreen(known[1] if known is not None else None), self._go_to_part)
        if known is None:
            self.work.count()

    def _go_to_part(self, row: Listed | None) -> None:
        """Go to what is behind a part of the map: its finding, or the largest of its files."""
        if row is None:
            return
        group, part = row.key[0], row.part
        found = [each for each in self.links.findings if len(row.key) > 1 and each.kind == row.key[1] and not each.in_base]
        found = [each for each in found if each.confidence != KEPT]
        if group == "hidden":
            found = [each for each in found if each.hidden_by is not None]
        if group in ("waste", "hidden") and found:
            self.select(self.links.from_finding(self.selection, found[0]))
        elif part.layers:
            layer, path = self._largest_of(part)
            now = self.links.from_layer(self.selection, layer)
            self.waste_only = False
            self.select(Selection(now.stage, now.line, now.layer, path, now.finding))
            self._show_files_again()
            self.files.select(path)
        self.go_to("files")

    def _largest_of(self, part: Part) -> tuple[int, str | None]:
        """Give the layer that holds the largest file of a part, and its path."""
        table = self.links.costs.table
        for path in part.paths:
            found = table.id_of(path) if table is not None else None
            if table is not None and found is not None:
                layers = [layer for layer, _ in table.entries(found) if layer in part.layers]
                if layers:
                    return layers[-1], path
        return part.layers[-1], None

    def do_split(self) -> None:
        """Show the plan; make it first where there is none."""
        if self.session.plan is not None:
            self.show_plan()
            return
        self.app.push_screen(WaitScreen())
        self.work.plan()

    def do_explain(self) -> None:
        """Explain what is under the cursor."""
        session, now = self.session, self._at_cursor(self.panes[self.current])
        row = self.stages.row_under_cursor if self.current == "stages" else None
        if row is not None and row.kind == "image" and session.graph is not None:
            self.app.push_screen(ExplainScreen(explain_outside(session.graph, row.key, row.label)))
            return
        with session.lock:
            text = explain(
                now,
                self.current,
                self.links,
                session.dockerfile,
                self._instruction_text(now.layer),
                self._build_context,
                session.image,
                session.packages,
                self.no_image or self.failure,
            )
        if self.current == "source":
            looks = {True: (MARK_ERROR, "error"), False: (MARK_TRAP, "stale")}
            said = [(row.text, *looks[row.error]) for row in self.source.messages]
            text[1:1] = [(f"{mark} {words}", role) for words, mark, role in said]
        self.app.push_screen(ExplainScreen(text))

    def _build_context(self) -> Context | None:
        """Give the build context as far as a moment's walk sees it; None where there is none or it cannot be read."""
        path = self.session.dockerfile_path
        try:
            return read_context(path, limit=20_000) if path is not None else None
        except TargetError:
            return None

    def _instruction_text(self, layer: int | None) -> str:
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
            text, what = self._instruction_text(self.shown_layer), "instruction"
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
        if shutil.which(command[0]) is None:
            self.notify(f"{command[0]}: no such command; set $EDITOR.", severity="error", markup=False)
            return
        why = ""
        with self.app.suspend():
            # Caught inside: an exception that leaves `suspend` would leave the terminal to nobody.
            try:
                subprocess.run(command, check=False)
            except OSError as error:
                why = error.strerror or type(error).__name__
        if why:
            self.notify(f"{command[0]}: {why}", severity="error", markup=False)
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
        """Stop the work that runs; give whether any did. Asked twice, nobody waits for an engine that does not answer."""
        if not self.work.cancel():
            return False
        self.progress = Progress("Stopping", 0)
        self._show_top()
        return True

    def do_stop(self) -> None:
        """Take messages away; leave the zoom, or else stop the work that runs."""
        self.app.clear_notifications()
        if self.zoomed:
            self.do_zoom()
        elif self.work.stop_verifying():
            self.progress = Progress("Stopping the verification", 0)
            self._show_top()
        else:
            self.stop_work()

    def do_quit(self) -> None:
        """Leave."""
        self.work.stop()
        self.app.exit()
