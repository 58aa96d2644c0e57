"""Names in a layer archive: where they lead inside a container's root, and which of them are marks, not files."""

from __future__ import annotations

from typing import Final

from msbtui.image.model import Kind
from msbtui.text import printable_bytes

IGNORED: Final = -1
"""What `marked` gives for bookkeeping of AUFS and for names that mean nothing: such an entry is not part of the layer."""
_WHITEOUT: Final = ".wh."
_AUFS: Final = ".wh..wh."
_OPAQUE: Final = ".wh..wh..opq"


def clean(path: str) -> str:
    """Give a printable name as a path below the root: no leading, double or trailing slash, no `.`, no `..`.

    A name that would leave the root is held at it, as in a container (`/../etc` is `/etc`; containerd's `fs.RootPath`,
    umoci's `CleanPath`), so that nothing escapes.
    """
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            if parts:
                parts.pop()
        elif part and part != ".":
            parts.append(part)
    return "/".join(parts)


def entry_path(name: bytes) -> str:
    """Give the path below the root that the bytes of a name stand for."""
    return clean(printable_bytes(name))


def marked(path: str, kind: int) -> tuple[str, int]:
    """Give the path and kind that a clean name holding `.wh.` stands for.

    Whiteouts and opaque markers: OCI image-spec, layer.md, "Whiteouts"; any type of entry may carry the name. Other names
    that begin with `.wh..wh.` are bookkeeping of AUFS (Docker's pkg/archive/diff.go, `UnpackLayer`, skips them), and a
    whiteout of nothing, `.` or `..` hides nothing.
    """
    folder, slash, base = path.rpartition("/")
    if folder.startswith(_AUFS) or "/" + _AUFS in folder:
        return path, IGNORED
    if base == _OPAQUE:
        return folder, Kind.OPAQUE
    if not base.startswith(_WHITEOUT):
        return path, kind
    hidden = base[len(_WHITEOUT) :]
    if base.startswith(_AUFS) or hidden in ("", ".", ".."):
        return path, IGNORED
    return folder + slash + hidden, Kind.WHITEOUT
