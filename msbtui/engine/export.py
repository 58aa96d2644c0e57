"""An image in an engine: read from the cache where its layers are known, else from the engine's export while it streams by.

`GET /images/NAME/get` gives what `docker save` writes. Docker before 25 (moby, image/tarexport/save.go) writes the legacy
layout, a layer's `<id>/layer.tar` long before the `manifest.json` that says which layer it is; later ones and the containerd
store write an OCI layout whose blobs come before the manifest that gives their media type. So a layer is told by its
content, and placed by the diff id that its bytes hash to, which the engine's inspect has promised.
"""

from __future__ import annotations

import posixpath
import threading
import time
from collections.abc import Callable, Mapping

from msbtui.engine import outer, waiting
from msbtui.engine.attestation import read_attestation
from msbtui.engine.choose import Found, by_platform, manifests_below
from msbtui.engine.docker import Engine, EngineImageDetails, MissingError, connect
from msbtui.engine.events import LayerRead, OnEvent, Opened, Progress
from msbtui.engine.history import layer_history
from msbtui.engine.layers import Hashing, Keeper, Peeked, read_stream
from msbtui.engine.manifest import (
    JSON_LIMIT,
    Configuration,
    Descriptor,
    SavedImage,
    check_digest,
    decode,
    decode_config,
    is_configuration,
    sha256_of,
    wrong_digest,
)
from msbtui.engine.platforms import distance
from msbtui.errors import TargetError
from msbtui.image.compress import compression
from msbtui.image.model import Contents, Image, Layer, LayerIndex
from msbtui.text import printable, size

_LINKS = 16
_HEAD = 512
_DOCUMENTS = 64 << 20
"""Bytes of manifests and configurations that are kept of one export."""
_MEMBERS, _LAYERS = 1 << 16, 4096
"""Members that an export may have, and layers among them: of other platforms too, but more than any image has of all."""
_LONGER, _LEAST = 64, 1 << 30
"""How often an export may be as long as the engine says that the image is, or as this many bytes."""
_PREPARES = 20e6
"""Bytes a second that the slowest engine prepares before the first byte comes: Docker before 25 writes a copy first."""
_WORTH_SKIPPING = 1 << 20
"""Bytes: a smaller layer is read again rather than told from another by its length alone."""
_TOLD_EVERY = 0.1


def open_in_engine(
    name: str,
    *,
    platform: str | None,
    on_event: OnEvent,
    cancel: threading.Event | None,
    keeper: Keeper,
    environ: Mapping[str, str] | None,
    engine: Engine | None = None,
) -> Image:
    """Give the image `name` of the engine that `environ` names.

    Nothing is exported where the cache has all layers. Layers are given out in order as soon as they are read. Raises
    `TargetError` (no engine, no such image, an engine that freezes, dies or does not keep its word; layers read by then are
    in the cache) and `Cancelled`.
    """
    engine = engine or connect(environ, cancel=cancel)
    details = engine.inspect(name)
    reading = _Reading(name, details, engine, on_event, cancel, keeper)
    if platform and distance(details.platform, platform) is None:
        if details.keeps_manifests:  # with the containerd store an image may be there for several platforms
            return reading.for_platform(platform)
        raise TargetError(
            f"is for {details.platform}, not {printable(platform)}",
            where=printable(name),
            hint="pull or build it for that platform",
        )
    reading.open()
    # Layers may be known from another image. Which instruction made which is then told by the API, which does not always know,
    # and never tells of the attestations that may lie beside it.
    if not reading.complete or reading.unsure:
        reading.export(skip=True)
    if not reading.complete:  # two layers of one length: what was passed over was not the one that is known
        reading.export(skip=False)
    return reading.finish()


class _Reading:
    """The state of reading one image."""

    def __init__(
        self,
        name: str,
        details: EngineImageDetails,
        engine: Engine,
        on_event: OnEvent,
        cancel: threading.Event | None,
        keeper: Keeper,
    ) -> None:
        self._name = printable(name)
        self._details = details
        self._engine = engine
        self._on_event = on_event
        self._cancel = cancel
        self._keeper = keeper
        self._wanted = details.diff_ids
        self._known: dict[str, tuple[LayerIndex, Contents]] = {}
        self._packed: dict[str, tuple[str, int]] = {}
        self._documents: dict[str, bytes] = {}
        self._sums: dict[str, str] = {}
        self._links: dict[str, tuple[str, str]] = {}
        self._told = 0.0
        self._passed_over: set[int] = set()
        self._config: Configuration | None = None
        self._manifest: Found | None = None
        self._config_id = details.id
        self.image = Image(
            name=self._name, id=details.id, platform=details.platform, config=details.config, history=details.history, layers=[],
            source=f"engine {engine.name}", created=details.created, notes=[],
        )  # fmt: skip

    @property
    def complete(self) -> bool:
        """Whether every layer is there."""
        return len(self.image.layers) == len(self._wanted)

    @property
    def unsure(self) -> bool:
        """Whether only the export can say what made the layers: by its configuration, or by what the builder noted beside it."""
        return self._config is None and (bool(self.image.notes) or self._details.keeps_manifests)

    def open(self) -> None:
        """Tell what is known before a layer is read, and give out the layers that the cache has."""
        self._configure(self._keeper.document)
        self._places, note = layer_history(self.image.history, len(self._wanted))
        self.image.notes = [note] if note else []
        self._on_event(Opened(self.image))
        for diff_id in dict.fromkeys(self._wanted):
            waiting.check(self._cancel)
            known = self._keeper.layer(diff_id)
            if known is not None:
                self._known[diff_id] = known
                self._place()

    def _place(self) -> None:
        """Give out the next layers, as far as they are known."""
        layers = self.image.layers
        while len(layers) < len(self._wanted) and (known := self._known.get(self._wanted[len(layers)])) is not None:
            number = len(layers)
            diff_id = self._wanted[number]
            place = self._places[number]
            digest, stored = self._packed.get(diff_id, (None, None))
            layer = Layer(
                index=number, diff_id=diff_id, entries=known[0], contents=known[1], digest=digest, stored_size=stored,
                history=None if place is None else self.image.history[place], history_index=place, verified=True,
            )  # fmt: skip
            layers.append(layer)
            self._on_event(LayerRead(layer))

    def _configure(self, read: Callable[[str], bytes | None]) -> None:
        """Take the configuration from documents that lead to it from the engine's id: it knows more than the API tells."""
        if self._config is not None:
            return
        where = self._name
        data = read(self._details.id)
        if data is None:
            return
        config_id = self._details.id
        chain = [data]
        if not is_configuration(data, where):

            def kept(digest: str) -> bytes | None:
                below = read(digest)
                chain.extend([below] if below is not None else [])
                return below

            found = manifests_below(Descriptor(self._details.id), kept, where)
            if not found:
                return
            one = by_platform(found, self._details.platform or None, lambda _: self._details.platform, where)
            if one.manifest.config is None or (config_data := kept(one.manifest.config.digest)) is None:
                return
            self._manifest = one
            config_id, data = one.manifest.config.digest, config_data
            stored = one.manifest.layers or []
            for diff_id, layer in zip(self._wanted, stored, strict=False):
                if len(stored) == len(self._wanted) and layer.size is not None:
                    self._packed.setdefault(diff_id, (layer.digest, layer.size))
        config = decode_config(data, where)
        if tuple(config.diff_ids) != self._wanted:
            raise TargetError(
                "the engine's export and its inspect disagree on the layers",
                where=where,
                hint="the image changed meanwhile: try again",
            )
        for document in chain:
            self._keeper.keep_document(document)
        self._config, self._config_id = config, config_id
        self._attest()
        self._apply(config)

    def _attest(self, *, finally_: bool = False) -> bool:
        """Take what the builder noted of the build; tell whether that is settled: all of it was there, or no more will come."""
        if self._manifest is None or not self._manifest.beside or self.image.attestation is not None:
            return True
        layers = [descriptor.digest for descriptor in self._manifest.manifest.layers or ()]
        missing = False

        def read(digest: str) -> bytes | None:
            nonlocal missing
            data = self._documents.get(digest) or self._keeper.document(digest)
            missing = missing or data is None
            if data is not None:
                self._keeper.keep_document(data)
            return data

        found = read_attestation(self._manifest.beside, self._manifest.digest, layers, read)
        if not missing or finally_:
            self.image.attestation = found
        return not missing

    def _apply(self, config: Configuration) -> None:
        image = self.image
        image.id, image.platform, image.config, image.history = self._config_id, config.platform, config.clean(), config.history
        image.created = printable(config.created or "") or image.created
        self._places, note = layer_history(image.history, len(self._wanted))
        image.notes = [note] if note else []
        for layer, place in zip(image.layers, self._places, strict=False):
            layer.history_index = place
            layer.history = None if place is None else image.history[place]
            digest, stored = self._packed.get(layer.diff_id, (None, None))
            layer.digest, layer.stored_size = layer.digest or digest, layer.stored_size or stored

    # the export

    def for_platform(self, platform: str) -> Image:
        """Give the image for a platform that is not the engine's: only the whole export tells whether it is there."""
        from msbtui.engine.archive import open_members
        from msbtui.engine.request import Request
        from msbtui.engine.streamed import PassedBy

        self._wanted = ()
        passed = PassedBy(self._name, self._keeper)

        def take(tar: outer.OuterTar) -> None:
            for member in tar:
                passed.take(member, tar.content, self._cancel)

        self._stream(take)
        image = open_members(passed, "", Request(platform, self._on_event, self._cancel, self._keeper))
        image.name, image.source = self._name, self.image.source
        return image

    def export(self, *, skip: bool) -> None:
        """Read the engine's export until everything is there; with `skip`, pass over what the cache seems to know."""
        lengths = {entries.tar_size for entries, _ in self._known.values()}
        self._passed_over = {length for length in lengths if length >= _WORTH_SKIPPING}
        self._stream(lambda tar: self._members(tar, skip))
        if not self.complete and not skip:
            raise self._incomplete()

    def _stream(self, take: Callable[[outer.OuterTar], None]) -> None:
        """Let `take` have the export as it comes. Raises `TargetError`, also for all that can break."""
        engine, details = self._engine, self._details
        pump = engine.export(
            details.id if not details.tags else self._reference(),
            patience=self._patience,
            on_silence=self._silence,
            on_bytes=self._bytes,
        )
        self._pump = pump
        try:
            take(outer.OuterTar(pump))
        except (outer.DamagedTarError, OSError, waiting.SilentError) as error:
            raise self._broken(error) from error
        except MissingError as error:
            raise TargetError(
                f"vanished from {engine.name}", where=self._name, hint="it was removed or tagged anew: try again"
            ) from error
        except Exception as error:
            if type(error).__module__.split(".")[0] in (
                "urllib3",
                "http",
                "docker",
            ):  # the connection's own errors, under three roofs
                raise self._broken(error) from error
            raise
        finally:
            pump.close()

    def _reference(self) -> str:
        """Give what to export: the name as asked, unless it was an id."""
        return (
            self._name
            if self._name.partition("@")[0] in self._details.tags or f"{self._name}:latest" in self._details.tags
            else self._details.id
        )

    def _patience(self) -> float:
        base = self._engine.patience
        return base if self._pump_total else base + self._details.size / _PREPARES

    @property
    def _pump_total(self) -> int:
        pump: waiting.Pump | None = getattr(self, "_pump", None)
        return pump.total if pump is not None else 0

    def _silence(self, seconds: float) -> None:
        base = self._engine.patience
        self._on_event(
            Progress(
                f"waiting for the engine to export {self._name} ({seconds:.0f} s without a byte)",
                self._pump_total,
                self._details.size or None,
            )
        )
        if seconds > base * 0.8 and not self._engine.alive():
            raise waiting.SilentError

    def _bytes(self, total: int) -> None:
        if total > _LONGER * max(self._details.size, _LEAST):
            raise self._endless("is far longer than the image")
        now = time.monotonic()
        if now - self._told >= _TOLD_EVERY:
            self._told = now
            self._on_event(
                Progress(
                    f"reading {self._name} from the engine", total, max(total, self._details.size) if self._details.size else None
                )
            )

    def _broken(self, error: BaseException) -> TargetError:
        if isinstance(error, waiting.SilentError):
            after = size(self._pump_total)
            what = f"the engine stopped answering: no byte for {self._engine.patience:g} s, after {after} of the export"
        else:
            what = f"the engine broke off the export after {size(self._pump_total)}"
        kept = sum(diff_id in self._known for diff_id in dict.fromkeys(self._wanted))
        return TargetError(
            f"{what}; {kept} of {len(set(self._wanted))} layers are read and kept" if self._wanted else what,
            where=self._name,
            hint="see that the engine runs, then try again: it goes on from there",
        )

    def _endless(self, what: str) -> TargetError:
        return TargetError(f"its export {what}", where=self._name, hint="this is no image that a builder wrote")

    def _members(self, tar: outer.OuterTar, skip: bool) -> None:
        kept = layers = 0
        for number, member in enumerate(tar):
            waiting.check(self._cancel)
            if number >= _MEMBERS:
                raise self._endless("holds more files than any image's")
            if member.kind in ("symlink", "hardlink"):
                self._links[member.name] = (member.kind, member.link)
                continue
            if member.kind != "file" or not member.size:
                continue
            content = Peeked(tar.content, min(_HEAD, member.size))
            if outer.is_document(content.head):
                if member.size > JSON_LIMIT:
                    continue
                kept += member.size
                if kept > _DOCUMENTS:
                    raise self._endless("holds more manifests than any image has")
                self._document(member.name, b"".join(iter(lambda c=content: c.read(1 << 20), b"")))  # type: ignore[misc]
            elif outer.is_layer(content.head):
                layers += 1
                if layers > _LAYERS:
                    raise self._endless("holds more layers than any image has")
                self._layer(member, content, skip)
            if self.complete and self._config is not None and self._attest():
                return

    def _document(self, name: str, data: bytes) -> None:
        self._documents[name] = data
        digest = outer.blob_digest(name)
        if digest:
            check_digest(data, digest, self._name)
            self._documents[digest] = data
        elif len(name) == 69 and name.endswith(".json"):  # the legacy layout names a configuration by its digest
            check_digest(data, f"sha256:{name[:64]}", self._name)
            self._documents[f"sha256:{name[:64]}"] = data
        if self._details.id in self._documents:
            self._configure(self._documents.get)

    def _layer(self, member: outer.Member, content: Peeked, skip: bool) -> None:
        digest = outer.blob_digest(member.name)
        packed = compression(content.head) != "plain"
        if skip and self._is_known(member, digest, packed):
            if packed:
                return
            hashing = Hashing(content, self._cancel)
            hashing.drain()
            self._sums[member.name] = hashing.digest
            return
        where = f"{self._name}: {printable(member.name)}"
        reading = read_stream(content, where=where, cancel=self._cancel)
        if digest and digest != reading.digest:
            raise wrong_digest(digest, self._name)
        self._sums[member.name] = reading.diff_id
        self._keeper.keep_layer(reading)
        if digest:
            self._keeper.link(digest, reading.diff_id)
        if reading.diff_id in self._wanted:
            self._known.setdefault(reading.diff_id, (reading.entries, reading.contents))
            if digest:
                self._packed.setdefault(reading.diff_id, (digest, reading.size))
            self._place()

    def _is_known(self, member: outer.Member, digest: str, packed: bool) -> bool:
        """Tell whether this member seems to be a layer that is known: by its blob's digest, or a plain one by its length."""
        if packed:
            return bool(digest) and self._keeper.layer_of(digest) in self._known
        return member.size in self._passed_over

    def _incomplete(self) -> TargetError:
        """Give the error for an export that ended without a layer that inspect promised: which blob is not what it should be."""
        missing = next(number for number, diff_id in enumerate(self._wanted) if diff_id not in self._known)
        saved: list[SavedImage] = []
        if "manifest.json" in self._documents:
            saved = decode(self._documents["manifest.json"], list[SavedImage], "manifest.json", self._name)
        for one in saved:
            names = one.layers or []
            if missing < len(names) and len(names) == len(self._wanted):
                name = self._resolved(names[missing])
                if name in self._sums:
                    what = f"layer {printable(name)} does not hold what its diff id {self._wanted[missing][:19]} says"
                    return TargetError(
                        what, where=self._name, hint="the engine's store is damaged: pull or build the image again"
                    )
        return TargetError(
            f"the engine's export ended without layer {missing} ({self._wanted[missing][:19]})",
            where=self._name,
            hint="pull or build the image again",
        )

    def _resolved(self, name: str) -> str:
        name = outer.tidy(name)
        for _ in range(_LINKS):
            if name not in self._links:
                break
            kind, link = self._links[name]
            name = outer.tidy(posixpath.join(posixpath.dirname(name), link) if kind == "symlink" else link)
        return name

    def finish(self) -> Image:
        """Give the image, with what the export said beyond the API."""
        if self._config is None and self._documents:
            self._configure(self._from_manifest)
        self._attest(finally_=True)
        return self.image

    def _from_manifest(self, digest: str) -> bytes | None:
        """Give the configuration that `manifest.json` names, for engines whose id leads nowhere in their export."""
        if digest in self._documents or "manifest.json" not in self._documents:
            return self._documents.get(digest)
        for one in decode(self._documents["manifest.json"], list[SavedImage], "manifest.json", self._name):
            data = self._documents.get(outer.tidy(one.config))
            if data is not None and tuple(decode_config(data, self._name).diff_ids) == self._wanted:
                self._config_id = sha256_of(data)
                return data
        return None
