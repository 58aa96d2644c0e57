"""`msbtui graph DOCKERFILE`: the stage graph."""

from __future__ import annotations

import shutil

import msgspec
import rich_click as click

from msbtui.cli.options import build_inputs, pairs


@click.command(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: msbtui graph Dockerfile --target build --format json",
)
@click.argument("dockerfile", default=".")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@build_inputs
@click.option("--check", is_flag=True, help="Evaluate every stage, and say where other tools read the file otherwise.")
def graph_command(
    dockerfile: str,
    form: str,
    stage: str | None,
    build_args: tuple[str, ...],
    build_contexts: tuple[str, ...],
    platform: str | None,
    check: bool,
) -> int:
    """Print the stage graph of DOCKERFILE (a file, a folder with one, or `-`) as BuildKit reads it.

    A file that BuildKit rejects still gives the part that is sound, and exit code 4.
    """
    from msbtui.dockerfile.graph import build_graph
    from msbtui.dockerfile.parser import parse
    from msbtui.session.files import read_dockerfile

    path, source = read_dockerfile(dockerfile)
    parsed = parse(source, path)
    graph = build_graph(
        parsed,
        target=stage,
        build_args=pairs(build_args, "--build-arg"),
        build_contexts=pairs(build_contexts, "--build-context"),
        platform=platform,
        all_stages=check,
    )
    if check:
        from msbtui.dockerfile.second_opinion import read_differently

        graph = msgspec.structs.replace(graph, warnings=(*graph.warnings, *read_differently(parsed)))
    if form == "json":
        import json

        from msbtui.report.graph_json import graph_document

        print(json.dumps(graph_document(graph), indent=2))
    else:
        from msbtui.report.graph_json import warning_text
        from msbtui.session.rows.stages import graph_text

        print(graph_text(graph, cells=min(max(shutil.get_terminal_size().columns, 40), 120)), end="")
        for warning in graph.warnings:
            click.echo(f"{path}:{warning.line}: {warning_text(warning)}", err=True)
    for problem in graph.errors:
        place = f"{path}:{problem.line}:{problem.column}" if problem.line else path
        click.echo(
            f"msbtui: {place}: {problem.message}"
            + (f" ({problem.hint})" if problem.hint and problem.hint not in problem.message else ""),
            err=True,
        )
    return 4 if graph.errors else 0
