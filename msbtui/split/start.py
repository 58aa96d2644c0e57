"""The same start of both images, side by side for a few seconds: how they end, what they print, where they listen and answer."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack

import msgspec

from msbtui.engine.containers import Container, State, listening
from msbtui.errors import TargetError
from msbtui.split.masking import first_difference, mask, without_numbers
from msbtui.split.model import Check
from msbtui.split.repair import missing_in
from msbtui.split.trial import Trial, says_read_only

_LEAST, _MOST, _AWAITED = 3.0, 12.0, 30.0
"""Seconds that both run at least (where they do not end), at most, and at most where EXPOSE names a port and none is open yet."""
_STEP = 0.3
_CHOSEN_BY_SYSTEM = 32768
"""From here on a port is usually one that the system chose, another each time (ip_local_port_range, ip(7))."""
_TABLES = ("sh", "-c", "cat /proc/net/tcp /proc/net/tcp6 2>/dev/null")
_HEAD = r"GET %s HTTP/1.0\r\nHost: localhost\r\nUser-Agent: msbtui\r\nAccept: */*\r\nConnection: close\r\n\r\n"
_ASK = rf"""
if command -v bash >/dev/null && command -v timeout >/dev/null; then
  exec timeout 6 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$0" && printf "{_HEAD}" "$1" >&3 && head -c 262144 <&3' "$1" "$2"
elif command -v perl >/dev/null; then
  printf '{_HEAD}' "$2" | exec perl -MSocket -e 'alarm 6; socket(S, PF_INET, SOCK_STREAM, 0) &&
    connect(S, sockaddr_in($ARGV[0], inet_aton("127.0.0.1"))) || exit 7; local $/; $q = <STDIN>; syswrite(S, $q);
    while (sysread(S, $b, 65536)) {{ syswrite(STDOUT, $b) }}' "$1"
elif command -v nc >/dev/null; then
  printf '{_HEAD}' "$2" | nc -w 6 127.0.0.1 "$1"
else
  exit 9
fi
"""
"""What asks a port from inside the namespace, with whatever the original image has for it; exit code 9: with nothing."""


class Answer(msgspec.Struct, frozen=True):
    """What a port answered: of HTTP the status line's code, the type and the body; else the bytes."""

    status: str
    kind: str
    body: bytes


class Seen(msgspec.Struct):
    """What was seen of one container."""

    state: State
    stdout: bytes = b""
    stderr: bytes = b""
    ports: frozenset[int] | None = None
    """None where nobody could look."""
    answers: dict[tuple[int, str], Answer | None] = {}
    health: tuple[int, bytes] | None = None
    later: bytes = b""
    """All that it printed once it was asked, too."""

    @property
    def said(self) -> bytes:
        """All that it printed, and why it could not be started."""
        return self.stderr + b"\n" + self.stdout + b"\n" + self.state.error.encode()


def start_checks(trial: Trial, paths: Sequence[str] = ()) -> list[Check]:
    """Start both as they start by themselves and give the checks; `paths` are asked of each HTTP port, beside `/`."""
    config = trial.before.config
    if not (config.entrypoint or config.cmd):
        return [Check("start", True, "the image starts nothing by itself"), *_unasked(paths)]
    trial.tell("starting both")
    try:
        mine, theirs, read_only = both(trial, paths)
    except TargetError as error:
        if not error.what.startswith("the new image: "):
            return [Check("start", True, f"the original cannot be started here: {error.what}"), *_unasked(paths)]
        lacks = missing_in(error.what, trial.before, trial.after)
        return [Check("start", False, error.what, lacks)]
    checks = [_ends(trial, mine, theirs, read_only)]
    if mine.state.running and theirs.state.running:
        checks += _ports(trial, mine, theirs)
        checks += _answers(trial, mine, theirs, paths, read_only)
        checks += _health(trial, mine, theirs)
    else:
        checks += _unasked(paths, "the original" if not mine.state.running else "the new image")
    return checks


def _unasked(paths: Sequence[str], ended: str = "the original") -> list[Check]:
    return [Check(f"GET {path}", False, f"{ended} does not run, so it cannot be asked") for path in paths]


def both(trial: Trial, paths: Sequence[str], *, read_only: bool = True) -> tuple[Seen, Seen, bool]:
    """Start both at once and look; read-only first, and again writable where the original does not bear that.

    Raises `TargetError` where the engine can make one of them not; its text then begins with which.
    """
    with ExitStack() as stack:
        mine = stack.enter_context(_container(trial, trial.original, read_only))
        try:
            theirs = stack.enter_context(_container(trial, trial.new, read_only))
        except TargetError as error:
            raise TargetError(f"the new image: {error.what}", where=error.where, hint=error.hint) from error
        windows = [window(trial, stack, mine), window(trial, stack, theirs)]
        seen = _watch(trial, (mine, theirs), windows, read_only)
        failed = (not seen[0].state.running and seen[0].state.exit_code) or says_read_only(seen[0].stdout, seen[0].stderr)
        if not (read_only and failed):
            _look_closer(trial, (mine, theirs), windows, seen, paths)
            failed = says_read_only(seen[0].later) or any(
                answer is not None and answer.status.startswith("5") for answer in seen[0].answers.values()
            )
            if not (read_only and failed):
                return seen[0], seen[1], read_only
    return both(trial, paths, read_only=False)


def _container(trial: Trial, image: str, read_only: bool) -> Container:
    return Container(
        image, verify_id=trial.verify_id, read_only=read_only, cancel=trial.cancel, environ=trial.environ
    )  # fmt: skip


def window(trial: Trial, stack: ExitStack, container: Container) -> Container | None:
    """Start a shell of the original in the container's network namespace: the new image may have none to look with."""
    if trial.before.find_command("sh") is None or not container.state().running:
        return None
    beside = Container(
        trial.original,
        ("-c", "sleep 300"),
        entrypoint="/bin/sh",
        workdir="/",
        network=f"container:{container.name}",
        verify_id=trial.verify_id,
        read_only=True,
        cancel=trial.cancel,
        environ=trial.environ,
    )
    try:
        return stack.enter_context(beside)
    except TargetError:
        return None  # it ended in between


def _listening(window: Container | None) -> frozenset[int] | None:
    if window is None:
        return None
    result = window.execute(_TABLES)
    return listening(result.stdout.decode("ascii", "replace")) if result.exit_code == 0 else None


def asked_ports(beside: Container | None) -> frozenset[int]:
    """Give the ports that a container listens on and that are the same at each start, seen from a window beside it."""
    return _fixed(_listening(beside))


def _watch(
    trial: Trial, containers: tuple[Container, Container], windows: list[Container | None], read_only: bool
) -> tuple[Seen, Seen]:
    began, last, opened = time.monotonic(), None, None
    awaited = bool(trial.before.config.exposed_ports)
    while True:
        spent = time.monotonic() - began
        states = [container.state() for container in containers]
        ports = [_listening(window) if state.running else frozenset[int]() for window, state in zip(windows, states, strict=True)]
        running = [state.running for state in states]
        looks = (ports, running)
        settled = looks == last and _fixed(ports[0]) == _fixed(ports[1]) and (bool(ports[0]) or not awaited or None in ports)
        last = looks
        if opened is None and _fixed(ports[0]):
            opened = spent
        # the new image gets twice the time that the original took
        most = max(_MOST, 2 * opened + _LEAST) if opened is not None else _AWAITED if awaited and running[0] else _MOST
        if not any(running) or spent >= most or (spent >= _LEAST and (settled or running[0] != running[1])):
            break
        if read_only and not running[0] and states[0].exit_code:
            break  # it will be tried again, writable
        time.sleep(_STEP)
    seen = []
    for container, state, found in zip(containers, states, ports, strict=True):
        stdout, stderr = container.logs()
        seen.append(Seen(state, stdout, stderr, found, {}))
    return seen[0], seen[1]


def _fixed(ports: frozenset[int] | None) -> frozenset[int]:
    return frozenset(port for port in ports or () if port < _CHOSEN_BY_SYSTEM)


def _look_closer(
    trial: Trial,
    containers: tuple[Container, Container],
    windows: list[Container | None],
    seen: tuple[Seen, Seen],
    paths: Sequence[str],
) -> None:
    if not all(one.state.running for one in seen):
        return
    for port in sorted(_fixed(seen[0].ports)):
        for path in dict.fromkeys(("/", *paths)):
            for window, one in zip(windows, seen, strict=True):
                if window is not None and port in (one.ports or ()):
                    one.answers[port, path] = ask(window, port, path)
    health = trial.before.config.healthcheck
    if health is not None and len(health.test) > 1 and health.test[0] in ("CMD", "CMD-SHELL"):
        shell = trial.before.config.shell or ("/bin/sh", "-c")
        words = (*shell, health.test[1]) if health.test[0] == "CMD-SHELL" else health.test[1:]
        for container, one in zip(containers, seen, strict=True):
            result = container.execute(words, timeout=30)
            one.health = (result.exit_code, result.stdout + result.stderr)
    if not seen[0].answers:
        time.sleep(1)  # the new image started a moment later: it may print the same a moment later
    for container, one in zip(containers, seen, strict=True):
        # what the requests made them say is evidence, too; what they said by themselves stays apart
        one.later = b"\n".join(container.logs())
        if not container.state().running:
            one.state = container.state()


def ask(window: Container, port: int, path: str) -> Answer | None:
    """Give what a port answers to a request, or None where it does not."""
    for _ in range(2):  # a server that closes before it read all may reset the connection, now and then
        result = window.execute(("sh", "-c", _ASK, "sh", str(port), path))
        if result.stdout:
            return read_answer(result.stdout)
    return None


def read_answer(data: bytes) -> Answer:
    """Take an HTTP/1 answer apart (RFC 9112); anything else is a body."""
    head, gap, body = data.partition(b"\r\n\r\n")
    status = re.match(rb"HTTP/1\.\d (\d{3})", head)
    if not status or not gap:
        return Answer("", "", data)
    kind = re.search(rb"^content-type:[ \t]*([^\r\n;]*)", head, re.IGNORECASE | re.MULTILINE)
    where = re.search(rb"^location:[ \t]*([^\r\n]*)", head, re.IGNORECASE | re.MULTILINE)
    shown = status[1].decode() + (f" to {mask(where[1])}" if where else "")
    return Answer(shown, kind[1].decode("ascii", "replace").strip() if kind else "", body)


# -- what is compared ---------------------------------------------------------------------------------------------------


def _ends(trial: Trial, mine: Seen, theirs: Seen, read_only: bool) -> Check:
    name = "start"
    lacks = missing_in(theirs.said, trial.before, trial.after, known=mine.said)
    last = mask(theirs.said).strip().split("\n")[-1][:200]
    if mine.state.running != theirs.state.running:
        one, other = ("the original", "the new image") if mine.state.running else ("the new image", "the original")
        ended = theirs if mine.state.running else mine
        said = f": {last}" if mine.state.running else ""
        detail = f"{one} still runs, {other} ended with {_code(ended)}{said}"
        return Check(name, False, detail, lacks)
    if not mine.state.running and mine.state.exit_code != theirs.state.exit_code:
        return Check(name, False, f"{_code(theirs)}, was {mine.state.exit_code}: {last}", lacks)
    found = _outputs_differ(trial, mine, theirs, read_only)
    if found:
        return Check(name, False, found, lacks)
    how = "both still run" if mine.state.running else f"{_code(mine)} in both"
    if mine.state.exit_code and not mine.state.running:
        how += " (the original fails, too)"
    return Check(name, True, f"{how}, and print the same")


def _code(seen: Seen) -> str:
    """Give the exit code of a start that ended, and why the kernel ended it where it did."""
    return f"exit code {seen.state.exit_code}" + (
        " (killed: it wanted more memory than a trial has)" if seen.state.out_of_memory else ""
    )


def _outputs_differ(trial: Trial, mine: Seen, theirs: Seen, read_only: bool) -> str:
    """Give the first line that only one of them prints, or nothing; what two starts of the original differ in does not count."""
    pairs = [("stdout", mine.stdout, theirs.stdout), ("stderr", mine.stderr, theirs.stderr)]
    if all(not first_difference(mask(a), mask(b)) for _, a, b in pairs):
        return ""
    again = _again(trial, read_only)
    running = mine.state.running
    for name, a, b in pairs:
        c = None if again is None else again.stdout if name == "stdout" else again.stderr
        if found := stream_differs(a, c, b, theirs.later if running else b"", running=running):
            return f"{name} {found}"
    return ""


def stream_differs(first: bytes, second: bytes | None, other: bytes, later: bytes = b"", *, running: bool = False) -> str:
    """Give the first line that only the new image prints, or that it alone lacks; empty where there is none.

    `first` and `second` are two starts of the original (None: there was no second one), `other` the new image's. Whole lines
    are compared, masked; numbers do not count in lines whose numbers differ from one start of the original to the next, or that
    it prints several times with other numbers. Of containers that still run each text may end anywhere, and what the new image
    printed `later` counts as printed.
    """
    mine, again = _lines(first), _lines(second or b"")
    theirs, after = _lines(other), _lines(later)
    known = {*mine, *again}
    unstable = {without_numbers(line) for line in {*mine} ^ {*again}}
    counts = Counter(without_numbers(line) for line in known)
    vary = unstable | {form for form in counts if counts[form] > 1}
    for line in theirs:
        cut = running and line == theirs[-1] and any(one.startswith(line) for one in known)
        if line and line not in known and without_numbers(line) not in vary and not cut:
            return f"has {line[:160]!r}, which the original does not print"
    have = {*theirs, *after}
    loose = {without_numbers(line) for line in have}
    for line in mine:
        cut = running and line == mine[-1] and any(one.startswith(line) for one in have)
        if line and line in again and line not in have and not cut and without_numbers(line) not in unstable & loose:
            return f"lacks {line[:160]!r}, which the original prints"
    return ""


def _lines(text: bytes) -> list[str]:
    return list(dict.fromkeys(mask(text).split("\n")))


def _again(trial: Trial, read_only: bool) -> Seen | None:
    """Start the original once more, for what differs by itself."""
    try:
        with _container(trial, trial.original, read_only) as container:
            until = time.monotonic() + _LEAST + 1
            while container.state().running and time.monotonic() < until:
                time.sleep(_STEP)
            state, (stdout, stderr) = container.state(), container.logs()
            return Seen(state, stdout, stderr)
    except TargetError:
        return None


def _ports(trial: Trial, mine: Seen, theirs: Seen) -> list[Check]:
    if mine.ports is None or theirs.ports is None:
        return [Check("listening ports", True, "not looked at: no shell of the original's could be started beside it")]
    a, b = _fixed(mine.ports), _fixed(theirs.ports)
    if a == b:
        return [Check("listening ports", True, ", ".join(map(str, sorted(a))) or "none in either")]
    lacks = missing_in(theirs.said, trial.before, trial.after, known=mine.said)
    shown = [", ".join(map(str, sorted(ports))) or "none" for ports in (b, a)]
    return [Check("listening ports", False, f"{shown[0]}, was {shown[1]}", lacks)]


def _answers(trial: Trial, mine: Seen, theirs: Seen, paths: Sequence[str], read_only: bool) -> list[Check]:
    checks: list[Check] = []
    again: dict[tuple[int, str], Answer | None] | None = None
    for (port, path), answer in mine.answers.items():
        if answer is None:
            continue
        name = f"GET {path} on port {port}" if answer.status else f"answer on port {port}"
        if path != "/" and not answer.status:
            continue
        other = theirs.answers.get((port, path))
        wrong = _differs(answer, other)
        if wrong and other is not None and again is None:
            again = _ask_again(trial, list(mine.answers), read_only)
        if wrong and other is not None and again is not None:
            second = again.get((port, path))
            if second is not None and _differs(answer, second) and answer.status == other.status and answer.kind == other.kind:
                checks.append(
                    Check(name, True, f"{answer.status or 'bytes'} in both; the body differs from one time to the next")
                )
                continue
        if wrong:
            said = theirs.later + b"\n" + (other.body if other else b"")
            lacks = missing_in(said, trial.before, trial.after, known=mine.later + b"\n" + answer.body)
            checks.append(Check(name, False, wrong, lacks))
        else:
            checks.append(Check(name, True, f"{answer.status or 'the same bytes'}, {len(answer.body):,} bytes in both"))
    for path in paths:
        if not any(answer is not None and answer.status for (_, asked), answer in mine.answers.items() if asked == path):
            checks.append(Check(f"GET {path}", False, "no port of the original answers with HTTP, so nothing can be compared"))
    return checks


def _differs(mine: Answer, theirs: Answer | None) -> str:
    if theirs is None:
        return "no answer, the original answers"
    if mine.status != theirs.status or mine.kind != theirs.kind:
        shown = [" ".join(filter(None, (one.status or "no HTTP", one.kind))) for one in (theirs, mine)]
        return f"{shown[0]}, was {shown[1]}"
    if mine.body != theirs.body and (found := first_difference(mask(mine.body), mask(theirs.body))):
        return f"the body differs, {found}"
    return ""


def _ask_again(trial: Trial, asked: list[tuple[int, str]], read_only: bool) -> dict[tuple[int, str], Answer | None]:
    """Ask the original once more, in a new container, for what differs by itself."""
    with ExitStack() as stack:
        try:
            container = stack.enter_context(_container(trial, trial.original, read_only))
        except TargetError:
            return {}
        beside = window(trial, stack, container)
        wanted, until = {port for port, _ in asked}, time.monotonic() + _MOST
        while beside is not None and not wanted <= (_listening(beside) or frozenset()) and time.monotonic() < until:
            time.sleep(_STEP)
        return {} if beside is None else {(port, path): ask(beside, port, path) for port, path in asked}


def _health(trial: Trial, mine: Seen, theirs: Seen) -> list[Check]:
    if mine.health is None or theirs.health is None:
        return []
    if mine.health[0]:
        return [Check("health check", True, f"it fails in the original, too (exit code {mine.health[0]})")]
    if theirs.health[0]:
        last = mask(theirs.health[1]).strip().split("\n")[-1][:200]
        lacks = missing_in(theirs.health[1], trial.before, trial.after, known=mine.health[1])
        return [Check("health check", False, f"exit code {theirs.health[0]}, was 0: {last}", lacks)]
    return [Check("health check", True, "passes in both")]
