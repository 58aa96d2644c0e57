"""Whether the new image's Java has the modules that the program's jars use: a JRE lacks the compiler and other tools' modules."""

from __future__ import annotations

from msbtui.errors import TargetError
from msbtui.split.model import Check
from msbtui.split.trial import Trial

_SECONDS = 120.0
_MOST_JARS = 100


def module_check(trial: Trial) -> Check | None:
    """Ask the original's jdeps(1) what the copied jars use, and the new image's java(1) what it has; None where one cannot say.

    Names that a program puts together at run time, and jars within jars, are not seen.
    """
    jars = [f"/{path}" for path in trial.plan.kept if path.endswith((".jar", ".war"))][:_MOST_JARS]
    jdeps, java = trial.before.find_command("jdeps"), trial.after.find_command("java")
    if not jars or jdeps is None or java is None:
        return None
    try:
        used, _ = trial.run_original(
            ("--print-module-deps", "--ignore-missing-deps", "-q", *jars), entrypoint=f"/{jdeps}", timeout=_SECONDS
        )
        listed = trial.run(trial.new, ("--list-modules",), entrypoint=f"/{java}", timeout=_SECONDS)
    except TargetError:
        return None
    names = used.stdout.decode("utf-8", "replace").strip()
    have = {line.partition("@")[0] for line in listed.stdout.decode("utf-8", "replace").split()}
    if used.exit_code or listed.exit_code or not names or "\n" in names or "java.base" not in have:
        return None
    lacking = [name for name in names.split(",") if name not in have]
    detail = f"missing: {', '.join(lacking)}" if lacking else f"it has {names.replace(',', ', ')}"
    return Check("Java modules", not lacking, detail)
