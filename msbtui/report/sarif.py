"""`check --format sarif`: broken rules as SARIF 2.1.0 results with Dockerfile line regions.

Static Analysis Results Interchange Format (SARIF) Version 2.1.0, OASIS Standard; sections are named below.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from msbtui import __version__
from msbtui.report.fingerprint import MOST_RESULTS, artifact, fingerprint, sentence
from msbtui.session.check import CheckReport, RuleResult, Violation

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif_document(report: CheckReport) -> dict[str, Any]:
    """Give one run with every rule that was checked, and one result for each place that breaks one."""
    results = [
        _result(report, index, result.rule, violation)
        for index, result in enumerate(report.results)
        for violation in result.violations
    ]
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "msbtui",
                        "semanticVersion": __version__,
                        "rules": [_rule(result) for result in report.results],
                    }
                },
                "invocations": [{"executionSuccessful": True}],
                "properties": {"image": report.image},
                "results": results[:MOST_RESULTS],
            }
        ],
    }


def _rule(result: RuleResult) -> dict[str, Any]:
    return {
        "id": result.rule,
        "shortDescription": {"text": result.title},
        "fullDescription": {"text": f"{result.title}: {result.limit}."},
        "defaultConfiguration": {"level": "error"},
    }


def _result(report: CheckReport, index: int, rule: str, violation: Violation) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": quote(artifact(report), safe="/-._~")}}
    if report.dockerfile:
        line = violation.line or 1
        # 3.30: lines from 1, endLine included
        physical["region"] = {"startLine": line, "endLine": max(violation.last_line or line, line)}
    location: dict[str, Any] = {"physicalLocation": physical}
    if violation.layer is not None:
        name = f"layer {violation.layer}"
        location["logicalLocations"] = [{"name": name, "fullyQualifiedName": f"{report.image}: {name}", "kind": "object"}]
    properties: dict[str, Any] = {"bytes": violation.bytes}
    if violation.finding:
        properties["finding"] = violation.finding
    if violation.paths:
        properties["paths"] = list(violation.paths[:50])
    return {
        "ruleId": rule,
        "ruleIndex": index,
        "level": "error",
        "message": {"text": sentence(violation)},
        "locations": [location],
        "partialFingerprints": {"msbtui/v1": fingerprint(report, rule, violation)},
        "properties": properties,
    }
