"""`msbtui inspect TARGET`: layers, sizes, waste and findings without the app."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from msbtui.cli.helped import HelpedCommand
from msbtui.cli.options import Named, opens_image, quiet_option, run_session
from msbtui.errors import UsageError

if TYPE_CHECKING:
    from msbtui.session import Session


@click.command(
    cls=HelpedCommand,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: msbtui inspect docker:app:latest --dockerfile Dockerfile --json",
)
@click.argument("target", default=".")
@opens_image()
@click.option("--json", "as_json", is_flag=True, help="The account as JSON.")
@click.option("--markdown", "as_markdown", is_flag=True, help="The account as Markdown, for a pull request.")
@click.option("--html", "html", metavar="FILE", help="Write the account to FILE as one self-contained page.")
@click.option("--files", is_flag=True, help="Add every entry with its change by layer (text and JSON).")
@quiet_option
def inspect_command(
    target: str,
    named: Named,
    as_json: bool,
    as_markdown: bool,
    html: str | None,
    files: bool,
    quiet: bool,
    no_color: bool,
) -> int:
    """Print where the bytes of an image came from and which are waste.

    TARGET is an image, an archive, a folder or a Dockerfile whose image the engine has. Exit code 0 also with findings.
    """
    from msbtui.session import Session

    if as_json and as_markdown:
        raise UsageError("--json and --markdown exclude each other")
    if html is not None:
        from msbtui.session.files import require_writable

        require_writable(Path(html))
    session = Session(named.options(target))
    run_session(session, quiet=quiet)
    if html is not None:
        _write_page(session, html, quiet)
    if as_json:
        import json

        from msbtui.report.inspect_json import inspect_document

        print(json.dumps(inspect_document(session, files=files), indent=2))
    elif as_markdown:
        from msbtui.report.inspect_markdown import inspect_markdown

        click.echo(inspect_markdown(session), nl=False)
    elif html is None:
        from msbtui.report.inspect_text import inspect_text

        click.echo(inspect_text(session, files=files), color=False if no_color else None)
    if not quiet and session.image is not None:
        for note in session.image.notes:
            click.echo(f"note: {note}", err=True)
    return 0


def _write_page(session: Session, path: str, quiet: bool) -> None:
    from msbtui.report.inspect_html import inspect_html
    from msbtui.session.files import keep_apart, write

    keep_apart(Path(path), session.dockerfile_path)
    if session.dockerfile is not None and not session.reconstructed:
        session.make_plan()
    page = inspect_html(session)
    write(Path(path), page.encode("utf-8", "backslashreplace"))
    if not quiet:
        click.echo(f"wrote {path}", err=True)
