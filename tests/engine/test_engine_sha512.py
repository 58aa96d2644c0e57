"""Blobs and layers whose digests are sha512: verified as those of sha256 are."""

from __future__ import annotations

import gzip
import hashlib
import json

import pytest
from fake_registry import FakeRegistry
from image_samples import Sample, tar_of, write_folder, write_tar

from msbtui.engine import open_image
from msbtui.errors import TargetError

LAYERS = [tar_of({"etc/passwd": b"root\n", "a": b"a" * 3000}), tar_of({"b": b"b" * 20})]


def sha512(data):
    return f"sha512:{hashlib.sha512(data).hexdigest()}"


def files_of(pack, diff_ids=sha512, of=sha512):
    """Give the files of a layout, the digest of its manifest and those of its layers as stored."""
    blobs = [pack(layer) for layer in LAYERS]
    config = json.dumps({
        "os": "linux", "architecture": "amd64", "config": {},
        "rootfs": {"type": "layers", "diff_ids": [diff_ids(layer) for layer in LAYERS]},
        "history": [{"created_by": "a"}, {"created_by": "b"}],
    }).encode()  # fmt: skip

    def described(data, kind):
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": of(data), "size": len(data)}

    layers = [described(blob, "layer.v1.tar") for blob in blobs]
    manifest = json.dumps({"schemaVersion": 2, "config": described(config, "config.v1+json"), "layers": layers}).encode()
    index = json.dumps({"schemaVersion": 2, "manifests": [described(manifest, "manifest.v1+json")]}).encode()
    files = {f"blobs/{of(data).replace(':', '/')}": data for data in (*blobs, config, manifest)}
    return (
        {**files, "index.json": index, "oci-layout": b'{"imageLayoutVersion":"1.0.0"}'},
        of(manifest),
        [of(blob) for blob in blobs],
    )


def sha256(data):
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


PACKS = {"plain": bytes, "gzip": lambda data: gzip.compress(data, 1, mtime=0)}


@pytest.mark.parametrize("diff_ids", [sha512, sha256])
@pytest.mark.parametrize("of", [sha512, sha256])
@pytest.mark.parametrize("pack", PACKS)
def test_a_layout_is_verified(tmp_path, cache, pack, diff_ids, of):
    files, _, digests = files_of(PACKS[pack], diff_ids, of)
    path = str(write_folder(tmp_path / "layout", files))
    for _ in range(2):
        image = open_image(path, cache=cache, verify=True)
        assert image.verified
        assert [layer.diff_id for layer in image.layers] == [diff_ids(layer) for layer in LAYERS]
        assert [layer.digest for layer in image.layers] == digests
    assert open_image(path, cache=cache).verified


@pytest.mark.parametrize("which", ["diff id", "blob"])
@pytest.mark.parametrize("pack", PACKS)
def test_a_wrong_one_is_named(tmp_path, cache, pack, which):
    files, _, digests = files_of(PACKS[pack], lambda data: sha512(data + b"x" * (which == "diff id")))
    if which == "blob":
        name = f"blobs/{digests[1].replace(':', '/')}"
        data = files[name]
        files[name] = data[:4] + b"\1" + data[5:] if pack == "gzip" else data.replace(b"bbbb", b"bbbc")  # gzip: another time
    path = str(write_folder(tmp_path / "layout", files))
    with pytest.raises(TargetError, match="does not hold what its") as caught:
        open_image(path, cache=cache, verify=True)
    assert caught.value.exit_code == 4
    assert (digests[1] if which == "blob" else digests[0])[7:40] in str(caught.value)


@pytest.mark.parametrize("diff_ids", [sha512, sha256])
def test_an_archive_that_streams_by(tmp_path, cache, diff_ids):
    files, _, digests = files_of(PACKS["gzip"], diff_ids)
    path = tmp_path / "image.tgz"
    path.write_bytes(gzip.compress(write_tar(tmp_path / "plain.tar", files).read_bytes()))
    for _ in range(2):
        image = open_image(str(path), cache=cache)
        assert [len(layer.entries) for layer in image.layers] == [2, 1]
        assert image.verified is (diff_ids is sha512)
    files[f"blobs/{digests[1].replace(':', '/')}"] = PACKS["gzip"](LAYERS[0])
    path.write_bytes(gzip.compress(write_tar(tmp_path / "plain.tar", files).read_bytes()))
    with pytest.raises(TargetError, match=r"sha512:"):
        open_image(str(path), cache=cache)


def test_a_registry(tmp_path, cache):
    files, manifest, digests = files_of(PACKS["gzip"])
    with FakeRegistry(Sample()).running() as fake:
        fake.blobs = {name.removeprefix("blobs/").replace("/", ":"): data for name, data in files.items()}
        fake.tags = {"latest": manifest}
        environ = {"HOME": str(tmp_path)}
        assert open_image(f"registry:{fake.host}/sample@{manifest}", cache=cache, environ=environ).verified
        cache.clear()
        fake.blobs[digests[0]] = PACKS["gzip"](LAYERS[0].replace(b"aaaa", b"aaab"))[: len(fake.blobs[digests[0]])].ljust(
            len(fake.blobs[digests[0]]), b"\0"
        )
        with pytest.raises(TargetError, match=digests[0]):
            open_image(f"registry:{fake.host}/sample@{manifest}", cache=cache, environ=environ)
