"""What is gathered of contents: from streams, from memory, through links; what is kept of texts, and what never is."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from xxhash import xxh3_128

from msbtui.errors import TargetError
from msbtui.image import facts as module
from msbtui.image.facts import FactsCollector, MappedContents, StoredContents
from msbtui.image.keep import CONFIG, DATABASE, MANIFEST, SCRIPT, is_secret, rule_for
from msbtui.image.layerfile import decode_layer, encode_layer
from msbtui.image.model import ElfFacts, LayerIndex
from msbtui.image.tar import index_layer, index_stream

ELF = Path("/proc/self/exe").resolve().read_bytes() if Path("/proc/self/exe").exists() else b""
FILES: dict[str, bytes] = {
    "var/lib/dpkg/status": b"Package: a\npassword: hunter2hunter2\n" * 60_000,
    "var/lib/dpkg/info/a.list": b"/.\n/usr\n",
    "etc/passwd": b"root:x:0:0:root:/root:/bin/sh\n",
    "etc/app.conf": b"listen 80\n",
    "etc/big.conf": b"#" * 70_000,
    "etc/with.conf": b"db_password = hunter2hunter2\n",
    "app/run": b"#!/bin/sh\nexec app\n",
    "app/long": b"#!/bin/sh\n" + b"#" * 300_000,
    "app/token.sh": b"#!/bin/sh\nexport T=ghp_" + b"a1B2" * 9 + b"\n",
    "root/.ssh/id_rsa": b"#!/bin/sh\n",
    "app/key.json": b'{"k": "-----BEGIN RSA PRIVATE KEY-----"}',
    "app/Makefile": b"all:\n" * 30_000,
    "app/data.bin": bytes(range(256)) * 9000,
    "app/empty": b"",
    "app/.env": b"PORT=80\n",
}
LINKS = {
    "app/again": "app/run",
    "app/third": "app/again",
    "app/none": "nowhere",
    "app/loop1": "app/loop2",
    "app/loop2": "app/loop1",
}


def archive(files: dict[str, bytes], links: dict[str, str] = {}) -> bytes:  # noqa: B006
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as out:
        for path, data in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(data)
            out.addfile(info, io.BytesIO(data))
        for path, target in links.items():
            info = tarfile.TarInfo(path)
            info.type, info.linkname = tarfile.LNKTYPE, target
            out.addfile(info)
        info = tarfile.TarInfo("app/symlink")
        info.type, info.linkname = tarfile.SYMTYPE, "run"
        out.addfile(info)
    return file.getvalue()


class Trickle:
    def __init__(self, data: bytes, step: int) -> None:
        self.data, self.step, self.at = data, step, 0

    def read(self, size: int, /) -> bytes:
        piece = self.data[self.at : self.at + min(self.step, size)]
        self.at += len(piece)
        return piece


def collected(data: bytes, step: int = 1 << 20) -> tuple[LayerIndex, StoredContents]:
    collector = FactsCollector()
    index = index_stream(Trickle(data, step), collector)
    return index, collector.contents()


KEPT = {"var/lib/dpkg/status", "var/lib/dpkg/info/a.list", "etc/passwd", "etc/app.conf", "app/run", "app/Makefile", "app/.env"}


@pytest.mark.parametrize("step", [1 << 20, 1000, 3])
def test_facts_from_a_stream(step: int) -> None:
    files = {path: data for path, data in FILES.items() if step > 10 or len(data) < 50_000}
    index, contents = collected(archive(files, LINKS), step)
    numbers = {path: n for n, path in enumerate(index.paths)}
    for path, data in files.items():
        assert contents.digest(numbers[path]) == xxh3_128(data).hexdigest()
        kept = contents.text(numbers[path], 1 << 30)
        if path in KEPT:
            limit = 65536 if path == "app/Makefile" else 16 << 20
            assert kept == data[:limit]
            assert contents.text(numbers[path], 5) == data[:5]
        else:
            assert kept == (b"" if not data else None), path
        assert contents.elf(numbers[path]) is None


def test_links_answer_for_their_file_in_the_same_layer() -> None:
    data = archive(FILES, LINKS)
    index, contents = collected(data)
    for known in (contents, MappedContents(data, index)):
        numbers = {path: n for n, path in enumerate(index.paths)}
        for path in ("app/again", "app/third"):
            assert known.text(numbers[path]) == FILES["app/run"]
            assert known.digest(numbers[path]) == xxh3_128(FILES["app/run"]).hexdigest()
        for path in ("app/none", "app/loop1", "app/loop2", "app/symlink"):
            entry = numbers[path]
            assert (known.text(entry), known.digest(entry), known.elf(entry)) == (None, None, None)


def test_memory_answers_as_the_stream_did() -> None:
    data = archive(FILES)
    index, contents = collected(data)
    mapped = MappedContents(data, index)
    for entry, path in enumerate(index.paths):
        assert mapped.digest(entry) == contents.digest(entry)
        if path in FILES:
            assert mapped.text(entry) == FILES[path][: 1 << 20]
            assert mapped.text(entry, 3) == FILES[path][:3]
    gathered = MappedContents(data, index).gather()
    assert (gathered.digests, gathered.elves, gathered.texts) == (contents.digests, contents.elves, contents.texts)


def test_what_was_asked_of_memory_is_kept_and_secrets_are_not() -> None:
    data = archive(FILES)
    index = index_layer(data)
    numbers = {path: n for n, path in enumerate(index.paths)}
    mapped = MappedContents(data, index)
    mapped.digest(numbers["app/data.bin"])
    for path in ("app/run", "root/.ssh/id_rsa", "etc/with.conf", "app/data.bin"):
        assert mapped.text(numbers[path]) == FILES[path][: 1 << 20]
    mapped.elf(numbers["app/run"])
    known = mapped.gathered()
    assert known.texts == {numbers["app/run"]: FILES["app/run"]}
    assert known.digest(numbers["app/data.bin"]) == xxh3_128(FILES["app/data.bin"]).hexdigest()
    assert known.digest(numbers["app/run"]) is None
    blind = MappedContents(bytes(len(data)), index, known)
    assert blind.text(numbers["app/run"]) == FILES["app/run"]
    assert blind.digest(numbers["app/data.bin"]) == known.digest(numbers["app/data.bin"])
    assert known.known_elf(numbers["app/run"])
    assert not known.known_elf(numbers["app/long"])


@pytest.mark.skipif(not ELF.startswith(b"\x7fELF"), reason="there are no ELF files here")
def test_elf_facts_are_the_same_however_the_file_came(monkeypatch: pytest.MonkeyPatch) -> None:
    data = archive({"bin/python": ELF, "bin/short": b"\x7fE", "bin/damaged": b"\x7fELF" + bytes(100)})
    _, one = collected(data)
    index, two = collected(data, 5000)
    facts = one.elf(0)
    assert isinstance(facts, ElfFacts)
    assert two.elves == one.elves == {0: facts}
    mapped = MappedContents(data, index)
    assert [mapped.elf(n) for n in range(3)] == [facts, None, None]
    assert mapped.gathered().elves == {0: facts}
    assert mapped.gathered().plain == {1, 2}
    monkeypatch.setattr(module, "_MOST_BUFFERED", 1000)
    monkeypatch.setattr(module, "STRINGS_LIMIT", 100_000)
    _, three = collected(data, 5000)
    large = three.elf(0)
    assert large is not None
    assert (large.machine, large.interpreter) == (facts.machine, facts.interpreter)


def test_a_truncated_stream_gives_no_facts() -> None:
    collector = FactsCollector()
    with pytest.raises(TargetError):
        index_stream(Trickle(archive(FILES)[:100_000], 1000), collector)
    with pytest.raises(ValueError, match="not read yet"):
        collector.contents()


def test_facts_follow_their_entries_when_some_fall_away() -> None:
    data = archive({"b": b"#!/old\n"}, {"kept": "b"}).rstrip(b"\0")
    data += bytes(-len(data) % 512) + archive({"a": b"#!/a\n", "b": b"#!/new\n"})
    index, contents = collected(data)
    texts = {path: contents.text(n) for n, path in enumerate(index.paths)}
    assert texts == {"kept": b"#!/old\n", "a": b"#!/a\n", "b": b"#!/new\n", "app/symlink": None}
    assert contents.digest(index.paths.index("kept")) == xxh3_128(b"#!/old\n").hexdigest()


def test_the_texts_of_a_layer_have_a_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TEXT_BUDGET", 1000)
    files = {f"app/{n}.conf": b"x" * 300 for n in range(5)} | {"var/lib/dpkg/status": b"x" * 900}
    index, contents = collected(archive(files))
    assert [index.paths[n] for n in contents.texts] == ["app/0.conf", "app/1.conf", "app/2.conf", "var/lib/dpkg/status"]


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("lib/apk/db/installed", DATABASE),
        ("var/lib/dpkg/status.d/base", DATABASE),
        ("var/lib/dpkg/info/libc6:amd64.list", DATABASE),
        ("var/lib/dpkg/info/libc6:amd64.md5sums", None),
        ("usr/lib/python3/dist-packages/x-1.dist-info/RECORD", MANIFEST),
        ("srv/RECORD", None),
        ("app/node_modules/x/package.json", MANIFEST),
        ("app/node_modules/x/tsconfig.json", None),
        ("app/tsconfig.json", CONFIG),
        ("app/api.runtimeconfig.json", MANIFEST),
        ("app/.env.production", CONFIG),
        ("usr/share/doc/x/example.conf", None),
        ("app/photo.jpg", None),
        ("app/noext", None),
        ("etc/cron.d/app", CONFIG),
        ("var/spool/cron/crontabs/root", CONFIG),
    ],
)
def test_rules_by_name(path: str, rule: object) -> None:
    assert rule_for(path) is rule


SECRETS = [
    ("home/u/.npmrc", b"//registry.example.com/:_authToken=abc", SCRIPT),
    ("app/x.sh", b"-----BEGIN OPENSSH PRIVATE KEY-----", SCRIPT),
    ("app/x.sh", b"aws_secret_access_key = x", SCRIPT),
    ("app/x.sh", b"id AKIAABCDEFGHIJKLMNOP", SCRIPT),
    ("app/x.sh", b"curl https://user:hunter2@example.com/", SCRIPT),
    ("app/x.conf", b"API_KEY: 'abcdef123456'", CONFIG),
    ("app/x.json", b'{"client_secret": "abcdef123456"}', CONFIG),
    ("etc/apt/auth.conf", b"", CONFIG),
    ("root/.docker/config.json", b"{}", CONFIG),
    ("etc/ssl/server.key", b"x", CONFIG),
]
HARMLESS = [
    ("app/x.sh", b"PASSWORD=${PASSWORD:-}; token=$(cat t)", SCRIPT),
    ("app/x.conf", b"password = ${DB_PASSWORD}\ntoken: /run/secrets/token\nsecret=\npassword: changeme", CONFIG),
    ("app/x.yml", b"url: https://user:${PASS}@host/\nat: mail@example.com", CONFIG),
    ("var/lib/dpkg/status", b"-----BEGIN RSA PRIVATE KEY-----", DATABASE),
]


@pytest.mark.parametrize(("path", "body", "rule"), SECRETS)
def test_secrets_are_never_kept(path: str, body: bytes, rule: object) -> None:
    assert is_secret(path, body, rule)  # type: ignore[arg-type]


@pytest.mark.parametrize(("path", "body", "rule"), HARMLESS)
def test_what_is_no_secret_is_kept(path: str, body: bytes, rule: object) -> None:
    assert not is_secret(path, body, rule)  # type: ignore[arg-type]


def test_what_was_searched_once_is_never_read_again() -> None:
    key = b"-----BEGIN PRIVATE KEY-----\n" + b"A" * 100 + b"\n-----END PRIVATE KEY-----\n"
    data = archive({"a/run": b"#!/bin/sh\necho\n", "b/prog": b"\x7fELF" + bytes(100), "c/key.txt": key, "d": b"x" * 60})
    index = index_layer(data)
    mapped = MappedContents(data, index, key="file:x")
    assert mapped.has_learned
    assert mapped.programs() == [1]
    secrets = dict(mapped.secrets)
    assert list(secrets) == [2]
    assert mapped.elf(1) is None and mapped.elf(3) is None
    _, known = decode_layer(encode_layer(index, mapped))
    assert known.searched == {1}
    blind = MappedContents(bytes(len(data)), index, known)
    assert not blind.has_learned
    assert blind.programs() == [1]
    assert blind.secrets == secrets
    assert all(blind.elf(n) is None and known.known_elf(n) for n in range(len(index)))
    assert not blind.has_learned
    blind.digest(3)
    assert blind.has_learned
    assert blind.gathered().searched == {1} and blind.gathered().secrets == secrets
    smaller, facts = decode_layer(encode_layer(index, known, leave_out=["a/run"]))
    assert facts.searched == {smaller.paths.index("b/prog")}


def test_edges_tell_files_of_one_size_apart_without_reading_them() -> None:
    middle = [b"a" * 3000 + bytes([n]) + b"b" * 3000 for n in range(3)]
    bodies = {"x": middle[0], "y": middle[1], "z": b"c" + middle[2][1:], "small": b"s", "none": b""}
    data = archive(bodies)
    index = index_layer(data)
    contents = MappedContents(data, index, key="k")
    edges = [contents.edge(entry) for entry in range(len(index))]
    assert edges[0] == edges[1] != edges[2] and edges.count(None) == len(index) - len(bodies) and contents.has_learned
    again = MappedContents(b"", index, decode_layer(encode_layer(index, contents))[1])
    assert [again.edge(entry) for entry in range(len(index))] == edges  # from the cache, the file is not looked at
    assert not again.has_learned
