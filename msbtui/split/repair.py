"""What a failing check teaches: which file, library, module, user or directory of the original the new image lacks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

from msbtui.split.model import Check
from msbtui.split.view import View, inside, relative

MOST = 24
"""Names taken from one output: one that names more says nothing of what is missing."""
_READ = 64 << 10
_NAME = r"[^\s:'\"`()\[\]<>,;=|&]"
_ABSENT = (
    r"(?:[Nn]o such file or directory|cannot open|[Cc]ould not open|[Cc]annot find|not found|[Dd]oes not exist"
    r"|[Pp]ermission denied|cannot access|cannot be found|missing)"
)
_PATHS = re.compile(rf"(?<![\w.$@-])((?:/|\./|\.\./)?{_NAME}+(?:/{_NAME}+)+/?|/{_NAME}+)")
_NEAR = (
    re.compile(rf"({_NAME}+): (?:command )?{_ABSENT}"),
    re.compile(rf"({_NAME}+) (?:was |is |could )?(?:not found|does not exist|cannot be found|not be found)"),
    re.compile(rf"{_ABSENT}:? +['\"`‘“]?({_NAME}+)"),
    re.compile(r"(?:file|File|FILE|open|jarfile|directory) ['\"`‘“]?([\w@%+./-]+)['\"`’”]?"),
)
_QUOTED = re.compile(r"['\"`‘“]([^'\"`’”\n]{1,255})['\"`’”]")
_LIBRARY = re.compile(r"([\w+.-]+\.so(?:\.[\w.]+)?)\b")
_BARE_LIBRARY = re.compile(
    r"(?:(?:[Ll]ibrary|load|find|found|open|OSError|ImportError)[^\n]{0,80}?['\"`‘ ])(lib(?!rar)[A-Za-z][\w+-]*?)"
    r"(?:-\d+)?(?=['\"`’,;: .]|$)"
    r"|\b(lib(?!rar)[A-Za-z][\w+-]*?) (?:is |was |could )?(?:not (?:be )?(?:found|installed|available)|is missing|missing)",
    re.MULTILINE,
)
"""A library by its bare name, as programs that open it by name say (`failed to find libmagic`, `'libgobject-2.0-0'`)."""
_COMMANDS = (
    re.compile(r"exec:? \\?\"?([\w./+-]+)\\?\"?: (?:executable file )?(?:not found|stat|no such)"),
    re.compile(r"(?:^|[\s:])([\w./+-]+): (?:command )?not found", re.MULTILINE),
    re.compile(r"(?:env|exec|nohup|timeout|sh|bash): (?:\d+: )?[‘'\"]?([\w./+-]+)[’'\"]?: (?:No such file|not found)"),
    re.compile(r"spawn ([\w./+-]+) ENOENT|No such file or directory - ([\w./+-]+)|No such file or directory: '([\w./+-]+)'"),
)
_PYTHON = re.compile(r"(?:ModuleNotFoundError|ImportError): (?:No module named|cannot import name '[^']*' from) ['\"]?([\w.]+)")
_NODE = re.compile(r"Cannot find (?:module|package) '([^']+)'(?:[^\n]*imported from ([^\s]+))?(?:\nRequire stack:\n- ([^\n]+))?")
_RUBY = re.compile(r"cannot load such file -- ([\w./+-]+)")
_GEM = re.compile(r"Could not find (?:gem )?'?([\w-]+?)(?:'| \(|-\d)")
_PERL = re.compile(r"Can't locate ([\w/]+\.p[lm]) in @INC")
_JAVA = re.compile(r"(?:ClassNotFoundException|NoClassDefFoundError)(?: |: )([\w/.$]+)")
_USERS = (
    re.compile(r"unable to find (?:user|group) ([\w.-]+)"),
    re.compile(r"(?:unknown|invalid|no such) (?:user|group)(?: name)?:? ['\"`‘]?([\w.-]+)", re.IGNORECASE),
    re.compile(r"(?:getpwnam|getgrnam)\(\"?([\w.-]+)\"?\)|(?:user|group) ['\"`‘]([\w.-]+)['\"`’] (?:does not exist|not found)"),
)
_PACKAGES = (
    (re.compile(r"ZoneInfoNotFound|No time zone found|unknown time zone|tzdata|zoneinfo", re.IGNORECASE), "tzdata"),
    (re.compile(r"unsupported locale setting|setlocale|cannot change locale|locale::facet", re.IGNORECASE), "locales"),
    (re.compile(r"certificate (verify|signed by unknown)|unable to get local issuer", re.IGNORECASE), "ca-certificates"),
    (re.compile(r"unknown protocol|getprotobyname|getservbyname|service/proto|/etc/(?:protocols|services)"), "netbase"),
)  # fmt: skip
_NOT_HAD = re.compile(
    r"failed to resolve source metadata|failed to do request: |pull access denied|manifest unknown|manifest for \S+ not found"
    r"|failed to create LLB definition|failed to copy: |repository does not exist|Get \"?https://\S+/v2/"
)
"""How BuildKit and the classic builder say that they cannot get a base image."""
_PROVIDED = re.compile(r"(proc|sys|dev|run|tmp|var/tmp|var/run)(/.*|\Z)|etc/(hosts|hostname|resolv\.conf|mtab|passwd|group)")
_ENDINGS = ("", ".js", ".mjs", ".cjs", ".json", ".node", ".ts", "/index.js", ".py", ".rb", ".so", ".pm")


class Additions(msgspec.Struct, frozen=True):
    """What a plan is widened by: paths as the table has them, and names of packages and users; sorted."""

    paths: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    opened: dict[str, str] = {}
    """Paths that the original was seen to open, and when (split/trace.py)."""
    absent: tuple[str, ...] = ()
    """Images that no build could get: another base is needed."""

    def __bool__(self) -> bool:
        return bool(self.paths or self.packages or self.users or self.opened or self.absent)

    def __or__(self, other: Additions) -> Additions:
        return Additions(
            tuple(sorted({*self.paths, *other.paths})),
            tuple(sorted({*self.packages, *other.packages})),
            tuple(sorted({*self.users, *other.users})),
            {**other.opened, **self.opened},
            tuple(sorted({*self.absent, *other.absent})),
        )

    def without(self, other: Additions) -> Additions:
        """Give what `other` does not have."""
        return Additions(
            tuple(path for path in self.paths if path not in other.paths),
            tuple(name for name in self.packages if name not in other.packages),
            tuple(name for name in self.users if name not in other.users),
            {path: when for path, when in self.opened.items() if path not in other.opened},
            tuple(name for name in self.absent if name not in other.absent),
        )

    def words(self) -> tuple[str, ...]:
        """Give each that a check found, for a person."""
        return (
            *(f"/{path}" for path in self.paths),
            *(f"package {name}" for name in self.packages),
            *(f"user {name}" for name in self.users),
            *(f"another base than {name}" for name in self.absent),
        )


def additions(checks: Iterable[Check]) -> Additions:
    """Give what the failed checks lack, all together."""
    lacks = [item for check in checks if not check.passed for item in check.lacks]
    return Additions(
        tuple(sorted({item for item in lacks if not item.startswith(("user:", "package:", "base:"))})),
        tuple(sorted({item.removeprefix("package:") for item in lacks if item.startswith("package:")})),
        tuple(sorted({item.removeprefix("user:") for item in lacks if item.startswith("user:")})),
        absent=tuple(sorted({item.removeprefix("base:") for item in lacks if item.startswith("base:")})),
    )


def base_not_had(said: str, base: str) -> tuple[str, ...]:
    """Give `base` as lacking (`Check.lacks`) where a build says that it cannot get an image and names this one, or none."""
    name, _, tag = base.partition("@")[0].rpartition(":") if ":" in base.rpartition("/")[2] else (base, "", "latest")
    named = re.search(rf"{re.escape(name)}(:|/manifests/){re.escape(tag)}(?![\w.-])", said)
    return (f"base:{base}",) if base and _NOT_HAD.search(said) and (named or "/manifests/" not in said) else ()


def missing_in(output: bytes | str, original: View, new: View, *, known: bytes | str = b"") -> tuple[str, ...]:
    """Give what an output of the new image names that the original has and it has not (`Check.lacks`).

    Lines that the original's own output `known` has, too, say nothing. Nothing that the original itself lacks is ever given.
    """
    before = set(_text(known).splitlines())
    text = "\n".join(line for line in _text(output).splitlines() if line not in before)
    search = _Search(text, original, new)
    found = list(dict.fromkeys(search.all()))
    # what lies in a directory that is named comes along with it
    paths = [item for item in found if not item.startswith(("user:", "package:"))]
    kept = [
        item for item in found if not any(item != path and inside(item, path) and original.is_dir(path) for path in paths)
    ]  # fmt: skip
    return tuple(kept[:MOST])


def _text(output: bytes | str) -> str:
    return output[:_READ] if isinstance(output, str) else output[:_READ].decode("utf-8", "replace")


class _Search:
    def __init__(self, text: str, original: View, new: View) -> None:
        self.text, self.original, self.new = text, original, new

    def all(self) -> Iterator[str]:
        yield from self._users()
        yield from self._libraries()
        yield from self._modules()
        yield from self._commands()
        yield from self._files()
        for pattern, package in _PACKAGES:
            if (
                pattern.search(self.text)
                and package in self.original.packages.installed
                and package not in self.new.packages.installed
            ):
                yield f"package:{package}"

    def _lacking(self, path: str) -> Iterator[str]:
        """Give `path` where the original has it and the new image has not, and what its symlink leads to."""
        found = self.original.canonical(path) if path else None
        if not found or not self.original.exists(found) or _PROVIDED.fullmatch(found):
            return
        if self.original.is_dir(found):
            if not self.new.exists(found) and ("/" in found or self.original.is_new(found)):
                yield found
            return
        if not self.new.exists(found):
            yield found
        real = self.original.real(found)
        if real is not None and real != found and not self.new.exists(real):
            yield real

    def _resolved(self, name: str) -> Iterator[str]:
        workdir = self.original.workdir
        yield relative(name, workdir)

    def _users(self) -> Iterator[str]:
        passwd = self.original.text("etc/passwd") or b""
        group = self.original.text("etc/group") or b""
        names = {line.partition(b":")[0].decode("utf-8", "replace") for line in (passwd + b"\n" + group).splitlines()}
        theirs = (self.new.text("etc/passwd") or b"") + b"\n" + (self.new.text("etc/group") or b"")
        have = {line.partition(b":")[0].decode("utf-8", "replace") for line in theirs.splitlines()}
        for name in _matches(_USERS, self.text):
            if name in names and name not in have:
                yield f"user:{name}"

    def _libraries(self) -> Iterator[str]:
        for name in dict.fromkeys(_LIBRARY.findall(self.text)):
            base = name.rpartition("/")[2]
            for path in self._named(base):
                yield from self._lacking(path)
                break
        for name in dict.fromkeys(_matches((_BARE_LIBRARY,), self.text)):
            # libgobject-2.0-0 is a package's name of libgobject-2.0.so.0
            for path in self.original.table.paths if len(name) > 3 else ():
                if path.rpartition("/")[2].startswith(f"{name}.so") and "/lib" in f"/{path}":
                    yield from self._lacking(path)

    def _commands(self) -> Iterator[str]:
        for word in _matches(_COMMANDS, self.text):
            found = self.original.find_command(word)
            if found is not None:
                yield from self._lacking(found)

    def _modules(self) -> Iterator[str]:
        for name in _PYTHON.findall(self.text):
            yield from self._in_trees(name.replace(".", "/"), ("site-packages", "dist-packages"), (".py", "/__init__.py"))
        for name, importer, stack in _NODE.findall(self.text):
            by = (importer or stack).removeprefix("file://")
            if name.startswith(("/", ".")):
                folder = by.rpartition("/")[0] or self.original.workdir
                for ending in _ENDINGS:
                    yield from self._lacking(relative(name + ending, folder))
            else:
                whole = "/".join(name.split("/")[: 2 if name.startswith("@") else 1])
                yield from self._in_trees(whole, ("node_modules",), ("",))
        for name in _RUBY.findall(self.text):
            yield from self._in_trees(name, ("lib",), (".rb", ".so"))
        for name in _GEM.findall(self.text):
            yield from self._starting(f"gems/{name}-")
        for name in _PERL.findall(self.text):
            yield from self._in_trees(name, (), ("",))
        for name in _JAVA.findall(self.text):
            yield from self._in_trees(name.replace(".", "/"), (), (".class",))

    def _files(self) -> Iterator[str]:
        names = [match[1] for match in _PATHS.finditer(self.text)]
        near = [name for pattern in _NEAR for name in pattern.findall(self.text)]
        loose = [*near, *_QUOTED.findall(self.text)]
        for name in dict.fromkeys([*names, *loose]):
            word = name.strip().rstrip("/.,:;!?") or "/"
            hits = [item for path in self._resolved(word) for item in self._lacking(path)]
            if not hits and name in near and word.startswith("/") and word.count("/") > 1:
                # a file that was to be written: its directory may be what is missing
                folder = self.original.canonical(relative(word).rpartition("/")[0])
                if folder is not None and self.original.is_dir(folder) and not self.original.exists(relative(word)):
                    hits = list(self._lacking(folder))
            if not hits and name in loose and re.fullmatch(r"[\w@%+-]+\.[\w@%+.-]*\w", word):
                # a bare name with an ending: wherever the original has just one such file that is not there
                hits = [item for path in self._named(word) for item in self._lacking(path)]
                hits = hits if len(hits) == 1 else []
            yield from hits

    def _named(self, base: str) -> list[str]:
        """Give every path of the original whose last part is `base`; those of library directories first."""
        found = [path for path in self._by_name().get(base, ()) if self.original.exists(path)]
        return sorted(found, key=lambda path: ("/lib" not in f"/{path}", path))

    def _by_name(self) -> dict[str, list[str]]:
        known: dict[str, list[str]] | None = getattr(self, "_names", None)
        if known is None:
            known = {}
            for path in self.original.table.paths:
                known.setdefault(path.rpartition("/")[2], []).append(path)
            self._names = known
        return known

    def _in_trees(self, name: str, trees: tuple[str, ...], endings: tuple[str, ...]) -> Iterator[str]:
        """Give the module `name` wherever the original has it and the new image has not, one whole part of the library."""
        first = name if trees == ("node_modules",) else name.partition("/")[0]
        last = name.rpartition("/")[2]
        for ending in endings:
            for path in self._named(f"{last}{ending}".rpartition("/")[2]):
                wanted = f"{name}{ending}"
                if not (path == wanted or path.endswith(f"/{wanted}")) or self.new.exists(path):
                    continue
                if trees and not any(f"/{tree}/" in f"/{path}" for tree in trees) and not self.original.is_new(path):
                    continue
                place = path[: len(path) - len(wanted)]
                # a part of a library that is missing whole is no help: the gem, the top package, the module's directory
                gem = re.match(r"(.*/gems/[^/]+)/lib/", path)
                whole = gem[1] if gem else f"{place}{first}"
                lacking = not self.new.exists(whole) and self.original.exists(whole)
                yield from self._lacking(whole if lacking else path)

    def _starting(self, beginning: str) -> Iterator[str]:
        for path in self.original.table.paths:
            at = f"/{path}".find(f"/{beginning}")
            if at >= 0 and "/" not in path[at + len(beginning) :]:
                yield from self._lacking(path)


def _matches(patterns: Iterable[re.Pattern[str]], text: str) -> Iterator[str]:
    for pattern in patterns:
        for match in pattern.finditer(text):
            name = next((group for group in match.groups() if group), "")
            if name:
                yield name
