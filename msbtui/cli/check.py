"""`msbtui check TARGET`: rules for continuous integration."""

from __future__ import annotations

import json
from pathlib import Path

import rich_click as click

from msbtui.cli.options import Named, opens_image, quiet_option, run_session
from msbtui.errors import UsageError
from msbtui.session.check import CheckConfig, CheckReport, find_config, run_check
from msbtui.session.check.config import DEFAULTS, known_kind, parse_growth, parse_share, parse_size

FORMATS = ("text", "json", "sarif", "junit", "github", "gitlab")


@click.command(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: msbtui check docker:app:latest --dockerfile Dockerfile --max-waste 20MB --forbid compiler --format github",
)
@click.argument("target", default=".")
@opens_image()
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("-o", "--output", metavar="FILE", help="Write the report there instead of standard output.")
@click.option("--config", metavar="FILE", help="Rules; default: .msbtui.toml and .dive-ci beside the Dockerfile or here.")
@click.option("--no-config", is_flag=True, help="Read no file of rules.")
@click.option("--max-size", metavar="SIZE", help="The image's size at most: 300MB.")
@click.option("--max-waste", metavar="SIZE", help="Wasted bytes at most.")
@click.option("--max-waste-share", metavar="SHARE", help="Wasted share of the image at most: 10% or 0.1.")
@click.option("--max-layer-size", metavar="SIZE", help="Size of each layer above the base at most.")
@click.option("--max-above-base", metavar="SIZE", help="Bytes that the layers above the base image add at most.")
@click.option("--forbid", "forbidden", multiple=True, metavar="KIND", help="Forbid a kind of waste (repeatable): package-cache.")
@click.option("--forbid-traps", is_flag=True, help="Forbid lines that leave something else in the image than they seem to.")
@click.option(
    "--baseline", metavar="FILE|IMAGE", help="What to compare with: what `inspect --json` wrote, or docker:NAME and its like."
)
@click.option("--max-growth", metavar="SIZE", help="Growth since the baseline at most: 10MB or 5%; default 0.")
@quiet_option
def check_command(
    target: str,
    named: Named,
    form: str,
    output: str | None,
    config: str | None,
    no_config: bool,
    max_size: str | None,
    max_waste: str | None,
    max_waste_share: str | None,
    max_layer_size: str | None,
    max_above_base: str | None,
    forbidden: tuple[str, ...],
    forbid_traps: bool,
    baseline: str | None,
    max_growth: str | None,
    quiet: bool,
    no_color: bool,
) -> int:
    """Hold an image to rules on size, waste, secrets, compilers and growth; for continuous integration.

    Rules come from options, .msbtui.toml and an existing .dive-ci; without any: no secrets, and at most 10 % waste.
    Exit code 0 where all hold, 1 where one fails, 2 for rules that are none, 4 for what cannot be read.
    """
    from msbtui.session import Session
    from msbtui.session.files import keep_apart, require_writable, write

    if output is not None:
        require_writable(Path(output))
    if no_config and config is not None:
        raise UsageError("--config and --no-config exclude each other")
    # What is wrong with the rules is said before a long read.
    folders = [
        Path(word) if Path(word).is_dir() else Path(word).parent for word in (named.dockerfile, target) if word and _is_path(word)
    ]
    rules = CheckConfig() if no_config else find_config([*folders, Path()], config=config)
    rules = _with_options(
        rules,
        max_size=max_size,
        max_waste=max_waste,
        max_waste_share=max_waste_share,
        max_layer_size=max_layer_size,
        max_above_base=max_above_base,
        forbidden=forbidden,
        forbid_traps=forbid_traps,
        baseline=baseline,
        max_growth=max_growth,
    )
    if rules.is_empty:
        rules = DEFAULTS
    if rules.baseline:
        from msbtui.session.check.baseline import is_image, read_baseline

        if not is_image(rules.baseline):
            read_baseline(Path(rules.baseline))
    session = Session(named.options(target))
    run_session(session, quiet=quiet)
    report = run_check(session, rules)
    written = render(report, form)
    if output is None:
        click.echo(written, color=False if no_color else None)
    else:
        keep_apart(Path(output), session.dockerfile_path)
        write(Path(output), (written + "\n").encode("utf-8", "backslashreplace"))
        if not quiet:
            click.echo(f"wrote {output}", err=True)
    return 0 if report.passed else 1


def _is_path(word: str) -> bool:
    return Path(word).exists()


def _with_options(rules: CheckConfig, **words: object) -> CheckConfig:
    """Give the rules with those of the command line over them."""
    import msgspec

    changes: dict[str, object] = {}
    for name in ("max_size", "max_waste", "max_layer_size", "max_above_base"):
        if isinstance(word := words[name], str):
            changes[name] = parse_size(word, f"--{name.replace('_', '-')}")
    if isinstance(word := words["max_waste_share"], str):
        changes["max_waste_share"] = parse_share(word, "--max-waste-share")
    if words["forbidden"]:
        assert isinstance(words["forbidden"], tuple)
        named = tuple(known_kind(kind, "--forbid") for kind in words["forbidden"])
        changes["forbid_kinds"] = tuple(dict.fromkeys((*rules.forbid_kinds, *named)))
    if words["forbid_traps"]:
        changes["forbid_traps"] = True
    baseline, growth = words["baseline"], words["max_growth"]
    if isinstance(growth, str) and not (baseline or rules.baseline):
        raise UsageError("--max-growth needs --baseline")
    if isinstance(baseline, str):
        changes["baseline"] = baseline
        if rules.max_growth is None and rules.max_growth_share is None:
            changes["max_growth"] = 0
    if isinstance(growth, str):
        changes["max_growth"], changes["max_growth_share"] = parse_growth(growth, "--max-growth")
    if not changes:
        return rules
    return msgspec.structs.replace(rules, sources=(*rules.sources, "command line"), **changes)


def render(report: CheckReport, form: str) -> str:
    """Give the report in one of `FORMATS`."""
    if form == "json":
        from msbtui.report.check_json import check_document

        return json.dumps(check_document(report), indent=2)
    if form == "sarif":
        from msbtui.report.sarif import sarif_document

        return json.dumps(sarif_document(report), indent=2)
    if form == "gitlab":
        from msbtui.report.gitlab import gitlab_document

        return json.dumps(gitlab_document(report), indent=2)
    if form == "junit":
        from msbtui.report.junit import junit_text

        return junit_text(report)
    if form == "github":
        from msbtui.report.github import github_text

        return github_text(report)
    from msbtui.report.check_text import check_text

    return check_text(report)
