"""What naturally differs between two runs of one program, masked before their outputs are compared."""

from __future__ import annotations

import re

_MONTH = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
_DAY = "(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,? )?"
_MASKS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), name)
    for pattern, name in (
        (r"\x1b\[[0-9;?]*[A-Za-z]", ""),
        (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<id>"),
        (r"\b\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:\s?Z|\s?[+-]\d\d:?\d\d)?", "<time>"),
        (rf"\b{_DAY}\d{{1,2}}[/ -]{_MONTH}[a-z]*[/ -]\d{{4}}[: ]\d\d:\d\d:\d\d(?: ?[+-]\d{{4}})?", "<time>"),
        (rf"\b{_DAY}{_MONTH}[a-z]* +\d{{1,2}},?(?: \d{{4}})?,? \d\d:\d\d:\d\d(?: [A-Z]{{2,5}})?(?: \d{{4}})?", "<time>"),
        (r"\b\d{4}-\d\d-\d\d\b", "<date>"),
        (r"\b\d\d:\d\d:\d\d(?:[.,]\d+)?\b", "<time>"),
        (r"\b1[5-9]\d{8}(?:\.\d+|\d{3}|\d{6}|\d{9})?\b", "<time>"),
        (r"\b\d+(?:\.\d+)?(?:e-?\d+)?\s?(?:ns|µs|us|ms|s|secs?|seconds?|msecs|milliseconds|minutes)\b", "<duration>"),
        (r"\b0x[0-9a-f]{4,}\b", "<address>"),
        (r"\b(?=[0-9]*[a-f])[0-9a-f]{12}\b", "<id>"),
        (r"\b(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?\b", "<address>"),
        (r"\[(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}\](?::\d+)?", "<address>"),
        (r"\b(localhost):\d{4,5}\b", r"\1:<port>"),
        (r"\b(pid|process|thread|tid)(\W{0,3})\d+\b", r"\1\2<number>"),
        (r"(?<=\w)\[\d{1,7}\](?=:)", "[<number>]"),
        (r"(/tmp/|/var/tmp/)[\w.-]+", r"\1<name>"),
    )
)


def mask(output: bytes) -> str:
    """Give a program's output with times, durations, ids, addresses and process numbers masked, and trailing spaces gone."""
    text = output.decode("utf-8", "replace").replace("\r\n", "\n")
    for pattern, name in _MASKS:
        text = pattern.sub(name, text)
    return "\n".join(line.rstrip() for line in text.split("\n")).strip("\n")


_LOOSE = re.compile(r"[0-9a-f]{6,}|\d+(?:[.,]\d+)*", re.IGNORECASE)


def loosely(output: bytes) -> str:
    """Give the output as `mask` does, with every number gone, too: for lines whose order and counts differ by themselves."""
    return _LOOSE.sub("<n>", mask(output))


def first_difference(one: str, other: str) -> str:
    """Give the first line that differs, of both texts, for a person; empty where they are equal."""
    if one == other:
        return ""
    mine, theirs = one.split("\n"), other.split("\n")
    for number in range(max(len(mine), len(theirs))):
        a = mine[number] if number < len(mine) else "(nothing)"
        b = theirs[number] if number < len(theirs) else "(nothing)"
        if a != b:
            return f"line {number + 1}: {a[:120]!r} in the original, {b[:120]!r} in the new image"
    return "they differ"


def differs_by_itself(first: str, second: str, other: str) -> bool:
    """Tell whether `other` differs from `first` only in lines that differ between two runs of the original, too."""
    a, b, c = first.split("\n"), second.split("\n"), other.split("\n")
    if not len(a) == len(b) == len(c):
        return False
    return all(mine == theirs or mine != again for mine, again, theirs in zip(a, b, c, strict=True))
