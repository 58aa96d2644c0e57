"""`msbtui fix DOCKERFILE`: the cures that need no build stage, as a diff or written."""

from __future__ import annotations

import sys
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from msbtui.cli.options import Named, opens_image, quiet_option, run_session
from msbtui.errors import UsageError
from msbtui.text import printable, size

if TYPE_CHECKING:
    from msbtui.analysis.cure import Cure, Lines
    from msbtui.session import Session


@click.command(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: msbtui fix Dockerfile --image app:latest --only A2 --only A3 --write",
)
@click.argument("target", metavar="DOCKERFILE", default=".")
@opens_image(
    image="The image that the Dockerfile built; default: the engine's that fits it best.",
    dockerfile="The Dockerfile, where DOCKERFILE names an image.",
)
@click.option("--only", multiple=True, metavar="ID", help="Make only this cure or the cure of this finding (repeatable).")
@click.option("--diff", "mode", flag_value="diff", default="diff", help="Print a unified diff (the default).")
@click.option("--write", "mode", flag_value="write", help="Write the Dockerfile and its .dockerignore.")
@click.option("--list", "mode", flag_value="list", help="List the cures, those too that are only made when they are named.")
@quiet_option
def fix_command(
    target: str,
    named: Named,
    only: tuple[str, ...],
    mode: str,
    quiet: bool,
    no_color: bool,
) -> int:
    """Cure what can be cured in place: clean up in the same RUN, COPY --chown, one RUN of several, .dockerignore lines.

    Every byte that no cure touches stays. What needs a build stage is left to `msbtui split`. Where no image is known, those
    cures are made that the text alone shows, and what they save is unknown. Exit code 0 also where there is nothing to do.
    """
    from msbtui.analysis.cure import cured, find_cures, ignored_text
    from msbtui.session import Session
    from msbtui.session.cures import chosen, cures_by_text, ignore_file, world_of

    if target == "-" and named.dockerfile is None:
        raise UsageError(
            "standard input is an image, and its Dockerfile is not named", hint="name the Dockerfile, or add --dockerfile"
        )
    session = Session(named.options(target))
    run_session(session, quiet=quiet, image_needed=named.image is not None)
    world: Lines
    if session.image is None:
        world, cures = cures_by_text(session)
    else:
        world = world_of(session)
        cures = find_cures(world)
    assert session.dockerfile is not None
    if mode == "list":
        click.echo("\n".join(_rows(cures)) or "Nothing can be cured in place.", color=False if no_color else None)
        return 0
    result = cured(world, chosen(cures, only, [finding.id for finding in session.waste.findings] if session.waste else []))
    from msbtui.dockerfile.edit import apply

    files = []
    if result.data != (before := apply(session.dockerfile, [])):
        files.append((session.dockerfile_path, session.dockerfile.path, before, result.data))
    if result.ignore_lines:
        path = ignore_file(session) if session.dockerfile_path is not None else None
        old = _read(path)
        new = ignored_text(old.decode("utf-8", "surrogateescape"), result.ignore_lines).encode("utf-8", "surrogateescape")
        if new != old:
            files.append((path, str(path or ".dockerignore"), old, new))
    for path, name, old, new in files:
        if mode == "diff":
            _print_diff(name, old, new)
        else:
            _write(path, name, new)
            if not quiet:
                click.echo(f"wrote {printable(name)}", err=True)
    if not quiet:
        for line in _said(session, result.made, result.left):
            click.echo(line, err=True)
    return 0


def _read(path: Path | None) -> bytes:
    from msbtui.session.files import read

    return read(path) if path is not None and path.is_file() else b""


def _write(path: Path | None, name: str, data: bytes) -> None:
    from msbtui.session.files import write

    if path is None:
        raise UsageError("there is no file to write", where=printable(name), hint="name the Dockerfile with --dockerfile")
    write(path, data)


def _print_diff(name: str, old: bytes, new: bytes) -> None:
    """Print a diff that `patch` understands, byte for byte; made printable where a terminal would read its bytes."""

    def lines(data: bytes) -> list[str]:
        return data.decode("utf-8", "surrogateescape").replace("\n", "\n\0").removesuffix("\0").split("\0")

    name = printable(name)
    before = lines(old) if old else []
    out = []
    for line in unified_diff(before, lines(new), f"{name}" if old else "/dev/null", name):
        whole = line if line.endswith("\n") else line + "\n\\ No newline at end of file\n"
        out.append("\n".join(map(printable, whole.split("\n"))) if sys.stdout.isatty() else whole)
    sys.stdout.flush()
    sys.stdout.buffer.write("".join(out).encode("utf-8", "surrogateescape"))
    sys.stdout.buffer.flush()


def _rows(cures: tuple[Cure, ...]) -> list[str]:
    from msbtui.report.table import columns

    rows = [(cure.id, _saves(cure), "when named" if cure.optional else "", cure.kind, printable(cure.title)) for cure in cures]
    lines = columns(rows, right=(1,)) if rows else []
    for at, cure in reversed(list(enumerate(cures))):
        if cure.note:
            lines.insert(at + 1, f"      {cure.note}")
    return lines


def _saves(cure: Cure) -> str:
    return size(cure.saves) if cure.sized else "unknown"


def _said(session: Session, made: tuple[Cure, ...], left: tuple[tuple[Cure, str], ...]) -> list[str]:
    lines = [f"{cure.id}  {_saves(cure)}  {printable(cure.title)}" for cure in made]
    lines += [f"{cure.id}  not made: {why}" for cure, why in left]
    total = sum(cure.saves for cure in made)
    if session.waste is None:
        more = "no image is known that this Dockerfile built: with --image the bytes count, and what they show is cured too"
        return [*lines, more if made else f"nothing in the text to cure in place; {more}"]
    lines.append(f"saves {size(total)}" if made else "nothing to cure in place")
    done = {name for cure in made for name in cure.findings}
    rest = [
        one for one in session.waste.findings if one.id not in done and not one.in_base and one.confidence in "AB" and one.bytes
    ]
    if rest:
        names = ", ".join(one.id for one in rest[:8]) + (f" and {len(rest) - 8} more" if len(rest) > 8 else "")
        lines.append(
            f"left: {names} ({size(sum(one.bytes for one in rest))}); `msbtui split` moves what it can into a build stage"
        )
    return lines
