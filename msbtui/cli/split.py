"""`msbtui split DOCKERFILE`: the multi-stage Dockerfile, as plan and diff, written, and verified."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import rich_click as click

from msbtui.cli.builds import build_flags, builder_options
from msbtui.cli.options import Named, ProgressLine, opens_image, quiet_option, run_session
from msbtui.cli.signals import ended_by_signals
from msbtui.errors import TargetError, UsageError


@click.command(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: msbtui split Dockerfile --image app:latest --verify --smoke 'app --version' -o Dockerfile.split",
)
@click.argument("dockerfile", default=".")
@opens_image(image="The image that the Dockerfile built; default: the engine's that fits it best.", dockerfile="")
@click.option("-o", "--output", metavar="FILE", help="Write the new Dockerfile there.")
@click.option("--force", is_flag=True, help="Write over an existing FILE.")
@click.option("--verify", is_flag=True, help="Build both Dockerfiles on the engine and check the result.")
@click.option(
    "--smoke",
    "smokes",
    multiple=True,
    metavar="CMD",
    help="Compare this command's run in both images (repeatable; builds like --verify).",
)
@click.option(
    "--smoke-http",
    "paths",
    multiple=True,
    metavar="PATH",
    help="Compare what both answer to GET PATH on each port (repeatable; builds like --verify).",
)
@click.option(
    "--trace",
    is_flag=True,
    help="Watch which files the original opens as it starts and in each --smoke, and keep them too (builds like --verify).",
)
@click.option(
    "--prefer",
    type=click.Choice(["small", "safe"]),
    default="small",
    show_default=True,
    help="Start with the smallest sound plan, or with one that keeps whole directories.",
)
@click.option("--explain", is_flag=True, help="Say of each line why it is there, what stays behind, and what is uncertain.")
@click.option("--context", metavar="FOLDER", help="Build context; default: the Dockerfile's folder.")
@click.option("--json", "as_json", is_flag=True, help="The plan as JSON.")
@builder_options
@quiet_option
def split_command(
    dockerfile: str,
    named: Named,
    output: str | None,
    force: bool,
    verify: bool,
    smokes: tuple[str, ...],
    paths: tuple[str, ...],
    trace: bool,
    prefer: str,
    explain: bool,
    context: str | None,
    as_json: bool,
    builder: str | None,
    quiet: bool,
    no_color: bool,
    **flags: Any,
) -> int:
    """Plan the multi-stage Dockerfile that leaves the waste in a build stage, and print it with the reasons.

    With the built image the plan comes from what is in it; without one from the text alone, and says so.
    Exit code 0 for a plan, 3 where a split is refused or not worth it, 1 where a check of --verify failed.
    """
    from msbtui.session import Session
    from msbtui.session.files import require_writable, write

    if dockerfile == "-":
        raise UsageError("split needs the Dockerfile as a file, not from standard input", hint="name the file")
    if output is not None:
        require_writable(Path(output))
        if Path(output).exists() and not force:
            raise UsageError("there is a file already", where=output, hint="--force writes over it")
    for path in paths:
        if not path.startswith("/") or not path.isprintable() or " " in path:
            raise UsageError("--smoke-http takes a path that begins with /", where=path)
    given = named.options(dockerfile)
    session = Session(
        msgspec.structs.replace(given, builder=builder, build_flags=build_flags(flags), smokes=smokes, trace=trace, prefer=prefer)
    )
    run_session(session, quiet=quiet, plan=True, image_needed=False)
    if session.dockerfile is None or session.reconstructed:
        raise UsageError("split needs the Dockerfile, not only an image", where=dockerfile)
    if session.graph is not None and session.graph.errors:
        problem = session.graph.errors[0]
        raise TargetError(problem.message, where=f"{session.dockerfile.path}:{problem.line}", hint=problem.hint)
    checked = verify or bool(smokes) or bool(paths) or trace
    if session.no_image is not None and not quiet and not checked:
        click.echo(f"note: planned from the text alone: {session.no_image}", err=True)
    plan = session.plan
    assert plan is not None, "a session that ran with plan=True has one or raised"
    if checked and (plan.dockerfile or session.image is None):
        line = ProgressLine(quiet)
        try:
            with ended_by_signals():
                plan = session.verify(context=Path(context) if context else None, smokes=smokes, paths=paths, notify=line.show)
        finally:
            line.clear()
    plan = msgspec.structs.replace(plan, rungs=session.rungs())
    # The plan is written before the verdict is given: a plan that failed a check is what its author wants to look at.
    if output is not None and plan.dockerfile:
        write(Path(output), plan.dockerfile.encode("utf-8", "surrogateescape"))
        if not quiet:
            click.echo(f"wrote {output}", err=True)
    if as_json:
        import json

        from msbtui.report.split_json import split_document

        print(json.dumps(split_document(plan), indent=2))
    else:
        from msbtui.report.split_text import split_text

        click.echo(split_text(plan, session.dockerfile, explain=explain), color=False if no_color else None)
    if plan.decision in ("none", "refused"):
        return 3
    return 1 if plan.verified is False else 0
