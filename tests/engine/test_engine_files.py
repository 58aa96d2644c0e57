"""What other tools write, compressed files, pipes and standard input: all give the same image."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import subprocess
import sys
import tarfile
import threading
from pathlib import Path

import pytest
import zstandard
from image_samples import Sample, described, digest, tar_of, write_folder, write_tar

from msbtui.engine import Progress, open_image, recognise, streamed
from msbtui.engine.layers import Keeper
from msbtui.errors import Cancelled, TargetError
from msbtui.image.model import Kind

ARCHIVES = Path(__file__).parent.parent / "data" / "archives"
LAYERS = [
    [("etc/passwd", Kind.FILE, 26)],
    [("usr/bin/tool", Kind.FILE, 20)],
    [("etc/passwd", Kind.WHITEOUT, 0)],
]


def rows(image):
    return [
        list(zip(layer.entries.paths, map(Kind, layer.entries.kinds), layer.entries.sizes, strict=True)) for layer in image.layers
    ]


def shown(image):
    """What a second look must show again."""
    return (image.id, image.name, image.source, [(la.digest, la.stored_size, la.verified) for la in image.layers], rows(image))


ONE = [path for path in sorted(ARCHIVES.glob("*.tar*")) if "several" not in path.name and "in-a" not in path.name]


@pytest.mark.parametrize("path", ONE, ids=lambda path: path.name)
def test_what_other_tools_write(path, cache):
    image = open_image(str(path), cache=cache)
    assert rows(image) == LAYERS
    assert image.config.cmd == ("/usr/bin/tool",)
    assert [layer.history_index for layer in image.layers] == [0, 1, 2]
    same = [open_image(str(other), cache=cache) for other in ONE]
    assert {tuple(layer.diff_id for layer in other.layers) for other in same} == {tuple(layer.diff_id for layer in image.layers)}
    assert len({other.id for other in same}) == 2  # crane writes a configuration of its own into its legacy archive
    assert shown(open_image(str(path), cache=cache)) == shown(image)


@pytest.mark.parametrize("scheme", ["", "dir:"])
def test_a_folder_that_skopeo_wrote(tmp_path, cache, scheme):
    with tarfile.open(ARCHIVES / "skopeo-dir-in-a.tar") as tar:
        tar.extractall(tmp_path / "skopeo", filter="data")
    image = open_image(f"{scheme}{tmp_path / 'skopeo'}", cache=cache)
    assert rows(image) == LAYERS
    assert image.verified
    assert image.source == f"folder {tmp_path / 'skopeo'}"


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("name", "one", "two"),
    [
        ("umoci-several.tar", "one", "two"),
        ("podman-several.tar", "sample:one", "docker.io/library/sample:two"),
    ],
)
def test_several_images_in_one_file(tmp_path, cache, name, one, two, packed):
    path = ARCHIVES / name
    if packed:
        path = tmp_path / "several"
        path.write_bytes(gzip.compress((ARCHIVES / name).read_bytes()))
    assert rows(open_image(f"{path}:{one}", cache=cache)) == LAYERS
    other = open_image(f"{path}:{two}", cache=cache)
    assert rows(other) == [*LAYERS, [("two", Kind.FILE, 20)]]
    with pytest.raises(TargetError, match=r"holds 2 images: .*one, .*two"):
        open_image(str(path), cache=cache)
    with pytest.raises(TargetError, match=r"no image three; it holds .*one, .*two"):
        open_image(f"{path}:three", cache=cache)
    assert open_image(f"{path}:{other.id}" if "podman" in name else f"{path}:{two}", cache=cache).id == other.id


PACKERS = {
    "gzip": gzip.compress,
    "gzip of several members": lambda data: b"".join(gzip.compress(data[at : at + 3000]) for at in range(0, len(data), 3000)),
    "xz": lzma.compress,
    "bzip2": bz2.compress,
    "zstd": zstandard.compress,
    "zstd of several frames": lambda data: b"".join(zstandard.compress(data[at : at + 3000]) for at in range(0, len(data), 3000)),
}


@pytest.mark.parametrize("layout", ["legacy", "oci"])
@pytest.mark.parametrize("how", PACKERS)
def test_compressed_archives(tmp_path, cache, layout, how):
    sample = Sample()
    (tmp_path / "image").write_bytes(PACKERS[how](tar_of(getattr(sample, layout)())))
    heard = []
    image = open_image(str(tmp_path / "image"), cache=cache, on_event=heard.append)
    assert image.id == digest(sample.config)
    assert [layer.diff_id for layer in image.layers] == sample.diff_ids
    assert image.verified
    assert image.layers[0].contents.text(1) == b"root:x:0:0::/root:/bin/sh\n"
    plain = open_image(str(write_tar(tmp_path / "plain", getattr(sample, layout)())), cache=cache)
    assert [la.digest for la in plain.layers] == [la.digest for la in image.layers]
    assert [la.stored_size for la in plain.layers] == [la.stored_size for la in image.layers]


def test_a_second_look_at_a_compressed_file_reads_nothing_of_it(tmp_path, cache, monkeypatch):
    (tmp_path / "image.tgz").write_bytes(gzip.compress(tar_of(Sample().legacy())))
    image = open_image(str(tmp_path / "image.tgz"), cache=cache)
    read = []
    passes = streamed._pass_by
    monkeypatch.setattr(streamed, "_pass_by", lambda *more: read.append(1) or passes(*more))
    assert shown(open_image(str(tmp_path / "image.tgz"), cache=cache)) == shown(image)
    assert not read
    cache.clear()  # the note of what the file holds is there, the layers are not
    assert shown(open_image(str(tmp_path / "image.tgz"), cache=cache)) == shown(image)
    assert read == [1]
    (tmp_path / "image.tgz").write_bytes(gzip.compress(tar_of(Sample(layers=[tar_of({"other": b"1"})]).legacy())))
    assert len(open_image(str(tmp_path / "image.tgz"), cache=cache).layers) == 1


@pytest.mark.parametrize("layout", ["legacy", "oci"])
def test_layers_that_the_cache_has_are_hashed_and_not_read_again(tmp_path, cache, layout, monkeypatch):
    sample = Sample()
    members = getattr(sample, layout)()
    (tmp_path / "one").write_bytes(gzip.compress(tar_of(members)))
    image = open_image(str(tmp_path / "one"), cache=cache)
    if layout == "oci":
        monkeypatch.setattr(streamed, "read_stream", None)
    (tmp_path / "two").write_bytes(zstandard.compress(tar_of(members)))
    assert open_image(str(tmp_path / "two"), cache=cache).id == image.id
    damaged = dict(members)
    victim = f"blobs/{image.layers[1].digest.replace(':', '/')}" if layout == "oci" else f"{1:064x}/layer.tar"
    damaged[victim] = sample.layers[0] if layout == "legacy" else damaged[victim][:-1] + b"!"
    (tmp_path / "three").write_bytes(zstandard.compress(tar_of(damaged)))
    with pytest.raises(TargetError, match="does not hold what its"):
        open_image(str(tmp_path / "three"), cache=cache)


class _Input:
    """Standard input that is a file or a pipe."""

    def __init__(self, number):
        self.number = number

    def isatty(self):
        return False

    def fileno(self):
        return self.number


@pytest.fixture
def piped(monkeypatch):
    """Put bytes into a pipe that is standard input."""
    opened = []

    def put(data):
        read, write = os.pipe()
        opened.append(read)
        monkeypatch.setattr("sys.stdin", _Input(read))

        def work():
            with os.fdopen(write, "wb") as out:
                out.write(data)

        threading.Thread(target=work, daemon=True).start()

    yield put
    for number in opened:
        os.close(number)


@pytest.mark.parametrize("layout", ["legacy", "oci"])
@pytest.mark.parametrize("pack", [lambda data: data, gzip.compress, zstandard.compress])
def test_standard_input(cache, piped, layout, pack):
    sample = Sample()
    piped(pack(tar_of(getattr(sample, layout)())))
    heard = []
    image = open_image("-", cache=cache, on_event=heard.append)
    assert [layer.diff_id for layer in image.layers] == sample.diff_ids
    assert image.source == "archive standard input"
    assert any(isinstance(event, Progress) for event in heard)
    piped(tar_of(getattr(sample, layout)()))
    with pytest.raises(TargetError, match="standard input: holds no image other:1"):
        open_image("-:other:1", cache=cache)


def test_a_named_pipe_is_read_as_it_flows(tmp_path, cache):
    sample = Sample()
    os.mkfifo(tmp_path / "pipe")
    data = tar_of(sample.legacy())
    threading.Thread(target=lambda: (tmp_path / "pipe").write_bytes(data), daemon=True).start()
    assert open_image(str(tmp_path / "pipe"), cache=cache).id == digest(sample.config)


def test_a_pipe_that_nobody_writes_to_can_be_cancelled(tmp_path, cache):
    os.mkfifo(tmp_path / "pipe")
    cancel = threading.Event()
    threading.Timer(0.1, cancel.set).start()
    with pytest.raises(Cancelled):
        open_image(str(tmp_path / "pipe"), cache=cache, cancel=cancel)
    os.close(os.open(tmp_path / "pipe", os.O_WRONLY | os.O_NONBLOCK))  # let the thread that waits go


def test_a_terminal_is_no_archive(cache, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    with pytest.raises(TargetError, match="standard input: is a terminal"):
        open_image("-", cache=cache)


@pytest.mark.parametrize("pack", [lambda data: data, gzip.compress, zstandard.compress])
def test_what_breaks_off_is_one_clear_line(cache, piped, pack):
    data = pack(tar_of(Sample(layers=[tar_of({"a": os.urandom(40_000)})]).legacy()))
    piped(data[: len(data) // 2])
    with pytest.raises(TargetError, match=r"standard input: .*(truncated|cut off|breaks off)"):
        open_image("-", cache=cache)


def test_what_is_no_layer_of_the_image_may_be_anything(tmp_path, cache):
    sample = Sample()
    members = {"blobs/sha256/" + "0" * 64: gzip.compress(b"no tar"), "big.json": b"{" + b" " * (17 << 20), **sample.oci()}
    (tmp_path / "image").write_bytes(gzip.compress(tar_of(members)))
    assert open_image(str(tmp_path / "image"), cache=cache).id == digest(sample.config)
    broken = dict(sample.legacy())
    broken[f"{1:064x}/layer.tar"] = gzip.compress(b"no tar" * 200)
    (tmp_path / "broken").write_bytes(gzip.compress(tar_of(broken)))
    with pytest.raises(TargetError, match=f"{1:064x}/layer.tar"):
        open_image(str(tmp_path / "broken"), cache=cache)


def test_links_inside_a_compressed_archive(tmp_path, cache):
    sample = Sample()
    members = sample.legacy()
    shared = f"{1:064x}/layer.tar"
    members = {"ffff/layer.tar": members.pop(shared), **members}
    for hard, target in ((False, "../ffff/layer.tar"), (True, "ffff/layer.tar"), (False, shared.replace("layer", "none"))):
        (tmp_path / "image").write_bytes(gzip.compress(tar_of(members, {shared: target}, hard=hard)))
        if "none" in target:
            with pytest.raises(TargetError, match="is not in it"):
                open_image(str(tmp_path / "image"), cache=cache)
        else:
            assert open_image(str(tmp_path / "image"), cache=cache).layers[1].diff_id == sample.diff_ids[1]


def test_more_manifests_than_any_image_has(tmp_path, cache, monkeypatch):
    monkeypatch.setattr(streamed, "_DOCUMENTS", 2000)
    (tmp_path / "image").write_bytes(gzip.compress(tar_of({f"{n}.json": b"{" + b" " * 100 for n in range(30)})))
    with pytest.raises(TargetError, match="more manifests"):
        open_image(str(tmp_path / "image"), cache=cache)


def test_a_damaged_note_is_read_again(tmp_path, cache):
    (tmp_path / "image").write_bytes(gzip.compress(tar_of(Sample().legacy())))
    image = open_image(str(tmp_path / "image"), cache=cache)
    keeper = Keeper(cache)
    keeper.keep_document(b"[]")
    key = streamed.file_key(tmp_path / "image", part="members")
    keeper.link(key, digest(b"[]"))
    assert shown(open_image(str(tmp_path / "image"), cache=cache)) == shown(image)


def test_a_name_that_cannot_be_printed_does_not_break_the_note(tmp_path, cache):
    members = {"\udcff": b"{}", "a\x1b": b"{}", **Sample().legacy()}
    (tmp_path / "image").write_bytes(gzip.compress(tar_of(members)))
    image = open_image(str(tmp_path / "image"), cache=cache)
    assert shown(open_image(str(tmp_path / "image"), cache=cache)) == shown(image)
    assert recognise(str(tmp_path / "image")).kind == "docker-archive"


def test_a_known_digest_answers_before_a_byte_of_a_blob_is_read(tmp_path, cache):
    sample = Sample()
    first = write_folder(tmp_path / "first", sample.oci())
    shown = [layer.entries.paths for layer in open_image(str(first), cache=cache).layers]
    # Another folder, and blobs of the right length that hold something else: reading any would show.
    other = write_folder(tmp_path / "other", sample.oci())
    for blob in sample.blobs:
        (other / f"blobs/sha256/{digest(blob)[7:]}").write_bytes(bytes(len(blob)))
    image = open_image(str(other), cache=cache)
    assert [layer.entries.paths for layer in image.layers] == shown
    assert image.verified
    with pytest.raises(TargetError, match="does not hold what its digest says"):
        open_image(str(other), cache=cache, verify=True)


def test_nothing_in_standard_input_is_said(cache, piped):
    piped(b"")  # a `docker save` that failed leaves this
    with pytest.raises(TargetError, match=r"standard input: is empty \(pipe an archive into it: docker save NAME"):
        open_image("-", cache=cache)


def test_one_of_several_images_in_standard_input_by_the_command_line(tmp_path):
    data = tar_of(Sample(tags=["one:1"]).legacy())
    for word, code in (("-:one:1", 0), ("-:two:1", 4)):
        words = [sys.executable, "-m", "msbtui", "inspect", "--json", word]
        environ = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "DOCKER_HOST": "unix:///nonexistent"}
        done = subprocess.run(words, input=data, capture_output=True, env=environ, timeout=60, check=False)
        assert done.returncode == code, done.stderr


def test_names_that_docker_and_podman_complete(tmp_path, cache):
    path = write_tar(tmp_path / "a.tar", Sample(tags=["docker.io/library/one:1"]).legacy())
    assert open_image(str(path), cache=cache).name == "one:1"
    path = write_tar(tmp_path / "b.tar", Sample(tags=["localhost/one:1"]).legacy())
    assert open_image(f"{path}:one:1", cache=cache).name == "one:1"


def test_a_folder_may_lack_what_an_archive_may_lack(tmp_path, cache):
    files = Sample().oci()
    del files["oci-layout"]
    assert open_image(str(write_folder(tmp_path / "layout", files)), cache=cache).name == "sample:latest"


@pytest.mark.parametrize("asked", ["linux/arm64", "linux/arm64/v8", "arm64", "linux/aarch64", "Linux/ARM64", "linux"])
@pytest.mark.parametrize("variant", [None, "v8"])
def test_one_platform_has_many_names(tmp_path, cache, asked, variant):
    sample = Sample(architecture="arm64")
    said = {"os": "linux", "architecture": "arm64", **({"variant": variant} if variant else {})}
    index = json.dumps({"schemaVersion": 2, "manifests": [{**described(sample.manifest), "platform": said}]}).encode()
    folder = write_folder(tmp_path / "layout", {**sample.oci(), "index.json": index})
    assert open_image(str(folder), platform=asked, cache=cache).id == digest(sample.config)
    assert open_image(str(folder), platform="linux/arm64/v9", cache=cache).id == digest(sample.config)  # which runs it too
    for other in ("linux/arm/v8", "windows/arm64", "amd64"):
        with pytest.raises(TargetError, match=f"has no image for {other}; it has linux/arm64"):
            open_image(str(folder), platform=other, cache=cache)
