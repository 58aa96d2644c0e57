"""An archive of `docker save`, unpacked into a folder: read as the archive is, and never beyond the folder."""

from __future__ import annotations

import json
import tarfile

import pytest
from image_samples import Sample, digest, write_folder, write_tar

from msbtui.engine import Target, open_image, recognise
from msbtui.errors import TargetError


def unpacked(tmp_path, members, **more):
    folder = tmp_path / "unpacked"
    with tarfile.open(write_tar(tmp_path / "a.tar", members, **more)) as tar:
        tar.extractall(folder, filter="data")
    return folder


@pytest.mark.parametrize("layout", ["legacy", "oci"])
def test_an_unpacked_archive_is_read_as_the_archive(tmp_path, cache, layout):
    sample = Sample()
    members = getattr(sample, layout)()
    members.setdefault("manifest.json", b"[]")  # Docker 25 and later write both
    folder = unpacked(tmp_path, members)
    for target in (str(folder), f"docker-archive:{folder}", f"docker-archive:{folder}:sample:latest", f"{folder}:sample"):
        image = open_image(target, cache=cache)
        assert (image.id, image.name.partition(":")[0]) == (digest(sample.config), "sample")
        assert [layer.entries.paths for layer in image.layers][1] == ["src/main.c", "usr/bin/app"]
        assert image.layers[0].contents.text(1) == b"root:x:0:0::/root:/bin/sh\n"


def test_a_layer_of_an_unpacked_archive_may_be_a_link_to_another(tmp_path, cache):
    members = Sample().legacy()
    shared = f"{1:064x}/layer.tar"
    members["ffff/layer.tar"] = members.pop(shared)
    folder = unpacked(tmp_path, members, links={shared: "../ffff/layer.tar"})
    assert open_image(str(folder), cache=cache).layers[1].entries.paths == ["src/main.c", "usr/bin/app"]


@pytest.mark.parametrize("way", ["a link", "dots", "absolute", "a zero"])
def test_nothing_leads_out_of_the_folder(tmp_path, cache, way):
    members = Sample().legacy()
    outside = tmp_path / "outside.tar"
    outside.write_bytes(members[f"{1:064x}/layer.tar"])
    folder = write_folder(tmp_path / "unpacked", members)
    if way == "a link":
        (folder / f"{1:064x}/layer.tar").unlink()
        (folder / f"{1:064x}/layer.tar").symlink_to(outside)
    else:
        saved = json.loads(members["manifest.json"])
        saved[0]["Layers"][1] = {"dots": "../outside.tar", "absolute": str(outside), "a zero": "a\0b"}[way]
        (folder / "manifest.json").write_text(json.dumps(saved))
    with pytest.raises(TargetError, match=r"the layer .* is not in it \(save the image again\)"):
        open_image(str(folder), cache=cache)


@pytest.mark.parametrize("text", ['{"name": "an extension", "version": "1"}', "[]", '[{"name": "x"}]', "[", "[" * 100_000])
def test_a_manifest_json_of_something_else_makes_no_image(tmp_path, text):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(TargetError, match="has no Dockerfile and is no image folder"):
        recognise(str(tmp_path))
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    assert recognise(str(tmp_path)) == Target("dockerfile", str(tmp_path / "Dockerfile"))
