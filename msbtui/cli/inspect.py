"""`msbtui inspect TARGET`: layers, sizes, waste and findings without the app."""

from __future__ import annotations

import rich_click as click

from msbtui.cli.options import build_inputs, quiet_option, run_session, session_options


@click.command(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: msbtui inspect docker:app:latest --dockerfile Dockerfile --json",
)
@click.argument("target", default=".")
@click.option("--image", metavar="REF", help="The image that belongs to the Dockerfile; default: the engine's that fits it best.")
@click.option("--dockerfile", metavar="PATH", help="The Dockerfile that belongs to the image.")
@click.option("--json", "as_json", is_flag=True, help="The account as JSON.")
@click.option("--files", is_flag=True, help="Add every entry with its change by layer.")
@build_inputs
@quiet_option
def inspect_command(
    target: str,
    image: str | None,
    dockerfile: str | None,
    as_json: bool,
    files: bool,
    stage: str | None,
    build_args: tuple[str, ...],
    build_contexts: tuple[str, ...],
    platform: str | None,
    quiet: bool,
    no_color: bool,
) -> int:
    """Print where the bytes of an image came from and which are waste.

    TARGET is an image, an archive, a folder or a Dockerfile whose image the engine has. Exit code 0 also with findings.
    """
    from msbtui.session import Session

    session = Session(
        session_options(
            target,
            image=image,
            dockerfile=dockerfile,
            stage=stage,
            build_args=build_args,
            build_contexts=build_contexts,
            platform=platform,
        )
    )
    run_session(session, quiet=quiet)
    if as_json:
        import json

        from msbtui.report.inspect_json import inspect_document

        print(json.dumps(inspect_document(session, files=files), indent=2))
    else:
        from msbtui.report.inspect_text import inspect_text

        click.echo(inspect_text(session, files=files), color=False if no_color else None)
    if not quiet and session.image is not None:
        for note in session.image.notes:
            click.echo(f"note: {note}", err=True)
    return 0
