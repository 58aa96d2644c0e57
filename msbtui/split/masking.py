"""What naturally differs between two runs of one program, masked before their outputs are compared."""

from __future__ import annotations

import re

_MONTH = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
_DAY = "(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,? )?"
_CLOCK = r"\d\d:\d\d:\d\d(?:[.,]\d+)?"
_ZONE = r"(?:\s?Z\b|\s?[+-]\d\d:?\d\d\b| (?:UTC|GMT)\b)?"
_LEVEL = "(?:log|error|warn(?:ing)?|info|debug|notice|fatal|panic|hint|detail|statement|critical|trace)"
_MASKS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE | re.MULTILINE), name)
    for pattern, name in (
        (r"\x1b\[[0-9;?]*[A-Za-z]", ""),
        (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<id>"),
        # klog: I0502 12:30:41.123456       1 server.go:123]
        (rf"^([IWEF])\d{{4}} {_CLOCK} +\d+(?= )", r"\1<time> <number>"),
        (rf"\b\d{{4}}[-/]\d\d[-/]\d\d[T ]{_CLOCK}{_ZONE}", "<time>"),
        (rf"\b{_DAY}\d{{1,2}}[/ -]{_MONTH}[a-z]*[/ -]\d{{4}}[: ]{_CLOCK}{_ZONE}", "<time>"),
        (rf"\b{_DAY}{_MONTH}[a-z]* +\d{{1,2}},?(?: \d{{4}})?,?(?: -)? {_CLOCK}(?: [A-Z]{{2,5}}\b)?(?: \d{{4}}\b)?", "<time>"),
        (r"\b\d{4}-\d\d-\d\d\b", "<date>"),
        (rf"\b{_CLOCK}\b", "<time>"),
        (r"\b1[5-9]\d{8}(?:\.\d+|\d{3}|\d{6}|\d{9})?\b", "<time>"),
        (r"\b1\.[5-9]\d{3,}e\+?0?9\b", "<time>"),
        (r"\b\d+(?:\.\d+)?(?:e-?\d+)?\s?(?:ns|µs|us|ms|s|secs?|seconds?|msecs|milliseconds|minutes)\b", "<duration>"),
        (r"\b(running for|uptime)(\W{0,3})\d+(?:\.\d+)?", r"\1\2<duration>"),
        (r"\b(INFO|WARN|ERRO|DEBU|FATA)\[\d{4,}\]", r"\1[<duration>]"),
        (r"\b0x[0-9a-f]{4,}\b", "<address>"),
        (r"(?<=[\w$\])])@[0-9a-f]{5,8}\b", "@<address>"),
        (r"\b(?=[0-9]*[a-f])[0-9a-f]{12}\b", "<id>"),
        (
            r"\b((?:\w*[-_])?(?:token|nonce|csrf|session|secret|request|trace|span|cookie|instance|debugger pin)"
            r"(?:[-_ ]?(?:id|key|token))?)"
            r"([\"']?(?:\s?[:=]\s?)[\"']?)(?=[^\s\"']*\d)[\w+/=.-]{6,}",
            r"\1\2<id>",
        ),
        (r"\b(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?\b", "<address>"),
        (r"\[(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}\](?::\d+)?", "<address>"),
        (r"\b(localhost):\d{4,5}\b", r"\1:<port>"),
        # from here on the system chooses (ip_local_port_range, ip(7))
        (r"\b(port)(\W{0,3})(?:3[3-9]\d{3}|[45]\d{4}|6[0-5]\d{3})\b", r"\1\2<port>"),
        (r"\b(pid|process|thread|tid|worker|child)(\W{0,3})\d+\b", r"\1\2<number>"),
        (r"(?<=\w)\[\d{1,7}\](?=:)", "[<number>]"),
        (rf"(?<=<time>)([\] ]+)\[\d{{1,7}}\](?=[ :]*\[?{_LEVEL}\b)", r"\1[<number>]"),
        (r"(?<=<time>)( +)#\d{1,7}(?=\])", r"\1#<number>"),
        (rf"\b({_LEVEL} +)\d{{1,7}}(?= --- )", r"\1<number>"),
        (rf"(\[{_LEVEL}\] )\d{{1,7}}#\d{{1,7}}(?=: )", r"\1<number>"),
        (r"^\d{1,7}(?=:[CMSX] <time>)", "<number>"),
        (r"(\[(?:NOTICE|WARNING|ALERT)\] +)\(\d{1,7}\)", r"\1(<number>)"),
        (r"\b(Allocations: )\d+", r"\1<number>"),
        (r"(/tmp/|/var/tmp/)[\w.-]+", r"\1<name>"),
    )
)
_OF_MEMORY = re.compile(r"\b(?:heap\w*|memory|rss|vms|malloc|\w*alloc(?:ated|ations?)?|GC)\b", re.IGNORECASE)
_AMOUNT = re.compile(r"\b\d[\d,]*(?:\.\d+)?(\s?[kKMGT]?i?B\b| bytes\b|[KMGT]\b)?(?:->)?")
"""In lines that speak of memory: how much a program has of it is another amount each time."""


def mask(output: bytes) -> str:
    """Give a program's output with times, durations, ids, addresses and process numbers masked, and trailing spaces gone."""
    text = output.decode("utf-8", "replace").replace("\r\n", "\n")
    for pattern, name in _MASKS:
        text = pattern.sub(name, text)
    return "\n".join(_memory(line.rstrip()) for line in text.split("\n")).strip("\n")


def _memory(line: str) -> str:
    return _AMOUNT.sub(lambda match: "<size>" if match[1] else match[0], line) if _OF_MEMORY.search(line) else line


_LOOSE = re.compile(r"[0-9a-f]{6,}|\d+(?:[.,]\d+)*", re.IGNORECASE)


def without_numbers(line: str) -> str:
    """Give a masked line with every number gone, too: for lines whose order and counts differ by themselves."""
    return _LOOSE.sub("<n>", line)


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
