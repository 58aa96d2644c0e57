"""The compiled loops (`_fast.pyx`), where they were built: without a C compiler everything works, a few times slower.

`MSBTUI_PURE=1` in the environment leaves them out.
"""

from __future__ import annotations

import os
from typing import Any, Final

_FORM: Final = 3
"""The `FORM` of compiled modules that fit this code; one that was built from older source is left alone."""


def _load() -> Any:
    if os.environ.get("MSBTUI_PURE"):
        return None
    try:
        from msbtui.image import _fast
    except ImportError:
        return None
    return _fast if _fast.FORM == _FORM else None


compiled: Final = _load()
"""The compiled module, or None."""
