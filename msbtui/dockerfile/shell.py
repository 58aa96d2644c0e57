"""What a RUN does: its simple commands, by tree-sitter-bash.

Words are given as the program would get them where that is known: quotes and escapes removed, variables put in whose
value the script or the caller gives. A word that holds something only the build knows is given as written and named in
`Command.unknown`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

import msgspec

from msbtui.dockerfile.model import Instruction
from msbtui.dockerfile.script import SHELLS, Script, script_of
from msbtui.dockerfile.shellwords import Word, WordReader

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

_MAX_DEPTH = 150
_OPERATORS = frozenset({"&&", "||", ";", "|", "|&", "&", "\n", ";;"})
_BRANCHES = frozenset(
    {"if_statement", "elif_clause", "else_clause", "case_statement", "while_statement", "for_statement", "c_style_for_statement"}
    | {"function_definition"}
)
_REDIRECTS = frozenset({"file_redirect", "heredoc_redirect", "herestring_redirect"})


class Redirect(msgspec.Struct, frozen=True):
    """`> target` of a command; `known` is False where the target holds something that only the build knows."""

    operator: str
    target: str
    known: bool = True


class Command(msgspec.Struct, frozen=True):
    """One simple command. `start` and `end` are byte offsets in the instruction's source, end exclusive."""

    words: tuple[str, ...]
    start: int
    end: int
    operator: str = ""
    """What stands before it: "" for the first, then `&&`, `||`, `;`, `|` or `&`."""
    unknown: frozenset[int] = frozenset()
    """Indices of words that hold what only the build knows."""
    assignments: tuple[tuple[str, str], ...] = ()
    """`NAME=value` in front of the command, or all there is where `words` is empty."""
    redirects: tuple[Redirect, ...] = ()
    directory: str | None = ""
    """Where `cd` has led: "" for the instruction's WORKDIR, a path relative to it or absolute, None where unknown."""
    conditional: bool = False
    """Whether it runs only sometimes: in `if`, loops, functions, `case`, or after `||`."""
    nested: bool = False
    """Whether it stands in `$(...)`, in the text of `sh -c`, or in a here-document for a shell."""

    @property
    def name(self) -> str:
        """The program's name without its folder, or ""."""
        return self.words[0].rpartition("/")[2] if self.words else ""


def commands(
    instruction: Instruction, *, escape: str = "\\", shell: Iterable[str] = (), variables: Mapping[str, str] | None = None
) -> list[Command]:
    """Give the simple commands of a RUN (or CMD, ENTRYPOINT, HEALTHCHECK), in the order in which they stand.

    `escape` is the Dockerfile's escape character, `shell` the SHELL in force (nothing is given for one that is no sh),
    `variables` the ARG and ENV values known. An ONBUILD gives what its trigger does. Never raises.
    """
    if instruction.trigger is not None:
        inner = commands(instruction.trigger, escape=escape, shell=shell, variables=variables)
        shift = instruction.trigger.span.start - instruction.span.start
        return [msgspec.structs.replace(each, start=each.start + shift, end=each.end + shift) for each in inner]
    size = len(instruction.source.encode("utf-8", "surrogateescape"))
    if instruction.json:
        words = instruction.words[1:] if instruction.keyword == "HEALTHCHECK" else instruction.words
        if not words:
            return []
        outer = Command(words, 0, size)
        return [outer, *_inner_text(outer, dict(variables or {}), 0)]
    first = next(iter(shell), "sh").rpartition("/")[2]
    if first not in SHELLS:
        return []
    script = script_of(instruction, escape)
    if script is None:
        return []
    if instruction.keyword == "HEALTHCHECK":
        script = _without_type(script)
    return _Walker(script, dict(variables or {})).run()


def shell_tree(text: bytes) -> Node:
    """Give the root of a script's syntax tree; `has_error` says that a part was not understood."""
    return _parser().parse(text).root_node


def _without_type(script: Script) -> Script:
    text = script.text
    keyword = text.split(None, 1)[0] if text.split() else b""
    return Script(b" " * len(keyword) + text[len(keyword) :], script.starts, script.places)


@cache
def _parser() -> Parser:
    import tree_sitter_bash
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_bash.language()))


def _inner_text(outer: Command, variables: dict[str, str], depth: int) -> list[Command]:
    """Give the commands in the text of `sh -c TEXT`, at the place of the outer command."""
    words = outer.words
    if outer.name not in SHELLS or depth > 3:
        return []
    at = told_text(words)
    if at is None or at in outer.unknown:
        return []
    found = _Walker(Script(words[at].encode("utf-8", "surrogateescape")), variables, depth + 1, outer.directory).run()
    return [msgspec.structs.replace(each, start=outer.start, end=outer.end, nested=True) for each in found]


def told_text(words: Sequence[str]) -> int | None:
    """Give which of a shell's words is the text that `-c` has it run: `bash -o pipefail -c TEXT`, `bash -ceuo pipefail TEXT`.

    It is the first argument that is no option, nor an option's value (POSIX, sh; bash(1), invocation). None where there is none.
    """
    told = value = False
    for at, word in enumerate(words[1:], 1):
        if value:
            value = False
        elif word in ("--rcfile", "--init-file"):
            value = True
        elif word[:1] in ("-", "+") and word[1:2] not in ("", "-"):
            told = told or (word[0] == "-" and "c" in word)
            value = "o" in word or "O" in word
        elif word not in ("-", "--") and not word.startswith("--"):
            return at if told else None
    return None


class _Walker:
    def __init__(self, script: Script, variables: dict[str, str], depth: int = 0, directory: str | None = "") -> None:
        self.script = script
        self.depth = depth
        self.variables = variables
        self.reader = WordReader(script.text, variables)
        self.found: list[Command] = []
        self.operator = ""
        self.directory = directory
        self.conditional = 0
        self.nested = 0

    def run(self) -> list[Command]:
        self._visit(_parser().parse(self.script.text).root_node, 0)
        return self.found

    def _visit(self, node: Node, depth: int) -> None:
        if depth > _MAX_DEPTH:
            return
        kind = node.type
        if kind in _OPERATORS:
            self.operator = {"\n": ";", ";;": ";", "|&": "|"}.get(kind, kind) if self.found else ""
        elif kind in ("command", "declaration_command", "unset_command", "test_command"):
            self._command(node, depth)
        elif kind in ("variable_assignment", "variable_assignments"):
            self._assign(node, depth)
        elif kind == "redirected_statement":
            self._redirected(node, depth)
        elif kind in ("subshell", "command_substitution", "process_substitution"):
            self._apart(node, depth, nested=kind != "subshell")
        elif kind == "pipeline":
            for child in node.children:
                self._apart(child, depth, nested=False, itself=True)
        elif kind in _BRANCHES:
            before = self.directory
            self.conditional += 1
            self._children(node, depth)
            self.conditional -= 1
            self.directory = before if before == self.directory else None
        elif kind not in ("comment", "heredoc_body"):
            self._children(node, depth)

    def _children(self, node: Node, depth: int) -> None:
        for child in node.children:
            self._visit(child, depth + 1)

    def _apart(self, node: Node, depth: int, *, nested: bool, itself: bool = False) -> None:
        """Visit what runs in a shell of its own: its `cd` and its variables change nothing outside."""
        before, values = self.directory, dict(self.variables)
        self.nested += nested
        if itself:
            self._visit(node, depth + 1)
        else:
            self._children(node, depth)
        self.nested -= nested
        self.directory = before
        self.variables.clear()
        self.variables.update(values)

    def _substitutions(self, node: Node, depth: int) -> None:
        """Find the commands inside the words of a command."""
        operator = self.operator
        for child in node.children:
            if child.type in ("command_substitution", "process_substitution"):
                self._apart(child, depth, nested=True)
            elif child.child_count and depth < _MAX_DEPTH:
                self._substitutions(child, depth + 1)
        self.operator = operator

    def _command(self, node: Node, depth: int) -> None:
        self._substitutions(node, depth)
        words: list[Word] = []
        assignments: list[tuple[str, str]] = []
        redirects: list[Redirect] = []
        inner: list[Node] = []
        if node.type == "test_command":
            words = [Word(text, True) for text in self.reader.raw(node).split()]
        for child in node.children if node.type != "test_command" else ():
            if child.type == "variable_assignment" and node.type == "command":
                assignments.append(self._assignment(child)[:2])
            elif child.type in _REDIRECTS:
                redirects += self._redirects(child, inner)
            elif child.type == "command_name":
                words += [word for part in child.children for word in self.reader.fields(part)]
            else:
                words += self.reader.fields(child)
        if node.type == "declaration_command":
            for child in node.children:
                if child.type == "variable_assignment":
                    self._remember(child)
        self._add(node, words, assignments, redirects)
        if inner:
            self._here(self.found[-1], inner)

    def _add(self, node: Node, words: list[Word], assignments: list[tuple[str, str]], redirects: list[Redirect]) -> None:
        script = self.script
        command = Command(
            words=tuple(word.text for word in words),
            start=script.place(node.start_byte),
            end=script.end(node.end_byte),
            operator=self.operator if self.found else "",
            unknown=frozenset(index for index, word in enumerate(words) if not word.known),
            assignments=tuple(assignments),
            redirects=tuple(redirects),
            directory=self.directory,
            conditional=self.conditional > 0 or self.operator == "||",
            nested=self.nested > 0,
        )
        self.found.append(command)
        self.operator = ";"
        if command.name == "cd":
            self._change_directory(command)
        elif command.name in SHELLS:
            self.found += _inner_text(command, dict(self.variables), self.depth)

    def _change_directory(self, command: Command) -> None:
        targets = [index for index, word in enumerate(command.words) if index and word not in ("--", "-P", "-L")]
        if len(targets) != 1 or targets[0] in command.unknown or command.words[targets[0]].startswith(("-", "~")):
            self.directory = None
            return
        target = command.words[targets[0]]
        if target.startswith("/"):
            self.directory = posixpath.normpath("/" + target.lstrip("/"))
        elif self.directory is not None:
            self.directory = posixpath.normpath(posixpath.join(self.directory, target)) if target else self.directory

    def _assign(self, node: Node, depth: int) -> None:
        """A statement of assignments only: the values count from here on."""
        self._substitutions(node, depth)
        children = [node] if node.type == "variable_assignment" else [c for c in node.children if c.type == "variable_assignment"]
        pairs = []
        for child in children:
            self._remember(child)
            pairs.append(self._assignment(child)[:2])
        self._add(node, [], pairs, [])

    def _assignment(self, node: Node) -> tuple[str, str, bool]:
        name, _, _ = self.reader.raw(node).partition("=")
        value = node.child_by_field_name("value")
        if value is None:
            return name.removesuffix("+"), "", not name.endswith("+")
        words = self.reader.word(value)
        return name.removesuffix("+"), words.text, words.known and not name.endswith("+")

    def _remember(self, node: Node) -> None:
        name, value, known = self._assignment(node)
        if known and not self.conditional:
            self.variables[name] = value
        else:
            self.variables.pop(name, None)

    def _redirected(self, node: Node, depth: int) -> None:
        redirects: list[Redirect] = []
        inner: list[Node] = []
        index = None
        for child in node.children:
            if child.type in _REDIRECTS:
                # What the grammar puts into a here-document's node after its name runs after the command before it.
                index = len(self.found) - 1 if index is None else index
                self._substitutions(child, depth)
                redirects += self._redirects(child, inner)
            else:
                self._visit(child, depth + 1)
        if index is None or index < 0:
            return
        last = self.found[index]
        end = max(last.end, self.script.end(self._end_of_redirects(node)))
        self.found[index] = msgspec.structs.replace(last, redirects=last.redirects + tuple(redirects), end=end)
        self._here(self.found[index], inner)

    @staticmethod
    def _end_of_redirects(node: Node) -> int:
        ends = [child.end_byte for child in node.children if child.type != "heredoc_redirect"]
        for child in node.children:
            if child.type == "heredoc_redirect":
                ends += [part.end_byte for part in child.children if part.type in ("heredoc_start", "file_redirect")]
        return max(ends)

    def _redirects(self, node: Node, inner: list[Node]) -> list[Redirect]:
        if node.type == "file_redirect":
            target = node.child_by_field_name("destination")
            operator = next((child.type for child in node.children if not child.is_named), "")
            word = self.reader.word(target) if target is not None else Word("", False)
            return [Redirect(operator, word.text, word.known)]
        found = []
        if node.type == "heredoc_redirect":
            for child in node.children:
                if child.type == "heredoc_body":
                    inner.append(child)
                elif child.type in ("file_redirect", "herestring_redirect"):
                    found += self._redirects(child, inner)
                elif child.type == "heredoc_start":
                    found.append(Redirect("<<", self.reader.word(child).text))
                elif child.type in ("pipeline", "list", "command", "&&", "||", "|"):
                    self._visit(child, 1)
        return found

    def _here(self, command: Command, bodies: list[Node]) -> None:
        """Read here-documents that a shell gets as its script."""
        if command.name not in SHELLS or any(not word.startswith(("-", "+")) for word in command.words[1:]) or self.depth > 3:
            return
        for body in bodies:
            shift = body.start_byte
            text = self.script.text[shift : body.end_byte]
            for each in _Walker(Script(text), dict(self.variables), self.depth + 1, self.directory).run():
                start, end = self.script.place(each.start + shift), self.script.end(each.end + shift)
                self.found.append(msgspec.structs.replace(each, start=start, end=end, nested=True))
