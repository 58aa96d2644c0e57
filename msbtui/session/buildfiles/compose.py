"""Compose files (https://github.com/compose-spec/compose-spec/blob/main/build.md): services that are built."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msbtui.errors import TargetError
from msbtui.session.buildfiles.model import BuildTarget
from msbtui.text import printable

_VARIABLE = re.compile(
    r"\$(?:(?P<dollar>\$)|(?P<name>[A-Za-z_]\w*)|\{(?P<braced>[A-Za-z_]\w*)(?:(?P<how>:?[-?+])(?P<word>[^{}]*))?\})"
)


def read_compose(data: bytes, path: Path, environ: Mapping[str, str]) -> dict[str, BuildTarget]:
    """Give the services with a `build`, by name. Raises TargetError where the file is no compose file."""
    import yaml

    where = printable(str(path))
    try:
        document = yaml.safe_load(data.decode("utf-8"))
    except RecursionError:
        raise TargetError("nested too deep", where=where) from None
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{where}:{mark.line + 1}" if mark is not None else where
        raise TargetError("no compose file: it cannot be parsed", where=place) from None
    services = document.get("services") if isinstance(document, dict) else None
    if not isinstance(services, dict):
        raise TargetError("no compose file: it has no services", where=where)
    known = {**_env_file(path.parent / ".env"), **environ}
    return {
        str(name): _service(str(name), body["build"], path.parent, known)
        for name, body in services.items()
        if isinstance(body, dict) and body.get("build")
    }


def _service(name: str, build: Any, folder: Path, known: Mapping[str, str]) -> BuildTarget:
    unresolved: list[str] = []

    def text(value: Any, what: str) -> str:
        return _expand(str(value), known, what, unresolved)

    if not isinstance(build, dict):
        return BuildTarget(name, text(build, "build"), "Dockerfile", unresolved=tuple(unresolved), folder=folder)
    inline, stage = build.get("dockerfile_inline"), build.get("target")
    args = {
        key: text(value, f"args.{key}") if value is not None else known[key]
        for key, value in _pairs(build.get("args"))
        if value is not None or key in known
    }
    contexts = {key: text(value, f"additional_contexts.{key}") for key, value in _pairs(build.get("additional_contexts"))}
    platforms = build.get("platforms")
    return BuildTarget(
        name,
        text(build.get("context") or ".", "context"),
        text(build.get("dockerfile") or "Dockerfile", "dockerfile"),
        text(inline, "dockerfile_inline") if isinstance(inline, str) else None,
        text(stage, "target") if stage else None,
        args,
        contexts,
        tuple(text(each, "platforms") for each in platforms) if isinstance(platforms, list) else (),
        tuple(dict.fromkeys(unresolved)),
        folder,
    )


def _pairs(value: Any) -> list[tuple[str, Any]]:
    """Give a mapping, or a list of `NAME=VALUE`, as pairs; a value that is not there is None."""
    if isinstance(value, dict):
        return [(str(key), _scalar(each)) for key, each in value.items()]
    if not isinstance(value, list):
        return []
    found = []
    for each in value:
        key, equals, text = str(each).partition("=")
        found.append((key, text if equals else None))
    return found


def _scalar(value: Any) -> Any:
    return ("true" if value else "false") if isinstance(value, bool) else value


def _expand(text: str, known: Mapping[str, str], what: str, unresolved: list[str]) -> str:
    """Give a text with its variables (compose-spec, 12-interpolation.md); an unset one is empty, and is told."""

    def value(match: re.Match[str]) -> str:
        if match["dollar"]:
            return "$"
        name, how = match["name"] or match["braced"], match["how"] or ""
        found = known.get(name)
        is_set = bool(found) if how.startswith(":") else found is not None
        if how.endswith("+"):
            return match["word"] if is_set else ""
        if is_set:
            return found or ""
        if how.endswith("-"):
            return match["word"]
        unresolved.append(f"{what}: the variable {name} is not set")
        return ""

    return _VARIABLE.sub(value, text)


def _env_file(path: Path) -> dict[str, str]:
    """Give the variables of the `.env` beside the file; nothing where there is none."""
    try:
        text = path.read_bytes()[: 1 << 20].decode("utf-8", "replace")
    except OSError:
        return {}
    found = {}
    for line in text.splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and re.fullmatch(r"[A-Za-z_]\w*", name.strip()):
            value = value.strip()
            quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
            found[name.strip()] = value[1:-1] if quoted else re.sub(r"\s+#.*", "", value)
    return found
