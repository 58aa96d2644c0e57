"""Who made a path of an image: the author, or a package's own script, which makes it again where the package is installed."""

from __future__ import annotations

import re

from msbtui.image.model import Kind
from msbtui.split.view import View
from msbtui.split.words import author_text, shell_commands

_GENERATED = re.compile(r"(etc|usr|var|lib|lib64|bin|sbin|opt/[^/]+/share)(/.*|\Z)|root/\.(ssh|gnupg|config|local)")
_KNOWN_TO_BE_MADE = re.compile(
    r"(etc|var)/.*"
    r"|usr/(local/)?share/(fonts|mime|icons|applications|info|glib-2\.0)(/.*|\Z)"
    r"|usr/(local/)?share/(ca-certificates|perl|sgml|xml|vim|doc|man)(/.*|\Z)"
    r"|root/\.(ssh|gnupg|config|local)|usr/(local/)?lib/(ssl|mime|locale|sysusers)(/.*|\Z)|usr/local/lib/python3\.\d+(/dist-packages)?"
    r"|usr/lib/python3.*/__pycache__/.*|.*/(gconv-modules|loaders|immodules|icon-theme)\.cache|usr/s?bin/policy-rc\.d|usr/lib/.*\.cache"
)
_PACKAGE_COMMANDS = frozenset(
    (  # noqa: SIM905
        "apt-get apt aptitude apk dpkg dpkg-reconfigure rm set echo export true : curl wget gpg apt-key add-apt-repository "
        "tee mkdir locale-gen update-locale ln chmod cat sh bash update-ca-certificates apt-mark find xargs sleep cd install "
        "sed printf touch"
    ).split()
)


class Makers:
    """Tells by the layers' texts and the package databases who made what."""

    def __init__(self, view: View) -> None:
        self.view = view
        self._package_layers = {
            layer
            for layer in range(view.base_layers, len(view.image.layers))
            if view.packages.added(layer) or view.packages.removed(layer) or view.packages.upgraded(layer)
        }
        self._pure: dict[int, bool] = {}

    def leads_to_package(self, path: str, kind: Kind | None) -> bool:
        """Tell whether a symlink leads to a file of a package that came with the build: what autotools put into a source tree."""
        real = self.view.real(path) if kind is Kind.SYMLINK else None
        return real is not None and self.view.is_new(real) and self.view.owner(real) is not None

    def _layer_text(self, layer: int) -> str:
        item = self.view.image.layers[layer].history
        return item.created_by if item is not None else ""

    def packages_made(self, path: str, kind: Kind | None) -> bool:
        """Tell whether a package's own script made a path that no package lists."""
        if path.startswith("usr/lib/locale/") and self.view.owner(path) is None:
            return False  # what locale-gen or localedef compiled: copied, the locales' sources need not come
        if self.view.owner_from_file(path) is not None:
            return False
        at = self.view.entry(path)
        inferable = kind is Kind.SYMLINK or "__pycache__" in path or path.startswith("var/lib/dpkg/")
        if inferable and self.view.maker(path) is not None:
            return True
        if at is None or at[0] not in self._package_layers or self._named_in_run(path, at[0]):
            return False
        if not self._only_installs(at[0]):
            # one RUN did both: what lies where programs are installed is kept, but for what packages are known to make
            return _KNOWN_TO_BE_MADE.fullmatch(path) is not None
        return _GENERATED.fullmatch(path) is not None and (kind is Kind.DIRECTORY or not path.startswith("usr/local/"))

    def _only_installs(self, layer: int) -> bool:
        """Tell whether the RUN of a layer does nothing but install packages and clean up."""
        if layer not in self._pure:
            names = {words[0].rpartition("/")[2] for words in shell_commands(author_text(self._layer_text(layer)))}
            self._pure[layer] = names <= _PACKAGE_COMMANDS
        return self._pure[layer]

    def _named_in_run(self, path: str, layer: int) -> bool:
        """Tell whether the RUN's own text names the file or the directory that it lies in."""
        text = self._layer_text(layer)
        folder = path.rpartition("/")[0]
        return f"/{path}" in text or (
            folder.count("/") >= 1 and re.search(re.escape(f"/{folder}") + r"/?(?=[\s;'\"&|]|\Z)", text) is not None
        )

    def changed_since_installed(self, path: str) -> bool:
        """Tell whether the author changed a package's file: a later layer has it, or the installing RUN names it."""
        at, owner = self.view.entry(path), self.view.owner(path)
        if at is None or owner is None:
            return False
        if at[0] not in self._package_layers:
            return True
        return path.startswith("etc/") and f"/{path}" in self._layer_text(at[0]) and owner.name in self.view.packages.installed
