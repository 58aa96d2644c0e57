"""Caches and histories inside an application's directory: they go before it is copied, so that it can be copied whole."""

from __future__ import annotations

import shlex

from msbtui.split.judge import Judge
from msbtui.split.keep import Kept
from msbtui.split.node import Prune
from msbtui.split.view import View, inside, relative

_CLEARED = ("cache", "history of")
"""Beginnings of the reasons for which something is cleared away: nothing reads it, whatever it is called."""
_LEAST = 1 << 20


def clearings(view: View, judge: Judge, kept: Kept) -> list[Prune]:
    """Give for each application's directory what to delete in it before it is copied; none where it is copied whole anyway."""
    found = []
    for tree in judge.app_trees:
        if any(tree != other and inside(tree, other) for other in judge.app_trees):
            continue
        left = [
            path
            for reason, paths in kept.left.items()
            if reason.startswith(_CLEARED)
            for path in paths
            if inside(path, tree) and path != tree
        ]
        wanted = [path for path in kept.paths if inside(path, tree)]
        gone = sum(view.size(path) for path in left)
        if gone <= max(_LEAST, sum(view.size(path) for path in wanted) // 50):
            continue
        above = {folder for path in wanted for folder in _above(path)}
        tops = sorted({_top(path, tree, above) for path in left})
        files = frozenset(inner for top in tops for inner in view.below(top))
        workdir = relative(view.workdir)
        words = [top[len(workdir) + 1 :] if workdir and inside(top, workdir) else f"/{top}" for top in tops]
        evidence = (f"{sum(map(view.is_file, files)):,} files of caches and histories lie in /{tree}",)
        found.append(Prune(tree, f"rm -rf {' '.join(map(shlex.quote, words))}", files, (), (), evidence))
    return found


def _above(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def _top(path: str, tree: str, above: set[str]) -> str:
    """Give the topmost directory around a path of which nothing is wanted."""
    while (folder := path.rpartition("/")[0]) != tree and inside(folder, tree) and folder not in above:
        path = folder
    return path
