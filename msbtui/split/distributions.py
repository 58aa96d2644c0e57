"""Programs that were put together as a directory: what lies beside the script or jar that starts belongs to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msbtui.split.judge import Judge
from msbtui.split.reach import shebang
from msbtui.split.view import View

_LIBRARIES = frozenset(("lib", "libs", "repo", "libexec", "releases"))
"""Where such directories have the libraries: Gradle's application plugin and sbt-native-packager `lib`, Maven's appassembler
`repo`, Erlang's and Elixir's releases `lib` and `releases`."""


def installations(view: View, judge: Judge, reached: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Give the directories whose `bin` has a script that starts and that have libraries beside it, each with why it is needed.

    Such a script finds them from its own place, by ways that a reader cannot always follow.
    """
    seen: set[str] = set()
    for path in reached:
        folder = path.rpartition("/")[0]
        home = folder.removesuffix("/bin")
        if home in (folder, "") or home in seen or not view.is_new(path) or judge.is_source_tree(home):
            continue
        if view.is_file(path) and shebang(view.text(path, 256) or b"") and view.owner(path) is None:
            names = {child.rpartition("/")[2] for child in view.children(home) if view.is_dir(child)}
            if names & _LIBRARIES:
                seen.add(home)
                yield home, f"/{path} starts with what lies in /{home}"
