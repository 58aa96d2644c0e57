"""SIGINT and SIGTERM while something is on the engine: the first ends the work, and the clean-up runs to its end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Raise KeyboardInterrupt at the first of either signal and leave further ones alone until this is left.

    What the first one interrupts cleans up in its `finally`, which takes seconds at most: a second signal must not cut that
    short. In another thread than the main one nothing is changed, since signals never come there.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    ended = False

    def end(*_: object) -> None:
        # not SIG_IGN: the programs that the clean-up runs would inherit that
        nonlocal ended
        if not ended:
            ended = True
            raise KeyboardInterrupt

    before = {each: signal.signal(each, end) for each in _SIGNALS}
    try:
        yield
    finally:
        for each, handler in before.items():
            with suppress(TypeError):  # None: a handler that was not made by Python
                signal.signal(each, handler)
