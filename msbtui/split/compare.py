"""Checks that need no container: configuration, closure, links, scripts and copied files of both images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msbtui.image.closure import Closure, needed_libraries
from msbtui.image.model import ImageConfig, Kind
from msbtui.split.copies import same_there
from msbtui.split.judge import LIBRARY_TREE
from msbtui.split.model import Check, Plan
from msbtui.split.reach import Reach, shebang
from msbtui.split.starts import starts
from msbtui.split.view import View, env_of

_DEFAULT_SHELL = ("/bin/sh", "-c")
COPIED = "copied files"
"""Name of the check that what was copied is what it was."""


def compare(plan: Plan, original: View, new: View, *, ignored_labels: Iterable[str] = ()) -> list[Check]:
    """Give every check of two images by their contents (splitting.md 3.2, point 12, i to iv)."""
    return [
        configuration(plan, original.config, new.config, ignored_labels),
        libraries(plan, original, new),
        links(plan, original, new),
        scripts(plan, original, new),
        digests(plan, original, new),
        commands(original, new),
    ]


def _few(items: list[str]) -> str:
    return "; ".join(items[:4]) + (f"; and {len(items) - 4} more" if len(items) > 4 else "")


def configuration(plan: Plan, original: ImageConfig, new: ImageConfig, ignored_labels: Iterable[str] = ()) -> Check:
    """Check that both configurations are equal, but for what the plan drops on purpose (`Plan.dropped_settings`)."""
    allowed = set(plan.dropped_settings)
    ignored = set(ignored_labels)
    wrong: list[str] = []
    for field, mine, theirs in (("Env", env_of(original), env_of(new)), ("Labels", original.labels, new.labels)):
        wrong += _mapping(field, mine, theirs, allowed, ignored)
    for name, a, b in (
        ("Entrypoint", original.entrypoint, new.entrypoint),
        ("Cmd", original.cmd, new.cmd),
        ("User", original.user, new.user),
        ("WorkingDir", original.workdir or "/", new.workdir or "/"),
        ("ExposedPorts", tuple(sorted(original.exposed_ports)), tuple(sorted(new.exposed_ports))),
        ("Volumes", tuple(sorted(original.volumes)), tuple(sorted(new.volumes))),
        ("StopSignal", original.stop_signal or "SIGTERM", new.stop_signal or "SIGTERM"),
        ("Healthcheck", original.healthcheck, new.healthcheck),
        ("Shell", original.shell or _DEFAULT_SHELL, new.shell or _DEFAULT_SHELL),
        ("OnBuild", original.onbuild, new.onbuild),
    ):
        if a != b:
            wrong.append(f"{name} is {_shown(b)}, was {_shown(a)}")
    used = sorted(
        allowed & {f"Env.{name}" for name in env_of(original)} | {item for item in allowed if item.startswith("Labels.")}
    )
    detail = _few(wrong) if wrong else "equal" + (f", without {', '.join(used)} of the original's base" if used else "")
    return Check("configuration", not wrong, detail)


def _mapping(field: str, mine: Mapping[str, str], theirs: Mapping[str, str], allowed: set[str], ignored: set[str]) -> list[str]:
    wrong = []
    for name, value in mine.items():
        if theirs.get(name) != value and f"{field}.{name}" not in allowed and name not in ignored:
            wrong.append(f"{field} {name} is {_shown(theirs.get(name))}, was {_shown(value)}")
    # what the runtime base itself brings is in the new image only; a name of the original never is
    return wrong


def _shown(value: object) -> str:
    if value is None:
        return "absent"
    return " ".join(map(str, value))[:80] or "empty" if isinstance(value, tuple) else str(value)[:80] or "empty"


def libraries(plan: Plan, original: View, new: View) -> Check:
    """Check that every ELF file that was copied, or that starts, finds its libraries, as far as it did in the original."""
    paths = sorted({path for path in (*plan.kept, *_started(new)) if new.elf(path) is not None})
    mine = needed_libraries(new.image, new.table, paths)
    before = needed_libraries(original.image, original.table, paths) if mine.missing else None
    known = {(item.name, by) for item in before.missing for by in item.needed_by} if before else set()
    wrong = [f"{item.name}, which /{by} needs" for item in mine.missing for by in item.needed_by if (item.name, by) not in known]
    detail = "missing: " + _few(wrong) if wrong else f"{len(paths)} ELF files find all of {len(mine.libraries)} libraries"
    return Check("shared libraries", not wrong, detail, _libraries_lacking(original, new, before, mine))


def _libraries_lacking(original: View, new: View, before: Closure | None, after: Closure) -> tuple[str, ...]:
    """Give where the original has the libraries that the new image misses, with what their symlinks lead to."""
    names = {item.name for item in after.missing}
    found: list[str] = []
    for library in before.libraries if before is not None else ():
        if library.name in names and (path := original.canonical(library.path)) is not None:
            found += [path, original.real(path) or path]
    return tuple(path for path in dict.fromkeys(found) if not new.exists(path))


def _started(view: View) -> list[str]:
    reach = Reach(view)
    for start in starts(view.config):
        reach.start(start)
    return [real for path in reach.why if (real := view.real(path)) is not None]


def links(plan: Plan, original: View, new: View) -> Check:
    """Check that no copied symlink dangles that led somewhere in the original."""
    dangling = [path for path in plan.kept if new.kind(path) is Kind.SYMLINK and new.real(path) is None and original.real(path)]
    wrong = [f"/{path} -> {new.link(path)}" for path in dangling]
    lacks = tuple(dict.fromkeys(real for path in dangling if (real := original.real(path)) is not None))
    count = sum(1 for path in plan.kept if new.kind(path) is Kind.SYMLINK)
    detail = "dangling: " + _few(wrong) if wrong else f"{count} copied symlinks lead where they led"
    return Check("symlinks", not wrong, detail, lacks)


def scripts(plan: Plan, original: View, new: View) -> Check:
    """Check that every copied executable script finds the interpreter that its first line names."""
    wrong, count, lacks = [], 0, list[str]()
    for path in plan.kept:
        if not new.is_file(path) or not new.executable(path):
            continue
        words = () if LIBRARY_TREE.fullmatch(path) else shebang(new.text(path, 256) or b"")
        if not words:
            continue
        count += 1
        for word in words:
            if new.find_command(word) is None and (found := original.find_command(word)) is not None:
                wrong.append(f"{word}, which /{path} begins with")
                lacks += _with_target(original, found)
    detail = "missing: " + _few(wrong) if wrong else f"{count} scripts find their interpreters"
    return Check("scripts", not wrong, detail, tuple(dict.fromkeys(lacks)))


def _with_target(original: View, path: str) -> list[str]:
    real = original.real(path)
    return [path] if real is None or real == path else [path, real]


def digests(plan: Plan, original: View, new: View) -> Check:
    """Check that what was copied is what it was: content, owner and mode."""
    wrong, same, unknown, lacks = [], 0, 0, list[str]()
    for path in plan.kept:
        if not original.exists(path):
            continue  # only the plan's image has it; this original was built anew
        if not new.exists(path):
            wrong.append(f"/{path} is missing")
            lacks.append(path)
        elif original.is_file(path) and (original.digest(path) is None or new.digest(path) is None):
            unknown += 1
        elif same_there(original, new, path):
            same += 1
        elif not _rebuilt(original, path):
            wrong.append(f"/{path} differs")
        else:
            same += 1
    detail = _few(wrong) if wrong else f"{same} copied paths are equal" + (f", {unknown} could not be read" if unknown else "")
    return Check(COPIED, not wrong, detail, tuple(lacks[:200]))


def _rebuilt(original: View, path: str) -> bool:
    """Tell whether a file may differ between two builds of the same text: Python's bytecode holds the time of its source."""
    return path.endswith((".pyc", ".pyo")) or "/__pycache__/" in f"/{path}" or original.kind(path) is None


def commands(original: View, new: View) -> Check:
    """Check that what ENTRYPOINT, CMD and HEALTHCHECK run is there and can be executed."""
    wrong: list[str] = []
    found: list[str] = []
    lacks: list[str] = []
    for start in starts(original.config):
        word = start.words[0]
        if (path := original.find_command(word)) is None:
            continue
        (found if new.find_command(word) is not None else wrong).append(word)
        lacks += _with_target(original, path) if new.find_command(word) is None else []
        if start.shell:
            mine, theirs = Reach(original), Reach(new)
            mine.start(start)
            theirs.start(start)
            gone = [
                path
                for path in mine.why
                if original.executable(original.real(path) or path) and path not in theirs.why and not new.exists(path)
            ]
            wrong += [f"/{path}" for path in gone]
            lacks += gone
    return Check(
        "commands",
        not wrong,
        "missing: " + _few(wrong) if wrong else f"{', '.join(dict.fromkeys(found)) or 'nothing'} can be run",
        tuple(dict.fromkeys(lacks)),
    )
