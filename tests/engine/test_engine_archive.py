"""Image archives and layouts on disk: every layout reads the same, every kind of breakage is one clear line."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import tarfile
import threading

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from image_samples import Sample, described, digest, tar_of, write_folder, write_tar

from msbtui.engine import LayerRead, Opened, Progress, open_image
from msbtui.engine.outer import DamagedTarError, OuterTar
from msbtui.errors import Cancelled, TargetError


def entries(image):
    """What of an image every layout must agree on."""
    return [
        (layer.diff_id, list(layer.entries.paths), list(layer.entries.sizes), bytes(layer.entries.kinds))
        for layer in image.layers
    ]


def open_sample(tmp_path, sample, layout, cache, **more):
    if layout == "legacy":
        return open_image(str(write_tar(tmp_path / "a.tar", sample.legacy())), cache=cache, **more)
    if layout == "oci-archive":
        return open_image(str(write_tar(tmp_path / "b.tar", sample.oci())), cache=cache, **more)
    return open_image(str(write_folder(tmp_path / "layout", sample.oci())), cache=cache, **more)


LAYOUTS = ["legacy", "oci-archive", "oci-dir"]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("how", ["plain", "gzip", "zstd", "xz", "bzip2"])
def test_every_layout_reads_the_same(tmp_path, cache, layout, how):
    sample = Sample(how=how)
    heard = []
    image = open_sample(tmp_path, sample, layout, cache, on_event=heard.append)
    plain = layout == "legacy" or how == "plain"
    assert image.id == digest(sample.config)
    assert image.platform == "linux/amd64"
    assert image.name == "sample:latest"
    assert [layer.diff_id for layer in image.layers] == sample.diff_ids
    assert [layer.verified for layer in image.layers] == [not plain] * 3
    assert [layer.history_index for layer in image.layers] == [0, 1, 2]
    assert image.config.cmd == ("/usr/bin/app",)
    assert image.layers[0].entries.paths == ["etc", "etc/passwd", "usr/bin/tool", "big"]
    assert image.layers[0].contents.text(1) == b"root:x:0:0::/root:/bin/sh\n"
    assert isinstance(heard[0], Opened)
    assert [event.layer.index for event in heard if isinstance(event, LayerRead)] == [0, 1, 2]
    last = [event for event in heard if isinstance(event, Progress)][-1]
    assert last.done == last.total
    assert entries(open_sample(tmp_path, sample, layout, cache)) == entries(image)  # from the cache now


def test_layers_of_a_legacy_archive_may_be_links(tmp_path, cache):
    sample = Sample()
    members = sample.legacy()
    shared = f"{1:064x}/layer.tar"
    data = members.pop(shared)
    store = {"ffff/layer.tar": data, **members}
    for hard, target in ((False, "../ffff/layer.tar"), (True, "ffff/layer.tar")):
        image = open_image(str(write_tar(tmp_path / f"{hard}.tar", store, links={shared: target}, hard=hard)), cache=cache)
        assert image.layers[1].entries.paths == ["src/main.c", "usr/bin/app"]


def test_a_loop_of_links_is_no_layer(tmp_path, cache):
    members = Sample().legacy()
    del members[f"{1:064x}/layer.tar"]
    path = write_tar(tmp_path / "a.tar", members, links={f"{1:064x}/layer.tar": "../x", "x": f"{1:064x}/layer.tar"})
    with pytest.raises(TargetError, match=r"the layer 0+1/layer\.tar is not in it"):
        open_image(str(path), cache=cache)


def both(tmp_path):
    one, two = Sample(tags=["one:1"]), Sample(tags=["two:2"], layers=[tar_of({"other": b"o"})])
    members = {**one.legacy(), **{name.replace("0" * 63, "e" * 63): data for name, data in two.legacy().items()}}
    texts = [json.loads(sample.legacy()["manifest.json"])[0] for sample in (one, two)]
    texts[1]["Layers"] = [name.replace("0" * 63, "e" * 63) for name in texts[1]["Layers"]]
    members["manifest.json"] = json.dumps(texts).encode()
    return write_tar(tmp_path / "both.tar", members), one, two


def test_of_several_images_one_is_named(tmp_path, cache):
    path, _, two = both(tmp_path)
    with pytest.raises(
        TargetError, match=r"holds 2 images: one:1, two:2 \(name one of them after a colon: \S+both\.tar:one:1\)\Z"
    ):
        open_image(str(path), cache=cache)
    assert open_image(f"docker-archive:{path}:two:2", cache=cache).id == digest(two.config)
    assert open_image(f"{path}:two:2", cache=cache).id == digest(two.config)
    with pytest.raises(TargetError, match="holds no image three; it holds one:1, two:2"):
        open_image(f"docker-archive:{path}:three", cache=cache)


def test_an_oci_layout_names_images_by_tag_name_and_digest(tmp_path, cache):
    one, two = Sample(tags=["app:v1"]), Sample(tags=["app:v2"], layers=[tar_of({"other": b"o"})])
    files = {**one.oci(), **two.oci()}
    above = [json.loads(sample.oci()["index.json"])["manifests"][0] for sample in (one, two)]
    files["index.json"] = json.dumps({"schemaVersion": 2, "manifests": above}).encode()
    folder = write_folder(tmp_path / "layout", files)
    for name in ("v2", "app:v2", "docker.io/library/app:v2", above[1]["digest"], above[1]["digest"][7:20]):
        assert open_image(f"oci-dir:{folder}:{name}", cache=cache).id == digest(two.config)
    with pytest.raises(TargetError, match="holds 2 images"):
        open_image(f"oci-dir:{folder}", cache=cache)


def platforms(tmp_path, *architectures, nested=True):
    samples = [Sample(architecture=name, layers=[tar_of({name: b"x"})]) for name in architectures]
    files = {}
    for sample in samples:
        files.update(sample.oci())
    below = [{**described(s.manifest), "platform": {"os": "linux", "architecture": s.architecture}} for s in samples]
    index = json.dumps({"schemaVersion": 2, "manifests": below}).encode()
    files[f"blobs/sha256/{digest(index)[7:]}"] = index
    files["index.json"] = json.dumps({"schemaVersion": 2, "manifests": [described(index)]}).encode() if nested else index
    return write_folder(tmp_path / "layout", files)


@pytest.mark.parametrize("nested", [True, False])
def test_the_platform_chooses(tmp_path, cache, nested):
    folder = platforms(tmp_path, "s390x", "riscv64", nested=nested)
    assert open_image(str(folder), platform="linux/riscv64", cache=cache).layers[0].entries.paths == ["riscv64"]
    with pytest.raises(
        TargetError, match=r"no image for linux/mips; it has linux/s390x, linux/riscv64 \(choose one with --platform"
    ):
        open_image(str(folder), platform="linux/mips", cache=cache)


def test_history_that_does_not_match_is_said(tmp_path, cache):
    image = open_sample(tmp_path, Sample(history=[{"created_by": "one"}]), "legacy", cache)
    assert [layer.history_index for layer in image.layers] == [None] * 3
    assert "history tells of 1 layers, the image has 3" in image.notes[0]


def test_texts_of_an_image_are_printable(tmp_path, cache):
    evil = Sample(
        history=[{"created_by": "RUN \x1b[31m\n"}] * 3, settings={"Env": ["A=\x1b]0;x\x07"], "Labels": {"\x1b": "\x9b"}}
    )
    image = open_sample(tmp_path, evil, "legacy", cache)
    assert image.history[0].created_by == "RUN \\x1b[31m\\x0a"
    assert image.config.env == ("A=\\x1b]0;x\\x07",)
    assert image.config.labels == {"\\x1b": "\\u009b"}


def test_a_wrong_blob_is_named(tmp_path, cache):
    sample = Sample()
    files = sample.oci()
    name = f"blobs/sha256/{digest(sample.blobs[1])[7:]}"
    files[name] = gzip.compress(tar_of({"other": b"x" * 4000}), 1, mtime=0).ljust(len(sample.blobs[1]), b"\0")[
        : len(sample.blobs[1])
    ]
    with pytest.raises(TargetError, match=r"damaged|digest|cut off") as caught:
        open_image(str(write_folder(tmp_path / "layout", files)), cache=cache)
    assert digest(sample.blobs[1])[7:] in str(caught.value)


def with_layers(sample, change):
    """Give the layout of `sample` with a manifest whose layers `change` changed."""
    manifest = json.loads(sample.manifest)
    change(manifest["layers"])
    document = json.dumps(manifest).encode()
    return {
        **sample.oci(),
        f"blobs/sha256/{digest(document)[7:]}": document,
        "index.json": json.dumps({"manifests": [described(document)]}).encode(),
    }


def test_a_blob_packed_anew_is_named(tmp_path, cache):
    """The same layer, other bytes as stored: the diff id fits, the digest does not."""
    sample = Sample()
    files = with_layers(sample, lambda layers: [layer.pop("size") for layer in layers])
    files[f"blobs/sha256/{digest(sample.blobs[1])[7:]}"] = gzip.compress(sample.layers[1], 9, mtime=5)
    with pytest.raises(TargetError, match=f"blob {digest(sample.blobs[1])} does not hold"):
        open_image(str(write_folder(tmp_path / "layout", files)), cache=cache)


def test_a_blob_of_another_size_is_named(tmp_path, cache):
    sample = Sample(how="plain")
    files = with_layers(sample, lambda layers: layers[1].update(size=5))
    with pytest.raises(TargetError, match=f"blob {digest(sample.blobs[1])} has 10240 bytes instead of 5"):
        open_image(str(write_folder(tmp_path / "layout", files)), cache=cache)


def test_an_attestation_is_never_taken_for_the_image(tmp_path, cache):
    assert open_sample(tmp_path, Sample(architecture="s390x"), "oci-dir", cache).platform == "linux/s390x"


def test_a_header_with_a_wrong_checksum_is_damage():
    sound = tar_of({"a": b"x", "b": b"y"})
    for at, says in ((0, "does not begin as an archive does"), (sound.index(b"b\0"), "checksum")):
        data = bytearray(sound)
        data[at] ^= 1
        with pytest.raises(DamagedTarError, match=says):
            list(OuterTar(io.BytesIO(bytes(data))))


def test_a_layer_of_another_diff_id_is_named(tmp_path, cache):
    sample = Sample()
    wrong = json.loads(sample.config)
    wrong["rootfs"]["diff_ids"][1] = digest(b"something else")
    config = json.dumps(wrong).encode()
    manifest = json.loads(sample.manifest)
    manifest["config"] = {**manifest["config"], **described(config)}
    document = json.dumps(manifest).encode()
    files = {**sample.oci(), "index.json": json.dumps({"manifests": [described(document)]}).encode()}
    files.update({f"blobs/sha256/{digest(data)[7:]}": data for data in (config, document)})
    layout = str(write_folder(tmp_path / "lie", files))
    with pytest.raises(TargetError, match=f"{digest(sample.blobs[1])[7:]} does not hold what its diff id"):
        open_image(layout, cache=cache, verify=True)
    # The digest that the manifest gives covers every byte; nothing is kept under the diff id that the configuration made up.
    image = open_image(layout, cache=cache)
    assert image.layers[1].entries.paths == open_sample(tmp_path, sample, "oci-dir", cache).layers[1].entries.paths
    assert cache.get(wrong["rootfs"]["diff_ids"][1]) is None
    with pytest.raises(TargetError, match="does not hold what its diff id"):
        open_image(layout, cache=cache, verify=True)


def test_what_one_archive_claims_is_not_read_from_the_cache_for_another(tmp_path, cache):
    """A plain archive that lies about its diff ids shows its own bytes, and nothing of it is kept under the diff id."""
    honest = Sample()
    open_sample(tmp_path, honest, "oci-archive", cache)
    members = honest.legacy()
    members[f"{1:064x}/layer.tar"] = tar_of({"lie": b"x"})
    image = open_image(str(write_tar(tmp_path / "lie.tar", members)), cache=cache)
    assert image.layers[1].entries.paths == ["lie"]
    assert not image.layers[1].verified
    assert open_sample(tmp_path, honest, "oci-archive", cache).layers[1].entries.paths == ["src/main.c", "usr/bin/app"]


LEGACY = Sample().legacy()
CONFIG = next(name for name in LEGACY if name.endswith(".json") and len(name) == 69)
MANIFEST = json.loads(LEGACY["manifest.json"])


def manifest(**changes):
    return json.dumps([{**MANIFEST[0], **changes}]).encode()


DEEP = b"[" * 100_000 + b"]" * 100_000
BROKEN = {
    "no manifest": ({"some": b"file"}, "holds no manifest.json and no index.json"),
    "deep manifest": ({**LEGACY, "manifest.json": DEEP}, "nested too deep|cannot be understood"),
    "empty manifest": ({**LEGACY, "manifest.json": b"[]"}, "names no image"),
    "manifest of text": ({**LEGACY, "manifest.json": b"hello"}, "cannot be understood"),
    "huge manifest": ({**LEGACY, "manifest.json": b" " * ((16 << 20) + 1)}, "larger than 16 MiB"),
    "no configuration": ({n: d for n, d in LEGACY.items() if n != CONFIG}, "is not in it"),
    "other configuration": ({**LEGACY, CONFIG: b"{}"}, "does not hold what its digest says"),
    "deep configuration": ({**LEGACY, "manifest.json": manifest(Config="c"), "c": DEEP}, "nested too deep|cannot be"),
    "layer is missing": ({n: d for n, d in LEGACY.items() if not n.startswith("0" * 63 + "1")}, "the layer .* is not in it"),
    "fewer layers": ({**LEGACY, "manifest.json": manifest(Layers=[])}, "lists 0 layers, its configuration 3"),
    "a million layers": ({**LEGACY, "manifest.json": manifest(Layers=["x"] * 1_000_000)}, "manifest.json has more parts than"),
    "thousands of layers": ({**LEGACY, "manifest.json": manifest(Layers=["x"] * 10_000)}, "claims 10000 layers"),
    "layer is no tar": ({**LEGACY, f"{0:064x}/layer.tar": b"no tar" * 500}, r"layer\.tar"),
}  # fmt: skip


@pytest.mark.parametrize(("members", "says"), BROKEN.values(), ids=BROKEN.keys())
def test_broken_archives_are_one_clear_line(tmp_path, cache, members, says):
    path = write_tar(tmp_path / "a.tar", members)
    with pytest.raises(TargetError, match=says) as caught:
        open_image(str(path), cache=cache)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("keep", [700, 3000, 9000])
def test_a_truncated_archive(tmp_path, cache, keep):
    path = tmp_path / "a.tar"
    path.write_bytes(tar_of(Sample().legacy())[:keep])
    with pytest.raises(TargetError, match="truncated"):
        open_image(str(path), cache=cache)


def test_a_digest_never_leads_out_of_a_layout(tmp_path, cache):
    files = {**Sample().oci(), "index.json": json.dumps({"manifests": [{"digest": "sha256:../../../etc/passwd"}]}).encode()}
    with pytest.raises(TargetError, match=r"index\.json cannot be understood"):
        open_image(str(write_folder(tmp_path / "layout", files)), cache=cache)


def test_indexes_in_indexes_without_end(tmp_path, cache):
    files = dict(Sample().oci())
    below = described(Sample().manifest)
    for _ in range(10):
        index = json.dumps({"manifests": [below]}).encode()
        files[f"blobs/sha256/{digest(index)[7:]}"] = index
        below = described(index)
    files["index.json"] = json.dumps({"manifests": [below]}).encode()
    with pytest.raises(TargetError, match="without end"):
        open_image(str(write_folder(tmp_path / "layout", files)), cache=cache)


def test_a_cancel_stops_between_layers(tmp_path, cache):
    cancel = threading.Event()

    def on_event(event):
        if isinstance(event, LayerRead):
            cancel.set()

    with pytest.raises(Cancelled):
        open_sample(tmp_path, Sample(), "oci-archive", cache, on_event=on_event, cancel=cancel)


SMALL = st.text(st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1, max_size=120).filter(
    lambda n: n not in (".", "..")
)


@given(st.dictionaries(SMALL, st.binary(max_size=1500), max_size=5), st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]))
def test_the_outer_reader_agrees_with_tarfile(members, form):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    outer = OuterTar(io.BytesIO(out.getvalue()))
    found = {}
    for member in outer:
        found[member.name] = outer.content.read(-1) if member.size else b""
        assert out.getvalue()[member.offset : member.offset + member.size] == found[member.name]
    assert found == members


@given(st.binary(max_size=2000), st.integers(0, 3000), st.binary(max_size=12))
@example(b"", 124, b"\xff" * 12)
@example(b"", 124, b"\x80" + b"\xff" * 11)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_the_outer_reader_survives_anything(data, at, patch):
    sound = bytearray(data + tar_of({"a": b"x" * 600, "long" * 60: b"y"}))
    sound[at : at + len(patch)] = patch
    with contextlib.suppress(DamagedTarError):
        for member in OuterTar(io.BytesIO(bytes(sound))):
            assert member.size >= 0
