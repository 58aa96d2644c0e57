"""Compressed layers read ahead in threads: the same as one after the other, errors and cancelling included; plain ones once."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from image_samples import Sample, pack, tar_of, write_tar

from msbtui.engine import open_image
from msbtui.engine.ahead import Ahead, Packed
from msbtui.engine.layers import keep_learned, read_stream
from msbtui.errors import Cancelled, TargetError
from msbtui.image.cache import LayerCache
from msbtui.image.facts import MappedContents

LAYERS = [tar_of({f"d{number}/f{n}": bytes([n]) * 3000 for n in range(20)}) for number in range(7)]


@pytest.fixture
def cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 3)


@pytest.mark.usefixtures("cores")
@pytest.mark.parametrize("how", ["gzip", "zstd"])
def test_layers_read_ahead_are_those_read_in_turn(how: str) -> None:
    blobs = [Packed(memoryview(pack(layer, how)), f"layer {n}") for n, layer in enumerate(LAYERS)]
    told: list[int] = []
    with Ahead(blobs, None) as ahead:
        got = [ahead.take(blob, told.append) for blob in blobs]
    for layer, one in zip(LAYERS, got, strict=True):
        alone = read_stream(Packed(memoryview(pack(layer, how)), ""), where="")
        assert (one.diff_id, one.digest, one.size) == (alone.diff_id, alone.digest, alone.size)
        assert one.entries.paths == alone.entries.paths


@pytest.mark.usefixtures("cores")
def test_a_damaged_layer_is_named_and_ends_the_others() -> None:
    packed = [pack(layer, "gzip") for layer in LAYERS]
    packed[3] = packed[3][:-20]
    blobs = [Packed(memoryview(data), f"layer {n}") for n, data in enumerate(packed)]
    before = threading.active_count()

    def take_all() -> None:
        with Ahead(blobs, None) as ahead:
            for blob in blobs:
                ahead.take(blob, lambda _: None)

    with pytest.raises(TargetError, match="layer 3"):
        take_all()
    assert threading.active_count() == before


@pytest.mark.usefixtures("cores")
def test_a_cancel_ends_all() -> None:
    cancel = threading.Event()

    class Endless(Packed):
        def read(self, size: int, /) -> bytes:
            cancel.set()
            return bytes(min(size, 512))

    blobs = [Endless(memoryview(b""), f"layer {n}") for n in range(3)]

    def take() -> None:
        with Ahead(blobs, cancel) as ahead:
            ahead.take(blobs[0], lambda _: None)

    with pytest.raises(Cancelled):
        take()


@pytest.mark.usefixtures("cores")
def test_an_image_of_packed_layers_is_the_same_whatever_the_cache_holds(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "image.tar", Sample(layers=[*LAYERS, LAYERS[0]], how="zstd").oci())
    cache = LayerCache(tmp_path / "cache")
    looks = [open_image(f"docker-archive:{path}", cache=cache) for _ in range(2)]
    for image in looks:
        assert [layer.entries.paths for layer in image.layers] == [image.layers[0].entries.paths] + [
            layer.entries.paths for layer in looks[0].layers[1:]
        ]
        assert image.verified
        assert image.layers[7].diff_id == image.layers[0].diff_id


def test_a_second_look_at_plain_layers_reads_no_byte_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "usr/bin/app": b"\x7fELF" + bytes(400),
        "run.sh": b"#!/bin/sh\necho\n",
        "etc/key.pem": b"-----BEGIN X-----" + b"A" * 60,
    }
    path = write_tar(
        tmp_path / "image.tar", Sample(layers=[tar_of(files), tar_of({"run.sh": b"#!/bin/sh\nls\n\n\n"})], how="plain").oci()
    )
    cache = LayerCache(tmp_path / "cache")

    def look() -> list[object]:
        image = open_image(f"docker-archive:{path}", cache=cache)
        found: list[object] = []
        for layer in image.layers:
            contents = layer.contents
            assert isinstance(contents, MappedContents)
            for entry, name in enumerate(layer.entries.paths):
                if name == "run.sh":
                    found += [contents.digest(entry), contents.text(entry)]
                found.append(contents.elf(entry))
            found += [contents.programs(), dict(contents.secrets)]
        keep_learned(image, cache)
        return found

    first = look()

    class Unreadable:
        def __getitem__(self, _: object) -> bytes:
            raise AssertionError("a byte of a layer was read")

    made = MappedContents.__init__

    def blind(self: MappedContents, buffer: object, *rest: object, **more: object) -> None:
        made(self, Unreadable(), *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(MappedContents, "__init__", blind)
    monkeypatch.setattr("msbtui.engine.disk.index_layer", lambda *_, **__: pytest.fail("a layer was indexed again"))
    assert look() == first
