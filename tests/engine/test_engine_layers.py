"""How layers are stored, what an index may lead to, and what is no image; digests hashed when asked for."""

from __future__ import annotations

import gzip
import hashlib
import json
import struct
import zlib

import pytest
import zstandard
from image_samples import Sample, digest, tar_of, write_folder, write_tar
from layout_files import CONFIG, GZIP, INDEX, Files

from msbtui.engine import Progress, layers, open_image
from msbtui.errors import TargetError


def estargz(data):
    """Pack as eStargz does: members one behind the other, a table of contents, a footer of 51 bytes (stargz-snapshotter)."""
    parts = [data[at : at + 1024] for at in range(0, len(data), 1024)]
    members = b"".join(gzip.compress(part, mtime=0) for part in parts)
    extra = b"SG" + struct.pack("<H", 22) + b"%016xSTARGZ" % len(members)
    header = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff" + struct.pack("<H", len(extra)) + extra
    footer = header + b"\x01\0\0\xff\xff" + struct.pack("<II", zlib.crc32(b""), 0)
    assert len(footer) == 51
    return members + footer


def chunked(data):
    """Pack as zstd:chunked does: frames, then the manifest and the footer in skippable frames (containers/storage)."""
    frames = b"".join(zstandard.compress(data[at : at + 700]) for at in range(0, len(data), 700))
    skippable = b"".join(struct.pack("<II", 0x184D2A50, len(body)) + body for body in (b"{}" * 20, b"\0" * 40))
    return frames + skippable


def members(data):
    return b"".join(gzip.compress(data[at : at + 900]) for at in range(0, len(data), 900))


@pytest.mark.parametrize("pack", [estargz, chunked, members, bytes])
def test_every_packing_gives_the_same_layers(tmp_path, cache, pack):
    sample, files = Sample(), Files()
    blobs = [pack(layer) for layer in sample.layers]
    image = open_image(files.write(tmp_path / "layout", files.image(sample, blobs)), cache=cache)
    assert [layer.diff_id for layer in image.layers] == sample.diff_ids
    assert [layer.digest for layer in image.layers] == [digest(blob) for blob in blobs]
    assert [layer.stored_size for layer in image.layers] == [len(blob) for blob in blobs]
    assert [layer.entries.paths for layer in image.layers][1:] == [["src/main.c", "usr/bin/app"], ["src/main.c", "big"]]
    assert image.verified is (pack is not bytes)


def test_indexes_in_indexes_with_attestations_in_them(tmp_path, cache):
    files = Files()
    amd, arm = Sample(), Sample(architecture="arm64", layers=[tar_of({"arm": b""})])
    said = files.put(
        {"config": files.put(b"{}"), "layers": []}, annotations={"vnd.docker.reference.type": "attestation-manifest"}
    )
    deep = files.put({"manifests": [files.image(arm) | {"platform": {"os": "linux", "architecture": "arm64"}}]}, mediaType=INDEX)
    for_amd = files.image(amd) | {"platform": {"os": "linux", "architecture": "amd64"}}
    top = files.write(tmp_path / "layout", files.put({"manifests": [said, deep, for_amd]}, mediaType=INDEX))
    assert open_image(top, cache=cache, platform="linux/arm64").layers[0].entries.paths == ["arm"]
    assert open_image(top, cache=cache, platform="linux/amd64").id == digest(amd.config)
    with pytest.raises(
        TargetError, match=r"no image for linux/mips; it has linux/arm64, linux/amd64 \(choose one with --platform"
    ):
        open_image(top, cache=cache, platform="linux/mips")


def test_a_windows_image_shows_its_paths_as_they_are_stored(tmp_path, cache):
    base = tar_of({"Files": None, "Files/Windows/notepad.exe": b"MZ", "Hives/System_Delta": b"x"})
    sample, files = Sample(layers=[base, tar_of({"Files/Windows/.wh.notepad.exe": b""})]), Files()
    config = {**json.loads(sample.config), "os": "windows", "os.version": "10.0.20348.2"}
    stored = [files.put(blob, mediaType=GZIP) for blob in sample.blobs]
    manifest = files.put({"config": files.put(config, mediaType=CONFIG), "layers": stored})
    platform = {"os": "windows", "architecture": "amd64", "os.version": "10.0.20348.2"}
    image = open_image(files.write(tmp_path / "layout", {**manifest, "platform": platform}), cache=cache)
    assert image.platform == "windows/amd64"
    assert image.layers[0].entries.paths == ["Files", "Files/Windows/notepad.exe", "Hives/System_Delta"]
    assert image.layers[1].entries.paths == ["Files/Windows/notepad.exe"]


def artifact(files, **more):
    return files.put({"config": files.put(b"{}", mediaType="application/vnd.oci.empty.v1+json"), "layers": [], **more})


def chart(files):
    return files.put({"config": files.put(b"{}", mediaType="application/vnd.cncf.helm.config.v1+json"), "layers": []})


NOT_IMAGES = {
    "chart": (chart, r"holds a Helm chart \(application/vnd.cncf.helm.config"),
    "artifact type": (lambda f: artifact(f, artifactType="application/x.list"), r"an artifact \(application/x.list\), no image"),
    "signature": (
        lambda f: f.image(Sample(layers=[b""]), [b"{}"], ["application/vnd.dev.cosign.simplesigning.v1+json"]),
        r"a cosign signature \(application/vnd.dev.cosign.simplesigning",
    ),
    "index": (lambda f: f.put({"manifests": [artifact(f)]}, mediaType=INDEX), r"an artifact \(application/vnd.oci.empty"),
    "encrypted": (
        lambda f: f.image(Sample(), types=[GZIP, GZIP + "+encrypted", GZIP]),
        r"layer 1 \(sha256:[0-9a-f]{12}\) is encrypted .*decryption-key",
    ),
    "one layer is no file system": (
        lambda f: f.image(Sample(), types=[GZIP, "application/x.model\x1b", GZIP]),
        r"layer 1 \(.*\) is no file system but application/x.model\\x1b",
    ),
}


@pytest.mark.parametrize("kind", NOT_IMAGES)
def test_what_is_no_image_is_named_as_what_it_is(tmp_path, cache, kind):
    files = Files()
    make, says = NOT_IMAGES[kind]
    with pytest.raises(TargetError, match=says) as caught:
        open_image(files.write(tmp_path / "layout", make(files)), cache=cache)
    assert caught.value.exit_code == 4


@pytest.mark.parametrize("urls", [[], ["https://example.com/layer\x1b"]])
def test_a_foreign_layer_that_is_not_there_is_named_as_such(tmp_path, cache, urls):
    sample, files = Sample(), Files()
    stored = [files.put(blob, mediaType=GZIP) for blob in sample.blobs]
    stored[0] |= {"mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "urls": urls}
    manifest = files.put({"config": files.put(sample.config, mediaType=CONFIG), "layers": stored})
    assert open_image(files.write(tmp_path / "there", manifest), cache=cache).id == digest(sample.config)
    del files[f"blobs/sha256/{stored[0]['digest'][7:]}"]
    with pytest.raises(TargetError, match=r"layer 0 .* is a foreign layer, kept (at https://example.com/layer\\x1b|elsewhere)"):
        open_image(files.write(tmp_path / "gone", manifest), cache=cache)


def test_digests_of_plain_files_are_hashed_when_asked_for(tmp_path, cache):
    sample = Sample(how="plain")
    path = write_tar(tmp_path / "image.tar", sample.legacy())
    assert not open_image(str(path), cache=cache).verified
    heard = []
    image = open_image(str(path), cache=cache, verify=True, on_event=heard.append)
    assert image.verified
    assert image.layers[0].contents.text(1) == b"root:x:0:0::/root:/bin/sh\n"
    assert max(event.done for event in heard if isinstance(event, Progress)) == sum(map(len, sample.layers))
    assert open_image(str(path), cache=cache).verified  # the file was not written since
    damaged = sample.legacy()
    damaged[f"{1:064x}/layer.tar"] = sample.layers[1].replace(b"int main", b"int mean")
    path = write_tar(tmp_path / "damaged.tar", damaged)
    assert not open_image(str(path), cache=cache).verified
    with pytest.raises(TargetError, match=f"layer {1:064x}/layer.tar does not hold what its diff id"):
        open_image(str(path), cache=cache, verify=True)


@pytest.mark.parametrize("how", ["plain", "gzip"])
def test_a_damaged_blob_is_named_when_asked_for(tmp_path, cache, how):
    sample = Sample(how=how)
    folder = write_folder(tmp_path / "layout", sample.oci())
    open_image(str(folder), cache=cache)
    blob = sample.blobs[1]
    layer = sample.layers[1].replace(b"int main", b"int mean")
    damaged = layer if how == "plain" else gzip.compress(layer, 1, mtime=0).ljust(len(blob), b"\0")[: len(blob)]
    (folder / "blobs" / "sha256" / digest(blob)[7:]).write_bytes(damaged)
    with pytest.raises(TargetError, match=digest(blob)[7:]):
        open_image(str(folder), cache=cache, verify=True)


def test_a_known_blob_digest_alone_answers(tmp_path, cache, monkeypatch):
    sample = Sample()
    image = open_image(str(write_folder(tmp_path / "one", sample.oci())), cache=cache)
    monkeypatch.setattr(layers, "open_layer", None)
    again = open_image(str(write_folder(tmp_path / "two", sample.oci())), cache=cache)
    assert [layer.entries.paths for layer in again.layers] == [layer.entries.paths for layer in image.layers]
    other = Sample(layers=[sample.layers[0], tar_of({"other": b""})])
    files = Files()
    lie = files.write(tmp_path / "lie", files.image(other, [sample.blobs[0], sample.blobs[1]]))
    # Another diff id for a known blob: what the blob holds, and nothing under the diff id.
    assert [layer.entries.paths for layer in open_image(lie, cache=cache).layers] == [
        one.entries.paths for one in image.layers[:2]
    ]
    assert cache.get(other.diff_ids[1]) is None
    with pytest.raises(TypeError):
        open_image(lie, cache=cache, verify=True)


@pytest.mark.parametrize("verify", [False, True])
def test_a_known_blob_is_not_taken_for_another_known_layer(tmp_path, cache, verify):
    sample, files = Sample(), Files()
    honest = open_image(str(write_folder(tmp_path / "one", sample.oci())), cache=cache, verify=verify)
    other = Sample(layers=[sample.layers[0], sample.layers[0]])
    lie = files.write(tmp_path / "lie", files.image(other, [sample.blobs[0], sample.blobs[1]]))
    image = open_image(lie, cache=cache)
    assert [layer.entries.paths for layer in image.layers] == [layer.entries.paths for layer in honest.layers[:2]]
    with pytest.raises(TargetError, match=f"{digest(sample.blobs[1])[7:]} does not hold what its diff id"):
        open_image(lie, cache=cache, verify=True)


def test_a_digest_of_another_kind_is_checked_too(tmp_path, cache):
    sample, files = Sample(), Files()
    config = {"mediaType": CONFIG, "size": len(sample.config), "digest": f"sha512:{hashlib.sha512(sample.config).hexdigest()}"}
    files[f"blobs/{config['digest'].replace(':', '/')}"] = sample.config
    stored = [files.put(blob, mediaType=GZIP) for blob in sample.blobs]
    where = files.write(tmp_path / "layout", files.put({"config": config, "layers": stored}))
    assert open_image(where, cache=cache).config.cmd == ("/usr/bin/app",)
    files[f"blobs/{config['digest'].replace(':', '/')}"] = sample.config.replace(b"linux", b"Linux")
    with pytest.raises(TargetError, match="does not hold what its digest says"):
        open_image(files.write(tmp_path / "layout", files.put({"config": config, "layers": stored})), cache=cache)
