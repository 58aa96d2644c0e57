"""Layers of a registry that are read by their tables of contents, and registries and tables that do not let them."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from fake_registry import FakeRegistry
from image_samples import StoredSample, digest, tar_of

from msbtui.cli import run
from msbtui.engine import open_image, tables
from msbtui.engine.layers import keep_learned
from msbtui.engine.recording import read_recording, write_recording
from msbtui.errors import Cancelled, TargetError
from msbtui.image.cache import LayerCache
from msbtui.image.compress import open_layer
from msbtui.image.packages import read_packages
from msbtui.image.parts import PartContents
from msbtui.image.table import FileTable
from msbtui.image.toc import CHUNKED, ESTARGZ

DATA = Path(__file__).parent.parent / "data/toc"
FORMS = ("estargz", "estargz-small", "zstd", "skopeo")


def plain(blob):
    stream, data = open_layer(blob), b""
    while piece := stream.read(1 << 20):
        data += piece
    return data


def stored(form):
    return (DATA / f"{form}.blob").read_bytes(), json.loads((DATA / f"{form}.json").read_text())


def sample_of(*layers):
    return StoredSample(layers=[plain(blob) for blob, _ in layers], stored=list(layers))


def look(registry, cache, home, **more):
    return open_image(registry.name, cache=cache, environ=home, **more)


def ranges(registry, blob):
    return [headers.get("Range") for path, headers in registry.asked if path == registry.blob_path(digest(blob))]


@pytest.mark.parametrize("form", FORMS)
def test_a_layer_is_read_by_range_requests_alone(form, cache, home, tmp_path):
    sample = sample_of(stored(form))
    with FakeRegistry(sample).running() as fake:
        image = look(fake, cache, home)
        asked = ranges(fake, sample.blobs[0])
        assert asked and None not in asked
        layer = image.layers[0]
        assert isinstance(layer.contents, PartContents)
        assert not layer.verified and not image.verified
        assert image.notes == ["1 layer was read by table of contents, not whole; --verify-digests reads all"]
        assert (layer.digest, layer.stored_size) == (digest(sample.blobs[0]), len(sample.blobs[0]))

        whole = look(fake, LayerCache(tmp_path / "other"), home, verify=True)
        assert whole.verified and not whole.notes
        tables = [FileTable([one.layers[0].entries]) for one in (image, whole)]
        assert tables[0].size == tables[1].size
        assert tables[0].paths == tables[1].paths
        found = [read_packages(one, table).installed for one, table in zip((image, whole), tables, strict=True)]
        assert found[0] == found[1] and found[0]
        tool = layer.entries.paths.index("usr/bin/tool")
        assert layer.contents.elf(tool) == whole.layers[0].contents.elf(tool)


def test_contents_are_fetched_after_the_image_was_opened_and_then_kept(cache, home):
    sample = sample_of(stored("zstd"))
    with FakeRegistry(sample).running() as fake:
        image = look(fake, cache, home)
        layer = image.layers[0]
        before = len(fake.asked)
        found = layer.contents.digest(layer.entries.paths.index("usr/share/numbers"))
        programs = layer.contents.programs()
        assert len(fake.asked) > before
        keep_learned(image, cache)
        fake.asked.clear()
        again = look(fake, cache, home).layers[0]
        assert again.contents.digest(again.entries.paths.index("usr/share/numbers")) == found
        assert again.contents.programs() == programs
        assert not fake.count("blobs") and fake.count("manifests/latest") == 1
        other = again.entries.paths.index("usr/bin/script")
        assert again.contents.text(other) == b"#!/bin/sh\necho hi\n"


def test_what_was_read_whole_before_answers_first(cache, home):
    sample = sample_of(stored("estargz"))
    with FakeRegistry(sample).running() as fake:
        look(fake, cache, home, verify=True)
        fake.asked.clear()
        assert look(fake, cache, home).verified
        assert not ranges(fake, sample.blobs[0])


def test_a_layer_by_its_table_is_not_kept_as_the_layer(cache, home):
    blob, annotations = stored("estargz")
    sample = sample_of((blob, annotations))
    with FakeRegistry(sample).running() as fake:
        look(fake, cache, home)
        assert cache.get(sample.diff_ids[0]) is None
    # another manifest that names the same blob, but another table in it
    with FakeRegistry(sample_of((blob, {ESTARGZ: digest(b"x")}))).running() as fake:
        assert look(fake, cache, home).verified
        assert None in ranges(fake, blob)


LIES = {
    "no ranges": ("estargz", {}, "the registry gives whole layers only"),
    "another digest": ("estargz", {ESTARGZ: digest(b"")}, "it does not hash to what the manifest says"),
    "no digest": ("estargz", {ESTARGZ: "no"}, "cannot be understood"),
    "another checksum": ("zstd", {f"{CHUNKED[0]}manifest-checksum": digest(b"")}, "it does not hash to what the manifest says"),
    "outside": ("zstd", {f"{CHUNKED[0]}manifest-position": f"{1 << 50}:9:9:1"}, "it should lie outside the layer"),
    "huge": ("skopeo", {f"{CHUNKED[1]}manifest-position": f"0:9:{1 << 50}:1"}, "it is larger than 128 MiB"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_table_of_no_use_is_said_and_the_layer_read_whole(lie, cache, home):
    form, changes, says = LIES[lie]
    blob, annotations = stored(form)
    sample = sample_of((blob, {**annotations, **changes}), (tar_of({"a": b"b"}), {}))
    with FakeRegistry(sample).running() as fake:
        fake.ranges = lie != "no ranges"
        image = look(fake, cache, home)
        assert image.verified
        assert len(image.notes) == 1
        assert image.notes[0].startswith(f"the table of contents of layer {digest(blob)[:19]} was not used: ")
        assert says in image.notes[0]
        assert None in ranges(fake, blob)


def damaged(blob, at):
    return blob[:at] + bytes([blob[at] ^ 0x55]) + blob[at + 1 :]


@pytest.mark.parametrize("form", FORMS)
def test_a_damaged_piece_makes_the_whole_be_read_and_its_digest_names_the_blob(form, cache, home):
    blob, annotations = stored(form)
    sample = sample_of((blob, annotations))
    with FakeRegistry(sample).running() as fake:
        contents = look(fake, cache, home).layers[0].contents
        chunk = contents._table().chunks[contents.index.paths.index("var/lib/dpkg/status")][0]
        cache.clear()
        fake.blobs[digest(blob)] = damaged(blob, chunk.start + 20)
        with pytest.raises(TargetError, match=digest(blob)) as caught:
            look(fake, cache, home)
        assert caught.value.exit_code == 4


def test_pieces_that_cannot_be_had_later_are_an_error_and_no_guess(cache, home):
    sample = sample_of(stored("zstd"))
    with FakeRegistry(sample).running() as fake:
        image = look(fake, cache, home)
        fake.ranges = False
        contents = image.layers[0].contents
        with pytest.raises(TargetError, match="whole layers only"):
            contents.digest(contents.index.paths.index("usr/share/numbers"))
        fake.ranges = True
        fake.blobs.clear()
        with pytest.raises(TargetError, match="does not have it"):
            contents.digest(contents.index.paths.index("usr/share/numbers"))


def test_a_part_that_breaks_off_is_taken_up_again(cache, home):
    blob, annotations = stored("estargz")
    sample = sample_of((blob, annotations))
    with FakeRegistry(sample).running() as fake:
        fake.breaks_after[fake.blob_path(digest(blob))] = 20_000
        image = look(fake, cache, home)
        assert len(image.notes) == 1 and "read by table of contents" in image.notes[0]
        asked = ranges(fake, blob)
        assert len(asked) > 2 and None not in asked


@pytest.mark.parametrize("zeros", [0, 512, 9216])
def test_a_writer_that_left_out_the_zeros_at_the_end(cache, home, zeros):
    blob, annotations = stored("skopeo")
    sample = StoredSample(layers=[plain(blob) + bytes(zeros)], stored=[(blob, annotations)])
    with FakeRegistry(sample).running() as fake:
        assert look(fake, cache, home, verify=True).verified
    sample.layers[0] += b"x"
    with FakeRegistry(sample).running() as fake, pytest.raises(TargetError, match="does not hold what its diff id"):
        look(fake, cache, home, verify=True)


def test_cancelling_ends_it(cache, home):
    sample = sample_of(stored("zstd"))
    cancel = threading.Event()
    with FakeRegistry(sample).running() as fake:
        image = look(fake, cache, home, cancel=cancel)
        cancel.set()
        with pytest.raises(Cancelled):
            image.layers[0].contents.programs()


def test_pieces_that_cannot_be_had_while_waste_is_looked_for_are_one_line(capsys, monkeypatch):
    def broken(self, start, end):
        raise TargetError("the pieces are gone", where=self.where)

    monkeypatch.setattr(tables._Parts, "open", broken)
    monkeypatch.setattr(PartContents, "prefetch", lambda self: None)
    with FakeRegistry(sample_of(stored("zstd"))).running() as fake:
        assert run(["inspect", fake.name, "-q"]) == 4
    said = capsys.readouterr()
    assert said.err.count("\n") == 1 and "the pieces are gone" in said.err
    assert not said.out


def test_a_recording_fetches_what_is_missing_in_few_requests(cache, home, tmp_path):
    sample = sample_of(stored("estargz"))
    with FakeRegistry(sample).running() as fake:
        image = look(fake, cache, home)
        fake.asked.clear()
        write_recording(image, None, tmp_path / "a")
        assert 0 < len(ranges(fake, sample.blobs[0])) < 10
        write_recording(look(fake, cache, home, verify=True), None, tmp_path / "b")
    found = [read_recording(tmp_path / name).image.layers[0] for name in "ab"]
    assert found[0].entries.paths == found[1].entries.paths
    for entry in range(len(found[0].entries)):
        assert found[0].contents.digest(entry) == found[1].contents.digest(entry)
        assert found[0].contents.elf(entry) == found[1].contents.elf(entry)


def test_many_digests_are_not_asked_for_one_by_one(cache, home):
    sample = sample_of(stored("zstd"))
    with FakeRegistry(sample).running() as fake:
        contents = look(fake, cache, home).layers[0].contents
        fake.asked.clear()
        assert all(contents.digest(entry) for entry, kind in enumerate(contents.index.kinds) if kind == 0)
        assert len(ranges(fake, sample.blobs[0])) < 25
