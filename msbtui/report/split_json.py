"""`split --json`: the plan as the command line contract has it (DESIGN.md section 6)."""

from __future__ import annotations

from typing import Any

from msbtui.split.model import Plan

SCHEMA_VERSION = 1


def split_document(plan: Plan) -> dict[str, Any]:
    """Give the document of `split --json`; sizes in bytes, `size_after` null where neither is known."""
    sizes = {"estimated": plan.size_after.estimated, "measured": plan.size_after.measured}
    after = {name: count for name, count in sizes.items() if count is not None} or None
    return {
        "schema_version": SCHEMA_VERSION,
        "decision": plan.decision,
        "reasons": list(plan.reasons),
        "proven": plan.proven,
        "dockerfile": plan.dockerfile,
        "size_before": plan.size_before,
        "size_after": after,
        "verified": plan.verified,
        "checks": [{"name": check.name, "passed": check.passed, "detail": check.detail} for check in plan.checks],
        "steps": [{"what": step.what, "why": step.why, "evidence": list(step.evidence)} for step in plan.steps],
        "left_out": [{"what": item.what, "bytes": item.bytes, "why": item.why} for item in plan.left_out],
        "caution": [{"what": item.what, "bytes": item.bytes, "why": item.why} for item in plan.caution],
        "rung": plan.rung or None,
        "rungs": [
            {"name": rung.name, "what": rung.what, "risk": rung.risk, "estimated": rung.estimated, "chosen": rung.chosen}
            for rung in plan.rungs
        ],
        "traced": [{"what": run.what, "how": run.how, "files": run.files} for run in plan.traced],
        "rounds": [{"rung": one.rung or None, "lesson": one.lesson, "added": list(one.added)} for one in plan.rounds],
    }
