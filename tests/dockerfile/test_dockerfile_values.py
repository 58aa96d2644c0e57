"""Values of single instructions: durations, references, platforms, ports, mounts."""

from __future__ import annotations

import pytest

from msbtui.dockerfile.duration import DurationError, parse_duration
from msbtui.dockerfile.mounts import MountError, csv_fields, parse_mount
from msbtui.dockerfile.names import ReferenceFormatError, familiar, parse_platform, parse_reference
from msbtui.dockerfile.values import InstructionValueError, check_mode, check_port, check_signal, context_path, is_git, is_url


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [("0", 0), ("5s", 5_000_000_000), ("1h2m3.5s", 3_723_500_000_000), ("-1.5us", -1500), (".5ms", 500_000), ("+1µs", 1000)],
)
def test_durations(text: str, nanoseconds: int) -> None:
    assert parse_duration(text) == nanoseconds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", 'time: invalid duration ""'),
        ("5", 'time: missing unit in duration "5"'),
        ("5x", 'time: unknown unit "x" in duration "5x"'),
        (".s", 'time: invalid duration ".s"'),
        ("s", 'time: invalid duration "s"'),
        ("9999999999h", 'time: invalid duration "9999999999h"'),
        ("1é", 'time: unknown unit "\\xc3\\xa9" in duration "1\\xc3\\xa9"'),
        ("9" * 60_000, "time: invalid duration"),
    ],
)
def test_no_durations(text: str, message: str) -> None:
    with pytest.raises(DurationError) as error:
        parse_duration(text)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("docker.io/library/alpine:latest", "alpine"),
        ("index.docker.io/a/b", "a/b"),
        ("docker.io/library/a/b", "library/a/b"),
        ("localhost:5000/x:1", "localhost:5000/x:1"),
        ("localhost/x", "localhost/x"),
        ("a@sha256:" + "a" * 64, "a@sha256:" + "a" * 64),
        ("o_r.y/a", "o_r.y/a"),
        ("[::1]:5000/x", "[::1]:5000/x"),
        ("Not:::Valid", "Not:::Valid"),
    ],
)
def test_familiar_names(text: str, name: str) -> None:
    assert familiar(text) == name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Alpine", "invalid reference format: repository name (library/Alpine) must be lowercase"),
        ("a:", "invalid reference format"),
        ("a-", "invalid reference format"),
        ("f" * 64, "cannot specify 64-byte hexadecimal strings"),
        ("a/" * 150 + "a", "repository name must not be more than 255 characters"),
        ("a@sha256:" + "a" * 63, "invalid checksum digest length"),
        ("a@foo:" + "a" * 64, "unsupported digest algorithm"),
    ],
)
def test_no_references(text: str, message: str) -> None:
    with pytest.raises(ReferenceFormatError) as error:
        parse_reference(text)
    assert message in str(error.value)


def test_platforms() -> None:
    assert str(parse_platform("linux/x86_64")) == "linux/amd64"
    assert str(parse_platform("linux/arm/7")) == "linux/arm/v7"
    assert str(parse_platform("linux/aarch64/v8")) == "linux/arm64/v8"
    assert str(parse_platform("windows(10.0)/amd64")) == "windows(10.0)/amd64"
    for text in ("", "a/b/c/d", "linux/*", "what", "li nux/amd64"):
        with pytest.raises(ReferenceFormatError):
            parse_platform(text)


def test_ports() -> None:
    assert check_port("80") == (False, False)
    assert check_port("80-90/UDP") == (True, False)
    assert check_port("127.0.0.1:1:2") == (False, True)
    for text in ("x", "70000", "3-1", "80/foo", "/tcp", "1.2.3:1:2"):
        with pytest.raises(InstructionValueError):
            check_port(text)


def test_signals_and_modes() -> None:
    for good in ("SIGTERM", "term", "9", "RTMIN+3"):
        check_signal(good)
    for bad in ("0", "foo", ""):
        with pytest.raises(InstructionValueError):
            check_signal(bad)
    for good in ("", "0755", "7777", "u+x,go-w"):
        check_mode(good)
    for bad in ("10000", "9", "+x!"):
        with pytest.raises(InstructionValueError):
            check_mode(bad)


def test_sources() -> None:
    assert is_git("https://e.com/a.git#v1:sub") and is_git("git@h:a/b") and is_git("ssh://h/a")
    assert not is_git("./git@h:a") and not is_git("github.com/a/b") and not is_git("https://e.com/a.tgz")
    assert is_url("http://e.com/a") and not is_url("ftp://e.com/a")
    assert [context_path(each) for each in ("a/", "../a", ".", "", "//a/../b")] == ["/a", "/a", "/", "/", "/b"]


def test_mount_fields() -> None:
    assert csv_fields('a,"b,""c",d') == ["a", 'b,"c', "d"]
    assert csv_fields("a,,") == ["a", "", ""]
    for bad in ("", 'a"b', '"a', '"a"b'):
        with pytest.raises(MountError):
            csv_fields(bad)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("type=bad", 'unsupported mount type "bad"'),
        ("type=cahe", "(did you mean cache?)"),
        ("target", "invalid field 'target' must be a key=value pair"),
        ("foo=x", "unexpected key 'foo' in 'foo=x'"),
        ("size=1g", "unexpected key 'size' for mount type 'bind'"),
        ("type=bind,uid=1", 'uid not allowed for "bind" type mounts'),
        ("type=secret,from=a", "secret mount should not have a from"),
        ("sharing=locked", "invalid cache sharing set for bind mount"),
        ("type=cache,mode=9", "invalid value 9 for mode"),
    ],
)
def test_refused_mounts(text: str, message: str) -> None:
    with pytest.raises(MountError) as error:
        parse_mount(text, lambda word: word)
    assert message in str(error.value)
