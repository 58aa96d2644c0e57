"""BuildKit's build checks: which are on, and what each says (frontend/dockerfile/linter: linter.go, ruleset.go)."""

from __future__ import annotations

import msgspec

from msbtui.dockerfile.directives import check_in_comments
from msbtui.dockerfile.gotext import clean, quote, trim
from msbtui.dockerfile.model import Problem

_FORMATS = {
    "StageNameCasing": "Stage name '{0}' should be lowercase",
    "FromAsCasing": "'{1}' and '{0}' keywords' casing do not match",
    "NoEmptyContinuation": "Empty continuation line",
    "ConsistentInstructionCasing": "Command '{0}' should match the case of the command majority ({1})",
    "DuplicateStageName": "Duplicate stage name {0!q}, stage names should be unique",
    "ReservedStageName": "Stage name should not use the same name as reserved stage {0!q}",
    "JSONArgsRecommended": "JSON arguments recommended for {0} to prevent unintended behavior related to OS signals",
    "MaintainerDeprecated": "Maintainer instruction is deprecated in favor of using label",
    "UndefinedArgInFrom": "FROM argument '{0}' is not declared{1}",
    "WorkdirRelativePath": "Relative workdir {0!q} can have unexpected results if the base image changes",
    "UndefinedVar": "Usage of undefined variable '${0}'{1}",
    "MultipleInstructionsDisallowed": (
        "Multiple {0} instructions should not be used in the same stage because only the last one will be used"
    ),
    "LegacyKeyValueFormat": '"{0} key=value" should be used instead of legacy "{0} key value" format',
    "RedundantTargetPlatform": "Setting platform to predefined {0} in FROM is redundant as this is the default behavior",
    "SecretsUsedInArgOrEnv": "Do not use ARG or ENV instructions for sensitive data ({0} {1!q})",
    "InvalidDefaultArgInFrom": "Default value for ARG {0} results in empty or invalid base image name",
    "FromPlatformFlagConstDisallowed": "FROM --platform flag should not use constant value {0!q}",
    "InvalidDefinitionDescription": "Comment for {0} should follow the format: `# {1} <description>`",
    "ExposeProtoCasing": "Defined protocol '{0}' in EXPOSE instruction should be lowercase",
    "ExposeInvalidFormat": "EXPOSE instruction should not define an IP address or host-port mapping, found '{0}'",
}
_EXPERIMENTAL = frozenset({"InvalidDefinitionDescription"})


def rule_text(rule: str, *values: str) -> str:
    """Give a rule's message in BuildKit's words."""
    text = _FORMATS[rule]
    for number, value in enumerate(values):
        text = text.replace(f"{{{number}!q}}", quote(value)).replace(f"{{{number}}}", value)
    return clean(text)


class CheckOptions(msgspec.Struct, frozen=True):
    """What `# check=skip=..;error=..;experimental=..` asks for."""

    skip_all: bool = False
    skipped: frozenset[str] = frozenset()
    all_experimental: bool = False
    experimental: frozenset[str] = frozenset()

    def runs(self, rule: str) -> bool:
        """Say whether a rule is on."""
        if rule in _EXPERIMENTAL:
            return self.all_experimental or rule in self.experimental
        return not self.skip_all and rule not in self.skipped

    def inside(self, comments: tuple[str, ...]) -> CheckOptions:
        """Give the options for an instruction with these comments above it."""
        text = check_in_comments(comments)
        if not text:
            return self
        try:
            other = parse_options(text)
        except ValueError:
            return self
        return CheckOptions(
            self.skip_all or other.skip_all,
            self.skipped | other.skipped,
            self.all_experimental or other.all_experimental,
            self.experimental | other.experimental,
        )


def parse_options(text: str) -> CheckOptions:
    """Read the value of a check directive (linter.go, ParseLintOptions); raises ValueError with BuildKit's words."""
    text = trim(text)
    skip_all = all_experimental = False
    skipped: frozenset[str] = frozenset()
    experimental: frozenset[str] = frozenset()
    for part in text.split(";", 2) if text else ():
        key, equals, value = part.partition("=")
        if not equals:
            raise ValueError(f"invalid check option {quote(part)}")
        key, value = trim(key), trim(value)
        names = frozenset(trim(name) for name in value.split(","))
        if key == "skip":
            skip_all, skipped = (True, skipped) if value == "all" else (skip_all, names)
        elif key == "experimental":
            all_experimental, experimental = (True, experimental) if value == "all" else (all_experimental, names)
        elif key == "error":
            if value not in ("1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"):
                reason = f"strconv.ParseBool: parsing {quote(value)}: invalid syntax"
                raise ValueError(f"failed to parse check option {quote(part)}: {reason}")
        else:
            raise ValueError(f"invalid check option {quote(key)}")
    return CheckOptions(skip_all, skipped, all_experimental, experimental)


class Checker:
    """Collects the warnings of the rules that are on."""

    def __init__(self, options: CheckOptions) -> None:
        self.options = options
        self.problems: list[Problem] = []

    def warn(self, rule: str, line: int, *values: str, comments: tuple[str, ...] = (), column: int = 1, hint: str = "") -> None:
        """Note a warning at `line`, unless the rule is off for the file or in the instruction's own comments."""
        options = self.options.inside(comments) if comments else self.options
        if options.runs(rule):
            self.problems.append(Problem(rule_text(rule, *values), line, column, hint, rule))
