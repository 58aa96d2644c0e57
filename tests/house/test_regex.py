"""Regular expressions that are compiled late: each is sound, and each does what the pattern itself does."""

from __future__ import annotations

import gc
import importlib
import pkgutil
import re

import msbtui
from msbtui.regex import _Late, regex


def test_every_late_pattern_is_sound() -> None:
    for module in pkgutil.walk_packages(msbtui.__path__, "msbtui."):
        if module.name.rpartition(".")[2] != "__main__":
            importlib.import_module(module.name)
    late = [one for one in gc.get_objects() if isinstance(one, _Late)]
    assert len(late) > 50
    for one in late:
        re.compile(one._source, one._flags)


def test_a_late_pattern_does_what_a_pattern_does() -> None:
    late, known = regex(r"(?P<word>\w+)-(\d)", re.IGNORECASE), re.compile(r"(?P<word>\w+)-(\d)", re.IGNORECASE)
    for _ in range(2):  # before and after it is compiled
        assert late.fullmatch("Ab-1") is not None and late.fullmatch("Ab-1 ") is None
        assert late.sub(r"\2", "x-1 y-2") == known.sub(r"\2", "x-1 y-2") == "1 2"
        assert (late.pattern, late.flags, late.groups, dict(late.groupindex)) == (known.pattern, known.flags, 2, {"word": 1})
        assert late.findall("a-1 b-2") == [("a", "1"), ("b", "2")] and late.split("1a-2z") == known.split("1a-2z")
    assert not hasattr(late, "nothing_of_the_kind")
