"""`msbtui record IMAGE -o FILE`: an image's index and the few facts that analysis needs."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from msbtui.cli.options import Named, opens_image, quiet_plain_option, run_session
from msbtui.errors import UsageError


@click.command(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: msbtui record docker:app:latest --dockerfile Dockerfile -o app.msbtui",
)
@click.argument("image")
@click.option("-o", "--output", required=True, metavar="FILE", help="The recording to write.")
@opens_image(image="", dockerfile="Record this Dockerfile with the image.", builds=False)
@click.option("--leave-out", "globs", multiple=True, metavar="GLOB", help="Leave out entries whose path fits (repeatable).")
@click.option("--leave-out-env", "names", multiple=True, metavar="NAME", help="Leave out an environment variable (repeatable).")
@click.option("--force", is_flag=True, help="Write over an existing FILE.")
@quiet_plain_option
def record_command(
    image: str,
    output: str,
    named: Named,
    globs: tuple[str, ...],
    names: tuple[str, ...],
    force: bool,
    quiet: bool,
) -> int:
    """Write what msbtui knows of IMAGE into a small file that opens anywhere: `msbtui recorded:FILE`.

    It holds names, sizes and derived facts rather than contents; values that look secret are masked. What it holds is
    listed before it is written.
    """
    from msbtui.session import Session

    path = Path(output)
    if path.exists() and not force:
        raise UsageError("there is a file already", where=output, hint="--force writes over it")
    session = Session(named.options(image))
    run_session(session, quiet=quiet)
    written = session.record(
        path, leave_out_paths=globs, leave_out_env=names, before_writing=lambda lines: click.echo("\n".join(lines))
    )
    click.echo(f"wrote {output}: {written:,} bytes")
    return 0
