"""The command line: one file a command; imports the app only where the app runs."""

from __future__ import annotations

import errno
import importlib
import os
import sys
from collections.abc import Sequence

import click

from msbtui.errors import Cancelled, MsbtuiError, TargetError

COMMANDS = {
    "demo": "The app on a recorded image and its Dockerfile: no engine, no network.",
    "inspect": "Layers, sizes, waste and findings of an image: text, JSON, Markdown, a page.",
    "graph": "The stage graph of a Dockerfile: text, JSON, dot, mermaid, a picture, a page.",
    "split": "The multi-stage Dockerfile that gets rid of the waste, as a plan and a diff.",
    "fix": "The cures that need no build stage, as a diff or written.",
    "check": "Rules on size, waste, secrets and growth for continuous integration.",
    "record": "An image's index and the few facts that analysis needs, in a small file.",
    "cache": "What is kept of layers that were read: show it, clear it.",
}
"""Command -> one line for `--help`. Each is a click command `NAME_command` in `msbtui/cli/NAME.py`, loaded when it is called."""

_UNWRITTEN = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""What a full or broken disk says where the output goes."""

INTERRUPTED = 130
"""What shells give for a command that SIGINT ended."""


def load(name: str) -> click.Command:
    """Give the command `name` (`app` for the one without a name), importing its file now."""
    command: click.Command = getattr(importlib.import_module(f"msbtui.cli.{name}"), f"{name}_command")
    return command


def run(arguments: Sequence[str]) -> int:
    """Run one command and give its exit code (DESIGN.md section 6); errors go to stderr as one line each.

    The first word is a command's name or belongs to the app: an image or file that bears a command's name is given as `./NAME`
    or with a scheme.
    """
    # `-:NAME` is an image of those in standard input (engine/target.py), which click would take for an option
    words = [f"docker-archive:{word}" if word.startswith("-:") else word for word in arguments]
    named = words[0] if words and words[0] in COMMANDS else ""
    try:
        command = load(named or "app")
        # Not `main`: that ends the process with 1 where the reader of our output left, which is no error.
        with command.make_context(f"msbtui {named}".strip(), words[1:] if named else words) as context:
            code = command.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.ClickException as error:
        _say(error.format_message())
        return 2
    except (click.Abort, KeyboardInterrupt, Cancelled):
        _say("cancelled")
        return INTERRUPTED
    except MsbtuiError as error:
        _say(str(error))
        return error.exit_code
    except BrokenPipeError:
        # The reader of our output left (`| head`). Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.errno not in _UNWRITTEN:
            raise
        _say(f"the output could not be written: {error.strerror}; make room there, or write it elsewhere")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return TargetError.exit_code
    return code if isinstance(code, int) else 0


def _say(message: str) -> None:
    print(f"msbtui: {' '.join(message.split())}", file=sys.stderr)
