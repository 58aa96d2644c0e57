"""What a Dockerfile says: instructions with their spans, stages, edges, and what is wrong with it."""

from __future__ import annotations

import msgspec


class Span(msgspec.Struct, frozen=True):
    """Where something stands in the source: lines from 1, both inclusive; `start` and `end` are byte offsets, end exclusive."""

    first_line: int
    last_line: int
    start: int
    end: int


class Flag(msgspec.Struct, frozen=True):
    """`--name=value` before the words of an instruction; `value` is None where there is no `=`. Quotes are removed."""

    name: str
    value: str | None = None


class Heredoc(msgspec.Struct, frozen=True):
    """One here-document of an instruction: its name, its text as a shell would get it, whether variables expand in it."""

    name: str
    content: str
    expand: bool
    strip_tabs: bool
    span: Span


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """An error or a warning at its place. An error's `message` holds BuildKit's own words."""

    message: str
    line: int = 0
    column: int = 0
    hint: str = ""
    rule: str = ""
    """BuildKit's rule name, for warnings (`StageNameCasing`)."""


class Instruction(msgspec.Struct, frozen=True):
    """One instruction."""

    index: int
    keyword: str
    """Upper case: `RUN`."""
    span: Span
    source: str
    """The text as it stands in the file, comments and continuation lines inside it included."""
    value: str
    """Everything after the keyword as one logical line, without flags: continuation and comment lines are gone."""
    flags: tuple[Flag, ...] = ()
    words: tuple[str, ...] = ()
    """Words of the value as BuildKit splits them for this keyword (COPY: sources and destination; JSON form: its items)."""
    json: bool = False
    """Whether the value is the JSON (exec) form."""
    heredocs: tuple[Heredoc, ...] = ()
    stage: int | None = None
    """Index of the stage that it belongs to; None before the first FROM."""
    trigger: Instruction | None = None
    """ONBUILD: the instruction that it holds."""
    comments: tuple[str, ...] = ()
    """The comment lines since the instruction before, without `#`; an empty comment line begins anew."""
    written: str = ""
    """The keyword as it stands in the file."""

    def flag(self, name: str) -> str | None:
        """Give the value of the last flag `name`, or None."""
        return next((flag.value for flag in reversed(self.flags) if flag.name == name), None)


class Dockerfile(msgspec.Struct, frozen=True):
    """A parsed Dockerfile. Parsing never fails: what BuildKit would reject stands in `errors`."""

    path: str
    source: str
    """The text, with its own line ends, without a byte order mark."""
    instructions: tuple[Instruction, ...]
    errors: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    escape: str = "\\"
    syntax: str = ""
    """The `# syntax=` directive's value."""
    bom: bool = False
    """Whether the file began with a byte order mark; `source` and its offsets are without it."""


class Origin(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a stage starts from, or what an edge comes from: exactly one of an image reference, a stage's index, scratch."""

    image: str | None = None
    stage: int | None = None
    scratch: bool = False

    def as_json(self) -> dict[str, str | int | bool]:
        """Give the one-key object of the graph's JSON contract."""
        if self.scratch:
            return {"scratch": True}
        return {"stage": self.stage} if self.stage is not None else {"image": self.image or ""}


class Use(msgspec.Struct, frozen=True):
    """One COPY --from or RUN --mount=from on an edge: its line, what it takes, and where it goes."""

    line: int
    source: str
    target: str


class Edge(msgspec.Struct, frozen=True):
    """A stage's dependency; one for each distinct (origin, stage, via)."""

    origin: Origin
    to: int
    via: str
    """`COPY --from` or `RUN --mount=from`."""
    uses: tuple[Use, ...] = ()


class Stage(msgspec.Struct, frozen=True):
    """One FROM section."""

    index: int
    name: str | None
    """Lower case, as BuildKit keeps it; None where FROM has no AS."""
    base: Origin
    line: int
    span: Span
    """From FROM to the end of its last instruction."""
    instructions: tuple[Instruction, ...]
    reachable: bool = False
    named_context: bool = False
    context_paths: tuple[str, ...] = ()
    platform: str = ""
    comment: str = ""
    """Doc comment above FROM, without `#`."""


class StageGraph(msgspec.Struct, frozen=True):
    """The stage graph of a Dockerfile under given build inputs. With errors it holds the part that is sound."""

    target_index: int | None
    stages: tuple[Stage, ...]
    edges: tuple[Edge, ...]
    warnings: tuple[Problem, ...] = ()
    errors: tuple[Problem, ...] = ()
    args: dict[str, str] = {}
    """The global ARGs as expanded."""
