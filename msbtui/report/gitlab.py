"""`check --format gitlab`: a Code Quality report (GitLab, "Code Quality report format")."""

from __future__ import annotations

from typing import Any

from msbtui.report.fingerprint import MOST_RESULTS, artifact, fingerprint, sentence
from msbtui.session.check import CheckReport


def gitlab_document(report: CheckReport) -> list[dict[str, Any]]:
    """Give one issue for each place that breaks a rule; fingerprints are unique within the report, as the format asks."""
    issues: list[dict[str, Any]] = []
    seen: dict[str, int] = {}
    for result in report.results:
        for violation in result.violations:
            name = fingerprint(report, result.rule, violation)
            seen[name] = seen.get(name, 0) + 1
            line = violation.line or 1
            issues.append(
                {
                    "description": sentence(violation),
                    "check_name": result.rule,
                    "fingerprint": name if seen[name] == 1 else f"{name}-{seen[name]}",
                    "severity": "critical" if result.rule == "forbid-secrets" else "major",
                    "location": {
                        "path": artifact(report),
                        "lines": {"begin": line, "end": max(violation.last_line or line, line)},
                    },
                }
            )
    return issues[:MOST_RESULTS]
