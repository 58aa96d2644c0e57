"""Archives that no tool would write: made from sound small ones, each from a seed and a number, so that anyone gets the same."""

from __future__ import annotations

import base64
import json
import random
from typing import Any

from image_samples import Sample, described, digest, pack, tar_of
from tar_maker import END, body, header, pax, sparse_header

Layer = bytes
NAMES = (
    b"a",
    b"a/b",
    b"a/b/c",
    b"usr/bin/app",
    b"usr",
    b"usr/lib/libx.so.1",
    b"etc/passwd",
    b"./",
    b".",
    b"/",
    b"",
    b"..",
    b"../../etc/x",
    b"a/.wh.b",
    b".wh.a",
    b"a/.wh..wh..opq",
    b".wh..wh..opq",
    b".wh.",
    b"a/.wh...",
    b".wh..wh.plnk/1",
    b"a//b",
    b"a/./b",
    b"a/../b",
    b"\xff\xfe",
    b"\x1b[31mred\x1b[0m",
    b"new\nline",
    b"tab\there",
    b"[bold]x[/bold]",
    "\u202eb".encode(),
    b"tmp/x",
    b"var/lib/dpkg/status",
    b"var/lib/dpkg/info/x.list",
    b"lib/apk/db/installed",
    b"root/.ssh/id_rsa",
    b"src/main.c",
    b"src/Makefile",
    b"app/node_modules/.package-lock.json",
    b"root/.cache/pip/x",
    b"usr/include/x.h",
    b"usr/lib/libx.a",
    b"x\\x41y",
    b"d/" * 49 + b"e",
    b"n" * 100,
    b"app/.git/HEAD",
    b"core.1",
    b"x.pyc",
    b"vendor/composer/installed.json",
    b"etc/ld.so.conf",
)
NUMBERS = (
    b"00000000000\0",
    b"00000000001\0",
    b"00000000777\0",
    b"77777777777\0",
    b"\x80" + bytes(11),
    b"\x80" + bytes(3) + b"\x7f" + b"\xff" * 7,
    b"\x80" + bytes(3) + b"\xff" * 8,
    b"\xff" * 12,
    b"\xff" + bytes(11),
    b"-0000000001\0",
    b"            ",
    bytes(12),
    b"9" * 12,
    b"0x123\0\0\0\0\0\0\0",
    b"1_0\0\0\0\0\0\0\0\0\0",
    b"00000002000 ",
)
FLAGS = b"0" * 6 + b"\0" + b"11122555" + b"3467"
ODD_FLAGS = b"8SLKxgXDMVN\xff"
RECORDS = (
    (b"path", b"long/" * 60),
    (b"path", b"../up"),
    (b"path", b"x\0y"),
    (b"path", b".wh.a"),
    (b"linkpath", b"/"),
    (b"size", b"5"),
    (b"size", b"-5"),
    (b"size", b"9" * 30),
    (b"mtime", b"nan"),
    (b"mtime", b"1e400"),
    (b"mtime", b"1.5"),
    (b"uid", b"99999999999"),
    (b"uid", b"x"),
    (b"GNU.sparse.major", b"1"),
    (b"GNU.sparse.minor", b"0"),
    (b"GNU.sparse.realsize", b"9223372036854775807"),
    (b"GNU.sparse.size", b"7"),
    (b"GNU.sparse.map", b"0,1"),
    (b"GNU.sparse.name", b"sparse"),
    (b"SCHILY.xattr.security.capability", b"\1\0\0\2" + bytes(16)),
    (b"SCHILY.xattr.\x1b", b"x"),
    (b"hdrcharset", b"BINARY"),
    (b"comment", b"x" * 3000),
)
SOUND_RECORDS = tuple(
    one for one in RECORDS if one[0] not in (b"size", b"uid", b"GNU.sparse.minor") and one[1] not in (b"/", b"x\0y")
)
BODIES = (
    b"",
    b"x",
    b"abc" * 300,
    b"\x7fELF" + b"\2\1\1" + bytes(60),
    b"\x7fELF" + b"\1\2\1" + b"\xff" * 400,
    b"\x7fELF",
    b"#!/bin/sh\necho hello\n",
    b"Package: x\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\n"
    b"Depends: y (>= 1), x | z\nInstalled-Size: 9999999999999999999\n\n",
    b"P:x\nV:1\nA:x86_64\nI:-5\nF:usr/bin\nR:app\nD:y so:z\n\n",
    b"/.\n/usr/bin/app\n/../x\n",
    b'{"packages": {"node_modules/x": {"dev": true}}}',
    b"[" * 20000,
    b"-----BEGIN PRIVATE KEY-----\n" + b"A" * 80,
    b"include /etc/ld.so.conf\n",
    b"512\n" * 200,
    b"1\n0\n3\n" + bytes(506) + b"abc",
)
VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1.5,
    1 << 62,
    1 << 70,
    "",
    "x",
    "sha256:",
    "sha256:" + "0" * 64,
    "sha256:" + "Z" * 64,
    "../../etc/passwd",
    "\x1b]0;x\x07",
    "a" * 5000,
    [],
    {},
    [None],
    [[[[]]]],
    {"a": {}},
    ["x"] * 50,
    "application/vnd.oci.image.index.v1+json",
    "linux",
    "2024-99-99T",
    "\ud800",
)


def random_entry(rnd: random.Random) -> bytes:
    """One header with its content and, now and then, what stands before it."""
    content = rnd.choice(BODIES)
    flag = bytes([rnd.choice(FLAGS if rnd.random() < 0.98 else ODD_FLAGS)])
    size: int | bytes = len(content) if rnd.random() < 0.98 else rnd.choice(NUMBERS)
    extra = {}
    if rnd.random() < 0.1:
        extra = {"prefix": rnd.choice(NAMES)[:155]}
    if rnd.random() < 0.02:
        extra["mtime"] = rnd.choice(NUMBERS)
    if rnd.random() < 0.01:
        extra["uid"] = rnd.choice(NUMBERS)[:8]
    if rnd.random() < 0.1:
        extra["magic"] = rnd.choice((b"ustar  \0", b"\0" * 8, b"ustar\x0000"))
    before = b""
    while rnd.random() < 0.1:
        kind = rnd.random()
        if kind < 0.7:
            before += pax(
                rnd.choices(RECORDS if rnd.random() < 0.2 else SOUND_RECORDS, k=rnd.randint(1, 3)), rnd.choice((b"x", b"x", b"g"))
            )
        else:
            name = rnd.choice(NAMES) * rnd.randint(1, 5)
            before += header(b"././@LongLink", flag=rnd.choice((b"L", b"K")), size=len(name)) + body(name)
    if rnd.random() < 0.03:
        return before + sparse_header(rnd.randint(0, 2), rnd.randint(0, 9), rnd.random() < 0.5) + body(content)
    if flag in b"123456":
        content, size = b"", 0 if rnd.random() < 0.98 else size
    name = rnd.choice(NAMES)[:100]
    return before + header(name, size=size, flag=flag, link=rnd.choice(NAMES)[:100], **extra) + body(content)  # type: ignore[arg-type]


def random_layer(rnd: random.Random) -> Layer:
    """A layer whose headers are sound one by one, or nearly."""
    entries = [random_entry(rnd) for _ in range(rnd.randint(0, 14))]
    if rnd.random() < 0.2:
        entries += rnd.choices(entries or [b""], k=3)
    return b"".join(entries) + rnd.choice((END, END, END, END, b"", END + bytes(9000), END + b"junk"))


def linked_layer(rnd: random.Random) -> Layer:
    """Links of every kind among few names, loops among them."""
    names = [b"a", b"b", b"c", b"d/e", b"d", b"f/.wh.a", b".wh.b"]
    parts = []
    for _ in range(rnd.randint(1, 12)):
        flag = rnd.choice((b"0", b"1", b"2", b"5"))
        parts.append(header(rnd.choice(names), flag=flag, link=rnd.choice(names), size=3 if flag == b"0" else 0))
        parts.append(body(b"abc") if flag == b"0" else b"")
    return b"".join(parts) + END


def damaged(rnd: random.Random, data: bytes) -> bytes:
    """Some bytes changed, moved, doubled or left out."""
    out = bytearray(data)
    for _ in range(rnd.randint(1, 4)):
        at = rnd.randrange(len(out) + 1)
        how = rnd.random()
        if how < 0.35 and at < len(out):
            out[at] = rnd.choice((0, 255, rnd.randrange(256), out[at] ^ 1 << rnd.randrange(8)))
        elif how < 0.5:
            del out[at : at + rnd.choice((1, 10, 512, 2000))]
        elif how < 0.6:
            out[at:at] = out[at : at + rnd.choice((1, 512, 1024))]
        elif how < 0.7:
            out[at:at] = rnd.randbytes(rnd.choice((1, 16, 512)))
        elif how < 0.8:
            del out[at:]
        else:
            damage_header(rnd, out)
    return bytes(out)


def damage_header(rnd: random.Random, out: bytearray) -> None:
    """Change a field of a header and make its checksum right again."""
    blocks = [at for at in range(0, len(out) - 511, 512) if out[at + 257 : at + 262] == b"ustar"]
    if not blocks:
        return
    at = rnd.choice(blocks)
    place, values = rnd.choice(
        (
            (0, NAMES),
            (124, NUMBERS),
            (124, NUMBERS),
            (136, NUMBERS),
            (108, NUMBERS),
            (156, tuple(bytes([flag]) for flag in FLAGS + ODD_FLAGS)),
            (157, NAMES),
        )
    )
    value = rnd.choice(values)
    width = {0: 100, 108: 8, 124: 12, 136: 12, 156: 1, 157: 100}[place]
    out[at + place : at + place + width] = value[:width].ljust(width, b"\0")
    block = bytes(out[at : at + 148]) + b" " * 8 + bytes(out[at + 156 : at + 512])
    out[at + 148 : at + 156] = b"%06o\0 " % sum(block)


def changed_document(rnd: random.Random, document: Any) -> Any:
    """A document with one or some values exchanged, doubled or left out."""
    places: list[tuple[Any, Any]] = []

    def walk(value: Any) -> None:
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, below in items:
            places.append((value, key))
            walk(below)

    walk(document)
    for _ in range(rnd.randint(1, 3)):
        if not places:
            return rnd.choice(VALUES)
        holder, key = rnd.choice(places)
        try:
            how = rnd.random()
            if how < 0.6:
                holder[key] = rnd.choice(VALUES)
            elif how < 0.75:
                del holder[key]
            elif isinstance(holder, list):
                holder[key:key] = [holder[key]] * rnd.choice((1, 3, 119))
            else:
                holder[key] = [holder[key]] if rnd.random() < 0.5 else {"x": holder[key]}
        except (KeyError, IndexError):
            continue
    return document


def statements(layers: list[str]) -> list[tuple[str, Any]]:
    """What BuildKit and a scanner would say beside an image of these stored layers: predicate types and predicates."""
    dockerfile = b"FROM scratch AS a\n" + b"".join(b"COPY %d /\n" % number for number in range(len(layers))) + b"CMD x\n"
    steps = [f"step{number}" for number in range(len(layers))]
    chains = {f"{step}:0": [[{"digest": layer} for layer in layers[: end + 1]]] for end, step in enumerate(steps)}
    place = {
        step: {"locations": [{"ranges": [{"start": {"line": line}, "end": {"line": line}}]}]}
        for line, step in enumerate(steps, 2)
    }
    info = {"filename": "Dockerfile", "data": base64.b64encode(dockerfile).decode()}
    buildkit = {"source": {"locations": place, "infos": [info]}, "layers": chains}
    provenance = {
        "materials": [{"uri": "pkg:docker/debian@12?platform=linux%2Famd64", "digest": {"sha256": "ab"}}],
        "invocation": {"parameters": {"args": {"build-arg:A": "b", "target": "a", "context:c": "docker-image://d"}}},
        "metadata": {"https://mobyproject.org/buildkit@v1#metadata": buildkit},
    }
    purl = {"referenceType": "purl", "referenceLocator": "pkg:deb/debian/libc6@2.36?arch=amd64"}
    spdx = {
        "spdxVersion": "SPDX-2.3",
        "packages": [{"SPDXID": "r", "name": "root"}, {"SPDXID": "p", "name": "libc6", "externalRefs": [purl]}],
        "relationships": [{"relationshipType": "DESCRIBES", "relatedSpdxElement": "r"}],
    }
    inner = {"type": "library", "name": "b", "group": "c", "purl": "pkg:npm/c/b@1"}
    bill = {"bomFormat": "CycloneDX", "components": [{"type": "library", "name": "a", "version": "1", "components": [inner]}]}
    return [
        ("https://slsa.dev/provenance/v0.2", provenance),
        ("https://spdx.dev/Document", spdx),
        ("https://cyclonedx.org/bom", bill),
    ]


def _encoded(document: Any) -> bytes:
    return json.dumps(document).encode("utf-8", "surrogatepass")


class Archive:
    """An image on its way to an archive: everything can still be changed, and digests follow."""

    def __init__(self, rnd: random.Random, layers: list[Layer]) -> None:
        self.rnd = rnd
        self.sample = Sample(layers=layers, how=rnd.choice(("plain", "plain", "gzip", "zstd")))
        self.oci = rnd.random() < 0.5

    def tar(self, change: str = "") -> bytes:
        """The archive; `change` names a document that is changed: config, manifest, index or statement."""
        rnd, sample = self.rnd, self.sample
        if rnd.random() < 0.2:
            sample.history = [{"created_by": "x", "empty_layer": rnd.random() < 0.3} for _ in range(rnd.randint(0, 6))]
        config: Any = json.loads(sample.config)
        text = _encoded(changed_document(rnd, config)) if change == "config" else sample.config
        blobs = sample.blobs
        if not self.oci:
            names = [f"{number:064x}/layer.tar" for number in range(len(blobs))]
            manifest: Any = [{"Config": f"{digest(text)[7:]}.json", "RepoTags": ["x:1"], "Layers": list(names)}]
            members = {**dict(zip(names, blobs, strict=True)), f"{digest(text)[7:]}.json": text}
            if change == "manifest":
                manifest = changed_document(rnd, manifest)
            return tar_of({**members, "manifest.json": _encoded(manifest)}, self._links(names), hard=rnd.random() < 0.3)
        image: Any = {
            "schemaVersion": 2,
            "config": {"digest": digest(text), "size": len(text)},
            "layers": [{"digest": digest(blob), "size": len(blob)} for blob in blobs],
        }
        manifest = _encoded(changed_document(rnd, image) if change == "manifest" else image)
        index: Any = {
            "schemaVersion": 2,
            "manifests": [
                {"digest": digest(manifest), "size": len(manifest), "annotations": {"org.opencontainers.image.ref.name": "1"}}
            ],
        }
        files = {f"blobs/sha256/{digest(data)[7:]}": data for data in (*blobs, text, manifest)}
        if change == "statement":
            beside, more = self._statements(digest(manifest), [digest(blob) for blob in blobs])
            index["manifests"].append(beside)
            files |= {f"blobs/sha256/{digest(data)[7:]}": data for data in more}
        top = _encoded(changed_document(rnd, index) if change == "index" else index)
        return tar_of({**files, "index.json": top, "oci-layout": b'{"imageLayoutVersion":"1.0.0"}'})

    def _statements(self, manifest: str, layers: list[str]) -> tuple[dict[str, Any], list[bytes]]:
        """Give an attestation manifest's descriptor, and it and its statements as bytes: one of them is changed."""
        subject = [{"digest": {"sha256": manifest[7:]}}]
        wanted = self.rnd.randrange(3)
        documents, listed = [], []
        for number, (kind, said) in enumerate(statements(layers)):
            document: Any = {"predicateType": kind, "subject": subject, "predicate": said}
            data = _encoded(changed_document(self.rnd, document) if number == wanted else document)
            documents.append(data)
            listed.append({**described(data), "annotations": {"in-toto.io/predicate-type": kind}})
        top = _encoded({"config": listed[0], "layers": listed})
        of = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": manifest}
        return {**described(top), "annotations": of}, [*documents, top]

    def _links(self, names: list[str]) -> dict[str, str]:
        if self.rnd.random() < 0.8 or not names:
            return {}
        one = self.rnd.choice(names)
        return {one: self.rnd.choice((f"../{names[0]}", one, "..", "/etc/passwd", "loop")), "loop": one}


def make(seed: int, number: int) -> bytes:
    """Give input `number` of a seed."""
    rnd = random.Random(f"{seed}:{number}")
    how = rnd.random()
    sound = [
        tar_of({"etc": None, "etc/passwd": b"root:x:0:0::/:/bin/sh\n", "usr/bin/app": b"\x7fELF" + b"a" * 300, "d/x": b"y" * 600})
    ]
    makers = (random_layer, random_layer, linked_layer)
    layers = sound * (rnd.random() < 0.5) + [rnd.choice(makers)(rnd) for _ in range(rnd.randint(0, 4))]
    archive = Archive(rnd, layers)
    if how < 0.35:
        data = archive.tar()
    elif how < 0.6:
        data = archive.tar(rnd.choice(("config", "manifest", "index", "statement")))
    elif how < 0.85:
        data = damaged(rnd, archive.tar())
    elif how < 0.9:
        data = damaged(rnd, pack(archive.tar(), rnd.choice(("gzip", "zstd"))))
    elif how < 0.95:
        archive.sample.layers = [damaged(rnd, layer) for layer in archive.sample.layers]
        data = archive.tar()
    else:
        data = damaged(rnd, bytes(damaged(rnd, b"".join(random_entry(rnd) for _ in range(5)))))
    return data
