"""A Dockerfile's text to instructions with exact spans, as BuildKit's parser reads it.

The line pass, the words and the checks are our own: dockerfile-parse knows no here-documents, takes quoted flags apart
wrongly and keeps no byte places, so nothing of its stream could be used without being read again.
"""

from __future__ import annotations

from msbtui.dockerfile import words
from msbtui.dockerfile.checks import InstructionError, Request, check
from msbtui.dockerfile.directives import check_of, syntax_of
from msbtui.dockerfile.gotext import clean, keyword, lower, upper
from msbtui.dockerfile.heredoc import Opening, openings, without_tabs
from msbtui.dockerfile.lines import LogicalLine, read_lines
from msbtui.dockerfile.model import Dockerfile, Flag, Heredoc, Instruction, Problem, Span
from msbtui.dockerfile.rules import Checker, CheckOptions, parse_options

_HEREDOC_KEYWORDS = frozenset({"ADD", "COPY", "RUN"})
_SHELL_FORMS = frozenset({"RUN", "CMD", "ENTRYPOINT", "SHELL"})
_LISTS = frozenset({"ADD", "COPY", "VOLUME"})
_BOM = "\ufeff"
NO_STAGE = "no build stage in current context"
"""What BuildKit says of an instruction before the first FROM."""


def parse(source: str | bytes, path: str = "Dockerfile") -> Dockerfile:
    """Give the instructions of a Dockerfile's text.

    Never raises: what BuildKit refuses stands in `errors`, BuildKit's own first error first, and the rest is read as far
    as it is sound. Byte offsets count in the UTF-8 form of `Dockerfile.source` (bytes that are no UTF-8 are kept as
    surrogate escapes), which lacks a byte order mark. Lines count from 1.
    """
    text, bom = _text(source)
    return _Parser(text, path, bom).run()


def _text(source: str | bytes) -> tuple[str, bool]:
    if isinstance(source, str):
        try:
            source.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            source = source.encode("utf-8", "replace").decode("utf-8")
    else:
        source = source.decode("utf-8", "surrogateescape")
    return source.removeprefix(_BOM), source.startswith(_BOM)


def parse_trigger(text: str) -> Instruction:
    """Give the one instruction of an ONBUILD trigger, read on its own as BuildKit does (convert.go, initOnBuildTriggers).

    Raises InstructionError with BuildKit's words.
    """
    reader = _Parser(text, "", False)
    found = read_lines(text, reader._openings)
    problems = [problem.message for problem in found.problems] + [line.problem for line in found.lines if line.problem]
    if not problems and not found.lines:
        problems = ["file with no instructions"]
    for line in found.lines:
        reader._add(line)
    problems += [problem.message for problem in reader.syntax_errors]
    if problems:
        raise InstructionError(problems[0])
    if len(reader.instructions) != 1:
        raise InstructionError("onbuild trigger should be a single expression")
    instruction = reader.instructions[0]
    errors = [error for error in reader.errors if error.message != NO_STAGE]
    if errors:
        raise InstructionError(errors[0].message.partition(": ")[2])
    if instruction.keyword == "FROM":
        raise InstructionError("*instructions.Stage is not a command type")
    return instruction


class Parsed:
    """A logical line with its keyword, flags and words."""

    __slots__ = ("args", "flags", "json", "keyword", "rest", "written")

    def __init__(self, line: str, escape: str) -> None:
        self.written, self.flags, self.rest = words.split_command(line, escape)
        self.keyword = keyword(self.written)
        self.json = False
        self.args: list[str] = []

    def read_words(self, escape: str) -> None:
        """Cut the rest into words as the keyword wants it (parser.go, dispatch); raises LineSyntaxError."""
        keyword, rest = self.keyword, self.rest
        if keyword in _SHELL_FORMS or keyword in _LISTS:
            items = words.json_words(rest)
            self.json = items is not None
            if items is not None:
                self.args = items
            elif keyword in _LISTS:
                self.args = words.spaced(rest)
            else:
                self.args = [rest] if rest else []
        elif keyword in ("FROM", "EXPOSE"):
            self.args = words.spaced(rest)
        elif keyword == "ARG":
            self.args = words.quoted_words(rest, escape)
        elif keyword in ("ENV", "LABEL"):
            self.args = [part for pair in words.pairs(rest, keyword, escape) for part in pair]
        elif keyword == "HEALTHCHECK":
            self.args, self.json = words.health_words(rest)
        elif keyword in ("MAINTAINER", "STOPSIGNAL", "USER", "WORKDIR"):
            self.args = [rest] if rest else []

    def model_words(self, escape: str) -> tuple[str, ...]:
        """Give the words that the model shows: ENV and LABEL as written, not in BuildKit's threes."""
        if self.keyword in ("ENV", "LABEL") and self.args and self.args[2]:
            return tuple(words.quoted_words(self.rest, escape))
        return tuple(self.args[:2]) if self.keyword in ("ENV", "LABEL") else tuple(self.args)


class _Parser:
    def __init__(self, text: str, path: str, bom: bool) -> None:
        self.text = text
        self.path = path
        self.bom = bom
        self.escape = "\\"
        self.syntax_errors: list[Problem] = []
        self.errors: list[Problem] = []
        self.instructions: list[Instruction] = []
        self.stage: int | None = None
        self.checker = Checker(CheckOptions())

    def run(self) -> Dockerfile:
        first: list[Problem] = []
        check_text = check_of(self.text)
        try:
            self.checker = Checker(parse_options(check_text))
        except ValueError as error:
            first.append(Problem(clean(f"failed to parse check options: {error}"), self._line_of_check(), 1))
        found = read_lines(self.text, self._openings, mark=len(_BOM.encode()) if self.bom else 0)
        self.escape = found.escape
        self.syntax_errors += found.problems
        for line in found.lines:
            if line.empty_continuation:
                self.checker.warn("NoEmptyContinuation", line.empty_continuation)
        for line in found.lines:
            self._add(line)
        if not found.lines:
            self.syntax_errors.append(Problem("file with no instructions", 1, 1, "a Dockerfile begins with FROM"))
        elif self.stage is None and not self.errors and not self.syntax_errors:
            self.errors.append(Problem("dockerfile contains no stages to build", 1, 1, "add a FROM instruction"))
        return Dockerfile(
            self.path,
            self.text,
            tuple(self.instructions),
            (*first, *self.syntax_errors, *self.errors),
            tuple(self.checker.problems),
            self.escape,
            syntax_of(self.text),
            self.bom,
        )

    def _line_of_check(self) -> int:
        lines = self.text.split("\n", 4)
        return next((number for number, line in enumerate(lines, 1) if "check" in line.lower()), 1)

    def _openings(self, text: str, escape: str) -> list[Opening]:
        """Say which here-documents a logical line opens (parser.go, canContainHeredoc)."""
        parsed = Parsed(text, escape)
        if parsed.keyword == "ONBUILD":
            parsed = Parsed(parsed.rest, escape)
        if parsed.keyword not in _HEREDOC_KEYWORDS:
            return []
        try:
            json = words.json_words(parsed.rest) is not None
        except words.LineSyntaxError:
            return []
        return [] if json else openings(text)

    def _add(self, line: LogicalLine) -> None:
        parsed = Parsed(line.text, self.escape)
        trigger: Parsed | None = None
        problem = line.problem
        try:
            parsed.read_words(self.escape)
            if parsed.keyword == "ONBUILD" and parsed.rest:
                trigger = Parsed(parsed.rest, self.escape)
                parsed.args = [trigger.written]
                trigger.read_words(self.escape)
                inner = trigger
                while inner.keyword == "ONBUILD" and inner.rest:
                    inner = Parsed(inner.rest, self.escape)
                    inner.read_words(self.escape)
        except words.LineSyntaxError as error:
            problem = str(error)
        if problem:
            self.syntax_errors.append(Problem(clean(problem), line.span.first_line, line.column))
        self._check(line, parsed, trigger, bool(problem))
        self.instructions.append(self._instruction(line, parsed, trigger))

    def _check(self, line: LogicalLine, parsed: Parsed, trigger: Parsed | None, broken: bool) -> None:
        number = line.span.first_line
        if parsed.keyword == "MAINTAINER":
            self.checker.warn("MaintainerDeprecated", number, comments=line.comments)
        if parsed.keyword == "FROM":
            self._check_from(line, parsed)
            self.stage = 0 if self.stage is None else self.stage + 1
        if broken:
            return
        args = parsed.args + (trigger.args if trigger else [])
        try:
            check(Request(parsed.written, args, parsed.flags, parsed.json))
        except InstructionError as error:
            message = f"dockerfile parse error on line {number}: {error}"
            self.errors.append(Problem(clean(message), number, column_of(line, error.at), clean(_hint(error))))
            return
        if parsed.keyword == "ARG":
            self._check_description(line, "ARG", [word.partition("=")[0] for word in args])
        elif parsed.keyword == "FROM" and len(args) == 3:
            self._check_description(line, "FROM", [lower(args[2])])
        elif self.stage is None:
            hint = "put it after the first FROM; only ARG may stand before"
            self.errors.append(Problem(NO_STAGE, number, line.column, hint))

    def _check_from(self, line: LogicalLine, parsed: Parsed) -> None:
        """The checks that BuildKit makes before it reads FROM itself (parse.go, ParseInstructionWithLinter)."""
        args, number, comments = parsed.args, line.span.first_line, line.comments
        if len(args) == 3 and args[2] != lower(args[2]):
            column = column_of(line, args[2])
            self.checker.warn("StageNameCasing", number, args[2], comments=comments, column=column)
        if len(args) >= 3 and parsed.written in (lower(parsed.written), upper(parsed.written)):
            cased = lower(args[1]) if parsed.written == lower(parsed.written) else upper(args[1])
            if args[1] != cased:
                self.checker.warn("FromAsCasing", number, parsed.written, args[1], comments=comments)

    def _check_description(self, line: LogicalLine, keyword: str, names: list[str]) -> None:
        """Check a description comment (parse.go, validateDefinitionDescription)."""
        if not line.comments or not names or line.comments[-1].split(" ")[0] in names:
            return
        example = names[0] if len(names) == 1 else "<arg_key>"
        self.checker.warn("InvalidDefinitionDescription", line.span.first_line, keyword, example, comments=line.comments)

    def _instruction(self, line: LogicalLine, parsed: Parsed, trigger: Parsed | None) -> Instruction:
        heredocs = tuple(
            Heredoc(
                body.opening.name,
                without_tabs(body.text) if body.opening.strip_tabs else body.text,
                body.opening.expand,
                body.opening.strip_tabs,
                body.span,
            )
            for body in line.bodies
        )
        inner = None
        if trigger is not None:
            skipped = _trigger_start(line.source)
            start = line.span.start + len(line.source[:skipped].encode("utf-8", "surrogateescape"))
            inner = Instruction(
                index=len(self.instructions),
                keyword=trigger.keyword,
                span=Span(line.span.first_line, line.span.last_line, start, line.span.end),
                source=line.source[skipped:],
                value=trigger.rest,
                flags=_flags(trigger.flags),
                words=trigger.model_words(self.escape),
                json=trigger.json,
                heredocs=heredocs,
                stage=self.stage,
                written=trigger.written,
            )
        return Instruction(
            index=len(self.instructions),
            keyword=parsed.keyword,
            span=line.span,
            source=line.source,
            value=parsed.rest,
            flags=_flags(parsed.flags),
            words=(trigger.written, *inner.words) if trigger and inner else parsed.model_words(self.escape),
            json=parsed.json,
            heredocs=heredocs,
            stage=self.stage,
            trigger=inner,
            comments=line.comments,
            written=parsed.written,
        )


def _flags(flags: list[str]) -> tuple[Flag, ...]:
    out = []
    for flag in flags:
        name, equals, value = flag.partition("=")
        out.append(Flag(name[2:], value if equals else None))
    return tuple(out)


def _trigger_start(source: str) -> int:
    """Give the place of the trigger's keyword in an ONBUILD's source, over continuation lines too."""
    at = len("ONBUILD")
    while at < len(source) and not source[at].isalpha():
        at = source.find("\n", at) if source[at] == "#" and "\n" in source[at:] else at + 1
    return at


def column_of(line: LogicalLine, token: str) -> int:
    """Give the column, from 1, of `token` in the line's first physical line, or of the instruction itself."""
    at = line.source.partition("\n")[0].find(token) if token else -1
    return line.column + max(at, 0)


def _hint(error: InstructionError) -> str:
    message = str(error)
    if error.hint or not message.endswith("?)"):
        return error.hint
    return message[message.rfind("(") + 1 : -1]
