"""Which image's platform fits which, and how an index is chosen from by it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from image_samples import Sample, described, digest, tar_of, write_folder, write_tar

from msbtui.engine import open_image, platforms
from msbtui.engine.platforms import distance, this_machine
from msbtui.engine.recording import write_recording
from msbtui.errors import TargetError


@pytest.mark.parametrize(
    ("has", "wanted"),
    [
        ("linux/amd64", "linux/amd64"), ("linux/amd64", "amd64"), ("linux/amd64", "LINUX/x86_64"), ("linux/amd64/v1", "x86-64"),
        ("linux/arm64", "aarch64"), ("linux/arm64/v8", "linux/arm64"), ("linux/arm64", "linux/arm64/8"),
        ("linux/arm", "linux/arm/v7"), ("linux/arm/v7", "arm"), ("linux/arm/v7", "armhf"), ("linux/arm/v6", "armel"),
        ("linux/386", "i386"), ("windows/amd64", "windows"), ("windows/amd64", "windows(10.0.17763)/amd64"),
        ("linux/loong64", "linux/loong64"),
    ],
)  # fmt: skip
def test_one_platform_has_many_names(has, wanted):
    assert distance(has, wanted, "10.0.17763.1") == 0


@pytest.mark.parametrize(
    ("has", "wanted"),
    [
        ("linux/amd64", "linux/arm64"), ("linux/amd64", "windows/amd64"), ("linux/amd64", "windows"), ("linux/386", "amd64"),
        ("linux/arm/v7", "linux/arm/v6"), ("linux/amd64/v3", "linux/amd64/v2"), ("linux/arm64", "linux/arm"),
        ("windows/amd64", "windows(10.0.1)/amd64"), ("windows/amd64", "windows(10.0.1776)"), ("linux/amd64", "a/b/c/d"),
        ("linux/amd64", "linux/amd64/none"), ("", "linux/amd64"), ("linux/amd64", "((/"),
    ],
)  # fmt: skip
def test_what_does_not_fit(has, wanted):
    assert distance(has, wanted, "10.0.17763.1") is None


def test_the_newest_of_the_older_variants_fits_best():
    arm = ["linux/arm/v5", "linux/arm/v6", "linux/arm/v7", "linux/arm/v8"]
    far = {one: distance(one, "linux/arm") for one in arm}
    assert sorted(arm, key=lambda one: far[one]) == ["linux/arm/v7", "linux/arm/v6", "linux/arm/v5", "linux/arm/v8"]
    assert distance("linux/amd64", "linux/amd64/v3") == 2
    assert distance("linux/amd64/v3", "linux/amd64") is not None  # better than nothing, where nobody asked for less


@pytest.mark.parametrize(
    ("machine", "name"),
    [("x86_64", "linux/amd64"), ("aarch64", "linux/arm64"), ("armv6l", "linux/arm/v6"), ("s390x", "linux/s390x")],
)
def test_what_this_machine_runs(monkeypatch, machine, name):
    monkeypatch.setattr(platforms.machine, "machine", lambda: machine)
    assert this_machine() == name


def index(tmp_path, *platforms):
    files, below = {}, []
    for said in platforms:
        sample = Sample(layers=[tar_of({"-".join(said.values()): b"x"})])
        files.update(sample.oci())
        below.append({**described(sample.manifest), "platform": said})
    top = json.dumps({"schemaVersion": 2, "manifests": below}).encode()
    files[f"blobs/sha256/{digest(top)[7:]}"] = top
    files["index.json"] = json.dumps({"schemaVersion": 2, "manifests": [described(top)]}).encode()
    return write_folder(tmp_path / "layout", files)


def test_versions_of_windows_are_told_apart(tmp_path, cache):
    builds = [{"os": "windows", "architecture": "amd64", "os.version": f"10.0.{build}"} for build in ("17763.1", "20348.2")]
    folder = str(index(tmp_path, *builds))
    assert open_image(folder, platform="windows(10.0.20348)/amd64", cache=cache).layers[0].entries.paths == [
        "windows-amd64-10.0.20348.2"
    ]
    assert open_image(folder, platform="windows/amd64", cache=cache).layers[0].entries.paths == ["windows-amd64-10.0.17763.1"]
    with pytest.raises(TargetError, match=r"it has windows\(10\.0\.17763\.1\)/amd64, windows\(10\.0\.20348\.2\)/amd64 \(choose"):
        open_image(folder, platform="windows(10.0.2)/amd64", cache=cache)


def test_an_arm_without_a_variant_is_the_seventh(tmp_path, cache):
    folder = str(index(tmp_path, *({"os": "linux", "architecture": "arm", "variant": one} for one in ("v6", "v7"))))
    assert open_image(folder, platform="linux/arm", cache=cache).layers[0].entries.paths == ["linux-arm-v7"]
    assert open_image(folder, platform="linux/arm/v8", cache=cache).layers[0].entries.paths == ["linux-arm-v7"]
    with pytest.raises(TargetError, match="has no image for linux/arm/v5; it has linux/arm/v6, linux/arm/v7"):
        open_image(folder, platform="linux/arm/v5", cache=cache)


def test_the_only_image_of_an_archive_or_a_recording_must_fit_too(tmp_path, cache):
    archive = str(write_tar(tmp_path / "a.tar", Sample().legacy()))
    folder = str(write_folder(tmp_path / "folder", Sample().legacy()))
    recording = str(tmp_path / "a.msbtui")
    write_recording(open_image(archive, cache=cache), None, Path(recording))
    for target in (archive, folder, recording):
        assert open_image(target, platform="amd64", cache=cache).platform == "linux/amd64"
        heard = []
        with pytest.raises(TargetError, match=r"has no image for arm64; it has linux/amd64 \(leave --platform out"):
            open_image(target, platform="arm64", cache=cache, on_event=heard.append)
        assert not heard


def test_an_image_of_a_layout_is_named_by_its_digest(tmp_path, cache):
    sample = Sample()
    folder = write_folder(tmp_path / "layout", sample.oci())
    assert open_image(f"{folder}@{sample.oci_id}", cache=cache).id == digest(sample.config)
    assert open_image(f"oci-dir:{folder}@{sample.oci_id}", cache=cache).id == digest(sample.config)
    with pytest.raises(TargetError, match="holds no image sha256:0"):
        open_image(f"{folder}@sha256:{64 * '0'}", cache=cache)


def test_a_manifest_of_the_first_schema_is_named(tmp_path, cache):
    old = json.dumps(
        {"schemaVersion": 1, "name": "a", "tag": "b", "fsLayers": [{"blobSum": digest(b"")}], "history": []}
    ).encode()
    top = json.dumps({"schemaVersion": 2, "manifests": [described(old)]}).encode()
    write_folder(tmp_path / "layout", {f"blobs/sha256/{digest(old)[7:]}": old, "index.json": top})
    write_folder(tmp_path / "folder", {"manifest.json": old, "version": b"Directory Transport Version: 1.1\n"})
    for name in ("layout", "folder"):
        with pytest.raises(TargetError, match=r"manifest of the old kind \(schema 1\).*skopeo copy"):
            open_image(str(tmp_path / name), cache=cache)
