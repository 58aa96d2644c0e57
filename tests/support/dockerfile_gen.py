# ruff: noqa: E501 -- the tables of the grammar are easier to read in long lines
"""Dockerfiles from a grammar, and Dockerfiles with faults, as hypothesis strategies.

The grammar is that of BuildKit's parser and of its corners: flags, here-documents, escapes, continuation and comment
lines, ARG modifiers, quotes, line ends, byte order marks, ONBUILD, named contexts, JSON forms, odd spacing. About half
of what comes out is valid; the rest fails in one of many places.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from random import Random

from buildkit_oracle import Request
from hypothesis import strategies as st

NAMES = ["a", "b", "base", "Builder", "build-1", "x_y", "c.d"]
ODD_NAMES = ["0", "1", "scratch", "context", "a-", "1a", "a__b", "SCRATCH", "é", "à", "Å", "b:1", "A", "a.", "linux"]
IMAGES = [
    "alpine",
    "scratch",
    "golang:1.22",
    "alpine:latest",
    "docker.io/library/alpine",
    "ghcr.io/o/p:v1",
    "myonb",
    "proj",
    "busybox:1",
]
ODD_IMAGES = [
    "Alpine", "localhost:5000/x/y", "alpine@sha256:" + "a" * 64, "x//y", "a:b:c", "-", "http://x", "UP/x", "a.b/C", "index.docker.io/z",
    "alpine:", ":tag", "alpine@sha256:abc", "docker.io/alpine", "x" * 70, "a@b", "é", "à", "Å",
]  # fmt: skip
VARS = ["B", "C", "TARGETPLATFORM", "BUILDPLATFORM", "TARGETARCH", "TARGETSTAGE", "A_1", "UNSET"]
PATHS = [
    ".",
    "/",
    "/x",
    "a/b",
    "./src/",
    "*.go",
    "[ab]",
    "../up",
    "x y",
    "\\[a",
    "c:/w",
    "dir\\file",
    "é",
    "à",
    "Å",
    "/a/../b",
    "a//b",
    "$B/x",
    "${B:-y}",
]
SOURCES = [
    "https://example.com/f.tgz", "http://example.com/", "https://github.com/o/r.git#v1:dir", "git@github.com:o/r.git", "git://h/r",
    "https://github.com/o/r.git?tag=v1", "ssh://git@h/r.git", "github.com/o/r", "file:///x", "https://", "$B", "https://github.com/o/r.git?x=y",
]  # fmt: skip
KEYWORDS = [
    "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER", "ONBUILD", "RUN", "SHELL",
    "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
]  # fmt: skip

Text = st.SearchStrategy[str]


def _of(*choices: str | Text) -> Text:
    return st.one_of(*[st.just(each) if isinstance(each, str) else each for each in choices])


def _seq(*parts: str | Text) -> Text:
    return st.tuples(*[st.just(each) if isinstance(each, str) else each for each in parts]).map("".join)


_tidy = [False]
"""Whether the Dockerfile being made is one of those with few odd places; set as its first draw."""


def _often(usual: Text, odd: Text, times: int = 8) -> Text:
    """Give `usual` most of the time, and nearly always in a tidy file."""
    return _by_roll(times + 1, usual, odd)


_roll = st.integers(0, 9999)
"""Hypothesis likes the ends of a range, and values that it drew before; odds are taken from the middle."""


def _one_in(draw: st.DrawFn, many: int) -> bool:
    return 5000 <= draw(_roll) < 5000 + 10000 // (many * 12 if _tidy[0] else many)


@st.composite
def _by_roll(draw: st.DrawFn, many: int, usual: Text, odd: Text) -> str:
    return draw(odd if _one_in(draw, many) else usual)


def _pick(usual: Sequence[str], odd: Sequence[str], times: int = 6) -> Text:
    return _often(st.sampled_from(usual), st.sampled_from(odd), times)


def _words(each: Text, low: int, high: int, between: str = " ") -> Text:
    return st.lists(each, min_size=low, max_size=high).map(between.join)


def _optional(text: Text) -> Text:
    return _of("", text)


names = _often(st.sampled_from(NAMES), st.sampled_from(ODD_NAMES), 6)
var = st.sampled_from(VARS)
_plain = st.sampled_from(
    ["x", "alpine", "1.2", "a b", "", "amd64", "v*", "*", "?", "/", "[a-c]", "a\\*b", "'q'", '"d"', "é", "à", "Å", "}", ":", "~"]
)
_modifier = _pick([":-", "-", ":+", "+", "#", "##", "%", "%%"], [":?", "?", "/", "//", ":", "^", "!", "/#", "/%", ",", ""])
_inner = st.recursive(_plain, lambda inner: _of(_seq("${", var, _modifier, inner, "}"), _seq("$", var)), max_leaves=3)
expansion = _of(
    _seq("$", var),
    _seq("${", var, "}"),
    _seq("${", var, _modifier, _inner, "}"),
    _seq("${", var, st.sampled_from(["/", "//"]), _plain, "/", _plain, "}"),
    _pick(
        ['"$B"', '"${B:-x y}"', "\\$B", "'$B'", "$1"],
        [
            "$",
            "${",
            "${}",
            "\\$B",
            "'$B'",
            '"$B"',
            '"${B:-x y}"',
            "$$",
            "$1",
            "${1}",
            "$@",
            "${B",
            "\\",
            "a\\ b",
            '"',
            "'",
            "$ B",
            "${ B}",
        ],
    ),
)
word = _often(
    st.sampled_from(["x", "alpine", "a=b", "1", "foo.bar", "é", "à", "Å", "--x", "a,b", "'a b'", '"a b"', "\\x", "#x", "a#b"]),
    expansion,
    4,
)
images = _often(
    st.sampled_from(IMAGES), _of(st.sampled_from(ODD_IMAGES), expansion, _seq("alpine:", expansion), _seq(names, ":1")), 7
)
bases = _of(_often(st.sampled_from([each for each in NAMES if each.islower()]), names, 3), images)


def _quoted(text: Text) -> Text:
    return _often(
        text, _of(text.map(lambda t: f'"{t}"'), text.map(lambda t: f"'{t}'"), text.map(lambda t: f'{t[:1]}"{t[1:]}"')), 8
    )


_json_item = _often(
    st.sampled_from(['"a"', '"/x"', '"."', '"b c"', '"\\u0041"', '"é", "à", "Å"', '"a\\"b"', '"<<EOF"']),
    st.sampled_from(["1", "null", "'a'", "a", '"', '""', "true", '["x"]', '"\\x"', "{}", '"a\tb"', '"\\ud800"']), 8,
)  # fmt: skip
json_form = _often(
    _seq("[", _optional(st.just(" ")), _words(_json_item, 0, 3, ", "), "]"),
    _seq("[", _words(_json_item, 0, 3, ","), _of("", "] x", ",]", " ]", "]]")), 6,
)  # fmt: skip

_platform = _often(
    st.sampled_from(["linux/amd64", "linux/arm64", "$BUILDPLATFORM", "${TARGETPLATFORM}", "linux", "arm64", "windows/amd64"]),
    _of(st.sampled_from(["x/y/z/w", "", "linux/", "foo", "Linux/ARM", "linux/arm/v7", "*", "linux(1)/amd64", "é", "à", "Å", "darwin", "linux/x86_64"]), expansion), 5,
)  # fmt: skip
_mode = _pick(["755", "0644", "u+x", "07777", "a=rX", "go-w,u+x"], ["888", "abc", "$B", "010000", "-1", "+x", "", "0o755", "7_5"])
_owner = _pick(["1", "1:2", "user", "user:group", "$B"], ["", ":", "a:b:c", "é", "à", "Å"])
_bool = _pick(["", "=true", "=false", '="true"', "=TRUE"], ["=1", "=x", "=$B", "="])
_from = _often(
    _of(names, images, _pick(["0", "1", "00"], ["+0", "-1", "7", "2", "99999999999999999999", "0x1"])),
    st.sampled_from(["$B", "a$", "${B}", "$", "'a'", "\\a", "", "a b", "a\\"]),
    6,
)
_duration = _pick(["5s", "1m", "0", "0s", "1.5h", "1ms"], ["-1s", "x", "1ns", "999us", "", "5"])


def _flag(name: str | Text, value: Text) -> Text:
    return _of(_seq("--", name, "=", value), _seq("--", name, "=", _quoted(value)))


_unknown_flag = st.sampled_from(
    ["--unknown", "--x=1", "--", "-x", "---x", "--From=a", "--from", "--from a", "--=x", "--chown", "--link --link", "--é=1"]
)


def _flags(*each: Text) -> Text:
    one = _often(_of(*each), _unknown_flag, 14)
    return _often(st.lists(one, max_size=1), st.lists(one, max_size=2), 3).map(
        lambda flags: "".join(f"{flag} " for flag in flags)
    )


_mount_field = st.one_of(
    _seq(st.sampled_from(["type=", "TYPE="]), st.sampled_from(["bind", "cache", "tmpfs", "secret", "ssh", "Bind", "x", "", "$B"])),
    _seq("from=", _from), _seq(st.sampled_from(["target=", "dst=", "destination=", "Target="]), st.sampled_from(["/m", "m", "/", "", ".", "$B", "/x y", "//"])),
    _seq(st.sampled_from(["source=", "src="]), st.sampled_from(["/", "a", "../b", "", "/x/../y", "$B", "."])),
    _seq(st.sampled_from(["ro", "readonly", "rw", "readwrite", "required"]), _bool), _seq("id=", st.sampled_from(["k", "", "$B"])),
    _seq("sharing=", st.sampled_from(["shared", "private", "locked", "x", "", "Locked", "$B"])), _seq("mode=", st.sampled_from(["0755", "8", "", "x", "$B"])),
    _seq(st.sampled_from(["uid=", "gid="]), st.sampled_from(["1", "-1", "x", "", "$B", "4294967296"])),
    _seq("size=", st.sampled_from(["1m", "x", "", "10", "1kb", "$B"])), _seq("env=", st.sampled_from(["E", "", "$B"])),
    st.sampled_from(["x=y", "nothing", '"from=a"', '"a', "=", "", " ", 'src="a"', "FROM=a", 'b"']),
)  # fmt: skip
_mount_usual = st.one_of(
    _seq("type=bind,from=", names, ",target=/m"), _seq("from=", bases, ",target=/m,source=", st.sampled_from(["/", "x", "$B"])),
    _seq("target=/m,source=", st.sampled_from(["x", ".", "a/b"])), _seq("type=cache,target=/c", _optional(_seq(",from=", names))),
    st.sampled_from(["type=tmpfs,target=/t", "type=secret,id=k", "type=ssh", "type=secret,id=k,env=E", "type=cache,target=$B"]),
)  # fmt: skip
_mount = _often(_mount_usual, _words(_mount_field, 1, 4, ","), 2)
_shell_line = _of(
    _pick(
        ["ls", "echo $B", "echo 'a b'", "make && make install", "a # c", "echo $((1<<3))", "[ -f x ]", "['a']", "true; false", 'echo "<<EOF"', "[", "[]", "é", "à", "Å", "a=$(b)"],
        ['echo "x', "cat <<< x", "1 << 3", "x <<'", "a \\ b", "<<", "<<-", "<<<", "a<<", "--x", "echo \\\\", "`b`"],
    ),
    json_form,
)  # fmt: skip

_key = _often(
    st.sampled_from(["K", "B", "PATH", "a.b", "API_TOKEN", "my-key", "PASSWORD"]),
    _of(st.sampled_from(["", "$B", "'q'", "a b", "é", "à", "Å", "1", '"k"']), expansion),
    7,
)
_pair = _seq(_key, "=", _of(word, _quoted(word), expansion))
_tame_pair = _seq(
    st.sampled_from(["K", "B", "PATH", "API_TOKEN"]),
    "=",
    _often(st.sampled_from(["x", "$B", '"a b"', "${C:-y}", "'q'", "a\\ b"]), word, 5),
)
_pairs = _often(
    _words(_often(_tame_pair, _pair, 3), 1, 3),
    _of(_seq(_key, " ", _words(word, 1, 2)), _key, "", _seq(_pair, " ", _key), _seq("=", word)),
    4,
)


def _cased(keyword: str) -> Text:
    valid = st.sampled_from(
        [keyword] * 9 + [keyword.lower(), keyword.lower(), keyword.title(), keyword[:-1] + keyword[-1].lower()]
    )
    return _often(valid, st.sampled_from([keyword + ":", keyword[:-1], keyword + "\\"]), 10)


class Piece:
    """What an instruction is made of: its text, and the bodies of its here-documents."""

    def __init__(self, text: str, bodies: str = "") -> None:
        self.text, self.bodies = text, bodies


def _heredoc_piece(draw: st.DrawFn, before: str, copies: bool) -> Piece:
    marks, bodies = [], []
    for _ in range(draw(st.sampled_from([1, 1, 1, 2]))):
        name = draw(_pick(["EOF", "E", "file.txt"], ["A B", "é", "à", "Å", "$B", "1", "EO'F", "a\\b"], 4))
        quote = draw(st.sampled_from(["", "", "", "'", '"']))
        dash = draw(st.sampled_from(["", "", "-"]))
        marks.append(
            draw(_pick(["", "3"], ["x"])) + "<<" + dash + draw(st.sampled_from(["", "", "", " "])) + quote + name + quote
        )
        lines = draw(
            st.lists(
                st.sampled_from(
                    ["x", "\ty", "", "# c", "FROM a", "$B", "EOF ", " EOF", "a \\", "#!/bin/sh", "\t\tz", "é", "à", "Å", "<<F"]
                ),
                max_size=3,
            )
        )
        end = draw(_pick([name, "\t" + name if dash else name], ["\t" + name, name + " ", "", name.lower()], 10))
        bodies.append("".join(f"{line}\n" for line in lines) + f"{end}\n")
    return Piece(
        before + " ".join(marks) + (" /dest" if copies else draw(st.sampled_from(["", "", " | sh", " && x"]))), "".join(bodies)
    )


def _copy_words(source: Text) -> Text:
    return _often(_words(source, 2, 3), _of(json_form, source, "", _seq(source, " <<EOF"), _seq('"a" ', source)), 7)


_paths = _pick(PATHS[:5], PATHS, 2)
_copy_flags = (_flag("chown", _owner), _flag("chmod", _mode), _seq("--link", _bool), _flag("exclude", _paths))
_port = _pick(
    ["80", "80/tcp", "1-3", "80/UDP", "8080/udp"],
    ["$B", "0", "99999", "a", "80/x", "3-1", "", "127.0.0.1:80:80", "1-2:3-4", "8 0", "-1", "[::]:1"],
)
_SIMPLE: dict[str, Text] = {
    "FROM": _seq(_often(st.just(""), _flags(_flag("platform", _platform)), 3), bases, _often(_optional(_seq(_pick([" AS ", " as "], [" As ", "\tAS\t"]), names)), _seq(" ", word, " ", word, _optional(st.just(" # c"))), 9)),
    "COPY": _seq(_flags(_flag("from", _from), _flag("from", _from), *_copy_flags, _seq("--parents", _bool)), _copy_words(_paths)),
    "ADD": _seq(_flags(*_copy_flags, _flag("checksum", _pick(["sha256:" + "a" * 64], ["x", "", "sha256:a"])), _seq("--keep-git-dir", _bool), _seq("--unpack", _bool)), _copy_words(_often(_paths, _pick(SOURCES[:4], SOURCES), 2))),
    "RUN": _seq(_flags(_flag("mount", _mount), _flag("mount", _mount), _flag("network", _pick(["none", "host", "default"], ["x", "$B", ""])), _flag("security", _pick(["insecure", "sandbox"], ["x", "", "$B"])), _flag("device", _pick(["a/b=c", "name=a/b=c"], ["name=x", "", "x,required", "name=a/b=c,required=x"]))), _shell_line),
    "ARG": _often(_words(_often(_of("B", "C", "A_1", _seq(var, "=", word)), _of(_key, _pair), 3), 1, 3), st.sampled_from(["", "=", "a b=c", "'a'=b", '"', "B=\"x", "SOURCE_DATE_EPOCH=1", "SOURCE_DATE_EPOCH=a", "SOURCE_DATE_EPOCH=context"]), 9),
    "ENV": _pairs,
    "LABEL": _pairs,
    "CMD": _of(json_form, _shell_line),
    "ENTRYPOINT": _of(json_form, _shell_line),
    "SHELL": _often(_seq("[", _words(_json_item, 1, 3, ","), "]"), _of(json_form, _shell_line), 4),
    "EXPOSE": _often(_words(_port, 1, 3), _words(_port, 0, 3), 3),
    "USER": _often(_of("1:2", "me", "$B"), _of(word, "", "a b"), 3),
    "WORKDIR": _often(_paths, _of(word, "", "C:\\x"), 3),
    "VOLUME": _often(_of(json_form, _words(_of("x", "/v", "$B"), 1, 2)), _of(_words(word, 0, 2), '[""]'), 4),
    "STOPSIGNAL": _pick(["SIGTERM", "9", "sigint", "SIGRTMIN+3", "TERM", "RTMAX-1"], ["x", "", "$B", "99", "0", "-1"]),
    "MAINTAINER": _pick(["me", "a b"], [""]),
    "HEALTHCHECK": _seq(
        _flags(_flag("interval", _duration), _flag("timeout", _duration), _flag("retries", _pick(["3", "0"], ["-1", "x", "", "1.5"])), _flag("start-period", _duration), _flag("start-interval", _duration)),
        _often(_of("NONE", "CMD ls", _seq("CMD ", json_form)), _of("none x", "cmd", "", "x", "CMD-SHELL ls", "NONE ", "CMD\tls")),
    ),
}  # fmt: skip
_HEREDOCS: dict[str, Text] = {
    "RUN": _of("", "sh ", "--mount=target=/m ", "cat "),
    "COPY": _of("", "a ", "--from=a ", "--chmod=755 "),
    "ADD": _of("", "a "),
}


@st.composite
def _piece(draw: st.DrawFn, keywords: Sequence[str], depth: int = 0) -> Piece:
    keyword = draw(st.sampled_from(keywords))
    written = draw(_cased(keyword))
    gap = draw(_often(st.just(" "), st.sampled_from(["  ", "\t", " \t ", "\v", "\f", " ", "\\\n", " \\\n  ", ""]), 14))
    if keyword == "ONBUILD":
        if depth == 0 or draw(st.booleans()):
            inner = draw(_piece(KEYWORDS if draw(st.booleans()) else ["COPY", "RUN"], depth + 1))
            flags = draw(_often(st.just(""), st.just("--x "), 20))
            return Piece(written + gap + flags + inner.text, inner.bodies)
        return Piece(written + gap)
    if keyword in _HEREDOCS and draw(st.integers(0, 4)) == 0:
        made = _heredoc_piece(draw, draw(_HEREDOCS[keyword]), keyword != "RUN")
        return Piece(written + gap + made.text, made.bodies)
    return Piece(written + gap + draw(_SIMPLE[keyword]))


_UNKNOWN = st.sampled_from(
    [
        "FORM alpine",
        "COPPY a b",
        "x",
        "RUNN ls",
        "<<EOF",
        "é x",
        "- x",
        "RUN",
        "FROM",
        "INCLUDE x",
        "\\",
        "\ufeffFROM a",
        "\x00",
        'CMD["a"]',
        "RUN\\",
        "$B",
        "'RUN' ls",
    ]
)
_BETWEEN = st.sampled_from(
    [
        "",
        "# comment",
        "  # indented",
        "   ",
        "\t",
        "# a\\",
        "#",
        "# a does it",
        "# check=skip=all",
        "#!x",
        "\v",
        "\xa0",
        "# escape=`",
    ]
)
_BREAKS = st.sampled_from(
    [
        "\\\n",
        "\\\n  ",
        "\\  \n\t",
        "\\\n# c\n",
        "\\\n\n",
        "\\\n  # c \\\n",
        "\\\n\\\n",
        "\\\n \t\n",
        "\\\\\n",
        "\\\r\n",
        "\\\n#\n  ",
    ]
)
_STAGE_BODY = ["COPY", "COPY", "COPY", "RUN", "RUN", "RUN", "ADD", "ENV", "ARG", "WORKDIR", "ONBUILD", "ONBUILD"] + [
    each for each in KEYWORDS if each != "FROM"
]


def _broken_up(draw: st.DrawFn, text: str) -> str:
    """Break a line at one of its blanks, or near it."""
    if not draw(st.sampled_from([False] * 7 + [True])) or not text:
        return text
    blanks = [i for i, letter in enumerate(text) if letter == " "] or [len(text) // 2]
    at = draw(st.sampled_from(blanks)) + draw(st.sampled_from([0, 1, 1, 2]))
    return text[:at] + draw(_BREAKS) + text[at:]


_DIRECTIVES = st.sampled_from([
    "# syntax=docker/dockerfile:1", "#syntax = docker/dockerfile:1.7-labs", "# escape=`", "# escape=\\", "# escape=x", "# Escape = `", "# check=skip=all",
    "# check=error=true", "# check=skip=StageNameCasing;error=true", "# check=x=y", "# x=y", "# escape", "# syntax=a\n# syntax=b", "// syntax=x", " # escape=`",
    "# escape=`  ", "# check=skip=A,B;experimental=all", "# check=", "# syntax=", "# check=error=maybe", "#", "", "# c", "# escape=\n", "# escape=`\n# escape=`",
])  # fmt: skip


@st.composite
def dockerfiles(draw: st.DrawFn) -> bytes:
    """Make a Dockerfile from the grammar."""
    _tidy[0] = draw(st.integers(0, 3)) > 0
    lines: list[str] = []
    lines += draw(_often(st.just([]), st.lists(_DIRECTIVES, min_size=1, max_size=2), 4))

    def add(piece: Piece) -> None:
        if draw(st.integers(0, 9)) == 0:
            lines.append("# " + "x" * draw(st.sampled_from([65532, 65533, 65534])) if _one_in(draw, 60) else draw(_BETWEEN))
        before = draw(_often(st.just(""), st.sampled_from([" ", "\t", "\v ", "\u2003"]), 20))
        after = draw(_often(st.just(""), st.sampled_from([" ", "\t", " \\", "\\\\", " # c", "`", "\r"]), 20))
        lines.append(
            before + _broken_up(draw, piece.text) + after + (f"\n{piece.bodies.removesuffix(chr(10))}" if piece.bodies else "")
        )

    for _ in range(draw(st.sampled_from([0, 0, 1, 1, 2]))):
        add(draw(_piece(KEYWORDS if _one_in(draw, 20) else ["ARG"])))
    for _ in range(draw(st.sampled_from([1, 1, 2, 2, 3, 3, 4]))):
        add(draw(_piece(["FROM"])))
        for _ in range(draw(st.sampled_from([0, 1, 1, 2, 3]))):
            if _one_in(draw, 30):
                lines.append(draw(_UNKNOWN))
            add(draw(_piece(_STAGE_BODY)))
    text = "\n".join(lines) + draw(_often(st.just("\n"), st.sampled_from(["", "\n\n", "\\\n", " "]), 6))
    if "`" in "".join(lines[:2]) and draw(st.booleans()):
        text = text.replace("\\", "`")
    return _ends(draw, text).encode("utf-8", "surrogateescape")


def _ends(draw: st.DrawFn, text: str) -> str:
    style = draw(st.sampled_from(["\n"] * 8 + ["\r\n", "mixed"]))
    if style == "mixed":
        text = text.replace("\n", "\r\n", draw(st.integers(1, 4)))
    elif style != "\n":
        text = text.replace("\n", style)
    return ("\ufeff" if draw(st.integers(0, 19)) == 0 else "") + text


RECORDED = json.loads((Path(__file__).parents[1] / "data" / "stage-graph.json").read_text("utf-8"))["cases"]
_BITS = [
    b"\\", b'"', b"'", b"$", b"{", b"}", b" ", b"\n", b"#", b"<<", b"=", b"--", b"[", b"]", b",", b":", b"`", b"\t", b"\r", b"-", b"/", b"A", b"0", b"\x00",
    b"\xff", b"\xc3\xa9", b"\xe2\x80\x83", b"|", b"@", b".", b"_", b"\\\n", b"EOF", b"$B", b"${", b"\xef\xbb\xbf", b"+", b"(", b"\x85", b"\xa0", b"\x1b", b"\x0b", b"\x0c", b"\x1c", b"\xc2\x85", b"\xe2\x84\xaa", b"\xc5\xbf", b"\xc4\xb0", b"\xe3\x80\x80", b"\xe2\x80\xa8",
]  # fmt: skip


def faulty(data: bytes, dice: Random) -> bytes:
    """Give a Dockerfile with one to three faults in its letters or lines, by dice."""
    for _ in range(dice.choice([1, 1, 2, 3])):
        at, other = sorted([dice.randint(0, len(data)), dice.randint(0, len(data))])
        what = dice.choice(["delete", "replace", "swap", "insert", "insert", "insert", "copy", "cut", "lines"])
        if what == "delete":
            data = data[:at] + data[at + 1 :]
        elif what == "replace":
            data = data[:at] + dice.choice(_BITS) + data[at + 1 :]
        elif what == "swap":
            data = data[:at] + data[at + 1 : at + 2] + data[at : at + 1] + data[at + 2 :]
        elif what == "insert":
            data = data[:at] + dice.choice(_BITS) + data[at:]
        elif what == "copy":
            data = data[:other] + data[at : min(other, at + 30)] + data[other:]
        elif what == "cut":
            data = data[:at] + data[min(other, at + 10) :]
        else:
            lines = data.splitlines(keepends=True)
            dice.shuffle(lines)
            data = b"".join(lines)
    return data


def mutated(source: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Take a Dockerfile and put faults into it."""
    return st.builds(faulty, source, st.randoms(use_true_random=False))


seeds = st.sampled_from([case["dockerfile"].encode() for case in RECORDED])
texts = st.sampled_from("ggggggsm").flatmap({"g": dockerfiles(), "s": mutated(seeds), "m": mutated(dockerfiles())}.__getitem__)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """Make a Dockerfile with the inputs of a build, most often none."""
    _tidy[0] = True
    if draw(st.integers(0, 2)):
        return Request(draw(texts))
    odd = st.integers(0, 2).map(lambda n: n == 0)
    args = {
        name: draw(st.sampled_from(["alpine", "", "x y", "a", "$C", "scratch"]))
        for name in draw(st.lists(var, max_size=2, unique=True))
    }
    contexts = tuple(
        draw(
            st.lists(
                st.sampled_from([*NAMES[:4], "alpine", "proj", "alpine:3.18", "a::linux/amd64", "scratch", "golang:1.22"]),
                max_size=2,
                unique=True,
            )
        )
    )
    triggers = draw(
        st.lists(
            _piece(["COPY", "RUN", "ADD", "ENV", "ONBUILD", "FROM"]).map(
                lambda p: f"{p.text}\n{p.bodies}" if p.bodies else p.text
            ),
            max_size=2,
        )
    )
    text = draw(texts)
    declared = re.findall(r"(?i)^FROM .*\bAS ([\w.-]+)", text.decode("utf-8", "replace"), re.MULTILINE) or [""]
    return Request(
        text,
        target=draw(_pick(declared, [*NAMES, "0", "é", "à", "Å"])) if draw(odd) else "",
        build_args=args if draw(odd) else {},
        build_contexts=contexts if draw(odd) else (),
        image_onbuild={"myonb": triggers} if triggers and draw(odd) else {},
        all_stages=draw(odd),
    )


_VALUES: list[tuple[str, str | list[str]]] = [
    ("FROM a\nCOPY --chmod={} a b", "ugoa+-=rwxXst,0789/"),
    ("FROM a\nCOPY --chown={} --link a b", "a01:-+_ root$"),
    ("FROM a\nEXPOSE {}", ["80", "1", "65536", "-", "/", "tcp", "udp", "UDP", "sctp", "x", ":", "127.0.0.1", "[::1]", " ", "$B", "0", "٣", "."]),
    ("FROM a\nSTOPSIGNAL {}", ["SIG", "sig", "TERM", "RTMIN", "RTMAX", "+", "-", "1", "15", "0", "64", "65", " ", "kill", "Hup", "9"]),
    ("FROM a\nHEALTHCHECK --interval={} CMD x", ["1", "0", ".", "s", "m", "h", "ms", "us", "µs", "μs", "ns", "-", "+", "9223372036", "x", "d", " ", "00"]),
    ("FROM a\nHEALTHCHECK --retries={} CMD x", "0123+-_x. e"),
    ("FROM a\nHEALTHCHECK {}", ["NONE", "none", "CMD", "Cmd", " ", "\t", "[", "]", '"a"', "x", "--interval=1s", ",", "\\\n"]),
    ("FROM --platform={} a", ["linux", "/", "amd64", "arm64", "arm", "v7", "v8", "windows", "(", ")", "10.0", "+", "x86_64", "*", "Linux", "_", "é", "macos", "386", "armhf", "%", "%41", "linux(", "+x)", "(+)"]),
    ("FROM {}", ["a", "A", ".", "/", ":", "-", "_", "__", "@", "sha256:", "0" * 64, "5000", "localhost", "docker.io", "library", "[::1]", "latest", "index.docker.io", "é"]),
    ("FROM x AS {}\nFROM {}", ["a", "B", "-", ".", "_", "0", "é", ":", "/", "__", "--"]),
    ("FROM a AS n\nFROM b\nCOPY --from={} x y", ["0", "1", "+", "-", "n", "N", "_", "x", "/", ":", "$", "\\", "'", '"', "{", "}", ".", "00"]),
    ("ARG B=b/B:1\nARG C\nFROM x{}", ["$", "{", "}", "B", "C", ":", "-", "+", "?", "#", "%", "/", "*", "?", "[", "]", "\\", "'", '"', "b", "^", "!", " "]),
    ("ARG B=a{}\nFROM x$B", ["$", "{", "}", "B", ":-", "'", '"', "\\", " ", "=", "a", "#", "<", "`"]),
    ("# escape=`\nARG B=a{}\nFROM x$B", ["$", "{", "}", "B", ":-", "'", '"', "\\", "`", " ", "="]),
    ("FROM a\nENV {}", ["A", "=", " ", "'", '"', "\\", "$A", "b", "\t", "#", "\\\n", "\n", "\u00a0"]),
    ("FROM a\nLABEL {}", ["A", "=", " ", "'", '"', "\\", "b", "\u2003", "\\\n", "<<E"]),
    ("FROM a AS n\nRUN --mount={} ls", ["type=", "bind", "cache", "secret", "ssh", "tmpfs", "from=", "n", "0", "target=", "/", "m", ",", "source=", "id=", "=", "ro", "rw", "true", "size=", "1", "k", "mode=", "uid=", "sharing=", "locked", '"', "$B", "env=", "required", "target", " "]),
    ("FROM a\nRUN --network={} --security={} ls", ["none", "host", "default", "insecure", "sandbox", "$", "B", ""]),
    ("FROM a\nRUN --device={} ls", ["a", "/", "b", "=", "c", ",", "name=", "required", "true", ".", "-", " ", '"']),
    ("FROM a\nADD {} d", ["https://", "http://", "git://", "ssh://", "git@", "h", "h.c", ":", "/", "o", ".git", "#", "v1", "?", "tag=", "branch=", "ref=", "&", "subdir=", "checksum=", "abcdef0", " ", "[", "]", "\\", "keep-git-dir=", "submodules=", "true"]),
    ("FROM a\nCOPY {} d", ["https://", "git://", "git@", "github.com/", "h.c", ":", "/", ".git", "#", "v1", "?", "tag=x", "branch=x", "ref=x", "&", "subdir=", "%", "%41", ";", "80", "@", "[::1]", "-", "_", "é", "<", "{"]),
    ("FROM a\nADD {}h.c/o.git{} d", ["https://", "git://", "SSH://", "u:p@", "h:80/", "?", "&", "#", "v1", ":d", "tag=x", "branch=x", "ref=refs/tags/x", "ref=v1", "subdir=d", "checksum=a", "commit=b", "keep-git-dir=", "submodules=", "mtime=", "fetch-by-commit=", "1", "false", "x", "commit", "%zz", ";"]),
    ("FROM a\nADD --checksum=a --keep-git-dir={} https://h.c/o.git?{} git://h/r?{} d", ["true", "false", "keep-git-dir=", "checksum=", "a", "b", "&", "ref=x"]),
    ("FROM a\nADD --checksum={} {} d", ["sha256:", "sha512:", "a" * 64, "A", "abcdef0", "https://x/y", "https://h/o/r.git", "x", " ", ":", "#v1"]),
    ("FROM a\nADD --keep-git-dir={} --unpack={} x d", ["true", "false", "1", "0", "T", "x", "", "$B", "TRUE"]),
    ("FROM a\nCOPY {}", ["a", " ", "b", "[", "]", '"', ",", "/", "..", "\\", "<<E", "\nE\n", "'", "--link", "--parents", "./", "$B", "C:", "#", "\\\n"]),
    ("FROM a\nRUN {}\nE\nF\n", ["<<", "<", "E", "F", "-", " ", "'", '"', "\\", "$", "1", "a", "\n", "\tE", "E ", "(", ")", "{", "}"]),
    ("FROM a\nONBUILD {}\nFROM a", ["RUN", "COPY", "ONBUILD", "FROM", "MAINTAINER", "x", " ", "--from=a", "<<E", "\nE\n", "[", "]", '"a"', ",", "\\\n", "ENV"]),
    ("FROM a AS b\nONBUILD {}\nFROM b\nFROM scratch", ["RUN", "COPY", "ADD", "x", " ", "--from=b", "--from=c", "--mount=from=b,target=/m", "<<E", "\nE\n", "[", "]", '"a"', ",", "$B", "ENV", "="]),
    ("FROM a\n{}", ["CMD", "RUN", "SHELL", "ENTRYPOINT", "VOLUME", " ", "[", "]", '"', "a", ",", "\\", "'", "1", "{", "}", "null", "\\u00e9", "\t", "\\\n"]),
    ("{}\nFROM a", ["# ", "#", "escape", "=", "`", "\\", "syntax", "check", "skip=", "error=", "true", "all", ";", ",", "A", "\n", " ", "//", "\t", "ESCAPE", "experimental=", "\ufeff", "\r"]),
    ("FROM a\nVOLUME {}", ["[", '"', ",", " ", "/v", "$B", "\\", "'", "]", '["', '"]', "\\\""]),
    ("FROM a\nCMD x\nSHELL {}\nWORKDIR {}", ["[", '"', ",", " ", "/v", "$B", "\\", "'", "]", '["', '"]']),
    ("FROM a\nUSER {}\nWORKDIR {}", ["a", " ", "/", "..", "$B", "'", '"', "\\", "C:", "", ":", "\\\n"]),
    ("FROM a AS t\nRUN x \\{}y\nCOPY --from=t a b", ["\n", " ", "\t", "\r", "#", "\\", "c", "\v", "\f", "\u00a0", "\x85", "RUN"]),
    ("{}", ["FROM", "from", " ", "a", "ARG", "B", "=", "\n", "RUN", "x", "\t", "AS", "as", "#", "\\", "\r\n", "FROM a\n"]),
]  # fmt: skip
"""Where one kind of value stands, and what it may be made of."""


def value_requests(count: int, dice: Random) -> list[Request]:
    """Give Dockerfiles that are sound but for one value, which is put together by dice from what that kind is made of."""

    def value(parts: str | list[str]) -> str:
        return "".join(dice.choice(parts) for _ in range(dice.choice([0, 1, 1, 2, 2, 3, 3, 4, 5, 6, 8])))

    out = []
    for _ in range(count):
        template, parts = dice.choice(_VALUES)
        pieces = template.split("{}")
        text = "".join(piece + value(parts) for piece in pieces[:-1]) + pieces[-1]
        out.append(Request(text.encode("utf-8", "surrogateescape")))
    return out
