"""Bake files of buildx (docs/bake-reference.md): variables, functions, inheritance, groups and matrices, resolved."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

from msbtui.errors import TargetError
from msbtui.session.buildfiles.expression import Scope
from msbtui.session.buildfiles.functions import Unresolved, Value, as_number, as_text, is_number
from msbtui.session.buildfiles.model import BuildTarget
from msbtui.text import printable

_MERGED = ("args", "contexts", "labels")
"""Maps of which a target takes over what it does not set itself."""
_TRUE, _FALSE = ("1", "t", "T", "TRUE", "true", "True"), ("0", "f", "F", "FALSE", "false", "False")
"""What Go's strconv.ParseBool takes."""
MATRIX = 1000
"""Targets that a matrix may stand for."""


def read_bake(data: bytes, path: Path, environ: Mapping[str, str]) -> tuple[dict[str, BuildTarget], list[str]]:
    """Give a bake file's targets by name, and the names that `bake` builds when none is named.

    Raises TargetError where the file is no bake file.
    """
    blocks = _parse(data, path)
    bake = _Bake(blocks, path.parent, environ)
    return bake.targets(), bake.group("default", set())


def _parse(data: bytes, path: Path) -> dict[str, dict[str, Any]]:
    """Give the blocks by kind and name."""
    where = printable(str(path))
    try:
        text = data.decode("utf-8")
        if path.suffix.lower() == ".json":
            document = json.loads(text)
        else:
            import hcl2

            document = _templates(hcl2.loads(text))
    except RecursionError:
        raise TargetError("nested too deep", where=where) from None
    except Exception as error:
        place = f"{where}:{line}" if isinstance(line := getattr(error, "line", None), int) and line > 0 else where
        raise TargetError("no bake file: it cannot be parsed", where=place) from None
    found: dict[str, dict[str, Any]] = {}
    if not isinstance(document, dict):
        raise TargetError("no bake file", where=where)
    for kind in ("variable", "function", "group", "target"):
        listed = document.get(kind) or []
        for block in listed if isinstance(listed, list) else [listed]:
            if not isinstance(block, dict):
                raise TargetError(f"no bake file: {kind} is no block", where=where)
            for name, body in block.items():
                if isinstance(body, dict):
                    found.setdefault(kind, {}).setdefault(name, {}).update(body)
    return found


class _Bake:
    def __init__(self, blocks: dict[str, dict[str, Any]], folder: Path, environ: Mapping[str, str]) -> None:
        self.blocks, self.folder, self.environ = blocks, folder, environ
        self.known: dict[str, Value] = {}
        self.asked: set[str] = set()
        self.functions = {
            name: ([str(each).removeprefix("${").removesuffix("}") for each in body.get("params", [])], body.get("result"))
            for name, body in blocks.get("function", {}).items()
            if "variadic_params" not in body
        }
        self.scope = Scope(self.variable, self.functions)

    def variable(self, name: str) -> Value:
        """Give a variable's value: the environment's before the default."""
        if name in self.known:
            return self.known[name]
        body = self.blocks.get("variable", {}).get(name)
        if body is None or name in self.asked:
            raise Unresolved(f"the variable {name}")
        self.asked.add(name)
        default = self.scope.value(body.get("default", ""))
        self.asked.discard(name)
        self.known[name] = _typed(self.environ[name], default) if name in self.environ else default
        return self.known[name]

    def group(self, name: str, seen: set[str]) -> list[str]:
        """Give the targets that a group, or a matrix, or a target by itself stands for."""
        if name in seen:
            return []
        seen.add(name)
        body = self.blocks.get("group", {}).get(name)
        if body is None:
            own = self.blocks.get("target", {}).get(name)
            return [] if own is None else [each for each, _ in self.expanded(name, own)]
        try:
            members = self.scope.value(body.get("targets", []))
        except Unresolved:
            return []
        return list(dict.fromkeys(each for member in members for each in self.group(str(member), seen)))

    def expanded(self, name: str, body: dict[str, Any]) -> Iterator[tuple[str, Scope]]:
        """Give a target's names with the scope of each: one, or one for each cell of its matrix."""
        if "matrix" not in body:
            yield name, self.scope
            return
        try:
            matrix = self.scope.value(body["matrix"])
            names, axes = list(matrix), [list(matrix[each]) for each in matrix]
            cells = 1
            for axis in axes:
                cells *= len(axis)
            if cells > MATRIX:
                raise Unresolved("a matrix of more than 1,000 targets")
            for values in product(*axes):
                scope = self._cell(dict(zip(names, values, strict=True)))
                yield str(scope.value(body.get("name", name))), scope
        except (Unresolved, TypeError, AttributeError):
            return

    def _cell(self, known: dict[str, Value]) -> Scope:
        return Scope(lambda each: known[each] if each in known else self.variable(each), self.functions)

    def targets(self) -> dict[str, BuildTarget]:
        """Give all targets that can be built by name; those that begin with `_` are there to be inherited."""
        found = {}
        for name, body in self.blocks.get("target", {}).items():
            for each, scope in self.expanded(name, body):
                found[each] = self.target(each, body, scope)
        return found

    def target(self, name: str, body: dict[str, Any], scope: Scope) -> BuildTarget:
        """Give one target with what it inherits."""
        unresolved: list[str] = []
        values = self.inherited(body, scope, unresolved, set())
        args = {key: as_text(value) for key, value in values.get("args", {}).items() if value is not None}
        contexts = {key: as_text(value) for key, value in values.get("contexts", {}).items() if value is not None}
        inline = values.get("dockerfile-inline")
        return BuildTarget(
            name,
            str(values.get("context") or "."),
            str(values.get("dockerfile") or "Dockerfile"),
            inline if isinstance(inline, str) else None,
            str(values["target"]) if values.get("target") else None,
            args,
            contexts,
            tuple(map(str, values.get("platforms") or ())),
            tuple(dict.fromkeys(unresolved)),
            self.folder,
        )

    def inherited(self, body: dict[str, Any], scope: Scope, unresolved: list[str], seen: set[str]) -> dict[str, Any]:
        """Give a target's own values over those of what it inherits, the later before the earlier."""
        values: dict[str, Any] = {}
        for parent in self._attribute("inherits", body, scope, unresolved) or []:
            other = self.blocks.get("target", {}).get(str(parent))
            if other is None or parent in seen:
                unresolved.append(f"inherits: {printable(str(parent))}")
                continue
            _merge(values, self.inherited(other, scope, unresolved, {*seen, str(parent)}))
        own: dict[str, Any] = {}
        for key in ("context", "dockerfile", "dockerfile-inline", "target", "platforms"):
            if (value := self._attribute(key, body, scope, unresolved)) is not None:
                own[key] = value
        for key in _MERGED:
            if isinstance(body.get(key), dict):
                own[key] = {}
                for name in (each for each in body[key] if not each.startswith("__")):
                    known = len(unresolved)
                    value = self._attribute(name, body[key], scope, unresolved, f"{key}.")
                    # A null leaves what is inherited; what could not be resolved must not look like it.
                    if value is not None or len(unresolved) > known:
                        own[key][scope.key(name)] = value if not isinstance(value, list | dict) else None
        _merge(values, own)
        return values

    def _attribute(self, key: str, body: dict[str, Any], scope: Scope, unresolved: list[str], before: str = "") -> Value:
        try:
            return scope.value(body.get(key))
        except Unresolved as error:
            unresolved.append(f"{before}{printable(key)}: {printable(str(error))}")
            return None


def _merge(values: dict[str, Any], more: dict[str, Any]) -> None:
    for key, value in more.items():
        values[key] = {**values.get(key, {}), **value} if key in _MERGED else value


def _typed(text: str, default: Value) -> Value:
    """Give the environment's text as the type of the variable's default (bake/hclparser)."""
    if isinstance(default, bool):
        if text not in (*_TRUE, *_FALSE):
            raise Unresolved("a truth value from the environment")
        return text in _TRUE
    return as_number(text) if is_number(default) else text


def _templates(value: Any) -> Any:
    """Give a parsed document as JSON has it: texts are templates without quotes, a bare name is one that only asks for it."""
    if isinstance(value, list):
        return [_templates(each) for each in value]
    if isinstance(value, dict):
        return {key.strip('"'): _templates(each) for key, each in value.items()}
    if not isinstance(value, str):
        return value
    quoted = len(value) > 1 and value[0] == value[-1] == '"'
    inner = value[1:-1] if quoted else value
    if inner.startswith("<<"):
        return _heredoc(inner).replace("\\", "\\\\")
    return inner if quoted or value.startswith("${") else f"${{{value}}}"


def _heredoc(text: str) -> str:
    """Give a here-document's text, which the parser leaves with its marks."""
    lines = text.split("\n")
    body = lines[1:-1]
    if text.startswith("<<-"):
        indent = min((len(line) - len(line.lstrip()) for line in body if line.strip()), default=0)
        body = [line[indent:] for line in body]
    return "\n".join([*body, ""])
