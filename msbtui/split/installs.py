"""Which packages the runtime stage installs by name: the owners of what is needed, and what is kept from caution."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

import msgspec

from msbtui.image.packages import Package
from msbtui.split.view import View

_BUILD_SECTIONS = frozenset(("devel", "libdevel", "debug", "doc", "vcs"))
BUILD_NAME = re.compile(
    r".*-(dev|dbg|dbgsym|doc|headers|static|devel)|build-(essential|base)|(gcc|g\+\+|cpp|gfortran|gdb|clang|llvm|lld|golang|go|rust|cargo|cmake|binutils)([-0-9].*)?"
    r"|rustc|make|autoconf.*|automake.*|libtool.*|pkg-config|pkgconf|bison|flex|nasm|yasm|ninja(-build)?|meson|samurai|(openjdk|default)-?.*-?jdk.*|maven|gradle|ant|patch"
    r"|dpkg-dev|debhelper|devscripts|fakeroot|py(thon)?[23]?-?(pip|setuptools|wheel|venv|distutils)(-whl)?|m4|gettext|swig|doxygen|cython.*|npm|yarn(pkg)?|valgrind|strace|ltrace"
    r"|linux-headers.*|linux-libc-dev|musl-dev|scons|ccache|libc-bin-dev|icu-devtools|composer|lcov|gcovr|cppcheck|help2man|texinfo|xxd|bc|libc-dev-bin|manpages.*|\.build-deps|\..*"
)
HELPERS = frozenset(
    (  # noqa: SIM905
        "curl wget git git-core git-lfs gnupg gnupg2 gpg dirmngr unzip zip xz-utils xz bzip2 gzip tar apt-transport-https "
        "apt-utils software-properties-common lsb-release file less vim vim-tiny nano sudo rsync openssh-client subversion "
        "mercurial man-db tree htop aptitude debian-archive-keyring debian-keyring cvs bzr p7zip p7zip-full perl python python3 "
        "python3-minimal python2 bash-completion coreutils findutils diffutils sed grep gawk mawk jq procps net-tools "
        "iputils-ping telnet dnsutils lsof libcap2-bin libcap-utils libcap-ng-utils attr xsltproc docbook docbook-xml "
        "docbook-xsl docbook-xsl-ns docbook-utils docbook2x xmlto asciidoc asciidoc-base asciidoc-common asciidoctor "
        "protobuf-compiler"
    ).split()
)
_OF_A_DESKTOP = re.compile(
    r"mesa-.*|(.*-)?va-drivers?(-.*)?|(.*-)?vdpau-drivers?(-.*)?|alsa-(topology|ucm)-conf|dbus(-.*)?|(lib(pam|nss)-)?systemd(-.*)?"
    r"|xdg-(user-dirs|desktop-portal)(-.*)?|libdecor-.*|at-spi2-core|polkitd|policykit-1|upower|udisks2|rtkit|gvfs(-.*)?|dconf-.*"
    r"|pulseaudio(-.*)?|pipewire(-.*)?|wireplumber|colord(-.*)?|avahi-.*|cups(-.*)?"
)
"""What libraries recommend for screens, sound cards and a user's session, none of which a container has."""
_STEM = re.compile(r"(?<=[a-z0-9])-?[\d.]*\Z")
"""The version at the end of a library's name."""
_DATA = frozenset(("shared-mime-info", "publicsuffix", "ca-certificates", "tzdata", "netbase", "hicolor-icon-theme"))
"""Data of the system that libraries read and recommend."""
_COMPILER = re.compile(r"(gcc|g\+\+|clang|gfortran|tcc)(-[\d.]+)?")
_HEADERS = frozenset(("libc6-dev", "musl-dev"))
"""What a C compiler only recommends, and cannot compile without."""
_ENGLISH = frozenset(
    ("file", "less", "tree", "top", "free", "man", "watch", "w", "kill", "skill", "uptime", "host", "dig", "wall")
)
"""Commands whose names are said as words more often than as commands."""
_LANGUAGE_PACKAGES = {
    "python": ("python3", "python2", "python"),
    "node": ("nodejs",),
    "ruby": ("ruby",),
    "perl": ("perl",),
    "php": ("php-cli", "php"),
    "lua": ("lua5.4", "lua5.3", "lua5.1"),
    "erlang": ("erlang-base",),
    "r": ("r-base-core", "R"),
    "tcl": ("tcl",),
}


_INSTALL = re.compile(r"(?:apt(?:-get)?|aptitude|apk)\b[^;&|]*?\b(?:install|add)\b([^;&|]*)")
"""A call of a package manager, and what it is given."""


class Install(msgspec.Struct, frozen=True):
    """One package to install in the runtime stage, and why."""

    name: str
    why: str
    evidence: tuple[str, ...] = ()
    cautious: bool = False


def is_build_package(package: Package) -> bool:
    """Tell whether a package serves building only: by its section, and by names outside these sections."""
    return package.section.rpartition("/")[2] in _BUILD_SECTIONS or BUILD_NAME.fullmatch(package.name) is not None


class Dependencies:
    """The dependencies among an image's installed packages."""

    def __init__(self, installed: Mapping[str, Package]) -> None:
        self.installed = installed
        self._providers: dict[str, str] = {}
        for name, package in installed.items():
            for provided in package.provides:
                self._providers.setdefault(_bare(provided), name)
        self._closures: dict[str, frozenset[str]] = {}

    def direct(self, name: str) -> list[str]:
        """Give the installed packages that satisfy the dependencies of `name`."""
        package = self.installed.get(name)
        return self._satisfying(package.depends if package else ())

    def recommended(self, names: Iterable[str], there: Collection[str]) -> dict[str, str]:
        """Give the installed packages, those in `there` left out, that came because `names` or what they bring recommends them.

        By name, with who recommends it. apt takes recommended packages along unless it is told not to, and the programs use
        them where they are: other programs that they start, plugins, data (Debian Policy, 7.2). Those that serve building only,
        or a desktop, are left out; and of what libraries recommend only their own parts, fonts and data count: the rest of it is
        for other programs than this one.
        """
        found: dict[str, str] = {}
        stack = list(names)
        while stack:
            for name in sorted({(top := stack.pop()), *self.closure(top)} - set(there)):
                package = self.installed.get(name)
                for other in self._satisfying(package.recommends if package else ()):
                    idle = is_build_package(self.installed[other]) or _OF_A_DESKTOP.fullmatch(other)
                    if other not in found and other not in there and not idle and self._counts(name, other):
                        found[other] = name
                        stack.append(other)
        return found

    def _counts(self, name: str, other: str) -> bool:
        """Tell whether it says something of the program at hand that the package `name` recommends `other`."""
        section = self.installed[name].section.rpartition("/")[2]
        if section not in ("libs", "oldlibs") or other in _DATA:
            return True
        return self.installed[other].section.rpartition("/")[2] == "fonts" or other.startswith(_STEM.sub("", name))

    def _satisfying(self, clauses: Iterable[str]) -> list[str]:
        found = []
        for clause in clauses:
            for choice in clause.split("|"):
                bare = _bare(choice)
                target = bare if bare in self.installed else self._providers.get(bare)
                if target:
                    found.append(target)
                    break
        return found

    def closure(self, name: str) -> frozenset[str]:
        """Give everything that installing `name` brings along, itself not included."""
        if name not in self._closures:
            seen: set[str] = set()
            stack = self.direct(name)
            while stack:
                at = stack.pop()
                if at not in seen:
                    seen.add(at)
                    stack += self.direct(at)
            self._closures[name] = frozenset(seen - {name})
        return self._closures[name]


def _bare(clause: str) -> str:
    """Give the name in a dependency clause (`libc6 (>= 2.36)`, `python3:any`, apk's `so:libz.so.1=1.3`)."""
    text = clause.strip()
    name = re.split(r"[\s(<>=~!\[]", text, maxsplit=1)[0]
    return name if name.startswith(("so:", "cmd:", "pc:")) else name.partition(":")[0]


def choose_packages(
    view: View,
    needed: Mapping[str, str],
    direct: Iterable[str],
    languages: Iterable[str],
    words: Iterable[str],
    present: Iterable[str],
    classes: Mapping[str, str],
    *,
    commands: bool = True,
    called: Collection[str] = (),
    own_scripts: bool = False,
) -> list[Install]:
    """Give what to install, sorted by name.

    `needed`: owned paths -> why; `direct`: those of them that a kept ELF names itself; `languages`: interpreters in use that
    packages brought; `words`: command words in kept texts; `present`: names of the packages that the runtime base has;
    `classes`: packages that no needed path names -> why; `commands`: whether anything that is kept may start a program;
    `called`: words that stand where the application starts commands; `own_scripts`: whether scripts of no package run.
    """
    have = set(present)
    installed = view.packages.installed
    dependencies = Dependencies(installed)
    named_itself = set()
    evidence: dict[str, list[str]] = {}
    by_path = set(direct)
    for path, why in needed.items():
        package = view.owner(path)
        if package is None or package.name in have or (is_build_package(package) and path not in by_path):
            continue
        evidence.setdefault(package.name, []).append(f"/{path}: {why}")
        if path in by_path and not _of_package(view, dependencies, why, package.name):
            named_itself.add(package.name)
    by_scripts = set(evidence) - named_itself
    choices: dict[str, Install] = {}
    for name, reasons in evidence.items():
        reasons = [reason for reason in reasons if not reason.endswith(" leads to it")] or reasons
        choices[name] = Install(name, _first_reason(reasons), tuple(reasons[:5]))
    for language in languages:
        for name in _LANGUAGE_PACKAGES.get(language, ()):
            if name in installed and name not in have:
                choices[name] = Install(name, f"the application runs on {language}")
                if own_scripts or not _only_of_packages(name, dependencies, by_scripts, named_itself):
                    named_itself.add(name)
                break
    base_before = view.packages.at(view.base_layers - 1) if view.base_layers else {}
    if compiler := next(filter(_COMPILER.fullmatch, sorted(choices)), None):
        headers = {one.name for one in wanted_by_name(view, base_before) if one.section.rpartition("/")[2] == "libdevel"}
        for name in sorted((headers | _HEADERS) & set(installed) - set(choices) - have):
            choices[name] = Install(name, f"{compiler} is kept, and what it compiles may be built against it", cautious=True)
    for package in wished(view, words):
        if not commands and _commands(package):
            continue  # what its commands bring nobody calls; its libraries would be named by now
        if package.name in choices or package.name in have or (package.name == "locales" and _compiled_locales(view)):
            continue
        choices[package.name] = Install(
            package.name, "the author installed it by name, and nothing shows that only the build needs it", cautious=True
        )
        named_itself.add(package.name)
    called = set(called) - _ENGLISH
    for name in sorted(HELPERS & set(installed)):
        if name not in choices and name not in have and (by_name := called & set(_commands(installed[name]))):
            choices[name] = Install(name, f"the application starts commands, and names {min(by_name)}", cautious=True)
            named_itself.add(name)
    for name, why in {**_always(view, base_before, needed), **classes}.items():
        if name in installed and name not in have:
            choices[name] = Install(name, why)
            named_itself.add(name)
    asked = {package.name for package in wanted_by_name(view, base_before) if not is_build_package(package)}
    for name, by in dependencies.recommended([name for name in choices if name in asked], {*base_before, *have}).items():
        if name not in choices:
            choices[name] = Install(name, f"{by} recommends it, and the original has it", cautious=True)
    if "fontconfig-config" in choices or any("fontconfig-config" in dependencies.closure(name) for name in choices):
        # any font satisfies its dependency, and the one that is there is taken for each name that no font bears
        for name in sorted(name for name, one in installed.items() if one.section.rpartition("/")[2] == "fonts"):
            if name not in choices and name not in have and not name.startswith("fontconfig"):
                choices[name] = Install(name, "fontconfig takes the font that fits best, and the original has it", cautious=True)
                named_itself.add(name)
    covered = {brought for name in choices for brought in dependencies.closure(name)}
    roots = [name for name in choices if name in named_itself or name not in covered]
    brought = {other for name in roots for other in dependencies.closure(name)}
    roots += [name for name in choices if name not in roots and name not in brought]
    return [choices[name] for name in sorted(roots)]


def _of_package(view: View, dependencies: Dependencies, why: str, name: str) -> bool:
    """Tell whether a path is needed by what another package owns, and that package brings this one along by itself."""
    if why.endswith((" reads it by itself", " includes it")):
        return True  # settings of packages: they come with what reads them
    match = re.fullmatch(r"/(.+) (?:begins with it|leads to it|names it)", why)
    if match and match[1].startswith("etc/") and view.owner(match[1]) is None and why.endswith("leads to it"):
        return True  # a link to settings, which the package's script made
    owner = view.packages.owner(match[1], inferred=True) if match else None
    return owner is not None and (name == owner.name or name in dependencies.closure(owner.name))


def _only_of_packages(name: str, dependencies: Dependencies, by_scripts: set[str], named_itself: set[str]) -> bool:
    """Tell whether an interpreter is there for the scripts of packages alone: these bring it along."""
    own = dependencies.closure(name)
    return bool(by_scripts & own) and not named_itself & (own | {name})


def _first_reason(reasons: list[str]) -> str:
    return reasons[0] if len(reasons) == 1 else f"{reasons[0]}, and {len(reasons) - 1} more"


def wished(view: View, words: Iterable[str]) -> list[Package]:
    """Give the packages that the author installs by name and that are not known to serve building or fetching only.

    `words`: command words in kept texts; a helper such as curl counts where one of them is a command of it.
    """
    base_before = view.packages.at(view.base_layers - 1) if view.base_layers else {}
    mentioned = set(words)
    return [
        package
        for package in wanted_by_name(view, base_before)
        if (mentioned & set(_commands(package)) if package.name in HELPERS else not is_build_package(package))
    ]


def wanted_by_name(view: View, before: Mapping[str, Package]) -> list[Package]:
    """Give the packages that somebody asked for by name: what the manager recorded above the base, and what the RUNs name.

    A RUN that names a package that the base happens to have says as well that it is wanted; another base may lack it.
    """
    installed = view.packages.installed
    words = {
        word.partition("=")[0]
        for layer in view.image.layers[view.base_layers :]
        if layer.history is not None
        for match in _INSTALL.finditer(layer.history.created_by)
        for word in match[1].split()
    }
    recorded = {name for name, package in installed.items() if name not in before and package.manual}
    wanted = (recorded | words) - view.from_files
    return [package for name, package in installed.items() if name in wanted]


def _commands(package: Package) -> list[str]:
    return [path.rpartition("/")[2] for path in package.files if re.search(r"(^|/)s?bin/[^/]+\Z", path)]


def _always(view: View, before: Mapping[str, Package], needed: Mapping[str, str]) -> dict[str, str]:
    """Give the classes that are kept whenever the original has them (splitting.md 3.2, point 8)."""
    found = {"netbase": "/etc/protocols and /etc/services are read by name lookups"}
    installed = view.packages.installed
    if any(package.name == "ca-certificates" for package in wanted_by_name(view, before)):
        found["ca-certificates"] = "the author installed the certificates by name"
    zones = any("zoneinfo" in path for path in needed)
    if "TZ" in view.env or zones or ("tzdata" in installed and "tzdata" not in before):
        found["tzdata"] = "time zones"
    asked = not re.fullmatch(r"(C|POSIX)(\..*)?|", view.env.get("LC_ALL") or view.env.get("LANG") or "")
    if not _compiled_locales(view) and (asked or ("locales" in installed and "locales" not in before)):
        found["locales"] = "the locale that is set"
    if "musl-locales" in installed and "musl-locales" not in before:
        found["musl-locales"] = "the locale that is set"
    return found


def _compiled_locales(view: View) -> bool:
    """Tell whether there are compiled locales that no package owns: they are copied, and their sources need not come."""
    return any(view.is_new(path) and view.owner(path) is None for path in view.below("usr/lib/locale"))


def brought(view: View, installs: Iterable[Install], present: Iterable[str]) -> list[Package]:
    """Give the packages that an installation adds, dependencies included, as far as the original has them."""
    dependencies = Dependencies(view.packages.installed)
    have = set(present)
    names: set[str] = set()
    for install in installs:
        names |= {install.name, *dependencies.closure(install.name)}
    return [view.packages.installed[name] for name in sorted(names - have) if name in view.packages.installed]


def package_bytes(view: View, package: Package) -> int:
    """Give the bytes of the files that a package owns in the final file system; what dpkg says where it has none of them."""
    entries = [
        at
        for path in package.files
        if (canonical := view.canonical(path)) is not None and (at := view.entry(canonical)) is not None
    ]
    return view.table.bytes_of(entries)
