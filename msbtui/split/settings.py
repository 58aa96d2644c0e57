"""What the author's commands changed in the settings of packages: where the runtime stage installs these, it is done again.

The packages' own scripts make these settings, so neither a COPY of new files nor the layers tell what a RUN took away from them.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterator

import msgspec

from msbtui.image.model import Kind
from msbtui.split.view import View, relative
from msbtui.split.words import Words, author_text, shell_commands

_TOOLS = {
    "a2enmod": ("apache2", "mods", True),
    "a2dismod": ("apache2", "mods", False),
    "a2ensite": ("apache2", "sites", True),
    "a2dissite": ("apache2", "sites", False),
    "a2enconf": ("apache2", "conf", True),
    "a2disconf": ("apache2", "conf", False),
    "lighty-enable-mod": ("lighttpd", "conf", True),
    "lighty-disable-mod": ("lighttpd", "conf", False),
    "phpenmod": ("php-common", "", True),
    "phpdismod": ("php-common", "", False),
}
"""Command -> the package it belongs to, the kind of settings, and whether it turns them on."""
_SETTINGS = re.compile(r"/(etc|var/www|usr/share/nginx)/.+")
_PLAIN = re.compile(r"[\w.+-]+")
_ENABLED = re.compile(
    r"etc/(apache2/(?:mods|sites|conf)-enabled|lighttpd/conf-enabled|php/[^/]+/[^/]+/conf\.d)/(?:\d+-)?(.+?)\.(?:load|conf|ini)"
)


class Settings(msgspec.Struct, frozen=True):
    """Commands to run again after the packages are installed, and the links that they make."""

    deletions: tuple[str, ...] = ()
    """Arguments of one `rm -rf`: what packages bring and the author deleted."""
    switches: tuple[str, ...] = ()
    """The packages' own commands, in the author's order; they come after the copies, which may bring what they turn on."""
    links: frozenset[str] = frozenset()
    """Paths that the switches make."""


def changed_settings(view: View, arriving: Collection[str]) -> Settings:
    """Give what to do again, by the RUNs above the base; `arriving` are the names of the packages that are installed anew."""
    deletions: list[str] = []
    switches: list[str] = []
    named: dict[str, set[str]] = {"apache2": set(), "lighttpd": set(), "php-common": set()}
    for words in _commands(view):
        name = words[0].rpartition("/")[2]
        arguments = [word for word in words[1:] if not word.startswith("-")]
        if name in ("rm", "unlink"):
            deletions += [word for word in arguments if _deleted(view, word, arriving)]
        elif arguments and name in _TOOLS and _TOOLS[name][0] in arriving and all(map(_PLAIN.fullmatch, words[1:])):
            switches.append(" ".join((name, *words[1:])))
            if _TOOLS[name][2]:
                named[_TOOLS[name][0]] |= {word.removesuffix(".conf").removesuffix(".load") for word in arguments}
    links = frozenset(
        path
        for folder, package in (("etc/apache2", "apache2"), ("etc/lighttpd", "lighttpd"), ("etc/php", "php-common"))
        for path in view.below(folder)
        if view.kind(path) is Kind.SYMLINK and (match := _ENABLED.fullmatch(path)) is not None and match[2] in named[package]
    )
    return Settings(tuple(dict.fromkeys(deletions)), tuple(dict.fromkeys(switches)), links)


def delete_command(settings: Settings) -> str:
    """Give the command for the deletions; patterns stay patterns."""
    words = [word if re.fullmatch(r"[\w./+*?@%:-]+", word) else shlex.quote(word) for word in settings.deletions]
    return f"rm -rf {' '.join(words)}"


def _commands(view: View) -> Iterator[Words]:
    for layer in view.image.layers[view.base_layers :]:
        if layer.history is not None:
            yield from shell_commands(author_text(layer.history.created_by), view.env)


def _deleted(view: View, word: str, arriving: Collection[str]) -> bool:
    """Tell whether a word of an `rm` names what an arriving package puts into its own directory, and what is gone."""
    if not _SETTINGS.fullmatch(word) or "$" in word:
        return False
    path = relative(word.rstrip("/"))
    if view.exists(path) or ("*" not in word and "?" not in word and view.canonical(path) is not None and view.exists(path)):
        return False
    folder = view.real(path.rpartition("/")[0])
    if folder is None or not view.is_dir(folder):
        return False
    owner = view.owner(folder)
    return owner is not None and owner.name in arriving
