"""`docs`: manuals, documentation and translations. Licences and copyright files are never named."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msbtui.analysis.waste.kind import Draft, WasteKind
from msbtui.analysis.waste.scene import Scene

_PLACES = ("usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/gtk-doc", "usr/share/lintian", "usr/local/share/doc")
_MORE = ("usr/local/share/man", "usr/local/share/info", "usr/local/man")
_LEGAL = re.compile(r"(?i)(.*[-_.])?(copyright|licen[cs]es?|notice|copying|copyrights|patents|authors)([-_.].*)?")


def find(scene: Scene) -> Iterator[Draft]:
    """Give one draft for each layer."""
    files = [
        file
        for place in (*_PLACES, *_MORE, *_locales(scene))
        for file in scene.below(place)
        if not _LEGAL.fullmatch(file.name) and file.path not in scene.needs.files
    ]
    for layer, group in scene.by_layer({file.pid: file for file in files}.values()):
        yield Draft(layer, [file.key for file in group], "", "B", subject="Manuals, documentation and translations")


def _locales(scene: Scene) -> tuple[str, ...]:
    """Translations are in use where the environment asks for a language."""
    languages = (scene.env.get(name, "") for name in ("LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES"))
    plain = all(re.fullmatch(r"(?i)|(C|POSIX|en(_US)?)([.@].*)?", language) for language in languages)
    return ("usr/share/locale",) if plain else ()


KIND = WasteKind(
    id="docs",
    title="Documentation and translations",
    explanation="Nobody reads manuals in a container. Package managers install them unless they are told not to.",
    advice="Start from a -slim base, or tell dpkg before installing: `path-exclude /usr/share/doc/*` in /etc/dpkg/dpkg.cfg.d.",
    find=find,
)
