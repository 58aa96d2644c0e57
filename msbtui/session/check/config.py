"""Where the rules come from: `.msbtui.toml`, an existing `.dive-ci`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import msgspec

from msbtui.errors import UsageError
from msbtui.session.check.baseline import beside
from msbtui.session.check.text import read_text
from msbtui.text import printable

CONFIG = ".msbtui.toml"
DIVE = ".dive-ci"
_LIMIT = 1 << 20
"""Bytes; no configuration is larger."""
_UNITS = {"": 1, "b": 1}
for _power, _letter in enumerate("kmgtp", 1):
    _UNITS |= {_letter: 1000**_power, f"{_letter}b": 1000**_power, f"{_letter}i": 1024**_power, f"{_letter}ib": 1024**_power}
KINDS = [
    "deleted-later",
    "overwritten-later",
    "metadata-only-copy",
    "moved",
    "duplicate-content",
    "package-cache",
    "compiler",
    "dev-files",
    "build-objects",
    "sources",
    "dev-dependencies",
    "tests",
    "docs",
    "bytecode",
    "debug-symbols",
    "unpacked-archive",
    "log-temp",
    "vcs",
    "context-junk",
    "secret",
    "whole-filesystem-copy",
    "unreferenced-stage",
]
"""The kinds of the contract (DESIGN.md section 6)."""


class Ignored(msgspec.Struct, frozen=True):
    """Findings that rules on kinds leave alone: of one kind (empty: any), with all paths matching a pattern (empty: any)."""

    kind: str = ""
    path: str = ""

    def holds(self, kind: str, paths: Sequence[str]) -> bool:
        """Say whether a finding is to be left alone; in the pattern `*` also stands for `/`."""
        pattern = self.path.lstrip("/")
        return self.kind in ("", kind) and (not pattern or (bool(paths) and all(fnmatchcase(path, pattern) for path in paths)))


class CheckConfig(msgspec.Struct, frozen=True):
    """The rules; None or empty where one is not asked for. Sizes in bytes, shares from 0 to 1."""

    max_size: int | None = None
    max_waste: int | None = None
    max_waste_share: float | None = None
    min_efficiency: float | None = None
    max_layer_size: int | None = None
    max_above_base: int | None = None
    baseline: str = ""
    max_growth: int | None = None
    max_growth_share: float | None = None
    forbid_kinds: tuple[str, ...] = ()
    forbid_confidence: str = "B"
    """The weakest confidence of a finding that breaks a rule on kinds."""
    forbid_secrets: bool = False
    forbid_compilers: bool = False
    forbid_traps: bool = False
    ignore: tuple[Ignored, ...] = ()
    dive: tuple[tuple[str, float], ...] = ()
    """dive's rules with their thresholds (bytes, or shares), by dive's names."""
    sources: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether it holds no rule at all."""
        return msgspec.structs.replace(self, ignore=(), forbid_confidence="B", sources=()) == CheckConfig()


DEFAULTS = CheckConfig(max_waste_share=0.1, forbid_secrets=True, sources=("defaults",))
"""What is checked where nobody wrote a rule."""


def parse_size(text: str, where: str = "") -> int:
    """Give the bytes of `500MB`, `1.5 GiB`, `2048`: decimal units, binary with an `i`. Raises UsageError."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", text.lower())
    if match is None or match[2] not in _UNITS:
        raise UsageError(f"no size: {printable(text)!r}", where=where, hint="a number with B, KB, MB, GB, KiB, MiB or GiB")
    return int(float(match[1]) * _UNITS[match[2]])


def parse_share(text: str, where: str = "") -> float:
    """Give the share of `10%` or `0.1`, from 0 to 1. Raises UsageError."""
    word = text.strip()
    try:
        share = float(word.removesuffix("%")) / (100 if word.endswith("%") else 1)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise UsageError(f"no share: {printable(text)!r}", where=where, hint="from 0% to 100%, or from 0 to 1")
    return share


def parse_growth(text: str, where: str = "") -> tuple[int | None, float | None]:
    """Give (bytes, None) of `10MB`, or (None, share) of `5%`, which may exceed 100 %. Raises UsageError."""
    if text.strip().endswith("%"):
        try:
            share = float(text.strip()[:-1]) / 100
        except ValueError:
            share = -1.0
        if not 0 <= share < 1000:
            raise UsageError(f"no growth: {printable(text)!r}", where=where, hint="`10MB` or `5%`")
        return None, share
    return parse_size(text, where), None


def find_config(folders: Sequence[Path], *, config: str | None = None) -> CheckConfig:
    """Give the rules of `config`, or else those of `.msbtui.toml` and `.dive-ci` in the first folder that has either.

    Without any file the rules are empty. Raises UsageError for a file that cannot be read or holds what is no rule.
    """
    if config is not None:
        path = Path(config)
        if path.name == DIVE or path.suffix in (".yaml", ".yml"):
            return CheckConfig(dive=read_dive(path), sources=(config,))
        return read_config(path)
    for folder in dict.fromkeys(folders):
        own, dive = folder / CONFIG, folder / DIVE
        if not own.is_file() and not dive.is_file():
            continue
        found = read_config(own) if own.is_file() else CheckConfig()
        if dive.is_file():
            found = msgspec.structs.replace(found, dive=read_dive(dive), sources=(*found.sources, str(dive)))
        return found
    return CheckConfig()


def read_config(path: Path) -> CheckConfig:
    """Give the rules of a `.msbtui.toml` (its schema: report/schemas/config.json). Raises UsageError."""
    where = str(path)
    try:
        document = tomllib.loads(read_text(path, _LIMIT))
    except RecursionError:
        raise UsageError("is nested too deep", where=where) from None
    except ValueError as error:  # also for numbers of thousands of digits
        raise UsageError(f"is no TOML: {printable(str(error))}", where=where) from None
    for name in document:
        if name != "check":
            raise UsageError(f"unknown table {printable(name)!r}", where=where, hint="rules stand in [check]")
    table = document.get("check", {})
    if not isinstance(table, dict):
        raise UsageError("`check` must be a table", where=where)
    return msgspec.structs.replace(_from_table(table, where, path.parent), sources=(where,))


def _from_table(table: Mapping[str, Any], where: str, folder: Path) -> CheckConfig:
    values: dict[str, Any] = {}
    for name, value in table.items():
        place = f"{where}: {printable(name)}"
        if name in ("max-size", "max-waste", "max-layer-size", "max-above-base"):
            values[name.replace("-", "_")] = value if _is_count(value) else parse_size(_word(value, place), place)
        elif name in ("max-waste-share", "min-efficiency"):
            values[name.replace("-", "_")] = parse_share(str(value) if _is_number(value) else _word(value, place), place)
        elif name == "max-growth":
            size, share = (value, None) if _is_count(value) else parse_growth(_word(value, place), place)
            values |= {"max_growth": size, "max_growth_share": share}
        elif name == "baseline":
            values["baseline"] = beside(_word(value, place), folder)
        elif name == "forbid-kinds":
            if not isinstance(value, list):
                raise UsageError("must be a list of kinds", where=place)
            values["forbid_kinds"] = tuple(known_kind(_word(kind, place), place) for kind in value)
        elif name == "forbid-confidence":
            if value not in ("A", "B", "C"):
                raise UsageError("must be A, B or C", where=place)
            values["forbid_confidence"] = value
        elif name in ("forbid-secrets", "forbid-compilers", "forbid-traps"):
            if not isinstance(value, bool):
                raise UsageError("must be true or false", where=place)
            values[name.replace("-", "_")] = value
        elif name == "ignore":
            values["ignore"] = tuple(_ignored(each, place) for each in (value if isinstance(value, list) else [None]))
        else:
            raise UsageError(f"unknown rule {printable(name)!r}", where=where, hint=_near(name))
    if (values.get("max_growth") is not None or values.get("max_growth_share") is not None) != bool(values.get("baseline")):
        raise UsageError("`max-growth` and `baseline` belong together", where=where)
    return CheckConfig(**values)


def _ignored(value: Any, place: str) -> Ignored:
    if not isinstance(value, dict) or not value or set(value) - {"kind", "path", "reason"}:
        raise UsageError("must be tables with `kind`, `path` and `reason`", where=place)
    if not {"kind", "path"} & set(value):
        raise UsageError("must say which `kind` or `path`", where=place)
    _word(value.get("reason", ""), place)
    kind = _word(value.get("kind", ""), place)
    return Ignored(known_kind(kind, place) if kind else "", _word(value.get("path", ""), place))


def known_kind(kind: str, where: str = "") -> str:
    """Give the kind, or raise UsageError where the contract has none of that name."""
    if kind not in KINDS:
        from difflib import get_close_matches

        near = get_close_matches(kind, KINDS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"one of {', '.join(KINDS)}"
        raise UsageError(f"no kind of waste: {printable(kind)!r}", where=where, hint=hint)
    return kind


def _word(value: Any, place: str) -> str:
    if not isinstance(value, str):
        raise UsageError("must be a text", where=place)
    return value


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


RULES = [
    "max-size",
    "max-waste",
    "max-waste-share",
    "min-efficiency",
    "max-layer-size",
    "max-above-base",
    "max-growth",
    "baseline",
    "forbid-kinds",
    "forbid-confidence",
    "forbid-secrets",
    "forbid-compilers",
    "forbid-traps",
    "ignore",
]
"""The keys of the table `[check]`."""


def _near(name: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, RULES, n=1)
    return f"did you mean {near[0]!r}?" if near else f"one of {', '.join(RULES)}"


# -- dive ---------------------------------------------------------------------------------------------------------------

_DIVE_NAMES = {
    "lowestefficiency": "lowestEfficiency",
    "lowest-efficiency": "lowestEfficiency",
    "highestwastedbytes": "highestWastedBytes",
    "highest-wasted-bytes": "highestWastedBytes",
    "highestuserwastedpercent": "highestUserWastedPercent",
    "highest-user-wasted-percent": "highestUserWastedPercent",
}
"""Both spellings of dive (wagoodman/dive, cmd/dive/cli/internal/options/ci_rules.go)."""
_DIVE_DEFAULTS = {"lowestEfficiency": "0.9", "highestWastedBytes": "disabled", "highestUserWastedPercent": "0.1"}
"""options/ci_rules.go, DefaultCIRules."""
_OFF = ("", "disabled", "off", "false")
"""ci/rules.go, isRuleDisabled."""


def read_dive(path: Path) -> tuple[tuple[str, float], ...]:
    """Give dive's rules of a `.dive-ci`, with dive's defaults for those that it does not name; disabled ones are left out.

    The part of YAML that such files use is read: a mapping `rules` of scalars, comments, quotes. Raises UsageError.
    """
    values = dict(_DIVE_DEFAULTS)
    inside: int | None = None
    for number, line in enumerate(read_text(path, _LIMIT).splitlines(), 1):
        where = f"{path}:{number}"
        bare = _without_comment(line).rstrip()
        if not bare.strip() or bare.strip() in ("---", "..."):
            continue
        indent = len(bare) - len(bare.lstrip(" "))
        name, colon, value = bare.strip().partition(":")
        if not colon or "\t" in bare[: indent + 1] or (value and not value.startswith(" ")):
            raise UsageError("not a line of `name: value`", where=where, hint="rules stand below `rules:`")
        name, value = _unquoted(name.strip()), _unquoted(value.strip())
        if indent == 0:
            inside = 0 if name == "rules" and not value else None
            continue
        if inside is None:
            continue
        inside = inside or indent
        known = _DIVE_NAMES.get(name.lower())
        if known is None or indent != inside:
            raise UsageError(f"dive has no rule {printable(name)!r}", where=where, hint=f"one of {', '.join(_DIVE_DEFAULTS)}")
        values[known] = value
    found = []
    for name, value in values.items():
        if value.lower() in _OFF:
            continue
        place = f"{path}: {name}"
        if name == "highestWastedBytes":
            found.append((name, float(parse_size(value, place))))
        else:
            if value.endswith("%"):
                raise UsageError(f"no number from 0 to 1: {printable(value)!r}", where=place)
            found.append((name, parse_share(value, place)))
    return tuple(found)


def _without_comment(line: str) -> str:
    """Cut off a YAML comment: `#` at the beginning or after white space, outside quotes."""
    quote = ""
    for at, char in enumerate(line):
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char == "#" and (at == 0 or line[at - 1] in " \t"):
            return line[:at]
    return line


def _unquoted(word: str) -> str:
    return word[1:-1] if len(word) > 1 and word[0] == word[-1] and word[0] in "'\"" else word
