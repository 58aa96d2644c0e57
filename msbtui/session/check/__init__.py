"""Rules for continuous integration: what an image may weigh, waste and hold, and what of that is broken."""

from __future__ import annotations

from msbtui.session.check.baseline import read_baseline
from msbtui.session.check.config import CheckConfig, Ignored, find_config
from msbtui.session.check.model import CheckReport, RuleResult, Violation
from msbtui.session.check.rules import run_check

__all__ = [
    "CheckConfig",
    "CheckReport",
    "Ignored",
    "RuleResult",
    "Violation",
    "find_config",
    "read_baseline",
    "run_check",
]
