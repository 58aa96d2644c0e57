"""Archives that mean harm on purpose, by name."""

from __future__ import annotations

import gzip
import json
import struct
from collections.abc import Callable
from typing import Any

import zstandard
from evil_elf import EVIL
from image_samples import Sample, described, digest, tar_of
from tar_maker import END, body, header, pax


def _image(layers: list[bytes], how: str = "plain", **more: Any) -> bytes:
    return tar_of(Sample(layers=layers, how=how, **more).oci())


def _documents(manifest: bytes, config: bytes = b"{}") -> bytes:
    return tar_of({"manifest.json": manifest, "config.json": config})


def _zstd_bomb(size: int) -> bytes:
    """A zstd frame of blocks that repeat one byte (RFC 8878, 3.1.1.2, RLE_Block): 4 bytes for 128 KiB."""
    blocks = size >> 17
    block = struct.pack("<I", (1 << 17) << 3 | 1 << 1)[:3] + b"\0"
    last = struct.pack("<I", (1 << 17) << 3 | 1 << 1 | 1)[:3] + b"\0"
    return b"\x28\xb5\x2f\xfd" + b"\x00" + b"\x38" + block * (blocks - 1) + last


def _gzip_bomb(size: int) -> bytes:
    return gzip.compress(header(b"zeros", size=size) + bytes(size) + END, 9, mtime=0)


def _bomb(blob: bytes) -> bytes:
    """An image with one packed layer that nobody can check before it is unpacked."""
    config = json.dumps({"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": ["sha256:" + "0" * 64]}}).encode()
    manifest = json.dumps([{"Config": "c.json", "Layers": ["l"]}]).encode()
    return tar_of({"l": blob, "c.json": config, "manifest.json": manifest})


def _one(entry: bytes) -> Callable[[], bytes]:
    return lambda: _image([entry + END])


def _loops() -> bytes:
    links = [header(b"l%d" % n, flag=b"2", link=b"l%d" % ((n + 1) % 50)) for n in range(50)]
    hard = [header(b"h%d" % n, flag=b"1", link=b"h%d" % ((n + 1) % 50)) for n in range(50)]
    deep = [header(b"a", flag=b"2", link=b"a/a")]
    starts = {"Env": ["PATH=/l1:/a/a/a"], "Cmd": ["/l3"], "Entrypoint": ["h3"]}
    return _image([b"".join(links + hard + deep) + END], settings=starts)


def _packages(count: int, more: bytes = b"") -> bytes:
    said = b"Package: p%d\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n" + more + b"\n"
    return _image([tar_of({"var/lib/dpkg/status": b"".join(said % n for n in range(count))})])


def _many_names() -> bytes:
    names = range(65_000)
    links = b"".join(header(b"n%d" % (n + 1), flag=b"1", link=b"n%d" % n) for n in names)
    return _image([header(b"n0", size=1) + body(b"x") + links + END, b"".join(header(b".wh.n%d" % n) for n in names) + END])


def _said(kind: str, predicate: bytes, *, times: int = 1) -> bytes:
    """An image with a statement about it beside it, or many of them."""
    sample = Sample(layers=[tar_of({"a": b"1"})], how="plain")
    files = sample.oci()
    manifest = digest(sample.manifest)
    subject = b'[{"digest": {"sha256": "%s"}}]' % manifest[7:].encode()
    data = b'{"predicateType": "%s", "subject": %s, "predicate": %s}' % (kind.encode(), subject, predicate)
    listed = {**described(data), "annotations": {"in-toto.io/predicate-type": kind}}
    beside = json.dumps({"config": described(b"{}"), "layers": [listed] * times}).encode()
    of = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": manifest}
    top = json.dumps({"manifests": [described(sample.manifest), {**described(beside), "annotations": of}]}).encode()
    return tar_of({**files, **{f"blobs/sha256/{digest(each)[7:]}": each for each in (data, beside)}, "index.json": top})


SLSA, SPDX, CYCLONEDX = "https://slsa.dev/provenance/v0.2", "https://spdx.dev/Document", "https://cyclonedx.org/bom"


HARMFUL: dict[str, Callable[[], bytes]] = {
    "8 EiB": _one(header(b"a", size=b"\x80" + bytes(3) + b"\x7f" + b"\xff" * 7)),
    "negative size": _one(header(b"a", size=b"\xff" * 12)),
    "8 EiB of a layer": lambda: header(b"layer.tar", size=b"\x80" + bytes(3) + b"\x7f" + b"\xff" * 7) + END,
    "logical size of 8 EiB": _one(
        pax([(b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"), (b"GNU.sparse.realsize", b"9223372036854775807")])
        + header(b"s", size=512)
        + body(b"0\n")
    ),
    "loops of links": _loops,
    "a million layers": lambda: _documents(json.dumps([{"Config": "config.json", "Layers": ["l"] * 1_000_000}]).encode()),
    "a million layers in the configuration": lambda: _documents(
        b'[{"Config": "config.json", "Layers": []}]', json.dumps({"rootfs": {"diff_ids": ["x"] * 1_000_000}}).encode()
    ),
    "JSON nested 100,000 deep": lambda: _documents(b"[" * 100_000 + b"]" * 100_000),
    "objects nested 100,000 deep": lambda: _documents(b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "a configuration nested 100,000 deep": lambda: _documents(
        b'[{"Config": "config.json", "Layers": []}]', b'{"config": {"Labels": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}"
    ),
    "a manifest over 16 MiB": lambda: _documents(b'[{"Config": "' + b"x" * (17 << 20) + b'"}]'),
    "history longer than layers": lambda: _image(
        [tar_of({"a": b"1"})], history=[{"created_by": f"RUN {n}"} for n in range(5000)]
    ),
    "history shorter than layers": lambda: _image([tar_of({f"{n}": b"1"}) for n in range(30)], history=[{"created_by": "RUN"}]),
    "a history that no Dockerfile can hold": lambda: _image(
        [tar_of({f"{n}": b"1"}) for n in range(6)],
        history=[
            {"created_by": f"RUN /bin/sh -c {said} # buildkit"}
            for said in ("cat <<EOF > x\nhello\nEOF", "a \\", "", "x && " * 20_000, "(" * 500_000, "$(" * 50_000)
        ],
    ),
    "20,000 packages that need what all provide": lambda: _packages(20_000, b"Provides: x\nDepends: x\n"),
    "150,000 packages that say nothing": lambda: _packages(150_000),
    "ELF files that say the same many times": lambda: _image([tar_of({path: make() for path, make in EVIL.items()})]),
    "a command of millions": lambda: _image(
        [tar_of({"a": b"1"})], history=[{"created_by": "RUN /bin/sh -c " + "a && " * 3_000_000}]
    ),
    "a history of millions": lambda: _image([tar_of({"a": b"1"})], history=[{}] * 1_500_000),
    "a variable set millions of times": lambda: _image([tar_of({"a": b"1"})], settings={"Env": ["A="] * 1_500_000}),
    "the same layer 120 times": lambda: _image([tar_of({"a": b"1", "b/c": b"22"})] * 120, "gzip"),
    "the same layer 120 times, plain": lambda: _image([tar_of({"a": b"1", "b/c": b"22"})] * 120),
    "gzip bomb": lambda: _bomb(_gzip_bomb(256 << 20)),
    "gzip with a file name without end": lambda: _bomb(b"\x1f\x8b\x08\x08" + bytes(4) + b"\0\xff" + b"n" * 1_000_000),
    "zstd bomb": lambda: _bomb(_zstd_bomb(1 << 36)),
    "zstd bomb in zstd": lambda: zstandard.compress(_bomb(zstandard.compress(_zstd_bomb(1 << 32)))),
    "bomb as archive": lambda: _zstd_bomb(1 << 36),
    "very deep paths": lambda: _image(
        [b"".join(pax([(b"path", b"d/" * 20_000 + b"%d" % n)]) + header(b"x") for n in range(30)) + END]
    ),
    "directories nested deep, of wide signs": lambda: _image(
        [pax([(b"path", "\U0001f600/".encode() + b"a/" * 15_000)]) + header(b"x") + END]
    ),
    "5,000 entries in 46 directories each": lambda: _image(
        [b"".join(header(b"%x/" % n + b"a/" * 46) for n in range(5000)) + END]
    ),
    "30 MB of names that cannot be printed": lambda: _image(
        [
            b"".join(
                header(b"l", flag=b"L", size=1 << 20) + body(b"%02d" % n + b"\xff" * ((1 << 20) - 2)) + header(b"x")
                for n in range(30)
            )
            + END
        ]
    ),
    "65,000 names of one file, all gone later": _many_names,
    "whiteouts of everything, layer after layer": lambda: _image(
        [tar_of({f"d/{n}": b"x" for n in range(300)} if layer % 2 == 0 else {".wh.d": b""}) for layer in range(100)]
    ),
    "a file over a directory over a file": lambda: _image(
        [
            header(b"a/b/c", size=1) + body(b"x") + END,
            header(b"a", size=1) + body(b"x") + END,
            header(b"a/b", size=1) + body(b"x") + END,
        ]
    ),
    "a provenance nested 100,000 deep": lambda: _said(SLSA, b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "a provenance of 100 MB": lambda: _said(SLSA, b'{"x": "' + b"y" * 100_000_000 + b'"}'),
    "a provenance of a million layers": lambda: _said(
        SLSA,
        b'{"metadata": {"https://mobyproject.org/buildkit@v1#metadata": {"layers": {"step0:0": [%s]}}}}'
        % (b",".join([b"[]"] * 1_000_000)),
    ),
    "70,000 attestations": lambda: _said(SLSA, b"{}", times=70_000),
    "an SBOM of a million packages": lambda: _said(
        SPDX, b'{"spdxVersion": "SPDX-2.3", "packages": [%s]}' % b",".join([b'{"name":"a"}'] * 1_000_000)
    ),
    "an SBOM nested 100,000 deep": lambda: _said(
        CYCLONEDX, b'{"bomFormat": "CycloneDX", "components": ' + b'[{"components": ' * 100_000 + b"[]" + b"}]" * 100_000 + b"}"
    ),
    "empty": lambda: b"",
    "zeros": lambda: bytes(10240),
}
"""Inputs that mean harm, by name."""
