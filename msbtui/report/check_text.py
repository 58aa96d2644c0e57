"""`check` for reading: each rule's verdict, and below a broken one what broke it."""

from __future__ import annotations

from msbtui.report.table import columns, wrapped
from msbtui.session.check import CheckReport, Violation
from msbtui.text import size

WIDTH = 100
_SHOWN = 12


def check_text(report: CheckReport) -> str:
    """Give the verdicts as text."""
    failed = [result for result in report.results if not result.passed]
    lines = [
        f"{report.image}" + (f"  {report.dockerfile}" if report.dockerfile else ""),
        f"rules: {', '.join(report.sources)}",
        "",
    ]
    rows = [("PASS" if result.passed else "FAIL", result.rule, result.found, f"({result.limit})") for result in report.results]
    lines += columns(rows)
    for result in report.results:
        if result.note:
            lines += wrapped(f"{result.rule}: {result.note}", WIDTH, "  ", "    ")
    for result in failed:
        lines += ["", f"{result.rule}: {result.title}"]
        for violation in result.violations[:_SHOWN]:
            lines += _violation(violation)
        if len(result.violations) > _SHOWN:
            lines.append(f"  and {len(result.violations) - _SHOWN} more")
    return "\n".join([*lines, "", report.verdict])


def _violation(violation: Violation) -> list[str]:
    places = [f"line {violation.line}"] if violation.line is not None else []
    places += [f"layer {violation.layer}"] if violation.layer is not None else []
    amount = f"{size(violation.bytes):>7}  " if violation.bytes else ""
    place = f"  [{', '.join(places)}]" if places else ""
    name = f"{violation.finding} " if violation.finding else ""
    lines = [f"  {name}{amount}{violation.message}{place}"]
    if violation.advice:
        lines += wrapped(f"→ {violation.advice}", WIDTH, " " * 6, " " * 8)
    return lines
