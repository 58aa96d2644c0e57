"""Which installed Python distributions only installing and testing need, and which the runtime base has itself.

What is kept is followed by the records of the distributions (PyPA, "Recording installed projects" and "Core metadata"): what the
person asked for (REQUESTED), what the project declares, what its code imports, and all that these require. A tool goes where
nothing of that and nothing that starts needs it, and with it what only tools require.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

from msbtui.split.node import Prune
from msbtui.split.reach import Reach
from msbtui.split.view import View, inside, relative

_INSTALLERS = frozenset(
    (  # noqa: SIM905
        "pip wheel poetry poetry-core poetry-plugin-export pipenv uv pdm hatch hatchling flit flit-core pip-tools build twine "
        "virtualenv virtualenv-clone pipx rye setuptools-scm cython scikit-build ninja cmake meson meson-python pybind11 maturin "
        "nox tox"
    ).split()
)
_TESTING = frozenset(
    (  # noqa: SIM905
        "pytest pytest-cov pytest-asyncio pytest-mock pytest-xdist pytest-django pytest-env pytest-timeout pytest-html nose2 "
        "coverage mypy pyright ruff black isort flake8 pylint pycodestyle pyflakes bandit autopep8 yapf pre-commit "
        "bump2version ipdb sphinx mkdocs safety pip-audit"
    ).split()
)
_SITE = re.compile(r"((.*?)(?:/lib|/lib64)/python3\.\d+/site-packages)")
_REQUIRES = re.compile(r"^Requires-Dist:\s*([A-Za-z0-9][A-Za-z0-9._-]*)([^\n]*)", re.MULTILINE)
_IMPORTS = re.compile(rb"^[ \t]*(?:from|import)[ \t]+([A-Za-z_][\w.]*(?:[ \t]*,[ \t]*[A-Za-z_][\w.]*)*)", re.MULTILINE)
_QUOTED = re.compile(rb"""["']([A-Za-z_][\w.-]*)["']""")
_DECLARED = re.compile(r"""(?:^|["'\[,])\s*([A-Za-z0-9][A-Za-z0-9._-]*)""", re.MULTILINE)
_MANIFEST = re.compile(
    r"(.*/)?([^/]*requirements[^/]*\.(txt|in)|requirements/[^/]*\.(txt|in)|pyproject\.toml|Pipfile|setup\.(py|cfg))"
)
_NO_CODE = re.compile(
    r"(.*/)?(tests?|testing|docs?|examples?)/.*|(.*/)?(test_[^/]*|[^/]*_test|conftest|noxfile|fabfile|setup)\.py"
)
_LIBRARIES = re.compile(
    r"(.*/)?((site|dist)-packages|node_modules|\.git)|usr/(lib|share|include|local/(lib|share|include))|var/(lib|cache)|proc|sys|dev"
)
TWICE = "the runtime base has the others itself: copied with their directory they would be there twice"
_LEAST = 5 << 20
_MANY = 6
_MOST_CODE = 16 << 20


class Distribution(msgspec.Struct, frozen=True):
    """One installed distribution."""

    name: str
    """Normalised (PEP 503)."""
    requires: frozenset[str]
    extras: frozenset[str]
    """What it requires for an extra only: nothing says which extras were asked for."""
    files: frozenset[str]
    modules: frozenset[str]
    """Names to import."""
    requested: bool
    """Whether the person named it, or something else than pip installed it."""


def normalised(name: str) -> str:
    """Give a distribution's name as it is compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def prune_tools(view: View, reach: Reach) -> Prune | None:
    """Give the command that takes installers and testing tools away where nothing needs them; None where that gains nothing."""
    if "python" not in reach.languages or (site := _site(view)) is None:
        return None
    every = _distributions(view, site)
    if "pip" not in every:
        return None
    gone = _idle(view, reach, every)
    files = frozenset(path for name in gone for path in every[name].files)
    # what the base brings is not above it: taking it away gains only where its directory is copied whole
    own = {path for one in every.values() for path in one.files if not view.is_new(path)} if _whole(view, site) else set()
    new = {path for path in files if view.is_new(path)}
    if not new or sum(view.size(path) for path in new | own) < _LEAST:
        return None
    tools = sorted(name for name in gone if name in _INSTALLERS | _TESTING)
    more = f", and {len(gone) - len(tools)} distributions that only they require" if len(gone) > len(tools) else ""
    evidence = (f"nothing that is kept requires, imports or calls {', '.join(tools[:6])}{more}",)
    return Prune(site, _command(gone), files, (), (), evidence)


def with_base(view: View, runtime: View | None, prune: Prune | None) -> Prune | None:
    """Give the prune that also takes away what the runtime base has itself: a directory copied whole would bring it again.

    `prune` is what goes anyway. None where there is none, and the base's own is not worth a stage.
    """
    site = prune.root if prune is not None else _site(view)
    if site is None:
        return None
    names = _names(prune)
    files: set[str] = set()
    gone = prune.removed if prune is not None else frozenset[str]()
    if runtime is not None and _whole(view, site):
        every = _distributions(view, site)
        for one in every.values() if "pip" in every else ():
            if one.name not in names and one.files and all(_same(view, runtime, path) for path in one.files):
                names.add(one.name)
                files |= one.files
    if sum(view.size(path) for path in files) < _LEAST and prune is None:
        return None
    evidence = prune.evidence if prune is not None else ()
    more = (TWICE,) if files else ()
    return Prune(site, _command(names), gone | files, (), (), evidence + more)


def left_to_base(prune: Prune | None, path: str) -> bool:
    """Tell whether what the author deleted from the base is an older form of a tool that goes: then the base keeps it."""
    if prune is None or not inside(path, prune.root):
        return False
    first = path[len(prune.root) + 1 :].partition("/")[0]
    tops = {name[len(prune.root) + 1 :].partition("/")[0] for name in prune.removed if inside(name, prune.root)}
    return first in tops or normalised(first.partition("-")[0]) in _names(prune)


def _command(names: Iterable[str]) -> str:
    return f"pip uninstall --yes {' '.join(sorted(names))}"


def _names(prune: Prune | None) -> set[str]:
    return set(prune.command.split()[3:]) if prune is not None else set()


def _whole(view: View, site: str) -> bool:
    """Tell whether so much of a library directory is new that it is copied whole (split/copies.py)."""
    new = (child for child in view.children(site) if view.is_new(child) or any(map(view.is_new, view.children(child))))
    return len(list(new)) > _MANY


def _same(view: View, runtime: View, path: str) -> bool:
    if view.is_new(path):
        return False
    if "/__pycache__/" in path:
        return True  # bytecode holds the time of its source
    digest = view.digest(path)
    return digest is not None and digest == runtime.digest(path)


def _site(view: View) -> str | None:
    """Give the directory of the libraries that the `pip` of PATH installs into, where that is pip's own."""
    found = view.find_command("pip")
    prefix = (found or "").rpartition("/bin/")[0]
    for folder in view.glob(f"{prefix}/lib/python3.*/site-packages") if prefix else ():
        if _SITE.fullmatch(folder) and view.is_dir(f"{folder}/pip") and view.owner(f"{folder}/pip/__init__.py") is None:
            return folder
    return None


def _distributions(view: View, site: str) -> dict[str, Distribution]:
    """Give the distributions of a library directory by name; those whose records are not whole are left out."""
    found = {}
    prefix = site.rpartition("/lib")[0]
    for child in view.children(site):
        record = view.text(f"{child}/RECORD", 4 << 20) if child.endswith(".dist-info") else None
        about = view.text(f"{child}/METADATA", 1 << 20)
        if record is None or about is None:
            continue
        header = about.decode("utf-8", "replace").partition("\n\n")[0]
        name = normalised(child.rpartition("/")[2].partition("-")[0])
        files = {path for path in view.children(child) if not view.is_dir(path)}
        for line in record.decode("utf-8", "replace").splitlines():
            path = relative(line.rpartition(",")[0].rpartition(",")[0].strip('"'), "/" + site)
            if path and inside(path, prefix) and view.exists(path):
                files.add(path)
        inner = [path[len(site) + 1 :] for path in files if inside(path, site)]
        modules = {
            path.partition("/")[0].partition(".")[0] for path in inner if not path.partition("/")[0].endswith(".dist-info")
        }
        installer = (view.text(f"{child}/INSTALLER", 256) or b"pip").strip()
        requires = [(normalised(match[1]), "extra" in match[2]) for match in _REQUIRES.finditer(header)]
        found[name] = Distribution(
            name,
            frozenset(other for other, extra in requires if not extra),
            frozenset(other for other, extra in requires if extra),
            frozenset(files),
            frozenset(modules),
            view.exists(f"{child}/REQUESTED") or installer != b"pip",
        )
    return found


def _closure(names: Iterable[str], every: dict[str, Distribution]) -> set[str]:
    tools = _INSTALLERS | _TESTING
    seen: set[str] = set()
    stack = [name for name in names if name in every]
    while stack:
        name = stack.pop()
        if name not in seen:
            seen.add(name)
            one = every[name]
            # extras that test and check are common, and nobody asks for them in an image
            stack += [other for other in one.requires if other in every]
            stack += [other for other in one.extras if other in every and other not in tools]
    return seen


def _idle(view: View, reach: Reach, every: dict[str, Distribution]) -> set[str]:
    """Give the tools that nothing needs, and what only they require."""
    called = {word.rpartition("/")[2] for word in reach.words} | {path.rpartition("/")[2] for path in reach.why}
    texts = _Texts(view)
    tools = set()
    for name in (_INSTALLERS if texts.unread else _INSTALLERS | _TESTING) & set(every):
        one = every[name]
        commands = {path.rpartition("/")[2] for path in one.files if "/bin/" in path}
        if not (commands | {name, *one.modules}) & (called | texts.quoted) and not one.modules & texts.imported:
            tools.add(name)
    # without the whole code nothing tells what of a tool's requirements the application uses itself
    candidates = tools if texts.unread else _closure(tools, every)
    roots = {name for name in every if name not in candidates}
    roots |= {
        name
        for name in candidates - tools
        if every[name].requested or name in texts.declared or every[name].modules & (texts.imported | texts.quoted)
    }
    return candidates - _closure(roots, every)


class _Texts:
    """What the application's own texts say: what its code imports and quotes, and the names in its lists of requirements."""

    def __init__(self, view: View) -> None:
        self.imported: set[str] = set()
        self.quoted: set[str] = set()
        self.declared: set[str] = set()
        self.unread = False
        """Whether some of the code is not at hand."""
        left = _MOST_CODE
        for path in _application(view):
            manifest = _MANIFEST.fullmatch(path) is not None
            code = path.endswith(".py") and not _NO_CODE.fullmatch(path)
            if not (manifest or code):
                continue
            text = view.text(path, 1 << 18)
            left -= len(text or b"")
            if text is None or left <= 0:
                self.unread = self.unread or code
            elif manifest:
                self.declared |= {normalised(name) for name in _DECLARED.findall(text.decode("utf-8", "replace"))}
            else:
                for names in _IMPORTS.findall(text):
                    self.imported |= {name.strip().partition(b".")[0].decode() for name in names.split(b",")}
                self.quoted |= {word.partition(b".")[0].decode("ascii", "replace") for word in _QUOTED.findall(text)}


def _application(view: View) -> Iterator[str]:
    """Give the files above the base that lie outside of libraries."""
    stack = [""]
    while stack:
        for child in view.children(stack.pop()):
            if not view.is_dir(child):
                if view.is_new(child):
                    yield child
            elif not _LIBRARIES.fullmatch(child):
                stack.append(child)
