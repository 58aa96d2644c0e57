"""Packages that came as files of their own (`dpkg -i x.deb`, `apt-get install ./x.deb`): no archive has them to install again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msbtui.image.model import Layer
from msbtui.image.package import Package
from msbtui.image.packages import Packages
from msbtui.split.installs import is_build_package

_FROM_FILE = re.compile(r"\bdpkg\b[^;&|]*\s(-[a-zA-Z]*i[a-zA-Z]*|--install)\s|\bgdebi\b|\b(install|add)\b[^;&|]*\.deb\b")
_ASKED = re.compile(r"\b(?:apt(?:-get)?|aptitude)\b[^;&|]*?\binstall\b([^;&|]*)")


def from_files(layers: Sequence[Layer], packages: Packages, base_layers: int) -> frozenset[str]:
    """Give the names of the packages that a RUN installed from a file: somebody wanted them, and no list of names has them.

    dpkg records nothing of where a package came from (deb(5), dpkg(1)); what apt was asked for by name came from an archive,
    and what it took along for that counts as automatic.
    """
    return frozenset(package.name for layer in range(base_layers, len(layers)) for package in _of_layer(layers, packages, layer))


def _of_layer(layers: Sequence[Layer], packages: Packages, layer: int) -> Iterator[Package]:
    item = layers[layer].history
    text = item.created_by if item is not None else ""
    if not _FROM_FILE.search(text):
        return
    asked = {re.split(r"[=:/]", word, maxsplit=1)[0] for match in _ASKED.finditer(text) for word in match[1].split()}
    for package in packages.added(layer):
        if package.manager == "dpkg" and package.manual and package.name not in asked and not is_build_package(package):
            yield package
