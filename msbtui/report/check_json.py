"""`check --format json`."""

from __future__ import annotations

from typing import Any

from msbtui.session.check import CheckReport

SCHEMA_VERSION = 1


def check_document(report: CheckReport) -> dict[str, Any]:
    """Give the document of `check --format json` (its schema: schemas/check.json)."""
    return {
        "schema_version": SCHEMA_VERSION,
        "image": report.image,
        "dockerfile": report.dockerfile or None,
        "sources": list(report.sources),
        "passed": report.passed,
        "rules": [
            {
                "rule": result.rule,
                "title": result.title,
                "passed": result.passed,
                "found": result.found,
                "limit": result.limit,
                "note": result.note,
                "violations": [
                    {
                        "message": violation.message,
                        "bytes": violation.bytes,
                        "line": violation.line,
                        "last_line": violation.last_line,
                        "layer": violation.layer,
                        "finding": violation.finding or None,
                        "paths": list(violation.paths),
                        "advice": violation.advice,
                    }
                    for violation in result.violations
                ],
            }
            for result in report.results
        ],
    }
