"""The stage graph as the JSON document of the command line contract (DESIGN.md section 6)."""

from __future__ import annotations

from typing import Any

from msbtui.dockerfile.model import Problem, Span, StageGraph

SCHEMA_VERSION = 1


def graph_document(graph: StageGraph) -> dict[str, Any]:
    """Give the document of `graph --format json`; its schema is `schemas/graph.json` beside this file."""
    return {
        "schema_version": SCHEMA_VERSION,
        "target_index": graph.target_index,
        "stages": [
            {
                "index": stage.index,
                "name": stage.name,
                "base": stage.base.as_json(),
                "reachable": stage.reachable,
                "named_context": stage.named_context,
                "context_paths": list(stage.context_paths),
                "line": stage.line,
            }
            for stage in graph.stages
        ],
        "edges": [
            {
                "from": edge.origin.as_json(),
                "to": edge.to,
                "via": edge.via,
                "uses": [{"line": use.line, "source": use.source, "target": use.target} for use in edge.uses],
            }
            for edge in graph.edges
        ],
        "warnings": [warning_text(problem) for problem in graph.warnings],
        "errors": [
            {"message": problem.message, "line": problem.line, "column": problem.column, "hint": problem.hint}
            for problem in graph.errors
        ],
        "spans": _spans(graph),
    }


def _spans(graph: StageGraph) -> dict[str, Any]:
    """Give where stages, their FROM, and the instruction of each use stand, in the order of `stages` and `edges`.

    An ONBUILD trigger acts at the FROM of the stage that inherits it. What has no place in the file is null.
    """
    at_line = {item.span.first_line: item.span for stage in graph.stages for item in stage.instructions}
    return {
        "stages": [
            {
                "stage": _span(stage.span),
                "base": _span(next((item.span for item in stage.instructions if item.keyword == "FROM"), None)),
            }
            for stage in graph.stages
        ],
        "edges": [{"uses": [_span(at_line.get(use.line)) for use in edge.uses]} for edge in graph.edges],
    }


def _span(span: Span | None) -> dict[str, int] | None:
    if span is None:
        return None
    return {"first_line": span.first_line, "last_line": span.last_line, "start": span.start, "end": span.end}


def warning_text(problem: Problem) -> str:
    """Give a warning as BuildKit prints it: `Rule: message`."""
    return f"{problem.rule}: {problem.message}" if problem.rule else problem.message
