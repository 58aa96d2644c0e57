"""Images of the engine that may serve as a runtime base, and the well-known names to ask for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from msbtui.image.model import Image
from msbtui.image.packages import Packages
from msbtui.image.table import FileTable
from msbtui.split.view import View


class SiblingFacts:
    """An image of the engine that may serve as the runtime base: what it holds, to prove that it fits."""

    def __init__(self, ref: str, image: Image, table: FileTable, packages: Packages) -> None:
        self.ref = ref
        self.image = image
        self.table = table
        self.packages = packages
        self.view = View(image, table, packages)
        self.size = table.size
        """Bytes of all its layers."""


class Reference:
    """An image reference taken apart: `registry/name:tag@digest` (distribution/reference, normalize.go)."""

    def __init__(self, text: str) -> None:
        rest, _, self.digest = text.partition("@")
        head, slash, tail = rest.rpartition("/")
        name, _, self.tag = tail.partition(":")
        self.prefix = head + slash
        """Registry and folders as written, with the last slash; empty for a plain name."""
        self.name = name

    @property
    def official(self) -> bool:
        """Tell whether it names one of Docker's official images, whose tags follow known patterns."""
        return self.prefix in ("", "library/", "docker.io/", "docker.io/library/", "index.docker.io/library/")

    def with_tag(self, tag: str, name: str | None = None) -> str:
        """Give the reference of another tag (and name) at the same place, without a digest."""
        return f"{self.prefix}{name or self.name}:{tag}"


def names_of(diff_ids: Sequence[str], known: Mapping[str, Sequence[str]]) -> list[str]:
    """Give the engine's names of the image with just these layers (`known`: name -> diff ids): official and exact ones first."""
    found = [name for name, ids in known.items() if diff_ids and tuple(ids) == tuple(diff_ids)]
    return sorted(
        found, key=lambda name: (not Reference(name).official, -len(re.findall(r"\d+", Reference(name).tag)), len(name), name)
    )


_CODENAMES = r"(?:bullseye|bookworm|trixie|forky|sid|buster|stretch|jessie)"
_SLIM_LANGUAGES = frozenset(("python", "node", "ruby", "perl", "debian", "openjdk", "rust", "swift", "elixir", "erlang"))


def language_siblings(ref: str) -> list[str]:
    """Give the smaller official images of the same language, version and release as `ref`, smallest first.

    Only tags that the official images publish (docker-library/official-images, library/*); empty for every other name.
    """
    reference = Reference(ref)
    tag = reference.tag or "latest"
    if re.search(r"(^|-)(slim|alpine|jre)", tag) or "windows" in tag or "nanoserver" in tag:
        return []
    if reference.name in _SLIM_LANGUAGES:
        return [reference.with_tag(f"{tag}-slim" if reference.name in ("node", "debian") and tag != "latest" else _slim_tag(tag))]
    if reference.name in ("eclipse-temurin", "ibm-semeru-runtimes", "sapmachine"):
        return [reference.with_tag(re.sub(r"\bjdk\b", "jre", tag))] if re.search(r"\bjdk\b", tag) else []
    if reference.name in ("maven", "gradle") and (found := re.search(r"eclipse-temurin-(\d+)|jdk(\d+)", tag)):
        return [reference.with_tag(f"{found[1] or found[2]}-jre", "eclipse-temurin")]
    return []


def _slim_tag(tag: str) -> str:
    """Give the slim form of a tag: `3.11` -> `3.11-slim`, `3.11-bookworm` -> `3.11-slim-bookworm`, `latest` -> `slim`."""
    if tag == "latest":
        return "slim"
    with_release = re.fullmatch(rf"(.+)-({_CODENAMES})", tag)
    return f"{with_release[1]}-slim-{with_release[2]}" if with_release else f"{tag}-slim"


def release_bases(release: dict[str, str]) -> list[str]:
    """Give the smallest official image of the distribution release that os-release names; empty where it names none we know."""
    system, version, codename = release.get("ID", ""), release.get("VERSION_ID", ""), release.get("VERSION_CODENAME", "")
    if system == "debian" and re.fullmatch(r"[a-z]+", codename):
        return [f"debian:{codename}-slim"]
    if system == "ubuntu" and re.fullmatch(r"\d\d\.\d\d", version):
        return [f"ubuntu:{version}"]
    if system == "alpine" and (minor := re.match(r"\d+\.\d+", version)):
        return [f"alpine:{minor[0]}"]
    return []
