"""Signatures, attestations and SBOMs beside an image: told to be there, at the price of a few requests that may fail."""

from __future__ import annotations

import json
import threading

import pytest
from image_samples import Sample, described, digest, write_folder

from msbtui.cli import run
from msbtui.engine import open_image, signatures
from msbtui.image.model import Signature
from msbtui.session.signed import beside

SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
NOTATION = "application/vnd.cncf.notary.signature"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(signatures, "_PATIENCE", 1.0)


def manifest(kind, subject=None, **more):
    body = b"signature of " + kind.encode()
    document = {
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", **described(b"{}")},
        "layers": [{"mediaType": kind, **described(body)}], **more,
    }  # fmt: skip
    if subject:
        document["subject"] = {"mediaType": MANIFEST, "digest": subject, "size": 1}
    return json.dumps(document).encode()


def put(registry, tag, data):
    registry.blobs[digest(data)] = data
    registry.tags[tag] = digest(data)


def tag_of(sample):
    return sample.oci_id.replace(":", "-")


def look(registry, cache, home, **more):
    return open_image(registry.name, cache=cache, environ=home, **more)


def beside_requests(registry):
    return [path for path, _ in registry.asked if "referrers" in path or "sha256-" in path]


def test_an_unsigned_image_costs_three_small_requests(registry, cache, home):
    assert look(registry, cache, home).signatures == ()
    assert len(beside_requests(registry)) == 3


def test_what_cosign_leaves_beside_an_image(registry, cache, home):
    tag = tag_of(registry.sample)
    found = {ending: manifest(kind) for ending, kind in
             (("sig", SIGNING), ("att", "application/vnd.dsse.envelope.v1+json"), ("sbom", "text/spdx+json"))}  # fmt: skip
    for ending, data in found.items():
        put(registry, f"{tag}.{ending}", data)
    image = look(registry, cache, home)
    assert set(image.signatures) == {
        Signature("cosign", "tag", digest(found["sig"])),
        Signature("attestation", "tag", digest(found["att"])),
        Signature("sbom", "tag", digest(found["sbom"])),
    }
    registry.asked.clear()
    again = open_image(f"registry:{registry.host}/sample@{registry.sample.oci_id}", cache=cache, environ=home)
    assert not registry.asked
    assert again.signatures == image.signatures


@pytest.mark.parametrize("where", ["referrers", "tag"])
def test_referrers(registry, cache, home, where):
    listed = json.dumps({"schemaVersion": 2, "manifests": [
        {"mediaType": MANIFEST, **described(b"a"), "artifactType": NOTATION},
        {"mediaType": MANIFEST, **described(b"b"), "artifactType": "application/vnd.dev.sigstore.bundle.v0.3+json"},
        {"mediaType": MANIFEST, **described(b"c"), "artifactType": "application/vnd.dev.sigstore.bundle.v0.3+json",
         "annotations": {"dev.sigstore.bundle.content": "dsse-envelope"}},
        {"mediaType": MANIFEST, **described(b"d"), "artifactType": "application/spdx+json"},
        {"mediaType": MANIFEST, **described(b"e"), "artifactType": "application/vnd.example.cake"},
    ]}).encode()  # fmt: skip
    if where == "tag":
        put(registry, tag_of(registry.sample), listed)
    else:
        registry.referrers[registry.sample.oci_id] = listed
    image = look(registry, cache, home)
    assert [(one.kind, one.where) for one in image.signatures] == [
        ("notation", where), ("cosign", where), ("attestation", where), ("sbom", where)
    ]  # fmt: skip
    assert image.signatures[0].digest == digest(b"a")


@pytest.mark.parametrize("body", [b"", b"[", b"{}", b'{"manifests": 3}', b"[" * 100_000, b" " * (5 << 20)])
def test_what_cannot_be_understood_is_not_there(registry, cache, home, body):
    registry.referrers[registry.sample.oci_id] = body
    put(registry, f"{tag_of(registry.sample)}.sig", body)
    assert look(registry, cache, home).signatures == ()


@pytest.mark.parametrize("status", [401, 403, 418, 429, 500, 503])
def test_failures_are_silent_and_not_tried_again(registry, cache, home, status):
    paths = [f"/v2/sample/referrers/{registry.sample.oci_id}"]
    paths += [f"/v2/sample/manifests/{tag_of(registry.sample)}{ending}" for ending in ("", ".sig")]
    registry.fails = {path: [status] * 9 for path in paths}
    image = look(registry, cache, home)
    assert (image.signatures, image.notes, image.verified) == ((), [], True)
    assert len(beside_requests(registry)) <= (6 if status == 401 else 3)


def test_a_registry_that_does_not_answer_does_not_hold_the_image(registry, cache, home, monkeypatch):
    monkeypatch.setattr(signatures, "_PATIENCE", 0.05)
    path, tag = f"/v2/sample/referrers/{registry.sample.oci_id}", f"{tag_of(registry.sample)}.sig"
    put(registry, tag, manifest(SIGNING))
    held = threading.Event()
    registry.holds = {path: held, f"/v2/sample/manifests/{tag}": held}
    image = look(registry, cache, home)
    held.set()
    assert image.verified and image.signatures == ()


def layout_of(sample, *more):
    files = sample.oci()
    index = json.loads(files["index.json"])
    for data, said in more:
        files[f"blobs/sha256/{digest(data)[7:]}"] = data
        index["manifests"].append({"mediaType": MANIFEST, **described(data), "annotations": said})
    files["index.json"] = json.dumps(index).encode()
    return files


@pytest.mark.parametrize("form", ["name", "note", "subject"])
def test_signatures_in_a_layout(form, cache, tmp_path):
    sample = Sample()
    data = manifest(SIGNING, sample.oci_id if form == "subject" else None)
    annotations = {
        "name": {"org.opencontainers.image.ref.name": f"{tag_of(sample)}.sig"},
        "note": {"kind": "dev.cosignproject.cosign/sigs"},
        "subject": {},
    }[form]
    path = write_folder(tmp_path / "layout", layout_of(sample, (data, annotations)))
    name = ":latest" if form == "subject" else ""
    image = open_image(f"oci-dir:{path}{name}", cache=cache)
    assert image.id == digest(sample.config)
    where = {"name": "tag", "note": "annotation", "subject": "subject"}[form]
    assert image.signatures == (Signature("cosign", where, digest(data)),)


@pytest.mark.parametrize(
    ("data", "annotations"),
    [
        (manifest(SIGNING), {"org.opencontainers.image.ref.name": f"sha256-{'0' * 64}.sig"}),
        (manifest(SIGNING, f"sha256:{'0' * 64}"), {}),
        (manifest("application/vnd.example.cake", Sample().oci_id), {}),
    ],
)
def test_another_images_signature_in_a_layout_is_not_this_ones(cache, tmp_path, data, annotations):
    path = write_folder(tmp_path / "layout", layout_of(Sample(), (data, annotations)))
    assert open_image(f"oci-dir:{path}:latest", cache=cache).signatures == ()


@pytest.mark.parametrize(
    ("kinds", "says"),
    [
        ((), ""),
        (("cosign",), "signed (cosign), not verified"),
        (("notation", "cosign", "cosign"), "signed (cosign, notation), not verified"),
        (("cosign", "sbom"), "signed (cosign), not verified; beside it an SBOM"),
        (("attestation", "sbom"), "beside it an attestation and an SBOM, not verified"),
    ],
)
def test_in_words(kinds, says):
    assert beside([Signature(kind, "tag", "") for kind in kinds]) == says


def test_in_text_and_json(registry, capsys):
    put(registry, f"{tag_of(registry.sample)}.sig", manifest(SIGNING))
    assert run(["inspect", registry.name, "-q"]) == 0
    assert "\nsigned (cosign), not verified\n" in capsys.readouterr().out
    assert run(["inspect", registry.name, "-q", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["image"]["signatures"] == [
        {"kind": "cosign", "where": "tag", "digest": digest(manifest(SIGNING))}
    ]
