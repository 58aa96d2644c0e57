"""Small images made in memory: layers from a line per entry, contents that answer from a dictionary."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from msbtui.image.model import ElfFacts, Image, ImageConfig, Kind, Layer, LayerIndex
from msbtui.image.table import FileTable


class MadeContents:
    """Contents of the files of one made layer; a file that was given neither text nor facts is unknown."""

    def __init__(self, index: LayerIndex, texts: Mapping[int, bytes], elves: Mapping[int, ElfFacts]) -> None:
        self._index = index
        self._texts = texts
        self._elves = elves
        self.reads = 0

    def _file(self, entry: int) -> int:
        while self._index.kinds[entry] == Kind.HARD_LINK:
            entry = self._index.paths.index(self._index.links[entry])
        return entry

    def digest(self, entry: int) -> str | None:
        text = self._texts.get(self._file(entry))
        return None if text is None else hashlib.sha256(text).hexdigest()

    def elf(self, entry: int) -> ElfFacts | None:
        return self._elves.get(self._file(entry))

    def text(self, entry: int, limit: int = 1 << 20) -> bytes | None:
        self.reads += 1
        text = self._texts.get(self._file(entry))
        return None if text is None else text[:limit]


Entry = str | bytes | ElfFacts | None


def made_layer(entries: Mapping[str, Entry]) -> tuple[LayerIndex, MadeContents]:
    """`path/`: directory, `-path`: whiteout, `!path`: opaque; a text `-> x` is a symlink, `=> x` a hard link, None unknown."""
    index, texts, elves = LayerIndex(), dict[int, bytes](), dict[int, ElfFacts]()
    for number, (name, content) in enumerate(entries.items()):
        path, kind, size = name.strip("/"), Kind.FILE, 0
        if name.startswith(("-", "!")):
            path, kind = name[1:], Kind.WHITEOUT if name[0] == "-" else Kind.OPAQUE
        elif name.endswith("/"):
            kind = Kind.DIRECTORY
        elif isinstance(content, str) and content.startswith(("-> ", "=> ")):
            kind = Kind.SYMLINK if content[0] == "-" else Kind.HARD_LINK
            index.links[number] = content[3:]
        elif isinstance(content, ElfFacts):
            elves[number], size = content, 1000
        elif content is not None:
            texts[number] = content.encode() if isinstance(content, str) else content
            size = len(texts[number])
        index.paths.append(path)
        index.kinds.append(kind)
        index.sizes.append(size)
        index.modes.append(0o755)
        index.uids.append(0)
        index.gids.append(0)
        index.mtimes.append(0.0)
        index.offsets.append(0)
    return index, MadeContents(index, texts, elves)


def made_image(*layers: Mapping[str, Entry], env: Sequence[str] = (), workdir: str = "") -> tuple[Image, FileTable]:
    """Give an image of these layers, and its table."""
    made = [made_layer(entries) for entries in layers]
    image = Image(
        name="made",
        id="sha256:" + "0" * 64,
        platform="linux/amd64",
        config=ImageConfig(env=tuple(env), workdir=workdir),
        history=(),
        layers=[Layer(n, f"sha256:{n:064x}", index, contents) for n, (index, contents) in enumerate(made)],
    )
    return image, FileTable(index for index, _ in made)
