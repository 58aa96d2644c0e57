"""`msbtui graph DOCKERFILE`: the stage graph."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from msbtui.cli.helped import HelpedCommand
from msbtui.cli.options import Named, build_file_target, named_contexts, opens_image, pairs, quiet_plain_option, run_session
from msbtui.errors import MsbtuiError, UsageError
from msbtui.report.graph_exports import FORMATS
from msbtui.text import printable

if TYPE_CHECKING:
    from msbtui.dockerfile.model import Dockerfile, StageGraph
    from msbtui.session.rows.stages import StageFacts


@click.command(
    cls=HelpedCommand,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: msbtui graph Dockerfile --layers --format svg -o stages.svg",
)
@click.argument("dockerfiles", nargs=-1, metavar="[DOCKERFILE]...")
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("-o", "--output", metavar="FILE", help="Write to FILE instead of standard output.")
@click.option("--layers", is_flag=True, help="Show the instructions inside the stages.")
@opens_image(image="The image that was built from it: its bytes by stage and by edge are shown.", dockerfile="")
@click.option("--sizes", is_flag=True, help="Show bytes; without --image, of the engine's image that fits best.")
@click.option("--context", is_flag=True, help="Say what the build context sends, and what each COPY and ADD takes of it.")
@click.option("--legend", is_flag=True, help="Say what the signs mean.")
@click.option("--direction", type=click.Choice(("TB", "BT", "LR", "RL"), case_sensitive=False), default="TB", show_default=True)
@click.option("--ascii", "plain", is_flag=True, help="Draw text in ASCII; done by itself where the output is not UTF-8.")
@click.option("--check", is_flag=True, help="Evaluate every stage, and say where other tools read the file otherwise.")
@quiet_plain_option
def graph_command(dockerfiles: tuple[str, ...], **words: Any) -> int:
    """Print the stage graph of DOCKERFILE (a file, a folder with one, or `-`) as BuildKit reads it.

    Several are drawn as text, one below the other; without any, the current folder's.
    A bake or compose file is taken too: docker-bake.hcl:TARGET, compose.yaml:SERVICE.

    SVG, PNG and HTML are drawn by msbtui itself; dot and mermaid are for those who have these tools.
    A file that BuildKit rejects still gives the part that is sound, and exit code 4.
    """
    if len(dockerfiles) < 2:
        return _graph(next(iter(dockerfiles), "."), **words)
    if words["form"] != "text" or words["output"] is not None:
        raise UsageError("several Dockerfiles are drawn as text only, and to standard output", hint="name one")
    code = 0
    for at, each in enumerate(dockerfiles):
        click.echo(f"{chr(10) if at else ''}{printable(each)}:")
        try:
            code = max(code, _graph(each, **words))
        except MsbtuiError as error:
            click.echo(f"msbtui: {error}", err=True)
            code = max(code, error.exit_code)
    return code


def _graph(
    dockerfile: str,
    *,
    form: str,
    output: str | None,
    layers: bool,
    named: Named,
    sizes: bool,
    context: bool,
    legend: bool,
    direction: str,
    plain: bool,
    check: bool,
    quiet: bool,
) -> int:
    from msbtui.dockerfile.graph import build_checks, build_graph
    from msbtui.dockerfile.parser import parse
    from msbtui.session.files import keep_apart, read_dockerfile

    if form == "png" and output is None and sys.stdout.isatty():
        raise UsageError("a picture does not go to a terminal", hint="name a file with -o")
    args, contexts = pairs(named.build_args, "--build-arg"), named_contexts(named.build_contexts)
    stage, platform = named.stage, named.platform
    build = build_file_target(dockerfile)
    folder = None
    if build is not None:
        args, contexts = {**build.args, **args}, {**build.contexts, **contexts}
        stage, platform = stage or build.stage, platform or next(iter(build.platforms), None)
        folder = build.folder / build.context
        dockerfile = str(build.path)
    if build is not None and build.inline is not None:
        path, source = dockerfile, build.inline.encode("utf-8", "surrogateescape")
    else:
        path, source = read_dockerfile(dockerfile)
    if output is not None:
        keep_apart(Path(output), path)
    parsed = parse(source, path)
    graph = build_graph(parsed, target=stage, build_args=args, build_contexts=contexts, platform=platform, all_stages=check)
    if check:
        from msbtui.dockerfile.second_opinion import read_differently

        graph = msgspec.structs.replace(graph, warnings=(*build_checks(parsed, graph), *read_differently(parsed)))
    facts = None
    if (named.image is not None or sizes) and not graph.errors:
        if path == "-":
            raise UsageError("sizes need a Dockerfile on disk, not standard input")
        options = msgspec.structs.replace(
            msgspec.structs.replace(named, build_args=(), build_contexts=(), stage=stage, platform=platform).options(path),
            build_args=args,
            build_contexts=contexts,
        )
        from msbtui.session import Session
        from msbtui.session.rows.facts import session_facts

        session = Session(options)
        run_session(session, quiet=quiet)
        facts = session_facts(session)
        if session.graph is not None and not check and not session.graph.errors:
            # The engine may know ONBUILD triggers of the bases, which the text does not have.
            graph = session.graph
    _write(form, output, parsed, graph, facts, layers, legend, direction.upper(), plain)
    if context:
        _tell_context(path, folder, parsed, to_stderr=form != "text" and output is None)
    _complain(path, graph, with_warnings=form != "json" and not quiet)
    return 4 if graph.errors else 0


def _write(
    form: str,
    output: str | None,
    parsed: Dockerfile,
    graph: StageGraph,
    facts: StageFacts | None,
    layers: bool,
    legend: bool,
    direction: str,
    plain: bool,
) -> None:
    from msbtui.report.graph_exports import export_graph

    cells = min(max(shutil.get_terminal_size().columns, 40), 120)
    document = export_graph(form, parsed, graph, facts, layers=layers, legend=legend, direction=direction, cells=cells)
    if form == "text" and isinstance(document, str):
        from msbtui.session.rows.plain import ascii_text, wants_ascii

        if plain or (output is None and wants_ascii(sys.stdout.encoding)):
            document = "\n".join(map(ascii_text, document.split("\n")))
    if output is not None:
        from msbtui.session.files import write

        write(Path(output), document.encode("utf-8") if isinstance(document, str) else document)
    elif isinstance(document, str) and form in ("text", "json"):
        sys.stdout.write(document)
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(document.encode("utf-8") if isinstance(document, str) else document)


def _tell_context(path: str, folder: Path | None, parsed: Dockerfile, *, to_stderr: bool) -> None:
    if path == "-":
        raise UsageError("a Dockerfile from standard input has no context", hint="name the file")
    from msbtui.session.context import read_context
    from msbtui.session.rows.inputs import context_lines

    click.echo("", err=to_stderr)
    for line in context_lines(read_context(Path(path), folder), parsed):
        click.echo(line, err=to_stderr)


def _complain(path: str, graph: StageGraph, *, with_warnings: bool) -> None:
    from msbtui.report.graph_json import warning_text

    if with_warnings:
        for warning in graph.warnings:
            click.echo(f"{path}:{warning.line}: {warning_text(warning)}", err=True)
    for problem in graph.errors:
        place = f"{path}:{problem.line}:{problem.column}" if problem.line else path
        click.echo(
            f"msbtui: {place}: {problem.message}"
            + (f" ({problem.hint})" if problem.hint and problem.hint not in problem.message else ""),
            err=True,
        )
