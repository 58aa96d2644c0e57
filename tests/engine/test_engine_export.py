"""Images read from an engine while it exports them: once, in order, and from where a broken export ended."""

from __future__ import annotations

import json
import threading
import time

import pytest
from fake_engine import FakeEngine
from image_samples import Sample, described, digest, tar_of, write_tar

from msbtui.engine import LayerRead, Opened, Progress, open_image
from msbtui.engine.docker import connect
from msbtui.engine.export import open_in_engine
from msbtui.engine.layers import Keeper
from msbtui.errors import Cancelled, TargetError
from msbtui.image.cache import LayerCache


@pytest.fixture(params=["legacy", "oci"])
def engine(request, tmp_path):
    with FakeEngine(tmp_path / "s", Sample(), layout=request.param).running() as fake:
        yield fake


def read(engine, cache, name="docker:sample", **more):
    return open_image(name, cache=cache, environ=engine.environ, **more)


def impatient(engine, cache, **more):
    """Read with an engine that counts as frozen after a moment."""
    options = {"platform": None, "on_event": lambda _: None, "cancel": None, "environ": None, **more}
    return open_in_engine("sample", keeper=Keeper(cache), engine=connect(engine.environ, patience=0.4), **options)


def shown(image):
    return [(layer.diff_id, layer.entries.paths, list(layer.entries.sizes), layer.history_index) for layer in image.layers]


def test_the_engine_and_its_archive_agree(engine, cache, tmp_path):
    heard = []
    image = read(engine, cache, on_event=heard.append)
    (tmp_path / "saved.tar").write_bytes(engine.export)
    saved = open_image(str(tmp_path / "saved.tar"), cache=LayerCache(tmp_path / "other"))
    assert shown(image) == shown(saved)
    assert (image.id, image.config, image.history, image.platform, image.created) == (
        saved.id, saved.config, saved.history, saved.platform, saved.created,
    )  # fmt: skip
    assert image.verified
    assert isinstance(heard[0], Opened)
    assert heard[0].image is image
    assert [event.layer.index for event in heard if isinstance(event, LayerRead)] == [0, 1, 2]
    for layer, other in zip(image.layers, saved.layers, strict=True):
        assert [layer.contents.digest(n) for n in range(len(layer.entries))] == [
            other.contents.digest(n) for n in range(len(other.entries))
        ]


def test_a_second_look_exports_nothing(engine, cache):
    first = read(engine, cache)
    second = read(engine, cache)
    assert engine.exports == 1
    assert shown(second) == shown(first)
    assert (second.id, second.history, second.config) == (first.id, first.history, first.config)
    assert [layer.stored_size for layer in second.layers] == [layer.stored_size for layer in first.layers]


def test_layers_that_another_image_brought_are_not_exported_again(engine, cache):
    """Also where nothing but the layers is known: the history then comes from the API.

    With the containerd store only the export tells what lies beside the image; it is read to there.
    """
    read(engine, cache)
    for document in (cache.root / "documents").iterdir():
        document.unlink()
    image = read(engine, cache)
    assert engine.exports == (2 if engine.layout == "oci" else 1)
    assert [layer.history_index for layer in image.layers] == [0, 1, 2]


@pytest.mark.parametrize("chunked", [True, False])
def test_an_engine_that_dies_keeps_its_layers(engine, cache, chunked):
    engine.chunked = chunked
    engine.die_after = 2100
    heard = []
    with pytest.raises(
        TargetError, match=r"broke off the export after .*layers are read and kept .*goes on from there"
    ) as caught:
        read(engine, cache, on_event=heard.append)
    assert "\n" not in str(caught.value)
    engine.die_after = None
    again = []
    image = read(engine, cache, on_event=again.append)
    assert len(image.layers) == 3
    assert engine.exports == 2


def test_the_layers_before_the_end_are_given_out(tmp_path, cache):
    sample = Sample()
    with FakeEngine(tmp_path / "s", sample).running() as engine:
        engine.die_after = engine.export.index(f"{2:064x}/layer.tar".encode())
        heard = []
        with pytest.raises(TargetError, match="2 of 3 layers are read and kept"):
            read(engine, cache, on_event=heard.append)
        assert [event.layer.index for event in heard if isinstance(event, LayerRead)] == [0, 1]
        engine.die_after = None
        again = []
        read(engine, cache, on_event=again.append)
        assert [event.layer.index for event in again if isinstance(event, LayerRead)] == [0, 1, 2]


def test_an_engine_that_freezes_in_mid_export(engine, cache):
    engine.hang_after = 2100
    with pytest.raises(TargetError, match=r"stopped answering: no byte for 0\.4 s, after .* of the export"):
        impatient(engine, cache)


def test_an_engine_that_freezes_before_the_first_byte(engine, cache):
    engine.hang_after = 0
    with pytest.raises(TargetError, match="no byte for"):
        impatient(engine, cache)


def test_an_engine_that_prepares_for_long_is_waited_for(tmp_path, cache):
    """Docker before 25 writes a copy of the image before its first byte: silent, but alive."""
    with FakeEngine(tmp_path / "s", Sample()).running() as engine:
        said = json.loads(engine.right_answer("/images/sample/json"))
        engine.answers["/images/sample/json"] = json.dumps({**said, "Size": 100_000_000_000}).encode()
        engine.prepares = 1.6
        heard = []
        image = impatient(engine, cache, on_event=heard.append)
        assert len(image.layers) == 3
        assert any("without a byte" in event.what for event in heard if isinstance(event, Progress))


def test_a_cancel_leaves_at_once(engine, cache):
    engine.hang_after = 2100
    cancel = threading.Event()
    threading.Timer(0.2, cancel.set).start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        read(engine, cache, cancel=cancel)
    assert time.monotonic() - began < 10  # not the half minute that the engine is given


def test_a_wrong_layer_is_named(tmp_path, cache):
    sample = Sample()
    with FakeEngine(tmp_path / "s", sample).running() as engine:
        members = sample.legacy()
        members[f"{1:064x}/layer.tar"] = tar_of({"other": b"x"})
        engine.export = tar_of(members)
        with pytest.raises(TargetError, match=rf"layer {1:064x}/layer\.tar does not hold what its diff id"):
            read(engine, cache)
        assert cache.get(sample.diff_ids[1]) is None


def test_a_wrong_blob_is_named(tmp_path, cache):
    sample = Sample()
    with FakeEngine(tmp_path / "s", sample, layout="oci").running() as engine:
        files = sample.oci()
        name = f"blobs/sha256/{digest(sample.blobs[1])[7:]}"
        files[name] = Sample(layers=[tar_of({"x": b"y"})]).blobs[0]
        engine.export = tar_of(files)
        with pytest.raises(TargetError, match=f"blob sha256:{digest(sample.blobs[1])[7:]} does not hold"):
            read(engine, cache)


def test_a_shared_layer_is_a_link_in_the_export(tmp_path, cache):
    """moby writes a layer that it wrote before as a symlink to it."""
    layers = [tar_of({"a": b"1"}), tar_of({"b": b"2"}), tar_of({"a": b"1"})]
    sample = Sample(layers=layers)
    with FakeEngine(tmp_path / "s", sample).running() as engine:
        members = sample.legacy()
        name = f"{2:064x}/layer.tar"
        del members[name]
        engine.export = tar_of(members, {name: f"../{0:064x}/layer.tar"})
        image = read(engine, cache)
        assert [layer.entries.paths for layer in image.layers] == [["a"], ["b"], ["a"]]


def test_a_layer_that_is_there_twice_has_its_stored_size_at_a_second_look_too(tmp_path, cache):
    sample = Sample(layers=[tar_of({"a": b"1"}), tar_of({"b": b"2"}), tar_of({"a": b"1"})])
    with FakeEngine(tmp_path / "s", sample, layout="oci").running() as engine:
        for _ in range(2):
            image = read(engine, cache)
            assert [layer.stored_size for layer in image.layers] == [len(blob) for blob in sample.blobs]
            assert [layer.digest for layer in image.layers] == [digest(blob) for blob in sample.blobs]


def test_two_layers_of_one_length_are_not_mixed_up(tmp_path, cache):
    """A layer that is as long as a known one is passed over at first; that it is another is noticed."""
    large = b"x" * (1 << 20)
    one = Sample(layers=[tar_of({"a": large})], tags=["one:latest"])
    two = Sample(layers=[tar_of({"a": large}), tar_of({"b": large})])
    assert len(one.layers[0]) == len(two.layers[1])
    open_image(str(write_tar(tmp_path / "one.tar", Sample(layers=one.layers, how="gzip").oci())), cache=cache, verify=True)
    with FakeEngine(tmp_path / "s", two).running() as engine:
        image = read(engine, cache)
        assert [layer.entries.paths for layer in image.layers] == [["a"], ["b"]]
        assert engine.exports == 2


def test_an_export_without_a_layer_says_which(tmp_path, cache):
    sample = Sample()
    with FakeEngine(tmp_path / "s", sample).running() as engine:
        engine.export = tar_of({name: data for name, data in sample.legacy().items() if not name.startswith("0" * 63 + "2")})
        with pytest.raises(TargetError, match=f"ended without layer 2 .{sample.diff_ids[2][:19]}"):
            read(engine, cache)


def test_the_platform_must_fit(engine, cache):
    assert read(engine, cache, platform="linux/amd64").platform == "linux/amd64"
    says = "has no image for linux/arm64; it has linux/amd64" if engine.layout == "oci" else "is for linux/amd64, not linux/arm64"
    with pytest.raises(TargetError, match=f"sample:? ?.*{says}"):
        read(engine, cache, platform="linux/arm64")


def two_platforms(sample, other):
    files = {**sample.oci(), **other.oci()}
    below = [{**described(s.manifest), "platform": {"os": "linux", "architecture": s.architecture}} for s in (sample, other)]
    index = json.dumps({"schemaVersion": 2, "manifests": below}).encode()
    files[f"blobs/sha256/{digest(index)[7:]}"] = index
    return {**files, "index.json": json.dumps({"schemaVersion": 2, "manifests": [described(index)]}).encode()}


def test_another_platform_of_an_image_in_the_containerd_store(tmp_path, cache):
    sample, other = Sample(), Sample(architecture="arm64", layers=[tar_of({"for-arm": b"x"})])
    with FakeEngine(tmp_path / "s", sample, layout="oci").running() as engine:
        engine.export = tar_of(two_platforms(sample, other))
        image = read(engine, cache, platform="arm64")
        assert (image.id, image.platform, image.name) == (digest(other.config), "linux/arm64", "sample")
        assert image.source.startswith("engine ") and image.verified
        assert [layer.entries.paths for layer in image.layers] == [["for-arm"]]
        with pytest.raises(TargetError, match=r"has no image for linux/mips; it has linux/amd64, linux/arm64 \(choose"):
            read(engine, cache, platform="linux/mips")
        engine.die_after = 2100
        with pytest.raises(TargetError, match=r"broke off the export after [^;]* \(see that the engine runs"):
            read(engine, cache, platform="arm64")


def test_an_export_that_is_no_archive(engine, cache):
    engine.export = b"<html>not an archive</html>" * 100
    with pytest.raises(TargetError, match="broke off"):
        read(engine, cache)


def test_an_image_that_vanishes(engine, cache):
    engine.answers["/images/sample:latest/get"] = 404
    engine.answers["/images/sample/get"] = 404
    with pytest.raises(TargetError, match="vanished"):
        read(engine, cache)


def test_an_export_that_stalls_while_the_engine_answers(engine, cache):
    engine.stall_after = 2100
    with pytest.raises(TargetError, match=r"no byte for 0\.4 s"):
        impatient(engine, cache)


def test_a_configuration_that_is_not_what_its_name_says(tmp_path, cache):
    sample = Sample()
    with FakeEngine(tmp_path / "s", sample).running() as engine:
        members = sample.legacy()
        name = next(name for name in members if len(name) == 69 and name.endswith(".json"))
        engine.export = tar_of({name: members.pop(name).replace(b"step 1", b"step 9"), **members})
        with pytest.raises(TargetError, match=f"blob sha256:{name[:64]} does not hold"):
            read(engine, cache)


def test_a_damaged_document_of_the_cache_is_not_believed(engine, cache):
    first = read(engine, cache)
    for document in (cache.root / "documents").iterdir():
        document.write_bytes(document.read_bytes().replace(b"step 1", b"step 9"))
    assert read(engine, cache).history[1].created_by == first.history[1].created_by == "RUN step 1"
