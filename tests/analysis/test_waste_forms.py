"""The same findings whatever form a layer has: read from its archive, from a stream, from the cache, from a recording."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from waste_scenes import F, Tree, pack

from msbtui.analysis.model import Base, WasteReport
from msbtui.analysis.waste import find_waste
from msbtui.engine.recording import read_recording, write_recording
from msbtui.image.facts import FactsCollector, MappedContents
from msbtui.image.layerfile import decode_layer, encode_layer
from msbtui.image.model import Image, ImageConfig, Layer
from msbtui.image.packages import read_packages
from msbtui.image.table import FileTable
from msbtui.image.tar import index_layer, index_stream

Form = Callable[[int, bytes], Layer]
"""Makes a layer of its number and archive."""
KEY = b"-----BEGIN RSA PRIVATE KEY-----\n" + b"MIIEpAIBAAKCAQEAu1SU1LfVLPHCozMxH2Mo4lgOEePzNm0tRgeLezV6ffAt0gun\n" * 4
KEY += b"-----END RSA PRIVATE KEY-----\n"
CONFIG = ImageConfig(cmd=("/start.sh",), env=("PATH=/usr/bin", "API_TOKEN=x"))
TREE: Tree = {
    "start.sh": F(b"#!/bin/sh\nexec cmake\n", mode=0o755),
    "usr/bin/cmake": F(b"c" * 90, mode=0o755),
    "usr/bin/ninja": F(b"n" * 80, mode=0o755),
    "srv/x/CACHEDIR.TAG": F(b"Signature: 8a477f597d28d172789f06886806bc55\n"),
    "srv/x/a": 300,
    "root/.ssh/id_rsa": F(KEY),
    "srv/key": F(KEY + b"\n"),
    "app/node_modules/.package-lock.json": F(b'{"packages": {"node_modules/a": {"dev": true}}}'),
    "app/node_modules/a/index.js": 70,
    "app/vendor/composer/installed.json": F(b'{"dev-package-names": ["a/b"]}'),
    "app/vendor/a/b/c.php": 60,
    "data/one": 300_000,
}


def mapped(number: int, data: bytes) -> Layer:
    index = index_layer(data)
    return Layer(number, f"sha256:{number}", index, MappedContents(data, index))


def streamed(number: int, data: bytes) -> Layer:
    collector = FactsCollector()
    index = index_stream(io.BytesIO(data), collector)
    return Layer(number, f"sha256:{number}", index, collector.contents())


def cached(number: int, data: bytes) -> Layer:
    layer = streamed(number, data)
    return Layer(number, layer.diff_id, *decode_layer(encode_layer(layer.entries, layer.contents)))


def image_of(form: Form, trees: list[Tree]) -> Image:
    layers = [form(number, pack(tree)) for number, tree in enumerate(trees)]
    return Image("test:1", "sha256:id", "linux/amd64", CONFIG, (), layers)


def report_of(image: Image) -> WasteReport:
    table = FileTable(layer.entries for layer in image.layers)
    return find_waste(image, table, read_packages(image, table), Base(0), None, None, None)


LATER: Tree = {"root/.ssh/.wh.id_rsa": b"", "data/two": F((b"data/one" * 37_501)[:300_000]), "srv/x/a": 301}


@pytest.mark.parametrize("form", [streamed, cached])
def test_all_that_rules_read_is_kept(form: Form) -> None:
    wanted = report_of(image_of(mapped, [TREE, LATER]))
    kinds = {finding.kind for finding in wanted.findings}
    assert kinds >= {
        "secret",
        "package-cache",
        "dev-dependencies",
        "compiler",
        "duplicate-content",
        "deleted-later",
        "overwritten-later",
    }
    assert [finding.paths for finding in wanted.findings if finding.kind == "secret" and finding.bytes] != []
    assert report_of(image_of(form, [TREE, LATER])) == wanted


def test_a_recording_keeps_it_too(tmp_path: object) -> None:
    place = f"{tmp_path}/image.msbtui"
    image = image_of(streamed, [TREE, LATER])
    write_recording(image, None, place)
    read = read_recording(place).image
    told = [(one.kind, one.title, one.bytes, one.confidence, one.paths) for one in report_of(read).findings]
    assert told == [(one.kind, one.title, one.bytes, one.confidence, one.paths) for one in report_of(image).findings]
    with open(place, "rb") as file:
        assert KEY[40:80] not in file.read()


LAYERS = st.lists(
    st.dictionaries(st.sampled_from(sorted(TREE)), st.sampled_from(list(TREE.values())), max_size=8), min_size=1, max_size=4
)


@given(LAYERS)
@settings(max_examples=30, deadline=None)
def test_any_layers_say_the_same_from_the_cache(trees: list[Tree]) -> None:
    assert report_of(image_of(cached, trees)) == report_of(image_of(mapped, trees))
