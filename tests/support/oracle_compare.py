"""Where this project's reading of a Dockerfile and BuildKit's differ."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from buildkit_oracle import Request, text

from msbtui.dockerfile.gotext import clean
from msbtui.dockerfile.graph import build_checks, build_graph
from msbtui.dockerfile.model import Dockerfile, Instruction, StageGraph
from msbtui.dockerfile.parser import parse
from msbtui.dockerfile.words import pairs

REPORT_ONLY = frozenset({"warnings", "place", "partial"})
"""Kinds that the long run counts and does not fail on."""
_THREES = frozenset({"ENV", "LABEL"})
"""BuildKit's tree has name, value and `=` of each pair; the model has the words as written."""
_AT_ONCE = 100
_SUGGESTION = re.compile(r"(?<= \(did you mean )[^()]+(?=\?\))")
_LINT_ERROR = "lint violation found for rules"


class Difference(msgspec.Struct, frozen=True):
    """One disagreement. `cause` groups those that probably come from one place in the code."""

    kind: str
    expected: str
    found: str

    @property
    def cause(self) -> str:
        """The kind with the two sides, without what is only this file's."""
        if self.kind in ("accepts", "rejects", "message", "place"):
            return f"{self.kind}: {_shape(self.expected)} / {_shape(self.found)}"
        if self.kind == "warnings":
            return f"{self.kind}: {_rules(self.expected)} / {_rules(self.found)}"
        return self.kind


def _shape(message: str) -> str:
    message = re.sub(r"on line \d+", "on line N", message)
    message = re.sub(r'"(?:[^"\\]|\\.)*"|`[^`]*`|\'[^\']*\'', '"…"', message)
    return re.sub(r"\d+", "N", message)[:100]


def _rules(found: str) -> str:
    return ",".join(sorted(set(re.findall(r"(\w+):", found))))[:120]


class Reading(msgspec.Struct):
    """What this project makes of a request."""

    dockerfile: Dockerfile
    graph: StageGraph


def read(request: Request) -> Reading:
    """Read a request with this project's parser and graph."""
    dockerfile = parse(request.dockerfile)
    graph = build_graph(
        dockerfile,
        target=request.target or None,
        build_args=request.build_args,
        build_contexts=request.build_contexts,
        image_onbuild=request.image_onbuild,
        all_stages=request.all_stages,
        platform="linux/amd64",
    )
    return Reading(dockerfile, graph)


def differences(request: Request, answer: dict[str, Any]) -> list[Difference]:
    """Give what differs between BuildKit's answer to a request and this project's reading of it."""
    if answer.get("panic") or answer["endless"]:
        return []
    try:
        reading = read(request)
    except Exception as error:
        return [Difference("raises", "no exception", f"{type(error).__name__}: {error}")]
    out = [] if answer["hits_image"] else list(_verdict(request, answer, reading))
    if answer["parsed"]:
        out += _instructions(answer, reading.dockerfile)
    if not answer["hits_image"]:
        accepted = "" if _accepts(answer) else "partial"
        if accepted == "" and not reading.graph.errors:
            out += _graph(answer, reading.graph, "")
        elif accepted and answer["stages"] and reading.graph.errors:
            out += _graph(answer, reading.graph, "partial")
    return out


def _accepts(answer: dict[str, Any]) -> bool:
    # `# check=error=true` ends a build after the graph is made; here it is a warning, and the graph stands.
    return bool(answer["ok"]) or answer.get("error", "").startswith(_LINT_ERROR)


def _verdict(request: Request, answer: dict[str, Any], reading: Reading) -> Iterable[Difference]:
    errors = reading.graph.errors
    if _accepts(answer):
        if errors:
            yield Difference("rejects", "", errors[0].message)
        return
    said = answer["error"]
    if not errors:
        yield Difference("accepts", said, "")
        return
    if "\ufffd" not in said and request.dockerfile and not any(_agree(clean(said), error.message) for error in errors):
        yield Difference("message", said, errors[0].message)
    lines = set(answer.get("error_lines") or ())
    if answer["failed_at"] == "parse":
        # BuildKit counts the lines of directives from 0.
        lines |= {line + 1 for line in lines}
    if lines and not lines & {error.line for error in errors}:
        yield Difference("place", f"{said} at {sorted(lines)}", f"at {errors[0].line}")


def _agree(said: str, message: str) -> bool:
    """Say whether a message holds BuildKit's words. Of several names that are equally near BuildKit suggests any."""
    return said in message or (bool(_SUGGESTION.search(message)) and _SUGGESTION.sub("", said) == _SUGGESTION.sub("", message))


def _instructions(answer: dict[str, Any], dockerfile: Dockerfile) -> Iterable[Difference]:
    if answer["escape"] != dockerfile.escape:
        yield Difference("escape", answer["escape"], dockerfile.escape)
    theirs = answer["instructions"]
    spans = [(text(each["keyword"]), each["start"], each["end"]) for each in theirs]
    found = [(each.written, each.span.first_line, each.span.last_line) for each in dockerfile.instructions]
    if spans != found:
        yield Difference("spans", str(spans), str(found))
        return
    for each, ours in zip(theirs, dockerfile.instructions, strict=True):
        yield from _instruction(each, ours, "", dockerfile.escape)
        trigger = each.get("trigger")
        if (trigger is None) != (ours.trigger is None):
            yield Difference("trigger", str(trigger), str(ours.trigger))
        elif trigger is not None and ours.trigger is not None:
            if text(trigger["keyword"]) != ours.trigger.written:
                yield Difference("trigger keyword", text(trigger["keyword"]), ours.trigger.written)
            # BuildKit keeps the here-documents at the ONBUILD itself.
            yield from _instruction({**trigger, "heredocs": each["heredocs"]}, ours.trigger, "trigger ", dockerfile.escape)


def _instruction(theirs: dict[str, Any], ours: Instruction, prefix: str, escape: str) -> Iterable[Difference]:
    sides: list[tuple[str, Any, Any]] = [
        ("flags", [text(flag) for flag in theirs["flags"]], [_flag(flag.name, flag.value) for flag in ours.flags]),
        ("json", theirs["json"], ours.json),
        (
            "heredocs",
            [(text(doc["name"]), doc["expand"], doc["chomp"], text(doc["content"])) for doc in theirs["heredocs"]],
            [(doc.name, doc.expand, doc.strip_tabs, doc.content) for doc in ours.heredocs],
        ),
    ]
    if ours.trigger is None:
        words = [text(word) for word in theirs["words"]]
        found = list(ours.words)
        if ours.keyword in _THREES:
            found = [part for pair in pairs(ours.value, ours.keyword, escape) for part in pair]
        # An instruction without words has one empty node in BuildKit's tree.
        sides.append(("words", [] if words == [""] else words, [] if found == [""] else found))
    for name, expected, found in sides:
        if expected != found:
            yield Difference(f"{prefix}{name} of {ours.keyword[:12]}", repr(expected), repr(found))


def _flag(name: str, value: str | None) -> str:
    return f"--{name}" if value is None else f"--{name}={value}"


def _graph(answer: dict[str, Any], graph: StageGraph, kind: str) -> Iterable[Difference]:
    theirs = answer["stages"]
    sides: list[tuple[str, Any, Any]] = [
        ("target", answer["target_index"], -1 if graph.target_index is None else graph.target_index),
        ("stages", [each["name"] for each in theirs], [stage.name for stage in graph.stages]),
        ("bases", [_origin(each["base"]) for each in theirs], [_origin(stage.base.as_json()) for stage in graph.stages]),
        ("reachability", [each["reachable"] for each in theirs], [stage.reachable for stage in graph.stages]),
        ("named contexts", [each["named_context"] for each in theirs], [stage.named_context for stage in graph.stages]),
        ("context paths", [sorted(map(clean, each["context_paths"])) for each in theirs],
         [sorted(stage.context_paths) for stage in graph.stages]),
        ("edges", sorted((each["to"], each["via"], _origin(each["from"])) for each in answer["edges"]),
         sorted((edge.to, edge.via, _origin(edge.origin.as_json())) for edge in graph.edges)),
    ]  # fmt: skip
    for name, expected, found in sides:
        if expected != found and "\ufffd" not in str(expected):
            yield Difference(kind or name, f"{name} {expected}", f"{name} {found}")


def _origin(each: dict[str, Any]) -> str:
    if each.get("scratch"):
        return "scratch"
    return f"stage {each['stage']}" if "stage" in each else f"image {clean(each.get('image', ''))}"


def warning_differences(request: Request, answer: dict[str, Any]) -> list[Difference]:
    """Give the build checks that only one side reports, where BuildKit accepts the file."""
    if answer.get("panic") or answer["endless"] or not _accepts(answer):
        return []
    reading = read(request)
    theirs = Counter(_check(each["rule"], clean(each["message"]), each["line"]) for each in answer["warnings"])
    ours = Counter(_check(each.rule, each.message, each.line) for each in build_checks(reading.dockerfile, reading.graph))
    ours = Counter({name: count for name, count in ours.items() if not name.startswith(":")})
    # The images of this project's reading are unknown and may define any variable; the oracle's define none.
    missing = Counter({name: count for name, count in (theirs - ours).items() if not name.startswith("UndefinedVar:")})
    extra = ours - theirs
    if not missing and not extra:
        return []
    return [Difference("warnings", "; ".join(sorted(missing.elements())), "; ".join(sorted(extra.elements())))]


def _check(rule: str, message: str, line: int) -> str:
    return f"{rule}: {_SUGGESTION.sub('…', message)} at {line}"


def shrink(data: bytes, holds: Callable[[list[bytes]], list[bool]], seconds: float = 15) -> bytes:
    """Give a small text for which `holds` still is true: drop runs of lines, then of bytes, while that goes on.

    `holds` judges many candidates at once; after `seconds` the smallest so far is given.
    """
    end = time.monotonic() + seconds
    for by_line in (True, False):
        while time.monotonic() < end:
            parts = re.findall(rb"[^\n]*\n|[^\n]+", data) if by_line else [data[i : i + 1] for i in range(len(data))]
            smaller = _smaller(parts, holds, end)
            if smaller is None:
                break
            data = smaller
    return data


def _smaller(parts: list[bytes], holds: Callable[[list[bytes]], list[bool]], end: float) -> bytes | None:
    size = len(parts) // 2 or 1
    while size >= 1:
        for first in range(0, len(parts), size * _AT_ONCE):
            starts = range(first, min(first + size * _AT_ONCE, len(parts)), size)
            candidates = [each for at in starts if (each := b"".join(parts[:at] + parts[at + size :]))]
            for candidate, held in zip(candidates, holds(candidates) if candidates else [], strict=True):
                if held:
                    return candidate
            if time.monotonic() > end:
                return None
        size //= 2
    return None
