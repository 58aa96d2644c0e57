"""Where other tools read a Dockerfile otherwise than BuildKit: a second opinion by the package dockerfile-parse.

Build systems and update bots that are written in Python read Dockerfiles with it. It knows no heredocs and ends comments and
continuation lines a little otherwise, so that such a tool may edit or judge another instruction than the one that is built.
"""

from __future__ import annotations

import io
import logging

from msbtui.dockerfile.model import Dockerfile, Problem

RULE = "ReadDifferently"


def read_differently(dockerfile: Dockerfile) -> list[Problem]:
    """Give a warning for each instruction that dockerfile-parse sees otherwise: at other lines, or only one of the two sees it.

    Empty for a Dockerfile with errors: then the two have nothing in common to compare.
    """
    if dockerfile.errors:
        return []
    ours = {each.span.first_line: (each.keyword, each.span.last_line) for each in dockerfile.instructions}
    theirs = _instructions(dockerfile.source)
    problems = []
    for line in sorted({*ours, *theirs}):
        mine, other = ours.get(line), theirs.get(line)
        if mine == other:
            continue
        if other is None:
            message = f"tools that use dockerfile-parse do not see the {mine[0]} here" if mine else ""
        elif mine is None:
            message = f"tools that use dockerfile-parse take this line for the instruction {other[0][:40]}"
        else:
            message = f"tools that use dockerfile-parse take {mine[0]} to end at line {other[1]}, not at {mine[1]}"
        problems.append(Problem(message, line, 1, rule=RULE))
    return problems


def _instructions(source: str) -> dict[int, tuple[str, int]]:
    """Give keyword and last line of what dockerfile-parse sees, by first line (from 1)."""
    from dockerfile_parse import DockerfileParser

    # It logs what it reads; that is nobody's business here.
    logging.getLogger("dockerfile_parse").addHandler(logging.NullHandler())
    parser = DockerfileParser(fileobj=io.BytesIO(source.encode("utf-8", "replace")))
    return {
        each["startline"] + 1: (each["instruction"], each["endline"] + 1)
        for each in parser.structure
        if each["instruction"] != "COMMENT"
    }
