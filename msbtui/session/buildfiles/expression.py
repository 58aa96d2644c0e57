"""Expressions of bake files (HCL 2), as far as they say their value by themselves.

The grammar is that of hclsyntax/spec.md of github.com/hashicorp/hcl without `for`, splats and directives; functions are the
plain ones of buildx (docs/bake-stdlib.md). Whatever else an expression needs is `Unresolved`: never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal

from msbtui.session.buildfiles.functions import FUNCTIONS, Unresolved, Value, as_number, as_text, denied, operate

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_][A-Za-z0-9_-]*)|(?P<text>")|"""
    r"""(?P<sign>==|!=|<=|>=|&&|\|\||[-+*/%!<>?:.,=()\[\]{}]))"""
)
_LEVELS = (("||",), ("&&",), ("==", "!="), ("<", ">", "<=", ">="), ("+", "-"), ("*", "/", "%"))
DEPTH = 60
"""How deep expressions may nest."""


class Scope:
    """Names and functions that an expression may use; names are resolved when they are asked for."""

    def __init__(
        self, look_up: Callable[[str], Value], functions: Mapping[str, tuple[list[str], Value]] | None = None, depth: int = 0
    ) -> None:
        self.look_up = look_up
        self.functions = functions or {}
        self.depth = depth

    def value(self, written: Value) -> Value:
        """Give what a value of a parsed file stands for: texts are templates, lists and maps hold values."""
        if self.depth > DEPTH:
            raise Unresolved("nested too deep")
        if isinstance(written, str):
            return self.template(written)
        if isinstance(written, float):
            return as_number(repr(written))
        if isinstance(written, list):
            return [self.value(each) for each in written]
        if isinstance(written, dict):
            return {self.key(key): self.value(each) for key, each in written.items() if not key.startswith("__")}
        return written

    def key(self, written: str) -> str:
        """Give a key of a map: a name, or a template."""
        return as_text(self.template(written.strip('"')))

    def template(self, text: str) -> Value:
        """Give a template's value: of one that is a single `${}`, the value as it is; else text."""
        parts: list[Value] = []
        at = 0
        while at < len(text):
            if text.startswith(("$${", "%%{"), at):
                parts.append(text[at + 1 : at + 3])
                at += 3
            elif text.startswith("${", at):
                parser = _Parser(text, at + 2, self)
                value = parser.expression()
                parser.expect("}")
                if at == 0 and parser.at == len(text):
                    return value
                parts.append(as_text(value))
                at = parser.at
            elif text.startswith("%{", at):
                raise Unresolved("a template directive")
            elif text[at] == "\\" and at + 1 < len(text):
                escapes = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}
                if text[at + 1] not in escapes:
                    raise Unresolved("an escape")
                parts.append(escapes[text[at + 1]])
                at += 2
            else:
                parts.append(text[at])
                at += 1
        return "".join(parts)

    def call(self, name: str, arguments: list[Value]) -> Value:
        """Give what a function gives: the file's own ones come first."""
        if name in self.functions:
            parameters, result = self.functions[name]
            if len(parameters) != len(arguments):
                raise Unresolved(f"{name}: other arguments")
            known = dict(zip(parameters, arguments, strict=True))
            inner = Scope(lambda each: known[each] if each in known else self.look_up(each), self.functions, self.depth + 1)
            return inner.value(result)
        if name not in FUNCTIONS:
            raise Unresolved(f"the function {name}")
        try:
            return FUNCTIONS[name](*arguments)
        except Unresolved:
            raise
        except Exception:
            raise Unresolved(f"the call of {name}") from None


class _Parser:
    """Reads and evaluates one expression in one go."""

    def __init__(self, text: str, at: int, scope: Scope, depth: int = 0) -> None:
        self.text, self.at, self.scope, self.depth = text, at, scope, depth

    def peek(self) -> str:
        match = _TOKEN.match(self.text, self.at)
        return match.group().strip() if match else ""

    def take(self, sign: str) -> bool:
        if self.peek() != sign:
            return False
        match = _TOKEN.match(self.text, self.at)
        assert match is not None
        self.at = match.end()
        return True

    def expect(self, sign: str) -> None:
        if not self.take(sign):
            raise Unresolved("an expression that is not understood")

    def expression(self) -> Value:
        self.depth += 1
        if self.depth + self.scope.depth > DEPTH:
            raise Unresolved("nested too deep")
        value = self.binary(0)
        if self.take("?"):
            yes = self.lazily()
            self.expect(":")
            no = self.lazily()
            if not isinstance(value, bool):
                raise Unresolved("a condition that is neither true nor false")
            chosen = yes if value else no
            self.depth -= 1
            if isinstance(chosen, Unresolved):
                raise chosen
            return chosen
        self.depth -= 1
        return value

    def lazily(self) -> Value:
        """Give a branch's value, or why it has none: the branch that is not taken may lack one."""
        start = self.at
        try:
            return self.expression()
        except Unresolved as error:
            if self.at == start:
                raise
            return error

    def binary(self, level: int) -> Value:
        if level == len(_LEVELS):
            return self.unary()
        value = self.binary(level + 1)
        while (sign := self.peek()) in _LEVELS[level]:
            self.take(sign)
            value = operate(sign, value, self.binary(level + 1))
        return value

    def unary(self) -> Value:
        if self.take("!"):
            return denied(self.unary())
        if self.take("-"):
            return operate("-", 0, self.unary())
        value = self.primary()
        while True:
            if self.take("."):
                value = _member(value, self.name())
            elif self.take("["):
                key = self.expression()
                self.expect("]")
                value = _member(value, key)
            else:
                return value

    def name(self) -> str:
        match = _TOKEN.match(self.text, self.at)
        if match is None or match["name"] is None:
            raise Unresolved("an expression that is not understood")
        self.at = match.end()
        return match["name"]

    def primary(self) -> Value:
        match = _TOKEN.match(self.text, self.at)
        if match is None:
            raise Unresolved("an expression that is not understood")
        if match["number"] is not None:
            self.at = match.end()
            return as_number(match["number"])
        if match["text"] is not None:
            self.at = match.end()
            return self.quoted()
        if match["name"] is not None:
            self.at = match.end()
            name = match["name"]
            if name in ("true", "false", "null"):
                return {"true": True, "false": False, "null": None}[name]
            return self.scope.call(name, self.items("(", ")")) if self.peek() == "(" else self.scope.look_up(name)
        if self.peek() == "[":
            return self.items("[", "]")
        if self.take("{"):
            return self.map()
        self.expect("(")
        value = self.expression()
        self.expect(")")
        return value

    def items(self, opening: str, closing: str) -> list[Value]:
        self.expect(opening)
        found: list[Value] = []
        while not self.take(closing):
            found.append(self.expression())
            if not self.take(","):
                self.expect(closing)
                break
        return found

    def map(self) -> dict[str, Value]:
        found: dict[str, Value] = {}
        while not self.take("}"):
            match = _TOKEN.match(self.text, self.at)
            if match is not None and match["name"] is not None:
                self.at, key = match.end(), match["name"]
            else:
                key = as_text(self.primary())
            if not self.take("="):
                self.expect(":")
            found[key] = self.expression()
            self.take(",")
        return found

    def quoted(self) -> Value:
        """Read a quoted template up to its closing quote, which may stand behind `${}` with quotes of their own."""
        start, depth = self.at, 0
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == "\\":
                self.at += 1
            elif self.text.startswith("${", self.at):
                depth += 1
                self.at += 1
            elif char == "}" and depth:
                depth -= 1
            elif char == '"' and not depth:
                inner = self.text[start : self.at]
                self.at += 1
                return Scope(self.scope.look_up, self.scope.functions, self.scope.depth + 1).value(inner)
            self.at += 1
        raise Unresolved("a text that does not end")


def _member(value: Value, key: Value) -> Value:
    if isinstance(value, list) and isinstance(key, Decimal):
        raise Unresolved("a place between two of a list")
    try:
        return value[int(key) if isinstance(value, list) else key]
    except (KeyError, IndexError, TypeError, ValueError):
        raise Unresolved(f"no {key}") from None
