"""Recordings: small, whole enough for analysis, and silent about secrets and the machine that made them."""

from __future__ import annotations

import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from image_samples import Sample, tar_of, write_tar

from msbtui.engine import LayerRead, Opened, open_image
from msbtui.engine.masking import MASK, looks_secret, mask, mask_variable, without_variables
from msbtui.engine.recorded_texts import recorded_text
from msbtui.engine.recording import contents_listing, read_recording, record, write_recording
from msbtui.engine.recording_format import MAGIC, columns_of, index_of, pack, unpack
from msbtui.errors import TargetError
from msbtui.image.cache import LayerCache
from msbtui.image.model import ImageConfig
from msbtui.image.table import FileTable
from msbtui.image.tar import index_layer

KEY = b"-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA75\n-----END RSA PRIVATE KEY-----\n"
STATUS = (
    b"Package: a\nStatus: install ok installed\nMaintainer: Somebody <some@body.example>\nVersion: 1\n"
    b"Depends: b,\n c\nDescription: words\n more words\n\nPackage: b\nVersion: 2\n\n"
)
FILES = {
    "etc": None,
    "etc/hostname": b"builder-7.corp.example\n",
    "etc/ssl/certs/company.pem": b"-----BEGIN CERTIFICATE-----\nMIID\n-----END CERTIFICATE-----\n",
    "etc/ld.so.conf": b"/opt/lib\n",
    "var/lib/dpkg/status": STATUS,
    "one": b"same" * 9,
    "two": b"same" * 9,
    "three": b"diff" * 9,
    "root/id_rsa": KEY,
    "usr/bin/script": b"#!/usr/bin/perl -w\nprint 'hello';\n",
    "app/start": b"#!/bin/sh\nexec /usr/bin/script --password=hunter2\n",
}
LINKS = {
    "etc/ssl/certs/1234.0": "company.pem",
    "etc/ssl/certs/5678.0": "1234.0",
    "other": "/etc/ssl/certs/company.pem",
    "kept": "one",
}
HISTORY = [
    {"created_by": "ENV API_TOKEN=abcdef1234 CA_FILE=/x PATH=/usr/bin"},
    {"created_by": f"RUN |1 http_proxy=http://user:pass@proxy.corp.example:3128 /bin/sh -c curl -H 'X: ghp_{'0123456789' * 4}'"},
]
SETTINGS = {
    "Env": ["API_TOKEN=abc def", "CA_FILE=/x", "HTTPS_PROXY=http://proxy.corp.example", "PATH=/usr/bin"],
    "Cmd": ["/app/start"],
    "Labels": {"com.example.password": "hunter2", "url": "https://u:p@h/"},
}
DOCKERFILE = "FROM scratch\nENV API_TOKEN=abcdef1234 CA_FILE=/x PATH=/usr/bin\nRUN curl $API_TOKEN\n"


@pytest.fixture(params=["legacy", "oci"])
def image(request, tmp_path):
    sample = Sample(
        layers=[tar_of(FILES, LINKS), tar_of({"four": b"same" * 9, ".wh.three": b""})], history=HISTORY, settings=SETTINGS
    )
    members = sample.legacy() if request.param == "legacy" else sample.oci()
    return open_image(str(write_tar(tmp_path / "a.tar", members)), cache=LayerCache(tmp_path / "cache"))


def written(image, tmp_path, **more):
    path = tmp_path / "it.msbtui"
    size = write_recording(image, DOCKERFILE, path, **more)
    assert size == path.stat().st_size
    return path


def test_a_recording_gives_the_image_back(image, tmp_path):
    path = written(image, tmp_path, context=["Makefile"])
    heard = []
    again = open_image(f"recorded:{path}", on_event=heard.append)
    assert open_image(str(path)).id == image.id
    assert isinstance(heard[0], Opened)
    assert sum(isinstance(event, LayerRead) for event in heard) == 2
    for old, new in zip(image.layers, again.layers, strict=True):
        for column in ("paths", "kinds", "sizes", "modes", "uids", "gids", "mtimes", "links", "xattrs", "logical", "tar_size"):
            assert getattr(new.entries, column) == getattr(old.entries, column), column
        assert (new.diff_id, new.history_index, new.stored_size) == (old.diff_id, old.history_index, old.stored_size)
    tables = [FileTable(layer.entries for layer in one.layers) for one in (image, again)]
    assert tables[0].hidden_bytes == tables[1].hidden_bytes > 0
    assert (again.platform, again.created) == (image.platform, image.created)
    recording = read_recording(path)
    assert recording.context == ["Makefile"]
    assert recording.dockerfile == DOCKERFILE.replace("abcdef1234", MASK)


def at(image, path):
    for layer in image.layers:
        if path in layer.entries.paths:
            return layer.contents, layer.entries.paths.index(path)
    raise AssertionError(path)


def test_equal_files_stay_equal_and_only_they(image, tmp_path):
    again = open_image(str(written(image, tmp_path)))
    hashes = {}
    for path in ("one", "two", "three", "four"):
        contents, entry = at(again, path)
        hashes[path] = contents.digest(entry)
        assert hashes[path] != image.layers[0].contents.digest(image.layers[0].entries.paths.index("one"))
    assert hashes["one"] == hashes["two"] == hashes["four"]
    assert hashes["three"] not in (None, hashes["one"])


def test_what_analysis_asks_for_is_kept(image, tmp_path):
    again = open_image(str(written(image, tmp_path)))
    texts = {path: contents.text(entry) for path in FILES if FILES[path] for contents, entry in [at(again, path)]}
    assert texts["etc/ld.so.conf"] == b"/opt/lib\n"
    assert texts["var/lib/dpkg/status"] == (
        b"Package: a\nStatus: install ok installed\nVersion: 1\nDepends: b,\n c\n\nPackage: b\nVersion: 2\n\n"
    )
    assert texts["usr/bin/script"] == b"#!/usr/bin/perl -w"
    assert texts["app/start"] == b"#!/bin/sh\nexec /usr/bin/script --password=***\n"
    for path in ("etc/hostname", "etc/ssl/certs/company.pem", "root/id_rsa", "one"):
        assert texts[path] is None


def test_nothing_secret_and_nothing_of_the_machine(image, tmp_path):
    path = written(image, tmp_path, leave_out_paths=["etc/ssl/certs/company*"], leave_out_env=["CA_FILE"])
    document = unpack(path.read_bytes(), "it")
    raw = msgspec.msgpack.encode(document)
    for secret in (b"abcdef1234", b"abc def", b"hunter2", b"ghp_", b"proxy.corp", b"user:pass", b"u:p@", b"MIIE", b"builder-7"):
        assert secret not in raw, secret
    for trace in (b"some@body", b"company", str(tmp_path).encode()):
        assert trace not in raw, trace
    assert b"CA_FILE" not in msgspec.msgpack.encode((document.config, document.history))
    paths = index_of(document.layers[0].columns).paths
    assert not {"etc/ssl/certs/company.pem", "etc/ssl/certs/1234.0", "etc/ssl/certs/5678.0", "other"} & set(paths)
    assert {"kept", "one", "etc"} <= set(paths)
    assert document.config.env == (f"API_TOKEN={MASK}", f"HTTPS_PROXY={MASK}", "PATH=/usr/bin")


def test_what_it_holds_is_listed_before_it_is_written(image, tmp_path):
    path = tmp_path / "it.msbtui"
    seen = []
    write_recording(image, DOCKERFILE, path, before_writing=lambda lines: seen.append((path.exists(), "\n".join(lines))))
    existed, listing = seen[0]
    assert not existed
    for words in (
        "2 layers",
        "environment: API_TOKEN, CA_FILE",
        "text var/lib/dpkg/status: 1 times",
        "Dockerfile: 3 lines",
        "masked",
    ):
        assert words in listing
    assert "hunter2" not in listing


def test_a_listing_tells_every_kept_text(image):
    document = record(image)
    listing = "\n".join(contents_listing(document))
    for layer in document.layers:
        paths = index_of(layer.columns).paths
        for entry in layer.texts:
            assert paths[entry] in listing


def test_a_recording_that_cannot_be_written_leaves_the_old_one(image, tmp_path):
    with pytest.raises(TargetError, match="cannot be written"):
        write_recording(image, None, tmp_path / "no" / "folder")
    assert list(tmp_path.glob(".*")) == []


def test_damaged_recordings(image, tmp_path):
    data = written(image, tmp_path).read_bytes()
    raw = zstandard.decompress(data[len(MAGIC) :])
    sound = msgspec.msgpack.decode(raw)
    far = {**sound, "layers": [[*sound["layers"][0][:6], {5000: 1}, *sound["layers"][0][7:]]]}
    cases = {
        "no recording": b"hello",
        "truncated": data[:-20],
        "flipped": data[:60] + bytes([data[60] ^ 1]) + data[61:],
        "empty": MAGIC,
        "deep": MAGIC + zstandard.compress(b"\x91" * 200_000),
        "other version": MAGIC + zstandard.compress(msgspec.msgpack.encode({**sound, "version": 99})),
        "bomb": MAGIC + zstandard.compress(b"\0" * (300 << 20)),
        "fact of nothing": MAGIC + zstandard.compress(msgspec.msgpack.encode(far)),
    }
    for name, case in cases.items():
        path = tmp_path / "bad.msbtui"
        path.write_bytes(case)
        with pytest.raises(TargetError) as caught:
            read_recording(path)
        assert "\n" not in str(caught.value), name
        assert str(path) in str(caught.value), name
    with pytest.raises(TargetError, match="no such file"):
        read_recording(tmp_path / "none")


@given(st.binary(max_size=300), st.integers(0, 4000))
def test_a_recording_with_any_bytes_changed_never_gives_a_traceback(patch, place):
    index = index_layer(tar_of({"a/b": b"x", "c": b"y" * 100}))
    columns = columns_of(index, range(len(index)))
    raw = bytearray(msgspec.msgpack.encode(columns))
    raw[place % len(raw) : place % len(raw) + len(patch)] = patch
    try:
        changed = msgspec.msgpack.decode(bytes(raw), type=type(columns))
        index_of(changed)
    except (msgspec.DecodeError, ValueError, OverflowError, IndexError, TypeError):
        pass


PATHS = st.lists(st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=400), unique=True, max_size=30)


@given(PATHS)
def test_paths_survive(paths):
    index = index_layer(tar_of({}))
    for path in paths:
        index.paths.append(path)
        index.kinds.append(0)
        for column in (index.sizes, index.modes, index.uids, index.gids, index.mtimes, index.offsets):
            column.append(0)
    assert index_of(columns_of(index, range(len(index)))).paths == paths


def test_names_that_say_secret():
    for name in ("API_TOKEN", "password", "GPG_KEY", "aws_secret", "MY_APIKEY"):
        assert looks_secret(name), name
    for name in ("PATH", "PUBLIC_KEY", "KEYBOARD", "MONKEY", "AUTHOR"):
        assert not looks_secret(name), name


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("ENV A_TOKEN=x B=y", f"ENV A_TOKEN={MASK} B=y"),
        ('ARG PASSWORD="two words"', f"ARG PASSWORD={MASK}"),
        ("ENV PASSWORD hunter2 and more", f"ENV PASSWORD {MASK}"),
        ("/bin/sh -c #(nop)  ENV SECRET=1", f"/bin/sh -c #(nop)  ENV SECRET={MASK}"),
        ("RUN x --password=hunter2 y", f"RUN x --password={MASK} y"),
        ("RUN login $TOKEN && A_TOKEN=$TOKEN run", "RUN login $TOKEN && A_TOKEN=$TOKEN run"),
        ("RUN git clone https://me:pw@host/x", f"RUN git clone https://{MASK}@host/x"),
        ("RUN echo AKIAABCDEFGHIJKLMNOP", f"RUN echo {MASK}"),
        (KEY.decode(), f"{MASK}\n"),
        ("ENV PATH=/usr/bin LANG=C.UTF-8", "ENV PATH=/usr/bin LANG=C.UTF-8"),
        ("RUN make CFLAGS=-O2", "RUN make CFLAGS=-O2"),
    ],
)
def test_masking(text, masked):
    assert mask(text) == masked
    assert mask(masked) == masked


def test_masking_of_whole_variables():
    assert mask_variable("A_TOKEN=one two; three") == f"A_TOKEN={MASK}"
    assert mask_variable("PATH=/a:/b") == "PATH=/a:/b"
    assert mask_variable("no_proxy=a,b") == f"no_proxy={MASK}"
    assert without_variables("ENV A=1 CA=/x B=2", ["CA"]) == "ENV A=1 B=2"


def test_checksums_go_from_lists():
    record_file = b"a/b.py,sha256=" + b"A" * 43 + b",120\n"
    assert recorded_text("x/y.dist-info/RECORD", record_file, ImageConfig()) == b"a/b.py,,120\n"


def test_the_same_image_gives_the_same_file(image):
    assert pack(record(image, DOCKERFILE)) == pack(record(image, DOCKERFILE))
