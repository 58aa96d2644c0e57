"""`docs`: manuals, documentation and translations. Licences and copyright files are never named."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msbtui.analysis.waste.kind import Draft, WasteKind
from msbtui.analysis.waste.scene import Scene
from msbtui.image.lastparts import may_hold
from msbtui.regex import regex

_PLACES = ("usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/gtk-doc", "usr/local/share/doc")
_MORE = ("usr/share/lintian", "usr/share/i18n", "usr/local/share/man", "usr/local/share/info", "usr/local/man")
_LEGAL = regex(r"(?i)(.*[-_.])?(copyright|licen[cs]es?|notice|copying|copyrights|patents|authors)([-_.].*)?")
_LEGAL_WORDS = ("copyright", "licen", "notice", "copying", "patents", "authors")
"""One of them is in every name that matches."""


def find(scene: Scene) -> Iterator[Draft]:
    """Give one draft for each layer."""
    names, found = scene.names, list[int]()
    for place in (*_PLACES, *_MORE, *_locales(scene), *_of_gems(scene)):
        found += scene.below(place)
    legal = {pid for pid in may_hold(scene.table.paths, found, _LEGAL_WORDS) if _LEGAL.fullmatch(names[pid])}
    if legal:
        found = [pid for pid in found if pid not in legal]
    for layer, rows in scene.by_layer(found):
        yield Draft(layer, rows, "B", subject="Manuals, documentation and translations")


def _of_gems(scene: Scene) -> Iterator[str]:
    """What RubyGems makes of the comments in sources, beside what it installs (Gem::RequestSet, `--no-document`)."""
    for directory in scene.directories_named("doc"):
        home = scene.table.paths[directory].rpartition("/")[0]
        if scene.is_directory(f"{home}/specifications") and scene.is_directory(f"{home}/gems"):
            yield f"{home}/doc"


def _locales(scene: Scene) -> tuple[str, ...]:
    """Translations are in use where the environment asks for a language."""
    languages = (scene.env.get(name, "") for name in ("LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES"))
    plain = all(re.fullmatch(r"(?i)|(C|POSIX|en(_US)?)([.@].*)?", language) for language in languages)
    return ("usr/share/locale",) if plain else ()


KIND = WasteKind(
    id="docs",
    title="Documentation and translations",
    explanation="Nobody reads manuals in a container. Package managers install them unless they are told not to.",
    advice=(
        "Start from a -slim base, or tell dpkg before installing: `path-exclude /usr/share/doc/*` in /etc/dpkg/dpkg.cfg.d; "
        "gem install --no-document."
    ),
    find=find,
    spares_below=True,
)
