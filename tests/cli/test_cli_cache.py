"""`msbtui cache`, and the options that concern how an image is read."""

from __future__ import annotations

import json

import pytest
from fake_registry import FakeRegistry
from image_samples import Sample, write_tar

from msbtui.cli import load, run


@pytest.fixture
def archive(tmp_path):
    return str(write_tar(tmp_path / "image.tar", Sample().oci()))


def shown(capsys, *words):
    assert run(["cache", *words]) == 0
    return capsys.readouterr().out


def test_the_cache_is_shown_and_cleared(archive, capsys):
    assert "holds 0 layers" in shown(capsys)
    assert run(["inspect", archive, "-q", "--verify-digests"]) == 0
    capsys.readouterr()
    said = json.loads(shown(capsys, "--json"))
    assert said["layers"] == 3
    assert said["layer_bytes"] > 0 and said["document_bytes"] > 0
    assert "holds 3 layers" in shown(capsys, "show")
    cleared = json.loads(shown(capsys, "clear", "--json"))
    assert cleared == {**said, "cleared": True}
    assert "holds 0 layers, 0 B, and 0 small documents, 0 B" in shown(capsys)
    assert "cleared 0 layers" in shown(capsys, "clear")


def test_a_cache_that_cannot_be_cleared_says_so(archive, capsys, monkeypatch):
    assert run(["inspect", archive, "-q", "--verify-digests"]) == 0
    capsys.readouterr()

    def refuse(path, missing_ok=False):
        raise PermissionError(13, "Read-only file system", str(path))

    with monkeypatch.context() as read_only:
        read_only.setattr("pathlib.Path.unlink", refuse)
        assert run(["cache", "clear"]) == 4
    said = capsys.readouterr()
    assert "nothing could be removed" in said.err and said.err.count("\n") == 1 and not said.out
    assert "cleared 3 layers" in shown(capsys, "clear")


def test_an_unknown_word_is_wrong_usage(capsys):
    assert run(["cache", "burn"]) == 2
    assert "show" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["app", "inspect", "split", "fix", "check", "record", "graph"])
def test_every_command_that_opens_an_image_reads_it_by_the_same_options(name):
    words = {word for option in load(name).params for word in option.opts}
    assert {"--platform", "--verify-digests", "--plain-http"} <= words
    assert name == "record" or {"--image", "--target", "--build-arg", "--build-context"} <= words


def test_digests_are_verified_when_asked_for(tmp_path, capsys):
    sample = Sample()
    members = sample.legacy()
    members[f"{1:064x}/layer.tar"] = sample.layers[1].replace(b"int main", b"int mean")
    archive = str(write_tar(tmp_path / "image.tar", members))
    assert run(["inspect", archive, "--json", "-q"]) == 0
    assert json.loads(capsys.readouterr().out)["image"]["verified"] is False
    assert run(["inspect", archive, "--verify-digests", "-q"]) == 4
    assert f"{1:064x}/layer.tar does not hold what its diff id" in capsys.readouterr().err


def test_an_image_of_a_registry(capsys):
    with FakeRegistry(Sample()).running() as registry:
        assert run(["inspect", registry.name, "--json", "-q"]) == 0
        assert json.loads(capsys.readouterr().out)["image"]["verified"] is True
        assert run(["inspect", f"registry:{registry.host}/none", "-q"]) == 4
        assert capsys.readouterr().err.count("\n") == 1
