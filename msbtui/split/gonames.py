"""Which paths of the image a Go program names: its strings have no ends, so the image's own names tell where a path stops."""

from __future__ import annotations

from collections.abc import Iterator

from msbtui.image.model import ElfFacts
from msbtui.split.view import View, relative


def named_paths(view: View, facts: ElfFacts) -> list[str]:
    """Give the existing paths (as the table has them) that stand in a Go program's strings, each once.

    A directory right below the root that the base has counts only with what the program names in it: `/usr` and `/etc` are
    found at the beginning of everything.
    """
    return list(dict.fromkeys(_Walk(view).all(facts.runs)))


class _Walk:
    def __init__(self, view: View) -> None:
        self.view = view
        self._names: dict[str, list[tuple[str, str]]] = {}

    def all(self, runs: str) -> Iterator[str]:
        for run in runs.splitlines():
            at = run.find("/")
            while at >= 0:
                yield from self.walk("", run, at)
                at = run.find("/", at + 1)

    def walk(self, folder: str, run: str, at: int) -> Iterator[str]:
        """Give what is named below `folder`, where `run[at]` is the slash before a name."""
        best: tuple[str, str] | None = None
        for name, path in self.names(folder):
            if run.startswith(name, at + 1) and (best is None or len(name) > len(best[0])):
                best = name, path
        if best is None:
            return
        name, path = best
        end = at + 1 + len(name)
        real = self.view.real(path)
        if real is not None and self.view.is_dir(real):
            deeper = list(self.walk(real, run, end)) if run.startswith("/", end) else []
            if deeper:
                yield from deeper
            elif folder or not self.view.in_base(path):
                yield path
        else:
            yield path

    def names(self, folder: str) -> list[tuple[str, str]]:
        """Give name and path of what lies in a directory."""
        if folder not in self._names:
            self._names[folder] = [(path.rpartition("/")[2], path) for path in self.view.children(folder)]
        return self._names[folder]


def toolchain(view: View, path: str) -> bool:
    """Tell whether a directory is the root of a Go toolchain: its path is in every program that it links."""
    return view.exists(relative(f"{path}/bin/go")) and view.exists(relative(f"{path}/src/runtime"))
