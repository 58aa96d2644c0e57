"""Language probes: every library that loads in the original must load in the new image (splitting.md 3.2, point 12, vi)."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Sequence

import msgspec

from msbtui.engine.containers import RunResult
from msbtui.errors import TargetError
from msbtui.split import probescripts
from msbtui.split.java import java_start
from msbtui.split.javamodules import module_check
from msbtui.split.model import Check
from msbtui.split.repair import missing_in
from msbtui.split.starts import started_words
from msbtui.split.trial import Trial
from msbtui.split.view import View, relative

_SECONDS = 170.0
_JAR_SECONDS = 40.0
_PYTHON_RECORD = re.compile(r"(?:.*/)?(?:site|dist)-packages/[^/]+\.(?:dist-info/METADATA|egg-info(?:/PKG-INFO)?)")
_GEM_RECORD = re.compile(r"(?:.*/)?specifications/[^/]+\.gemspec")
_MOST_JARS = 6
_FEW = 3


class Loaded(msgspec.Struct, frozen=True):
    """One line of a probe: a library, where it lies (as the table has it), whether it loaded, and what it said if not."""

    name: str
    where: str
    loaded: bool
    said: str


class Probe(msgspec.Struct, frozen=True):
    """One thing to run in both images."""

    name: str
    interpreter: str
    arguments: tuple[str, ...]
    workdir: str | None = None
    lines: bool = True
    """Whether it prints a line for each library; else its exit code alone counts."""
    seconds: float = _SECONDS


def probe_checks(trial: Trial) -> list[Check]:
    """Give a check for each probe that the plan's kept files ask for."""
    checks = []
    for probe in probes(trial.plan.kept, trial.before):
        trial.tell(f"loading: {probe.name}")
        if (check := _check(trial, probe)) is not None:
            checks.append(check)
    if (check := module_check(trial)) is not None:
        checks.append(check)
    return checks


def probes(kept: Sequence[str], view: View) -> list[Probe]:
    """Give what to run for the libraries among the kept files; `view` is the original's."""
    return [*_python(kept, view), *_node(kept, view), *_jars(kept, view), *_ruby(kept, view), *_php(kept, view)]


def _python(kept: Sequence[str], view: View) -> Iterator[Probe]:
    if not any(_PYTHON_RECORD.fullmatch(path) for path in kept):
        return
    homes = [path.rpartition("/")[0] for path in kept if path.endswith("/pyvenv.cfg")]
    interpreters = [f"/{home}/bin/python" for home in homes if view.find_command(f"/{home}/bin/python") is not None]
    if own := next((found for word in ("python3", "python") if (found := view.find_command(word)) is not None), None):
        interpreters.append(f"/{own}")
    seen = set()
    for interpreter in interpreters:
        if interpreter not in seen:
            seen.add(interpreter)
            name = "Python imports" if len(interpreters) == 1 else f"Python imports of {interpreter}"
            yield Probe(name, interpreter, ("-c", probescripts.PYTHON))


def _node(kept: Sequence[str], view: View) -> Iterator[Probe]:
    node = view.find_command("node")
    if node is None:
        return
    for path in kept:
        if posixpath.basename(path) == "package.json" and "/node_modules/" not in f"/{path}":
            folder = posixpath.dirname(path)
            if view.exists(f"{folder}/node_modules".lstrip("/")):
                yield Probe(f"Node dependencies of /{folder}", f"/{node}", ("-e", probescripts.NODE), f"/{folder}")


def _jars(kept: Sequence[str], view: View) -> Iterator[Probe]:
    java = view.find_command("java")
    jars = [path for path in kept if path.endswith(".jar")]
    if java is None:
        return
    words = started_words(view.config)
    started = " ".join(words)
    if words and posixpath.basename(words[0]) == "java" and java_start(words[1:]).main:
        arguments = ("--dry-run", *words[1:])
        yield Probe("main class of the start", f"/{java}", arguments, view.workdir, lines=False, seconds=_JAR_SECONDS)
    jars.sort(key=lambda path: (posixpath.basename(path) not in started, path.count("/"), path))
    named = [path for path in jars if posixpath.basename(path) in started]
    for path in (named or jars)[:_MOST_JARS]:
        # java(1): --dry-run makes the machine and loads the main class, and does not run it; before Java 9 it fails everywhere
        yield Probe(f"main class of /{path}", f"/{java}", ("--dry-run", "-jar", f"/{path}"), lines=False, seconds=_JAR_SECONDS)


def _ruby(kept: Sequence[str], view: View) -> Iterator[Probe]:
    ruby = view.find_command("ruby")
    if ruby is not None and any(_GEM_RECORD.fullmatch(path) for path in kept):
        yield Probe("Ruby gems", f"/{ruby}", ("-e", probescripts.RUBY), view.workdir)


def _php(kept: Sequence[str], view: View) -> Iterator[Probe]:
    php = view.find_command("php")
    if php is not None and any(path.endswith((".php", "/php.ini")) or "/extensions/no-debug-" in path for path in kept):
        yield Probe("PHP extensions", f"/{php}", ("-r", probescripts.PHP))


def read_lines(output: bytes) -> list[Loaded]:
    """Read a probe's lines; what a library printed in between is skipped."""
    found = []
    for line in output.decode("utf-8", "replace").splitlines():
        try:
            item = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(item, list) and len(item) == 4 and isinstance(item[0], str) and item[0]:
            found.append(Loaded(item[0], relative(str(item[1])) if item[1] else "", item[2] is True, str(item[3])))
    return found


def _check(trial: Trial, probe: Probe) -> Check | None:
    try:
        mine, read_only = trial.run_original(
            probe.arguments, entrypoint=probe.interpreter, timeout=probe.seconds, workdir=probe.workdir
        )
    except TargetError:
        return None  # the original itself cannot run it
    if probe.lines:
        good = [item for item in read_lines(mine.stdout) if item.loaded and not _set_aside(trial, item)]
        if not good:
            return None
    elif mine.exit_code or mine.timed_out:
        return None
    try:
        theirs = trial.run(
            trial.new,
            probe.arguments,
            entrypoint=probe.interpreter,
            timeout=probe.seconds,
            read_only=read_only,
            workdir=probe.workdir,
        )
    except TargetError as error:
        return Check(probe.name, False, error.what, missing_in(error.what, trial.before, trial.after))
    if not probe.lines:
        return _whole(trial, probe, mine, theirs)
    return compare_lines(trial, probe, good, theirs)


def _whole(trial: Trial, probe: Probe, mine: RunResult, theirs: RunResult) -> Check:
    if theirs.exit_code == 0 and not theirs.timed_out:
        return Check(probe.name, True, "loads in both")
    said = theirs.stderr + b"\n" + theirs.stdout
    last = said.decode("utf-8", "replace").strip().split("\n")[0][:200]
    known = mine.stderr + b"\n" + mine.stdout
    return Check(
        probe.name, False, f"exit code {theirs.exit_code}: {last}", missing_in(said, trial.before, trial.after, known=known)
    )


def compare_lines(trial: Trial, probe: Probe, good: Sequence[Loaded], theirs: RunResult) -> Check:
    """Give the check for what loads in the original, `good`, by what the same probe printed in the new image."""
    there = {item.name: item for item in read_lines(theirs.stdout)}
    wrong: list[str] = []
    lacks: list[str] = []
    for item in good:
        other = there.get(item.name)
        if other is not None and other.loaded:
            continue
        if other is None:
            wrong.append(f"{item.name} is not there")
            lacks += _of_library(trial, item)
            lacks += missing_in(theirs.stderr, trial.before, trial.after)
        else:
            said = next((line for line in reversed(other.said.strip().split("\n")) if line.strip()), "does not load")
            wrong.append(f"{item.name}: {said.strip()[:160]}")
            lacks += missing_in(other.said, trial.before, trial.after)
    if not wrong:
        return Check(probe.name, True, f"{len(good)} {'loads' if len(good) == 1 else 'load'} in both")
    more = f"; and {len(wrong) - _FEW} more" if len(wrong) > _FEW else ""
    return Check(probe.name, False, "; ".join(wrong[:_FEW]) + more, tuple(dict.fromkeys(lacks)))


def _of_library(trial: Trial, item: Loaded) -> list[str]:
    """Give the paths of a library that the new image has not at all: its record, its directory or file."""
    if not item.where:
        return _of_extension(trial, item.name)
    folder = posixpath.dirname(item.where)
    candidates = [item.where, *(f"{folder}/{item.name}{ending}" for ending in ("", ".py"))]
    return [path for path in candidates if trial.before.exists(path) and not trial.after.exists(path)]


def _of_extension(trial: Trial, name: str) -> list[str]:
    """Give the package of an extension of PHP that the new image has not (Debian: /usr/lib/php/API/NAME.so)."""
    for path in trial.before.glob(f"usr/lib/php/*/{name.lower()}.so"):
        owner = trial.before.owner(path)
        if owner is not None and owner.name not in trial.after.packages.installed:
            return [f"package:{owner.name}"]
    return []


def _set_aside(trial: Trial, item: Loaded) -> bool:
    """Tell whether a library is none of the plan's: left behind as a development dependency, or of a package of the system."""
    if not item.where:
        return False
    gemspec = f"/specifications/{posixpath.basename(item.where)}.gemspec"
    if any(path.startswith(f"{item.where}/") or path == item.where or path.endswith(gemspec) for path in trial.plan.set_aside):
        return True
    records = (f"{item.where}/METADATA", f"{item.where}/PKG-INFO", item.where)
    record = next((path for path in records if trial.before.exists(path)), None)
    return record is not None and (trial.before.owner(record) is not None or not trial.before.is_new(record))
