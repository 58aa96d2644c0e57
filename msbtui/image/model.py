"""What an image is: configuration, history, layers, and what is known of the entries of each layer."""

from __future__ import annotations

from array import array
from enum import IntEnum
from typing import Protocol

import msgspec


class Kind(IntEnum):
    """What an entry of a layer is."""

    FILE = 0
    DIRECTORY = 1
    SYMLINK = 2
    HARD_LINK = 3
    CHAR_DEVICE = 4
    BLOCK_DEVICE = 5
    FIFO = 6
    WHITEOUT = 7
    """`.wh.NAME`: hides NAME and all below it from earlier layers (OCI image-spec, layer.md, "Whiteouts")."""
    OPAQUE = 8
    """`.wh..wh..opq`: hides all below its directory from earlier layers."""


class LayerIndex:
    """The entries of one layer as columns, in archive order; of several entries for one path only the last stands here.

    `paths` are printable (`msbtui.text.printable_bytes`), relative to the root, without leading slash, `./`, or trailing
    slash; the root directory itself is `""`. A whiteout stands under the path that it hides, an opaque marker under its
    directory. Directories that no entry names, but that an entry lies in, are not here: the table implies them.
    """

    __slots__ = (
        "gids",
        "kinds",
        "links",
        "logical",
        "modes",
        "mtimes",
        "offsets",
        "paths",
        "sizes",
        "tar_size",
        "uids",
        "xattrs",
    )

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.kinds = bytearray()
        self.sizes = array("q")
        """Bytes as stored of a regular file (a sparse file: what the archive holds); 0 for every other kind."""
        self.modes = array("I")
        """Permission bits, setuid, setgid and sticky included (07777)."""
        self.uids = array("q")
        self.gids = array("q")
        self.mtimes = array("d")
        """Seconds since the epoch."""
        self.offsets = array("q")
        """Where the content begins in the uncompressed layer archive."""
        self.links: dict[int, str] = {}
        """Symlinks: the target as written (printable). Hard links: the path of the other name, as `paths` has it."""
        self.xattrs: dict[int, dict[str, bytes]] = {}
        self.logical: dict[int, int] = {}
        """Logical size in bytes, of sparse files only."""
        self.tar_size = 0
        """Bytes of the whole uncompressed layer archive."""

    def __len__(self) -> int:
        return len(self.paths)


class ElfFacts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the headers and dynamic section of an ELF file say (System V gABI)."""

    machine: str
    """`EM_X86_64` and so on."""
    bits: int
    kind: str
    """`ET_EXEC`, `ET_DYN`, `ET_REL`, `ET_CORE`."""
    interpreter: str = ""
    """PT_INTERP; empty where there is none (static executables, libraries)."""
    soname: str = ""
    needed: tuple[str, ...] = ()
    rpath: tuple[str, ...] = ()
    runpath: tuple[str, ...] = ()
    debug_bytes: int = 0
    """Bytes of `.debug_*`, `.symtab` and `.strtab` sections."""
    libraries: tuple[str, ...] = ()
    """Names like `libz.so.1` in the file's strings that are not in `needed`: what it may open at run time."""
    paths: tuple[str, ...] = ()
    """Absolute paths in the file's strings (bounded, in order of appearance)."""
    language: str = ""
    """`go` for what Go's linker made; `packed` for an executable that unpacks itself (UPX), whose strings say nothing."""
    functions: tuple[str, ...] = ()
    """Of a Go program: which of `image.golang.FUNCTIONS` are linked in; empty where that cannot be told. Of every other: which
    functions of the C library that start a program its dynamic symbols name."""
    commands: tuple[str, ...] = ()
    """Of a program that may start others: well-known commands that stand in its strings as words of their own."""
    runs: str = ""
    """Of a Go program: the runs of its strings that may hold paths, a line each. Go's strings have no ends, so a path stands
    somewhere in a run, and only the image's files tell where it ends."""


class Contents(Protocol):
    """What is known of the contents of one layer's files; every method takes an entry's number in its LayerIndex.

    An implementation answers from what was read while the layer streamed by, from a file on disk at need, or from a
    recording. Hard links answer for the file that they name where that lies in the same layer.
    """

    def digest(self, entry: int) -> str | None:
        """Give a hash of the file's content (equal content, equal hash; across layers too), or None where unknown."""
        ...

    def elf(self, entry: int) -> ElfFacts | None:
        """Give the ELF facts, or None where it is no ELF file or not known."""
        ...

    def text(self, entry: int, limit: int = 1 << 20) -> bytes | None:
        """Give at most `limit` bytes from the start of the file, or None where the content is not known."""
        ...


class HistoryItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One item of the configuration's history (OCI image-spec, config.md, `history`). Texts are printable."""

    created: str = ""
    created_by: str = ""
    comment: str = ""
    author: str = ""
    empty_layer: bool = False


class Healthcheck(msgspec.Struct, frozen=True, omit_defaults=True):
    """HEALTHCHECK as the configuration has it; times in nanoseconds, 0 where unset."""

    test: tuple[str, ...] = ()
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    start_interval: int = 0
    retries: int = 0


class ImageConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """The configuration that a container starts with (OCI image-spec, config.md, and Docker's additions)."""

    env: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    user: str = ""
    workdir: str = ""
    exposed_ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    labels: dict[str, str] = {}
    stop_signal: str = ""
    healthcheck: Healthcheck | None = None
    shell: tuple[str, ...] = ()
    onbuild: tuple[str, ...] = ()


class Layer(msgspec.Struct):
    """One layer: its place from the base (0), its digests, its entries and what is known of their contents."""

    index: int
    diff_id: str
    entries: LayerIndex
    contents: Contents
    digest: str | None = None
    """Digest of the blob as stored (compressed), where known."""
    stored_size: int | None = None
    """Bytes of the blob as stored (compressed), where known."""
    history: HistoryItem | None = None
    history_index: int | None = None
    """Which item of `Image.history` made this layer; None where history does not match the layers."""
    verified: bool = False
    """Whether the bytes were hashed: to the diff id, or as stored to the digest by which the manifest names them."""


class AttestedPackage(msgspec.Struct, frozen=True, omit_defaults=True):
    """A package that an SBOM attestation lists. Texts are printable."""

    name: str
    version: str = ""
    kind: str = ""
    """The type of its package-url: `deb`, `apk`, `rpm`, `pypi`, `npm`, `golang`...; empty where it has none."""
    architecture: str = ""


class Attestation(msgspec.Struct, frozen=True):
    """What the builder noted of the build beside the image. The image says it of itself; nothing of it is verified."""

    mode: str = ""
    """`max` where a provenance holds the Dockerfile, `min` where it does not; empty without a provenance."""
    dockerfile: str | None = None
    """The Dockerfile itself (bytes that are no UTF-8 as surrogate escapes), from a provenance in `mode=max`."""
    dockerfile_name: str = ""
    build_args: dict[str, str] = {}
    build_contexts: dict[str, str] = {}
    """Named contexts and what they were, as `--build-context` has them."""
    target: str = ""
    """The stage that was built; empty for the last."""
    lines: tuple[tuple[int, int] | None, ...] = ()
    """Per layer: first and last line of the Dockerfile whose step made it, None where it does not say; empty without one."""
    bases: tuple[tuple[str, str], ...] = ()
    """Name and digest of the images that the build started from, or copied from."""
    has_sbom: bool = False
    packages: tuple[AttestedPackage, ...] = ()
    """What the SBOM attestations list, by name."""
    notes: tuple[str, ...] = ()
    """What of the attestations was left out, and why: a line each."""


class Signature(msgspec.Struct, frozen=True):
    """What somebody put beside an image: that it is there, nobody verified."""

    kind: str
    """`cosign` or `notation` for signatures; `attestation`; `sbom`."""
    where: str
    """`tag`, `referrers`, `annotation` or `subject`: how it is tied to the image."""
    digest: str
    """Of its manifest."""


class Image(msgspec.Struct):
    """An image of one platform, read."""

    name: str
    id: str
    """Digest of the configuration, `sha256:...`."""
    platform: str
    """`linux/amd64` or `linux/arm64/v8`."""
    config: ImageConfig
    history: tuple[HistoryItem, ...]
    layers: list[Layer]
    source: str = ""
    """Where it was read from, in words."""
    created: str = ""
    notes: list[str] = []
    """What a person should know of how it was read (history that does not match, layers missing after a broken export)."""
    attestation: Attestation | None = None
    signatures: tuple[Signature, ...] = ()
    """What lies beside it in a registry or layout: signatures, attestations, SBOMs."""

    @property
    def verified(self) -> bool:
        """Whether every layer's bytes were hashed (see `Layer.verified`)."""
        return all(layer.verified for layer in self.layers)
