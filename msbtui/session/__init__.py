"""What the faces read: one Session, its immutable results, its progress."""

from __future__ import annotations

from msbtui.session.session import Session

__all__ = ["Session"]
