"""The images that are measured: archives as `docker save` writes them, byte for byte the same on every machine.

Nothing here uses msbtui, so that what is measured does not make its own questions.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

BLOCK = 512
END = bytes(2 * BLOCK)
_FIELDS = struct.Struct("100s8s8s8s12s12s8sc100s8s32s32s8s8s167s")
_TIME = b"14600000000\0"
Entry = tuple[str, bytes | None]
"""Path and content; None: a directory."""


def header(name: str, size: int, flag: bytes = b"0") -> bytes:
    """One ustar header."""
    block = _FIELDS.pack(
        name.encode(),
        b"0000755\0" if flag == b"5" else b"0000644\0",
        b"0000000\0",
        b"0000000\0",
        b"%011o\0" % size,
        _TIME,
        b" " * 8,
        flag,
        b"",
        b"ustar\x0000",
        b"root",
        b"root",
        b"0000000\0",
        b"0000000\0",
        b"",
    )
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def tar(entries: Iterator[Entry]) -> Iterator[bytes]:
    """A tar archive, piece by piece."""
    for name, content in entries:
        if content is None:
            yield header(name + "/", 0, b"5")
        else:
            yield header(name, len(content))
            yield content
            yield bytes(-len(content) % BLOCK)
    yield END


class Layer:
    """One layer in a file of its own: its digest as stored, its diff id, its size as stored."""

    def __init__(self, entries: Iterator[Entry], path: Path, packed: bool = False) -> None:
        plain = hashlib.sha256()
        with path.open("wb") as file:
            packer = gzip.GzipFile("", "wb", 6, file, mtime=0) if packed else None
            pieces: list[bytes] = []
            held = 0
            for piece in tar(entries):
                pieces.append(piece)
                held += len(piece)
                if held > 1 << 20:
                    held = self._write(pieces, plain, packer or file)
            self._write(pieces, plain, packer or file)
            if packer is not None:
                packer.close()
        self.path = path
        self.diff_id = plain.hexdigest()
        self.size = path.stat().st_size
        with path.open("rb") as file:
            self.digest = hashlib.file_digest(file, "sha256").hexdigest() if packed else self.diff_id

    @staticmethod
    def _write(pieces: list[bytes], plain: hashlib._Hash, file: BinaryIO | gzip.GzipFile) -> int:
        data = b"".join(pieces)
        plain.update(data)
        file.write(data)
        pieces.clear()
        return 0


def save(path: Path, name: str, layers: list[Layer]) -> None:
    """Write the archive of an image as `docker save` does since version 25: an OCI layout with a `manifest.json`."""
    packed = "+gzip" if layers[0].digest != layers[0].diff_id else ""
    documents: dict[str, bytes] = {}

    def described(document: object, kind: str) -> dict[str, object]:
        data = json.dumps(document).encode()
        digest = hashlib.sha256(data).hexdigest()
        documents[f"blobs/sha256/{digest}"] = data
        return {"mediaType": f"application/vnd.oci.image.{kind}+json", "digest": f"sha256:{digest}", "size": len(data)}

    config = described(
        {
            "architecture": "amd64",
            "os": "linux",
            "created": "2024-01-01T00:00:00Z",
            "config": {"Env": ["PATH=/usr/bin:/bin"], "Cmd": ["/bin/true"]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.diff_id}" for layer in layers]},
            "history": [
                {"created": "2024-01-01T00:00:00Z", "created_by": f"RUN /bin/sh -c step {number} # buildkit"}
                for number in range(len(layers))
            ],
        },
        "config.v1",
    )
    kind = f"application/vnd.oci.image.layer.v1.tar{packed}"
    blobs = [{"mediaType": kind, "digest": f"sha256:{layer.digest}", "size": layer.size} for layer in layers]
    manifest = described({"schemaVersion": 2, "config": config, "layers": blobs}, "manifest.v1")
    names = {"io.containerd.image.name": f"docker.io/{name}:latest", "org.opencontainers.image.ref.name": "latest"}
    documents["index.json"] = json.dumps({"schemaVersion": 2, "manifests": [{**manifest, "annotations": names}]}).encode()
    saved = {
        "Config": f"blobs/sha256/{str(config['digest'])[7:]}",
        "RepoTags": [f"{name}:latest"],
        "Layers": [f"blobs/sha256/{layer.digest}" for layer in layers],
    }
    documents["manifest.json"] = json.dumps([saved]).encode()
    documents["oci-layout"] = b'{"imageLayoutVersion": "1.0.0"}'
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        file.write(header("blobs/", 0, b"5") + header("blobs/sha256/", 0, b"5"))
        for layer in layers:
            file.write(header(f"blobs/sha256/{layer.digest}", layer.size))
            with layer.path.open("rb") as source:
                while data := source.read(1 << 22):
                    file.write(data)
            file.write(bytes(-layer.size % BLOCK))
            layer.path.unlink()
        for member, document in documents.items():
            file.write(header(member, len(document)) + document + bytes(-len(document) % BLOCK))
        file.write(END)
    part.rename(path)


def _noise() -> bytes:
    return random.Random(7).randbytes(1 << 24)


def big_files(layer: int) -> Iterator[Entry]:
    """3,320 files of sizes as in a distribution's image, 300 MB in all."""
    noise = _noise()
    rnd = random.Random(layer)
    for folder in range(83):
        yield f"usr/lib/p{layer}-{folder:02}", None
        for number in range(40):
            size = min(int(rnd.lognormvariate(9.5, 2.02)) + 1, 6_000_000)
            start = rnd.randrange(len(noise) - size)
            yield f"usr/lib/p{layer}-{folder:02}/file-{number:02}.so", noise[start : start + size]


def _small(path: str, version: int) -> bytes:
    return (f"{path} {version}\n".encode() * 40)[:1000]


def many_files(layer: int, files: int) -> Iterator[Entry]:
    """`files` files of 1000 bytes, 100 to a folder."""
    for number in range(files):
        if number % 100 == 0:
            yield f"srv/app{layer:02}/d{number // 100:05}", None
        path = f"srv/app{layer:02}/d{number // 100:05}/file{number:06}.txt"
        yield path, _small(path, layer)


def churned(layer: int) -> Iterator[Entry]:
    """10,000 new files; of the layer before, 500 written anew and 500 deleted; no directories, so that entries are 109,000."""
    if layer:
        for number in range(500):
            path = f"srv/app{layer - 1:02}/d{number % 100:02}/file{number:05}.txt"
            yield path, _small(path, layer)
        for number in range(500, 1000):
            yield f"srv/app{layer - 1:02}/d{number % 100:02}/.wh.file{number:05}.txt", b""
    for number in range(10_000):
        path = f"srv/app{layer:02}/d{number % 100:02}/file{number:05}.txt"
        yield path, _small(path, layer)


def whiteouts(layer: int) -> Iterator[Entry]:
    """10,000 whiteouts of `many_files` of the layers 0 to 9."""
    del layer
    for number in range(10_000):
        of, file = number % 10, number // 10 * 37
        yield f"srv/app{of:02}/d{file // 100:05}/.wh.file{file:06}.txt", b""


def texts(layer: int) -> Iterator[Entry]:
    """About 100 MB that compress as sources and programs do, a third; the same size in every layer."""
    words = [random.Random(5).randbytes(n % 9 + 2).hex().encode() for n in range(4000)]
    noise = _noise()
    rnd = random.Random(100 + layer)
    for number in range(1000):
        if number % 100 == 0:
            yield f"opt/l{layer}-{number // 100}", None
        body = b" ".join(rnd.choices(words, k=6000))[:75_000]
        start = rnd.randrange(len(noise) - 25_000)
        yield f"opt/l{layer}-{number // 100}/part-{number:04}.bin", body + noise[start : start + 25_000]


def _layers(folder: Path, name: str, makers: list[Callable[[], Iterator[Entry]]], packed: bool = False) -> Path:
    path = folder / f"{name}.tar"
    if not path.exists():
        save(path, f"bench/{name}", [Layer(maker(), folder / f"{name}-{n}.layer", packed) for n, maker in enumerate(makers)])
    return path


def _many(layers: int, files: int) -> list[Callable[[], Iterator[Entry]]]:
    return [lambda layer=layer: many_files(layer, files) for layer in range(layers)]  # type: ignore[misc]


def _each(maker: Callable[[int], Iterator[Entry]], layers: int) -> list[Callable[[], Iterator[Entry]]]:
    return [lambda layer=layer: maker(layer) for layer in range(layers)]  # type: ignore[misc]


MAKERS: dict[str, Callable[[Path], Path]] = {
    "big": lambda folder: _layers(folder, "big", _each(big_files, 5)),
    "churn": lambda folder: _layers(folder, "churn", _each(churned, 10)),
    "files-100k": lambda folder: _layers(folder, "files-100k", _many(20, 4950)),
    "files-1m": lambda folder: _layers(folder, "files-1m", _many(20, 49_500)),
    "half-million": lambda folder: _layers(folder, "half-million", _many(10, 50_000)),
    "half-million-whiteouts": lambda folder: _layers(
        folder, "half-million-whiteouts", [*_many(10, 50_000), *_each(whiteouts, 1)]
    ),
    "gzip": lambda folder: _layers(folder, "gzip", _each(texts, 8), packed=True),
}
"""Name -> what makes its archive in a folder and gives its path; an archive that is there already stays."""


def checksum(path: Path) -> str:
    """crc32 of an archive's first 64 MiB, to see that two machines measured the same."""
    with path.open("rb") as file:
        return f"{zlib.crc32(file.read(1 << 26)):08x}"
