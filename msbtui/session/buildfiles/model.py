"""One build that a bake or compose file describes."""

from __future__ import annotations

from pathlib import Path

import msgspec


class BuildTarget(msgspec.Struct, frozen=True):
    """A target of a bake file or a service of a compose file, with everything resolved that could be."""

    name: str
    context: str
    """The folder of the build context as it is written, below the file's own folder; or a URL."""
    dockerfile: str
    """The Dockerfile as it is written, below the context."""
    inline: str | None = None
    """The Dockerfile's own text, where it stands in the file."""
    stage: str | None = None
    """`target`: the stage that is built."""
    args: dict[str, str] = {}
    contexts: dict[str, str] = {}
    platforms: tuple[str, ...] = ()
    unresolved: tuple[str, ...] = ()
    """What could not be resolved from the file alone: attributes by name, with the reason."""
    folder: Path = Path()
    """The folder of the file."""

    @property
    def is_remote(self) -> bool:
        """Whether the context is no folder of this machine."""
        return "://" in self.context or self.context.startswith("git@")

    @property
    def path(self) -> Path:
        """Give the Dockerfile's place on disk."""
        return self.folder / self.context / self.dockerfile
