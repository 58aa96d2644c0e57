"""`check --format junit`: one test case a rule, as the schema of Jenkins' xUnit plug-in allows (junit-10.xsd)."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, quoteattr

from msbtui.report.fingerprint import artifact, sentence
from msbtui.session.check import CheckReport, Violation

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML document may hold (XML 1.0, section 2.2)."""


def junit_text(report: CheckReport) -> str:
    """Give the verdicts as a JUnit XML report."""
    failed = sum(not result.passed for result in report.results)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuites tests="{len(report.results)}" failures="{failed}">',
        f'  <testsuite name={_attribute(f"msbtui check {report.image}")} tests="{len(report.results)}" failures="{failed}" '
        'errors="0" skipped="0">',
    ]
    for result in report.results:
        head = f"    <testcase classname={_attribute(report.image)} name={_attribute(f'{result.rule}: {result.title}')}"
        if result.passed and not result.note:
            lines.append(head + "/>")
            continue
        lines.append(head + ">")
        if not result.passed:
            said = f"{result.found}, allowed: {result.limit}"
            body = "\n".join(_place(report, violation) + sentence(violation) for violation in result.violations)
            lines.append(f"      <failure type={_attribute(result.rule)} message={_attribute(said)}>{_text(body)}</failure>")
        if result.note:
            lines.append(f"      <system-out>{_text(result.note)}</system-out>")
        lines.append("    </testcase>")
    return "\n".join([*lines, "  </testsuite>", "</testsuites>"])


def _place(report: CheckReport, violation: Violation) -> str:
    return f"{artifact(report)}:{violation.line}: " if violation.line is not None else ""


def _attribute(text: str) -> str:
    return quoteattr(_FORBIDDEN.sub("�", text))


def _text(text: str) -> str:
    return escape(_FORBIDDEN.sub("�", text))
