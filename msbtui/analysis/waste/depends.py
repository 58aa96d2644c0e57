"""Which packages others need: dependency closures over an installed package database.

The rules are apt's (apt-pkg/depcache.cc, `MarkRequired` and `MarkPackage`): manually installed, essential and required
packages stay, with all that they depend on; what was installed automatically and is not reached is left over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msbtui.image.packages import Package, names_of
from msbtui.regex import regex

_NAME = regex(r"\s*((?:so|cmd|pc|py3[^:]*):[^\s=<>~]+|[^\s(:\[<>=~!]+)")
"""The name in a clause: `libc6 (>= 2.36)`, `perl:any`, apk's `so:libz.so.1=1.2`."""


def _names(package: Package, clause: str) -> list[str]:
    """Give the names that a clause accepts, all alternatives."""
    if package.manager == "rpm":
        return names_of(package, clause)
    found = [_NAME.match(alternative) for alternative in clause.split("|") if not alternative.lstrip().startswith("!")]
    return [name[1] for name in found if name is not None]


class Dependencies:
    """Resolves dependency clauses among installed packages, virtual names included."""

    def __init__(self, installed: Mapping[str, Package]) -> None:
        self._installed = installed
        self._by_name: dict[str, list[str]] = {}
        self._providers: dict[str, list[str]] = {}
        for key, package in installed.items():
            self._by_name.setdefault(package.name, []).append(key)
            for clause in package.provides:
                for name in _names(package, clause):
                    self._providers.setdefault(name, []).append(key)

    def direct(self, key: str, *, recommended: bool = False) -> set[str]:
        """Give what an installed package depends on (and recommends); of alternatives all that are installed."""
        package = self._installed.get(key)
        found: set[str] = set()
        clauses: tuple[str, ...] = ()
        if package is not None:
            clauses = (*package.depends, *package.recommends) if recommended else package.depends
        for clause in clauses:
            for name in _names(package, clause) if package is not None else ():
                found.update(self._by_name.get(name) or self._providers.get(name) or ())
        return found

    def closure(self, keys: Iterable[str], *, recommended: bool = False) -> set[str]:
        """Give the packages and all that they need, directly or through others; with `recommended` also what they recommend."""
        reached: set[str] = set()
        asked: set[str] = set()
        todo = [key for key in keys if key in self._installed]
        while todo:
            key = todo.pop()
            if key in reached:
                continue
            reached.add(key)
            package = self._installed[key]
            for clause in (*package.depends, *package.recommends) if recommended else package.depends:
                for name in _names(package, clause):
                    if name not in asked:  # thousands may need what thousands provide
                        asked.add(name)
                        todo.extend(self._by_name.get(name) or self._providers.get(name) or ())
        return reached

    def left_over(self, removed: set[str], keep: Iterable[str]) -> set[str]:
        """Give what would be left over if `removed` went: needed by them, automatically installed, needed by nothing that stays.

        `keep` names packages that must stay in any case. A package whose flag is not known counts as wanted. As for apt,
        what a staying package recommends stays (APT::AutoRemove::RecommendsImportant).
        """
        roots = {
            key
            for key, package in self._installed.items()
            if key not in removed
            and (package.manual is not False or package.essential or package.priority in ("required", "important"))
        }
        staying = self.closure(roots | set(keep), recommended=True)
        return self.closure(removed, recommended=True) - removed - staying
