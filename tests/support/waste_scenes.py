"""Small images for the rules of waste: layers as tars, read as an archive's are, with ELF facts given by path."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from msbtui.analysis.lines import match_lines, numbered_layers
from msbtui.analysis.model import Base, Finding, Provenance, WasteReport
from msbtui.analysis.waste import find_waste
from msbtui.dockerfile.graph import build_graph
from msbtui.dockerfile.parser import parse
from msbtui.image.facts import MappedContents
from msbtui.image.model import ElfFacts, HistoryItem, Image, ImageConfig, Layer, LayerIndex
from msbtui.image.packages import read_packages
from msbtui.image.table import FileTable
from msbtui.image.tar import index_layer


@dataclass(frozen=True)
class F:
    """A file of a layer; `link` makes it a symlink, `hard` a hard link."""

    data: bytes = b""
    mode: int = 0o644
    uid: int = 0
    mtime: int = 1000
    link: str = ""
    hard: str = ""


Tree = Mapping[str, F | bytes | int | None]
"""Path -> file, content, so many bytes of content, or None for a directory."""


def pack(tree: Tree) -> bytes:
    """Give a layer's tar."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, what in tree.items():
            info = tarfile.TarInfo(name)
            if what is None:
                info.type, info.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(info)
                continue
            if isinstance(what, int):
                what = (name.encode() * (what // len(name) + 1))[:what]
            file = what if isinstance(what, F) else F(what)
            info.size, info.mode, info.uid, info.mtime = len(file.data), file.mode, file.uid, file.mtime
            if file.link or file.hard:
                info.type, info.linkname, info.size = tarfile.LNKTYPE if file.hard else tarfile.SYMTYPE, file.link or file.hard, 0
            tar.addfile(info, io.BytesIO(file.data))
    return out.getvalue()


class GivenElf(MappedContents):
    """Contents whose ELF facts are given by path."""

    def __init__(self, data: bytes, index: LayerIndex, elves: Mapping[str, ElfFacts]) -> None:
        super().__init__(data, index)
        self._paths = index.paths
        self._given = elves

    def elf(self, entry: int) -> ElfFacts | None:
        """Give the facts of the path."""
        return self._given.get(self._paths[entry])

    def programs(self) -> list[int]:
        """Give the files whose path has facts."""
        return [entry for entry, path in enumerate(self._paths) if path in self._given]


def elf(kind: str = "ET_DYN", needed: Sequence[str] = (), **more: object) -> ElfFacts:
    """Give facts of a program or library for this machine."""
    return ElfFacts("EM_X86_64", 64, kind, needed=tuple(needed), **more)  # type: ignore[arg-type]


def status(*packages: Mapping[str, str]) -> bytes:
    """Give a dpkg status file."""
    text = ""
    for package in packages:
        fields = {"Status": "install ok installed", "Architecture": "amd64", "Version": "1", "Section": "libs", **package}
        text += "".join(f"{key}: {value}\n" for key, value in fields.items()) + "\n"
    return text.encode()


def auto(*names: str) -> bytes:
    """Give apt's record of what came as a dependency."""
    return "".join(f"Package: {name}\nArchitecture: amd64\nAuto-Installed: 1\n\n" for name in names).encode()


@dataclass
class Scenery:
    """An image and what is found in it."""

    image: Image
    table: FileTable
    provenance: Provenance | None
    report: WasteReport

    def kind(self, *kinds: str) -> list[Finding]:
        """Give the findings of these kinds."""
        return [finding for finding in self.report.findings if finding.kind in kinds]

    @property
    def brief(self) -> list[tuple[str, int, int, tuple[str, ...]]]:
        """Give (kind, layer, bytes, paths) of each finding."""
        return [(finding.kind, finding.layer, finding.bytes, finding.paths) for finding in self.report.findings]


def look(
    *trees: Tree,
    base: int = 0,
    elves: Mapping[str, ElfFacts] | None = None,
    config: ImageConfig | None = None,
    dockerfile: str | None = None,
    history: Sequence[str] = (),
    in_base: bool = False,
    ignored: Callable[[str], bool] | None = None,
) -> Scenery:
    """Read an image made of these layers and find its waste. `history`: BuildKit's text of each layer above the base."""
    layers = []
    items = [HistoryItem() for _ in range(base)]
    items += [HistoryItem(created_by=text, comment="buildkit.dockerfile.v0") for text in history]
    for number, tree in enumerate(trees):
        data = pack(tree)
        index = index_layer(data)
        item = items[number] if number < len(items) else None
        layers.append(Layer(number, f"sha256:{number}", index, GivenElf(data, index, elves or {}), history=item))
    image = Image("test:1", "sha256:id", "linux/amd64", config or ImageConfig(), tuple(items), layers)
    table = FileTable(layer.entries for layer in layers)
    parsed = graph = provenance = None
    if dockerfile is not None:
        parsed = parse(dockerfile)
        graph = build_graph(parsed)
        provenance = match_lines(parsed, graph, items, numbered_layers(items, len(layers)))
    packages = read_packages(image, table)
    report = find_waste(image, table, packages, Base(base), provenance, parsed, graph, in_base=in_base, ignored=ignored)
    return Scenery(image, table, provenance, report)
