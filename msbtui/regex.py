"""Regular expressions compiled when they are first used: a run uses few of the many, and compiling costs more than matching."""

from __future__ import annotations

import re
from typing import Any, AnyStr, Final, cast

_ATTRIBUTES: Final = (
    "findall",
    "finditer",
    "flags",
    "fullmatch",
    "groupindex",
    "groups",
    "match",
    "pattern",
    "search",
    "split",
    "sub",
    "subn",
)


class _Late:
    """Stands for a pattern; once it is asked for anything, what it is asked for is the pattern's own."""

    __slots__ = ("_flags", "_source", *_ATTRIBUTES)

    def __init__(self, source: Any, flags: int) -> None:
        self._source = source
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        # Only where the slot is empty yet.
        if name not in _ATTRIBUTES:
            raise AttributeError(name)
        compiled = re.compile(self._source, self._flags)
        for attribute in _ATTRIBUTES:
            setattr(self, attribute, getattr(compiled, attribute))
        return getattr(compiled, name)


def regex(source: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Give what `re.compile` gives, except that a mistake in `source` is found when the pattern is first used."""
    return cast("re.Pattern[AnyStr]", _Late(source, flags))
