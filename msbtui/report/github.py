"""`check --format github`: workflow commands that show broken rules as annotations at the Dockerfile's lines.

GitHub, "Workflow commands for GitHub Actions"; escaping as actions/toolkit, packages/core/src/command.ts, has it.
"""

from __future__ import annotations

from msbtui.report.fingerprint import artifact, sentence
from msbtui.session.check import CheckReport, Violation


def github_text(report: CheckReport) -> str:
    """Give one `::error` command for each place that breaks a rule, a `::notice` for each note, and the verdict as text."""
    lines = []
    for result in report.results:
        lines += [_command("error", report, result.rule, sentence(violation), violation) for violation in result.violations]
        if result.note:
            lines.append(_command("notice", report, result.rule, result.note, None))
    return "\n".join([*lines, f"{_line(report.image)}: {report.verdict}"])


def _command(level: str, report: CheckReport, rule: str, message: str, violation: Violation | None) -> str:
    properties = {"title": f"msbtui {rule}"}
    if report.dockerfile and violation is not None:
        properties = {"file": artifact(report), **properties}
        if violation.line is not None:
            properties |= {"line": str(violation.line), "endLine": str(violation.last_line or violation.line)}
    said = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{level} {said}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _line(text: str) -> str:
    # A line of output that begins with `::` is a command.
    return text.replace("::", ": :").replace("\n", " ").replace("\r", " ")
