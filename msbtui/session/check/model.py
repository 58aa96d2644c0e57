"""What a check gives: one result a rule, each with the places that break it."""

from __future__ import annotations

import msgspec


class Violation(msgspec.Struct, frozen=True):
    """One place that breaks a rule."""

    message: str
    bytes: int = 0
    line: int | None = None
    """Dockerfile line, from 1; None where no line is known."""
    last_line: int | None = None
    """Last line of the instruction at `line`."""
    layer: int | None = None
    """From 0 at the base; None where the rule is about the whole image."""
    finding: str = ""
    """Id of the finding, `A1`."""
    paths: tuple[str, ...] = ()
    advice: str = ""


class RuleResult(msgspec.Struct, frozen=True):
    """One rule's verdict."""

    rule: str
    """As in `.msbtui.toml`: `max-size`; or as in `.dive-ci`: `highestWastedBytes`."""
    title: str
    passed: bool
    found: str
    """What the image has, in words: `462 MB`."""
    limit: str
    """What the rule allows, in words: `at most 300 MB`."""
    note: str = ""
    """What a person should know of the number (where dive's differs and why)."""
    violations: tuple[Violation, ...] = ()
    """At least one where the rule failed."""


class CheckReport(msgspec.Struct, frozen=True):
    """All rules' verdicts on one image."""

    image: str
    dockerfile: str
    """Path of the Dockerfile as given; empty where none is known."""
    sources: tuple[str, ...]
    """Where the rules come from: file names, `command line`, `defaults`."""
    results: tuple[RuleResult, ...]

    @property
    def passed(self) -> bool:
        """Whether every rule holds."""
        return all(result.passed for result in self.results)

    @property
    def verdict(self) -> str:
        """The whole in words: `1 of 2 rules failed`."""
        count, failed = len(self.results), sum(not result.passed for result in self.results)
        if count < 2:
            return f"the rule {'failed' if failed else 'holds'}" if count else "no rules"
        return f"{failed} of {count} rules failed" if failed else f"all {count} rules hold"
