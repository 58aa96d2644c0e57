"""Grouping of kept paths into COPY lines that keep what COPY --from would lose (splitting.md 2.0)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping

import msgspec

from msbtui.image.model import Kind
from msbtui.split.view import View, inside
from msbtui.split.words import COPIED
from msbtui.text import raw

_MERGED = re.compile(r"(.*/)?(site-packages|dist-packages|gems|node_modules)")
"""Directories of libraries that the runtime base has too: copied whole, over what is there, where their parts are many."""
_COMMANDS = re.compile(r"usr/local/s?bin")
"""Directories of commands that the runtime base has too: copied whole where a list of the new ones would be long."""
_MANY_COMMANDS = 20
_CAPABILITIES = "security.capability"
_WEAK = ("new, no package", "part of", "a library")
"""Beginnings of reasons that only say that nothing speaks against a path."""
_CHECKED_OUT = (0o775, 0, 0, 0o755, 0, 0)
"""Owner and mode of a directory where the umask lets the group write, and what COPY makes."""
_EXTRA = 1 << 20
_MERGED_EXTRA = 24 << 20
_MANY = 6
_MOST = 60
"""Copies of one stage: each makes a layer, and an image has 127 at most (moby, layer.maxLayerDepth)."""
_GENEROUS = (1, 20, 1 << 20)
"""How many times as much may come along with whole directories where there are more copies; at last whatever lies there."""


class Copy(msgspec.Struct, frozen=True):
    """One COPY: sources and destination in the image, absolute; `folder` where the source is a directory."""

    sources: tuple[str, ...]
    destination: str
    folder: bool
    layer: int
    """The last layer that its content comes from: what changes seldom is copied first."""
    bytes: int
    files: int
    why: str
    extra: int = 0
    """Bytes that come along because the directory is copied whole."""
    cautious: bool = False
    """Whether all of it is kept only from caution."""


class Made(msgspec.Struct, frozen=True):
    """A directory whose owner or mode COPY would not keep."""

    path: str
    mode: int
    uid: int
    gid: int


class Link(msgspec.Struct, frozen=True):
    """A symlink to make again: as the source of a COPY it would be followed."""

    path: str
    target: str
    why: str


class Copies(msgspec.Struct):
    """What to copy, the directories to make before it and the links to make after it."""

    copies: list[Copy] = []
    made: list[Made] = []
    links: list[Link] = []
    covered: set[str] = set()
    """Every file and link that arrives in the runtime stage."""
    unnameable: list[str] = []
    """Wanted paths whose names no Dockerfile can hold (line ends, bytes that are no text) and that no directory brings along."""
    special: list[str] = []
    """Copied files with setuid, setgid or capabilities."""


def plan_copies(
    view: View,
    kept: Mapping[str, str],
    runtime: View | None,
    *,
    scratch: bool = False,
    forbidden: Callable[[str], bool],
    gone: Callable[[str], bool] = lambda _: False,
    cautious: Collection[str] = (),
) -> Copies:
    """Give the copies for `kept` (new paths -> why) onto a base whose file system is `runtime` (None: as the original's base).

    `forbidden` says of a path that it must not come along with a directory that is copied whole, `gone` that the stage which is
    copied from does not have it any more.
    """
    wanted = {path: why for path, why in kept.items() if not same_there(view, runtime, path)}
    for generous in _GENEROUS:
        plan = Copies()
        grouping = _Grouping(view, wanted, runtime, plan, scratch, forbidden, gone, cautious, generous)
        grouping.folder("")
        if len(plan.copies) <= _MOST:
            break
    plan.copies.sort(key=lambda copy: (copy.layer, copy.destination))
    plan.links.sort(key=lambda link: link.path)
    if not scratch:  # where nothing can make a directory
        grouping.directories()
    plan.special = sorted(
        path for path in plan.covered if view.is_file(path) and (view.stat(path)[0] & 0o6000 or view.xattrs(path))
    )
    return plan


def same_there(view: View, runtime: View | None, path: str) -> bool:
    """Tell whether the runtime base is known to have the same at `path`: kind, content, owner, mode and capabilities."""
    if runtime is None or not runtime.exists(path) or runtime.canonical(path) != path:
        return False
    kind = view.kind(path)
    if kind is Kind.DIRECTORY or runtime.is_dir(path):
        return kind is Kind.DIRECTORY and runtime.is_dir(path) and view.stat(path) == runtime.stat(path)
    if kind is Kind.SYMLINK or runtime.kind(path) is Kind.SYMLINK:
        return kind is runtime.kind(path) and view.link(path) == runtime.link(path)
    digest = view.digest(path)
    if digest is None or digest != runtime.digest(path) or view.stat(path) != runtime.stat(path):
        return False
    return view.xattrs(path).get(_CAPABILITIES) == runtime.xattrs(path).get(_CAPABILITIES)


class _Grouping:
    def __init__(
        self,
        view: View,
        wanted: Mapping[str, str],
        runtime: View | None,
        plan: Copies,
        scratch: bool,
        forbidden: Callable[[str], bool],
        gone: Callable[[str], bool],
        cautious: Collection[str],
        generous: int = 1,
    ) -> None:
        self.view = view
        self.wanted = wanted
        self.generous = generous
        self.runtime = runtime
        self.scratch = scratch
        self.plan = plan
        self.forbidden = forbidden
        self.gone = gone
        self.cautious = cautious
        self.parents: dict[str, int] = {}
        for path in wanted:
            folder = path
            while folder:
                folder = folder.rpartition("/")[0]
                self.parents[folder] = self.parents.get(folder, 0) + 1
        self.created: set[str] = set()

    def there(self, folder: str) -> bool:
        """Tell whether the runtime base has this directory."""
        if not folder:
            return True
        if self.scratch:
            return False
        return self.runtime.exists(folder) if self.runtime is not None else self.view.in_base(folder)

    def folder(self, folder: str) -> None:
        """Copy what is wanted below `folder`: whole where that is sound, else part by part."""
        if folder and self._whole(folder):
            return
        files: list[str] = []
        for child in self.view.children(folder):
            kind = self.view.kind(child)
            if raw(child) != child.encode():
                self.plan.unnameable += [path for path in self.view.below(child) if path in self.wanted]
                continue
            if kind is Kind.DIRECTORY:
                if child in self.wanted:  # an empty directory
                    self._tree(child, [], self.wanted[child], 0)
                elif child in self.parents:
                    self.folder(child)
            elif child in self.wanted:
                if kind is Kind.SYMLINK:
                    self.plan.links.append(Link("/" + child, self.view.link(child), self.wanted[child]))
                    self.plan.covered.add(child)
                    self.created.add(folder)
                else:
                    files.append(child)
        if files:
            self._files(folder, files)

    def _whole(self, folder: str) -> bool:
        merged = (
            _MERGED.fullmatch(folder) is not None
            and len([child for child in self.view.children(folder) if child in self.parents or child in self.wanted]) > _MANY
        )
        # one source a command: a long list reads badly, and BuildKit of Docker 20.10 gives up on more than a hundred
        listed = _COMMANDS.fullmatch(folder) is not None and self.parents.get(folder, 0) > _MANY_COMMANDS
        if self.there(folder) and not (merged or listed):
            return False
        if self.parents.get(folder) == 1 and not merged:
            return False  # one file: said more plainly by its name
        content = [
            path
            for path in self.view.below(folder)
            if (not self.view.is_dir(path) or not self.view.children(path)) and not self.gone(path)
        ]
        extra = [path for path in content if path not in self.wanted]
        if not merged and self.generous < _GENEROUS[-1] and any(self.forbidden(path) for path in extra):
            return False
        if listed and any(self.view.is_new(path) for path in extra):
            return False  # what stays behind; what the base brought may come again
        extra_bytes = self.view.bytes_of(extra)
        wanted_bytes = self.view.bytes_of(path for path in content if path in self.wanted)
        if extra_bytes > self.generous * (_MERGED_EXTRA if merged else max(_EXTRA, wanted_bytes // 50)):
            return False
        if extra and not merged and any(self.view.owner(path) is not None for path in extra):
            return False
        why = self._common_why(folder, [path for path in content if path in self.wanted])
        self._tree(folder, content, why, extra_bytes)
        return True

    def _common_why(self, folder: str, paths: list[str]) -> str:
        reasons = list(dict.fromkeys(self.wanted[path] for path in paths))
        named = [reason for reason in reasons if not reason.startswith(_WEAK)]
        first = (named or reasons)[0] if reasons else "it is needed"
        more = f"{len(reasons) - 1} more {'reason' if len(reasons) == 2 else 'reasons'}"
        return first if len(reasons) <= 1 else f"{first}, and {more} for what lies in /{folder}"

    def _tree(self, folder: str, content: list[str], why: str, extra: int) -> None:
        total = self.view.bytes_of(content)
        self.plan.copies.append(
            Copy(
                (f"/{folder}",),
                f"/{folder}",
                True,
                self._layer(content or [folder]),
                total,
                len(content),
                why,
                extra,
                self._cautious(content or [folder]),
            )
        )
        self.plan.covered.update(content or [folder])
        self.created.add(folder)

    def _files(self, folder: str, files: list[str]) -> None:
        sources = tuple(f"/{path}" for path in files)
        destination = sources[0] if len(sources) == 1 else f"/{folder}/" if folder else "/"
        reasons = sorted(dict.fromkeys(self.wanted[path] for path in files), key=lambda reason: reason.startswith(_WEAK))
        why = reasons[0] if len(reasons) == 1 else f"{reasons[0]}, and {len(reasons) - 1} more"
        total = self.view.bytes_of(files)
        self.plan.copies.append(
            Copy(sources, destination, False, self._layer(files), total, len(files), why, 0, self._cautious(files))
        )
        self.plan.covered.update(files)
        self.created.add(folder)

    def _cautious(self, paths: list[str]) -> bool:
        return all(path in self.cautious for path in paths)

    def _layer(self, paths: list[str]) -> int:
        return max((at[0] for path in paths if (at := self.view.entry(path)) is not None), default=0)

    def directories(self) -> None:
        """Note the directories that come into being by a COPY and whose owner or mode would not be the original's.

        BuildKit makes a missing destination, and its parents, as root with 0755, whatever the source has (splitting.md 2.0).
        """
        needed: set[str] = set()
        for folder in self.created:
            while folder:
                needed.add(folder)
                folder = folder.rpartition("/")[0]
        trees = [copy.destination.lstrip("/") for copy in self.plan.copies if copy.folder]
        for folder in sorted(needed):
            if any(folder != tree and inside(folder, tree) for tree in trees):
                continue
            mode, uid, gid = self.view.stat(folder)
            has = (0o755, 0, 0)
            if self.there(folder):
                if self.runtime is None or self.scratch or not self.view.is_new(folder):
                    continue
                has = self.runtime.stat(folder)
            if (mode, uid, gid) != has and not ((mode, uid, gid, *has) == _CHECKED_OUT and self._checked_out(folder)):
                self.plan.made.append(Made(f"/{folder}", mode, uid, gid))

    def _checked_out(self, folder: str) -> bool:
        """Tell whether a group may write in a directory of root's only because of the umask of the checkout that was copied.

        Git keeps no modes of directories. Root may write everywhere, so nothing that starts as root can tell.
        """
        user, found = self.view.config.user.partition(":")[0], self.view.table.id_of(folder)
        if user not in ("", "root", "0") or found is None:
            return False
        at = min((at for at in self.view.table.entries(found) if at[0] >= self.view.base_layers), default=None)
        made = self.view.image.layers[at[0]].history if at is not None else None
        if at is None or made is None or COPIED.match(made.created_by) is None:
            return False
        return self.view.table.index(at[0]).modes[at[1]] == self.view.stat(folder)[0]  # else a RUN opened it
