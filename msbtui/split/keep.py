"""What the runtime stage needs of the image: by layer evidence, reachability, the ELF closure, names in binaries and texts."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from msbtui.image.closure import needed_libraries
from msbtui.image.golang import ALWAYS, LOADS_ZONES, STARTS
from msbtui.image.model import Kind
from msbtui.split.called import PROGRAM, STARTS_COMMANDS
from msbtui.split.certificates import reads_certificates
from msbtui.split.distributions import installations
from msbtui.split.gonames import named_paths
from msbtui.split.installs import Dependencies, is_build_package
from msbtui.split.judge import LIBRARY_TREE, SOURCE, Judge
from msbtui.split.madeby import Makers
from msbtui.split.opened import opened_by_name, started_by_packages
from msbtui.split.reach import Reach, language_of, shebang
from msbtui.split.view import View, inside, relative
from msbtui.split.words import INITS, author_text

_PROVIDED = re.compile(
    r"(proc|sys|dev|run|tmp|var/tmp|var/run)(/.*|\Z)|etc/(hosts|hostname|resolv\.conf|mtab|passwd|group|shadow|localtime|nsswitch\.conf)"
)
"""What the container runtime provides, or what is treated apart (accounts, time zone)."""
_TOKEN = re.compile(rb"(?<![A-Za-z0-9_.$}/-])/[A-Za-z0-9_@%+][A-Za-z0-9_./@%+:-]*")
_PLUGINS = re.compile(r"/(usr/)?(local/)?lib(64|exec)?/(?!(locale|ssl|[a-z0-9_]+-linux-[a-z0-9]+)/?\Z)[^/]")
"""Where libraries look for plugins: a directory of their own, not the one that all libraries lie in."""
_C_LIBRARY = re.compile(r"lib(c|pthread|dl|util|rt)\.so\.\d+|ld-.*|libc\.musl-.*")
_MUSL = re.compile(r"libc\.musl-")
_OF_GO = frozenset(("git", "ssh", "rsync", "ps", "ping", "svn", "hg"))
"""Commands that a Go program that starts others may well start: its strings cannot be told apart."""
_SOURCES = re.compile(r"usr/(local/)?src/.")
"""Where sources lie (FHS, 4.12)."""
_C_SOURCE = re.compile(r".*\.(c|cc|cpp|cxx)")
_WORD = re.compile(rb"[A-Za-z][A-Za-z0-9_.+-]+")
_CALLED = re.compile(rb"""["'`]\s*(?:/(?:usr/)?(?:local/)?s?bin/)?([A-Za-z][A-Za-z0-9_.+-]*)(?=["'`\s])""")
_SCANNED = 8 << 20
"""Bytes of application texts that are searched for names, together."""
_TEXTS = re.compile(
    r".*\.(py|rb|pl|pm|php|js|mjs|cjs|ts|lua|sh|r|R|tcl|ya?ml|toml|ini|cfg|conf|json|env|properties|service)|(.*/)?[^./]+"
)


def _spoken(created_by: str) -> str:
    """Give the start of a history text as the author wrote it."""
    return " ".join(author_text(created_by).split())[:60]


UNEXPLAINED = "new, no package owns it"
"""Why a path is kept of which nothing shows that it is needed, nor that it is not."""


class Kept:
    """What is kept of an image, path by path with why, and what stays behind."""

    def __init__(self, view: View, reach: Reach, judge: Judge) -> None:
        self.view = view
        self.reach = reach
        self.judge = judge
        self.paths: dict[str, str] = {}
        """New files, symlinks and empty directories to copy, and why."""
        self.cautious: dict[str, str] = {}
        """Those of them that are kept only from caution."""
        self.owned: dict[str, str] = {}
        """Paths that packages own and that are needed, and why."""
        self.direct: set[str] = set()
        """Those of `owned` that a kept binary itself needs or that the start runs."""
        self.of_base: dict[str, str] = {}
        """Needed files of the base image that no package owns: the runtime base must have them, or they are copied."""
        self.called: set[str] = set()
        """Those of `words` that stand where commands are started."""
        self.words: set[str] = set()
        """Words in the application's texts: which commands it may call."""
        self.names: set[str] = set(reach.names)
        """Absolute paths that kept binaries and texts name and that the original image has."""
        self.missing: list[str] = []
        """Libraries that the original itself lacks: `soname (needed by path)`."""
        self.left: dict[str, list[str]] = defaultdict(list)
        """Reason -> new paths without owner that stay behind."""
        self.starters: dict[str, str] = {}
        """Needed ELF files that may start other programs, and by which function."""
        self.classes: dict[str, str] = {}
        """Packages that no needed file names and that the program needs by what it does, and why."""
        self._closed: set[str] = set()
        self._asked: set[str] = set()
        self._makers = Makers(view)
        self._changed_owned: dict[str, str] = {}

    def gather(self) -> None:
        """Do it all: candidates, what the start reaches, then libraries and names until nothing new is needed."""
        for path, why in list(self.reach.why.items()):
            self.need(path, why, direct=True)
        for folder, why in [*self.reach.folders.items(), *installations(self.view, self.judge, self.reach.why)]:
            self.need_folder(folder, why)
        self._candidates()
        self._scan_texts()
        for path, why in list(opened_by_name(self.view, self.paths)):
            self.need(path, why, direct=True)
            self._libraries([path])
        for name, why in [
            *started_by_packages(self.paths),
            *((name, f"/{by} starts it") for name, by in self.judge.calls.items()),
        ]:
            if (found := self.view.find_command(name)) is not None:
                self.need(found, why, direct=True)
        self._close()
        self._idle_scripts()
        self._depended_on()
        for reason, paths in list(self.left.items()):
            self.left[reason] = [path for path in paths if path not in self.paths]

    # -- needing ------------------------------------------------------------------------------------------------------

    def need(self, path: str, why: str, *, direct: bool = False) -> None:
        """Note that `path` (canonical) is needed, with what its symlinks lead to."""
        for _ in range(41):
            if not self.view.exists(path):
                return
            kind = self.view.kind(path)
            if kind is Kind.DIRECTORY:
                return
            owner = self.view.owner(path)
            if owner is None and kind is Kind.SYMLINK:
                owner = self.view.maker(path)  # alternatives, which the package's script makes
            if owner is not None and path not in self._changed_owned:
                self.owned.setdefault(path, why)
                if direct:
                    self.direct.add(path)
            elif self.view.is_new(path):
                self.paths.setdefault(path, why)
            else:
                self.of_base.setdefault(path, why)
            if kind is not Kind.SYMLINK:
                return
            onward = self.view.canonical(relative(self.view.link(path), "/" + path.rpartition("/")[0]))
            if onward is None:
                return
            path, why = onward, f"/{path} leads to it"

    def need_folder(self, folder: str, why: str) -> None:
        """Note that all new content of a directory is needed, but for what firmly stays behind."""
        if not folder or self.judge._of_system(folder):
            return
        own = self.judge.verdict(folder)
        for path in self.view.below(folder):
            if self.view.is_dir(path) or not self.view.is_new(path):
                continue
            verdict = self.judge.verdict(path)
            # a name of the whole says nothing of the caches and development packages in it
            if verdict is None or verdict.data or (own is not None and own.why == verdict.why and not verdict.firm):
                self.need(path, why)

    # -- candidates: everything new without owner ---------------------------------------------------------------------

    def _candidates(self) -> None:
        for path in self.view.below(""):
            if not path or not self.view.is_new(path):
                continue
            kind = self.view.kind(path)
            if kind is Kind.DIRECTORY and (self.view.children(path) or self.view.in_base(path)):
                continue
            if self.view.owner(path) is not None:
                if kind is Kind.FILE and self._makers.changed_since_installed(path):
                    self._changed_owned[path] = "the author changed this file of a package"
                    self.paths.setdefault(path, self._changed_owned[path])
                continue
            if path in self.paths:
                continue
            self._judge_one(path, kind)

    def _judge_one(self, path: str, kind: Kind | None) -> None:
        if kind in (Kind.CHAR_DEVICE, Kind.BLOCK_DEVICE, Kind.FIFO):
            self.left["devices and pipes, which no COPY takes along"].append(path)
            return
        verdict = self.judge.verdict(path)
        if verdict is not None:
            if self.judge.kept_from_caution(path) and not self._makers.leads_to_package(path, kind):
                self.cautious[path] = "it lies where the program starts and may be data that it reads"
                self.paths[path] = self.cautious[path]
            else:
                self.left[verdict.why].append(path)
            return
        if self._makers.packages_made(path, kind):
            self.left["made by the packages' own scripts, which run again where the package is needed"].append(path)
            return
        if kind is Kind.DIRECTORY and self.judge.in_build_tree(path):
            return
        self.paths[path] = self._origin(path)

    def _depended_on(self) -> None:
        """Note what the kept packages that came as files depend on: with their files alone nothing brings that along."""
        dependencies = Dependencies(self.view.packages.installed)
        kept = {owner.name for path in self.paths if (owner := self.view.owner_from_file(path)) is not None}
        for name in sorted(kept):
            for other in dependencies.direct(name):
                if other not in self.view.from_files:
                    self.classes.setdefault(other, f"{name}, which came as a file of its own, depends on it")

    def _origin(self, path: str) -> str:
        at = self.view.entry(path)
        if at is None:
            return "it is new"
        for tree in self.judge.app_trees:
            if inside(path, tree):
                return f"part of the application in /{tree}"
        item = self.view.image.layers[at[0]].history
        made = _spoken(item.created_by) if item is not None else f"layer {at[0]}"
        if LIBRARY_TREE.fullmatch(path):
            return f"a library that the application may load; made by: {made}"
        return f"{UNEXPLAINED}; made by: {made}"

    # -- names in binaries and texts ----------------------------------------------------------------------------------

    def _scan_texts(self) -> None:
        left = _SCANNED
        for path in list(self.paths):
            if left <= 0:
                break
            if not any(inside(path, tree) for tree in self.judge.app_trees) and path not in self.reach.why:
                continue
            library = LIBRARY_TREE.fullmatch(path) is not None and path not in self.reach.why
            if not _TEXTS.fullmatch(path) or library or self.view.elf(path) is not None:
                continue
            text = self.view.text(path, 1 << 18)
            if text is None or b"\0" in text[:1024]:
                continue
            left -= len(text)
            # in a program's text only what is quoted can be a command; in a script or settings every word
            program = PROGRAM.fullmatch(path) is not None
            words = {word.decode("ascii") for word in (_CALLED if program else _WORD).findall(text)}
            self.words |= words
            if program and STARTS_COMMANDS.search(text):
                self.called |= words
            for token in _TOKEN.findall(text):
                self._named(token.decode("ascii").rstrip("/.:,"), path)

    def _named(self, name: str, by: str) -> None:
        """Follow an absolute path that a kept file names."""
        path = relative(name)
        if not path or (not self.view.exists(path) and self.view.canonical(path) is None):
            return
        found = self.view.canonical(path)
        if found is None or found in self.names:
            return
        self.names.add(found)
        left_in_tmp = re.match(r"(var/)?tmp/", found) is not None and self.view.is_file(found)
        if (_PROVIDED.fullmatch(found) and not left_in_tmp) or SOURCE.fullmatch(found):
            return
        if self.view.is_dir(self.view.real(found) or ""):
            folder = self.view.real(found) or found
            if any(inside(tree, folder) for tree in self.judge.build_trees):
                return  # where it was compiled: debug information names it
            if _SOURCES.match(folder) and any(_C_SOURCE.fullmatch(inner) for inner in self.view.below(folder)):
                return  # a part that was compiled in, as the options of the build name it: `--add-module=/usr/src/it`
            self.need_folder(folder, f"/{by} names /{found}")
            return
        verdict = None if left_in_tmp else self.judge.verdict(found)
        if self.view.owner(found) is not None or verdict is None or (self.judge.in_build_tree(found) and not verdict.firm):
            self.need(found, f"/{by} names it")

    def _close(self) -> None:
        """Follow libraries and names of kept ELF files until nothing new is needed."""
        while True:
            new = [path for path in self.paths if path not in self._closed]
            self._closed.update(new)
            if not new:
                if "ca-certificates" not in self.classes and (why := reads_certificates(self)):
                    self.classes["ca-certificates"] = why
                return
            for path in new:
                if path not in self.cautious:
                    self._interpreter(path)
            fresh = [path for path in new if self.view.elf(path) is not None]
            if fresh:
                self._libraries(fresh)
            for path in fresh:
                self._strings(path)

    def _idle_scripts(self) -> None:
        """Leave scripts that are kept only from caution behind where a package would come for them alone.

        They stay where something that is kept names their interpreter, or may start programs and the author installed the
        interpreter by name.
        """
        for path in list(self.cautious):
            words = shebang(self.view.text(path, 256) or b"") if self.view.executable(path) else ()
            found = self.view.find_command(words[-1]) if words else None
            real = self.view.real(found) if found is not None else None
            owner = self.view.owner(real) if real is not None else None
            if real is not None and owner is not None and self.view.is_new(real) and real not in self.owned:
                name = words[-1].rpartition("/")[2]
                if name not in self.called and not (self.may_start_programs and owner.manual and not is_build_package(owner)):
                    del self.paths[path], self.cautious[path]
                    self.left["scripts of the source tree whose interpreter nothing else needs"].append(path)
                    continue
            self._interpreter(path)
        self._close()
        for path in [path for path in self.cautious if self.view.kind(path) is Kind.SYMLINK]:
            onward = self.view.canonical(relative(self.view.link(path), "/" + path.rpartition("/")[0]))
            if onward is not None and self.view.is_new(onward) and not any(inside(kept, onward) for kept in self.paths):
                del self.paths[path], self.cautious[path]
                self.left["symlinks of the source tree to what stays behind"].append(path)

    def _interpreter(self, path: str) -> None:
        """Follow the first line of a kept executable script; those inside library trees run only where something reached them."""
        if path in self.reach.why or LIBRARY_TREE.fullmatch(path) or not self.view.executable(path):
            return
        words = shebang(self.view.text(path, 256) or b"")
        for word in words:
            if (found := self.view.find_command(word)) is not None:
                self.need(found, f"/{path} begins with it", direct=True)
        if words and (language := language_of(words[-1])) and (found := self.view.find_command(words[-1])):
            self.reach.languages.setdefault(language, self.view.real(found) or found)

    def _libraries(self, fresh: Iterable[str]) -> None:
        closure = needed_libraries(self.view.image, self.view.table, list(fresh))
        for library in closure.libraries:
            found = self.view.canonical(library.path)
            if found is not None:
                by = next((path for path in library.needed_by if path in self.paths), library.needed_by[0])
                self.need(found, f"/{by} needs {library.name}", direct=by in self.paths)
                self._linker_settings(found)
                if by in self.paths:
                    self._plugins(found)
        for path in closure.files:
            self._starter(path)
        for item in closure.missing:
            # packages bring a variant for each C library: of those for another one nothing is lacking
            lacking = [path for path in item.needed_by if not (LIBRARY_TREE.fullmatch(path) and _MUSL.match(item.name))]
            self.missing += [f"{item.name} (needed by /{lacking[0]})"] if lacking else []

    def _plugins(self, library: str) -> None:
        """Follow the directories of plugins that a library of a package names, to plugins that other packages put there."""
        library = self.view.real(library) or library
        owner, facts = self.view.owner(library), self.view.elf(library)
        if owner is None or facts is None or library in self._asked:
            return
        self._asked.add(library)
        for name in (part for names in facts.paths for part in names.split(":")):
            folder = self.view.real(relative(name)) if _PLUGINS.match(name) else None
            for path in self.view.children(folder) if folder and self.view.is_dir(folder) else ():
                other = self.view.owner(path)
                if other is not None and other.name != owner.name and self.view.is_new(path) and self.view.elf(path) is not None:
                    self.need(path, f"/{library} opens what lies in /{folder}", direct=True)

    def _linker_settings(self, library: str) -> None:
        """Note the settings without owner that tell the dynamic linker of the directory that a library without owner lies in."""
        if self.view.owner(library) is None:
            folder = f"/{library.rpartition('/')[0]}"
            for path in self.view.children("etc/ld.so.conf.d"):
                if self.view.owner(path) is None and folder in (self.view.text(path) or b"").decode("utf-8", "replace").split():
                    self.need(path, f"it tells the linker of {folder}, where /{library} lies")

    def _starter(self, path: str) -> None:
        facts = self.view.elf(path)
        if facts is None or _C_LIBRARY.fullmatch(facts.soname):
            return
        if path in self.reach.why and path.rpartition("/")[2] in INITS:
            return  # it starts what its arguments name, and they were followed
        if facts.language == "go" and (ALWAYS not in facts.functions or STARTS & set(facts.functions)):
            self.starters.setdefault(path, "it is a Go program that may")
            self.words |= _OF_GO
        elif facts.language == "packed" or (not facts.language and not facts.needed and not facts.soname):
            self.starters.setdefault(path, "it is static, so nothing tells")
        elif not facts.language and facts.functions:
            self.starters.setdefault(path, facts.functions[0])
            if path in self.paths:
                self.words.update(facts.commands)
                if not LIBRARY_TREE.fullmatch(path):
                    # libraries that language packages bundle are large and name much, and bring what they call
                    self.called.update(facts.commands)

    @property
    def may_start_programs(self) -> bool:
        """Tell whether anything that is kept may start a program: a shell, an interpreter, or an ELF file that calls exec."""
        return bool(self.reach.shell or self.reach.languages or self.starters)

    def _strings(self, path: str) -> None:
        facts = self.view.elf(path)
        if facts is None:
            return
        for name in facts.libraries:
            for folder in (
                "usr/local/lib",
                "usr/lib/x86_64-linux-gnu",
                "usr/lib/aarch64-linux-gnu",
                "usr/lib",
                "lib/x86_64-linux-gnu",
                "lib",
            ):
                found = self.view.canonical(f"{folder}/{name}")
                if found is not None and self.view.exists(found):
                    self.need(found, f"/{path} may open {name} at run time")
                    self._libraries([found])
                    break
        for name in facts.paths:
            self._named(name, path)
        if facts.language == "go":
            for name in named_paths(self.view, facts):
                self._named(name, path)
            if zones := LOADS_ZONES & set(facts.functions):
                self.classes.setdefault("tzdata", f"/{path} reads time zones by name ({', '.join(zones)} is linked in)")
        elif any("zoneinfo" in name for name in facts.paths):
            self.classes.setdefault("tzdata", f"/{path} names the time zones")
