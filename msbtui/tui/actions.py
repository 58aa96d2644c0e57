"""The one registry of what a person can do: bindings, key line, help screen and command palette are made from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from textual.binding import Binding, BindingType


@dataclass(frozen=True)
class Action:
    """One thing to do, its keys, and its words."""

    id: str
    keys: str
    """As Textual's bindings have them: comma-separated."""
    title: str
    """For the key line and the palette."""
    help: str
    """One sentence for the help screen."""
    scope: str = "main"
    """`main`: everywhere on the main screen; `list`: in a pane; `split`: everywhere in the split."""
    footer: bool = False
    group: str = "Do"
    shown_keys: str = ""
    """How the help writes the keys, where that differs."""

    @property
    def label(self) -> str:
        """Give the keys as people read them."""
        if self.shown_keys:
            return self.shown_keys
        names = {
            "slash": "/",
            "question_mark": "?",
            "left_square_bracket": "[",
            "right_square_bracket": "]",
            "escape": "Esc",
            "enter": "Enter",
            "space": "Space",
            "tab": "Tab",
            "shift+tab": "Shift+Tab",
            "pageup": "PgUp",
            "pagedown": "PgDn",
            "home": "Home",
            "end": "End",
            "up": "↑",
            "down": "↓",
            "left": "←",
            "right": "→",
        }
        return " ".join(names.get(key, key.replace("ctrl+", "^")) for key in self.keys.split(","))


_PANES = "Panes"
_MOVE = "Move in a pane"
_VIEW = "What is shown"
_DO = "Do"
_SPLIT = "In the split"

ACTIONS: tuple[Action, ...] = (
    Action("pane_stages", "1", "Stages", "Go to the stage graph: what is built from what, and what is shipped.", group=_PANES),
    Action("pane_source", "2", "Dockerfile", "Go to the Dockerfile: each line with the bytes that it costs.", group=_PANES),
    Action("pane_layers", "3", "Layers", "Go to the layers of the image, from the base up.", group=_PANES),
    Action("pane_files", "4", "Files", "Go to the files of the selected layer.", group=_PANES),
    Action("pane_advice", "5", "Advice", "Go to the findings: what is waste, and what to do.", group=_PANES),
    Action("next_pane", "tab", "Next pane", "Go to the next pane.", group=_PANES),
    Action("previous_pane", "shift+tab", "Previous pane", "Go to the pane before.", group=_PANES),
    Action(
        "zoom", "z", "Zoom", "Give the pane the whole screen; again, or Esc, brings the others back.", footer=True, group=_PANES
    ),
    Action("up", "up,k", "Up", "One row up.", scope="list", group=_MOVE),
    Action("down", "down,j", "Down", "One row down.", scope="list", group=_MOVE),
    Action("page_up", "pageup,ctrl+b", "Page up", "One page up.", scope="list", group=_MOVE),
    Action("page_down", "pagedown,ctrl+f", "Page down", "One page down.", scope="list", group=_MOVE),
    Action("first", "home,g", "First", "To the first row.", scope="list", group=_MOVE),
    Action("last", "end,G", "Last", "To the last row.", scope="list", group=_MOVE),
    Action(
        "open",
        "enter,l,right",
        "Open",
        "Open a directory; elsewhere, jump to the evidence in the files.",
        scope="list",
        group=_MOVE,
    ),
    Action("close", "h,left", "Close", "Close a directory, or go to the one that this lies in.", scope="list", group=_MOVE),
    Action("toggle", "space", "Toggle", "Open or close a directory.", scope="list", group=_MOVE),
    Action("find", "slash", "Find", "Find files in all layers by a part of their path.", footer=True, group=_VIEW),
    Action("find_next", "n", "Next found", "Go to the next file found.", group=_VIEW),
    Action("find_previous", "N", "Previous found", "Go to the file found before.", group=_VIEW),
    Action("waste", "w", "Waste only", "Show only files that are waste, or all of them again.", footer=True, group=_VIEW),
    Action(
        "this_layer",
        "t",
        "This layer / up to here",
        "Show what this layer holds, or the file system as it stands after it.",
        group=_VIEW,
    ),
    Action(
        "map",
        "m",
        "Map",
        "Show every byte once as a map: base, packages, application, waste, hidden, unknown. Enter goes to the files behind.",
        footer=True,
        group=_VIEW,
    ),
    Action("sort", "o", "Sort", "Sort files by waste, by size, or by name.", group=_VIEW),
    Action("previous_finding", "left_square_bracket", "Previous finding", "Go to the finding before, in all panes.", group=_VIEW),
    Action("next_finding", "right_square_bracket", "Next finding", "Go to the next finding, in all panes.", group=_VIEW),
    Action(
        "split",
        "s",
        "Split…",
        "Show the multi-stage Dockerfile that gets rid of the waste. Writes nothing.",
        footer=True,
        group=_DO,
    ),
    Action("explain", "x", "Explain", "Explain what is selected: why it costs what it costs.", group=_DO),
    Action("copy", "y", "Copy", "Copy the path or the instruction; in the split, the patch.", footer=True, group=_DO),
    Action("edit", "e", "Edit", "Open the Dockerfile in $VISUAL or $EDITOR at the selected line.", group=_DO),
    Action(
        "rescan", "r", "Read again", "Read the Dockerfile and the image again; takes a rebuilt image that was offered.", group=_DO
    ),
    Action("help", "question_mark", "Keys", "Show this help.", footer=True, group=_DO),
    Action(
        "stop",
        "escape",
        "Stop",
        "Take messages away; leave the zoom, or stop the work that runs and keep what is known.",
        group=_DO,
    ),
    Action(
        "quit",
        "q",
        "Quit",
        "Leave. Ctrl+C does it too; it first copies what the mouse selected, and stops work that runs.",
        footer=True,
        group=_DO,
        shown_keys="q ^c",
    ),
    Action("pane_diff", "1", "Diff", "Go to the two Dockerfiles; Why follows the cursor.", scope="split", group=_SPLIT),
    Action(
        "pane_why", "2", "Why", "Go to why the line under the cursor is there, with its evidence.", scope="split", group=_SPLIT
    ),
    Action(
        "pane_ladder",
        "3",
        "Ladder",
        "Go to the rungs from the smallest split to a clean-up in place; Enter takes one.",
        scope="split",
        group=_SPLIT,
    ),
    Action(
        "pane_left",
        "4",
        "Left behind",
        "Go to what stays behind, and what is kept only from caution.",
        scope="split",
        group=_SPLIT,
    ),
    Action("pane_checks", "5", "Checks", "Go to what building and checking found.", scope="split", group=_SPLIT),
    Action("write", "W", "Write", "Write Dockerfile.split beside the Dockerfile.", scope="split", group=_SPLIT, footer=True),
    Action(
        "verify",
        "V",
        "Verify…",
        "Build both Dockerfiles on the engine, compare and start them; mends what is missing. Asks first; Esc stops it.",
        scope="split",
        group=_SPLIT,
        footer=True,
    ),
    Action("copy_patch", "y", "Copy patch", "Copy the change as a patch.", scope="split", group=_SPLIT, footer=True),
    Action(
        "split_zoom", "z", "Zoom", "Give the pane the whole screen, or take it back.", scope="split", group=_SPLIT, footer=True
    ),
    Action("split_help", "question_mark", "Keys", "Show this help.", scope="split", group=_SPLIT, footer=True),
    Action("back", "q,s", "Back", "Go back to the panes; a verification goes on.", scope="split", group=_SPLIT, footer=True),
    Action("split_stop", "escape", "Stop", "Stop the verification; leave the zoom; or go back.", scope="split", group=_SPLIT),
)
"""In the order of the help screen."""

SPLIT_FOOTER = ("write", "verify", "copy_patch", "split_zoom", "split_help", "back")
"""What the split's key line shows."""

FOOTER = ("find", "waste", "map", "split", "copy", "zoom", "help", "quit")
"""What the key line shows: eight short entries fit 80 columns."""

FOOTER_GIVES_WAY = ("copy_patch", "split_zoom", "copy", "zoom", "waste", "map", "find", "split")
"""What goes where there is less room, in this order; help and the way out stay."""


def action(name: str) -> Action:
    """Give the action with an id."""
    return next(each for each in ACTIONS if each.id == name)


def bindings(scope: str) -> list[BindingType]:
    """Give the Textual bindings of a scope; each has an id, so that a keymap can move it."""
    return [
        Binding(each.keys, f"do('{each.id}')", each.title, show=False, id=f"{scope}.{each.id}", tooltip=each.help)
        for each in ACTIONS
        if each.scope == scope
    ]


def grouped(actions: Iterable[Action] = ACTIONS) -> list[tuple[str, list[Action]]]:
    """Give the actions by group, in order."""
    groups: dict[str, list[Action]] = {}
    for each in actions:
        groups.setdefault(each.group, []).append(each)
    return list(groups.items())
