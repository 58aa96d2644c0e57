"""Bake and compose files as TARGET: `FILE:NAME` names one of their targets or services."""

from __future__ import annotations

from msbtui.session.buildfiles.choose import build_target

__all__ = ["build_target"]
