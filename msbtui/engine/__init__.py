"""Where images and builds come from: engines, archives, recordings, BuildKit. The only room that imports docker."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from msbtui.engine.events import LayerRead, OnEvent, Opened, Progress, ignore
from msbtui.engine.target import Target, recognise
from msbtui.errors import TargetError
from msbtui.image.model import Image
from msbtui.text import printable

if TYPE_CHECKING:
    from msbtui.image.cache import LayerCache

__all__ = ["LayerRead", "OnEvent", "Opened", "Progress", "Target", "open_image", "recognise"]


def open_image(
    ref: str | Target,
    *,
    platform: str | None = None,
    on_event: OnEvent | None = None,
    cancel: threading.Event | None = None,
    cache: LayerCache | None = None,
    environ: Mapping[str, str] | None = None,
    verify: bool = False,
    plain_http: bool = False,
) -> Image:
    """Read the image that `ref` names: of an engine or registry, an archive, a layout or a recording (see `recognise`).

    `on_event` hears, in the calling thread, `Opened` once (configuration and history known, no layer yet), `Progress` in
    bytes and a `LayerRead` per layer from the base up. `cache` defaults to the user's. `environ` (default: the process's)
    names the engine and the credentials for registries. `plain_http` allows a registry without TLS elsewhere than on this
    machine. `verify` hashes also what lies on disk uncompressed, of which a first look reads headers only. Raises
    `TargetError` (one clear line), `Cancelled` soon after `cancel` is set. Layers read before either stay in the cache.
    """
    target = recognise(ref) if isinstance(ref, str) else ref
    tell = on_event or ignore
    if target.kind == "dockerfile":
        raise TargetError(
            "is a Dockerfile, no image", where=printable(target.path), hint="name the image that was built from it with --image"
        )
    if target.kind == "recorded":
        from msbtui.engine.platforms import require
        from msbtui.engine.recording import open_recording

        def tell_fitting(event: Opened | Progress | LayerRead) -> None:
            if isinstance(event, Opened):
                require(event.image.platform, platform, printable(target.path))
            tell(event)

        return open_recording(target.path, on_event=tell_fitting)
    from msbtui.engine.layers import Keeper
    from msbtui.engine.request import Request
    from msbtui.image.cache import LayerCache

    keeper = Keeper(cache if cache is not None else LayerCache())
    request = Request(platform, tell, cancel, keeper, verify, plain_http)
    if target.kind == "docker-archive":
        from msbtui.engine.archive import open_archive

        return open_archive(target.path, target.name, request)
    if target.kind == "oci-dir":
        from msbtui.engine.ocidir import open_oci_dir

        return open_oci_dir(target.path, target.name, request)
    if target.kind == "registry":
        from msbtui.engine.registry import open_registry

        return open_registry(target.name, request, environ)
    from msbtui.engine.export import open_in_engine

    if target.podman:
        from msbtui.engine.host import podman_environ

        environ = podman_environ(os.environ if environ is None else environ)
    return open_in_engine(target.name, platform=platform, on_event=tell, cancel=cancel, keeper=keeper, environ=environ)
