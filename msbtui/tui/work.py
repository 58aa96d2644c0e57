"""The threads beside the app: the session's work, the plan, and the watch over the Dockerfile.

They are daemon threads of our own and no Textual workers: leaving must not wait for an engine that does not answer.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from textual.message import Message

from msbtui.errors import Cancelled, MsbtuiError
from msbtui.session import Session
from msbtui.session.model import Event, Failed, Progress
from msbtui.session.rows.verifylog import VerifyLog
from msbtui.tui.messages import (
    AccountMade,
    DockerfileChanged,
    DockerfileGone,
    PlanMade,
    ProgressTold,
    RungsMade,
    SessionTold,
    VerifyEnded,
    VerifyTold,
    WorkEnded,
)
from msbtui.tui.watch import Watcher

_LAST_LINES = 12
"""Lines of a broken build's output that are shown."""
_TELL_EVERY = 0.1
"""Seconds between two words on progress."""

LOOK_EVERY = 3.0
"""Seconds between two looks for a rebuilt image."""

PAUSE = 0.6
"""Seconds without a write to the Dockerfile after which findings are worked out anew."""


class Work:
    """Runs a session's work in threads and tells the results by `post`, which must be safe to call from any thread."""

    def __init__(self, session: Session, post: Callable[[Message], bool]) -> None:
        self.session = session
        self._post = post
        self._told = 0.0
        self._what = ""
        self._watcher: Watcher | None = None
        self._ended = threading.Event()
        self._offered = ""
        self._refining: threading.Timer | None = None
        self.begun = False
        """Whether a run was ever started."""
        self.running = False
        self.planning = False
        self.counting = False
        self.climbing = False
        self.verifying = False
        self.log = VerifyLog()
        """What the last verification told."""
        self._verifier: threading.Thread | None = None
        self._reread_later = False
        self.stopping = False
        """Whether the run was told to end and has not yet."""
        self.again = False
        """Whether to run once more when the run that is being stopped has ended."""

    def start(self) -> None:
        """Run the session; where it runs already, stop that run and begin anew."""
        if self.running:
            self.again = self.stopping = True
            self.session.cancel()
            return
        self.begun = self.running = True
        threading.Thread(target=self._run, name="session", daemon=True).start()

    def ended(self) -> None:
        """Take up that the run has ended."""
        self.running = self.stopping = False
        if self.again:
            self.again = False
            self.start()

    def watch(self, path: Path | None) -> None:
        """Watch the Dockerfile."""
        if path is not None and self._watcher is None and str(path) != "-":
            self._watcher = Watcher(path, self._reread, self._gone)
            self._watcher.start()

    def _gone(self, gone: bool) -> None:
        self._post(DockerfileGone(gone))

    def look_for_rebuilds(self) -> None:
        """Look now and then whether the engine has an image that fits the Dockerfile better, and offer each one once."""
        threading.Thread(target=self._look, name="look", daemon=True).start()

    def stop(self) -> None:
        """End everything soon."""
        self._ended.set()
        self.session.cancel()
        if self._refining is not None:
            self._refining.cancel()
        if self._watcher is not None:
            self._watcher.stop()

    def cancel(self) -> bool:
        """Tell the run to end; False where none runs, or where it was told already and still does not answer."""
        if not self.running or self.stopping:
            return False
        self.stopping = True
        self.session.cancel()
        return True

    def plan(self) -> None:
        """Make the plan."""
        if not self.planning:
            self.planning = True
            threading.Thread(target=self._plan, name="plan", daemon=True).start()

    def count(self) -> None:
        """Add up the account of the image."""
        if not self.counting:
            self.counting = True
            threading.Thread(target=self._count, name="count", daemon=True).start()

    def climb(self) -> None:
        """Plan every rung of the ladder."""
        if not self.climbing:
            self.climbing = True
            threading.Thread(target=self._climb, name="ladder", daemon=True).start()

    def verify(self) -> None:
        """Build the original and the plan on the engine and check the result."""
        if self.verifying:
            return
        self.verifying = True
        self.log = VerifyLog()
        self._verifier = threading.Thread(target=self._verify, name="verify", daemon=True)
        self._verifier.start()

    def stop_verifying(self) -> bool:
        """Tell the verification to end; give whether one runs that was not told before."""
        if not self.verifying or self.log.stopping:
            return False
        self.log.stopping = True
        self.session.cancel()
        return True

    def wait_for_verifier(self, seconds: float) -> bool:
        """Wait until a verification that was told to end has removed what it made; give whether it has."""
        if self._verifier is not None:
            self._verifier.join(seconds)
        return self._verifier is None or not self._verifier.is_alive()

    def _run(self) -> None:
        try:
            self.session.run(self._tell)
        except Exception as error:
            # A bug of ours must not take the screen away: what is known stays usable, and the line says what to report.
            self._tell(Failed(f"internal error: {type(error).__name__}: {error}"))
        finally:
            self._post(WorkEnded())

    def _tell(self, event: Event) -> None:
        if not isinstance(event, Progress):
            self._post(SessionTold(event))
            return
        now = time.monotonic()
        if event.what == self._what and now - self._told < _TELL_EVERY:
            return
        self._told, self._what = now, event.what
        self._post(ProgressTold(event))

    def _reread(self) -> None:
        if self.verifying:
            # What is built and checked is the text that it began with.
            self._reread_later = True
            return
        try:
            changed = self.session.reload_dockerfile()
        except MsbtuiError as error:
            self._post(SessionTold(Failed(str(error))))
            return
        if changed:
            self._post(DockerfileChanged())
            self._refine_later()

    def _refine_later(self) -> None:
        """Find waste anew once the person pauses: the new lines must not wait for it."""
        if self._refining is not None:
            self._refining.cancel()
        self._refining = threading.Timer(PAUSE, self._refine)
        self._refining.daemon = True
        self._refining.start()

    def _refine(self) -> None:
        before = self.session.waste
        try:
            self.session.refresh_waste()
        except Exception as error:
            self._tell(Failed(f"internal error: {type(error).__name__}: {error}"))
            return
        if self.session.waste != before and not self._ended.is_set():
            self._post(DockerfileChanged())

    def _look(self) -> None:
        while not self._ended.wait(LOOK_EVERY):
            if self.running or self.planning or self.verifying:
                continue
            try:
                better = self.session.better_image()
            except Exception as error:
                # Looking is a courtesy: where it breaks, it ends, and the rest goes on.
                self._post(SessionTold(Failed(f"cannot look for rebuilt images: {type(error).__name__}: {error}")))
                return
            if better is not None and better.id != self._offered and not self.running:
                self._offered = better.id
                self._post(SessionTold(better))

    def _plan(self) -> None:
        try:
            # A reading that was stopped leaves the word to stop behind, and planning may read other images.
            self.session.cancelled.clear()
            self._post(PlanMade(self.session.make_plan()))
        except MsbtuiError as error:
            self._post(PlanMade(None, str(error)))
        except Exception as error:
            self._post(PlanMade(None, f"internal error: {type(error).__name__}: {error}"))
        finally:
            self.planning = False

    def _count(self) -> None:
        try:
            self._post(AccountMade(self.session.account()))
        except Exception as error:
            self._post(AccountMade(None, f"internal error: {type(error).__name__}: {error}"))
        finally:
            self.counting = False

    def _climb(self) -> None:
        try:
            self._post(RungsMade(self.session.rungs()))
        except MsbtuiError as error:
            self._post(RungsMade((), str(error)))
        except Exception as error:
            self._post(RungsMade((), f"internal error: {type(error).__name__}: {error}"))
        finally:
            self.climbing = False

    def _verify(self) -> None:
        from msbtui.engine.build import BuildError

        plan, error = None, ""
        try:
            plan = self.session.verify(notify=self._tell_verifying)
        except Cancelled:
            error = "stopped; everything that was made is removed"
        except BuildError as why:
            # The person sees no output of the build but what stands below.
            error, self.log.output = why.what, why.log[-_LAST_LINES:]
        except MsbtuiError as why:
            error = str(why)
        except Exception as why:
            error = f"internal error: {type(why).__name__}: {why}"
        self.verifying = False
        self._post(VerifyEnded(plan, error))
        if self._reread_later:
            self._reread_later = False
            self._reread()

    def _tell_verifying(self, progress: Progress) -> None:
        self._post(VerifyTold(progress))
