"""The five panes on one session: how they are arranged, and what they show of it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen

from msbtui.analysis.account import Account
from msbtui.dockerfile.model import Problem
from msbtui.errors import TargetError
from msbtui.session import Session, files
from msbtui.session.model import BetterImage, Progress
from msbtui.session.rows.cells import shown
from msbtui.session.rows.costs import Costs
from msbtui.session.rows.explain import image_notes
from msbtui.session.rows.facts import linked_facts
from msbtui.session.rows.files import Sort
from msbtui.session.rows.found import Finder
from msbtui.session.rows.header import Heading
from msbtui.session.rows.layers import layer_rows
from msbtui.session.rows.selection import Links, Selection
from msbtui.session.rows.source import follow_line, source_rows
from msbtui.session.traps import traps_of
from msbtui.text import size
from msbtui.tui.layout import BORDERS, LEFT, PANES, Layout, arrange, columns
from msbtui.tui.widgets.advice_list import AdviceList
from msbtui.tui.widgets.file_tree import FileTree
from msbtui.tui.widgets.layers_table import LayersTable
from msbtui.tui.widgets.lines import KeyLine, TopLine
from msbtui.tui.widgets.row_list import RowList
from msbtui.tui.widgets.source_view import SourceView
from msbtui.tui.widgets.stage_graph import StageGraph
from msbtui.tui.work import Work

_TITLES = {"stages": "1 Stages", "source": "2 Dockerfile", "layers": "3 Layers", "files": "4 Files", "advice": "5 Advice"}


class PanesScreen(Screen[None]):
    """Holds the session, the panes, and the selection that they share; the panes know nothing of one another."""

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
        self.gone = False
        """Whether the Dockerfile was deleted while it is shown."""
        self.found: list[int] = []
        self.found_at = 0
        self.found_words = ""
        self._finder: Finder | None = None
        self._account: tuple[object, Account] | None = None
        """The account, and the findings that it was made with."""
        self._moved = False
        self._source_text: str | None = None
        self._notes = ""
        self._traps: tuple[object, tuple[Problem, ...]] | None = None
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
        for name, pane in self.panes.items():
            pane.border_title = _TITLES[name]

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

    # Layout

    def on_resize(self) -> None:
        """Arrange the panes for another size."""
        self.place()

    def place(self) -> None:
        """Show the panes that there is room for."""
        width, height = self.app.size
        left_cells, right_cells = columns(width)
        cells = {name: (left_cells if name in LEFT and left_cells else right_cells) - BORDERS for name in PANES}
        rows = {name: pane.rows_wanted(cells[name]) for name, pane in self.panes.items()}
        layout = arrange(width, height, self.current, zoom=self.zoomed, rows=rows)
        self.set_class(layout.bare, "-bare")
        self.stages.draw_boxes(self.zoomed and self.current == "stages")
        for name, pane in self.panes.items():
            pane.display = name in layout.visible
            rows_high = layout.heights.get(name, 0)
            pane.styles.height = rows_high if rows_high else "1fr"
        left, right = self.query_one("#left"), self.query_one("#right")
        left.display = bool(layout.visible & {"stages", "source"})
        right.display = bool(layout.visible & {"layers", "files", "advice"})
        left.styles.width = layout.left_width if layout.left_width else "1fr"
        self._show_way(layout)

    def _show_way(self, layout: Layout) -> None:
        """Say, where not all panes are in sight, which keys lead to the others."""
        names = (name for name in PANES if name not in layout.visible)
        hint = "  ".join(_TITLES[name] for name in names) if layout.visible != {"files"} else ""
        hints = {"layers": self._notes or hint, "source": hint, "stages": hint if "source" not in layout.visible else ""}
        self.layers_table.border_subtitle, self.source.border_subtitle = hints["layers"], hints["source"]
        self.stages.way = hints["stages"]
        self.stages.show_subtitle()

    # Results

    def refresh_results(self) -> None:
        """Take up everything that the session knows now; what was selected stays selected."""
        session = self.session
        with session.lock:
            costs = Costs(session.table, session.waste, session.base, session.provenance)
            self.links = Links(costs, session.dockerfile, session.graph, session.waste)
            self._show_stages()
            self._show_source(costs)
            self.layers_table.show(
                layer_rows(session.image, costs, session.dockerfile, session.base.name if session.base else "")
            )
            self.advice.show(self.links.findings)
            self.show_files()
        notes = len(image_notes(session.image))
        self._notes = f"! {notes} note{'s' * (notes > 1)} on the image: x" if notes else ""
        waiting = "nothing is known yet" if self.work.running else ""
        self.layers_table.why_empty = self.no_image or self.failure or waiting or "no image"
        known = session.waste is not None
        half = session.image is not None and not self.work.running
        unknown = "waste is known when all layers are read: r reads on" if half else waiting or "no image"
        self.advice.why_empty = "no waste found" if known else unknown
        self.stages.why_empty = self.source.why_empty = "no Dockerfile" if not self.work.running else waiting
        total = session.waste.total if session.waste else 0
        self.advice.border_subtitle = f"saves {size(total)}" if known else ""
        self._show_source_title()
        self.show_selection()
        self.place()
        self._show_top()
        self._show_keys()

    def _show_stages(self) -> None:
        session = self.session
        self.stages.show(session.graph, linked_facts(self.links), old=session.is_stale)

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
                session.dockerfile,
                session.graph,
                costs,
                source=text,
                changed=session.changed_lines,
                problems=session.problems,
                traps=self._found_traps(),
            )
        )
        self.source.select(line)

    def _found_traps(self) -> tuple[Problem, ...]:
        """Give the traps, once the image is read or known not to be there: its files may clear them, and first paint is quick."""
        session = self.session
        if session.waste is None and not self.no_image:
            return ()
        key = (session.dockerfile, session.waste)
        if self._traps is None or self._traps[0] != key:
            self._traps = (key, traps_of(session))
        return self._traps[1]

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
        if self.session.dockerfile_origin:
            name = f"2 Dockerfile {self.session.dockerfile_origin}"
        elif self.session.dockerfile_path is not None and self.session.dockerfile_path.name != "Dockerfile":
            name = f"2 {shown(self.session.dockerfile_path.name)}"
        self.source.border_title = Content(name)

    @property
    def shown_layer(self) -> int | None:
        """Give the layer whose files are shown: the selected one; before any is, the one under the cursor of the layers.

        It does not follow the layers as they come: the cursor must not move under the person's keys.
        """
        read = self.links.costs.layers
        return self.selection.layer if self.selection.layer is not None or not read else min(self.layers_table.cursor, read - 1)

    def show_files(self) -> None:
        """Show the files of the selected layer."""
        layer, costs = self.shown_layer, self.links.costs
        nothing = "nothing is known yet" if self.work.running else "no image"
        empty = "no waste in this layer; w shows all files" if self.waste_only else "an empty layer: it changes no file"
        self.files.why_empty = empty if costs.layers else nothing
        self.files.show(costs, layer or 0, up_to=self.up_to, waste_only=self.waste_only, sort=self.sort)
        where = f"up to layer {layer}" if self.up_to else f"in layer {layer}"
        self.files.border_title = f"4 Files {where}" if layer is not None and costs.layers else "4 Files"
        order = f"sort: {self.sort.value} ▾   "
        self.files.border_subtitle = f"{order}filter: {'waste only' if self.waste_only else '–'}"
        self.files.filter_at = len(order)

    def show_selection(self) -> None:
        """Let every pane show the selection; tells nobody, so that nothing comes back."""
        now = self.selection
        self.stages.select(now.stage, now.line)
        self.source.select(now.line)
        self.layers_table.select(self.shown_layer)
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
        gone = "the Dockerfile is no longer on disk: this is its last text" if self.gone else ""
        trouble = gone or session.dockerfile_error or self.failure
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
                self.progress or (Progress("looking for the image", 0) if self.work.running and session.image is None else None),
                "^c leaves" if self.work.stopping else "Esc stops",
            )
        )

    # What can be done

    def reason(self, name: str) -> str:
        """Give why an action cannot be done now, or nothing."""
        session = self.session
        has_files = self.links.costs.layers > 0
        if name in ("find", "waste", "this_layer", "sort") and not has_files:
            return "no layer is read yet"
        if name == "waste" and session.waste is None and not self.waste_only:
            return "waste is known when all layers are read"
        if name == "map" and session.waste is None:
            return "the map is known when all layers are read"
        if name in ("find_next", "find_previous") and not self.found:
            return "nothing was searched for yet: / finds"
        if name in ("next_finding", "previous_finding") and not self.advice.count:
            return "there are no findings"
        if name == "split" and (session.dockerfile is None or session.reconstructed):
            return "a split needs the Dockerfile: name it with --dockerfile"
        if name == "split" and self.work.running and session.waste is None and session.image is not None:
            return "the image is still being read"
        if self.work.verifying and (name == "rescan" or (name == "split" and session.plan is None)):
            return "a verification runs; Esc stops it"
        if name == "edit" and session.dockerfile_path is None:
            return "there is no Dockerfile on disk"
        return ""

    def _show_keys(self) -> None:
        off = frozenset(name for name in ("find", "waste", "map", "split") if self.reason(name))
        on = frozenset(name for name, state in (("waste", self.waste_only), ("zoom", self.zoomed)) if state)
        self.keys.show(off, on)
