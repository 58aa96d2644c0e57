"""A Dockerfile made from an image's history, for images that come without one.

Both builders write lists as Go's `%q` and `%v` print them, which no Dockerfile takes: `["a" "b"]`, `[/data]`, and a health check
as the fields of the image's own `HealthcheckConfig` (BuildKit, frontend/dockerfile/dockerfile2llb/convert.go, `dispatchCmd`,
`dispatchEntrypoint`, `dispatchVolume`, `dispatchShell`, `dispatchHealthcheck`; moby builder/dockerfile/dispatchers.go).
"""

from __future__ import annotations

import json
import re

from msbtui.analysis.history import KEYWORDS
from msbtui.analysis.model import Base, LineMatch, Provenance
from msbtui.image.model import HistoryItem, Image
from msbtui.regex import regex

_BUILD_ARGUMENTS = regex(r"\|\d{1,4} .*? (?=/\S+ -\S*c )", re.DOTALL)
_SHELL = regex(r"/\S*sh -\S*c ")
_CLASSIC_SOURCE = regex(r"(?:file|dir|multi):\S+ in ")
_PORTS = regex(r"map\[(.*)\]$")
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_WORD = regex(_QUOTED)
_LIST = regex(rf"\[({_QUOTED}(?: {_QUOTED})*)\]$")
_BARE_LIST = regex(r"\[([^\[\]\"]+)\]$")
_HEALTH = regex(rf"&\{{\[({_QUOTED}(?: {_QUOTED})*)\]((?: {_QUOTED}){{2,4}}) '(.*)'\}}$")
_HEALTH_TIMES = ("interval", "timeout", "start-period", "start-interval")
_STEP = regex(r"\s+(&&|\|\||;)\s+(?=\S)|\s*;\s+(?=\S)")
_WIDE = 100
"""Characters; a longer RUN is broken at its `&&` as people write it."""
_WIDEST = 1 << 20
"""Characters; a longer instruction nobody wrote, and nobody reads: its begin is shown."""


def instruction_text(item: HistoryItem) -> str:
    """Give what a history item says as one line of a Dockerfile, as far as it tells; printable, empty where it says nothing."""
    keyword, rest = _parts(item)
    return " ".join(f"{keyword} {rest}".split()) if keyword else " ".join(_shown(item).split())


def _shown(item: HistoryItem) -> str:
    said = item.created_by or item.comment
    return said if len(said) <= _WIDEST else f"{said[:_WIDEST]} …"


def _parts(item: HistoryItem) -> tuple[str, str]:
    said = (
        (_shown(item) if item.created_by else "")
        .replace("\\x0a", "\n")
        .replace("\\x09", "\t")
        .strip()
        .removesuffix("# buildkit")
        .rstrip()
    )
    if "#(nop)" in said:
        said = said.partition("#(nop)")[2].strip()
    word, _, rest = said.partition(" ")
    if word not in KEYWORDS:
        word, rest = ("RUN", said) if said and (said[0] in "/|" or _SHELL.match(said)) else ("", said)
    rest = rest.strip()
    if word == "RUN":
        rest = _BUILD_ARGUMENTS.sub("", rest, count=1)
        return word, _SHELL.sub("", rest, count=1).strip()
    if word in ("ADD", "COPY"):
        return word, _CLASSIC_SOURCE.sub(lambda found: found[0].removesuffix(" in "), rest, count=1).replace("  ", " ")
    if word == "EXPOSE" and (ports := _PORTS.match(rest)):
        return word, " ".join(port.partition(":")[0] for port in ports[1].split())
    if word in ("CMD", "ENTRYPOINT", "SHELL", "VOLUME", "HEALTHCHECK"):
        return word, _list_text(word, rest)
    return word, rest


def _list_text(word: str, rest: str) -> str:
    """Give a list that Go printed as a Dockerfile takes it; what is none stays as it is."""
    if quoted := _LIST.match(rest):
        return f"[{', '.join(_WORD.findall(quoted[1]))}]"
    if word in ("SHELL", "VOLUME") and (bare := _BARE_LIST.match(rest)):
        # Go's `%v` tells no longer where a name with a space in it ended.
        return json.dumps(bare[1].split(), ensure_ascii=False) if "," not in bare[1] else rest
    if word == "HEALTHCHECK" and (health := _HEALTH.match(rest)):
        return _health_text(_WORD.findall(health[1]), _WORD.findall(health[2]), health[3])
    return rest


def _health_text(test: list[str], times: list[str], retries: str) -> str:
    flags = [f"--{name}={time[1:-1]}" for name, time in zip(_HEALTH_TIMES, times, strict=False) if time != '"0s"']
    tries = _character(retries)
    if tries:
        flags.append(f"--retries={tries}")
    kind, *words = test
    if kind == '"NONE"':
        return "NONE"
    if kind == '"CMD-SHELL"' and len(words) == 1:
        try:
            command = str(json.loads(words[0]))
        except ValueError:
            command = words[0][1:-1]
        return " ".join([*flags, "CMD", command])
    return " ".join([*flags, "CMD", f"[{', '.join(words)}]"])


def _character(quoted: str) -> int:
    """Give the number that Go's `%q` wrote as a character; 0 where it is none."""
    if len(quoted) == 1:
        return ord(quoted)
    short = {"\\a": 7, "\\b": 8, "\\t": 9, "\\n": 10, "\\v": 11, "\\f": 12, "\\r": 13, "\\'": 39, "\\\\": 92}
    hexadecimal = quoted[2:] if quoted[:2] in ("\\x", "\\u", "\\U") else ""
    try:
        return short[quoted] if quoted in short else int(hexadecimal, 16)
    except ValueError:
        return 0


def reconstruct(image: Image, base: Base) -> tuple[str, Provenance]:
    """Give a Dockerfile's text made from the history, and which of its lines made which layer.

    The base's items become one FROM where the base has a name; else all stand there below `FROM scratch`. What history does not
    tell (sources of ADD and COPY, stages) cannot come back: the first line says so.
    """
    lines = ["# Made from the image's history: sources, stages and comments are not in it.", f"FROM {base.name or 'scratch'}"]
    layer_of = {layer.history_index: layer.index for layer in image.layers if layer.history_index is not None}
    in_base = {layer.history_index for layer in image.layers[: base.layers]} if base.name else set()
    last = max((index for index in in_base if index is not None), default=-1)
    matches = {
        layer.index: LineMatch(layer.index, line=2, exact=False, note="from the base image")
        for layer in image.layers[: base.layers]
    }
    count = 1
    for index, item in enumerate(image.history):
        layer = layer_of.get(index)
        if index <= last:
            continue
        keyword, rest = _parts(item)
        if not keyword:
            lines.append(f"# {' '.join((_shown(item) or 'nothing is said').split())}")
        else:
            first = len(lines) + 1
            lines.extend(_broken(f"{keyword} {rest}"))
            if layer is not None:
                matches[layer] = LineMatch(layer, instruction=count, line=first, stage=0, exact=True)
            count += 1
            continue
        if layer is not None:
            matches[layer] = LineMatch(layer, line=len(lines), stage=0, note="the history names no instruction")
    return "\n".join(lines) + "\n", Provenance(
        matches=tuple(matches.get(layer.index, LineMatch(layer.index, note="not in the history")) for layer in image.layers),
        fit=1.0,
        verdict="reconstructed from history",
    )


def _broken(line: str) -> list[str]:
    """Give an instruction as lines that a Dockerfile can hold: a line break inside it needs a backslash before it."""
    parts = [part.strip() for part in line.split("\n") if part.strip()]
    text = " ".join(parts)
    if len(text) <= _WIDE or not text.startswith("RUN "):
        return [text]
    broken = []
    at = 0
    for found in _STEP.finditer(text):
        if found[1] in ("&&", "||"):
            broken.append(text[at : found.start()] + " \\")
            at = found.start(1)
    broken.append(text[at:])
    return [broken[0], *(f"    {part}" for part in broken[1:])]
