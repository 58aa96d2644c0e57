"""The commands that the person names, run in both images and compared."""

from __future__ import annotations

import shlex

from msbtui.engine.containers import RunResult
from msbtui.errors import TargetError
from msbtui.split.masking import differs_by_itself, first_difference, mask
from msbtui.split.model import Check
from msbtui.split.repair import missing_in
from msbtui.split.trial import Trial
from msbtui.split.view import View

_SECONDS = 60.0
_SHELL_SIGNS = frozenset("|&;<>$`*?(){}\n")


def smoke_check(trial: Trial, smoke: str) -> Check:
    """Give the check of one command: exit code and output, compared after masking; bounded to a minute."""
    name = f"smoke: {smoke}"
    trial.tell(f"running {smoke}")
    try:
        entrypoint, words = smoke_command(smoke, trial.before)
    except ValueError as error:
        return Check(name, False, f"the command cannot be read: {error}")
    try:
        mine, read_only = trial.run_original(words, entrypoint=entrypoint, timeout=_SECONDS)
    except TargetError as error:
        return Check(name, False, f"the original: {error.what}")
    try:
        theirs = trial.run(trial.new, words, entrypoint=entrypoint, timeout=_SECONDS, read_only=read_only)
    except TargetError as error:
        return Check(name, False, f"the new image: {error.what}", missing_in(error.what, trial.before, trial.after))
    wrong = difference(mine, theirs)
    if not wrong:
        return Check(name, True, _equal(mine))
    if not mine.timed_out and (mine.exit_code, mine.timed_out) == (theirs.exit_code, theirs.timed_out):
        try:
            again = trial.run(trial.original, words, entrypoint=entrypoint, timeout=_SECONDS, read_only=read_only)
        except TargetError as error:
            return Check(name, False, f"the original: {error.what}")
        streams = ((mine.stdout, again.stdout, theirs.stdout), (mine.stderr, again.stderr, theirs.stderr))
        if again.exit_code == mine.exit_code and all(differs_by_itself(mask(a), mask(b), mask(c)) for a, b, c in streams):
            detail = f"exit code {mine.exit_code} in both; the lines that differ also differ between two runs of the original"
            return Check(name, True, detail)
    said, known = theirs.stderr + b"\n" + theirs.stdout, mine.stderr + b"\n" + mine.stdout
    return Check(name, False, wrong, missing_in(said, trial.before, trial.after, known=known))


def smoke_command(smoke: str, view: View) -> tuple[str | None, list[str]]:
    """Give (entrypoint, arguments) of a smoke command; raises ValueError for quotes that do not close.

    Words whose first one is an executable of the image run in place of its ENTRYPOINT; other words are given to the ENTRYPOINT,
    as `docker run IMAGE WORDS` does. What only a shell understands runs in the image's shell.
    """
    if set(smoke) & _SHELL_SIGNS:
        return "/bin/sh", ["-c", smoke]
    words = shlex.split(smoke)
    if words and view.find_command(words[0]) is not None:
        return words[0], words[1:]
    return None, words


def difference(mine: RunResult, theirs: RunResult) -> str:
    """Give how two runs differ, for a person; empty where they do not."""
    if mine.timed_out != theirs.timed_out:
        return f"{'the original' if mine.timed_out else 'the new image'} did not end in time, the other did"
    if mine.exit_code != theirs.exit_code:
        said = mask(theirs.stderr or theirs.stdout).strip().split("\n")[-1][:200]
        return f"exit code {theirs.exit_code}, was {mine.exit_code}: {said}"
    for stream, a, b in (("stdout", mine.stdout, theirs.stdout), ("stderr", mine.stderr, theirs.stderr)):
        if found := first_difference(mask(a), mask(b)):
            return f"{stream} differs, {found}"
    return ""


def _equal(mine: RunResult) -> str:
    if mine.timed_out:
        return "neither ended in time; the same output until then"
    lines = len(mask(mine.stdout).splitlines())
    failing = " (the original fails, too)" if mine.exit_code else ""
    return f"exit code {mine.exit_code} in both{failing}, {lines} lines of output are the same"
