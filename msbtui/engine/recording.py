"""Recordings: an image's index and the few facts of its contents that analysis needs, in one small file (`msbtui record`).

What makes a machine or a secret known is left out or masked: see `msbtui.engine.masking` and `msbtui.engine.recorded_texts`.
"""

from __future__ import annotations

import fnmatch
import os
import posixpath
import re
import tempfile
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from msbtui.engine.events import LayerRead, OnEvent, Opened, ignore
from msbtui.engine.masking import mask, mask_variable, without_variables
from msbtui.engine.recorded_texts import recorded_text
from msbtui.engine.recording_format import (
    VERSION,
    BaseRecord,
    Document,
    LayerRecord,
    columns_of,
    contents_of,
    index_of,
    pack,
    unpack,
)
from msbtui.engine.target import missing, unreadable
from msbtui.errors import TargetError
from msbtui.image.facts import MappedContents, StoredContents
from msbtui.image.model import ElfFacts, HistoryItem, Image, ImageConfig, Kind, Layer, LayerIndex
from msbtui.image.parts import PartContents
from msbtui.text import printable, size

_FILE_LIMIT = 256 << 20
_LISTED = 40


class Recording(msgspec.Struct):
    """A recording, read back."""

    image: Image
    dockerfile: str | None
    """The Dockerfile's text, where it was recorded."""
    dockerfile_path: str
    context: list[str]
    """Names in the build context, where they were recorded."""
    left_out: list[str]
    """In words: what was left out or masked."""
    bases: dict[str, BaseRecord]
    """Images that this one is built on, by name."""


def record(
    image: Image,
    dockerfile_text: str | None = None,
    *,
    dockerfile_path: str = "Dockerfile",
    context: Iterable[str] = (),
    leave_out_paths: Collection[str] = (),
    leave_out_env: Collection[str] = (),
    bases: Mapping[str, BaseRecord] | None = None,
) -> Document:
    """Give what a recording of `image` holds.

    `leave_out_paths` are globs of paths without a leading slash (`*` also matches `/`); what lies below a match, and
    symlinks to it, go too. `leave_out_env` names variables that go from the environment and the history. Secrets are masked
    in any case. `bases`: what the engine knows the image to be built on.
    """
    left: dict[str, int] = defaultdict(int)
    matcher = _matcher(leave_out_paths)
    kept = [_kept(layer.entries, matcher) for layer in image.layers]
    left["entries left out by name"] = sum(len(layer.entries) - len(some) for layer, some in zip(image.layers, kept, strict=True))
    stored = [_stored(layer) for layer in image.layers]
    groups = _groups(image, stored, kept)
    names = {path for layer in image.layers for path in _with_parents(layer.entries.paths)}
    texts: dict[bytes, int] = {}
    layers = []
    for layer, facts, keep, same in zip(image.layers, stored, kept, groups, strict=True):
        place = {entry: number for number, entry in enumerate(keep)}
        record = LayerRecord(
            diff_id=layer.diff_id, digest=layer.digest, stored_size=layer.stored_size, history_index=layer.history_index,
            verified=layer.verified, columns=columns_of(layer.entries, keep), same={place[n]: group for n, group in same.items()},
            unknown=[place[n] for n in keep if layer.entries.kinds[n] == Kind.FILE and facts.digest(n) is None],
            elves={place[n]: _trimmed(elf, names) for n, elf in facts.elves.items() if n in place}, texts={},
            secrets={place[n]: what for n, what in facts.secrets.items() if n in place},
        )  # fmt: skip
        for entry, text in facts.texts.items():
            if entry in place:
                shown = recorded_text(layer.entries.paths[entry], text, image.config)
                if shown is None:
                    left["texts left out, of which analysis needs nothing or which look private"] += 1
                else:
                    record.texts[place[entry]] = texts.setdefault(shown, len(texts))
        layers.append(record)
    config, history = _masked(image.config, image.history, leave_out_env, left)
    dockerfile = None if dockerfile_text is None else mask(dockerfile_text, leave_out_env)
    left["lines masked in the Dockerfile"] = _differing(dockerfile_text or "", dockerfile or "")
    return Document(
        version=VERSION, name=image.name, image_id=image.id, platform=image.platform, created=image.created, source="",
        notes=list(image.notes), config=config, history=history, layers=layers, texts=list(texts), dockerfile=dockerfile,
        dockerfile_path=dockerfile_path, context=list(context),
        left_out=[f"{count:,} {what}" for what, count in left.items() if count],
        bases={
            name: BaseRecord(base.diff_ids, base.config and _masked(base.config, (), leave_out_env, defaultdict(int))[0])
            for name, base in (bases or {}).items()
        },
    )  # fmt: skip


def _matcher(globs: Collection[str]) -> re.Pattern[str] | None:
    if not globs:
        return None
    return re.compile("|".join(rf"(?:{fnmatch.translate(glob.strip('/'))[:-2]}(?:/.*)?)\Z" for glob in globs), re.DOTALL)


def _kept(index: LayerIndex, matcher: re.Pattern[str] | None) -> list[int]:
    """Give the entries that stay: neither left out by name, nor symlinks that lead to what is."""
    if matcher is None:
        return list(range(len(index)))
    gone = {path for path in index.paths if matcher.match(path)}
    while True:
        more = {
            index.paths[entry]
            for entry, link in index.links.items()
            if index.paths[entry] not in gone and ((target := _leads_to(index, entry, link)) in gone or matcher.match(target))
        }
        if not more:
            return [entry for entry, path in enumerate(index.paths) if path not in gone]
        gone |= more


def _leads_to(index: LayerIndex, entry: int, link: str) -> str:
    if index.kinds[entry] == Kind.HARD_LINK:
        return link
    return posixpath.normpath(posixpath.join("/", posixpath.dirname(index.paths[entry]), link)).lstrip("/")


def _stored(layer: Layer) -> StoredContents:
    contents = layer.contents
    if isinstance(contents, PartContents):
        contents.fetch_all()
    if isinstance(contents, StoredContents):
        return contents
    if isinstance(contents, MappedContents):
        return contents.gather()
    return StoredContents(layer.entries)


def _groups(image: Image, stored: Sequence[StoredContents], kept: Sequence[Sequence[int]]) -> list[dict[int, int]]:
    """Give, per layer and entry, the number of its group, for files that are equal to another of the image."""
    members: dict[tuple[int, str], list[tuple[int, int]]] = defaultdict(list)
    for number, (layer, facts, keep) in enumerate(zip(image.layers, stored, kept, strict=True)):
        entries = layer.entries
        for entry in keep:
            if entries.kinds[entry] == Kind.FILE and entries.sizes[entry] and (digest := facts.digest(entry)) is not None:
                members[entries.sizes[entry], digest].append((number, entry))
    result: list[dict[int, int]] = [{} for _ in image.layers]
    for group, equal in enumerate(equal for equal in members.values() if len(equal) > 1):
        for number, entry in equal:
            result[number][entry] = group
    return result


def _with_parents(paths: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for path in paths:
        while path and path not in found:
            found.add(path)
            path = path.rpartition("/")[0]
    return found


def _trimmed(elf: ElfFacts, names: Collection[str]) -> ElfFacts:
    """Give the facts without paths that name nothing in the image: they tell of the machine that compiled."""

    def known(paths: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(path for path in paths if not path.startswith("/") or path.strip("/") in names)

    # A RUNPATH that leads nowhere still turns the RPATH off (ld.so(8)).
    rpath = known(elf.rpath) if not elf.runpath else ()
    return msgspec.structs.replace(elf, paths=known(elf.paths), rpath=rpath, runpath=known(elf.runpath))


def _masked(
    config: ImageConfig, history: Sequence[HistoryItem], names: Collection[str], left: dict[str, int]
) -> tuple[ImageConfig, list[HistoryItem]]:
    def clean(text: str) -> str:
        return mask(without_variables(text, names))

    env = tuple(mask_variable(one) for one in config.env if one.partition("=")[0] not in names)
    left["variables left out of the environment"] = len(config.env) - len(env)
    cleaned = msgspec.structs.replace(
        config, env=env, entrypoint=tuple(map(mask, config.entrypoint)), cmd=tuple(map(mask, config.cmd)),
        labels={key: mask_variable(f"{key.rpartition('.')[2]}={text}").partition("=")[2] for key, text in config.labels.items()},
        onbuild=tuple(map(clean, config.onbuild)),
    )  # fmt: skip
    items = [msgspec.structs.replace(item, created_by=clean(item.created_by), comment=mask(item.comment)) for item in history]
    kept_env = [one for one in config.env if one.partition("=")[0] not in names]
    left["values masked in the environment"] = sum(old != new for old, new in zip(kept_env, env, strict=True))
    left["instructions of the history with something masked or left out"] = sum(
        old.created_by != new.created_by for old, new in zip(history, items, strict=True)
    )
    return cleaned, items


def _differing(old: str, new: str) -> int:
    before, after = old.splitlines(), new.splitlines()
    return sum(a != b for a, b in zip(before, after, strict=False)) + abs(len(before) - len(after))


def contents_listing(document: Document) -> list[str]:
    """Give, line by line, what a recording holds, to be read before it is written or mailed."""
    entries = sum(len(layer.columns.shared) for layer in document.layers)
    variables = ", ".join(one.partition("=")[0] for one in document.config.env) or "empty"
    elves = sum(len(layer.elves) for layer in document.layers)
    lines = [
        f"image {document.name}, {document.platform}: {len(document.layers)} layers, "
        f"{entries:,} names with kind, size, owner and time",
        f"history: {len(document.history)} instructions; environment: {variables}",
        f"facts of {elves:,} programs and libraries; contents of no other binary file",
    ]
    kept: dict[str, list[int]] = defaultdict(list)
    for layer in document.layers:
        paths = index_of(layer.columns).paths
        for entry, text in layer.texts.items():
            kept[_kind_of_text(paths[entry])].append(len(document.texts[text]))
    listed = sorted(kept.items())
    lines += [f"text {name}: {len(sizes):,} times, {size(sum(sizes))}" for name, sizes in listed[:_LISTED]]
    if len(listed) > _LISTED:
        lines.append(f"and texts of {len(listed) - _LISTED:,} more names")
    if document.dockerfile is not None:
        lines.append(f"{document.dockerfile_path}: {len(document.dockerfile.splitlines())} lines")
    if document.context:
        lines.append(f"names of {len(document.context):,} files of the build context")
    return lines + document.left_out


def _kind_of_text(path: str) -> str:
    folder, _, name = path.rpartition("/")
    if folder == "var/lib/dpkg/info":
        return "var/lib/dpkg/info/*.list"
    return f"*.dist-info/{name}" if folder.endswith((".dist-info", ".egg-info")) else path


def write_recording(
    image: Image,
    dockerfile_text: str | None,
    path: str | os.PathLike[str],
    *,
    dockerfile_path: str = "Dockerfile",
    context: Iterable[str] = (),
    leave_out_paths: Collection[str] = (),
    leave_out_env: Collection[str] = (),
    bases: Mapping[str, BaseRecord] | None = None,
    before_writing: Callable[[list[str]], None] = lambda _: None,
) -> int:
    """Write a recording of `image` (see `record`) to `path` and give its bytes; `before_writing` hears what it holds.

    Raises `TargetError` where the file cannot be written; what was there before stays then.
    """
    document = record(
        image,
        dockerfile_text,
        dockerfile_path=dockerfile_path,
        context=context,
        leave_out_paths=leave_out_paths,
        leave_out_env=leave_out_env,
        bases=bases,
    )
    before_writing(contents_listing(document))
    data = pack(document)
    # A link is followed and a device or pipe written to: to replace these would take them away.
    target = Path(os.path.realpath(path))
    try:
        if os.path.exists(path) and not os.path.isfile(path):
            Path(path).write_bytes(data)
            return len(data)
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
            file.write(data)
        try:
            os.chmod(file.name, 0o666 & ~_umask())
            os.replace(file.name, target)
        except OSError:
            os.unlink(file.name)
            raise
    except OSError as error:
        raise TargetError(
            f"cannot be written: {(error.strerror or 'error').lower()}",
            where=printable(str(path)),
            hint="name a file in a folder of yours",
        ) from error
    return len(data)


def _umask() -> int:
    current = os.umask(0o077)
    os.umask(current)
    return current


def read_recording(path: str | os.PathLike[str], *, on_event: OnEvent = ignore) -> Recording:
    """Read a recording. Raises `TargetError` for what is not there, is none, or is damaged."""
    where = printable(os.fspath(path))
    try:
        with open(path, "rb") as file:
            data = file.read(_FILE_LIMIT + 1)
    except OSError as error:
        raise (
            missing(os.fspath(path)) if isinstance(error, FileNotFoundError) else unreadable(error, os.fspath(path))
        ) from error
    if len(data) > _FILE_LIMIT:
        raise TargetError("is larger than any recording", where=where, hint="make it again with msbtui record")
    document = unpack(data, where)
    try:
        image = _image(document, where, on_event)
    except (ValueError, IndexError, OverflowError, TypeError) as error:
        raise TargetError(
            f"is a damaged recording: {printable(str(error))}", where=where, hint="make it again with msbtui record"
        ) from error
    return Recording(image, document.dockerfile, document.dockerfile_path, document.context, document.left_out, document.bases)


def open_recording(path: str, *, on_event: OnEvent = ignore) -> Image:
    """Read the image of a recording, and tell of it as of any other image."""
    return read_recording(path, on_event=on_event).image


def _image(document: Document, where: str, on_event: OnEvent) -> Image:
    image = Image(
        name=printable(document.name), id=document.image_id, platform=printable(document.platform), config=document.config,
        history=tuple(document.history), layers=[], source=f"recording {where}", created=document.created, notes=document.notes,
    )  # fmt: skip
    on_event(Opened(image))
    for number, record in enumerate(document.layers):
        entries = index_of(record.columns)
        item = record.history_index
        if item is not None and not 0 <= item < len(document.history):
            raise ValueError("a layer names an instruction that is not there")
        layer = Layer(
            index=number, diff_id=record.diff_id, entries=entries,
            contents=contents_of(record, entries, document.texts, document.image_id, number),
            digest=record.digest, stored_size=record.stored_size, history=None if item is None else document.history[item],
            history_index=item, verified=record.verified,
        )  # fmt: skip
        image.layers.append(layer)
        on_event(LayerRead(layer))
    return image
