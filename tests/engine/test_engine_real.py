"""Real engines: an image read from the engine, from its archive and by a slow unpacking are one and the same."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from msbtui.engine import open_image
from msbtui.engine.build import build, new_id, remove_all
from msbtui.engine.docker import connect
from msbtui.errors import TargetError
from msbtui.image.cache import LayerCache
from msbtui.image.compress import open_layer
from msbtui.image.table import FileTable

pytestmark = pytest.mark.engine

DOCKERFILE = """\
FROM debian:bookworm-slim
ENV ONE=1
WORKDIR /work
COPY . .
RUN cp big copy && rm big
RUN true
LABEL two=2
CMD ["cat", "copy"]
"""


@pytest.fixture(scope="module", params=["ENGINE_CLASSIC", "ENGINE_MODERN"])
def engine(request):
    address = os.environ.get(request.param)
    if not address:
        pytest.skip(f"{request.param} names no engine")
    return {**os.environ, "DOCKER_HOST": address}


@pytest.fixture(scope="module")
def built(engine, tmp_path_factory):
    """Build an image on the engine; give its name and the archive that `docker save` writes."""
    context = tmp_path_factory.mktemp("context")
    (context / "big").write_bytes(b"x" * 3_000_000)
    (context / "same").write_bytes(b"s" * 1000)
    (context / "other").write_bytes(b"s" * 1000)
    verify_id = new_id()
    name = f"msbtui-test-{verify_id}"
    build(context, DOCKERFILE, tag=name, host=engine["DOCKER_HOST"], verify_id=verify_id)
    saved = context / "saved.tar"
    subprocess.run(["docker", "save", "--output", str(saved), name], env=engine, check=True)
    yield name, saved
    remove_all(verify_id, host=engine["DOCKER_HOST"])


def figures(image):
    table = FileTable(layer.entries for layer in image.layers)
    return table.size, table.live_bytes, table.hidden_bytes, [table.layer_size(n) for n in range(table.layers)]


def unpacked_slowly(saved: Path, image):
    """Give the bytes of each layer, counted by tarfile, from the archive's own members."""
    with tarfile.open(saved) as archive:
        blobs = {}
        for member in archive:
            data = archive.extractfile(member).read() if member.isfile() else b""
            if len(data) > 20:
                stream = open_layer(data)
                plain = b"".join(iter(lambda stream=stream: stream.read(1 << 20), b""))
                blobs[member.name] = plain
    sizes = {}

    for plain in blobs.values():
        diff_id = "sha256:" + hashlib.sha256(plain).hexdigest()
        if diff_id in {layer.diff_id for layer in image.layers}:
            with tarfile.open(fileobj=io.BytesIO(plain)) as layer:
                sizes[diff_id] = sum(member.size for member in layer if member.isfile())
    return [sizes[layer.diff_id] for layer in image.layers]


def test_engine_archive_and_slow_unpacking_agree(engine, built, tmp_path):
    name, saved = built
    cache = LayerCache(tmp_path / "cache")
    live = open_image(f"docker:{name}", environ=engine, cache=cache)
    archive = open_image(str(saved), cache=LayerCache(tmp_path / "other"))
    assert figures(live) == figures(archive)
    assert figures(live)[3] == unpacked_slowly(saved, live)
    assert figures(live)[2] >= 3_000_000
    assert (live.id, live.config, live.history, live.platform) == (archive.id, archive.config, archive.history, archive.platform)
    assert [(layer.diff_id, layer.history_index) for layer in live.layers] == [
        (layer.diff_id, layer.history_index) for layer in archive.layers
    ]
    assert live.verified
    for mine, theirs in zip(live.layers, archive.layers, strict=True):
        for path in ("work/same", "work/other", "work/copy", "etc/passwd"):
            if path in mine.entries.paths:
                at = mine.entries.paths.index(path)
                assert mine.contents.digest(at) == theirs.contents.digest(at)
                assert mine.entries.paths == theirs.entries.paths


def test_a_second_look_reads_only_the_cache(engine, built, tmp_path):
    name, _ = built
    cache = LayerCache(tmp_path / "cache")
    first = open_image(f"docker:{name}", environ=engine, cache=cache)
    heard = []
    second = open_image(f"docker:{name}", environ=engine, cache=cache, on_event=heard.append)
    assert "Progress" not in [type(event).__name__ for event in heard]
    assert figures(first) == figures(second)
    assert (first.id, first.history) == (second.id, second.history)


def test_history_of_the_api_matches_that_of_the_configuration(engine, built, tmp_path):
    """What the API leaves out (which instructions made no layer) is worked out rightly."""
    name, saved = built
    details = connect(engine).inspect(name)
    archive = open_image(str(saved), cache=LayerCache(tmp_path / "cache"))
    assert [item.empty_layer for item in details.history] == [item.empty_layer for item in archive.history]
    assert [item.created_by for item in details.history] == [item.created_by for item in archive.history]
    assert list(details.diff_ids) == [layer.diff_id for layer in archive.layers]
    assert details.config == archive.config


def test_the_engines_bases_are_the_first_layers(engine, built):
    name, _ = built
    connected = connect(engine)
    diff_ids = connected.inspect(name).diff_ids
    base = connected.known_bases()["debian:bookworm-slim"]
    assert diff_ids[: len(base)] == base


def test_an_image_that_the_engine_does_not_have(engine):
    with pytest.raises(TargetError, match=r"debian:bookwurm: no such image in Docker .*nearest: debian:bookworm"):
        open_image("docker:debian:bookwurm", environ=engine)
