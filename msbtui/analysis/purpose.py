"""What a package or a file is for, in few words: by archive section, by name, by where languages keep their packages."""

from __future__ import annotations

import re

from msbtui.image.model import ImageConfig
from msbtui.image.package import Package

_SECTIONS = {
    **dict.fromkeys(("libs", "oldlibs"), "libraries"),
    **dict.fromkeys(("devel", "libdevel", "debug", "vcs"), "build tools"),
    **dict.fromkeys(
        ("python", "perl", "ruby", "php", "java", "javascript", "interpreters", "golang", "rust", "lisp"), "languages"
    ),
    **dict.fromkeys(("net", "web", "httpd", "database", "mail", "news", "comm"), "network and databases"),
    **dict.fromkeys(
        ("fonts", "graphics", "x11", "gnome", "kde", "video", "sound", "localization"), "fonts, graphics, languages of people"
    ),
    **dict.fromkeys(("doc",), "documentation"),
    **dict.fromkeys(("science", "math", "electronics", "hamradio", "gnu-r"), "science"),
    **dict.fromkeys(("admin", "utils", "shells", "text", "editors", "misc", "otherosfs", "metapackages"), "system and tools"),
}
"""Debian's archive sections (Debian policy 2.4)."""
_NAMES = (
    (re.compile(r".*-(dev|devel|static|dbg|dbgsym|debuginfo)"), "build tools"),
    (
        re.compile(r"(gcc|g\+\+|cpp|clang|llvm|make|cmake|binutils|autoconf|automake|libtool|git|go|rust|cargo)([-\d.].*)?"),
        "build tools",
    ),
    (re.compile(r".*-(doc|docs|man)"), "documentation"),
    (re.compile(r"(python3?|py3|perl|ruby|php\d*|nodejs|node|openjdk|java|lua|tcl)([-\d.].*)?"), "languages"),
    (re.compile(r"(font|fonts|ttf|xorg|libx11|mesa|gtk|cairo|pango)([-\d.].*)?"), "fonts, graphics, languages of people"),
    (
        re.compile(r"(nginx|httpd|apache|curl|wget|openssh|postgres|mariadb|mysql|redis|bind|openldap)([-\d.\w]*)?"),
        "network and databases",
    ),
    (re.compile(r"(lib.*|.*-libs?|glibc.*|musl.*|zlib.*)"), "libraries"),
)
_LANGUAGES = (
    (re.compile(r".*?/(?:site|dist)-packages/([^/]+)"), "Python packages"),
    (re.compile(r"(?:.*/)?node_modules/(@[^/]+/[^/]+|[^/.@][^/]*)"), "Node packages"),
    (re.compile(r"(?:.*/)?gems/([^/]+-\d[^/]*)/"), "Ruby gems"),
    (re.compile(r"(?:.*/)?vendor/bundle/(.+?)/"), "Ruby gems"),
    (re.compile(r"(?:.*/)?vendor/([a-z0-9_.-]+/[a-z0-9_.-]+)/(?:src|composer\.json|lib)"), "PHP packages"),
)
_DIST = re.compile(r"([-\w.]+?)-[^-]+\.(?:dist|egg)-info")
_DATABASES = {
    "dpkg": ("var/lib/dpkg/", "var/cache/debconf/"),
    "apt": ("var/lib/apt/",),
    "apk": ("lib/apk/", "usr/lib/apk/", "etc/apk/"),
    "rpm": ("var/lib/rpm/", "usr/lib/sysimage/", "usr/share/rpm/", "var/lib/dnf/", "var/lib/yum/"),
}
_APPLICATION = (
    "app/",
    "srv/",
    "opt/",
    "usr/src/",
    "usr/local/bin/",
    "usr/local/sbin/",
    "var/www/",
    "home/",
    "workspace/",
    "code/",
)


def purpose_of(package: Package) -> str:
    """Give what a package is for, from its section where the database has one (Debian), else from its name."""
    section = package.section.rpartition("/")[2]
    if section in _SECTIONS:
        return _SECTIONS[section]
    return next((purpose for pattern, purpose in _NAMES if pattern.fullmatch(package.name)), "system and tools")


def language_of(path: str) -> tuple[str, str] | None:
    """Give the ecosystem and the package of a file that a language's own package manager installed, or None."""
    for pattern, purpose in _LANGUAGES:
        found = pattern.match(path)
        if found is not None:
            dist = _DIST.fullmatch(found[1])
            return purpose, (dist[1] if dist is not None else found[1]).removesuffix(".py")
    return None


def database_of(path: str) -> str:
    """Give the package manager whose records a file is part of, or nothing."""
    return next((manager for manager, places in _DATABASES.items() if path.startswith(places)), "")


def is_application(path: str, config: ImageConfig) -> bool:
    """Say whether a file lies where programs of one's own usually do: the working directory, /app, /opt, /usr/local/bin."""
    workdir = config.workdir.strip("/")
    if workdir and path.startswith(workdir + "/"):
        return True
    return path.startswith(_APPLICATION) or any(path == word.strip("/") for word in (*config.entrypoint, *config.cmd))
