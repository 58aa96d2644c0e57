"""`msbtui [TARGET]`: the app."""

from __future__ import annotations

import os
import sys

import rich_click as click

from msbtui import __version__
from msbtui.cli import COMMANDS
from msbtui.cli.options import Named, colour_option, opens_image
from msbtui.errors import UsageError

EXAMPLES = ("msbtui Dockerfile", "msbtui debian:bookworm-slim", "msbtui inspect docker-archive:image.tar --json")


class AppCommand(click.RichCommand):
    """The app's own help with the list of commands below it."""

    def format_epilog(self, _: click.RichContext, formatter: click.RichHelpFormatter) -> None:  # type: ignore[override]
        """Write the commands and the examples."""
        from rich.panel import Panel
        from rich.table import Table

        commands = Table.grid(padding=(0, 2))
        for name, says in COMMANDS.items():
            commands.add_row(f"[{formatter.config.style_command}]{name}[/]", says)
        formatter.write(
            Panel(commands, title="Commands", title_align="left", border_style=formatter.config.style_commands_panel_border)
        )
        formatter.write("\n".join([" Examples:", *(f"   {example}" for example in EXAMPLES), ""]))


@click.command(cls=AppCommand, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("targets", metavar="[TARGET]", nargs=-1)
@opens_image()
@click.option("--ascii", "plain", is_flag=True, help="Draw in ASCII; done by itself where the terminal is not UTF-8.")
@click.option("--no-mouse", is_flag=True, help="Leave the mouse to the terminal.")
@colour_option
@click.version_option(__version__, prog_name="msbtui", message="%(prog)s %(version)s")
def app_command(
    targets: tuple[str, ...],
    named: Named,
    plain: bool,
    no_mouse: bool,
) -> int:
    """Open a Dockerfile, a folder with one, or an image: stage graph, layers, files, waste, and the split.

    TARGET is a path or an image in an engine; with a scheme where a bare
    name is not enough: docker: podman: registry: docker-archive: oci-archive: oci-dir: recorded:
    Without TARGET: the current folder.
    """
    if len(targets) > 1:
        raise UsageError(f"one TARGET only, not {len(targets)}", where=" ".join(targets), hint=_did_you_mean(targets[0]))
    from msbtui.session import Session

    options = named.options(_aside(targets[0]) if targets else ".")
    require_terminal()
    session = Session(options)
    session.open()
    from msbtui.session.rows.plain import wants_ascii
    from msbtui.tui import run_app

    return run_app(session, mouse=not no_mouse, plain=plain or wants_ascii(sys.stdout.encoding))


def _aside(target: str) -> str:
    """Give `target`, or for `-` (an archive from a pipe) what it is called once the keyboard has standard input back."""
    if not (target == "-" or target.startswith("-:")) or sys.stdin.isatty():
        return target
    try:
        terminal = os.open("/dev/tty", os.O_RDWR)
    except OSError:
        return target
    archive = os.dup(sys.stdin.fileno())
    os.dup2(terminal, sys.stdin.fileno())
    os.close(terminal)
    return f"/dev/fd/{archive}{target[1:]}"


def require_terminal() -> None:
    """Raise UsageError where standard output or input is no terminal: the app cannot be drawn there."""
    if not (sys.stdout.isatty() and sys.stdin.isatty()):
        raise UsageError("the app needs a terminal", hint="`msbtui inspect TARGET` prints the same to a file or pipe")


def _did_you_mean(word: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(word, COMMANDS, n=1)
    return f"did you mean `msbtui {near[0]}`?" if near else ""
