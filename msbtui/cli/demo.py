"""`msbtui demo`: the app on a recorded image and its Dockerfile."""

from __future__ import annotations

import sys

import rich_click as click

from msbtui.cli.app import require_terminal
from msbtui.cli.options import colour_option
from msbtui.learn import PROJECTS


@click.command(context_settings={"help_option_names": ["-h", "--help"]}, epilog="Example: msbtui demo go --after")
@click.argument("project", type=click.Choice(PROJECTS), default=PROJECTS[0])
@click.option("--after", is_flag=True, help="The image as it is after the split.")
@click.option("--ascii", "plain", is_flag=True, help="Draw in ASCII; done by itself where the terminal is not UTF-8.")
@colour_option
def demo_command(project: str, after: bool, plain: bool) -> int:
    """Open the app on a recorded image and its Dockerfile: no engine, no network, everything that needs no build.

    PROJECT is a C service (the default), a Python service or a Go service.
    """
    require_terminal()
    from msbtui.session.demo import demo_session

    session = demo_session(project, after=after)
    session.open()
    from msbtui.session.rows.plain import wants_ascii
    from msbtui.tui import run_app

    return run_app(session, plain=plain or wants_ascii(sys.stdout.encoding))
